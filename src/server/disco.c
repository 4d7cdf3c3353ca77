#include "server/disco.h"

#include "server/module.h"

void disco_fill(struct disco *d)
{
    struct mn_elem *e = mn_elem_add(d->a, d->query, MN_NS_DISCO_INFO, "identity");

    mn_elem_set(d->a, e, "category", d->user ? MN_STR("account") : MN_STR("server"));
    mn_elem_set(d->a, e, "type", d->user ? MN_STR("registered") : MN_STR("im"));
    if (!d->user)
        mn_elem_set(d->a, e, "name", MN_STR("Mynah"));
    for (const struct module *const *m = modules; *m; m++) {
        const char *const *list = d->user ? (*m)->user_feature : (*m)->feature;

        for (int i = 0; i < 4 && list[i] && module_on(d->owner->srv, *m); i++)
            mn_elem_set(d->a, mn_elem_add(d->a, d->query, MN_NS_DISCO_INFO, "feature"), "var",
                        mn_str_from(list[i]));
    }
    HOOK_RUN(d->owner->srv, disco_info, d);
}

struct mn_elem *disco_form(struct disco *d, const char *type)
{
    struct mn_elem *x = mn_elem_add(d->a, d->query, MN_NS_DATA, "x"), *f;

    mn_elem_set(d->a, x, "type", MN_STR("result"));
    f = disco_field(d, x, "FORM_TYPE");
    mn_elem_set(d->a, f, "type", MN_STR("hidden"));
    mn_elem_add_text(d->a, f, MN_NS_DATA, "value", mn_str_from(type));
    return x;
}

struct mn_elem *disco_field(struct disco *d, struct mn_elem *form, const char *var)
{
    struct mn_elem *f = mn_elem_add(d->a, form, MN_NS_DATA, "field");

    mn_elem_set(d->a, f, "var", mn_str_from(var));
    return f;
}
