/* Conversations as text (tests/wire/README.md), run against a server in this process. What fails
 * prints why and leaves the conversation by `failed`. */
#pragma once

#include <setjmp.h>

#include "base/list.h"
#include "net/conn.h"
#include "server/server.h"
#include "xmpp/sasl.h"
#include "xmpp/xml.h"

/* One thing of a stream: header, top-level element, end. */
struct item {
    struct mn_list link;
    enum mn_xml_what what;
    struct mn_xml_item xml;
    struct mn_arena arena;
};
void items_free(struct mn_list *items);

/* match.c: patterns and variables. */
struct var {
    mn_str name, value;
};
struct vars {
    struct var all[200];
    size_t count;
    struct mn_arena arena;
    /* `{proof}`: whether that text proves that the server knows the password. */
    bool (*proof)(void *arg, mn_str text);
    void *arg;
};
/* NULL when it is not bound. */
const mn_str *var_get(const struct vars *v, mn_str name);
void var_set(struct vars *v, mn_str name, mn_str value);
/* Text against a pattern; binds, also where it does not match. */
bool match_text(struct vars *v, mn_str pattern, mn_str text);
/* An item against an expected one; binds only where it matches. `exactly`: what stands inside the
 * element must be the same bytes. */
bool match_item(struct vars *v, const struct item *want, const struct item *got, bool exactly);
/* The expected items of a text; false: it is no XML that a server could send. */
bool items_parse(mn_str text, struct mn_list *items);

/* host.c: a server. */
enum transport { OVER_MEMORY, OVER_TCP, OVER_TLS };
struct account {
    mn_str bare, password;
};
struct host_options {
    enum transport transport;
    unsigned loops;
    mn_str yaml;
    const mn_str *domains; /* instead of those of the configuration, if there are any */
    size_t domain_count;
    const struct account *accounts;
    size_t account_count;
};
struct host_run;
/* False: `why` says it. */
bool host_start(const struct host_options *opt, struct host_run **out, struct mn_buf *why);
void host_stop(struct host_run *h);
void host_shutdown(struct host_run *h); /* told to stop, not waited for */
/* A new connection to it, not in TLS yet. */
struct mn_conn *host_connect(struct host_run *h, struct mn_loop *l);
enum conf_tls host_policy(const struct host_run *h);
mn_str host_domain(const struct host_run *h); /* the first one */
struct mn_tls *host_tls(void);                /* for the clients' side, lent */
void host_end(void);                          /* at the end of the process */

/* client.c: one client's connection. */
struct client {
    struct mn_list link;
    mn_str name;
    struct mn_conn *conn; /* NULL: closed by us */
    struct mn_xml *xml;
    struct mn_list unread; /* items */
    bool ended;            /* the other side ended it */
    bool broken;           /* what came is no XML stream */
    bool mute;             /* answers no ping by itself */
    bool saying;           /* what it says is not out yet */
    struct mn_buf owed;    /* what it answers behind that */
    mn_str jid;            /* full; empty: not bound */
    mn_str domain;
    struct item *got; /* taken by a login that goes on */
    unsigned awaited; /* markers that are still to come back */
    mn_str challenge; /* the last one, as it came */
    struct mn_sasl_client *sasl;
    mn_str proof; /* what DIGEST-MD5 expects */
    mn_str mech, user, password;
    struct mn_sasl_env env;
    struct mn_arena arena;
};
struct talk { /* a conversation that is being held */
    struct host_run *host;
    enum transport transport;
    bool pieces; /* what clients say goes in small pieces */
    struct mn_loop *loop;
    struct mn_list clients;
    struct mn_list wanted; /* items of the statement that is run */
    const struct account *accounts;
    size_t account_count;
    struct mn_arena arena;
    struct vars vars;
    unsigned markers;
    int64_t until;
    jmp_buf leave;
};
_Noreturn void failed(struct talk *t, const char *fmt, ...) MN_PRINTF(2, 3);
/* The record of what went over the wire: printed by `failed`. */
void said(mn_str who, const char *mark, mn_str bytes);
void record_clear(void);

struct client *client_find(struct talk *t, mn_str name); /* or NULL */
/* Connects, with TLS where the transport or the listener wants it. */
struct client *client_connect(struct talk *t, mn_str name, mn_str domain);
/* In small pieces where the talk is held so, unless `at_once`. */
void client_say(struct talk *t, struct client *c, mn_str bytes, bool at_once);
/* Takes part in what happens; fails when the deadline is over, which talk_deadline begins anew. */
void talk_await(struct talk *t);
void talk_deadline(struct talk *t);
/* A stream; its features are forgotten. */
void client_open(struct talk *t, struct client *c);
/* Logs in and opens the next stream. */
void client_auth(struct talk *t, struct client *c, mn_str bare, mn_str mech);
/* The same, and binds; `mech` empty: the easiest that is offered. */
void client_login(struct talk *t, struct client *c, mn_str jid, mn_str mech);
void client_cut(struct client *c);
void client_free(struct client *c);
/* Everything that was said so far has had its effects, on all clients, when this returns. */
void talk_settle(struct talk *t);
/* The stream header that our clients send. */
mn_str stream_header(mn_str domain, struct mn_arena *a);

/* exchange.c: the client's side of SASL, base64 in and out ("=" and empty as RFC 6120 has them). */
mn_str exchange_begin(struct client *c, mn_str mech, mn_str user, mn_str password);
mn_str exchange_answer(struct client *c, mn_str challenge); /* {NULL, 0}: cannot */
bool exchange_proof(void *client, mn_str text);
