/* A backup of the running server's database. */
#include "server/command.h"
#include "server/server.h"

enum { TELL_MS = 500 };

struct backup {
    struct mn_job job; /* first */
    struct command *c;
    const char *path;
    struct store_progress progress;
    struct mn_timer tick;
    int result;
    struct mn_buf why;
};

static void tell(struct backup *b)
{
    command_progress(b->c, json_pack("{sI,sI}", "done", (json_int_t)b->progress.done, "of",
                                     (json_int_t)b->progress.of));
}

/* A server that stops does not wait for it. */
static void ticked(struct mn_timer *t)
{
    struct backup *b = MN_OF(t, struct backup, tick);

    if (b->c->home->stopping) {
        b->progress.stop = true;
        return;
    }
    tell(b);
    mn_timer_start(b->c->home->loop, t, TELL_MS);
}

static void run(struct mn_job *j)
{
    struct backup *b = (struct backup *)j;

    b->result = store_backup(b->c->srv->store, b->path, &b->progress, &b->why);
}

static void done(struct mn_job *j)
{
    struct backup *b = (struct backup *)j;
    struct command *c = b->c;

    mn_timer_stop(&b->tick);
    tell(b);
    if (b->result)
        command_fail(c,
                     b->result == MN_E_EXISTS ? MN_COND_CONFLICT
                     : b->result == MN_E_FULL ? MN_COND_RESOURCE_CONSTRAINT
                                              : MN_COND_NOT_ACCEPTABLE,
                     "%.*s", MN_ARG(mn_buf_view(&b->why)));
    else
        command_ok(c, json_pack("{ss,sI}", "file", b->path, "bytes", (json_int_t)b->progress.done));
    mn_buf_free(&b->why);
    mn_free(b);
}

void command_backup(struct command *c)
{
    mn_str path = command_arg(c, "file");
    struct backup *b;

    if (!mn_str_starts(path, MN_STR("/"))) {
        command_fail(c, MN_COND_NOT_ACCEPTABLE, "file: expected a whole path, from / on");
        return;
    }
    b = MN_NEW(struct backup);
    b->c = c;
    b->path = mn_arena_cstr(&c->a, path);
    b->job = (struct mn_job){.run = run, .done = done, .loop = c->home->loop};
    b->tick.fire = ticked;
    if (mn_work_submit(c->srv->work, MN_LANE_LONG, &b->job)) {
        command_fail(c, MN_COND_RESOURCE_CONSTRAINT, "too much is going on; try again");
        mn_free(b);
        return;
    }
    mn_timer_start(c->home->loop, &b->tick, TELL_MS);
}
