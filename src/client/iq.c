/* Questions of ours wait in a map by their id; questions of others go to who serves them. */
#include "client/client.h"

#include "base/err.h"
#include "xmpp/error.h"

/* Of others so many questions wait for their answers, of so many bytes. */
enum { TIMEOUT_MS = 60000, ASKS_MAX = 1000, ASKS_BYTES = 16 << 20 };

struct mynah_request {
    struct mn_list link;
    struct mn_timer timer;
    struct mynah_client *client;
    mynah_iq_done *done;
    void *arg;
    int code;  /* how it ends when the timer fires */
    bool over; /* `done` is called */
    char id[MYNAH_ID_MAX];
    char *to;   /* canonical; NULL: the own server side */
    char *from; /* canonical; NULL: what the server knows us as */
};

static char *canonical(const char *jid)
{
    struct mn_arena a = {0};
    struct mn_jid j;
    char *text =
        jid && !mn_jid_parse(mn_str_from(jid), &a, &j) ? mn_str_dup(mn_jid_text(&j)) : NULL;

    mn_arena_done(&a, NULL);
    return text;
}

static void request_end(struct mynah_request *r, const struct mynah_elem *result,
                        const struct mynah_error *error)
{
    struct mynah_client *c = r->client;

    if (r->over) /* it is cancelled from inside its own call-back */
        return;
    r->over = true;
    mn_map_del(&c->requests, mn_str_from(r->id));
    mn_list_del(&r->link);
    mn_timer_stop(&r->timer);
    if (r->done)
        r->done(r->arg, c, result, error);
    mn_free(r->to);
    mn_free(r->from);
    mn_free(r);
}

static void request_fail(struct mynah_request *r, int code)
{
    request_end(r, NULL, &(struct mynah_error){.code = code});
}

static void timed(struct mn_timer *t)
{
    struct mynah_request *r = MN_OF(t, struct mynah_request, timer);

    request_fail(r, r->code);
}

static bool may_ask(const struct mynah_client *c)
{
    return c->state == MYNAH_ONLINE || c->state == MYNAH_OPEN ||
           (c->sm.id && c->state != MYNAH_OFFLINE && c->state != MYNAH_CLOSING);
}

/* Why it cannot be asked at all, or MYNAH_OK. */
static int refused(const struct mynah_client *c, const char *from, const char *to)
{
    if (c->component || c->local ? !to : from != NULL)
        return MYNAH_E_ARGUMENT;
    return may_ask(c) ? MYNAH_OK : MYNAH_E_STATE;
}

struct mynah_request *mynah_iq_send(struct mynah_client *c, enum mynah_iq_type type, const char *to,
                                    struct mynah_elem **payload, int timeout_ms,
                                    mynah_iq_done *done, void *arg)
{
    return mynah_iq_send_from(c, NULL, type, to, payload, timeout_ms, done, arg);
}

struct mynah_request *mynah_iq_send_from(struct mynah_client *c, const char *from,
                                         enum mynah_iq_type type, const char *to,
                                         struct mynah_elem **payload, int timeout_ms,
                                         mynah_iq_done *done, void *arg)
{
    struct mynah_request *r = MN_NEW(struct mynah_request);
    struct mynah_elem *iq = mynah_elem_new("iq", NULL);
    int code = refused(c, from, to);

    r->client = c;
    r->done = done;
    r->arg = arg;
    r->timer.fire = timed;
    r->code = code ? code : MYNAH_E_TIMEOUT;
    client_id(c, r->id);
    r->to = canonical(to);
    r->from = c->component ? canonical(from ? from : c->domain) : NULL;
    mn_list_add(&c->request_list, &r->link);
    mn_map_put(&c->requests, mn_str_from(r->id), r);
    mn_timer_start(c->ctx->loop, &r->timer, code ? 0 : timeout_ms ? timeout_ms : TIMEOUT_MS);
    mynah_elem_set(iq, "type", type == MYNAH_GET ? "get" : "set");
    mynah_elem_set(iq, "id", r->id);
    mynah_elem_set(iq, "to", to);
    mynah_elem_set(iq, "from", from);
    mynah_elem_hang(iq, payload);
    if (!code)
        sm_send(c, iq, false, NULL);
    mynah_elem_free(iq);
    return r;
}

struct mynah_request *iq_refuse(struct mynah_client *c, int code, mynah_iq_done *done, void *arg)
{
    if (done)
        done(arg, c, NULL, &(struct mynah_error){.code = code});
    return NULL;
}

void mynah_cancel(struct mynah_request *r)
{
    if (r)
        request_fail(r, MYNAH_E_CANCELLED);
}

