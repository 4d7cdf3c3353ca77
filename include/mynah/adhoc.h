/* Ad-hoc commands (XEP-0050), of others and of one's own. */
#pragma once

#include "mynah/disco.h"
#include "mynah/form.h"

MYNAH_BEGIN

/* What a service offers: items whose nodes are commands. */
MYNAH_API struct mynah_request *mynah_commands(struct mynah_client *c, const char *jid,
                                               mynah_items_done *done, void *arg);

/* What is asked of a command, and how far it is (XEP-0050, 3.3, 4.2). */
enum mynah_action { MYNAH_EXECUTE, MYNAH_PREV, MYNAH_NEXT, MYNAH_COMPLETE, MYNAH_CANCEL };
/* What became of a command with that action. */
enum mynah_command_status { MYNAH_EXECUTING, MYNAH_COMPLETED, MYNAH_CANCELED };

/* One stage of a command under way, as it came. Lent. */
struct mynah_stage {
    const char *jid, *node, *session;
    enum mynah_command_status status;
    unsigned actions;              /* bits (1 << MYNAH_NEXT) of what may be asked next */
    enum mynah_action next;        /* what an answer without a choice does */
    const struct mynah_form *form; /* or NULL */
    const char *note;              /* of several an error, else the first; or NULL */
    const char *note_type;         /* "info", "warn", "error" */
    const struct mynah_elem *xml;  /* the <command/> */
};
/* Begins the command of that node (an item of mynah_commands). Exactly one call: `s`, lent, or
 * `error`, MYNAH_E_FORMAT when the answer is no stage. */
typedef void mynah_stage_done(void *arg, struct mynah_client *c, const struct mynah_stage *s,
                              const struct mynah_error *error);
MYNAH_API struct mynah_request *mynah_command(struct mynah_client *c, const char *jid,
                                              const char *node, mynah_stage_done *done, void *arg);
/* Goes on from a stage, inside its call or later with copies of `jid`, `node` and `session`, with a
 * filled form (lent; may be NULL). `done` may be NULL, as where nobody waits for what is cancelled.
 */
MYNAH_API struct mynah_request *
mynah_command_go(struct mynah_client *c, const struct mynah_stage *s, enum mynah_action action,
                 const struct mynah_form *form, mynah_stage_done *done, void *arg);

/* Either with any other payload (taken; may be NULL, or hold NULL); `session` NULL: a new one. */
MYNAH_API struct mynah_request *mynah_command_send(struct mynah_client *c, const char *jid,
                                                   const char *node, const char *session,
                                                   enum mynah_action action,
                                                   struct mynah_elem **payload,
                                                   mynah_stage_done *done, void *arg);

/* Commands of one's own: each call answers one stage. */
struct mynah_call {
    const char *from, *node, *session;
    enum mynah_action action;      /* never MYNAH_EXECUTE but at the first stage */
    const struct mynah_form *form; /* what was submitted, or NULL */
    void **state; /* of this session, for the program; NULL inside at the first stage */
    const struct mynah_elem *xml; /* the <command/>; NULL: it was given up */
};
/* Zeros: completed, with nothing to say. */
struct mynah_answer {
    bool more;                    /* another stage follows */
    struct mynah_form *form;      /* taken; or NULL */
    unsigned actions;             /* of the next stage: 1 << MYNAH_NEXT, ...; 0: complete is all */
    enum mynah_action next;       /* which of them is usual; MYNAH_EXECUTE: the first */
    const char *note, *note_type; /* or NULL; must outlive the call */
    const char *error;            /* instead of all: a condition, "forbidden", "bad-request" */
    struct mynah_elem *payload;   /* beside or instead of the form; taken; or NULL */
};
/* A session that is given up or grows older than ten minutes ends with MYNAH_CANCEL, whose answer
 * goes nowhere; one whose own call frees the client is told no more. */
typedef void mynah_command_call(void *arg, struct mynah_client *c, const struct mynah_call *call,
                                struct mynah_answer *answer);
/* `serve` NULL takes it out. `name`: for people. */
MYNAH_API void mynah_command_serve(struct mynah_client *c, const char *node, const char *name,
                                   mynah_command_call *serve, void *arg);
/* Only who `may` is told of that command and may begin it ("forbidden"); NULL: everybody again. For
 * lists it is asked often, and should answer from what it knows. */
typedef bool mynah_command_may(void *arg, struct mynah_client *c, const char *node,
                               const char *from);
MYNAH_API void mynah_command_only(struct mynah_client *c, const char *node, mynah_command_may *may,
                                  void *arg);
/* One more feature of a command of ours, for those that speak of more than forms. */
MYNAH_API void mynah_command_feature(struct mynah_client *c, const char *node, const char *feature);

MYNAH_END
