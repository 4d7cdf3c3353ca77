/* What begins with a slash: one row in tui.def, one function here. Help and completion are made of
 * the same rows. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "apps/mynah/commands.h"
#include "apps/mynah/tui_page.h"
#include "apps/mynah/tui_question.h"
#include "im/error.h"
#include "im/lang.h"

struct command {
    const char *name, *synopsis, *text;
    int least;
    command_call *run;
};

static const struct command commands[] = {
#define TUI(name, synopsis, text, least) {#name, synopsis, text, least, do_##name},
#include "apps/mynah/tui.def"
#undef TUI
};

static const char *rest_of; /* the line behind its command */

/* The next word of a line, and the blanks behind it; one with blanks stands in quotes. */
static mn_str word(const char **line)
{
    const char *p = *line, *end = *p == '"' ? strchr(p + 1, '"') : NULL;
    bool quoted = end && end > p + 1 && (!end[1] || end[1] == ' ');
    mn_str found = quoted ? (mn_str){p + 1, (size_t)(end - p - 1)} : (mn_str){p, strcspn(p, " ")};

    *line = found.p + found.n + quoted;
    *line += strspn(*line, " ");
    return found;
}

const char *command_rest(int n)
{
    const char *p = rest_of;

    while (n-- && *p)
        word(&p);
    return *p ? p : NULL;
}

const char *command_last(char **args, int count, int n)
{
    return count == n + 1 ? args[n] : command_rest(n);
}

void command_told(const struct mynah_error *error)
{
    char *text = error ? im_error_text(error) : NULL;

    if (text)
        tui_note(IM_ERROR, "%s", text);
    mn_free(text);
}

void command_done(void *arg, struct mynah_client *c, const struct mynah_elem *result,
                  const struct mynah_error *error)
{
    command_told(error);
    if (!error && arg)
        tui_note(IM_NOTE, "%s", _((const char *)arg));
}

void command_sent(int e, const char *done)
{
    tui_note(e ? IM_ERROR : IM_NOTE, "%s", _(e ? mynah_code_text(e) : done));
}

struct mynah_client *command_client(void)
{
    struct im_account_state *a = tui_account();

    if (!a)
        tui_note(IM_ERROR, _("not logged in: /connect JID"));
    return a ? a->client : NULL;
}

struct mynah_room *command_room(void)
{
    if (!tui_chat()->room)
        tui_note(IM_ERROR, _("this is no room"));
    return tui_chat()->room;
}

struct mynah_room *command_inside(void)
{
    struct mynah_room *r = command_room();
    bool inside = r && mynah_room_is_joined(r);

    if (r && !inside)
        tui_note(IM_ERROR, _("you are not in this room; /join %s enters it"), tui_chat()->jid);
    return inside ? r : NULL;
}

/* How a contact is called: the name, or what stands before the @. */
static bool is_called(const struct mynah_contact *k, const char *who, bool by_name)
{
    char *user = by_name ? NULL : mynah_jid_user(k->jid);
    const char *called = by_name ? k->name : user;
    bool yes = called && !strcasecmp(called, who);

    mynah_free(user);
    return yes;
}

/* `other`: one more that is called so; NULL: there is none. */
static const struct mynah_contact *called(struct mynah_client *c, const char *who, bool by_name,
                                          const struct mynah_contact **other)
{
    const struct mynah_contact *k, *found = NULL;

    *other = NULL;
    for (size_t i = 0; (k = mynah_roster_at(c, i)); i++)
        if (is_called(k, who, by_name)) {
            *other = found;
            found = k;
        }
    return found;
}

const char *command_person(const char *who)
{
    struct mynah_client *c = command_client();
    const struct mynah_contact *k = NULL, *other = NULL;
    char *jid = NULL;
    bool right;

    for (int by_name = 1; c && !k && !strchr(who, '@') && by_name >= 0; by_name--)
        k = called(c, who, by_name, &other);
    if (other)
        tui_note(IM_ERROR, _("%s may be %s or %s: write the address"), who, k->jid, other->jid);
    if (k)
        return other ? NULL : k->jid;
    if (c && (strpbrk(who, "@.") || !strcmp(who, mynah_client_domain(c))))
        jid = mynah_jid(who);
    right = jid;
    mynah_free(jid);
    if (c && !right)
        tui_note(IM_ERROR, _("%s is no contact, and no address like name@server"), who);
    return right ? who : NULL;
}

const char *command_peer(const char *who)
{
    const struct im_chat *chat = tui_chat();

    if (who)
        return command_person(who);
    if (chat->account && !chat->room && !chat->occupant)
        return chat->jid;
    tui_note(IM_ERROR, "%s", _("whom? name@server, or in a talk nobody else"));
    return NULL;
}

