#include "server/command.h"

#include <stdarg.h>

#include "server/config.h"
#include "server/server.h"
#include "server/session.h"

enum { TEXT_MAX = 4096 };

const struct command_row command_rows[COMMAND_COUNT] = {
#define LOCAL(...)
#define ARG(kind, name, value, text) {COMMAND_##kind, #name, value, text},
#define COMMAND(fn, who, words, text, ...)                                                         \
    {command_##fn, COMMAND_##who, words, text, {__VA_ARGS__}},
#include "server/commands.def"
#undef COMMAND
#undef LOCAL
#undef ARG
};

/* Who may what. */

static bool listed(const struct mn_conf_list *admins, mn_str bare, struct mn_arena *a)
{
    for (size_t i = 0; i < admins->count; i++) {
        struct mn_jid j;

        if (!mn_jid_parse(((const mn_str *)admins->items)[i], a, &j) &&
            mn_str_eq(mn_jid_text(&j), bare))
            return true;
    }
    return false;
}

enum command_right command_right(const struct owner *o, const struct host *h,
                                 const struct mn_jid *who)
{
    const struct config *conf = o->snap->conf;
    const struct conf_domain *d = conf->domains.items;
    enum command_right right = COMMAND_NOTHING;
    mn_str bare = mn_jid_bare(who), name;
    struct mn_arena a = {0};

    for (size_t i = 0; i < conf->domains.count; i++)
        if (!mn_jid_host_prep(d[i].name, &a, &name) && mn_str_eq(name, h->name) &&
            listed(&d[i].admins, bare, &a))
            right = COMMAND_DOMAIN;
    if (listed(&conf->admins, bare, &a))
        right = COMMAND_SERVER;
    mn_arena_done(&a, NULL);
    return right;
}

bool command_names(const struct owner *o, const struct mn_jid *account)
{
    const struct config *conf = o->snap->conf;
    const struct conf_domain *d = conf->domains.items;
    mn_str bare = mn_jid_bare(account);
    struct mn_arena a = {0};
    bool named = listed(&conf->admins, bare, &a);

    for (size_t i = 0; i < conf->domains.count; i++)
        named |= listed(&d[i].admins, bare, &a);
    mn_arena_done(&a, NULL);
    return named;
}

/* Travelling. */

static void arrived(struct mn_post *p)
{
    struct command *c = (struct command *)p;

    c->then(c);
}

void command_go(struct command *c, struct owner *o, void (*then)(struct command *c))
{
    c->then = then;
    c->post.run = arrived;
    owner_post(o, &c->post);
}

static void visit(struct command *c)
{
    c->each(c);
    if (++c->at < c->srv->owner_count)
        command_go(c, c->srv->owners[c->at], visit);
    else
        command_go(c, c->home, c->after);
}

void command_visit(struct command *c, void (*each)(struct command *c),
                   void (*after)(struct command *c))
{
    c->each = each;
    c->after = after;
    c->at = 0;
    command_go(c, c->srv->owners[0], visit);
}

/* The end. */

/* Who did what, as one line whatever the level; secrets and long texts stay out of it. */
static void audit(const struct command *c)
{
    struct mn_buf b = {0};

    for (size_t i = 0; c->row && i < COMMAND_ARGS && c->row->args[i].kind; i++) {
        const struct command_argument *arg = &c->row->args[i];
        json_t *v = json_object_get(c->args, arg->name);

        if (!v || arg->kind == COMMAND_SECRET || arg->kind == COMMAND_AFTER)
            continue;
        mn_buf_fmt(&b, "%s%s=", b.n ? " " : "", arg->name);
        if (json_is_array(v))
            mn_buf_fmt(&b, "(%zu)", json_array_size(v));
        else if (arg->kind == COMMAND_TEXT)
            mn_buf_fmt(&b, "(%zu)", json_string_length(v));
        else
            mn_buf_str(&b, command_arg(c, arg->name));
    }
    mn_log_write(MN_LOG_INFO, &c->who, "command",
                 (struct mn_log_field[]){
                     MN_FC("command", c->row ? c->row->words : "unknown"),
                     MN_F("arguments", b.n ? mn_buf_view(&b) : MN_STR("none")),
                     MN_F("result", c->cond ? mn_cond_name(c->cond) : MN_STR("ok")),
                     {0},
                 });
    mn_buf_free(&b);
}

static void ended(struct command *c)
{
    audit(c);
    c->face->done(c->face_arg, c->ok, c->cond, c->text);
    json_decref(c->args);
    json_decref(c->ok);
    snapshot_unref(c->snap);
    mn_arena_done(&c->a, NULL);
    c->srv->commands--;
    mn_free(c);
}

void command_ok(struct command *c, json_t *ok)
{
    c->ok = ok;
    command_go(c, c->home, ended);
}

void command_fail(struct command *c, enum mn_cond cond, const char *fmt, ...)
{
    char text[TEXT_MAX];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    c->cond = cond;
    c->text = mn_arena_str(&c->a, mn_str_from(text));
    command_go(c, c->home, ended);
}

void command_progress(struct command *c, json_t *what)
{
    c->face->progress(c->face_arg, what);
    json_decref(what);
}

/* Arguments. */

mn_str command_arg(const struct command *c, const char *name)
{
    const json_t *v = json_object_get(c->args, name);

    return v ? (mn_str){json_string_value(v), json_string_length(v)} : (mn_str){0};
}

bool command_is_text(mn_str s, bool lines)
{
    for (size_t i = 0; i < s.n; i++)
        if (((unsigned char)s.p[i] < ' ' && !(lines && strchr("\n\t", s.p[i]) && s.p[i])) ||
            s.p[i] == 0x7f ||
            (s.n - i >= 3 &&
             (!memcmp(s.p + i, "\xef\xbf\xbe", 3) || !memcmp(s.p + i, "\xef\xbf\xbf", 3))))
            return false;
    return true;
}

const struct host *command_host(struct command *c, mn_str name)
{
    const struct host *h = NULL;
    mn_str prepared;

    if (!mn_jid_host_prep(name, &c->a, &prepared))
        h = host_find(c->srv, prepared);
    if (h && (!c->host || h == c->host))
        return h;
    if (c->host)
        command_fail(c, MN_COND_FORBIDDEN, "you do not administer %.*s here", MN_ARG(name));
    else
        command_fail(c, MN_COND_ITEM_NOT_FOUND, "this server does not serve %.*s", MN_ARG(name));
    return NULL;
}

bool command_jid(struct command *c, mn_str text, struct mn_jid *out)
{
    if (mn_jid_parse(text, &c->a, out) || !out->user)
        command_fail(c, MN_COND_JID_MALFORMED, "%.*s is no address of an account (NAME@DOMAIN)",
                     MN_ARG(text));
    else
        return command_host(c, mn_jid_host(out));
    return false;
}

struct session *command_session(const struct command *c)
{
    const struct user *u =
        mn_jid_none(&c->asker) ? NULL : user_find(c->home, mn_jid_bare(&c->asker));

    return u ? session_find(u, mn_jid_resource(&c->asker)) : NULL;
}

bool command_outranked(const struct command *c, const struct mn_jid *account)
{
    const struct owner *o = owner_here();
    struct mn_jid bare = mn_jid_to_bare(account);

    if (mn_jid_none(&c->asker))
        return false;
    for (size_t i = 0; i < o->snap->host_count; i++)
        if (command_right(o, o->snap->hosts[i], &bare) >
            command_right(o, o->snap->hosts[i], &c->asker))
            return true;
    return false;
}

static enum command_kind kind_of(const struct command_row *row, const char *name)
{
    for (size_t i = 0; i < COMMAND_ARGS && row->args[i].kind; i++)
        if (!strcmp(row->args[i].name, name))
            return row->args[i].kind;
    return 0;
}

/* Does what came fit this row? `why` becomes what is wrong. */
static bool fits(const struct command_row *row, const json_t *args, char *why, size_t room)
{
    const char *name;
    json_t *v;

    json_object_foreach((json_t *)args, name, v)
    {
        enum command_kind kind = kind_of(row, name);

        if (!kind)
            snprintf(why, room, "%s: there is no argument %s", row->words, name);
        else if (kind == COMMAND_LINES ? !json_is_array(v) : !json_is_string(v))
            snprintf(why, room, "%s: %s is not %s", row->words, name,
                     kind == COMMAND_LINES ? "an array" : "text");
        else if (json_string_length(v) > TEXT_MAX)
            snprintf(why, room, "%s: %s is too long", row->words, name);
        else
            continue;
        return false;
    }
    for (size_t i = 0; i < COMMAND_ARGS && row->args[i].kind; i++) {
        enum command_kind kind = row->args[i].kind;

        if ((kind == COMMAND_WORD || kind == COMMAND_TEXT || kind == COMMAND_SECRET ||
             kind == COMMAND_LINES) &&
            !json_object_get(args, row->args[i].name)) {
            snprintf(why, room, "%s: %s is missing", row->words, row->args[i].name);
            return false;
        }
    }
    return true;
}

static bool is_named(const struct command_row *row, const json_t *words)
{
    mn_str rest = mn_str_from(row->words);

    for (size_t i = 0; i < json_array_size(words); i++) {
        const char *word = json_string_value(json_array_get(words, i));

        if (!word || !rest.n || !mn_str_is(mn_str_cut(rest, ' ', &rest), word))
            return false;
    }
    return !rest.n;
}

const struct command_row *command_find(const json_t *words, const json_t *args)
{
    const struct command_row *first = NULL;

    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        bool knows = true;
        const char *name;
        json_t *v;

        if (!is_named(&command_rows[i], words))
            continue;
        json_object_foreach((json_t *)args, name, v) knows &= kind_of(&command_rows[i], name) != 0;
        if (knows)
            return &command_rows[i];
        first = first ? first : &command_rows[i];
    }
    return first;
}

