/* Whether we are inside: joining, leaving, under which name and with what presence (XEP-0045, 7).
 */
#include "client/ext.h"
#include "client/room.h"

#include "base/err.h"
#include "mynah/answers.h"
#include "xmpp/datetime.h"

/* Clocks of rooms and of ours may differ by as much. */
enum { NEAR_MS = 5 * 60 * 1000 };

static char *address(const struct mynah_room *r, const char *nick)
{
    struct mn_buf b = {0};

    mn_buf_fmt(&b, "%s/%s", r->jid, nick);
    mn_buf_c(&b, 0);
    return b.p;
}

/* The room's own, else the account's. Who goes for everybody else leaves no room by that: the
 * server tells them. `leaves`: with `status`. */
static struct mynah_elem *presence_of(const struct mynah_room *r, const char *nick, bool leaves,
                                      const char *status)
{
    const struct mynah_client *c = r->client;
    enum mynah_show show = r->has_presence ? r->show : c->show;
    char *to = address(r, nick);
    struct mynah_elem *p;

    if (!leaves)
        status = r->has_presence ? r->status : c->status;
    show = leaves ? MYNAH_UNAVAILABLE : show == MYNAH_UNAVAILABLE ? MYNAH_AVAILABLE : show;
    p = presence_new(c, to, show, status, 0);
    mn_free(to);
    return p;
}

static int presence_tell(struct mynah_room *r, const char *nick)
{
    struct mynah_elem *p = presence_of(r, nick, false, NULL);

    return mynah_send(r->client, &p);
}

void rooms_presence(struct mynah_client *c)
{
    if (c->state != MYNAH_ONLINE || c->show == MYNAH_UNAVAILABLE)
        return;
    MN_LIST_EACH(n, &((struct rooms *)ext_state(c, &ext_room))->list)
    {
        struct mynah_room *r = MN_OF(n, struct mynah_room, link);

        if (r->state == ROOM_IN && !r->has_presence && !r->gone)
            (void)presence_tell(r, r->nick);
    }
}

static void number(struct mynah_elem *e, const char *name, int n)
{
    char text[12];

    snprintf(text, sizeof text, "%d", n);
    mynah_elem_set(e, name, n < 0 ? NULL : text);
}

static void history_add(const struct mynah_room *r, struct mynah_elem *x)
{
    const struct mynah_history *h = &r->history;
    int64_t since = r->last ? r->last : h->since; /* come back: only what was missed */
    struct mynah_elem *e;
    struct mn_arena a = {0};

    if (since && held_any(r->client, r->jid)) /* whether it has that is what we want to know */
        since -= NEAR_MS;
    if (h->chars < 0 && h->stanzas < 0 && h->seconds < 0 && !since)
        return;
    e = mynah_elem_add(x, "history", NULL);
    number(e, "maxchars", h->chars);
    number(e, "maxstanzas", h->stanzas);
    number(e, "seconds", since ? -1 : h->seconds);
    if (since)
        mynah_elem_set(e, "since", mn_arena_cstr(&a, mn_datetime_text(since, &a)));
    mn_arena_done(&a, NULL);
}

void room_join(struct mynah_room *r)
{
    struct mynah_elem *p = presence_of(r, r->nick, false, NULL),
                      *x = mynah_elem_add(p, "x", NS_MUC);

    r->state = ROOM_JOINING;
    client_id(r->client, r->asked);
    mynah_elem_set(p, "id", r->asked);
    mynah_elem_add_text(x, "password", NULL, r->password);
    history_add(r, x);
    mynah_send(r->client, &p);
}

/* Whether a room knows us is asked by a question to ourselves (XEP-0410). It is answered behind all
 * that is told to who enters: what the room has taken before of what waits to be said is known
 * then, and the rest goes out. */

/* XEP-0410, 3: of what does not know us nothing else is to be expected, but others' answers. An
 * occupant that is not there is none of ours where we have the name still that was asked for. */
static bool is_outside(const struct mynah_room *r, const struct mynah_error *error)
{
    static const char *const inside[] = {"service-unavailable", "feature-not-implemented",
                                         "remote-server-not-found", "remote-server-timeout"};
    const char *from = mynah_elem_get(error->xml, "from"), *nick = from ? strchr(from, '/') : NULL;

    if (error->code != MYNAH_E_STANZA)
        return false;
    for (size_t i = 0; i < MN_COUNT(inside); i++)
        if (!strcmp(error->condition, inside[i]))
            return false;
    return strcmp(error->condition, "item-not-found") || (nick && !strcmp(nick + 1, r->nick));
}

