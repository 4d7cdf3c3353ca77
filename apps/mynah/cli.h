/* The commands of `mynah COMMAND`: one row in cli.def and one file per family. A command begins
 * when the account is online, and ends the program by cli_end. */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "mynah/mynah.h"

enum { CLI_DONE = 0, CLI_FAILED = 1, CLI_REFUSED = 2, CLI_TIMEOUT = 3, CLI_USAGE = 64 };

struct cli {
    struct mynah_context *ctx;
    struct mynah_client *client;
    const struct cli_command *command;
    const char *const *args; /* NULL-ended, behind the command's name */
    int arg_count;
    bool json;
    int wait; /* enum mynah_sent to wait for; of send */
    int code; /* how it ends */
    bool ended;
};
extern struct cli cli;

struct cli_command {
    const char *name, *synopsis, *text;
    int min, max; /* arguments; max -1: any number */
    void (*begin)(void);
    bool held; /* begins at MYNAH_OPEN, before a login */
};
extern const struct cli_command cli_commands[]; /* NULL-ended */
#define COMMAND(name, synopsis, text, min, max, held) void cli_##name(void);
#include "apps/mynah/cli.def"
#undef COMMAND

/* Ends with this code once the stream is closed; later calls change nothing. */
void cli_end(int code);
/* Goes on until it is interrupted, if no --timeout was given. */
void cli_forever(void);
/* The same for an error, which is told: 2 refused, 3 timeout, 1 anything else. */
void cli_fail(const struct mynah_error *error);
/* A mynah_iq_done that ends the program. */
void cli_done(void *arg, struct mynah_client *c, const struct mynah_elem *result,
              const struct mynah_error *error);
/* One line of output: fields by name; as JSON, or their values with a tab between them. Values NULL
 * are left out. Control characters in them are made harmless. */
void cli_print(const char *name, const char *value, ...) __attribute__((sentinel));
/* All of standard input, NUL at its end; mn_free it. */
char *cli_stdin(void);
_Noreturn void cli_usage(const char *why);
