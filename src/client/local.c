#include "client/local.h"

#include <ctype.h>
#include <pwd.h>
#include <unistd.h>

#include "base/codec.h"
#include "base/crypt.h"
#include "base/err.h"
#include "client/ext.h"
#include "net/listen.h"
#include "net/mdns_msg.h"

#define NS_CAPS "http://jabber.org/protocol/caps"
#define NS_NICK "http://jabber.org/protocol/nick"
#define NS_PHOTO "vcard-temp:x:update"

enum { PEERS_MAX = 1000, USER_MAX = 30 };

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

/* An instance's name is any text of 63 bytes; what is no address is escaped (XEP-0106). */
static char *address_of(mn_str name)
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
    char *jid = name.n && name.n <= MN_MDNS_LABEL ? address_of(name) : NULL;
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

static void told(struct peer *p, mn_str txt)
{
    mn_str status = mn_mdns_txt_get(txt, "status");

    mn_arena_done(&p->a, NULL);
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

static void on_found(void *arg, mn_str instance, mn_str txt)
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

static void on_gone(void *arg, mn_str instance)
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

/* What we tell. */

static void txt_put(struct mn_buf *b, const char *key, const char *value)
{
    if (value && *value && b->n + strlen(key) + strlen(value) + 2 <= MN_MDNS_TXT)
        mn_mdns_txt_add(b, key, mn_str_from(value));
}

static const char *status_of(enum mynah_show show)
{
    return show == MYNAH_DND ? "dnd" : show == MYNAH_AWAY || show == MYNAH_XA ? "away" : "avail";
}

static void txt_make(const struct local *l, struct mn_buf *b)
{
    const struct mynah_client *c = l->client;
    const struct mynah_elem *caps = mynah_elem_child(c->presence_extra, "c", NS_CAPS);
    char port[8];

    snprintf(port, sizeof port, "%u", mn_addr_port(mn_listener_addr(l->listener)));
    txt_put(b, "txtvers", "1");
    txt_put(b, "status", status_of(c->show));
    txt_put(b, "port.p2pj", port);
    txt_put(b, "nick", l->conf.nick);
    txt_put(b, "1st", l->conf.first);
    txt_put(b, "last", l->conf.last);
    txt_put(b, "email", l->conf.email);
    txt_put(b, "jid", l->conf.jid);
    txt_put(b, "node", mynah_elem_get(caps, "node"));
    txt_put(b, "ver", mynah_elem_get(caps, "ver"));
    txt_put(b, "hash", mynah_elem_get(caps, "hash"));
    txt_put(b, "ext", l->conf.ext);
    txt_put(b, "phsh", l->photo);
    txt_put(b, "vc", l->conf.vc);
    txt_put(b, "msg", c->status);
}

static void publish(struct local *l, mn_str txt)
{
    l->hidden = false;
    mn_mdns_icon(l->mdns, mn_buf_view(&l->icon));
    mn_mdns_publish(l->mdns, mn_str_from(l->conf.user), mn_str_from(l->conf.machine),
                    mn_addr_port(mn_listener_addr(l->listener)), txt);
}

void local_presence(struct mynah_client *c)
{
    struct local *l = c->local;
    struct mn_buf txt = {0};

    if (!l->mdns)
        return;
    txt_make(l, &txt);
    if (c->show == MYNAH_UNAVAILABLE) {
        mn_mdns_bye(l->mdns);
        l->hidden = true;
    } else if (l->hidden) {
        publish(l, mn_buf_view(&txt));
    } else {
        mn_mdns_txt(l->mdns, mn_buf_view(&txt));
    }
    mn_buf_free(&txt);
}

/* Life. */

static void on_send(void *arg, unsigned link, const struct mn_addr *to, mn_str packet)
{
    struct local *l = arg;

    if (l->links)
        mn_mdns_links_send(l->links, link, to, packet);
}

static void all_tell(struct local *l)
{
    MN_LIST_EACH(n, &l->peers)
    if (MN_OF(n, struct peer, link)->present && l->client->state == MYNAH_ONLINE)
        presence_tell(MN_OF(n, struct peer, link));
}

static void on_named(void *arg, mn_str user, mn_str machine)
{
    struct local *l = arg;
    struct mynah_client *c = l->client;
    struct mn_arena a = {0};
    struct mn_buf name = {0};
    struct mn_jid j;
    char *jid;

    mn_buf_fmt(&name, "%.*s@%.*s", MN_ARG(user), MN_ARG(machine));
    jid = address_of(mn_buf_view(&name));
    mn_free(l->name);
    l->name = mn_str_dup(mn_buf_view(&name));
    mn_buf_free(&name);
    if (jid && !mn_jid_parse(mn_str_from(jid), &a, &j))
        client_called(c, &j, true);
    mn_arena_done(&a, NULL);
    mn_free(jid);
    if (c->state == MYNAH_ONLINE) { /* another name than before */
        CLIENT_TELL(c, state, MYNAH_ONLINE, NULL);
        return;
    }
    client_online(c, false);
    all_tell(l);
    MN_LIST_EACH(n, &l->peers)
    if (c->state == MYNAH_ONLINE)
        peer_go(MN_OF(n, struct peer, link));
}

static const struct mn_mdns_face face = {on_send, on_named, on_found, on_gone};

static int tls_make(struct local *l, struct mn_buf *why)
{
    const struct mn_tls_client conf = {
        .verify = MN_VERIFY_NOTE, .cert_file = l->conf.cert_file, .key_file = l->conf.key_file};
    const char *key = l->conf.key_file ? l->conf.key_file : l->conf.cert_file;
    int e = mn_tls_client(&conf, &l->tls_out, why);

    return e || !l->conf.cert_file ? e : mn_tls_server(l->conf.cert_file, key, &l->tls_in, why);
}

int local_start(struct mynah_client *c)
{
    struct local *l = c->local;
    struct mn_buf why = {0}, txt = {0};
    int code = MYNAH_E_TLS;

    if (!client_state(c, MYNAH_CONNECTING, NULL))
        return MYNAH_OK;
    if (!tls_make(l, &why)) {
        code = MYNAH_E_CONNECT;
        l->mdns = mn_mdns_new(c->ctx->loop, "_presence", &face, l);
        if (!mn_listen_any(c->ctx->loop, l->conf.port, local_accepted, l, &l->listener, &why) &&
            !mn_mdns_links_new(c->ctx->loop, l->mdns, &l->links, &why))
            code = MYNAH_OK;
    }
    if (code) {
        mn_buf_c(&why, 0);
        client_fail_code(c, code, why.p, true);
    } else {
        mn_mdns_browse(l->mdns);
        txt_make(l, &txt);
        publish(l, mn_buf_view(&txt));
    }
    mn_buf_free(&txt);
    mn_buf_free(&why);
    return MYNAH_OK;
}

static void icon_free(struct icon *i)
{
    mn_list_del(&i->link);
    mn_mdns_lookup_free(i->lookup);
    mn_free(i->jid);
    mn_free(i);
}

/* What is under the call-backs that may have led here goes at the end of the turn. */
struct rest {
    struct trash trash; /* first */
    struct mn_mdns *mdns;
    struct mn_mdns_links *links;
};

static void rest_free(struct trash *t)
{
    struct rest *r = (struct rest *)t;

    mn_mdns_links_free(r->links);
    mn_mdns_free(r->mdns);
    mn_free(r);
}

void local_stop(struct mynah_client *c)
{
    struct local *l = c->local;
    struct rest *r;

    if (!l->mdns)
        return;
    if (l->links)
        mn_mdns_bye(l->mdns);
    MN_LIST_EACH(n, &l->peers)
    {
        peer_stop(MN_OF(n, struct peer, link));
        MN_OF(n, struct peer, link)->present = false;
    }
    strangers_stop(l);
    while (!mn_list_empty(&l->icons))
        icon_free(MN_OF(l->icons.next, struct icon, link));
    mn_listener_free(l->listener);
    l->listener = NULL;
    mn_tls_unref(l->tls_in);
    mn_tls_unref(l->tls_out);
    l->tls_in = l->tls_out = NULL;
    r = MN_NEW(struct rest);
    r->mdns = l->mdns;
    r->links = l->links;
    l->mdns = NULL;
    l->links = NULL;
    context_trash(c->ctx, &r->trash, rest_free);
}

void local_free(struct mynah_client *c)
{
    struct local *l = c->local;

    while (!mn_list_empty(&l->peers))
        peer_free(MN_OF(l->peers.next, struct peer, link));
    mn_turn_cancel(&l->sweep);
    mn_buf_free(&l->icon);
    mn_free(l->name);
    mn_free(l);
}

void local_look(struct mynah_client *c)
{
    if (c->local->links)
        mn_mdns_links_look(c->local->links);
}

/* What programs call. */

static const char *user_name(struct mn_arena *a)
{
    struct passwd pw, *found = NULL;
    char room[4096];

    if (!getpwuid_r(getuid(), &pw, room, sizeof room, &found) && found && *pw.pw_name)
        return mn_arena_cstr(a, mn_str_from(pw.pw_name));
    return "somebody";
}

static const char *machine_name(struct mn_arena *a)
{
    char name[256] = "";
    mn_str rest, first;

    gethostname(name, sizeof name - 1);
    first = mn_str_cut(mn_str_from(name), '.', &rest);
    for (char *p = name; *p; p++)
        if (!isalnum((unsigned char)*p) && *p != '-' && *p != '.')
            *p = '-';
    return first.n ? mn_arena_cstr(a, first) : "machine";
}

static bool is_machine(const char *name)
{
    bool good = *name && strlen(name) <= USER_MAX;

    for (; *name && good; name++)
        good = isalnum((unsigned char)*name) || *name == '-';
    return good;
}

static void texts_copy(struct mynah_client *c, struct mynah_local_config *conf)
{
    const char **texts[] = {&conf->user, &conf->machine,   &conf->first,   &conf->last,
                            &conf->nick, &conf->email,     &conf->jid,     &conf->ext,
                            &conf->vc,   &conf->cert_file, &conf->key_file};

    for (size_t i = 0; i < MN_COUNT(texts); i++)
        *texts[i] = *texts[i] ? elem_clean(&c->a, *texts[i]).p : NULL;
    if (!conf->user)
        conf->user = user_name(&c->a);
    if (!conf->machine)
        conf->machine = machine_name(&c->a);
}

int mynah_local_new(struct mynah_context *ctx, const struct mynah_local_config *config,
                    struct mynah_client **out, char **why)
{
    const struct mynah_client_config plain = {.size = sizeof plain,
                                              .jid = "local",
                                              .no_roster = true,
                                              .no_resume = true,
                                              .no_reconnect = true};
    struct local *l;
    int e = mynah_client_new(ctx, &plain, out, why);

    if (e)
        return e;
    l = (*out)->local = MN_NEW(struct local);
    memcpy(&l->conf, config, config->size < sizeof l->conf ? config->size : sizeof l->conf);
    l->client = *out;
    mn_list_init(&l->peers);
    mn_list_init(&l->strangers);
    mn_list_init(&l->icons);
    l->sweep.run = sweep;
    texts_copy(*out, &l->conf);
    if (*l->conf.user && is_machine(l->conf.machine))
        return MYNAH_OK;
    mynah_client_free(*out);
    *out = NULL;
    if (why)
        *why = mn_str_dup(MN_STR("user or machine: a name is expected, of the machine up to 30 "
                                 "letters, digits and -"));
    return MYNAH_E_ARGUMENT;
}

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

int mynah_local_icon_set(struct mynah_client *c, const void *icon, size_t n)
{
    struct mn_arena a = {0};
    mn_str bytes = {icon, n};
    char sum[MN_DIGEST_MAX];
    struct local *l = c->local;

    if (!l)
        return MYNAH_E_STATE;
    if (n > MN_MDNS_ICON)
        return MYNAH_E_LIMIT;
    mn_buf_clear(&l->icon);
    mn_buf_str(&l->icon, bytes);
    if (l->mdns)
        mn_mdns_icon(l->mdns, bytes);
    snprintf(l->photo, sizeof l->photo, "%.*s",
             MN_ARG(mn_hex((mn_str){sum, mn_digest_of(MN_SHA1, &bytes, 1, sum)}, &a)));
    if (!n)
        l->photo[0] = 0;
    mn_arena_done(&a, NULL);
    local_presence(c);
    return MYNAH_OK;
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
