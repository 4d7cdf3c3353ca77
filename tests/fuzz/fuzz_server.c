/* Clients' bytes into a whole server, in process: one loop, store in memory, every module on. Each
 * line of the input is said by one of eight clients, whom its first character chooses:
 *
 *   a, b     two accounts that are logged in; a administers the server
 *   c, d     a stranger inside a stream, and one before it
 *   e, f     the two accounts once more, at another resource, with carbons (e) or resumption and
 * the blocklist (f); they come when the input says so, like g, h     a component, and a stranger at
 * its door A to H   the same eight; the next character chooses a request from the modules' own
 * tables, the one behind it whom it is sent to; the rest goes on in the start tag of its element I
 * to P   the same eight, with an element of the stream from these tables
 *   - =      the next character's client loses his connection, or leaves with a farewell
 *   + *      ... comes anew, or comes and resumes his last session, having handled as many as the
 * rest of the line says ~        a minute goes by #        the disk takes nothing in any more, or
 * does again !        the server ends, as by SIGTERM, and begins anew over what it has stored
 *
 * A `$` stands for the last id that stream management gave out, a `^` for that of the last form.
 * Whatever comes, the server lives, says only well-formed XML, and has nothing left when the
 * clients are gone. */
#include "base/codec.h"
#include "base/crypt.h"
#include "fuzz/house.h"
#include "server/component.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CLIENTS = 8, FIRST = 4 /* those who are there at the start */, COMPONENT = 6 };
enum { MOMENT = 10, MINUTE = 60000, DAY = 24 * 60 * MINUTE };

static struct client {
    struct guest guest;
    char sm_id[25]; /* the last one that he was given */
} clients[CLIENTS];
static char sm_id[25], form_id[33];

/* What the server says. */

static void shake_hands(struct client *c, mn_str stream_id)
{
    mn_str pieces[] = {stream_id, MN_STR("secret")};
    struct mn_arena a = {0};
    struct mn_buf b = {0};
    char hash[MN_DIGEST_MAX];
    size_t n = mn_digest_of(MN_SHA1, pieces, 2, hash);

    mn_buf_fmt(&b, "<handshake>%.*s</handshake>", MN_ARG(mn_hex((mn_str){hash, n}, &a)));
    guest_say(&c->guest, mn_buf_view(&b));
    mn_buf_free(&b);
    mn_arena_done(&a, NULL);
}

static void heard(struct client *c, const struct mn_elem *e)
{
    mn_str id = mn_elem_get(e, "id"),
           form = mn_elem_get(mn_elem_child(e, MN_NS_COMMANDS, "command"), "sessionid");

    if (form.n && form.n < sizeof form_id) {
        memcpy(form_id, form.p, form.n);
        form_id[form.n] = 0;
    }
    if (mn_elem_is(e, MN_NS_SASL, "success")) {
        mn_xml_restart(c->guest.xml);
    } else if (mn_elem_is(e, MN_NS_COMPRESS, "compressed")) {
        mn_xml_restart(c->guest.xml);
        mn_conn_start_zlib(c->guest.conn);
    } else if (mn_str_is(e->name, "enabled") && id.n && id.n < sizeof sm_id) {
        memcpy(sm_id, id.p, id.n);
        sm_id[id.n] = 0;
        memcpy(c->sm_id, sm_id, sizeof sm_id);
    }
}

static void on_item(struct guest *g, int what, const struct mn_xml_item *item, struct mn_arena *a)
{
    struct client *c = MN_OF(g, struct client, guest);

    (void)a;
    if (what == MN_XML_ELEM)
        heard(c, item->elem);
    else if (c == &clients[COMPONENT])
        shake_hands(c, mn_elem_get(item->elem, "id"));
}

static void cut(struct client *c)
{
    guest_cut(&c->guest);
}

/* What clients say. */

static void say(struct client *c, mn_str bytes)
{
    guest_say(&c->guest, bytes);
    settle();
}

static void connect_(struct client *c)
{
    struct owner *o = srv->owners[0];
    struct mn_conn *ours, *theirs;

    cut(c);
    if (c < &clients[COMPONENT]) {
        ours = server_mem(srv, 0, o->loop, CONF_TLS_OFF);
    } else {
        mn_conn_mem(o->loop, o->loop, &ours, &theirs);
        component_accept(o, theirs);
    }
    c->guest.heard = on_item;
    guest_come(&c->guest, ours);
}

