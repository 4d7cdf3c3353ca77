/* libmynah: an XMPP client library. What its headers share: codes, errors, names.
 *
 * Rules for all of it. Handles are opaque; a struct that a program fills begins with its size, so
 * that later versions may add fields at its end ({.size = sizeof x, ...}; zero is always the
 * sensible default). Text is UTF-8 with a NUL at its end; what a program gives is copied, what it
 * is given is lent until its call-back returns, unless said otherwise. Nothing blocks. A context
 * and everything below it belongs to one thread at a time; only mynah_post and mynah_stop may be
 * called from another. Call-backs come on the thread that drives the context, from inside a turn of
 * it or from inside the call that caused them. Everything may be freed inside call-backs.
 *
 * Functions return what they make, NULL when there is none, or an enum mynah_code; a request that
 * is begun tells its end by its call-back, exactly once (mynah/iq.h). Times are milliseconds,
 * points in time count from 1970 in UTC. Memory never fails without a word (mynah_out_of_memory).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
/* Some functions have the name of the type they read: there C++ wants `struct` or `enum` written.
 */
#define MYNAH_BEGIN                                                                                \
    _Pragma("GCC diagnostic push") _Pragma("GCC diagnostic ignored \"-Wshadow\"") extern "C"       \
    {
#define MYNAH_END                                                                                  \
    }                                                                                              \
    _Pragma("GCC diagnostic pop")
#else
#define MYNAH_BEGIN
#define MYNAH_END
#endif
#define MYNAH_API __attribute__((visibility("default")))
#define MYNAH_MUST_CHECK __attribute__((warn_unused_result))

MYNAH_BEGIN

/* Handles that all headers speak of. */
struct mynah_context;
struct mynah_client;
struct mynah_elem;
struct mynah_request;
struct mynah_listener;

/* What functions return, and what `error->code` is. Later versions may have more of them. */
enum mynah_code {
    MYNAH_OK = 0,             /* it worked, or has begun */
    MYNAH_E_ARGUMENT = -1,    /* a bug of the program: a bad address, a missing field */
    MYNAH_E_STATE = -2,       /* not now: no stream is open, or one is open already */
    MYNAH_E_DNS = -3,         /* no such host, or no such service there */
    MYNAH_E_CONNECT = -4,     /* nobody answers */
    MYNAH_E_TLS = -5,         /* no encryption, or not well enough */
    MYNAH_E_CERTIFICATE = -6, /* the server's certificate is not trusted */
    MYNAH_E_LOGIN = -7,       /* the server refuses the credentials, or proves not to know them */
    MYNAH_E_MECHANISM = -8,   /* no way to log in that both sides allow */
    MYNAH_E_STREAM = -9,      /* the server ended the stream with an error, or broke the protocol */
    MYNAH_E_STANZA = -10,     /* an error came for what was asked: `condition` says which */
    MYNAH_E_TIMEOUT = -11,    /* no answer in time */
    MYNAH_E_CANCELLED = -12,  /* by the program */
    MYNAH_E_LOST = -13,       /* the connection went; whether it arrived is not known */
    MYNAH_E_MISSING = -14,    /* the other side does not have what is needed */
    MYNAH_E_FORMAT = -15,     /* bytes that are not what they should be */
    MYNAH_E_LIMIT = -16,      /* more than is taken or sent */
    MYNAH_E_IO = -17          /* a file */
};
/* A few words, for people, in English; static. Of what is none of them, too. */
MYNAH_API const char *mynah_code_text(int code);

/* Why something did not work. */
struct mynah_error {
    int code;                     /* enum mynah_code */
    const char *condition;        /* of RFC 6120 8.3.3, 4.9.3 or 6.5: "item-not-found"; or NULL */
    const char *type;             /* of a stanza error: "cancel", "wait", ...; or NULL */
    const char *text;             /* for people; or NULL */
    const char *by;               /* the address that says so; or NULL */
    const struct mynah_elem *xml; /* the whole answer; or NULL */
    /* The condition of an extension beside the general one: "closed-node"; or NULL. */
    const char *special, *special_ns;
};

/* Of the library that runs: "0.1.0". Static. */
MYNAH_API const char *mynah_version(void);
/* For what the library hands over for good. Accepts NULL. */
MYNAH_API void mynah_free(void *p);
/* Called when the library gets no memory, before anything goes on without it; for the whole
 * process, on any thread, also one of the library's own. It may save what is the program's and end
 * the process; it may not call the library again, nor leave by longjmp: contexts are in the middle
 * of something. When it returns, or there is none (NULL), a line goes to standard error and abort()
 * follows. Of what libcrypto and c-ares ask for themselves it does not hear. */
MYNAH_API void mynah_out_of_memory(void (*handler)(void));
/* Takes a listener out; inside its own call-back too. Accepts NULL. All go with their client. */
MYNAH_API void mynah_unlisten(struct mynah_listener *l);
/* Ends a request before its time: its call-back comes with MYNAH_E_CANCELLED, inside this call.
 * Accepts NULL. A request is gone when its call-back has come. */
MYNAH_API void mynah_cancel(struct mynah_request *r);

MYNAH_END
