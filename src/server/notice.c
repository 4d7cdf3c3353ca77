#include "server/notice.h"

#include "base/num.h"
#include "server/server.h"

enum { AGAIN_MS = 1000 };

const char *const notice_names[NOTICES] = {"motd", "welcome"};

struct notices {          /* of a domain, at an owner */
    bool known;           /* they have been read */
    bool is_set[NOTICES]; /* before they were */
    struct notice of[NOTICES];
    struct owner *owner;
    const struct host *host;
    struct mn_timer timer; /* until it is tried again to read them */
};

mn_str notice_record(const struct notice *n, struct mn_arena *a)
{
    return mn_arena_fmt(a, "%llu %.*s", (unsigned long long)n->number, MN_ARG(n->text));
}

bool notice_load(struct notice *n, mn_str record)
{
    mn_str number = mn_str_cut(record, ' ', &n->text);

    return mn_num_parse(number, UINT64_MAX, &n->number) && n->number;
}

struct mn_stanza *notice_message(const struct host *h, mn_str text)
{
    struct mn_stanza *st = mn_stanza_new(MN_MESSAGE, MN_TYPE_NONE);
    struct mn_jid from;

    MN_ASSERT(!mn_jid_parse(h->name, &st->arena, &from));
    mn_stanza_from(st, &from);
    mn_elem_add_text(&st->arena, mn_stanza_body(st), MN_NS_CLIENT, "body",
                     mn_arena_str(&st->arena, text));
    mn_stanza_seal(st);
    return st;
}

/* Telling. It is marked first, and leaves when the mark is on the disk: nobody is told twice. */

static bool is_here(const struct session *s)
{
    return s->available && !s->anonymous;
}

static void say(struct user *u, mn_str text)
{
    MN_LIST_EACH(n, &u->sessions)
    {
        struct session *s = MN_OF(n, struct session, link);
        struct mn_stanza *st;

        if (!is_here(s))
            continue;
        st = notice_message(u->host, text);
        mn_stanza_to(st, &s->jid);
        user_push(u, s, st);
    }
}

static void mark(struct user *u, const struct notice *motd, const struct notice *welcome)
{
    struct store_writer *w = u->owner->writer;
    mn_str bare = mn_jid_bare(&u->jid);
    struct mn_arena a = {0};

    if (u->fresh) {
        user_wrote(u, store_del(w, bare, USER_STORE, MN_STR(USER_NEW)));
        if (welcome->number)
            say(u, welcome->text);
    }
    u->fresh = false;
    if (motd->number && u->motd != motd->number) {
        u->motd = motd->number;
        user_wrote(u, store_set(w, bare, USER_STORE, MN_STR(USER_MOTD),
                                mn_arena_fmt(&a, "%llu", (unsigned long long)motd->number)));
        say(u, motd->text);
    }
    mn_arena_done(&a, NULL);
}

static struct notices *notices_of(struct owner *o, const struct host *h);

void notice_tell(struct user *u)
{
    struct notices *n = notices_of(u->owner, u->host);

    if (!n->known)
        return; /* when they are */
    MN_LIST_EACH(l, &u->sessions)
    {
        if (!is_here(MN_OF(l, struct session, link)))
            continue;
        mark(u, &n->of[NOTICE_MOTD], &n->of[NOTICE_WELCOME]);
        break;
    }
}

static void tell_all(struct notices *n)
{
    struct user *u;

    for (size_t at = 0; (u = mn_map_next(&n->owner->users, &at));)
        if (u->host == n->host && u->session_count)
            notice_tell(u);
}

/* What is known. */

static void read_them(struct notices *n);

static void put(struct notice *to, const struct notice *n)
{
    mn_free((void *)to->text.p);
    *to = (struct notice){.number = n->number};
    if (n->number)
        to->text = (mn_str){mn_str_dup(n->text), n->text.n};
}

static void again(struct mn_timer *t)
{
    read_them(MN_OF(t, struct notices, timer));
}

static void was_read(struct store_read *r)
{
    struct notices *n = r->arg;
    struct notice got;

    if (r->result) {
        n->timer.fire = again;
        if (!n->owner->stopping)
            mn_timer_start(n->owner->loop, &n->timer, AGAIN_MS);
        store_read_free(r);
        return;
    }
    for (size_t i = 0; i < r->count; i++)
        for (int what = 0; what < NOTICES; what++)
            if (!n->is_set[what] && mn_str_is(r->rows[i].key, notice_names[what]) &&
                notice_load(&got, r->rows[i].value))
                put(&n->of[what], &got);
    store_read_free(r);
    n->known = true;
    tell_all(n);
}

static void read_them(struct notices *n)
{
    struct store_read *r = store_read_new();

    r->kind = STORE_LIST;
    r->owner = n->host->name;
    r->store = NOTICE_STORE;
    r->key = MN_STR("");
    r->done = was_read;
    r->arg = n;
    store_read(n->owner->writer, r, 0);
}

static struct notices *notices_of(struct owner *o, const struct host *h)
{
    struct notices *n = mn_map_get(&o->notices, h->name);

    if (n)
        return n;
    n = MN_NEW(struct notices);
    n->owner = o;
    n->host = h;
    mn_map_put(&o->notices, h->name, n);
    read_them(n);
    return n;
}

void notice_put(struct owner *o, const struct host *h, enum notice_what what,
                const struct notice *n)
{
    struct notices *all = notices_of(o, h);

    put(&all->of[what], n);
    all->is_set[what] = true;
    if (all->known)
        tell_all(all);
}

void notice_free(struct owner *o)
{
    struct notices *n;

    for (size_t at = 0; (n = mn_map_next(&o->notices, &at));) {
        for (int what = 0; what < NOTICES; what++)
            mn_free((void *)n->of[what].text.p);
        mn_timer_stop(&n->timer);
        mn_free(n);
    }
    mn_map_free(&o->notices);
}
