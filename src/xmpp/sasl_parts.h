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
