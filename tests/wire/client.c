/* A client's connection and what is hidden behind one line of a conversation: connecting, TLS,
 * logging in, waiting until everything has had its effects. */
#include <stdarg.h>
#include <stdlib.h>

#include "base/clock.h"
#include "wire/wire.h"

enum { DEADLINE_MS = 60000, ROUNDS = 3, PIECE = 7 };

/* The record: what went over the wire, printed when something failed. */
static struct mn_buf record;

void said(mn_str who, const char *mark, mn_str bytes)
{
    bool cut = bytes.n > 2000;

    mn_buf_fmt(&record, "#   %s %.*s: ", mark, MN_ARG(who));
    for (size_t i = 0; i < (cut ? 200 : bytes.n); i++)
        if (bytes.p[i] == '\n')
            mn_buf_lit(&record, "\n#      ");
        else
            mn_buf_c(&record, bytes.p[i]);
    if (cut)
        mn_buf_fmt(&record, "... (%zu bytes)", bytes.n);
    mn_buf_c(&record, '\n');
}

void record_clear(void)
{
    mn_buf_free(&record);
}

_Noreturn void failed(struct talk *t, const char *fmt, ...)
{
    va_list ap;

    printf("%.*s", MN_ARG(mn_buf_view(&record)));
    printf("# ");
    va_start(ap, fmt);
    vprintf(fmt, ap);
    va_end(ap);
    printf("\n");
    longjmp(t->leave, 1);
}

struct client *client_find(struct talk *t, mn_str name)
{
    MN_LIST_EACH(n, &t->clients)
    {
        struct client *c = MN_OF(n, struct client, link);

        if (mn_str_eq(c->name, name))
            return c;
    }
    return NULL;
}

/* What comes. */

/* Our own markers come back: they are not the conversation's. */
static bool is_marker(struct client *c, const struct item *i)
{
    if (i->what != MN_XML_ELEM || !mn_str_starts(mn_elem_get(i->xml.elem, "id"), MN_STR("wire-")))
        return false;
    MN_ASSERT(c->awaited);
    c->awaited--;
    return true;
}

/* As any client does, it answers the server's question behind what had waited. */
static bool is_answered(struct client *c, const struct item *i)
{
    const struct mn_elem *e = i->xml.elem;
    mn_str id = i->what == MN_XML_ELEM ? mn_elem_get(e, "id") : (mn_str){0};

    if (c->mute || !mn_str_starts(id, MN_STR("has-")) ||
        !mn_elem_child(e, MN_NS_DISCO_INFO, "query"))
        return false;
    mn_buf_fmt(&c->owed, "<iq type='result' id='%.*s' to='%.*s'/>", MN_ARG(id),
               MN_ARG(mn_elem_get(e, "from")));
    return true;
}

static void pay(struct client *c)
{
    if (c->saying || !c->owed.n || !c->conn)
        return;
    mn_conn_write(c->conn, mn_buf_view(&c->owed));
    mn_buf_free(&c->owed);
}

/* SCRAM checks that the server offered what came (XEP-0474). */
static void keep_offer(struct client *c, const struct mn_elem *mechanisms)
{
    mn_str *names = mn_arena_alloc(&c->arena, MN_SASL_MECHS * sizeof *names);

    c->env.announced = names;
    c->env.announced_count = 0;
    for (const struct mn_elem *m = mn_elem_first(mechanisms);
         m && c->env.announced_count < MN_SASL_MECHS; m = mn_elem_next(m))
        names[c->env.announced_count++] = mn_arena_str(&c->arena, mn_elem_text(m, &c->arena));
}

static void secured(struct client *c)
{
    mn_str name;

    MN_ASSERT(!mn_jid_host_ascii(c->domain, &c->arena, &name));
    mn_conn_start_tls(c->conn, host_tls(), false, mn_arena_cstr(&c->arena, name));
}

