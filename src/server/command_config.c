/* The configuration while the server runs: what holds, and a reload of it. */
#include "base/notify.h"
#include "server/command.h"
#include "server/listening.h"

struct value {
    const char *path;
    mn_str text;
    bool live;
};

struct values {
    struct mn_arena *a;
    struct value *items;
    size_t count, cap;
};

static void add(void *arg, const char *path, const struct mn_conf_row *row, mn_str text)
{
    struct values *v = arg;

    if (v->count == v->cap)
        v->items = mn_realloc(v->items, (v->cap = 2 * v->cap + 64) * sizeof *v->items);
    v->items[v->count++] = (struct value){
        mn_arena_cstr(v->a, mn_str_from(path)),
        mn_arena_str(v->a, row->secret && text.n ? MN_STR("(not shown)") : text), row->live};
}

static struct values values_of(const struct config *c, struct mn_arena *a)
{
    struct values v = {.a = a};

    mn_conf_each(config_rows(), c, add, &v);
    return v;
}

static const struct value *value_find(const struct values *v, const char *path)
{
    for (size_t i = 0; i < v->count; i++)
        if (!strcmp(v->items[i].path, path))
            return &v->items[i];
    return NULL;
}

static void show(json_t *list, const struct value *v)
{
    if (v)
        json_array_append_new(list, json_pack("{ss,ss%,sb}", "key", v->path, "value",
                                              v->text.n ? v->text.p : "", v->text.n, "live",
                                              (int)v->live));
}

/* What needs a new start shows as it was then. */
void command_config_show(struct command *c)
{
    struct values first = values_of(c->srv->conf, &c->a),
                  now = values_of(c->home->snap->conf, &c->a);
    json_t *list = json_array();

    for (size_t i = 0; i < now.count; i++)
        show(list, now.items[i].live ? &now.items[i] : value_find(&first, now.items[i].path));
    for (size_t i = 0; i < first.count; i++)
        if (!first.items[i].live && !value_find(&now, first.items[i].path))
            show(list, &first.items[i]);
    mn_free(first.items);
    mn_free(now.items);
    command_ok(c, json_pack("{so}", "config", list));
}

/* A reload: read on a work lane, then handed from loop to loop. They go through the first owner one
 * at a time: the last that was asked for is the last that reads, and each is told what it changed.
 */
struct reload {
    struct mn_job job;   /* first */
    struct mn_list link; /* in srv->reloads; the first one of these is under way */
    struct command *c;
    struct snapshot *old, *fresh;
    struct mn_buf why;
};

static void differ(const struct values *was, const struct values *is, bool live, json_t *list)
{
    for (size_t i = 0; i < is->count; i++) {
        const struct value *v = &is->items[i], *w = value_find(was, v->path);

        if (v->live == live && (!w || !mn_str_eq(v->text, w->text)))
            json_array_append_new(list, json_string(v->path));
    }
    for (size_t i = 0; i < was->count; i++)
        if (was->items[i].live == live && !value_find(is, was->items[i].path))
            json_array_append_new(list, json_string(was->items[i].path));
}

static json_t *told(struct reload *r)
{
    struct mn_arena *a = &r->c->a;
    struct values first = values_of(r->c->srv->conf, a), was = values_of(r->old->conf, a),
                  is = values_of(r->fresh->conf, a);
    json_t *changed = json_array(), *restart = json_array();

    differ(&was, &is, true, changed);
    differ(&first, &is, false, restart);
    mn_free(first.items);
    mn_free(was.items);
    mn_free(is.items);
    return json_pack("{so,so}", "changed", changed, "needs_restart", restart);
}

static void log_list(struct mn_buf *b, const json_t *list)
{
    json_t *v;
    size_t i;

    mn_buf_clear(b);
    json_array_foreach((json_t *)list, i, v)
        mn_buf_fmt(b, "%s%s", i ? " " : "", json_string_value(v));
    if (!b->n)
        mn_buf_lit(b, "nothing");
}

