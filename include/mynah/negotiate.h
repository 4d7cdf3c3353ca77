/* Feature negotiation (XEP-0020): one side offers values in a form, the other picks one of each.
 * Deprecated; older protocols (XEP-0095, XEP-0155) stand on it. */
#pragma once

#include "mynah/form.h"
#include "mynah/iq.h"

MYNAH_BEGIN

/* The wrapper, for protocols that carry it in stanzas of their own. The form is the program's
 * (NULL: there is none). */
MYNAH_API void mynah_feature_add(struct mynah_elem *e, const struct mynah_form *form);
MYNAH_API struct mynah_form *mynah_feature_read(const struct mynah_elem *e);
/* Every field of the offer is answered by one of its options (one without options by anything), the
 * FORM_TYPE is the same, and nothing else is answered. `what`: the first that is not; may be NULL.
 */
MYNAH_API bool mynah_feature_fits(const struct mynah_form *offer, const struct mynah_form *answer,
                                  const char **what);

/* Offers. `answer` is lent; one that does not fit ends with MYNAH_E_FORMAT. */
typedef void mynah_negotiate_done(void *arg, struct mynah_client *c,
                                  const struct mynah_form *answer, const struct mynah_error *error);
MYNAH_API struct mynah_request *mynah_negotiate(struct mynah_client *c, const char *to,
                                                const struct mynah_form *offer,
                                                mynah_negotiate_done *done, void *arg);

/* What comes of an offer of others. */
enum mynah_agreed {
    MYNAH_AGREED,
    MYNAH_NOT_KNOWN,   /* a feature that we do not have */
    MYNAH_NO_OPTION,   /* none of the values that are offered for it */
    MYNAH_NOT_FOR_THEM /* they are not to know that we are here */
};
/* An offer of that FORM_TYPE came: put the values into `answer` (which has the FORM_TYPE) or say
 * why not, and in `what` for which field; what is not one of the options becomes MYNAH_NO_OPTION.
 */
typedef enum mynah_agreed mynah_negotiate_call(void *arg, struct mynah_client *c, const char *from,
                                               const struct mynah_form *offer,
                                               struct mynah_form *answer, const char **what);
/* Announced as long as there is one. `serve` NULL takes it out. */
MYNAH_API void mynah_negotiate_serve(struct mynah_client *c, const char *form_type,
                                     mynah_negotiate_call *serve, void *arg);

MYNAH_END
