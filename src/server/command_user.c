/* Commands that concern accounts. */
#include "base/crypt.h"
#include "base/num.h"
#include "server/account.h"
#include "server/command.h"
#include "server/server.h"
#include "server/session.h"
#include "xmpp/datetime.h"
#include "xmpp/sasl.h"

enum {
    CHANGES_AT_ONCE = 8, /* a login waits behind no more keys than these */
    TOLD_EVERY = 100,
};

/* What an account_change ended with, as a sentence. */
static const char *ended_as(const struct account_change *ch, enum mn_cond cond)
{
    switch (cond) {
    case MN_COND_CONFLICT:
        return "there is such an account already";
    case MN_COND_ITEM_NOT_FOUND:
        return "there is no such account";
    case MN_COND_NOT_ACCEPTABLE:
        return ch->password.n ? "a name or a password with such characters is not possible"
                              : "the password is empty";
    case MN_COND_RESOURCE_CONSTRAINT:
        return "the disk is full, or too much is going on; try again";
    default:
        return "the database refused it; the server's log says why";
    }
}

/* Text from a request that is not needed any more. */
static void wipe(mn_str s)
{
    mn_crypt_wipe((void *)s.p, s.n);
}

static mn_str text_of(const json_t *object, const char *key)
{
    const json_t *v = json_object_get(object, key);

    return (mn_str){json_string_value(v), json_string_length(v)};
}

/* One account. */

static void changed(struct account_change *ch, enum mn_cond cond)
{
    struct command *c = ch->arg;
    mn_str jid;

    if (cond) {
        command_fail(c, cond, "%.*s: %s", MN_ARG(command_arg(c, "jid")), ended_as(ch, cond));
    } else {
        jid = mn_arena_fmt(&c->a, "%.*s@%.*s", MN_ARG(ch->name), MN_ARG(ch->host->name));
        command_ok(c, json_pack("{ss%}", "jid", jid.p, jid.n));
    }
    account_change_free(ch);
}

static void change(struct command *c, enum account_what what)
{
    mn_str text = command_arg(c, "jid"), password = command_arg(c, "password"), rest;
    struct session *asks = command_session(c);
    struct account_change *ch;
    struct mn_jid jid;

    if (!command_jid(c, text, &jid))
        return;
    if (jid.resource) {
        command_fail(c, MN_COND_JID_MALFORMED, "%.*s: an account's address has no resource",
                     MN_ARG(text));
        return;
    }
    if (command_outranked(c, &jid)) {
        command_fail(c, MN_COND_FORBIDDEN, "%.*s administers what you do not", MN_ARG(text));
        return;
    }
    ch = account_change_new(what, host_find(c->srv, mn_jid_host(&jid)));
    /* What may be created is decided on the name as it was asked for. */
    ch->name = mn_arena_str(&ch->arena, what == ACCOUNT_CREATE ? mn_str_cut(text, '@', &rest)
                                                               : mn_jid_user(&jid));
    ch->password = mn_arena_str(&ch->arena, password);
    ch->full_name = mn_arena_str(&ch->arena, command_arg(c, "name"));
    ch->email = mn_arena_str(&ch->arena, command_arg(c, "email"));
    ch->except =
        asks && mn_str_eq(mn_jid_bare(&asks->jid), mn_jid_bare(&jid)) ? session_ref(asks) : NULL;
    ch->done = changed;
    ch->arg = c;
    wipe(password);
    account_change(ch);
}

void command_user_add(struct command *c)
{
    change(c, ACCOUNT_CREATE);
}

void command_user_passwd(struct command *c)
{
    change(c, ACCOUNT_PASSWORD);
}

void command_user_disable(struct command *c)
{
    change(c, ACCOUNT_DISABLE);
}

void command_user_enable(struct command *c)
{
    change(c, ACCOUNT_ENABLE);
}

void command_user_remove(struct command *c)
{
    change(c, ACCOUNT_REMOVE);
}

/* What there is of one account: what its owner holds, then what is stored. */

struct shown {
    struct command *c;
    void (*then)(void *arg, struct user *u);
    struct user *user;
    json_t *ok;
    size_t next;
};

static json_t *stamp_json(mn_str value, struct mn_arena *a)
{
    int64_t ms;
    mn_str text;

    if (!mn_num_parse_int(value, 0, INT64_MAX, &ms))
        return json_null();
    text = mn_datetime_text(ms, a);
    return json_stringn(text.p, text.n);
}

static json_t *text_json(mn_str value, struct mn_arena *a)
{
    (void)a;
    return value.n ? json_stringn(value.p, value.n) : json_null();
}

