#include "server/sm_record.h"

#include "server/deliver.h"
#include "server/handled.h"
#include "server/server.h"

enum { ID = 24, AGAIN_MS = 1000 };
#define STORE "sm"

static void row_add(struct user *u, mn_str id, uint32_t at)
{
    struct mn_arena a = {0};

    store_set(u->owner->writer, mn_jid_bare(&u->jid), STORE,
              mn_arena_fmt(&a, "%.*s/%u", MN_ARG(id), (unsigned)at), MN_STR(""));
    mn_arena_done(&a, NULL);
}

static void end_add(struct user *u, const char *id)
{
    struct mn_arena a = {0};

    user_wrote(u, store_set(u->owner->writer, mn_jid_bare(&u->jid), STORE,
                            mn_arena_fmt(&a, "%s/end", id), MN_STR("")));
    mn_arena_done(&a, NULL);
}

void sm_record_write(const struct session *s, mn_str record)
{
    struct store_writer *w = s->user->owner->writer;
    mn_str id = mn_str_from(s->sm->id), bare = mn_jid_bare(&s->jid);

    store_del_prefix(w, bare, STORE, id);
    store_set(w, bare, STORE, id, record);
    store_index_add(w, mn_jid_host(&s->jid), STORE, id, bare, id);
}

void sm_record_drop(struct user *u, mn_str id)
{
    struct store_writer *w = u->owner->writer;
    mn_str bare = mn_jid_bare(&u->jid);

    store_index_del(w, mn_jid_host(&u->jid), STORE, id, bare, id);
    user_wrote(u, store_del_prefix(w, bare, STORE, id));
}

struct leaving {
    struct wait wait;
    struct session *session; /* a reference */
};

/* Something of what stands in the record is not acknowledged: those are the first of the queue. */
static bool is_wanted(const struct sm *m)
{
    return m->first && m->first->at;
}

static void left(struct wait *w, int result)
{
    struct leaving *l = MN_OF(w, struct leaving, wait);
    struct sm *m = l->session->sm;

    if (m && m->record == SM_RECORD_LEAVING)
        m->record = result ? SM_RECORD_STUCK : is_wanted(m) ? SM_RECORD_ENDED : SM_NO_RECORD;
    session_unref(l->session);
    mn_free(l);
}

bool sm_record_over(struct session *s)
{
    if (s->sm->record == SM_RECORD) {
        struct leaving *l = MN_NEW(struct leaving);

        l->wait.go = left;
        l->session = session_ref(s);
        s->sm->record = SM_RECORD_LEAVING;
        handled_write(s->user->owner, s); /* the record said how far it got */
        if (is_wanted(s->sm))
            end_add(s->user, s->sm->id);
        else
            sm_record_drop(s->user, mn_str_from(s->sm->id));
        user_act(s->user, &l->wait);
    }
    return s->sm->record != SM_RECORD_LEAVING;
}

/* Where a message stands. */

struct sm_place {
    struct sm_place *next;
    uint32_t at;
    char id[ID + 1];
};

void sm_record_place(struct sm_shared *shared, mn_str id, uint32_t at)
{
    struct sm_place *p = MN_NEW(struct sm_place);

    memcpy(p->id, id.p, ID);
    p->at = at;
    p->next = shared->places;
    shared->places = p;
}

void sm_record_places_free(struct sm_shared *shared)
{
    while (shared->places) {
        struct sm_place *p = shared->places;

        shared->places = p->next;
        mn_free(p);
    }
}

void sm_record_had(struct sm *m, const struct sm_item *item)
{
    struct user *u = m->session->user;

    if (m->record != SM_NO_RECORD)
        row_add(u, mn_str_from(m->id), item->at);
    for (const struct sm_place *p = item->shared ? item->shared->places : NULL; p; p = p->next) {
        const struct session *s = sm_find(u, mn_str_from(p->id));

        if (s && s->sm != m && s->sm->record != SM_NO_RECORD)
            row_add(u, mn_str_from(p->id), p->at);
    }
    if (item->shared)
        sm_record_places_free(item->shared);
}

/* On their way. */

struct sm_move {
    struct user *user;
    unsigned under_way;    /* and one until all have set off */
    bool given_up;         /* the next start goes on with those of the record */
    bool tried;            /* once more, when the server was about to end */
    struct mn_list failed; /* routes whose commit did, or that are behind one */
    struct wait wait;
    struct mn_timer timer;
    char id[ID + 1]; /* of the record; "": there is none */
};

