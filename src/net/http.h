/* HTTP/1.1 (RFC 9112): bytes in, whole messages out, requests or answers; no sockets. Whoever holds
 * the connection feeds what came and writes what is to be said. */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

enum { MN_HTTP_HEAD_MAX = 16384, MN_HTTP_FIELDS_MAX = 128 };

struct mn_http_field {
    mn_str name, value;
};

struct mn_http_message {
    mn_str method, target; /* of a request */
    unsigned status;       /* of an answer */
    bool last;             /* the other side wants nothing more on this connection */
    const struct mn_http_field *fields;
    size_t field_count;
    mn_str body;
};
/* The first of that name; {NULL, 0}: there is none. */
mn_str mn_http_get(const struct mn_http_message *m, const char *name);

struct mn_http;
/* Of the requests, or of the answers to requests that are neither HEAD nor CONNECT. A body of more
 * than `body_max` bytes is MN_E_LIMIT. */
struct mn_http *mn_http_new(bool requests, size_t body_max);
void mn_http_free(struct mn_http *h); /* accepts NULL */
void mn_http_feed(struct mn_http *h, mn_str bytes);
/* The next message, whole, lent until the next call with `h`; interim answers (1xx) are passed
 * over. MN_E_AGAIN: feed more. MN_E_FORMAT, MN_E_LIMIT: nothing can follow. */
int mn_http_next(struct mn_http *h, struct mn_http_message *out) MN_MUST_CHECK;
/* The connection ended. Where that ends an answer it is whole now; else MN_E_CLOSED. */
int mn_http_end(struct mn_http *h, struct mn_http_message *out) MN_MUST_CHECK;
/* Bytes of a message that has begun, or of one that nobody has asked for yet. */
bool mn_http_busy(const struct mn_http *h);

/* The length of a head with its empty line; 0: it is not whole. */
size_t mn_http_head_length(mn_str in);
/* "HTTP/1.1 200 ..." */
bool mn_http_status(mn_str head, unsigned *out) MN_MUST_CHECK;

struct mn_url {
    bool tls;      /* https, else http */
    mn_str host;   /* a name, or an address without brackets */
    uint16_t port; /* 443 or 80 where none is named */
    mn_str place;  /* "host:port" as it stood there, for Host */
    mn_str path;   /* with its query, from the slash on; "/" for none */
};
/* MN_E_FORMAT: not such an address. Slices of `text`. */
int mn_url_parse(mn_str text, struct mn_url *out) MN_MUST_CHECK;
