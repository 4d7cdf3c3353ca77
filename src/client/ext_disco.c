/* Service discovery (XEP-0030) and entity capabilities (XEP-0115). What we say of ourselves is made
 * of the extensions' tables and of what the program adds; its hash rides in every presence. */
#include "client/ext.h"

#include "base/err.h"
#include "mynah/disco.h"
#include "xmpp/caps.h"

#define NS_INFO "http://jabber.org/protocol/disco#info"
#define NS_ITEMS "http://jabber.org/protocol/disco#items"
#define NS_CAPS "http://jabber.org/protocol/caps"
#define NODE "urn:mynah:client"

/* What others tell and is kept: a longer answer is asked for each time. */
enum {
    KNOWN_MAX = 1000,
    KNOWN_BYTES = 64 << 10,
    SEEN_MAX = 20000,
    PARTS_MAX = 500,
    NODE_MAX = 1023
};

/* What a hash stands for; found by `key` ("sha-1 ver"). */
struct known {
    char *key;
    struct mynah_elem *query;
};
/* What somebody's presence says of himself. */
struct seen {
    char *jid, *node, *key;
};
struct node {
    char *name;
    mynah_disco_node *serve;
    void *arg;
};

struct disco {
    struct mynah_elem *own; /* <extra/>: identities, features and forms of the program's */
    struct mn_map known, seen, nodes;
    struct mn_turn say; /* a presence with a new hash */
    struct mynah_client *client;
    char ver[40];
    char *node;
};

static struct disco *disco_of(struct mynah_client *c)
{
    return ext_state(c, &ext_disco);
}

/* Ourselves. */

static bool has_feature(const struct mynah_elem *query, const char *feature)
{
    MYNAH_EACH(f, query, "feature", NULL)
    if (!strcmp(mynah_elem_get(f, "var") ? mynah_elem_get(f, "var") : "", feature))
        return true;
    return false;
}

static void feature_add(struct mynah_elem *query, const char *feature)
{
    if (!has_feature(query, feature))
        mynah_elem_set(mynah_elem_add(query, "feature", NULL), "var", feature);
}

static void own_fill(const struct mynah_client *c, const struct disco *d, struct mynah_elem *query)
{
    if (!mynah_elem_child(d->own, "identity", NULL)) {
        struct mynah_elem *i = mynah_elem_add(query, "identity", NULL);

        mynah_elem_set(i, "category", c->component ? "component" : "client");
        mynah_elem_set(i, "type", c->component ? "generic" : "pc");
        mynah_elem_set(i, "name", "libmynah");
    }
    MYNAH_EACH(e, d->own, NULL, NULL)
    if (!mynah_elem_is(e, "off", NULL)) {
        struct mynah_elem *copy = mynah_elem_copy(e);

        mynah_elem_hang(query, &copy);
    }
    for (size_t i = 0; exts[i]; i++)
        for (size_t k = 0; k < MN_COUNT(exts[i]->features) && exts[i]->features[k]; k++)
            if (!mynah_elem_child(d->own, "off", exts[i]->features[k]))
                feature_add(query, exts[i]->features[k]);
}

static void presence_say(struct mn_turn *t)
{
    presence_again(MN_OF(t, struct disco, say)->client);
}

static const char *node_of(const struct disco *d)
{
    return d->node ? d->node : NODE;
}

static void caps_say(struct mynah_client *c, struct disco *d)
{
    struct mynah_elem *caps = mynah_elem_new("c", NS_CAPS);

    mynah_elem_set(caps, "hash", "sha-1");
    mynah_elem_set(caps, "node", node_of(d));
    mynah_elem_set(caps, "ver", d->ver);
    mynah_presence_add(c, &caps);
    mn_loop_at_end(c->ctx->loop, &d->say);
}

/* The hash anew, and a presence that says so. */
static void changed(struct mynah_client *c, struct disco *d)
{
    struct mynah_elem *query = mynah_elem_new("query", NS_INFO);
    struct mn_arena a = {0};
    char ver[sizeof d->ver];

    own_fill(c, d, query);
    snprintf(ver, sizeof ver, "%.*s", MN_ARG(mn_caps_ver(elem_in(query), MN_SHA1, &a)));
    mn_arena_done(&a, NULL);
    mynah_elem_free(query);
    if (!strcmp(ver, d->ver))
        return;
    memcpy(d->ver, ver, sizeof ver);
    caps_say(c, d);
}

