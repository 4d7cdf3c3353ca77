#include "server/stream.h"

#include "base/clock.h"
#include "base/rand.h"
#include "server/stranger.h"

enum { LINGER_MS = 5000 };

struct mn_xml_limits stream_limits(const struct stream *s)
{
    const struct config *conf = s->owner->snap->conf;

    return (struct mn_xml_limits){
        (size_t)(s->counted ? conf->limits.stanza_before_login : conf->limits.stanza),
        (unsigned)conf->limits.depth, (unsigned)conf->limits.attributes};
}

static void limit(struct stream *s)
{
    struct mn_xml_limits limits = stream_limits(s);

    mn_xml_limit(s->xml, &limits);
}

bool stream_may_log(const struct stream *s)
{
    return stranger_may_log(s->owner->srv, mn_conn_peer(s->conn), &s->log);
}

/* It no longer counts among those who are not let in yet. */
static void count_off(struct stream *s)
{
    if (s->counted)
        stranger_let(s->owner->srv, mn_conn_peer(s->conn));
    s->counted = false;
}

void stream_let_in(struct stream *s)
{
    count_off(s);
    limit(s);
}

/* The end. */

static void stream_free(struct stream *s)
{
    mn_turn_cancel(&s->turn);
    mn_list_del(&s->link);
    mn_xml_free(s->xml);
    s->face->free(s);
}

/* The connection goes; the struct goes when nothing is under way with it any more. */
static void shut(struct stream *s, int64_t linger, bool lost)
{
    if (s->closed)
        return;
    s->closed = true;
    count_off(s);
    s->face->gone(s, lost);
    mn_timer_stop(&s->deadline);
    mn_conn_close(s->conn, linger);
    s->conn = NULL;
    if (!s->waiting || s->busy)
        mn_loop_at_end(s->owner->loop, &s->turn);
}

void stream_break(struct stream *s)
{
    shut(s, LINGER_MS, true);
}

/* Output. */

static void check_queue(struct stream *s)
{
    if (!s->overflow && mn_conn_queued(s->conn) > (size_t)s->owner->snap->conf->limits.queue) {
        s->overflow = true;
        mn_loop_at_end(s->owner->loop, &s->turn);
    }
}

void stream_raw(struct stream *s, mn_str bytes)
{
    if (s->closed || s->overflow)
        return;
    mn_conn_write(s->conn, bytes);
    check_queue(s);
}

void stream_write(struct stream *s, const struct mn_stanza *st, const struct mn_jid *to)
{
    if (s->closed || s->overflow)
        return;
    mn_stanza_write(mn_conn_out(s->conn), st, to);
    mn_conn_written(s->conn);
    check_queue(s);
}

static void attribute(struct mn_buf *b, const char *name, mn_str value)
{
    if (!value.n)
        return;
    mn_buf_c(b, ' ');
    mn_buf_str(b, mn_str_from(name));
    mn_buf_lit(b, "='");
    mn_buf_xml(b, value, true);
    mn_buf_c(b, '\'');
}

void stream_open(struct stream *s, mn_str to, char id[STREAM_ID])
{
    struct mn_arena a = {.pool = mn_loop_pool(s->owner->loop)};
    struct mn_buf *b = mn_conn_out(s->conn);

    memcpy(id, mn_rand_text(&a, STREAM_ID).p, STREAM_ID);
    mn_buf_lit(b, "<?xml version='1.0'?><stream:stream xmlns='");
    mn_buf_str(b, mn_str_from(s->face->ns));
    mn_buf_lit(b, "' xmlns:stream='http://etherx.jabber.org/streams'");
    attribute(b, "id", (mn_str){id, STREAM_ID});
    attribute(b, "from", s->face->name(s));
    attribute(b, "to", to);
    mn_buf_str(b, mn_str_from(s->face->attributes));
    mn_buf_c(b, '>');
    mn_conn_written(s->conn);
    mn_arena_done(&a, mn_loop_pool(s->owner->loop));
    s->opened = true;
}

/* RFC 6120 4.9.1.2: also an error in the first header is told inside a stream of ours. */
static void open_late(struct stream *s)
{
    char id[STREAM_ID];

    if (!s->opened)
        stream_open(s, (mn_str){0}, id);
}

void stream_error(struct stream *s, enum mn_stream_cond cond, const char *text)
{
    stream_error_with(s, cond, text, (mn_str){0});
}

