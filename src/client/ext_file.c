/* XEP-0095 Stream Initiation with the profile of files (XEP-0096), both sides.
 *
 *   sender:   offer -> the method that was taken -> a stream -> bytes, its end
 *   receiver: an offer -> accepted, with a method -> that stream is expected -> bytes, the hash
 *
 * When a stream of the first method does not come about and both sides can the second one, the
 * sender opens that; the receiver goes on expecting for a while. */
#include "client/bytestream.h"

#include "base/codec.h"
#include "base/crypt.h"
#include "base/err.h"
#include "base/rand.h"
#include "mynah/disco.h"
#include "mynah/file.h"
#include "mynah/form.h"
#include "mynah/jid.h"
#include "xmpp/datetime.h"

#define NS_SI "http://jabber.org/protocol/si"
#define NS_FILE "http://jabber.org/protocol/si/profile/file-transfer"
#define NS_NEGOTIATE "http://jabber.org/protocol/feature-neg"

enum {
    FILES_MAX = 64,
    CHUNK = 16384,
    ANSWER_MS = 600000, /* a person is asked */
    STREAM_MS = 180000, /* from yes to a stream */
    NEXT_MS = 30000,    /* from a stream that failed to the next */
    BOTH = MYNAH_SOCKS5 | MYNAH_IBB
};

static const struct {
    unsigned kind;
    const char *ns;
} methods_known[] = {
    {MYNAH_SOCKS5, "http://jabber.org/protocol/bytestreams"},
    {MYNAH_IBB, "http://jabber.org/protocol/ibb"},
};

struct mynah_file {
    struct trash trash; /* first */
    struct mn_list link;
    struct mynah_client *client;
    char *peer, *sid, *address;
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
        mynah_ask_error(&f->ask, "forbidden", "Offer Declined");
    mn_timer_stop(&f->timer);
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

/* What the program has up to `end` goes into the hash; false: it has not so much. */
static bool sum_read(struct mynah_file *f, uint64_t end)
{
    char chunk[CHUNK];

    for (uint64_t at = 0; at < end;) {
        size_t n = end - at < CHUNK ? (size_t)(end - at) : CHUNK;

        if (!f->calls.read || f->calls.read(f->arg, f, at, chunk, n) != n)
            return false;
        mn_md5_add(&f->sum, (mn_str){chunk, n});
        at += n;
    }
    return true;
}

static void sum_end(struct mynah_file *f, char out[33])
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

static unsigned method_of(const char *ns)
{
    for (size_t i = 0; ns && i < MN_COUNT(methods_known); i++)
        if (!strcmp(methods_known[i].ns, ns))
            return methods_known[i].kind;
    return 0;
}

/* Numbers that are there have to be numbers; `out` keeps its value for those that are not. */
static bool number(const struct mynah_elem *e, const char *name, uint64_t max, uint64_t *out)
{
    return !mynah_elem_get(e, name) || elem_number(e, name, max, out);
}

/* False: the part that is asked for is none of it. */
static bool range_read(struct mynah_file *f, const struct mynah_elem *si)
{
    const struct mynah_elem *range =
        mynah_elem_child(mynah_elem_child(si, "file", NS_FILE), "range", NS_FILE);

    f->count = f->length;
    if (!range)
        return true;
    if (!number(range, "offset", f->length, &f->begin))
        return false;
    f->count = f->length - f->begin;
    return number(range, "length", f->count, &f->count) && (f->range || f->count == f->length);
}

static void offer_answered(void *arg, struct mynah_client *c, const struct mynah_elem *result,
                           const struct mynah_error *error)
{
    struct mynah_file *f = arg;
    const struct mynah_elem *si = mynah_elem_child(result, "si", NS_SI);
    struct mynah_form *form;
    unsigned kind;

    (void)c;
    if (f->over)
        return;
    f->request = NULL;
    if (error) {
        finish(f, error);
        return;
    }
    form = mynah_form_read(mynah_elem_child(si, "feature", NS_NEGOTIATE));
    kind = form ? method_of(mynah_form_value(form, "stream-method")) : 0;
    mynah_form_free(form);
    if (!(kind & f->methods) || !range_read(f, si))
        finish_code(f, MYNAH_E_FORMAT);
    else
        stream_open(f, kind);
}

static struct mynah_elem *negotiate(struct mynah_elem *si, const char *type, unsigned methods)
{
    struct mynah_form *form = mynah_form_new(type, NULL);
    struct mynah_elem *x;

