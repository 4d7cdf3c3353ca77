/* XEP-0045 Multi-User Chat. A room stands in a map by its address; whatever comes from there is its
 * own. What a room tells of an occupant is his presence, kept as it came. */
#include "mynah/room.h"

#include "base/clock.h"
#include "base/err.h"
#include "client/ext.h"
#include "client/room.h"
#include "mynah/disco.h"
#include "mynah/jid.h"
#include "mynah/payload.h"
#include "base/num.h"

static struct rooms *rooms_of(struct mynah_client *c)
{
    return ext_state(c, &ext_room);
}

/* What a presence says. */

static bool has_status(const struct mynah_elem *st, const char *code)
{
    MYNAH_EACH(e, room_user(st), "status", NULL)
    if (mynah_elem_get(e, "code") && !strcmp(mynah_elem_get(e, "code"), code))
        return true;
    return false;
}

static void gone_of(const struct mynah_elem *st, struct mynah_room_gone *out)
{
    static const struct {
        const char *code;
        enum mynah_room_end end;
    } rows[] = {{"307", MYNAH_ROOM_KICKED},   {"301", MYNAH_ROOM_BANNED},
                {"321", MYNAH_ROOM_EXCLUDED}, {"322", MYNAH_ROOM_EXCLUDED},
                {"332", MYNAH_ROOM_SHUTDOWN}, {"333", MYNAH_ROOM_ERROR}};
    const struct mynah_elem *x = room_user(st), *item = mynah_elem_child(x, "item", NULL),
                            *destroy = mynah_elem_child(x, "destroy", NULL),
                            *actor = mynah_elem_child(item, "actor", NULL);
    const char *nick = mynah_elem_get(actor, "nick");

    *out = (struct mynah_room_gone){MYNAH_ROOM_LEFT, nick ? nick : mynah_elem_get(actor, "jid"),
                                    mynah_elem_child_text(destroy ? destroy : item, "reason", NULL),
                                    mynah_elem_get(destroy, "jid")};
    /* 333 comes beside others: the first that fits says more. */
    for (size_t i = MN_COUNT(rows); i-- > 0;)
        if (has_status(st, rows[i].code))
            out->end = rows[i].end;
    if (destroy)
        out->end = MYNAH_ROOM_DESTROYED;
}

static void statuses(struct mynah_room *r, const struct mynah_elem *st)
{
    MYNAH_EACH(e, room_user(st), "status", NULL)
    {
        uint64_t code;
        const char *text = mynah_elem_get(e, "code");

        if (text && mn_num_parse(mn_str_from(text), 999, &code) && code != 110)
            TELL(r, status, (unsigned)code);
    }
}

static void renamed(struct mynah_room *r, const char *nick, const struct mynah_elem *st, bool self)
{
    const char *now = mynah_elem_get(mynah_elem_child(room_user(st), "item", NULL), "nick");
    struct occupant *o = occupant_take(r, nick);

    if (!now || !o) {
        if (o)
            occupant_free(o);
        return;
    }
    if (self) {
        mn_free(r->nick);
        r->nick = mn_str_dup(mn_str_from(now));
    }
    TELL(r, renamed, nick, now);
    /* He stays under the new name until his presence says the rest. */
    mn_free(o->nick);
    o->nick = mn_str_dup(mn_str_from(now));
    o->o.nick = o->nick;
    occupant_put(r, o);
    if (self)
        room_look(r); /* Prosody 0.12 drops a room whose only occupant takes another name */
}

static void unavailable(struct mynah_room *r, const char *nick, const struct mynah_elem *st,
                        bool self)
{
    struct mynah_room_gone why;
    struct occupant *o;

    gone_of(st, &why);
    if (self && r->state == ROOM_JOINING && r->wanted && why.end == MYNAH_ROOM_LEFT)
        return; /* of when we were there before */
    if (self) {
        room_ended(r, &why);
        return;
    }
    o = occupant_take(r, nick);
    if (!o)
        return;
    TELL(r, gone, &o->o, &why);
    occupant_free(o);
}

/* A room that tells of people without end fills no memory. */
static void left_out(struct mynah_room *r)
{
    if (!r->full)
        client_log(r->client, MYNAH_LOG_WARN, "%s tells of more people than are kept", r->jid);
    r->full = true;
}

