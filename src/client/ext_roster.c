/* The roster and who of it is there (RFC 6121). Contacts stand sorted by their address; each keeps
 * the <item/> that its texts are lent from. */
#include "client/ext.h"

#include "base/err.h"
#include "mynah/roster.h"
#include "mynah/jid.h"

#define NS_ROSTER "jabber:iq:roster"

/* Others' servers say how many there are, and how much: of one address the oldest go, untold; who
 * is too much at once, or comes when there is so much of all, is left out. */
enum {
    RESOURCES_MAX = 100,
    RESOURCES_BYTES = 256 << 10,
    PRESENCES_BYTES = 64 << 20,
    EARLY_MAX = 200,
    EARLY_BYTES = 64 << 10
};

struct contact {
    struct mynah_contact k; /* first */
    struct mynah_elem *item;
    const char **groups;
};

struct resource {
    struct mynah_resource r; /* first */
    char *bare;
    struct mynah_elem *xml;
    size_t weight;
    bool early; /* came before the roster: not told yet */
};

struct roster {
    struct mn_list listeners;
    struct contact **contacts; /* by address */
    size_t count, cap;
    struct resource **resources; /* as they came */
    size_t resource_count, resource_cap, resource_weight;
    struct resource
        *told;        /* listeners are hearing of it; NULL: it went out of the list meanwhile */
    bool ready, full; /* full: somebody was left out */
    struct mynah_request *fetching;
    char *version;
    size_t *kept; /* the client's */
};

#define TELL(c, r, member, ...)                                                                    \
    LISTENERS_TELL(&(r)->listeners, struct mynah_roster_calls, member, c, __VA_ARGS__)

static struct roster *roster_of(struct mynah_client *c)
{
    return ext_state(c, &ext_roster);
}

/* Contacts. */

static void contact_free(struct contact *k)
{
    mynah_elem_free(k->item);
    mn_free(k->groups);
    mn_free(k);
}

/* Where it is, or belongs. */
static size_t place(const struct roster *r, const char *jid, bool *found)
{
    size_t low = 0, high = r->count;

    *found = false;
    while (low < high) {
        size_t mid = (low + high) / 2;
        int order = strcmp(r->contacts[mid]->k.jid, jid);

        if (!order)
            *found = true;
        if (order >= 0)
            high = mid;
        else
            low = mid + 1;
    }
    return low;
}

static struct contact *contact_find(const struct roster *r, const char *jid)
{
    bool found;
    size_t i = place(r, jid, &found);

    return found ? r->contacts[i] : NULL;
}

static enum mynah_subscription subscription_of(const struct mynah_elem *item)
{
    const char *s = mynah_elem_get(item, "subscription");

    return !s                   ? MYNAH_NEITHER
           : !strcmp(s, "to")   ? MYNAH_TO
           : !strcmp(s, "from") ? MYNAH_FROM
           : !strcmp(s, "both") ? MYNAH_BOTH
                                : MYNAH_NEITHER;
}

static struct contact *contact_new(const struct roster *r, const struct mynah_elem *item)
{
    struct contact *k = MN_NEW(struct contact);
    const char *ask;

    k->item = elem_keep(item, r->kept);
    k->groups = mn_alloc0((elem_count(item, "group", NS_ROSTER) + 1) * sizeof *k->groups);
    MYNAH_EACH(g, k->item, "group", NS_ROSTER)
    k->groups[k->k.group_count++] = mynah_elem_text(g);
    ask = mynah_elem_get(k->item, "ask");
    k->k.groups = k->groups;
    k->k.jid = mynah_elem_get(k->item, "jid");
    k->k.name = mynah_elem_get(k->item, "name");
    k->k.subscription = subscription_of(k->item);
    k->k.asked = ask && !strcmp(ask, "subscribe");
    k->k.approved = elem_flag(k->item, "approved");
    return k;
}

static void contact_put(struct roster *r, struct contact *k)
{
    bool found;
    size_t i = place(r, k->k.jid, &found);

    if (found) {
        contact_free(r->contacts[i]);
        r->contacts[i] = k;
        return;
    }
    if (r->count == r->cap) {
        r->cap = r->cap ? 2 * r->cap : 16;
        r->contacts = mn_realloc(r->contacts, r->cap * sizeof(struct contact *));
    }
    memmove(&r->contacts[i + 1], &r->contacts[i], (r->count - i) * sizeof(struct contact *));
    r->contacts[i] = k;
    r->count++;
}

