/* XEP-0077 In-Band Registration: making an account on a stream that is not logged in, where the
 * configuration opens that; changing the own password and removing the own account, never somebody
 * else's. */
#include "base/clock.h"
#include "server/module.h"

static const struct {
    const char *name, *label, *type;
    bool required;
} fields[] = {
    {"username", "Username", "text-single", true},
    {"name", "Full name", "text-single", false},
    {"email", "Email", "text-single", false},
    {"password", "Password", "text-private", true},
};

static bool asked(const struct server *srv, const char *name)
{
    const struct mn_conf_list *l = &srv->conf->registration.fields;

    for (size_t i = 0; i < l->count; i++)
        if (mn_str_is(((mn_str *)l->items)[i], name))
            return true;
    return false;
}

static bool open_to(const struct c2s *c)
{
    switch (c->srv->conf->registration.open) {
    case CONF_OPEN_YES:
        return true;
    case CONF_OPEN_LOOPBACK:
        return c2s_is_loopback(c);
    case CONF_OPEN_AUTO:
        return c->srv->built_in && c2s_is_loopback(c);
    }
    return false;
}

static void features(struct c2s *c, struct mn_buf *out)
{
    if (c->state == C2S_OPEN && open_to(c) && (c->secure || c->tls_policy != CONF_TLS_REQUIRED))
        mn_buf_lit(out, "<register xmlns='http://jabber.org/features/iq-register'/>");
}

static enum mn_cond form(struct iq *iq)
{
    struct mn_stanza *answer = iq_answer(iq);
    struct mn_arena *a = &answer->arena;
    struct mn_elem *q = mn_elem_add(a, mn_stanza_body(answer), MN_NS_REGISTER, "query"), *x, *f;

    for (size_t i = 0; i < MN_COUNT(fields); i++)
        if (asked(iq->owner->srv, fields[i].name))
            mn_elem_add(a, q, MN_NS_REGISTER, fields[i].name);
    x = mn_elem_add(a, q, MN_NS_DATA, "x");
    mn_elem_set(a, x, "type", MN_STR("form"));
    mn_elem_add_text(a, x, MN_NS_DATA, "title", MN_STR("XMPP Client Registration"));
    mn_elem_add_text(a, x, MN_NS_DATA, "instructions",
                     MN_STR("Please provide the following information"));
    f = mn_elem_add(a, x, MN_NS_DATA, "field");
    mn_elem_set(a, f, "var", MN_STR("FORM_TYPE"));
    mn_elem_set(a, f, "type", MN_STR("hidden"));
    mn_elem_add_text(a, f, MN_NS_DATA, "value", MN_STR("jabber:iq:register"));
    for (size_t i = 0; i < MN_COUNT(fields); i++) {
        if (!asked(iq->owner->srv, fields[i].name))
            continue;
        f = mn_elem_add(a, x, MN_NS_DATA, "field");
        mn_elem_set(a, f, "label", mn_str_from(fields[i].label));
        mn_elem_set(a, f, "var", mn_str_from(fields[i].name));
        mn_elem_set(a, f, "type", mn_str_from(fields[i].type));
        if (fields[i].required)
            mn_elem_add(a, f, MN_NS_DATA, "required");
    }
    return iq_result(iq, answer);
}

/* A field's text, from the data form where one was submitted, else from the plain children. */
static mn_str field(const struct iq *iq, const char *name, struct mn_arena *a)
{
    const struct mn_elem *x = mn_elem_child(iq->child, MN_NS_DATA, "x");

    if (!x)
        return mn_elem_child_text(iq->child, MN_NS_REGISTER, name, a);
    for (const struct mn_elem *f = mn_elem_first(x); f; f = mn_elem_next(f))
        if (mn_elem_is(f, MN_NS_DATA, "field") && mn_str_is(mn_elem_get(f, "var"), name))
            return mn_elem_child_text(f, MN_NS_DATA, "value", a);
    return (mn_str){0};
}

static enum mn_cond on_get(struct iq *iq)
{
    struct mn_stanza *answer;
    struct mn_elem *q;

