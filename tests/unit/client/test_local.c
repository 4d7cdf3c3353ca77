/* What clients without a server do among each other. */
#include <stdlib.h>

#include "client/local.h"
#include "near.h"
#include "net/cert.h"
#include "net/listen.h"

static void info_came(void *arg, struct mynah_client *c, const struct mynah_disco *info,
                      const struct mynah_error *error)
{
    (void)arg;
    note_at(index_of(c), "info:%d",
            error                                    ? error->code
            : mynah_disco_has(info, "urn:xmpp:ping") ? 1
                                                     : 0);
}

TEST(two_talk)
{
    if (!begin())
        return;
    two();
    mynah_chat(w.at[1], "juliet@pronto", "hello 北京");
    pass(200);
    noted(1, "written");
    noted(0, "romeo@forza>hello 北京");
    mynah_chat(w.at[0], "romeo@forza/any", "& you <");
    pass(200);
    noted(0, "written");
    noted(1, "juliet@pronto>& you <");
    mynah_disco_info(w.at[0], "romeo@forza", NULL, info_came, NULL);
    mynah_caps_info(w.at[1], "juliet@pronto", info_came, NULL); /* known by the stream's features */
    noted(1, "info:1");
    pass(200);
    noted(0, "info:1");
    CHECK(!mynah_local_tls_name(w.at[0], "romeo@forza"));
    mynah_client_disconnect(w.at[0]);
    pass(2000);
    noted(0, "offline:0");
    noted(1, "-juliet@pronto");
    CHECK_INT(mynah_client_connect(w.at[0]), 0);
    pass(3000);
    noted(0, "online:juliet@pronto +romeo@forza");
    noted(1, "+juliet@pronto");
    end();
}

TEST(presence_and_what_is_told)
{
    const struct mynah_local_config all = {.nick = "J 北",
                                           .first = "Juliet",
                                           .last = "C",
                                           .email = "j@x",
                                           .jid = "j@x.test",
                                           .ext = "voice",
                                           .vc = "A!"};
    const struct mynah_neighbour *n;

    if (!begin())
        return;
    come(0, "juliet", "pronto", &all);
    come(1, "romeo", "forza", NULL);
    CHECK_INT(mynah_local_tell(w.at[0], "AIM", "capulet"), 0);
    CHECK_INT(mynah_local_tell(w.at[0], "Nick", "x"), MYNAH_E_ARGUMENT);
    CHECK_INT(mynah_local_tell(w.at[0], "a=b", "x"), MYNAH_E_ARGUMENT);
    pass(3000);
    n = mynah_local_find(w.at[1], "juliet@pronto");
    CHECK(n && n == mynah_local_at(w.at[1], 0) && !mynah_local_at(w.at[1], 1));
    if (n) {
        CHECK_STR(mn_str_from(n->nick), "J 北");
        CHECK_STR(mn_str_from(n->first), "Juliet");
        CHECK_STR(mn_str_from(n->jids), "j@x.test");
        CHECK_STR(mn_str_from(n->vc), "A!");
        CHECK_STR(mn_str_from(mynah_local_told(w.at[1], n->jid, "aim")), "capulet");
        CHECK_STR(mn_str_from(mynah_local_told(w.at[1], n->jid, "1ST")), "Juliet");
        CHECK(!mynah_local_told(w.at[1], n->jid, "msg"));
        CHECK_STR(mn_str_from(n->last), "C");
        CHECK_STR(mn_str_from(n->email), "j@x");
        CHECK_STR(mn_str_from(n->ext), "voice");
        CHECK_STR(mn_str_from(n->txtvers), "1");
        CHECK_STR(mn_str_from(n->hash), "sha-1");
        CHECK(n->port && (uint16_t)strtoul(n->port, NULL, 10) ==
                             mn_addr_port(mn_listener_addr(w.at[0]->local->listener)));
        CHECK(n->ver && n->node && !n->status && !n->photo);
    }
    mn_buf_clear(&w.notes[1]);
    mynah_presence_set(w.at[0], MYNAH_DND, "busy", 0);
    pass(2000);
    noted(1, "+juliet@pronto/dndbusy");
    n = mynah_local_find(w.at[1], "juliet@pronto");
    CHECK(n && n->show == MYNAH_DND && !strcmp(n->status, "busy"));
    CHECK_INT(mynah_local_tell(w.at[0], "AIM", "montague"), 0);
    pass(2000);
    CHECK_STR(mn_str_from(mynah_local_told(w.at[1], "juliet@pronto", "AIM")), "montague");
    CHECK_INT(mynah_local_tell(w.at[0], "aim", NULL), 0);
    pass(2000);
    CHECK(!mynah_local_told(w.at[1], "juliet@pronto", "AIM"));
    mn_buf_clear(&w.notes[1]);
    mynah_presence_set(w.at[0], MYNAH_UNAVAILABLE, NULL, 0);
    pass(2000);
    noted(1, "-juliet@pronto");
    CHECK(!mynah_local_find(w.at[1], "juliet@pronto"));
    mynah_presence_set(w.at[0], MYNAH_AVAILABLE, NULL, 0);
    pass(3000);
    noted(1, "+juliet@pronto");
    end();
}

