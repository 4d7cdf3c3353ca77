/* Stream management (XEP-0198) from the client's side, and the queue that it rests on: what waits
 * for a stream, then what was written and not acknowledged. A session that is lost leaves its
 * messages to the next one. */
#include "base/err.h"
#include "base/num.h"
#include "client/local.h"

#define NS_SM "urn:xmpp:sm:3"

/* A server may handle a stanza long after it came: it is asked again when there is something new,
 * else so much later. Its answer it may not withhold (4): one that gives none does not hear us,
 * however much it says. */
enum { AGAIN_MS = 5000, ANSWER_MS = 120000 };

/* What we say because we are asked waits in memory until it is taken in: of that there is an end.
 */
enum { ANSWERS_MAX = 16 << 20 };

/* Of so many stanzas that are not safe it is known that they came. */
enum { UNSAFE_MAX = 4096 };

static void ask_now(struct mn_turn *t)
{
    struct mynah_client *c = MN_OF(t, struct mynah_client, sm.ask);

    if (!c->sm.on || c->sm.asked || !c->stream || (!c->sm.unacked_count && !c->probing))
        return;
    c->sm.asked = true;
    c->sm.fresh = false;
    alive_wait(c, &c->sm.wait, &c->sm.again, ANSWER_MS);
    stream_write(c->stream, MN_STR("<r xmlns='" NS_SM "'/>"));
}

static void ask_again(struct mn_timer *t)
{
    struct mynah_client *c = MN_OF(t, struct mynah_client, sm.again);

    if (!c->sm.asked)
        sm_ask(c);
    else if (!alive_waits(c, &c->sm.wait, t))
        client_fail_code(c, MYNAH_E_LOST, "the server does not hear us any more", false);
}

static void answer_said(struct mynah_client *c, size_t n)
{
    if (!stream_queued(c->stream))
        c->sm.said = 0;
    c->sm.said += n;
}

bool sm_is_flooded(const struct mynah_client *c)
{
    return c->sm.answers > ANSWERS_MAX || c->sm.said > ANSWERS_MAX;
}

static void answer(struct mynah_client *c)
{
    struct mn_buf b = {0};

    mn_buf_fmt(&b, "<a xmlns='" NS_SM "' h='%u'/>", c->sm.safe);
    answer_said(c, b.n);
    stream_write(c->stream, mn_buf_view(&b));
    mn_buf_free(&b);
}

/* At once, and what is not safe yet later (4). */
static void asked(struct mynah_client *c)
{
    c->sm.wanted = c->sm.in;
    c->sm.owed = c->sm.safe != c->sm.in;
    answer(c);
}

uint32_t mynah_client_received(const struct mynah_client *c)
{
    return c->sm.in;
}

/* A count goes round at 2^32 (4). */
void mynah_client_ack(struct mynah_client *c, uint32_t received)
{
    size_t marks = c->sm.unsafe.n / sizeof(uint64_t), n = received - c->sm.safe;

    if (!c->conf.hold_acks || n > c->sm.in - c->sm.safe)
        return;
    mn_buf_shift(&c->sm.unsafe, (n < marks ? n : marks) * sizeof(uint64_t));
    c->sm.safe = received;
    if (!c->sm.owed || (int32_t)(c->sm.safe - c->sm.wanted) < 0)
        return;
    c->sm.owed = false;
    answer(c);
}

/* What is not acknowledged when a stream ends comes again (4): both sides hear in time. */
void sm_end(struct mynah_client *c)
{
    if (c->sm.enabled && c->sm.in)
        answer(c);
    c->sm.asked = false;
    ask_now(&c->sm.ask);
}

void sm_init(struct mynah_client *c)
{
    mn_list_init(&c->sm.unacked);
    mn_list_init(&c->sm.acked);
    mn_list_init(&c->sm.waiting);
    mn_list_init(&c->sm.held);
    mn_list_init(&c->sm.refused);
    c->sm.ask.run = ask_now;
    c->sm.again.fire = ask_again;
}

void out_free(struct out *o)
{
    mn_list_del(&o->link);
    mn_free(o->id);
    mn_free(o->room);
    mn_free(o);
}

static void outs_free(struct mn_list *list)
{
    MN_LIST_EACH(n, list)
    out_free(MN_OF(n, struct out, link));
}

void sm_done(struct mynah_client *c)
{
    outs_free(&c->sm.unacked);
    outs_free(&c->sm.acked);
    outs_free(&c->sm.waiting);
    outs_free(&c->sm.held);
    outs_free(&c->sm.refused);
    mn_buf_free(&c->sm.unsafe);
    mn_buf_free(&c->sm.known);
    mn_free(c->sm.id);
}

