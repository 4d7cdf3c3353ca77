/* Inside GLib's main loop, by call-backs. Usage: loop_glib JID TO */
#include "loop.h"

#include <glib-unix.h>

static guint watched, timed;

static gboolean readable(gint fd, GIOCondition what, gpointer ctx)
{
    mynah_turn(ctx, 0);
    return G_SOURCE_CONTINUE;
}

static gboolean due(gpointer ctx)
{
    timed = 0;
    mynah_turn(ctx, 0);
    return G_SOURCE_REMOVE;
}

static void watch(void *ctx, int fd, bool on)
{
    if (on)
        watched = g_unix_fd_add(fd, G_IO_IN, readable, ctx);
    else
        g_source_remove(watched);
}

static void timer(void *ctx, int64_t ms)
{
    if (timed)
        g_source_remove(timed);
    timed = ms < 0 ? 0 : g_timeout_add((guint)ms, due, ctx);
}

static gboolean input(gint fd, GIOCondition what, gpointer c)
{
    return typed(c) ? G_SOURCE_CONTINUE : G_SOURCE_REMOVE;
}

int main(int argc, char **argv)
{
    struct mynah_context *ctx = mynah_context_new(NULL);
    struct mynah_client *c = talker(ctx, argc, argv);

    mynah_attach(ctx, &(struct mynah_loop){.size = sizeof(struct mynah_loop), .watch = watch, .timer = timer, .arg = ctx});
    g_unix_fd_add(0, G_IO_IN | G_IO_HUP, input, c);
    while (!over)
        g_main_context_iteration(NULL, TRUE);
    mynah_context_free(ctx);
    if (timed)
        g_source_remove(timed);
    return 0;
}
