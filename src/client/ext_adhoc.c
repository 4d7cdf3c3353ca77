/* XEP-0050 Ad-Hoc Commands: sessions of our own. */
#include "mynah/adhoc.h"

#include "base/err.h"
#include "base/rand.h"
#include "client/adhoc.h"
#include "client/ext.h"
#include "mynah/jid.h"

enum { SESSIONS_MAX = 100, PEER_MAX = 10 /* of them by one account */, SESSION_MS = 600000 };

/* Both may be taken out inside calls of theirs: their memory goes at the end of the turn. */
struct command {
    struct trash trash; /* first */
    struct mn_list link;
    char *node, *name;
    mynah_command_call *serve;
    void *arg;
    struct mynah_elem *features; /* more of them, as <feature/> */
    mynah_command_may *may;      /* NULL: everybody may */
    void *may_arg;
};

struct session {
    struct trash trash; /* first */
    struct mn_list link;
    bool called, over;
    struct mn_timer timer;
    struct mynah_client *client;
    struct command *command;
    char *id, *from;
    unsigned allowed; /* actions of the stage at hand */
    enum mynah_action usual;
    void *state;
};

struct adhoc {
    struct mn_list commands, sessions;
    unsigned count; /* of sessions */
};

static struct adhoc *adhoc_of(struct mynah_client *c)
{
    return ext_state(c, &ext_adhoc);
}

static void session_memory(struct trash *t)
{
    struct session *s = (struct session *)t;

    mn_free(s->id);
    mn_free(s->from);
    mn_free(s);
}

static void session_free(struct session *s)
{
    if (s->over)
        return;
    s->over = true;
    mn_list_del(&s->link);
    mn_timer_stop(&s->timer);
    adhoc_of(s->client)->count--;
    context_trash(s->client->ctx, &s->trash, session_memory);
}

/* Nobody asks any more: the program lets its state go. */
static void cancel_tell(struct session *s)
{
    struct mynah_call call = {s->from, s->command->node, s->id, MYNAH_CANCEL,
                              NULL,    &s->state,        NULL};
    struct mynah_answer none = {0};

    s->command->serve(s->command->arg, s->client, &call, &none);
    mynah_form_free(none.form);
    mynah_elem_free(none.payload);
}

/* One whose call is under way is told behind it. */
static void session_cancel(struct session *s)
{
    session_free(s);
    if (!s->called)
        cancel_tell(s);
}

static void session_old(struct mn_timer *t)
{
    session_cancel(MN_OF(t, struct session, timer));
}

static struct session *session_new(struct mynah_client *c, struct adhoc *a, struct command *k,
                                   const char *from)
{
    struct session *s = MN_NEW(struct session);
    struct mn_arena arena = {0};

    s->client = c;
    s->command = k;
    s->from = mn_str_dup(mn_str_from(from));
    s->id = mn_str_dup(mn_rand_text(&arena, 20));
    s->timer.fire = session_old;
    mn_arena_done(&arena, NULL);
    mn_list_add(&a->sessions, &s->link);
    a->count++;
    return s;
}

static struct command *command_find(struct adhoc *a, const char *node)
{
    MN_LIST_EACH(n, &a->commands)
    {
        struct command *k = MN_OF(n, struct command, link);

        if (node && !strcmp(k->node, node))
            return k;
    }
    return NULL;
}

static struct session *session_find(struct adhoc *a, const char *id, const char *from)
{
    MN_LIST_EACH(n, &a->sessions)
    {
        struct session *s = MN_OF(n, struct session, link);

        if (!strcmp(s->id, id) && !strcmp(s->from, from))
            return s;
    }
    return NULL;
}

/* Nobody takes the places of others. */
static bool is_full(const struct adhoc *a, const char *from)
{
    unsigned his = 0;

    MN_LIST_EACH(n, &a->sessions)
    his += mynah_jid_same(MN_OF(n, struct session, link)->from, from);
    return a->count >= SESSIONS_MAX || his >= PEER_MAX;
}

static void refuse(struct mynah_ask **q, const char *condition, const char *special)
{
    mynah_ask_refuse(q, condition, NULL, special, NS_COMMANDS);
}

/* The first of the stage's actions that goes on. */
static enum mynah_action usual_of(unsigned allowed, enum mynah_action wanted)
{
    if (wanted != MYNAH_EXECUTE && allowed & 1u << wanted)
        return wanted;
    return allowed & 1u << MYNAH_NEXT ? MYNAH_NEXT : MYNAH_COMPLETE;
}

