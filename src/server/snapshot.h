/* What a reload replaces: the configuration and what is made of it. A snapshot never changes; every
 * owner holds the newest that has reached its loop, so nobody needs a lock to look at it. */
#pragma once

#include "net/tls.h"
#include "server/owner.h"

struct config;
struct host;

struct snapshot {
    const struct config *conf;
    struct hooks *hooks;  /* module.h */
    unsigned mechanisms;  /* enum mn_sasl_mech bits that are configured */
    unsigned without_tls; /* of these, on unencrypted streams */
    const struct host **hosts;
    struct mn_tls **tls; /* of each host; NULL: no certificate */
    size_t host_count;
    bool built_in; /* no domain is configured: localhost on loopback */
    struct mn_arena a;
    unsigned refs;
};

/* Of a configuration that is lent; reads the certificates and may block. NULL on failure. */
struct snapshot *snapshot_new(struct server *srv, const struct config *conf, struct mn_buf *why);
/* The same of the file as it is now (server_options.read). */
struct snapshot *snapshot_read(struct server *srv, struct mn_buf *why);
/* What is wrong with the certificates that a configuration names, and their keys: a line each, with
 * where that stands in its file. */
void snapshot_check(const struct config *conf, const char *file, struct mn_buf *why);
struct snapshot *snapshot_ref(struct snapshot *s); /* any thread */
void snapshot_unref(struct snapshot *s);           /* likewise; accepts NULL */
/* This owner's from now on; takes over the reference. */
void snapshot_take(struct owner *o, struct snapshot *s);
/* Which of its hosts that is; host_count: none, it is not served any more. */
size_t snapshot_host(const struct snapshot *s, const struct host *h);
bool snapshot_serves(const struct snapshot *s, const struct host *h);
/* The certificate of a host, as this owner has it; NULL also when it is not served any more. */
struct mn_tls *snapshot_tls(const struct owner *o, const struct host *h);
/* On the first loop, of a new configuration: tells of mechanisms whose verifiers are as good as a
 * password. And now and every hour of certificates that end soon, and has those made anew that are
 * our own work. */
void snapshot_watch(struct server *srv);
/* When all owners are gone. */
void snapshot_hosts_free(struct server *srv);
