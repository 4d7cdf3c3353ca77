/* The life of a client: attempts, sessions, losses. */
#include "client/client.h"

#include <stdarg.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/rand.h"
#include "client/ext.h"
#include "client/local.h"

enum {
    CONNECT_MS = 60000,
    BACK_MS = 15000, /* then the usual way is tried */
    BACK_OFF_MS = 1000,
    BACK_OFF_MAX = 6, /* doublings */
    LINGER_MS = 2000
};

void client_log(struct mynah_client *c, enum mynah_log_level level, const char *fmt, ...)
{
    char text[512];
    va_list ap;

    if (!c->ctx->conf.log)
        return;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    c->ctx->conf.log(c->ctx->conf.log_arg, level, c->bare, text);
}

bool client_state(struct mynah_client *c, enum mynah_state state, const struct mynah_error *why)
{
    if (c->state != state || why) {
        c->state = state;
        CLIENT_TELL(c, state, state, why);
    }
    return c->state == state && !c->freed;
}

static void stop(struct mynah_client *c)
{
    login_free(c);
    mn_timer_stop(&c->timer);
    alive_stop(c);
    sm_stream_gone(c);
    if (c->local)
        local_stop(c);
    c->stream = NULL;
    c->nonsasl = NONSASL_NONE;
    c->waits = WAITS_NOT;
    c->authenticated = c->opened = c->stopping = false;
}

/* What ended is over for good when nothing can be resumed. */
void client_session_over(struct mynah_client *c)
{
    bool had = c->bound != NULL;

    sm_session_lost(c);
    mn_free(c->bound);
    c->bound = NULL;
    if (had)
        exts_lost(c);
    iq_lost(c, MYNAH_E_LOST);
}

static void pause_before(struct mynah_client *c)
{
    unsigned n = c->failures < BACK_OFF_MAX ? c->failures : BACK_OFF_MAX;
    int64_t most = c->elsewhere_next || c->goes_back ? 0 : BACK_OFF_MS << n;

    /* Not all together: after a restart of the server everybody comes back. */
    mn_timer_start(c->ctx->loop, &c->timer,
                   most / 2 + (int64_t)(mn_rand_u64() % (uint64_t)(most / 2 + 1)));
}

void client_fail(struct mynah_client *c, const struct mynah_error *why, bool final)
{
    struct mynah_error told = *why;
    bool again = (!final || c->goes_back) && !c->conf.no_reconnect && !c->stopping;
    enum mynah_state next = again ? MYNAH_WAITING : MYNAH_OFFLINE;

    if (c->state == MYNAH_OFFLINE || c->state == MYNAH_WAITING)
        return;
    client_log(c, MYNAH_LOG_INFO, "offline: %s%s%s", mynah_code_text(why->code),
               why->condition ? ": " : "", why->condition ? why->condition : "");
    stream_close(c->stream, 0);
    stop(c);
    /* From here on nothing can be asked, also not by those who hear that their question is lost. */
    c->state = next;
    if (!again || !c->sm.id)
        client_session_over(c);
    if (c->freed || c->state != next)
        return;
    c->failures++;
    c->elsewheres = c->elsewhere_next ? c->elsewheres + 1 : 0;
    if (again)
        pause_before(c);
    client_state(c, next, &told);
}

void client_fail_code(struct mynah_client *c, int code, const char *text, bool final)
{
    client_fail(c, &(struct mynah_error){.code = code, .text = text}, final);
}

void client_fail_order(struct mynah_client *c)
{
    client_fail_code(c, MYNAH_E_STREAM, "the server answers what was not asked", false);
}

void client_over(struct mynah_client *c)
{
    stream_close(c->stream, 0);
    stop(c);
    c->state = MYNAH_OFFLINE;
    client_session_over(c);
    if (!c->freed && c->state == MYNAH_OFFLINE)
        CLIENT_TELL(c, state, MYNAH_OFFLINE, NULL);
}

static void attempt(struct mynah_client *c)
{
    int64_t ms = c->conf.connect_ms ? c->conf.connect_ms : CONNECT_MS;

    if (!client_state(c, MYNAH_CONNECTING, NULL) || c->stream)
        return;
    c->stream = attempt_stream(c);
    if (!c->stream)
        return;
    if (c->goes_back && ms > BACK_MS)
        ms = BACK_MS;
    mn_timer_start(c->ctx->loop, &c->timer, ms);
}

