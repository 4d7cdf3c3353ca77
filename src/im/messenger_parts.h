/* What the files of the messenger share. */
#pragma once

#include "im/lang.h"
#include "im/messenger.h"

#define NS_OCCUPANT "urn:xmpp:occupant-id:0"
#define NS_MUC_USER "http://jabber.org/protocol/muc#user"

struct im {
    struct mynah_context *ctx;
    struct im_history *history;
    struct im_calls calls;
    void *arg;
    struct im_chat **chats;
    size_t chat_count, chat_cap;
    struct im_account_state **accounts;
    size_t account_count;
    struct asked *asked; /* people.c */
    size_t asked_count;
    char *name;    /* what im_name lent last */
    bool settling; /* the history is being written */
    bool claimed;  /* sessions go on in this run, and the next */
};

#define TELL(im, member, ...)                                                                      \
    do {                                                                                           \
        if ((im)->calls.member)                                                                    \
            (im)->calls.member((im)->arg, ##__VA_ARGS__);                                          \
    } while (0)

static inline char *copy(const char *text)
{
    return text ? mn_str_dup(mn_str_from(text)) : NULL;
}

static inline struct im *own(struct im_chat *chat)
{
    return *(struct im **)(chat + 1);
}

static inline void changed(struct im_chat *chat)
{
    TELL(own(chat), chat, chat);
}

/* chat.c. The messenger stands behind the struct, so that the program's own page has it too. */
struct im_chat *chat_new(struct im *im, struct im_account_state *a, const char *jid,
                         const char *title);
void chat_free(struct im_chat *chat);
struct im_chat *chat_find(struct im_account_state *a, const char *bare);
struct im_chat *chat_private(const struct im_chat *room,
                             const char *nick); /* NULL: there is none */
/* Strangers open windows by writing: beyond so many, the one goes in which nothing was said for
 * longest, and in which we write nothing. What was said stands in the history. */
void chat_strangers(struct im_account_state *a, const struct im_chat *now);
void chat_history_show(struct im_chat *chat);
void chats_open(struct im_account_state *a); /* those that an earlier run left with something */
void chat_place_keep(struct im_chat *chat);
/* The talk goes on under another address, with what is unread and what is being written. */
void chat_rename(struct im_chat *chat, const char *jid, const char *title);
/* Its number; 0: it is not kept; CHAT_KEPT: it was there, by its id. */
enum { CHAT_KEPT = -1 };
int64_t chat_history_add(struct im_chat *chat, const char *who, const char *id, const char *body,
                         int64_t at, bool ours);

/* said.c */
/* As a word of its own: "Ann" is not in "Annual". */
bool said_names(const char *body, const char *nick);
/* Who it is beyond the nickname; NULL: the room does not say, or anybody could (XEP-0421). */
const char *said_occupant(const struct im_chat *chat, const struct mynah_message *m);
/* What was said under a nickname (NULL: any) is corrected by nobody whom the room does not vouch
 * for. */
void said_close(struct im_chat *chat, const char *nick);
/* It stands in the place of an earlier one of the same sender: that is changed here and in the
 * history. */
bool said_corrected(struct im_chat *chat, const struct mynah_message *m, bool ours,
                    const char *who);
/* `past`: it was said before anybody here could hear it, and is nothing new. */
void said_heard(struct im_chat *chat, const char *who, const struct mynah_message *m, bool mention,
                bool past, int64_t number);
void said_ours(struct im_chat *chat, const char *text, const char *id, int64_t at, int64_t number);
/* It was not taken; `body` NULL: it stands there already. */
void said_failed(struct im_chat *chat, const struct mynah_error *why, const char *body);
/* It was shown before, and now is in the history; where all was seen, it is, too. */
void said_kept(struct im_chat *chat, const struct mynah_message *m, bool ours, const char *who,
               int64_t number);
void said_message(void *arg, struct mynah_client *c, const struct mynah_message *m);
void said_again(void *arg, struct mynah_client *c, const struct mynah_message *m);
void said_sent(void *arg, struct mynah_client *c, const char *id, enum mynah_sent state,
               const struct mynah_error *why);

/* bookmarks.c: the account is online */
void bookmarks_enter(struct im_account_state *a);

/* session.c */
void session_keep(struct im_account_state *a, bool ends);
void session_restore(struct im_account_state *a);

/* room.c, people.c */
void room_again(struct mynah_room *r, const struct mynah_message *m); /* was shown before */
struct im_chat *room_open(struct im_account_state *a, const char *jid, const char *nick);
extern const struct mynah_invitation_calls room_invitations;
extern const struct mynah_roster_calls people_calls;
void people_done(struct im *im);
