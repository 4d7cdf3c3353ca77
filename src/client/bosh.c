/* A session of BOSH is a list of bodies, each with its number (rid), in the order in which the
 * connection manager takes them:
 *
 *   answered out of turn ... | asked, on a connection or waiting for one | queued, without a number
 *
 * The first one is over when it is answered; what its answer carries is told then, so everything
 * comes in order whatever connections do. A connection that breaks leaves its question, which is
 * asked again as it was: the connection manager knows it by its number, and answers with what it
 * has kept. One request is always with it, for what it has to say. */
#include "client/bosh_parts.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/rand.h"
#include "mynah/base.h"

enum {
    GRACE_MS = 15000,    /* for an answer behind the time that it may take */
    PATIENCE_MS = 60000, /* without a connection, where no inactivity is named */
    RETRY_MS = 250,
    RETRY_MAX = 5,          /* doublings */
    PAYLOAD_MAX = 64 << 10, /* in one body, when it is of several elements */
    LINGER_MS = 2000,
    SPACE_MS = 100 /* from one that has arrived to the next */
};

void bosh_soon(struct bosh *b)
{
    if (!b->gone && !b->over)
        mn_loop_at_end(b->ctx->loop, &b->turn);
}

void body_free(struct body *x)
{
    mn_list_del(&x->link);
    bosh_wipe(&x->payload);
    bosh_wipe(&x->shown);
    bosh_wipe(&x->request);
    mn_arena_done(&x->a, NULL);
    mn_free(x);
}

void bosh_bodies_free(struct bosh *b)
{
    MN_LIST_EACH(n, &b->bodies)
    body_free(MN_OF(n, struct body, link));
}

static void stop(struct bosh *b)
{
    mn_turn_cancel(&b->turn);
    mn_timer_stop(&b->timer);
    bosh_webs_close(b);
    host_meta_free(b->meta);
    b->meta = NULL;
}

void bosh_fail(struct bosh *b, int code, const char *condition, const char *why)
{
    if (b->gone || b->over)
        return;
    b->over = true;
    b->face->failed(b->arg, code, condition, why);
}

void bosh_ended(struct bosh *b)
{
    if (b->gone || b->over)
        return;
    b->over = true;
    b->face->ended(b->arg);
}

void bosh_stumbled(struct bosh *b, int code, const char *why)
{
    int64_t now = mn_clock_now(),
            patience = b->terms.inactivity ? b->terms.inactivity : PATIENCE_MS;
    unsigned n = b->failures < RETRY_MAX ? b->failures : RETRY_MAX;

    if (!b->sid) {
        bosh_fail(b, code, NULL, why);
        return;
    }
    if (!b->failing)
        b->failing = now;
    if (now - b->failing > patience) {
        bosh_fail(b, MYNAH_E_LOST, NULL, why);
        return;
    }
    /* The first time a server may just have closed what it thought idle. */
    b->retry_at = b->failures++ ? now + (RETRY_MS << n) : now;
    bosh_soon(b);
}

/* What was written so far, as a body. */
static struct body *seal(struct bosh *b, enum kind kind)
{
    struct body *x = MN_NEW(struct body);

    x->kind = kind;
    x->payload = b->payload;
    x->shown = b->shown;
    x->mark = b->mark;
    b->payload = b->shown = (struct mn_buf){0};
    mn_list_add(&b->bodies, &x->link);
    return x;
}

/* Asking. */

static unsigned under_way(const struct bosh *b)
{
    unsigned n = 0;

    MN_LIST_EACH(at, &b->bodies)
    {
        const struct body *x = MN_OF(at, struct body, link);

        n += x->rid && !x->answered;
    }
    return n;
}

/* No request is to overtake another on a second connection: ejabberd (23.01) puts one that did
 * aside, and when the one before it comes and there is nothing to say, forgets it until there is.
 * That one has arrived is known by its answer or by an acknowledgement; else it is given its time,
 * from when the kernel at the other end has it. `before`: NULL for all. */
static bool have_arrived(struct bosh *b, const struct body *before)
{
    int64_t now = mn_clock_now();
    bool all = true;

    MN_LIST_EACH(at, &b->bodies)
    {
        struct body *x = MN_OF(at, struct body, link);

        if (x == before)
            break;
        if (!x->rid || x->answered || x->rid <= b->heard)
            continue;
        if (!x->web || !web_conn(x->web) || !mn_conn_is_out(web_conn(x->web)))
            x->leaves = now;
        all = all && now >= x->leaves + SPACE_MS;
    }
    return all;
}

