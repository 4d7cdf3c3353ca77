/* What begins with a slash: one row in tui.def, one function here. Help and completion are made of
 * the same rows. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "apps/mynah/commands.h"
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

static const struct command *command_find(const char *name)
{
    for (size_t i = 0; i < MN_COUNT(commands); i++)
        if (!strcmp(commands[i].name, name))
            return &commands[i];
    return NULL;
}

void do_help(char **args, int count)
{
    if (count && !command_find(args[0] + (args[0][0] == '/')))
        tui_note(IM_ERROR, _("there is no %s; /help lists the commands"), args[0]);
    for (size_t i = 0; i < MN_COUNT(commands); i++)
        if (!count || !strcmp(args[0] + (args[0][0] == '/'), commands[i].name))
            tui_note(IM_NOTE, "/%s %s%s%s", commands[i].name, commands[i].synopsis,
                     *commands[i].synopsis ? " - " : "- ", _(commands[i].text));
    if (!count)
        tui_note(
            IM_NOTE,
            _("Alt-1 to Alt-0 windows, Alt-Left and Alt-Right the next, Alt-a the next "
              "with news, PgUp and PgDn older lines, "
              "Tab completes, Alt-Enter a line more, Alt-e an editor, Ctrl-R older lines; "
              "behind your words … waits, · written, ✓ at the server, ✓✓ delivered, ✓✓✓ seen"));
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

void do_msg(char **args, int count)
{
    struct im_account_state *a = tui_account();
    struct im_chat *chat = command_client() ? im_chat_with(a, args[0]) : NULL;

    if (a && !chat)
        tui_note(IM_ERROR, _("no address: %s"), args[0]);
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
}

void do_mouse(char **args, int count)
{
    screen_mouse(!strcmp(args[0], "on"));
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
        tui_note(IM_ERROR, _("/keys emacs or vi"));
}

void do_me(char **args, int count)
{
    struct mn_buf b = {0};

    mn_buf_fmt(&b, "/me %s", command_rest(0));
    mn_buf_c(&b, 0);
    im_say(tui_chat(), b.p);
    mn_buf_free(&b);
}

void do_sub(char **args, int count)
{
    struct mynah_client *c = command_client();

    if (!c)
        return;
    if (!strcmp(args[0], "request"))
        mynah_subscription_send(c, args[1], MYNAH_SUBSCRIBE, NULL);
    else if (!strcmp(args[0], "allow") || !strcmp(args[0], "deny"))
        asked_answer(tui_account(), args[1], *args[0] == 'a');
    else
        tui_note(IM_ERROR, _("/sub request, allow or deny JID"));
}

void do_status(char **args, int count)
{
    static const char *const shows[] = {"online", "chat", "away", "xa", "dnd"};
    struct mynah_client *c = command_client();

    for (size_t i = 0; c && i < MN_COUNT(shows); i++)
        if (!strcmp(args[0], shows[i])) {
            mynah_presence_set(c, (enum mynah_show)i, command_rest(1), 0);
            tui_note(IM_NOTE, _("others see you as %s"), shows[i]);
            return;
        }
    if (c)
        tui_note(IM_ERROR, _("online, chat, away, xa or dnd"));
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

void do_topic(char **args, int count)
{
    if (command_room())
        mynah_room_set_subject(tui_chat()->room, command_rest(0));
}

void do_nick(char **args, int count)
{
    if (command_room())
        mynah_room_set_nick(tui_chat()->room, args[0]);
}

void do_kick(char **args, int count)
{
    if (command_room())
        mynah_room_set_role(tui_chat()->room, args[0], MYNAH_NO_ROLE, command_rest(1), command_done,
                            NULL);
}

void do_ban(char **args, int count)
{
    if (command_room())
        mynah_room_set_affiliation(tui_chat()->room, args[0], MYNAH_OUTCAST, command_rest(1),
                                   command_done, NULL);
}

void do_invite(char **args, int count)
{
    if (command_room())
        mynah_room_invite(tui_chat()->room, args[0], command_rest(1));
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
        tui_note(IM_ERROR, "/%s %s", c->name, c->synopsis);
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
    tui_note(IM_ERROR, "/%s %s", name, command_find(name)->synopsis);
}
