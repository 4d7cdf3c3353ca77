/* Between sasl.c (the server's end), sasl_client.c and sasl_creds.c (verifiers); nobody else
 * includes this. */
#pragma once

#include "base/crypt.h"
#include "xmpp/sasl.h"

enum { TAG_SHA1 = 1, TAG_SHA256, TAG_SHA512, TAG_DIGEST, TAG_CRAM };

struct sasl_row {
    enum mn_digest digest;
    int tag; /* of the verifier it needs; 0: none of its own */
    bool scram, plus;
};
extern const struct sasl_row sasl_rows[];

/* RFC 4013, unassigned code points allowed. */
int sasl_prep(mn_str in, struct mn_arena *a, mn_str *out) MN_MUST_CHECK;

/* The bytes of the verifier with this tag; {NULL, 0}: the record has none. */
mn_str sasl_verifier(mn_str stored, int tag);

struct sasl_keys {
    unsigned iterations;
    mn_str salt, stored, server;
};
/* A SCRAM verifier's parts; false when it is damaged. */
bool sasl_scram_keys(mn_str verifier, size_t digest_size, struct sasl_keys *out);
/* StoredKey and ServerKey; slow. `client`, when not NULL, takes ClientKey. */
void sasl_scram_derive(enum mn_digest d, mn_str password, mn_str salt, unsigned iterations,
                       char *stored, char *server, char *client);

bool sasl_offers_plus(const struct mn_sasl_env *env);
/* The value of `h` of XEP-0474 over what was announced. */
mn_str sasl_announced(const struct mn_sasl_env *env, enum mn_digest d, struct mn_arena *a);
/* `x=value` at the front of *s up to a comma; {NULL, 0} when another attribute stands there. */
mn_str sasl_attr(mn_str *s, char name);

/* DIGEST-MD5, sasl_digest.c. */
/* UTF-8 as Latin-1 where all of it fits (RFC 2831 2.1.2.1), else itself. */
mn_str sasl_latin1(mn_str s, struct mn_arena *a);
/* The next `name=value` or `name="value"` of the list; false at the end, and *bad when it is
 * neither. */
bool sasl_digest_pair(struct mn_arena *a, mn_str *in, mn_str *name, mn_str *value, bool *bad);
struct sasl_digest {
    mn_str verifier; /* MD5(user:realm:password) */
    mn_str nonce, cnonce, nc, authzid, uri;
};
/* RFC 2831 2.1.2.1; `verb` is "AUTHENTICATE" or empty (rspauth). */
mn_str sasl_digest_value(const struct sasl_digest *d, const char *verb, struct mn_arena *a);