static void stage_write(struct session *s, struct mynah_elem *e, struct mynah_answer *answer,
                        bool canceled)
{
    struct mynah_elem *x = answer->form ? mynah_form_elem(answer->form) : NULL, *list;

    mynah_elem_set(e, "node", s->command->node);
    mynah_elem_set(e, "sessionid", s->id);
    mynah_elem_set(e, "status", canceled ? "canceled" : answer->more ? "executing" : "completed");
    if (answer->more) {
        s->allowed = answer->actions ? answer->actions : 1u << MYNAH_COMPLETE;
        s->usual = usual_of(s->allowed, answer->next);
        list = mynah_elem_add(e, "actions", NULL);
        mynah_elem_set(list, "execute", adhoc_actions[s->usual]);
        for (size_t i = MYNAH_PREV; i <= MYNAH_COMPLETE; i++)
            if (s->allowed & 1u << i)
                mynah_elem_add(list, adhoc_actions[i], NULL);
    }
    mynah_elem_hang(e, &x);
    mynah_elem_hang(e, &answer->payload);
    if (answer->note) {
        struct mynah_elem *note = mynah_elem_add_text(e, "note", NULL, answer->note);

        mynah_elem_set(note, "type", answer->note_type ? answer->note_type : "info");
    }
}

static void stage(struct mynah_client *c, struct session *s, enum mynah_action action,
                  struct mynah_ask *q)
{
    struct mynah_form *form = mynah_form_read(mynah_ask_payload(q));
    struct mynah_call call = {s->from,   s->command->node,    s->id, action, form,
                              &s->state, mynah_ask_payload(q)};
    struct mynah_answer answer = {0};
    struct mynah_elem *e = mynah_elem_new("command", NS_COMMANDS);
    bool cut;

    s->called = true;
    s->command->serve(s->command->arg, c, &call, &answer);
    s->called = false;
    answer.more = answer.more && action != MYNAH_CANCEL;
    cut = answer.more && s->over;
    answer.more = answer.more && !cut;
    stage_write(s, e, &answer, action == MYNAH_CANCEL);
    if (answer.error)
        mynah_ask_error(&q, answer.error, answer.note);
    else
        mynah_ask_result(&q, &e);
    mynah_elem_free(e);
    mynah_form_free(answer.form);
    mynah_form_free(form);
    if (answer.more)
        mn_timer_start(c->ctx->loop, &s->timer, SESSION_MS);
    else
        session_free(s);
    if (cut && !c->freed) /* else it was told inside the call */
        cancel_tell(s);
}

static enum mynah_action action_of(const struct mynah_elem *e, bool *known)
{
    const char *text = mynah_elem_get(e, "action");

    *known = true;
    for (size_t i = 0; text && i < ADHOC_ACTIONS; i++)
        if (!strcmp(text, adhoc_actions[i]))
            return (enum mynah_action)i;
    *known = !text;
    return MYNAH_EXECUTE;
}

static bool may(const struct command *k, struct mynah_client *c, const char *from)
{
    return !k->may || k->may(k->may_arg, c, k->node, from);
}

static void asked(void *arg, struct mynah_client *c, struct mynah_ask *q)
{
    struct adhoc *a = arg;
    const struct mynah_elem *e = mynah_ask_payload(q);
    const char *id = mynah_elem_get(e, "sessionid"), *from = mynah_ask_from(q);
    struct command *k = command_find(a, mynah_elem_get(e, "node"));
    struct session *s = id ? session_find(a, id, from) : NULL;
    bool known;
    enum mynah_action action = action_of(e, &known);

    if (!k)
        refuse(&q, "item-not-found", NULL);
    else if (!id && !may(k, c, from))
        refuse(&q, "forbidden", NULL);
    else if (!known)
        refuse(&q, "bad-request", "malformed-action");
    else if (id && (!s || s->command != k))
        refuse(&q, "bad-request", "bad-sessionid");
    else if (!id && action != MYNAH_EXECUTE)
        refuse(&q, "bad-request", "bad-action");
    else if (!id && is_full(a, from))
        refuse(&q, "resource-constraint", NULL);
    else if (!id)
        stage(c, session_new(c, a, k, from), MYNAH_EXECUTE, q);
    else if (action == MYNAH_EXECUTE)
        stage(c, s, s->usual, q);
    else if (action != MYNAH_CANCEL && !(s->allowed & 1u << action))
        refuse(&q, "bad-request", "bad-action");
    else
        stage(c, s, action, q);
}

/* What disco tells of them. */

static bool list_told(void *arg, struct mynah_client *c, const char *from, bool items,
                      struct mynah_elem *query)
{
    struct adhoc *a = arg;

