#include "base/err.h"
#include "net/conn_parts.h"

/* Buffers for the next that writes: as many as a turn of the loop may fill, none of them so big
 * that all together held much (1 MB). */
enum { STOCK = 128, STOCK_CAP = 8448 };

static _Thread_local struct {
    struct mn_buf bufs[STOCK];
    unsigned count;
    char *scratch[3];
} stock;

/* Threads that had connections give their stock back when they end. */
static void stock_free(void)
{
    while (stock.count)
        mn_buf_free(&stock.bufs[--stock.count]);
    for (int i = 0; i < 3; i++) {
        mn_free(stock.scratch[i]);
        stock.scratch[i] = NULL;
    }
}

char *conn_scratch(int which)
{
    if (!stock.scratch[which])
        stock.scratch[which] = mn_alloc(CONN_CHUNK);
    return stock.scratch[which];
}

void conn_buf_ready(struct mn_buf *b)
{
    if (!b->p && stock.count)
        *b = stock.bufs[--stock.count];
}

void conn_buf_give(struct mn_buf *b)
{
    b->n = 0;
    if (b->p && b->cap <= STOCK_CAP && stock.count < STOCK) {
        stock.bufs[stock.count++] = *b;
        *b = (struct mn_buf){0};
    } else {
        mn_buf_free(b);
    }
}

void mn_conn_thread_done(void)
{
    stock_free();
}

void mn_conn_face(struct mn_conn *c, const struct mn_conn_face *face, void *arg)
{
    c->face = face;
    c->arg = arg;
}

void mn_conn_marks(struct mn_conn *c, size_t low, size_t high)
{
    c->low = (uint32_t)low;
    c->high = (uint32_t)high;
}

size_t mn_conn_queued(const struct mn_conn *c)
{
    return c->out.n + c->raw.n;
}

bool mn_conn_is_out(const struct mn_conn *c)
{
    return !mn_conn_queued(c) && c->transport->is_out(c);
}

bool mn_conn_moves(const struct mn_conn *c, uint64_t *taken)
{
    uint64_t before = *taken;

    *taken = c->transport->taken(c);
    return !mn_conn_is_out(c) && *taken != before;
}

/* Reading. */

bool conn_deliver(struct mn_conn *c, mn_str bytes)
{
    if (c->closing || c->ended)
        return false;
    if (bytes.n)
        c->face->on_bytes(c->arg, bytes);
    return !c->closing && !c->ended;
}

void conn_ended(struct mn_conn *c, int why)
{
    if (c->ended)
        return;
    c->ended = true;
    if (c->closing)
        conn_free(c);
    else {
        c->transport->listen(c);
        c->face->on_closed(c->arg, why);
    }
}

void conn_input(struct mn_conn *c, mn_str bytes)
{
    int e = MN_E_OK;

    if (c->closing)
        return;
    if (c->tls)
        e = conn_tls_input(c, bytes);
    else if (c->zlib)
        e = conn_zlib_input(c, bytes);
    else
        conn_deliver(c, bytes);
    if (e && !c->closing)
        conn_ended(c, e);
}

void mn_conn_pause(struct mn_conn *c, bool paused)
{
    if (c->paused == paused)
        return;
    c->paused = paused;
    /* Most pauses are over before more comes: the transport stops listening when it does. */
    if (!paused && !c->ended && c->loop)
        c->transport->listen(c);
}

/* Writing. */

void conn_flush_soon(struct mn_conn *c)
{
    if (c->loop)
        mn_loop_at_end(c->loop, &c->turn);
}

struct mn_buf *mn_conn_out(struct mn_conn *c)
{
    conn_buf_ready(&c->out);
    return &c->out;
}

void mn_conn_written(struct mn_conn *c)
{
    if (c->high && !c->above && mn_conn_queued(c) > c->high)
        c->above = true;
    conn_flush_soon(c);
}

void mn_conn_write(struct mn_conn *c, mn_str bytes)
{
    mn_buf_str(mn_conn_out(c), bytes);
    mn_conn_written(c);
}

/* What the owner wrote goes down through the layers into raw. */
static int descend(struct mn_conn *c)
{
    struct mn_buf packed = {0};
    int e = MN_E_OK;

    if (!c->out.n || (c->tls && conn_tls_busy(c)))
        return MN_E_OK;
    if (c->zlib) {
        conn_buf_ready(&packed);
        e = conn_zlib_output(c, mn_buf_view(&c->out), &packed);
        conn_buf_give(&c->out);
        c->out = packed;
    }
    if (!e && c->tls) {
        conn_buf_ready(&c->raw);
        e = conn_tls_output(c, mn_buf_view(&c->out));
        conn_buf_give(&c->out);
    } else if (!e && !c->raw.n) {
        conn_buf_give(&c->raw);
        c->raw = c->out;
        c->out = (struct mn_buf){0};
    } else if (!e) {
        mn_buf_str(&c->raw, mn_buf_view(&c->out));
        conn_buf_give(&c->out);
    }
    return e;
}

