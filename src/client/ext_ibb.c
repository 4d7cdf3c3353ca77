/* XEP-0047 In-Band Bytestreams, both sides. What is written waits here and goes in blocks. With
 * <iq/> a few blocks are under way at a time, and each answer makes room for one more. With
 * <message/> nothing answers: behind a few blocks goes a ping (XEP-0199) to the other side, and
 * whatever comes back says that its server has had them. */
#include "client/bytestream.h"

#include "base/codec.h"
#include "base/err.h"
#include "mynah/message.h"
#include "xmpp/ns.h"

#define NS_IBB "http://jabber.org/protocol/ibb"

enum {
    BLOCK = 4096,
    BLOCK_MIN = 256,   /* smaller ones are not asked for when the other side wants less */
    BLOCK_MAX = 32768, /* bigger ones are not taken: a stanza of base64 has to fit */
    WINDOW = 4,        /* blocks under way */
    QUEUE_MAX = 65536, /* bytes that wait */
    QUEUE_LOW = 16384,
    CLOSE_MS = 20000
};

/* A question under way: a block, a ping behind blocks. */
struct slot {
    struct mynah_bytestream *stream;
    struct mynah_request *request;
};

struct ibb {
    struct mn_buf out;
    unsigned block;
    uint16_t in_seq, out_seq;
    bool messages, offering;
    struct slot slots[WINDOW];
    struct mynah_request *request; /* open, close */
    struct mynah_ask *closing;     /* theirs: answered when ours has gone */
};

static struct ibb *ibb_of(struct mynah_bytestream *b)
{
    return b->state;
}

static struct mynah_elem *elem_new(const struct mynah_bytestream *b, const char *name)
{
    struct mynah_elem *e = mynah_elem_new(name, NS_IBB);

    mynah_elem_set(e, "sid", b->sid);
    return e;
}

static void request_cancel(struct mynah_request **slot)
{
    struct mynah_request *r = *slot;

    *slot = NULL;
    mynah_cancel(r);
}

static void bye(struct mynah_bytestream *b)
{
    struct mynah_elem *e = elem_new(b, "close");

    mynah_iq_send(b->client, MYNAH_SET, b->peer, &e, 0, NULL, NULL);
}

static void stop(struct mynah_bytestream *b)
{
    struct ibb *i = ibb_of(b);

    if (i->offering && !b->client->freed)
        bye(b); /* the other side may be saying yes just now */
    request_cancel(&i->request);
    for (size_t k = 0; k < WINDOW; k++)
        request_cancel(&i->slots[k].request);
    if (i->closing)
        mynah_ask_result(&i->closing, NULL);
    mn_buf_free(&i->out);
    mn_free(i);
}

/* Sending. */

static void go_on(struct mynah_bytestream *b);

/* What an answer to a block of ours says. To a ping every answer will do that is not about the way
 * there. */
static bool is_lost(const struct ibb *i, const struct mynah_error *error)
{
    const char *cond = error->condition;

    if (!i->messages || !cond)
        return true;
    return !strcmp(cond, "recipient-unavailable") || !strncmp(cond, "remote-server", 13) ||
           !strcmp(cond, "gone") || !strcmp(cond, "item-not-found");
}

static void answered(void *arg, struct mynah_client *c, const struct mynah_elem *result,
                     const struct mynah_error *error)
{
    struct slot *s = arg;
    struct mynah_bytestream *b = s->stream;

    (void)c;
    (void)result;
    if (b->ended)
        return;
    s->request = NULL;
    if (error && is_lost(ibb_of(b), error)) {
        if (error->code == MYNAH_E_STANZA)
            bye(b);
        bytestream_fail(b, error);
        return;
    }
    go_on(b);
    if (!b->ended && ibb_of(b)->out.n <= QUEUE_LOW)
        bytestream_room(b);
}

static struct mynah_elem *data_new(struct mynah_bytestream *b)
{
    struct ibb *i = ibb_of(b);
    struct mn_arena a = {0};
    size_t n = i->out.n < i->block ? i->out.n : i->block;
    struct mynah_elem *e = elem_new(b, "data");

    elem_set_number(e, "seq", i->out_seq++);
    mynah_elem_put(e, mn_arena_cstr(&a, mn_base64((mn_str){i->out.p, n}, &a)));
    mn_buf_shift(&i->out, n);
    mn_arena_done(&a, NULL);
    return e;
}

static void ask(struct mynah_bytestream *b, struct slot *s, enum mynah_iq_type type,
                struct mynah_elem *e)
{
    s->stream = b;
    s->request = mynah_iq_send(b->client, type, b->peer, &e, 0, answered, s);
}