struct mynah_elem *disco_own(struct mynah_client *c)
{
    struct disco *d = disco_of(c);
    struct mynah_elem *query = mynah_elem_new("query", NS_INFO);
    struct mn_buf node = {0};

    mn_buf_fmt(&node, "%s#%s", node_of(d), d->ver);
    mn_buf_c(&node, 0);
    mynah_elem_set(query, "node", node.p);
    mn_buf_free(&node);
    own_fill(c, d, query);
    return query;
}

static bool own_node(const struct disco *d, const char *node)
{
    size_t n = strlen(node_of(d));

    return !node ||
           (!strncmp(node, node_of(d), n) && node[n] == '#' && !strcmp(node + n + 1, d->ver));
}

static void asked(void *arg, struct mynah_client *c, struct mynah_ask *q)
{
    struct disco *d = arg;
    const struct mynah_elem *payload = mynah_ask_payload(q);
    const char *ns = mynah_elem_ns(payload), *name = mynah_elem_get(payload, "node");
    struct node *node = name ? mn_map_get(&d->nodes, mn_str_from(name)) : NULL;
    struct mynah_elem *query = mynah_elem_new("query", ns);
    bool items = !strcmp(ns, NS_ITEMS), there = true;

    mynah_elem_set(query, "node", name);
    if (node)
        there = node->serve(node->arg, c, mynah_ask_from(q), items, query);
    else if (own_node(d, name) && !items)
        own_fill(c, d, query);
    else
        there = !name && items;
    if (there)
        mynah_ask_result(&q, &query);
    else
        mynah_ask_error(&q, "item-not-found", NULL);
    mynah_elem_free(query);
}

/* Others. */

struct wanted {
    mynah_disco_done *info;
    mynah_items_done *items;
    void *arg;
    char *key; /* of the hash that the answer should have; NULL: any */
};

static void info_tell(struct wanted *w, struct mynah_client *c, const struct mynah_elem *query)
{
    struct mn_arena a = {0};
    size_t n = 0, m = 0;
    struct mynah_identity *identities;
    const char **features;
    struct mynah_disco d = {.node = mynah_elem_get(query, "node"), .xml = query};

    MYNAH_EACH(e, query, NULL, NS_INFO)
    n++;
    identities = mn_arena_alloc0(&a, (n + 1) * sizeof *identities);
    features = mn_arena_alloc0(&a, (n + 1) * sizeof *features);
    n = 0;
    MYNAH_EACH(e, query, NULL, NS_INFO)
    {
        const char *category = mynah_elem_get(e, "category"), *type = mynah_elem_get(e, "type"),
                   *var = mynah_elem_get(e, "var");

        if (mynah_elem_is(e, "identity", NULL) && category && type)
            identities[n++] = (struct mynah_identity){category, type, mynah_elem_get(e, "name"),
                                                      mynah_elem_get(e, "xml:lang")};
        if (mynah_elem_is(e, "feature", NULL) && var)
            features[m++] = var;
    }
    d.identities = identities;
    d.identity_count = n;
    d.features = features;
    d.feature_count = m;
    w->info(w->arg, c, &d, NULL);
    mn_arena_done(&a, NULL);
}

static void items_tell(struct wanted *w, struct mynah_client *c, const struct mynah_elem *query)
{
    struct mn_arena a = {0};
    struct mynah_item *items = elem_room(query, "item", NS_ITEMS, sizeof *items, &a);
    size_t n = 0;

    MYNAH_EACH(e, query, "item", NS_ITEMS)
    if (mynah_elem_get(e, "jid"))
        items[n++] = (struct mynah_item){mynah_elem_get(e, "jid"), mynah_elem_get(e, "node"),
                                         mynah_elem_get(e, "name")};
    w->items(w->arg, c, items, n, NULL);
    mn_arena_done(&a, NULL);
}

