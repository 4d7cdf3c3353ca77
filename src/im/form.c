#include "im/form.h"

#include <unistd.h>

#include "base/err.h"
#include "im/lang.h"

#define NS_DATA "jabber:x:data"
#define NS_VALIDATE "http://jabber.org/protocol/xdata-validate"
#define NS_MEDIA "urn:xmpp:media-element"

/* Texts. */

/* At most so many bytes, never half a character. */
static const char *cut(struct mn_arena *a, const char *text, size_t max)
{
    size_t n = text ? strlen(text) : 0;

    if (!text)
        return NULL;
    if (n <= max)
        return mn_arena_cstr(a, (mn_str){text, n});
    for (n = max; n && ((unsigned char)text[n] & 0xc0) == 0x80; n--)
        ;
    return mn_arena_cstr(a, mn_arena_fmt(a, "%.*s…", (int)n, text));
}

static void *room(void *items, size_t count, size_t *cap, size_t size)
{
    if (count < *cap)
        return items;
    *cap = *cap ? 2 * *cap : 16;
    return mn_realloc(items, *cap * size);
}

/* Building. */

struct im_form *im_form_new(const char *title, const char *instructions)
{
    struct im_form *f = MN_NEW(struct im_form);

    f->title = cut(&f->a, title, IM_FORM_LABEL);
    f->instructions = cut(&f->a, instructions, IM_FORM_TEXT);
    return f;
}

void im_form_free(struct im_form *f)
{
    if (!f)
        return;
    for (size_t i = 0; i < f->count; i++) {
        if (f->fields[i].value)
            explicit_bzero(f->fields[i].value, strlen(f->fields[i].value));
        mn_free(f->fields[i].value);
        mn_free(f->fields[i].options);
        mynah_elem_free(f->fields[i].media);
        if (f->fields[i].is_file)
            unlink(f->fields[i].link);
    }
    mn_free(f->fields);
    mn_free(f->rows);
    mynah_elem_free(f->x);
    mn_arena_done(&f->a, NULL);
    mn_free(f);
}

struct im_field *im_form_add(struct im_form *f, enum im_field_kind kind, const char *var,
                             const char *label, const char *value)
{
    struct im_field *field;

    if (f->count == IM_FORM_FIELDS) {
        f->left_out++;
        return NULL;
    }
    f->fields = room(f->fields, f->count, &f->field_cap, sizeof *f->fields);
    field = &f->fields[f->count++];
    *field = (struct im_field){.kind = kind,
                               .var = var ? mn_arena_cstr(&f->a, mn_str_from(var)) : NULL,
                               .label = cut(&f->a,
                                            label ? label
                                            : var ? var
                                                  : "",
                                            IM_FORM_LABEL),
                               .rule = {.least = -1, .most = -1}};
    field->locked = value && strlen(value) > IM_FORM_VALUE;
    field->value = mn_str_dup(mn_str_from(cut(&f->a, value ? value : "", IM_FORM_VALUE)));
    field->checked =
        kind == IM_FIELD_CHECK && value && (!strcmp(value, "1") || !strcmp(value, "true"));
    return field;
}

void im_form_option(struct im_form *f, struct im_field *field, const char *label, const char *value,
                    bool chosen)
{
    size_t n = field->option_count;

    if (n == IM_FORM_OPTIONS)
        return;
    if (!(n & (n - 1)))
        field->options = mn_realloc(field->options, (n ? 2 * n : 1) * sizeof *field->options);
    field->options[field->option_count++] =
        (struct im_option){cut(&f->a, label && *label ? label : value, IM_FORM_LABEL),
                           mn_arena_cstr(&f->a, mn_str_from(value)), chosen};
}

void im_form_column(struct im_form *f, const char *label)
{
    if (!f->columns)
        f->columns = mn_arena_alloc0(&f->a, IM_FORM_COLUMNS * sizeof *f->columns);
    if (f->column_count < IM_FORM_COLUMNS)
        f->columns[f->column_count++] = cut(&f->a, label, IM_FORM_LABEL);
}

struct im_row *im_form_row(struct im_form *f, const char *key)
{
    struct im_row *row;

    if (f->row_count == IM_FORM_ROWS) {
        f->left_out++;
        return NULL;
    }
    f->rows = room(f->rows, f->row_count, &f->row_cap, sizeof *f->rows);
    row = &f->rows[f->row_count++];
    row->key = key ? mn_arena_cstr(&f->a, mn_str_from(key)) : NULL;
    row->cells = mn_arena_alloc0(&f->a, (f->column_count + 1) * sizeof *row->cells);
    for (size_t i = 0; i < f->column_count; i++)
        row->cells[i] = "";
    return row;
}