TEST(names)
{
    static const struct {
        const char *user, *machine;
        int code;
    } rows[] = {
        {"", "m", MYNAH_E_ARGUMENT},    {"u", "", MYNAH_E_ARGUMENT}, {"u", "m.x", MYNAH_E_ARGUMENT},
        {"u", "a b", MYNAH_E_ARGUMENT}, {"u", "m-1", MYNAH_OK},      {NULL, NULL, MYNAH_OK},
        {"u", "北", MYNAH_E_ARGUMENT},
    };

    if (!begin())
        return;
    for (size_t i = 0; i < MN_COUNT(rows); i++) {
        struct mynah_local_config conf = {
            .size = sizeof conf, .user = rows[i].user, .machine = rows[i].machine};
        struct mynah_client *c;
        char *why;

        CHECK_INT(mynah_local_new(w.ctx, &conf, &c, &why), rows[i].code);
        CHECK(!rows[i].code == !why);
        mynah_client_free(c);
        mynah_free(why);
    }
    come(0, "juliet", "pronto", NULL);
    pass(2000);
    come(1, "juliet", "pronto", NULL);
    come(2, "Mary Ann@x", "Verona", NULL);
    pass(3000);
    mn_buf_clear(&w.notes[0]);
    mn_buf_clear(&w.notes[2]);
    CHECK_STR(mn_str_from(mynah_client_jid(w.at[1])), "juliet-1@pronto");
    CHECK_STR(mn_str_from(mynah_client_jid(w.at[2])), "mary\\20ann\\40x@verona");
    mynah_chat(w.at[0], "Mary\\20Ann\\40x@verona", "hello");
    pass(500);
    noted(2, "juliet@pronto>hello");
    mynah_chat(w.at[2], "juliet-1@pronto", "hello");
    pass(500);
    CHECK(memmem(w.notes[1].p, w.notes[1].n, "mary\\20ann\\40x@verona>hello", 27));
    end();
}

static void ping_came(void *arg, struct mynah_client *c, const struct mynah_elem *result,
                      const struct mynah_error *error)
{
    (void)arg;
    note_at(index_of(c), "iq:%d", result ? 0 : error->code);
}

static void ask(size_t i, const char *to)
{
    struct mynah_elem *ping = mynah_elem_new("ping", "urn:xmpp:ping");

    mynah_iq_send(w.at[i], MYNAH_GET, to, &ping, 0, ping_came, NULL);
}

TEST(nobody_is_there)
{
    struct mynah_elem *p = mynah_elem_new("presence", NULL);

    if (!begin()) {
        mynah_elem_free(p);
        return;
    }
    two();
    mynah_chat(w.at[0], "nobody@there", "hello");
    ask(0, "nobody@there");
    ask(0, NULL);
    pass(200);
    noted(0, "iq:-1");
    pass(15000);
    noted(0, "failed:-14 iq:-14");
    mynah_elem_set(p, "to", "romeo@forza");
    CHECK_INT(mynah_send(w.at[0], &p), MYNAH_E_ARGUMENT);
    CHECK_INT(w.at[0]->local->peer_count, 1);
    end();
}

