/* A client for benchmarks, over any connection: registers an account, or logs in, fetches
 * its roster and becomes available. Then it counts, and the rest is the benchmark's. */
#pragma once

#include "net/conn.h"
#include "net/tls.h"
#include "xmpp/sasl.h"
#include "xmpp/xml.h"

struct client;

struct client_plan {
    mn_str domain, password;
    bool registers;
    bool keeps;             /* a session that can be resumed (XEP-0198) */
    bool resumes;           /* goes on with the one that it kept */
    enum mn_sasl_mech mech; /* SCRAM-SHA-1 or PLAIN */
    struct mn_tls *tls;     /* NULL: in clear */
    /* Available (or registered). */
    void (*ready)(struct client *c);
    /* Whatever comes then; `e` is lent. */
    void (*element)(struct client *c, const struct mn_elem *e);
    void (*failed)(struct client *c, const char *why);
};

/* For the next login: what SCRAM's password is turned into at length, and the session that is kept.
 */
struct client_keys {
    char session[40];
    uint32_t handled;
    char salt[64];
    size_t salt_n;
    unsigned iterations;
    char stored[20], server[20], client[20];
};

struct client {
    const struct client_plan *plan;
    struct mn_conn *conn;
    struct mn_xml *xml;
    unsigned number; /* its account is uNUMBER */
    int step;
    bool inside; /* its stanzas are being read */
    bool wants_session;
    struct client_login *login;
    struct client_keys *keys; /* NULL: not remembered */
};

/* Takes the connection; `c` is the caller's. */
void client_start(struct client *c, const struct client_plan *plan, unsigned number,
                  struct mn_conn *conn);
void client_write(struct client *c, mn_str bytes);
bool client_is_ready(const struct client *c);
/* Closes the connection without a word. */
void client_done(struct client *c);
