#include "xmpp/stanza.h"

#include "base/loop.h"
#include "xmpp/datetime.h"

static const mn_str kinds[] = {MN_STR("message"), MN_STR("presence"), MN_STR("iq")};

static const struct {
    mn_str name;
    unsigned kinds; /* 1 << kind */
} types[] = {
    [MN_TYPE_NONE] = {{0}, 0},
    [MN_TYPE_ERROR] = {MN_STR("error"), 1 << MN_MESSAGE | 1 << MN_PRESENCE | 1 << MN_IQ},
    [MN_TYPE_NORMAL] = {MN_STR("normal"), 1 << MN_MESSAGE},
    [MN_TYPE_CHAT] = {MN_STR("chat"), 1 << MN_MESSAGE},
    [MN_TYPE_GROUPCHAT] = {MN_STR("groupchat"), 1 << MN_MESSAGE},
    [MN_TYPE_HEADLINE] = {MN_STR("headline"), 1 << MN_MESSAGE},
    [MN_TYPE_UNAVAILABLE] = {MN_STR("unavailable"), 1 << MN_PRESENCE},
    [MN_TYPE_SUBSCRIBE] = {MN_STR("subscribe"), 1 << MN_PRESENCE},
    [MN_TYPE_SUBSCRIBED] = {MN_STR("subscribed"), 1 << MN_PRESENCE},
    [MN_TYPE_UNSUBSCRIBE] = {MN_STR("unsubscribe"), 1 << MN_PRESENCE},
    [MN_TYPE_UNSUBSCRIBED] = {MN_STR("unsubscribed"), 1 << MN_PRESENCE},
    [MN_TYPE_PROBE] = {MN_STR("probe"), 1 << MN_PRESENCE},
    [MN_TYPE_GET] = {MN_STR("get"), 1 << MN_IQ},
    [MN_TYPE_SET] = {MN_STR("set"), 1 << MN_IQ},
    [MN_TYPE_RESULT] = {MN_STR("result"), 1 << MN_IQ},
};

mn_str mn_type_name(enum mn_type t)
{
    return t < MN_COUNT(types) ? types[t].name : (mn_str){0};
}

mn_str mn_kind_name(enum mn_kind k)
{
    return kinds[k];
}

/* RFC 6121 5.2.2: a message of a type we do not know is normal; presence and iq have no such rule.
 */
static enum mn_type type_find(enum mn_kind kind, mn_str name)
{
    if (!name.p)
        return kind == MN_IQ ? MN_TYPE_BAD : MN_TYPE_NONE;
    for (size_t i = 1; i < MN_COUNT(types); i++)
        if ((types[i].kinds & 1u << kind) && mn_str_eq(types[i].name, name))
            return (enum mn_type)i;
    return kind == MN_MESSAGE ? MN_TYPE_NONE : MN_TYPE_BAD;
}

static struct mn_pool *pool_here(void)
{
    struct mn_loop *l = mn_loop_here();

    return l ? mn_loop_pool(l) : NULL;
}

/* The struct goes into the arena that it owns from then on. */
static struct mn_stanza *in_arena(struct mn_arena *a)
{
    struct mn_stanza *st = mn_arena_alloc0(a, sizeof *st);

    atomic_init(&st->refs, 1);
    st->arena = *a;
    *a = (struct mn_arena){.pool = a->pool};
    return st;
}

static bool kind_find(mn_str name, enum mn_kind *out)
{
    for (size_t i = 0; i < MN_COUNT(kinds); i++)
        if (mn_str_eq(kinds[i], name)) {
            *out = (enum mn_kind)i;
            return true;
        }
    return false;
}

