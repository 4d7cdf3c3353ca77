/* A conversation with one bare address (RFC 6121, 5.1): its thread (XEP-0201), the one of the other
 * side's programs that answered, what either is doing meanwhile (XEP-0085, XEP-0022), and receipts
 * (XEP-0184).
 *
 * The first message goes to the bare address. Whoever answers is written to from then on, until he
 * says "gone", any of the address's programs changes its presence, or the session is lost
 * (XEP-0296). A message of another program moves the conversation there; a notice of another
 * program ends the hold on the first.
 *
 * A program that shows the other side's states says so once, before it connects:
 * mynah_disco_feature(c, "http://jabber.org/protocol/chatstates", true). */
#pragma once

#include "mynah/message.h"
#include "mynah/payload.h"

MYNAH_BEGIN

/* A conversation; one for each bare address and client. */
struct mynah_dialog;

/* What happens in it; each may be NULL. The dialog may be freed inside. */
struct mynah_dialog_calls {
    size_t size;
    /* A body, a subject or an error; carbons of the account's other programs too. General listeners
     * (mynah_listen) hear it as well. */
    void (*message)(void *arg, struct mynah_dialog *d, const struct mynah_message *m);
    /* What the other side is doing, told when it changes; "composing" of XEP-0022 too. */
    void (*state)(void *arg, struct mynah_dialog *d, enum mynah_chat_state state);
    /* What became of a message of ours, where `ask_events` asked (XEP-0022). */
    void (*event)(void *arg, struct mynah_dialog *d, const char *id, enum mynah_event event);
    /* Messages go to this full address from now on; NULL: to the bare one. */
    void (*locked)(void *arg, struct mynah_dialog *d, const char *jid);
};

/* With whom, and what it does by itself. */
struct mynah_dialog_config {
    size_t size;
    const char *jid;     /* its bare part counts */
    const char *thread;  /* NULL: a new one */
    bool no_states;      /* what we are doing is told to nobody */
    bool no_receipts;    /* the program answers requests for receipts itself, or not at all */
    unsigned ask_events; /* bits of enum mynah_event that are asked for with each message */
    /* After so long without mynah_dialog_typing or mynah_dialog_state, from state to state; 0: 30
     * seconds, two minutes, ten minutes (XEP-0085, 5.1); -1: never. */
    int paused_ms, inactive_ms, gone_ms;
};

/* MYNAH_E_ARGUMENT: no address; MYNAH_E_STATE: there is one already. The client frees those that
 * are left with itself. */
MYNAH_API int mynah_dialog_new(struct mynah_client *c, const struct mynah_dialog_config *config,
                               const struct mynah_dialog_calls *calls, void *arg,
                               struct mynah_dialog **out) MYNAH_MUST_CHECK;
/* Says "gone" where such is said. Accepts NULL. */
MYNAH_API void mynah_dialog_free(struct mynah_dialog *d);
/* By its bare part; NULL: there is none. */
MYNAH_API struct mynah_dialog *mynah_dialog_find(struct mynah_client *c, const char *jid);
/* Called for a message with a body from somebody without a dialog, before anything hears of it: the
 * program may open one, which is then told. NULL: no more. */
typedef void mynah_dialog_came(void *arg, struct mynah_client *c, const struct mynah_message *m);
MYNAH_API void mynah_dialog_serve(struct mynah_client *c, mynah_dialog_came *came, void *arg);

/* What it is; texts are lent with the dialog. */
MYNAH_API struct mynah_client *mynah_dialog_client(const struct mynah_dialog *d);
MYNAH_API const char *mynah_dialog_jid(const struct mynah_dialog *d); /* bare */
/* Where the next message goes; lent until it changes. */
MYNAH_API const char *mynah_dialog_to(const struct mynah_dialog *d);
MYNAH_API const char *mynah_dialog_thread(const struct mynah_dialog *d);

/* The next message goes to the bare address again, whoever answered before. */
MYNAH_API void mynah_dialog_unlock(struct mynah_dialog *d);

/* As mynah_message_send; `to`, the thread and our state are the dialog's. */
MYNAH_API int mynah_dialog_send(struct mynah_dialog *d, struct mynah_elem **message,
                                char id[MYNAH_ID_MAX], mynah_sent_call *sent, void *arg);
/* The whole for the common case: a body of type chat. Returns as mynah_message_send. */
MYNAH_API int mynah_dialog_chat(struct mynah_dialog *d, const char *body);

/* The user changed what he is writing: call it at each key. Told once, and only where the other
 * side has shown or announced that it wants to know. */
MYNAH_API void mynah_dialog_typing(struct mynah_dialog *d);
/* He looks (active), looks away (inactive), emptied the line (active), is done (gone). */
MYNAH_API void mynah_dialog_state(struct mynah_dialog *d, enum mynah_chat_state state);
/* He has seen all that came: answers the last one that asked (XEP-0333, XEP-0022). */
MYNAH_API void mynah_dialog_seen(struct mynah_dialog *d);

MYNAH_END