void sm_ask(struct mynah_client *c)
{
    if (c->sm.on) /* not of a client that was freed inside a call-back */
        mn_loop_at_end(c->ctx->loop, &c->sm.ask);
}

struct out *out_new(mn_str bytes, bool lasting, const char *id)
{
    struct out *o = mn_alloc0(sizeof *o + bytes.n);

    mn_list_init(&o->link);
    memcpy(o + 1, bytes.p, bytes.n);
    o->bytes = (mn_str){(char *)(o + 1), bytes.n};
    o->lasting = lasting;
    o->id = id ? mn_str_dup(mn_str_from(id)) : NULL;
    return o;
}

/* To the stream; what is counted stays until it is acknowledged. */
static void out_write(struct mynah_client *c, struct out *o)
{
    char *id = o->id ? mn_str_dup(mn_str_from(o->id)) : NULL;
    bool counted = c->sm.on || stream_is_bosh(c->stream);

    traffic_stanza(c, true, o->bytes.p[1]); /* behind "<" */
    mn_list_del(&o->link);
    o->mark = stream_mark(c->stream) + 1;
    if (o->answer)
        answer_said(c, o->bytes.n);
    if (counted) {
        c->sm.answers += o->answer ? o->bytes.n : 0;
        mn_list_add(&c->sm.unacked, &o->link);
        c->sm.unacked_count++;
        c->sm.fresh = true;
        sm_ask(c);
    }
    stream_write(c->stream, o->bytes);
    if (!counted) {
        out_free(o);
        alive_said(c);
    }
    if (id)
        message_state(c, id, MYNAH_SENT_WRITTEN, NULL);
    if (id && !counted)
        message_gone(c, id);
    mn_free(id);
}

static bool is_answer(const struct mynah_elem *st)
{
    const char *type = mynah_elem_get(st, "type");

    return mynah_elem_is(st, "iq", NULL) && type &&
           (!strcmp(type, "result") || !strcmp(type, "error"));
}

static bool may_write(const struct mynah_client *c)
{
    return c->stream && (c->state == MYNAH_ONLINE || c->state == MYNAH_OPEN);
}

static int too_much(struct mynah_client *c, struct out *o, const char *id)
{
    out_free(o);
    if (id)
        message_state(c, id, MYNAH_SENT_FAILED, &(struct mynah_error){.code = MYNAH_E_LIMIT});
    return MYNAH_E_LIMIT;
}

int sm_send(struct mynah_client *c, const struct mynah_elem *st, bool lasting, const char *id)
{
    struct mn_buf b = {0};
    struct mynah_elem *ours = c->component ? component_stanza(c, st) : NULL;
    struct out *o;

    captcha_sent(c, st);
    if (c->local) {
        local_send(c, st, lasting, id);
        return MYNAH_OK;
    }
    elem_write(&b, ours ? ours : st, MN_STR("jabber:client"));
    mynah_elem_free(ours);
    o = out_new(mn_buf_view(&b), lasting, id);
    o->room = held_room(st);
    o->answer = is_answer(st);
    mn_buf_free(&b);
    if (!held_fits(c, o))
        return too_much(c, o, id);
    mn_list_add(&c->sm.waiting, &o->link);
    if (may_write(c))
        sm_flush(c);
    return MYNAH_OK;
}

void sm_flush(struct mynah_client *c)
{
    while (may_write(c) && !mn_list_empty(&c->sm.waiting)) {
        struct out *o = MN_OF(c->sm.waiting.next, struct out, link);

        if (o->room && room_holds(c, o->room)) {
            mn_list_del(&o->link);
            mn_list_add(&c->sm.held, &o->link);
        } else {
            out_write(c, o);
        }
    }
}

/* By what a stanza is known when it comes again: all of it but the stamp (XEP-0203) with which some
 * servers send it then. */
static uint64_t mark_of(const struct mynah_elem *st)
{
    struct mynah_elem *plain = mynah_elem_copy(st);
    struct mn_buf b = {0};
    uint64_t mark;

    mynah_elem_drop(plain, "delay", "urn:xmpp:delay");
    elem_write(&b, plain, MN_STR("jabber:client"));
    mark = mn_hash(mn_buf_view(&b));
    mn_buf_free(&b);
    mynah_elem_free(plain);
    return mark;
}

/* What comes again comes before anything new, but some of it may be left out: of whom we have
 * blocked since. Each once, so that nothing new is taken for something old. */
