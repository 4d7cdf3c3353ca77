/* A server of SCRAM that changes what it says: the client believes it nothing. */
#include "base/clock.h"
#include "base/codec.h"
#include "unit/client/talk.h"
#include "xmpp/sasl.h"

#define NS_SASL " xmlns='urn:ietf:params:xml:ns:xmpp-sasl'"

enum lie {
    HONEST,
    NONCE,
    FEW_ROUNDS,
    MANY_ROUNDS,
    NO_SALT,
    OTHER_LIST,
    EXTENSION,
    SIGNATURE,
    NO_PROOF,
    EARLY,
    LIES
};

static struct {
    struct mn_listener *listener;
    struct mn_conn *conn;
    struct mn_buf got;
    struct mn_arena a;
    struct mn_sasl *sasl;
    enum lie lie;
    unsigned headers;
} scram;

static void reply(const char *name, mn_str text)
{
    struct mn_buf b = {0};

    mn_buf_fmt(&b, "<%s" NS_SASL ">%.*s</%s>", name,
               MN_ARG(text.n ? mn_base64(text, &scram.a) : text), name);
    mn_conn_write(scram.conn, mn_buf_view(&b));
    mn_buf_free(&b);
}

/* The text behind the first '>' of an element. */
static mn_str response(void)
{
    mn_str rest, out = {0};

    mn_str_cut(mn_buf_view(&scram.got), '>', &rest);
    CHECK_INT(mn_base64_parse(mn_str_cut(rest, '<', &rest), &scram.a, &out), 0);
    return out;
}

static mn_str changed(mn_str text, const char *mark, const char *by)
{
    struct mn_buf b = {0};
    size_t at = (size_t)((const char *)memmem(text.p, text.n, mark, strlen(mark)) - text.p), end;
    mn_str out;

    for (end = at + 1; end < text.n && text.p[end] != ',';)
        end++;
    mn_buf_fmt(&b, "%.*s%s%.*s", (int)at, text.p, by, (int)(text.n - end), text.p + end);
    out = mn_arena_str(&scram.a, mn_buf_view(&b));
    mn_buf_free(&b);
    return out;
}

static void first(void)
{
    static const mn_str names[] = {MN_STR("SCRAM-SHA-256"), MN_STR("SCRAM-SHA-1")};
    struct mn_sasl_env env = {.host = MN_STR("x.test"),
                              .announced = names + 1,
                              .announced_count = 1,
                              .secret = MN_STR("s"),
                              .iterations = 4096};
    mn_str out, record;

    if (scram.lie == OTHER_LIST) { /* somebody has taken the better one out of the features */
        env.announced = names;
        env.announced_count = 2;
    }
    scram.sasl = mn_sasl_new(MN_SASL_SCRAM_SHA_1, &env);
    CHECK_INT(mn_sasl_step(scram.sasl, response(), &out), MN_SASL_LOOKUP);
    CHECK_INT(mn_sasl_creds_make(MN_STR("u"), MN_STR("x.test"), MN_STR("secret"),
                                 1u << MN_SASL_SCRAM_SHA_1, 4096, &scram.a, &record),
              0);
    CHECK_INT(mn_sasl_found(scram.sasl, record, &out), MN_SASL_CHALLENGE);
    out = scram.lie == NONCE         ? changed(out, "r=", "r=mine")
          : scram.lie == FEW_ROUNDS  ? changed(out, ",i=", ",i=1")
          : scram.lie == MANY_ROUNDS ? changed(out, ",i=", ",i=2000000000")
          : scram.lie == NO_SALT     ? changed(out, ",s=", ",s=")
          : scram.lie == EXTENSION   ? changed(out, "r=", "m=x,r=x")
                                     : out;
    scram.lie == EARLY ? reply("success", MN_STR("v=AAAA")) : reply("challenge", out);
}

