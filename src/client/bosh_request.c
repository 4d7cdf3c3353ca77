/* What a body says, as the request that carries it. */
#include "client/bosh_parts.h"

static void header_add(struct bosh *b, struct mn_buf *to)
{
    bosh_attr(to, "to", mn_str_from(b->to));
    bosh_attr(to, "from", mn_str_from(b->url.tls ? b->plan->from : NULL));
    bosh_attr(to, "xml:lang", mn_str_from(b->lang));
    mn_buf_lit(to, " xmlns:xmpp='urn:xmpp:xbosh'");
}

static void attributes_add(struct bosh *b, const struct body *x, struct mn_buf *to)
{
    bosh_number(to, "rid", x->rid);
    bosh_attr(to, "sid", mn_str_from(b->sid));
    if (x->kind == CREATES) {
        header_add(b, to);
        bosh_attr(to, "route", mn_str_from(b->plan->route));
        mn_buf_fmt(to, " ver='1.11' wait='%d' hold='1' ack='1' xmpp:version='1.0'", WAIT_S);
    } else if (b->got + 1 < x->rid) {
        bosh_number(to, "ack", b->got);
    }
    if (x->kind == RESTARTS) {
        header_add(b, to);
        mn_buf_lit(to, " xmpp:restart='true'");
    }
    if (x->kind == ENDS)
        mn_buf_lit(to, " type='terminate'");
    if (b->keys)
        bosh_keys_add(b->keys, x->kind == CREATES, to);
    if (mn_str_starts(mn_buf_view(&x->payload), MN_STR("<stream:")))
        mn_buf_lit(to, " xmlns:stream='http://etherx.jabber.org/streams'");
}

static void wrap(struct mn_buf *to, const struct mn_buf *attributes, const struct mn_buf *payload)
{
    mn_buf_lit(to, "<body");
    mn_buf_str(to, mn_buf_view(attributes));
    mn_buf_lit(to, " xmlns='http://jabber.org/protocol/httpbind'");
    if (payload->n) {
        mn_buf_c(to, '>');
        mn_buf_str(to, mn_buf_view(payload));
        mn_buf_lit(to, "</body>");
    } else {
        mn_buf_lit(to, "/>");
    }
}

void bosh_wipe(struct mn_buf *b)
{
    if (b->n)
        explicit_bzero(b->p, b->n);
    mn_buf_free(b);
}

void bosh_request_make(struct bosh *b, struct body *x)
{
    struct mn_buf attributes = {0}, body = {0}, shown = {0};

    x->rid = ++b->rid;
    attributes_add(b, x, &attributes);
    wrap(&body, &attributes, &x->payload);
    wrap(&shown, &attributes, &x->shown);
    web_head(&x->request, "POST", &b->url);
    mn_buf_fmt(&x->request, "Content-Type: text/xml; charset=utf-8\r\nContent-Length: %zu\r\n\r\n",
               body.n);
    mn_buf_str(&x->request, mn_buf_view(&body));
    if (b->face->wire)
        b->face->wire(b->arg, true, mn_buf_view(&shown));
    bosh_wipe(&x->payload);
    bosh_wipe(&x->shown);
    bosh_wipe(&body);
    bosh_wipe(&shown);
    mn_buf_free(&attributes);
}
