/* BOSH (XEP-0124, XEP-0206): a stream whose elements go to and fro in bodies of HTTP requests and
 * answers. It tells the same calls as a stream over TCP (client/stream.h). */
#pragma once

#include "client/stream.h"

struct bosh;
struct bosh *bosh_new(struct mynah_context *ctx, const struct stream_plan *plan,
                      const struct stream_face *face, void *arg);
/* No call-back comes any more; what was written goes out in the last request, which tells the
 * connection manager that it is over. */
void bosh_close(struct bosh *b);
void bosh_free(struct bosh *b); /* closed, at the end of a turn; accepts NULL */
/* The session begins, or its stream begins anew behind a login. */
void bosh_header(struct bosh *b, const struct stream_head *h);
/* One element. `shown` is what consoles are told. */
void bosh_write(struct bosh *b, mn_str bytes, mn_str shown);
void bosh_end(struct bosh *b);
void bosh_renew(struct bosh *b);
bool bosh_is_tls(const struct bosh *b);
uint64_t bosh_mark(const struct bosh *b);
bool bosh_moves(const struct bosh *b, uint64_t *taken); /* on any of its connections */
struct mn_conn *bosh_conn(const struct bosh *b);