static json_t *mechanisms_json(mn_str creds, struct mn_arena *a)
{
    unsigned mask = mn_sasl_creds_mechs(creds);
    json_t *list = json_array();

    for (int i = 0; mn_sasl_names[i]; i++)
        if (mask & 1u << i)
            json_array_append_new(list, json_string(mn_sasl_names[i]));
    return list;
}

static const struct {
    const char *name, *store, *key;
    json_t *(*json)(mn_str value, struct mn_arena *a);
} stored_rows[] = {
    {"created", USER_STORE, USER_ACCOUNT, stamp_json},
    {"disabled", USER_STORE, USER_DISABLED, stamp_json},
    {"mechanisms", "auth", "creds", mechanisms_json},
    {"name", "profile", "name", text_json},
    {"email", "profile", "email", text_json},
};

static void show_next(struct shown *s);

static void show_read(struct store_read *r)
{
    struct shown *s = r->arg;

    if (r->result) { /* what belongs to the command goes with it, on another thread perhaps */
        json_decref(s->ok);
        user_let(s->user);
        command_fail(s->c, MN_COND_INTERNAL, "the database could not be read; try again");
    } else {
        json_object_set_new(
            s->ok, stored_rows[s->next].name,
            stored_rows[s->next].json(r->count ? r->rows[0].value : MN_STR(""), &s->c->a));
        s->next++;
        show_next(s);
    }
    store_read_free(r);
}

static void show_next(struct shown *s)
{
    struct user *u = s->user;
    struct store_read *r;

    if (s->next == MN_COUNT(stored_rows)) {
        command_ok(s->c, s->ok);
        user_let(u);
        return;
    }
    r = store_read_new();
    r->kind = STORE_GET;
    r->owner = mn_arena_str(&r->arena, mn_jid_bare(&u->jid));
    r->store = stored_rows[s->next].store;
    r->key = mn_str_from(stored_rows[s->next].key);
    r->done = show_read;
    r->arg = s;
    store_read(u->owner->writer, r, u->wrote);
}

/* ADDRESS:PORT or [ADDRESS]:PORT. */
static mn_str without_port(mn_str peer)
{
    while (peer.n && peer.p[peer.n - 1] != ':')
        peer.n--;
    peer.n -= peer.n != 0;
    return peer.n && peer.p[0] == '[' ? (mn_str){peer.p + 1, peer.n - 2} : peer;
}

static void sessions_show(const struct user *u, json_t *ok)
{
    json_t *resources = json_array(), *addresses = json_array();

    MN_LIST_EACH(n, &u->sessions)
    {
        const struct session *s = MN_OF(n, struct session, link);
        mn_str resource = mn_jid_resource(&s->jid), address = without_port(s->peer);

        json_array_append_new(resources, json_stringn(resource.p, resource.n));
        if (address.n)
            json_array_append_new(addresses, json_stringn(address.p, address.n));
    }
    json_object_set_new(ok, "resources", resources);
    json_object_set_new(ok, "addresses", addresses);
}

static void show_loaded(void *arg, struct user *u)
{
    struct shown *s = arg;
    mn_str jid = mn_jid_bare(&u->jid);

    if (!u->exists) {
        command_fail(s->c, MN_COND_ITEM_NOT_FOUND, "%.*s: there is no such account", MN_ARG(jid));
        return;
    }
    user_need(u);
    s->user = u;
    s->ok = json_pack("{ss%,sI,sI}", "jid", jid.p, jid.n, "sessions", (json_int_t)u->session_count,
                      "contacts", (json_int_t)u->roster.count);
    sessions_show(u, s->ok);
    show_next(s);
}

static void show(struct command *c)
{
    struct shown *s = c->state;
    struct mn_jid bare;

    if (!command_jid(c, command_arg(c, "jid"), &bare)) /* a reload may have come between */
        return;
    bare = mn_jid_to_bare(&bare);
    user_when_loaded(user_get(owner_here(), host_find(c->srv, mn_jid_host(&bare)), &bare), s->then,
                     s);
}

/* `then` at the account's owner, when it is loaded. */
static void look_at(struct command *c, void (*then)(void *arg, struct user *u))
{
    struct mn_jid jid;
    struct shown *s = MN_ARENA_NEW(&c->a, struct shown);

    if (!command_jid(c, command_arg(c, "jid"), &jid))
        return;
    s->c = c;
    s->then = then;
    c->state = s;
    command_go(c, owner_of(c->srv, mn_jid_bare(&jid)), show);
}

void command_user_show(struct command *c)
{
    look_at(c, show_loaded);
}

/* Its contacts, as they are in a roster (RFC 6121, 2.1.2). */

