/* Offers of files: the elements of XEP-0095 and XEP-0096, with the negotiation of XEP-0020. */
#include "client/file.h"

#include "client/elem.h"
#include "mynah/form.h"
#include "xmpp/datetime.h"

#define NS_NEGOTIATE "http://jabber.org/protocol/feature-neg"

static const struct {
    unsigned kind;
    const char *ns;
} methods_known[] = {
    {MYNAH_SOCKS5, "http://jabber.org/protocol/bytestreams"},
    {MYNAH_IBB, "http://jabber.org/protocol/ibb"},
};

static unsigned method_of(const char *ns)
{
    for (size_t i = 0; ns && i < MN_COUNT(methods_known); i++)
        if (!strcmp(methods_known[i].ns, ns))
            return methods_known[i].kind;
    return 0;
}

void si_negotiate(struct mynah_elem *si, const char *type, unsigned methods)
{
    struct mynah_form *form = mynah_form_new(type, NULL);
    struct mynah_elem *x;

    if (!strcmp(type, "form"))
        mynah_form_add(form, "list-single", "stream-method", NULL, false);
    for (size_t i = 0; i < MN_COUNT(methods_known); i++) {
        if (!(methods & methods_known[i].kind))
            continue;
        if (!strcmp(type, "form"))
            mynah_form_option(form, "stream-method", NULL, methods_known[i].ns);
        else
            mynah_form_set(form, "stream-method", methods_known[i].ns);
    }
    x = mynah_form_elem(form);
    mynah_elem_hang(mynah_elem_add(si, "feature", NS_NEGOTIATE), &x);
    mynah_form_free(form);
}

struct mynah_elem *file_offer(const char *sid, const struct mynah_file_info *info, unsigned methods)
{
    struct mynah_elem *si = mynah_elem_new("si", NS_SI), *e;
    struct mn_arena a = {0};

    mynah_elem_set(si, "id", sid);
    mynah_elem_set(si, "mime-type", info->mime ? info->mime : "application/octet-stream");
    mynah_elem_set(si, "profile", NS_FILE);
    e = mynah_elem_add(si, "file", NS_FILE);
    mynah_elem_set(e, "name", info->name);
    elem_set_number(e, "size", info->length);
    mynah_elem_set(e, "hash", info->md5);
    if (info->changed_at)
        mynah_elem_set(e, "date", mn_arena_cstr(&a, mn_datetime_text(info->changed_at, &a)));
    mynah_elem_add_text(e, "desc", NULL, info->desc);
    if (info->range)
        mynah_elem_add(e, "range", NULL);
    mn_arena_done(&a, NULL);
    si_negotiate(si, "form", methods);
    return si;
}

/* What the name would be below a folder of ours; NULL: nothing that could be written there. */
static const char *name_of(const char *path)
{
    const char *name = path ? path : "";

    for (const char *p = name; *p; p++)
        if (*p == '/' || *p == '\\')
            name = p + 1;
    return !*name || !strcmp(name, ".") || !strcmp(name, "..") ? NULL : name;
}

static bool is_md5(const char *text)
{
    return text && strlen(text) == 32 && strspn(text, "0123456789abcdefABCDEF") == 32;
}

bool file_offered(const struct mynah_elem *si, struct mynah_file_info *out)
{
    const struct mynah_elem *e = mynah_elem_child(si, "file", NS_FILE);
    const char *date = mynah_elem_get(e, "date"), *md5 = mynah_elem_get(e, "hash");

    *out = (struct mynah_file_info){.size = sizeof *out,
                                    .name = name_of(mynah_elem_get(e, "name")),
                                    .mime = mynah_elem_get(si, "mime-type"),
                                    .desc = mynah_elem_child_text(e, "desc", NS_FILE),
                                    .md5 = is_md5(md5) ? md5 : NULL,
                                    .range = mynah_elem_child(e, "range", NS_FILE)};
    if (date && mn_datetime_parse(mn_str_from(date), &out->changed_at))
        out->changed_at = 0;
    return out->name && elem_number(e, "size", INT64_MAX, &out->length);
}

unsigned si_methods(const struct mynah_elem *si)
{
    struct mynah_form *form = mynah_form_read(mynah_elem_child(si, "feature", NS_NEGOTIATE));
    const struct mynah_field *field = form ? mynah_form_find(form, "stream-method") : NULL;
    unsigned methods = 0;

    for (size_t i = 0; field && i < field->option_count; i++)
        methods |= method_of(field->options[i].value);
    mynah_form_free(form);
    return methods;
}

struct mynah_elem *file_answer(uint64_t begin)
{
    struct mynah_elem *file = begin ? mynah_elem_new("file", NS_FILE) : NULL;

    if (file)
        elem_set_number(mynah_elem_add(file, "range", NULL), "offset", begin);
    return file;
}

/* Numbers that are there have to be numbers; `out` keeps its value for those that are not. */
static bool number(const struct mynah_elem *e, const char *name, uint64_t max, uint64_t *out)
{
    return !mynah_elem_get(e, name) || elem_number(e, name, max, out);
}

unsigned si_method(const struct mynah_elem *si)
{
    struct mynah_form *form = mynah_form_read(mynah_elem_child(si, "feature", NS_NEGOTIATE));
    unsigned method = form ? method_of(mynah_form_value(form, "stream-method")) : 0;

    mynah_form_free(form);
    return method;
}

bool file_answered(const struct mynah_elem *si, const struct mynah_file_info *offered,
                   unsigned *method, uint64_t *begin, uint64_t *count)
{
    const struct mynah_elem *range =
        mynah_elem_child(mynah_elem_child(si, "file", NS_FILE), "range", NS_FILE);

    *method = si_method(si);
    *begin = 0;
    *count = offered->length;
    if (!range)
        return true;
    if (!number(range, "offset", offered->length, begin))
        return false;
    *count = offered->length - *begin;
    return number(range, "length", *count, count) && (offered->range || *count == offered->length);
}
