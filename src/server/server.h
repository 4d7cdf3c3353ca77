/* The server as a whole: what is shared by all owners and does not change while it runs. */
#pragma once

#include "net/addr.h"
#include "net/limit.h"
#include "server/config.h"
#include "server/snapshot.h"

enum verdict { PASS, DONE };

/* A domain that is served, or was: it stays until the end, since others point to it. */
struct host {
    mn_str name; /* canonical */
    struct host *next;
};

/* Reads the configuration file again; may block. Fails with what is wrong, a line each. */
typedef int server_read_fn(void *arg, struct mn_arena *a, struct config **out, struct mn_buf *why);

struct server {
    const struct config *conf; /* of the start; what may change is in the owners' snapshots */
    struct host *hosts; /* every one since the start; snapshot.c's own. What is served is in the
                           owners' snapshots */
    struct mn_list listening; /* listening.c's own */
    struct mn_list reloads;   /* command_config.c's own */
    struct component *components;
    size_t component_count;
    struct owner **owners;
    unsigned owner_count;
    struct store *store;
    struct mn_work *work;
    struct mn_limit *limits;  /* by address and account */
    char secret[32];          /* for fake salts and the like; kept in the store, with: */
    uint32_t shown[7];        /* auth.iterations of every start, 0 behind them */
    unsigned char id_key[16]; /* for stanza ids, made of the secret */
    int64_t started;          /* by the clock that nobody sets */
    struct control *control;
    _Atomic unsigned commands; /* that run */
    struct {                   /* asked for by an administrator; on the first loop */
        struct mn_timer timer;
        bool again;   /* it is to be started anew when the time comes */
        bool restart; /* and it has come */
    } end;
    const char *certs;
    enum mn_log_format log_auto; /* what log.format: auto means here */
    server_read_fn *read;        /* NULL: there is no file */
    void *read_arg;
    struct mn_timer hourly; /* snapshot.c's own, like: */
    unsigned char *told;
};

/* Served by this owner's snapshot, or, where there is none, the first loop's; prepared. */
const struct host *host_find(const struct server *srv, mn_str name);
/* The one for who names none. */
const struct host *host_first(const struct server *srv);

struct server_options {
    const struct config *conf;
    struct store *store;  /* taken over */
    struct mn_work *work; /* taken over */
    unsigned loops;       /* >= 1 */
    enum mn_loop_backend backend;
    const char
        *certs; /* folder for certificates made by us; NULL: no TLS for domains without their own */
    enum mn_log_format log_auto; /* what log.format: auto means here */
    const char *control;         /* path of the control socket; NULL: none */
    server_read_fn *read;        /* for a reload; NULL: none */
    void *read_arg;
};
/* Makes the server and its loops, not yet running. */
int server_new(const struct server_options *opt, struct server **out,
               struct mn_buf *why) MN_MUST_CHECK;
/* Opens all listeners of the configuration. */
int server_listen(struct server *srv, struct mn_buf *why) MN_MUST_CHECK;
/* A connection that a listener has accepted, with what the listener is for (enum conf_service,
 * conf_tls). */
void server_accept(struct server *srv, int fd, const struct mn_addr *peer, int service, int tls);
/* Where listener number `i` is bound, in the order they were opened; NULL behind the last. */
const struct mn_addr *server_addr(const struct server *srv, size_t i);
/* For tests: a connection in memory, as if a listener of that policy (enum conf_tls) had accepted
 * it on loop `at`. Returns the client's end, on `l`, which this thread turns. */
struct mn_conn *server_mem(struct server *srv, unsigned at, struct mn_loop *l, int tls);
/* Runs loop 0 on this thread and the others on their own, until server_stop (any thread, signal
 * handlers too). */
void server_run(struct server *srv);
/* As if an administrator had asked for a reload; on the first loop. `by`: for the log, a literal.
 */
void server_reload(struct server *srv, const char *by);
void server_stop(struct server *srv);
void server_free(struct server *srv);
