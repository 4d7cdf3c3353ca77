/* XEP-0138 Stream Compression: zlib, only where the operator asks for it. */
#include "server/module.h"

static bool can(const struct c2s *c)
{
    int how = c->stream.owner->snap->conf->compression;
    bool before =
        how == CONF_COMPRESS_ALWAYS && (c->stream.secure || c->tls_policy != CONF_TLS_REQUIRED);

    return !c->compressed && ((before && c->state == C2S_OPEN) ||
                              (how != CONF_COMPRESS_OFF && c->state == C2S_KNOWN));
}

static void features(struct c2s *c, struct mn_buf *out)
{
    if (can(c))
        mn_buf_lit(
            out, "<compression "
                 "xmlns='http://jabber.org/features/compress'><method>zlib</method></compression>");
}

static bool on_compress(struct c2s *c, const struct mn_xml_item *item)
{
    struct mn_arena a = {0};
    bool zlib = false;

    if (c->stream.owner->snap->conf->compression == CONF_COMPRESS_OFF)
        return false;
    for (const struct mn_elem *m = mn_elem_first(item->elem); m; m = mn_elem_next(m))
        zlib |= mn_str_is(mn_elem_text(m, &a), "zlib");
    mn_arena_done(&a, NULL);
    if (!zlib || !can(c)) { /* neither is the end of the stream */
        stream_raw(&c->stream, MN_STR("<failure xmlns='http://jabber.org/protocol/compress'>"));
        stream_raw(&c->stream, zlib ? MN_STR("<setup-failed/></failure>")
                                    : MN_STR("<unsupported-method/></failure>"));
        return true;
    }
    stream_raw(&c->stream, MN_STR("<compressed xmlns='http://jabber.org/protocol/compress'/>"));
    mn_xml_drop(c->stream.xml);
    stream_restart(&c->stream);
    c->compressed = true;
    mn_conn_start_zlib(c->stream.conn);
    return true;
}

const struct module mod_compress = {
    .name = "compress",
    .xep = {{138, "2.1", "Stream Compression", "wire/compress; wire/compress-always",
             "compression"}},
    .always = true,
    .stream = {{MN_NS_COMPRESS, "compress", on_compress}},
    .stream_features = features,
};
