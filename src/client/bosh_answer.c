/* What the connection manager answers. Each answer is kept until its body is the first one; what it
 * carries is told then. */
#include "base/clock.h"
#include "base/err.h"
#include "client/bosh_parts.h"
#include "mynah/base.h"

enum {
    HURRY_MS = 1000,
    SID_MAX = 1024,  /* it comes back in each request */
    HOLLOW_MAX = 5,  /* empty answers to polls in a row, each sooner than BOSH_POLL_MS */
    REPORT_MS = 1000 /* an answer reported as sent so long ago is lost */
};

/* Once more, those up to that one that are not answered. */
static void again(struct bosh *b, uint64_t rid)
{
    MN_LIST_EACH(n, &b->bodies)
    {
        struct body *x = MN_OF(n, struct body, link);

        if (x->web && x->rid <= rid)
            bosh_web_drop(b, x->web);
    }
    bosh_soon(b);
}

/* It is over: those before that one are answered now, or never. */
static void hurry(struct bosh *b)
{
    int64_t soon = mn_clock_now() + HURRY_MS;

    MN_LIST_EACH(n, &b->bodies)
    {
        struct body *x = MN_OF(n, struct body, link);

        x->due = x->due < soon ? x->due : soon;
    }
}

static void created(struct bosh *b, struct body *x)
{
    struct mn_elem *header = mn_elem_new(&x->a, MN_NS_STREAM, "stream");

    b->terms = x->answer;
    if (b->terms.wait > WAIT_S * 1000) /* more than was asked for */
        b->terms.wait = WAIT_S * 1000;
    b->sid = mn_str_dup(x->answer.sid);
    mn_elem_set(&x->a, header, "id", mn_elem_get(x->answer.body, "authid"));
    if (x->answer.has_version)
        mn_elem_set(&x->a, header, "version", MN_STR("1.0"));
    b->face->opened(b->arg, header);
}

/* What ends a session by itself, and what the next attempt may do better (XEP-0124, "Terminal
 * Binding Conditions"). */
static void terminated(struct bosh *b, struct body *x)
{
    const struct bosh_answer *a = &x->answer;
    const struct mn_elem *uri = mn_elem_child(a->body, MN_NS_BOSH, "uri");
    static const char *const lost_ones[] = {"item-not-found", "other-request",
                                            "remote-connection-failed", "see-other-uri"};
    int code = MYNAH_E_STREAM;

    if (x->kind == CREATES && uri && mn_str_is(a->condition, "see-other-uri")) {
        bosh_move(b, mn_str_trim(mn_elem_text(uri, &x->a)));
        return;
    }
    for (size_t i = 0; i < MN_COUNT(lost_ones); i++)
        if (mn_str_is(a->condition, lost_ones[i]) && b->sid)
            code = MYNAH_E_LOST;
    if (a->condition.n)
        bosh_fail(b, code, mn_arena_cstr(&x->a, a->condition),
                  "the connection manager ended the session");
    else
        bosh_ended(b);
}

/* Everything up to that body has arrived. */
static void arrived(struct bosh *b, struct body *x)
{
    uint64_t mark = x->mark, ack = x->answer.ack <= b->rid ? x->answer.ack : 0;

    if (ack > b->heard)
        b->heard = ack;
    MN_LIST_EACH(n, &b->bodies)
    {
        const struct body *y = MN_OF(n, struct body, link);

        if (y->rid && y->rid <= ack && y->mark > mark)
            mark = y->mark;
    }
    b->face->acked(b->arg, mark);
}

/* When to ask for news again. Who should hold requests and does not would be asked without end. */
static void paced(struct bosh *b, const struct body *x)
{
    bool news = mn_elem_first(x->answer.body);

    if (x->polls && mn_list_empty(&b->bodies))
        b->hollow = !news && mn_clock_now() < b->polled_at + BOSH_POLL_MS ? b->hollow + 1 : 0;
    b->terms.polls = b->terms.polls || b->hollow > HOLLOW_MAX;
    if (news)
        b->polled_at = 0;
}

/* An answer whose turn it is; the body is out of the list. */
static void heed(struct bosh *b, struct body *x)
{
    const struct bosh_answer *a = &x->answer;

    b->got = x->rid;
    if (x->kind == CREATES && !a->terminates) {
        if (!a->sid.n || a->sid.n > SID_MAX)
            bosh_fail(b, MYNAH_E_STREAM, NULL, "no connection manager answers there");
        else
            created(b, x);
    }
    if (!b->gone && !b->over && b->sid)
        arrived(b, x);
    paced(b, x);
    for (const struct mn_elem *e = mn_elem_first(a->body); e && !b->gone && !b->over;
         e = mn_elem_next(e))
        if (!mn_elem_is(e, MN_NS_BOSH, "uri"))
            b->face->element(b->arg, e, &x->a);
    if (!b->gone && !b->over && a->terminates)
        terminated(b, x);
    else if (x->kind == ENDS)
        bosh_ended(b);
}

static void in_order(struct bosh *b)
{
    while (!b->gone && !b->over && !mn_list_empty(&b->bodies)) {
        struct body *x = MN_OF(b->bodies.next, struct body, link);

        if (!x->answered)
            break;
        mn_list_del(&x->link);
        heed(b, x);
        body_free(x);
    }
    bosh_soon(b);
}

/* It is no answer of the connection manager's, or one of those from before version 1.6: they said
 * by codes of HTTP what ends the session (XEP-0124, "HTTP Conditions"). */
static void http_error(struct bosh *b, struct body *x, const struct mn_http_message *m)
{
    static const struct {
        unsigned status;
        const char *condition;
        int code;
    } rows[] = {{400, "bad-request", MYNAH_E_STREAM},
                {403, "policy-violation", MYNAH_E_STREAM},
                {404, "item-not-found", MYNAH_E_LOST}};
    mn_str location = mn_http_get(m, "Location");
    char why[40];

    snprintf(why, sizeof why, "HTTP answers %u", m->status);
    if (x->kind == CREATES && location.n && m->status / 100 == 3) {
        bosh_move(b, location);
        return;
    }
    for (size_t i = 0; i < MN_COUNT(rows); i++)
        if (b->sid && b->terms.legacy && m->status == rows[i].status) {
            bosh_fail(b, rows[i].code, rows[i].condition, why);
            return;
        }
    bosh_stumbled(b, MYNAH_E_CONNECT, why);
}

static void read_answer(struct bosh *b, struct body *x, mn_str text)
{
    int e;

    x->a.pool = mn_loop_pool(b->ctx->loop);
    e = bosh_answer_parse(text, &x->a, &x->answer);
    if (e) {
        bosh_fail(b, MYNAH_E_STREAM, NULL,
                  e == MN_E_FORMAT ? "no connection manager answers there" : mn_err_text(e));
    } else if (x->answer.repeat && b->sid) {
        mn_arena_done(&x->a, mn_loop_pool(b->ctx->loop));
        again(b, x->rid);
        bosh_stumbled(b, MYNAH_E_LOST, "the connection manager asks for everything again");
    } else {
        x->answered = true;
        b->failures = 0;
        b->failing = 0;
        if (x->answer.report && x->answer.time >= REPORT_MS)
            again(b, x->answer.report);
        if (x->answer.terminates)
            hurry(b);
        in_order(b);
    }
}

void bosh_answered(struct bosh *b, struct body *x, const struct mn_http_message *m)
{
    if (m->status == 200)
        read_answer(b, x, m->body);
    else
        http_error(b, x, m);
}
