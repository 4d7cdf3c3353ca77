/* XEP-0055 Jabber Search. Fields of the namespace and data forms are told as the same table: rows
 * are elements whose cells are found by name. */
#include "mynah/search.h"

#include "base/err.h"
#include "client/client.h"

#define NS_SEARCH "jabber:iq:search"
#define NS_DATA "jabber:x:data"

/* Those that the schema has; more come by forms alone. */
static const char *const columns[] = {"first", "last", "nick", "email"};

struct mynah_found {
    const struct mynah_form *form; /* or NULL: fields */
    const struct mynah_elem **items;
    size_t count;
    const char *jid; /* the column with addresses */
};

struct wanted {
    union {
        mynah_search_form_done *form;
        mynah_search_done *found;
    } done;
    void *arg;
};

static struct mynah_request *ask(struct mynah_client *c, enum mynah_iq_type type, const char *to,
                                 struct mynah_elem *query, mynah_iq_done *came, struct wanted want)
{
    struct wanted *w = MN_NEW(struct wanted);

    *w = want;
    return mynah_iq_send(c, type, to, &query, 0, came, w);
}

static void fields_tell(struct wanted *w, struct mynah_client *c, const struct mynah_elem *query)
{
    struct mynah_form *form = mynah_form_read(query);
    const char *names[MN_COUNT(columns)];
    struct mynah_search_form f = {
        .instructions = mynah_elem_child_text(query, "instructions", NS_SEARCH),
        .names = names,
        .form = form,
    };

    for (size_t i = 0; i < MN_COUNT(columns); i++)
        if (mynah_elem_child(query, columns[i], NS_SEARCH))
            names[f.count++] = columns[i];
    w->done.form(w->arg, c, &f, NULL);
    mynah_form_free(form);
}

static void fields_came(void *arg, struct mynah_client *c, const struct mynah_elem *result,
                        const struct mynah_error *error)
{
    struct wanted *w = arg;
    const struct mynah_elem *query = mynah_elem_child(result, "query", NS_SEARCH);
    struct mynah_error none = {.code = MYNAH_E_FORMAT, .xml = result};

    if (query)
        fields_tell(w, c, query);
    else
        w->done.form(w->arg, c, NULL, error ? error : &none);
    mn_free(w);
}

struct mynah_request *mynah_search_fields(struct mynah_client *c, const char *to,
                                          mynah_search_form_done *done, void *arg)
{
    return ask(c, MYNAH_GET, to, mynah_elem_new("query", NS_SEARCH), fields_came,
               (struct wanted){.done.form = done, .arg = arg});
}

/* The column that says it holds addresses, else the one that is always called so. */
static const char *jid_column(const struct mynah_form *form)
{
    const struct mynah_field *column;

    for (size_t i = 0; form && (column = mynah_form_column(form, i)); i++)
        if (column->var && !strcmp(column->type, "jid-single"))
            return column->var;
    return "jid";
}

static void found_tell(struct wanted *w, struct mynah_client *c, const struct mynah_elem *query)
{
    struct mynah_form *form = mynah_form_read(query);
    const struct mynah_elem *list = form ? mynah_elem_child(query, "x", NS_DATA) : query;
    struct mynah_found f = {.form = form, .jid = jid_column(form)};

    f.items = mn_alloc0((elem_count(list, "item", mynah_elem_ns(list)) + 1) * sizeof *f.items);
    MYNAH_EACH(e, list, "item", mynah_elem_ns(list))
    f.items[f.count++] = e;
    w->done.found(w->arg, c, &f, NULL);
    mn_free(f.items);
    mynah_form_free(form);
}

static void found_came(void *arg, struct mynah_client *c, const struct mynah_elem *result,
                       const struct mynah_error *error)
{
    struct wanted *w = arg;
    const struct mynah_elem *query = mynah_elem_child(result, "query", NS_SEARCH);
    struct mynah_error none = {.code = MYNAH_E_FORMAT, .xml = result};

    if (query)
        found_tell(w, c, query);
    else
        w->done.found(w->arg, c, NULL, error ? error : &none);
    mn_free(w);
}

struct mynah_request *mynah_search(struct mynah_client *c, const char *to, const char *const *names,
                                   const char *const *values, size_t count, mynah_search_done *done,
                                   void *arg)
{
    struct mynah_elem *query = mynah_elem_new("query", NS_SEARCH);

    for (size_t i = 0; i < count; i++)
        mynah_elem_add_text(query, names[i], NULL, values[i]);
    return ask(c, MYNAH_SET, to, query, found_came,
               (struct wanted){.done.found = done, .arg = arg});
}

struct mynah_request *mynah_search_submit(struct mynah_client *c, const char *to,
                                          const struct mynah_form *form, mynah_search_done *done,
                                          void *arg)
{
    struct mynah_elem *query = mynah_elem_new("query", NS_SEARCH), *x = mynah_form_elem(form);

    mynah_elem_hang(query, &x);
    return ask(c, MYNAH_SET, to, query, found_came,
               (struct wanted){.done.found = done, .arg = arg});
}

size_t mynah_found_rows(const struct mynah_found *f)
{
    return f->count;
}

bool mynah_found_column(const struct mynah_found *f, size_t i, const char **name,
                        const char **label)
{
    const struct mynah_field *column = f->form ? mynah_form_column(f->form, i) : NULL;
    const char *text = f->form                 ? (column ? column->var : NULL)
                       : i < MN_COUNT(columns) ? columns[i]
                                               : NULL;

    *name = text ? text : "";
    if (label)
        *label = column ? column->label : NULL;
    return f->form ? column != NULL : text != NULL;
}

const char *mynah_found_cell(const struct mynah_found *f, size_t row, const char *name)
{
    const struct mynah_elem *item = row < f->count ? f->items[row] : NULL;

    if (!f->form)
        return mynah_elem_child_text(item, name, NS_SEARCH);
    MYNAH_EACH(field, item, "field", NS_DATA)
    if (mynah_elem_get(field, "var") && !strcmp(mynah_elem_get(field, "var"), name))
        return mynah_elem_child_text(field, "value", NS_DATA);
    return NULL;
}

const char *mynah_found_jid(const struct mynah_found *f, size_t row)
{
    if (f->form)
        return mynah_found_cell(f, row, f->jid);
    return row < f->count ? mynah_elem_get(f->items[row], "jid") : NULL;
}
