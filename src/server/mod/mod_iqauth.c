/* XEP-0078 Non-SASL Authentication, only where the operator writes it into the configuration, and
 * only with the password itself (its digest would need the password here), once, and not beside a
 * SASL login. Who tries it on a stream on which one of those has failed loses the stream. */
#include "server/module.h"

static bool can(const struct c2s *c)
{
    return c->stream.owner->snap->conf->auth.iq_auth && c->state == C2S_OPEN && !c->login &&
           !c->sasl_failed && !c->iqauth_failed && c2s_may(c, MN_SASL_PLAIN);
}

static enum mn_cond refuse(struct c2s *c)
{
    if (!c->stream.owner->snap->conf->auth.iq_auth || !c->sasl_failed)
        return MN_COND_SERVICE_UNAVAILABLE;
    stream_error(&c->stream, MN_STREAM_POLICY_VIOLATION, "a SASL login has failed here");
    return MN_COND_NONE;
}

static void features(struct c2s *c, struct mn_buf *out)
{
    if (can(c))
        mn_buf_lit(out, "<auth xmlns='http://jabber.org/features/iq-auth'/>");
}

static enum mn_cond on_get(struct iq *iq)
{
    struct mn_stanza *answer;
    struct mn_elem *q;

    if (!can(iq->stream))
        return refuse(iq->stream);
    answer = iq_answer(iq);
    q = mn_elem_add(&answer->arena, mn_stanza_body(answer), MN_NS_AUTH, "query");
    mn_elem_add(&answer->arena, q, MN_NS_AUTH, "username");
    mn_elem_add(&answer->arena, q, MN_NS_AUTH, "password");
    mn_elem_add(&answer->arena, q, MN_NS_AUTH, "resource");
    return iq_result(iq, answer);
}

/* The check is that of PLAIN: it takes as long for an account that does not exist. */
struct checking {
    struct mn_job job; /* first */
    struct iq *iq;
    struct mn_sasl *sasl;
    struct mn_jid jid; /* full */
    struct mn_timer delay;
    struct mn_arena a;
};

static void free_all(struct checking *k)
{
    mn_sasl_free(k->sasl);
    mn_arena_done(&k->a, NULL);
    mn_free(k);
}

static void end(struct checking *k, enum mn_cond cond)
{
    struct c2s *c = k->iq->stream;

    iq_finish(k->iq, c->stream.closed ? MN_COND_NONE : cond);
    free_all(k);
    stream_go_on(&c->stream);
}

static void let_in(void *arg, struct user *u)
{
    struct checking *k = arg;
    struct c2s *c = k->iq->stream;

    bool may = u->exists && !u->disabled;

    if (c->stream.closed || !may || !c2s_is_of(c, u) ||
        !session_fits(u, mn_jid_resource(&k->jid))) {
        end(k, may ? MN_COND_RESOURCE_CONSTRAINT : MN_COND_NOT_AUTHORIZED);
        return;
    }
    c2s_renew(c, k->sasl);
    c2s_authenticated(c, mn_jid_user(&k->jid));
    c2s_bind(c, u, mn_jid_resource(&k->jid));
    iq_result(k->iq, NULL);
    end(k, MN_COND_NONE);
}

static void delay_over(struct mn_timer *t)
{
    end(MN_OF(t, struct checking, delay), MN_COND_NOT_AUTHORIZED);
}

static void checked(struct mn_job *j)
{
    struct checking *k = (struct checking *)j;
    struct c2s *c = k->iq->stream;
    struct mn_jid bare = mn_jid_to_bare(&k->jid);
    int64_t ms = 0, by_account = 0;
    char group[16];
    mn_str out;

    if (mn_sasl_worked(k->sasl, &out) == MN_SASL_SUCCESS && !c->stream.closed) {
        user_when_loaded(user_get(c->stream.owner, c->host, &bare), let_in, k);
        return;
    }
    c->stream.owner->count.wrong++;
    if (!c->stream.closed) {
        c->iqauth_failed = true; /* one try: then SASL, where failing costs time */
        mn_limit_fail(c->stream.owner->srv->limits, c2s_group(c, group));
        mn_limit_fail(c->stream.owner->srv->limits, mn_jid_bare(&bare));
        c2s_refused(c, mn_jid_bare(&bare), "jabber:iq:auth");
        ms = mn_limit_delay(c->stream.owner->srv->limits, c2s_group(c, group));
        by_account = mn_limit_delay(c->stream.owner->srv->limits, mn_jid_bare(&bare));
    }
    /* As with SASL (decision L3); at once when nothing is to be waited for. */
    k->delay.fire = delay_over;
    mn_timer_start(c->stream.owner->loop, &k->delay, by_account > ms ? by_account : ms);
}

static void check(struct mn_job *j)
{
    mn_sasl_work(((struct checking *)j)->sasl);
}

static void found(struct store_read *r)
{
    struct checking *k = r->arg;
    struct c2s *c = k->iq->stream;
    bool failed = r->result;
    mn_str out;

    if (!failed)
        (void)mn_sasl_found(k->sasl, r->count ? r->rows[0].value : (mn_str){0}, &out);
    store_read_free(r);
    k->job = (struct mn_job){.run = check, .done = checked, .loop = c->stream.owner->loop};
    if (failed || mn_work_submit(c->stream.owner->srv->work, MN_LANE_HASH, &k->job))
        end(k, MN_COND_RESOURCE_CONSTRAINT);
}

static void at_owner(struct c2s *c, void *arg)
{
    struct checking *k = arg;

    k->iq->owner = c->stream.owner;
    if (c->stream.closed) {
        end(k, MN_COND_NONE);
        return;
    }
    c2s_creds(c, mn_jid_bare(&k->jid), found, k);
}

static bool begin(struct checking *k, const struct c2s *c, const struct mn_elem *query)
{
    mn_str user = mn_elem_child_text(query, MN_NS_AUTH, "username", &k->a),
           password = mn_elem_child_text(query, MN_NS_AUTH, "password", &k->a),
           resource = mn_elem_child_text(query, MN_NS_AUTH, "resource", &k->a), out;
    struct mn_sasl_env env = c2s_sasl_env(c);

    k->sasl = mn_sasl_new(MN_SASL_PLAIN, &env);
    return mn_sasl_step(k->sasl,
                        mn_arena_fmt(&k->a, "%c%.*s%c%.*s", 0, MN_ARG(user), 0, MN_ARG(password)),
                        &out) == MN_SASL_LOOKUP &&
           resource.n &&
           !mn_jid_make(mn_sasl_user(k->sasl), c->host->name, resource, &k->a, &k->jid);
}

static enum mn_cond on_set(struct iq *iq)
{
    struct c2s *c = iq->stream;
    struct checking *k;

    if (!can(c))
        return refuse(c);
    k = MN_NEW(struct checking);
    if (!begin(k, c, iq->child)) {
        free_all(k);
        return MN_COND_NOT_ACCEPTABLE;
    }
    k->iq = iq_hold(iq);
    c2s_move(c, mn_jid_bare(&k->jid), at_owner, k);
    return MN_COND_LATER;
}

const struct module mod_iqauth = {
    .name = "iq_auth",
    .xep = {{78, "2.5", "Non-SASL Authentication", "wire/iqauth; wire/iqauth-off", "auth.iq_auth",
             "digests of passwords"}},
    .always = true, /* auth.iq_auth decides */
    .iq = {{MN_TYPE_GET, MN_NS_AUTH, "query", AT_STREAM, on_get},
           {MN_TYPE_SET, MN_NS_AUTH, "query", AT_STREAM, on_set}},
    .stream_features = features,
};
