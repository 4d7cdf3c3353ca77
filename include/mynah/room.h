/* Rooms (XEP-0045), the user's side whole. A room that was joined is joined again by itself when a
 * new session begins, and asks for what was missed; so is one that does not know us any more, which
 * it is asked (XEP-0410) when our nickname has changed, and when it refuses what we say. Of the
 * people inside 32 MiB are kept, about ten thousand: who comes beyond that is not told, though what
 * he says is. */
#pragma once

#include "mynah/form.h"
#include "mynah/iq.h"
#include "mynah/message.h"
#include "mynah/presence.h"

MYNAH_BEGIN

/* What somebody is to a room for good (XEP-0045, 5.2). */
enum mynah_affiliation {
    MYNAH_NO_AFFILIATION,
    MYNAH_OUTCAST,
    MYNAH_MEMBER,
    MYNAH_ADMIN,
    MYNAH_OWNER
};
/* What somebody may while he is inside (XEP-0045, 5.1). */
enum mynah_role { MYNAH_NO_ROLE, MYNAH_VISITOR, MYNAH_PARTICIPANT, MYNAH_MODERATOR };

/* A room of this client, joined or not. */
struct mynah_room;
/* Somebody inside. Lent until something changes in the room. */
struct mynah_occupant {
    const char *nick;
    const char *jid; /* the real address where we may know it, else NULL */
    enum mynah_affiliation affiliation;
    enum mynah_role role;
    enum mynah_show show;
    const char *status; /* or NULL */
    bool self;
    const struct mynah_elem *xml; /* the presence */
};

/* Why somebody (or we) is not in the room any more. */
enum mynah_room_end {
    MYNAH_ROOM_LEFT,
    MYNAH_ROOM_KICKED,    /* 307 */
    MYNAH_ROOM_BANNED,    /* 301 */
    MYNAH_ROOM_EXCLUDED,  /* 321, 322: the room is for members now, or one is none any more */
    MYNAH_ROOM_SHUTDOWN,  /* 332 */
    MYNAH_ROOM_ERROR,     /* 333 */
    MYNAH_ROOM_DESTROYED, /* the room itself */
    MYNAH_ROOM_LOST       /* the session was lost, or the room has lost us; it is joined again */
};
/* The same with what was said of it. */
struct mynah_room_gone {
    enum mynah_room_end end;
    const char *actor, *reason; /* or NULL */
    const char *other;          /* of a destroyed room: where to go instead; or NULL */
};

/* What happens in it; each may be NULL. */
struct mynah_room_calls {
    size_t size;
    void (*joined)(void *arg, struct mynah_room *r,
                   bool created); /* created: it waits for its configuration */
    void (*refused)(void *arg, struct mynah_room *r, const struct mynah_error *why);
    void (*left)(void *arg, struct mynah_room *r,
                 const struct mynah_room_gone *why); /* ourselves */
    void (*occupant)(void *arg, struct mynah_room *r,
                     const struct mynah_occupant *o); /* new or changed */
    void (*gone)(void *arg, struct mynah_room *r, const struct mynah_occupant *o,
                 const struct mynah_room_gone *why);
    void (*renamed)(void *arg, struct mynah_room *r, const char *old, const char *now);
    /* `nick` NULL: the room itself; m->type MYNAH_GROUPCHAT, or MYNAH_CHAT from one occupant to us
     * alone. */
    void (*message)(void *arg, struct mynah_room *r, const struct mynah_message *m,
                    const char *nick);
    void (*subject)(void *arg, struct mynah_room *r, const char *subject, const char *nick);
    void (*status)(void *arg, struct mynah_room *r, unsigned code); /* 100, 104, 170 to 174, ... */
    /* Somebody asks for voice; answer by mynah_room_voice. `form` is lent. */
    void (*voice)(void *arg, struct mynah_room *r, const struct mynah_form *form);
    void (*declined)(void *arg, struct mynah_room *r, const char *who, const char *reason);
};

/* A room to be joined, by its bare address. MYNAH_E_ARGUMENT: no address, no nickname, or a room of
 * that address is there already; then *out is NULL. */
MYNAH_API int mynah_room_new(struct mynah_client *c, const char *jid, const char *nick,
                             const struct mynah_room_calls *calls, void *arg,
                             struct mynah_room **out) MYNAH_MUST_CHECK;