/* One pass over the attributes of the start tag; what is not ours to read goes on as it is. */
static int envelope(struct mn_stanza *st, const struct mn_elem *e)
{
    int bad = MN_E_OK;
    struct mn_buf others = {0};

    st->type = (uint8_t)type_find(st->kind, (mn_str){0});
    for (unsigned i = 0; i < e->attr_count; i++) {
        const struct mn_attr *at = &e->attrs[i];

        if (at->ns_uri.n) {
            if (mn_str_is(at->name, "lang") && mn_str_eq(at->ns_uri, mn_ns_uri(MN_NS_XML)))
                st->lang = at->value;
            else
                mn_attr_write(&others, at, i);
        } else if (mn_str_is(at->name, "to")) {
            if (mn_jid_parse(at->value, &st->arena, &st->to))
                bad = MN_E_FORMAT;
        } else if (mn_str_is(at->name, "from")) {
            if (mn_jid_parse(at->value, &st->arena, &st->from))
                bad = MN_E_FORMAT;
        } else if (mn_str_is(at->name, "id")) {
            st->id = at->value;
        } else if (mn_str_is(at->name, "type")) {
            st->type = (uint8_t)type_find(st->kind, at->value);
            if (st->type == MN_TYPE_NONE)
                mn_attr_write(&others, at, i);
        } else {
            mn_attr_write(&others, at, i);
        }
    }
    if (others.n)
        st->attrs = mn_arena_str(&st->arena, mn_buf_view(&others));
    mn_buf_free(&others);
    return bad;
}

static void write_children(struct mn_buf *b, const struct mn_elem *e)
{
    for (const struct mn_node *n = e->first; n; n = n->next) {
        if (n->kind == MN_NODE_TEXT)
            mn_buf_xml(b, ((const struct mn_text *)n)->text, false);
        else
            mn_elem_write(b, (const struct mn_elem *)n, mn_ns_uri(MN_NS_CLIENT));
    }
}

static void payload_from_tree(struct mn_stanza *st)
{
    struct mn_buf b = {0};

    write_children(&b, st->elem);
    st->payload = mn_arena_str(&st->arena, mn_buf_view(&b));
    mn_buf_free(&b);
}

/* Other content namespaces mean the same as jabber:client, which is the one that we go on with. */
static void rename_content(struct mn_elem *e, enum mn_ns content)
{
    if (e->ns == content) {
        e->ns = MN_NS_CLIENT;
        e->ns_uri = mn_ns_uri(MN_NS_CLIENT);
    }
    for (struct mn_node *n = e->first; n; n = n->next)
        if (n->kind == MN_NODE_ELEM)
            rename_content((struct mn_elem *)n, content);
}

int mn_stanza_parse(const struct mn_xml_item *item, struct mn_arena *arena, enum mn_ns content,
                    struct mn_stanza **out)
{
    enum mn_kind kind;
    int e;

    *out = NULL;
    if (item->elem->ns != content || !kind_find(item->elem->name, &kind)) {
        mn_arena_done(arena, pool_here());
        return MN_E_NOT_FOUND;
    }
    *out = in_arena(arena);
    (*out)->kind = (uint8_t)kind;
    (*out)->elem = item->elem;
    if (content != MN_NS_CLIENT)
        rename_content(item->elem, content);
    e = envelope(*out, item->elem);
    if (item->flags & MN_XML_NOT_ALONE || content != MN_NS_CLIENT)
        payload_from_tree(*out);
    else
        (*out)->payload = item->inner;
    return e;
}

struct mn_stanza *mn_stanza_new(enum mn_kind kind, enum mn_type type)
{
    struct mn_arena a = {.pool = pool_here()};
    struct mn_stanza *st = in_arena(&a);

    st->kind = (uint8_t)kind;
    st->type = (uint8_t)type;
    return st;
}

struct mn_elem *mn_stanza_body(struct mn_stanza *st)
{
    if (!st->elem)
        st->elem = mn_elem_new(&st->arena, MN_NS_CLIENT, kinds[st->kind].p);
    return (struct mn_elem *)st->elem;
}

void mn_stanza_seal(struct mn_stanza *st)
{
    if (st->elem)
        payload_from_tree(st);
}

struct mn_stanza *mn_stanza_wrap(struct mn_stanza *base)
{
    struct mn_stanza *st = mn_stanza_new(base->kind, base->type);

