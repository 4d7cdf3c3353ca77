/* Messages both ways. A life line is kept until it ends; of messages that have gone their way, for
 * the last so many. */
#include "client/client.h"

#include "base/err.h"
#include "client/ext.h"
#include "mynah/jid.h"
#include "mynah/payload.h"
#include "mynah/room.h"

enum { TRACKS_MAX = 1000 };

#define NS_RECEIPTS "urn:xmpp:receipts"
#define NS_MARKERS "urn:xmpp:chat-markers:0"
#define NS_SID "urn:xmpp:sid:0"

struct track {
    struct mn_list link;
    char id[MYNAH_ID_MAX];
    char *to;   /* canonical; or NULL */
    bool exact; /* a room, or somebody inside one: `to` itself, else all of the bare address */
    bool marks; /* asks for a mark when it was seen */
    bool queued;
    enum mynah_sent state;
    mynah_sent_call *sent;
    void *arg;
};

static const char *const types[] = {"normal", "chat", "groupchat", "headline", "error"};

static void track_free(struct mynah_client *c, struct track *t)
{
    mn_map_del(&c->tracks, mn_str_from(t->id));
    mn_list_del(&t->link);
    if (!t->queued)
        c->track_count--;
    mn_free(t->to);
    mn_free(t);
}

static bool is_groupchat(const struct mynah_elem *m)
{
    const char *type = mynah_elem_get(m, "type");

    return type && !strcmp(type, types[MYNAH_GROUPCHAT]);
}

static void track_new(struct mynah_client *c, const char *id, const struct mynah_elem *m,
                      mynah_sent_call *sent, void *arg)
{
    struct track *t = mn_map_get(&c->tracks, mn_str_from(id));
    const char *to = mynah_elem_get(m, "to");
    char *full = to ? mynah_jid(to) : NULL;

    if (t)
        track_free(c, t);
    t = MN_NEW(struct track);
    snprintf(t->id, sizeof t->id, "%s", id);
    t->exact = full && (is_groupchat(m) || mynah_room_find(c, full));
    t->to = !full || t->exact ? full : mynah_jid_bare(full);
    if (t->to != full)
        mn_free(full);
    t->marks = mynah_elem_child(m, "markable", NS_MARKERS);
    t->queued = true;
    t->sent = sent;
    t->arg = arg;
    mn_list_add(&c->track_list, &t->link);
    mn_map_put(&c->tracks, mn_str_from(t->id), t);
}

void message_gone(struct mynah_client *c, const char *id)
{
    struct track *t = mn_map_get(&c->tracks, mn_str_from(id));

    if (!t || !t->queued)
        return;
    t->queued = false;
    if (++c->track_count <= TRACKS_MAX)
        return;
    MN_LIST_EACH(n, &c->track_list)
    {
        t = MN_OF(n, struct track, link);
        if (!t->queued) {
            track_free(c, t);
            return;
        }
    }
}

void message_again(struct mynah_client *c, const char *id, const char *xml)
{
    struct mynah_elem *m;

    if (strlen(id) >= MYNAH_ID_MAX || mynah_elem_parse(xml, &m))
        return;
    track_new(c, id, m, NULL, NULL);
    mynah_elem_free(m);
}

void message_done(struct mynah_client *c)
{
    while (!mn_list_empty(&c->track_list))
        track_free(c, MN_OF(c->track_list.next, struct track, link));
    mn_map_free(&c->tracks);
}

void message_state(struct mynah_client *c, const char *id, enum mynah_sent state,
                   const struct mynah_error *why)
{
    struct track *t = mn_map_get(&c->tracks, mn_str_from(id));
    mynah_sent_call *sent;
    void *arg;
    char copy[MYNAH_ID_MAX];

    /* Who was freed at the first of several that were acknowledged together tells of no other. */
    if (c->freed || !t || (state <= t->state && state != MYNAH_SENT_QUEUED))
        return;
    t->state = state;
    sent = t->sent;
    arg = t->arg;
    snprintf(copy, sizeof copy, "%s", t->id);
    if (state >= MYNAH_SENT_DISPLAYED)
        track_free(c, t);
    else if (state >= MYNAH_SENT_ACKED)
        message_gone(c, copy);
    if (sent)
        sent(arg, c, copy, state, why);
    CLIENT_TELL(c, sent, copy, state, why);
}

/* Building. */

struct mynah_elem *mynah_message_new(const char *to, enum mynah_message_type type, const char *body)
{
    struct mynah_elem *m = mynah_elem_new("message", NULL);

