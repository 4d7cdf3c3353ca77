/* Commands that tell which accounts there are. */
#include "server/command.h"
#include "server/server.h"
#include "server/session.h"
#include "xmpp/sasl.h"

enum { READS_AT_ONCE = 32, PAGE = 1000 };

/* The list, page by page, domain after domain. */

struct listed {
    struct listing *listing;
    mn_str jid, name;
    bool disabled, lacks; /* the verifier that is asked for */
};

struct listing {
    struct command *c;
    size_t host, last; /* the domain that is read, and the last one */
    struct mn_jid after;
    bool only_disabled, only_enabled;
    enum mn_sasl_mech missing; /* MN_SASL_MECHS: not asked */
    size_t count, first;       /* of that domain */
    struct listed names[PAGE];
    size_t next, under_way;
    bool more, failed;
};

static void list_answer(struct listing *l)
{
    json_t *all = json_array(), *ok = json_pack("{so}", "accounts", all);

    for (size_t i = 0; i < l->count; i++) {
        const struct listed *n = &l->names[i];

        if ((l->missing == MN_SASL_MECHS || n->lacks) && !(l->only_enabled && n->disabled))
            json_array_append_new(all, json_pack("{ss%,sb}", "jid", n->jid.p, n->jid.n, "disabled",
                                                 (int)n->disabled));
    }
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

static void names_ask(struct listing *l, const char *index, void (*done)(struct store_read *r))
{
    struct store_read *r = store_read_new();

    r->kind = STORE_INDEX;
    r->owner = l->c->snap->hosts[l->host]->name;
    r->store = index;
    r->key = MN_STR("");
    r->limit = PAGE - l->first;
    if (!mn_jid_none(&l->after))
        r->from = (struct store_row){
            .term = mn_jid_user(&l->after), .owner = mn_jid_bare(&l->after), .key = MN_STR("")};
    r->done = done;
    r->arg = l;
    store_read(l->c->home->writer, r, 0);
}

static void list_read(struct listing *l);

/* The names of one domain are there. */
static void list_go_on(struct listing *l)
{
    l->more = l->count == PAGE;
    l->first = l->count;
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

/* Both are in the same order: as many of the disabled ones as there are names reach as far. */
static void disabled_read(struct store_read *r)
{
    struct listing *l = r->arg;
    size_t at = l->first;

    for (size_t i = 0; i < r->count; i++) {
        while (at < l->count && mn_str_cmp(l->names[at].name, r->rows[i].term) < 0)
            at++;
        if (at < l->count)
            l->names[at].disabled = mn_str_eq(l->names[at].name, r->rows[i].term);
    }
    l->failed |= r->result != 0;
    store_read_free(r);
    list_go_on(l);
}

static void names_read(struct store_read *r)
{
    struct listing *l = r->arg;

    for (size_t i = 0; i < r->count; i++)
        l->names[l->count++] =
            (struct listed){l, mn_arena_str(&l->c->a, r->rows[i].owner),
                            mn_arena_str(&l->c->a, r->rows[i].term), l->only_disabled, false};
    l->failed |= r->result != 0;
    store_read_free(r);
    if (l->only_disabled || l->failed)
        list_go_on(l);
    else
        names_ask(l, "disabled", disabled_read);
}

static void list_read(struct listing *l)
{
    names_ask(l, l->only_disabled ? "disabled" : "accounts", names_read);
}

/* The number of a domain of ours; false: the command has failed. */
static bool host_number(struct command *c, mn_str name, size_t *out)
{
    const struct host *h = command_host(c, name);

    if (h)
        *out = snapshot_host(c->snap, h);
    return h;
}

void command_user_list(struct command *c)
{
    mn_str domain = command_arg(c, "domain"), after = command_arg(c, "after"),
           missing = command_arg(c, "missing"), disabled = command_arg(c, "disabled");
    enum mn_sasl_mech mech = mn_sasl_find(missing);
    size_t first = 0, last = c->snap->host_count - 1;
    struct mn_jid behind = {0};
    struct listing *l;

    if (missing.p && mech >= MN_SASL_ANONYMOUS) { /* no record serves these */
        command_fail(c, MN_COND_ITEM_NOT_FOUND, "%.*s is no mechanism that accounts log in with",
                     MN_ARG(missing));
        return;
    }
    if (disabled.p && !mn_str_is(disabled, "yes") && !mn_str_is(disabled, "no")) {
        command_fail(c, MN_COND_NOT_ACCEPTABLE, "disabled: expected yes or no");
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
    l->only_disabled = mn_str_is(disabled, "yes");
    l->only_enabled = mn_str_is(disabled, "no");
    l->missing = missing.p ? mech : MN_SASL_MECHS;
    list_read(l);
}

/* How many: of each domain what stands in its indexes, and who is connected. */

struct counting {
    size_t first, host, last;
    bool disabled; /* whose index is read */
    uint64_t accounts[2], online;
};

static bool is_counted(const struct counting *n, const struct command *c, const struct user *u)
{
    size_t host = snapshot_host(c->snap, u->host);

    if (host < n->first || host > n->last)
        return false;
    MN_LIST_EACH(s, &u->sessions)
    {
        if (!MN_OF(s, struct session, link)->anonymous)
            return true;
    }
    return false;
}

static void count_each(struct command *c)
{
    struct counting *n = c->state;
    struct user *u;

    for (size_t at = 0; (u = mn_map_next(&owner_here()->users, &at));)
        n->online += is_counted(n, c, u);
}

static void count_next(struct command *c);

static void counted(struct store_read *r)
{
    struct command *c = r->arg;
    struct counting *n = c->state;
    int e = r->result;

    n->accounts[n->disabled] += r->total_count;
    n->host += n->disabled;
    n->disabled = !n->disabled;
    store_read_free(r);
    if (e)
        command_fail(c, MN_COND_INTERNAL, "the database could not be read; try again");
    else
        count_next(c);
}

static void count_next(struct command *c)
{
    struct counting *n = c->state;
    struct store_read *r;

    if (n->host > n->last) {
        command_ok(c, json_pack("{sI,sI,sI}", "registered", (json_int_t)n->accounts[0], "disabled",
                                (json_int_t)n->accounts[1], "online", (json_int_t)n->online));
        return;
    }
    r = store_read_new();
    r->kind = STORE_INDEX_COUNT;
    r->owner = c->snap->hosts[n->host]->name;
    r->store = n->disabled ? "disabled" : "accounts";
    r->done = counted;
    r->arg = c;
    store_read(c->home->writer, r, 0);
}

void command_user_count(struct command *c)
{
    struct counting *n = MN_ARENA_NEW(&c->a, struct counting);
    mn_str domain = command_arg(c, "domain");

    n->last = c->snap->host_count - 1;
    if (domain.p && !host_number(c, domain, &n->last))
        return;
    n->first = n->host = domain.p ? n->last : 0;
    c->state = n;
    command_visit(c, count_each, count_next);
}
