#include "server/admin.h"

#include "base/crypt.h"
#include "base/num.h"
#include "server/server.h"

#define FORM_TYPE "http://jabber.org/protocol/admin"
#define XEP(name) FORM_TYPE "#" name
#define OF(fn) &command_rows[COMMAND_AT_##fn]
#define LISTED "25|50|75|100|150|200|1000|none"

enum { TARGETS_MAX = 1000, MAX_ITEMS = 10000 };

/* XEP-0133: nodes, names of fields, labels and titles are its own. What it has and we have not is
 * not here, and so nobody is told of it. */
static const struct admin_row xep_rows[] = {
    {XEP("add-user"), "Add User", "Fill out this form to add a user.", OF(user_add), NULL,
     .fields = {{"accountjid", "jid-single", "The Jabber ID for the account to be added", "jid",
                 true},
                {"password", "text-private", "The password for this account", "password", true},
                {"password-verify", "text-private", "Retype password"},
                {"email", "text-single", "Email address", "email"},
                {"given_name", "text-single", "Given name", "name"},
                {"surname", "text-single", "Family name", "name"}}},
    {XEP("delete-user"), "Delete User", "Fill out this form to delete a user.", OF(user_remove),
     NULL, .fields = {{"accountjids", "jid-multi", "The Jabber ID(s) to delete", "jid", true}}},
    {XEP("disable-user"), "Disable User", "Fill out this form to disable a user.", OF(user_disable),
     NULL, .fields = {{"accountjids", "jid-multi", "The Jabber ID(s) to disable", "jid", true}}},
    {XEP("reenable-user"), "Re-Enable User", "Fill out this form to re-enable a user.",
     OF(user_enable), NULL,
     .fields = {{"accountjids", "jid-multi", "The Jabber ID(s) to re-enable", "jid", true}}},
    {XEP("end-user-session"), "End User Session", "Fill out this form to end a user's session.",
     OF(session_kick), NULL,
     .fields = {{"accountjids", "jid-multi", "The Jabber ID(s) for which to end sessions", "jid",
                 true}}},
    {XEP("change-user-password"), "Change User Password",
     "Fill out this form to change a user's password.", OF(user_passwd), NULL,
     .fields = {{"accountjid", "jid-single", "The Jabber ID for this account", "jid", true},
                {"password", "text-private", "The password for this account", "password", true}}},
    {XEP("get-user-roster"), "Get User Roster", "Fill out this form to get a user's roster.",
     OF(user_roster), NULL,
     .fields = {{"accountjids", "jid-multi", "The Jabber ID(s) for which to retrieve the roster",
                 "jid", true}},
     .results = {{"accountjids", NULL, "jid"}, {NULL, NULL, "contacts"}}},
    {XEP("user-stats"), "Get User Statistics", "Fill out this form to gather user statistics.",
     OF(user_show), NULL,
     .fields = {{"accountjid", "jid-single", "The Jabber ID for statistics", "jid", true}},
     .results = {{"ipaddresses", NULL, "addresses"},
                 {"rostersize", NULL, "contacts"},
                 {"onlineresources", NULL, "resources"}},
     .part = true},
    {XEP("get-registered-users-num"), "Get Number of Registered Users", NULL, OF(user_count), NULL,
     .results = {{"registeredusersnum", "The number of registered users", "registered"}}},
    {XEP("get-disabled-users-num"), "Get Number of Disabled Users", NULL, OF(user_count), NULL,
     .results = {{"disabledusersnum", "The number of disabled users", "disabled"}}},
    {XEP("get-online-users-num"), "Get Number of Online Users", NULL, OF(user_count), NULL,
     .results = {{"onlineusersnum", "The number of online users", "online"}}},
    {XEP("get-registered-users-list"), "Get List of Registered Users",
     "Fill out this form to request the registered users of this service.", OF(user_list), NULL,
     .fields = {{"max_items", "list-single", "Maximum number of items to show", .value = LISTED}},
     .results = {{"registereduserjids", "The list of all users", "accounts.jid"}}, .part = true},
    {XEP("get-disabled-users-list"), "Get List of Disabled Users",
     "Fill out this form to request the disabled users of this service.", OF(user_list), NULL,
     .with = {"disabled", "yes"},
     .fields = {{"max_items", "list-single", "Maximum number of items to show", .value = LISTED}},
     .results = {{"disableduserjids", "The list of all disabled users", "accounts.jid"}},
     .part = true},
    {XEP("get-online-users-list"), "Get List of Online Users",
     "Fill out this form to request the online users of this service.", OF(session_list), NULL,
     .fields = {{"max_items", "list-single", "Maximum number of items to show", .value = LISTED}},
     .results = {{"onlineuserjids", "The list of all online users", "sessions.jid"}}, .part = true},
    {XEP("announce"), "Send Announcement to Online Users",
     "Fill out this form to make an announcement to all active users of this service.",
     OF(announce), NULL, .fields = {{"announcement", "text-multi", "Announcement", "text", true}}},
    {XEP("set-motd"), "Set Message of the Day", "Fill out this form to set the message of the day.",
     OF(motd_set), NULL, .fields = {{"motd", "text-multi", "Message of the Day", "text", true}}},
    {XEP("edit-motd"), "Edit Message of the Day",
     "Fill out this form to edit the message of the day.", OF(motd_edit), OF(motd_show),
     .fields = {{"motd", "text-multi", "Message of the Day", "text", true}}},
    {XEP("delete-motd"), "Delete Message of the Day", NULL, OF(motd_remove), NULL},
    {XEP("set-welcome"), "Set Welcome Message", "Fill out this form to set the welcome message.",
     OF(welcome_set), OF(welcome_show),
     .fields = {{"welcome", "text-multi", "Welcome Message", "text", true}}},
    {XEP("delete-welcome"), "Delete Welcome Message", NULL, OF(welcome_remove), NULL},
    {XEP("restart"), "Restart Service", "Fill out this form to restart the service.", OF(restart),
     NULL,
     .fields = {{"delay", "list-single", "Time delay before restarting", "delay",
                 .value = "30|60|90|120|180|240|300"},
                {"announcement", "text-multi", "Announcement", "announcement"}}},
    {XEP("shutdown"), "Shut Down Service", "Fill out this form to shut down the service.",
     OF(shutdown), NULL,
     .fields = {{"delay", "list-single", "Time delay before shutting down", "delay",
                 .value = "30|60|90|120|180|240|300"},
                {"announcement", "text-multi", "Announcement", "announcement"}}},
};