static bool came_before(struct mynah_client *c, uint64_t mark)
{
    struct mn_buf *known = &c->sm.known;
    uint64_t *marks = (uint64_t *)(void *)known->p;

    for (size_t i = 0; i < known->n / sizeof mark; i++)
        if (marks[i] == mark) {
            marks[i] = marks[0];
            mn_buf_shift(known, sizeof mark);
            return true;
        }
    mn_buf_free(known);
    return false;
}

bool sm_received(struct mynah_client *c, const struct mynah_elem *st)
{
    uint32_t place = c->sm.in - c->sm.safe;
    uint64_t mark;

    if (!c->sm.enabled)
        return false;
    c->sm.in++;
    if (!c->conf.hold_acks) {
        c->sm.safe = c->sm.in;
        return false;
    }
    mark = mark_of(st);
    if (place < UNSAFE_MAX && place == c->sm.unsafe.n / sizeof mark)
        mn_buf_add(&c->sm.unsafe, &mark, sizeof mark);
    return came_before(c, mark);
}

void sm_stream_gone(struct mynah_client *c)
{
    mn_turn_cancel(&c->sm.ask);
    mn_timer_stop(&c->sm.again);
    c->sm.on = c->sm.enabled = c->sm.asked = c->sm.owed = false;
    c->sm.said = 0;
}

static void before_waiting(struct mynah_client *c, struct mn_list *list)
{
    while (!mn_list_empty(list)) {
        struct mn_list *last = list->prev;

        mn_list_del(last);
        mn_list_add(c->sm.waiting.next, last);
    }
}

void sm_session_lost(struct mynah_client *c)
{
    mn_free(c->sm.id);
    c->sm.id = NULL;
    c->sm.restored = false;
    /* Those that were written come before those that were not. */
    before_waiting(c, &c->sm.held);
    before_waiting(c, &c->sm.unacked);
    MN_LIST_EACH(n, &c->sm.waiting)
    if (!MN_OF(n, struct out, link)->lasting)
        out_free(MN_OF(n, struct out, link));
    c->sm.unacked_count = 0;
    c->sm.answers = 0;
}

/* The first so many of those that were written. */
static void settle(struct mynah_client *c, unsigned n)
{
    c->sm.unacked_count -= n;
    for (; n; n--) {
        struct mn_list *first = c->sm.unacked.next;
        const struct out *o = MN_OF(first, struct out, link);

        c->sm.answers -= o->answer ? o->bytes.n : 0;
        mn_list_del(first);
        mn_list_add(&c->sm.acked, first); /* out of reach for what the call-backs do */
    }
    while (!mn_list_empty(&c->sm.acked)) {
        struct out *o = MN_OF(c->sm.acked.next, struct out, link);

        mn_list_del(&o->link);
        if (o->id)
            message_state(c, o->id, MYNAH_SENT_ACKED, NULL);
        out_free(o);
    }
}

/* False: more than was ever sent. */
static bool acknowledge(struct mynah_client *c, const char *text)
{
    uint64_t h;
    uint32_t n;

    if (!text || !mn_num_parse(mn_str_from(text), UINT32_MAX, &h))
        return false;
    n = (uint32_t)h - c->sm.out;
    if (c->sm.restored && n <= INT32_MAX && n > c->sm.unacked_count)
        n = c->sm.unacked_count; /* what was saved is older than the end of that run */
    if (n > c->sm.unacked_count)
        return false;
    c->sm.out = (uint32_t)h;
    settle(c, n);
    return true;
}

void sm_arrived(struct mynah_client *c, uint64_t mark)
{
    unsigned n = 0;

    if (c->sm.on) /* then the server says it, behind the connection manager */
        return;
    MN_LIST_EACH(at, &c->sm.unacked)
    n += MN_OF(at, struct out, link)->mark <= mark;
    settle(c, n);
}

bool sm_can_enable(struct mynah_client *c)
{
    return !c->conf.no_resume && mynah_elem_child(c->features, "sm", NS_SM);
}

/* BOSH survives lost connections by itself. Servers count what goes over it, but have not learnt to
 * resume there: Prosody 0.12 fails in the midst of it, ejabberd 23.01 delivers twice. */
static bool may_resume(const struct mynah_client *c)
{
    return !stream_is_bosh(c->stream);
}

void sm_enable(struct mynah_client *c)
{
    c->sm.on = true;
    c->sm.in = c->sm.safe = c->sm.out = 0;
    mn_buf_free(&c->sm.unsafe);
    mn_buf_free(&c->sm.known);
    stream_write(c->stream, may_resume(c) ? MN_STR("<enable xmlns='" NS_SM "' resume='true'/>")
                                          : MN_STR("<enable xmlns='" NS_SM "'/>"));
}