/* Each dials the other at the same moment: nothing is lost, and all comes in order. */
TEST(both_at_once)
{
    if (!begin())
        return;
    two();
    w.only_messages = true;
    for (int i = 0; i < 5; i++) {
        char body[2] = {(char)('a' + i), 0};

        mynah_chat(w.at[0], "romeo@forza", body);
        mynah_chat(w.at[1], "juliet@pronto", body);
        if (i > 1)
            pass(20);
    }
    pass(1000);
    noted(0, "romeo@forza>a romeo@forza>b romeo@forza>c romeo@forza>d romeo@forza>e");
    noted(1, "juliet@pronto>a juliet@pronto>b juliet@pronto>c juliet@pronto>d juliet@pronto>e");
    end();
}

/* What one side writes, and when the other ends. */
TEST(closing)
{
    if (!begin())
        return;
    two();
    mynah_chat(w.at[1], "juliet@pronto", "a");
    pass(200);
    CHECK(peer_conn(local_peer(w.at[0]->local, "romeo@forza", false)));
    mynah_chat(w.at[1], "juliet@pronto", "b");
    mynah_local_close(w.at[1], "juliet@pronto");
    mynah_chat(w.at[1], "juliet@pronto", "c"); /* by the next one */
    pass(500);
    noted(0, "romeo@forza>a romeo@forza>b romeo@forza>c");
    noted(1, "written written written");
    ask(1, "juliet@pronto");
    mynah_client_free(w.at[0]);
    w.at[0] = NULL;
    pass(500);
    CHECK(memmem(w.notes[1].p, w.notes[1].n, "iq:-13", 6));
    end();
}

/* Encryption. */

static bool asked_for(void *arg, struct mynah_client *c, const struct mynah_certificate *cert)
{
    note_at(index_of(c), "certificate:%s", cert->jid);
    return *(bool *)arg;
}

static void certified(void (*run)(const struct mynah_local_config *with))
{
    char dir[] = "/tmp/mynah-local-XXXXXX", rm[64];
    struct mn_arena a = {0};
    struct mn_cert_files files;
    struct mn_buf why = {0};
    struct mynah_local_config conf = {0};

    CHECK(mkdtemp(dir));
    CHECK_INT(mn_cert_local(dir, MN_STR("pronto"), &a, &files, &why), 0);
    conf.cert_file = files.cert;
    conf.key_file = files.key;
    run(&conf);
    snprintf(rm, sizeof rm, "rm -r %s", dir);
    CHECK(!system(rm)); /* NOLINT */
    mn_arena_done(&a, NULL);
    mn_buf_free(&why);
}

static void encrypted_one(const struct mynah_local_config *with)
{
    bool yes = true;
    struct mynah_local_config strict = {.tls_required = true};
    const struct mynah_calls more = {.size = sizeof more, .certificate = asked_for};

    come(0, "juliet", "pronto", with);
    come(1, "romeo", "forza", &strict);
    mynah_listen(w.at[1], &more, &yes);
    pass(3000);
    mn_buf_clear(&w.notes[0]);
    mn_buf_clear(&w.notes[1]);
    mynah_chat(w.at[1], "juliet@pronto", "secret");
    pass(500);
    noted(1, "certificate:juliet@pronto written");
    noted(0, "romeo@forza>secret");
    CHECK(mynah_local_tls_name(w.at[0], "romeo@forza"));
    CHECK(mynah_local_tls_name(w.at[1], "juliet@pronto"));
    mynah_local_close(w.at[1], "juliet@pronto");
    pass(500);
    yes = false;
    mynah_chat(w.at[1], "juliet@pronto", "secret");
    pass(8000);
    CHECK(memmem(w.notes[1].p, w.notes[1].n, "failed:-6", 9));
    noted(0, "");
    /* He offers none, and so is not spoken to. */
    come(2, "nurse", "verona", NULL);
    pass(3000);
    mn_buf_clear(&w.notes[1]);
    mn_buf_clear(&w.notes[2]);
    mynah_chat(w.at[1], "nurse@verona", "secret");
    pass(8000);
    noted(1, "failed:-5");
    mynah_chat(w.at[2], "romeo@forza", "plain");
    pass(8000);
    noted(1, "");
    noted(2, "failed:-9");
    mynah_chat(w.at[2], "juliet@pronto", "opportune");
    pass(500);
    noted(0, "+nurse@verona nurse@verona>opportune");
    CHECK(mynah_local_tls_name(w.at[2], "juliet@pronto"));
}