/* What a client notices by itself: some elements change what the bytes behind them are. */
static void notice(struct client *c, const struct mn_elem *e)
{
    const struct mn_elem *bind = mn_elem_child(e, MN_NS_BIND, "bind");
    struct mn_arena a = {0};

    if (bind && mn_str_is(mn_elem_get(e, "type"), "result"))
        c->jid = mn_arena_str(&c->arena, mn_elem_child_text(bind, MN_NS_BIND, "jid", &a));

    if (mn_elem_child(e, MN_NS_SASL, "mechanisms"))
        keep_offer(c, mn_elem_child(e, MN_NS_SASL, "mechanisms"));
    if (mn_elem_is(e, MN_NS_SASL, "challenge"))
        c->challenge = mn_arena_str(&c->arena, mn_elem_text(e, &a));
    if (mn_elem_is(e, MN_NS_SASL, "success") || mn_elem_is(e, MN_NS_TLS, "proceed") ||
        mn_elem_is(e, MN_NS_COMPRESS, "compressed"))
        mn_xml_restart(c->xml);
    if (mn_elem_is(e, MN_NS_TLS, "proceed"))
        secured(c);
    if (mn_elem_is(e, MN_NS_COMPRESS, "compressed"))
        mn_conn_start_zlib(c->conn);
    mn_arena_done(&a, NULL);
}

static void on_bytes(void *arg, mn_str bytes)
{
    struct client *c = arg;
    int e;

    if (c->broken)
        return;
    mn_xml_feed(c->xml, bytes);
    for (;;) {
        struct item *i = MN_NEW(struct item);

        e = mn_xml_next(c->xml, &i->arena, &i->xml);
        if (e <= 0) {
            c->broken = e < 0;
            mn_arena_done(&i->arena, NULL);
            mn_free(i);
            break;
        }
        i->what = (enum mn_xml_what)e;
        mn_list_init(&i->link);
        if (e == MN_XML_ELEM)
            notice(c, i->xml.elem);
        mn_list_add(&c->unread, &i->link);
        if (is_marker(c, i) || is_answered(c, i)) {
            mn_list_del(&i->link);
            mn_arena_done(&i->arena, NULL);
            mn_free(i);
        } else {
            said(c->name, "S", e == MN_XML_CLOSE ? MN_STR("</stream:stream>") : i->xml.raw);
        }
        if (e == MN_XML_CLOSE)
            break;
    }
    mn_xml_keep(c->xml);
    pay(c);
}

static void on_closed(void *arg, int why)
{
    struct client *c = arg;

    (void)why;
    said(c->name, "S", MN_STR("(end of the connection)"));
    c->ended = true;
}

static const struct mn_conn_face face = {.on_bytes = on_bytes, .on_closed = on_closed};

void talk_await(struct talk *t)
{
    mn_loop_turn(t->loop, 100);
    if (mn_clock_now() > t->until)
        failed(t, "nothing more came in %d s", DEADLINE_MS / 1000);
}

void talk_deadline(struct talk *t)
{
    mn_loop_turn(t->loop, 0);
    t->until = mn_clock_now() + DEADLINE_MS;
}

void client_say(struct talk *t, struct client *c, mn_str bytes, bool at_once)
{
    said(c->name, "C", bytes);
    if (!c->conn)
        failed(t, "%.*s is not connected", MN_ARG(c->name));
    c->saying = true;
    do {
        mn_str piece = bytes;

        if (t->pieces && !at_once && piece.n > PIECE)
            piece.n = PIECE;
        mn_conn_write(c->conn, piece);
        mn_loop_turn(t->loop, 0);
        bytes = mn_str_skip(bytes, piece.n);
    } while (bytes.n);
    c->saying = false;
    pay(c);
}

/* The next thing; what it was before is used up. */
static void got_free(struct client *c)
{
    if (c->got) {
        mn_arena_done(&c->got->arena, NULL);
        mn_free(c->got);
    }
    c->got = NULL;
}

