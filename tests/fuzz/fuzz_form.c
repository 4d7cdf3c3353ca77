/* covers: mn_form_parse
 * What is read of a form is found under its names, each once; built anew and read again it is the
 * same. */
#include "xmpp/form.h"

#include "base/err.h"
#include "xmpp/xml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void again(const struct mn_form *f, struct mn_arena *a)
{
    struct mn_elem *x =
                       mn_form_add(a, mn_elem_new(a, MN_NS_CLIENT, "q"), f->type, NULL, NULL, NULL),
                   *field;
    struct mn_form got;

    for (size_t i = 0; i < f->count; i++) {
        field = mn_form_field(a, x, NULL, mn_arena_cstr(a, f->fields[i].var), NULL);
        for (size_t k = 0; k < f->fields[i].count; k++)
            mn_form_value(a, field, f->fields[i].values[k]);
    }
    MN_ASSERT(!mn_form_parse(x, a, &got) && got.type == f->type && got.count == f->count);
    for (size_t i = 0; i < f->count; i++) {
        MN_ASSERT(mn_str_eq(got.fields[i].var, f->fields[i].var) &&
                  got.fields[i].count == f->fields[i].count);
        for (size_t k = 0; k < f->fields[i].count; k++)
            MN_ASSERT(mn_str_eq(got.fields[i].values[k], f->fields[i].values[k]));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct mn_xml_limits wide = {1 << 20, 100, 100};
    struct mn_arena a = {0};
    struct mn_elem *x;
    struct mn_form f;

    if (!mn_xml_parse((mn_str){(const char *)data, size}, &wide, &a, &x) &&
        !mn_form_parse(x, &a, &f)) {
        for (size_t i = 0; i < f.count; i++) {
            const char *var = mn_arena_cstr(&a, f.fields[i].var);

            MN_ASSERT(mn_form_find(&f, var) == &f.fields[i]);
            MN_ASSERT(!mn_form_text(&f, var).p == (f.fields[i].count != 1));
        }
        again(&f, &a);
    }
    mn_arena_done(&a, NULL);
    return 0;
}
