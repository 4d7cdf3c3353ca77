/* A server on loopback that follows a script: what it waits for from the client, what it says then,
 * when it hangs up. */
#pragma once

#include "client/context.h"
#include "net/conn.h"
#include "net/listen.h"

/* Lines: "<text" waits until the client has said `text` (behind what was waited for before);
 * ">text" says it; "!" cuts the connection, and what follows is for the next one. `%1` in a text to
 * be said: what stands behind the last awaited text, up to a quote. */
struct server {
    struct mn_loop *loop;
    struct mn_listener *listener;
    struct mn_conn *conn;
    const char *const *lines; /* NULL-ended */
    size_t at;
    struct mn_buf got; /* of this connection, behind what was waited for */
    struct mn_buf all; /* of all connections, for CHECKs */
    char port[8];
    bool refused; /* a connection came behind the end of the script */
};
void server_start(struct server *s, struct mynah_context *ctx, const char *const *lines);
void server_stop(struct server *s);
bool server_done(const struct server *s); /* the script is at its end */
