/* XEP-0049 Private XML Storage: one element per name and namespace, read through, never resident.
 */
#include "server/module.h"
#include "server/quota.h"

struct conf {
    bool on;
    int64_t max_bytes;
};
static const struct mn_conf_row keys[] = {
    {"max_bytes", MN_CONF_SIZE, offsetof(struct conf, max_bytes), "1M", .min = 1 << 10,
     .max = 1 << 30, .text = "of an account, all elements together", .live = true},
    {0}};

static mn_str key_of(const struct mn_elem *e, struct mn_arena *a)
{
    return mn_arena_fmt(a, "%.*s %.*s", MN_ARG(e->name), MN_ARG(e->ns_uri));
}

static bool proper(const struct iq *iq)
{
    const struct mn_elem *e = mn_elem_first(iq->child);

    return e && e->ns_uri.n && e->ns != MN_NS_PRIVATE && e->ns != MN_NS_CLIENT;
}

/* What one takes, with its name. */
static mn_str written(const struct mn_elem *e, struct mn_arena *a)
{
    struct mn_buf b = {0};
    mn_str text;

    mn_elem_write(&b, e, MN_STR(""));
    text = mn_arena_str(a, mn_buf_view(&b));
    mn_buf_free(&b);
    return text;
}

static bool fits(const struct iq *iq)
{
    const struct conf *conf = config_module(iq->owner->snap->conf, &mod_private);
    struct mn_arena a = {0};
    struct quota_change c;

    quota_begin(iq->user, &c);
    for (const struct mn_elem *e = mn_elem_first(iq->child); e; e = mn_elem_next(e)) {
        mn_str key = key_of(e, &a);

        quota_set(&c, key, key.n + written(e, &a).n);
    }
    mn_arena_done(&a, NULL);
    return quota_end(&c, (uint64_t)conf->max_bytes);
}

static enum mn_cond on_set(struct iq *iq)
{
    struct mn_arena a = {0};

    if (!iq_is_self(iq))
        return MN_COND_FORBIDDEN;
    if (!proper(iq))
        return MN_COND_NOT_ACCEPTABLE;
    if (!fits(iq)) /* as XEP-0363 has it for quotas */
        return MN_COND_RESOURCE_CONSTRAINT;
    for (const struct mn_elem *e = mn_elem_first(iq->child); e; e = mn_elem_next(e))
        user_wrote(iq->user, store_set(iq->owner->writer, mn_jid_bare(&iq->user->jid), "private",
                                       key_of(e, &a), written(e, &a)));
    mn_arena_done(&a, NULL);
    return iq_result(iq, NULL); /* leaves when it is committed */
}

static void get_read(struct store_read *r)
{
    static const struct mn_xml_limits limits = {1 << 30, 1100, 10000};
    struct iq *iq = r->arg;
    struct mn_stanza *answer;
    struct mn_arena *a;
    struct mn_elem *q, *e;

    if (r->result) { /* not the same as nothing: the client would begin anew */
        iq_finish(iq, MN_COND_INTERNAL);
        store_read_free(r);
        return;
    }
    answer = iq_answer(iq);
    a = &answer->arena;
    q = mn_elem_add(a, mn_stanza_body(answer), MN_NS_PRIVATE, "query");
    if (!r->count || mn_xml_parse(mn_arena_str(a, r->rows[0].value), &limits, a, &e)) {
        const struct mn_elem *asked = mn_elem_first(iq->child);

        e = mn_elem_copy(a, asked);
        e->first = e->last = NULL;
    }
    mn_elem_hang(q, e);
    iq_result(iq, answer);
    iq_finish(iq, MN_COND_NONE);
    store_read_free(r);
}

static enum mn_cond on_get(struct iq *iq)
{
    struct mn_arena a = {0};

    if (!iq_is_self(iq))
        return MN_COND_FORBIDDEN;
    if (!proper(iq))
        return MN_COND_NOT_ACCEPTABLE;
    user_read(iq->user, "private", key_of(mn_elem_first(iq->child), &a), get_read, iq_hold(iq));
    mn_arena_done(&a, NULL);
    return MN_COND_LATER;
}

const struct module mod_private = {
    .name = "private",
    .xep = {{49, "1.2", "Private XML Storage", "wire/private; wire/private-quota"}},
    .user_feature = {"jabber:iq:private"},
    .conf = keys,
    .conf_size = sizeof(struct conf),
    .iq = {{MN_TYPE_SET, MN_NS_PRIVATE, "query", AT_USER, on_set},
           {MN_TYPE_GET, MN_NS_PRIVATE, "query", AT_USER, on_get}},
};
