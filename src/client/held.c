/* What is said in a room waits until we are inside: what was queued, and what was written in a
 * session that is lost. A room takes nothing from others (XEP-0045, 7.4). What it did take before
 * is known by what it sends round, or tells of the time before to who comes back. */
#include "client/client.h"

#include "mynah/jid.h"

enum { HELD_MAX = 4 << 20 };

char *held_room(const struct mynah_elem *st)
{
    const char *type = mynah_elem_get(st, "type"), *to = mynah_elem_get(st, "to");
    bool said = mynah_elem_is(st, "message", NULL) && type && !strcmp(type, "groupchat");

    return said && to ? mynah_jid_bare(to) : NULL;
}

static bool is_said_in(const struct out *o, const char *room)
{
    return o->room && !strcmp(o->room, room);
}

static struct out *first(const struct mn_list *list, const char *room)
{
    MN_LIST_EACH(n, list)
    if (is_said_in(MN_OF(n, struct out, link), room))
        return MN_OF(n, struct out, link);
    return NULL;
}

bool held_any(const struct mynah_client *c, const char *room)
{
    return first(&c->sm.held, room);
}

bool held_fits(const struct mynah_client *c, const struct out *more)
{
    const struct mn_list *const lists[] = {&c->sm.waiting, &c->sm.held};
    size_t n = more->room ? sizeof *more + more->bytes.n : 0;

    for (size_t i = 0; more->room && i < MN_COUNT(lists); i++)
        MN_LIST_EACH(at, lists[i])
        {
            const struct out *o = MN_OF(at, struct out, link);

            n += o->room ? sizeof *o + o->bytes.n : 0;
        }
    return n <= HELD_MAX;
}

/* In order, before what stands at `to`. */
static void move(struct mn_list *from, struct mn_list *to, const char *room)
{
    MN_LIST_EACH(n, from)
    if (is_said_in(MN_OF(n, struct out, link), room)) {
        mn_list_del(n);
        mn_list_add(to, n);
    }
}

void held_release(struct mynah_client *c, const char *room)
{
    move(&c->sm.held, c->sm.waiting.next, room);
    sm_flush(c);
}

void held_taken(struct mynah_client *c, const char *room, const char *id)
{
    struct mn_list *const lists[] = {&c->sm.unacked, &c->sm.held};

    for (size_t i = 0; i < MN_COUNT(lists); i++)
        MN_LIST_EACH(n, lists[i])
        {
            struct out *o = MN_OF(n, struct out, link);

            if (!is_said_in(o, room) || !o->id || strcmp(o->id, id) != 0)
                continue;
            if (lists[i] == &c->sm.held)
                out_free(o);
            else
                o->lasting = false; /* it is counted still */
            return;
        }
}

static void refuse(struct mynah_client *c, const struct out *o, const struct mynah_elem *error,
                   void (*told)(void *arg, struct mynah_client *c, const struct mynah_message *m),
                   void *arg)
{
    struct mynah_elem *m, *why = mynah_elem_copy(error);
    char *text = mn_str_dup(o->bytes);

    if (mynah_elem_parse(text, &m)) /* longer than any server takes */
        m = mynah_elem_new("message", NULL);
    elem_rename(m, MN_NS_NONE, MN_NS_CLIENT);
    mynah_elem_set(m, "type", "error");
    mynah_elem_set(m, "from", o->room);
    mynah_elem_set(m, "to", c->bound);
    mynah_elem_set(m, "id", o->id);
    mynah_elem_hang(m, &why);
    message_read(c, m, told, arg);
    mynah_elem_free(m);
    mn_free(text);
}

void held_refuse(struct mynah_client *c, const char *room, const struct mynah_elem *error,
                 void (*told)(void *arg, struct mynah_client *c, const struct mynah_message *m),
                 void *arg)
{
    struct out *o;

    move(&c->sm.held, &c->sm.refused, room);
    move(&c->sm.waiting, &c->sm.refused, room);
    while ((o = first(&c->sm.refused, room))) { /* call-backs may refuse what another room holds */
        mn_list_del(&o->link);
        refuse(c, o, error, told, arg);
        out_free(o);
    }
}
