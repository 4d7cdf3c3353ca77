/* The profile of files (XEP-0096) of stream initiation (XEP-0095), both sides.
 *
 *   sender:   the hash -> offer -> the method that was taken -> a stream -> bytes, its end
 *   receiver: an offer -> accepted, with a method -> that stream is expected -> bytes, the hash
 *
 * When a stream of the first method does not come about and both sides can the second one, the
 * sender opens that; the receiver goes on expecting for a while. */
#include "client/bytestream.h"

#include "base/codec.h"
#include "base/crypt.h"
#include "base/err.h"
#include "base/rand.h"
#include "client/file.h"
#include "mynah/disco.h"
#include "mynah/jid.h"

enum {
    FILES_MAX = 64,
    CHUNK = 16384,
    SUM_PIECE = 1 << 20, /* of what is hashed in one turn of the loop */
    ANSWER_MS = 600000,  /* a person is asked */
    STREAM_MS = 180000,  /* from yes to a stream */
    NEXT_MS = 30000      /* from a stream that failed to the next */
};

struct mynah_file {
    struct trash trash; /* first */
    struct mn_list link;
    struct mynah_client *client;
    char *peer, *sid, *address, *proxy_jid, *proxy_host;
    uint64_t length, begin, count, moved; /* count bytes from begin on; so many went */
    unsigned methods;                     /* that may still be used */
    struct mynah_bytestream_options options;
    struct mynah_file_calls calls;
    void *arg;
    struct mynah_request *request; /* ours, until it is answered */
    struct mynah_ask *ask;         /* theirs */
    struct mynah_bytestream *stream;
    struct expected *expected;
    struct mn_timer timer;
    struct mn_md5 sum;
    struct mn_timer sum_timer;
    uint64_t summed, sum_end;                         /* so much of so much is in it */
    void (*sum_done)(struct mynah_file *f, bool all); /* false: the program has not so much */
    struct mynah_elem *offer;                         /* ours, until the hash of it all is known */
    char md5[33]; /* that it should have; empty: not known, or not looked at */
    bool sending, range, open, accepted, over, told;
    int code;
};

struct files {
    struct mn_list list;
    unsigned count;
    mynah_file_offered *offered;
    void *arg;
};

static struct files *files_of(struct mynah_client *c)
{
    return ext_state(c, &ext_file);
}

static void memory(struct trash *t)
{
    struct mynah_file *f = (struct mynah_file *)t;

    mn_free(f->peer);
    mn_free(f->sid);
    mn_free(f->address);
    mn_free(f->proxy_jid);
    mn_free(f->proxy_host);
    mynah_elem_free(f->offer);
    mn_free(f);
}

static void stream_leave(struct mynah_file *f)
{
    struct mynah_bytestream *b = f->stream;

    f->stream = NULL;
    if (!b)
        return;
    b->calls = (struct mynah_bytestream_calls){0};
    mynah_bytestream_close(b);
}

static void tell_end(struct mynah_file *f, const struct mynah_error *error)
{
    f->told = true;
    mn_list_del(&f->link);
    if (f->accepted && f->calls.done)
        f->calls.done(f->arg, f, error);
    context_trash(f->client->ctx, &f->trash, memory);
}

/* One that the program has not said yes or no to waits for that. */
static void finish(struct mynah_file *f, const struct mynah_error *error)
{
    struct mynah_request *r = f->request;

    if (f->over)
        return;
    f->over = true;
    f->code = error ? error->code : 0;
    f->request = NULL;
    mynah_cancel(r);
    if (f->ask)
        mynah_initiate_refuse(&f->ask, NULL, NULL);
    mn_timer_stop(&f->timer);
    mn_timer_stop(&f->sum_timer);
    expected_drop(f->expected);
    f->expected = NULL;
    stream_leave(f);
    files_of(f->client)->count--;
    if (f->accepted)
        tell_end(f, error);
}

static void finish_code(struct mynah_file *f, int code)
{
    const struct mynah_error error = {.code = code};

    finish(f, code ? &error : NULL);
}

static char *kept(const char *text)
{
    return text ? mn_str_dup(mn_str_from(text)) : NULL;
}

static struct mynah_file *file_new(struct mynah_client *c, const char *peer, const char *sid)
{
    struct mynah_file *f = MN_NEW(struct mynah_file);
    char *jid = mynah_jid(peer);

    f->client = c;
    f->peer = jid ? jid : mn_str_dup(mn_str_from(peer));
    f->sid = mn_str_dup(mn_str_from(sid));
    mn_md5_init(&f->sum);
    mn_list_add(&files_of(c)->list, &f->link);
    files_of(c)->count++;
    return f;
}