    if (iq->stream) {
        if (iq->stream->state != C2S_OPEN || !open_to(iq->stream))
            return MN_COND_NOT_ALLOWED;
        return form(iq);
    }
    if (!iq->via)
        return MN_COND_FORBIDDEN;
    answer = iq_answer(iq);
    q = mn_elem_add(&answer->arena, mn_stanza_body(answer), MN_NS_REGISTER, "query");
    mn_elem_add(&answer->arena, q, MN_NS_REGISTER, "registered");
    mn_elem_add_text(&answer->arena, q, MN_NS_REGISTER, "username",
                     mn_arena_str(&answer->arena, mn_jid_user(&iq->via->jid)));
    mn_elem_add(&answer->arena, q, MN_NS_REGISTER, "password");
    return iq_result(iq, answer);
}

/* The keys are made on a work lane; then they are stored at the account's owner. */
struct making {
    struct mn_job job; /* first */
    struct iq *iq;
    struct user *user;
    struct mn_arena a;
    mn_str name, password, full_name, email, creds;
    unsigned mechs, iterations;
    bool fresh; /* a new account, not a new password */
    int error;
};

static void making_end(struct making *m, enum mn_cond cond)
{
    struct c2s *c = m->iq->stream;

    if (m->user)
        user_let(m->user);
    iq_finish(m->iq, cond);
    mn_arena_done(&m->a, NULL);
    mn_free(m);
    if (c)
        c2s_go_on(c);
}

static void keys_make(struct mn_job *j)
{
    struct making *m = (struct making *)j;

    m->error = mn_sasl_creds_make(m->name, m->iq->host->name, m->password, m->mechs, m->iterations,
                                  &m->a, &m->creds);
}

struct committed {
    struct wait wait;
    struct making *m;
};

static void committed(struct wait *w, int result)
{
    struct making *m = ((struct committed *)w)->m;

    mn_free(w);
    if (result) {
        m->user->exists = m->user->exists && !m->fresh;
        making_end(m, result == MN_E_FULL ? MN_COND_RESOURCE_CONSTRAINT : MN_COND_INTERNAL);
        return;
    }
    if (!m->iq->stream || m->iq->stream->state != C2S_CLOSED)
        iq_result(m->iq, NULL);
    making_end(m, MN_COND_NONE);
}

static void keys_made(struct mn_job *j)
{
    struct making *m = (struct making *)j;
    struct user *u = m->user;
    struct store_writer *w = u->owner->writer;
    mn_str bare = mn_jid_bare(&u->jid);
    struct committed *done;
    uint64_t seq;

    if (m->error || (m->fresh && u->exists) || (!m->fresh && !u->exists)) {
        making_end(m, m->error   ? MN_COND_NOT_ACCEPTABLE
                      : m->fresh ? MN_COND_CONFLICT
                                 : MN_COND_NOT_ALLOWED);
        return;
    }
    seq = store_set(w, bare, "auth", MN_STR("creds"), m->creds);
    if (m->fresh) {
        int64_t now = mn_clock_wall();

        store_set(w, bare, USER_STORE, MN_STR(USER_ACCOUNT),
                  mn_arena_fmt(&m->a, "%lld", (long long)now));
        if (m->full_name.n)
            store_set(w, bare, "profile", MN_STR("name"), m->full_name);
        if (m->email.n)
            store_set(w, bare, "profile", MN_STR("email"), m->email);
        seq = store_index_add(w, mn_jid_host(&u->jid), "accounts", mn_jid_user(&u->jid), bare,
                              MN_STR(""));
        user_created(u);
    }
    user_wrote(u, seq);
    done = MN_NEW(struct committed);
    done->wait.go = committed;
    done->m = m;
    user_act(u, &done->wait);
}

static void make(struct making *m)
{
    m->job = (struct mn_job){.run = keys_make, .done = keys_made, .loop = m->user->owner->loop};
    m->mechs = m->iq->owner->srv->mechanisms;
    m->iterations = (unsigned)m->iq->owner->srv->conf->auth.iterations;
    if (mn_work_submit(m->iq->owner->srv->work, MN_LANE_HASH, &m->job))
        making_end(m, MN_COND_RESOURCE_CONSTRAINT);
}

static void account_loaded(void *arg, struct user *u)
{
    struct making *m = arg;

    m->user = u;
    user_need(u);
    if (u->exists)
        making_end(m, MN_COND_CONFLICT);
    else
        make(m);
}

