/* A client behind a proxy, which is asked by name for the server, and may say no. */
#include "unit/client/talk.h"

#define ASKED                                                                                      \
    "<CONNECT x.test:5222 HTTP/1.1\r\nHost: x.test:5222\r\n"                                       \
    "Proxy-Authorization: Basic dTpwdw==\r\n\r\n"

TEST(a_way_through_a_proxy_ends_as_it_should)
{
    static const struct {
        const char *lines[16], *notes;
    } rows[] = {
        {{ASKED, ">HTTP/1.1 200 OK\r\n\r\n", LOGIN(""), END}, "online"},
        {{ASKED, ">HTTP/1.1 407 No\r\n\r\n"}, "offline (-4)"},
        {{ASKED, ">HTTP/1.1 502 No\r\n\r\n"}, "offline (-4)"},
        {{ASKED, ">HTTP/1.1 200 OK\r\n\r\n" HEADER}, "offline (-4)"},
        {{ASKED, ">SSH-2.0-x\r\n"}, "offline (-4)"},
        {{ASKED, "!"}, "offline (-4)"},
        {{ASKED, ">HTTP/1.1 200 OK\r\n\r\n", "<<stream:stream", "!"}, "offline (-4)"},
    };

    for (size_t i = 0; i < MN_COUNT(rows); i++) {
        struct mynah_client_config config = {
            .proxies = "http://u:pw@127.0.0.1:", .no_reconnect = true, .no_roster = true};
        bool good = !strcmp(rows[i].notes, "online");

        talk_start(rows[i].lines, &config);
        talk_until(good ? talk_done : talk_over);
        if (!mn_str_is(mn_buf_view(&talk.notes), rows[i].notes))
            test_fail(__FILE__, __LINE__, "row %zu: %.*s", i, MN_ARG(mn_buf_view(&talk.notes)));
        talk_end(NULL);
    }
}

TEST(what_is_no_list_of_proxies_is_refused_without_its_passwords)
{
    struct mynah_client_config c = {
        .size = sizeof c, .jid = "u@x.test", .proxies = "ftp://u:secret@h:1"};
    struct mynah_context *ctx = mynah_context_new(NULL);
    struct mynah_client *out;
    char *why;

    CHECK_INT(mynah_client_new(ctx, &c, &out, &why), MYNAH_E_ARGUMENT);
    CHECK(why && !strstr(why, "secret"));
    mynah_free(why);
    mynah_context_free(ctx);
}