static const struct mn_elem *next(struct talk *t, struct client *c)
{
    got_free(c);
    while (mn_list_empty(&c->unread) && !c->ended && !c->broken)
        talk_await(t);
    if (mn_list_empty(&c->unread))
        failed(t, "%.*s: the connection ended", MN_ARG(c->name));
    c->got = MN_OF(c->unread.next, struct item, link);
    mn_list_del(&c->got->link);
    return c->got->xml.elem;
}

mn_str stream_header(mn_str domain, struct mn_arena *a)
{
    return mn_arena_fmt(a,
                        "<?xml version='1.0'?><stream:stream to='%.*s' version='1.0' "
                        "xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>",
                        MN_ARG(domain));
}

/* Opens a stream; returns its features. */
static const struct mn_elem *opened(struct talk *t, struct client *c)
{
    const struct mn_elem *e;

    client_say(t, c, stream_header(c->domain, &c->arena), false);
    next(t, c);
    if (c->got->what != MN_XML_OPEN)
        failed(t, "%.*s: no stream header", MN_ARG(c->name));
    e = next(t, c);
    if (!mn_elem_is(e, MN_NS_STREAM, "features"))
        failed(t, "%.*s: no stream features", MN_ARG(c->name));
    return e;
}

static void secure(struct talk *t, struct client *c)
{
    if (host_policy(t->host) == CONF_TLS_DIRECT) {
        secured(c);
    } else if (t->transport == OVER_TLS) {
        opened(t, c);
        client_say(t, c, MN_STR("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"), false);
        if (!mn_elem_is(next(t, c), MN_NS_TLS, "proceed"))
            failed(t, "%.*s: no TLS", MN_ARG(c->name));
        got_free(c);
    }
}

struct client *client_connect(struct talk *t, mn_str name, mn_str domain)
{
    static const struct mn_xml_limits limits = {64 << 20, 1000, 1000};
    struct client *c = MN_NEW(struct client);

    c->name = mn_arena_str(&c->arena, name);
    c->domain = mn_arena_str(&c->arena, domain);
    c->xml = mn_xml_new(&limits);
    mn_list_init(&c->unread);
    mn_list_init(&c->link);
    mn_list_add(&t->clients, &c->link);
    c->conn = host_connect(t->host, t->loop);
    mn_conn_face(c->conn, &face, c);
    secure(t, c);
    return c;
}

void client_cut(struct client *c)
{
    if (c->conn)
        mn_conn_close(c->conn, 0);
    c->conn = NULL;
}

void client_free(struct client *c)
{
    client_cut(c);
    mn_list_del(&c->link);
    items_free(&c->unread);
    got_free(c);
    mn_sasl_client_free(c->sasl);
    mn_xml_free(c->xml);
    mn_buf_free(&c->owed);
    mn_arena_done(&c->arena, NULL);
    mn_free(c);
}

/* Logging in. */

static mn_str easiest(const struct mn_elem *features)
{
    static const char *const order[] = {"PLAIN", "DIGEST-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256",
                                        "SCRAM-SHA-512"};
    const struct mn_elem *m = mn_elem_child(features, MN_NS_SASL, "mechanisms");
    struct mn_arena a = {0};
    mn_str found = {0};

    for (size_t i = 0; i < MN_COUNT(order) && !found.p; i++)
        for (const struct mn_elem *e = mn_elem_first(m); e; e = mn_elem_next(e))
            if (mn_str_is(mn_elem_text(e, &a), order[i]))
                found = mn_str_from(order[i]);
    mn_arena_done(&a, NULL);
    return found;
}

static bool is_account(const struct talk *t, mn_str bare)
{
    for (size_t i = 0; i < t->account_count; i++)
        if (mn_str_eq(t->accounts[i].bare, bare))
            return true;
    return false;
}

static mn_str password_of(const struct talk *t, mn_str bare)
{
    for (size_t i = 0; i < t->account_count; i++)
        if (mn_str_eq(t->accounts[i].bare, bare))
            return t->accounts[i].password;
    return MN_STR("secret");
}

