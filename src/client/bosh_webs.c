/* The connections of a session: opened when they are needed, kept while the server keeps them, all
 * of them to one place that shows one certificate. */
#include "base/clock.h"
#include "base/err.h"
#include "client/bosh_parts.h"
#include "mynah/base.h"

enum { MOVES_MAX = 3 };

static const struct web_face web_face;

static struct web *web_open(struct bosh *b)
{
    return web_new(b->ctx, &b->plan->way, b->plan->tls, &b->url, b->cert[0] ? b->cert : NULL,
                   &web_face, b);
}

struct web *bosh_web_free(struct bosh *b)
{
    for (size_t i = 0; i < b->web_count; i++)
        if (web_is_idle(b->webs[i]))
            return b->webs[i];
    return b->web_count < WEBS_MAX ? (b->webs[b->web_count++] = web_open(b)) : NULL;
}

struct web *bosh_web_take(struct bosh *b)
{
    for (size_t i = 0; i < b->web_count; i++)
        if (web_is_idle(b->webs[i])) {
            struct web *w = b->webs[i];

            b->webs[i] = b->webs[--b->web_count];
            return w;
        }
    return web_open(b);
}

struct body *bosh_web_drop(struct bosh *b, struct web *w)
{
    size_t n = 0;
    struct body *had = NULL;

    for (size_t i = 0; i < b->web_count; i++)
        if (b->webs[i] != w)
            b->webs[n++] = b->webs[i];
    b->web_count = n;
    web_close(w, 0);
    MN_LIST_EACH(at, &b->bodies)
    {
        struct body *x = MN_OF(at, struct body, link);

        if (x->web == w) {
            x->web = NULL;
            had = x;
        }
    }
    return had;
}

void bosh_webs_close(struct bosh *b)
{
    while (b->web_count)
        web_close(b->webs[--b->web_count], 0);
    MN_LIST_EACH(n, &b->bodies)
    MN_OF(n, struct body, link)->web = NULL;
}

void bosh_webs_leave(struct bosh *b, int64_t linger_ms)
{
    MN_LIST_EACH(n, &b->bodies)
    {
        struct body *x = MN_OF(n, struct body, link);

        if (x->web && !x->polls)
            web_close(x->web, linger_ms); /* is closed once more, to no effect */
    }
    bosh_webs_close(b);
}

void bosh_move(struct bosh *b, mn_str address)
{
    bool was_tls = b->url.tls;

    mn_free(b->address);
    b->address = mn_str_dup(address);
    if (mn_url_parse(mn_str_from(b->address), &b->url)) {
        bosh_fail(b, MYNAH_E_CONNECT, NULL, "BOSH has no such address");
    } else if (!b->url.tls && (was_tls || !b->plan->plain)) {
        bosh_fail(b, MYNAH_E_TLS, NULL, "BOSH would be without encryption");
    } else if (b->url.tls && !b->plan->tls) {
        bosh_fail(b, MYNAH_E_TLS, NULL, "BOSH would be with encryption");
    } else if (b->moves++ > MOVES_MAX) {
        bosh_fail(b, MYNAH_E_CONNECT, NULL, "BOSH is sent from place to place");
    } else {
        bosh_webs_close(b);
        bosh_bodies_free(b);
        b->cert[0] = 0;
        b->webs[b->web_count++] = web_open(b);
    }
}

static void opened(void *arg, struct web *w)
{
    struct bosh *b = arg;
    struct mn_arena a = {0};
    struct mn_cert_seen seen = {0};

    if (b->sid || !mn_list_empty(&b->bodies))
        return; /* another one: it has shown the same certificate */
    if (b->url.tls)
        mn_conn_cert(web_conn(w), &a, &seen);
    snprintf(b->cert, sizeof b->cert, "%.*s", MN_ARG(seen.sha256));
    mn_arena_done(&a, NULL);
    b->face->connected(b->arg, b->url.tls);
    if (!b->gone && b->url.tls)
        b->face->secured(b->arg);
}

static void lost(void *arg, struct web *w, int code, const char *why)
{
    struct bosh *b = arg;
    struct body *x = bosh_web_drop(b, w);

    /* XEP-0124, "Connection Between Client..."; and what is too long would be so again. */
    if (code == MYNAH_E_CERTIFICATE || code == MYNAH_E_LIMIT)
        bosh_fail(b, code, NULL, why);
    else if (x || !b->sid)
        bosh_stumbled(b, code, why);
}

static void answered(void *arg, struct web *w, const struct mn_http_message *m)
{
    struct bosh *b = arg;
    struct body *x = NULL;

    MN_LIST_EACH(n, &b->bodies)
    if (MN_OF(n, struct body, link)->web == w)
        x = MN_OF(n, struct body, link);
    x->web = NULL;
    if (b->face->wire)
        b->face->wire(b->arg, false, m->body);
    if (b->gone || b->over)
        return;
    if (m->last)
        bosh_web_drop(b, w);
    bosh_answered(b, x, m);
}

static const struct web_face web_face = {opened, answered, lost};

bool bosh_moves(const struct bosh *b, uint64_t *taken)
{
    uint64_t sum = 0, before = *taken;
    bool all_out = true;

    for (size_t i = 0; i < b->web_count; i++) {
        const struct mn_conn *conn = web_conn(b->webs[i]);
        uint64_t one = 0;

        all_out &= !conn || !mn_conn_moves(conn, &one);
        sum += one;
    }
    *taken = sum;
    return !all_out && sum != before;
}

struct mn_conn *bosh_conn(const struct bosh *b)
{
    for (size_t i = 0; i < b->web_count; i++)
        if (web_conn(b->webs[i]))
            return web_conn(b->webs[i]);
    return NULL;
}