#define HEADER_OF(ns, to)                                                                          \
    "<stream:stream xmlns='" ns "' xmlns:stream='http://etherx.jabber.org/streams' to='" to        \
    "' version='1.0'>"
#define HEADER HEADER_OF("jabber:client", "localhost")
#define REGISTER(name)                                                                             \
    "<iq type='set' id='r'><query xmlns='jabber:iq:register'><username>" name                      \
    "</username><password>secret</password></query></iq>"
#define LOGIN(base64)                                                                              \
    "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>" base64 "</auth>" HEADER
#define A LOGIN("AGEAc2VjcmV0")
#define B LOGIN("AGIAc2VjcmV0")
#define BIND(resource)                                                                             \
    "<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>" resource     \
    "</resource></bind></iq><iq type='get' id='l'><query xmlns='jabber:iq:roster'/></iq>"          \
    "<presence/>"

static void come(struct client *c)
{
    static const mn_str hello[CLIENTS] = {
        MN_STR(HEADER REGISTER("a") A BIND("x")),
        MN_STR(HEADER REGISTER("b") B BIND("x")),
        MN_STR(HEADER),
        MN_STR(""),
        MN_STR(
            HEADER A BIND("y") "<iq type='set' id='c'><enable xmlns='urn:xmpp:carbons:2'/></iq>"),
        MN_STR(
            HEADER B BIND("y") "<enable xmlns='urn:xmpp:sm:3' resume='true'/>"
                               "<iq type='get' id='c'><blocklist xmlns='urn:xmpp:blocking'/></iq>"),
        MN_STR(HEADER_OF("jabber:component:accept", "c.example")),
        MN_STR(""),
    };

    connect_(c);
    say(c, hello[c - clients]);
}

static void resume(struct client *c, mn_str h)
{
    static const mn_str hello[CLIENTS] = {MN_STR(HEADER A), MN_STR(HEADER B), MN_STR(HEADER),
                                          MN_STR(HEADER),   MN_STR(HEADER A), MN_STR(HEADER B)};
    struct mn_buf b = {0};

    connect_(c);
    say(c, hello[c - clients]);
    mn_buf_fmt(&b, "<resume xmlns='urn:xmpp:sm:3' previd='%s' h='%.*s'/>", c->sm_id, MN_ARG(h));
    say(c, mn_buf_view(&b));
    mn_buf_free(&b);
    pass(MOMENT); /* what stands on the disk of a session leaves first */
}

/* What the modules' tables say is heard: a request, or (type NONE) an element of the stream. */
struct heard_row {
    enum mn_type type;
    enum mn_ns ns;
    const char *name;
};

static struct heard_row row_of(unsigned char number, bool stream)
{
    struct heard_row rows[256];
    size_t n = 0;

    for (const struct module *const *m = modules; *m; m++) {
        for (const struct iq_row *r = (*m)->iq; !stream && r->fn && n < MN_COUNT(rows); r++)
            rows[n++] = (struct heard_row){r->type, r->ns, r->name};
        for (const struct stream_row *r = (*m)->stream; stream && r->fn && n < MN_COUNT(rows); r++)
            rows[n++] = (struct heard_row){MN_TYPE_NONE, r->ns, r->name};
    }
    return rows[number % n];
}

static void say_row(struct client *c, bool stream, mn_str in)
{
    static const char *const to[] = {"",
                                     " to='localhost'",
                                     " to='a@localhost'",
                                     " to='b@localhost'",
                                     " to='b@localhost/x'",
                                     " to='nobody@localhost'",
                                     " to='elsewhere.example'",
                                     " to='c.example'",
                                     " to='a@localhost/y'"};
    struct heard_row r = row_of(in.n ? (unsigned char)in.p[0] : 0, stream);
    struct mn_buf b = {0};

    in = mn_str_skip(in, 1);
    if (!stream) {
        mn_buf_fmt(&b, "<iq type='%.*s' id='1'%s>", MN_ARG(mn_type_name(r.type)),
                   to[(in.n ? (unsigned char)in.p[0] : 0) % MN_COUNT(to)]);
        in = mn_str_skip(in, 1);
    }
    mn_buf_fmt(&b, "<%s xmlns='%s'", r.name, mn_ns_uri(r.ns).p);
    mn_buf_str(&b, in);
    mn_buf_fmt(&b, "</%s>%s", r.name, stream ? "" : "</iq>");
    say(c, mn_buf_view(&b));
    mn_buf_free(&b);
}