static json_t *contact_json(const struct roster_item *item)
{
    static const char *const names[] = {"none", "to", "from", "both"};
    json_t *o = json_pack("{ss%}", "jid", item->jid.p, item->jid.n), *groups = json_array();
    mn_str left = item->groups, group;

    json_object_set_new(o, "name",
                        item->name.p ? json_stringn(item->name.p, item->name.n) : json_null());
    json_object_set_new(o, "subscription",
                        json_string(names[item->flags & (ROSTER_TO | ROSTER_FROM)]));
    json_object_set_new(o, "ask",
                        item->flags & ROSTER_PENDING_OUT ? json_string("subscribe") : json_null());
    while (roster_group_next(&left, &group))
        json_array_append_new(groups, json_stringn(group.p, group.n));
    json_object_set_new(o, "groups", groups);
    return o;
}

static void roster_loaded(void *arg, struct user *u)
{
    struct shown *s = arg;
    json_t *all = json_array();
    struct roster_item item;

    if (!u->exists) {
        json_decref(all);
        command_fail(s->c, MN_COND_ITEM_NOT_FOUND, "%.*s: there is no such account",
                     MN_ARG(mn_jid_bare(&u->jid)));
        return;
    }
    for (uint32_t at = 0; roster_next(&u->roster, &at, &item);)
        if (item.flags & ROSTER_LISTED)
            json_array_append_new(all, contact_json(&item));
    command_ok(s->c, json_pack("{so}", "contacts", all));
}

void command_user_roster(struct command *c)
{
    look_at(c, roster_loaded);
}

/* Many accounts: some at once, the next when one is done. */

struct many {
    struct command *c;
    const json_t *list;
    json_t *failed;
    size_t next, under_way, done, added;
    bool starting;
};

static void many_failed(struct many *m, mn_str jid, enum mn_cond cond, const char *text)
{
    json_array_append_new(m->failed,
                          json_pack("{ss%,ss%,ss}", "jid", jid.n ? jid.p : "", jid.n, "code",
                                    mn_cond_name(cond).p, mn_cond_name(cond).n, "text", text));
}

static void many_go_on(struct many *m);

static void many_done(struct many *m)
{
    m->under_way--;
    if (!(++m->done % TOLD_EVERY))
        command_progress(m->c, json_pack("{sI,sI}", "done", (json_int_t)m->done, "of",
                                         (json_int_t)json_array_size(m->list)));
    if (!m->starting)
        many_go_on(m);
}

struct one {
    struct many *many;
    mn_str jid;
};

static void one_done(struct account_change *ch, enum mn_cond cond)
{
    struct one *one = ch->arg;
    struct many *m = one->many;

    if (cond)
        many_failed(m, one->jid, cond, ended_as(ch, cond));
    else
        m->added++;
    account_change_free(ch);
    many_done(m);
}

static void many_start(struct many *m, const json_t *line)
{
    mn_str text = text_of(line, "jid"), password = text_of(line, "password"), rest;
    struct mn_arena *a = &m->c->a;
    struct account_change *ch;
    const struct host *h;
    struct mn_jid jid;
    struct one *one;

    m->under_way++;
    if (mn_jid_parse(text, a, &jid) || !jid.user || jid.resource) {
        many_failed(m, text, MN_COND_JID_MALFORMED, "this is no address of an account");
        many_done(m);
        return;
    }
    if (!(h = host_find(m->c->srv, mn_jid_host(&jid)))) {
        many_failed(m, text, MN_COND_ITEM_NOT_FOUND, "this server does not serve that domain");
        many_done(m);
        return;
    }
    one = MN_ARENA_NEW(a, struct one);
    *one = (struct one){m, text};
    ch = account_change_new(ACCOUNT_CREATE, h);
    ch->name = mn_arena_str(&ch->arena, mn_str_cut(text, '@', &rest));
    ch->password = mn_arena_str(&ch->arena, password);
    ch->done = one_done;
    ch->arg = one;
    wipe(password);
    account_change(ch);
}

static void many_go_on(struct many *m)
{
    size_t count = json_array_size(m->list);

    m->starting = true;
    while (m->under_way < CHANGES_AT_ONCE && m->next < count && !m->c->home->stopping)
        many_start(m, json_array_get(m->list, m->next++));
    m->starting = false;
    if (m->under_way)
        return;
    if (m->next < count)
        command_fail(m->c, MN_COND_SERVICE_UNAVAILABLE,
                     "the server stops; %zu accounts were made, the rest was not", m->added);
    else
        command_ok(m->c, json_pack("{sI,so}", "added", (json_int_t)m->added, "failed",
                                   json_incref(m->failed)));
    json_decref(m->failed);
    mn_free(m);
}

void command_user_add_many(struct command *c)
{
    struct many *m = MN_NEW(struct many);

    m->c = c;
    m->list = json_object_get(c->args, "accounts");
    m->failed = json_array();
    many_go_on(m);
}
