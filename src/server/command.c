#include "server/command.h"

#include <stdarg.h>

#include "server/server.h"

enum { ARGS_MAX = 8, TEXT_MAX = 4096 };

enum kind { WORD = 1, MAYBE, OPTION, SECRET, LINES, AFTER };

struct command_row {
    void (*run)(struct command *c);
    const char *words;
    struct {
        enum kind kind;
        const char *name;
    } args[ARGS_MAX];
};

static const struct command_row rows[] = {
#define LOCAL(...)
#define ARG(kind, name, value, text) {kind, #name},
#define COMMAND(fn, words, text, ...) {command_##fn, words, {__VA_ARGS__}},
#include "server/commands.def"
#undef COMMAND
#undef LOCAL
#undef ARG
};

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

/* Who did what, as one line; secrets and what came in lines stay out of it. */
static void audit(const struct command *c)
{
    struct mn_buf b = {0};

    for (size_t i = 0; c->row && i < ARGS_MAX && c->row->args[i].kind; i++) {
        json_t *v = json_object_get(c->args, c->row->args[i].name);

        if (!v || c->row->args[i].kind == SECRET || c->row->args[i].kind == AFTER)
            continue;
        mn_buf_fmt(&b, "%s%s=", b.n ? " " : "", c->row->args[i].name);
        if (json_is_array(v))
            mn_buf_fmt(&b, "(%zu)", json_array_size(v));
        else
            mn_buf_str(&b, command_arg(c, c->row->args[i].name));
    }
    mn_log_info(&c->who, "command", MN_FC("command", c->row ? c->row->words : "unknown"),
                MN_F("arguments", b.n ? mn_buf_view(&b) : MN_STR("none")),
                MN_F("result", c->cond ? mn_cond_name(c->cond) : MN_STR("ok")));
    mn_buf_free(&b);
}

static void ended(struct command *c)
{
    audit(c);
    c->face->done(c->face_arg, c->ok, c->cond, c->text);
    json_decref(c->args);
    json_decref(c->ok);
    mn_arena_done(&c->a, NULL);
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

bool command_jid(struct command *c, mn_str text, struct mn_jid *out)
{
    if (mn_jid_parse(text, &c->a, out) || !out->user)
        command_fail(c, MN_COND_JID_MALFORMED, "%.*s is no address of an account (NAME@DOMAIN)",
                     MN_ARG(text));
    else if (!host_find(c->srv, mn_jid_host(out)))
        command_fail(c, MN_COND_ITEM_NOT_FOUND, "this server does not serve %.*s",
                     MN_ARG(mn_jid_host(out)));
    else
        return true;
    return false;
}

static enum kind kind_of(const struct command_row *row, const char *name)
{
    for (size_t i = 0; i < ARGS_MAX && row->args[i].kind; i++)
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
        enum kind kind = kind_of(row, name);

        if (!kind)
            snprintf(why, room, "%s: there is no argument %s", row->words, name);
        else if (kind == LINES ? !json_is_array(v) : !json_is_string(v))
            snprintf(why, room, "%s: %s is not %s", row->words, name,
                     kind == LINES ? "an array" : "text");
        else if (json_string_length(v) > TEXT_MAX)
            snprintf(why, room, "%s: %s is too long", row->words, name);
        else
            continue;
        return false;
    }
    for (size_t i = 0; i < ARGS_MAX && row->args[i].kind; i++) {
        enum kind kind = row->args[i].kind;

        if ((kind == WORD || kind == SECRET || kind == LINES) &&
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

/* The row of that name that knows all arguments that came; else the first of that name. */
static const struct command_row *row_find(const json_t *words, const json_t *args)
{
    const struct command_row *first = NULL;

    for (size_t i = 0; i < MN_COUNT(rows); i++) {
        bool knows = true;
        const char *name;
        json_t *v;

        if (!is_named(&rows[i], words))
            continue;
        json_object_foreach((json_t *)args, name, v) knows &= kind_of(&rows[i], name) != 0;
        if (knows)
            return &rows[i];
        first = first ? first : &rows[i];
    }
    return first;
}

static void run(struct command *c)
{
    c->row->run(c);
}

void command_ask(struct server *srv, const json_t *words, json_t *args, const struct mn_log *who,
                 const struct command_face *face, void *arg)
{
    struct command *c = MN_NEW(struct command);
    char why[300] = "";

    c->srv = srv;
    c->home = owner_here();
    c->args = args ? json_incref(args) : json_object();
    c->who = *who;
    c->face = face;
    c->face_arg = arg;
    c->row = row_find(words, c->args);
    if (!c->row)
        command_fail(c, MN_COND_BAD_REQUEST, "there is no such command");
    else if (!fits(c->row, c->args, why, sizeof why))
        command_fail(c, MN_COND_BAD_REQUEST, "%s", why);
    else
        command_go(c, c->home, run);
}