static void progress(struct mynah_file *f)
{
    if (f->calls.progress)
        f->calls.progress(f->arg, f, f->moved, f->count);
}

/* A piece of what the program has goes into the hash; false: it has not so much. */
static bool sum_read(struct mynah_file *f)
{
    uint64_t end = f->sum_end - f->summed < SUM_PIECE ? f->sum_end : f->summed + SUM_PIECE;
    char chunk[CHUNK];

    while (f->summed < end && !f->over) {
        size_t n = end - f->summed < CHUNK ? (size_t)(end - f->summed) : CHUNK;

        if (!f->calls.read || f->calls.read(f->arg, f, f->summed, chunk, n) != n)
            return false;
        mn_md5_add(&f->sum, (mn_str){chunk, n});
        f->summed += n;
    }
    return true;
}

/* Large files take long, and everything else goes on between the pieces. */
static void sum_turn(struct mn_timer *t)
{
    struct mynah_file *f = MN_OF(t, struct mynah_file, sum_timer);
    bool read = sum_read(f);

    if (f->over)
        return;
    if (read && f->summed < f->sum_end)
        mn_timer_start(f->client->ctx->loop, &f->sum_timer, 0);
    else
        f->sum_done(f, read);
}

static void sum_begin(struct mynah_file *f, uint64_t end,
                      void (*sum_done)(struct mynah_file *f, bool all))
{
    f->sum_end = end;
    f->sum_done = sum_done;
    f->sum_timer.fire = sum_turn;
    sum_turn(&f->sum_timer);
}

static void sum_text(struct mynah_file *f, char out[33])
{
    unsigned char sum[16];
    struct mn_arena a = {0};

    mn_md5_end(&f->sum, sum);
    snprintf(out, 33, "%.*s", MN_ARG(mn_hex((mn_str){(char *)sum, sizeof sum}, &a)));
    mn_arena_done(&a, NULL);
}

/* Sending. */

/* As much as the stream takes now. */
static void pump(struct mynah_file *f)
{
    char chunk[CHUNK];

    while (!f->over && f->moved < f->count) {
        uint64_t left = f->count - f->moved;
        size_t n = left < CHUNK ? (size_t)left : CHUNK, taken;

        if (!f->calls.read || f->calls.read(f->arg, f, f->begin + f->moved, chunk, n) != n) {
            finish_code(f, MYNAH_E_IO);
            return;
        }
        if (f->over)
            return;
        taken = mynah_bytestream_write(f->stream, chunk, n);
        f->moved += taken;
        if (taken)
            progress(f);
        if (taken < n)
            return;
    }
    if (!f->over)
        mynah_bytestream_close(f->stream);
}

static void sending_opened(void *arg, struct mynah_bytestream *b)
{
    struct mynah_file *f = arg;

    (void)b;
    f->open = true;
    pump(f);
}

static void sending_drained(void *arg, struct mynah_bytestream *b)
{
    (void)b;
    pump(arg);
}

static void stream_open(struct mynah_file *f, unsigned kind);

static void sending_closed(void *arg, struct mynah_bytestream *b, const struct mynah_error *why)
{
    struct mynah_file *f = arg;

    (void)b;
    f->stream = NULL;
    if (!f->open && f->methods & MYNAH_IBB)
        stream_open(f, MYNAH_IBB);
    else if (why)
        finish(f, why);
    else
        finish_code(f, f->moved == f->count ? 0 : MYNAH_E_LOST);
}

static const struct mynah_bytestream_calls sending_calls = {.size = sizeof sending_calls,
                                                            .opened = sending_opened,
                                                            .drained = sending_drained,
                                                            .closed = sending_closed};

static void stream_open(struct mynah_file *f, unsigned kind)
{
    f->methods &= kind == MYNAH_SOCKS5 ? MYNAH_IBB : 0;
    f->options.sid = f->sid;
    f->stream = mynah_bytestream_open(f->client, kind, f->peer, &f->options, &sending_calls, f);
    if (!f->stream)
        finish_code(f, MYNAH_E_LOST);
}

static void offer_answered(void *arg, struct mynah_client *c, const struct mynah_elem *result,
                           const struct mynah_error *error)
{
    struct mynah_file *f = arg;
    const struct mynah_file_info offered = {.length = f->length, .range = f->range};
    unsigned kind;

    (void)c;
    if (f->over)
        return;
    f->request = NULL;
    if (error) {
        finish(f, error);
        return;
    }
    if (!file_answered(mynah_elem_child(result, "si", NS_SI), &offered, &kind, &f->begin,
                       &f->count) ||
        !(kind & f->methods))
        finish_code(f, MYNAH_E_FORMAT);
    else
        stream_open(f, kind);
}

