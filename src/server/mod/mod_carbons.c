/* XEP-0280 Message Carbons: what one resource of an account sends or gets, the others that asked
 * for it get as a copy, available or not. A message to oneself is copied as received, not as sent
 * as well, and not to who sent it. */
#include "server/module.h"

static enum mn_cond turn(struct iq *iq, bool on)
{
    if (!iq->via || iq->via->anonymous)
        return MN_COND_NOT_ALLOWED;
    iq->via->carbons = on;
    return iq_result(iq, NULL);
}

static enum mn_cond on_enable(struct iq *iq)
{
    return turn(iq, true);
}

static enum mn_cond on_disable(struct iq *iq)
{
    return turn(iq, false);
}

/* Of instant messaging (section 6.1). `in`: on the recipient's side, where a room has sent its
 * private messages to every resource itself. */
static bool eligible(const struct mn_stanza *st, bool in)
{
    bool im = st->type == MN_TYPE_CHAT, error = st->type == MN_TYPE_ERROR;

    if (st->type == MN_TYPE_GROUPCHAT || st->type == MN_TYPE_HEADLINE)
        return false;
    for (const struct mn_elem *e = mn_elem_first(st->elem); e; e = mn_elem_next(e)) {
        if (mn_elem_is(e, MN_NS_CARBONS, "private"))
            return false;
        if (mn_elem_is(e, MN_NS_HINTS, "no-copy") && st->to.resource && !error)
            return false;
        if (mn_elem_is(e, MN_NS_MUC_USER, "x") && in && st->from.resource &&
            !mn_elem_child(e, MN_NS_MUC_USER, "invite"))
            return false;
        im |= mn_elem_is(e, MN_NS_CLIENT, "body") || e->ns == MN_NS_RECEIPTS ||
              e->ns == MN_NS_CHATSTATES || e->ns == MN_NS_MARKERS || e->ns == MN_NS_MUC_USER ||
              mn_elem_is(e, MN_NS_X_CONFERENCE, "x");
    }
    return im;
}

/* The copy for all: the address is the session's own, beside it. */
static struct mn_stanza *copy(const struct user *u, const struct mn_stanza *st, const char *what)
{
    struct mn_stanza *c = mn_stanza_new(MN_MESSAGE, (enum mn_type)st->type);
    struct mn_buf whole = {0}, b = {0};

    mn_stanza_from(c, &u->jid);
    mn_stanza_write(&whole, st, NULL);
    mn_buf_fmt(&b,
               "<%s xmlns='urn:xmpp:carbons:2'><forwarded xmlns='urn:xmpp:forward:0'>"
               "<message xmlns='jabber:client'",
               what);
    mn_buf_str(&b, mn_str_skip(mn_buf_view(&whole), sizeof "<message" - 1));
    mn_buf_fmt(&b, "</forwarded></%s>", what);
    c->payload = mn_arena_str(&c->arena, mn_buf_view(&b));
    mn_buf_free(&whole);
    mn_buf_free(&b);
    return c;
}

static void to_others(struct user *u, const struct mn_stanza *st, const struct session *except,
                      bool in)
{
    struct mn_stanza *c = NULL;

    MN_LIST_EACH(n, &u->sessions)
    {
        struct session *s = MN_OF(n, struct session, link);

        if (!s->carbons || s == except ||
            (in && (s->served == u->owner->serving || mn_jid_eq(&s->jid, &st->from))))
            continue;
        if (!c && !eligible(st, in))
            return;
        if (!c)
            c = copy(u, st, in ? "received" : "sent");
        session_write(s, c, &s->jid);
    }
    mn_stanza_unref(c);
}

static void sent(struct user *u, const struct session *by, const struct mn_stanza *st)
{
    if (!mn_str_eq(mn_jid_bare(&st->to), mn_jid_bare(&u->jid)))
        to_others(u, st, by, false);
}

static void delivered(struct user *u, const struct mn_stanza *st)
{
    to_others(u, st, NULL, true);
}

const struct module mod_carbons = {
    .name = "carbons",
    .xep = {{280, "1.0.1", "Message Carbons", "wire/carbons"},
            {297, "1.0", "Stanza Forwarding", "wire/carbons"}},
    .feature = {"urn:xmpp:carbons:2"},
    .user_feature = {"urn:xmpp:carbons:2"},
    .iq = {{MN_TYPE_SET, MN_NS_CARBONS, "enable", AT_USER | AT_HOST, on_enable},
           {MN_TYPE_SET, MN_NS_CARBONS, "disable", AT_USER | AT_HOST, on_disable}},
    .message_sent = sent,
    .message_delivered = delivered,
};
