/* The commands of `mynah COMMAND`: one row in cli.def and one function a command. A command runs in
 * a session of the program's own, or in that of a terminal client which runs already (serve.c); the
 * host is where its lines go. It begins when the account is online, and ends by cli_end. */
#pragma once

#include <jansson.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "mynah/mynah.h"

enum { CLI_DONE = 0, CLI_FAILED = 1, CLI_REFUSED = 2, CLI_TIMEOUT = 3, CLI_USAGE = 64 };

struct cli;
struct im_transfer;
struct cli_host {
    void (*line)(struct cli *cli, json_t *fields); /* of output, in order; lent */
    /* The last call, once. `why`: what to tell a person, or NULL. */
    void (*ended)(struct cli *cli, int code, const char *why);
    void (*password_changed)(struct cli *cli); /* of the account: what keeps it needs the new one */
    /* A message of ours goes out. May be NULL. */
    void (*said)(struct cli *cli, const char *to, const char *id, const char *text);
    /* One came that is told. May be NULL. */
    void (*heard)(struct cli *cli, const struct mynah_message *m);
};

/* Where a command runs. */
enum cli_where {
    CLI_LOCAL, /* in no session: `account` is what was named, or NULL */
    CLI_HELD,  /* in a session of its own, before the login */
    CLI_OWN,   /* in a session of its own */
    CLI_SHARED /* in that of a running client, if there is one */
};
struct cli_command {
    const char *name, *synopsis, *text;
    int min, max; /* arguments; max -1: any number */
    void (*begin)(struct cli *cli);
    enum cli_where where;
    int input; /* with so many arguments or less it reads standard input; -1: never */
    void (*check)(struct cli *cli); /* ends it when it could come to nothing; may be NULL */
};
extern const struct cli_command cli_commands[]; /* NULL-ended */
#define COMMAND(name, synopsis, text, min, max, where, input, check)                               \
    void cli_##name(struct cli *cli);
#include "apps/mynah/cli.def"
#undef COMMAND
void cli_send_check(struct cli *cli);
void cli_passwd_check(struct cli *cli);
void cli_file_check(struct cli *cli);

struct cli {
    const struct cli_host *host;
    struct mynah_context *ctx;
    struct mynah_client *client;
    const struct cli_command *command;
    const char *const *args; /* NULL-ended, behind the command's name */
    int arg_count;
    const char *input;   /* standard input */
    const char *folder;  /* what paths are relative to; NULL: the current one */
    const char *account; /* of LOCAL */
    int64_t limit;       /* how many messages or files; 0: all, negative: as usual */
    bool json;
    bool shared;        /* the session goes on behind the command */
    int wait;           /* enum mynah_sent to wait for; of send */
    int64_t timeout_ms; /* 0: none; negative: the usual one */
    bool ended;

    /* What it waits for; goes when it ends. */
    struct mynah_timer *timer;
    struct mynah_request *request;
    struct mynah_listener *listener;
    struct mynah_room *room;
    bool room_is_ours; /* and not one in which the running client is */
    struct im_transfer *transfer;
    int stages;            /* of a command that were answered */
    bool seeking;          /* who takes a file */
    char id[MYNAH_ID_MAX]; /* of the message whose life line it follows */
};

/* enum mynah_sent, as --wait and --json have it. */
extern const char *const cli_sent_names[MYNAH_SENT_FAILED + 1];
/* One that --wait takes; -1: none. */
int cli_wait(const char *word);

/* By its words: the command's name and its arguments. NULL, or what is wrong, in `a`. */
const char *cli_read(struct cli *cli, const char *const *words, struct mn_arena *a);
/* It has no end of its own: to be interrupted is how it is done. */
bool cli_lasts(const struct cli *cli);
/* With its input, before there is a session: false, and it has ended. */
bool cli_ready(struct cli *cli);
/* The clock of --timeout begins to run. Then the host calls command->begin, when the client is
 * online (HELD: at MYNAH_OPEN). */
void cli_timer(struct cli *cli);

/* It ends with this code; later calls change nothing. */
void cli_end(struct cli *cli, int code);
void cli_end_because(struct cli *cli, int code, const char *why);
/* It was used wrongly: `why`, and how it is used. */
void cli_misused(struct cli *cli, const char *why);
/* The same for an error, which is told: 2 refused, 3 timeout, 1 anything else. */
void cli_fail(struct cli *cli, const struct mynah_error *error);
int cli_code(const struct mynah_error *error);
/* At the head of a request's call-back: false, and the command has ended, with the error or before.
 */
bool cli_came(struct cli *cli, const struct mynah_error *error);
/* A mynah_iq_done that ends the command. */
void cli_done(void *arg, struct mynah_client *c, const struct mynah_elem *result,
              const struct mynah_error *error);
/* Goes on until it is interrupted, if no --timeout was given. */
void cli_forever(struct cli *cli);
/* One line of output: fields by name. Values NULL are left out. */
void cli_print(struct cli *cli, const char *name, const char *value, ...) __attribute__((sentinel));
/* Arguments from that one on with blanks between them, else standard input; mn_free it. */
char *cli_words(const struct cli *cli, int from);
/* A path among the arguments, from where the command was given; in `a`. */
const char *cli_path(const struct cli *cli, const char *path, struct mn_arena *a);
/* A listener's `sent` that ends the command when the message cli->id came as far as is wanted. */
void cli_sent(void *arg, struct mynah_client *c, const char *id, enum mynah_sent state,
              const struct mynah_error *why);
/* ms since 1970, 0: now; a whole one in JSON. */
const char *cli_stamp(const struct cli *cli, int64_t ms, char out[32]);

/* print.c: on standard output, as JSON, or values with a tab between them; false: it takes nothing,
 * and errno tells why. Control characters in them are made harmless, here and below. */
bool print_line(json_t *fields, bool json) MN_MUST_CHECK;
void print_why(const char *why); /* on standard error */