void iq_lost(struct mynah_client *c, int code)
{
    struct mn_list now;

    mn_list_init(&now);
    while (!mn_list_empty(&c->request_list)) {
        struct mn_list *n = c->request_list.next;

        mn_list_del(n);
        mn_list_add(&now, n);
    }
    /* What is asked in the call-backs ends by itself, so that asking again goes round in no circle.
     */
    while (!mn_list_empty(&now))
        request_fail(MN_OF(now.next, struct mynah_request, link), code);
}

static void soon(struct mynah_request *r, int code)
{
    r->code = code;
    mn_timer_start(r->client->ctx->loop, &r->timer, 0);
}

void iq_lost_one(struct mynah_client *c, const char *id, int code)
{
    struct mynah_request *r = mn_map_get(&c->requests, mn_str_from(id));

    if (r)
        soon(r, code);
}

void iq_lost_to(struct mynah_client *c, const char *jid, int code)
{
    MN_LIST_EACH(n, &c->request_list)
    {
        struct mynah_request *r = MN_OF(n, struct mynah_request, link);

        if (r->to && !strcmp(r->to, jid))
            soon(r, code);
    }
}

static bool is_address(const char *text, const char *canon)
{
    char *other = canonical(text);
    bool same = other && canon && !strcmp(other, canon);

    mn_free(other);
    return same;
}

/* Only who was asked may answer (RFC 6120, 8.1.2.1 and 8.2.3): others could guess ids. And only to
 * whom he was asked by. */
static bool may_answer(const struct mynah_request *r, const struct mynah_elem *st)
{
    struct mynah_client *c = r->client;
    const char *from = mynah_elem_get(st, "from");

    if (r->from && !is_address(mynah_elem_get(st, "to"), r->from))
        return false;
    if (!r->to || !strcmp(r->to, c->bare))
        return from_server(c, from) || (c->bound && !strcmp(from, c->bound));
    if (!from)
        return !strcmp(r->to, c->domain);
    return is_address(from, r->to);
}

static void answer_came(struct mynah_client *c, const struct mynah_elem *st, bool result)
{
    const char *id = mynah_elem_get(st, "id");
    struct mynah_request *r = id ? mn_map_get(&c->requests, mn_str_from(id)) : NULL;
    struct mynah_error error;

    if (!r || !may_answer(r, st)) {
        client_log(c, MYNAH_LOG_DEBUG, "an answer that nobody waits for");
        return;
    }
    if (!result)
        error_of(st, &error);
    request_end(r, result ? st : NULL, result ? NULL : &error);
}

/* Questions of others. */

struct served {
    char *key;
    void (*serve)(void *arg, struct mynah_client *c, struct mynah_ask *q);
    void *arg;
};

struct mynah_ask {
    struct mn_list link;
    struct mynah_client *client; /* NULL: gone */
    struct mynah_elem *iq;
    size_t weight;
};

static char *served_key(enum mynah_iq_type type, const char *ns, const char *name)
{
    struct mn_buf b = {0};

    mn_buf_fmt(&b, "%d%s %s", type, ns, name ? name : "");
    mn_buf_c(&b, 0);
    return b.p;
}

static struct served *served_find(struct mynah_client *c, enum mynah_iq_type type, const char *ns,
                                  const char *name)
{
    char *key = served_key(type, ns, name);
    struct served *s = mn_map_get(&c->served, mn_str_from(key));

    mn_free(key);
    return s;
}

static void served_free(struct served *s)
{
    if (!s)
        return;
    mn_free(s->key);
    mn_free(s);
}

void mynah_iq_serve(struct mynah_client *c, enum mynah_iq_type type, const char *ns,
                    const char *name,
                    void (*serve)(void *arg, struct mynah_client *c, struct mynah_ask *q),
                    void *arg)
{
    struct served *old = served_find(c, type, ns, name), *s;

    if (old)
        mn_map_del(&c->served, mn_str_from(old->key));
    served_free(old);
    if (!serve)
        return;
    s = MN_NEW(struct served);
    *s = (struct served){served_key(type, ns, name), serve, arg};
    mn_map_put(&c->served, mn_str_from(s->key), s);
}

static void ask_free(struct mynah_ask *q)
{
    mn_list_del(&q->link);
    if (q->client) {
        q->client->ask_count--;
        q->client->ask_weight -= q->weight;
    }
    mynah_elem_free(q->iq);
    mn_free(q);
}

const char *mynah_ask_from(const struct mynah_ask *q)
{
    const char *from = mynah_elem_get(q->iq, "from");

    return from ? from : q->client ? q->client->bare : "";
}

const char *mynah_ask_to(const struct mynah_ask *q)
{
    const char *to = mynah_elem_get(q->iq, "to");

    return to ? to : q->client ? mynah_client_jid(q->client) : "";
}

enum mynah_iq_type mynah_ask_type(const struct mynah_ask *q)
{
    return strcmp(mynah_elem_get(q->iq, "type"), "get") ? MYNAH_SET : MYNAH_GET;
}