    mynah_elem_set(m, "to", to);
    mynah_elem_set(m, "type", type == MYNAH_NORMAL ? NULL : types[type]);
    mynah_elem_add_text(m, "body", NULL, body);
    return m;
}

static void once(struct mynah_elem *m, const char *name, const char *ns)
{
    if (!mynah_elem_child(m, name, ns))
        mynah_elem_add(m, name, ns);
}

static void equip(struct mynah_elem *m, const char *id)
{
    const char *type = mynah_elem_get(m, "type");

    mynah_elem_set(m, "id", id);
    if (!mynah_elem_child(m, "origin-id", NS_SID))
        mynah_elem_set(mynah_elem_add(m, "origin-id", NS_SID), "id", id);
    if (!mynah_elem_child(m, "body", NULL) ||
        (type && strcmp(type, "chat") && strcmp(type, "normal")))
        return;
    once(m, "request", NS_RECEIPTS);
    once(m, "markable", NS_MARKERS);
}

int mynah_message_send(struct mynah_client *c, struct mynah_elem **message, char id[MYNAH_ID_MAX],
                       mynah_sent_call *sent, void *arg)
{
    struct mynah_elem *m = *message;
    const char *given = mynah_elem_get(m, "id");
    char used[MYNAH_ID_MAX];

    *message = NULL;
    if (!mynah_elem_is(m, "message", "jabber:client") || (given && strlen(given) >= sizeof used) ||
        ((c->component || c->local) && !mynah_elem_get(m, "to"))) {
        mynah_elem_free(m);
        return MYNAH_E_ARGUMENT;
    }
    if (given)
        snprintf(used, sizeof used, "%s", given);
    else
        client_id(c, used);
    equip(m, used);
    if (id)
        memcpy(id, used, sizeof used);
    track_new(c, used, m, sent, arg);
    message_state(c, used, MYNAH_SENT_QUEUED, NULL);
    sm_send(c, m, true, used);
    mynah_elem_free(m);
    return MYNAH_OK;
}

int mynah_chat(struct mynah_client *c, const char *to, const char *body)
{
    struct mynah_elem *m = mynah_message_new(to, MYNAH_CHAT, body);

    return mynah_message_send(c, &m, NULL, NULL, NULL);
}

static void answer(struct mynah_client *c, const struct mynah_message *m, const char *name,
                   const char *ns)
{
    struct mynah_elem *r = mynah_message_new(m->from, m->type, NULL);

    mynah_elem_set(mynah_elem_add(r, name, ns), "id", m->id);
    mynah_elem_add(r, "store", "urn:xmpp:hints");
    if (c->component)
        mynah_elem_set(r, "from", m->to); /* one of many */
    mynah_send(c, &r);
}

static bool answers(const struct mynah_message *m, const char *name, const char *ns)
{
    return m->id && !m->carbon && m->type != MYNAH_MESSAGE_ERROR && m->type != MYNAH_GROUPCHAT &&
           mynah_elem_child(m->xml, name, ns);
}

void mynah_message_received(struct mynah_client *c, const struct mynah_message *m)
{
    if (answers(m, "request", NS_RECEIPTS))
        answer(c, m, "received", NS_RECEIPTS);
}

void mynah_message_displayed(struct mynah_client *c, const struct mynah_message *m)
{
    if (answers(m, "markable", NS_MARKERS))
        answer(c, m, "displayed", NS_MARKERS);
}

/* Reading. */

static enum mynah_message_type type_of(const struct mynah_elem *st)
{
    const char *type = mynah_elem_get(st, "type");

    for (size_t i = 0; type && i < MN_COUNT(types); i++)
        if (!strcmp(type, types[i]))
            return (enum mynah_message_type)i;
    return MYNAH_NORMAL; /* RFC 6121, 5.2.2 */
}

/* `from` is whom it was for. */
static bool is_for(const struct track *t, const char *from)
{
    mn_str rest, all = mn_str_from(from), bare = mn_str_cut(all, '/', &rest);

    return t->to && mn_str_is(t->exact ? all : bare, t->to);
}

/* A mark is one of all before it, too (XEP-0333). */
static void seen_before(struct mynah_client *c, const struct track *last)
{
    struct mn_buf ids = {0};

    MN_LIST_EACH(n, &c->track_list)
    {
        const struct track *t = MN_OF(n, struct track, link);

        if (t == last)
            break;
        if (t->marks && !t->exact && t->state >= MYNAH_SENT_WRITTEN && t->to &&
            !strcmp(t->to, last->to))
            mn_buf_add(&ids, t->id, strlen(t->id) + 1);
    }
    for (size_t i = 0; i < ids.n; i += strlen(ids.p + i) + 1)
        message_state(c, ids.p + i, MYNAH_SENT_DISPLAYED, NULL);
    mn_buf_free(&ids);
}