static void authenticate(struct talk *t, struct client *c, mn_str bare, mn_str mech)
{
    struct mn_arena *a = &c->arena;
    mn_str host, user = mn_str_cut(bare, '@', &host), first;
    const struct mn_elem *e = opened(t, c);

    mech = mech.n ? mech : easiest(e);
    first = exchange_begin(c, mech, user, c->password.n ? c->password : password_of(t, bare));
    client_say(t, c,
               mn_arena_fmt(a,
                            "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' "
                            "mechanism='%.*s'>%.*s</auth>",
                            MN_ARG(mech), MN_ARG(first)),
               false);
    while (mn_elem_is(e = next(t, c), MN_NS_SASL, "challenge")) {
        mn_str answer = exchange_answer(c, c->challenge);

        client_say(
            t, c,
            mn_arena_fmt(a, "<response xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>%.*s</response>",
                         MN_ARG(answer)),
            false);
    }
    if (!mn_elem_is(e, MN_NS_SASL, "success"))
        failed(t, "%.*s: login refused", MN_ARG(c->name));
    if (c->sasl && !exchange_proof(c, mn_elem_text(e, a)))
        failed(t, "%.*s: the server does not show that it knows the password", MN_ARG(c->name));
    got_free(c);
}

void client_open(struct talk *t, struct client *c)
{
    opened(t, c);
    got_free(c);
}

void client_auth(struct talk *t, struct client *c, mn_str bare, mn_str mech)
{
    authenticate(t, c, bare, mech);
    client_open(t, c);
}

void client_login(struct talk *t, struct client *c, mn_str jid, mn_str mech)
{
    struct mn_arena *a = &c->arena;
    mn_str resource, bare = mn_str_cut(jid, '/', &resource);

    client_auth(t, c, bare, mech);
    client_say(t, c,
               mn_arena_fmt(a,
                            "<iq type='set' id='bind'><bind "
                            "xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>%.*s</resource>"
                            "</bind></iq>",
                            MN_ARG(resource)),
               false);
    next(t, c);
    if (!mn_str_eq(c->jid, jid))
        failed(t, "%.*s: bound as \"%.*s\"", MN_ARG(c->name), MN_ARG(c->jid));
    got_free(c);
}

/* A marker follows each way that an effect can take: to the own session, to the own account behind
 * what it has not stored yet, to every other account and back. Ways are FIFOs, so a marker that
 * came back says that what was sent before it has arrived; an effect may take three such ways (a
 * probe, its answer, what that causes), hence the rounds. */
static void marker(struct talk *t, struct client *c, bool message, mn_str to)
{
    struct mn_arena *a = &t->arena;
    unsigned id = ++t->markers;

    c->awaited++;
    mn_conn_write(c->conn,
                  message ? mn_arena_fmt(a, "<message type='headline' id='wire-%u' to='%.*s'/>", id,
                                         MN_ARG(to))
                          : mn_arena_fmt(a,
                                         "<iq type='get' id='wire-%u' to='%.*s'><ping "
                                         "xmlns='urn:xmpp:ping'/></iq>",
                                         id, MN_ARG(to)));
}

static void markers(struct talk *t, struct client *c)
{
    marker(t, c, true, c->jid);
    for (size_t i = 0; i < t->account_count; i++)
        marker(t, c, false, t->accounts[i].bare);
    MN_LIST_EACH(n, &t->clients)
    {
        mn_str resource, bare = mn_str_cut(MN_OF(n, struct client, link)->jid, '/', &resource);

        if (bare.n && !is_account(t, bare)) /* registered meanwhile */
            marker(t, c, false, bare);
    }
}

void talk_settle(struct talk *t)
{
    for (int round = 0; round < ROUNDS; round++) {
        MN_LIST_EACH(n, &t->clients)
        {
            struct client *c = MN_OF(n, struct client, link);

            if (c->jid.n && c->conn && !c->ended)
                markers(t, c);
        }
        MN_LIST_EACH(n, &t->clients)
        {
            struct client *c = MN_OF(n, struct client, link);

            while (c->awaited && !c->ended)
                talk_await(t);
            c->awaited = 0;
        }
    }
}
