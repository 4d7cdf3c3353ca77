/* The way to a server: dialled, and through proxies where there are some, until the server is at
 * the other end. */
#pragma once

#include "client/context.h"
#include "net/conn.h"
#include "net/dial.h"
#include "net/proxy.h"

struct way;
struct way_plan {
    struct mn_dial_plan dial;
    const struct mn_proxy *proxies; /* lent for its life; `dial` goes to the first, and from the */
    size_t proxy_count;             /* last one on it goes to: */
    const char *host;               /* lent for its life */
    uint16_t port;
    bool direct;
};

/* `arrived`: the connection is the receiver's, who gives it a face; direct: TLS is to begin at
 * once. `failed`: a mynah_code and why, which lives as long as the way. Never inside way_new. */
struct way *way_new(struct mynah_context *ctx, const struct way_plan *plan,
                    void (*arrived)(void *arg, struct mn_conn *conn, bool direct),
                    void (*failed)(void *arg, int code, const char *why), void *arg);
/* What was at its end was no good, for that reason (MN_E_ code): goes on behind it. */
void way_next(struct way *w, int code, const char *why);
void way_free(struct way *w); /* accepts NULL; also inside its calls */