/* Leaves it. All rooms go with their client. Accepts NULL. */
MYNAH_API void mynah_room_free(struct mynah_room *r);
/* By its bare address, NULL: there is none; and whose it is. */
MYNAH_API struct mynah_room *mynah_room_find(struct mynah_client *c, const char *jid);
MYNAH_API struct mynah_client *mynah_room_client(const struct mynah_room *r);

/* How much of the past is wanted; -1: as the room likes. */
struct mynah_history {
    int chars, stanzas, seconds;
    int64_t since; /* ms since 1970; 0: no matter */
};
/* Enters, told by `joined` or `refused`. `password`, `history` may be NULL. When no session stands,
 * it is joined as soon as one does. MYNAH_E_STATE: it is joined, or about to be. */
MYNAH_API int mynah_room_join(struct mynah_room *r, const char *password,
                              const struct mynah_history *history);
/* Leaves, told by `left`; `status` (for those inside) may be NULL. */
MYNAH_API void mynah_room_leave(struct mynah_room *r, const char *status);
/* What it is; texts are lent until they change. */
MYNAH_API bool mynah_room_is_joined(const struct mynah_room *r);
/* It is, or will be as soon as that can be: what is said there meanwhile waits for it. */
MYNAH_API bool mynah_room_is_wanted(const struct mynah_room *r);
MYNAH_API const char *mynah_room_jid(const struct mynah_room *r);
MYNAH_API const char *mynah_room_nick(const struct mynah_room *r);
MYNAH_API const char *mynah_room_subject(const struct mynah_room *r); /* "" before one came */
/* By the nickname; NULL: nobody of that name. */
MYNAH_API const struct mynah_occupant *mynah_room_occupant(const struct mynah_room *r,
                                                           const char *nick);
/* In the order of their nicknames; NULL: not so many. */
MYNAH_API const struct mynah_occupant *mynah_room_at(const struct mynah_room *r, size_t i);
MYNAH_API size_t mynah_room_count(const struct mynah_room *r);

/* Ours inside it, told by `renamed` and `occupant` when the room agrees. MYNAH_E_STATE: we are not.
 */
MYNAH_API int mynah_room_set_nick(struct mynah_room *r, const char *nick);
/* Those inside see the account's presence (mynah_presence_set), when we join and when it changes;
 * from now on, also before joining, this one instead. MYNAH_UNAVAILABLE: the account's again. */
MYNAH_API int mynah_room_set_presence(struct mynah_room *r, enum mynah_show show,
                                      const char *status);
/* Says something; returns as mynah_message_send. A message of one's own (made with MYNAH_GROUPCHAT
 * and the room's address) is told as delivered when the room sends it round. What is said while the
 * room is to be joined, or joined again, waits for that, as does what a lost session leaves; it is
 * left out where the room, in the history that it is asked for, shows that it has it, and said once
 * more, under its id, where it does not. Four megabytes wait so for all rooms together; what is
 * more fails at once with MYNAH_E_LIMIT. When the room cannot be entered, or is left, each of those
 * messages fails as if the room had refused it, and `message` tells of it. */
MYNAH_API int mynah_room_send(struct mynah_room *r, const char *body, char id[MYNAH_ID_MAX],
                              mynah_sent_call *sent, void *arg);
/* To one occupant only; the subject of all. Return likewise. */
MYNAH_API int mynah_room_send_private(struct mynah_room *r, const char *nick, const char *body);
MYNAH_API int mynah_room_set_subject(struct mynah_room *r, const char *subject);

/* Through the room, which tells who invites; or directly (XEP-0249), past rooms that do not let us.
 * `reason` may be NULL. Return as mynah_send. */
MYNAH_API int mynah_room_invite(struct mynah_room *r, const char *jid, const char *reason);
MYNAH_API int mynah_room_invite_directly(struct mynah_room *r, const char *jid, const char *reason);
/* The same, to go on there with a talk of two people (7.6): `thread` is that of their messages, or
 * NULL. */
MYNAH_API int mynah_room_continue(struct mynah_room *r, const char *jid, const char *thread,
                                  const char *reason, bool directly);
/* One that came; lent. */
struct mynah_invitation {
    const char *room, *from;       /* `from`: who invites */
    const char *reason, *password; /* or NULL */
    bool direct;
    bool continues;               /* a talk of two goes on there */
    const char *thread;           /* the one of that talk; or NULL */
    const char *body;             /* the text for programs that know no invitations; or NULL */
    const struct mynah_elem *xml; /* the message */
};
/* Invitations to any room. */
struct mynah_invitation_calls {
    size_t size;
    void (*invited)(void *arg, struct mynah_client *c, const struct mynah_invitation *i);
};
/* Hears of them; who wants to go makes a room and joins it. */
MYNAH_API struct mynah_listener *
mynah_invitations_listen(struct mynah_client *c, const struct mynah_invitation_calls *calls,
                         void *arg);