/* A window full of messages, and what tells that they were had. */
static void messages_send(struct mynah_bytestream *b)
{
    struct ibb *i = ibb_of(b);

    for (size_t k = 0; k < WINDOW && i->out.n; k++) {
        struct mynah_elem *m = mynah_message_new(b->peer, MYNAH_NORMAL, NULL), *e = data_new(b);
        char id[MYNAH_ID_MAX];

        client_id(b->client, id);
        mynah_elem_set(m, "id", id);
        mynah_elem_hang(m, &e);
        sm_send(b->client, m, false, NULL);
        mynah_elem_free(m);
    }
    ask(b, &i->slots[0], MYNAH_GET, mynah_elem_new("ping", "urn:xmpp:ping"));
}

static bool idle(const struct ibb *i)
{
    for (size_t k = 0; k < WINDOW; k++)
        if (i->slots[k].request)
            return false;
    return !i->out.n;
}

static void closed(void *arg, struct mynah_client *c, const struct mynah_elem *result,
                   const struct mynah_error *error)
{
    struct mynah_bytestream *b = arg;

    (void)c;
    (void)result;
    if (b->ended)
        return;
    ibb_of(b)->request = NULL;
    /* Whatever a peer says to a close: it is closed (XEP-0047, 2.3). */
    bytestream_end(b, error && error->code != MYNAH_E_STANZA ? error->code : 0, NULL);
}

static void go_on(struct mynah_bytestream *b)
{
    struct ibb *i = ibb_of(b);

    if (i->messages && i->out.n && !i->slots[0].request)
        messages_send(b);
    for (size_t k = 0; !i->messages && k < WINDOW && i->out.n; k++)
        if (!i->slots[k].request)
            ask(b, &i->slots[k], MYNAH_SET, data_new(b));
    if (!idle(i))
        return;
    if (i->closing) {
        bytestream_end(b, 0, NULL); /* its stop answers */
    } else if (b->closing && !i->request) {
        struct mynah_elem *e = elem_new(b, "close");

        i->request = mynah_iq_send(b->client, MYNAH_SET, b->peer, &e, CLOSE_MS, closed, b);
    }
}

static size_t write_(struct mynah_bytestream *b, mn_str bytes)
{
    struct ibb *i = ibb_of(b);
    size_t room = QUEUE_MAX - i->out.n, n = i->closing ? 0 : bytes.n < room ? bytes.n : room;

    mn_buf_add(&i->out, bytes.p, n);
    go_on(b);
    return n;
}

/* Opening ours. */

static void offer_send(struct mynah_bytestream *b);

static void offer_answered(void *arg, struct mynah_client *c, const struct mynah_elem *result,
                           const struct mynah_error *error)
{
    struct mynah_bytestream *b = arg;
    struct ibb *i = ibb_of(b);

    (void)c;
    if (b->ended)
        return;
    i->request = NULL;
    i->offering = false;
    if (result) {
        bytestream_opened(b);
        return;
    }
    if (error->condition && !strcmp(error->condition, "resource-constraint") &&
        i->block / 2 >= BLOCK_MIN) {
        i->block /= 2;
        offer_send(b);
        return;
    }
    bytestream_fail(b, error);
}

static void offer_send(struct mynah_bytestream *b)
{
    struct ibb *i = ibb_of(b);
    struct mynah_elem *e = elem_new(b, "open");

    elem_set_number(e, "block-size", i->block);
    mynah_elem_set(e, "stanza", i->messages ? "message" : "iq");
    i->request = mynah_iq_send(b->client, MYNAH_SET, b->peer, &e, 0, offer_answered, b);
    i->offering = true;
}

static void offer(struct mynah_bytestream *b, const struct mynah_bytestream_options *o)
{
    struct ibb *i = b->state = MN_NEW(struct ibb);

    i->block = o->block ? o->block : BLOCK;
    i->block = i->block > BLOCK_MAX ? BLOCK_MAX : i->block;
    i->messages = o->messages;
    offer_send(b);
}

static void accept_(struct mynah_bytestream *b)
{
    mynah_ask_result(&b->ask, NULL);
    bytestream_opened(b);
}

const struct bytestream_face face_ibb = {.kind = MYNAH_IBB,
                                         .offer = offer,
                                         .accept = accept_,
                                         .write = write_,
                                         .close = go_on,
                                         .stop = stop,
                                         .needs_session = true};

/* What others say. */

