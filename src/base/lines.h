/* A local service that is spoken to in lines, over a Unix socket: each is answered before the next
 * is looked at. Only root and the user that we run as may speak; the kernel says who does, and the
 * mode of the socket keeps others away already. */
#pragma once

#include <jansson.h>
#include <sys/socket.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/loop.h"

struct mn_lines;
struct mn_lines_peer;

struct mn_lines_face {
    /* One line, without its end; lent, and wiped behind this call. mn_lines_next is called when it
     * is answered, inside or later. */
    void (*line)(void *arg, struct mn_lines_peer *p, mn_str line);
    /* It is hung up on: MN_E_DENIED (somebody else's program), MN_E_BUSY (too many speak), or
     * MN_E_LIMIT (a line is too long). What is written inside still goes. */
    void (*refused)(void *arg, struct mn_lines_peer *p, int why);
    /* It went before its line was answered: what is written goes nowhere, mn_lines_next is still to
     * be called. May be NULL. */
    void (*gone)(void *arg, struct mn_lines_peer *p);
};
struct mn_lines_limits {
    size_t line;    /* bytes */
    unsigned peers; /* at once */
};

/* At a path of any length, in a folder that is there; a socket that nobody answers at is replaced.
 * MN_E_BUSY: somebody answers there; else the codes of files, with errno set. */
int mn_lines_open(struct mn_loop *l, const char *path, struct mn_lines_limits limits,
                  const struct mn_lines_face *face, void *arg, struct mn_lines **out) MN_MUST_CHECK;
/* The socket is no more; whoever speaks is hung up on, what runs still ends. */
void mn_lines_close(struct mn_lines *s);
bool mn_lines_busy(const struct mn_lines *s); /* somebody is there, or something of theirs runs */
void mn_lines_free(struct mn_lines *s);       /* closed and not busy; accepts NULL */

void mn_lines_write(struct mn_lines_peer *p, mn_str bytes);
/* A line of JSON with this one member; takes the value. */
void mn_lines_tell(struct mn_lines_peer *p, const char *key, json_t *value);
size_t mn_lines_queued(const struct mn_lines_peer *p); /* bytes that it has not taken */
void mn_lines_next(struct mn_lines_peer *p);
const struct ucred *mn_lines_who(const struct mn_lines_peer *p);