static void run(struct command *c)
{
    c->snap = snapshot_ref(owner_here()->snap);
    c->row->run(c);
}

/* What was asked of a domain is about that domain. */
static void domain_set(struct command *c)
{
    if (c->host && kind_of(c->row, "domain") && !json_object_get(c->args, "domain"))
        json_object_set_new(c->args, "domain", json_stringn(c->host->name.p, c->host->name.n));
}

/* What is said of the asker outlives it. */
static struct mn_log log_keep(struct command *c, const struct mn_log *log)
{
    struct mn_log kept = *log;

    for (size_t i = 0; i < MN_COUNT(kept.fields); i++)
        if (kept.fields[i].text.p)
            kept.fields[i].text = mn_arena_str(&c->a, kept.fields[i].text);
    return kept;
}

void command_ask(struct server *srv, const struct command_row *row, json_t *args,
                 const struct command_asker *who, const struct command_face *face, void *arg)
{
    struct command *c = MN_NEW(struct command);
    char why[300] = "";

    srv->commands++;
    c->srv = srv;
    c->home = owner_here();
    c->args = args ? json_incref(args) : json_object();
    c->who = log_keep(c, &who->log);
    c->host = who->host;
    if (!mn_jid_none(&who->jid))
        c->asker = mn_jid_copy(&who->jid, &c->a);
    c->face = face;
    c->face_arg = arg;
    c->row = row;
    if (!row) {
        command_fail(c, MN_COND_BAD_REQUEST, "there is no such command");
    } else if (who->right < row->needs) {
        command_fail(c, MN_COND_FORBIDDEN, "%s: you may not ask for it here", row->words);
    } else {
        domain_set(c);
        if (fits(row, c->args, why, sizeof why))
            command_go(c, c->home, run);
        else
            command_fail(c, MN_COND_BAD_REQUEST, "%s", why);
    }
}