static void second(void)
{
    mn_str out = {0};

    CHECK_INT(mn_sasl_step(scram.sasl, response(), &out), MN_SASL_SUCCESS);
    reply("success", scram.lie == NO_PROOF    ? (mn_str){0}
                     : scram.lie == SIGNATURE ? MN_STR("v=bWluZQ==")
                                              : out);
}

static void scram_bytes(void *arg, mn_str bytes)
{
    (void)arg;
    mn_buf_str(&scram.got, bytes);
    mn_buf_c(&scram.got, 0);
    if (strstr(scram.got.p, "<stream:stream")) {
        mn_conn_write(
            scram.conn,
            scram.headers++
                ? MN_STR(HEADER BIND(""))
                : MN_STR(HEADER
                         "<stream:features><mechanisms" NS_SASL
                         "><mechanism>SCRAM-SHA-1</mechanism></mechanisms></stream:features>"));
    } else if (strstr(scram.got.p, "</auth>")) {
        first();
    } else if (strstr(scram.got.p, "</response>")) {
        second();
    } else if (strstr(scram.got.p, "id='bind'")) {
        mn_conn_write(scram.conn, MN_STR(BOUND));
    }
    mn_buf_clear(&scram.got);
}

static void scram_closed(void *arg, int why)
{
    (void)arg;
    (void)why;
    mn_conn_close(scram.conn, 0);
    scram.conn = NULL;
}

static const struct mn_conn_face scram_face = {scram_bytes, scram_closed, NULL, NULL};

static void scram_accepted(void *arg, int fd, const struct mn_addr *peer)
{
    (void)arg;
    (void)peer;
    CHECK(!scram.conn);
    scram.conn = mn_conn_tcp(talk.ctx->loop, fd, &scram_face, NULL);
}

static void scram_start(enum lie lie)
{
    struct mynah_client_config config = {.size = sizeof config,
                                         .jid = "u@x.test",
                                         .password = "secret",
                                         .host = "127.0.0.1",
                                         .tls = MYNAH_TLS_OFF,
                                         .no_reconnect = true,
                                         .no_roster = true};
    struct mn_addr at;
    struct mn_buf why = {0};

    memset(&scram, 0, sizeof scram);
    scram.lie = lie;
    talk.ctx = mynah_context_new(NULL);
    CHECK_INT(mn_addr_parse(MN_STR("127.0.0.1"), 0, &at), 0);
    CHECK_INT(mn_listen(talk.ctx->loop, &at, scram_accepted, NULL, &scram.listener, &why), 0);
    config.port = mn_addr_port(mn_listener_addr(scram.listener));
    CHECK_INT(mynah_client_new(talk.ctx, &config, &talk.c, NULL), 0);
}

static int why_not;

static void scram_state(void *arg, struct mynah_client *c, enum mynah_state s,
                        const struct mynah_error *why)
{
    (void)arg;
    (void)c;
    (void)s;
    why_not = why ? why->code : 0;
}

TEST(a_server_that_does_not_prove_itself_is_left)
{
    static const struct mynah_calls calls = {.size = sizeof calls, .state = scram_state};
    int64_t end;

    for (enum lie lie = HONEST; lie < LIES; lie++) {
        scram_start(lie);
        mynah_listen(talk.c, &calls, NULL);
        CHECK_INT(mynah_client_connect(talk.c), 0);
        end = mn_clock_now() + 60000;
        while (!talk_online() && !talk_over() && mn_clock_now() < end)
            mn_loop_turn(talk.ctx->loop, 20);
        if (talk_online() != (lie == HONEST) || why_not != (lie == HONEST ? 0 : MYNAH_E_LOGIN))
            test_fail(__FILE__, __LINE__, "lie %d: state %d, code %d", lie,
                      mynah_client_state(talk.c), why_not);
        if (scram.conn)
            mn_conn_close(scram.conn, 0);
        mn_listener_free(scram.listener);
        mn_sasl_free(scram.sasl);
        mynah_context_free(talk.ctx);
        mn_buf_free(&scram.got);
        mn_arena_done(&scram.a, NULL);
    }
}
