/* SASL (RFC 6120, 6) on a client's stream: mechanisms offered, the exchange, and what its failures
 * cost. As soon as the account is named the stream moves to its owner; the rest is local. */
#include "base/codec.h"
#include "base/rand.h"
#include "server/module.h"
#include "server/stranger.h"

struct login {
    struct mn_job job; /* first */
    struct c2s *c;
    struct mn_sasl *sasl;
    struct mn_timer delay;
    struct mn_arena a;
    mn_str out; /* goes with the success */
};

void login_free(struct c2s *c)
{
    if (!c->login)
        return;
    mn_timer_stop(&c->login->delay);
    mn_sasl_free(c->login->sasl);
    mn_arena_done(&c->login->a, NULL);
    mn_free(c->login);
    c->login = NULL;
}

static size_t offered(const struct c2s *c, bool certified, mn_str out[MN_SASL_MECHS])
{
    const struct mn_conf_list *list = &c->stream.owner->snap->conf->auth.mechanisms;
    size_t n = 0;

    if (certified)
        out[n++] = mn_sasl_name(MN_SASL_EXTERNAL);
    for (size_t i = 0; i < list->count; i++) {
        enum mn_sasl_mech m = mn_sasl_find(((mn_str *)list->items)[i]);

        if (c2s_may(c, m) && (!mn_sasl_is_plus(m) || c->stream.secure))
            out[n++] = mn_sasl_name(m);
    }
    return n;
}

static bool is_there(mn_str what, const mn_str *list, size_t n)
{
    while (n && !mn_str_eq(list[n - 1], what))
        n--;
    return n;
}

/* Whom the client's certificate may log in on this stream (XEP-0178), as localparts: its addresses
 * of this domain, or the one of them that the header names (RFC 6120, 13.7.2; libstrophe chooses
 * that way). None: what is wrong with it, or NULL when the client has shown none. */
static const char *certified(const struct c2s *c, struct mn_arena *a, struct mn_sasl_env *e)
{
    const mn_str *all;
    const char *why;
    size_t count = mn_conn_addresses(c->stream.conn, a, &all, &why), n = 0;
    mn_str *users = mn_arena_alloc(a, (count + 1) * sizeof *users);
    bool here = false;
    struct mn_jid j;

    for (size_t i = 0; i < count; i++) {
        if (mn_jid_parse(all[i], a, &j) || j.resource || !mn_jid_user(&j).n ||
            !mn_str_eq(mn_jid_host(&j), c->host->name))
            continue;
        here = true;
        if (c2s_expects(c, mn_jid_user(&j)) && !is_there(mn_jid_user(&j), users, n))
            users[n++] = mn_arena_str(a, mn_jid_user(&j));
    }
    e->addresses = users;
    e->address_count = n;
    return !count  ? why
           : !here ? "none of its addresses is one of this domain"
           : !n    ? "from is none of its addresses"
                   : NULL;
}

/* Returns what keeps the client's certificate from being of use; NULL: nothing, or it has none. */
static const char *env_fill(struct c2s *c, struct mn_arena *a, struct mn_sasl_env *e,
                            mn_str names[MN_SASL_MECHS])
{
    const char *why = NULL;

    *e = c2s_sasl_env(c);
    e->announced = names;
    if (c->stream.owner->snap->conf->auth.client_ca.n)
        why = certified(c, a, e);
    e->announced_count = offered(c, e->address_count, names);
    (void)mn_conn_binding(c->stream.conn, MN_BIND_EXPORTER, a, &e->exporter);
    (void)mn_conn_binding(c->stream.conn, MN_BIND_END_POINT, a, &e->endpoint);
    if (!mn_conn_binding(c->stream.conn, MN_BIND_UNIQUE, a, &e->unique) &&
        c->stream.owner->snap->conf->auth.unique_on_13)
        e->unique_unlisted = mn_conn_finished13(c->stream.conn, a, &e->unique);
    return why;
}

static void tell_certificate(const struct c2s *c, const char *why)
{
    if (stranger_may_log(c->stream.owner->srv, mn_conn_peer(c->stream.conn), &c->stream.log))
        mn_log_info(&c->stream.log, "client certificate not accepted", MN_FC("why", why));
}

