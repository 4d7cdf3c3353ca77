/* One HTTP connection to one place, for one question after the other. A question is not followed by
 * another before its answer (no pipelining: XEP-0124 advises against it). */
#pragma once

#include "client/way.h"
#include "net/http.h"
#include "net/tls.h"

struct web;
struct web_face {
    /* It stands, TLS included: the certificate is to be looked at before a byte is sent, unless one
     * was named. Who does not like it closes it. */
    void (*opened)(void *arg, struct web *w);
    void (*answered)(void *arg, struct web *w, const struct mn_http_message *m);
    /* It is gone, with its question if it has one; mynah_code. Still to be closed. */
    void (*lost)(void *arg, struct web *w, int code, const char *why);
};

/* Begins to open one to where `url` says: straight, or by the proxies of `ground`; all of it is
 * copied. Over https the host's certificate is expected, and where `cert` is not NULL (SHA-256, in
 * hex) that one: with another it is lost with MYNAH_E_CERTIFICATE. `tls` is lent to it. */
struct web *web_new(struct mynah_context *ctx, const struct way_plan *ground, struct mn_tls *tls,
                    const struct mn_url *url, const char *cert, const struct web_face *face,
                    void *arg);
/* No call-back comes any more; what was asked goes out, for at most `linger_ms`, also when it is to
 * stand first. Accepts NULL. */
void web_close(struct web *w, int64_t linger_ms);
/* A whole request; waits until the connection stands. */
void web_ask(struct web *w, mn_str request);
bool web_is_idle(const struct web *w);         /* may be asked */
struct mn_conn *web_conn(const struct web *w); /* NULL: it does not stand */
/* The head of a request for that address, without an empty line behind. */
void web_head(struct mn_buf *b, const char *method, const struct mn_url *url);
