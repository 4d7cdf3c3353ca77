/* Commands that concern accounts. */
#include "base/crypt.h"
#include "base/num.h"
#include "server/account.h"
#include "server/command.h"
#include "server/server.h"
#include "xmpp/datetime.h"
#include "xmpp/sasl.h"

enum {
    CHANGES_AT_ONCE = 8, /* a login waits behind no more keys than these */
    READS_AT_ONCE = 32,
    PAGE = 1000,
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
    struct account_change *ch;
    struct mn_jid jid;

    if (!command_jid(c, text, &jid))
        return;
    if (jid.resource) {
        command_fail(c, MN_COND_JID_MALFORMED, "%.*s: an account's address has no resource",
                     MN_ARG(text));
        return;
    }
    ch = account_change_new(what, host_find(c->srv, mn_jid_host(&jid)));
    /* What may be created is decided on the name as it was asked for. */
    ch->name = mn_arena_str(&ch->arena, what == ACCOUNT_CREATE ? mn_str_cut(text, '@', &rest)
                                                               : mn_jid_user(&jid));
    ch->password = mn_arena_str(&ch->arena, password);
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
};

static void show_next(struct shown *s);

static void show_read(struct store_read *r)
{
    struct shown *s = r->arg;

    if (r->result) {
        command_fail(s->c, MN_COND_INTERNAL, "the database could not be read; try again");
        json_decref(s->ok);
        user_let(s->user);
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
    show_next(s);
}

static void show(struct command *c)
{
    struct shown *s = c->state;
    struct mn_jid bare;

    MN_ASSERT(!mn_jid_parse(command_arg(c, "jid"), &c->a, &bare));
    bare = mn_jid_to_bare(&bare);
    user_when_loaded(user_get(owner_here(), host_find(c->srv, mn_jid_host(&bare)), &bare),
                     show_loaded, s);
}

void command_user_show(struct command *c)
{
    struct mn_jid jid;
    struct shown *s = MN_ARENA_NEW(&c->a, struct shown);

    if (!command_jid(c, command_arg(c, "jid"), &jid))
        return;
    s->c = c;
    c->state = s;
    command_go(c, owner_of(c->srv, mn_jid_bare(&jid)), show);
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

/* The list, page by page, domain after domain. */

struct listed {
    struct listing *listing;
    mn_str jid;
    bool lacks; /* the verifier that is asked for */
};

struct listing {
    struct command *c;
    size_t host, last; /* the domain that is read, and the last one */
    struct mn_jid after;
    enum mn_sasl_mech missing; /* MN_SASL_MECHS: not asked */
    size_t count;
    struct listed names[PAGE];
    size_t next, under_way;
    bool more, failed;
};

static void list_answer(struct listing *l)
{
    json_t *all = json_array(), *ok = json_pack("{so}", "accounts", all);

    for (size_t i = 0; i < l->count; i++)
        if (l->missing == MN_SASL_MECHS || l->names[i].lacks)
            json_array_append_new(all,
                                  json_pack("{ss%}", "jid", l->names[i].jid.p, l->names[i].jid.n));
    if (l->more)
        json_object_set_new(ok, "next",
                            json_stringn(l->names[PAGE - 1].jid.p, l->names[PAGE - 1].jid.n));
    if (l->failed) {
        json_decref(ok);
        command_fail(l->c, MN_COND_INTERNAL, "the database could not be read; try again");
    } else {
        command_ok(l->c, ok);
    }
    mn_free(l);
}

static void creds_go_on(struct listing *l);

static void creds_read(struct store_read *r)
{
    struct listed *name = r->arg;
    struct listing *l = name->listing;

    name->lacks = !r->count || !(mn_sasl_creds_mechs(r->rows[0].value) & 1u << l->missing);
    l->failed |= r->result != 0;
    l->under_way--;
    store_read_free(r);
    creds_go_on(l);
}

static void creds_go_on(struct listing *l)
{
    while (l->under_way < READS_AT_ONCE && l->next < l->count && !l->failed) {
        struct store_read *r = store_read_new();

        r->kind = STORE_GET;
        r->owner = l->names[l->next].jid;
        r->store = "auth";
        r->key = MN_STR("creds");
        r->done = creds_read;
        r->arg = &l->names[l->next++];
        l->under_way++;
        store_read(l->c->home->writer, r, 0);
    }
    if (!l->under_way)
        list_answer(l);
}

static void list_read(struct listing *l);

static void names_read(struct store_read *r)
{
    struct listing *l = r->arg;

    for (size_t i = 0; i < r->count; i++)
        l->names[l->count++] = (struct listed){l, mn_arena_str(&l->c->a, r->rows[i].owner), false};
    l->failed |= r->result != 0;
    l->more = l->count == PAGE;
    store_read_free(r);
    if (!l->more && l->host < l->last && !l->failed) {
        l->after = (struct mn_jid){0};
        l->host++;
        list_read(l);
    } else if (l->missing != MN_SASL_MECHS) {
        creds_go_on(l);
    } else {
        list_answer(l);
    }
}

static void list_read(struct listing *l)
{
    struct store_read *r = store_read_new();

    r->kind = STORE_INDEX;
    r->owner = l->c->srv->hosts[l->host].name;
    r->store = "accounts";
    r->key = MN_STR("");
    r->limit = PAGE - l->count;
    if (!mn_jid_none(&l->after))
        r->from = (struct store_row){
            .term = mn_jid_user(&l->after), .owner = mn_jid_bare(&l->after), .key = MN_STR("")};
    r->done = names_read;
    r->arg = l;
    store_read(l->c->home->writer, r, 0);
}

/* The number of a domain of ours; false: the command has failed. */
static bool host_number(struct command *c, mn_str name, size_t *out)
{
    const struct host *h = NULL;
    mn_str prepared;

    if (!mn_jid_host_prep(name, &c->a, &prepared))
        h = host_find(c->srv, prepared);
    if (!h)
        command_fail(c, MN_COND_ITEM_NOT_FOUND, "this server does not serve %.*s", MN_ARG(name));
    else
        *out = (size_t)(h - c->srv->hosts);
    return h;
}

void command_user_list(struct command *c)
{
    mn_str domain = command_arg(c, "domain"), after = command_arg(c, "after"),
           missing = command_arg(c, "missing");
    enum mn_sasl_mech mech = mn_sasl_find(missing);
    size_t first = 0, last = c->srv->host_count - 1;
    struct mn_jid behind = {0};
    struct listing *l;

    if (missing.p && mech >= MN_SASL_ANONYMOUS) { /* no record serves these */
        command_fail(c, MN_COND_ITEM_NOT_FOUND, "%.*s is no mechanism that accounts log in with",
                     MN_ARG(missing));
        return;
    }
    if (domain.p && !host_number(c, domain, &first))
        return;
    if (domain.p)
        last = first;
    if (after.p &&
        (!command_jid(c, after, &behind) || !host_number(c, mn_jid_host(&behind), &first)))
        return;
    if (first > last || (domain.p && first < last)) {
        command_fail(c, MN_COND_BAD_REQUEST, "after: %.*s is not of that domain", MN_ARG(after));
        return;
    }
    l = MN_NEW(struct listing);
    l->c = c;
    l->host = first;
    l->last = last;
    l->after = behind;
    l->missing = missing.p ? mech : MN_SASL_MECHS;
    list_read(l);
}
