/* XEP-0054 vcard-temp: one element per account, read by everybody, set by its owner, never
 * resident.
 */
#include "server/module.h"

struct conf {
    bool on;
    int64_t max_bytes;
};
static const struct mn_conf_row keys[] = {
    {"max_bytes", MN_CONF_SIZE, offsetof(struct conf, max_bytes), "128k", .min = 1 << 10,
     .max = 64 << 20, .text = "of an account's, with its picture", .live = true},
    {0}};

static enum mn_cond on_set(struct iq *iq)
{
    const struct conf *conf = config_module(iq->owner->snap->conf, &mod_vcard);
    struct mn_buf b = {0};

    if (!iq_is_self(iq) || (iq->via && iq->via->anonymous))
        return MN_COND_FORBIDDEN;
    mn_elem_write(&b, iq->child, MN_STR(""));
    if (b.n > (size_t)conf->max_bytes) {
        mn_buf_free(&b);
        return MN_COND_NOT_ACCEPTABLE; /* a smaller one may be sent */
    }
    user_wrote(iq->user, store_set(iq->owner->writer, mn_jid_bare(&iq->user->jid), "profile",
                                   MN_STR("vcard"), mn_buf_view(&b)));
    mn_buf_free(&b);
    return iq_result(iq, NULL);
}

static void get_read(struct store_read *r)
{
    struct iq *iq = r->arg;

    iq_finish(iq, r->result        ? MN_COND_RESOURCE_CONSTRAINT
                  : r->count       ? iq_result_bytes(iq, r->rows[0].value)
                  : iq_is_self(iq) ? MN_COND_ITEM_NOT_FOUND
                                   : MN_COND_SERVICE_UNAVAILABLE); /* as for no account (3.3) */
    store_read_free(r);
}

static enum mn_cond on_get(struct iq *iq)
{
    user_read(iq->user, "profile", MN_STR("vcard"), get_read, iq_hold(iq));
    return MN_COND_LATER;
}

const struct module mod_vcard = {
    .name = "vcard",
    .xep = {{54, "1.3.0", "vcard-temp", "wire/vcard; wire/vcard-quota"}},
    .feature = {"vcard-temp"},
    .user_feature = {"vcard-temp"},
    .conf = keys,
    .conf_size = sizeof(struct conf),
    .iq = {{MN_TYPE_GET, MN_NS_VCARD, "vCard", AT_USER, on_get},
           {MN_TYPE_SET, MN_NS_VCARD, "vCard", AT_USER, on_set}},
};