static void available(struct mynah_room *r, const struct mynah_presence *p, const char *nick,
                      bool self)
{
    struct occupant *o;
    bool joined = self && r->state != ROOM_IN, created = has_status(p->xml, "201");

    if (!joined && strcmp(nick, r->nick) && !occupant_fits(r, p->xml, nick)) {
        left_out(r);
        return;
    }
    o = occupant_new(r, p, nick, self);
    occupant_put(r, o);
    if (self && strcmp(nick, r->nick)) { /* 210: the room chose another */
        mn_free(r->nick);
        r->nick = mn_str_dup(mn_str_from(nick));
    }
    TELL(r, occupant, &o->o);
    if (joined && !r->gone) {
        room_entered(r);
        TELL(r, joined, created);
    }
    if (self)
        statuses(r, p->xml);
}

/* What an earlier run said may be refused behind our back. */
static bool is_of_join(const struct mynah_room *r, const struct mynah_elem *st)
{
    const char *id = mynah_elem_get(st, "id");

    return !id || !strcmp(id, r->asked);
}

/* Nor does the answer to a join that was given up let us in: a good-bye came behind it. Rooms may
 * put ids of their own where they do not bring back ours. */
static bool is_of_join_before(const struct mynah_room *r, const struct mynah_elem *st)
{
    const char *id = mynah_elem_get(st, "id"), *ours = r->client->id_head;

    return r->state == ROOM_JOINING && id && !strncmp(id, ours, strlen(ours)) &&
           strcmp(id, r->asked) != 0;
}

static void presence(struct mynah_room *r, const struct mynah_presence *p, const char *nick)
{
    bool self = nick && (has_status(p->xml, "110") || !strcmp(nick, r->nick));

    if (p->type == MYNAH_PRESENCE_ERROR) {
        if (r->state == ROOM_JOINING && is_of_join(r, p->xml)) {
            r->state = ROOM_OUT;
            r->wanted = false;
            TELL(r, refused, p->error);
            room_refuse(r, mynah_elem_child(p->xml, "error", NULL));
        } else if (r->state == ROOM_IN && !r->wanted) { /* nobody there hears our good-bye */
            room_ended(r, &(struct mynah_room_gone){.end = MYNAH_ROOM_LEFT});
        } else if (r->state == ROOM_IN && nick) {
            TELL(r, refused, p->error); /* a nickname that another has */
        }
    } else if (p->type == MYNAH_PRESENCE && p->show == MYNAH_UNAVAILABLE) {
        if (nick && has_status(p->xml, "303"))
            renamed(r, nick, p->xml, self);
        else if (nick || mynah_elem_child(room_user(p->xml), "destroy", NULL))
            unavailable(r, nick ? nick : r->nick, p->xml, self || !nick);
    } else if (p->type == MYNAH_PRESENCE && nick && r->state != ROOM_OUT &&
               !(self && is_of_join_before(r, p->xml))) {
        available(r, p, nick, self);
    }
}

/* Messages. */

static void invited(struct mynah_client *c, const struct mynah_invitation *i)
{
    LISTENERS_TELL(&rooms_of(c)->listeners, struct mynah_invitation_calls, invited, c, i);
}

/* XEP-0045 7.8.2, where a room itself says who invites, and XEP-0249; true: it was one. What
 * somebody says in a room is none. */
static bool invitation(struct mynah_client *c, const struct mynah_elem *st, const char *from)
{
    const struct mynah_elem *x = room_user(st), *invite = mynah_elem_child(x, "invite", NULL),
                            *direct = mynah_elem_child(st, "x", "jabber:x:conference");
    const struct mynah_elem *more = mynah_elem_child(invite, "continue", NULL);
    const char *jid = mynah_elem_get(direct, "jid"), *type = mynah_elem_get(st, "type"),
               *who = strchr(from, '/') ? NULL : mynah_elem_get(invite, "from");
    struct mynah_invitation i = {.room = jid,
                                 .from = from,
                                 .reason = mynah_elem_get(direct, "reason"),
                                 .password = mynah_elem_get(direct, "password"),
                                 .direct = true,
                                 .continues = elem_flag(direct, "continue"),
                                 .thread = mynah_elem_get(direct, "thread")};

    if (type && (!strcmp(type, "error") || !strcmp(type, "groupchat")))
        return false;
    if (who)
        i = (struct mynah_invitation){.room = from,
                                      .from = who,
                                      .reason = mynah_elem_child_text(invite, "reason", NULL),
                                      .password = mynah_elem_child_text(x, "password", NULL),
                                      .continues = more != NULL,
                                      .thread = mynah_elem_get(more, "thread")};
    i.body = mynah_elem_text_in(st, "body", "jabber:client", c->conf.lang);
    i.xml = st;
    if (who || jid)
        invited(c, &i);
    return who || jid;
}

