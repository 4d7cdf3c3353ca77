/* People in the network: their names as addresses, what they tell of themselves, and what programs
 * ask about them. */
#include "client/local.h"

#include "base/err.h"
#include "client/ext.h"
#include "net/mdns_msg.h"

#define NS_CAPS "http://jabber.org/protocol/caps"
#define NS_NICK "http://jabber.org/protocol/nick"
#define NS_PHOTO "vcard-temp:x:update"

enum { PEERS_MAX = 1000 };

/* Somebody asks for a picture. */
struct icon {
    struct mn_list link;
    struct local *local;
    struct mn_mdns_lookup *lookup;
    char *jid;
    mynah_icon_done *done;
    void *arg;
};

/* Names as addresses. */

char *people_address(mn_str name)
{
    struct mn_arena a = {0};
    struct mn_jid jid;
    size_t at = name.n;
    bool good;
    char *text = NULL;

    while (at && name.p[at - 1] != '@')
        at--;
    good = !mn_jid_parse(mn_arena_str(&a, name), &a, &jid) && !jid.resource;
    if (!good && at)
        good = !mn_jid_make(mn_jid_escape((mn_str){name.p, at - 1}, &a), mn_str_skip(name, at),
                            (mn_str){0}, &a, &jid);
    if (!good)
        good = !mn_jid_make(mn_jid_escape(name, &a), MN_STR("local"), (mn_str){0}, &a, &jid);
    if (good)
        text = mn_str_dup(mn_jid_text(&jid));
    mn_arena_done(&a, NULL);
    return text;
}

static struct peer *peer_new(struct local *l, mn_str name, const char *jid)
{
    struct peer *p;

    if (l->peer_count == PEERS_MAX)
        return NULL;
    p = MN_NEW(struct peer);
    p->local = l;
    p->name = mn_str_dup(name);
    p->jid = mn_str_dup(mn_str_from(jid));
    mn_list_init(&p->hops);
    mn_list_init(&p->queue);
    p->again.fire = peer_again;
    mn_list_add(&l->peers, &p->link);
    l->peer_count++;
    mn_loop_at_end(l->client->ctx->loop, &l->sweep);
    return p;
}

static void peer_free(struct peer *p)
{
    peer_stop(p);
    mn_list_del(&p->link);
    p->local->peer_count--;
    mn_arena_done(&p->a, NULL);
    mn_free(p->name);
    mn_free(p->jid);
    mn_free(p);
}

static struct peer *peer_find(const struct local *l, const char *jid)
{
    MN_LIST_EACH(n, &l->peers)
    if (!strcmp(MN_OF(n, struct peer, link)->jid, jid))
        return MN_OF(n, struct peer, link);
    return NULL;
}

/* Those who are gone and with whom nothing goes on make room for others. */
static void sweep(struct mn_turn *t)
{
    struct local *l = MN_OF(t, struct local, sweep);

    MN_LIST_EACH(n, &l->peers)
    if (!MN_OF(n, struct peer, link)->present && peer_idle(MN_OF(n, struct peer, link)))
        peer_free(MN_OF(n, struct peer, link));
}

struct peer *local_peer(struct local *l, const char *jid, bool make)
{
    struct mn_arena a = {0};
    struct mn_jid j;
    struct peer *p = NULL;

    if (!mn_jid_parse(mn_str_from(jid), &a, &j)) {
        const char *bare = mn_arena_cstr(&a, mn_jid_bare(&j));

        p = peer_find(l, bare);
        if (!p && make)
            p = peer_new(l, mn_str_from(bare), bare);
    }
    mn_arena_done(&a, NULL);
    return p;
}

struct peer *local_named(struct local *l, mn_str name)
{
    char *jid = name.n && name.n <= MN_MDNS_LABEL ? people_address(name) : NULL;
    struct peer *p = jid ? peer_find(l, jid) : NULL;

    if (jid && !p) {
        p = peer_new(l, name, jid);
    } else if (p && !mn_str_is(name, p->name)) {
        mn_free(p->name); /* as he writes it himself */
        p->name = mn_str_dup(name);
    }
    mn_free(jid);
    return p;
}

