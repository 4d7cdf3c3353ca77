/* Holds conversations (tests/wire/README.md): `wire memory-1|memory|tcp|tls [NAME]`. Prints TAP,
 * one test per conversation. */
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/codec.h"
#include "base/file.h"
#include "base/num.h"
#include "wire/script.h"

static const struct variant {
    const char *name, *kind, *text;
    enum transport transport;
    unsigned loops;
    bool pieces;
} variants[] = {
    {"memory-1", "memory", "in memory, 1 loop, in small pieces", OVER_MEMORY, 1, true},
    {"memory", "memory", "in memory, 4 loops", OVER_MEMORY, 4, false},
    {"tcp", "tcp", "over TCP, 3 loops", OVER_TCP, 3, false},
    {"tls", "tls", "over TLS, 4 loops", OVER_TLS, 4, false},
};

/* What a client says. */

static struct client *speaker(struct talk *t, mn_str name)
{
    struct client *c = client_find(t, name);

    return c ? c : client_connect(t, name, host_domain(t->host));
}

static void put_hex(struct talk *t, struct mn_buf *b, mn_str digits)
{
    while (digits.n) {
        mn_str two = script_word(&digits);
        unsigned v;

        if (two.n != 2 || sscanf(two.p, "%2x", &v) != 1)
            failed(t, "{hex ...} wants bytes like 0a ff");
        mn_buf_c(b, (char)v);
    }
}

/* Text with \0 for the byte. */
static void put_base64(struct talk *t, struct mn_buf *b, mn_str text)
{
    struct mn_buf raw = {0};

    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] == '\\' && i + 1 < text.n && text.p[i + 1] == '0')
            mn_buf_c(&raw, (char)(i++ * 0));
        else
            mn_buf_c(&raw, text.p[i]);
    mn_buf_str(b, mn_base64(mn_buf_view(&raw), &t->arena));
    mn_buf_free(&raw);
}

static void put_text(struct talk *t, struct client *c, struct mn_buf *b, mn_str text);

static void put_repeated(struct talk *t, struct client *c, struct mn_buf *b, mn_str rest)
{
    struct mn_buf one = {0};
    int64_t n;

    if (!mn_num_parse_int(mn_str_cut(rest, ' ', &rest), 0, 100 << 20, &n))
        failed(t, "{repeat NUMBER TEXT}");
    put_text(t, c, &one, rest);
    while (n-- > 0)
        mn_buf_str(b, mn_buf_view(&one));
    mn_buf_free(&one);
}

/* What stands between { and }. */
static void put_special(struct talk *t, struct client *c, struct mn_buf *b, mn_str inside)
{
    mn_str rest = inside, fn = mn_str_cut(inside, ' ', &rest);
    const mn_str *bound = var_get(&t->vars, inside);

    if (mn_str_is(fn, "hex")) {
        put_hex(t, b, rest);
    } else if (mn_str_is(fn, "base64")) {
        put_base64(t, b, rest);
    } else if (mn_str_is(fn, "repeat")) {
        put_repeated(t, c, b, rest);
    } else if (mn_str_is(fn, "auth")) {
        mn_str mech = script_word(&rest), user = script_word(&rest);

        mn_buf_str(b, exchange_begin(c, mech, user, rest));
    } else if (mn_str_is(fn, "response")) {
        mn_str answer = exchange_answer(c, c->challenge);

        if (!answer.p)
            failed(t, "there is no answer to that challenge");
        mn_buf_str(b, answer);
    } else if (bound) {
        mn_buf_xml(b, *bound, true);
    } else {
        failed(t, "{%.*s} is not bound", MN_ARG(inside));
    }
}

/* Up to the } of the { in front. */
static mn_str braced(mn_str text, mn_str *rest)
{
    size_t i = 0;

    for (int depth = 1; i < text.n && depth; i++)
        depth += (text.p[i] == '{') - (text.p[i] == '}');
    *rest = mn_str_skip(text, i);
    return (mn_str){text.p, i ? i - 1 : 0};
}

static void put_text(struct talk *t, struct client *c, struct mn_buf *b, mn_str text)
{
    while (text.n) {
        mn_str more, plain = mn_str_cut(text, '{', &more);

        mn_buf_str(b, plain);
        if (plain.n < text.n)
            put_special(t, c, b, braced(more, &more));
        text = more;
    }
}

