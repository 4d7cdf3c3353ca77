/* All that is lent is read. */
#include <string.h>

#include "fuzz/user_parts.h"

static volatile size_t seen;

void read_bytes(const void *p, size_t n)
{
    for (size_t i = 0; p && i < n; i++)
        seen += ((const unsigned char *)p)[i];
}

void read_text(const char *s)
{
    if (s)
        read_bytes(s, strlen(s));
}

void read_texts(const char *const *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        read_text(list[i]);
}

void read_elem(const struct mynah_elem *e)
{
    char *xml = e ? mynah_elem_xml(e) : NULL;

    read_text(xml);
    mynah_free(xml);
}

void read_error(const struct mynah_error *e)
{
    struct mynah_rule rule;

    if (!e)
        return;
    read_texts(
        (const char *const[]){e->condition, e->type, e->text, e->by, e->special, e->special_ns}, 6);
    read_elem(e->xml);
    read_text(mynah_pubsub_missing(e));
    for (size_t i = 0; mynah_rule_refused(e, i, &rule); i++)
        read_text(rule.condition);
}

void read_form(const struct mynah_form *f)
{
    const struct mynah_field *k;
    struct mynah_form *answer;
    struct mynah_elem *e;

    if (!f)
        return;
    read_text(mynah_form_title(f));
    read_text(mynah_form_instructions(f));
    for (size_t i = 0; (k = mynah_form_at(f, i)); i++) {
        read_texts(k->values, k->value_count);
        for (size_t o = 0; o < k->option_count; o++)
            read_text(k->options[o].value);
        read_elem(k->xml);
    }
    for (size_t i = 0; i < 4 && (k = mynah_form_column(f, i)); i++)
        for (size_t row = 0; row < 4 && row < mynah_form_rows(f); row++)
            read_text(mynah_form_cell(f, row, k->var));
    answer = mynah_form_answer(f);
    e = mynah_form_elem(answer);
    read_elem(e);
    mynah_elem_free(e);
    mynah_form_free(answer);
}

/* What rides in stanzas, wanted or not. */
void read_stanza(const struct mynah_elem *e)
{
    const char *a = NULL, *b = NULL;
    struct mynah_form *f = mynah_feature_read(e);
    struct mynah_elem *xhtml = mynah_xhtml(e);
    struct mynah_suggestion suggestion;
    struct mynah_rules_met met;
    struct mynah_iodata io = {.size = sizeof io};
    struct mynah_page page;
    struct mynah_rule rule;
    struct mynah_bits bits;
    unsigned events;
    int64_t ms;

    read_elem(e);
    read_form(f);
    mynah_form_free(f);
    read_elem(xhtml);
    mynah_elem_free(xhtml);
    seen += mynah_chat_state(e) + mynah_attention(e) + mynah_hint(e, "no-store") +
            (size_t)mynah_presence_active(e) + mynah_rules_are_per_hop(e);
    if (mynah_event(e, &events, &a))
        read_text(a);
    if (mynah_delay(e, &a, &b))
        read_texts((const char *const[]){a, b}, 2);
    read_text(mynah_oob(e, &a));
    read_text(mynah_nick(e));
    read_text(mynah_signed(e));
    read_text(mynah_encrypted(e));
    read_text(mynah_corrects(e));
    read_text(mynah_offline_node(e));
    read_text(mynah_photo_hash(e));
    read_elem(mynah_forwarded(e, &ms));
    for (size_t i = 0; mynah_header_at(e, i, &a, &b); i++)
        read_texts((const char *const[]){a, b}, 2);
    for (size_t i = 0; mynah_rule_at(e, i, &rule, &a); i++)
        read_texts((const char *const[]){rule.condition, rule.value, a}, 3);
    if (mynah_rules_met(e, &met))
        read_text(met.from);
    for (size_t i = 0; mynah_suggestion_at(e, i, &suggestion); i++)
        read_text(suggestion.jid);
    if (mynah_iodata_read(e, &io)) {
        read_elem(io.in);
        read_elem(io.out);
        read_text(io.information);
    }
    if (mynah_page_read(e, &page))
        read_text(page.last);
    if (mynah_bits_read(e, "sha1+8f35fef110ffc5df08d579a50083ff9308fb6242@bob.xmpp.org", &bits))
        read_bytes(bits.bytes, bits.count);
}
