/* Resource binding (RFC 6120, 7). A client may ask for a resource or leave it to us. When it asks
 * for one that is taken, the older session goes: a phone is back before we see its old link die. */
#include "base/rand.h"
#include "server/anonymous.h"
#include "server/module.h"

static void features(struct c2s *c, struct mn_buf *out)
{
    if (c->state == C2S_KNOWN)
        mn_buf_lit(out, "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>");
}

static enum mn_cond choose(const struct iq *iq, struct user *u, struct mn_arena *a,
                           mn_str *resource)
{
    mn_str wish = mn_elem_child_text(iq->child, MN_NS_BIND, "resource", a);

    if ((!u->exists && !iq->stream->anonymous) || u->disabled || !c2s_is_of(iq->stream, u))
        return MN_COND_NOT_ALLOWED;
    if (!wish.n)
        *resource = mn_rand_text(a, 16);
    else if (mn_jid_resource_prep(wish, a, resource))
        return MN_COND_BAD_REQUEST;
    /* One that takes another's place adds none. */
    return session_fits(u, *resource) ? MN_COND_NONE : MN_COND_RESOURCE_CONSTRAINT;
}

static void bound(struct iq *iq, struct user *u, mn_str resource)
{
    struct mn_stanza *answer = iq_answer(iq);
    struct mn_elem *b = mn_elem_add(&answer->arena, mn_stanza_body(answer), MN_NS_BIND, "bind");

    if (iq->stream->anonymous)
        anonymous_begin(u);
    c2s_bind(iq->stream, u, resource);
    mn_elem_add_text(&answer->arena, b, MN_NS_BIND, "jid", mn_jid_text(&iq->stream->session->jid));
    iq_result(iq, answer);
}

static void bind_now(void *arg, struct user *u)
{
    struct iq *iq = arg;
    struct c2s *c = iq->stream;
    struct mn_pool *pool = mn_loop_pool(c->stream.owner->loop);
    struct mn_arena a = {.pool = pool};
    mn_str resource;
    enum mn_cond cond = MN_COND_NONE;

    if (!c->stream.closed) {
        cond = choose(iq, u, &a, &resource);
        if (!cond)
            bound(iq, u, resource);
    }
    iq_finish(iq, cond);
    if (cond && ++c->refused >= c->stream.owner->snap->conf->limits.refused_forms) /* 7.7.3 */
        stream_error(&c->stream, MN_STREAM_POLICY_VIOLATION, "no resource after many attempts");
    mn_arena_done(&a, pool);
    stream_go_on(&c->stream);
}

static enum mn_cond on_bind(struct iq *iq)
{
    struct c2s *c = iq->stream;
    struct mn_pool *pool = mn_loop_pool(c->stream.owner->loop);
    struct mn_arena a = {.pool = pool};
    struct mn_jid j;

    if (c->state != C2S_KNOWN)
        return MN_COND_NOT_ALLOWED;
    j = c2s_jid(c, &a);
    stream_wait(&c->stream);
    user_when_loaded(user_get(c->stream.owner, c->host, &j), bind_now, iq_hold(iq));
    mn_arena_done(&a, pool);
    return MN_COND_LATER;
}

const struct module mod_bind = {
    .name = "bind",
    .rfc = {{"RFC 6120, 7", "Resource Binding", "wire/rfc6120-7-bind"}},
    .always = true,
    .iq = {{MN_TYPE_SET, MN_NS_BIND, "bind", AT_STREAM, on_bind}},
    .stream_features = features,
};