void im_form_cell(struct im_form *f, struct im_row *row, size_t column, const char *text)
{
    if (row && column < f->column_count && text)
        row->cells[column] = cut(&f->a, text, IM_FORM_LABEL);
}

/* Reading. */

static enum im_field_kind kind_of(const struct mynah_field *field, bool asked)
{
    static const struct {
        const char *type;
        enum im_field_kind kind;
    } kinds[] = {{"boolean", IM_FIELD_CHECK},      {"fixed", IM_FIELD_FIXED},
                 {"jid-multi", IM_FIELD_LINES},    {"list-multi", IM_FIELD_MANY},
                 {"list-single", IM_FIELD_ONE},    {"text-multi", IM_FIELD_LINES},
                 {"text-private", IM_FIELD_SECRET}};

    if (!asked || !field->var)
        return IM_FIELD_FIXED;
    for (size_t i = 0; i < MN_COUNT(kinds); i++)
        if (!strcmp(field->type, kinds[i].type))
            return kinds[i].kind;
    return IM_FIELD_TEXT;
}

static const char *joined(struct mn_arena *a, const struct mynah_field *field)
{
    struct mn_buf b = {0};
    const char *text;

    for (size_t i = 0; i < field->value_count && b.n <= 2 * IM_FORM_VALUE; i++)
        mn_buf_fmt(&b, "%s%s", i ? "\n" : "", field->values[i]);
    text = mn_arena_cstr(a, mn_buf_view(&b));
    mn_buf_free(&b);
    return text;
}

static bool has_value(const struct mynah_field *field, const char *value)
{
    for (size_t i = 0; i < field->value_count && i < IM_FORM_OPTIONS; i++)
        if (!strcmp(field->values[i], value))
            return true;
    return false;
}

static const char *set_text(struct mn_arena *a, const struct mynah_elem *e, const char *attribute)
{
    return cut(a, mynah_elem_get(e, attribute), IM_FORM_LABEL);
}

static int64_t count_of(const struct mynah_elem *range, const char *attribute)
{
    const char *text = mynah_elem_get(range, attribute);

    return text && *text >= '0' && *text <= '9' ? strtol(text, NULL, 10) : -1;
}

static void rule_read(struct im_form *f, struct im_field *field, const struct mynah_elem *xml)
{
    const struct mynah_elem *v = mynah_elem_child(xml, "validate", NS_VALIDATE),
                            *range = mynah_elem_child(v, "range", NS_VALIDATE),
                            *listed = mynah_elem_child(v, "list-range", NS_VALIDATE);
    bool open = range || mynah_elem_child(v, "open", NS_VALIDATE) ||
                mynah_elem_child(v, "regex", NS_VALIDATE);

    if (!v)
        return;
    field->rule.type = set_text(&f->a, v, "datatype");
    field->rule.min = set_text(&f->a, range, "min");
    field->rule.max = set_text(&f->a, range, "max");
    field->rule.pattern = cut(&f->a, mynah_elem_child_text(v, "regex", NS_VALIDATE), IM_FORM_LABEL);
    field->rule.least = count_of(listed, "min");
    field->rule.most = count_of(listed, "max");
    if (open && field->kind == IM_FIELD_ONE) /* 3.2.2: may also be written */
        field->kind = IM_FIELD_TEXT;
    if (open && field->kind == IM_FIELD_MANY)
        field->kind = IM_FIELD_LINES;
}

static bool is_page(const char *text)
{
    return !strncmp(text, "http://", 7) || !strncmp(text, "https://", 8);
}

/* A picture or a sound that is a page, best for a browser. */
static const char *media_page(struct mn_arena *a, const struct mynah_elem *media)
{
    MYNAH_EACH(uri, media, "uri", NS_MEDIA)
    {
        const char *text = mn_arena_cstr(a, mn_str_trim(mn_str_from(mynah_elem_text(uri))));

        if (is_page(text))
            return cut(a, text, IM_FORM_TEXT);
    }
    return NULL;
}