static void known_free(struct known *k)
{
    mn_free(k->key);
    mynah_elem_free(k->query);
    mn_free(k);
}

/* XEP-0115 5.4: an answer with doubles proves nothing, whatever its hash; nor does one of so many
 * parts that looking for them would take its time. */
static bool has_doubles(const struct mynah_elem *query)
{
    if (elem_count(query, NULL, NS_INFO) > PARTS_MAX)
        return true;
    MYNAH_EACH(e, query, NULL, NS_INFO)
    MYNAH_EACH_BEHIND(f, e, NULL, NS_INFO)
    {
        const char *const names[] = {"category", "type", "xml:lang", "var", "name"};
        bool same = !strcmp(mynah_elem_name(e), mynah_elem_name(f));

        for (size_t i = 0; i < MN_COUNT(names) && same; i++) {
            const char *a = mynah_elem_get(e, names[i]), *b = mynah_elem_get(f, names[i]);

            same = !strcmp(a ? a : "", b ? b : "");
        }
        if (same)
            return true;
    }
    return false;
}

static char *key_of(const char *hash, mn_str ver)
{
    struct mn_buf b = {0};

    mn_buf_fmt(&b, "%s %.*s", hash, MN_ARG(ver));
    mn_buf_c(&b, 0);
    return b.p;
}

static void known_put(struct disco *d, const char *key, const struct mynah_elem *query)
{
    struct mn_arena a = {0};
    bool sha1 = !strncmp(key, "sha-1 ", 6);
    char *real = key_of(sha1 ? "sha-1" : "sha-256",
                        mn_caps_ver(elem_in(query), sha1 ? MN_SHA1 : MN_SHA256, &a));
    struct known *k;

    mn_arena_done(&a, NULL);
    if (!strcmp(real, key) && !has_doubles(query) && d->known.count < KNOWN_MAX &&
        elem_weight(query) <= KNOWN_BYTES && !mn_map_get(&d->known, mn_str_from(key))) {
        k = MN_NEW(struct known);
        *k = (struct known){real, elem_keep(query, &d->client->kept)};
        mn_map_put(&d->known, mn_str_from(k->key), k);
        return;
    }
    mn_free(real);
}

void disco_heard(struct mynah_client *c, const struct mynah_elem *query)
{
    const char *node = mynah_elem_get(query, "node"), *ver = node ? strrchr(node, '#') : NULL;
    char *key = ver ? key_of("sha-1", mn_str_from(ver + 1)) : NULL;

    if (key)
        known_put(disco_of(c), key, query);
    mn_free(key);
}

size_t disco_known(struct mynah_client *c)
{
    return disco_of(c)->known.count;
}

static void answered(void *arg, struct mynah_client *c, const struct mynah_elem *result,
                     const struct mynah_error *error)
{
    struct wanted *w = arg;
    struct mynah_error none = {.code = MYNAH_E_FORMAT, .xml = result};
    const struct mynah_elem *query =
        mynah_elem_child(result, "query", w->info ? NS_INFO : NS_ITEMS);

    if (result && !query)
        error = &none;
    if (query && w->key)
        known_put(disco_of(c), w->key, query);
    if (error && w->info)
        w->info(w->arg, c, NULL, error);
    else if (error)
        w->items(w->arg, c, NULL, 0, error);
    else if (w->info)
        info_tell(w, c, query);
    else
        items_tell(w, c, query);
    mn_free(w->key);
    mn_free(w);
}

static struct mynah_request *question(struct mynah_client *c, const char *jid, const char *node,
                                      const struct wanted *want)
{
    struct wanted *w = MN_NEW(struct wanted);
    struct mynah_elem *query = mynah_elem_new("query", want->info ? NS_INFO : NS_ITEMS);

    *w = *want;
    mynah_elem_set(query, "node", node);
    return mynah_iq_send(c, MYNAH_GET, jid ? jid : c->domain, &query, 0, answered, w);
}

struct mynah_request *mynah_disco_info(struct mynah_client *c, const char *jid, const char *node,
                                       mynah_disco_done *done, void *arg)
{
    return question(c, jid, node, &(struct wanted){done, NULL, arg, NULL});
}

