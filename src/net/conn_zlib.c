#include <zlib.h>

#include "base/err.h"
#include "net/conn_parts.h"

/* What one piece from the network may inflate to: more is no conversation but a bomb. */
enum { INFLATED_MAX = 4 << 20 };

struct conn_zlib {
    z_stream in, out;
};

static void *z_alloc(void *opaque, unsigned items, unsigned size)
{
    (void)opaque;
    return mn_alloc((size_t)items * size);
}

static void z_free(void *opaque, void *p)
{
    (void)opaque;
    mn_free(p);
}

struct conn_zlib *conn_zlib_new(void)
{
    struct conn_zlib *z = MN_NEW(struct conn_zlib);

    z->in.zalloc = z->out.zalloc = z_alloc;
    z->in.zfree = z->out.zfree = z_free;
    MN_ASSERT(inflateInit(&z->in) == Z_OK);
    /* A window of 8 kB: a stream's repetitions are near, and both sides pay for it all the time. */
    MN_ASSERT(deflateInit2(&z->out, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 13, 6, Z_DEFAULT_STRATEGY) ==
              Z_OK);
    return z;
}

void conn_zlib_free(struct conn_zlib *z)
{
    if (!z)
        return;
    inflateEnd(&z->in);
    deflateEnd(&z->out);
    mn_free(z);
}

int conn_zlib_input(struct mn_conn *c, mn_str bytes)
{
    z_stream *z = &c->zlib->in;
    char *p = conn_scratch(2);
    size_t total = 0;
    int r;

    z->next_in = (unsigned char *)bytes.p;
    z->avail_in = (unsigned)bytes.n;
    do {
        z->next_out = (unsigned char *)p;
        z->avail_out = CONN_CHUNK;
        r = inflate(z, Z_SYNC_FLUSH);
        if (r != Z_OK && r != Z_BUF_ERROR && r != Z_STREAM_END)
            return MN_E_FORMAT;
        total += CONN_CHUNK - z->avail_out;
        if (total > INFLATED_MAX)
            return MN_E_LIMIT;
        if (!conn_deliver(c, (mn_str){p, CONN_CHUNK - z->avail_out}))
            return MN_E_OK;
        if (r == Z_STREAM_END)
            return MN_E_CLOSED;
    } while (z->avail_out == 0 || (z->avail_in && r == Z_OK));
    return MN_E_OK;
}

int conn_zlib_output(struct mn_conn *c, mn_str bytes, struct mn_buf *to)
{
    z_stream *z = &c->zlib->out;

    z->next_in = (unsigned char *)bytes.p;
    z->avail_in = (unsigned)bytes.n;
    do {
        z->next_out = (unsigned char *)mn_buf_room(to, 4096);
        z->avail_out = 4096;
        if (deflate(z, Z_SYNC_FLUSH) == Z_STREAM_ERROR)
            return MN_E_IO;
        to->n += 4096 - z->avail_out;
    } while (z->avail_out == 0);
    return MN_E_OK;
}
