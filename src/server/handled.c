/* Server's store "handled": account and SM-ID -> time of the last addition, the count, then numbers
 * of stanzas beyond the count that are on the disk already, while one before them is not settled.
 * Numbers of 8 and 4 bytes as this machine has them.
 *
 * Messages of a session are stored by the loops of their recipients, so no loop knows the whole;
 * the store's writing thread puts it together. There the count is read last, a moment before the
 * commit: all that was settled by then is in earlier commits, or was never to be stored.
 *
 * Account's store "ended": the counts and SM-IDs of the sessions whose time was over last. */
#include "server/handled.h"

#include <stdatomic.h>

#include "base/clock.h"
#include "server/router.h"
#include "server/server.h"
#include "server/sm.h"

enum { ID = 24, BEYOND = 512, ENDED_MOST = 16 };
#define STORE "handled"
#define ENDED "ended"
#define KEPT_MS (24 * 3600 * (int64_t)1000) /* the longest time to wait for a client */

struct handled {
    atomic_uint settled;
    atomic_int_fast64_t time;
    uint32_t base; /* session->in_count when counting began */
    bool written;
    char id[ID + 1];
};

struct record {
    int64_t time;
    uint32_t count, beyond_count;
    uint32_t beyond[BEYOND];
};

static bool record_parse(mn_str bytes, struct record *r)
{
    size_t fixed = sizeof r->time + sizeof r->count, rest = bytes.n - fixed;

    if (bytes.n < fixed || rest % sizeof *r->beyond || rest > sizeof r->beyond)
        return false;
    memcpy(&r->time, bytes.p, sizeof r->time);
    memcpy(&r->count, bytes.p + sizeof r->time, sizeof r->count);
    if (rest)
        memcpy(r->beyond, bytes.p + fixed, rest);
    r->beyond_count = (uint32_t)(rest / sizeof *r->beyond);
    return true;
}

static bool is_later(uint32_t a, uint32_t b)
{
    return (int32_t)(a - b) > 0;
}

/* Up to the first that is missing; numbers below the count go. */
static void record_close(struct record *r)
{
    for (bool more = true; more;) {
        uint32_t left = 0;

        more = false;
        for (uint32_t i = 0; i < r->beyond_count; i++) {
            if (r->beyond[i] == r->count + 1) {
                r->count++;
                more = true;
            } else if (is_later(r->beyond[i], r->count)) {
                r->beyond[left++] = r->beyond[i];
            }
        }
        r->beyond_count = left;
    }
}

static void add(void *arg, mn_str old, struct mn_buf *out)
{
    const struct ticket *t = ((const struct route *)arg)->ticket;
    uint32_t settled = atomic_load(&t->handled->settled);
    struct record r;

    if (!record_parse(old, &r))
        r = (struct record){.count = settled};
    if (is_later(settled, r.count))
        r.count = settled;
    if (r.beyond_count < BEYOND) /* else it counts when all before it does */
        r.beyond[r.beyond_count++] = t->seq - t->handled->base;
    record_close(&r);
    r.time = atomic_load(&t->handled->time);
    mn_buf_add(out, &r.time, sizeof r.time);
    mn_buf_add(out, &r.count, sizeof r.count);
    mn_buf_add(out, r.beyond, r.beyond_count * sizeof *r.beyond);
}

static mn_str key(struct mn_buf *b, mn_str bare, mn_str id)
{
    mn_buf_str(b, bare);
    mn_buf_c(b, '/');
    mn_buf_str(b, id);
    return mn_buf_view(b);
}

void handled_begin(struct session *s, const char *id)
{
    s->handled = MN_NEW(struct handled);
    s->handled->base = s->in_count;
    handled_rename(s, id);
}

void handled_rename(struct session *s, const char *id)
{
    memcpy(s->handled->id, id, ID);
}

void handled_settled(struct session *s)
{
    if (s->handled && s->sm)
        atomic_store(&s->handled->settled, sm_handled(s));
}

void handled_stored(struct owner *o, struct route *r)
{
    struct ticket *t = r->ticket;
    struct mn_buf b = {0};

    if (!t || !t->handled)
        return;
    atomic_store(&t->handled->time, mn_clock_wall());
    store_update(o->writer, MN_STR(""), STORE,
                 key(&b, mn_jid_bare(&t->session->jid), mn_str_from(t->handled->id)), add, r);
    mn_buf_free(&b);
    r->counted = true;
}

void handled_write(struct owner *o, struct session *s)
{
    struct handled *h = s->handled;
    uint32_t count = sm_handled(s);
    int64_t now = mn_clock_wall();
    struct mn_buf b = {0}, value = {0};

    if (!h)
        return;
    mn_buf_add(&value, &now, sizeof now);
    mn_buf_add(&value, &count, sizeof count);
    store_set(o->writer, MN_STR(""), STORE, key(&b, mn_jid_bare(&s->jid), mn_str_from(h->id)),
              mn_buf_view(&value));
    h->written = true;
    mn_buf_free(&b);
    mn_buf_free(&value);
}