void stream_error_with(struct stream *s, enum mn_stream_cond cond, const char *text, mn_str more)
{
    struct mn_buf *b;

    if (s->closed)
        return;
    mn_log_debug(&s->log, "stream error", MN_F("condition", mn_stream_cond_name(cond)),
                 MN_FC("why", text));
    s->owner->count.refused++;
    open_late(s);
    b = mn_conn_out(s->conn);
    mn_buf_lit(b, "<stream:error><");
    mn_buf_str(b, mn_stream_cond_name(cond));
    mn_buf_lit(b, " xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>");
    if (*text) {
        mn_buf_lit(b, "<text xmlns='urn:ietf:params:xml:ns:xmpp-streams' xml:lang='en'>");
        mn_buf_xml(b, mn_str_from(text), false);
        mn_buf_lit(b, "</text>");
    }
    mn_buf_str(b, more);
    mn_buf_lit(b, "</stream:error></stream:stream>");
    mn_conn_written(s->conn);
    shut(s, LINGER_MS, false);
}

void stream_close(struct stream *s)
{
    if (s->closed)
        return;
    open_late(s);
    stream_raw(s, MN_STR("</stream:stream>"));
    shut(s, LINGER_MS, false);
}

void stream_stop(struct stream *s)
{
    if (s->face->stop && !s->closed)
        s->face->stop(s);
    else
        stream_error(s, MN_STREAM_SYSTEM_SHUTDOWN, "");
}

/* Input. */

void stream_restart(struct stream *s)
{
    mn_xml_restart(s->xml);
    s->opened = false;
}

static bool is_busy(const struct stream *s)
{
    return s->resting || (s->face->busy && s->face->busy(s));
}

/* May one more thing be taken? */
static bool goes_on(struct stream *s)
{
    if (s->waiting || s->overflow || s->closed)
        return false;
    s->busy = is_busy(s);
    if (s->busy)
        stream_wait(s);
    return !s->busy;
}

/* Pressure: who feeds a loop that is over the mark is not read until that loop has worked off what
 * it has now. The stream's post, which moves no more, goes there behind all of it and comes back.
 */

static void echo_back(struct mn_post *p)
{
    stream_go_on(MN_OF(p, struct stream, post));
}

static void echo(struct mn_post *p)
{
    p->run = echo_back;
    mn_loop_post(MN_OF(p, struct stream, post)->owner->loop, p);
}

static void element(struct stream *s, const struct mn_xml_item *item, struct mn_arena *a)
{
    struct owner *o = s->owner;

    o->crowded = NULL;
    s->face->element(s, item, a);
    if (!o->crowded || s->closed || s->waiting)
        return;
    stream_wait(s);
    s->post.run = echo;
    s->post.bytes = 0;
    mn_loop_post(o->crowded->loop, &s->post);
}

static void header(struct stream *s, const struct mn_xml_item *item, struct mn_arena *a)
{
    limit(s);
    s->face->header(s, item, a);
}

static void end(struct stream *s)
{
    if (s->face->ended)
        s->face->ended(s);
    stream_close(s);
}

static void pump(struct stream *s)
{
    struct mn_pool *pool = mn_loop_pool(s->owner->loop);

    s->pumping = true;
    s->unsent = !s->closed && mn_conn_queued(s->conn);
    while (goes_on(s)) {
        struct mn_arena a = {.pool = pool};
        struct mn_xml_item item;
        int e = mn_xml_next(s->xml, &a, &item);

        if (e == MN_XML_OPEN)
            header(s, &item, &a);
        else if (e == MN_XML_ELEM)
            element(s, &item, &a);
        else if (e == MN_XML_CLOSE)
            end(s);
        else if (e < 0)
            stream_error(s, mn_stream_cond_of(e),
                         e == MN_E_LIMIT ? "over a limit of size, depth or attributes"
                                         : mn_err_text(e));
        mn_arena_done(&a, pool);
        if (e == MN_XML_NOTHING)
            break;
    }
    s->pumping = false;
    mn_xml_keep(s->xml);
}

static void on_bytes(void *arg, mn_str bytes)
{
    struct stream *s = arg;

    mn_xml_feed(s->xml, bytes);
    if (s->waiting)
        mn_xml_keep(s->xml);
    else
        pump(s);
}

/* XEP-0138: something that cannot be inflated, or comes to far too much. */
static void misinflated(struct stream *s, int why)
{
    stream_error_with(
        s, why == MN_E_LIMIT ? MN_STREAM_POLICY_VIOLATION : MN_STREAM_UNDEFINED, "",
        MN_STR("<failure xmlns='http://jabber.org/protocol/compress'><processing-failed/>"
               "</failure>"));
}

static void on_closed(void *arg, int why)
{
    struct stream *s = arg;

    mn_log_debug(&s->log, "connection ended", MN_FC("why", mn_err_text(why)));
    if (mn_conn_is_zlib(s->conn) && (why == MN_E_FORMAT || why == MN_E_LIMIT))
        misinflated(s, why);
    shut(s, 0, true);
}

static void on_tls(void *arg)
{
    struct stream *s = arg;

    s->secure = true;
    mn_log_debug(&s->log, "TLS", MN_FC("with", mn_conn_tls_name(s->conn)));
}

