/* The messenger that every user interface shows: accounts, conversations, what is said in them, who
 * is there, what has to be answered. It keeps the history; it knows of no terminal and no window.
 * All on the context's thread; what it lends lives until the next call of the interface's. */
#pragma once

#include <stdarg.h>

#include "im/accounts.h"
#include "im/history.h"
#include "mynah/mynah.h"

enum im_kind {
    IM_SAID,  /* by somebody or by us */
    IM_NOTE,  /* of the program's: somebody came, a subject changed */
    IM_ERROR, /* something did not work */
};
struct im_line {
    enum im_kind kind;
    int64_t at; /* ms since 1970 */
    char *who;  /* as shown: a name, a nickname; NULL in notes */
    char *text;
    char *id;                           /* or NULL */
    bool ours, old, mention, corrected; /* old: of before, and seen */
    enum mynah_sent sent;               /* of one of ours */
    unsigned of;                        /* what im_note_again tells of; 0: nothing */
    int64_t number;                     /* in the history; 0: it is not there */
    char *occupant; /* of a room that vouches for it (XEP-0421): who said it; or NULL */
    bool closed;    /* of a room: others may have had that nickname since */
};

struct im_account_state;
struct im_chat {
    struct im_account_state *account; /* NULL: the program's own page */
    char *jid, *title;
    struct mynah_room *room; /* NULL: with one person */
    bool occupant;           /* whom we know by the nickname in a room: it is behind `jid` */
    bool has_occupants;      /* the room vouches for who is who (XEP-0421) */
    bool inside;             /* of a room: it was not left, and is entered by the next run, too */
    bool known;              /* of a room: what it tells of before was missed */
    enum mynah_role role;    /* of a room: ours when it was told last */
    struct im_line *lines;   /* the last so many */
    size_t count, cap, bytes;
    size_t told;                  /* lines that were ever added at the end */
    int64_t oldest;               /* number in the history of the first line; 0: there is none */
    int64_t last;                 /* of the last one; */
    int64_t seen;                 /* of the last that was before somebody's eyes */
    unsigned unread;              /* of others, behind that; */
    size_t fresh;                 /* lines from here on are new; count: none is */
    bool mentioned;               /* we were named, or it is a talk with one person */
    enum mynah_chat_state typing; /* of the other side */
    bool told_typing;             /* we said that we type */
    struct mynah_elem *unseen;    /* a message that waits for the mark that it was seen; NULL */
    char *draft;                  /* what was written there and not said; or NULL */
    bool moved;                   /* its place is another one than in the history */
    unsigned shown;               /* the program\'s: when it was last, counted; 0: never */
};

struct im_account_state {
    struct im *im;
    struct mynah_client *client;
    char *jid;           /* bare */
    uint32_t received;   /* stanzas, that is, when what they said was begun to be kept */
    bool unkept;         /* some of it could not be: nothing of this stream is acknowledged now */
    bool wanted;         /* to be online */
    bool roster_changed; /* since it was kept */
    bool bookmarks;      /* were asked for, and the rooms entered that are to be */
};

struct im_calls {
    size_t size;
    void (*chat)(void *arg, struct im_chat *chat);   /* is new, or its lines or state changed */
    void (*closed)(void *arg, struct im_chat *chat); /* before it goes */
    void (*people)(void *arg);                       /* somebody came, went, was added */
    void (*asked)(void *arg, struct im_account_state *a, const char *jid);    /* to see us; */
    void (*answered)(void *arg, struct im_account_state *a, const char *jid); /* that is over */
    /* An account's state; `why` or NULL. */
    void (*state)(void *arg, struct im_account_state *a, enum mynah_state state,
                  const struct mynah_error *why);
    /* The server's certificate is not trusted by itself; true: go on all the same. */
    bool (*certificate)(void *arg, struct im_account_state *a,
                        const struct mynah_certificate *cert);
    /* A room is new: true when the program configures it itself; else its defaults are taken. */
    bool (*room_created)(void *arg, struct im_chat *chat);
    /* A room wants a password, or another one: im_room_join takes it. */
    void (*locked)(void *arg, struct im_chat *chat);
    /* Somebody asks for voice in a room: mynah_room_voice answers. */
    void (*voice)(void *arg, struct im_chat *chat, const struct mynah_form *form);
    /* Whom we wrote to, or a room that we enter, wants to see that a person is there
     * (mynah/captcha.h); `chat`: where that was, or the program's own page. */
    void (*captcha)(void *arg, struct im_account_state *a, struct im_chat *chat,
                    const struct mynah_captcha *q);
};

