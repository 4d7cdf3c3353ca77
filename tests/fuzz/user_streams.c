/* Streams, sessions, files. */
#include <string.h>

#include "fuzz/user_parts.h"

static void on_bytes(void *arg, struct mynah_bytestream *b, const void *p, size_t n)
{
    (void)arg;
    read_bytes(p, n);
    (void)mynah_bytestream_write(b, p, n);
}

static void on_closed(void *arg, struct mynah_bytestream *b, const struct mynah_error *why)
{
    (void)arg;
    user.open_count--;
    if (user.stream == b)
        user.stream = NULL;
    read_error(why);
}

static const struct mynah_bytestream_calls stream_calls = {
    .size = sizeof stream_calls, .bytes = on_bytes, .closed = on_closed};

static void on_stream(void *arg, struct mynah_client *client, struct mynah_bytestream *b)
{
    (void)arg;
    (void)client;
    read_text(mynah_bytestream_peer(b));
    if (mynah_bytestream_sid(b)[0] == 'x') {
        mynah_bytestream_refuse(b);
        return;
    }
    user.open_count++;
    user.stream = b;
    mynah_bytestream_accept(b, &stream_calls, NULL);
}

void open_stream(enum mynah_bytestream_kind kind)
{
    static const struct mynah_bytestream_options options = {
        .size = sizeof options, .no_direct = true, .proxy_jid = "p.test", .proxy_host = "1.2.3.4"};
    struct mynah_bytestream *b =
        mynah_bytestream_open(user.c, kind, HIM, &options, &stream_calls, NULL);

    user.open_count += b != NULL;
    user.stream = b ? b : user.stream;
}

static void came(void *arg, struct mynah_jingle *s, const struct mynah_jingle_event *e)
{
    struct mynah_jingle_file f = {.size = sizeof f};
    struct mynah_ice_candidate k = {.size = sizeof k};
    struct mynah_content content = {.size = sizeof content};
    unsigned block;
    bool messages;
    const char *sid;

    (void)arg;
    read_elem(e->xml);
    for (size_t i = 0; i < e->count; i++) {
        if (e->contents[i].description && mynah_jingle_file(e->contents[i].description, &f))
            read_text(f.name);
        for (size_t at = 0;
             e->contents[i].transport && mynah_ice_at(e->contents[i].transport, at, &k); at++)
            read_text(k.ip);
        if (e->contents[i].transport &&
            mynah_jingle_ibb(e->contents[i].transport, &sid, &block, &messages))
            read_text(sid);
    }
    for (size_t i = 0; mynah_jingle_content(s, i, &content); i++)
        read_elem(content.transport);
}

static bool info_came(void *arg, struct mynah_jingle *s, const struct mynah_jingle_event *e)
{
    came(arg, s, e);
    return e->info;
}

static void over(void *arg, struct mynah_jingle *s, enum mynah_jingle_reason reason,
                 const char *why, const struct mynah_error *e)
{
    (void)arg;
    read_text(mynah_jingle_reason_name(reason));
    read_text(why);
    user.open_count--;
    if (user.session == s)
        user.session = NULL;
    read_error(e);
}

static const struct mynah_jingle_calls session_calls = {
    .size = sizeof session_calls, .came = came, .info = info_came, .ended = over};

static void on_session(void *arg, struct mynah_client *client, struct mynah_jingle *s,
                       const struct mynah_jingle_event *e)
{
    (void)client;
    mynah_jingle_take(s, &session_calls, NULL);
    user.open_count++;
    user.session = s;
    came(arg, s, e);
}

static struct mynah_content content(struct mynah_elem **description, struct mynah_elem **transport)
{
    static const struct mynah_jingle_file f = {.size = sizeof f, .name = "n", .bytes = 5};

    *description = mynah_jingle_file_new(&f);
    *transport = mynah_jingle_ibb_new("t", 4096, false);
    return (struct mynah_content){.size = sizeof(struct mynah_content),
                                  .name = "n",
                                  .creator = MYNAH_INITIATOR,
                                  .description = *description,
                                  .transport = *transport};
}

void start_session(void)
{
    struct mynah_elem *description, *transport;
    struct mynah_content k = content(&description, &transport);

    user.open_count += !mynah_jingle_start(user.c, HIM, &k, 1, &session_calls, NULL, &user.session);
    mynah_elem_free(description);
    mynah_elem_free(transport);
}

void say_in_session(enum mynah_jingle_action action)
{
    struct mynah_elem *description, *transport, *none = NULL;
    struct mynah_content k = content(&description, &transport);

    if (user.session && mynah_jingle_send(user.session, action, &k, 1, &none, on_iq, mark()))
        user.asked[--user.ask_count] = false; /* it was not asked */
    mynah_elem_free(description);
    mynah_elem_free(transport);
}

static size_t read_file(void *arg, struct mynah_file *f, uint64_t at, void *p, size_t n)
{
    (void)arg;
    (void)f;
    (void)at;
    memset(p, 'a', n);
    return n;
}

static bool write_file(void *arg, struct mynah_file *f, uint64_t at, const void *p, size_t n)
{
    (void)arg;
    (void)at;
    read_bytes(p, n);
    read_text(mynah_file_peer(f));
    return true;
}

static void file_done(void *arg, struct mynah_file *f, const struct mynah_error *e)
{
    (void)arg;
    (void)f;
    user.open_count--;
    read_error(e);
}

static const struct mynah_file_calls file_calls = {
    .size = sizeof file_calls, .read = read_file, .write = write_file, .done = file_done};

static void on_file(void *arg, struct mynah_client *client, struct mynah_file *f,
                    const struct mynah_file_info *i)
{
    (void)arg;
    (void)client;
    MN_ASSERT(!strchr(i->name, '/'));
    read_texts((const char *const[]){i->name, i->mime, i->desc, i->md5}, 4);
    if (i->name[0] == 'x') {
        mynah_file_decline(f, "no");
        return;
    }
    user.open_count++;
    mynah_file_accept(f, i->range && i->length > 2 ? 2 : 0, 0, &file_calls, NULL);
}

void send_file(void)
{
    static const struct mynah_file_info f = {
        .size = sizeof f, .name = "n", .length = 5, .range = true, .hash = true};

    user.open_count += mynah_file_send(user.c, HIM, &f, MYNAH_IBB, NULL, &file_calls, NULL) != NULL;
}

void user_serves_streams(void)
{
    mynah_bytestream_serve(user.c, on_stream, NULL);
    mynah_file_serve(user.c, on_file, NULL);
    mynah_jingle_serve(user.c, MYNAH_NS_FILE_TRANSFER, on_session, NULL);
    mynah_jingle_strangers(user.c, true);
}