static void resource_free(struct resource *s)
{
    mynah_elem_free(s->xml);
    mn_free(s->bare);
    mn_free(s);
}

static void resource_out(struct roster *r, size_t i)
{
    r->resource_weight -= r->resources[i]->weight;
    memmove(&r->resources[i], &r->resources[i + 1],
            (--r->resource_count - i) * sizeof(struct resource *));
}

/* Nobody says any more when they go; but of ourselves. */
static void resources_drop(struct mynah_client *c, struct roster *r, const char *bare)
{
    for (size_t i = strcmp(bare, c->bare) ? r->resource_count : 0; i-- > 0;) {
        struct resource *s = r->resources[i];

        if (strcmp(s->bare, bare) != 0)
            continue;
        resource_out(r, i);
        resource_free(s);
    }
}

static void contact_drop(struct mynah_client *c, struct roster *r, const char *jid)
{
    bool found;
    size_t i = place(r, jid, &found);
    struct contact *k;

    if (!found)
        return;
    k = r->contacts[i];
    memmove(&r->contacts[i], &r->contacts[i + 1], (--r->count - i) * sizeof(struct contact *));
    resources_drop(c, r, k->k.jid);
    TELL(c, r, removed, k->k.jid);
    contact_free(k);
}

/* `before`: what was there before this item came. */
static void item_came(struct mynah_client *c, struct roster *r, const struct roster *before,
                      const struct mynah_elem *item)
{
    const char *s = mynah_elem_get(item, "subscription");
    char *jid = mynah_jid(mynah_elem_get(item, "jid"));
    struct mynah_elem *canonical;

    if (!jid)
        return;
    canonical = mynah_elem_copy(item);
    mynah_elem_set(canonical, "jid", jid);
    if (s && !strcmp(s, "remove")) {
        contact_drop(c, r, jid);
    } else {
        struct contact *k = contact_new(r, canonical);

        k->k.added = !contact_find(before, jid);
        contact_put(r, k);
        TELL(c, r, changed, &k->k);
        k->k.added = false;
    }
    mynah_elem_free(canonical);
    mn_free(jid);
}

static void version_set(struct roster *r, const struct mynah_elem *query)
{
    const char *ver = mynah_elem_get(query, "ver");

    if (!ver)
        return;
    mn_free(r->version);
    r->version = mn_str_dup(mn_str_from(ver));
}

/* A whole one: what is not in it is gone. */
static void whole_came(struct mynah_client *c, struct roster *r, const struct mynah_elem *query)
{
    struct roster old = *r;

    r->contacts = NULL;
    r->count = r->cap = 0;
    version_set(r, query);
    MYNAH_EACH(item, query, "item", NS_ROSTER)
    item_came(c, r, &old, item);
    for (size_t i = 0; i < old.count; i++) {
        if (!contact_find(r, old.contacts[i]->k.jid)) {
            resources_drop(c, r, old.contacts[i]->k.jid);
            TELL(c, r, removed, old.contacts[i]->k.jid);
        }
        contact_free(old.contacts[i]);
    }
    mn_free(old.contacts);
}

/* The session may end inside. */
static void resource_tell(struct mynah_client *c, struct roster *r, struct resource *s)
{
    const struct contact *k = contact_find(r, s->bare);

    r->told = s;
    TELL(c, r, presence, k ? &k->k : NULL, &s->r);
    if (!r->told)
        resource_free(s);
    r->told = NULL;
}

/* Who came before the roster did: those of it are told now, the others were none of ours. */
static void early_told(struct mynah_client *c, struct roster *r)
{
    for (size_t i = r->resource_count; i-- > 0 && i < r->resource_count;) {
        struct resource *s = r->resources[i];
        bool early = s->early;

        if (contact_find(r, s->bare) || !strcmp(s->bare, c->bare)) {
            s->early = false;
            if (early)
                resource_tell(c, r, s);
        } else {
            resource_out(r, i);
            resource_free(s);
        }
    }
}

