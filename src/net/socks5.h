/* The messages of SOCKS5 (RFC 1928; a password as in RFC 1929), as far as one connection to one
 * host needs them. Each parse takes one message from the beginning of `in` and says in `n` how long
 * it was: MN_E_AGAIN (more is needed), MN_E_FORMAT. What it finds is lent from `in`.
 *
 *   client: methods ->   <- choice   request ->   <- answer   bytes <-> */
#pragma once

#include "base/buf.h"
#include "base/err.h"

enum { MN_SOCKS5_OPEN = 0, MN_SOCKS5_PASSWORD = 2, MN_SOCKS5_NO_METHOD = 0xff }; /* methods */
enum { MN_SOCKS5_CONNECT = 1 };                                                  /* of a request */
enum { MN_SOCKS5_DONE = 0, MN_SOCKS5_DENIED = 2, MN_SOCKS5_UNKNOWN = 7 };        /* of an answer */

/* The methods that a client offers, one a byte. */
int mn_socks5_methods_parse(mn_str in, mn_str *methods, size_t *n) MN_MUST_CHECK;
/* The one that a server takes. */
int mn_socks5_choice_parse(mn_str in, uint8_t *method, size_t *n) MN_MUST_CHECK;

struct mn_socks5 {
    uint8_t code; /* what is asked for, or how it went */
    bool is_name;
    mn_str host; /* a name, or the 4 or 16 bytes of an address */
    uint16_t port;
};
/* A request or its answer: they look the same. */
int mn_socks5_parse(mn_str in, struct mn_socks5 *out, size_t *n) MN_MUST_CHECK;
/* One with a name of at most 255 bytes. */
void mn_socks5_add(struct mn_buf *b, uint8_t code, mn_str name, uint16_t port);
/* The same, with an address where `host` is one. */
void mn_socks5_add_host(struct mn_buf *b, uint8_t code, mn_str host, uint16_t port);
const char *mn_socks5_text(uint8_t code); /* of an answer, in words */

/* A client's offer: without a password, or also with one. */
void mn_socks5_methods_add(struct mn_buf *b, bool password);
/* Both of at most 255 bytes. */
void mn_socks5_password_add(struct mn_buf *b, mn_str user, mn_str password);
/* What the server says to it. */
int mn_socks5_verdict_parse(mn_str in, bool *good, size_t *n) MN_MUST_CHECK;