/* What others' fingers know by another name. */
static const char *own_name(const char *name)
{
    static const struct {
        const char *theirs, *ours;
    } all[] = {{"caps", "info"},
               {"lastactivity", "last"},
               {"serversoftware", "software"},
               {"xmlconsole", "xml"}};

    for (size_t i = 0; i < MN_COUNT(all); i++)
        if (!strcmp(all[i].theirs, name))
            return all[i].ours;
    return name;
}

static const struct command *command_find(const char *name)
{
    name = own_name(name);
    for (size_t i = 0; i < MN_COUNT(commands); i++)
        if (!strcmp(commands[i].name, name))
            return &commands[i];
    return NULL;
}

void command_misused(const char *name)
{
    tui_note(IM_ERROR, "/%s %s", name, command_find(name)->synopsis);
}

static void help_keys(void)
{
    tui_note(IM_NOTE,
             _("Alt-1 to Alt-0 windows, Alt-Left and Alt-Right the next, Alt-a the next "
               "with news, PgUp and PgDn older lines, "
               "Tab completes, Alt-Enter a line more, Alt-e an editor, Ctrl-R older lines; "
               "behind your words … waits, · written, ✓ at the server, ✓✓ delivered, ✓✓✓ seen"));
}

static void help_one(const char *name)
{
    const struct command *c = command_find(name + (*name == '/'));

    if (c)
        tui_note(IM_NOTE, "/%s %s%s%s", c->name, c->synopsis, *c->synopsis ? " - " : "- ",
                 _(c->text));
    else
        tui_note(IM_ERROR, _("there is no %s; /help lists the commands"), name);
}

/* It is explained, and begun in the line. */
static void help_picked(void *arg, struct im_chat *chat, enum form_end end, int value,
                        struct im_form **asked)
{
    const char *name = end == FORM_PICKED ? (*asked)->rows[value].key : NULL;
    struct mn_buf b = {0};

    if (name && !*name) {
        help_keys();
    } else if (name) {
        help_one(name);
        mn_buf_fmt(&b, "/%s ", name);
        if (!tui.line.n && !tui.asking)
            line_insert(&tui.line, b.p, b.n);
        mn_buf_free(&b);
    }
}

static void help_row(struct im_form *form, const char *key, const char *name, const char *text)
{
    struct im_row *row = im_form_row(form, key);

    im_form_cell(form, row, 0, name);
    im_form_cell(form, row, 1, text);
}

void do_help(char **args, int count)
{
    struct im_form *form;

    if (count) {
        help_one(args[0]);
        return;
    }
    form = im_form_new(_("Commands"), _("Enter explains one; letters look for it."));
    im_form_column(form, _("Command"));
    im_form_column(form, _("What it does"));
    help_row(form, "", _("keys"), _("which keys there are, and the marks behind one's words"));
    for (size_t i = 0; i < MN_COUNT(commands); i++)
        help_row(form, commands[i].name, commands[i].name, _(commands[i].text));
    page_pick(tui_chat(), &form, help_picked, NULL);
}

void do_sendfile(char **args, int count)
{
    tui_file_send(command_rest(0));
}

void do_file(char **args, int count)
{
    tui_file(args[0], command_rest(1));
}

void do_connect(char **args, int count)
{
    tui_connect(args[0]);
}

void do_register(char **args, int count)
{
    first_open(args[0], true, NULL);
}

void do_disconnect(char **args, int count)
{
    struct mynah_client *c = command_client();

    if (c)
        mynah_client_disconnect(c);
}

void do_quit(char **args, int count)
{
    tui.quit = true;
}

/* The talk that `who` means: with somebody in the room, by the nickname, or with anybody else. */
static struct im_chat *talk_with(const char *who)
{
    struct im_chat *here = tui_chat();
    const char *jid;

    if (here->room && mynah_room_occupant(here->room, who))
        return im_chat_private(here, who);
    jid = command_person(who);
    return jid ? im_chat_with(tui_account(), jid) : NULL;
}

void do_msg(char **args, int count)
{
    struct im_chat *chat = talk_with(args[0]);

    if (!chat)
        return;
    tui_show(chat);
    if (command_rest(1))
        im_say(chat, command_rest(1));
}

void do_panel(char **args, int count)
{
    panel_filter(command_rest(0));
    tui.panel = count || !tui.panel;
    if (tui.panel && !panel_width() && tui_account())
        tui_note(IM_NOTE, "%s", _("the list of people is shown when the terminal is wider"));
}

void do_mouse(char **args, int count)
{
    if (!strcmp(args[0], "on") || !strcmp(args[0], "off"))
        screen_mouse(!strcmp(args[0], "on"));
    else
        command_misused("mouse");
}

void do_theme(char **args, int count)
{
    (void)!look_set(args[0]); /* it tells what is wrong */
}

