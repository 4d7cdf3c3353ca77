/* Connections that others open to this program: bytes, or XML streams, in clear or with TLS. What a
 * client needs of it (mynah/bytestream.h, mynah/local.h) is inside those; this is for programs that
 * serve something of their own. */
#pragma once

#include "mynah/context.h"
#include "mynah/elem.h"

MYNAH_BEGIN

struct mynah_port; /* where others connect */
struct mynah_conn; /* one who has */

/* Where, and with which certificate. */
struct mynah_port_config {
    size_t size;
    const char *address;              /* NULL: all of the machine, both families */
    uint16_t port;                    /* 0: any that is free */
    const char *cert_file, *key_file; /* PEM; NULL: no TLS */
    bool tls;                         /* it begins at once, not by mynah_conn_secure */
    unsigned most; /* connections at once, 0: 100; who comes then is turned away */
};
/* `came` is to call mynah_conn_serve at once, or the connection is closed. MYNAH_E_CONNECT: the
 * port cannot be had; MYNAH_E_TLS: the certificate cannot be used; MYNAH_E_ARGUMENT; `why` (may be
 * NULL; mynah_free it) says more. */
MYNAH_API int mynah_port_open(struct mynah_context *ctx, const struct mynah_port_config *config,
                              void (*came)(void *arg, struct mynah_conn *conn), void *arg,
                              struct mynah_port **out, char **why) MYNAH_MUST_CHECK;
MYNAH_API uint16_t mynah_port_number(const struct mynah_port *p);
/* Nobody comes any more; who is there stays. Accepts NULL; all goes with the context. */
MYNAH_API void mynah_port_close(struct mynah_port *p);

/* What happens on a connection; each may be NULL. With `element` it is read as an XML stream (of
 * elements up to a megabyte, 128 levels deep), else as bytes. */
struct mynah_conn_calls {
    size_t size;
    void (*bytes)(void *arg, struct mynah_conn *conn, const void *p, size_t n);
    /* His stream begins, also anew behind mynah_conn_secure: its header has no children. */
    void (*opened)(void *arg, struct mynah_conn *conn, const struct mynah_elem *header);
    void (*element)(void *arg, struct mynah_conn *conn, const struct mynah_elem *e);
    void (*secured)(void *arg, struct mynah_conn *conn); /* TLS stands */
    void (*drained)(void *arg, struct mynah_conn *conn); /* of bytes: 64 kB were unsent, few are */
    /* The last call, the connection is gone then: MYNAH_E_LOST (he closed it, or it broke),
     * MYNAH_E_TLS, MYNAH_E_STREAM (no XML, or too much of it); MYNAH_OK: he ended his stream. */
    void (*closed)(void *arg, struct mynah_conn *conn, int code);
};
/* Whom to tell of it; again: somebody else from now on, of the same kind. */
MYNAH_API void mynah_conn_serve(struct mynah_conn *conn, const struct mynah_conn_calls *calls,
                                void *arg);
/* Queued, all of it; how much of that has not left. */
MYNAH_API void mynah_conn_write(struct mynah_conn *conn, const void *p, size_t n);
MYNAH_API size_t mynah_conn_unsent(const struct mynah_conn *conn);
/* Of a stream in jabber:client: the own header, an id in it where that is not NULL; an element,
 * which it takes. */
MYNAH_API void mynah_conn_header(struct mynah_conn *conn, const char *from, const char *to,
                                 const char *id);
MYNAH_API void mynah_conn_send(struct mynah_conn *conn, struct mynah_elem **e);
/* TLS begins as the server's, behind what is written so far; what had come and was not told of is
 * forgotten. MYNAH_E_STATE: there is no certificate, or it has begun. */
MYNAH_API int mynah_conn_secure(struct mynah_conn *conn);
/* What was written still goes, of a stream its end too; no call comes any more. Accepts NULL. */
MYNAH_API void mynah_conn_close(struct mynah_conn *conn);
/* "192.0.2.1:4000"; as mynah_client_tls_name. Lent. */
MYNAH_API const char *mynah_conn_peer(const struct mynah_conn *conn);
MYNAH_API const char *mynah_conn_tls_name(const struct mynah_conn *conn);

MYNAH_END