TEST(encrypted)
{
    if (!begin())
        return;
    certified(encrypted_one);
    end();
}

/* Files, by the same families as everywhere. */

static size_t file_read(void *arg, struct mynah_file *f, uint64_t at, void *p, size_t n)
{
    (void)arg;
    (void)f;
    memset(p, 'x', n);
    return at + n <= 100000 ? n : 0;
}

static bool file_write(void *arg, struct mynah_file *f, uint64_t at, const void *p, size_t n)
{
    (void)f;
    *(uint64_t *)arg += n;
    return n && at + n <= 100000 && *(const char *)p == 'x';
}

static void file_done(void *arg, struct mynah_file *f, const struct mynah_error *error)
{
    (void)f;
    note_at(arg ? 1 : 0, "file:%d", error ? error->code : 0);
}

static const struct mynah_file_calls file_calls = {
    .size = sizeof file_calls, .read = file_read, .write = file_write, .done = file_done};
static uint64_t received;

static void offered(void *arg, struct mynah_client *c, struct mynah_file *f,
                    const struct mynah_file_info *info)
{
    (void)c;
    CHECK_INT(info->length, 100000);
    mynah_file_accept(f, 0, *(unsigned *)arg, &file_calls, &received);
}

TEST(files)
{
    static const unsigned ways[] = {MYNAH_IBB, MYNAH_SOCKS5};
    struct mynah_file_info info = {.size = sizeof info, .name = "x", .length = 100000};
    struct mynah_bytestream_options options = {.size = sizeof options, .address = "127.0.0.1"};

    if (!begin())
        return;
    two();
    for (size_t i = 0; i < MN_COUNT(ways); i++) {
        unsigned way = ways[i];

        received = 0;
        mynah_file_serve(w.at[1], offered, &way);
        CHECK(mynah_file_send(w.at[0], "romeo@forza", &info, way, &options, &file_calls, NULL));
        pass(3000);
        noted(0, "file:0");
        noted(1, "file:0");
        CHECK_INT(received, 100000);
    }
    end();
}

static void icon_came(void *arg, struct mynah_client *c, const char *jid, const void *icon,
                      size_t n)
{
    (void)arg;
    note_at(index_of(c), "icon:%s:%.*s", jid, (int)n, (const char *)icon);
}

TEST(icons)
{
    const struct mynah_neighbour *n;

    if (!begin())
        return;
    two();
    CHECK_INT(mynah_local_icon_set(w.at[0], "picture", 7), 0);
    pass(2500);
    n = mynah_local_find(w.at[1], "juliet@pronto");
    CHECK(n && n->photo);
    if (n && n->photo)
        CHECK_STR(mn_str_from(n->photo), "0e66b49d04a43c19bcb2e13a53aff5d174f610fc");
    mn_buf_clear(&w.notes[1]);
    CHECK_INT(mynah_local_icon(w.at[1], "juliet@pronto", icon_came, NULL), 0);
    pass(1500);
    noted(1, "icon:juliet@pronto:picture");
    CHECK_INT(mynah_local_icon(w.at[0], "romeo@forza", icon_came, NULL), 0);
    pass(12000);
    CHECK(memmem(w.notes[0].p, w.notes[0].n, "icon:romeo@forza:", 17));
    CHECK_INT(mynah_local_icon(w.at[0], "romeo@forza", icon_came, NULL), 0); /* freed before */
    CHECK_INT(mynah_local_icon_set(w.at[0], "", 8001), MYNAH_E_LIMIT);
    end();
}
