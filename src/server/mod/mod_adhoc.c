/* XEP-0050 Ad-Hoc Commands of the host: administration from a client, as XEP-0133 has it and beyond
 * (admin.h). Only for who is logged in here and administers the domain that is asked, or the server
 * (command_right). A command without a form is run at once. Else the client gets the form and a
 * session of it:
 *
 *   execute -> form, id -> execute or complete, id, form -> completed
 *                       -> cancel, id                    -> canceled
 *
 * What is wrong with a form, or refused, leaves the session open: it may be submitted once more. */
#include "base/clock.h"
#include "base/crypt.h"
#include "base/rand.h"
#include "server/admin.h"
#include "server/disco.h"
#include "server/module.h"

enum { OPEN_MAX = 8, OPEN_MS = 600000, NOTES_MAX = 50, RAND = 16, ID = 2 * RAND };

/* The forms that a session may submit, the oldest first. */
struct adhoc {
    unsigned count;
    struct open {
        char id[ID];
        const struct admin_row *row;
        int64_t at;
    } open[OPEN_MAX];
};

/* Who asks, as the log knows it: one of ours who is somebody, or nobody. */
static struct command_asker asker_of(const struct owner *o, const struct host *h,
                                     const struct session *s)
{
    if (!s || s->anonymous)
        return (struct command_asker){COMMAND_NOTHING, h, .log = {0}};
    return (struct command_asker){command_right(o, h, &s->jid),
                                  h,
                                  s->jid,
                                  {.fields = {MN_F("by", mn_jid_text(&s->jid)),
                                              MN_F("address", s->peer), MN_F("domain", h->name)}}};
}

/* Ids: random, and a proof that we gave it to this session for this node. So what is not open any
 * more can be told from what never was. */

static void id_prove(const struct iq *iq, const struct admin_row *row, const char *id,
                     char proof[RAND])
{
    struct mn_arena a = {0};
    unsigned char mac[MN_DIGEST_MAX];
    mn_str text = mn_arena_fmt(&a, "adhoc %.*s %.*s %s", RAND, id,
                               MN_ARG(mn_jid_text(&iq->via->jid)), row->node),
           key = {iq->owner->srv->secret, sizeof iq->owner->srv->secret};

    mn_hmac(MN_SHA256, key, text, mac);
    for (int i = 0; i < RAND; i++)
        proof[i] = "0123456789abcdef"[mac[i] & 15];
    mn_arena_done(&a, NULL);
}

static bool id_is_ours(const struct iq *iq, const struct admin_row *row, mn_str id)
{
    char proof[RAND];

    if (id.n != ID)
        return false;
    id_prove(iq, row, id.p, proof);
    return mn_crypt_eq((mn_str){proof, RAND}, mn_str_skip(id, RAND));
}

static void id_make(const struct iq *iq, const struct admin_row *row, char id[ID])
{
    struct mn_arena a = {0};

    memcpy(id, mn_rand_text(&a, RAND).p, RAND);
    id_prove(iq, row, id, id + RAND);
    mn_arena_done(&a, NULL);
}

static void open_drop(struct adhoc *h, unsigned i)
{
    h->count--;
    memmove(&h->open[i], &h->open[i + 1], (h->count - i) * sizeof *h->open);
}

static void open_add(struct session *s, const struct admin_row *row, const char id[ID])
{
    struct adhoc *h = s->adhoc ? s->adhoc : (s->adhoc = MN_NEW(struct adhoc));
    struct open *o;

    if (h->count == OPEN_MAX)
        open_drop(h, 0);
    o = &h->open[h->count++];
    memcpy(o->id, id, ID);
    o->row = row;
    o->at = mn_clock_now();
}

/* Takes it out; false: it is not open any more. */
static bool open_take(struct session *s, mn_str id)
{
    struct adhoc *h = s->adhoc;

    for (unsigned i = 0; h && i < h->count; i++)
        if (mn_crypt_eq(id, (mn_str){h->open[i].id, ID})) {
            bool in_time = mn_clock_now() - h->open[i].at < OPEN_MS;

            open_drop(h, i);
            return in_time;
        }
    return false;
}

/* Answers. */

/* With the command, by which clients know what the error is about; without the form. */
static enum mn_cond refuse(struct iq *iq, enum mn_cond cond, const char *specific, mn_str text)
{
    static const char *const kept[] = {"node", "sessionid"};
    struct mn_stanza *st = mn_stanza_reply(iq->st, MN_TYPE_ERROR);
    struct mn_arena *a = &st->arena;
    struct mn_elem *e = mn_elem_add(a, mn_stanza_body(st), MN_NS_COMMANDS, "command"), *t;