/* Ours, in the order of the table. */
static const struct admin_row own_rows[] = {
#define LOCAL(...)
#define ARG(kind_, name, value_, text)                                                             \
    {#name,                                                                                        \
     NULL,                                                                                         \
     text,                                                                                         \
     #name,                                                                                        \
     COMMAND_##kind_ == COMMAND_WORD || COMMAND_##kind_ == COMMAND_TEXT ||                         \
         COMMAND_##kind_ == COMMAND_SECRET,                                                        \
     value_,                                                                                       \
     COMMAND_##kind_},
#define COMMAND(fn, who, words, text, ...)                                                         \
    {"urn:mynah:admin#" #fn, words, text, OF(fn), NULL, .fields = {__VA_ARGS__}},
#include "server/commands.def"
#undef COMMAND
#undef LOCAL
#undef ARG
};

static bool is_own(const struct admin_row *row)
{
    return row >= own_rows && row < own_rows + MN_COUNT(own_rows);
}

/* Not what only the machine may ask for, nor what the XEP has as well. */
static bool is_offered(const struct admin_row *row)
{
    for (size_t i = 0; i < MN_COUNT(xep_rows); i++)
        if (xep_rows[i].command == row->command && !xep_rows[i].part)
            return false;
    return row->command->needs != COMMAND_MACHINE;
}

const struct admin_row *admin_row(size_t i)
{
    if (i < MN_COUNT(xep_rows))
        return &xep_rows[i];
    i -= MN_COUNT(xep_rows);
    for (size_t k = 0; k < MN_COUNT(own_rows); k++)
        if (is_offered(&own_rows[k]) && !i--)
            return &own_rows[k];
    return NULL;
}

const struct admin_row *admin_find(mn_str node)
{
    const struct admin_row *row;

    for (size_t i = 0; (row = admin_row(i)); i++)
        if (mn_str_is(node, row->node))
            return row;
    return NULL;
}

/* Forms. */

static const char *type_of(const struct admin_field *f)
{
    if (f->type)
        return f->type;
    return f->kind == COMMAND_SECRET                     ? "text-private"
           : f->kind == COMMAND_TEXT                     ? "text-multi"
           : strchr(f->value, '|')                       ? "list-single"
           : f->kind == COMMAND_WORD && *f->value == 'J' ? "jid-single"
                                                         : "text-single";
}

/* A command that is asked of a domain has it already. */
static bool is_shown(const struct admin_field *f)
{
    return !f->arg || strcmp(f->arg, "domain");
}

void admin_form(const struct admin_row *row, const json_t *values, struct mn_arena *a,
                struct mn_elem *command)
{
    struct mn_elem *x = mn_form_add(a, command, MN_FORM_FORM, is_own(row) ? NULL : FORM_TYPE,
                                    row->title, row->text);

    for (const struct admin_field *f = row->fields; f->var; f++) {
        const json_t *v = f->arg ? json_object_get(values, f->arg) : NULL;
        const char *type = type_of(f);
        mn_str options = mn_str_from(f->value);
        struct mn_elem *e;

        if (!is_shown(f))
            continue;
        e = mn_form_field(a, x, type, f->var, f->label);
        if (f->required)
            mn_elem_add(a, e, MN_NS_DATA, "required");
        if (json_string_length(v))
            mn_form_lines(a, e, (mn_str){json_string_value(v), json_string_length(v)});
        while (!strcmp(type, "list-single") && options.n)
            mn_form_option(a, e, mn_str_cut(options, '|', &options));
    }
}

/* What was submitted. */

static bool is_option(mn_str text, mn_str options)
{
    while (options.n)
        if (mn_str_eq(mn_str_cut(options, '|', &options), text))
            return true;
    return false;
}

static mn_str joined(const struct mn_form_field *f, struct mn_arena *a)
{
    struct mn_buf b = {0};
    mn_str text;

    for (size_t i = 0; i < f->count; i++)
        mn_buf_fmt(&b, "%s%.*s", i ? "\n" : "", MN_ARG(f->values[i]));
    text = mn_arena_str(a, mn_buf_view(&b));
    mn_buf_free(&b);
    return text;
}

/* Each address once: they are compared as they are canonically, and kept as they came where they
 * are none. */
static bool targets_read(const struct mn_form_field *f, struct mn_arena *a,
                         struct admin_request *out)
{
    mn_str *all = mn_arena_alloc(a, f->count * sizeof *all);
    size_t count = 0, k;

    for (size_t i = 0; i < f->count && count <= TARGETS_MAX; i++) {
        struct mn_jid j;
        mn_str text = mn_str_trim(f->values[i]);

        if (!mn_jid_parse(text, a, &j))
            text = mn_jid_text(&j);
        for (k = 0; k < count && !mn_str_eq(all[k], text);)
            k++;
        if (k == count && text.n)
            all[count++] = text;
    }
    out->targets = all;
    out->target_count = count;
    return count && count <= TARGETS_MAX;
}

static void arg_set(json_t *args, const char *name, mn_str text)
{
    const json_t *was = json_object_get(args, name);
    struct mn_buf b = {0};

    if (was) /* a name in two fields */
        mn_buf_fmt(&b, "%s ", json_string_value(was));
    mn_buf_str(&b, text);
    json_object_set_new(args, name, json_stringn(b.n ? b.p : "", b.n));
    mn_crypt_wipe(b.p, b.n);
    mn_buf_free(&b);
}

static bool field_read(const struct admin_field *f, const struct mn_form_field *got,
                       struct mn_arena *a, struct admin_request *out)
{
    const char *type = type_of(f);
    mn_str text = got->count == 1 ? got->values[0] : (mn_str){0};

    if (!strcmp(type, "jid-multi"))
        return targets_read(got, a, out);
    if (!strcmp(type, "text-multi"))
        text = joined(got, a);
    else if (got->count > 1)
        return false;
    if (!text.n)
        return !f->required;
    if (!strcmp(type, "list-single") && !is_option(text, mn_str_from(f->value)))
        return false;
    if (!strcmp(f->var, "max_items"))
        (void)!mn_num_parse(text, MAX_ITEMS, &out->max); /* else none */
    else if (f->arg)
        arg_set(out->args, f->arg, text);
    return true;
}

struct admin_request admin_empty(const struct admin_row *row)
{
    struct admin_request r = {.args = json_object(), .max = MAX_ITEMS};

    if (row->with[0])
        json_object_set_new(r.args, row->with[0], json_string(row->with[1]));
    return r;
}

bool admin_read(const struct admin_row *row, const struct mn_form *f, struct mn_arena *a,
                struct admin_request *out, mn_str *why)
{
    mn_str type = mn_form_text(f, "FORM_TYPE"), verify = mn_form_text(f, "password-verify");

    *out = admin_empty(row);
    *why = MN_STR("FORM_TYPE");
    if (type.p && !mn_str_is(type, FORM_TYPE))
        return false;
    for (const struct admin_field *field = row->fields; field->var; field++) {
        const struct mn_form_field *got = mn_form_find(f, field->var);

        *why = mn_str_from(field->var);
        if (!is_shown(field))
            continue;
        if (got ? !field_read(field, got, a, out) : field->required)
            return false;
    }
    *why = MN_STR("password-verify");
    return !verify.p || mn_crypt_eq(verify, mn_form_text(f, "password"));
}

/* What is shown of an answer. */

void admin_note(struct mn_arena *a, struct mn_elem *command, const char *type, mn_str text)
{
    struct mn_elem *e = mn_elem_add_text(a, command, MN_NS_COMMANDS, "note", mn_arena_str(a, text));

    mn_elem_set(a, e, "type", mn_str_from(type));
}

static mn_str text_of(const json_t *v, struct mn_arena *a)
{
    if (json_is_string(v))
        return mn_arena_str(a, (mn_str){json_string_value(v), json_string_length(v)});
    if (json_is_integer(v))
        return mn_arena_fmt(a, "%lld", (long long)json_integer_value(v));
    return json_is_true(v) ? MN_STR("yes") : json_is_false(v) ? MN_STR("no") : MN_STR("");
}

static void values_add(const json_t *v, struct mn_arena *a, struct mn_elem *field)
{
    json_t *one;
    size_t i;

    if (!json_is_array(v))
        mn_form_value(a, field, text_of(v, a));
    json_array_foreach((json_t *)v, i, one) mn_form_value(a, field, text_of(one, a));
}

static bool is_table(const json_t *v)
{
    return json_is_array(v) && json_is_object(json_array_get(v, 0));
}

static void table_show(const json_t *list, struct mn_arena *a, struct mn_elem *command)
{
    struct mn_elem *x = mn_form_add(a, command, MN_FORM_RESULT, NULL, NULL, NULL), *part;
    const char *key;
    json_t *row, *v;
    size_t i;

    part = mn_elem_add(a, x, MN_NS_DATA, "reported");
    json_object_foreach(json_array_get(list, 0), key, v)
    {
        const char *name = mn_arena_cstr(a, mn_str_from(key));

        mn_form_field(a, part, strcmp(key, "jid") ? "text-single" : "jid-single", name, name);
    }
    json_array_foreach((json_t *)list, i, row)
    {
        part = mn_elem_add(a, x, MN_NS_DATA, "item");
        json_object_foreach(row, key, v) values_add(
            v, a, mn_form_field(a, part, NULL, mn_arena_cstr(a, mn_str_from(key)), NULL));
    }
}

/* The answer as it is. A form has fields or a table, not both (XEP-0004, 3.4). */
static void whole_show(const struct admin_row *row, const json_t *ok, struct mn_arena *a,
                       struct mn_elem *command)
{
    struct mn_elem *x = NULL;
    const char *key;
    json_t *v;

    json_object_foreach((json_t *)ok, key, v)
    {
        const char *name = mn_arena_cstr(a, mn_str_from(key));

        if (is_table(v)) {
            table_show(v, a, command);
        } else if (!strcmp(key, "next")) {
            admin_note(a, command, "info",
                       mn_arena_fmt(a, "There are more behind %s.", json_string_value(v)));
        } else {
            if (!x)
                x = mn_form_add(a, command, MN_FORM_RESULT, NULL, row->title, NULL);
            values_add(v, a, mn_form_field(a, x, NULL, name, name));
        }
    }
}

static void roster_show(const json_t *contacts, struct mn_arena *a, struct mn_elem *x)
{
    struct mn_elem *q = mn_elem_add(a, x, MN_NS_ROSTER, "query"), *item;
    const char *key;
    json_t *c, *v, *group;
    size_t i, k;

    json_array_foreach((json_t *)contacts, i, c)
    {
        item = mn_elem_add(a, q, MN_NS_ROSTER, "item");
        json_object_foreach(c, key, v)
        {
            if (json_is_string(v))
                mn_elem_set(a, item, mn_arena_cstr(a, mn_str_from(key)), text_of(v, a));
            json_array_foreach(v, k, group)
                mn_elem_add_text(a, item, MN_NS_ROSTER, "group", text_of(group, a));
        }
    }
}

/* A member of each; of a session, whose it is. They are in order: those of one account follow each
 * other. */
static bool list_show(const struct admin_result *r, const json_t *ok, uint64_t max,
                      struct mn_arena *a, struct admin_shown *shown)
{
    mn_str member, rest, array = mn_str_cut(mn_str_from(r->key), '.', &member);
    json_t *one;
    size_t i;

    json_array_foreach(json_object_getn(ok, array.p, array.n), i, one)
    {
        mn_str text = mn_str_cut(text_of(json_object_getn(one, member.p, member.n), a), '/', &rest);

        if (mn_str_eq(text, shown->last))
            continue;
        if (shown->count == max)
            return false;
        mn_form_value(a, shown->list, text);
        shown->last = text;
        shown->count++;
    }
    return true;
}

bool admin_show(const struct admin_row *row, const json_t *ok, mn_str target, uint64_t max,
                struct mn_arena *a, struct mn_elem *command, struct admin_shown *shown)
{
    const struct admin_result *r = row->results;
    bool is_list = r->key && strchr(r->key, '.');
    struct mn_elem *x;

    if (is_own(row)) {
        whole_show(row, ok, a, command);
        return true;
    }
    if (!r->key)
        return true;
    if (is_list && shown->list)
        return list_show(r, ok, max, a, shown);
    x = mn_form_add(a, command, MN_FORM_RESULT, FORM_TYPE, NULL, NULL);
    if (is_list) {
        shown->list = mn_form_field(a, x, NULL, r->var, r->label);
        return list_show(r, ok, max, a, shown);
    }
    for (; r->key; r++) {
        const json_t *v = json_object_get(ok, r->key);

        if (!r->var)
            roster_show(v, a, x);
        else if (!strcmp(r->var, "accountjids"))
            mn_form_value(a, mn_form_field(a, x, NULL, r->var, r->label), target);
        else
            values_add(v, a, mn_form_field(a, x, NULL, r->var, r->label));
    }
    return true;
}
