/* Small questions that every program answers by itself, and how others are asked: is it there
 * (XEP-0199), what runs there (XEP-0092, XEP-0232), what time is it there (XEP-0202), when was
 * somebody active (XEP-0012, XEP-0256).
 *
 * Pings and the time are answered to everybody whom the server lets ask. The time tells a time
 * zone: mynah_disco_feature(c, "urn:xmpp:time", false) and mynah_iq_serve(c, MYNAH_GET,
 * "urn:xmpp:time", "time", NULL, NULL) keep it. Software and activity are answered only when the
 * program says what. */
#pragma once

#include "mynah/iq.h"

MYNAH_BEGIN

/* In all of these `to` NULL is the own server, and what is told is lent and comes once, beside
 * `error` NULL, or there is an error: MYNAH_E_FORMAT when the answer is none. */

/* `ms`: from asking to the answer; also of an answer that is an error (then it says that somebody
 * is there who does not know pings, or that nobody is: its condition). -1: none came. */
typedef void mynah_ping_done(void *arg, struct mynah_client *c, int64_t ms,
                             const struct mynah_error *error);
MYNAH_API struct mynah_request *mynah_ping(struct mynah_client *c, const char *to,
                                           mynah_ping_done *done, void *arg);

/* What we are, for who asks and in disco#info: from now on. `version` and `os` may be NULL; an
 * operating system should be told only when its user agrees (XEP-0092, 6). MYNAH_E_ARGUMENT: no
 * name. */
MYNAH_API int mynah_software_set(struct mynah_client *c, const char *name, const char *version,
                                 const char *os);
/* What runs there (XEP-0092). */
struct mynah_software {
    const char *name, *version, *os; /* each may be NULL: peers leave out even the name */
};
/* Asks for it. */
typedef void mynah_version_done(void *arg, struct mynah_client *c, const struct mynah_software *s,
                                const struct mynah_error *error);
MYNAH_API struct mynah_request *mynah_version_get(struct mynah_client *c, const char *to,
                                                  mynah_version_done *done, void *arg);

/* `ms`: since 1970; `offset`: of the clock on the wall from UTC there, in minutes. */
typedef void mynah_time_done(void *arg, struct mynah_client *c, int64_t ms, int offset,
                             const struct mynah_error *error);
MYNAH_API struct mynah_request *mynah_time_get(struct mynah_client *c, const char *to,
                                               mynah_time_done *done, void *arg);

/* A person did something with the program just now. From the first such call on those who may see
 * our presence (other programs of the account, contacts that are subscribed) are told how long that
 * is ago when they ask. Cheap: call it for each key. */
MYNAH_API void mynah_active(struct mynah_client *c);
MYNAH_API void mynah_active_hide(struct mynah_client *c); /* nobody is told any more */
/* `seconds`: of an account, since it went offline (0: it is there) with the last status as `text`;
 * of one program, since a person used it; of a server, since it started. `text` may be NULL. */
typedef void mynah_last_done(void *arg, struct mynah_client *c, int64_t seconds, const char *text,
                             const struct mynah_error *error);
MYNAH_API struct mynah_request *mynah_last_get(struct mynah_client *c, const char *to,
                                               mynah_last_done *done, void *arg);
/* XEP-0256: what a presence says of when its sender was last active, in ms since 1970; 0: nothing.
 * A presence that was delayed counts from when it was sent. */
MYNAH_API int64_t mynah_presence_active(const struct mynah_elem *presence);
/* Says so in a presence that is built, or as a payload of mynah_presence_send (`e` NULL: a new
 * element). */
MYNAH_API struct mynah_elem *mynah_presence_active_add(struct mynah_elem *e, int64_t seconds);

MYNAH_END
