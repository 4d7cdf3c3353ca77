/* Commands that concern sessions. */
#include <stdlib.h>

#include "server/command.h"
#include "server/session.h"
#include "xmpp/datetime.h"

enum { PAGE = 1000, REASON_MAX = 1000 };

static int by_jid(const void *a, const void *b)
{
    const struct session *x = *(struct session *const *)a, *y = *(struct session *const *)b;

    return mn_str_cmp(mn_jid_text(&x->jid), mn_jid_text(&y->jid));
}

static json_t *session_json(const struct session *s, struct mn_arena *a)
{
    mn_str jid = mn_jid_text(&s->jid), since = mn_datetime_text(s->since, a);
    json_t *o = json_pack("{ss%,ss%,ss%}", "jid", jid.p, jid.n, "address", s->peer.p, s->peer.n,
                          "since", since.p, since.n);

    json_object_set_new(o, "priority", s->available ? json_integer(s->priority) : json_null());
    return o;
}

struct listing {
    const struct host *host; /* NULL: of every domain */
    json_t *all;
};

struct found {
    struct session **items;
    size_t count, cap;
};

static void add_user(struct found *f, const struct user *u, mn_str after)
{
    MN_LIST_EACH(n, &u->sessions)
    {
        struct session *s = MN_OF(n, struct session, link);

        if (mn_str_cmp(mn_jid_text(&s->jid), after) <= 0)
            continue;
        if (f->count == f->cap)
            f->items = mn_realloc(f->items, (f->cap = 2 * f->cap + 16) * sizeof *f->items);
        f->items[f->count++] = s;
    }
}

/* The first of this owner's sessions that stand behind the page before. */
static void list_each(struct command *c)
{
    mn_str after = command_arg(c, "after");
    struct listing *l = c->state;
    struct found f = {0};
    struct user *u;

    for (size_t at = 0; (u = mn_map_next(&owner_here()->users, &at));)
        if (!l->host || u->host == l->host)
            add_user(&f, u, after);
    if (f.count)
        qsort(f.items, f.count, sizeof *f.items, by_jid);
    /* One more than fits says that there are more. */
    for (size_t i = 0; i < f.count && i <= PAGE; i++)
        json_array_append_new(l->all, session_json(f.items[i], &c->a));
    mn_free(f.items);
}

static int by_json(const void *a, const void *b)
{
    return strcmp(json_string_value(json_object_get(*(json_t *const *)a, "jid")),
                  json_string_value(json_object_get(*(json_t *const *)b, "jid")));
}

static void list_end(struct command *c)
{
    json_t *all = ((struct listing *)c->state)->all, *page = json_array(),
           *ok = json_pack("{so}", "sessions", page);
    size_t count = json_array_size(all);
    json_t **items = mn_alloc(count * sizeof *items);

    for (size_t i = 0; i < count; i++)
        items[i] = json_array_get(all, i);
    qsort(items, count, sizeof *items, by_json);
    for (size_t i = 0; i < count && i < PAGE; i++)
        json_array_append(page, items[i]);
    if (count > PAGE)
        json_object_set(ok, "next", json_object_get(items[PAGE - 1], "jid"));
    mn_free(items);
    json_decref(all);
    command_ok(c, ok);
}

static void list_one(struct command *c)
{
    struct mn_jid *jid = c->state;
    struct user *u = user_find(owner_here(), mn_jid_bare(jid));
    json_t *all = json_array();
    struct found f = {0};

    if (u)
        add_user(&f, u, MN_STR(""));
    if (f.count)
        qsort(f.items, f.count, sizeof *f.items, by_jid);
    for (size_t i = 0; i < f.count; i++)
        json_array_append_new(all, session_json(f.items[i], &c->a));
    mn_free(f.items);
    command_ok(c, json_pack("{so}", "sessions", all));
}

void command_session_list(struct command *c)
{
    mn_str text = command_arg(c, "jid"), domain = command_arg(c, "domain");
    struct listing *l = MN_ARENA_NEW(&c->a, struct listing);
    struct mn_jid jid;

    if (domain.p && !(l->host = command_host(c, domain)))
        return;
    if (!text.p) {
        c->state = l;
        l->all = json_array();
        command_visit(c, list_each, list_end);
    } else if (command_jid(c, text, &jid)) {
        c->state = MN_ARENA_NEW(&c->a, struct mn_jid);
        *(struct mn_jid *)c->state = jid;
        command_go(c, owner_of(c->srv, mn_jid_bare(&jid)), list_one);
    }
}

static void kick(struct command *c)
{
    struct mn_jid *jid = c->state;
    struct user *u = user_find(owner_here(), mn_jid_bare(jid));
    mn_str reason = command_arg(c, "reason");
    unsigned count = 0;

    if (u) {
        user_need(u);
        MN_LIST_EACH(n, &u->sessions)
        {
            struct session *s = MN_OF(n, struct session, link);

            if (jid->resource && !mn_str_eq(mn_jid_resource(&s->jid), mn_jid_resource(jid)))
                continue;
            session_kick(s, MN_STREAM_POLICY_VIOLATION,
                         reason.p ? reason : MN_STR("an administrator ended this session"));
            count++;
        }
        user_let(u);
    }
    if (count)
        command_ok(c, json_pack("{si}", "ended", (int)count));
    else
        command_fail(c, MN_COND_ITEM_NOT_FOUND, "%.*s has no session", MN_ARG(mn_jid_text(jid)));
}

void command_session_kick(struct command *c)
{
    mn_str reason = command_arg(c, "reason");
    struct mn_jid jid;

    if (!command_jid(c, command_arg(c, "jid"), &jid))
        return;
    if (reason.n > REASON_MAX || !command_is_text(reason, false)) {
        command_fail(c, MN_COND_NOT_ACCEPTABLE,
                     "reason: at most %d bytes on one line, without control characters",
                     REASON_MAX);
        return;
    }
    c->state = MN_ARENA_NEW(&c->a, struct mn_jid);
    *(struct mn_jid *)c->state = jid;
    command_go(c, owner_of(c->srv, mn_jid_bare(&jid)), kick);
}