/* The connection manager allows that many at once, and one more for the last word. */
static bool may_ask(const struct bosh *b, enum kind kind)
{
    return kind == CREATES || (b->sid && under_way(b) < b->terms.requests + (kind == ENDS));
}

/* Over a slow line a request takes long to leave: the time for its answer is counted from then. */
static bool leaves_still(const struct body *x)
{
    struct mn_conn *conn = x->web ? web_conn(x->web) : NULL;

    return conn && !mn_conn_is_out(conn);
}

static int64_t answer_ms(const struct bosh *b)
{
    return (b->sid ? b->terms.wait : WAIT_S * 1000) + GRACE_MS;
}

static void ask(struct bosh *b, struct body *x)
{
    struct web *w;

    if (!x->rid)
        bosh_request_make(b, x);
    if (b->gone || b->over)
        return;
    w = bosh_web_free(b);
    if (!w)
        return;
    x->web = w;
    x->leaves = mn_clock_now();
    x->due = mn_clock_now() + answer_ms(b);
    web_ask(w, mn_buf_view(&x->request));
}

static int64_t interval(const struct bosh *b)
{
    return b->terms.polling > BOSH_POLL_MS ? b->terms.polling : BOSH_POLL_MS;
}

/* An empty request, for what the other side has to say: at once, unless it holds none. */
static void poll(struct bosh *b)
{
    struct body *x;

    if (b->terms.polls && b->polled_at && mn_clock_now() < b->polled_at + interval(b))
        return;
    b->polled_at = mn_clock_now();
    x = seal(b, SAYS);
    x->polls = true;
    ask(b, x);
}

/* Nothing may be written behind it. */
static struct body *last_body(const struct bosh *b)
{
    struct body *x = mn_list_empty(&b->bodies) ? NULL : MN_OF(b->bodies.prev, struct body, link);

    return x && x->kind == ENDS ? x : NULL;
}

/* When something is to be done though nothing happens. */
static int64_t next_due(const struct bosh *b)
{
    int64_t at = INT64_MAX, soon = mn_clock_now() + SPACE_MS;
    bool waits = b->payload.n;

    MN_LIST_EACH(n, &b->bodies)
    {
        const struct body *x = MN_OF(n, struct body, link);
        bool asked = x->rid && !x->answered;
        int64_t due = asked && x->web ? x->due
                      : asked         ? b->retry_at
                                      : INT64_MAX,
                look = mn_clock_now() + GRACE_MS;

        if (asked && leaves_still(x) && look < due)
            due = look;

        if (asked && !x->web && due < soon)
            due = soon; /* it could not be asked just now */
        at = due < at ? due : at;
        waits = waits || !x->rid;
    }
    if (at == INT64_MAX && b->terms.polls)
        at = b->polled_at + interval(b);
    return b->sid && waits && may_ask(b, SAYS) && soon < at ? soon : at;
}

static void go_on(struct mn_turn *t)
{
    struct bosh *b = MN_OF(t, struct bosh, turn);
    int64_t now = mn_clock_now(), at;

    MN_LIST_EACH(n, &b->bodies)
    {
        struct body *x = MN_OF(n, struct body, link);

        if (x->answered || x->web)
            continue;
        if (x->rid ? now < b->retry_at : !may_ask(b, x->kind))
            break;
        if (!have_arrived(b, x))
            break;
        ask(b, x);
        if (b->gone || b->over)
            return;
    }
    if (b->payload.n && may_ask(b, SAYS) && have_arrived(b, NULL))
        ask(b, seal(b, SAYS));
    if (b->sid && !b->gone && !b->over && mn_list_empty(&b->bodies))
        poll(b);
    at = b->gone || b->over ? INT64_MAX : next_due(b);
    if (at != INT64_MAX)
        mn_timer_start(b->ctx->loop, &b->timer, at > now ? at - now : 0);
}

static void timed(struct mn_timer *t)
{
    struct bosh *b = MN_OF(t, struct bosh, timer);

    MN_LIST_EACH(n, &b->bodies)
    {
        struct body *x = MN_OF(n, struct body, link);

        if (leaves_still(x) && mn_conn_moves(web_conn(x->web), &x->taken))
            x->due = mn_clock_now() + answer_ms(b);
        if (x->web && mn_clock_now() >= x->due) {
            bosh_web_drop(b, x->web);
            bosh_stumbled(b, MYNAH_E_TIMEOUT, "no answer in time");
            return; /* the others have their time, too */
        }
    }
    bosh_soon(b);
}

