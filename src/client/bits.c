#include "mynah/bits.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/codec.h"
#include "base/crypt.h"
#include "base/err.h"
#include "client/client.h"

#define NS_BOB "urn:xmpp:bob"

enum { TEXT_MAX = (1 << 20) / 3 * 4 };

static mn_str name_of(const char *cid)
{
    mn_str text = mn_str_from(cid), scheme = MN_STR("cid:");

    return mn_str_starts(text, scheme) ? mn_str_skip(text, scheme.n) : text;
}

/* "sha1+...@bob.xmpp.org"; a name of another kind proves nothing, and promises nothing. */
static bool is_whole(mn_str name, mn_str bytes)
{
    static const struct {
        const char *name;
        enum mn_digest digest;
    } rows[] = {{"sha1", MN_SHA1}, {"sha-256", MN_SHA256}, {"sha-512", MN_SHA512}};
    mn_str rest, hash, host, algo = mn_str_cut(name, '+', &rest);
    struct mn_arena a = {0};
    char sum[MN_DIGEST_MAX];
    bool same = true;

    hash = mn_str_cut(rest, '@', &host);
    for (size_t i = 0; mn_str_is(host, "bob.xmpp.org") && i < MN_COUNT(rows); i++)
        if (mn_str_eq_nocase(algo, mn_str_from(rows[i].name)))
            same = mn_str_eq_nocase(
                hash, mn_hex((mn_str){sum, mn_digest_of(rows[i].digest, &bytes, 1, sum)}, &a));
    mn_arena_done(&a, NULL);
    return same;
}

/* Base64, with the white space that XML may have in it. */
static int decoded(const char *text, struct mn_arena *a, mn_str *out)
{
    struct mn_buf b = {0};
    int e;

    for (; *text; text++)
        if (!strchr(" \t\r\n", *text))
            mn_buf_c(&b, *text);
    e = b.n > TEXT_MAX ? MN_E_LIMIT : mn_base64_parse(mn_buf_view(&b), a, out);
    mn_buf_free(&b);
    return e;
}

static bool data_read(const struct mynah_elem *data, mn_str name, struct mn_arena *a,
                      struct mynah_bits *out)
{
    uint64_t age;
    mn_str bytes;

    if (!*mynah_elem_text(data) || decoded(mynah_elem_text(data), a, &bytes) ||
        !is_whole(name, bytes))
        return false;
    *out = (struct mynah_bits){bytes.p, bytes.n, mynah_elem_get(data, "type"), -1};
    if (elem_number(data, "max-age", INT32_MAX, &age))
        out->max_age = (int)age;
    return true;
}

static bool bits_find(const struct mynah_elem *around, mn_str name, struct mn_arena *a,
                      struct mynah_bits *out)
{
    *out = (struct mynah_bits){.max_age = -1};
    MYNAH_EACH(data, around, "data", NS_BOB)
    if (mn_str_eq(mn_str_from(mynah_elem_get(data, "cid")), name))
        return data_read(data, name, a, out);
    return false;
}

bool mynah_bits_read(const struct mynah_elem *around, const char *cid, struct mynah_bits *out)
{
    struct mn_arena a = {0};
    bool found = bits_find(around, name_of(cid), &a, out);

    if (found)
        out->bytes = mn_str_dup((mn_str){out->bytes, out->count});
    mn_arena_done(&a, NULL);
    return found;
}

struct wanted {
    char *cid;
    mynah_bits_done *done;
    void *arg;
};

static void came(void *arg, struct mynah_client *c, const struct mynah_elem *result,
                 const struct mynah_error *error)
{
    struct wanted *w = arg;
    const struct mynah_error none = {.code = MYNAH_E_FORMAT, .xml = result};
    struct mynah_bits bits;
    struct mn_arena a = {0};
    bool found = bits_find(result, name_of(w->cid), &a, &bits);

    w->done(w->arg, c, found ? &bits : NULL, found ? NULL : error ? error : &none);
    mn_arena_done(&a, NULL);
    mn_free(w->cid);
    mn_free(w);
}

struct mynah_request *mynah_bits_get(struct mynah_client *c, const char *jid, const char *cid,
                                     mynah_bits_done *done, void *arg)
{
    struct mynah_elem *data = mynah_elem_new("data", NS_BOB);
    struct wanted *w = MN_NEW(struct wanted);

    *w = (struct wanted){mn_str_dup(name_of(cid)), done, arg};
    mynah_elem_set(data, "cid", w->cid);
    return mynah_iq_send(c, MYNAH_GET, jid, &data, 0, came, w);
}
