/* Byte streams of all kinds: who waits for which, and their one end. */
#include "client/bytestream.h"

#include "base/err.h"
#include "base/rand.h"
#include "mynah/disco.h"
#include "mynah/jid.h"

enum { STREAMS_MAX = 64, SID_MAX = 256 };

struct streams {
    struct mn_list list, expected;
    unsigned count;
    void (*offered)(void *arg, struct mynah_client *c, struct mynah_bytestream *b);
    void *arg;
    bool wanted; /* for files */
};

struct expected {
    struct mn_list link;
    unsigned kinds;
    char *peer, *sid;
    struct mynah_bytestream_calls calls;
    void *arg;
};

static struct streams *streams_of(struct mynah_client *c)
{
    return ext_state(c, &ext_bytestream);
}

/* Addresses are compared, and hashed, in their canonical form. */
static char *canonical(const char *jid)
{
    char *text = jid ? mynah_jid(jid) : NULL;

    return text ? text : mn_str_dup(mn_str_from(jid));
}

/* The end. */

static void memory(struct mynah_bytestream *b)
{
    mn_free(b->peer);
    mn_free(b->sid);
    mn_free(b->condition);
    mn_free(b);
}

static void tell_end(struct mynah_bytestream *b)
{
    struct mynah_error why = {.code = b->code, .condition = b->condition};

    b->told = true;
    mn_list_del(&b->link);
    if (b->calls.closed && b->accepted)
        b->calls.closed(b->arg, b, b->code ? &why : NULL);
}

static void at_end(struct mn_turn *t)
{
    struct mynah_bytestream *b = MN_OF(t, struct mynah_bytestream, end);

    if (!b->told && b->held)
        return;
    if (!b->told)
        tell_end(b);
    memory(b);
}

void bytestream_end(struct mynah_bytestream *b, int code, const char *condition)
{
    if (b->ended)
        return;
    b->ended = true;
    b->open = false;
    b->code = code;
    b->condition = condition ? mn_str_dup(mn_str_from(condition)) : NULL;
    streams_of(b->client)->count--;
    if (b->ask)
        mynah_ask_error(&b->ask, condition ? condition : "not-acceptable", NULL);
    if (b->state)
        b->face->stop(b);
    b->state = NULL;
    mn_loop_at_end(b->client->ctx->loop, &b->end);
}

void bytestream_fail(struct mynah_bytestream *b, const struct mynah_error *error)
{
    bytestream_end(b, error->code, error->condition);
}

/* The beginning. */

static struct mynah_bytestream *handle_new(struct mynah_client *c,
                                           const struct bytestream_face *face, const char *peer,
                                           const char *sid)
{
    struct streams *s = streams_of(c);
    struct mynah_bytestream *b = MN_NEW(struct mynah_bytestream);

    b->client = c;
    b->face = face;
    b->peer = canonical(peer);
    b->sid = mn_str_dup(mn_str_from(sid));
    b->end.run = at_end;
    mn_list_add(&s->list, &b->link);
    s->count++;
    return b;
}

static const struct bytestream_face *face_of(enum mynah_bytestream_kind kind)
{
    return kind == MYNAH_IBB ? &face_ibb : kind == MYNAH_SOCKS5 ? &face_socks5 : NULL;
}

struct mynah_bytestream *mynah_bytestream_open(struct mynah_client *c,
                                               enum mynah_bytestream_kind kind, const char *to,
                                               const struct mynah_bytestream_options *options,
                                               const struct mynah_bytestream_calls *calls,
                                               void *arg)
{
    struct mynah_bytestream_options o = {0};
    struct mn_arena a = {0};
    char *jid = to ? mynah_jid(to) : NULL;
    struct mynah_bytestream *b = NULL;

    if (options)
        SIZED_COPY(o, options);
    if (jid && face_of(kind) && mynah_client_state(c) == MYNAH_ONLINE) {
        b = handle_new(c, face_of(kind), jid,
                       o.sid ? o.sid : mn_arena_cstr(&a, mn_rand_text(&a, 20)));
        SIZED_COPY(b->calls, calls);
        b->arg = arg;
        b->accepted = true;
        b->face->offer(b, &o);
    }
    mn_free(jid);
    mn_arena_done(&a, NULL);
    return b;
}

struct mynah_bytestream *bytestream_find(struct mynah_client *c, const struct bytestream_face *face,
                                         const char *sid, const char *peer)
{
    char *jid = canonical(peer);
    struct mynah_bytestream *found = NULL;

    MN_LIST_EACH(n, &streams_of(c)->list)
    {
        struct mynah_bytestream *b = MN_OF(n, struct mynah_bytestream, link);

        if (!b->ended && b->face == face && sid && !strcmp(b->sid, sid) && !strcmp(b->peer, jid))
            found = b;
    }
    mn_free(jid);
    return found;
}

bool bytestream_may_come(struct mynah_client *c, const struct bytestream_face *face,
                         const char *sid, const char *peer)
{
    return strlen(sid) <= SID_MAX && streams_of(c)->count < STREAMS_MAX &&
           !bytestream_find(c, face, sid, peer);
}

static struct expected *expected_find(struct streams *s, const struct mynah_bytestream *b)
{
    MN_LIST_EACH(n, &s->expected)
    {
        struct expected *x = MN_OF(n, struct expected, link);

        if (x->kinds & b->face->kind && !strcmp(x->sid, b->sid) && !strcmp(x->peer, b->peer))
            return x;
    }
    return NULL;
}