/* The pause is over, or the attempt has taken too long, or the other's end of the stream has. */
void client_timed(struct mn_timer *t)
{
    struct mynah_client *c = MN_OF(t, struct mynah_client, timer);

    if (c->state == MYNAH_WAITING)
        attempt(c);
    else if (c->stopping)
        client_over(c);
    else
        client_fail_code(c, MYNAH_E_TIMEOUT, "the server took too long", false);
}

/* Of a session that an earlier run began nobody here has heard anything but its messages: the rest
 * is asked for as in a new one. */
void client_online(struct mynah_client *c, bool resumed)
{
    bool anew = resumed && c->sm.restored;

    c->sm.restored = false;
    c->failures = 0;
    c->goes_back = false;
    c->back_next = true;
    c->resumed = resumed;
    login_free(c);
    mn_timer_stop(&c->timer);
    client_log(c, MYNAH_LOG_INFO, resumed ? "resumed as %s" : "online as %s", c->bound);
    c->state = MYNAH_ONLINE;
    alive_came(c, NULL);
    if (anew && c->has_presence)
        presence_end(c); /* the server tells who is there to who comes */
    if (!resumed || anew) {
        exts_bound(c); /* the roster is asked for before presence asks who is there */
        presence_again(c);
    }
    sm_flush(c);
    if (c->state == MYNAH_ONLINE)
        exts_online(c, resumed && !anew);
    if (c->state == MYNAH_ONLINE && !c->freed)
        CLIENT_TELL(c, state, MYNAH_ONLINE, NULL);
}

/* What programs call. */

void mynah_client_free(struct mynah_client *c)
{
    if (!c || c->freed)
        return;
    c->freed = true;
    c->state = MYNAH_OFFLINE;
    shown_tell(c);
    listeners_mute(&c->listeners);
    sm_end(c);
    stream_close(c->stream, LINGER_MS);
    stop(c);
    iq_lost(c, MYNAH_E_CANCELLED);
    exts_freed(c);
    quick_freed(c);
    mn_list_del(&c->link);
    context_trash(c->ctx, &c->trash, client_memory);
}

int mynah_client_connect(struct mynah_client *c)
{
    if (c->state != MYNAH_OFFLINE || c->freed)
        return MYNAH_E_STATE;
    c->failures = 0;
    if (c->local)
        local_start(c);
    else
        attempt(c);
    return MYNAH_OK;
}

int mynah_client_login(struct mynah_client *c)
{
    if (c->state != MYNAH_OPEN)
        return MYNAH_E_STATE;
    login_go(c);
    return MYNAH_OK;
}

static bool stream_is_up(const struct mynah_client *c)
{
    return c->stream && (c->state == MYNAH_ONLINE || c->state == MYNAH_OPEN);
}

void mynah_client_disconnect(struct mynah_client *c)
{
    if (c->state == MYNAH_OFFLINE || c->stopping)
        return;
    mn_free(c->sm.id);
    c->sm.id = NULL;
    if (!stream_is_up(c)) {
        client_over(c);
        return;
    }
    if (c->state == MYNAH_ONLINE && c->has_presence)
        presence_end(c);
    if (c->stopping || !stream_is_up(c)) /* by who heard of what went out before it */
        return;
    sm_end(c);
    stream_end(c->stream);
    c->stopping = true;
    alive_stop(c);
    mn_timer_start(c->ctx->loop, &c->timer, LINGER_MS);
    client_state(c, MYNAH_CLOSING, NULL);
}

void mynah_client_network_changed(struct mynah_client *c)
{
    if (c->state == MYNAH_WAITING) {
        c->failures = 0;
        mn_timer_start(c->ctx->loop, &c->timer, 0);
    } else if (c->local) {
        local_look(c);
    } else if (c->state == MYNAH_ONLINE) {
        stream_renew(c->stream);
        alive_probe(c);
    }
}

int64_t mynah_client_retry_ms(const struct mynah_client *c)
{
    int64_t left = c->timer.at - mn_clock_now();

    return c->state != MYNAH_WAITING || !c->timer.at ? -1 : left > 0 ? left : 0;
}
