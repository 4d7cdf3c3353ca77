/* covers: wire_feed
 * However the bytes come, the pieces are the same, none is too long, and together they are what
 * came, but for the white space between them and what is not whole yet. */
#include "apps/mynah/wire.c"

#include "base/err.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct heard {
    struct mn_buf pieces;
    size_t count;
};

static void tell(void *arg, mn_str piece)
{
    struct heard *h = arg;

    MN_ASSERT(piece.n && piece.n <= WIRE_PIECE_MAX);
    mn_buf_fmt(&h->pieces, "%.*s\n", MN_ARG(piece));
    h->count++;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct wire whole = {0}, bytes = {0};
    struct heard a = {0}, b = {0};

    wire_feed(&whole, (mn_str){(const char *)data, size}, tell, &a);
    for (size_t i = 0; i < size; i++)
        wire_feed(&bytes, (mn_str){(const char *)data + i, 1}, tell, &b);
    MN_ASSERT(a.count == b.count && mn_str_eq(mn_buf_view(&a.pieces), mn_buf_view(&b.pieces)));
    MN_ASSERT(a.pieces.n <= size + a.count);
    wire_done(&whole);
    wire_done(&bytes);
    mn_buf_free(&a.pieces);
    mn_buf_free(&b.pieces);
    return 0;
}
