/* Challenges (XEP-0158): somebody to whom we wrote, or a room that we enter, wants to see that a
 * person is there: asks for what stands in a picture, say. Registration has its own way for that
 * (mynah/register.h). */
#pragma once

#include "mynah/form.h"
#include "mynah/iq.h"

MYNAH_BEGIN

/* One that came; lent. */
struct mynah_captcha {
    const char *from;              /* who asks, and is to be answered */
    const char *id;                /* of his message, for mynah_captcha_refuse */
    const char *about;             /* to whom we had sent what he asks about */
    const char *body, *url;        /* for those who cannot fill in forms; or NULL */
    const struct mynah_form *form; /* mynah_form_answer, filled, is the answer; the field "answers"
                                      says how many are to be, if it is not one */
    const struct mynah_elem *xml;  /* the message; what pictures it names may be with it
                                      (mynah/bits.h) */
};
/* Those that come. */
struct mynah_captcha_calls {
    size_t size;
    void (*asked)(void *arg, struct mynah_client *c, const struct mynah_captcha *q);
};
/* Hears of them, from what is sent from now on: only who was written to, in the last two minutes,
 * may ask, or his server or room; what others ask nobody hears of. Without a listener they are
 * messages as any other. */
MYNAH_API struct mynah_listener *
mynah_captcha_listen(struct mynah_client *c, const struct mynah_captcha_calls *calls, void *arg);

/* Answers, inside its call or later. An error: it was wrong ("not-acceptable"), or came too late
 * ("service-unavailable"); a room that is content lets us in (mynah/room.h). */
MYNAH_API struct mynah_request *mynah_captcha_answer(struct mynah_client *c, const char *from,
                                                     const struct mynah_form *answer,
                                                     mynah_iq_done *done, void *arg);
/* Says that nobody answers. Returns as mynah_send. */
MYNAH_API int mynah_captcha_refuse(struct mynah_client *c, const char *from, const char *id);

MYNAH_END
