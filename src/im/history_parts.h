/* What the files of the history share. */
#pragma once

#include <pthread.h>
#include <sqlite3.h>

#include "im/history.h"

/* What is done for each message; compiled once. */
enum {
    BEGIN,
    COMMIT,
    SAVEPOINT,
    ROLLBACK_TO,
    RELEASE,
    ADD,
    WORDS_ADD,
    WORDS_FORGET,
    SENT,
    BODY_OF,
    BODY_CALLED,
    BODY_SET,
    SAID_MOVE,
    PLACE_ADD,
    PLACE_SET,
    PLACE_MOVE,
    KEEP,
    KEPT,
    STATEMENTS
};

struct im_history {
    sqlite3 *db;
    sqlite3_stmt *statements[STATEMENTS]; /* made when first needed */
    bool changed;                         /* a transaction is open */
    /* Keeps: waits for the disk in the place of whoever types. It has the database while there is
     * something `to_keep`, and nobody else then. */
    pthread_t keeper;
    bool has_keeper;
    pthread_mutex_t lock;
    pthread_cond_t turned;
    bool to_keep, stop;
    int kept;     /* MN_E_IO: some of it was not, which was not told yet */
    bool waiting; /* for it; of the program's thread alone */
    int fd;       /* rings when it has */
    int claim;    /* the lock of im_history_claim, or -1 */
};

/* history_file.c */
/* NULL: it cannot be made. */
sqlite3_stmt *history_statement(struct im_history *h, int which);
/* What a statement is given; those that it does not name are passed over. */
struct history_value {
    const char *name;
    bool is_text;
    mn_str text;
    int64_t number;
};
#define HISTORY_TEXT(name, value)                                                                  \
    {                                                                                              \
        name, true, value, 0                                                                       \
    }
#define HISTORY_NUMBER(name, value)                                                                \
    {                                                                                              \
        name, false, {0}, value                                                                    \
    }
#define HISTORY_VALUES(...) ((const struct history_value[]){__VA_ARGS__, {0}})
void history_bind(sqlite3_stmt *s, const struct history_value *values);
/* It is run to its end: MN_E_EXISTS, MN_E_IO. */
int history_run(struct im_history *h, int which, const struct history_value *values);
mn_str history_column(sqlite3_stmt *s, int i);
/* Each change whole or not at all, with those of before and behind it as one on the disk; `e`: what
 * came of it, which is returned. */
int history_begin(struct im_history *h) MN_MUST_CHECK;
int history_end(struct im_history *h, int e);
/* One that is a statement alone. */
int history_change(struct im_history *h, int which, const struct history_value *values);
void history_settled(struct im_history *h); /* the keeper is done: the database is the caller's */
