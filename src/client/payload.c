#include "mynah/payload.h"

#include "base/arena.h"
#include "client/elem.h"
#include "xmpp/datetime.h"

#define NS_STATES "http://jabber.org/protocol/chatstates"
#define NS_EVENT "jabber:x:event"
#define NS_DELAY "urn:xmpp:delay"
#define NS_DELAY_OLD "jabber:x:delay"
#define NS_OOB "jabber:x:oob"
#define NS_NICK "http://jabber.org/protocol/nick"
#define NS_ATTENTION "urn:xmpp:attention:0"
#define NS_SIGNED "jabber:x:signed"
#define NS_ENCRYPTED "jabber:x:encrypted"
#define NS_FORWARD "urn:xmpp:forward:0"
#define NS_SHIM "http://jabber.org/protocol/shim"
#define NS_AMP "http://jabber.org/protocol/amp"
#define NS_ROSTERX "http://jabber.org/protocol/rosterx"
#define NS_HINTS "urn:xmpp:hints"
#define NS_CORRECT "urn:xmpp:message-correct:0"

/* The wrapper of a list, made when its first entry comes. */
static struct mynah_elem *wrapper(struct mynah_elem *e, const char *name, const char *ns)
{
    const struct mynah_elem *there = mynah_elem_child(e, name, ns);

    return there ? (struct mynah_elem *)there : mynah_elem_add(e, name, ns);
}

/* XEP-0085. */

static const char *const states[] = {NULL, "active", "composing", "paused", "inactive", "gone"};

void mynah_chat_state_add(struct mynah_elem *m, enum mynah_chat_state state)
{
    if (state > MYNAH_NO_STATE && state <= MYNAH_GONE)
        mynah_elem_add(m, states[state], NS_STATES);
}

enum mynah_chat_state mynah_chat_state(const struct mynah_elem *m)
{
    const struct mynah_elem *e = mynah_elem_child(m, NULL, NS_STATES);

    for (size_t i = 1; e && i < MN_COUNT(states); i++)
        if (mynah_elem_is(e, states[i], NULL))
            return (enum mynah_chat_state)i;
    return MYNAH_NO_STATE;
}

/* XEP-0022. */

static const char *const events_named[] = {"offline", "delivered", "displayed", "composing"};

void mynah_event_add(struct mynah_elem *m, unsigned events, const char *id)
{
    struct mynah_elem *x = mynah_elem_add(m, "x", NS_EVENT);

    for (size_t i = 0; i < MN_COUNT(events_named); i++)
        if (events & 1u << i)
            mynah_elem_add(x, events_named[i], NULL);
    mynah_elem_add_text(x, "id", NULL, id);
}

bool mynah_event(const struct mynah_elem *m, unsigned *events, const char **id)
{
    const struct mynah_elem *x = mynah_elem_child(m, "x", NS_EVENT);

    *events = 0;
    *id = mynah_elem_child_text(x, "id", NULL);
    for (size_t i = 0; i < MN_COUNT(events_named); i++)
        *events |= mynah_elem_child(x, events_named[i], NULL) ? 1u << i : 0u;
    return x;
}

/* XEP-0203. */

static struct mynah_elem *delay_add(struct mynah_elem *e, int64_t ms)
{
    struct mynah_elem *d = mynah_elem_add(e, "delay", NS_DELAY);
    struct mn_arena a = {0};

    mynah_elem_set(d, "stamp", mn_arena_cstr(&a, mn_datetime_text(ms, &a)));
    mn_arena_done(&a, NULL);
    return d;
}

void mynah_delay_add(struct mynah_elem *e, int64_t ms, const char *from, const char *why)
{
    struct mynah_elem *d = delay_add(e, ms);

    mynah_elem_set(d, "from", from);
    mynah_elem_put(d, why);
}

/* CCYYMMDDThh:mm:ss of XEP-0091, in UTC. */
static mn_str stamp_of_old(mn_str s, struct mn_arena *a)
{
    if (s.n < 17 || s.p[8] != 'T')
        return s;
    return mn_arena_fmt(a, "%.4s-%.2s-%.11sZ", s.p, s.p + 4, s.p + 6);
}

