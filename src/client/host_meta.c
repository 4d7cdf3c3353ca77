#include "client/host_meta.h"

#include <jansson.h>

#include "base/err.h"
#include "client/web.h"
#include "mynah/base.h"
#include "xmpp/xml.h"

#define REL "urn:xmpp:alt-connections:xbosh"
#define NS_XRD "http://docs.oasis-open.org/ns/xri/xrd-1.0"

enum { DOCUMENT_MAX = 65536, MOVES_MAX = 3 };

static const struct mn_xml_limits limits = {DOCUMENT_MAX, 16, 64};
static const char *const names[] = {"host-meta", "host-meta.json"};

struct host_meta {
    struct mynah_context *ctx;
    const struct stream_plan *plan;
    void (*done)(void *arg, int code, mn_str address, const char *why);
    void *arg;
    struct web *web;
    char *address;
    struct mn_url url;
    size_t which; /* of the names */
    unsigned moves;
};

/* Reading. */

static bool is_address(mn_str rel, mn_str href)
{
    struct mn_url url;

    return mn_str_is(rel, REL) && !mn_url_parse(href, &url) && url.tls;
}

static int from_json(mn_str text, struct mn_arena *a, mn_str *out)
{
    json_t *root = json_loadb(text.p, text.n, 0, NULL), *link;
    size_t i;
    int e = root ? MN_E_NOT_FOUND : MN_E_FORMAT;

    json_array_foreach(json_object_get(root, "links"), i, link)
    {
        mn_str href = mn_str_from(json_string_value(json_object_get(link, "href")));

        if (e && is_address(mn_str_from(json_string_value(json_object_get(link, "rel"))), href)) {
            *out = mn_arena_str(a, href);
            e = MN_E_OK;
        }
    }
    json_decref(root);
    return e;
}

static int from_xml(mn_str text, struct mn_arena *a, mn_str *out)
{
    struct mn_elem *root;
    int e = mn_xml_parse(mn_xml_undeclared(text), &limits, a, &root);

    if (e)
        return e;
    for (const struct mn_elem *l = mn_elem_first(root); l; l = mn_elem_next(l))
        if (mn_str_is(l->name, "Link") && mn_str_is(l->ns_uri, NS_XRD) &&
            is_address(mn_elem_get(l, "rel"), mn_elem_get(l, "href"))) {
            *out = mn_elem_get(l, "href");
            return MN_E_OK;
        }
    return MN_E_NOT_FOUND;
}

int host_meta_parse(mn_str text, bool json, struct mn_arena *a, mn_str *out)
{
    if (text.n > DOCUMENT_MAX)
        return MN_E_LIMIT;
    return json ? from_json(text, a, out) : from_xml(text, a, out);
}

/* Asking. */

static void ask(struct host_meta *h, mn_str address);

static void ask_next(struct host_meta *h)
{
    struct mn_arena a = {0};

    ask(h, mn_arena_fmt(&a, "https://%s/.well-known/%s", h->plan->name, names[h->which]));
    mn_arena_done(&a, NULL);
}

static void finish(struct host_meta *h, int code, mn_str address, const char *why)
{
    web_close(h->web, 0);
    h->web = NULL;
    h->done(h->arg, code, address, why);
}

/* No answer of use. */
static void other_name(struct host_meta *h)
{
    if (++h->which < MN_COUNT(names))
        ask_next(h);
    else
        finish(h, MYNAH_E_CONNECT, (mn_str){0}, "the domain says nothing of BOSH (XEP-0156)");
}

static void opened(void *arg, struct web *w)
{
    struct host_meta *h = arg;
    struct mn_arena a = {0};
    struct mn_cert_seen seen;

    mn_conn_cert(web_conn(w), &a, &seen);
    if (!seen.trusted)
        finish(h, MYNAH_E_CERTIFICATE, (mn_str){0}, mn_arena_cstr(&a, seen.why));
    mn_arena_done(&a, NULL);
}

static void answered(void *arg, struct web *w, const struct mn_http_message *m)
{
    struct host_meta *h = arg;
    struct mn_arena a = {0};
    mn_str location = mn_http_get(m, "Location"), address;

    (void)w;
    if (m->status / 100 == 3 && location.n && h->moves++ < MOVES_MAX)
        ask(h, location);
    else if (m->status == 200 && !host_meta_parse(m->body, h->which == 1, &a, &address))
        finish(h, 0, address, NULL);
    else
        other_name(h);
    mn_arena_done(&a, NULL);
}

static void lost(void *arg, struct web *w, int code, const char *why)
{
    (void)w;
    finish(arg, code, (mn_str){0}, why);
}

static const struct web_face face = {opened, answered, lost};

static void ask(struct host_meta *h, mn_str address)
{
    struct mn_buf b = {0};
    char *text = mn_str_dup(address); /* it may be a slice of the one before */

    web_close(h->web, 0);
    h->web = NULL;
    mn_free(h->address);
    h->address = text;
    if (mn_url_parse(mn_str_from(text), &h->url) || !h->url.tls) {
        other_name(h);
        return;
    }
    web_head(&b, "GET", &h->url);
    mn_buf_lit(&b, "\r\n");
    h->web = web_new(h->ctx, &h->plan->way, h->plan->tls, &h->url, NULL, &face, h);
    web_ask(h->web, mn_buf_view(&b));
    mn_buf_free(&b);
}

struct host_meta *host_meta_new(struct mynah_context *ctx, const struct stream_plan *plan,
                                void (*done)(void *arg, int code, mn_str address, const char *why),
                                void *arg)
{
    struct host_meta *h = MN_NEW(struct host_meta);

    h->ctx = ctx;
    h->plan = plan;
    h->done = done;
    h->arg = arg;
    ask_next(h);
    return h;
}

void host_meta_free(struct host_meta *h)
{
    if (!h)
        return;
    web_close(h->web, 0);
    mn_free(h->address);
    mn_free(h);
}