static void on_C(struct talk *t, const struct statement *st)
{
    struct client *c = speaker(t, st->who);
    struct mn_buf b = {0};
    mn_str bytes;

    put_text(t, c, &b, st->rest);
    bytes = mn_arena_str(&t->arena, mn_buf_view(&b));
    mn_buf_free(&b);
    client_say(t, c, bytes, st->exactly);
}

/* What a server says. */

/* What comes from one address comes in order (RFC 6120, 10.1): the group of an item is its `from`,
 * and the server itself is a group. False: the pattern leaves it open. */
static bool group_of(struct talk *t, const struct item *i, mn_str *out)
{
    mn_str from = i->what == MN_XML_ELEM ? mn_elem_get(i->xml.elem, "from") : (mn_str){0};
    const mn_str *bound;

    *out = from;
    if (mn_str_find(from, '{') == from.n)
        return true;
    bound = from.n > 2 ? var_get(&t->vars, (mn_str){from.p + 1, from.n - 2}) : NULL;
    *out = bound ? *bound : from;
    return bound;
}

/* Takes the item that is wanted from what was not read yet; false: it is not there so far. */
static bool take(struct talk *t, struct client *c, const struct item *want, bool exactly)
{
    mn_str group, of;
    bool known = group_of(t, want, &group);

    t->vars.proof = exchange_proof;
    t->vars.arg = c;
    MN_LIST_EACH(n, &c->unread)
    {
        struct item *i = MN_OF(n, struct item, link);

        if (match_item(&t->vars, want, i, exactly)) {
            mn_list_del(n);
            mn_arena_done(&i->arena, NULL);
            mn_free(i);
            return true;
        }
        (void)group_of(t, i, &of);
        if (known && mn_str_eq(group, of))
            failed(t, "%.*s got something else: %.*s", MN_ARG(c->name),
                   MN_ARG(i->what == MN_XML_CLOSE ? MN_STR("</stream:stream>") : i->xml.raw));
    }
    return false;
}

/* Over TLS nobody offers STARTTLS any more. */
static void without_starttls(struct item *want)
{
    struct mn_elem *e = want->xml.elem;

    if (!mn_elem_is(e, MN_NS_STREAM, "features"))
        return;
    for (struct mn_node **at = &e->first; *at; at = &(*at)->next)
        if ((*at)->kind == MN_NODE_ELEM &&
            mn_elem_is((struct mn_elem *)*at, MN_NS_TLS, "starttls")) {
            *at = (*at)->next;
            return;
        }
}

static void expect(struct talk *t, struct client *c, mn_str text, bool exactly)
{
    items_free(&t->wanted);
    if (!items_parse(text, &t->wanted) || mn_list_empty(&t->wanted))
        failed(t, "what is expected is no XML of a stream");
    MN_LIST_EACH(n, &t->wanted)
    {
        struct item *want = MN_OF(n, struct item, link);

        if (c->conn && mn_conn_is_tls(c->conn))
            without_starttls(want);
        while (!take(t, c, want, exactly)) {
            if (c->broken)
                failed(t, "%.*s got what is no XML stream", MN_ARG(c->name));
            if (c->ended)
                failed(t, "%.*s: the connection ended", MN_ARG(c->name));
            talk_await(t);
        }
    }
}

static void on_S(struct talk *t, const struct statement *st)
{
    struct client *c = client_find(t, st->who);

    if (!c)
        failed(t, "%.*s is not connected", MN_ARG(st->who));
    expect(t, c, st->rest, st->exactly);
}

/* Nothing is left unread. */
static void insist(struct talk *t, struct client *c)
{
    if (!mn_list_empty(&c->unread)) {
        struct item *i = MN_OF(c->unread.next, struct item, link);

        failed(t, "%.*s got more: %.*s", MN_ARG(c->name),
               MN_ARG(i->what == MN_XML_CLOSE ? MN_STR("</stream:stream>") : i->xml.raw));
    }
}

static void on_nothing(struct talk *t, const struct statement *st)
{
    mn_str names = st->rest;

    talk_settle(t);
    MN_LIST_EACH(n, &t->clients)
    {
        struct client *c = MN_OF(n, struct client, link);
        bool meant = !st->rest.n;

        for (names = st->rest; names.n;)
            meant |= mn_str_eq(script_word(&names), c->name);
        if (meant)
            insist(t, c);
    }
}

