/* XEP-0198 Stream Management: the elements; what they do is in server/sm.c. */
#include "base/num.h"
#include "server/handled.h"
#include "server/module.h"
#include "server/sm_record.h"

struct conf {
    bool on;
    int64_t resume; /* ms */
};
static const struct mn_conf_row keys[] = {{"resume", MN_CONF_TIME, offsetof(struct conf, resume),
                                           "10min", .min = 0, .max = 86400000,
                                           .text = "how long a session waits for its client; "
                                                   "0s: none can be resumed",
                                           .live = true},
                                          {0}};

static void features(struct c2s *c, struct mn_buf *out)
{
    if (c->state == C2S_KNOWN)
        mn_buf_lit(out, "<sm xmlns='urn:xmpp:sm:3'/>");
}

/* `attrs`: with a space before. */
static void failed_with(struct c2s *c, const char *condition, mn_str attrs)
{
    struct mn_buf b = {0};

    mn_buf_fmt(&b,
               "<failed xmlns='urn:xmpp:sm:3'%.*s>"
               "<%s xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></failed>",
               MN_ARG(attrs), condition);
    stream_raw(&c->stream, mn_buf_view(&b));
    mn_buf_free(&b);
}

static void failed(struct c2s *c, const char *condition)
{
    failed_with(c, condition, MN_STR(""));
}

static bool is_true(mn_str s)
{
    return mn_str_is(s, "true") || mn_str_is(s, "1");
}

static bool on_enable(struct c2s *c, const struct mn_xml_item *item)
{
    const struct conf *conf = config_module(c->stream.owner->snap->conf, &mod_sm);
    uint64_t max = (uint64_t)conf->resume / 1000, wish;
    struct mn_buf b = {0};

    if (c->state != C2S_BOUND) {
        failed(c, "unexpected-request");
        return true;
    }
    if (c->session->sm) {
        failed(c, "unexpected-request");
        stream_error(&c->stream, MN_STREAM_POLICY_VIOLATION,
                     "stream management is enabled already");
        return true;
    }
    if (!is_true(mn_elem_get(item->elem, "resume")) || c->anonymous)
        max = 0;
    else if (mn_num_parse(mn_elem_get(item->elem, "max"), UINT32_MAX, &wish) && wish && wish < max)
        max = wish;
    sm_enable(c->session, (uint32_t)max);
    if (max)
        mn_buf_fmt(&b, "<enabled xmlns='urn:xmpp:sm:3' id='%s' resume='true' max='%u'/>",
                   c->session->sm->id, (unsigned)max);
    else
        mn_buf_lit(&b, "<enabled xmlns='urn:xmpp:sm:3'/>");
    stream_raw(&c->stream, mn_buf_view(&b));
    mn_buf_free(&b);
    return true;
}

static bool on_r(struct c2s *c, const struct mn_xml_item *item)
{
    if (c->state != C2S_BOUND || !c->session->sm)
        return false;
    sm_tell(c->session);
    return true;
}

static void too_high(struct c2s *c, uint32_t h)
{
    struct mn_buf b = {0};

    mn_buf_fmt(&b, "<handled-count-too-high xmlns='urn:xmpp:sm:3' h='%u' send-count='%u'/>", h,
               c->session->sm->sent);
    stream_error_with(&c->stream, MN_STREAM_UNDEFINED,
                      "more stanzas are acknowledged than were sent", mn_buf_view(&b));
    mn_buf_free(&b);
}

static bool on_a(struct c2s *c, const struct mn_xml_item *item)
{
    uint64_t h;

    if (c->state != C2S_BOUND || !c->session->sm)
        return false;
    if (!mn_num_parse(mn_elem_get(item->elem, "h"), UINT32_MAX, &h))
        stream_error(&c->stream, MN_STREAM_INVALID_XML, "h is no number");
    else if (!sm_acked(c->session, (uint32_t)h))
        too_high(c, (uint32_t)h);
    return true;
}

/* Our h is to count all that came on the old stream, else the client sends it once more: what is
 * being stored is waited for. So is the end of the record of before a restart: from here on it
 * would be wrong. Whoever asks meanwhile is the same client on a newer stream: that one goes on. */
struct resuming {
    struct mn_timer timer;
    struct c2s *c;
    uint32_t h;
    uint32_t nth; /* of those who asked for this session */
    char id[25];
};
enum { LOOK_AGAIN_MS = 5 };

static void failed_to_resume(struct c2s *c, bool known, uint32_t h)
{
    struct mn_buf b = {0};

    if (known)
        mn_buf_fmt(&b, " h='%u'", h);
    failed_with(c, "item-not-found", mn_buf_view(&b));
    mn_buf_free(&b);
}

