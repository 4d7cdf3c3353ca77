/* The server as a whole: what is shared by all owners and does not change while it runs. */
#pragma once

#include "net/limit.h"
#include "net/tls.h"
#include "server/config.h"
#include "server/owner.h"

enum verdict { PASS, DONE };

struct host {
    mn_str name;        /* canonical */
    struct mn_tls *tls; /* NULL: no certificate */
};

struct server {
    const struct config *conf;
    const struct host *hosts;
    size_t host_count;
    bool built_in; /* no domain is configured: localhost on loopback */
    struct owner **owners;
    unsigned owner_count;
    struct store *store;
    struct mn_work *work;
    struct mn_limit *limits; /* by address and account */
    unsigned mechanisms;     /* enum mn_sasl_mech bits that are configured */
    unsigned without_tls;    /* of these, on unencrypted streams */
    char secret[32];         /* for fake salts and the like; kept in the store */
    int64_t started;         /* wall clock */
    struct control *control;
};

const struct host *host_find(const struct server *srv, mn_str name); /* prepared */

struct server_options {
    const struct config *conf;
    struct store *store;  /* taken over */
    struct mn_work *work; /* taken over */
    unsigned loops;       /* >= 1 */
    enum mn_loop_backend backend;
    const char
        *certs; /* folder for certificates made by us; NULL: no TLS for domains without their own */
    const char *control; /* path of the control socket; NULL: none */
};
/* Makes the server and its loops, not yet running. */
int server_new(const struct server_options *opt, struct server **out,
               struct mn_buf *why) MN_MUST_CHECK;
/* Opens all listeners of the configuration. */
int server_listen(struct server *srv, struct mn_buf *why) MN_MUST_CHECK;
/* Where listener number `i` is bound, in the order they were opened; NULL behind the last. */
const struct mn_addr *server_addr(const struct server *srv, size_t i);
/* For tests: a connection in memory, as if a listener of that policy (enum conf_tls) had accepted
 * it on loop `at`. Returns the client's end, on `l`, which this thread turns. */
struct mn_conn *server_mem(struct server *srv, unsigned at, struct mn_loop *l, int tls);
/* Runs loop 0 on this thread and the others on their own, until server_stop (any thread, signal
 * handlers too). */
void server_run(struct server *srv);
void server_stop(struct server *srv);
void server_free(struct server *srv);
