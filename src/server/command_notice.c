/* Commands that concern what a domain tells its accounts (notice.h). They go through the first
 * owner, so that two of them arrive everywhere in the same order. */
#include "base/clock.h"
#include "server/command.h"
#include "server/notice.h"
#include "server/server.h"

struct noticing {
    struct wait wait;
    struct gate gate;
    struct command *c;
    const struct host *host; /* NULL: every domain */
    enum notice_what what;
    struct notice notice;
    bool removes, keeps; /* keeps: the number, so that whoever was told is not told again */
};

static bool is_meant(const struct noticing *n, size_t i)
{
    return !n->host || n->host == n->c->snap->hosts[i];
}

static void put_each(struct command *c)
{
    struct noticing *n = c->state;

    for (size_t i = 0; i < c->snap->host_count; i++)
        if (is_meant(n, i))
            notice_put(owner_here(), c->snap->hosts[i], n->what, &n->notice);
}

static void done(struct command *c)
{
    command_ok(c, json_object());
}

static void stored(struct wait *w, int result)
{
    struct noticing *n = MN_OF(w, struct noticing, wait);

    if (result)
        command_fail(n->c, result == MN_E_FULL ? MN_COND_RESOURCE_CONSTRAINT : MN_COND_INTERNAL,
                     "the disk is full, or the database refused it; the server's log says why");
    else
        command_visit(n->c, put_each, done);
}

static void store(struct noticing *n)
{
    struct owner *o = owner_here();
    mn_str key = mn_str_from(notice_names[n->what]), value = notice_record(&n->notice, &n->c->a);
    uint64_t seq = 0;

    for (size_t i = 0; i < n->c->snap->host_count; i++) {
        mn_str host = n->c->snap->hosts[i]->name;

        if (is_meant(n, i))
            seq = n->removes ? store_del(o->writer, host, NOTICE_STORE, key)
                             : store_set(o->writer, host, NOTICE_STORE, key, value);
    }
    n->wait.go = stored;
    gate_init(&n->gate);
    gate_wait(o, &n->gate, &n->wait, seq);
}

/* What is stored, as the first owner has it. */
static void old_read(struct store_read *r)
{
    struct noticing *n = r->arg;
    struct command *c = n->c;
    struct notice old = {0};
    bool is_there = r->count && notice_load(&old, r->rows[0].value);

    if (r->result) {
        command_fail(c, MN_COND_INTERNAL, "the database could not be read; try again");
    } else if (n->keeps && is_there) {
        n->notice.number = old.number;
        store(n);
    } else if (n->keeps) {
        command_fail(c, MN_COND_ITEM_NOT_FOUND, "there is no such message to be changed");
    } else {
        command_ok(c, is_there ? json_pack("{ss%}", "text", old.text.p, old.text.n)
                               : json_pack("{sn}", "text"));
    }
    store_read_free(r);
}

static void old_ask(struct command *c)
{
    struct noticing *n = c->state;
    struct store_read *r = store_read_new();

    r->kind = STORE_GET;
    r->owner = n->host->name;
    r->store = NOTICE_STORE;
    r->key = mn_str_from(notice_names[n->what]);
    r->done = old_read;
    r->arg = n;
    store_read(owner_here()->writer, r, 0);
}

static void store_go(struct command *c)
{
    store(c->state);
}

/* NULL: the command has failed. */
static struct noticing *begin(struct command *c, enum notice_what what)
{
    mn_str domain = command_arg(c, "domain"), text = command_arg(c, "text");
    struct noticing *n = MN_ARENA_NEW(&c->a, struct noticing);

    n->c = c;
    n->what = what;
    n->notice = (struct notice){(uint64_t)mn_clock_wall(), text};
    c->state = n;
    if (domain.p && !(n->host = command_host(c, domain)))
        return NULL;
    if (!command_is_text(text, true) || (text.p && !text.n)) {
        command_fail(c, MN_COND_NOT_ACCEPTABLE,
                     "text: it is empty, or has characters that are not possible");
        return NULL;
    }
    return n;
}

static void set(struct command *c, enum notice_what what)
{
    if (begin(c, what))
        command_go(c, c->srv->owners[0], store_go);
}

static void take_away(struct command *c, enum notice_what what)
{
    struct noticing *n = begin(c, what);

    if (!n)
        return;
    n->removes = true;
    n->notice = (struct notice){0};
    command_go(c, c->srv->owners[0], store_go);
}

/* Of one domain: the texts of several may be different. */
static void look(struct command *c, enum notice_what what, bool keeps)
{
    struct noticing *n = begin(c, what);

    if (!n)
        return;
    n->keeps = keeps;
    command_go(c, c->srv->owners[0], old_ask);
}

void command_motd_set(struct command *c)
{
    set(c, NOTICE_MOTD);
}

void command_motd_edit(struct command *c)
{
    look(c, NOTICE_MOTD, true);
}

void command_motd_show(struct command *c)
{
    look(c, NOTICE_MOTD, false);
}

void command_motd_remove(struct command *c)
{
    take_away(c, NOTICE_MOTD);
}

void command_welcome_set(struct command *c)
{
    set(c, NOTICE_WELCOME);
}

void command_welcome_show(struct command *c)
{
    look(c, NOTICE_WELCOME, false);
}

void command_welcome_remove(struct command *c)
{
    take_away(c, NOTICE_WELCOME);
}
