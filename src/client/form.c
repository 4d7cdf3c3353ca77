/* A form is its <x/>, and a view of it that is made anew when it was changed. */
#include "mynah/form.h"

#include "base/arena.h"
#include "base/err.h"
#include "client/elem.h"

#define NS_DATA "jabber:x:data"

struct mynah_form {
    struct mynah_elem *x;
    struct mn_arena a; /* the view */
    struct mynah_field *fields, *columns;
    size_t count, column_count, rows;
    const struct mynah_elem **items; /* the rows */
    const char *instructions;
};

static const char *text_of(const struct mynah_elem *e, const char *name)
{
    return mynah_elem_child_text(e, name, NS_DATA);
}

static void field_view(struct mn_arena *a, const struct mynah_elem *e, struct mynah_field *out)
{
    const char **values = elem_room(e, "value", NS_DATA, sizeof *values, a);
    struct mynah_option *options = elem_room(e, "option", NS_DATA, sizeof *options, a);
    const char *type = mynah_elem_get(e, "type");

    *out = (struct mynah_field){mynah_elem_get(e, "var"),
                                type ? type : "text-single",
                                mynah_elem_get(e, "label"),
                                text_of(e, "desc"),
                                mynah_elem_child(e, "required", NS_DATA) != NULL,
                                values,
                                0,
                                options,
                                0,
                                e};
    MYNAH_EACH(v, e, "value", NS_DATA)
    values[out->value_count++] = mynah_elem_text(v);
    MYNAH_EACH(o, e, "option", NS_DATA)
    {
        const char *value = text_of(o, "value");

        if (value)
            options[out->option_count++] = (struct mynah_option){mynah_elem_get(o, "label"), value};
    }
}

static struct mynah_field *fields_view(struct mn_arena *a, const struct mynah_elem *e,
                                       size_t *count)
{
    struct mynah_field *fields = elem_room(e, "field", NS_DATA, sizeof *fields, a);

    *count = 0;
    MYNAH_EACH(f, e, "field", NS_DATA)
    field_view(a, f, &fields[(*count)++]);
    return fields;
}

static const char *lines_view(struct mn_arena *a, const struct mynah_elem *x)
{
    struct mn_buf all = {0};
    const char *lines;

    MYNAH_EACH(e, x, "instructions", NS_DATA)
    mn_buf_fmt(&all, "%s%s", all.n ? "\n" : "", mynah_elem_text(e));
    lines = all.n ? mn_arena_cstr(a, mn_buf_view(&all)) : NULL;
    mn_buf_free(&all);
    return lines;
}

static void view(struct mynah_form *f)
{
    mn_arena_done(&f->a, NULL);
    f->fields = fields_view(&f->a, f->x, &f->count);
    f->columns = fields_view(&f->a, mynah_elem_child(f->x, "reported", NS_DATA), &f->column_count);
    f->items = mn_arena_alloc0(&f->a, (elem_count(f->x, "item", NS_DATA) + 1) * sizeof *f->items);
    f->rows = 0;
    MYNAH_EACH(item, f->x, "item", NS_DATA)
    f->items[f->rows++] = item;
    f->instructions = lines_view(&f->a, f->x);
}

static struct mynah_form *form_of(struct mynah_elem *x)
{
    struct mynah_form *f = MN_NEW(struct mynah_form);

    f->x = x;
    view(f);
    return f;
}

struct mynah_form *mynah_form_read(const struct mynah_elem *e)
{
    if (!mynah_elem_is(e, "x", NS_DATA))
        e = mynah_elem_child(e, "x", NS_DATA);
    return e ? form_of(mynah_elem_copy(e)) : NULL;
}

struct mynah_form *mynah_form_new(const char *type, const char *form_type)
{
    struct mynah_form *f = form_of(mynah_elem_new("x", NS_DATA));

    mynah_elem_set(f->x, "type", type);
    if (form_type) {
        mynah_form_add(f, "hidden", "FORM_TYPE", NULL, false);
        mynah_form_set(f, "FORM_TYPE", form_type);
    }
    return f;
}

/* Field by field, without a view of each step: a stranger's form may have ten thousand. */
struct mynah_form *mynah_form_answer(const struct mynah_form *f)
{
    struct mynah_elem *x = mynah_elem_new("x", NS_DATA);

    mynah_elem_set(x, "type", "submit");
    for (size_t i = 0; i < f->count; i++) {
        const struct mynah_field *field = &f->fields[i];
        struct mynah_elem *e;

        if (!field->var || !strcmp(field->type, "fixed"))
            continue;
        e = mynah_elem_add(x, "field", NULL);
        mynah_elem_set(e, "type", field->type);
        mynah_elem_set(e, "var", field->var);
        for (size_t v = 0; v < field->value_count; v++)
            mynah_elem_add_text(e, "value", NULL, field->values[v]);
    }
    return form_of(x);
}

void mynah_form_free(struct mynah_form *f)
{
    if (!f)
        return;
    mn_arena_done(&f->a, NULL);
    mynah_elem_free(f->x);
    mn_free(f);
}

