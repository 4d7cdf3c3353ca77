/* What the files of mynahctl share: the command line (mynahctl.c), what is asked of the server
 * (mynahctl_ask.c), what is shown of its answers (mynahctl_show.c). */
#pragma once

#include <jansson.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

enum { EXIT_USAGE = 64, EXIT_DOWN = 69, GIVEN_MAX = 32 };

struct given { /* an option on the command line */
    const char *name, *value;
};
struct ctl {
    const char *socket, *config, *data;
    bool json;
    const char *words[GIVEN_MAX];
    struct given options[GIVEN_MAX];
    size_t word_count, option_count;
};
extern struct ctl ctl;

/* Ends with one line that says what to do; scripts find it on standard output too. */
_Noreturn void fail(int exit_code, const char *code, const char *fmt, ...) MN_PRINTF(3, 4);
const char *given(const char *name);           /* the option's value; NULL: it was not given */
json_t *text_json(const char *what, mn_str s); /* that goes to the server */
mn_str line_end_off(const char *line, ssize_t n);

struct place { /* what of mynahd's configuration matters here */
    mn_str data, socket, run_as;
};
/* Of --config, or where mynahd has it. */
struct place place_read(struct mn_arena *a);
void server_connect(void);
void server_close(void);
/* The answer to a command ("user list"), of all its pages. */
json_t *ask_pages(const char *command, json_t *args);
/* To what stands line by line in the file of --from, which is the argument `name` with two `fields`
 * ("jid password") a line: many requests, one answer. */
json_t *ask_lines(const char *command, const char *name, const char *fields, json_t *args);

void ok_show(json_t *ok);
/* What of a command on many things could not be done, a line each; what is shown of it in the end
 * is put into `ok`. The exit code. */
int failed_show(json_t *ok);
