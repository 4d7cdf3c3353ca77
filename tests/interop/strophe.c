/* A client on libstrophe: logs in, asks for its roster, writes to a peer, answers what that writes,
 * and leaves when told "bye". Prints libstrophe's debug log, and lines that begin with "= ". */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strophe.h>
#include <unistd.h>

static const char *peer;
static int good; /* it was connected, and left because it wanted to */

static void log_line(void *arg, xmpp_log_level_t level, const char *area, const char *text)
{
    (void)arg;
    (void)level;
    printf("%s %s\n", area, text);
}

static void say(xmpp_conn_t *conn, const char *to, const char *text)
{
    xmpp_stanza_t *out = xmpp_message_new(xmpp_conn_get_context(conn), "chat", to, NULL);

    xmpp_message_set_body(out, text);
    xmpp_send(conn, out);
    xmpp_stanza_release(out);
}

static int on_message(xmpp_conn_t *conn, xmpp_stanza_t *in, void *arg)
{
    char *body = xmpp_message_get_body(in), *text;

    (void)arg;
    if (!body)
        return 1;
    printf("= message %s %s\n", xmpp_stanza_get_from(in), body);
    text = malloc(strlen(body) + 16);
    sprintf(text, "you said %s", body);
    if (!strcmp(body, "bye"))
        xmpp_disconnect(conn);
    else
        say(conn, xmpp_stanza_get_from(in), text);
    free(text);
    xmpp_free(xmpp_conn_get_context(conn), body);
    return 1;
}

static int on_roster(xmpp_conn_t *conn, xmpp_stanza_t *in, void *arg)
{
    xmpp_stanza_t *item = xmpp_stanza_get_children(xmpp_stanza_get_child_by_name(in, "query"));

    (void)arg;
    printf("= roster %s\n", xmpp_stanza_get_type(in));
    for (; item; item = xmpp_stanza_get_next(item))
        printf("= item %s %s\n", xmpp_stanza_get_attribute(item, "jid"),
               xmpp_stanza_get_attribute(item, "subscription"));
    say(conn, peer, "hello from libstrophe");
    return 0;
}

static void start(xmpp_conn_t *conn)
{
    xmpp_ctx_t *ctx = xmpp_conn_get_context(conn);
    xmpp_stanza_t *iq = xmpp_iq_new(ctx, "get", "roster"), *query = xmpp_stanza_new(ctx),
                  *presence = xmpp_presence_new(ctx);

    printf("= connected %s secured %d\n", xmpp_conn_get_bound_jid(conn),
           xmpp_conn_is_secured(conn));
    good = 1;
    xmpp_handler_add(conn, on_message, NULL, "message", NULL, NULL);
    xmpp_id_handler_add(conn, on_roster, "roster", NULL);
    xmpp_stanza_set_name(query, "query");
    xmpp_stanza_set_ns(query, XMPP_NS_ROSTER);
    xmpp_stanza_add_child(iq, query);
    xmpp_send(conn, iq);
    xmpp_send(conn, presence);
    xmpp_stanza_release(query);
    xmpp_stanza_release(iq);
    xmpp_stanza_release(presence);
}

static void on_event(xmpp_conn_t *conn, xmpp_conn_event_t event, int error,
                     xmpp_stream_error_t *stream_error, void *arg)
{
    (void)arg;
    if (event == XMPP_CONN_CONNECT) {
        start(conn);
        return;
    }
    printf("= disconnected %d %s\n", error, stream_error ? stream_error->text : "");
    good &= !error && !stream_error;
    xmpp_stop(xmpp_conn_get_context(conn));
}

/* PORT WAY CA JID PASSWORD PEER [CERTIFICATE KEY]; ways: starttls, direct, plain */
int main(int argc, char **argv)
{
    xmpp_log_t log = {log_line, NULL};
    xmpp_ctx_t *ctx;
    xmpp_conn_t *conn;

    if (argc != 7 && argc != 9)
        return 64;
    alarm(300); /* the driver is gone */
    setvbuf(stdout, NULL, _IOLBF, 0);
    peer = argv[6];
    xmpp_initialize();
    ctx = xmpp_ctx_new(NULL, &log);
    conn = xmpp_conn_new(ctx);
    xmpp_conn_set_flags(conn, !strcmp(argv[2], "plain")    ? XMPP_CONN_FLAG_DISABLE_TLS
                              : !strcmp(argv[2], "direct") ? XMPP_CONN_FLAG_LEGACY_SSL
                                                           : XMPP_CONN_FLAG_MANDATORY_TLS);
    xmpp_conn_set_cafile(conn, argv[3]);
    xmpp_conn_set_jid(conn, argv[4]);
    xmpp_conn_set_pass(conn, argv[5]);
    if (argc > 7)
        xmpp_conn_set_client_cert(conn, argv[7], argv[8]);
    if (!xmpp_connect_client(conn, "127.0.0.1", (unsigned short)atoi(argv[1]), on_event, NULL))
        xmpp_run(ctx);
    xmpp_conn_release(conn);
    xmpp_ctx_free(ctx);
    xmpp_shutdown();
    return !good;
}
