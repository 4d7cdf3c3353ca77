/* covers: mn_stanza_parse
 * A stanza from a client's stream: its payload as bytes, standing where others will read it, is its
 * payload as a tree; what is written for another client or the store is the same stanza when it is
 * read. */
#include "xmpp/stanza.h"

#include "base/err.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct mn_xml_limits wide = {1 << 20, 1000, 1000};

static mn_str text_of(const struct mn_elem *children, struct mn_buf *b)
{
    struct mn_elem e = {.node.kind = MN_NODE_ELEM, .name = MN_STR("x"), .first = children->first};

    mn_buf_clear(b);
    mn_elem_write(b, &e, MN_STR(""));
    return mn_buf_view(b);
}

static void payload_is_tree(const struct mn_stanza *st, struct mn_arena *a)
{
    struct mn_buf b = {0}, tree = {0}, bytes = {0};
    struct mn_elem *e;

    mn_buf_str(&b, MN_STR("<x xmlns='jabber:client'>"));
    mn_buf_str(&b, st->payload);
    mn_buf_str(&b, MN_STR("</x>"));
    MN_ASSERT(!mn_xml_parse(mn_buf_view(&b), &wide, a, &e));
    MN_ASSERT(mn_str_eq(text_of(e, &bytes), text_of(st->elem, &tree)));
    mn_buf_free(&b);
    mn_buf_free(&tree);
    mn_buf_free(&bytes);
}

static void comes_back(const struct mn_stanza *st)
{
    struct mn_buf b = {0}, again = {0};
    struct mn_stanza *back;

    mn_stanza_write(&b, st, NULL);
    MN_ASSERT(!mn_stanza_load(mn_buf_view(&b), &back));
    MN_ASSERT(st->kind == back->kind && st->type == back->type && mn_str_eq(st->id, back->id) &&
              mn_str_eq(st->lang, back->lang) && mn_jid_eq(&st->to, &back->to) &&
              mn_jid_eq(&st->from, &back->from));
    mn_stanza_write(&again, back, NULL);
    mn_stanza_unref(back);
    MN_ASSERT(!mn_stanza_load(mn_buf_view(&again), &back));
    mn_stanza_unref(back);
    mn_buf_free(&b);
    mn_buf_free(&again);
}

static bool odd(const void *arg, const struct mn_elem *e)
{
    (void)arg;
    return e->name.n % 2;
}

static void stanza(struct mn_stanza *st, struct mn_arena *a)
{
    struct mn_stanza *wrap, *e;

    payload_is_tree(st, a);
    if (st->type == MN_TYPE_BAD)
        st->type = st->kind == MN_IQ ? MN_TYPE_GET : MN_TYPE_NONE; /* it has no name */
    comes_back(st);
    mn_stanza_drop(st, odd, NULL);
    payload_is_tree(st, a);
    comes_back(st);
    e = mn_stanza_error(st, MN_COND_BAD_REQUEST, st->id);
    comes_back(e);
    mn_stanza_unref(e);
    wrap = mn_stanza_wrap(st);
    mn_stanza_delay(wrap, MN_STR("example.org"), 0);
    comes_back(wrap);
    mn_stanza_unref(st);
    comes_back(wrap);
    mn_stanza_unref(wrap);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mn_xml *x = mn_xml_new(&wide);
    struct mn_buf b = {0};
    int e;

    mn_buf_str(&b, MN_STR("<stream:stream xmlns='jabber:client' "
                          "xmlns:stream='http://etherx.jabber.org/streams'>"));
    mn_buf_add(&b, data, size);
    mn_xml_feed(x, mn_buf_view(&b));
    do {
        struct mn_arena a = {0}, of_stanza = {0};
        struct mn_xml_item item;
        struct mn_stanza *st;

        e = mn_xml_next(x, &of_stanza, &item);
        if (e == MN_XML_ELEM && (!mn_stanza_parse(&item, &of_stanza, MN_NS_CLIENT, &st) || st))
            stanza(st, &a);
        mn_arena_done(&of_stanza, NULL);
        mn_arena_done(&a, NULL);
    } while (e > 0 && e != MN_XML_CLOSE);
    mn_xml_free(x);
    mn_buf_free(&b);
    return 0;
}
