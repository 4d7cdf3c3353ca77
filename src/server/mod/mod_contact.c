/* XEP-0157 Contact Addresses for XMPP Services: those that the operator wrote, as a form in what
 * the host says of itself (XEP-0128). */
#include "server/disco.h"
#include "server/module.h"
#include "xmpp/form.h"

static const char *const fields[CONF_CONTACTS] = {
    [CONF_CONTACT_ABUSE] = "abuse-addresses",       [CONF_CONTACT_ADMIN] = "admin-addresses",
    [CONF_CONTACT_FEEDBACK] = "feedback-addresses", [CONF_CONTACT_SALES] = "sales-addresses",
    [CONF_CONTACT_SECURITY] = "security-addresses", [CONF_CONTACT_STATUS] = "status-addresses",
    [CONF_CONTACT_SUPPORT] = "support-addresses",
};

static void on_info(struct disco *d)
{
    const struct mn_conf_list *lists = d->owner->snap->conf->contact;
    struct mn_elem *form = NULL, *f;

    for (int i = 0; i < CONF_CONTACTS && !d->user; i++) {
        if (!lists[i].count)
            continue;
        if (!form)
            form = disco_form(d, "http://jabber.org/network/serverinfo");
        f = mn_form_field(d->a, form, NULL, fields[i], NULL);
        for (size_t k = 0; k < lists[i].count; k++)
            mn_form_value(d->a, f, ((const mn_str *)lists[i].items)[k]);
    }
}

const struct module mod_contact = {
    .name = "contact",
    .xep = {{128, "1.0.1", "Service Discovery Extensions", "wire/contact"},
            {157, "1.1.1", "Contact Addresses for XMPP Services", "wire/contact"}},
    .disco_info = on_info,
};