static void field_read(struct im_form *f, const struct mynah_field *from, bool asked)
{
    const struct mynah_elem *media = mynah_elem_child(from->xml, "media", NS_MEDIA);
    enum im_field_kind kind = kind_of(from, asked);
    const char *value = joined(&f->a, from);
    struct im_field *field = im_form_add(f, kind, from->var, from->label, value);

    if (!field)
        return;
    field->required = from->required && asked;
    field->jid = !strncmp(from->type, "jid-", 4);
    field->desc = cut(&f->a, from->desc, IM_FORM_TEXT);
    if (!asked && !strcmp(from->type, "boolean"))
        im_field_set(field, !strcmp(value, "1") || !strcmp(value, "true") ? _("yes") : _("no"));
    if (media)
        field->media = mynah_elem_copy(media);
    field->link = media                                     ? media_page(&f->a, media)
                  : kind == IM_FIELD_TEXT && is_page(value) ? cut(&f->a, value, IM_FORM_TEXT)
                                                            : NULL;
    for (size_t i = 0; i < from->option_count; i++)
        im_form_option(f, field, from->options[i].label, from->options[i].value,
                       has_value(from, from->options[i].value));
    rule_read(f, field, from->xml);
    field->touched = false;
}

static void table_read(struct im_form *f, const struct mynah_form *from)
{
    const struct mynah_field *column, *jid = NULL;

    for (size_t i = 0; (column = mynah_form_column(from, i)) && i < IM_FORM_COLUMNS; i++) {
        im_form_column(f, column->label ? column->label : column->var ? column->var : "");
        if (!jid && column->var && !strcmp(column->type, "jid-single"))
            jid = column;
    }
    for (size_t r = 0; f->column_count && r < mynah_form_rows(from); r++) {
        struct im_row *row = im_form_row(f, jid ? mynah_form_cell(from, r, jid->var) : NULL);

        for (size_t i = 0; row && i < f->column_count; i++)
            if ((column = mynah_form_column(from, i))->var)
                im_form_cell(f, row, i, mynah_form_cell(from, r, column->var));
    }
}

struct im_form *im_form_read(const struct mynah_form *from)
{
    struct im_form *f = im_form_new(mynah_form_title(from), mynah_form_instructions(from));
    bool asked = strcmp(mynah_form_type(from), "result") != 0;
    const struct mynah_field *field;

    f->x = mynah_form_elem(from);
    for (size_t i = 0; (field = mynah_form_at(from, i)); i++)
        if (f->count == IM_FORM_FIELDS)
            f->left_out++;
        else if (strcmp(field->type, "hidden") != 0)
            field_read(f, field, asked);
    table_read(f, from);
    return f;
}

/* XEP-0077 and XEP-0055 name them so. */
static const struct plain {
    const char *name, *label;
    bool needed, hidden;
} plains[] = {
    {"username", N_("User name"), true, false}, {"password", N_("Password"), true, true},
    {"nick", N_("Nickname"), false, false},     {"name", N_("Full name"), false, false},
    {"first", N_("First name"), false, false},  {"last", N_("Last name"), false, false},
    {"email", N_("E-mail"), false, false},      {"address", N_("Street"), false, false},
    {"city", N_("City"), false, false},         {"state", N_("Region"), false, false},
    {"zip", N_("Postal code"), false, false},   {"phone", N_("Phone"), false, false},
    {"url", N_("Web page"), false, false},      {"date", N_("Date"), false, false},
    {"misc", N_("Other"), false, false},        {"text", N_("Text"), false, false},
    {"key", N_("Key"), false, false},
};

static struct plain plain_of(const char *name)
{
    for (size_t i = 0; i < MN_COUNT(plains); i++)
        if (!strcmp(name, plains[i].name))
            return plains[i];
    return (struct plain){name, NULL, false, false};
}

struct im_form *im_form_plain(const char *instructions, const char *const *names,
                              const char *const *values, size_t count)
{
    struct im_form *f = im_form_new(NULL, instructions);

    for (size_t i = 0; i < count; i++) {
        struct plain p = plain_of(names[i]);
        struct im_field *field =
            im_form_add(f, p.hidden ? IM_FIELD_SECRET : IM_FIELD_TEXT, names[i],
                        p.label ? _(p.label) : NULL, values ? values[i] : NULL);

        if (field)
            field->required = p.needed;
    }
    return f;
}

/* Values. */

struct im_field *im_form_find(const struct im_form *f, const char *var)
{
    for (size_t i = 0; i < f->count; i++)
        if (f->fields[i].var && !strcmp(f->fields[i].var, var))
            return &f->fields[i];
    return NULL;
}

const char *im_form_value(const struct im_form *f, const char *var)
{
    const struct im_field *field = im_form_find(f, var);

    if (!field)
        return "";
    for (size_t i = 0; i < field->option_count && field->kind == IM_FIELD_ONE; i++)
        if (field->options[i].chosen)
            return field->options[i].value;
    return field->value;
}

void im_field_set(struct im_field *field, const char *value)
{
    if (!strcmp(field->value, value))
        return;
    explicit_bzero(field->value, strlen(field->value));
    mn_free(field->value);
    field->value = mn_str_dup(mn_str_from(value));
    field->touched = true;
}

