/* Data forms (XEP-0004): built as elements, read as fields with their values. */
#pragma once

#include "xmpp/elem.h"

enum mn_form_type { MN_FORM_FORM, MN_FORM_SUBMIT, MN_FORM_CANCEL, MN_FORM_RESULT };

struct mn_form_field {
    mn_str var;
    const mn_str *values; /* of text-multi, its lines */
    size_t count;
};
struct mn_form {
    enum mn_form_type type;
    const struct mn_form_field *fields; /* all that have a name, each name once */
    size_t count;
};

/* Reads an <x/>; what is read lives as long as the element and the arena. MN_E_FORMAT: no type that
 * there is, a field without a name (unless it is there to be looked at), or one that is there
 * twice; MN_E_LIMIT: more than 256 fields. What stands in items is not looked at. */
int mn_form_parse(const struct mn_elem *x, struct mn_arena *a, struct mn_form *out) MN_MUST_CHECK;
const struct mn_form_field *mn_form_find(const struct mn_form *f, const char *var); /* or NULL */
/* The one value; {NULL, 0}: no such field, or not one value. */
mn_str mn_form_text(const struct mn_form *f, const char *var);

/* Building: an <x/> below `parent`, with its FORM_TYPE (XEP-0068); each text may be NULL; ... */
struct mn_elem *mn_form_add(struct mn_arena *a, struct mn_elem *parent, enum mn_form_type type,
                            const char *form_type, const char *title, const char *instructions);
/* ... a field of it, or of an <item/>; `type` and `label` may be NULL; ... */
struct mn_elem *mn_form_field(struct mn_arena *a, struct mn_elem *x, const char *type,
                              const char *var, const char *label);
/* ... its values (copied), one or one a line, ... */
void mn_form_value(struct mn_arena *a, struct mn_elem *field, mn_str value);
void mn_form_lines(struct mn_arena *a, struct mn_elem *field, mn_str text);
/* ... and what it may be. */
void mn_form_option(struct mn_arena *a, struct mn_elem *field, mn_str value);