static void features(struct c2s *c, struct mn_buf *out)
{
    struct mn_pool *pool = mn_loop_pool(c->stream.owner->loop);
    struct mn_arena a = {.pool = pool};
    struct mn_sasl_env e;
    mn_str names[MN_SASL_MECHS], bindings[3];
    const char *why;
    size_t n;
    bool plus = false;

    if (c->state != C2S_OPEN)
        return;
    why = env_fill(c, &a, &e, names);
    if (why)
        tell_certificate(c, why);
    if (e.announced_count) {
        mn_buf_lit(out, "<mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>");
        for (size_t i = 0; i < e.announced_count; i++) {
            mn_buf_fmt(out, "<mechanism>%.*s</mechanism>", MN_ARG(names[i]));
            plus |= mn_sasl_is_plus(mn_sasl_find(names[i]));
        }
        mn_buf_lit(out, "</mechanisms>");
    }
    n = plus ? mn_sasl_bindings(&e, bindings) : 0;
    if (n) {
        mn_buf_lit(out, "<sasl-channel-binding xmlns='urn:xmpp:sasl-cb:0'>");
        for (size_t i = 0; i < n; i++)
            mn_buf_fmt(out, "<channel-binding type='%.*s'/>", MN_ARG(bindings[i]));
        mn_buf_lit(out, "</sasl-channel-binding>");
    }
    mn_arena_done(&a, pool);
}

static void failure(struct c2s *c, const char *condition)
{
    const struct config *conf = c->stream.owner->snap->conf;
    struct mn_buf b = {0};

    login_free(c);
    mn_buf_fmt(&b, "<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><%s/></failure>", condition);
    stream_raw(&c->stream, mn_buf_view(&b));
    mn_buf_free(&b);
    c->sasl_failed = true;
    if (c->wrong >= conf->limits.wrong_credentials || c->refused >= conf->limits.refused_forms)
        stream_error(&c->stream, MN_STREAM_POLICY_VIOLATION, "too many failed logins");
}

static void refuse(struct c2s *c, const char *condition)
{
    c->refused++;
    failure(c, condition);
}

static void delay_over(struct mn_timer *t)
{
    struct c2s *c = MN_OF(t, struct login, delay)->c;

    failure(c, "not-authorized");
    stream_go_on(&c->stream);
}

/* Wrong credentials cost time: by address and by account, growing (decision L3). `waiting`: the
 * stream waits already. */
static void wrong(struct c2s *c, bool waiting)
{
    struct mn_arena a = {0};
    char group[16];
    mn_str account =
        mn_arena_fmt(&a, "%.*s@%.*s", MN_ARG(mn_sasl_user(c->login->sasl)), MN_ARG(c->host->name));
    int64_t ms, by_account;

    c2s_refused(c, account, mn_sasl_reason(c->login->sasl));
    c->wrong++;
    c->stream.owner->count.wrong++;
    mn_limit_fail(c->stream.owner->srv->limits, c2s_group(c, group));
    mn_limit_fail(c->stream.owner->srv->limits, account);
    ms = mn_limit_delay(c->stream.owner->srv->limits, c2s_group(c, group));
    by_account = mn_limit_delay(c->stream.owner->srv->limits, account);
    ms = by_account > ms ? by_account : ms;
    mn_arena_done(&a, NULL);
    if (!ms) {
        failure(c, "not-authorized");
        if (waiting)
            stream_go_on(&c->stream);
        return;
    }
    stream_wait(&c->stream);
    c->login->delay.fire = delay_over;
    mn_timer_start(c->stream.owner->loop, &c->login->delay, ms);
}

static void answer(struct c2s *c, const char *name, mn_str data)
{
    struct mn_pool *pool = mn_loop_pool(c->stream.owner->loop);
    struct mn_arena a = {.pool = pool};
    mn_str text = mn_arena_fmt(&a, "<%s xmlns='urn:ietf:params:xml:ns:xmpp-sasl'", name);

    stream_raw(&c->stream, text);
    text =
        data.p ? mn_arena_fmt(&a, ">%.*s</%s>", MN_ARG(mn_base64(data, &a)), name) : MN_STR("/>");
    stream_raw(&c->stream, text);
    mn_arena_done(&a, pool);
}

static void step(struct c2s *c, enum mn_sasl_result r, mn_str out, bool waiting);

static void found(struct store_read *r)
{
    struct c2s *c = r->arg;
    mn_str out, stored = r->count ? r->rows[0].value : (mn_str){0};

    if (c->stream.closed)
        stream_go_on(&c->stream);
    else if (r->result) {
        refuse(c, "temporary-auth-failure");
        stream_go_on(&c->stream);
    } else {
        step(c, mn_sasl_found(c->login->sasl, stored, &out), out, true);
    }
    store_read_free(r);
}