/* Says no; MYNAH_E_MISSING: direct ones cannot be declined. */
MYNAH_API int mynah_invitation_decline(struct mynah_client *c, const struct mynah_invitation *i,
                                       const char *reason);

/* Moderators (XEP-0045, 8): kick is MYNAH_NO_ROLE; admins (9): ban is MYNAH_OUTCAST. `reason`,
 * `done` may be NULL. */
MYNAH_API struct mynah_request *mynah_room_set_role(struct mynah_room *r, const char *nick,
                                                    enum mynah_role role, const char *reason,
                                                    mynah_iq_done *done, void *arg);
MYNAH_API struct mynah_request *mynah_room_set_affiliation(struct mynah_room *r, const char *jid,
                                                           enum mynah_affiliation affiliation,
                                                           const char *reason, mynah_iq_done *done,
                                                           void *arg);
/* An entry of a room's lists. */
struct mynah_room_item {
    const char *jid, *nick, *reason; /* each may be NULL */
    enum mynah_affiliation affiliation;
    enum mynah_role role;
};
/* Who is of that affiliation (also who is not inside), of that role. The list is lent;
 * MYNAH_E_FORMAT: the answer is none. With the room its questions end, inside its mynah_room_free:
 * MYNAH_E_CANCELLED. */
typedef void mynah_room_list_done(void *arg, struct mynah_room *r,
                                  const struct mynah_room_item *items, size_t count,
                                  const struct mynah_error *error);
MYNAH_API struct mynah_request *mynah_room_by_affiliation(struct mynah_room *r,
                                                          enum mynah_affiliation affiliation,
                                                          mynah_room_list_done *done, void *arg);
MYNAH_API struct mynah_request *mynah_room_by_role(struct mynah_room *r, enum mynah_role role,
                                                   mynah_room_list_done *done, void *arg);
/* Many at once, as the lists of a room are changed (XEP-0045, 9): an item with `nick` sets the role
 * of that occupant, one without the affiliation of `jid`.
 * Prosody 0.12 takes the first alone. */
MYNAH_API struct mynah_request *mynah_room_set_items(struct mynah_room *r,
                                                     const struct mynah_room_item *items,
                                                     size_t count, mynah_iq_done *done, void *arg);
/* A visitor asks for voice (XEP-0045, 7.13); a moderator grants or refuses what was asked (8.6).
 * Return as mynah_send. */
MYNAH_API int mynah_room_ask_voice(struct mynah_room *r);
MYNAH_API int mynah_room_voice(struct mynah_room *r, const struct mynah_form *asked, bool granted);

/* Owners (XEP-0045, 10). The form of the configuration, lent (MYNAH_E_FORMAT: there is none); a
 * filled one; the defaults for a new room; the end of the room, whose `other`, `reason` and
 * `password` (of where to go instead) may be NULL. `done` of the last three may be NULL. */
typedef void mynah_room_form_done(void *arg, struct mynah_room *r, const struct mynah_form *form,
                                  const struct mynah_error *error);
MYNAH_API struct mynah_request *mynah_room_config(struct mynah_room *r, mynah_room_form_done *done,
                                                  void *arg);
MYNAH_API struct mynah_request *mynah_room_configure(struct mynah_room *r,
                                                     const struct mynah_form *filled,
                                                     mynah_iq_done *done, void *arg);
MYNAH_API struct mynah_request *mynah_room_accept_defaults(struct mynah_room *r,
                                                           mynah_iq_done *done, void *arg);
MYNAH_API struct mynah_request *mynah_room_destroy(struct mynah_room *r, const char *other,
                                                   const char *reason, const char *password,
                                                   mynah_iq_done *done, void *arg);
/* A name for a new room that nobody has (XEP-0307); `jid` is the service's. `name` NULL: `error`
 * says why. */
MYNAH_API struct mynah_request *mynah_room_name(struct mynah_client *c, const char *jid,
                                                void (*done)(void *arg, struct mynah_client *c,
                                                             const char *name,
                                                             const struct mynah_error *error),
                                                void *arg);

MYNAH_END