static void fetched(void *arg, struct mynah_client *c, const struct mynah_elem *result,
                    const struct mynah_error *error)
{
    struct roster *r = arg;
    const struct mynah_elem *query = mynah_elem_child(result, "query", NS_ROSTER);

    r->fetching = NULL;
    if (error && error->code != MYNAH_E_LOST && error->code != MYNAH_E_CANCELLED)
        TELL(c, r, failed, error);
    if (!result)
        return;
    if (query)
        whole_came(c, r, query);
    r->ready = c->bound != NULL; /* the session may end inside each of these */
    if (r->ready)
        early_told(c, r);
    if (r->ready)
        LISTENERS_TELL(&r->listeners, struct mynah_roster_calls, ready, c);
}

static void fetch(struct mynah_client *c, struct roster *r)
{
    struct mynah_elem *query = mynah_elem_new("query", NS_ROSTER);

    if (mynah_elem_child(c->features, "ver", "urn:xmpp:features:rosterver"))
        mynah_elem_set(query, "ver", r->version ? r->version : "");
    r->fetching = mynah_iq_send(c, MYNAH_GET, NULL, &query, 0, fetched, r);
}

static void bound(struct mynah_client *c, void *state)
{
    if (!c->conf.no_roster)
        fetch(c, state);
}

static void pushed(void *arg, struct mynah_client *c, struct mynah_ask *q)
{
    struct roster *r = arg;
    const struct mynah_elem *query = mynah_ask_payload(q),
                            *item = mynah_elem_child(query, "item", NS_ROSTER);

    if (!from_self(c, mynah_ask_from(q))) {
        client_log(c, MYNAH_LOG_WARN, "a forged roster push was refused");
        mynah_ask_error(&q, "service-unavailable", NULL);
        return;
    }
    if (item)
        item_came(c, r, r, item);
    version_set(r, query);
    mynah_ask_result(&q, NULL);
}

/* Who is there. */

static size_t resource_find(const struct roster *r, const char *jid)
{
    for (size_t i = 0; i < r->resource_count; i++)
        if (!strcmp(r->resources[i]->r.jid, jid))
            return i;
    return r->resource_count;
}

static struct resource *resource_new(const struct roster *r, const struct mynah_presence *p,
                                     char *bare)
{
    struct resource *s = MN_NEW(struct resource);

    s->xml = elem_keep(p->xml, r->kept);
    s->weight = elem_weight(p->xml);
    s->bare = bare;
    s->r = (struct mynah_resource){mynah_elem_get(s->xml, "from"), p->show,
                                   mynah_elem_child_text(s->xml, "status", "jabber:client"),
                                   p->priority, s->xml};
    return s;
}

/* Those of that address that there is no room for beside the new one go. */
static void resource_room(struct roster *r, const struct resource *s)
{
    size_t n = 1, weight = s->weight;

    for (size_t i = r->resource_count; i-- > 0;) {
        struct resource *old = r->resources[i];

        if (strcmp(old->bare, s->bare) != 0)
            continue;
        weight += old->weight;
        if (++n > RESOURCES_MAX || weight > RESOURCES_BYTES) {
            resource_out(r, i);
            resource_free(old);
        }
    }
}

static bool resource_fits(struct mynah_client *c, struct roster *r, const struct resource *s)
{
    bool fits = s->weight <= (s->early ? EARLY_BYTES : RESOURCES_BYTES) &&
                r->resource_weight + s->weight <= PRESENCES_BYTES;

    if (!fits && !r->full)
        client_log(c, MYNAH_LOG_WARN, "there is more presence than is kept");
    r->full |= !fits;
    return fits;
}

/* The one told of is behind all others: the latest. */
static void resource_told(struct mynah_client *c, struct roster *r, struct resource *s)
{
    size_t i = resource_find(r, s->r.jid);
    bool untold = false;

    if (i < r->resource_count) {
        struct resource *old = r->resources[i];

        untold = old->early;
        resource_out(r, i);
        resource_free(old);
    } else if (s->r.show == MYNAH_UNAVAILABLE) {
        resource_free(s);
        return;
    }
    if (s->r.show == MYNAH_UNAVAILABLE) {
        if (!untold)
            resource_tell(c, r, s);
        resource_free(s);
        return;
    }
    s->early = !r->ready && !contact_find(r, s->bare) && strcmp(s->bare, c->bare);
    if (!resource_fits(c, r, s)) {
        resource_free(s);
        return;
    }
    resource_room(r, s);
    if (r->resource_count == r->resource_cap) {
        r->resource_cap = r->resource_cap ? 2 * r->resource_cap : 16;
        r->resources = mn_realloc(r->resources, r->resource_cap * sizeof(struct resource *));
    }
    r->resources[r->resource_count++] = s;
    r->resource_weight += s->weight;
    if (!s->early)
        resource_tell(c, r, s);
}