static void looked(void *arg, struct mynah_client *c, int64_t ms, const struct mynah_error *error)
{
    struct mynah_room *r = arg;
    bool more = r->look_again;

    (void)ms;
    r->look = NULL;
    r->look_again = false;
    if (r->settling) { /* it has just let us in */
        r->settling = false;
        held_release(c, r->jid);
    } else if (r->state == ROOM_IN && error && is_outside(r, error)) {
        room_ended(r, &(struct mynah_room_gone){.end = MYNAH_ROOM_LOST});
        if (r->wanted && r->state == ROOM_OUT && c->state == MYNAH_ONLINE)
            room_join(r);
    }
    if (more)
        room_look(r);
}

void room_look(struct mynah_room *r)
{
    char *self;

    if (r->state != ROOM_IN || !r->wanted)
        return;
    if (r->look) { /* under the name of before, or of a time before */
        r->look_again = true;
        return;
    }
    self = address(r, r->nick);
    r->look = mynah_ping(r->client, self, looked, r);
    mn_free(self);
}

void room_entered(struct mynah_room *r)
{
    r->state = ROOM_IN;
    r->settling = held_any(r->client, r->jid);
    if (r->settling)
        room_look(r);
}

bool room_holds(struct mynah_client *c, const char *room)
{
    const struct mynah_room *r = mynah_room_find(c, room);

    return r && r->wanted && (r->state != ROOM_IN || r->settling);
}

void room_refuse(struct mynah_room *r, const struct mynah_elem *error)
{
    const struct mynah_room *now = mynah_room_find(r->client, r->jid);
    struct mynah_elem *own = NULL;

    if (now && now->wanted) /* again, or another in its place, by who heard that it was over */
        return;
    if (!error) { /* what it says to who is not inside (7.4) */
        own = mynah_elem_new("error", NULL);
        mynah_elem_set(own, "type", "modify");
        mynah_elem_add(own, "not-acceptable", mn_ns_uri(MN_NS_STANZA_ERRORS).p);
    }
    held_refuse(r->client, r->jid, error ? error : own, room_message, r);
    mynah_elem_free(own);
}

void room_ended(struct mynah_room *r, const struct mynah_room_gone *why)
{
    bool was = r->state != ROOM_OUT;

    r->state = ROOM_OUT;
    r->settling = false;
    mynah_cancel(r->look);
    r->wanted = r->wanted && why->end == MYNAH_ROOM_LOST;
    occupants_free(r);
    if (was)
        TELL(r, left, why);
    room_refuse(r, NULL);
}

/* What programs call. */

int mynah_room_join(struct mynah_room *r, const char *password, const struct mynah_history *history)
{
    if (r->state != ROOM_OUT || r->wanted)
        return MYNAH_E_STATE;
    mn_free(r->password);
    r->password = password ? mn_str_dup(mn_str_from(password)) : NULL;
    r->history = history ? *history : (struct mynah_history){-1, -1, -1, 0};
    r->last = 0;
    r->wanted = true;
    if (r->client->state == MYNAH_ONLINE)
        room_join(r);
    return MYNAH_OK;
}

void mynah_room_leave(struct mynah_room *r, const char *status)
{
    bool outside = r->state != ROOM_IN || r->settling;
    struct mynah_elem *p;

    r->wanted = false;
    if (r->state != ROOM_OUT) { /* without a stream it is said when the session goes on */
        p = presence_of(r, r->nick, true, status);
        mynah_send(r->client, &p);
    }
    if (outside)
        room_refuse(r, NULL);
}

int mynah_room_set_nick(struct mynah_room *r, const char *nick)
{
    return r->state == ROOM_IN ? presence_tell(r, nick) : MYNAH_E_STATE;
}

int mynah_room_set_presence(struct mynah_room *r, enum mynah_show show, const char *status)
{
    char *kept = status ? mn_str_dup(mn_str_from(status)) : NULL;

    mn_free(r->status);
    r->status = kept;
    r->show = show;
    r->has_presence = show != MYNAH_UNAVAILABLE;
    return r->state == ROOM_IN ? presence_tell(r, r->nick) : MYNAH_OK;
}
