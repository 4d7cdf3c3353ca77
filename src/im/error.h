/* Errors as people read them. */
#pragma once

#include "mynah/client.h"

/* "the login was refused: name or password is wrong (not-authorized) - what the server says", in
 * the language of the program. mn_free it. */
char *im_error_text(const struct mynah_error *error);
/* All that is wrong with a certificate: "made by nobody who is trusted, for another server", in the
 * language of the program. mn_free it. */
char *im_certificate_text(const struct mynah_certificate *cert);
/* Our vCard is replaced as a whole: after `error` to asking for it, or NULL, why that may not be
 * done, for its photo and whatever else is in it would go; mn_free it. NULL: it was read, or there
 * is none yet (XEP-0054, 3.1). */
char *im_vcard_unread(const struct mynah_error *error);