struct im;
/* `history` may be NULL: nothing is kept. Both are lent. */
struct im *im_new(struct mynah_context *ctx, struct im_history *history,
                  const struct im_calls *calls, void *arg);
void im_free(struct im *im);
/* At the end of each turn of the program: what was said in it is written to the history, where
 * somebody stopped in each chat, and what a later run goes on with; `last`: before it says
 * good-bye. What the disk is still to take then is over when the fd can be read, -1: there is
 * nothing. Until then no turn of the context should be made, which may wait for it. */
int im_settle(struct im *im, bool last);

/* An account that connects. Its talks with something unread or a draft are there at once, as are
 * rooms that were not left, which are entered. MYNAH_E_ARGUMENT: `why` says what (mynah_free it).
 */
int im_connect(struct im *im, const struct mynah_client_config *config,
               struct im_account_state **out, char **why) MYNAH_MUST_CHECK;
size_t im_account_count(const struct im *im);
struct im_account_state *im_account_at(const struct im *im, size_t i);

/* The program's own page is the first and always there. NULL: not so many. */
struct im_chat *im_chat_at(const struct im *im, size_t i);
size_t im_chat_count(const struct im *im);
/* Another page of the program's. */
struct im_chat *im_page_new(struct im *im, const char *title);
/* The talk with somebody, begun when there is none; its last lines come from the history. */
struct im_chat *im_chat_with(struct im_account_state *a, const char *jid);
/* The same with somebody in a room, whom nobody else there hears. */
struct im_chat *im_chat_private(struct im_chat *room, const char *nick);
/* `nick` NULL: the one that we had there before, else the name of the account. `password` may be
 * NULL. In a room that we are in, another nickname is taken. */
struct im_chat *im_room_join(struct im_account_state *a, const char *jid, const char *nick,
                             const char *password);
void im_chat_close(struct im_chat *chat); /* leaves a room */
void im_chat_clear(struct im_chat *chat); /* its lines go; the history stays */
/* All of it is before somebody's eyes; `tell`: who sent the last message and asked for it is told
 * (XEP-0333). What was new is still told apart, until */
void im_chat_seen(struct im_chat *chat, bool tell);
void im_chat_looked_at(struct im_chat *chat); /* somebody looked at it and went on */
/* What is written there and not said, NULL or "": nothing. It is kept with what is kept next. */
void im_chat_draft(struct im_chat *chat, const char *text);
/* Older lines from the history come before those that are there: how many. */
size_t im_chat_older(struct im_chat *chat);
void im_say(struct im_chat *chat, const char *text);
/* In the place of the last that we said there (XEP-0308). False: there is none. */
bool im_correct(struct im_chat *chat, const char *text);
/* A message that the program sends by itself, under that id: shown and kept like one of im_say. */
void im_said(struct im_account_state *a, const char *to, const char *id, const char *text);
void im_typing(struct im_chat *chat, bool typing);
/* For programs without chats: one that came (or a carbon of ours), one that is sent; at once. */
int im_keep_heard(struct im_history *h, struct mynah_client *c,
                  const struct mynah_message *m) MN_MUST_CHECK;
int im_keep_said(struct im_history *h, struct mynah_client *c, const char *to, const char *id,
                 const char *text) MN_MUST_CHECK;
/* A line of the program's in it. */
void im_note(struct im_chat *chat, enum im_kind kind, const char *fmt, ...) MN_PRINTF(3, 4);
void im_notev(struct im_chat *chat, enum im_kind kind, const char *fmt, va_list ap) MN_PRINTF(3, 0);
/* The same in the place of the line that told of this before, if it is still there; `of` not 0. */
void im_note_again(struct im_chat *chat, unsigned of, enum im_kind kind, const char *fmt, ...)
    MN_PRINTF(4, 5);

/* Those who asked to see us and got no answer yet; NULL: not so many. */
const char *im_asked_at(const struct im *im, size_t i, struct im_account_state **account);
/* Who is allowed is asked for the same, as others' programs do it, where we do not see them yet and
 * did not ask: true. */
bool im_answer(struct im_account_state *a, const char *jid, bool yes);
/* What is shown for an address: the roster's name, else its first part. Lent. */
const char *im_name(struct im_account_state *a, const char *jid);