bool sm_resume(struct mynah_client *c)
{
    struct mn_buf b = {0};

    if (!c->sm.id || !may_resume(c) || !sm_can_enable(c))
        return false;
    mn_buf_add(&c->sm.unsafe, c->sm.known.p, c->sm.known.n);
    mn_buf_free(&c->sm.known);
    c->sm.known = c->sm.unsafe;
    c->sm.unsafe = (struct mn_buf){0};
    c->sm.in = c->sm.safe;
    mn_buf_fmt(&b, "<resume xmlns='" NS_SM "' h='%u' previd='", c->sm.in);
    mn_buf_xml(&b, mn_str_from(c->sm.id), true);
    mn_buf_lit(&b, "'/>");
    c->waits = WAITS_RESUMED;
    stream_write(c->stream, mn_buf_view(&b));
    mn_buf_free(&b);
    return true;
}

static void too_many(struct mynah_client *c)
{
    stream_write(
        c->stream,
        MN_STR("<stream:error><undefined-condition xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>"
               "<handled-count-too-high xmlns='" NS_SM "'/></stream:error>"));
    stream_end(c->stream);
    mn_free(c->sm.id);
    c->sm.id = NULL;
    client_fail_code(c, MYNAH_E_STREAM, "the server acknowledges what was never sent", false);
}

static void resumed(struct mynah_client *c, const struct mynah_elem *e)
{
    if (!acknowledge(c, mynah_elem_get(e, "h"))) {
        too_many(c);
        return;
    }
    if (c->state != MYNAH_BINDING)
        return;
    c->sm.on = c->sm.enabled = true;
    MN_LIST_EACH(n, &c->sm.unacked)
    stream_write(c->stream, MN_OF(n, struct out, link)->bytes);
    if (c->sm.unacked_count)
        sm_ask(c);
    client_online(c, true);
}

/* Nothing to resume: another session is begun. */
static void not_resumed(struct mynah_client *c, const struct mynah_elem *e)
{
    if (mynah_elem_get(e, "h") && !acknowledge(c, mynah_elem_get(e, "h")))
        client_log(c, MYNAH_LOG_WARN, "a count that cannot be, with <failed/>");
    if (c->state == MYNAH_BINDING)
        login_rebind(c);
}

/* It will not count. What was written since we asked has gone its way, unlike what a lost session
 * leaves, and is not written again; over BOSH it is still heard of. */
static void not_enabled(struct mynah_client *c)
{
    c->sm.on = false;
    if (stream_is_bosh(c->stream))
        return;
    MN_LIST_EACH(n, &c->sm.unacked)
    {
        struct out *o = MN_OF(n, struct out, link);

        if (o->id)
            message_gone(c, o->id);
        out_free(o);
    }
    c->sm.unacked_count = 0;
    c->sm.answers = 0;
}

bool sm_element(struct mynah_client *c, const struct mynah_elem *e)
{
    const char *id = mynah_elem_get(e, "id");

    if (!mynah_elem_is(e, NULL, NS_SM))
        return false;
    if (mynah_elem_is(e, "r", NULL) && c->sm.enabled) {
        asked(c);
    } else if (mynah_elem_is(e, "a", NULL) && c->sm.on) {
        c->sm.asked = false;
        mn_timer_stop(&c->sm.again);
        if (!acknowledge(c, mynah_elem_get(e, "h")))
            too_many(c);
        else if (!c->sm.on)
            return true; /* the client was freed, or left, when it was told */
        else if (c->sm.fresh)
            sm_ask(c);
        else if (c->sm.unacked_count)
            mn_timer_start(c->ctx->loop, &c->sm.again, AGAIN_MS);
    } else if (mynah_elem_is(e, "enabled", NULL) && c->sm.on && !c->sm.enabled) {
        c->sm.enabled = true;
        mn_free(c->sm.id);
        c->sm.id = NULL;
        if (id && elem_flag(e, "resume"))
            c->sm.id = mn_str_dup(mn_str_from(id));
        attempt_back(c, mynah_elem_get(e, "location"));
    } else if (mynah_elem_is(e, "failed", NULL) && c->sm.on && !c->sm.enabled) {
        not_enabled(c);
    } else if (c->waits == WAITS_RESUMED && mynah_elem_is(e, "resumed", NULL)) {
        c->waits = WAITS_NOT;
        resumed(c, e);
    } else if (c->waits == WAITS_RESUMED && mynah_elem_is(e, "failed", NULL)) {
        c->waits = WAITS_NOT;
        not_resumed(c, e);
    } else {
        client_fail_order(c);
    }
    return true;
}
