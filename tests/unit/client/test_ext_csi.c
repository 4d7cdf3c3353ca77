#include "unit/client/talk.h"

#define CSI "<csi xmlns='urn:xmpp:csi:0'/>"

static bool waiting_again(void)
{
    return noted("waiting");
}

TEST(who_does_not_look_says_so_on_each_stream)
{
    static const char *const lines[] = {LOGIN(CSI),
                                        "<<inactive xmlns='urn:xmpp:csi:0'/>",
                                        "<<active xmlns='urn:xmpp:csi:0'/>",
                                        "<<inactive xmlns='urn:xmpp:csi:0'/>",
                                        "!",
                                        LOGIN(CSI),
                                        "<<inactive xmlns='urn:xmpp:csi:0'/>",
                                        END};
    static const struct mynah_client_config again = {.no_roster = true};

    talk_start(lines, &again);
    mynah_client_idle(talk.c, false);
    mynah_client_idle(talk.c, true);
    talk_until(talk_online);
    mynah_client_idle(talk.c, false);
    mynah_client_idle(talk.c, false);
    mynah_client_idle(talk.c, true);
    talk_until(waiting_again);
    mynah_client_network_changed(talk.c);
    talk_until(talk_done);
    talk_end(NULL);
}

TEST(nothing_is_said_where_nobody_knows_it)
{
    static const char *const lines[] = {LOGIN(""), END};

    talk_start(lines, NULL);
    mynah_client_idle(talk.c, true);
    talk_until(talk_online);
    mynah_client_idle(talk.c, false);
    talk_until(talk_done);
    CHECK(!memmem(talk.server.all.p, talk.server.all.n, "active", 6));
    talk_end("online");
}
