/* Occupants of a room, sorted by nickname, and the words for what they may. */
#include "base/err.h"
#include "client/room.h"

/* Of all presence of a room: ten thousand people who say a little each. */
enum { ROOM_BYTES = 32 << 20 };

static const char *const affiliations[] = {"none", "outcast", "member", "admin", "owner"};
static const char *const roles[] = {"none", "visitor", "participant", "moderator"};

static unsigned word(const char *text, const char *const *words, unsigned count)
{
    for (unsigned i = 0; text && i < count; i++)
        if (!strcmp(text, words[i]))
            return i;
    return 0;
}

enum mynah_affiliation room_affiliation(const char *text)
{
    return (enum mynah_affiliation)word(text, affiliations, MN_COUNT(affiliations));
}

enum mynah_role room_role(const char *text)
{
    return (enum mynah_role)word(text, roles, MN_COUNT(roles));
}

const char *room_affiliation_name(enum mynah_affiliation a)
{
    return affiliations[a];
}

const char *room_role_name(enum mynah_role r)
{
    return roles[r];
}

const struct mynah_elem *room_user(const struct mynah_elem *st)
{
    return mynah_elem_child(st, "x", NS_MUC "#user");
}

struct occupant *occupant_new(struct mynah_room *r, const struct mynah_presence *p,
                              const char *nick, bool self)
{
    struct occupant *o = MN_NEW(struct occupant);
    const struct mynah_elem *item;

    o->xml = elem_keep(p->xml, &r->client->kept);
    o->weight = elem_weight(p->xml);
    o->nick = mn_str_dup(mn_str_from(nick));
    item = mynah_elem_child(room_user(o->xml), "item", NULL);
    o->o = (struct mynah_occupant){
        .nick = o->nick,
        .jid = mynah_elem_get(item, "jid"),
        .affiliation = room_affiliation(mynah_elem_get(item, "affiliation")),
        .role = room_role(mynah_elem_get(item, "role")),
        .show = p->show,
        .status = mynah_elem_child_text(o->xml, "status", "jabber:client"),
        .self = self,
        .xml = o->xml,
    };
    return o;
}

void occupant_free(struct occupant *o)
{
    mynah_elem_free(o->xml);
    mn_free(o->nick);
    mn_free(o);
}

static size_t place(const struct mynah_room *r, const char *nick, bool *found)
{
    size_t low = 0, high = r->count;

    *found = false;
    while (low < high) {
        size_t mid = (low + high) / 2;
        int order = strcmp(r->occupants[mid]->nick, nick);

        *found |= !order;
        if (order >= 0)
            high = mid;
        else
            low = mid + 1;
    }
    return low;
}

struct occupant *occupant_find(const struct mynah_room *r, const char *nick)
{
    bool found;
    size_t i = place(r, nick, &found);

    return found ? r->occupants[i] : NULL;
}

bool occupant_fits(const struct mynah_room *r, const struct mynah_elem *presence, const char *nick)
{
    const struct occupant *old = occupant_find(r, nick);

    return r->weight - (old ? old->weight : 0) + elem_weight(presence) <= ROOM_BYTES;
}

struct occupant *occupant_take(struct mynah_room *r, const char *nick)
{
    bool found;
    size_t i = place(r, nick, &found);
    struct occupant *o = found ? r->occupants[i] : NULL;

    if (!found)
        return NULL;
    memmove(&r->occupants[i], &r->occupants[i + 1], (--r->count - i) * sizeof(struct occupant *));
    r->weight -= o->weight;
    return o;
}

void occupant_put(struct mynah_room *r, struct occupant *o)
{
    bool found;
    size_t i = place(r, o->nick, &found);

    r->weight += o->weight;
    if (found) {
        r->weight -= r->occupants[i]->weight;
        occupant_free(r->occupants[i]);
        r->occupants[i] = o;
        return;
    }
    if (r->count == r->cap) {
        r->cap = r->cap ? 2 * r->cap : 16;
        r->occupants = mn_realloc(r->occupants, r->cap * sizeof(struct occupant *));
    }
    memmove(&r->occupants[i + 1], &r->occupants[i], (r->count - i) * sizeof(struct occupant *));
    r->occupants[i] = o;
    r->count++;
}

void occupants_free(struct mynah_room *r)
{
    for (size_t i = 0; i < r->count; i++)
        occupant_free(r->occupants[i]);
    r->count = r->weight = 0;
    r->full = false;
}