const struct mynah_elem *mynah_ask_payload(const struct mynah_ask *q)
{
    return mynah_elem_child(q->iq, NULL, NULL);
}

static struct mynah_elem *reply_to(const struct mynah_ask *q, const char *type)
{
    struct mynah_elem *iq = mynah_elem_new("iq", NULL);

    mynah_elem_set(iq, "type", type);
    mynah_elem_set(iq, "id", mynah_elem_get(q->iq, "id"));
    mynah_elem_set(iq, "to", mynah_elem_get(q->iq, "from"));
    if (q->client && q->client->component)
        mynah_elem_set(iq, "from", mynah_elem_get(q->iq, "to"));
    return iq;
}

static void reply(struct mynah_ask **slot, struct mynah_elem *iq)
{
    struct mynah_ask *q = *slot;

    *slot = NULL;
    if (q->client && may_ask(q->client))
        sm_send(q->client, iq, false, NULL);
    mynah_elem_free(iq);
    ask_free(q);
}

void mynah_ask_result(struct mynah_ask **q, struct mynah_elem **payload)
{
    struct mynah_elem *iq = reply_to(*q, "result");

    mynah_elem_hang(iq, payload);
    reply(q, iq);
}

/* Conditions and their usual types: RFC 6120, 8.3.3. `inside`: what stands in the condition. */
static void error_send(struct mynah_ask **q, const char *condition, const char *inside,
                       const char *text, const char *special, const char *special_ns)
{
    struct mynah_elem *iq = reply_to(*q, "error"), *e = mynah_elem_add(iq, "error", NULL);
    enum mn_cond cond = mn_cond_find(mn_str_from(condition));
    const char *ns = mn_ns_uri(MN_NS_STANZA_ERRORS).p;

    mynah_elem_set(e, "type", mn_cond_type(cond).p);
    mynah_elem_put(mynah_elem_add(e, mn_cond_name(cond).p, ns), inside);
    mynah_elem_add_text(e, "text", ns, text);
    if (special)
        mynah_elem_add(e, special, special_ns);
    reply(q, iq);
}

void mynah_ask_refuse(struct mynah_ask **q, const char *condition, const char *text,
                      const char *special, const char *special_ns)
{
    error_send(q, condition, NULL, text, special, special_ns);
}

void mynah_ask_error(struct mynah_ask **q, const char *condition, const char *text)
{
    error_send(q, condition, NULL, text, NULL, NULL);
}

void mynah_ask_redirect(struct mynah_ask **q, const char *uri)
{
    error_send(q, "redirect", uri, NULL, NULL, NULL);
}

static struct mynah_ask *ask_new(struct mynah_client *c, const struct mynah_elem *st)
{
    struct mynah_ask *q = MN_NEW(struct mynah_ask);

    q->client = c;
    q->iq = mynah_elem_copy(st);
    q->weight = elem_weight(st);
    mn_list_add(&c->asks, &q->link);
    c->ask_count++;
    c->ask_weight += q->weight;
    return q;
}

static void ask_came(struct mynah_client *c, const struct mynah_elem *st, enum mynah_iq_type type)
{
    const struct mynah_elem *payload = mynah_elem_child(st, NULL, NULL);
    struct mynah_ask *q;
    struct served *s = NULL;
    bool full;

    q = ask_new(c, st);
    full = c->ask_count > ASKS_MAX || (c->ask_count > 1 && c->ask_weight > ASKS_BYTES);
    if (full)
        payload = NULL;
    if (payload)
        s = served_find(c, type, mynah_elem_ns(payload), mynah_elem_name(payload));
    if (payload && !s)
        s = served_find(c, type, mynah_elem_ns(payload), NULL);
    if (s)
        s->serve(s->arg, c, q);
    else
        mynah_ask_error(&q,
                        full      ? "resource-constraint"
                        : payload ? "service-unavailable"
                                  : "bad-request",
                        NULL);
}

void iq_came(struct mynah_client *c, const struct mynah_elem *st)
{
    const char *type = mynah_elem_get(st, "type");

    type = type ? type : "";
    if (!strcmp(type, "result") || !strcmp(type, "error"))
        answer_came(c, st, !strcmp(type, "result"));
    else if (mynah_elem_get(st, "id") && (!strcmp(type, "get") || !strcmp(type, "set")))
        ask_came(c, st, strcmp(type, "get") ? MYNAH_SET : MYNAH_GET);
}

void iq_done(struct mynah_client *c)
{
    struct served *s;
    size_t at = 0;

    MN_LIST_EACH(n, &c->asks)
    {
        struct mynah_ask *q = MN_OF(n, struct mynah_ask, link);

        q->client = NULL;
        mn_list_del(&q->link);
    }
    while ((s = mn_map_next(&c->served, &at)))
        served_free(s);
    mn_map_free(&c->served);
    mn_map_free(&c->requests);
}