    if (!strcmp(type, "form"))
        mynah_form_add(form, "list-single", "stream-method", NULL, false);
    for (size_t i = 0; i < MN_COUNT(methods_known); i++) {
        if (!(methods & methods_known[i].kind))
            continue;
        if (!strcmp(type, "form"))
            mynah_form_option(form, "stream-method", NULL, methods_known[i].ns);
        else
            mynah_form_set(form, "stream-method", methods_known[i].ns);
    }
    x = mynah_form_elem(form);
    mynah_elem_hang(mynah_elem_add(si, "feature", NS_NEGOTIATE), &x);
    mynah_form_free(form);
    return si;
}

static struct mynah_elem *offer_new(const struct mynah_file *f, const struct mynah_file_info *info)
{
    struct mynah_elem *si = mynah_elem_new("si", NS_SI), *e;
    struct mn_arena a = {0};

    mynah_elem_set(si, "id", f->sid);
    mynah_elem_set(si, "mime-type", info->mime ? info->mime : "application/octet-stream");
    mynah_elem_set(si, "profile", NS_FILE);
    e = mynah_elem_add(si, "file", NS_FILE);
    mynah_elem_set(e, "name", info->name);
    elem_set_number(e, "size", info->length);
    mynah_elem_set(e, "hash", info->md5);
    if (info->changed_at)
        mynah_elem_set(e, "date", mn_arena_cstr(&a, mn_datetime_text(info->changed_at, &a)));
    mynah_elem_add_text(e, "desc", NULL, info->desc);
    if (info->range)
        mynah_elem_add(e, "range", NULL);
    mn_arena_done(&a, NULL);
    return negotiate(si, "form", f->methods);
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
    struct mynah_elem *si;