static void offer_send(struct mynah_file *f)
{
    f->request =
        mynah_iq_send(f->client, MYNAH_SET, f->peer, &f->offer, ANSWER_MS, offer_answered, f);
}

/* The hash stands where file_offer left room for it. */
static void offer_summed(struct mynah_file *f, bool all)
{
    struct mynah_elem *file = (struct mynah_elem *)mynah_elem_child(f->offer, "file", NS_FILE);

    if (all) {
        sum_text(f, f->md5);
        mynah_elem_set(file, "hash", f->md5);
    } else {
        mynah_elem_unset(file, "hash");
    }
    offer_send(f);
}

struct mynah_file *mynah_file_send(struct mynah_client *c, const char *to,
                                   const struct mynah_file_info *info, unsigned methods,
                                   const struct mynah_bytestream_options *options,
                                   const struct mynah_file_calls *calls, void *arg)
{
    struct mynah_file_info i = {0};
    struct mn_arena a = {0};
    char *jid = to ? mynah_jid(to) : NULL;
    struct mynah_file *f = NULL;
    bool sums;

    SIZED_COPY(i, info);
    if (jid && i.name && *i.name && mynah_client_state(c) == MYNAH_ONLINE) {
        f = file_new(c, jid, mn_arena_cstr(&a, mn_rand_text(&a, 20)));
        if (options)
            SIZED_COPY(f->options, options);
        f->options.size = sizeof f->options;
        f->options.address = f->address = kept(f->options.address);
        f->options.proxy_jid = f->proxy_jid = kept(f->options.proxy_jid);
        f->options.proxy_host = f->proxy_host = kept(f->options.proxy_host);
        SIZED_COPY(f->calls, calls);
        f->arg = arg;
        f->sending = f->accepted = true;
        f->range = i.range;
        f->length = i.length;
        f->methods = methods & FILE_METHODS ? methods & FILE_METHODS : FILE_METHODS;
        sums = i.hash && !i.md5;
        i.md5 = sums ? "-" : i.md5;
        f->offer = file_offer(f->sid, &i, f->methods);
        if (sums)
            sum_begin(f, f->length, offer_summed);
        else
            offer_send(f);
    }
    mn_free(jid);
    mn_arena_done(&a, NULL);
    return f;
}

/* Receiving. */

/* All has come. */
static void complete(struct mynah_file *f)
{
    char sum[33];

    sum_text(f, sum);
    finish_code(f, !*f->md5 || mn_str_eq_nocase(mn_str_from(sum), mn_str_from(f->md5))
                       ? 0
                       : MYNAH_E_FORMAT);
}

static void receiving_opened(void *arg, struct mynah_bytestream *b)
{
    struct mynah_file *f = arg;

    mn_timer_stop(&f->timer);
    f->stream = b;
    f->open = true;
    if (!f->count)
        complete(f);
}

static void receiving_bytes(void *arg, struct mynah_bytestream *b, const void *p, size_t n)
{
    struct mynah_file *f = arg;

    (void)b;
    if (n > f->count - f->moved) {
        finish_code(f, MYNAH_E_FORMAT);
        return;
    }
    mn_md5_add(&f->sum, (mn_str){p, n});
    if (f->calls.write && !f->calls.write(f->arg, f, f->begin + f->moved, p, n)) {
        finish_code(f, MYNAH_E_IO);
        return;
    }
    f->moved += n;
    if (!f->over)
        progress(f);
    if (!f->over && f->moved == f->count)
        complete(f);
}

static void receiving_closed(void *arg, struct mynah_bytestream *b, const struct mynah_error *why)
{
    struct mynah_file *f = arg;

    (void)b;
    f->stream = NULL;
    if (f->open)
        finish(f, why ? why : &(struct mynah_error){.code = MYNAH_E_LOST});
    else
        mn_timer_start(f->client->ctx->loop, &f->timer, NEXT_MS);
}

static const struct mynah_bytestream_calls receiving_calls = {.size = sizeof receiving_calls,
                                                              .opened = receiving_opened,
                                                              .bytes = receiving_bytes,
                                                              .closed = receiving_closed};

static void timed(struct mn_timer *t)
{
    finish_code(MN_OF(t, struct mynah_file, timer), MYNAH_E_TIMEOUT);
}

