#include "server/disco.h"

#include "server/module.h"
#include "xmpp/form.h"

/* It was made for its one session. */
static bool is_anonymous(const struct user *u)
{
    return !mn_list_empty(&u->sessions) && MN_OF(u->sessions.next, struct session, link)->anonymous;
}

void disco_fill(struct disco *d)
{
    struct mn_elem *e = mn_elem_add(d->a, d->query, MN_NS_DISCO_INFO, "identity");

    mn_elem_set(d->a, e, "category", d->user ? MN_STR("account") : MN_STR("server"));
    mn_elem_set(d->a, e, "type",
                !d->user                ? MN_STR("im")
                : is_anonymous(d->user) ? MN_STR("anonymous")
                                        : MN_STR("registered"));
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
    return mn_form_add(d->a, d->query, MN_FORM_RESULT, type, NULL, NULL);
}