    SIZED_COPY(i, info);
    if (jid && i.name && *i.name && mynah_client_state(c) == MYNAH_ONLINE) {
        f = file_new(c, jid, mn_arena_cstr(&a, mn_rand_text(&a, 20)));
        if (options)
            SIZED_COPY(f->options, options);
        f->options.size = sizeof f->options;
        f->address = f->options.address ? mn_str_dup(mn_str_from(f->options.address)) : NULL;
        f->options.address = f->address;
        SIZED_COPY(f->calls, calls);
        f->arg = arg;
        f->sending = f->accepted = true;
        f->range = i.range;
        f->length = i.length;
        f->methods = methods & BOTH ? methods & BOTH : BOTH;
        if (i.hash && !i.md5 && sum_read(f, f->length)) {
            sum_end(f, f->md5);
            i.md5 = f->md5;
        }
        si = offer_new(f, &i);
        f->request = mynah_iq_send(c, MYNAH_SET, jid, &si, ANSWER_MS, offer_answered, f);
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

    sum_end(f, sum);
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

static void accept_send(struct mynah_file *f, unsigned method)
{
    struct mynah_elem *si = mynah_elem_new("si", NS_SI);

    if (f->begin)
        elem_set_number(mynah_elem_add(mynah_elem_add(si, "file", NS_FILE), "range", NULL),
                        "offset", f->begin);
    negotiate(si, "submit", method);
    mynah_ask_result(&f->ask, &si);
}

void mynah_file_accept(struct mynah_file *f, uint64_t offset, unsigned methods,
                       const struct mynah_file_calls *calls, void *arg)
{
    if (f->accepted)
        return;
    SIZED_COPY(f->calls, calls);
    f->arg = arg;
    f->accepted = true;
    f->methods &= methods & BOTH ? methods : BOTH;
    f->begin = f->range && offset <= f->length ? offset : 0;
    f->count = f->length - f->begin;
    if (f->over) {
        tell_end(f, &(struct mynah_error){.code = f->code});
        return;
    }
    if (!f->methods) {
        mynah_ask_refuse(&f->ask, "bad-request", NULL, "no-valid-streams", NS_SI);
        finish_code(f, MYNAH_E_MISSING);
        return;
    }
    if (!sum_read(f, f->begin))
        *f->md5 = 0; /* nothing to hold it against */
    accept_send(f, f->methods & MYNAH_SOCKS5 ? MYNAH_SOCKS5 : MYNAH_IBB);
    f->expected = bytestream_expect(f->client, f->methods, f->peer, f->sid, &receiving_calls, f);
    mn_timer_start(f->client->ctx->loop, &f->timer, STREAM_MS);
}

void mynah_file_decline(struct mynah_file *f, const char *text)
{
    if (f->accepted || f->told)
        return;
    if (f->ask)
        mynah_ask_error(&f->ask, "forbidden", text ? text : "Offer Declined");
    finish_code(f, MYNAH_E_CANCELLED);
    tell_end(f, NULL);
}

/* What the name would be below a folder of ours; NULL: nothing that could be written there. */
static const char *name_of(const char *path)
{
    const char *name = path ? path : "";

    for (const char *p = name; *p; p++)
        if (*p == '/' || *p == '\\')
            name = p + 1;
    return !*name || !strcmp(name, ".") || !strcmp(name, "..") ? NULL : name;
}

static unsigned methods_of(const struct mynah_elem *si)
{
    struct mynah_form *form = mynah_form_read(mynah_elem_child(si, "feature", NS_NEGOTIATE));
    const struct mynah_field *field = form ? mynah_form_find(form, "stream-method") : NULL;
    unsigned methods = 0;

    for (size_t i = 0; field && i < field->option_count; i++)
        methods |= method_of(field->options[i].value);
    mynah_form_free(form);
    return methods;
}

static bool is_md5(const char *text)
{
    return text && strlen(text) == 32 && strspn(text, "0123456789abcdefABCDEF") == 32;
}

static bool info_read(const struct mynah_elem *si, struct mynah_file_info *out)
{
    const struct mynah_elem *e = mynah_elem_child(si, "file", NS_FILE);
    const char *date = mynah_elem_get(e, "date"), *md5 = mynah_elem_get(e, "hash");

    *out = (struct mynah_file_info){.size = sizeof *out,
                                    .name = name_of(mynah_elem_get(e, "name")),
                                    .mime = mynah_elem_get(si, "mime-type"),
                                    .desc = mynah_elem_child_text(e, "desc", NS_FILE),
                                    .md5 = is_md5(md5) ? md5 : NULL,
                                    .range = mynah_elem_child(e, "range", NS_FILE)};
    if (date && mn_datetime_parse(mn_str_from(date), &out->changed_at))
        out->changed_at = 0;
    return out->name && elem_number(e, "size", INT64_MAX, &out->length);
}

static void offer_came(void *arg, struct mynah_client *c, struct mynah_ask *q)
{
    struct files *s = arg;
    const struct mynah_elem *si = mynah_ask_payload(q);
    const char *id = mynah_elem_get(si, "id"), *profile = mynah_elem_get(si, "profile");
    struct mynah_file_info info;
    struct mynah_file *f;
    unsigned methods = methods_of(si);

    if (!profile || strcmp(profile, NS_FILE) != 0 || !info_read(si, &info)) {
        mynah_ask_refuse(&q, "bad-request", NULL, "bad-profile", NS_SI);
    } else if (!id || !*id || strlen(id) > 256) {
        mynah_ask_error(&q, "bad-request", NULL);
    } else if (!methods) {
        mynah_ask_refuse(&q, "bad-request", NULL, "no-valid-streams", NS_SI);
    } else if (!s->offered || s->count >= FILES_MAX) {
        mynah_ask_error(&q, "forbidden", "Offer Declined");
    } else {
        f = file_new(c, mynah_ask_from(q), id);
        f->ask = q;
        f->methods = methods;
        f->length = info.length;
        f->range = info.range;
        f->timer.fire = timed;
        snprintf(f->md5, sizeof f->md5, "%s", info.md5 ? info.md5 : "");
        s->offered(s->arg, c, f, &info);
    }
}

void mynah_file_serve(struct mynah_client *c, mynah_file_offered *offered, void *arg)
{
    struct files *s = files_of(c);

    s->offered = offered;
    s->arg = arg;
    mynah_disco_feature(c, NS_SI, offered);
    mynah_disco_feature(c, NS_FILE, offered);
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
    mynah_iq_serve(c, MYNAH_SET, NS_SI, "si", offer_came, state);
}

static void lost(struct mynah_client *c, void *state)
{
    struct files *s = state;

    (void)c;
    MN_LIST_EACH(n, &s->list)
    {
        struct mynah_file *f = MN_OF(n, struct mynah_file, link);

        if (!f->open)
            finish_code(f, MYNAH_E_LOST);
    }
}

static void done(struct mynah_client *c, void *state)
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
    .name = "file", .size = sizeof(struct files), .init = init, .done = done, .lost = lost};
