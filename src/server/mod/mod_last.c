/* XEP-0012 Last Activity: how long the server runs, and since when an account has no available
 * resource and what its owner said then, for those who may see its presence. */
#include "base/clock.h"
#include "base/num.h"
#include "server/module.h"

static enum mn_cond answer(struct iq *iq, int64_t ms, mn_str status)
{
    struct mn_stanza *st = iq_answer(iq);
    struct mn_arena *a = &st->arena;
    struct mn_elem *q = mn_elem_add(a, mn_stanza_body(st), MN_NS_LAST, "query");

    mn_elem_set(a, q, "seconds", mn_arena_fmt(a, "%lld", (long long)(ms < 0 ? 0 : ms / 1000)));
    if (status.n)
        mn_elem_put_text(a, q, mn_arena_str(a, status));
    return iq_result(iq, st);
}

static enum mn_cond at_host(struct iq *iq)
{
    return answer(iq, mn_clock_now() - iq->owner->srv->started, (mn_str){0});
}

/* The record: the time in ms, a space, the status. */
static void was_read(struct store_read *r)
{
    struct iq *iq = r->arg;
    mn_str status = {0}, time = r->count ? mn_str_cut(r->rows[0].value, ' ', &status) : (mn_str){0};
    int64_t at;

    if (r->result)
        iq_finish(iq, MN_COND_RESOURCE_CONSTRAINT);
    else if (!mn_num_parse_int(time, 0, INT64_MAX, &at)) /* it has never been there */
        iq_finish(iq, MN_COND_ITEM_NOT_FOUND);
    else
        iq_finish(iq, answer(iq, mn_clock_wall() - at, status));
    store_read_free(r);
}

static bool is_there(const struct user *u)
{
    MN_LIST_EACH(n, &u->sessions)
    {
        if (MN_OF(n, struct session, link)->available)
            return true;
    }
    return false;
}

static enum mn_cond at_user(struct iq *iq)
{
    if (!iq_is_self(iq) &&
        !(roster_flags(&iq->user->roster, mn_jid_bare(&iq->st->from)) & ROSTER_FROM))
        return MN_COND_FORBIDDEN;
    if (is_there(iq->user))
        return answer(iq, 0, (mn_str){0});
    user_read(iq->user, "profile", MN_STR("last"), was_read, iq_hold(iq));
    return MN_COND_LATER;
}

static enum mn_cond on_get(struct iq *iq)
{
    return iq->user ? at_user(iq) : at_host(iq);
}

static void gone(struct session *s, const struct mn_stanza *st)
{
    struct user *u = s->user;
    struct mn_arena a = {0};
    mn_str status =
        st->elem ? mn_elem_child_text(st->elem, MN_NS_CLIENT, "status", &a) : (mn_str){0};

    if (!is_there(u) && u->exists && !s->anonymous)
        user_wrote(u, store_set(u->owner->writer, mn_jid_bare(&u->jid), "profile", MN_STR("last"),
                                mn_arena_fmt(&a, "%lld %.*s", (long long)mn_clock_wall(),
                                             MN_ARG(status))));
    mn_arena_done(&a, NULL);
}

const struct module mod_last = {
    .name = "last",
    .xep = {{12, "2.0", "Last Activity", "wire/last"}},
    .feature = {"jabber:iq:last"},
    .user_feature = {"jabber:iq:last"},
    .iq = {{MN_TYPE_GET, MN_NS_LAST, "query", AT_HOST | AT_USER | AT_TOLD, on_get}},
    .session_unavailable = gone,
};