static void on_settle(struct talk *t, const struct statement *st)
{
    (void)st;
    talk_settle(t);
    MN_LIST_EACH(n, &t->clients)
    items_free(&MN_OF(n, struct client, link)->unread);
}

/* Connections. */

static void on_connect(struct talk *t, const struct statement *st)
{
    mn_str rest = st->rest, name = script_word(&rest), domain = script_word(&rest);

    client_connect(t, name, domain.n ? domain : host_domain(t->host));
}

static void on_open(struct talk *t, const struct statement *st)
{
    on_connect(t, st);
    client_open(t, MN_OF(t->clients.prev, struct client, link));
}

static struct client *login(struct talk *t, mn_str rest, bool bind)
{
    mn_str name = script_word(&rest), jid = script_word(&rest), host, more, mech = {0};
    struct client *c;

    mn_str_cut(jid, '@', &host);
    c = client_connect(t, name, mn_str_cut(host, '/', &more));
    while (rest.n) {
        mn_str value, key = mn_str_cut(script_word(&rest), '=', &value);

        if (mn_str_is(key, "mechanism"))
            mech = value;
        else if (mn_str_is(key, "password"))
            c->password = value;
        else
            failed(t, "login NAME JID [password=...] [mechanism=...]");
    }
    if (bind)
        client_login(t, c, jid, mech);
    else
        client_auth(t, c, jid, mech);
    return c;
}

static void on_auth(struct talk *t, const struct statement *st)
{
    login(t, st->rest, false);
}

static void on_login(struct talk *t, const struct statement *st)
{
    login(t, st->rest, true);
}

static void on_online(struct talk *t, const struct statement *st)
{
    struct client *c = login(t, st->rest, true);

    client_say(t, c,
               MN_STR("<iq type='get' id='roster'><query xmlns='jabber:iq:roster'/></iq>"
                      "<presence/>"),
               false);
    talk_settle(t);
    items_free(&c->unread);
}

/* Both get each other's presence. */
static void on_friends(struct talk *t, const struct statement *st)
{
    mn_str names[2];
    mn_str rest = st->rest;

    for (int i = 0; i < 2; i++)
        names[i] = script_word(&rest);
    for (int i = 0; i < 4; i++) { /* a asks, b grants, b asks, a grants */
        struct client *says = client_find(t, names[i == 1 || i == 2]),
                      *hears = client_find(t, names[i == 0 || i == 3]);

        if (!says || !hears)
            failed(t, "friends are two who are online");
        client_say(t, says,
                   mn_arena_fmt(&t->arena, "<presence type='%s' to='%.*s'/>",
                                i % 2 ? "subscribed" : "subscribe",
                                MN_ARG(mn_str_cut(hears->jid, '/', &rest))),
                   false);
        on_settle(t, st);
    }
}

static struct client *named(struct talk *t, const struct statement *st)
{
    struct client *c = client_find(t, st->rest);

    if (!c)
        failed(t, "%.*s is not connected", MN_ARG(st->rest));
    return c;
}

static void on_closed(struct talk *t, const struct statement *st)
{
    struct client *c = named(t, st);

    while (!c->ended)
        talk_await(t);
    insist(t, c);
    client_free(c);
}

static void on_close(struct talk *t, const struct statement *st)
{
    struct client *c = named(t, st);

    client_say(t, c, MN_STR("</stream:stream>"), false);
    expect(t, c, MN_STR("</stream:stream>"), false);
    on_closed(t, st);
}

static void on_deaf(struct talk *t, const struct statement *st)
{
    mn_conn_pause(named(t, st)->conn, true);
}

static void on_mute(struct talk *t, const struct statement *st)
{
    named(t, st)->mute = true;
}

static void on_cut(struct talk *t, const struct statement *st)
{
    client_free(named(t, st));
}

/* The server is told to stop; its streams end. */
static void on_shutdown(struct talk *t, const struct statement *st)
{
    (void)st;
    host_shutdown(t->host);
}