struct mynah_request *mynah_disco_items(struct mynah_client *c, const char *jid, const char *node,
                                        mynah_items_done *done, void *arg)
{
    return question(c, jid, node, &(struct wanted){NULL, done, arg, NULL});
}

bool mynah_disco_has(const struct mynah_disco *d, const char *feature)
{
    for (size_t i = 0; i < d->feature_count; i++)
        if (!strcmp(d->features[i], feature))
            return true;
    return false;
}

bool mynah_disco_is(const struct mynah_disco *d, const char *category, const char *type)
{
    for (size_t i = 0; i < d->identity_count; i++)
        if ((!category || !strcmp(d->identities[i].category, category)) &&
            (!type || !strcmp(d->identities[i].type, type)))
            return true;
    return false;
}

/* Capabilities of others. */

static void seen_free(struct seen *s)
{
    if (!s)
        return;
    mn_free(s->jid);
    mn_free(s->node);
    mn_free(s->key);
    mn_free(s);
}

static void seen_drop(struct disco *d, const char *jid)
{
    struct seen *s = mn_map_get(&d->seen, mn_str_from(jid));

    if (s)
        mn_map_del(&d->seen, mn_str_from(jid));
    seen_free(s);
}

static bool stanza(struct mynah_client *c, void *state, const struct mynah_elem *st)
{
    struct disco *d = state;
    const struct mynah_elem *caps = mynah_elem_child(st, "c", NS_CAPS);
    const char *from = mynah_elem_get(st, "from"), *hash = mynah_elem_get(caps, "hash"),
               *node = mynah_elem_get(caps, "node"), *ver = mynah_elem_get(caps, "ver");
    struct seen *s;

    (void)c;
    if (!from || !mynah_elem_is(st, "presence", NULL))
        return false;
    seen_drop(d, from);
    if (mynah_elem_get(st, "type") || !hash || !node || !ver || d->seen.count >= SEEN_MAX ||
        strlen(from) > MN_JID_MAX || strlen(node) > NODE_MAX || strlen(ver) > NODE_MAX ||
        (strcmp(hash, "sha-1") && strcmp(hash, "sha-256")))
        return false;
    s = MN_NEW(struct seen);
    *s = (struct seen){mn_str_dup(mn_str_from(from)), key_of(node, mn_str_from(ver)),
                       key_of(hash, mn_str_from(ver))};
    s->node[strlen(node)] = '#';
    mn_map_put(&d->seen, mn_str_from(s->jid), s);
    return false;
}

struct mynah_request *mynah_caps_info(struct mynah_client *c, const char *jid,
                                      mynah_disco_done *done, void *arg)
{
    struct disco *d = disco_of(c);
    struct seen *s = mn_map_get(&d->seen, mn_str_from(jid));
    struct known *k = s ? mn_map_get(&d->known, mn_str_from(s->key)) : NULL;
    struct wanted w = {done, NULL, arg, NULL};

    if (k) {
        info_tell(&w, c, k->query);
        return NULL;
    }
    w.key = s ? mn_str_dup(mn_str_from(s->key)) : NULL;
    return question(c, jid, s ? s->node : NULL, &w);
}

/* What the program adds. */

/* Everything but elements that `drop` says yes to. */
static void own_keep(struct disco *d, bool (*drop)(const struct mynah_elem *e, const char *arg),
                     const char *arg)
{
    struct mynah_elem *kept = mynah_elem_new("extra", NS_INFO);

    MYNAH_EACH(e, d->own, NULL, NULL)
    if (!drop(e, arg)) {
        struct mynah_elem *copy = mynah_elem_copy(e);

        mynah_elem_hang(kept, &copy);
    }
    mynah_elem_free(d->own);
    d->own = kept;
}

void mynah_disco_identity(struct mynah_client *c, const char *category, const char *type,
                          const char *name)
{
    struct disco *d = disco_of(c);
    struct mynah_elem *e = mynah_elem_add(d->own, "identity", NS_INFO);

    mynah_elem_set(e, "category", category);
    mynah_elem_set(e, "type", type);
    mynah_elem_set(e, "name", name);
    changed(c, d);
}

