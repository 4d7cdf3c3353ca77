/* SASL (RFC 4422, RFC 6120 section 6) for both ends, without I/O: messages in, messages out.
 * Account storage is the caller's: an exchange says when it wants credentials, and may be carried
 * to another thread at that point.
 *
 * SCRAM (RFC 5802, RFC 7677, RFC 9266) with and without channel binding, XEP-0440, XEP-0474 (`h`),
 * XEP-0515 (`t`); PLAIN (RFC 4616), DIGEST-MD5 (RFC 2831), CRAM-MD5 (RFC 2195), ANONYMOUS (RFC
 * 4505), EXTERNAL by certificate (RFC 4422, A; XEP-0178). */
#pragma once

#include "base/arena.h"
#include "base/err.h"

enum mn_sasl_mech {
    MN_SASL_SCRAM_SHA_512_PLUS,
    MN_SASL_SCRAM_SHA_256_PLUS,
    MN_SASL_SCRAM_SHA_1_PLUS,
    MN_SASL_SCRAM_SHA_512,
    MN_SASL_SCRAM_SHA_256,
    MN_SASL_SCRAM_SHA_1,
    MN_SASL_DIGEST_MD5,
    MN_SASL_CRAM_MD5,
    MN_SASL_PLAIN,
    MN_SASL_ANONYMOUS,
    MN_SASL_EXTERNAL,
    MN_SASL_MECHS, /* also: none */
};
mn_str mn_sasl_name(enum mn_sasl_mech m);
enum mn_sasl_mech mn_sasl_find(mn_str name);
bool mn_sasl_is_plus(enum mn_sasl_mech m);
/* The names, NULL-ended, that a configuration lists: all but EXTERNAL, which is there where
 * certificates are. */
extern const char *const mn_sasl_names[];

enum { MN_SASL_SHOWN = 8 };

struct mn_sasl_env {
    mn_str host; /* the domain: realm and digest-uri */
    bool tls, tls13;
    mn_str exporter, unique,
        endpoint;         /* channel binding data; {NULL, 0}: this connection cannot do it */
    bool unique_unlisted; /* `unique` is the first Finished of TLS 1.3: accepted, not announced */
    const mn_str *announced; /* mechanism names as offered on this stream */
    size_t announced_count;
    const mn_str *addresses; /* localparts of `host` that the client's certificate names */
    size_t address_count;
    mn_str secret;       /* for plausible salts of accounts that do not exist */
    unsigned iterations; /* for a renewed record */
    /* What accounts may have been made with: one that does not exist shows one of these; none:
     * `iterations`. */
    unsigned shown[MN_SASL_SHOWN];
    size_t shown_count;
    unsigned mechs; /* bits (1 << mech) that a record should serve: what is configured */
};
/* The binding types that XEP-0440 announces for `env`, in our order; returns their number (at most
 * 3). */
size_t mn_sasl_bindings(const struct mn_sasl_env *env, mn_str out[3]);

enum mn_sasl_result {
    MN_SASL_CHALLENGE, /* send `out` */
    MN_SASL_LOOKUP,    /* find the credentials of mn_sasl_user, then call mn_sasl_found */
    MN_SASL_WORK,      /* call mn_sasl_work on any thread, then mn_sasl_worked */
    MN_SASL_SUCCESS,   /* `out`: additional data, or {NULL, 0} */
    MN_SASL_FAIL,      /* mn_sasl_condition */
};

struct mn_sasl;
/* `env` and what it points to are copied as far as the exchange needs them. */
struct mn_sasl *mn_sasl_new(enum mn_sasl_mech m, const struct mn_sasl_env *env);
void mn_sasl_free(struct mn_sasl *s);
/* `in`: the client's decoded message; {NULL, 0}: it sent none (no initial response). `out` lives in
 * the exchange's arena. */
enum mn_sasl_result mn_sasl_step(struct mn_sasl *s, mn_str in, mn_str *out);
/* `stored`: the account's record, copied; {NULL, 0}: no such account. */
enum mn_sasl_result mn_sasl_found(struct mn_sasl *s, mn_str stored, mn_str *out);
void mn_sasl_work(struct mn_sasl *s);
enum mn_sasl_result mn_sasl_worked(struct mn_sasl *s, mn_str *out);
mn_str
mn_sasl_user(const struct mn_sasl *s); /* the account's localpart, prepared; empty for ANONYMOUS */
/* After success: the account's record as it should be from now on, without verifiers of mechanisms
 * that are not configured, and, where the password itself came, with those that were missing.
 * {NULL, 0}: as it is. Only for the record that was given to mn_sasl_found. */
mn_str mn_sasl_renewed(struct mn_sasl *s);
const char *mn_sasl_condition(const struct mn_sasl *s); /* of RFC 6120 6.5 */
const char *mn_sasl_reason(const struct mn_sasl *s);    /* a few words for the log */
bool mn_sasl_wrong(
    const struct mn_sasl *s); /* FAIL for wrong credentials, not for a refused form of asking */

/* Credentials: one record per account, verifiers only (decision L7). */
/* Makes it for the mechanisms of the bitmask (1 << mech). Slow: for a work lane. MN_E_FORMAT: a
 * password that may not be. */
int mn_sasl_creds_make(mn_str user, mn_str host, mn_str password, unsigned mechs,
                       unsigned iterations, struct mn_arena *a, mn_str *out) MN_MUST_CHECK;
/* Of those mechanisms the one, as a bitmask, whose verifier mn_sasl_creds_check computes for an
 * account that was made for them: who makes that for an account that is not there takes as long. */
unsigned mn_sasl_creds_checked(unsigned mechs);
/* Slow. */
bool mn_sasl_creds_check(mn_str stored, mn_str password);
/* Which mechanisms the record can serve. */
unsigned mn_sasl_creds_mechs(mn_str stored);
/* The record without verifiers of mechanisms outside the mask; the same slice when nothing goes.
 * SCRAM keys stay when no SCRAM mechanism of the record is in the mask: a password alone is checked
 * against them. */
mn_str mn_sasl_creds_keep(mn_str stored, unsigned mechs, struct mn_arena *a);

/* The client's end. `env` is lent until the end; its `announced` is what arrived, and of `secret`
 * and `iterations` nothing is used. */
struct mn_sasl_client;
/* `user` is the localpart; `authzid` may be {NULL, 0}. */
struct mn_sasl_client *mn_sasl_client_new(enum mn_sasl_mech m, mn_str user, mn_str password,
                                          mn_str authzid, const struct mn_sasl_env *env);
void mn_sasl_client_free(struct mn_sasl_client *c);
/* The first call makes the initial response, each later one takes a challenge. MN_SASL_CHALLENGE:
 * send `out`, which lives as long as `c`; MN_SASL_FAIL: give up. Slow at SCRAM's challenge. */
enum mn_sasl_result mn_sasl_client_step(struct mn_sasl_client *c, mn_str in, mn_str *out);
/* `in`: what came with success, or {NULL, 0}. MN_E_DENIED: it is no success, the server did not
 * prove itself. */
int mn_sasl_client_end(struct mn_sasl_client *c, mn_str in) MN_MUST_CHECK;
const char *mn_sasl_client_reason(const struct mn_sasl_client *c);