static void subject(struct mynah_room *r, const char *text, const char *nick)
{
    mn_free(r->subject);
    r->subject = mn_str_dup(mn_str_from(text));
    TELL(r, subject, r->subject, nick);
}

/* Up to when we know what was said: stamps may be wrong, and history tells of the past. */
static void heard(struct mynah_room *r, int64_t sent_at)
{
    int64_t now = mn_clock_wall(), at = sent_at && sent_at < now ? sent_at : now;

    if (at > r->last)
        r->last = at;
}

/* The room has it; by its id, or where a gateway gives it another one, what XEP-0359 keeps. */
static void came_back(struct mynah_room *r, const struct mynah_message *m)
{
    const struct mynah_elem *origin = mynah_elem_child(m->xml, "origin-id", "urn:xmpp:sid:0");
    const char *ids[] = {m->id, mynah_elem_get(origin, "id")};

    for (size_t i = 0; i < MN_COUNT(ids); i++)
        if (ids[i]) {
            held_taken(r->client, r->jid, ids[i]);
            message_echoed(r->client, ids[i], r->jid);
        }
}

/* What a room says to who is not inside (7.4), or is none any more; to others it may, too. */
static bool is_to_strangers(const struct mynah_error *error)
{
    return !strcmp(error->condition, "not-acceptable") ||
           !strcmp(error->condition, "item-not-found");
}

static void message(struct mynah_room *r, const struct mynah_message *m, const char *nick)
{
    const struct mynah_elem *decline = mynah_elem_child(room_user(m->xml), "decline", NULL);
    struct mynah_form *form = mynah_form_read(m->xml);
    const char *type = form ? mynah_form_value(form, "FORM_TYPE") : NULL;
    bool room = !nick && m->type != MYNAH_MESSAGE_ERROR; /* which brings back what was ours */

    if (m->type == MYNAH_GROUPCHAT && nick && !strcmp(nick, r->nick))
        came_back(r, m);
    if (m->type == MYNAH_MESSAGE_ERROR && !nick && is_to_strangers(m->error))
        room_look(r);
    if (decline && room) { /* the room says so */
        TELL(r, declined, mynah_elem_get(decline, "from"),
             mynah_elem_child_text(decline, "reason", NULL));
    } else if (room && type && !strcmp(type, NS_MUC "#request")) {
        TELL(r, voice, form);
    } else if (m->type == MYNAH_GROUPCHAT && m->subject && !m->body && !m->thread) {
        subject(r, m->subject, nick);
    } else if (m->type == MYNAH_GROUPCHAT || m->type == MYNAH_MESSAGE_ERROR ||
               !message_receipt(r->client, m->xml) || m->body) {
        if (!nick)
            statuses(r, m->xml);
        heard(r, m->sent_at);
        if (!r->gone && (m->body || m->type == MYNAH_MESSAGE_ERROR || nick))
            TELL(r, message, m, nick);
    }
    mynah_form_free(form);
}

/* What comes. */

static bool stanza(struct mynah_client *c, void *state, const struct mynah_elem *st)
{
    const char *from = mynah_elem_get(st, "from");
    struct mynah_room *r = from ? mynah_room_find(c, from) : NULL;
    const char *nick = from ? strchr(from, '/') : NULL;

    (void)state;
    nick = nick ? nick + 1 : NULL;
    if (!from)
        return false;
    if (mynah_elem_is(st, "message", NULL)) {
        if (invitation(c, st, from))
            return true;
        if (!r)
            return false;
        message_read(c, st, room_message, r);
        return true;
    }
    if (r) {
        struct mynah_error error;
        struct mynah_presence p;

        if (presence_read(c, st, &p, &error))
            presence(r, &p, nick);
        return true;
    }
    return false;
}

void room_message(void *arg, struct mynah_client *c, const struct mynah_message *m)
{
    const char *nick = strchr(m->from, '/');

    (void)c;
    message(arg, m, nick ? nick + 1 : NULL);
}

static void online(struct mynah_client *c, void *state, bool resumed)
{
    struct rooms *rooms = state;

    (void)c;
    (void)resumed; /* a room may have been wanted while there was no stream */
    MN_LIST_EACH(n, &rooms->list)
    {
        struct mynah_room *r = MN_OF(n, struct mynah_room, link);

        if (r->wanted && r->state == ROOM_OUT)
            room_join(r);
    }
}

static void lost(struct mynah_client *c, void *state)
{
    struct rooms *rooms = state;

    (void)c;
    MN_LIST_EACH(n, &rooms->list)
    {
        struct mynah_room *r = MN_OF(n, struct mynah_room, link);
        struct mynah_room_gone why = {.end = r->wanted ? MYNAH_ROOM_LOST : MYNAH_ROOM_LEFT};

        if (!r->gone)
            room_ended(r, &why);
    }
}