bool im_field_has_options(const struct im_field *field)
{
    return field->kind == IM_FIELD_ONE || field->kind == IM_FIELD_MANY;
}

void im_field_choose(struct im_field *field, size_t option)
{
    bool one = field->kind == IM_FIELD_ONE;

    for (size_t i = 0; i < field->option_count && one; i++)
        field->options[i].chosen = false;
    field->options[option].chosen = one || !field->options[option].chosen;
    field->touched = true;
}

/* Answers. */

static void lines_add(struct mynah_elem *to, const char *text)
{
    mn_str rest = mn_str_from(text);

    while (rest.n) {
        char *line = mn_str_dup(mn_str_cut(rest, '\n', &rest));

        if (*line || rest.n)
            mynah_elem_add_text(to, "value", NULL, line);
        mn_free(line);
    }
}

static void values_add(struct mynah_elem *to, const struct im_field *field)
{
    for (size_t i = 0; i < field->option_count && im_field_has_options(field); i++)
        if (field->options[i].chosen)
            mynah_elem_add_text(to, "value", NULL, field->options[i].value);
    if (field->kind == IM_FIELD_CHECK)
        mynah_elem_add_text(to, "value", NULL, field->checked ? "1" : "0");
    else if (field->kind == IM_FIELD_LINES)
        lines_add(to, field->value);
    else if (!im_field_has_options(field))
        mynah_elem_add_text(to, "value", NULL, field->value);
}

static void answer_field(struct mynah_elem *x, const struct mynah_elem *asked,
                         const struct im_field *field)
{
    struct mynah_elem *to = mynah_elem_add(x, "field", NULL);

    mynah_elem_set(to, "var", mynah_elem_get(asked, "var"));
    mynah_elem_set(to, "type", mynah_elem_get(asked, "type"));
    if (field && field->touched) {
        values_add(to, field);
        return;
    }
    MYNAH_EACH(value, asked, "value", NS_DATA)
    mynah_elem_add_text(to, "value", NULL, mynah_elem_text(value));
}

/* Field by field as they came: ours are those of them that are shown, in the same order. */
struct mynah_form *im_form_answer(const struct im_form *f)
{
    struct mynah_elem *x = mynah_elem_new("x", NS_DATA);
    struct mynah_form *answer;
    size_t i = 0;

    mynah_elem_set(x, "type", "submit");
    MYNAH_EACH(asked, f->x, "field", NS_DATA)
    {
        const char *type = mynah_elem_get(asked, "type"), *var = mynah_elem_get(asked, "var");
        bool hidden = type && !strcmp(type, "hidden");
        const struct im_field *field = !hidden && i < f->count ? &f->fields[i++] : NULL;

        if (var && !(type && !strcmp(type, "fixed")))
            answer_field(x, asked, field);
    }
    answer = mynah_form_read(x);
    mynah_elem_free(x);
    return answer;
}

size_t im_form_answers(const struct im_form *f, struct mn_arena *a, const char *const **names,
                       const char *const **values)
{
    const char **n = mn_arena_alloc0(a, (f->count + 1) * sizeof *n),
               **v = mn_arena_alloc0(a, (f->count + 1) * sizeof *v);
    size_t count = 0;

    for (size_t i = 0; i < f->count; i++)
        if (f->fields[i].var && !f->fields[i].ours) {
            n[count] = f->fields[i].var;
            v[count++] = im_form_value(f, f->fields[i].var);
        }
    *names = n;
    *values = v;
    return count;
}

/* Registration. */

struct im_form *im_form_registration(const struct mynah_register_form *asked)
{
    struct mynah_form *data = asked->form ? mynah_form_read(asked->form) : NULL;
    struct im_form *f = data           ? im_form_read(data)
                        : asked->count ? im_form_plain(asked->instructions, asked->names,
                                                       asked->values, asked->count)
                                       : NULL;

    if (data)
        im_form_media(f, asked->xml);
    mynah_form_free(data);
    return f;
}

void im_form_register(const struct im_form *f, struct mynah_client *c, const char *to,
                      mynah_iq_done *done, void *arg)
{
    struct mn_arena a = {0};
    const char *const *names, *const *values;
    struct mynah_form *answer;
    struct mynah_elem *x;
    size_t n;

    if (f->x) {
        answer = im_form_answer(f);
        x = mynah_form_elem(answer);
        mynah_register_submit(c, to, &x, done, arg);
        mynah_form_free(answer);
    } else {
        n = im_form_answers(f, &a, &names, &values);
        mynah_register(c, to, names, values, n, done, arg);
    }
    mn_arena_done(&a, NULL);
}