static const struct {
    const char *word;
    void (*run)(struct talk *t, const struct statement *st);
} words[] = {
    {"C", on_C},
    {"S", on_S},
    {"nothing", on_nothing},
    {"settle", on_settle},
    {"connect", on_connect},
    {"open", on_open},
    {"auth", on_auth},
    {"login", on_login},
    {"online", on_online},
    {"friends", on_friends},
    {"closed", on_closed},
    {"close", on_close},
    {"deaf", on_deaf},
    {"mute", on_mute},
    {"cut", on_cut},
    {"shutdown", on_shutdown},
};

static void run_statement(struct talk *t, const struct statement *st)
{
    talk_deadline(t);
    for (size_t i = 0; i < MN_COUNT(words); i++)
        if (mn_str_is(st->word, words[i].word)) {
            words[i].run(t, st);
            return;
        }
    failed(t, "there is no statement \"%.*s\"", MN_ARG(st->word));
}

/* A conversation. */

static bool held(struct talk *t, const char *name, const struct script *s)
{
    static const struct statement end = {.word = MN_STR("nothing")};
    volatile int line = 0;

    if (setjmp(t->leave)) {
        printf("# %s:%d\n", name, line);
        return false;
    }
    for (size_t i = 0; i < s->count; i++) {
        line = s->all[i].line;
        run_statement(t, &s->all[i]);
    }
    run_statement(t, &end);
    return true;
}

static bool hold(const char *name, struct script *s, const struct variant *v)
{
    struct talk t = {
        .transport = v->transport, .accounts = s->accounts, .account_count = s->account_count};
    struct host_options opt = {v->transport, v->loops,        {0}, s->domains, s->domain_count,
                               s->accounts,  s->account_count};
    struct mn_buf why = {0};
    bool good;

    if (script_config(s, &opt.yaml) || !host_start(&opt, &t.host, &why)) {
        printf("# %s: no server: %.*s\n", name, MN_ARG(mn_buf_view(&why)));
        mn_buf_free(&why);
        return false;
    }
    t.loop = mn_loop_new(MN_LOOP_EPOLL);
    mn_list_init(&t.clients);
    mn_list_init(&t.wanted);
    good = held(&t, name, s);
    items_free(&t.wanted);
    MN_LIST_EACH(n, &t.clients)
    client_free(MN_OF(n, struct client, link));
    mn_loop_fire_all(t.loop);
    while (mn_loop_turn(t.loop, 0))
        ;
    host_stop(t.host);
    mn_loop_free(t.loop);
    mn_arena_done(&t.vars.arena, NULL);
    mn_arena_done(&t.arena, NULL);
    record_clear();
    return good;
}

static const char *name_of(const char *path)
{
    char *name = strdup(strrchr(path, '/') + 1);

    *strrchr(name, '.') = 0;
    return name;
}

int main(int argc, char **argv)
{
    const struct variant *v = NULL;
    struct mn_arena texts = {0};
    struct script *all;
    unsigned number = 0, bad = 0;
    glob_t files;

    for (size_t i = 0; i < MN_COUNT(variants); i++)
        if (argc > 1 && !strcmp(argv[1], variants[i].name))
            v = &variants[i];
    if (!v || glob(TEST_ROOT "/tests/wire/*.wire", 0, NULL, &files)) {
        printf("Bail out! usage: wire memory-1|memory|tcp|tls [NAME]\n");
        return 1;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    all = mn_alloc0(files.gl_pathc * sizeof *all);
    for (size_t i = 0; i < files.gl_pathc; i++) {
        mn_str text;

        MN_ASSERT(!mn_file_read(files.gl_pathv[i], 1 << 20, &texts, &text));
        script_read(&all[i], text);
        if ((argc > 2 && !strstr(files.gl_pathv[i], argv[2])) || !script_runs(&all[i], v->kind))
            all[i].count = 0;
        number += all[i].count > 0;
    }
    printf("1..%u\n", number);
    number = 0;
    for (size_t i = 0; i < files.gl_pathc; i++) {
        const char *name = name_of(files.gl_pathv[i]);
        bool good;

        if (all[i].count) {
            good = hold(name, &all[i], v);
            bad += !good;
            printf("%s %u - %s (%s)\n", good ? "ok" : "not ok", ++number, name, v->text);
        }
        free((void *)name);
        mn_arena_done(&all[i].arena, NULL);
    }
    mn_free(all);
    globfree(&files);
    mn_arena_done(&texts, NULL);
    mn_conn_thread_done();
    host_end();
    return bad ? 1 : 0;
}