int64_t mynah_delay(const struct mynah_elem *e, const char **from, const char **why)
{
    const struct mynah_elem *now = mynah_elem_child(e, "delay", NS_DELAY),
                            *d = now ? now : mynah_elem_child(e, "x", NS_DELAY_OLD);
    mn_str stamp = mn_str_from(mynah_elem_get(d, "stamp"));
    struct mn_arena a = {0};
    int64_t ms = 0;

    if (from)
        *from = mynah_elem_get(d, "from");
    if (why)
        *why = d ? mynah_elem_text(d) : NULL;
    if (!stamp.p || mn_datetime_parse(now ? stamp : stamp_of_old(stamp, &a), &ms))
        ms = 0;
    mn_arena_done(&a, NULL);
    return ms;
}

/* XEP-0066. */

void mynah_oob_add(struct mynah_elem *e, const char *url, const char *desc)
{
    struct mynah_elem *x = mynah_elem_add(e, "x", NS_OOB);

    mynah_elem_add_text(x, "url", NULL, url);
    mynah_elem_add_text(x, "desc", NULL, desc);
}

const char *mynah_oob(const struct mynah_elem *e, const char **desc)
{
    const struct mynah_elem *x = mynah_elem_child(e, "x", NS_OOB);

    if (desc)
        *desc = mynah_elem_child_text(x, "desc", NULL);
    return mynah_elem_child_text(x, "url", NULL);
}

/* One element with or without text. */

void mynah_nick_add(struct mynah_elem *e, const char *nick)
{
    mynah_elem_add_text(e, "nick", NS_NICK, nick);
}

const char *mynah_nick(const struct mynah_elem *e)
{
    return mynah_elem_child_text(e, "nick", NS_NICK);
}

void mynah_attention_add(struct mynah_elem *m)
{
    mynah_elem_add(m, "attention", NS_ATTENTION);
}

bool mynah_attention(const struct mynah_elem *m)
{
    return mynah_elem_child(m, "attention", NS_ATTENTION) && !mynah_delay(m, NULL, NULL);
}

void mynah_signed_add(struct mynah_elem *e, const char *armor)
{
    mynah_elem_add_text(e, "x", NS_SIGNED, armor);
}

const char *mynah_signed(const struct mynah_elem *e)
{
    return mynah_elem_child_text(e, "x", NS_SIGNED);
}

void mynah_encrypted_add(struct mynah_elem *m, const char *armor)
{
    mynah_elem_add_text(m, "x", NS_ENCRYPTED, armor);
}

const char *mynah_encrypted(const struct mynah_elem *m)
{
    return mynah_elem_child_text(m, "x", NS_ENCRYPTED);
}

void mynah_hint_add(struct mynah_elem *m, const char *hint)
{
    mynah_elem_add(m, hint, NS_HINTS);
}

bool mynah_hint(const struct mynah_elem *m, const char *hint)
{
    return mynah_elem_child(m, hint, NS_HINTS);
}

void mynah_correct_add(struct mynah_elem *m, const char *id)
{
    mynah_elem_set(mynah_elem_add(m, "replace", NS_CORRECT), "id", id);
}

const char *mynah_corrects(const struct mynah_elem *m)
{
    return mynah_elem_get(mynah_elem_child(m, "replace", NS_CORRECT), "id");
}

/* XEP-0297. */

void mynah_forward_add(struct mynah_elem *e, const struct mynah_elem *stanza, int64_t ms)
{
    struct mynah_elem *f = mynah_elem_add(e, "forwarded", NS_FORWARD),
                      *copy = mynah_elem_copy(stanza);

    if (ms)
        delay_add(f, ms);
    mynah_elem_hang(f, &copy);
}

const struct mynah_elem *mynah_forwarded(const struct mynah_elem *e, int64_t *ms)
{
    const struct mynah_elem *f = mynah_elem_child(e, "forwarded", NS_FORWARD);

    if (ms)
        *ms = mynah_delay(f, NULL, NULL);
    return mynah_elem_child(f, NULL, "jabber:client");
}

/* XEP-0131. */

void mynah_header_add(struct mynah_elem *e, const char *name, const char *value)
{
    struct mynah_elem *h =
        mynah_elem_add_text(wrapper(e, "headers", NS_SHIM), "header", NULL, value);

    if (h)
        mynah_elem_set(h, "name", name);
}