static void at_owner(struct c2s *c, void *arg)
{
    struct making *m = arg;
    struct mn_jid j;

    m->iq->owner = c->owner;
    if (c->state == C2S_CLOSED || mn_jid_make(m->name, c->host->name, (mn_str){0}, &m->a, &j)) {
        making_end(m, MN_COND_NOT_ACCEPTABLE);
        return;
    }
    user_when_loaded(user_get(c->owner, c->host, &j), account_loaded, m);
}

static struct making *making_new(struct iq *iq)
{
    struct making *m = MN_NEW(struct making);

    m->iq = iq_hold(iq);
    m->password = field(iq, "password", &m->a);
    m->full_name = field(iq, "name", &m->a);
    m->email = field(iq, "email", &m->a);
    return m;
}

static enum mn_cond create(struct iq *iq)
{
    struct c2s *c = iq->stream;
    struct mn_arena a = {0};
    mn_str name = field(iq, "username", &a), password = field(iq, "password", &a), prepared;
    struct making *m;
    struct mn_jid j;
    char group[16];

    if (c->state != C2S_OPEN || !open_to(c))
        return MN_COND_NOT_ALLOWED;
    if (!c->secure && c->tls_policy == CONF_TLS_REQUIRED)
        return MN_COND_NOT_ALLOWED;
    if (!name.n || !password.n || mn_jid_may_create(name, &a, &prepared) ||
        mn_jid_make(prepared, c->host->name, (mn_str){0}, &a, &j)) {
        mn_arena_done(&a, NULL);
        return MN_COND_NOT_ACCEPTABLE;
    }
    if (c->srv->conf->registration.per_address.count && !(c->srv->built_in && c2s_is_loopback(c)) &&
        !mn_limit_rate(c->srv->limits,
                       mn_arena_fmt(&a, "register %.*s", MN_ARG(c2s_group(c, group))),
                       c->srv->conf->registration.per_address.count,
                       c->srv->conf->registration.per_address.ms)) {
        mn_arena_done(&a, NULL);
        return MN_COND_RESOURCE_CONSTRAINT;
    }
    m = making_new(iq);
    m->fresh = true;
    m->name = mn_arena_str(&m->a, prepared);
    c2s_move(c, mn_jid_bare(&j), at_owner, m);
    mn_arena_done(&a, NULL);
    return MN_COND_LATER;
}

static enum mn_cond on_set(struct iq *iq)
{
    struct mn_arena a = {0};
    struct making *m;
    mn_str name;

    if (iq->stream)
        return create(iq);
    if (!iq->via || iq->via->anonymous)
        return MN_COND_FORBIDDEN;
    if (mn_elem_child(iq->child, MN_NS_REGISTER, "remove")) {
        struct session *s = iq->via;
        struct user *u = s->user;

        if (mn_elem_next(mn_elem_first(iq->child)))
            return MN_COND_BAD_REQUEST;
        iq->user = u;
        user_remove(u, s);
        return iq_result(iq, NULL);
    }
    name = field(iq, "username", &a);
    if (!mn_str_eq(name, mn_jid_user(&iq->via->jid))) {
        mn_arena_done(&a, NULL);
        return name.n ? MN_COND_FORBIDDEN : MN_COND_BAD_REQUEST;
    }
    mn_arena_done(&a, NULL);
    m = making_new(iq);
    if (!m->password.n) {
        iq_finish(m->iq, MN_COND_BAD_REQUEST);
        mn_arena_done(&m->a, NULL);
        mn_free(m);
        return MN_COND_LATER;
    }
    m->user = iq->via->user;
    user_need(m->user);
    m->name = mn_arena_str(&m->a, mn_jid_user(&m->user->jid));
    make(m);
    return MN_COND_LATER;
}

const struct module mod_register = {
    .name = "register",
    .xep = {{77, "2.4"}},
    .feature = {"jabber:iq:register"},
    .iq = {{MN_TYPE_GET, MN_NS_REGISTER, "query", AT_STREAM | AT_HOST | AT_USER, on_get},
           {MN_TYPE_SET, MN_NS_REGISTER, "query", AT_STREAM | AT_HOST | AT_USER, on_set}},
    .stream_features = features,
};