void bytestream_came(struct mynah_client *c, const struct bytestream_face *face, const char *sid,
                     void *state, struct mynah_ask **q)
{
    struct streams *s = streams_of(c);
    struct mynah_bytestream *b = handle_new(c, face, mynah_ask_from(*q), sid);
    struct expected *x = expected_find(s, b);

    b->state = state;
    b->ask = *q;
    *q = NULL;
    if (x)
        mynah_bytestream_accept(b, &x->calls, x->arg);
    else if ((b->held = s->offered))
        s->offered(s->arg, c, b);
    else
        bytestream_end(b, MYNAH_E_CANCELLED, NULL);
}

void mynah_bytestream_accept(struct mynah_bytestream *b, const struct mynah_bytestream_calls *calls,
                             void *arg)
{
    if (b->accepted)
        return;
    b->held = false;
    SIZED_COPY(b->calls, calls);
    b->arg = arg;
    b->accepted = true;
    if (b->ended)
        mn_loop_at_end(b->client->ctx->loop, &b->end);
    else
        b->face->accept(b);
}

void mynah_bytestream_refuse(struct mynah_bytestream *b)
{
    if (b->accepted)
        return;
    b->held = false;
    bytestream_end(b, MYNAH_E_CANCELLED, NULL);
    mn_loop_at_end(b->client->ctx->loop, &b->end);
}

static void announce(struct mynah_client *c)
{
    struct streams *s = streams_of(c);
    bool on = s->offered || s->wanted;

    mynah_disco_feature(c, "http://jabber.org/protocol/ibb", on);
    mynah_disco_feature(c, "http://jabber.org/protocol/bytestreams", on);
}

void mynah_bytestream_serve(struct mynah_client *c,
                            void (*offered)(void *arg, struct mynah_client *c,
                                            struct mynah_bytestream *b),
                            void *arg)
{
    struct streams *s = streams_of(c);

    s->offered = offered;
    s->arg = arg;
    announce(c);
}

void bytestream_wanted(struct mynah_client *c, bool on)
{
    streams_of(c)->wanted = on;
    announce(c);
}

struct expected *bytestream_expect(struct mynah_client *c, unsigned kinds, const char *peer,
                                   const char *sid, const struct mynah_bytestream_calls *calls,
                                   void *arg)
{
    struct expected *x = MN_NEW(struct expected);

    x->kinds = kinds;
    x->peer = canonical(peer);
    x->sid = mn_str_dup(mn_str_from(sid));
    SIZED_COPY(x->calls, calls);
    x->arg = arg;
    mn_list_add(&streams_of(c)->expected, &x->link);
    return x;
}

void expected_drop(struct expected *x)
{
    if (!x)
        return;
    mn_list_del(&x->link);
    mn_free(x->peer);
    mn_free(x->sid);
    mn_free(x);
}

/* The middle. */

void bytestream_opened(struct mynah_bytestream *b)
{
    b->open = true;
    if (b->calls.opened)
        b->calls.opened(b->arg, b);
}

void bytestream_bytes(struct mynah_bytestream *b, mn_str bytes)
{
    if (bytes.n && !b->ended && b->calls.bytes)
        b->calls.bytes(b->arg, b, bytes.p, bytes.n);
}

void bytestream_room(struct mynah_bytestream *b)
{
    if (!b->wanting || b->closing || !b->open)
        return;
    b->wanting = false;
    if (b->calls.drained)
        b->calls.drained(b->arg, b);
}

size_t mynah_bytestream_write(struct mynah_bytestream *b, const void *p, size_t n)
{
    size_t taken;

    if (!b->open || b->closing)
        return 0;
    taken = b->face->write(b, mn_str_make(p, n));
    b->wanting = taken < n;
    return taken;
}

void mynah_bytestream_close(struct mynah_bytestream *b)
{
    if (b->ended || b->closing)
        return;
    b->closing = true;
    if (b->open && !b->client->freed)
        b->face->close(b);
    else
        bytestream_end(b, MYNAH_E_CANCELLED, NULL);
}

const char *mynah_bytestream_peer(const struct mynah_bytestream *b)
{
    return b->peer;
}

const char *mynah_bytestream_sid(const struct mynah_bytestream *b)
{
    return b->sid;
}

enum mynah_bytestream_kind mynah_bytestream_kind(const struct mynah_bytestream *b)
{
    return b->face->kind;
}

/* The client's. */

static void init(struct mynah_client *c, void *state)
{
    struct streams *s = state;

    (void)c;
    mn_list_init(&s->list);
    mn_list_init(&s->expected);
}

static void lost(struct mynah_client *c, void *state)
{
    struct streams *s = state;

    (void)c;
    MN_LIST_EACH(n, &s->list)
    {
        struct mynah_bytestream *b = MN_OF(n, struct mynah_bytestream, link);

        if (!b->open || b->face->needs_session)
            bytestream_end(b, MYNAH_E_LOST, NULL);
    }
}

/* Their memory goes at the end of the turn: one of them may be telling something. */
static void freed(struct mynah_client *c, void *state)
{
    struct streams *s = state;

    while (!mn_list_empty(&s->list)) {
        struct mynah_bytestream *b = MN_OF(s->list.next, struct mynah_bytestream, link);

        bytestream_end(b, MYNAH_E_CANCELLED, NULL);
        mn_loop_at_end(c->ctx->loop, &b->end);
        tell_end(b);
    }
}

static void done(struct mynah_client *c, void *state)
{
    struct streams *s = state;

    (void)c;
    while (!mn_list_empty(&s->expected))
        expected_drop(MN_OF(s->expected.next, struct expected, link));
}

const struct ext ext_bytestream = {.name = "bytestream",
                                   .size = sizeof(struct streams),
                                   .init = init,
                                   .done = done,
                                   .freed = freed,
                                   .lost = lost};
