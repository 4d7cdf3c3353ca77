/* The commands of administration (commands.def) as forms: under the names of XEP-0133 where it has
 * one for what a command does, the rest under ours. */
#pragma once

#include "server/command.h"
#include "xmpp/form.h"

struct admin_field {
    const char *var, *type, *label; /* type NULL: by kind and value, of ours */
    const char *arg;                /* of the command; several fields: one text of several words */
    bool required;
    const char *value; /* with | between words: it is one of them */
    enum command_kind kind;
};
struct admin_result {
    const char *var, *label;
    const char *key; /* of the answer; ARRAY.MEMBER: that of each */
};
struct admin_row {
    const char *node, *title, *text;
    const struct command_row *command,
        *before; /* before: its answer is what the form begins with */
    struct admin_field fields[COMMAND_ARGS];
    const char *with[2];            /* an argument that is always the same */
    struct admin_result results[4]; /* none: the answer as it is, of ours */
    bool part; /* less than the command can: it stands under our name as well */
};

/* All that may be offered, one after the other; NULL behind the last. */
const struct admin_row *admin_row(size_t i);
const struct admin_row *admin_find(mn_str node);

/* The form of a row that has fields, below `command`. `values` (NULL: none) are an answer. */
void admin_form(const struct admin_row *row, const json_t *values, struct mn_arena *a,
                struct mn_elem *command);

struct admin_request {
    json_t *args;          /* of the command, to be given back */
    const mn_str *targets; /* `jid` of one command after the other; NULL: one command */
    size_t target_count;
    uint64_t max; /* of a list */
};
/* What is asked for where there is no form. */
struct admin_request admin_empty(const struct admin_row *row);
/* Reads a submitted form. False: `why` says what is wrong with it. */
bool admin_read(const struct admin_row *row, const struct mn_form *f, struct mn_arena *a,
                struct admin_request *out, mn_str *why);

/* What is shown of answers, below `command`. */
struct admin_shown {
    struct mn_elem *list; /* the field of a list that goes on with the next page */
    mn_str last;
    uint64_t count;
};
/* One answer; `target` is the account that it is about. False: no more is wanted than `max`. */
bool admin_show(const struct admin_row *row, const json_t *ok, mn_str target, uint64_t max,
                struct mn_arena *a, struct mn_elem *command, struct admin_shown *shown);
void admin_note(struct mn_arena *a, struct mn_elem *command, const char *type, mn_str text);