/* What others tell. */

static const char *txt_text(struct peer *p, mn_str txt, const char *key)
{
    mn_str value = mn_mdns_txt_get(txt, key);

    return value.n ? elem_clean(&p->a, mn_arena_cstr(&p->a, value)).p : NULL;
}

static void pairs_read(struct peer *p, mn_str txt)
{
    size_t n = 0;

    p->pairs = mn_arena_alloc0(&p->a, (txt.n + 2) * sizeof *p->pairs);
    while (txt.n) {
        size_t take = (unsigned char)txt.p[0] < txt.n ? (unsigned char)txt.p[0] : txt.n - 1;
        mn_str value, key = mn_str_cut(mn_str_make(txt.p + 1, take), '=', &value);

        if (key.n) {
            p->pairs[n++] = elem_clean(&p->a, mn_arena_cstr(&p->a, key)).p;
            p->pairs[n++] = elem_clean(&p->a, mn_arena_cstr(&p->a, value)).p;
        }
        txt = mn_str_skip(txt, take + 1);
    }
}

static void told(struct peer *p, mn_str txt)
{
    mn_str status = mn_mdns_txt_get(txt, "status");

    mn_arena_done(&p->a, NULL);
    pairs_read(p, txt);
    p->told = (struct mynah_neighbour){
        .jid = p->jid,
        .name = elem_clean(&p->a, p->name).p,
        .show = mn_str_is(status, "away")  ? MYNAH_AWAY
                : mn_str_is(status, "dnd") ? MYNAH_DND
                                           : MYNAH_AVAILABLE,
        .status = txt_text(p, txt, "msg"),
        .first = txt_text(p, txt, "1st"),
        .last = txt_text(p, txt, "last"),
        .nick = txt_text(p, txt, "nick"),
        .email = txt_text(p, txt, "email"),
        .jids = txt_text(p, txt, "jid"),
        .node = txt_text(p, txt, "node"),
        .ver = txt_text(p, txt, "ver"),
        .hash = txt_text(p, txt, "hash"),
        .ext = txt_text(p, txt, "ext"),
        .vc = txt_text(p, txt, "vc"),
        .photo = txt_text(p, txt, "phsh"),
        .txtvers = txt_text(p, txt, "txtvers"),
        .port = txt_text(p, txt, "port.p2pj"),
    };
}

/* The same as presence, for everything that looks at presence. */
static void presence_tell(struct peer *p)
{
    struct mynah_client *c = p->local->client;
    const struct mynah_neighbour *t = &p->told;
    struct mynah_elem *st = mynah_elem_new("presence", NULL), *e;

    mynah_elem_set(st, "from", p->jid);
    mynah_elem_set(st, "to", c->bare);
    if (!p->present)
        mynah_elem_set(st, "type", "unavailable");
    if (p->present && t->show != MYNAH_AVAILABLE)
        mynah_elem_add_text(st, "show", NULL, t->show == MYNAH_AWAY ? "away" : "dnd");
    if (p->present) {
        mynah_elem_add_text(st, "status", NULL, t->status);
        mynah_elem_add_text(st, "nick", NS_NICK, t->nick);
    }
    if (p->present && t->node && t->ver) {
        e = mynah_elem_add(st, "c", NS_CAPS);
        mynah_elem_set(e, "node", t->node);
        mynah_elem_set(e, "ver", t->ver);
        mynah_elem_set(e, "hash", t->hash);
        mynah_elem_set(e, "ext", t->ext);
    }
    if (p->present && t->photo)
        mynah_elem_add_text(mynah_elem_add(st, "x", NS_PHOTO), "photo", NULL, t->photo);
    client_stanza(c, st);
    mynah_elem_free(st);
}

void people_found(void *arg, mn_str instance, mn_str txt)
{
    struct local *l = arg;
    struct peer *p = l->mdns ? local_named(l, instance) : NULL;

    if (!p)
        return;
    p->present = true;
    told(p, txt);
    if (l->client->state == MYNAH_ONLINE)
        presence_tell(p);
}

