/* Resumable sessions over a restart (decision D3): at the end each one that lost its stream is
 * written down whole: counters, queue, presence, who got directed presence. */
#include "base/rand.h"
#include "server/directed.h"
#include "server/server.h"
#include "server/sm_record.h"

static void put(struct mn_buf *b, const void *p, size_t n)
{
    mn_buf_str(b, (mn_str){p, n});
}

static void put_number(struct mn_buf *b, int64_t v)
{
    put(b, &v, sizeof v);
}

static void put_text(struct mn_buf *b, mn_str s)
{
    put_number(b, (int64_t)s.n);
    mn_buf_str(b, s);
}

/* Unlike that of any other message of the account: nothing is made while its sessions are written
 * down, and `salt` tells it from what stands in older records. */
static int64_t number_of(const struct sm_shared *shared, int64_t salt)
{
    return !shared ? SM_ALONE : shared->had ? SM_HAD : (int64_t)(uintptr_t)shared ^ salt;
}

static void write_down(struct session *s, int64_t salt)
{
    struct sm *m = s->sm;
    struct user *u = s->user;
    struct mn_buf b = {0};
    mn_str jid;
    size_t at = 0;

    put_number(&b, SM_RECORD_VERSION);
    put_text(&b, mn_jid_resource(&s->jid));
    put_number(&b, sm_handled(s));
    put_number(&b, m->sent);
    put_number(&b, m->acked);
    put_number(&b, m->max);
    put_number(&b, m->until);
    put_number(&b, (s->available ? SM_AVAILABLE : 0) | (s->interested ? SM_INTERESTED : 0) |
                       (s->carbons ? SM_CARBONS : 0) | (s->blocklist ? SM_BLOCKLIST : 0));
    put_number(&b, s->priority);
    put_number(&b, s == u->offline.to ? (int64_t)u->offline.upto : 0);
    if (s->available) {
        const struct flat *f = s->presence;

        put_text(&b, (mn_str){f->bytes, f->id});
        put_text(&b, (mn_str){f->bytes + f->id, f->lang});
        put_text(&b, (mn_str){f->bytes + f->id + f->lang, f->payload});
    }
    while (directed_next(s, &at, &jid))
        put_text(&b, jid);
    put_text(&b, MN_STR(""));
    for (const struct sm_item *i = m->first; i; i = i->next) {
        put_number(&b, i->time);
        put_number(&b, number_of(i->shared, salt));
        put_number(&b, i->shared ? (int64_t)i->shared->number : 0);
        put_text(&b, (mn_str){i->bytes, i->n});
    }
    sm_record_write(s, mn_buf_view(&b));
    mn_buf_free(&b);
}

static bool keep_of(struct user *u, int64_t salt)
{
    bool some = false;

    user_need(u);
    MN_LIST_EACH(n, &u->sessions)
    {
        struct session *s = MN_OF(n, struct session, link);

        if (s->sm && s->sm->resumable && !s->endpoint) {
            write_down(s, salt);
            session_forget(s);
            some = true;
        }
    }
    user_let(u);
    return some;
}

/* An account that nobody needs any more may leave the map, and with it the order: so once more when
 * there was something. */
void sm_keep_all(struct owner *o)
{
    int64_t salt = (int64_t)mn_rand_u64();
    bool some;

    do {
        struct user *u;

        some = false;
        for (size_t at = 0; (u = mn_map_next(&o->users, &at));)
            some |= keep_of(u, salt);
    } while (some);
}