static void init(struct mynah_client *c, void *state)
{
    struct rooms *rooms = state;

    (void)c;
    mn_list_init(&rooms->list);
    mn_list_init(&rooms->listeners);
}

static void room_memory(struct trash *t)
{
    struct mynah_room *r = (struct mynah_room *)t;

    mn_list_del(&r->link);
    occupants_free(r);
    mn_free(r->occupants);
    mn_free(r->jid);
    mn_free(r->nick);
    mn_free(r->password);
    mn_free(r->status);
    mn_free(r->subject);
    mn_free(r);
}

static void freed(struct mynah_client *c, void *state)
{
    (void)c;
    listeners_mute(&((struct rooms *)state)->listeners);
}

static void done(struct mynah_client *c, void *state)
{
    struct rooms *rooms = state;

    (void)c;
    listeners_free(&rooms->listeners);
    MN_LIST_EACH(n, &rooms->list)
    {
        struct mynah_room *r = MN_OF(n, struct mynah_room, link);

        mn_list_del(n);
        occupants_free(r); /* which the client counts: a freed room's memory may go behind it */
        if (!r->gone)
            room_memory(&r->trash);
    }
    mn_map_free(&rooms->map);
}

const struct ext ext_room = {
    .name = "room",
    .features = {NS_MUC, "jabber:x:conference"},
    .size = sizeof(struct rooms),
    .init = init,
    .done = done,
    .freed = freed,
    .online = online,
    .lost = lost,
    .stanza = stanza,
};

/* What programs call. */

int mynah_room_new(struct mynah_client *c, const char *jid, const char *nick,
                   const struct mynah_room_calls *calls, void *arg, struct mynah_room **out)
{
    struct rooms *rooms = rooms_of(c);
    char *bare = mynah_jid_bare(jid),
         *full = bare && nick && *nick ? mynah_jid_make("x", "x", nick) : NULL;
    struct mynah_room *r;

    *out = NULL;
    if (!full || mynah_room_find(c, bare)) {
        mn_free(bare);
        mn_free(full);
        return MYNAH_E_ARGUMENT;
    }
    r = MN_NEW(struct mynah_room);
    r->client = c;
    r->jid = bare;
    r->nick = mn_str_dup(mn_str_from(strchr(full, '/') + 1));
    r->subject = mn_str_dup(MN_STR(""));
    r->arg = arg;
    SIZED_COPY(r->calls, calls);
    mn_list_init(&r->wants);
    mn_list_add(&rooms->list, &r->link);
    mn_map_put(&rooms->map, mn_str_from(r->jid), r);
    mn_free(full);
    *out = r;
    return MYNAH_OK;
}

void mynah_room_free(struct mynah_room *r)
{
    if (!r || r->gone)
        return;
    r->gone = true;
    mn_map_del(&rooms_of(r->client)->map, mn_str_from(r->jid));
    mynah_room_leave(r, NULL);
    mynah_cancel(r->look);
    context_trash(r->client->ctx, &r->trash, room_memory);
    room_wants_end(r); /* the client may be freed inside: the room goes first */
}

struct mynah_room *mynah_room_find(struct mynah_client *c, const char *jid)
{
    mn_str rest, bare = mn_str_cut(mn_str_from(jid), '/', &rest);

    return mn_map_get(&rooms_of(c)->map, bare);
}

struct mynah_client *mynah_room_client(const struct mynah_room *r)
{
    return r->client;
}

bool mynah_room_is_joined(const struct mynah_room *r)
{
    return r->state == ROOM_IN;
}

bool mynah_room_is_wanted(const struct mynah_room *r)
{
    return r->wanted;
}

const char *mynah_room_jid(const struct mynah_room *r)
{
    return r->jid;
}

const char *mynah_room_nick(const struct mynah_room *r)
{
    return r->nick;
}

const char *mynah_room_subject(const struct mynah_room *r)
{
    return r->subject;
}

const struct mynah_occupant *mynah_room_occupant(const struct mynah_room *r, const char *nick)
{
    struct occupant *o = occupant_find(r, nick);

    return o ? &o->o : NULL;
}

const struct mynah_occupant *mynah_room_at(const struct mynah_room *r, size_t i)
{
    return i < r->count ? &r->occupants[i]->o : NULL;
}

size_t mynah_room_count(const struct mynah_room *r)
{
    return r->count;
}
