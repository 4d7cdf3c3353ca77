/* Commands of the terminal client: one row in tui.def, one function do_NAME in a file of its family
 * (tui_commands.c and the like). */
#pragma once

#include "apps/mynah/tui.h"

/* args[count] is NULL; the last ones may be joined by command_rest. */
typedef void command_call(char **args, int count);
#define TUI(name, synopsis, text, least) command_call do_##name;
#include "apps/mynah/tui.def"
#undef TUI

/* Everything behind the first `n` words; NULL: nothing. */
const char *command_rest(int n);
/* The last argument, args[n]: all that there is from there on, as one that stands in quotes has it
 * too. NULL: nothing. */
const char *command_last(char **args, int count, int n);
/* Of the chat's account; NULL, and said so: there is none. */
struct mynah_client *command_client(void);
struct mynah_room *command_room(void);   /* of the chat; NULL, and said so: it is no room */
struct mynah_room *command_inside(void); /* the same, or we are not in it */
/* Whom a word means: a contact by its name or by what stands before the @, or an address as it is.
 * NULL, and said so: nobody. Lent until the roster changes. */
const char *command_person(const char *who);
const char *command_peer(const char *who); /* NULL: with whom the talk is that is shown */
/* What a stanza was sent for, N_(), or why it could not be. */
void command_sent(int e, const char *done);
void command_told(const struct mynah_error *error); /* accepts NULL */
/* A mynah_iq_done that says what went wrong; `arg`, where it is not NULL: what was done, N_(). */
void command_done(void *arg, struct mynah_client *c, const struct mynah_elem *result,
                  const struct mynah_error *error);

void command_misused(const char *name); /* says how it is used */
/* What the first argument of a command may be. */
struct command_part {
    const char *word;
    int least;         /* arguments behind it */
    command_call *run; /* with those */
};
/* Runs the one that is meant, or says how `name` is used. Ended by a word NULL. */
void command_parts(const char *name, const struct command_part *parts, char **args, int count);

/* tui_rooms.c: true: its creator is configuring it. */
bool tui_room_created(struct im_chat *chat);
void tui_room_locked(struct im_chat *chat); /* it wants a password */

/* tui_query.c: the chat is closed, or the program ends; what its room was asked is given up. */
void query_closed(const struct im_chat *chat);

/* tui_voice.c: somebody wants to speak in a room; the room is closed, or the program ends. */
void tui_voice_asked(struct im_chat *chat, const struct mynah_form *form);
void tui_voice_closed(const struct im_chat *chat);

/* tui_captcha.c: somebody wants to see that a person is there; the chat is closed, or the program
 * ends. */
void tui_captcha_asked(struct im_account_state *a, struct im_chat *chat,
                       const struct mynah_captcha *q);
void tui_captcha_closed(const struct im_chat *chat);