static const struct mn_conn_face conn_face = {on_bytes, on_closed, NULL, on_tls};

void stream_wait(struct stream *s)
{
    s->waiting = true;
    if (s->conn)
        mn_conn_pause(s->conn, true);
}

bool stream_go_on(struct stream *s)
{
    s->waiting = false;
    if (s->closed) {
        if (s->pumping)
            mn_loop_at_end(s->owner->loop, &s->turn);
        else
            stream_free(s);
        return false;
    }
    mn_conn_pause(s->conn, false);
    if (!s->pumping)
        pump(s);
    return true;
}

void stream_settled(struct stream *s)
{
    if (s->busy)
        mn_loop_at_end(s->owner->loop, &s->turn);
}

void stream_rest(struct stream *s, int64_t ms)
{
    s->resting = true;
    mn_timer_start(s->owner->loop, &s->deadline, ms);
}

/* Moving. */

static void deadline_start(struct stream *s)
{
    if (s->deadline_at && !s->closed)
        mn_timer_start(s->owner->loop, &s->deadline, s->deadline_at - mn_clock_now());
}

void stream_in_time(struct stream *s)
{
    mn_timer_stop(&s->deadline);
    s->deadline_at = 0;
}

static void deadline_over(struct mn_timer *t)
{
    struct stream *s = MN_OF(t, struct stream, deadline);

    if (s->resting) {
        s->resting = false;
        stream_settled(s);
        return;
    }
    stream_error(s, MN_STREAM_POLICY_VIOLATION, s->face->late);
}

static void moved(struct stream *s)
{
    if (s->face->moved)
        s->face->moved(s);
    else
        stream_go_on(s);
}

void stream_look(struct stream *s, const struct snapshot *next)
{
    if (s->face->stays && !s->face->stays(s, next))
        stream_error(s, MN_STREAM_HOST_GONE, "");
}

static void arrived(struct mn_post *p)
{
    struct stream *s = MN_OF(p, struct stream, post);

    s->owner = owner_here();
    mn_list_add(&s->owner->streams, &s->link);
    mn_conn_attach(s->conn, s->owner->loop);
    deadline_start(s);
    s->owner->count.moved++;
    stream_look(s, s->owner->snap); /* a reload may have been faster, */
    if (s->owner->stopping)         /* or the end */
        stream_stop(s);
    moved(s);
}

static void leave(struct stream *s)
{
    s->moving = false;
    if (s->closed) {
        moved(s);
        return;
    }
    mn_timer_stop(&s->deadline);
    mn_list_del(&s->link);
    mn_conn_detach(s->conn);
    s->post.run = arrived;
    s->post.bytes = sizeof *s + mn_xml_held(s->xml);
    mn_loop_post(s->goal->loop, &s->post);
}

void stream_move(struct stream *s, struct owner *goal)
{
    stream_wait(s);
    if (goal == s->owner || s->closed) {
        moved(s);
        return;
    }
    s->goal = goal;
    s->moving = true;
    mn_loop_at_end(s->owner->loop, &s->turn);
}

/* With nothing of it on the stack. */
static void at_end(struct mn_turn *t)
{
    struct stream *s = MN_OF(t, struct stream, turn);

    if (s->overflow && !s->closed) {
        if (stream_may_log(s))
            mn_log_info(&s->log, s->face->deaf, MN_FN("bytes", (int64_t)mn_conn_queued(s->conn)));
        shut(s, 0, true);
    }
    if (s->moving) {
        leave(s);
    } else if (s->busy && (s->closed || !is_busy(s))) {
        s->busy = false;
        stream_go_on(s);
    } else if (s->closed && !s->waiting) {
        stream_free(s);
    }
}

bool stream_init(struct stream *s, const struct stream_face *face, struct owner *o,
                 struct mn_conn *conn)
{
    struct mn_xml_limits limits;

    if (!stranger_hold(o, mn_conn_peer(conn))) {
        mn_conn_face(conn, &conn_face, NULL);
        mn_conn_close(conn, 0);
        return false;
    }
    s->face = face;
    s->owner = o;
    s->conn = conn;
    s->counted = true;
    limits = stream_limits(s);
    s->xml = mn_xml_new(&limits);
    s->turn.run = at_end;
    s->deadline.fire = deadline_over;
    s->deadline_at = mn_clock_now() + o->snap->conf->limits.login_time;
    mn_addr_text(mn_conn_peer(conn), s->peer);
    s->log = (struct mn_log){.fields = {MN_FC("peer", s->peer)}};
    mn_list_init(&s->link);
    mn_list_add(&o->streams, &s->link);
    mn_conn_face(conn, &conn_face, s);
    deadline_start(s);
    return true;
}
