/* A room's inside, between ext_room.c (who is in it, what is said) and room_admin.c (what is asked
 * of the room). */
#pragma once

#include "client/client.h"
#include "mynah/room.h"

#define NS_MUC "http://jabber.org/protocol/muc"

struct occupant {
    struct mynah_occupant o; /* first */
    struct mynah_elem *xml;
    char *nick;
    size_t weight;
};
enum room_state { ROOM_OUT, ROOM_JOINING, ROOM_IN };

struct mynah_room {
    struct trash trash; /* first */
    struct mn_list link;
    struct mynah_client *client;
    struct mynah_room_calls calls;
    void *arg;
    char *jid, *nick, *password, *subject;
    char *status;         /* with `show`, where `has_presence` says that they are its own */
    enum mynah_show show; /* else those of the account */
    bool has_presence;
    enum room_state state;
    char asked[MYNAH_ID_MAX];   /* the id under which we joined last */
    bool wanted;                /* joined again with a new session */
    bool gone;                  /* freed by the program */
    bool settling;              /* inside, and what waits to be said is held still */
    struct mynah_request *look; /* whether it knows us; or NULL */
    bool look_again;            /* something came meanwhile: that answer is not enough */
    struct mynah_history history;
    int64_t last; /* when the last message was sent */
    struct occupant **occupants;
    size_t count, cap, weight;
    bool full;            /* somebody was left out */
    struct mn_list wants; /* what was asked of it (room_admin.c) */
};

struct rooms {
    struct mn_list list, listeners;
    struct mn_map map;
};

#define TELL(r, member, ...)                                                                       \
    do {                                                                                           \
        if ((r)->calls.member && !(r)->gone && !(r)->client->freed)                                \
            (r)->calls.member((r)->arg, r, ##__VA_ARGS__);                                         \
    } while (0)

/* room_join.c */
void room_join(struct mynah_room *r);
void room_entered(struct mynah_room *r);
/* Whether it knows us still is asked for; if not, we are outside, and come again. */
void room_look(struct mynah_room *r);
void room_ended(struct mynah_room *r, const struct mynah_room_gone *why); /* we are outside */
/* It will not be entered: what is held for it is told as refused with that <error/>. */
void room_refuse(struct mynah_room *r, const struct mynah_elem *error);
/* ext_room.c: it says something, in words. */
void room_message(void *arg, struct mynah_client *c, const struct mynah_message *m);
/* room_admin.c: open questions end with MYNAH_E_CANCELLED. */
void room_wants_end(struct mynah_room *r);

/* room_occupants.c: who is inside. What is found is the room's, what was taken out the caller's. */
/* False: there is no room for what he says of himself, nor for him when he is new. */
bool occupant_fits(const struct mynah_room *r, const struct mynah_elem *presence, const char *nick);
struct occupant *occupant_new(struct mynah_room *r, const struct mynah_presence *p,
                              const char *nick, bool self);
void occupant_free(struct occupant *o);
struct occupant *occupant_find(const struct mynah_room *r, const char *nick);
struct occupant *occupant_take(struct mynah_room *r, const char *nick);
void occupant_put(struct mynah_room *r, struct occupant *o); /* in the place of one of that name */
void occupants_free(struct mynah_room *r);
/* What the room says of a stanza; NULL: nothing. */
const struct mynah_elem *room_user(const struct mynah_elem *st);
enum mynah_affiliation room_affiliation(const char *text);
enum mynah_role room_role(const char *text);
const char *room_affiliation_name(enum mynah_affiliation a);
const char *room_role_name(enum mynah_role r);