static void drop(struct owner *o, const struct session *s, const struct handled *h)
{
    struct mn_buf b = {0};

    store_del(o->writer, MN_STR(""), STORE, key(&b, mn_jid_bare(&s->jid), mn_str_from(h->id)));
    mn_buf_free(&b);
}

void handled_home(struct owner *o, const struct ticket *t)
{
    if (t->session->user)
        t->handled->written = true;
    else
        drop(o, t->session, t->handled);
}

void handled_end(struct owner *o, struct session *s)
{
    if (s->handled && s->handled->written)
        drop(o, s, s->handled);
}

void handled_free(struct session *s)
{
    mn_free(s->handled);
}

void handled_drop(struct owner *o, mn_str bare)
{
    struct mn_buf b = {0};

    store_del_prefix(o->writer, MN_STR(""), STORE, key(&b, bare, MN_STR("")));
    mn_buf_free(&b);
}

/* Its time was over. */

struct ended {
    uint32_t count;
    char id[ID];
};

struct ending {
    struct wait wait;
    struct user *user;
    struct ended ended;
};

static void add_ended(void *arg, mn_str old, struct mn_buf *out)
{
    size_t most = (ENDED_MOST - 1) * sizeof(struct ended);

    mn_buf_str(out, mn_str_skip(old, old.n > most ? old.n - most : 0));
    mn_buf_add(out, arg, sizeof(struct ended));
}

static void is_there(struct wait *w, int result)
{
    struct ending *e = MN_OF(w, struct ending, wait);

    (void)result;
    user_let(e->user);
    mn_free(e);
}

void handled_over(struct session *s)
{
    struct user *u = s->user;
    struct ending *e;

    if (!s->handled || !u->exists || !sm_handled(s))
        return;
    e = MN_NEW(struct ending);
    e->wait.go = is_there;
    e->user = u;
    e->ended.count = sm_handled(s);
    memcpy(e->ended.id, s->handled->id, ID);
    user_need(u);
    gate_wait(u->owner, &u->out, &e->wait,
              store_update(u->owner->writer, mn_jid_bare(&u->jid), ENDED, MN_STR(""), add_ended,
                           &e->ended));
}

/* What is known of one that is not there. */

struct asked {
    struct owner *owner;
    handled_fn *then;
    void *arg;
    char id[ID];
    char bare[];
};

static void read_one(struct asked *a, mn_str owner, const char *store, mn_str k,
                     void (*done)(struct store_read *r))
{
    struct store_read *r = store_read_new();

    r->kind = STORE_GET;
    r->owner = mn_arena_str(&r->arena, owner);
    r->store = store;
    r->key = mn_arena_str(&r->arena, k);
    r->done = done;
    r->arg = a;
    store_read(a->owner->writer, r, 0);
}

static void answer(struct store_read *r)
{
    struct asked *a = r->arg;
    struct ended got = {0};
    bool known = false;
    mn_str all = r->count ? r->rows[0].value : MN_STR("");

    for (; all.n >= sizeof got && !known; all = mn_str_skip(all, sizeof got)) {
        memcpy(&got, all.p, sizeof got);
        known = !memcmp(got.id, a->id, ID);
    }
    a->then(a->arg, known, got.count);
    mn_free(a);
    store_read_free(r);
}

static void answer_of_crash(struct store_read *r)
{
    struct asked *a = r->arg;
    struct record got = {0};

    if (r->count && record_parse(r->rows[0].value, &got)) {
        a->then(a->arg, true, got.count);
        mn_free(a);
    } else {
        read_one(a, mn_str_from(a->bare), ENDED, MN_STR(""), answer);
    }
    store_read_free(r);
}

void handled_ask(struct owner *o, mn_str bare, mn_str id, handled_fn *then, void *arg)
{
    struct asked *a = mn_alloc0(sizeof *a + bare.n + 1);
    struct mn_buf b = {0};

    a->owner = o;
    a->then = then;
    a->arg = arg;
    memcpy(a->id, id.p, id.n < ID ? id.n : ID);
    memcpy(a->bare, bare.p, bare.n);
    read_one(a, MN_STR(""), STORE, key(&b, bare, id), answer_of_crash);
    mn_buf_free(&b);
}

static void swept(struct store_read *r)
{
    struct owner *o = r->arg;
    struct record got;

    for (size_t i = 0; i < r->count && !o->stopping; i++)
        if (!record_parse(r->rows[i].value, &got) || got.time < mn_clock_wall() - KEPT_MS)
            store_del(o->writer, MN_STR(""), STORE, r->rows[i].key);
    store_read_free(r);
}

void handled_sweep(struct owner *o)
{
    struct store_read *r = store_read_new();

    r->kind = STORE_LIST;
    r->store = STORE;
    r->owner = r->key = MN_STR("");
    r->limit = 1 << 20;
    r->done = swept;
    r->arg = o;
    store_read(o->writer, r, 0);
}