    st->from = base->from;
    st->to = base->to;
    st->id = base->id;
    st->lang = base->lang;
    st->attrs = base->attrs;
    st->elem = base->elem;
    st->payload = base->payload;
    st->added = base->added;
    st->delayed = base->delayed;
    st->base = mn_stanza_ref(base);
    return st;
}

void mn_stanza_drop(struct mn_stanza *st, bool (*goes)(const void *arg, const struct mn_elem *e),
                    const void *arg)
{
    struct mn_elem *body = (struct mn_elem *)st->elem;
    struct mn_node **link, *last = NULL;
    bool some = false;

    if (!body)
        return;
    for (link = &body->first; *link;) {
        if ((*link)->kind == MN_NODE_ELEM && goes(arg, (const struct mn_elem *)*link)) {
            *link = (*link)->next;
            some = true;
        } else {
            last = *link;
            link = &last->next;
        }
    }
    body->last = last;
    if (some)
        payload_from_tree(st);
}

/* Says how a message is to be treated, and is nothing to read: hints (but that it is worth
 * storing), ids. */
static bool is_about(const struct mn_elem *e)
{
    return (e->ns == MN_NS_HINTS && !mn_str_is(e->name, "store")) || e->ns == MN_NS_SID ||
           mn_elem_is(e, MN_NS_CARBONS, "private");
}

bool mn_stanza_is_state(const struct mn_stanza *st)
{
    const struct mn_elem *first = st->elem ? mn_elem_first(st->elem) : NULL;
    bool state = false;

    if (st->kind != MN_MESSAGE || st->type == MN_TYPE_ERROR || !first)
        return false;
    for (const struct mn_elem *e = first; e; e = mn_elem_next(e)) {
        state |= e->ns == MN_NS_CHATSTATES;
        if (e->ns != MN_NS_CHATSTATES && !mn_elem_is(e, MN_NS_CLIENT, "thread") && !is_about(e))
            return false;
    }
    return state;
}

struct mn_stanza *mn_stanza_reply(const struct mn_stanza *st, enum mn_type type)
{
    struct mn_stanza *r = mn_stanza_new(st->kind, type);

    r->from = mn_jid_copy(&st->to, &r->arena);
    r->to = mn_jid_copy(&st->from, &r->arena);
    r->id = st->id.p ? mn_arena_str(&r->arena, st->id) : (mn_str){0};
    return r;
}

/* XEP-0077, 9 and XEP-0078, 6: there an error has its old number as well. */
static bool has_code(const struct mn_stanza *st)
{
    const struct mn_elem *child = st->elem && st->kind == MN_IQ ? mn_elem_first(st->elem) : NULL;

    return child && (child->ns == MN_NS_REGISTER || child->ns == MN_NS_AUTH);
}

struct mn_stanza *mn_stanza_error(const struct mn_stanza *st, enum mn_cond cond, mn_str text)
{
    struct mn_stanza *r = mn_stanza_reply(st, MN_TYPE_ERROR);
    struct mn_arena *a = &r->arena;
    struct mn_elem *e = mn_elem_add(a, mn_stanza_body(r), MN_NS_CLIENT, "error");

    if (has_code(st))
        mn_elem_set(a, e, "code", mn_cond_code(cond));
    mn_elem_set(a, e, "type", mn_cond_type(cond));
    mn_elem_add(a, e, MN_NS_STANZA_ERRORS, mn_cond_name(cond).p);
    if (text.n) {
        struct mn_elem *t =
            mn_elem_add_text(a, e, MN_NS_STANZA_ERRORS, "text", mn_arena_str(a, text));

        mn_elem_set_lang(a, t, MN_STR("en"));
    }
    mn_stanza_seal(r);
    return r;
}

struct mn_stanza *mn_stanza_ref(struct mn_stanza *st)
{
    atomic_fetch_add_explicit(&st->refs, 1, memory_order_relaxed);
    return st;
}

void mn_stanza_unref(struct mn_stanza *st)
{
    while (st && atomic_fetch_sub_explicit(&st->refs, 1, memory_order_acq_rel) == 1) {
        struct mn_stanza *base = st->base;
        struct mn_arena a = st->arena;

        mn_arena_done(&a, pool_here());
        st = base;
    }
}