static void raw(struct client *c, mn_str in)
{
    struct mn_buf b = {0};

    for (size_t i = 0; i < in.n; i++)
        if (in.p[i] == '$')
            mn_buf_str(&b, mn_str_from(sm_id));
        else if (in.p[i] == '^')
            mn_buf_str(&b, mn_str_from(form_id));
        else
            mn_buf_c(&b, in.p[i]);
    mn_buf_c(&b, '\n');
    say(c, mn_buf_view(&b));
    mn_buf_free(&b);
}

/* The server. */

static struct config *config(void)
{
    return house_config(
        "loops: 1\n"
        "admins: [a@localhost]\n"
        "auth:\n"
        "  mechanisms: [SCRAM-SHA-512, SCRAM-SHA-256, SCRAM-SHA-1, PLAIN, DIGEST-MD5, "
        "CRAM-MD5, ANONYMOUS]\n"
        "  without_tls: [SCRAM-SHA-512, SCRAM-SHA-256, SCRAM-SHA-1, PLAIN, DIGEST-MD5, "
        "CRAM-MD5, ANONYMOUS]\n"
        "  iq_auth: on\n"
        "registration: {open: yes, per_address: off}\n"
        "components: [{name: c.example, secret: secret}]\n"
        "compression: always\n");
}

static void all_cut(void)
{
    for (size_t i = 0; i < CLIENTS; i++)
        cut(&clients[i]);
}

static void all_begin(void)
{
    struct config *c = config();
    size_t admins = c->admins.count;

    house_begin(c);
    c->admins.count = 0; /* nobody may register their names */
    for (size_t i = 0; i < FIRST; i++)
        come(&clients[i]);
    c->admins.count = admins;
    MN_ASSERT(user_find(srv->owners[0], MN_STR("a@localhost"))->session_count == 1);
    MN_ASSERT(user_find(srv->owners[0], MN_STR("b@localhost"))->session_count == 1);
}

static void all_end(void)
{
    struct owner *o = srv->owners[0];
    struct user *u;

    disk_set(DISK_WELL);
    all_cut();
    pass(MOMENT);
    pass(DAY); /* sessions that wait for their client are given up */
    MN_ASSERT(mn_list_empty(&o->streams));
    for (size_t at = 0; (u = mn_map_next(&o->users, &at));)
        MN_ASSERT(!u->session_count && mn_list_empty(&u->sessions));
    house_end();
}

static void line(mn_str in)
{
    char what = in.n ? in.p[0] : 0;
    struct client *c = &clients[(in.n > 1 ? in.p[1] - 'a' : 0) & 7];

    in = mn_str_skip(in, 1);
    if (what == '-') {
        cut(c);
        settle();
    } else if (what == '=') {
        say(c, MN_STR("</stream:stream>"));
        cut(c);
        settle();
    } else if (what == '+') {
        come(c);
    } else if (what == '*') {
        resume(c, mn_str_skip(in, 1));
    } else if (what == '~') {
        pass(MINUTE);
    } else if (what == '#') {
        disk_set(disk == DISK_WELL ? DISK_FAILS : DISK_WELL);
    } else if (what == '!') {
        all_cut();
        house_restart();
    } else if (what >= 'A' && what <= 'P') {
        say_row(&clients[(what - 'A') & 7], what > 'H', in);
    } else {
        raw(&clients[(what - 'a') & 7], in);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool warm;
    mn_str in = {(const char *)data, size};
    size_t before;

    config();
    before = mn_alloc_bytes();
    sm_id[0] = form_id[0] = 0;
    for (size_t i = 0; i < CLIENTS; i++)
        clients[i].sm_id[0] = 0;
    all_begin();
    while (in.n)
        line(mn_str_cut(in, '\n', &in));
    all_end();
    MN_ASSERT(!warm || mn_alloc_bytes() == before);
    warm = true;
    return 0;
}