/* Its life. */

static void found(void *arg, int code, mn_str address, const char *why)
{
    struct bosh *b = arg;

    if (code)
        bosh_fail(b, code, NULL, why);
    else
        bosh_move(b, address);
}

struct bosh *bosh_new(struct mynah_context *ctx, const struct stream_plan *plan,
                      const struct stream_face *face, void *arg)
{
    struct bosh *b = MN_NEW(struct bosh);

    b->ctx = ctx;
    b->plan = plan;
    b->face = face;
    b->arg = arg;
    b->turn.run = go_on;
    b->timer.fire = timed;
    mn_list_init(&b->bodies);
    if (!strcmp(plan->bosh, "auto"))
        b->meta = host_meta_new(ctx, plan, found, b);
    else
        bosh_move(b, mn_str_from(plan->bosh));
    return b;
}

void bosh_header(struct bosh *b, const struct stream_head *h)
{
    if (b->sid) {
        if (b->payload.n)
            seal(b, SAYS);
        seal(b, RESTARTS);
    } else {
        mn_free(b->to);
        mn_free(b->lang);
        mn_free(b->keys);
        b->to = mn_str_dup(h->to);
        b->lang = mn_str_dup(h->lang);
        b->keys = b->url.tls ? NULL : MN_NEW(struct bosh_keys);
        b->rid = 1 + mn_rand_u64() % (1ULL << 52); /* never comes to 2^53 */
        seal(b, CREATES);
    }
    bosh_soon(b);
}

void bosh_write(struct bosh *b, mn_str bytes, mn_str shown)
{
    if (b->gone || b->over || last_body(b))
        return;
    if (b->payload.n && b->payload.n + bytes.n > PAYLOAD_MAX)
        seal(b, SAYS);
    bosh_payload_add(&b->payload, bytes);
    bosh_payload_add(&b->shown, shown);
    b->mark++;
    bosh_soon(b);
}

void bosh_end(struct bosh *b)
{
    if (b->sid && !b->gone && !b->over && !last_body(b))
        seal(b, ENDS);
    bosh_soon(b);
}

static const struct stream_face quiet;

/* What was not asked yet goes before what was written since. */
static void unseal(struct bosh *b)
{
    struct mn_buf all = {0};

    MN_LIST_EACH(n, &b->bodies)
    {
        struct body *x = MN_OF(n, struct body, link);

        if (x->rid)
            continue;
        mn_buf_str(&all, mn_buf_view(&x->payload));
        body_free(x);
    }
    mn_buf_str(&all, mn_buf_view(&b->payload));
    mn_buf_free(&b->payload);
    b->payload = all;
}

/* Nobody goes on with the session. That is said behind all that was written, where need be on one
 * more connection, and its answer not waited for. */
static void last_word(struct bosh *b)
{
    unseal(b);
    bosh_request_make(b, seal(b, ENDS));
}

/* What has no connection takes its own; polls tell nothing. */
static void leave(struct bosh *b)
{
    MN_LIST_EACH(n, &b->bodies)
    {
        struct body *x = MN_OF(n, struct body, link);

        if (!x->rid || x->answered || x->web || x->polls)
            continue;
        x->web = bosh_web_take(b);
        web_ask(x->web, mn_buf_view(&x->request));
        web_close(x->web, LINGER_MS);
        x->web = NULL;
    }
    bosh_webs_leave(b, LINGER_MS);
}

void bosh_close(struct bosh *b)
{
    struct body *end = last_body(b);
    bool last = b->sid && !b->over && (!end || !end->rid) && may_ask(b, ENDS);

    b->face = &quiet;
    if (last)
        last_word(b);
    if (!b->over && b->sid)
        leave(b);
    b->gone = true;
    stop(b);
}

void bosh_free(struct bosh *b)
{
    if (!b)
        return;
    bosh_bodies_free(b);
    bosh_wipe(&b->payload);
    bosh_wipe(&b->shown);
    mn_free(b->address);
    mn_free(b->to);
    mn_free(b->lang);
    mn_free(b->sid);
    mn_free(b->keys);
    mn_free(b);
}

/* What the old network has swallowed is not waited for. */
void bosh_renew(struct bosh *b)
{
    if (!b->sid || b->over)
        return;
    bosh_webs_close(b);
    b->retry_at = 0;
    bosh_soon(b);
}

bool bosh_is_tls(const struct bosh *b)
{
    return b->url.tls;
}

uint64_t bosh_mark(const struct bosh *b)
{
    return b->mark;
}