static void drop(struct sm_move *m)
{
    sm_record_drop(m->user, mn_str_from(m->id));
    user_act(m->user, &m->wait);
}

static void move_free(struct sm_move *m)
{
    user_let(m->user);
    mn_free(m);
}

/* The last one takes the record along. */
static void one_less(struct sm_move *m)
{
    if (--m->under_way)
        return;
    if (m->given_up || !m->id[0])
        move_free(m);
    else
        drop(m);
}

static void give_up(struct sm_move *m, struct route *r)
{
    m->given_up = true;
    r->ticket->move = NULL;
    if (r->ticket->seq)
        route_finish(r);
    else
        route_refuse(r, MN_COND_INTERNAL, "");
    one_less(m);
}

static void failed_again(struct sm_move *m, bool stopping)
{
    struct mn_list all;

    mn_list_init(&all);
    MN_LIST_EACH(n, &m->failed)
    {
        mn_list_del(n);
        mn_list_add(&all, n);
    }
    if (!stopping && m->id[0])
        end_add(m->user, m->id);   /* that may not be there either */
    while (!mn_list_empty(&all)) { /* the move goes with the last */
        struct route *r = MN_OF(all.next, struct route, wait.link);

        mn_list_del(&r->wait.link);
        if (stopping)
            give_up(m, r);
        else
            deliver_again(r);
    }
}

static void again(struct mn_timer *t)
{
    struct sm_move *m = MN_OF(t, struct sm_move, timer);
    bool stopping = m->user->owner->stopping && m->tried;

    m->tried = m->user->owner->stopping;
    if (!mn_list_empty(&m->failed))
        failed_again(m, stopping);
    else if (stopping)
        move_free(m);
    else
        drop(m);
}

static void dropped(struct wait *w, int result)
{
    struct sm_move *m = MN_OF(w, struct sm_move, wait);

    if (result)
        mn_timer_start(m->user->owner->loop, &m->timer, AGAIN_MS);
    else
        move_free(m);
}

void sm_record_all_had(struct sm *m)
{
    if (is_wanted(m))
        return;
    sm_move_end(sm_move_new(m, m->session->user));
    m->record = SM_NO_RECORD;
}

struct sm_move *sm_move_new(const struct sm *m, struct user *u)
{
    struct sm_move *move;

    if (!u || (m->record == SM_NO_RECORD && !m->first))
        return NULL;
    move = MN_NEW(struct sm_move);
    move->user = u;
    move->under_way = 1;
    mn_list_init(&move->failed);
    move->wait.go = dropped;
    move->timer.fire = again;
    if (m->record != SM_NO_RECORD)
        memcpy(move->id, m->id, ID);
    user_need(u);
    return move;
}

struct ticket *sm_move_ticket(struct sm_move *m, uint32_t at)
{
    struct ticket *t;

    if (!m)
        return NULL;
    m->under_way++;
    t = MN_NEW(struct ticket);
    mn_list_init(&t->link);
    t->move = m;
    t->seq = at;
    t->parts = 1;
    return t;
}

void sm_move_leave(struct sm_move *m, uint32_t at)
{
    if (m && at)
        row_add(m->user, mn_str_from(m->id), at);
}

void sm_move_end(struct sm_move *m)
{
    if (!m)
        return;
    if (m->under_way > 1 && m->id[0])
        end_add(m->user, m->id);
    one_less(m);
}

static bool is_moving(const struct ticket *t)
{
    return t && t->move;
}

bool sm_is_recorded(const struct ticket *t)
{
    return is_moving(t) && t->move->id[0];
}

void sm_move_stored(const struct ticket *t)
{
    if (is_moving(t))
        sm_move_leave(t->move, t->seq);
}

void sm_moved(struct ticket *t)
{
    struct sm_move *m = t ? t->move : NULL;

    if (!m)
        return;
    t->move = NULL;
    sm_move_leave(m, t->seq);
    one_less(m);
}

bool sm_move_again(struct route *r)
{
    struct sm_move *m = r->ticket ? r->ticket->move : NULL;

    if (!m)
        return false;
    if (mn_list_empty(&m->failed))
        mn_timer_start(m->user->owner->loop, &m->timer, AGAIN_MS);
    mn_list_add(&m->failed, &r->wait.link);
    return true;
}

bool sm_move_waits(struct route *r)
{
    return is_moving(r->ticket) && !mn_list_empty(&r->ticket->move->failed) && sm_move_again(r);
}
