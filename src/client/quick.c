/* Waiting: a listener or a request tells when it is over, turns of the loop go on until then. */
#include "mynah/quick.h"

#include "base/buf.h"
#include "base/err.h"
#include "client/client.h"

enum { SEND_MS = 60000 };

struct wait {
    struct mn_list link;
    struct mynah_client *client; /* NULL: it was freed meanwhile */
    struct mynah_listener *listener;
    struct mynah_request *asked; /* open as long as it is not over; or NULL */
    bool over, late;             /* late: its timer has fired */
    int code;
    char *why;
    const char *id;        /* of the message that is followed */
    enum mynah_sent until; /* and how far */
    struct mynah_elem *answer;
};

static void end(struct wait *w, int code, const struct mynah_error *why)
{
    struct mn_buf text = {0};

    if (w->over)
        return;
    w->over = true;
    w->code = code;
    if (!code)
        return;
    mn_buf_fmt(&text, "%s", mynah_code_text(code));
    if (why && why->condition)
        mn_buf_fmt(&text, ": %s", why->condition);
    if (why && why->text)
        mn_buf_fmt(&text, ": %s", why->text);
    w->why = mn_str_dup(mn_buf_view(&text));
    mn_buf_free(&text);
}

void quick_freed(struct mynah_client *c)
{
    MN_LIST_EACH(n, &c->ctx->waits)
    {
        struct wait *w = MN_OF(n, struct wait, link);

        if (w->client != c)
            continue;
        w->client = NULL;
        end(w, MYNAH_E_CANCELLED, NULL);
    }
}

static int wait_until_over(struct mynah_client *c, struct wait *w, char **why)
{
    struct mynah_context *ctx = c->ctx;

    w->client = c;
    mn_list_add(&ctx->waits, &w->link);
    while (!w->over)
        if (!mn_loop_stopped(ctx->loop)) {
            mynah_turn(ctx, -1);
        } else {
            end(w, MYNAH_E_CANCELLED, NULL);
            mynah_cancel(w->asked);
        }
    mn_list_del(&w->link);
    if (w->client) /* else it has gone with it */
        mynah_unlisten(w->listener);
    if (why)
        *why = w->why;
    else
        mn_free(w->why);
    return w->code;
}

/* Where waiting would never end. */
static int refused(const struct mynah_client *c, char **why)
{
    if (why)
        *why = NULL;
    return c->ctx->inside ? MYNAH_E_STATE : MYNAH_OK;
}

static void on_state(void *arg, struct mynah_client *c, enum mynah_state s,
                     const struct mynah_error *why)
{
    if (s == MYNAH_ONLINE || s == MYNAH_OPEN)
        end(arg, MYNAH_OK, NULL);
    if (s == MYNAH_OFFLINE || s == MYNAH_WAITING)
        end(arg, why ? why->code : MYNAH_E_CANCELLED, why);
}

int mynah_quick_online(struct mynah_client *c, char **why)
{
    static const struct mynah_calls calls = {.size = sizeof calls, .state = on_state};
    struct wait w = {0};
    int code = refused(c, why);

    if (code || c->state == MYNAH_ONLINE)
        return code;
    w.listener = mynah_listen(c, &calls, &w);
    if (c->state == MYNAH_OPEN)
        mynah_client_login(c);
    else if (c->state == MYNAH_OFFLINE)
        mynah_client_connect(c);
    return wait_until_over(c, &w, why);
}

static void on_answer(void *arg, struct mynah_client *c, const struct mynah_elem *result,
                      const struct mynah_error *error)
{
    struct wait *w = arg;

    if (result)
        w->answer = mynah_elem_copy(result);
    end(w, error ? error->code : MYNAH_OK, error);
}

int mynah_quick_ask(struct mynah_client *c, enum mynah_iq_type type, const char *to,
                    struct mynah_elem **payload, struct mynah_elem **answer, char **why)
{
    struct wait w = {0};
    int code = refused(c, why);

    if (answer)
        *answer = NULL;
    if (code) {
        mynah_elem_free(*payload);
        *payload = NULL;
        return code;
    }
    w.asked = mynah_iq_send(c, type, to, payload, 0, on_answer, &w);
    code = wait_until_over(c, &w, why);
    if (answer)
        *answer = w.answer;
    else
        mynah_elem_free(w.answer);
    return code;
}

static void on_sent(void *arg, struct mynah_client *c, const char *id, enum mynah_sent state,
                    const struct mynah_error *why)
{
    struct wait *w = arg;

    if (strcmp(id, w->id) != 0)
        return;
    if (state == MYNAH_SENT_FAILED)
        end(w, why ? why->code : MYNAH_E_LOST, why);
    else if (state >= w->until)
        end(w, MYNAH_OK, NULL);
}

static void on_late(void *arg)
{
    struct wait *w = arg;

    w->late = true;
    end(w, MYNAH_E_TIMEOUT, NULL);
}

int mynah_quick_send(struct mynah_client *c, struct mynah_elem **message, enum mynah_sent until,
                     char **why)
{
    static const struct mynah_calls calls = {.size = sizeof calls, .sent = on_sent};
    char id[MYNAH_ID_MAX] = "";
    struct wait w = {.id = id, .until = until};
    struct mynah_timer *timer;
    int code = refused(c, why);

    if (code) {
        mynah_elem_free(*message);
        *message = NULL;
        return code;
    }
    w.listener = mynah_listen(c, &calls, &w); /* first: it may be written inside the next call */
    code = mynah_message_send(c, message, id, NULL, NULL);
    if (code)
        end(&w, code, NULL);
    timer = mynah_timer_start(c->ctx, SEND_MS, on_late, &w);
    code = wait_until_over(c, &w, why);
    if (!w.late)
        mynah_timer_stop(timer);
    return code;
}

int mynah_quick_chat(struct mynah_client *c, const char *to, const char *body, char **why)
{
    struct mynah_elem *m = mynah_message_new(to, MYNAH_CHAT, body);

    return mynah_quick_send(c, &m, c->sm.on ? MYNAH_SENT_ACKED : MYNAH_SENT_WRITTEN, why);
}

static void on_gone(void *arg, struct mynah_client *c, enum mynah_state s,
                    const struct mynah_error *why)
{
    if (s == MYNAH_OFFLINE)
        end(arg, MYNAH_OK, NULL);
}

int mynah_quick_end(struct mynah_client *c)
{
    static const struct mynah_calls calls = {.size = sizeof calls, .state = on_gone};
    struct wait w = {.over = c->state == MYNAH_OFFLINE};
    int code = refused(c, NULL);

    if (code)
        return code;
    w.listener = mynah_listen(c, &calls, &w);
    mynah_client_disconnect(c);
    return wait_until_over(c, &w, NULL);
}

int mynah_quick_open(const struct mynah_client_config *config, struct mynah_client **out,
                     char **why)
{
    struct mynah_context *ctx = mynah_context_new(NULL);
    int code = MYNAH_E_LIMIT;

    *out = NULL;
    if (ctx)
        code = mynah_client_new(ctx, config, out, why);
    else if (why)
        *why = mn_str_dup(MN_STR("no descriptor is left"));
    if (!code)
        code = mynah_quick_online(*out, why);
    if (code) {
        mynah_context_free(ctx);
        *out = NULL;
    }
    return code;
}

void mynah_quick_close(struct mynah_client *c)
{
    struct mynah_context *ctx = c ? c->ctx : NULL;

    if (!ctx || ctx->inside)
        return;
    mynah_quick_end(c);
    mynah_context_free(ctx);
}