static void accepted_summed(struct mynah_file *f, bool all)
{
    struct mynah_elem *file = file_answer(f->begin);

    if (!all)
        *f->md5 = 0; /* nothing to hold it against */
    mynah_initiate_accept(&f->ask, f->methods & MYNAH_SOCKS5 ? MYNAH_SOCKS5 : MYNAH_IBB, &file);
    f->expected = bytestream_expect(f->client, f->methods, f->peer, f->sid, &receiving_calls, f);
    mn_timer_start(f->client->ctx->loop, &f->timer, STREAM_MS);
}

void mynah_file_accept(struct mynah_file *f, uint64_t offset, unsigned methods,
                       const struct mynah_file_calls *calls, void *arg)
{
    if (f->accepted)
        return;
    SIZED_COPY(f->calls, calls);
    f->arg = arg;
    f->accepted = true;
    f->methods &= methods & FILE_METHODS ? methods : FILE_METHODS;
    f->begin = f->range && offset <= f->length ? offset : 0;
    f->count = f->length - f->begin;
    if (f->over) {
        tell_end(f, &(struct mynah_error){.code = f->code});
        return;
    }
    if (!f->methods) {
        mynah_initiate_refuse(&f->ask, "no-valid-streams", NULL);
        finish_code(f, MYNAH_E_MISSING);
        return;
    }
    sum_begin(f, f->begin, accepted_summed);
}

void mynah_file_decline(struct mynah_file *f, const char *text)
{
    if (f->accepted || f->told)
        return;
    if (f->ask)
        mynah_initiate_refuse(&f->ask, NULL, text);
    finish_code(f, MYNAH_E_CANCELLED);
    tell_end(f, NULL);
}

/* What was asked goes when the program says no, or frees the client; what it is told of stays. */
static void offer_came(void *arg, struct mynah_client *c, struct mynah_ask *q,
                       const struct mynah_initiation *i)
{
    struct files *s = arg;
    struct mynah_elem *si = mynah_elem_copy(i->xml);
    struct mynah_file_info info;
    struct mynah_file *f;

    if (!file_offered(si, &info)) {
        mynah_initiate_refuse(&q, "bad-profile", NULL);
    } else if (!s->offered || s->count >= FILES_MAX) {
        mynah_initiate_refuse(&q, NULL, NULL);
    } else {
        f = file_new(c, mynah_ask_from(q), i->id);
        f->ask = q;
        f->methods = i->methods;
        f->length = info.length;
        f->range = info.range;
        f->timer.fire = timed;
        snprintf(f->md5, sizeof f->md5, "%s", info.md5 ? info.md5 : "");
        s->offered(s->arg, c, f, &info);
    }
    mynah_elem_free(si);
}

void mynah_file_serve(struct mynah_client *c, mynah_file_offered *offered, void *arg)
{
    struct files *s = files_of(c);

    s->offered = offered;
    s->arg = arg;
    si_announce(c, NS_FILE, offered);
    bytestream_wanted(c, offered);
}

/* Both. */

void mynah_file_cancel(struct mynah_file *f)
{
    finish_code(f, MYNAH_E_CANCELLED);
}

const char *mynah_file_peer(const struct mynah_file *f)
{
    return f->peer;
}

unsigned mynah_file_method(const struct mynah_file *f)
{
    return f->stream ? f->stream->face->kind : 0;
}

static void init(struct mynah_client *c, void *state)
{
    mn_list_init(&((struct files *)state)->list);
    si_serve(c, NS_FILE, offer_came, state);
}

static struct mynah_file *unopened(struct files *s)
{
    MN_LIST_EACH(n, &s->list)
    {
        struct mynah_file *f = MN_OF(n, struct mynah_file, link);

        if (!f->open && !f->over)
            return f;
    }
    return NULL;
}

/* Who hears of one may cancel others: each time from the beginning. */
static void lost(struct mynah_client *c, void *state)
{
    struct files *s = state;
    struct mynah_file *f;

    (void)c;
    while ((f = unopened(s)))
        finish_code(f, MYNAH_E_LOST);
}

static void freed(struct mynah_client *c, void *state)
{
    struct files *s = state;

    (void)c;
    while (!mn_list_empty(&s->list)) {
        struct mynah_file *f = MN_OF(s->list.next, struct mynah_file, link);

        finish_code(f, MYNAH_E_CANCELLED);
        if (!f->told)
            tell_end(f, NULL);
    }
}

const struct ext ext_file = {
    .name = "file", .size = sizeof(struct files), .init = init, .freed = freed, .lost = lost};
