/* XEP-0077 In-Band Registration: making an account on a stream that is not logged in, where the
 * configuration opens that; changing the own password and removing the own account, never somebody
 * else's. */
#include "server/account.h"
#include "server/command.h"
#include "server/module.h"
#include "server/stranger.h"
#include "xmpp/form.h"

static const struct {
    const char *name, *label, *type;
    bool required;
} fields[] = {
    {"username", "Username", "text-single", true},
    {"name", "Full name", "text-single", false},
    {"email", "Email", "text-single", false},
    {"password", "Password", "text-private", true},
};

static bool asked(const struct config *conf, const char *name)
{
    const struct mn_conf_list *l = &conf->registration.fields;

    for (size_t i = 0; i < l->count; i++)
        if (mn_str_is(((mn_str *)l->items)[i], name))
            return true;
    return false;
}

static bool is_open(const struct c2s *c)
{
    if (!c->stream.secure && c->tls_policy == CONF_TLS_REQUIRED)
        return false;
    switch (c->stream.owner->snap->conf->registration.open) {
    case CONF_OPEN_YES:
        return true;
    case CONF_OPEN_LOOPBACK:
        return c2s_is_loopback(c);
    case CONF_OPEN_AUTO:
        return c->stream.owner->snap->built_in && c2s_is_loopback(c);
    }
    return false;
}

static void features(struct c2s *c, struct mn_buf *out)
{
    if (c->state == C2S_OPEN && is_open(c))
        mn_buf_lit(out, "<register xmlns='http://jabber.org/features/iq-register'/>");
}

static enum mn_cond form(struct iq *iq)
{
    struct mn_stanza *answer = iq_answer(iq);
    struct mn_arena *a = &answer->arena;
    struct mn_elem *q = mn_elem_add(a, mn_stanza_body(answer), MN_NS_REGISTER, "query"), *x, *f;

    for (size_t i = 0; i < MN_COUNT(fields); i++)
        if (asked(iq->owner->snap->conf, fields[i].name))
            mn_elem_add(a, q, MN_NS_REGISTER, fields[i].name);
    x = mn_form_add(a, q, MN_FORM_FORM, "jabber:iq:register", "XMPP Client Registration",
                    "Please provide the following information");
    for (size_t i = 0; i < MN_COUNT(fields); i++) {
        if (!asked(iq->owner->snap->conf, fields[i].name))
            continue;
        f = mn_form_field(a, x, fields[i].type, fields[i].name, fields[i].label);
        if (fields[i].required)
            mn_elem_add(a, f, MN_NS_DATA, "required");
    }
    return iq_result(iq, answer);
}

/* A field's text, from the data form where one was submitted, else from the plain children. */
static mn_str field(const struct iq *iq, const char *name, struct mn_arena *a)
{
    const struct mn_elem *x = mn_elem_child(iq->child, MN_NS_DATA, "x");
    struct mn_form f;

    if (!x)
        return mn_elem_child_text(iq->child, MN_NS_REGISTER, name, a);
    return mn_form_parse(x, a, &f) ? (mn_str){0} : mn_form_text(&f, name);
}

/* The stream of one who has no account: not logged in, or logged in as nobody in particular (gloox
 * takes ANONYMOUS where it is offered, and registers inside that session). NULL: somebody else. */
static struct c2s *stranger_of(const struct iq *iq)
{
    if (iq->stream)
        return iq->stream->state == C2S_OPEN ? iq->stream : NULL;
    return iq->via && iq->via->anonymous ? c2s_of(iq->via) : NULL;
}

/* A session has to do with the accounts of its own domain alone. */
static bool is_elsewhere(const struct iq *iq)
{
    return iq->via && iq->host != iq->via->user->host;
}

static enum mn_cond on_get(struct iq *iq)
{
    struct c2s *stranger = stranger_of(iq);
    struct mn_stanza *answer;
    struct mn_elem *q;

    if (is_elsewhere(iq))
        return MN_COND_FORBIDDEN;
    if (stranger)
        return is_open(stranger) ? form(iq) : MN_COND_NOT_ALLOWED;
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

static void changed(struct account_change *ch, enum mn_cond cond)
{
    struct iq *iq = ch->arg;
    struct c2s *c = iq->stream;

    if (iq->user)
        iq->user->rekeys = false;
    if (c && c->stream.closed)
        cond = MN_COND_NONE; /* nobody is there to be told */
    else if (!cond)
        iq_result(iq, NULL);
    iq_finish(iq, cond);
    account_change_free(ch);
    if (c)
        stream_go_on(&c->stream);
}

static struct account_change *change_new(const struct iq *iq, enum account_what what)
{
    struct account_change *ch = account_change_new(what, iq->host);
    struct mn_arena *a = &ch->arena;

