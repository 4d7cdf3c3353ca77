/* covers: mn_sasl_step mn_sasl_found mn_sasl_creds_mechs mn_sasl_client_step mn_sasl_client_end
 *
 * The first byte chooses the mechanism and the connection, then each line is a message of the
 * client; the account's record is a good one or the input itself. Whoever gets in without a proof
 * is a bug, so the password is not in the input's reach. */
#include "xmpp/sasl.h"

#include "base/rand.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct mn_arena kept;

static mn_str good_record(void)
{
    static mn_str record;

    if (!record.p)
        MN_ASSERT(!mn_sasl_creds_make(MN_STR("romeo"), MN_STR("example.org"),
                                      mn_rand_text(&kept, 24), (1u << MN_SASL_MECHS) - 1, 1, &kept,
                                      &record));
    return record;
}

/* An `@` stands for the nonce of what the other side said last (SCRAM, DIGEST-MD5). */
static mn_str with_nonce(mn_str in, mn_str said, struct mn_arena *a)
{
    const char *r = memmem(said.p, said.n, "r=", 2), *q = memmem(said.p, said.n, "nonce=\"", 7),
               *nonce = q   ? q + 7
                        : r ? r + 2
                            : "";
    mn_str rest, before = mn_str_cut(in, '@', &rest);

    return mn_arena_fmt(a, "%.*s%.*s%.*s", MN_ARG(before), (int)strcspn(nonce, ",\""), nonce,
                        MN_ARG(rest));
}

/* A server that does not know the client's nonce gets no answer, and the success of one that does
 * not know the password is none. Counts are costly: one is enough. */
static void client(enum mn_sasl_mech m, const struct mn_sasl_env *env, mn_str in)
{
    struct mn_sasl_client *c;
    struct mn_arena a = {0};
    mn_str out;
    bool scram = m < MN_SASL_DIGEST_MD5,
         knows = scram && mn_str_starts(in, MN_STR("r=@")) && memmem(in.p, in.n, ",i=4096", 7);

    if (m >= MN_SASL_PLAIN)
        return;
    mn_rand_fix(0);
    c = mn_sasl_client_new(m, MN_STR("romeo"), MN_STR("secret"), (mn_str){0}, env);
    if (mn_sasl_client_step(c, (mn_str){0}, &out) == MN_SASL_CHALLENGE) {
        if (knows)
            (void)mn_sasl_client_step(c, with_nonce(mn_str_cut(in, '\n', &in), out, &a), &out);
        else if (scram || mn_sasl_client_step(c, in, &out) == MN_SASL_CHALLENGE)
            MN_ASSERT(mn_sasl_client_step(c, in, &out) == MN_SASL_FAIL);
    }
    MN_ASSERT(m == MN_SASL_CRAM_MD5 || mn_sasl_client_end(c, in));
    mn_sasl_client_free(c);
    mn_arena_done(&a, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const mn_str names[] = {MN_STR("SCRAM-SHA-1"), MN_STR("SCRAM-SHA-1-PLUS")},
                        addresses[] = {MN_STR("romeo"), MN_STR("juliet")};
    mn_str record = good_record(), rest = {(const char *)data, size}, in, out = {0};
    enum mn_sasl_mech m =
        size ? (enum mn_sasl_mech)((data[0] & 15) % MN_SASL_MECHS) : MN_SASL_PLAIN;
    bool tls = size && data[0] & 16, exists = size && data[0] & 32;
    struct mn_sasl_env env = {.host = MN_STR("example.org"),
                              .tls = tls,
                              .tls13 = tls,
                              .exporter = tls ? MN_STR("EXPORTER") : (mn_str){0},
                              .endpoint = tls ? MN_STR("ENDPOINT") : (mn_str){0},
                              .announced = names,
                              .announced_count = tls ? 2 : 1,
                              .addresses = addresses,
                              .address_count = tls ? 2 : exists,
                              .secret = MN_STR("secret"),
                              .iterations = 1};
    struct mn_sasl *s;
    enum mn_sasl_result r = MN_SASL_CHALLENGE;
    struct mn_arena a = {0};

    mn_rand_fix(7); /* behind the password: nonces can be learnt, it cannot */
    s = mn_sasl_new(m, &env);
    rest = mn_str_skip(rest, 1);
    for (int turns = 0; turns < 4 && r == MN_SASL_CHALLENGE; turns++) {
        in = mn_str_cut(rest, '\n', &rest);
        r = mn_sasl_step(s, out.p ? with_nonce(in, out, &a) : in, &out);
        if (r == MN_SASL_LOOKUP)
            r = mn_sasl_found(s, exists ? record : (mn_str){0}, &out);
        if (r == MN_SASL_WORK) {
            mn_sasl_work(s);
            r = mn_sasl_worked(s, &out);
        }
    }
    if (r == MN_SASL_SUCCESS && m == MN_SASL_EXTERNAL) {
        MN_ASSERT(exists && (mn_str_is(mn_sasl_user(s), "romeo") ||
                             (tls && mn_str_is(mn_sasl_user(s), "juliet"))));
        r = MN_SASL_LOOKUP;
    }
    MN_ASSERT(r != MN_SASL_SUCCESS || m == MN_SASL_ANONYMOUS);
    MN_ASSERT(r != MN_SASL_FAIL || (mn_sasl_condition(s) && mn_sasl_reason(s)));
    mn_sasl_free(s);

    /* A damaged record opens nothing and breaks nothing. */
    in = (mn_str){(const char *)data, size};
    mn_sasl_creds_mechs(in);
    MN_ASSERT(mn_sasl_creds_keep(in, 1u << MN_SASL_PLAIN, &a).n <= in.n);
    s = mn_sasl_new(m, &env);
    if (mn_sasl_step(s, MN_STR("n,,n=romeo,r=abc"), &out) == MN_SASL_LOOKUP)
        r = mn_sasl_found(s, in, &out);
    mn_sasl_free(s);
    client(m, &env, mn_str_skip(in, 1));
    mn_arena_done(&a, NULL);
    return 0;
}