static void presence(void *arg, struct mynah_client *c, const struct mynah_presence *p)
{
    struct roster *r = arg;
    char *bare = mynah_jid_bare(p->from);

    if (!bare)
        return;
    if (p->type == MYNAH_SUBSCRIBE) {
        TELL(c, r, asked, bare, p->status);
    } else if (p->type == MYNAH_SUBSCRIBED || p->type == MYNAH_UNSUBSCRIBE ||
               p->type == MYNAH_UNSUBSCRIBED) {
        TELL(c, r, told, bare, p->type);
    } else if (p->type == MYNAH_PRESENCE && /* gateways and their people have no resources */
               (strchr(p->from, '/') || strcmp(bare, c->bare)) &&
               (contact_find(r, bare) || !strcmp(bare, c->bare) ||
                (!r->ready && !c->conf.no_roster && r->resource_count < EARLY_MAX))) {
        resource_told(c, r, resource_new(r, p, bare));
        return;
    }
    mn_free(bare);
}

static void init(struct mynah_client *c, void *state)
{
    static const struct mynah_calls calls = {.size = sizeof calls, .presence = presence};
    struct roster *r = state;

    r->kept = &c->kept;
    mn_list_init(&r->listeners);
    mynah_iq_serve(c, MYNAH_SET, NS_ROSTER, "query", pushed, r);
    mynah_listen(c, &calls, r);
}

static void resources_free(struct roster *r)
{
    for (size_t i = 0; i < r->resource_count; i++)
        if (r->resources[i] == r->told)
            r->told = NULL;
        else
            resource_free(r->resources[i]);
    r->resource_count = r->resource_weight = 0;
}

/* On paper: <roster/> with the items as the server told them. */

#define NS_SAVED "urn:mynah:roster"

void mynah_roster_save(struct mynah_client *c, void **out, size_t *n)
{
    const struct roster *r = roster_of(c);
    struct mynah_elem *saved = mynah_elem_new("roster", NS_SAVED);
    char *text;

    mynah_elem_set(saved, "for", c->bare);
    mynah_elem_set(saved, "ver", r->version);
    for (size_t i = 0; i < r->count; i++) {
        struct mynah_elem *item = mynah_elem_copy(r->contacts[i]->item);

        mynah_elem_hang(saved, &item);
    }
    text = mynah_elem_xml(saved);
    mynah_elem_free(saved);
    *out = text;
    *n = strlen(text);
}

int mynah_roster_restore(struct mynah_client *c, const void *saved, size_t n)
{
    struct roster *r = roster_of(c);
    char *text = mn_str_dup((mn_str){saved, n});
    struct mynah_elem *e = NULL;
    const char *whose;
    int code = c->state == MYNAH_OFFLINE && !r->count && !r->version ? mynah_elem_parse(text, &e)
                                                                     : MYNAH_E_STATE;

    mn_free(text);
    if (code)
        return code;
    whose = mynah_elem_get(e, "for");
    if (!mynah_elem_is(e, "roster", NS_SAVED) || !whose || strcmp(whose, c->bare) != 0)
        code = MYNAH_E_FORMAT;
    else
        version_set(r, e);
    MYNAH_EACH(item, code ? NULL : e, "item", NS_ROSTER)
    if (mynah_elem_get(item, "jid"))
        contact_put(r, contact_new(r, item));
    mynah_elem_free(e);
    return code;
}

/* The next session hears of everybody anew. */
static void lost(struct mynah_client *c, void *state)
{
    struct roster *r = state;

    (void)c;
    resources_free(r);
    r->ready = r->full = false;
}

static void freed(struct mynah_client *c, void *state)
{
    (void)c;
    listeners_mute(&((struct roster *)state)->listeners);
}

static void done(struct mynah_client *c, void *state)
{
    struct roster *r = state;

    (void)c;
    listeners_free(&r->listeners);
    resources_free(r);
    for (size_t i = 0; i < r->count; i++)
        contact_free(r->contacts[i]);
    mn_free(r->contacts);
    mn_free(r->resources);
    mn_free(r->version);
}

