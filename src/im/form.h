/* A form as a person fills it, whatever it came from: a data form (XEP-0004) with its rules
 * (XEP-0122) and media (XEP-0221), the fields of a registration or a search, or one of our own.
 * What a peer sends is cut to limits. Nothing here knows of terminals or windows. */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "mynah/mynah.h"

/* What is kept of a form; what is left out of it is sent back as it came. */
enum {
    IM_FORM_FIELDS = 300,
    IM_FORM_OPTIONS = 300, /* of one field */
    IM_FORM_LABEL = 300,   /* bytes of a label, a title, a cell */
    IM_FORM_TEXT = 4000,   /* bytes of instructions, descriptions */
    IM_FORM_VALUE = 16000, /* bytes of a value; a longer one cannot be changed */
    IM_FORM_COLUMNS = 20,
    IM_FORM_ROWS = 5000
};

enum im_field_kind {
    IM_FIELD_FIXED, /* is only looked at */
    IM_FIELD_TEXT,
    IM_FIELD_SECRET,
    IM_FIELD_LINES, /* each value is a line */
    IM_FIELD_CHECK,
    IM_FIELD_ONE, /* of the options */
    IM_FIELD_MANY
};

struct im_option {
    const char *label, *value;
    bool chosen;
};

/* XEP-0122. Patterns are shown and not tried: what a stranger writes may take for ever. */
struct im_rule {
    const char *type;                /* "xs:integer"; NULL: any text */
    const char *min, *max, *pattern; /* or NULL */
    int64_t least, most;             /* of chosen options; -1: no matter */
};

struct im_field {
    enum im_field_kind kind;
    const char *var; /* NULL: only there to be looked at */
    const char *label;
    const char *desc; /* or NULL */
    char *value;      /* of texts; lines have '\n' between them */
    bool checked;
    bool required, jid;
    bool ours;    /* not the other side's: is not sent */
    bool touched; /* what was not is sent as it came */
    bool locked;  /* too long to be changed */
    struct im_option *options;
    size_t option_count;
    struct im_rule rule;
    struct mynah_elem *media; /* what it asks about (XEP-0221); or NULL */
    const char *link; /* where that is, or what its value leads to: for another program; or NULL */
    bool is_file;     /* the link is a file that goes with the form */
};

struct im_row {
    const char *key; /* what is picked with it; or NULL */
    const char **cells;
};

struct im_form {
    const char *title, *instructions; /* or NULL */
    struct im_field *fields;
    size_t count;
    const char **columns; /* of a table */
    size_t column_count;
    struct im_row *rows;
    size_t row_count;
    size_t left_out;      /* fields and rows that are not shown */
    struct mynah_elem *x; /* the data form that came; NULL: plain names, or one of our own */
    struct mn_arena a;
    size_t field_cap, row_cap;
};

/* Of one's own; both may be NULL. */
struct im_form *im_form_new(const char *title, const char *instructions);
struct im_form *im_form_read(const struct mynah_form *f);
/* Pictures and sounds that came along with the form, `around` it (XEP-0231): each is a file from
 * now on, if no page has it (form_media.c). */
void im_form_media(struct im_form *f, const struct mynah_elem *around);
/* Those that did not come along are asked for of `jid`, one after the other; then `done` is called,
 * once, maybe inside, whatever came. The form stays until then. */
void im_form_fetch(struct im_form *f, struct mynah_client *c, const char *jid,
                   void (*done)(void *arg), void *arg);
/* Of plain names as XEP-0077 and XEP-0055 have them; `values` may be NULL. */
struct im_form *im_form_plain(const char *instructions, const char *const *names,
                              const char *const *values, size_t count);
/* What a registration asks for (XEP-0077): its data form, else its fields; NULL: neither. */
struct im_form *im_form_registration(const struct mynah_register_form *asked);
void im_form_free(struct im_form *f); /* accepts NULL; wipes secrets */

/* The new field, lent until the next one is added; NULL: there are too many. `value` may be NULL.
 */
struct im_field *im_form_add(struct im_form *f, enum im_field_kind kind, const char *var,
                             const char *label, const char *value);
void im_form_option(struct im_form *f, struct im_field *field, const char *label, const char *value,
                    bool chosen);
void im_form_column(struct im_form *f, const char *label);
/* A row with empty cells, lent until the next one is added; NULL: there are too many. */
struct im_row *im_form_row(struct im_form *f, const char *key);
void im_form_cell(struct im_form *f, struct im_row *row, size_t column, const char *text);

struct im_field *im_form_find(const struct im_form *f, const char *var); /* NULL: none */
/* The text of a field, or the value of what is chosen of it; "": nothing. Lent. */
const char *im_form_value(const struct im_form *f, const char *var);
void im_field_set(struct im_field *field, const char *value);
bool im_field_has_options(const struct im_field *field); /* of which something is chosen */
/* Chooses an option, or takes the choice back where several are allowed. */
void im_field_choose(struct im_field *field, size_t option);

/* Rules (form_rules.c). What is wrong with a field's value, in words; false: nothing is. */
bool im_field_wrong(const struct im_field *field, struct mn_buf *why);
/* What a field takes, in words; nothing when anything goes. */
void im_field_takes(const struct im_field *field, struct mn_buf *out);

/* Answers. The filled form, the caller's. */
struct mynah_form *im_form_answer(const struct im_form *f);
/* The same as plain names and values, in `a`. */
size_t im_form_answers(const struct im_form *f, struct mn_arena *a, const char *const **names,
                       const char *const **values);
/* Registers with what is filled in, in the form that was asked for. */
void im_form_register(const struct im_form *f, struct mynah_client *c, const char *to,
                      mynah_iq_done *done, void *arg);
