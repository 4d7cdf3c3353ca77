/* Registration (XEP-0077): an account at the own server before the login (hold_login, MYNAH_OPEN)
 * or inside a session, or at another service. `to` NULL: the own server. */
#pragma once

#include "mynah/iq.h"

MYNAH_BEGIN

/* What a service asks for. Lent. */
struct mynah_register_form {
    bool registered;           /* already, with these values */
    const char *instructions;  /* or NULL */
    const char *const *names;  /* "username", "password", "email", ... */
    const char *const *values; /* "" where there is none */
    size_t count;
    const struct mynah_elem *form; /* a data form (XEP-0004) that goes before the fields; or NULL */
    const char *url;               /* where to register instead (XEP-0066); or NULL */
    const struct mynah_elem *xml;  /* all of it, with what came along (XEP-0231) */
};
/* Asks what it asks for; MYNAH_E_FORMAT: the answer is none. */
typedef void mynah_register_done(void *arg, struct mynah_client *c,
                                 const struct mynah_register_form *form,
                                 const struct mynah_error *error);
MYNAH_API struct mynah_request *mynah_register_fields(struct mynah_client *c, const char *to,
                                                      mynah_register_done *done, void *arg);
/* Registers: fields by name, or a filled form (taken). `done` may be NULL, here and below. */
MYNAH_API struct mynah_request *mynah_register(struct mynah_client *c, const char *to,
                                               const char *const *names, const char *const *values,
                                               size_t count, mynah_iq_done *done, void *arg);
MYNAH_API struct mynah_request *mynah_register_submit(struct mynah_client *c, const char *to,
                                                      struct mynah_elem **form, mynah_iq_done *done,
                                                      void *arg);
/* The account (or the registration elsewhere) is no more. */
MYNAH_API struct mynah_request *mynah_register_remove(struct mynah_client *c, const char *to,
                                                      mynah_iq_done *done, void *arg);
/* Of the own account; the client uses the new one from then on. */
MYNAH_API struct mynah_request *mynah_password_change(struct mynah_client *c, const char *password,
                                                      mynah_iq_done *done, void *arg);

MYNAH_END
