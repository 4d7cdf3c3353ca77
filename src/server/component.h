/* External components (XEP-0114): programs of the operator's that serve a domain of their own, and
 * whatever lies below it. The stream of each lives on the loop that its name belongs to; stanzas
 * come there by mail. */
#pragma once

#include "server/stream.h"

struct component {
    mn_str name, secret; /* set at start */
    /* On its loop only: */
    struct stream *stream; /* NULL: not connected */
    int64_t since;         /* wall clock */
    uint64_t logins;
};

/* Those of the list in the configuration; reads the files of secrets. */
int components_open(struct server *srv, const struct mn_conf_list *list, struct mn_arena *a,
                    struct mn_buf *why) MN_MUST_CHECK;
/* Who serves that domain (prepared); NULL: nobody, or the server itself. */
bool component_below(const struct component *c, mn_str host); /* its name lies below that */
struct component *component_find(const struct server *srv, mn_str host);
/* The loop where its stream is. */
struct owner *component_owner(struct server *srv, const struct component *c);
/* A new connection, on any loop. */
void component_accept(struct owner *o, struct mn_conn *conn);
/* False: it is not connected; or it is NULL, because a reload has been faster: the domain is one of
 * the server's now. On its loop. */
bool component_write(struct component *c, const struct mn_stanza *st);