    if (!items) {
        struct mynah_elem *i = mynah_elem_add(query, "identity", NULL);

        mynah_elem_set(i, "category", "automation");
        mynah_elem_set(i, "type", "command-list");
        return true;
    }
    MN_LIST_EACH(n, &a->commands)
    {
        const struct command *k = MN_OF(n, struct command, link);
        struct mynah_elem *i = may(k, c, from) ? mynah_elem_add(query, "item", NULL) : NULL;

        if (!i)
            continue;
        mynah_elem_set(i, "jid", mynah_client_jid(c));
        mynah_elem_set(i, "node", k->node);
        mynah_elem_set(i, "name", k->name);
    }
    return true;
}

static bool command_told(void *arg, struct mynah_client *c, const char *from, bool items,
                         struct mynah_elem *query)
{
    const struct command *k = arg;
    static const char *const features[] = {NS_COMMANDS, "jabber:x:data"};
    struct mynah_elem *i;

    if (items || !may(k, c, from))
        return items;
    i = mynah_elem_add(query, "identity", NULL);
    mynah_elem_set(i, "category", "automation");
    mynah_elem_set(i, "type", "command-node");
    mynah_elem_set(i, "name", k->name);
    for (size_t n = 0; n < MN_COUNT(features); n++)
        mynah_elem_set(mynah_elem_add(query, "feature", NULL), "var", features[n]);
    MYNAH_EACH(f, k->features, "feature", NULL)
    mynah_elem_set(mynah_elem_add(query, "feature", NULL), "var", mynah_elem_get(f, "var"));
    return true;
}

void mynah_command_only(struct mynah_client *c, const char *node, mynah_command_may *may_,
                        void *arg)
{
    struct command *k = command_find(adhoc_of(c), node);

    if (!k)
        return;
    k->may = may_;
    k->may_arg = arg;
}

void mynah_command_feature(struct mynah_client *c, const char *node, const char *feature)
{
    struct command *k = command_find(adhoc_of(c), node);

    if (!k)
        return;
    if (!k->features)
        k->features = mynah_elem_new("features", NS_COMMANDS);
    mynah_elem_set(mynah_elem_add(k->features, "feature", NULL), "var", feature);
}

static void command_memory(struct trash *t)
{
    struct command *k = (struct command *)t;

    mn_free(k->node);
    mn_free(k->name);
    mynah_elem_free(k->features);
    mn_free(k);
}

static void command_free(struct mynah_client *c, struct command *k)
{
    mn_list_del(&k->link);
    context_trash(c->ctx, &k->trash, command_memory);
}

static struct session *session_of(struct adhoc *a, const struct command *k)
{
    MN_LIST_EACH(n, &a->sessions)
    if (!k || MN_OF(n, struct session, link)->command == k)
        return MN_OF(n, struct session, link);
    return NULL;
}

static void sessions_cancel(struct adhoc *a, const struct command *k)
{
    struct session *s;

    while ((s = session_of(a, k)))
        session_cancel(s);
}

void mynah_command_serve(struct mynah_client *c, const char *node, const char *name,
                         mynah_command_call *serve, void *arg)
{
    struct adhoc *a = adhoc_of(c);
    struct command *k = command_find(a, node);

    if (k) {
        mynah_disco_serve(c, k->node, NULL, NULL);
        command_free(c, k);
        sessions_cancel(a, k);
    }
    if (serve) {
        k = MN_NEW(struct command);
        k->node = mn_str_dup(mn_str_from(node));
        k->name = name ? mn_str_dup(mn_str_from(name)) : NULL;
        k->serve = serve;
        k->arg = arg;
        mn_list_add(&a->commands, &k->link);
        mynah_disco_serve(c, node, command_told, k);
    }
    mynah_disco_feature(c, NS_COMMANDS, !mn_list_empty(&a->commands));
}

static void init(struct mynah_client *c, void *state)
{
    struct adhoc *a = state;

    mn_list_init(&a->commands);
    mn_list_init(&a->sessions);
    mynah_iq_serve(c, MYNAH_SET, NS_COMMANDS, "command", asked, a);
    mynah_disco_serve(c, NS_COMMANDS, list_told, a);
}

static void lost(struct mynah_client *c, void *state)
{
    (void)c;
    sessions_cancel(state, NULL);
}

static void done(struct mynah_client *c, void *state)
{
    struct adhoc *a = state;

    (void)c;
    MN_LIST_EACH(n, &a->commands)
    command_free(c, MN_OF(n, struct command, link));
}

const struct ext ext_adhoc = {.name = "adhoc",
                              .size = sizeof(struct adhoc),
                              .init = init,
                              .done = done,
                              .freed = lost,
                              .lost = lost};
