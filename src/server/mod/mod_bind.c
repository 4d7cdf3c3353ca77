/* Resource binding (RFC 6120, 7). A client may ask for a resource or leave it to us. When it asks
 * for one that is taken, the older session goes: a phone is back before we see its old link die. */
#include "base/rand.h"
#include "server/module.h"

static void features(struct c2s *c, struct mn_buf *out)
{
    if (c->state == C2S_KNOWN)
        mn_buf_lit(out, "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>");
}

static void bind_now(void *arg, struct user *u)
{
    struct iq *iq = arg;
    struct c2s *c = iq->stream;
    struct mn_stanza *answer = iq_answer(iq);
    struct mn_arena *a = &answer->arena;
    mn_str wish = mn_elem_child_text(iq->child, MN_NS_BIND, "resource", a), resource = {0};
    struct mn_elem *b;

    if (c->anonymous)
        u->exists = true;
    if (c->state == C2S_CLOSED || !u->exists ||
        u->session_count >= c->srv->conf->limits.sessions_per_account ||
        (wish.n && mn_jid_resource_prep(wish, a, &resource))) {
        enum mn_cond cond = !u->exists              ? MN_COND_NOT_ALLOWED
                            : wish.n && !resource.n ? MN_COND_BAD_REQUEST
                                                    : MN_COND_RESOURCE_CONSTRAINT;

        mn_stanza_unref(answer);
        iq_finish(iq, c->state == C2S_CLOSED ? MN_COND_NONE : cond);
        c2s_go_on(c);
        return;
    }
    if (!resource.n)
        resource = mn_rand_text(a, 16);
    c2s_bind(c, u, resource);
    b = mn_elem_add(a, mn_stanza_body(answer), MN_NS_BIND, "bind");
    mn_elem_add_text(a, b, MN_NS_BIND, "jid", mn_jid_text(&c->session->jid));
    iq_result(iq, answer);
    iq_finish(iq, MN_COND_NONE);
    c2s_go_on(c);
}

static enum mn_cond on_bind(struct iq *iq)
{
    struct c2s *c = iq->stream;
    struct mn_arena a = {0};
    struct mn_jid j;

    if (c->state != C2S_KNOWN)
        return MN_COND_NOT_ALLOWED;
    j = c2s_jid(c, &a);
    c2s_wait(c);
    user_when_loaded(user_get(c->owner, c->host, &j), bind_now, iq_hold(iq));
    mn_arena_done(&a, NULL);
    return MN_COND_LATER;
}

const struct module mod_bind = {
    .name = "bind",
    .rfc = "RFC 6120 7",
    .always = true,
    .iq = {{MN_TYPE_SET, MN_NS_BIND, "bind", AT_STREAM, on_bind}},
    .stream_features = features,
};
