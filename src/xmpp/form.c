#include "xmpp/form.h"

#include "base/err.h"

enum { FIELDS_MAX = 256 };

static const char *const types[] = {
    [MN_FORM_FORM] = "form",
    [MN_FORM_SUBMIT] = "submit",
    [MN_FORM_CANCEL] = "cancel",
    [MN_FORM_RESULT] = "result",
};

static bool type_read(mn_str name, enum mn_form_type *out)
{
    for (size_t i = 0; i < MN_COUNT(types); i++)
        if (mn_str_is(name, types[i])) {
            *out = (enum mn_form_type)i;
            return true;
        }
    return false;
}

static size_t count(const struct mn_elem *parent, const char *name)
{
    size_t n = 0;

    for (const struct mn_elem *e = mn_elem_first(parent); e; e = mn_elem_next(e))
        n += mn_elem_is(e, MN_NS_DATA, name);
    return n;
}

static const mn_str *values_read(const struct mn_elem *field, size_t n, struct mn_arena *a)
{
    mn_str *values = mn_arena_alloc(a, n * sizeof *values);

    n = 0;
    for (const struct mn_elem *e = mn_elem_first(field); e; e = mn_elem_next(e))
        if (mn_elem_is(e, MN_NS_DATA, "value"))
            values[n++] = mn_elem_text(e, a);
    return values;
}

int mn_form_parse(const struct mn_elem *x, struct mn_arena *a, struct mn_form *out)
{
    size_t room = count(x, "field");
    struct mn_form_field *fields;

    *out = (struct mn_form){0};
    if (!type_read(mn_elem_get(x, "type"), &out->type))
        return MN_E_FORMAT;
    if (room > FIELDS_MAX)
        return MN_E_LIMIT;
    out->fields = fields = mn_arena_alloc(a, room * sizeof *fields);
    for (const struct mn_elem *e = mn_elem_first(x); e; e = mn_elem_next(e)) {
        mn_str var = mn_elem_get(e, "var");
        size_t n = count(e, "value");

        if (!mn_elem_is(e, MN_NS_DATA, "field") ||
            (!var.n && mn_str_is(mn_elem_get(e, "type"), "fixed")))
            continue;
        if (!var.n)
            return MN_E_FORMAT;
        for (size_t i = 0; i < out->count; i++)
            if (mn_str_eq(fields[i].var, var))
                return MN_E_FORMAT;
        fields[out->count++] = (struct mn_form_field){var, values_read(e, n, a), n};
    }
    return MN_E_OK;
}

const struct mn_form_field *mn_form_find(const struct mn_form *f, const char *var)
{
    for (size_t i = 0; i < f->count; i++)
        if (mn_str_is(f->fields[i].var, var))
            return &f->fields[i];
    return NULL;
}

mn_str mn_form_text(const struct mn_form *f, const char *var)
{
    const struct mn_form_field *field = mn_form_find(f, var);

    return field && field->count == 1 ? field->values[0] : (mn_str){0};
}

struct mn_elem *mn_form_add(struct mn_arena *a, struct mn_elem *parent, enum mn_form_type type,
                            const char *form_type, const char *title, const char *instructions)
{
    struct mn_elem *x = mn_elem_add(a, parent, MN_NS_DATA, "x");

    mn_elem_set(a, x, "type", mn_str_from(types[type]));
    mn_elem_add_text(a, x, MN_NS_DATA, "title", mn_str_from(title));
    mn_elem_add_text(a, x, MN_NS_DATA, "instructions", mn_str_from(instructions));
    if (form_type)
        mn_form_value(a, mn_form_field(a, x, "hidden", "FORM_TYPE", NULL), mn_str_from(form_type));
    return x;
}

struct mn_elem *mn_form_field(struct mn_arena *a, struct mn_elem *x, const char *type,
                              const char *var, const char *label)
{
    struct mn_elem *field = mn_elem_add(a, x, MN_NS_DATA, "field");

    mn_elem_set(a, field, "var", mn_str_from(var));
    if (type)
        mn_elem_set(a, field, "type", mn_str_from(type));
    if (label)
        mn_elem_set(a, field, "label", mn_str_from(label));
    return field;
}

void mn_form_value(struct mn_arena *a, struct mn_elem *field, mn_str value)
{
    mn_elem_add_text(a, field, MN_NS_DATA, "value", mn_arena_str(a, value));
}

void mn_form_lines(struct mn_arena *a, struct mn_elem *field, mn_str text)
{
    do
        mn_form_value(a, field, mn_str_cut(text, '\n', &text));
    while (text.n);
}

void mn_form_option(struct mn_arena *a, struct mn_elem *field, mn_str value)
{
    mn_form_value(a, mn_elem_add(a, field, MN_NS_DATA, "option"), value);
}
