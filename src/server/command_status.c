/* What the server is and does, in figures. */
#include "base/clock.h"
#include "server/command.h"
#include "server/server.h"

struct status {
    uint64_t accounts, sessions, connections, logins, stanzas, crossed, moved, wrong, refused,
        failed;
    size_t host; /* whose accounts are counted */
};

static void each(struct command *c)
{
    struct owner *o = owner_here();
    struct status *s = c->state;

    MN_LIST_EACH(n, &o->streams) s->connections++;
    s->sessions += o->count.sessions;
    s->logins += o->count.logins;
    s->stanzas += o->count.stanzas;
    s->crossed += o->count.crossed;
    s->moved += o->count.moved;
    s->wrong += o->count.wrong;
    s->refused += o->count.refused;
    s->failed += o->count.failed_commits;
}

static void answer(struct command *c)
{
    const struct server *srv = c->srv;
    struct status *s = c->state;
    json_t *ok = json_object(), *domains = json_array();
    const struct {
        const char *name;
        uint64_t value;
    } figures[] = {
        {"uptime_seconds", (uint64_t)(mn_clock_now() - srv->started) / 1000},
        {"loops", srv->owner_count},
        {"accounts", s->accounts},
        {"sessions", s->sessions},
        {"connections", s->connections},
        {"memory_bytes", mn_alloc_bytes()},
        {"logins", s->logins},
        {"wrong_credentials", s->wrong},
        {"stanzas", s->stanzas},
        {"crossed_deliveries", s->crossed},
        {"moved_connections", s->moved},
        {"refused_streams", s->refused},
        {"failed_commits", s->failed},
    };

    json_object_set_new(ok, "version", json_string(MN_VERSION));
    for (size_t i = 0; i < c->snap->host_count; i++)
        json_array_append_new(domains,
                              json_stringn(c->snap->hosts[i]->name.p, c->snap->hosts[i]->name.n));
    json_object_set_new(ok, "domains", domains);
    for (size_t i = 0; i < MN_COUNT(figures); i++)
        json_object_set_new(ok, figures[i].name, json_integer((json_int_t)figures[i].value));
    command_ok(c, ok);
}

static void count_next(struct command *c);

static void counted(struct store_read *r)
{
    struct command *c = r->arg;
    struct status *s = c->state;
    int e = r->result;

    s->accounts += r->total_count;
    s->host++;
    store_read_free(r);
    if (e)
        command_fail(c, MN_COND_INTERNAL, "the database could not be read; try again");
    else
        count_next(c);
}

static void count_next(struct command *c)
{
    struct status *s = c->state;
    struct store_read *r;

    if (s->host == c->snap->host_count) {
        answer(c);
        return;
    }
    r = store_read_new();
    r->kind = STORE_INDEX_COUNT;
    r->owner = c->snap->hosts[s->host]->name;
    r->store = "accounts";
    r->done = counted;
    r->arg = c;
    store_read(c->home->writer, r, 0);
}

void command_status(struct command *c)
{
    c->state = MN_ARENA_NEW(&c->a, struct status);
    command_visit(c, each, count_next);
}