static void log_told(const json_t *ok)
{
    struct mn_buf changed = {0}, restart = {0};

    log_list(&changed, json_object_get(ok, "changed"));
    log_list(&restart, json_object_get(ok, "needs_restart"));
    mn_log_info(NULL, "configuration reloaded", MN_F("changed", mn_buf_view(&changed)));
    if (json_array_size(json_object_get(ok, "needs_restart")))
        mn_log_warn(NULL, "a change needs a restart", MN_F("keys", mn_buf_view(&restart)));
    mn_buf_free(&changed);
    mn_buf_free(&restart);
}

static void begin(struct server *srv);

/* The command is answered behind this. */
static void end(struct reload *r)
{
    struct server *srv = r->c->srv;

    mn_notify("READY=1");
    mn_list_del(&r->link);
    snapshot_unref(r->old);
    snapshot_unref(r->fresh);
    mn_buf_free(&r->why);
    mn_free(r);
    begin(srv);
}

static void refuse(struct reload *r)
{
    struct command *c = r->c;
    mn_str why = mn_arena_str(&c->a, mn_buf_view(&r->why));

    end(r);
    if (why.n)
        command_fail(c, MN_COND_NOT_ACCEPTABLE, "nothing is changed: %.*s", MN_ARG(why));
    else
        command_fail(c, MN_COND_RESOURCE_CONSTRAINT, "too much is going on; try again");
}

static void take(struct command *c)
{
    struct reload *r = c->state;

    snapshot_take(owner_here(), snapshot_ref(r->fresh));
    if (owner_here() == c->srv->owners[0])
        snapshot_watch(c->srv);
}

static void taken(struct command *c)
{
    struct reload *r = c->state;
    json_t *ok = told(r);

    log_told(ok);
    end(r);
    command_ok(c, ok);
}

static void back(struct command *c)
{
    command_go(c, c->srv->owners[0], taken);
}

static void reload_read(struct mn_job *j)
{
    struct reload *r = (struct reload *)j;

    r->fresh = snapshot_read(r->c->srv, &r->why);
}

static void reload_done(struct mn_job *j)
{
    struct reload *r = (struct reload *)j;
    struct command *c = r->c;

    if (r->fresh && !listening_set(c->srv, r->fresh->conf, &r->why)) {
        if (r->fresh->conf->log.level != r->old->conf->log.level)
            mn_log_set_level((enum mn_log_level)r->fresh->conf->log.level);
        mn_log_set_format(config_log_format(r->fresh->conf, r->c->srv->log_auto));
        command_visit(c, take, back);
        return;
    }
    for (size_t i = 0; i < r->why.n; i++) /* a line each is one line here */
        if (r->why.p[i] == '\n')
            r->why.p[i] = ';';
    mn_log_error(NULL, "configuration not reloaded", MN_F("why", mn_buf_view(&r->why)));
    refuse(r);
}

static void begin(struct server *srv)
{
    struct reload *r;

    if (mn_list_empty(&srv->reloads))
        return;
    r = MN_OF(srv->reloads.next, struct reload, link);
    mn_notify_reloading();
    r->old = snapshot_ref(owner_here()->snap);
    r->job = (struct mn_job){.run = reload_read, .done = reload_done, .loop = owner_here()->loop};
    if (mn_work_submit(srv->work, MN_LANE_OTHER, &r->job))
        refuse(r);
}

static void reload(struct command *c)
{
    struct reload *r = MN_NEW(struct reload);
    bool first = mn_list_empty(&c->srv->reloads);

    c->state = r;
    r->c = c;
    mn_list_init(&r->link);
    mn_list_add(&c->srv->reloads, &r->link);
    if (first)
        begin(c->srv);
}

void command_reload(struct command *c)
{
    if (c->srv->read)
        command_go(c, c->srv->owners[0], reload);
    else
        command_fail(c, MN_COND_NOT_ALLOWED, "this server has no configuration file");
}
