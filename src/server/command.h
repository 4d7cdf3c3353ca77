/* Commands of administration: one table (commands.def), whoever asks (the control socket; later
 * ad-hoc commands and the web console). A command is a value that travels: it begins on the loop
 * where it was asked, goes to the owners whose state it needs, and is answered where it began. */
#pragma once

#include <jansson.h>

#include "base/log.h"
#include "server/owner.h"
#include "xmpp/error.h"

struct command;

struct command_face {
    /* How far it is, for people to look at. */
    void (*progress)(void *arg, json_t *what);
    /* The end, once: `ok`, or a condition with a sentence. All lent. */
    void (*done)(void *arg, json_t *ok, enum mn_cond cond, mn_str text);
};

struct command {
    struct mn_post post; /* first: its way to another loop */
    struct server *srv;
    struct owner *home;
    const struct command_row *row;
    json_t *args; /* as the table says: nothing else, nothing missing */
    struct mn_arena a;
    void *state; /* the command's own */
    /* command.c's own */
    const struct command_face *face;
    void *face_arg;
    struct mn_log who;
    void (*then)(struct command *c), (*each)(struct command *c), (*after)(struct command *c);
    unsigned at;
    json_t *ok;
    enum mn_cond cond;
    mn_str text;
};

/* Asks, on an owner's loop. `words` and `args` (NULL: none) are what came, unchecked; nobody else
 * touches `args` any more. `who` says in the log who asks. `done` is never called inside. */
void command_ask(struct server *srv, const json_t *words, json_t *args, const struct mn_log *who,
                 const struct command_face *face, void *arg);

/* For the functions of the table. Each ends with one command_ok or command_fail, wherever it is
 * then; nothing of the command is touched behind it. */
#define LOCAL(...)
#define COMMAND(fn, ...) void command_##fn(struct command *c);
#include "server/commands.def"
#undef COMMAND
#undef LOCAL

void command_ok(struct command *c, json_t *ok); /* taken over */
void command_fail(struct command *c, enum mn_cond cond, const char *fmt, ...) MN_PRINTF(3, 4);
void command_progress(struct command *c, json_t *what); /* taken over; at home only */
/* The text of an argument, {NULL, 0} where it was left out. */
mn_str command_arg(const struct command *c, const char *name);
/* An address of a domain of ours, prepared into c->a. False: the command has failed. */
bool command_jid(struct command *c, mn_str text, struct mn_jid *out);
/* Goes on at that owner's loop, in a turn of its own. */
void command_go(struct command *c, struct owner *o, void (*then)(struct command *c));
/* `each` at every owner in their order, then `after` at home. */
void command_visit(struct command *c, void (*each)(struct command *c),
                   void (*after)(struct command *c));