    for (size_t i = 0; i < MN_COUNT(kept); i++) {
        mn_str value = mn_elem_get(iq->child, kept[i]);

        if (value.p)
            mn_elem_set(a, e, kept[i], mn_arena_str(a, value));
    }
    e = mn_elem_add(a, mn_stanza_body(st), MN_NS_CLIENT, "error");
    mn_elem_set(a, e, "type", mn_cond_type(cond));
    mn_elem_add(a, e, MN_NS_STANZA_ERRORS, mn_cond_name(cond).p);
    if (text.n) {
        t = mn_elem_add_text(a, e, MN_NS_STANZA_ERRORS, "text", mn_arena_str(a, text));
        mn_elem_set_lang(a, t, MN_STR("en"));
    }
    if (specific)
        mn_elem_add(a, e, MN_NS_COMMANDS, specific);
    return iq_result(iq, st);
}

/* An answer's command; its text is English, whatever the client's language. */
static struct mn_elem *command_add(struct mn_stanza *st, const struct admin_row *row, mn_str id,
                                   const char *status)
{
    struct mn_arena *a = &st->arena;
    struct mn_elem *e = mn_elem_add(a, mn_stanza_body(st), MN_NS_COMMANDS, "command");

    mn_elem_set(a, e, "node", mn_str_from(row->node));
    mn_elem_set(a, e, "sessionid", mn_arena_str(a, id));
    mn_elem_set(a, e, "status", mn_str_from(status));
    mn_elem_set_lang(a, e, MN_STR("en"));
    return e;
}

/* A command that runs, for one account after the other where the form names several. */
struct run {
    struct iq *iq; /* held */
    const struct admin_row *row;
    char id[ID];
    bool had_form, before;
    struct command_asker who;
    struct admin_request request;
    size_t next, failed;
    struct mn_arena a;
    struct mn_stanza *answer;
    struct mn_elem *command;
    struct admin_shown shown;
};

static void run_free(struct run *r, enum mn_cond cond)
{
    iq_finish(r->iq, cond);
    mn_stanza_unref(r->answer);
    json_decref(r->request.args);
    mn_arena_done(&r->a, NULL);
    mn_free(r);
}

/* Refused as a whole; the form may be submitted once more. */
static void run_refuse(struct run *r, enum mn_cond cond, mn_str text)
{
    if (r->had_form && r->iq->via->user)
        open_add(r->iq->via, r->row, r->id);
    run_free(r, refuse(r->iq, cond, NULL, text));
}

static void run_end(struct run *r)
{
    struct mn_stanza *answer = r->answer;

    r->answer = NULL;
    run_free(r, iq_result(r->iq, answer));
}

static void form_give(struct iq *iq, const struct admin_row *row, const json_t *values)
{
    struct mn_stanza *st = iq_answer(iq);
    struct mn_arena *a = &st->arena;
    struct mn_elem *command, *actions;
    char id[ID];

    id_make(iq, row, id);
    if (iq->via->user)
        open_add(iq->via, row, id);
    command = command_add(st, row, (mn_str){id, ID}, "executing");
    actions = mn_elem_add(a, command, MN_NS_COMMANDS, "actions");
    mn_elem_set(a, actions, "execute", MN_STR("complete"));
    mn_elem_add(a, actions, MN_NS_COMMANDS, "complete");
    admin_form(row, values, a, command);
    iq_result(iq, st);
}

static mn_str target(const struct run *r)
{
    return r->request.targets ? r->request.targets[r->next] : (mn_str){0};
}

static void run_ask(struct run *r);

/* One of several could not be done: the rest is (XEP-0050, 4.3: then there is a note). */
static void failed(struct run *r, mn_str text)
{
    if (++r->failed <= NOTES_MAX)
        admin_note(&r->answer->arena, r->command, "error", text);
}

/* The next page or account, or the end. */
static void go_on(struct run *r, const json_t *ok)
{
    json_t *after = json_object_get(ok, "next");
    bool more =
        admin_show(r->row, ok, target(r), r->request.max, &r->answer->arena, r->command, &r->shown);

    if (r->shown.list && more && after) {
        json_object_set(r->request.args, "after", after);
        run_ask(r);
        return;
    }
    if (!more)
        admin_note(&r->answer->arena, r->command, "info", MN_STR("There are more."));
    if (++r->next < r->request.target_count)
        run_ask(r);
    else
        run_end(r);
}

