/* Data forms (XEP-0004), read and built. What a form lends lives as long as the form. */
#pragma once

#include "mynah/elem.h"

MYNAH_BEGIN

/* One of the values that a field offers. */
struct mynah_option {
    const char *label, *value; /* label NULL: the value is shown */
};
/* A field, or a column. Lent until the form is changed. */
struct mynah_field {
    const char *var;          /* NULL: only there to be looked at */
    const char *type;         /* "text-single", "list-multi", ... */
    const char *label, *desc; /* or NULL */
    bool required;
    const char *const *values;
    size_t value_count;
    const struct mynah_option *options;
    size_t option_count;
    const struct mynah_elem *xml; /* the <field/>, with what other XEPs put there (0122, 0221) */
};

/* A form; the program's own where a function makes it. */
struct mynah_form;
/* An <x/>, or the first one below `e`; NULL: there is none. */
MYNAH_API struct mynah_form *mynah_form_read(const struct mynah_elem *e);
/* `type`: "submit", "form", "result", "cancel"; `form_type`: the FORM_TYPE (XEP-0068), or NULL. */
MYNAH_API struct mynah_form *mynah_form_new(const char *type, const char *form_type);
/* The answer to a form: its hidden fields and the values that it proposes, to be changed. The
 * program's. */
MYNAH_API struct mynah_form *mynah_form_answer(const struct mynah_form *f);
/* Accepts NULL. */
MYNAH_API void mynah_form_free(struct mynah_form *f);

/* What it says before its fields; lent until the form is changed. */
MYNAH_API const char *mynah_form_type(const struct mynah_form *f);
MYNAH_API const char *mynah_form_title(const struct mynah_form *f);        /* or NULL */
MYNAH_API const char *mynah_form_instructions(const struct mynah_form *f); /* its lines, or NULL */
/* In their order; NULL: not so many. */
MYNAH_API const struct mynah_field *mynah_form_at(const struct mynah_form *f, size_t i);
/* The field of that name, or NULL. */
MYNAH_API const struct mynah_field *mynah_form_find(const struct mynah_form *f, const char *var);
/* The first value of a field, or NULL. */
MYNAH_API const char *mynah_form_value(const struct mynah_form *f, const char *var);
/* Of a boolean: false too when there is none. */
MYNAH_API bool mynah_form_flag(const struct mynah_form *f, const char *var);
/* Results in a table: columns as reported, rows as items; NULL: not so many, or an empty cell. */
MYNAH_API const struct mynah_field *mynah_form_column(const struct mynah_form *f, size_t i);
MYNAH_API size_t mynah_form_rows(const struct mynah_form *f);
MYNAH_API const char *mynah_form_cell(const struct mynah_form *f, size_t row, const char *var);

/* Building: a field's value, or values, in the place of those it has; the field is added when it is
 * not there; a NULL value takes its values away. */
MYNAH_API void mynah_form_set(struct mynah_form *f, const char *var, const char *value);
MYNAH_API void mynah_form_set_all(struct mynah_form *f, const char *var, const char *const *values,
                                  size_t count);
/* Title and instructions, which may be NULL. */
MYNAH_API void mynah_form_describe(struct mynah_form *f, const char *title,
                                   const char *instructions);
/* One more field (`label` may be NULL), and one more value that it offers. */
MYNAH_API void mynah_form_add(struct mynah_form *f, const char *type, const char *var,
                              const char *label, bool required);
MYNAH_API void mynah_form_option(struct mynah_form *f, const char *var, const char *label,
                                 const char *value);
/* The <x/>, the program's own. */
MYNAH_API struct mynah_elem *mynah_form_elem(const struct mynah_form *f);

MYNAH_END