void mynah_disco_node_set(struct mynah_client *c, const char *uri)
{
    struct disco *d = disco_of(c);
    char *node = uri ? mn_str_dup(mn_str_from(uri)) : NULL;

    mn_free(d->node);
    d->node = node;
    caps_say(c, d);
}

/* A feature of the program's, or the note that one of the tables is off (<off/> in its namespace).
 */
static bool is_feature(const struct mynah_elem *e, const char *feature)
{
    const char *var = mynah_elem_get(e, "var");

    return mynah_elem_is(e, "off", feature) ||
           (mynah_elem_is(e, "feature", NULL) && var && !strcmp(var, feature));
}

void mynah_disco_feature(struct mynah_client *c, const char *feature, bool on)
{
    struct disco *d = disco_of(c);

    own_keep(d, is_feature, feature);
    if (on)
        mynah_elem_set(mynah_elem_add(d->own, "feature", NS_INFO), "var", feature);
    else
        mynah_elem_add(d->own, "off", feature);
    changed(c, d);
}

static const char *form_type(const struct mynah_elem *form)
{
    MYNAH_EACH(f, form, "field", "jabber:x:data")
    if (mynah_elem_get(f, "var") && !strcmp(mynah_elem_get(f, "var"), "FORM_TYPE"))
        return mynah_elem_child_text(f, "value", NULL);
    return NULL;
}

static bool is_form(const struct mynah_elem *e, const char *type)
{
    const char *is = mynah_elem_is(e, "x", "jabber:x:data") ? form_type(e) : NULL;

    return is && type && !strcmp(is, type);
}

void mynah_disco_form(struct mynah_client *c, struct mynah_elem **form)
{
    struct disco *d = disco_of(c);

    own_keep(d, is_form, form_type(*form));
    mynah_elem_hang(d->own, form);
    changed(c, d);
}

static void node_free(struct node *n)
{
    mn_free(n->name);
    mn_free(n);
}

void mynah_disco_serve(struct mynah_client *c, const char *name, mynah_disco_node *serve, void *arg)
{
    struct disco *d = disco_of(c);
    struct node *n = mn_map_get(&d->nodes, mn_str_from(name));

    if (n) {
        mn_map_del(&d->nodes, mn_str_from(name));
        node_free(n);
    }
    if (!serve)
        return;
    n = MN_NEW(struct node);
    *n = (struct node){mn_str_dup(mn_str_from(name)), serve, arg};
    mn_map_put(&d->nodes, mn_str_from(n->name), n);
}

static void init(struct mynah_client *c, void *state)
{
    struct disco *d = state;

    d->own = mynah_elem_new("extra", NS_INFO);
    d->client = c;
    d->say.run = presence_say;
    mynah_iq_serve(c, MYNAH_GET, NS_INFO, "query", asked, d);
    mynah_iq_serve(c, MYNAH_GET, NS_ITEMS, "query", asked, d);
    changed(c, d);
}

/* The next session hears of everybody anew. */
static void lost(struct mynah_client *c, void *state)
{
    struct disco *d = state;
    size_t at = 0;
    struct seen *s;

    (void)c;
    while ((s = mn_map_next(&d->seen, &at)))
        seen_free(s);
    mn_map_free(&d->seen);
}

static void done(struct mynah_client *c, void *state)
{
    struct disco *d = state;
    size_t at = 0;
    struct known *k;
    struct node *n;

    (void)c;
    mn_turn_cancel(&d->say);
    while ((k = mn_map_next(&d->known, &at)))
        known_free(k);
    at = 0;
    while ((n = mn_map_next(&d->nodes, &at)))
        node_free(n);
    lost(c, state);
    mn_map_free(&d->known);
    mn_map_free(&d->nodes);
    mynah_elem_free(d->own);
    mn_free(d->node);
}

const struct ext ext_disco = {
    .name = "disco",
    .features = {NS_INFO, NS_ITEMS, NS_CAPS},
    .size = sizeof(struct disco),
    .init = init,
    .done = done,
    .lost = lost,
    .stanza = stanza,
};
