/* STARTTLS (RFC 6120, 5); below compression, never above it. */
#include "server/module.h"

static bool can(const struct c2s *c)
{
    return c->state == C2S_OPEN && !c->stream.secure && !c->compressed &&
           c->tls_policy != CONF_TLS_OFF && snapshot_tls(c->stream.owner, c->host);
}

static void features(struct c2s *c, struct mn_buf *out)
{
    if (!can(c))
        return;
    mn_buf_lit(out, "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'");
    mn_buf_str(out, c->tls_policy == CONF_TLS_REQUIRED ? MN_STR("><required/></starttls>")
                                                       : MN_STR("/>"));
}

static bool on_starttls(struct c2s *c, const struct mn_xml_item *item)
{
    (void)item;
    if (!can(c)) {
        stream_raw(&c->stream, MN_STR("<failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"));
        stream_close(&c->stream);
        return true;
    }
    stream_raw(&c->stream, MN_STR("<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"));
    mn_xml_drop(c->stream.xml); /* what stands behind it was not protected (5.4.3.3) */
    stream_restart(&c->stream);
    mn_conn_start_tls(c->stream.conn, snapshot_tls(c->stream.owner, c->host), true, NULL);
    return true;
}

const struct module mod_tls = {
    .name = "tls",
    .rfc = {{"RFC 6120, 5", "STARTTLS Negotiation", "wire/rfc6120-5-starttls"}},
    .always = true,
    .stream = {{MN_NS_TLS, "starttls", on_starttls}},
    .stream_features = features,
};
