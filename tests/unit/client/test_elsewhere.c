/* Servers that send us to another one (RFC 6120, 4.9.3.19). */
#include <stdlib.h>

#include "unit/client/talk.h"

#define SENT                                                                                       \
    "<stream:error><see-other-host xmlns='urn:ietf:params:xml:ns:xmpp-streams'>%s%s"               \
    "</see-other-host></stream:error>"

static struct server other;

static bool other_done(void)
{
    return server_done(&other);
}

static bool waits(void)
{
    return mynah_client_state(talk.c) == MYNAH_WAITING && mynah_client_retry_ms(talk.c) > 0;
}

static void begin(const char *const *lines, const char *const *others)
{
    talk.ctx = mynah_context_new(NULL);
    server_start(&other, talk.ctx, others);
    server_start(&talk.server, talk.ctx, lines);
    talk_connect(&(struct mynah_client_config){
        .jid = "x.test",
        .host = "127.0.0.1",
        .port = (uint16_t)strtoul(talk.server.port, NULL, 10),
        .tls = MYNAH_TLS_OFF,
        .no_roster = true,
    });
}

TEST(where_a_server_sends_us_the_session_begins_at_once_and_the_next_one_where_we_were)
{
    static char sent[300];
    static const char *const lines[] = {"<<stream:stream", ">" HEADER, sent, "!", LOGIN(""), END},
                             *others[] = {LOGIN(""), "><presence from='a@y.test'/>", "!", NULL};

    sent[0] = '>';
    begin(lines, others);
    snprintf(sent, sizeof sent, ">" SENT, "127.0.0.1:", other.port);
    talk_until(other_done);
    CHECK(memmem(other.all.p, other.all.n, "to='x.test'", 11));
    talk_until(talk_done);
    server_stop(&other);
    talk_end("waiting (-9 see-other-host) online waiting (-13) online");
}

TEST(servers_that_send_us_to_each_other_have_an_end)
{
    static char sent[300], back[300];
#define ROUND(text) "<<stream:stream", ">" HEADER, text, "!"
    static const char *const lines[] = {ROUND(sent), ROUND(sent), ROUND(sent), LOGIN(""), END},
                             *others[] = {ROUND(back), ROUND(back), ROUND(back), NULL};

    sent[0] = back[0] = '>';
    begin(lines, others);
    snprintf(sent, sizeof sent, ">" SENT, "127.0.0.1:", other.port);
    snprintf(back, sizeof back, ">" SENT, "127.0.0.1:", talk.server.port);
    talk_until(other_done);
    talk_until(waits);
    mynah_client_network_changed(talk.c); /* or it would wait for long */
    talk_until(talk_done);
    server_stop(&other);
    talk_end(NULL);
}

#define ENABLED "><enabled xmlns='urn:xmpp:sm:3' id='s' resume='true' location='%s%s'/>"
#define RESUMED                                                                                    \
    AUTH(SM), "<<resume xmlns='urn:xmpp:sm:3' h='0' previd='s'/>",                                 \
        "><resumed xmlns='urn:xmpp:sm:3' previd='s' h='0'/>"

#define GONE                                                                                       \
    "<stream:error><host-unknown xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>"

/* Each time; and where that place is for us no more, the next session begins where all do. */
TEST(a_session_is_resumed_where_the_server_wants_it)
{
    static char enabled[300];
    static const char *const lines[] = {LOGIN(SM), "<<enable", enabled, "!", LOGIN(""), END},
                             *others[] = {RESUMED,         "!", RESUMED, "!", "<<stream:stream",
                                          ">" HEADER GONE, "!", NULL};

    begin(lines, others);
    snprintf(enabled, sizeof enabled, ENABLED, "127.0.0.1:", other.port);
    talk_until(other_done);
    CHECK(memmem(other.all.p, other.all.n, "to='x.test'", 11));
    talk_until(talk_done);
    server_stop(&other);
    talk_end("online waiting (-13) online+ waiting (-13) online+ waiting (-13) waiting (-9 "
             "host-unknown) online");
}

/* One that is not there, and those that are none. */
TEST(a_session_is_resumed_the_usual_way_where_that_place_is_none)
{
    static const char *const places[] = {
        "127.0.0.1:", "", "a b", "u@h", "h/x", "127.0.0.1:0", "[::1", "127.0.0.1:1,127.0.0.1:2"};
    static char enabled[300];
    static const char *const lines[] = {LOGIN(SM), "<<enable", enabled, "!", RESUMED, END},
                             *others[] = {NULL};

    for (size_t i = 0; i < MN_COUNT(places); i++) {
        begin(lines, others);
        snprintf(enabled, sizeof enabled, ENABLED, places[i], i ? "" : other.port);
        server_stop(&other);
        talk_until(talk_loses);
        mynah_client_network_changed(talk.c);
        talk_until(talk_done);
        talk_end(i ? "online waiting (-13) online+" : "online waiting (-13) waiting (-4) online+");
    }
}

TEST(what_is_no_place_is_not_gone_to)
{
    static const char *const places[] = {"", "a b", "u@h", "h/x", "127.0.0.1:0", "[::1"};
    static char sent[300];
    static const char *const lines[] = {"<<stream:stream", ">" HEADER, sent, "!", NULL},
                             *others[] = {NULL};

    for (size_t i = 0; i < MN_COUNT(places); i++) {
        snprintf(sent, sizeof sent, ">" SENT, places[i], "");
        begin(lines, others);
        talk_until(talk_loses);
        CHECK(mynah_client_retry_ms(talk.c) > 0);
        server_stop(&other);
        talk_end("waiting (-9 see-other-host)");
    }
}
