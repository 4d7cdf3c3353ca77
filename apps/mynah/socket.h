/* The socket of a running terminal client (docs/socket.md): commands for an account that is logged
 * in there use that session. */
#pragma once

#include "apps/mynah/cli.h"

/* Where it is, for this file of configuration (NULL: the usual one); in `a`. */
const char *socket_path(const char *config, struct mn_arena *a);

/* serve.c: the side of the terminal client. It is waited for like the context: serve_turn when the
 * descriptor (-1: none) is readable or `due` milliseconds are over (-1: no need). */
void serve_open(const char *path);
void serve_close(void); /* what runs ends */
int serve_fd(void);
int64_t serve_due(void);
void serve_turn(void);

/* call.c: the side of a command. `account` NULL: the one that is logged in there. False: nobody is
 * there, or not for this account; else *code is how it ended, and all is printed. */
bool call_run(const struct cli *cli, const char *path, const char *account, int *code);
