/* What all examples share: whose account, which server, and a wire log on request. Usage: PROGRAM
 * JID [...], with the password in MYNAH_PASSWORD; MYNAH_HOST, MYNAH_PORT and MYNAH_CA (a PEM file) say where a server is that
 * DNS and the system's certificates do not know; MYNAH_WIRE=1 shows the stream,
 * MYNAH_MECHANISMS names the ways to log in, MYNAH_PROXIES those out, MYNAH_BOSH the one over HTTP. */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <mynah/mynah.h>

static inline struct mynah_client_config example_config(int argc, char **argv)
{
    const char *port = getenv("MYNAH_PORT");
    struct mynah_client_config c = {.size = sizeof c};

    if (argc < 2) {
        fprintf(stderr, "usage: MYNAH_PASSWORD=... %s JID ...\n", argv[0]);
        exit(64);
    }
    setvbuf(stdout, NULL, _IOLBF, 0); /* whoever reads along sees each line at once */
    c.jid = argv[1];
    c.password = getenv("MYNAH_PASSWORD");
    c.host = getenv("MYNAH_HOST");
    c.port = port ? (uint16_t)strtoul(port, NULL, 10) : 0;
    c.ca_file = getenv("MYNAH_CA");
    c.mechanisms = getenv("MYNAH_MECHANISMS");
    c.proxies = getenv("MYNAH_PROXIES");
    c.bosh = getenv("MYNAH_BOSH");
    if (c.bosh && !strncmp(c.bosh, "http:", 5))
        c.tls = MYNAH_TLS_OFFERED; /* said on purpose */
    return c;
}

static inline void example_wire(void *arg, struct mynah_client *c, bool out, const char *text, size_t n)
{
    (void)arg;
    (void)c;
    fprintf(stderr, "%s %.*s\n", out ? "->" : "<-", (int)n, text);
}

static inline struct mynah_client *example_client(struct mynah_context *ctx, const struct mynah_client_config *config)
{
    static const struct mynah_calls calls = {.size = sizeof calls, .wire = example_wire};
    struct mynah_client *c;
    char *why;

    if (mynah_client_new(ctx, config, &c, &why)) {
        fprintf(stderr, "%s\n", why);
        exit(64);
    }
    mynah_software_set(c, "example", mynah_version(), NULL);
    if (getenv("MYNAH_WIRE"))
        mynah_listen(c, &calls, NULL);
    return c;
}

/* Why it ended, in one line. */
static inline void example_why(const struct mynah_error *why)
{
    if (why)
        fprintf(stderr, "%s%s%s%s%s\n", mynah_code_text(why->code), why->condition ? ": " : "", why->condition ? why->condition : "",
                why->text ? ": " : "", why->text ? why->text : "");
}

/* The end of a state call: says why, and stops the context when it is over. */
static inline void example_end(void *ctx, struct mynah_client *c, enum mynah_state s, const struct mynah_error *why)
{
    (void)c;
    example_why(why);
    if (s == MYNAH_OFFLINE)
        mynah_stop((struct mynah_context *)ctx);
}

/* The whole main function of those that need no more: one client, and what it does in each state. */
static inline int example_run(int argc, char **argv,
                              void (*state)(void *ctx, struct mynah_client *c, enum mynah_state s, const struct mynah_error *why))
{
    struct mynah_client_config config = example_config(argc, argv);
    struct mynah_context *ctx = mynah_context_new(NULL);
    struct mynah_client *c = example_client(ctx, &config);

    mynah_listen(c, &(struct mynah_calls){.size = sizeof(struct mynah_calls), .state = state}, ctx);
    mynah_client_connect(c);
    mynah_run(ctx);
    mynah_context_free(ctx);
    return 0;
}