static void at_owner(struct c2s *c, void *arg)
{
    struct mn_arena a = {0};

    (void)arg;
    if (c->stream.closed) {
        stream_go_on(&c->stream);
        return;
    }
    c2s_creds(
        c,
        mn_arena_fmt(&a, "%.*s@%.*s", MN_ARG(mn_sasl_user(c->login->sasl)), MN_ARG(c->host->name)),
        found, c);
    mn_arena_done(&a, NULL);
}

static void work_run(struct mn_job *j)
{
    mn_sasl_work(((struct login *)j)->sasl);
}

static void work_done(struct mn_job *j)
{
    struct c2s *c = ((struct login *)j)->c;
    mn_str out;

    if (c->stream.closed)
        stream_go_on(&c->stream);
    else
        step(c, mn_sasl_worked(c->login->sasl, &out), out, true);
}

static void success(struct c2s *c, mn_str out, mn_str user)
{
    if (!c->anonymous && !c2s_expects(c, user)) {
        login_free(c);
        stream_error(&c->stream, MN_STREAM_INVALID_FROM, "from is not who logged in");
        return;
    }
    c2s_renew(c, c->login->sasl);
    answer(c, "success", out);
    c2s_authenticated(c, user);
    login_free(c);
    stream_restart(&c->stream);
}

static void anonymous_there(struct c2s *c, void *arg)
{
    (void)arg;
    if (!c->stream.closed) {
        c->anonymous = true;
        success(c, (mn_str){0}, c->user);
    }
    stream_go_on(&c->stream);
}

/* Told only to who knows the password. */
static void let_in(void *arg, struct user *u)
{
    struct c2s *c = arg;

    if (!c->stream.closed && !c2s_is_of(c, u)) {
        c2s_refused(c, mn_jid_bare(&u->jid),
                    "an account was removed, or got another password, meanwhile");
        refuse(c, "temporary-auth-failure"); /* perhaps another's (evict): the next try knows */
    } else if (!c->stream.closed && u->disabled) {
        c2s_refused(c, mn_jid_bare(&u->jid), "the account is disabled");
        refuse(c, "account-disabled");
    } else if (!c->stream.closed) {
        success(c, c->login->out, mn_jid_user(&u->jid));
    }
    stream_go_on(&c->stream);
}

static void proved(struct c2s *c, mn_str out)
{
    struct mn_jid j;

    c->login->out = out.p ? mn_arena_str(&c->login->a, out) : out;
    MN_ASSERT(
        !mn_jid_make(mn_sasl_user(c->login->sasl), c->host->name, (mn_str){0}, &c->login->a, &j));
    user_when_loaded(user_get(c->stream.owner, c->host, &j), let_in, c);
}

static void step(struct c2s *c, enum mn_sasl_result r, mn_str out, bool waiting)
{
    struct mn_pool *pool = mn_loop_pool(c->stream.owner->loop);
    struct mn_arena a = {.pool = pool};

    switch (r) {
    case MN_SASL_CHALLENGE:
        answer(c, "challenge", out.p ? out : MN_STR(""));
        break;
    case MN_SASL_LOOKUP:
        c2s_move(c,
                 mn_arena_fmt(&a, "%.*s@%.*s", MN_ARG(mn_sasl_user(c->login->sasl)),
                              MN_ARG(c->host->name)),
                 at_owner, NULL);
        mn_arena_done(&a, pool);
        return;
    case MN_SASL_WORK:
        stream_wait(&c->stream);
        c->login->job =
            (struct mn_job){.run = work_run, .done = work_done, .loop = c->stream.owner->loop};
        if (!mn_work_submit(c->stream.owner->srv->work, MN_LANE_HASH, &c->login->job))
            return;
        refuse(c, "temporary-auth-failure");
        waiting = true;
        break;
    case MN_SASL_SUCCESS:
        if (!waiting)
            stream_wait(&c->stream);
        mn_arena_done(&a, pool);
        proved(c, out);
        return;
    case MN_SASL_FAIL:
        if (mn_sasl_wrong(c->login->sasl)) {
            wrong(c, waiting);
            return;
        }
        mn_log_debug(&c->stream.log, "login refused", MN_FC("why", mn_sasl_reason(c->login->sasl)));
        refuse(c, mn_sasl_condition(c->login->sasl));
        break;
    }
    mn_arena_done(&a, pool);
    if (waiting)
        stream_go_on(&c->stream);
}

