/* What the loop_ examples share, so that each shows its loop alone: what is typed goes to somebody,
 * what comes is shown, the end of input ends it. */
#pragma once

#include <unistd.h>

#include "example.h"

static bool over;
static const char *to;

static void state(void *arg, struct mynah_client *c, enum mynah_state s, const struct mynah_error *why)
{
    example_why(why);
    if (s == MYNAH_ONLINE) {
        printf("online as %s\n", mynah_client_jid(c));
        mynah_presence_set(c, MYNAH_AVAILABLE, NULL, 0);
    }
    over = s == MYNAH_OFFLINE;
}

static void message(void *arg, struct mynah_client *c, const struct mynah_message *m)
{
    if (m->body && !m->carbon)
        printf("%s: %s\n", m->from, m->body);
}

/* Input is there; false: it has ended. */
static bool typed(struct mynah_client *c)
{
    char text[1000];
    ssize_t n = read(0, text, sizeof text - 1);

    if (n > 0) {
        text[n - (text[n - 1] == '\n')] = 0;
        mynah_chat(c, to, text);
    } else {
        mynah_client_disconnect(c);
    }
    return n > 0;
}

static struct mynah_client *talker(struct mynah_context *ctx, int argc, char **argv)
{
    struct mynah_client_config config = example_config(argc, argv);
    struct mynah_client *c = example_client(ctx, &config);

    to = argc > 2 ? argv[2] : mynah_client_bare(c);
    mynah_listen(c, &(struct mynah_calls){.size = sizeof(struct mynah_calls), .state = state, .message = message}, NULL);
    mynah_client_connect(c);
    return c;
}