    ch->name = mn_arena_str(a, field(iq, "username", a));
    ch->password = mn_arena_str(a, field(iq, "password", a));
    ch->full_name = mn_arena_str(a, field(iq, "name", a));
    ch->email = mn_arena_str(a, field(iq, "email", a));
    ch->done = changed;
    return ch;
}

static enum mn_cond ask(struct iq *iq, struct account_change *ch)
{
    if (iq->stream)
        stream_wait(&iq->stream->stream);
    ch->arg = iq_hold(iq);
    account_change(ch);
    return MN_COND_LATER;
}

/* An administrator's account that is not there yet is not for whoever comes first. */
static bool is_kept(const struct c2s *c, struct account_change *ch)
{
    struct mn_jid j;

    if (mn_jid_make(ch->name, ch->host->name, (mn_str){0}, &ch->arena, &j) ||
        !command_names(c->stream.owner, &j))
        return false;
    if (stranger_may_log(c->stream.owner->srv, mn_conn_peer(c->stream.conn), &c->stream.log))
        mn_log_warn(&c->stream.log, "registration refused", MN_F("account", mn_jid_bare(&j)),
                    MN_FC("why", "it is listed in admins: make it with mynahctl user add"));
    return true;
}

static enum mn_cond create(struct iq *iq, struct c2s *c)
{
    struct account_change *ch;

    if (!is_open(c))
        return MN_COND_NOT_ALLOWED;
    if (!stranger_may_register(c->stream.owner, mn_conn_peer(c->stream.conn)))
        return MN_COND_RESOURCE_CONSTRAINT;
    ch = change_new(iq, ACCOUNT_CREATE);
    if (!is_kept(c, ch))
        return ask(iq, ch);
    account_change_free(ch);
    return MN_COND_CONFLICT; /* as of a name that is taken */
}

/* The session that removed its account hears so first (XEP-0077, 3.2), then it ends as well. */
struct last {
    struct wait wait;
    struct session *s; /* a reference */
    struct user *u;
};

static void last_end(struct wait *w, int result)
{
    struct last *l = (struct last *)w;

    if (!result)
        session_kick(l->s, MN_STREAM_NOT_AUTHORIZED, MN_STR("the account was removed"));
    session_unref(l->s);
    user_let(l->u);
    mn_free(l);
}

static enum mn_cond remove_own(struct iq *iq)
{
    struct last *l;

    if (mn_elem_next(mn_elem_first(iq->child)))
        return MN_COND_BAD_REQUEST;
    iq->user = iq->via->user;
    user_remove(iq->user, iq->via);
    iq_result(iq, NULL);
    l = MN_NEW(struct last);
    l->wait.go = last_end;
    l->s = session_ref(iq->via);
    l->u = iq->user;
    user_need(l->u);
    user_act(l->u, &l->wait);
    return MN_COND_NONE;
}

/* One at a time: keys take their time, and who logs in waits behind them. */
static enum mn_cond change_own(struct iq *iq)
{
    struct account_change *ch = change_new(iq, ACCOUNT_PASSWORD);
    enum mn_cond cond = MN_COND_NONE;

    if (!ch->name.n || !ch->password.n)
        cond = MN_COND_BAD_REQUEST;
    else if (!mn_str_eq(ch->name, mn_jid_user(&iq->via->jid)))
        cond = MN_COND_FORBIDDEN;
    else if (iq->via->user->rekeys)
        cond = MN_COND_RESOURCE_CONSTRAINT;
    if (!cond) {
        iq->user = iq->via->user;
        iq->user->rekeys = true;
        ch->except = session_ref(iq->via);
        return ask(iq, ch);
    }
    account_change_free(ch);
    return cond;
}

static enum mn_cond on_set(struct iq *iq)
{
    struct c2s *stranger = stranger_of(iq);
    bool remove = mn_elem_child(iq->child, MN_NS_REGISTER, "remove");

    if (is_elsewhere(iq))
        return MN_COND_FORBIDDEN;
    if (stranger && remove) /* nobody is registered here (3.2) */
        return iq->stream ? MN_COND_UNEXPECTED_REQUEST : MN_COND_REGISTRATION_REQUIRED;
    if (stranger)
        return create(iq, stranger);
    if (!iq->via)
        return MN_COND_FORBIDDEN;
    if (remove)
        return remove_own(iq);
    return change_own(iq);
}

const struct module mod_register = {
    .name = "register",
    .xep = {{77, "2.4", "In-Band Registration",
             "wire/register; wire/register-closed; wire/register-limits; wire/register-named; "
             "wire/trace-register"}},
    .feature = {"jabber:iq:register"},
    .iq = {{MN_TYPE_GET, MN_NS_REGISTER, "query", AT_STREAM | AT_HOST | AT_USER, on_get},
           {MN_TYPE_SET, MN_NS_REGISTER, "query", AT_STREAM | AT_HOST | AT_USER, on_set}},
    .stream_features = features,
};
