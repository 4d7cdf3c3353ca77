/* Searching directories (XEP-0055): what may be searched for, and what was found, as rows, however
 * the service says it. */
#pragma once

#include "mynah/form.h"
#include "mynah/iq.h"

MYNAH_BEGIN

/* What a service asks for. Lent. */
struct mynah_search_form {
    const char *instructions; /* or NULL */
    const char *const *names; /* fields: "first", "last", "nick", "email" */
    size_t count;
    const struct mynah_form *form; /* goes before the fields; or NULL */
};
/* Asks for it; MYNAH_E_FORMAT: the answer is none. */
typedef void mynah_search_form_done(void *arg, struct mynah_client *c,
                                    const struct mynah_search_form *form,
                                    const struct mynah_error *error);
MYNAH_API struct mynah_request *mynah_search_fields(struct mynah_client *c, const char *to,
                                                    mynah_search_form_done *done, void *arg);

/* What was found: a table. Lent. */
struct mynah_found;
/* How many rows it has. */
MYNAH_API size_t mynah_found_rows(const struct mynah_found *f);
/* In their order; false: not so many. `label` is for people and may be NULL as an argument. */
MYNAH_API bool mynah_found_column(const struct mynah_found *f, size_t i, const char **name,
                                  const char **label);
/* NULL: nothing stands there. */
MYNAH_API const char *mynah_found_cell(const struct mynah_found *f, size_t row, const char *name);
/* The address that a row is about, or NULL. */
MYNAH_API const char *mynah_found_jid(const struct mynah_found *f, size_t row);

/* Searches, by fields, or by a filled form (lent). */
typedef void mynah_search_done(void *arg, struct mynah_client *c, const struct mynah_found *found,
                               const struct mynah_error *error);
MYNAH_API struct mynah_request *mynah_search(struct mynah_client *c, const char *to,
                                             const char *const *names, const char *const *values,
                                             size_t count, mynah_search_done *done, void *arg);
MYNAH_API struct mynah_request *mynah_search_submit(struct mynah_client *c, const char *to,
                                                    const struct mynah_form *form,
                                                    mynah_search_done *done, void *arg);

MYNAH_END
