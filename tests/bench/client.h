/* A client for benchmarks, over any connection: registers an account, or logs in (SCRAM-SHA-1),
 * fetches its roster and becomes available. Then it counts, and the rest is the benchmark's. */
#pragma once

#include "net/conn.h"
#include "net/tls.h"
#include "xmpp/sasl.h"
#include "xmpp/xml.h"

struct client;

struct client_plan {
    mn_str domain, password;
    bool registers;
    struct mn_tls *tls; /* NULL: in clear */
    /* Available (or registered). */
    void (*ready)(struct client *c);
    /* Whatever comes then; `e` is lent. */
    void (*element)(struct client *c, const struct mn_elem *e);
    void (*failed)(struct client *c, const char *why);
};

struct client {
    const struct client_plan *plan;
    struct mn_conn *conn;
    struct mn_xml *xml;
    unsigned number; /* its account is uNUMBER */
    int step;
    bool inside; /* its stanzas are being read */
    struct client_login *login;
};

/* Takes the connection; `c` is the caller's. */
void client_start(struct client *c, const struct client_plan *plan, unsigned number,
                  struct mn_conn *conn);
void client_write(struct client *c, mn_str bytes);
/* Closes the connection without a word. */
void client_done(struct client *c);
