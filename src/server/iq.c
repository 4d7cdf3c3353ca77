#include "server/iq.h"

#include "server/module.h"

/* The table: (type, namespace, name) as bytes -> row, of all modules. Built once at start, read by
 * all. */
enum { NAME_MAX_BYTES = 62 };
static struct mn_map table;
struct key {
    const struct module *module;
    const struct iq_row *row;
    char bytes[2 + NAME_MAX_BYTES];
};

_Static_assert(MN_NS_OTHER < 256, "a namespace's number fits a byte of the key");

/* Empty for a name that is longer than any of ours. */
static mn_str key_of(char room[2 + NAME_MAX_BYTES], enum mn_type type, enum mn_ns ns, mn_str name)
{
    if (name.n > NAME_MAX_BYTES)
        return (mn_str){room, 0};
    room[0] = (char)type;
    room[1] = (char)ns;
    memcpy(room + 2, name.p, name.n);
    return (mn_str){room, 2 + name.n};
}

static void table_free(void)
{
    struct key *k;
    size_t at = 0;

    while ((k = mn_map_next(&table, &at)))
        mn_free(k);
    mn_map_free(&table);
}

void iq_table_build(void)
{
    table_free();
    for (const struct module *const *m = modules; *m; m++)
        for (const struct iq_row *row = (*m)->iq; row->fn; row++) {
            struct key *k = MN_NEW(struct key);

            k->module = *m;
            k->row = row;
            MN_ASSERT(!mn_map_put(&table,
                                  key_of(k->bytes, row->type, row->ns, mn_str_from(row->name)), k));
        }
}

__attribute__((destructor)) static void table_end(void)
{
    table_free();
}

static const struct iq_row *row_find(const struct mn_elem *child, enum mn_type type)
{
    char room[2 + NAME_MAX_BYTES];
    struct key *k;

    if (!child || child->ns == MN_NS_OTHER || child->ns == MN_NS_NONE)
        return NULL;
    k = mn_map_get(&table, key_of(room, type, child->ns, child->name));
    return k && module_on(owner_here()->srv, k->module) ? k->row : NULL;
}

bool iq_ok(const struct mn_stanza *st)
{
    const struct mn_elem *child = mn_stanza_child(st);

    if (!st->id.n || st->type == MN_TYPE_BAD || st->type == MN_TYPE_NONE)
        return false;
    if (st->type == MN_TYPE_ERROR)
        return true;
    if (st->type == MN_TYPE_RESULT)
        return !mn_elem_next(child);
    return child && !mn_elem_next(child);
}

bool iq_hears(const struct mn_elem *child, enum mn_type type, enum iq_at at)
{
    const struct iq_row *row = row_find(child, type);

    return row && row->at & at;
}

bool iq_is_self(const struct iq *iq)
{
    return iq->user && mn_str_eq(mn_jid_bare(&iq->st->from), mn_jid_bare(&iq->user->jid));
}

struct mn_stanza *iq_answer(struct iq *iq)
{
    return mn_stanza_reply(iq->st, MN_TYPE_RESULT);
}

/* The answer on its way: to the stream, to our own session behind what it rests on, or as any other
 * stanza. */
struct answering {
    struct wait wait;
    struct user *user;
    struct session *via;
    uint32_t seq;
    struct ticket *ticket; /* a part: what is asked later is answered behind this */
    struct mn_stanza *request, *answer;
};

static void answer_go(struct wait *w, int result)
{
    struct answering *a = (struct answering *)w;

    if (result) { /* the change that it reports was lost */
        mn_stanza_unref(a->answer);
        a->answer = mn_stanza_error(
            a->request, result == MN_E_FULL ? MN_COND_RESOURCE_CONSTRAINT : MN_COND_INTERNAL,
            MN_STR("the change could not be stored"));
    }
    if (a->via) {
        session_answer(a->via, a->seq, a->answer);
        session_unref(a->via);
    } else {
        router_send(a->answer);
    }
    ticket_done(a->ticket);
    mn_stanza_unref(a->request);
    if (a->user)
        user_let(a->user);
    mn_free(a);
}

static void answer_send(struct iq *iq, struct mn_stanza *answer)
{
    struct answering *a;

    if (iq->stream) {
        stream_write(&iq->stream->stream, answer, NULL);
        mn_stanza_unref(answer);
        return;
    }
    if (!iq->user || user_is_clean(iq->user)) {
        if (iq->via)
            session_answer(iq->via, iq->seq, answer);
        else
            router_send(answer);
        return;
    }
    a = MN_NEW(struct answering);
    a->wait.go = answer_go;
    a->user = iq->user;
    a->via = iq->via ? session_ref(iq->via) : NULL;
    a->seq = iq->seq;
    if (iq->via)
        a->ticket = iq->held ? ticket_more(iq->ticket) : ticket_part(iq->owner);
    a->request = mn_stanza_ref(iq->st);
    a->answer = answer;
    user_need(a->user);
    user_act(iq->user, &a->wait);
}

enum mn_cond iq_result(struct iq *iq, struct mn_stanza *answer)
{
    if (!answer)
        answer = iq_answer(iq);
    mn_stanza_seal(answer);
    answer_send(iq, answer);
    return MN_COND_NONE;
}

enum mn_cond iq_result_bytes(struct iq *iq, mn_str payload)
{
    struct mn_stanza *answer = iq_answer(iq);

    answer->payload = mn_arena_str(&answer->arena, payload);
    answer_send(iq, answer);
    return MN_COND_NONE;
}

/* Others learn no more of an account that does not serve them than of one that is not there (RFC
 * 6121, 8.5.1). */
static enum mn_cond hidden(const struct iq *iq, unsigned at, enum mn_cond cond)
{
    if (!iq->user || iq_is_self(iq) || at & AT_TOLD)
        return cond;
    return cond == MN_COND_FORBIDDEN || cond == MN_COND_NOT_ALLOWED ? MN_COND_SERVICE_UNAVAILABLE
                                                                    : cond;
}

void iq_dispatch(struct iq *iq, enum iq_at at)
{
    const struct iq_row *row;
    enum mn_cond cond = MN_COND_SERVICE_UNAVAILABLE;

    iq->child = mn_stanza_child(iq->st);
    row = row_find(iq->child, (enum mn_type)iq->st->type);
    if (row && row->at & at)
        cond = hidden(iq, row->at, row->fn(iq));
    if (cond == MN_COND_LATER)
        return;
    if (cond)
        answer_send(iq, mn_stanza_error(iq->st, cond, MN_STR("")));
    mn_stanza_unref(iq->st);
}

struct iq *iq_hold(struct iq *iq)
{
    struct iq *h = MN_NEW(struct iq);

    *h = *iq;
    h->held = true;
    if (h->via)
        session_ref(h->via);
    if (h->user)
        user_need(h->user);
    h->ticket = iq->stream ? NULL : ticket_part(iq->owner);
    return h;
}

void iq_finish(struct iq *iq, enum mn_cond cond)
{
    struct user *u = iq->user;

    MN_ASSERT(iq->held);
    /* While the ticket is open what was asked later is answered behind this one. */
    if (cond)
        answer_send(iq, mn_stanza_error(iq->st, cond, MN_STR("")));
    ticket_done(iq->ticket);
    mn_stanza_unref(iq->st);
    if (iq->via)
        session_unref(iq->via);
    if (u)
        user_let(u);
    mn_free(iq);
}