void people_gone(void *arg, mn_str instance)
{
    struct local *l = arg;
    struct peer *p = local_named(l, instance);

    if (!p || !p->present)
        return;
    p->present = false;
    mn_loop_at_end(l->client->ctx->loop, &l->sweep);
    if (l->client->state == MYNAH_ONLINE)
        presence_tell(p);
}

void people_online(struct local *l)
{
    MN_LIST_EACH(n, &l->peers)
    if (MN_OF(n, struct peer, link)->present && l->client->state == MYNAH_ONLINE)
        presence_tell(MN_OF(n, struct peer, link));
    MN_LIST_EACH(n, &l->peers)
    if (l->client->state == MYNAH_ONLINE)
        peer_go(MN_OF(n, struct peer, link));
}

/* What programs ask. */

const struct mynah_neighbour *mynah_local_at(const struct mynah_client *c, size_t i)
{
    if (!c->local)
        return NULL;
    MN_LIST_EACH(n, &c->local->peers)
    if (MN_OF(n, struct peer, link)->present && !i--)
        return &MN_OF(n, struct peer, link)->told;
    return NULL;
}

const struct mynah_neighbour *mynah_local_find(const struct mynah_client *c, const char *jid)
{
    struct peer *p = c->local ? local_peer(c->local, jid, false) : NULL;

    return p && p->present ? &p->told : NULL;
}

const char *mynah_local_told(const struct mynah_client *c, const char *jid, const char *key)
{
    struct peer *p = c->local ? local_peer(c->local, jid, false) : NULL;

    for (const char **pair = p && p->present ? p->pairs : NULL; pair && *pair; pair += 2)
        if (!strcasecmp(*pair, key))
            return pair[1];
    return NULL;
}

const char *mynah_local_tls_name(const struct mynah_client *c, const char *jid)
{
    struct peer *p = c->local ? local_peer(c->local, jid, false) : NULL;
    struct mn_conn *conn = p ? peer_conn(p) : NULL;

    return conn ? mn_conn_tls_name(conn) : NULL;
}

void mynah_local_close(struct mynah_client *c, const char *jid)
{
    struct peer *p = c->local ? local_peer(c->local, jid, false) : NULL;

    if (p)
        peer_close(p);
}

static void icon_free(struct icon *i)
{
    mn_list_del(&i->link);
    mn_mdns_lookup_free(i->lookup);
    mn_free(i->jid);
    mn_free(i);
}

static void icon_came(void *arg, const struct mn_mdns_found *found)
{
    struct icon *i = arg;

    i->lookup = NULL;
    mn_list_del(&i->link);
    mn_list_init(&i->link);
    i->done(i->arg, i->local->client, i->jid, found->data.p, found->data.n);
    icon_free(i);
}

int mynah_local_icon(struct mynah_client *c, const char *jid, mynah_icon_done *done, void *arg)
{
    struct local *l = c->local;
    struct peer *p = l && l->mdns ? local_peer(l, jid, true) : NULL;
    struct icon *i;

    if (!p)
        return l && l->mdns ? MYNAH_E_ARGUMENT : MYNAH_E_STATE;
    i = MN_NEW(struct icon);
    i->local = l;
    i->jid = mn_str_dup(mn_str_from(p->jid));
    i->done = done;
    i->arg = arg;
    mn_list_add(&l->icons, &i->link);
    i->lookup = mn_mdns_icon_of(l->mdns, mn_str_from(p->name), icon_came, i);
    return MYNAH_OK;
}

/* Life. */

void people_init(struct local *l)
{
    mn_list_init(&l->peers);
    mn_list_init(&l->icons);
    l->sweep.run = sweep;
}

void people_stop(struct local *l)
{
    MN_LIST_EACH(n, &l->peers)
    {
        peer_stop(MN_OF(n, struct peer, link));
        MN_OF(n, struct peer, link)->present = false;
    }
    while (!mn_list_empty(&l->icons))
        icon_free(MN_OF(l->icons.next, struct icon, link));
}

void people_free(struct local *l)
{
    while (!mn_list_empty(&l->peers))
        peer_free(MN_OF(l->peers.next, struct peer, link));
    mn_turn_cancel(&l->sweep);
}