const char *mynah_form_type(const struct mynah_form *f)
{
    const char *type = mynah_elem_get(f->x, "type");

    return type ? type : "form";
}

const char *mynah_form_title(const struct mynah_form *f)
{
    return text_of(f->x, "title");
}

const char *mynah_form_instructions(const struct mynah_form *f)
{
    return f->instructions;
}

const struct mynah_field *mynah_form_at(const struct mynah_form *f, size_t i)
{
    return i < f->count ? &f->fields[i] : NULL;
}

const struct mynah_field *mynah_form_find(const struct mynah_form *f, const char *var)
{
    for (size_t i = 0; var && i < f->count; i++)
        if (f->fields[i].var && !strcmp(f->fields[i].var, var))
            return &f->fields[i];
    return NULL;
}

const char *mynah_form_value(const struct mynah_form *f, const char *var)
{
    const struct mynah_field *field = mynah_form_find(f, var);

    return field && field->value_count ? field->values[0] : NULL;
}

bool mynah_form_flag(const struct mynah_form *f, const char *var)
{
    const char *value = mynah_form_value(f, var);

    return value && (!strcmp(value, "1") || !strcmp(value, "true"));
}

const struct mynah_field *mynah_form_column(const struct mynah_form *f, size_t i)
{
    return i < f->column_count ? &f->columns[i] : NULL;
}

size_t mynah_form_rows(const struct mynah_form *f)
{
    return f->rows;
}

const char *mynah_form_cell(const struct mynah_form *f, size_t row, const char *var)
{
    if (row >= f->rows || !var)
        return NULL;
    MYNAH_EACH(field, f->items[row], "field", NS_DATA)
    if (mynah_elem_get(field, "var") && !strcmp(mynah_elem_get(field, "var"), var))
        return text_of(field, "value");
    return NULL;
}

/* Building: a new <x/> in which one field is another. */

static bool is_var(const struct mynah_elem *e, const char *var)
{
    const char *has = mynah_elem_get(e, "var");

    return mynah_elem_is(e, "field", NS_DATA) && has && !strcmp(has, var);
}

static void hang_copy(struct mynah_elem *to, const struct mynah_elem *e)
{
    struct mynah_elem *copy = mynah_elem_copy(e);

    mynah_elem_hang(to, &copy);
}

static void values_change(struct mynah_elem *to, const struct mynah_elem *field,
                          const char *const *values, size_t count)
{
    struct mynah_elem *f = mynah_elem_add(to, "field", NULL);
    const char *name, *value;

    for (size_t i = 0; mynah_elem_attr(field, i, &name, &value); i++)
        mynah_elem_set(f, name, value);
    MYNAH_EACH(e, field, NULL, NULL)
    if (!mynah_elem_is(e, "value", NS_DATA))
        hang_copy(f, e);
    for (size_t i = 0; i < count; i++)
        mynah_elem_add_text(f, "value", NULL, values[i]);
}

void mynah_form_set_all(struct mynah_form *f, const char *var, const char *const *values,
                        size_t count)
{
    struct mynah_elem *x = mynah_elem_new("x", NS_DATA);

    if (!mynah_form_find(f, var))
        mynah_form_add(f, NULL, var, NULL, false);
    mynah_elem_set(x, "type", mynah_elem_get(f->x, "type"));
    MYNAH_EACH(e, f->x, NULL, NULL)
    if (is_var(e, var))
        values_change(x, e, values, count);
    else
        hang_copy(x, e);
    mynah_elem_free(f->x);
    f->x = x;
    view(f);
}

void mynah_form_set(struct mynah_form *f, const char *var, const char *value)
{
    mynah_form_set_all(f, var, &value, value ? 1 : 0);
}

void mynah_form_describe(struct mynah_form *f, const char *title, const char *instructions)
{
    mynah_elem_add_text(f->x, "title", NULL, title);
    mynah_elem_add_text(f->x, "instructions", NULL, instructions);
    view(f);
}

void mynah_form_add(struct mynah_form *f, const char *type, const char *var, const char *label,
                    bool required)
{
    struct mynah_elem *e = mynah_elem_add(f->x, "field", NULL);

    mynah_elem_set(e, "type", type);
    mynah_elem_set(e, "var", var);
    mynah_elem_set(e, "label", label);
    if (required)
        mynah_elem_add(e, "required", NULL);
    view(f);
}

void mynah_form_option(struct mynah_form *f, const char *var, const char *label, const char *value)
{
    struct mynah_elem *x = mynah_elem_new("x", NS_DATA);

    mynah_elem_set(x, "type", mynah_elem_get(f->x, "type"));
    MYNAH_EACH(e, f->x, NULL, NULL)
    {
        struct mynah_elem *copy = mynah_elem_copy(e), *option;

        if (is_var(e, var)) {
            option = mynah_elem_add(copy, "option", NULL);
            mynah_elem_set(option, "label", label);
            mynah_elem_add_text(option, "value", NULL, value);
        }
        mynah_elem_hang(x, &copy);
    }
    mynah_elem_free(f->x);
    f->x = x;
    view(f);
}

struct mynah_elem *mynah_form_elem(const struct mynah_form *f)
{
    return mynah_elem_copy(f->x);
}
