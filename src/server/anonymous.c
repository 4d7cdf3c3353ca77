#include "server/anonymous.h"

#include "server/server.h"

enum { PAGE = 200 };
#define STORE "anonymous"

/* With the account goes the entry (store_drop). */
void anonymous_begin(struct user *u)
{
    u->exists = true;
    store_index_add(u->owner->writer, mn_jid_host(&u->jid), STORE, mn_jid_user(&u->jid),
                    mn_jid_bare(&u->jid), MN_STR(""));
}

struct left {
    struct mn_post post;
    mn_str bare;
    char bytes[];
};

/* One that exists is of a session that has come since. */
static void loaded(void *arg, struct user *u)
{
    (void)arg;
    if (!u->exists)
        user_remove(u, NULL);
}

static void at_owner(struct mn_post *p)
{
    struct left *l = MN_OF(p, struct left, post);
    struct owner *o = owner_here();
    struct mn_arena a = {0};
    const struct host *h;
    struct mn_jid j;

    if (!mn_jid_parse(l->bare, &a, &j) && (h = host_find(o->srv, mn_jid_host(&j))))
        user_when_loaded(user_get(o, h, &j), loaded, NULL);
    mn_arena_done(&a, NULL);
    mn_free(l);
}

static void page_ask(struct owner *o, mn_str host, const struct store_row *from);

static void page_read(struct store_read *r)
{
    struct owner *o = r->arg;

    for (size_t i = 0; i < r->count; i++) {
        mn_str bare = r->rows[i].owner;
        struct left *l = mn_alloc0(sizeof *l + bare.n);

        memcpy(l->bytes, bare.p, bare.n);
        l->bare = (mn_str){l->bytes, bare.n};
        l->post.run = at_owner;
        l->post.bytes = sizeof *l + bare.n;
        owner_post(owner_of(o->srv, bare), &l->post);
    }
    if (r->count == PAGE && !o->stopping)
        page_ask(o, r->owner, &r->rows[PAGE - 1]);
    store_read_free(r);
}

static void page_ask(struct owner *o, mn_str host, const struct store_row *from)
{
    struct store_read *r = store_read_new();

    r->kind = STORE_INDEX;
    r->owner = mn_arena_str(&r->arena, host);
    r->store = STORE;
    if (from)
        r->from = (struct store_row){.term = mn_arena_str(&r->arena, from->term),
                                     .owner = mn_arena_str(&r->arena, from->owner),
                                     .key = mn_arena_str(&r->arena, from->key)};
    r->limit = PAGE;
    r->done = page_read;
    r->arg = o;
    store_read(o->writer, r, 0);
}

void anonymous_sweep(struct server *srv)
{
    struct owner *o = srv->owners[0];

    for (size_t i = 0; i < o->snap->host_count; i++)
        page_ask(o, o->snap->hosts[i]->name, NULL);
}
