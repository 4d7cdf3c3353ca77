/* XEP-0478 Stream Limits Advertisement. There is no idle-seconds: no stream ends for being idle. */
#include "server/module.h"

static void features(struct c2s *c, struct mn_buf *out)
{
    if (!c->stream.secure && c->tls_policy == CONF_TLS_REQUIRED)
        return;
    mn_buf_fmt(out, "<limits xmlns='urn:xmpp:stream-limits:0'><max-bytes>%zu</max-bytes></limits>",
               stream_limits(&c->stream).bytes);
}

const struct module mod_limits = {
    .name = "limits",
    .xep = {{478, "0.2.0", "Stream Limits Advertisement", "wire/stream-limits"}},
    .stream_features = features,
};