static void on_progress(void *arg, json_t *what)
{
    (void)arg;
    (void)what;
}

static void on_done(void *arg, json_t *ok, enum mn_cond cond, mn_str text)
{
    struct run *r = arg;

    if (!cond && r->before) {
        form_give(r->iq, r->row, ok);
        run_free(r, MN_COND_NONE);
    } else if (!cond) {
        go_on(r, ok);
    } else if (r->request.target_count > 1) {
        failed(r, text);
        if (++r->next < r->request.target_count)
            run_ask(r);
        else
            run_end(r);
    } else {
        run_refuse(r, cond, text);
    }
}

static const struct command_face face = {on_progress, on_done};

static void run_ask(struct run *r)
{
    mn_str to = target(r);

    if (to.p)
        json_object_set_new(r->request.args, "jid", json_stringn(to.p, to.n));
    command_ask(r->iq->owner->srv, r->before ? r->row->before : r->row->command, r->request.args,
                &r->who, &face, r);
}

static struct run *run_new(struct iq *iq, const struct admin_row *row)
{
    struct run *r = MN_NEW(struct run);

    r->iq = iq_hold(iq);
    r->row = row;
    r->who = asker_of(iq->owner, iq->host, iq->via);
    for (size_t i = 0; i < MN_COUNT(r->who.log.fields); i++) /* the stream may end before */
        r->who.log.fields[i].text = mn_arena_str(&r->a, r->who.log.fields[i].text);
    return r;
}

static enum mn_cond run_start(struct run *r, mn_str id)
{
    memcpy(r->id, id.p, ID);
    r->answer = iq_answer(r->iq);
    r->command = command_add(r->answer, r->row, id, "completed");
    run_ask(r);
    return MN_COND_LATER;
}

/* The first request for a command. */
static enum mn_cond start(struct iq *iq, const struct admin_row *row)
{
    struct run *r;
    char id[ID];

    if (row->fields[0].var && !row->before) {
        form_give(iq, row, NULL);
        return MN_COND_NONE;
    }
    r = run_new(iq, row);
    r->before = row->before;
    r->request = admin_empty(row);
    id_make(iq, row, id);
    return run_start(r, (mn_str){id, ID});
}

static enum mn_cond submit(struct iq *iq, const struct admin_row *row, mn_str id)
{
    const struct mn_elem *x = mn_elem_child(iq->child, MN_NS_DATA, "x");
    struct run *r = run_new(iq, row);
    mn_str why = MN_STR("there is no form");
    struct mn_form form;

    r->had_form = true;
    if (x && !mn_form_parse(x, &r->a, &form) &&
        (form.type == MN_FORM_SUBMIT || form.type == MN_FORM_CANCEL) &&
        admin_read(row, &form, &r->a, &r->request, &why))
        return run_start(r, id);
    open_add(iq->via, row, id.p);
    refuse(iq, MN_COND_BAD_REQUEST, "bad-payload", why);
    run_free(r, MN_COND_NONE);
    return MN_COND_LATER;
}

static enum mn_cond cancel(struct iq *iq, const struct admin_row *row, mn_str id)
{
    struct mn_stanza *st = iq_answer(iq);

    command_add(st, row, id, "canceled");
    return iq_result(iq, st);
}

/* Others who ask again and again are not in the log each time. */
static bool may(const struct command_asker *who, const struct admin_row *row)
{
    static struct mn_log_rate rate;

    if (who->right >= row->command->needs)
        return true;
    if (mn_log_rate(&rate, 5, 10000))
        mn_log_warn(&who->log, "command refused", MN_FC("command", row->command->words));
    return false;
}

static enum mn_cond on_command(struct iq *iq)
{
    static const char *const actions[] = {"execute", "complete", "cancel", "prev", "next"};
    enum { EXECUTE, COMPLETE, CANCEL, PREV, NEXT, UNKNOWN } action = EXECUTE;
    mn_str asked = mn_elem_get(iq->child, "action"), id = mn_elem_get(iq->child, "sessionid"),
           lang = mn_elem_lang(iq->child);
    const struct admin_row *row = admin_find(mn_elem_get(iq->child, "node"));
    struct command_asker who = asker_of(iq->owner, iq->host, iq->via);