/* Everything is out and it is closing: no more from us; the other side's end is waited for. */
static void shut(struct mn_conn *c)
{
    if (c->shut)
        return;
    c->shut = true;
    if (c->tls && !conn_tls_busy(c)) {
        conn_tls_shut(c);
        if (c->raw.n)
            c->transport->send(c, &c->raw);
    }
    c->transport->shut(c);
}

static void flush(struct mn_conn *c)
{
    int e = descend(c);

    if (!e && c->raw.n && !c->blocked)
        e = c->transport->send(c, &c->raw);
    if (!c->raw.n)
        conn_buf_give(&c->raw);
    if (e == MN_E_AGAIN) {
        c->blocked = true;
        c->transport->listen(c);
    } else if (e) { /* what came before the end is still read: then the end shows there */
        conn_buf_give(&c->out);
        conn_buf_give(&c->raw);
        if (e != MN_E_CLOSED || c->closing || c->paused)
            conn_ended(c, e);
        return;
    }
    if (c->closing && !c->raw.n && (!c->out.n || (c->tls && conn_tls_busy(c)))) {
        shut(c);
        if (c->ended)
            conn_free(c);
        return;
    }
    if (c->above && mn_conn_queued(c) <= c->low) {
        c->above = false;
        if (c->face->on_drained && !c->closing)
            c->face->on_drained(c->arg);
    }
}

void conn_turn(struct mn_turn *t)
{
    flush(MN_OF(t, struct mn_conn, turn));
}

/* Closing. */

struct lingering {
    struct mn_timer timer;
    struct mn_conn *conn;
};

/* Also the only chance of what is written beside a close that does not linger: a last word, an
 * alert. */
static void linger_over(struct mn_timer *t)
{
    struct mn_conn *c = ((struct lingering *)t)->conn;

    if (!c->shut && !c->blocked) {
        descend(c);
        if (c->raw.n)
            (void)c->transport->send(c, &c->raw);
        if (!c->raw.n)
            shut(c);
    }
    conn_free(c);
}

void conn_free(struct mn_conn *c)
{
    if (c->linger) {
        mn_timer_stop(c->linger);
        mn_free(c->linger);
    }
    mn_turn_cancel(&c->turn);
    c->transport->free(c);
    conn_tls_free(c->tls);
    conn_zlib_free(c->zlib);
    mn_buf_free(&c->out);
    mn_buf_free(&c->raw);
    mn_free(c->peer);
    mn_free(c);
}

void mn_conn_close(struct mn_conn *c, int64_t linger_ms)
{
    struct lingering *l;

    if (c->closing)
        return;
    c->closing = true;
    l = MN_NEW(struct lingering);
    l->timer.fire = linger_over;
    l->conn = c;
    c->linger = &l->timer;
    mn_timer_start(c->loop, c->linger, c->ended ? 0 : linger_ms);
    c->paused = false;
    if (!c->ended)
        c->transport->listen(c);
    conn_flush_soon(c);
}

/* Layers. */

void mn_conn_start_zlib(struct mn_conn *c)
{
    MN_ASSERT(!c->zlib);
    descend(c); /* what was written before goes out as it is */
    c->zlib = conn_zlib_new();
}

bool mn_conn_is_tls(const struct mn_conn *c)
{
    return c->tls;
}

bool mn_conn_is_zlib(const struct mn_conn *c)
{
    return c->zlib;
}

const struct mn_addr *mn_conn_peer(const struct mn_conn *c)
{
    static const struct mn_addr none;

    return c->peer ? c->peer : &none;
}

/* Moving. */

void mn_conn_detach(struct mn_conn *c)
{
    MN_ASSERT(c->loop && !c->closing);
    descend(c);
    mn_turn_cancel(&c->turn);
    c->transport->detach(c);
    c->loop = NULL;
}

void mn_conn_attach(struct mn_conn *c, struct mn_loop *l)
{
    MN_ASSERT(!c->loop);
    c->loop = l;
    c->transport->attach(c);
    if (mn_conn_queued(c))
        conn_flush_soon(c);
}
