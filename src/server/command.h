/* Commands of administration: one table (commands.def), whoever asks (the control socket, ad-hoc
 * commands; later the web console). A command is a value that travels: it begins on the loop where
 * it was asked, goes to the owners whose state it needs, and is answered where it began. */
#pragma once

#include <jansson.h>

#include "base/log.h"
#include "server/owner.h"
#include "xmpp/error.h"

struct command;

/* The table. What somebody may ask for, each with what stands before it. */
enum command_right { COMMAND_NOTHING, COMMAND_DOMAIN, COMMAND_SERVER, COMMAND_MACHINE };
enum command_kind {
    COMMAND_WORD = 1,
    COMMAND_TEXT,
    COMMAND_MAYBE,
    COMMAND_OPTION,
    COMMAND_SECRET,
    COMMAND_LINES,
    COMMAND_AFTER
};
enum { COMMAND_ARGS = 8 };
struct command_argument {
    enum command_kind kind; /* 0: no more */
    const char *name, *value, *text;
};
struct command_row {
    void (*run)(struct command *c);
    enum command_right needs;
    const char *words, *text;
    struct command_argument args[COMMAND_ARGS];
};
/* Where each stands in the table: COMMAND_AT_FN. */
enum {
#define LOCAL(...)
#define COMMAND(fn, ...) COMMAND_AT_##fn,
#include "server/commands.def"
#undef COMMAND
#undef LOCAL
    COMMAND_COUNT
};
extern const struct command_row command_rows[COMMAND_COUNT];

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
    const struct host *host; /* that was asked: only what is of it; NULL: of any */
    json_t *args;            /* as the table says: nothing else, nothing missing */
    struct mn_arena a;
    struct snapshot *snap; /* as it began: which domains there are, while it goes on */
    void *state;           /* the command's own */
    /* command.c's own */
    const struct command_face *face;
    void *face_arg;
    struct mn_jid asker;
    struct mn_log who;
    void (*then)(struct command *c), (*each)(struct command *c), (*after)(struct command *c);
    unsigned at;
    json_t *ok;
    enum mn_cond cond;
    mn_str text;
};

/* Who asks: `log` says in the log who it is. */
struct command_asker {
    enum command_right right;
    const struct host *host; /* NULL: it may touch any (the control socket) */
    struct mn_jid jid;       /* lent; none: the machine */
    struct mn_log log;
};
/* What an account may ask a host of ours for. */
enum command_right command_right(const struct owner *o, const struct host *h,
                                 const struct mn_jid *who);
/* Does the configuration let that account administer anything? */
bool command_names(const struct owner *o, const struct mn_jid *account);
/* The row of those words that knows all these arguments, else the first of those words, else NULL.
 */
const struct command_row *command_find(const json_t *words, const json_t *args);
/* Asks, on an owner's loop. `row` may be NULL (there is no such command); `args` (NULL: none) are
 * what came, unchecked; nobody else touches them any more. `done` is never called inside. */
void command_ask(struct server *srv, const struct command_row *row, json_t *args,
                 const struct command_asker *who, const struct command_face *face, void *arg);

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
/* May it stand in XML, and on one line unless `lines`? (jansson has checked that it is UTF-8.) */
bool command_is_text(mn_str s, bool lines);
/* The domain of that name, prepared; NULL: the command has failed. */
const struct host *command_host(struct command *c, mn_str name);
/* An address of a domain of ours, prepared into c->a. False: the command has failed. */
bool command_jid(struct command *c, mn_str text, struct mn_jid *out);
/* Whose session it was asked in, while the command is where it began; NULL: in none. */
struct session *command_session(const struct command *c);
/* Does it administer what the asker does not? Whoever sets its password, or makes it where it is
 * only named in the configuration, would do so from then on. */
bool command_outranked(const struct command *c, const struct mn_jid *account);
/* Goes on at that owner's loop, in a turn of its own. */
void command_go(struct command *c, struct owner *o, void (*then)(struct command *c));
/* `each` at every owner in their order, then `after` at home. */
void command_visit(struct command *c, void (*each)(struct command *c),
                   void (*after)(struct command *c));