/* Whether a session of that name ended with a crash is asked of the store: its client need not send
 * again what is there. */
static void answered(void *arg, bool known, uint32_t h)
{
    struct c2s *c = arg;

    if (!c->stream.closed)
        failed_to_resume(c, known, h);
    stream_go_on(&c->stream);
}

static void ask(struct c2s *c, mn_str id)
{
    struct mn_arena a = {0};
    struct mn_jid j = c2s_jid(c, &a);

    handled_ask(c->stream.owner, mn_jid_bare(&j), id, answered, c);
    mn_arena_done(&a, NULL);
}

/* What it had waits for room on the disk, and is in the record meanwhile. */
static void refuse(struct c2s *c, struct session *s)
{
    uint32_t h = sm_handled(s);

    session_end(s);
    failed_to_resume(c, true, h);
}

enum resumed { RESUMED, LATER, UNKNOWN }; /* RESUMED: or refused */

/* `nth`: 0 at first. */
static enum resumed resume(struct c2s *c, mn_str id, uint32_t h, uint32_t *nth)
{
    struct mn_arena a = {0};
    struct mn_jid j = c2s_jid(c, &a);
    struct user *u = user_find(c->stream.owner, mn_jid_bare(&j));
    struct session *s = u && c2s_is_of(c, u) ? sm_find(u, id) : NULL;

    mn_arena_done(&a, NULL);
    if (!s)
        return UNKNOWN;
    if (!*nth)
        *nth = ++s->sm->resumes;
    if (*nth != s->sm->resumes) {
        stream_error(&c->stream, MN_STREAM_CONFLICT, "the session goes on elsewhere");
        return RESUMED;
    }
    sm_cut(s);
    if (!sm_record_over(s) || !mn_list_empty(&s->tickets))
        return LATER;
    if (s->sm->record == SM_RECORD_STUCK)
        refuse(c, s);
    else if (!c2s_resume(c, s, h))
        too_high(c, h);
    return RESUMED;
}

static void resume_again(struct mn_timer *t)
{
    struct resuming *r = MN_OF(t, struct resuming, timer);
    struct c2s *c = r->c;
    enum resumed now = c->stream.closed ? RESUMED : resume(c, mn_str_from(r->id), r->h, &r->nth);

    if (now == LATER) {
        mn_timer_start(c->stream.owner->loop, t, LOOK_AGAIN_MS);
        return;
    }
    if (now == UNKNOWN)
        ask(c, mn_str_from(r->id));
    else
        stream_go_on(&c->stream);
    mn_free(r);
}

static bool on_resume(struct c2s *c, const struct mn_xml_item *item)
{
    const struct conf *conf = config_module(c->stream.owner->snap->conf, &mod_sm);
    mn_str id = mn_elem_get(item->elem, "previd");
    struct resuming *r;
    uint32_t nth = 0;
    uint64_t h;

    if (c->state != C2S_KNOWN) {
        failed(c, "unexpected-request");
        return true;
    }
    if (!id.n || !mn_num_parse(mn_elem_get(item->elem, "h"), UINT32_MAX, &h)) {
        failed(c, "bad-request");
        return true;
    }
    switch (resume(c, id, (uint32_t)h, &nth)) {
    case RESUMED:
        return true;
    case UNKNOWN:
        if (!conf->resume) {
            failed(c, "feature-not-implemented");
            return true;
        }
        stream_wait(&c->stream);
        ask(c, id);
        return true;
    case LATER:
        break;
    }
    r = MN_NEW(struct resuming);
    r->timer.fire = resume_again;
    r->c = c;
    r->h = (uint32_t)h;
    r->nth = nth;
    memcpy(r->id, id.p, id.n); /* one that was found */
    stream_wait(&c->stream);
    mn_timer_start(c->stream.owner->loop, &r->timer, LOOK_AGAIN_MS);
    return true;
}

const struct module mod_sm = {
    .name = "sm",
    .from_start = true,
    .xep = {{198, "1.6.3", "Stream Management",
             "wire/sm; wire/sm-errors; wire/sm-unacknowledged; "
             "e2e/handled/what_was_stored_is_counted; "
             "e2e/kept/what_goes_on_is_neither_lost_nor_doubled"}},
    .conf = keys,
    .conf_size = sizeof(struct conf),
    .stream = {{MN_NS_SM, "enable", on_enable},
               {MN_NS_SM, "r", on_r},
               {MN_NS_SM, "a", on_a},
               {MN_NS_SM, "resume", on_resume}},
    .stream_features = features,
};