void mn_stanza_from(struct mn_stanza *st, const struct mn_jid *from)
{
    st->from = mn_jid_copy(from, &st->arena);
}

void mn_stanza_to(struct mn_stanza *st, const struct mn_jid *to)
{
    st->to = mn_jid_copy(to, &st->arena);
}

const struct mn_elem *mn_stanza_child(const struct mn_stanza *st)
{
    return mn_elem_first(st->elem);
}

static void attr(struct mn_buf *b, const char *open, size_t n, mn_str value)
{
    mn_buf_add(b, open, n);
    mn_buf_xml(b, value, true);
    mn_buf_c(b, '\'');
}
#define ATTR(b, open, value) attr(b, open, sizeof(open) - 1, value)

void mn_stanza_write(struct mn_buf *b, const struct mn_stanza *st, const struct mn_jid *to)
{
    mn_str name = kinds[st->kind];

    to = to ? to : &st->to;
    mn_buf_c(b, '<');
    mn_buf_str(b, name);
    if (st->type != MN_TYPE_NONE)
        ATTR(b, " type='", mn_type_name(st->type));
    if (st->id.p)
        ATTR(b, " id='", st->id);
    if (!mn_jid_none(to))
        ATTR(b, " to='", mn_jid_text(to));
    if (!mn_jid_none(&st->from))
        ATTR(b, " from='", mn_jid_text(&st->from));
    if (st->lang.p)
        ATTR(b, " xml:lang='", st->lang);
    mn_buf_str(b, st->attrs);
    if (!st->payload.n && !st->added.n) {
        mn_buf_lit(b, "/>");
        return;
    }
    mn_buf_c(b, '>');
    mn_buf_str(b, st->payload);
    mn_buf_str(b, st->added);
    mn_buf_lit(b, "</");
    mn_buf_str(b, name);
    mn_buf_c(b, '>');
}

void mn_stanza_add(struct mn_stanza *st, const struct mn_elem *e)
{
    struct mn_buf b = {0};

    mn_buf_str(&b, st->added);
    mn_elem_write(&b, e, mn_ns_uri(MN_NS_CLIENT));
    st->added = mn_arena_str(&st->arena, mn_buf_view(&b));
    mn_buf_free(&b);
}

void mn_stanza_delay(struct mn_stanza *st, mn_str by, int64_t wall_ms)
{
    struct mn_arena *a = &st->arena;
    struct mn_elem *e;

    for (const struct mn_elem *c = st->elem ? mn_elem_first(st->elem) : NULL; c;
         c = mn_elem_next(c))
        if (mn_elem_is(c, MN_NS_DELAY, "delay") && mn_str_eq(mn_elem_get(c, "from"), by))
            return;
    if (st->delayed)
        return;
    e = mn_elem_new(a, MN_NS_DELAY, "delay");
    mn_elem_set(a, e, "from", by);
    mn_elem_set(a, e, "stamp", mn_datetime_text(wall_ms, a));
    mn_stanza_add(st, e);
    st->delayed = true;
}

int mn_stanza_load(mn_str bytes, struct mn_stanza **out)
{
    /* What we wrote ourselves, of what came within any limits: what is around it may be more. */
    static const struct mn_xml_limits limits = {1 << 30, 1100, 10000};
    struct mn_arena a = {.pool = pool_here()};
    struct mn_xml_item item = {.flags = MN_XML_NOT_ALONE};
    struct mn_buf b = {0};
    int e;

    *out = NULL;
    mn_buf_lit(&b, "<x xmlns='jabber:client'>");
    mn_buf_str(&b, bytes);
    mn_buf_lit(&b, "</x>");
    e = mn_xml_parse(mn_buf_view(&b), &limits, &a, &item.elem);
    mn_buf_free(&b);
    item.elem = e ? NULL : (struct mn_elem *)mn_elem_first(item.elem);
    if (!item.elem) {
        mn_arena_done(&a, pool_here());
        return MN_E_FORMAT;
    }
    return mn_stanza_parse(&item, &a, MN_NS_CLIENT, out);
}