bool mynah_header_at(const struct mynah_elem *e, size_t i, const char **name, const char **value)
{
    const struct mynah_elem *h =
        elem_nth(mynah_elem_child(e, "headers", NS_SHIM), "header", NULL, i);

    *name = mynah_elem_get(h, "name") ? mynah_elem_get(h, "name") : "";
    *value = mynah_elem_text(h);
    return h;
}

/* Names of headers are those of mail: their case does not matter. */
const char *mynah_header(const struct mynah_elem *e, const char *name)
{
    const char *has, *value;

    for (size_t i = 0; mynah_header_at(e, i, &has, &value); i++)
        if (mn_str_eq_nocase(mn_str_from(has), mn_str_from(name)))
            return value;
    return NULL;
}

/* XEP-0079. */

void mynah_rule_add(struct mynah_elem *m, const struct mynah_rule *rule)
{
    struct mynah_elem *r = mynah_elem_add(wrapper(m, "amp", NS_AMP), "rule", NULL);

    mynah_elem_set(r, "condition", rule->condition);
    mynah_elem_set(r, "action", rule->action);
    mynah_elem_set(r, "value", rule->value);
}

static bool rule_read(const struct mynah_elem *e, struct mynah_rule *rule)
{
    *rule = (struct mynah_rule){mynah_elem_get(e, "condition"), mynah_elem_get(e, "action"),
                                mynah_elem_get(e, "value")};
    return e;
}

bool mynah_rule_at(const struct mynah_elem *m, size_t i, struct mynah_rule *rule,
                   const char **status)
{
    const struct mynah_elem *amp = mynah_elem_child(m, "amp", NS_AMP);

    if (status)
        *status = mynah_elem_get(amp, "status");
    return rule_read(elem_nth(amp, "rule", NULL, i), rule);
}

void mynah_rules_per_hop(struct mynah_elem *m)
{
    mynah_elem_set(wrapper(m, "amp", NS_AMP), "per-hop", "true");
}

bool mynah_rules_are_per_hop(const struct mynah_elem *m)
{
    return elem_flag(mynah_elem_child(m, "amp", NS_AMP), "per-hop");
}

bool mynah_rules_met(const struct mynah_elem *m, struct mynah_rules_met *out)
{
    const struct mynah_elem *amp = mynah_elem_child(m, "amp", NS_AMP);

    *out = (struct mynah_rules_met){mynah_elem_get(amp, "status"), mynah_elem_get(amp, "from"),
                                    mynah_elem_get(amp, "to")};
    return out->status;
}

/* XEP-0079 has failed rules in a namespace of their own; what is in them is in that of both. */
bool mynah_rule_refused(const struct mynah_error *error, size_t i, struct mynah_rule *rule)
{
    const struct mynah_elem *e = mynah_elem_child(error->xml, "error", NULL), *about = NULL;
    bool failed = error->special_ns && !strcmp(error->special_ns, NS_AMP "#errors");

    if (failed || (error->special_ns && !strcmp(error->special_ns, NS_AMP)))
        about = mynah_elem_child(e, error->special, error->special_ns);
    return rule_read(elem_nth(about, "rule", NULL, i), rule);
}

/* XEP-0144. */

void mynah_suggestion_add(struct mynah_elem *m, const char *action, const char *jid,
                          const char *name, const char *const *groups, size_t group_count)
{
    struct mynah_elem *item = mynah_elem_add(wrapper(m, "x", NS_ROSTERX), "item", NULL);

    mynah_elem_set(item, "action", action);
    mynah_elem_set(item, "jid", jid);
    mynah_elem_set(item, "name", name);
    for (size_t i = 0; i < group_count; i++)
        mynah_elem_add_text(item, "group", NULL, groups[i]);
}

bool mynah_suggestion_at(const struct mynah_elem *m, size_t i, struct mynah_suggestion *s)
{
    const struct mynah_elem *item = elem_nth(mynah_elem_child(m, "x", NS_ROSTERX), "item", NULL, i);
    const char *action = mynah_elem_get(item, "action");
    bool known = action && (!strcmp(action, "delete") || !strcmp(action, "modify"));

    *s = (struct mynah_suggestion){known ? action : "add", mynah_elem_get(item, "jid"),
                                   mynah_elem_get(item, "name"), item};
    return item;
}
