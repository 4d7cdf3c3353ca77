#include "client/bosh_body.h"

#include "base/codec.h"
#include "base/crypt.h"
#include "base/num.h"
#include "base/rand.h"
#include "xmpp/xml.h"

static const struct mn_xml_limits limits = {16 << 20, 257, 256};
/* A time that a connection manager names is at most a day; a number of requests it allows is not
 * more than that. */
enum { SECONDS_MAX = 86400, REQUESTS_MAX = 16 };

static mn_str prefixed(const struct mn_elem *e, const char *name)
{
    for (unsigned i = 0; i < e->attr_count; i++)
        if (mn_str_is(e->attrs[i].name, name) && mn_str_is(e->attrs[i].ns_uri, "urn:xmpp:xbosh"))
            return e->attrs[i].value;
    return (mn_str){0};
}

static uint64_t number(const struct mn_elem *e, const char *name, uint64_t otherwise)
{
    uint64_t n;

    return mn_num_parse(mn_elem_get(e, name), UINT64_MAX, &n) ? n : otherwise;
}

static int64_t seconds(const struct mn_elem *e, const char *name)
{
    uint64_t n = number(e, name, 0);

    return (int64_t)(n < SECONDS_MAX ? n : SECONDS_MAX) * 1000;
}

static void creation(const struct mn_elem *e, struct bosh_answer *out)
{
    uint64_t most = number(e, "requests", 2);

    out->sid = mn_elem_get(e, "sid");
    out->requests = most < 1 ? 1 : most < REQUESTS_MAX ? most : REQUESTS_MAX;
    out->wait = seconds(e, "wait");
    out->polling = seconds(e, "polling");
    out->inactivity = seconds(e, "inactivity");
    out->polls = most < 2 || !out->wait || !number(e, "hold", 1);
    out->legacy = !mn_elem_get(e, "ver").p;
    /* A server from before RFC 3920 sends its id, and no features (XEP-0206). */
    out->has_version = prefixed(e, "version").p || mn_elem_first(e) || !mn_elem_get(e, "authid").p;
    out->acks = mn_elem_get(e, "ack").p;
}

int bosh_answer_parse(mn_str text, struct mn_arena *a, struct bosh_answer *out)
{
    struct mn_elem *e;
    int code = mn_xml_parse(mn_xml_undeclared(text), &limits, a, &e);
    mn_str type;

    *out = (struct bosh_answer){0};
    if (code)
        return code;
    if (!mn_elem_is(e, MN_NS_BOSH, "body"))
        return MN_E_FORMAT;
    type = mn_elem_get(e, "type");
    out->body = e;
    if (mn_elem_get(e, "sid").n)
        creation(e, out);
    out->ack = number(e, "ack", 0);
    out->report = number(e, "report", 0);
    out->time = (int64_t)(number(e, "time", 0) & INT32_MAX);
    out->terminates = mn_str_is(type, "terminate");
    out->repeat = mn_str_is(type, "error");
    out->condition = mn_elem_get(e, "condition");
    return MN_E_OK;
}

void bosh_attr(struct mn_buf *b, const char *name, mn_str value)
{
    if (!value.n)
        return;
    mn_buf_fmt(b, " %s='", name);
    mn_buf_xml(b, value, true);
    mn_buf_c(b, '\'');
}

void bosh_number(struct mn_buf *b, const char *name, uint64_t value)
{
    mn_buf_fmt(b, " %s='", name);
    mn_buf_u64(b, value);
    mn_buf_c(b, '\'');
}

void bosh_payload_add(struct mn_buf *b, mn_str bytes)
{
    static const mn_str stanzas[] = {{"<iq", 3}, {"<message", 8}, {"<presence", 9}};

    for (size_t i = 0; i < MN_COUNT(stanzas); i++) {
        size_t n = stanzas[i].n;

        if (mn_str_starts(bytes, stanzas[i]) && bytes.n > n && strchr(" />", bytes.p[n]) &&
            !mn_str_starts(mn_str_skip(bytes, n), MN_STR(" xmlns="))) {
            mn_buf_str(b, stanzas[i]);
            mn_buf_lit(b, " xmlns='jabber:client'");
            bytes = mn_str_skip(bytes, n);
        }
    }
    mn_buf_str(b, bytes);
}

/* Keys. */

static mn_str hashed(mn_str hex, struct mn_arena *a, unsigned char out[MN_DIGEST_MAX])
{
    size_t n = mn_digest_of(MN_SHA1, &hex, 1, out);

    return mn_hex(mn_str_make(out, n), a);
}

/* K(1) is of a random seed, K(n) of K(n-1). */
static mn_str sequence(struct bosh_keys *k, struct mn_arena *a)
{
    unsigned char digest[MN_DIGEST_MAX];
    uint64_t lot = mn_rand_u64();
    unsigned n = MN_COUNT(k->keys) / 2 + (unsigned)(lot % (MN_COUNT(k->keys) / 2));
    mn_str key = mn_rand_text(a, 40);

    for (k->left = 0; k->left < n; k->left++) {
        key = hashed(key, a, digest);
        memcpy(k->keys[k->left], digest, sizeof k->keys[0]);
    }
    k->left--; /* K(n) is announced, K(n-1) shown first */
    return key;
}

void bosh_keys_add(struct bosh_keys *k, bool first, struct mn_buf *b)
{
    struct mn_arena a = {0};

    if (!first)
        bosh_attr(b, "key", mn_hex(mn_str_make(k->keys[--k->left], sizeof k->keys[0]), &a));
    if (!k->left)
        bosh_attr(b, "newkey", sequence(k, &a));
    mn_arena_done(&a, NULL);
}
