/* Between the files of user.h's program:
 *   user.c          what it asks, and the answers
 *   user_hears.c    what comes by itself, and what others are answered
 *   user_streams.c  byte streams, Jingle sessions, files
 *   user_reads.c    every byte of what is lent is read */
#pragma once

#include "base/err.h"
#include "base/str.h"
#include "fuzz/user.h"

#define HIM "a@y.test/1"
#define SERVICE "s.test"

enum { ASKED_MAX = 200 };
extern struct user {
    struct mynah_client *c;
    struct mynah_room *room;
    struct mynah_dialog *dialog;
    struct mynah_bytestream *stream; /* one of those that are open, or NULL */
    struct mynah_jingle *session;    /* likewise */
    bool asked[ASKED_MAX];           /* and not answered yet */
    unsigned ask_count;
    int open_count; /* sessions, streams, transfers */
} user;

/* The `arg` of a request, of which there are fewer than ASKED_MAX: it has exactly one end. */
void *mark(void);
void on_iq(void *arg, struct mynah_client *client, const struct mynah_elem *result,
           const struct mynah_error *e);

void user_hears(void); /* listens to everything, and serves */
void user_serves_streams(void);
void open_stream(enum mynah_bytestream_kind kind);
void start_session(void);
void say_in_session(enum mynah_jingle_action action);
void send_file(void);

/* Each accepts NULL. */
void read_bytes(const void *p, size_t n);
void read_text(const char *s);
void read_texts(const char *const *list, size_t n);
void read_elem(const struct mynah_elem *e);
void read_error(const struct mynah_error *e);
void read_form(const struct mynah_form *f);
void read_stanza(const struct mynah_elem *e); /* with all payloads, wanted or not; not NULL */