bool message_receipt(struct mynah_client *c, const struct mynah_elem *st)
{
    const struct mynah_elem *received = mynah_elem_child(st, "received", NS_RECEIPTS),
                            *displayed = mynah_elem_child(st, "displayed", NS_MARKERS),
                            *e = received ? received : displayed;
    const char *id = mynah_elem_get(e, "id"), *from = mynah_elem_get(st, "from");
    struct track *t = id ? mn_map_get(&c->tracks, mn_str_from(id)) : NULL;

    if (!t || !from || !is_for(t, from))
        return false;
    if (!received)
        seen_before(c, t);
    message_state(c, id, received ? MYNAH_SENT_DELIVERED : MYNAH_SENT_DISPLAYED, NULL);
    return true;
}

void message_echoed(struct mynah_client *c, const char *id, const char *room)
{
    const struct track *t = mn_map_get(&c->tracks, mn_str_from(id));

    if (t && is_for(t, room))
        message_state(c, id, MYNAH_SENT_DELIVERED, NULL);
}

/* Whom it was for, his server or ours: a server may say no on the way (XEP-0079); a room, but
 * nobody else in it. */
static bool may_refuse(const struct mynah_client *c, const struct track *t, const char *from)
{
    mn_str rest, host, bare = mn_str_cut(mn_str_from(t->to), '/', &rest);

    if (!t->to || from_server(c, from))
        return from_server(c, from);
    mn_str_cut(bare, '@', &host);
    return is_for(t, from) || mn_str_is(bare, from) || mn_str_is(host, from);
}

static void failed(struct mynah_client *c, const struct mynah_message *m)
{
    struct track *t = m->id ? mn_map_get(&c->tracks, mn_str_from(m->id)) : NULL;

    if (t && may_refuse(c, t, m->from))
        message_state(c, m->id, MYNAH_SENT_FAILED, m->error);
}

static void read_as(struct mynah_client *c, const struct mynah_elem *st, enum mynah_carbon carbon,
                    void (*told)(void *arg, struct mynah_client *c, const struct mynah_message *m),
                    void *arg)
{
    struct mynah_error error;
    struct mynah_message m = {
        .type = type_of(st),
        .from = mynah_elem_get(st, "from"),
        .to = mynah_elem_get(st, "to"),
        .id = mynah_elem_get(st, "id"),
        .body = mynah_elem_text_in(st, "body", "jabber:client", c->conf.lang),
        .subject = mynah_elem_text_in(st, "subject", "jabber:client", c->conf.lang),
        .thread = mynah_elem_child_text(st, "thread", NULL),
        .sent_at = mynah_delay(st, NULL, NULL),
        .carbon = carbon,
        .xml = st,
    };

    m.from = m.from ? m.from : c->bare;
    m.to = m.to ? m.to : c->bound ? c->bound : c->bare;
    if (m.type == MYNAH_MESSAGE_ERROR) {
        error_of(st, &error);
        m.error = &error;
        failed(c, &m);
    }
    told(arg, c, &m);
}

void message_read(struct mynah_client *c, const struct mynah_elem *st,
                  void (*told)(void *arg, struct mynah_client *c, const struct mynah_message *m),
                  void *arg)
{
    read_as(c, st, MYNAH_NO_CARBON, told, arg);
}

static void to_listeners(void *arg, struct mynah_client *c, const struct mynah_message *m)
{
    (void)arg;
    if (c->repeats) {
        CLIENT_TELL(c, again, m);
    } else {
        CLIENT_TELL(c, message, m);
    }
}

void message_told(struct mynah_client *c, const struct mynah_elem *st, enum mynah_carbon carbon)
{
    bool receipt =
        carbon != MYNAH_CARBON_SENT && type_of(st) != MYNAH_MESSAGE_ERROR && message_receipt(c, st);

    if (!receipt || mynah_elem_child(st, "body", NULL))
        read_as(c, st, carbon, to_listeners, NULL);
}

void message_repeated(struct mynah_client *c, const struct mynah_elem *st)
{
    c->repeats = true;
    if (!ext_carbons.stanza(c, NULL, st))
        message_came(c, st);
    c->repeats = false;
}

void message_came(struct mynah_client *c, const struct mynah_elem *st)
{
    message_told(c, st, MYNAH_NO_CARBON);
}