const struct ext ext_roster = {.name = "roster",
                               .size = sizeof(struct roster),
                               .init = init,
                               .done = done,
                               .freed = freed,
                               .bound = bound,
                               .lost = lost};

/* What programs call. */

struct mynah_listener *mynah_roster_listen(struct mynah_client *c,
                                           const struct mynah_roster_calls *calls, void *arg)
{
    return listener_add(c->ctx, &roster_of(c)->listeners, calls, sizeof *calls, arg);
}

int mynah_roster_fetch(struct mynah_client *c)
{
    struct roster *r = roster_of(c);

    if (c->state != MYNAH_ONLINE || c->component || c->local)
        return MYNAH_E_STATE;
    if (!r->fetching)
        fetch(c, r);
    return MYNAH_OK;
}

bool mynah_roster_is_ready(struct mynah_client *c)
{
    return roster_of(c)->ready;
}

size_t mynah_roster_count(struct mynah_client *c)
{
    return roster_of(c)->count;
}

const struct mynah_contact *mynah_roster_at(struct mynah_client *c, size_t i)
{
    struct roster *r = roster_of(c);

    return i < r->count ? &r->contacts[i]->k : NULL;
}

const struct mynah_contact *mynah_roster_find(struct mynah_client *c, const char *jid)
{
    struct roster *r = roster_of(c);
    char *full = mynah_jid(jid), *bare = mynah_jid_bare(jid);
    struct contact *k = full ? contact_find(r, full) : NULL;

    if (!k && bare)
        k = contact_find(r, bare);
    mn_free(full);
    mn_free(bare);
    return k ? &k->k : NULL;
}

bool mynah_roster_sees(struct mynah_client *c, const char *jid)
{
    const struct mynah_contact *k = mynah_roster_find(c, jid);

    return mynah_jid_same(jid, c->bare) || c->local || /* all are told of us */
           (k && (k->subscription == MYNAH_FROM || k->subscription == MYNAH_BOTH));
}

static bool before(const struct resource *a, const struct resource *b)
{
    return a->r.priority > b->r.priority;
}

const struct mynah_resource *mynah_roster_resource(struct mynah_client *c, const char *jid,
                                                   size_t i)
{
    struct roster *r = roster_of(c);
    char *bare = mynah_jid_bare(jid);
    const struct resource *last = NULL;

    /* The next one behind `last` in the order: few have more than a handful. */
    for (size_t round = 0; bare && round <= i; round++) {
        const struct resource *best = NULL;
        bool passed = last == NULL;

        for (size_t k = r->resource_count; k-- > 0;) {
            const struct resource *s = r->resources[k];

            if (s == last)
                passed = true;
            else if (!strcmp(s->bare, bare) &&
                     (!last || before(last, s) || (!before(s, last) && passed)) &&
                     (!best || before(s, best)))
                best = s;
        }
        last = best;
        if (!best)
            break;
    }
    mn_free(bare);
    return last ? &last->r : NULL;
}

static struct mynah_request *item_send(struct mynah_client *c, struct mynah_elem *query,
                                       mynah_iq_done *done_, void *arg)
{
    return mynah_iq_send(c, MYNAH_SET, NULL, &query, 0, done_, arg);
}

struct mynah_request *mynah_roster_set(struct mynah_client *c, const char *jid, const char *name,
                                       const char *const *groups, size_t group_count,
                                       mynah_iq_done *done_, void *arg)
{
    struct mynah_elem *query = mynah_elem_new("query", NS_ROSTER),
                      *item = mynah_elem_add(query, "item", NULL);

    mynah_elem_set(item, "jid", jid);
    mynah_elem_set(item, "name", name);
    for (size_t i = 0; i < group_count; i++)
        mynah_elem_add_text(item, "group", NULL, groups[i]);
    return item_send(c, query, done_, arg);
}

struct mynah_request *mynah_roster_remove(struct mynah_client *c, const char *jid,
                                          mynah_iq_done *done_, void *arg)
{
    struct mynah_elem *query = mynah_elem_new("query", NS_ROSTER),
                      *item = mynah_elem_add(query, "item", NULL);

    mynah_elem_set(item, "jid", jid);
    mynah_elem_set(item, "subscription", "remove");
    return item_send(c, query, done_, arg);
}
