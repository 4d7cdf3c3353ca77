/* Whether we are inside: joining, leaving, under which name and with what presence (XEP-0045, 7).
 */
#include "client/ext.h"
#include "client/room.h"

#include "base/err.h"
#include "xmpp/datetime.h"

/* The room's own, else the account's. Who goes for everybody else leaves no room by that: the
 * server tells them. `leaves`: with `status`. */
static struct mynah_elem *presence_of(const struct mynah_room *r, const char *nick, bool leaves,
                                      const char *status)
{
    const struct mynah_client *c = r->client;
    enum mynah_show show = r->has_presence ? r->show : c->show;
    struct mynah_elem *p;
    struct mn_buf to = {0};

    if (!leaves)
        status = r->has_presence ? r->status : c->status;
    show = leaves ? MYNAH_UNAVAILABLE : show == MYNAH_UNAVAILABLE ? MYNAH_AVAILABLE : show;
    mn_buf_fmt(&to, "%s/%s", r->jid, nick);
    mn_buf_c(&to, 0);
    p = presence_new(c, to.p, show, status, 0);
    mn_buf_free(&to);
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
    mynah_elem_add_text(x, "password", NULL, r->password);
    history_add(r, x);
    mynah_send(r->client, &p);
}

void room_ended(struct mynah_room *r, const struct mynah_room_gone *why)
{
    bool was = r->state != ROOM_OUT;

    r->state = ROOM_OUT;
    r->wanted = r->wanted && why->end == MYNAH_ROOM_LOST;
    occupants_free(r);
    if (was)
        TELL(r, left, why);
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
    struct mynah_elem *p;

    r->wanted = false;
    if (r->state == ROOM_OUT || r->client->state != MYNAH_ONLINE)
        return;
    p = presence_of(r, r->nick, true, status);
    mynah_send(r->client, &p);
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