static void open_came(void *arg, struct mynah_client *c, struct mynah_ask *q)
{
    const struct mynah_elem *e = mynah_ask_payload(q);
    const char *sid = mynah_elem_get(e, "sid"), *stanza = mynah_elem_get(e, "stanza");
    bool messages = stanza && !strcmp(stanza, "message");
    uint64_t block;
    struct ibb *i;

    (void)arg;
    if (!sid || !*sid || !elem_number(e, "block-size", 65535, &block) || !block ||
        (stanza && !messages && strcmp(stanza, "iq"))) {
        mynah_ask_error(&q, "bad-request", NULL);
        return;
    }
    if (!bytestream_may_come(c, &face_ibb, sid, mynah_ask_from(q))) {
        mynah_ask_error(&q, "not-acceptable", NULL);
        return;
    }
    if (block > BLOCK_MAX) {
        mynah_ask_error(&q, "resource-constraint", NULL);
        return;
    }
    i = MN_NEW(struct ibb);
    i->block = (unsigned)block;
    i->messages = messages;
    bytestream_came(c, &face_ibb, sid, i, &q);
}

/* What is wrong with a block, or NULL, and its bytes. */
static const char *data_read(struct mynah_bytestream *b, const struct mynah_elem *e,
                             struct mn_arena *a, mn_str *out)
{
    struct ibb *i = ibb_of(b);
    mn_str text = mn_str_from(mynah_elem_text(e));
    uint64_t seq;

    if (!elem_number(e, "seq", 65535, &seq) || mynah_elem_child(e, NULL, NULL))
        return "bad-request";
    if (seq != i->in_seq)
        return "unexpected-request";
    if (text.n / 4 > i->block / 3 + 1 || mn_base64_parse(text, a, out) || out->n > i->block)
        return "bad-request";
    i->in_seq++; /* 0 behind 65535 */
    return NULL;
}

/* A bad block, or one out of turn, ends the stream (XEP-0047, 2.2). */
static void data_came(struct mynah_bytestream *b, const struct mynah_elem *e, struct mynah_ask **q)
{
    struct mn_arena a = {0};
    mn_str bytes = {0};
    const char *wrong = data_read(b, e, &a, &bytes);

    if (wrong && q)
        mynah_ask_error(q, wrong, NULL);
    if (!wrong && q)
        mynah_ask_result(q, NULL);
    if (wrong) {
        bye(b);
        bytestream_end(b, MYNAH_E_FORMAT, NULL);
    } else {
        bytestream_bytes(b, bytes);
    }
    mn_arena_done(&a, NULL);
}

/* The stream that an element is about, when it may be used. */
static struct mynah_bytestream *stream_of(struct mynah_client *c, const struct mynah_elem *e,
                                          const char *from)
{
    struct mynah_bytestream *b = bytestream_find(c, &face_ibb, mynah_elem_get(e, "sid"), from);

    return b && b->open ? b : NULL;
}

static void data_asked(void *arg, struct mynah_client *c, struct mynah_ask *q)
{
    const struct mynah_elem *e = mynah_ask_payload(q);
    struct mynah_bytestream *b = stream_of(c, e, mynah_ask_from(q));

    (void)arg;
    if (!b)
        mynah_ask_error(&q, "item-not-found", NULL);
    else
        data_came(b, e, &q);
}

static void close_came(void *arg, struct mynah_client *c, struct mynah_ask *q)
{
    struct mynah_bytestream *b = stream_of(c, mynah_ask_payload(q), mynah_ask_from(q));

    (void)arg;
    if (!b) {
        mynah_ask_error(&q, "item-not-found", NULL);
    } else if (ibb_of(b)->closing) {
        mynah_ask_error(&q, "unexpected-request", NULL);
    } else if (ibb_of(b)->request) { /* both at once */
        mynah_ask_result(&q, NULL);
        bytestream_end(b, 0, NULL);
    } else {
        ibb_of(b)->closing = q;
        go_on(b);
    }
}

static bool stanza(struct mynah_client *c, void *state, const struct mynah_elem *st)
{
    const struct mynah_elem *e = mynah_elem_child(st, "data", NS_IBB);
    const char *type = mynah_elem_get(st, "type"), *from = mynah_elem_get(st, "from");
    struct mynah_bytestream *b;
    struct mynah_error error;

    (void)state;
    if (!e || !from || !mynah_elem_is(st, "message", NULL))
        return false;
    b = stream_of(c, e, from);
    if (b && type && !strcmp(type, "error")) {
        error_of(st, &error);
        bye(b);
        bytestream_fail(b, &error);
    } else if (b) {
        data_came(b, e, NULL);
    }
    return true;
}

static void init(struct mynah_client *c, void *state)
{
    mynah_iq_serve(c, MYNAH_SET, NS_IBB, "open", open_came, state);
    mynah_iq_serve(c, MYNAH_SET, NS_IBB, "data", data_asked, state);
    mynah_iq_serve(c, MYNAH_SET, NS_IBB, "close", close_came, state);
}

const struct ext ext_ibb = {.name = "ibb", .init = init, .stanza = stanza};
