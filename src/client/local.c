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

enum { USER_MAX = 30 };

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

/* Beside those are the program's. */
static bool is_told_anyway(const char *key)
{
    static const char *const keys[] = {"txtvers", "status", "port.p2pj", "nick", "1st",
                                       "last",    "email",  "jid",       "node", "ver",
                                       "hash",    "ext",    "phsh",      "vc",   "msg"};

    for (size_t i = 0; i < MN_COUNT(keys); i++)
        if (!strcasecmp(key, keys[i]))
            return true;
    return false;
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
    MYNAH_EACH(e, l->more, NULL, NULL)
    txt_put(b, mynah_elem_get(e, "key"), mynah_elem_text(e));
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

static void on_named(void *arg, mn_str user, mn_str machine)
{
    struct local *l = arg;
    struct mynah_client *c = l->client;
    struct mn_arena a = {0};
    struct mn_buf name = {0};
    struct mn_jid j;
    char *jid;

    mn_buf_fmt(&name, "%.*s@%.*s", MN_ARG(user), MN_ARG(machine));
    jid = people_address(mn_buf_view(&name));
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
    people_online(l);
}

static const struct mn_mdns_face face = {on_send, on_named, people_found, people_gone};

static int tls_make(struct local *l, struct mn_buf *why)
{
    const struct mn_tls_client conf = {.verify = MN_VERIFY_NOTE,
                                       .trust = l->client->ctx->trust,
                                       .cert_file = l->conf.cert_file,
                                       .key_file = l->conf.key_file};
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
    people_stop(l);
    strangers_stop(l);
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

    people_free(l);
    mn_buf_free(&l->icon);
    mynah_elem_free(l->more);
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
    l->more = mynah_elem_new("more", NULL);
    mn_list_init(&l->strangers);
    people_init(l);
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

/* RFC 6763, 6.4: printable ASCII without "=". */
static bool is_key(const char *key)
{
    size_t n = 0;

    while (key[n] >= 0x20 && key[n] < 0x7f && key[n] != '=')
        n++;
    return n && !key[n] && n < 250;
}

int mynah_local_tell(struct mynah_client *c, const char *key, const char *value)
{
    struct local *l = c->local;
    struct mynah_elem *kept;

    if (!l || !is_key(key) || is_told_anyway(key))
        return l ? MYNAH_E_ARGUMENT : MYNAH_E_STATE;
    kept = mynah_elem_new("more", NULL);
    MYNAH_EACH(e, l->more, NULL, NULL)
    if (strcasecmp(mynah_elem_get(e, "key"), key) != 0)
        mynah_elem_set(mynah_elem_add_text(kept, "told", NULL, mynah_elem_text(e)), "key",
                       mynah_elem_get(e, "key"));
    if (value)
        mynah_elem_set(mynah_elem_add_text(kept, "told", NULL, value), "key", key);
    mynah_elem_free(l->more);
    l->more = kept;
    local_presence(c);
    return MYNAH_OK;
}