    while (asked.p && action < UNKNOWN && !mn_str_is(asked, actions[action]))
        action++;
    if (!row)
        return refuse(iq, MN_COND_ITEM_NOT_FOUND, NULL, MN_STR(""));
    if (!may(&who, row))
        return refuse(iq, MN_COND_FORBIDDEN, NULL, MN_STR(""));
    if (action == UNKNOWN)
        return refuse(iq, MN_COND_BAD_REQUEST, "malformed-action", MN_STR(""));
    /* A language that is asked for here, not the one that the client has for all it does. */
    if (lang.n && !mn_str_is(lang, "en") && !mn_str_starts(lang, MN_STR("en-")))
        return refuse(iq, MN_COND_BAD_REQUEST, "bad-locale", MN_STR(""));
    if (action == PREV || action == NEXT || (!id.p && action != EXECUTE))
        return refuse(iq, MN_COND_BAD_REQUEST, "bad-action", MN_STR(""));
    if (!id.p)
        return start(iq, row);
    if (!id_is_ours(iq, row, id))
        return refuse(iq, MN_COND_BAD_REQUEST, "bad-sessionid", MN_STR(""));
    if (!open_take(iq->via, id))
        return refuse(iq, MN_COND_NOT_ALLOWED, "session-expired", MN_STR(""));
    return action == CANCEL ? cancel(iq, row, id) : submit(iq, row, id);
}

/* Disco: the list is there for everybody, and empty for most. */

static void identity_add(struct disco *d, const char *type, const char *name)
{
    struct mn_elem *e = mn_elem_add(d->a, d->query, MN_NS_DISCO_INFO, "identity");

    mn_elem_set(d->a, e, "category", MN_STR("automation"));
    mn_elem_set(d->a, e, "type", mn_str_from(type));
    mn_elem_set(d->a, e, "name", mn_str_from(name));
}

static enum verdict on_node(struct disco *d)
{
    static const char *const features[] = {"http://jabber.org/protocol/commands", "jabber:x:data"};
    const struct admin_row *row = admin_find(d->node);
    struct command_asker who = asker_of(d->owner, d->host, d->via);

    if (d->user || (!row && !mn_str_is(d->node, features[0])))
        return PASS;
    if (!row) {
        identity_add(d, "command-list", "Commands");
        return DONE;
    }
    if (!may(&who, row)) {
        d->cond = MN_COND_FORBIDDEN;
        return DONE;
    }
    identity_add(d, "command-node", row->title);
    for (size_t i = 0; i < MN_COUNT(features); i++)
        mn_elem_set(d->a, mn_elem_add(d->a, d->query, MN_NS_DISCO_INFO, "feature"), "var",
                    mn_str_from(features[i]));
    return DONE;
}

static enum verdict on_node_items(struct disco *d)
{
    struct command_asker who = asker_of(d->owner, d->host, d->via);
    const struct admin_row *row;

    if (d->user || !mn_str_is(d->node, "http://jabber.org/protocol/commands"))
        return !d->user && admin_find(d->node) ? DONE : PASS; /* below a command is nothing */
    for (size_t i = 0; (row = admin_row(i)); i++) {
        struct mn_elem *item;

        if (who.right < row->command->needs)
            continue;
        item = mn_elem_add(d->a, d->query, MN_NS_DISCO_ITEMS, "item");
        mn_elem_set(d->a, item, "jid", d->host->name);
        mn_elem_set(d->a, item, "node", mn_str_from(row->node));
        mn_elem_set(d->a, item, "name", mn_str_from(row->title));
    }
    return DONE;
}

const struct module mod_adhoc = {
    .name = "adhoc",
    .xep =
        {{50, "1.3.0", "Ad-Hoc Commands",
          "wire/adhoc; wire/adhoc-errors; server/adhoc/a_form_is_open_for_ten_minutes; "
          "interop/slixmpp-admin/an administrator manages accounts"},
         {133, "1.3.1", "Service Administration",
          "wire/adhoc; wire/admin; wire/motd; e2e/admin/every_role",
          .without =
              "last login, blacklist, whitelist, active and idle users, list of administrators"}},
    .feature = {"http://jabber.org/protocol/commands"},
    .iq = {{MN_TYPE_SET, MN_NS_COMMANDS, "command", AT_HOST, on_command}},
    .disco_node = on_node,
    .disco_node_items = on_node_items,
};