/* The text of <auth/> or <response/>: "=" is an empty message, nothing is none. */
static int message(const struct mn_elem *e, struct mn_arena *a, mn_str *out)
{
    mn_str text = mn_elem_text(e, a);

    *out = (mn_str){0};
    if (!text.n)
        return MN_E_OK;
    if (mn_str_is(text, "=")) {
        *out = MN_STR("");
        return MN_E_OK;
    }
    return mn_base64_parse(text, a, out);
}

static void start(struct c2s *c, enum mn_sasl_mech m, const struct mn_sasl_env *e, mn_str first)
{
    struct mn_arena a = {0};
    mn_str out;

    c->login = MN_NEW(struct login);
    c->login->c = c;
    c->login->sasl = mn_sasl_new(m, e);
    if (m == MN_SASL_ANONYMOUS) {
        mn_str user = mn_rand_text(&a, 20),
               bare = mn_arena_fmt(&a, "%.*s@%.*s", MN_ARG(user), MN_ARG(c->host->name));

        c->user = (mn_str){mn_str_dup(user), user.n};
        c2s_move(c, bare, anonymous_there, NULL);
        mn_arena_done(&a, NULL);
        return;
    }
    step(c, mn_sasl_step(c->login->sasl, first, &out), out, false);
}

static bool on_auth(struct c2s *c, const struct mn_xml_item *item)
{
    struct mn_pool *pool = mn_loop_pool(c->stream.owner->loop);
    struct mn_arena a = {.pool = pool};
    enum mn_sasl_mech m = mn_sasl_find(mn_elem_get(item->elem, "mechanism"));
    struct mn_sasl_env e;
    mn_str names[MN_SASL_MECHS], first;

    if (c->state != C2S_OPEN)
        return false;
    login_free(c);
    env_fill(c, &a, &e, names);
    if (m == MN_SASL_MECHS || !is_there(mn_sasl_name(m), names, e.announced_count))
        refuse(c, m < MN_SASL_MECHS && c->stream.owner->snap->mechanisms & 1u << m &&
                          !mn_sasl_is_plus(m)
                      ? "encryption-required"
                      : "invalid-mechanism");
    else if (message(item->elem, &a, &first))
        refuse(c, "incorrect-encoding");
    else
        start(c, m, &e, first);
    mn_arena_done(&a, pool);
    return true;
}

static bool on_response(struct c2s *c, const struct mn_xml_item *item)
{
    struct mn_pool *pool = mn_loop_pool(c->stream.owner->loop);
    struct mn_arena a = {.pool = pool};
    mn_str in, out;

    if (c->state != C2S_OPEN || !c->login)
        return false;
    if (message(item->elem, &a, &in))
        refuse(c, "incorrect-encoding");
    else
        step(c, mn_sasl_step(c->login->sasl, in.p ? in : MN_STR(""), &out), out, false);
    mn_arena_done(&a, pool);
    return true;
}

static bool on_abort(struct c2s *c, const struct mn_xml_item *item)
{
    (void)item;
    if (c->state != C2S_OPEN)
        return false;
    refuse(c, "aborted");
    return true;
}

const struct module mod_sasl = {
    .name = "sasl",
    .rfc = {{"RFC 6120, 6", "SASL Negotiation",
             "wire/rfc6120-6-sasl; wire/rfc6120-6-tls-login; wire/rfc6120-6.5-sasl-errors"}},
    .xep = {{178, "1.2", "Best Practices for Use of SASL EXTERNAL with Certificates",
             "e2e/external/certificates_that_let_in; e2e/external/certificates_that_do_not",
             "auth.client_ca", "logins of servers"},
            {440, "0.4.2", "SASL Channel-Binding Type Capability", "wire/sasl-plus",
             "auth.mechanisms: -PLUS"},
            {474, "0.5.0", "SASL SCRAM Downgrade Protection", "wire/sasl-plus",
             "auth.mechanisms: SCRAM"},
            {515, "0.1.0", "TLS Channel-Binding Downgrade Protection", "wire/sasl-plus",
             "auth.mechanisms: SCRAM"}},
    .always = true,
    .stream = {{MN_NS_SASL, "auth", on_auth},
               {MN_NS_SASL, "response", on_response},
               {MN_NS_SASL, "abort", on_abort}},
    .stream_features = features,
};