void do_find(char **args, int count)
{
    if (count) {
        mn_free(tui.found);
        tui.found = mn_str_dup(mn_str_from(command_rest(0)));
    }
    if (!tui.found || !screen_find(tui.found, !count))
        tui_note(IM_NOTE, "%s", _("nothing is found"));
}

void do_correct(char **args, int count)
{
    if (!im_correct(tui_chat(), command_rest(0)))
        tui_note(IM_ERROR, "%s", _("you said nothing here yet that could be corrected"));
}

void do_keys(char **args, int count)
{
    if (!strcmp(args[0], "vi") || !strcmp(args[0], "emacs"))
        tui.line.style = args[0][0] == 'v' ? LINE_VI : LINE_EMACS;
    else
        command_misused("keys");
}

void do_me(char **args, int count)
{
    struct mn_buf b = {0};

    mn_buf_fmt(&b, "/me %s", command_rest(0));
    mn_buf_c(&b, 0);
    im_say(tui_chat(), b.p);
    mn_buf_free(&b);
}

static void sub_request(char **args, int count)
{
    const char *jid = command_peer(args[0]);

    if (jid)
        command_sent(mynah_subscription_send(command_client(), jid, MYNAH_SUBSCRIBE, NULL),
                     N_("asked to see when they are online"));
}

static void sub_allow(char **args, int count)
{
    const char *jid = command_peer(args[0]);

    if (jid)
        asked_answer(tui_account(), jid, true);
}

static void sub_deny(char **args, int count)
{
    const char *jid = command_peer(args[0]);

    if (jid)
        asked_answer(tui_account(), jid, false);
}

void do_sub(char **args, int count)
{
    static const struct command_part parts[] = {
        {"request", 0, sub_request}, {"allow", 0, sub_allow}, {"deny", 0, sub_deny}, {0}};

    command_parts("sub", parts, args, count);
}

void do_status(char **args, int count)
{
    static const char *const shows[] = {"online", "chat", "away", "xa", "dnd"};
    struct mynah_client *c = command_client();
    int at = count > 1 && !strcmp(args[0], "set"); /* as Profanity has it, too */

    for (size_t i = 0; c && i < MN_COUNT(shows); i++)
        if (!strcmp(args[at], shows[i])) {
            mynah_presence_set(c, (enum mynah_show)i, command_rest(at + 1), 0);
            tui_note(IM_NOTE, _("others see you as %s"), shows[i]);
            return;
        }
    if (c)
        command_misused("status");
}

/* Of the account of the chat; the list on the right has those who are away too. */
static void who_is_online(void)
{
    struct mynah_client *c = command_client();
    const struct mynah_contact *k;
    size_t n = 0;

    for (size_t i = 0; c && (k = mynah_roster_at(c, i)); i++) {
        const struct mynah_resource *r = mynah_roster_resource(c, k->jid, 0);

        if (r)
            tui_note(IM_NOTE, "%s %s%s%s", im_name(tui_account(), k->jid), r->jid,
                     r->status ? " - " : "", r->status ? r->status : "");
        n += r != NULL;
    }
    if (c && !n)
        tui_note(IM_NOTE, "%s", _("nobody is online"));
}

void do_who(char **args, int count)
{
    const struct mynah_occupant *o;

    if (!tui_chat()->room) {
        who_is_online();
        return;
    }
    for (size_t i = 0; (o = mynah_room_at(tui_chat()->room, i)); i++)
        tui_note(IM_NOTE, "%s%s%s", o->nick, o->jid ? " " : "", o->jid ? o->jid : "");
}

void do_history(char **args, int count)
{
    tui_history(command_rest(0));
}

/* Running. */

const char *command_at(size_t i, const char **synopsis)
{
    *synopsis = i < MN_COUNT(commands) ? commands[i].synopsis : NULL;
    return i < MN_COUNT(commands) ? commands[i].name : NULL;
}

void command_run(const char *line)
{
    struct mn_arena a = {0};
    char *args[20] = {NULL};
    const char *p = line, *name = mn_arena_cstr(&a, word(&p));
    const struct command *c = command_find(name + 1);
    int count = 0;

    rest_of = p;
    while (count < (int)MN_COUNT(args) - 1 && *p)
        args[count++] = mn_arena_cstr(&a, word(&p));
    if (!c)
        tui_note(IM_ERROR, _("there is no %s; /help lists the commands"), name);
    else if (count < c->least)
        command_misused(c->name);
    else
        c->run(args, count);
    mn_arena_done(&a, NULL);
}

void command_parts(const char *name, const struct command_part *parts, char **args, int count)
{
    for (; parts->word; parts++)
        if (!strcmp(parts->word, args[0]) && count > parts->least) {
            rest_of = command_rest(1) ? command_rest(1) : "";
            parts->run(args + 1, count - 1);
            return;
        }
    command_misused(name);
}
