/* Any bytes into the layers of a connection, in any pieces: the first byte says which layers, then
 * each byte is the length of a piece. The end is told once, and no piece inflates without bound. */
#include <stdlib.h>

#include "net/cert.h"
#include "net/conn.h"
#include "net/tls.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PIECE_MAX = (4 << 20) + 65536 };

static size_t got;
static unsigned ends;
static struct mn_conn *conns[2];

static void on_bytes(void *arg, mn_str bytes)
{
    MN_ASSERT(!ends && bytes.n);
    got += bytes.n;
    mn_conn_write(*(struct mn_conn **)arg, MN_STR("<a/>"));
}

static void on_closed(void *arg, int why)
{
    (void)arg;
    MN_ASSERT(why < 0);
    ends++;
}

static void ignore(void *arg, mn_str bytes)
{
    (void)arg;
    (void)bytes;
}

static void ignore_end(void *arg, int why)
{
    (void)arg;
    (void)why;
}

static struct mn_tls *server(void)
{
    static struct mn_tls *tls;
    char dir[] = "/tmp/mynah-fuzz-XXXXXX", command[100];
    struct mn_cert_files f;
    struct mn_arena a = {0};
    struct mn_buf why = {0};

    if (tls)
        return tls;
    MN_ASSERT(mkdtemp(dir));
    MN_ASSERT(!mn_cert_local(dir, MN_STR("localhost"), &a, &f, &why));
    MN_ASSERT(!mn_tls_server(f.cert, f.key, &tls, &why));
    snprintf(command, sizeof command, "rm -rf %s", dir);
    MN_ASSERT(!system(command));
    mn_arena_done(&a, NULL);
    return tls;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct mn_conn_face face = {on_bytes, on_closed, NULL, NULL},
                                     deaf = {ignore, ignore_end, NULL, NULL};
    static struct mn_loop *l;
    mn_str in = {(const char *)data, size};

    if (!size)
        return 0;
    if (!l)
        l = mn_loop_new(MN_LOOP_EPOLL);
    ends = 0;
    mn_conn_mem(l, l, &conns[0], &conns[1]);
    mn_conn_face(conns[0], &face, &conns[0]);
    mn_conn_face(conns[1], &deaf, &conns[1]);
    if (in.p[0] & 1)
        mn_conn_start_tls(conns[0], server(), true, NULL);
    else
        mn_conn_start_zlib(conns[0]);
    in = mn_str_skip(in, 1);
    while (in.n && !ends) {
        size_t n = (unsigned char)in.p[0];
        mn_str piece;

        in = mn_str_skip(in, 1);
        piece = (mn_str){in.p, n < in.n ? n : in.n};
        in = mn_str_skip(in, piece.n);
        got = 0;
        mn_conn_write(conns[1], piece);
        mn_loop_turn(l, 0);
        mn_loop_turn(l, 0);
        MN_ASSERT(got <= PIECE_MAX);
    }
    mn_conn_close(conns[1], 0);
    while (mn_loop_turn(l, 0) || !ends)
        ;
    mn_conn_close(conns[0], 0);
    for (int i = 0; i < 4; i++)
        mn_loop_turn(l, 0);
    MN_ASSERT(ends == 1);
    return 0;
}
