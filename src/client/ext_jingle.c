/* XEP-0166 Jingle. One table of rules serves both directions: what the other side does is looked at
 * and applied by the same code as what we do.
 *
 *   session-initiate -> PENDING --session-accept (by the responder)--> ACTIVE
 *        either --session-terminate--> ENDED: the session is no longer there
 *
 * A content that was added waits until it is accepted or rejected by the side that did not add it;
 * a transport that is to be replaced likewise. Only the other side of a session may speak in it;
 * for everybody else there is none of that id. */
#include "mynah/jingle.h"

#include "base/err.h"
#include "base/rand.h"
#include "client/ext.h"
#include "client/jingle.h"
#include "mynah/disco.h"
#include "mynah/jid.h"

#define NS_JINGLE "urn:xmpp:jingle:1"
#define NS_ERRORS "urn:xmpp:jingle:errors:1"

enum {
    CONTENTS_MAX = 16,
    SESSIONS_MAX = 100, /* that others began */
    PEER_MAX = 10,      /* of them by one address */
    SID_MAX = 256,
    PING_MS = 10000
};

static const char *const actions[] = {"content-accept",   "content-add",       "content-modify",
                                      "content-reject",   "content-remove",    "description-info",
                                      "security-info",    "session-accept",    "session-info",
                                      "session-initiate", "session-terminate", "transport-accept",
                                      "transport-info",   "transport-reject",  "transport-replace"};
static const char *const sides[] = {"initiator", "responder"};
static const char *const senders[] = {NULL, "both", "initiator", "none", "responder"};
static const char *const reasons[] = {NULL,
                                      "alternative-session",
                                      "busy",
                                      "cancel",
                                      "connectivity-error",
                                      "decline",
                                      "expired",
                                      "failed-application",
                                      "failed-transport",
                                      "general-error",
                                      "gone",
                                      "incompatible-parameters",
                                      "media-error",
                                      "security-error",
                                      "success",
                                      "timeout",
                                      "unsupported-applications",
                                      "unsupported-transports"};

/* What an action says of its contents. */
enum needs {
    NONE = 0,
    CONTENTS = 1, /* at least one */
    NEW = 2,      /* it is not there yet, and the speaker's own */
    DESCRIPTION = 4,
    TRANSPORT = 8,
    SENDERS = 16,
    ADDED = 32,    /* the other side added it, and it is not answered */
    REPLACED = 64, /* the other side wants another transport for it */
    INFO = 128     /* the program has to understand it */
};
static const unsigned rules[] = {
    [MYNAH_CONTENT_ACCEPT] = CONTENTS | ADDED | DESCRIPTION | TRANSPORT,
    [MYNAH_CONTENT_ADD] = CONTENTS | NEW | DESCRIPTION | TRANSPORT,
    [MYNAH_CONTENT_MODIFY] = CONTENTS | SENDERS,
    [MYNAH_CONTENT_REJECT] = CONTENTS | ADDED,
    [MYNAH_CONTENT_REMOVE] = CONTENTS,
    [MYNAH_DESCRIPTION_INFO] = CONTENTS | DESCRIPTION | INFO,
    [MYNAH_SECURITY_INFO] = CONTENTS | INFO,
    [MYNAH_SESSION_ACCEPT] = CONTENTS | DESCRIPTION | TRANSPORT,
    [MYNAH_SESSION_INFO] = INFO,
    [MYNAH_SESSION_INITIATE] = CONTENTS | NEW | DESCRIPTION | TRANSPORT,
    [MYNAH_SESSION_TERMINATE] = NONE,
    [MYNAH_TRANSPORT_ACCEPT] = CONTENTS | REPLACED | TRANSPORT,
    [MYNAH_TRANSPORT_INFO] = CONTENTS | TRANSPORT | INFO,
    [MYNAH_TRANSPORT_REJECT] = CONTENTS | REPLACED,
    [MYNAH_TRANSPORT_REPLACE] = CONTENTS | TRANSPORT,
};

struct content {
    struct mn_list link;
    struct mynah_elem *xml; /* as it was offered */
    struct mynah_content c; /* lent from it */
    bool added;             /* and not answered yet */
    bool replacing;
    enum mynah_jingle_side replacer;
};

struct mynah_jingle {
    struct trash trash; /* first */
    struct mn_list link;
    struct mynah_client *client;
    struct mynah_jingle_calls calls;
    void *arg;
    char *peer, *sid;
    enum mynah_jingle_side side;
    enum mynah_jingle_state state;
    bool taken;
    struct mn_list contents, sent;
    size_t count;
};

/* Something of ours that is not acknowledged. */
struct sent {
    struct mn_list link;
    struct mynah_jingle *session; /* NULL: it ended meanwhile */
    struct mynah_request *request;
    enum mynah_jingle_action action;
    struct mynah_elem *xml;
    mynah_iq_done *done;
    void *arg;
    bool ping;
};

struct served {
    struct mn_list link;
    char *ns;
    mynah_jingle_offered *offered;
    void *arg;
};

struct jingle {
    struct mn_list sessions, served;
    bool strangers;
};

enum verdict { FINE, BAD, OUT_OF_ORDER };

static struct jingle *jingle_of(struct mynah_client *c)
{
    return ext_state(c, &ext_jingle);
}

static unsigned word(const char *text, const char *const *words, unsigned count)
{
    for (unsigned i = 0; text && i < count; i++)
        if (words[i] && !strcmp(text, words[i]))
            return i;
    return count;
}

/* Reading and writing. */

static const struct mynah_elem *part(const struct mynah_elem *content, const char *name)
{
    return mynah_elem_child(content, name, NULL);
}

/* False: it breaks the schema, or the rules of what stands inside. */
static bool content_read(const struct mynah_elem *e, struct mynah_content *out)
{
    const char *creator = mynah_elem_get(e, "creator"), *who = mynah_elem_get(e, "senders");
    unsigned side = creator ? word(creator, sides, MN_COUNT(sides)) : MYNAH_INITIATOR,
             direction = who ? word(who, senders, MN_COUNT(senders)) : MYNAH_SENDERS_UNSAID;

    *out = (struct mynah_content){
        .size = sizeof *out,
        .name = mynah_elem_get(e, "name"),
        .creator = (enum mynah_jingle_side)side,
        .senders = (enum mynah_jingle_senders)direction,
        .disposition = mynah_elem_get(e, "disposition"),
        .description = part(e, "description"),
        .transport = part(e, "transport"),
        .security = part(e, "security"),
    };
    return out->name && *out->name && side < MN_COUNT(sides) && direction < MN_COUNT(senders) &&
           (!out->description || jingle_ok(out->description)) &&
           (!out->transport || jingle_ok(out->transport));
}

static void copy_into(struct mynah_elem *parent, const struct mynah_elem *e)
{
    struct mynah_elem *copy = e ? mynah_elem_copy(e) : NULL;

    mynah_elem_hang(parent, &copy);
}

static struct mynah_elem *content_write(const struct mynah_content *k)
{
    struct mynah_elem *e = mynah_elem_new("content", NS_JINGLE);

    mynah_elem_set(e, "creator", sides[k->creator]);
    mynah_elem_set(e, "name", k->name);
    mynah_elem_set(e, "senders", senders[k->senders]);
    mynah_elem_set(e, "disposition", k->disposition);
    copy_into(e, k->description);
    copy_into(e, k->transport);
    copy_into(e, k->security);
    return e;
}

static struct mynah_elem *jingle_new(const struct mynah_jingle *s, enum mynah_jingle_action action)
{
    struct mynah_elem *e = mynah_elem_new("jingle", NS_JINGLE);

    mynah_elem_set(e, "action", actions[action]);
    if (action == MYNAH_SESSION_INITIATE)
        mynah_elem_set(e, "initiator", mynah_client_jid(s->client));
    if (action == MYNAH_SESSION_ACCEPT)
        mynah_elem_set(e, "responder", mynah_client_jid(s->client));
    mynah_elem_set(e, "sid", s->sid);
    return e;
}

/* `contents` has room for CONTENTS_MAX. */
static bool event_read(const struct mynah_elem *e, struct mynah_content *contents,
                       struct mynah_jingle_event *out)
{
    const struct mynah_elem *reason = mynah_elem_child(e, "reason", NS_JINGLE);
    unsigned action = word(mynah_elem_get(e, "action"), actions, MN_COUNT(actions));

    *out = (struct mynah_jingle_event){.action = (enum mynah_jingle_action)action,
                                       .contents = contents,
                                       .text = mynah_elem_child_text(reason, "text", NS_JINGLE),
                                       .xml = e};
    MYNAH_EACH(k, e, "content", NS_JINGLE)
    if (out->count == CONTENTS_MAX || !content_read(k, &contents[out->count++]))
        return false;
    MYNAH_EACH(k, reason, NULL, NS_JINGLE)
    {
        unsigned r = word(mynah_elem_name(k), reasons, MN_COUNT(reasons));

        if (r < MN_COUNT(reasons))
            out->reason = (enum mynah_jingle_reason)r;
        if (r == MYNAH_REASON_ALTERNATIVE_SESSION)
            out->alternative = mynah_elem_child_text(k, "sid", NS_JINGLE);
    }
    MYNAH_EACH(k, e, NULL, NULL)
    if (!mynah_elem_is(k, NULL, NS_JINGLE) && !out->info)
        out->info = k;
    return action < MN_COUNT(actions);
}

/* Contents. */

static struct content *content_find(const struct mynah_jingle *s, const struct mynah_content *k)
{
    MN_LIST_EACH(n, &s->contents)
    {
        struct content *there = MN_OF(n, struct content, link);

        if (there->c.creator == k->creator && !strcmp(there->c.name, k->name))
            return there;
    }
    return NULL;
}

static void content_free(struct mynah_jingle *s, struct content *k)
{
    mn_list_del(&k->link);
    s->count--;
    mynah_elem_free(k->xml);
    mn_free(k);
}

static void content_add(struct mynah_jingle *s, const struct mynah_content *given, bool added)
{
    struct content *k = MN_NEW(struct content);

    k->xml = content_write(given);
    k->added = added;
    (void)content_read(k->xml, &k->c);
    if (k->c.senders == MYNAH_SENDERS_UNSAID)
        k->c.senders = MYNAH_SENDERS_BOTH;
    mn_list_add(&s->contents, &k->link);
    s->count++;
}

/* The rules. */

static enum verdict content_check(const struct mynah_jingle *s, enum mynah_jingle_side by,
                                  enum mynah_jingle_action action, const struct mynah_content *k)
{
    unsigned rule = rules[action];
    const struct content *there = content_find(s, k);

    if (!k->name || !*k->name || (rule & DESCRIPTION && !k->description) ||
        (rule & TRANSPORT && !k->transport) ||
        (rule & SENDERS && k->senders == MYNAH_SENDERS_UNSAID))
        return BAD;
    if (rule & NEW)
        return there || k->creator != by ? BAD : FINE;
    if (!there)
        return BAD;
    if ((rule & ADDED && (!there->added || there->c.creator == by)) ||
        (rule & REPLACED && (!there->replacing || there->replacer == by)) ||
        (action == MYNAH_TRANSPORT_REPLACE && there->replacing &&
         (by == MYNAH_RESPONDER || there->replacer == MYNAH_INITIATOR)))
        return OUT_OF_ORDER; /* the initiator's goes before the responder's */
    return FINE;
}

static enum verdict check(const struct mynah_jingle *s, enum mynah_jingle_side by,
                          enum mynah_jingle_action action, const struct mynah_content *contents,
                          size_t count)
{
    unsigned rule = rules[action];

    if (action == MYNAH_SESSION_INITIATE ||
        (action == MYNAH_SESSION_ACCEPT &&
         (by != MYNAH_RESPONDER || s->state != MYNAH_JINGLE_PENDING)))
        return OUT_OF_ORDER;
    if ((rule & CONTENTS && !count) || (rule & NEW && s->count + count > CONTENTS_MAX))
        return BAD;
    for (size_t i = 0; rule & CONTENTS && i < count; i++) {
        enum verdict v = content_check(s, by, action, &contents[i]);

        for (size_t k = 0; v == FINE && k < i; k++)
            if (contents[k].creator == contents[i].creator &&
                !strcmp(contents[k].name, contents[i].name))
                v = BAD;
        if (v != FINE)
            return v;
    }
    return FINE;
}

/* A first word: something that is the session itself (XEP-0166, 7.2.10). */
static bool opens(const struct mynah_content *contents, size_t count)
{
    bool session = false;

    for (size_t i = 0; i < count; i++) {
        const struct mynah_content *k = &contents[i];

        if (!k->name || !*k->name || !k->description || !k->transport ||
            k->creator != MYNAH_INITIATOR)
            return false;
        for (size_t n = 0; n < i; n++)
            if (!strcmp(contents[n].name, k->name))
                return false;
        session = session || !k->disposition || !strcmp(k->disposition, "session");
    }
    return session && count <= CONTENTS_MAX;
}

static void content_apply(struct mynah_jingle *s, enum mynah_jingle_side by,
                          enum mynah_jingle_action action, const struct mynah_content *k)
{
    struct content *there = content_find(s, k);

    switch (action) {
    case MYNAH_CONTENT_ADD:
        content_add(s, k, true);
        break;
    case MYNAH_CONTENT_REJECT:
    case MYNAH_CONTENT_REMOVE:
        content_free(s, there);
        break;
    case MYNAH_TRANSPORT_REPLACE:
        there->replacing = true;
        there->replacer = by;
        break;
    case MYNAH_TRANSPORT_ACCEPT:
    case MYNAH_TRANSPORT_REJECT:
        there->replacing = false;
        break;
    case MYNAH_CONTENT_ACCEPT:
        there->added = false;
        /* fall through */
    default:
        if (k->senders != MYNAH_SENDERS_UNSAID && !(rules[action] & INFO))
            there->c.senders = k->senders;
    }
}

static void apply(struct mynah_jingle *s, enum mynah_jingle_side by,
                  enum mynah_jingle_action action, const struct mynah_content *contents,
                  size_t count)
{
    if (action == MYNAH_SESSION_ACCEPT)
        s->state = MYNAH_JINGLE_ACTIVE;
    for (size_t i = 0; rules[action] & CONTENTS && i < count; i++)
        content_apply(s, by, action, &contents[i]);
}

/* Sessions. */

static struct mynah_jingle *session_new(struct mynah_client *c, const char *peer, const char *sid,
                                        enum mynah_jingle_side side)
{
    struct mynah_jingle *s = MN_NEW(struct mynah_jingle);
    struct mn_arena a = {0};

    s->client = c;
    s->peer = mn_str_dup(mn_str_from(peer));
    s->sid = mn_str_dup(sid ? mn_str_from(sid) : mn_rand_text(&a, 22));
    s->side = side;
    mn_list_init(&s->contents);
    mn_list_init(&s->sent);
    mn_list_add(&jingle_of(c)->sessions, &s->link);
    mn_arena_done(&a, NULL);
    return s;
}

static void session_memory(struct trash *t)
{
    struct mynah_jingle *s = (struct mynah_jingle *)t;

    mn_list_del(&s->link);
    MN_LIST_EACH(n, &s->contents)
    content_free(s, MN_OF(n, struct content, link));
    mn_free(s->peer);
    mn_free(s->sid);
    mn_free(s);
}

/* It is over: what is not acknowledged is of no interest any more, but ends for who asked. */
static void session_over(struct mynah_jingle *s)
{
    s->state = MYNAH_JINGLE_ENDED;
    MN_LIST_EACH(n, &s->sent)
    {
        struct sent *w = MN_OF(n, struct sent, link);

        w->session = NULL;
        mn_list_del(n);
    }
    context_trash(s->client->ctx, &s->trash, session_memory);
}

static void ended(struct mynah_jingle *s, enum mynah_jingle_reason reason, const char *text,
                  const struct mynah_error *error)
{
    if (s->state == MYNAH_JINGLE_ENDED)
        return;
    session_over(s);
    if (s->calls.ended)
        s->calls.ended(s->arg, s, reason, text, error);
}

static struct mynah_jingle *session_find(struct mynah_client *c, const char *peer, const char *sid)
{
    MN_LIST_EACH(n, &jingle_of(c)->sessions)
    {
        struct mynah_jingle *s = MN_OF(n, struct mynah_jingle, link);

        if (s->state != MYNAH_JINGLE_ENDED && !strcmp(s->sid, sid) && !strcmp(s->peer, peer))
            return s;
    }
    return NULL;
}

static size_t sessions_by(struct mynah_client *c, const char *peer)
{
    size_t count = 0;

    MN_LIST_EACH(n, &jingle_of(c)->sessions)
    {
        const struct mynah_jingle *s = MN_OF(n, struct mynah_jingle, link);

        count += s->state != MYNAH_JINGLE_ENDED && s->side == MYNAH_RESPONDER &&
                 (!peer || mynah_jid_same(s->peer, peer));
    }
    return count;
}

/* What we say. */

/* They say that there is no such session, or nobody there: any answer else shows that there is. */
static bool says_gone(const struct sent *w, const struct mynah_error *error)
{
    const struct mynah_elem *e = mynah_elem_child(error->xml, "error", NULL);

    return mynah_elem_child(e, "unknown-session", NS_ERRORS) ||
           (w->ping && !mynah_elem_child(e, "unsupported-info", NS_ERRORS));
}

/* What did not come to pass. */
static void undo(struct mynah_jingle *s, const struct sent *w)
{
    struct mynah_content k;

    MYNAH_EACH(e, w->xml, "content", NS_JINGLE)
    {
        struct content *there = content_read(e, &k) ? content_find(s, &k) : NULL;

        if (there && w->action == MYNAH_CONTENT_ADD)
            content_free(s, there);
        else if (there && w->action == MYNAH_TRANSPORT_REPLACE && there->replacer == s->side)
            there->replacing = false;
    }
}

static void answered(void *arg, struct mynah_client *c, const struct mynah_elem *result,
                     const struct mynah_error *error)
{
    struct sent *w = arg;
    struct mynah_jingle *s = w->session;

    mn_list_del(&w->link);
    if (s && error)
        undo(s, w);
    if (w->done)
        w->done(w->arg, c, result, error);
    if (s && error && s->state != MYNAH_JINGLE_ENDED &&
        (w->action == MYNAH_SESSION_INITIATE || says_gone(w, error)))
        ended(s, w->ping ? MYNAH_REASON_GONE : MYNAH_REASON_NONE, NULL, error);
    mynah_elem_free(w->xml);
    mn_free(w);
}

static struct sent *say(struct mynah_jingle *s, enum mynah_jingle_action action,
                        struct mynah_elem *e, int timeout_ms, mynah_iq_done *done, void *arg)
{
    struct sent *w = MN_NEW(struct sent);

    w->session = s;
    w->action = action;
    w->xml = mynah_elem_copy(e);
    w->done = done;
    w->arg = arg;
    mn_list_add(&s->sent, &w->link);
    w->request = mynah_iq_send(s->client, MYNAH_SET, s->peer, &e, timeout_ms, answered, w);
    return w;
}

static void contents_write(struct mynah_elem *e, const struct mynah_content *contents, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct mynah_elem *k = content_write(&contents[i]);

        mynah_elem_hang(e, &k);
    }
}

void mynah_jingle_end(struct mynah_jingle *s, enum mynah_jingle_reason reason, const char *text)
{
    struct mynah_elem *e, *r;

    if (!s || s->state == MYNAH_JINGLE_ENDED)
        return;
    e = jingle_new(s, MYNAH_SESSION_TERMINATE);
    if (reason != MYNAH_REASON_NONE) {
        r = mynah_elem_add(e, "reason", NULL);
        mynah_elem_add(r, reasons[reason], NULL);
        mynah_elem_add_text(r, "text", NULL, text);
    }
    mynah_iq_send(s->client, MYNAH_SET, s->peer, &e, 0, NULL, NULL);
    session_over(s);
}

/* What they say. */

static void refuse(struct mynah_ask **q, const char *condition, const char *special)
{
    mynah_ask_refuse(q, condition, NULL, special, NS_ERRORS);
}

/* Ours of the same kind about the same is under way: the initiator's counts (XEP-0166, 7.2.16). */
static bool crosses(const struct mynah_jingle *s, const struct mynah_jingle_event *e)
{
    struct mynah_content ours;

    if (s->side != MYNAH_INITIATOR ||
        (e->action != MYNAH_CONTENT_ADD && e->action != MYNAH_CONTENT_MODIFY &&
         e->action != MYNAH_CONTENT_REMOVE && e->action != MYNAH_TRANSPORT_REPLACE))
        return false;
    MN_LIST_EACH(n, &s->sent)
    {
        const struct sent *w = MN_OF(n, struct sent, link);

        if (w->action != e->action)
            continue;
        MYNAH_EACH(k, w->xml, "content", NS_JINGLE)
        for (size_t i = 0; i < e->count && content_read(k, &ours); i++)
            if (e->action == MYNAH_CONTENT_ADD
                    ? e->contents[i].description &&
                          mynah_elem_is(ours.description, NULL,
                                        mynah_elem_ns(e->contents[i].description))
                    : ours.creator == e->contents[i].creator &&
                          !strcmp(ours.name, e->contents[i].name))
                return true;
    }
    return false;
}

/* Both ask for the same at once: the lower id wins (XEP-0166, 7.2.16). */
static bool ours_first(struct mynah_client *c, const char *from, const char *sid,
                       const struct mynah_jingle_event *e)
{
    MN_LIST_EACH(n, &jingle_of(c)->sessions)
    {
        const struct mynah_jingle *s = MN_OF(n, struct mynah_jingle, link);
        const struct content *k;

        if (s->state != MYNAH_JINGLE_PENDING || s->side != MYNAH_INITIATOR ||
            strcmp(s->peer, from) || mn_list_empty(&s->sent) ||
            MN_OF(s->sent.next, struct sent, link)->action != MYNAH_SESSION_INITIATE)
            continue;
        k = MN_OF(s->contents.next, struct content, link);
        if (e->count &&
            mynah_elem_is(e->contents[0].description, NULL, mynah_elem_ns(k->c.description)) &&
            strcmp(s->sid, sid) < 0)
            return true;
    }
    return false;
}

static struct served *served_find(struct jingle *j, const char *ns)
{
    MN_LIST_EACH(n, &j->served)
    {
        struct served *v = MN_OF(n, struct served, link);

        if (ns && !strcmp(v->ns, ns))
            return v;
    }
    return NULL;
}

/* The session is there and acknowledged; now it finds who wants it. */
static void offer(struct mynah_client *c, struct mynah_jingle *s,
                  const struct mynah_jingle_event *e)
{
    const struct served *v = NULL;

    for (size_t i = 0; i < e->count; i++) {
        content_add(s, &e->contents[i], false);
        v = v ? v : served_find(jingle_of(c), mynah_elem_ns(e->contents[i].description));
    }
    if (!v) {
        mynah_jingle_end(s, MYNAH_REASON_UNSUPPORTED_APPLICATIONS, NULL);
        return;
    }
    v->offered(v->arg, c, s, e);
    if (!s->taken)
        mynah_jingle_end(s, MYNAH_REASON_DECLINE, NULL);
}

static void initiate(struct mynah_client *c, const char *from, const char *sid,
                     const struct mynah_jingle_event *e, struct mynah_ask *q)
{
    struct jingle *j = jingle_of(c);

    if (mn_list_empty(&j->served))
        refuse(&q, "service-unavailable", NULL);
    else if (!opens(e->contents, e->count))
        refuse(&q, "bad-request", NULL);
    else if (ours_first(c, from, sid, e))
        refuse(&q, "conflict", "tie-break");
    else if (sessions_by(c, NULL) >= SESSIONS_MAX || sessions_by(c, from) >= PEER_MAX)
        refuse(&q, "resource-constraint", NULL);
    else {
        mynah_ask_result(&q, NULL);
        offer(c, session_new(c, from, sid, MYNAH_RESPONDER), e);
    }
}

/* An empty session-info asks whether we are still there. */
static bool understood(struct mynah_jingle *s, const struct mynah_jingle_event *e)
{
    bool ping = e->action == MYNAH_SESSION_INFO && !mynah_elem_child(e->xml, NULL, NULL);

    return ping || (s->calls.info && s->calls.info(s->arg, s, e));
}

/* A session without contents is void: who hears of it ends it (XEP-0166, 7.2.5). */
static void told(struct mynah_jingle *s, const struct mynah_jingle_event *e)
{
    bool empty = !s->count;

    if (e->action == MYNAH_SESSION_TERMINATE) {
        ended(s, e->reason, e->text, NULL);
        return;
    }
    if (s->calls.came)
        s->calls.came(s->arg, s, e);
    if (!empty || s->state == MYNAH_JINGLE_ENDED)
        return;
    mynah_jingle_end(s, MYNAH_REASON_SUCCESS, NULL);
    if (s->calls.ended)
        s->calls.ended(s->arg, s, MYNAH_REASON_SUCCESS, NULL, NULL);
}

static void act(struct mynah_jingle *s, const struct mynah_jingle_event *e, struct mynah_ask *q)
{
    enum mynah_jingle_side by = s->side == MYNAH_INITIATOR ? MYNAH_RESPONDER : MYNAH_INITIATOR;
    enum verdict v = check(s, by, e->action, e->contents, e->count);

    if (crosses(s, e)) {
        refuse(&q, "conflict", "tie-break");
    } else if (v == BAD) {
        refuse(&q, "bad-request", NULL);
    } else if (v == OUT_OF_ORDER) {
        refuse(&q, "unexpected-request", "out-of-order");
    } else if (rules[e->action] & INFO) {
        if (understood(s, e))
            mynah_ask_result(&q, NULL);
        else
            refuse(&q, "feature-not-implemented", "unsupported-info");
    } else {
        apply(s, by, e->action, e->contents, e->count);
        mynah_ask_result(&q, NULL);
        told(s, e);
    }
}

/* Who asks learns nothing: Jingle is not spoken here, or he is not to know that we are. */
static bool hidden(struct mynah_client *c, const struct jingle *j, const char *from)
{
    return (mn_list_empty(&j->served) && mn_list_empty(&j->sessions)) ||
           (!j->strangers && !roster_may_see(c, from));
}

static void asked(void *arg, struct mynah_client *c, struct mynah_ask *q)
{
    struct jingle *j = arg;
    struct mynah_elem *e = mynah_elem_copy(mynah_ask_payload(q));
    struct mynah_content contents[CONTENTS_MAX];
    struct mynah_jingle_event event;
    const char *sid = mynah_elem_get(e, "sid");
    char *from = mynah_jid(mynah_ask_from(q));
    struct mynah_jingle *s = from && sid ? session_find(c, from, sid) : NULL;

    if (!s && hidden(c, j, mynah_ask_from(q)))
        refuse(&q, "service-unavailable", NULL);
    else if (!from || !sid || !*sid || strlen(sid) > SID_MAX || !event_read(e, contents, &event))
        refuse(&q, "bad-request", NULL);
    else if (s)
        act(s, &event, q);
    else if (event.action == MYNAH_SESSION_INITIATE)
        initiate(c, from, sid, &event, q);
    else
        refuse(&q, "item-not-found", "unknown-session");
    mynah_elem_free(e);
    mn_free(from);
}

/* Whoever went without a word is asked whether he is still there (XEP-0166, 6.7). */
static void presence(void *arg, struct mynah_client *c, const struct mynah_presence *p)
{
    struct jingle *j = arg;

    (void)c;
    if (p->type != MYNAH_PRESENCE || p->show != MYNAH_UNAVAILABLE)
        return;
    MN_LIST_EACH(n, &j->sessions)
    {
        struct mynah_jingle *s = MN_OF(n, struct mynah_jingle, link);

        if (s->state != MYNAH_JINGLE_ENDED && !strcmp(s->peer, p->from))
            say(s, MYNAH_SESSION_INFO, jingle_new(s, MYNAH_SESSION_INFO), PING_MS, NULL, NULL)
                ->ping = true;
    }
}

/* Life. */

static void init(struct mynah_client *c, void *state)
{
    static const struct mynah_calls calls = {.size = sizeof calls, .presence = presence};
    struct jingle *j = state;

    mn_list_init(&j->sessions);
    mn_list_init(&j->served);
    mynah_iq_serve(c, MYNAH_SET, NS_JINGLE, "jingle", asked, j);
    mynah_listen(c, &calls, j);
}

/* A new login has another address: nobody finds us there. */
static void lost(struct mynah_client *c, void *state)
{
    struct jingle *j = state;
    const struct mynah_error why = {.code = MYNAH_E_LOST};

    (void)c;
    MN_LIST_EACH(n, &j->sessions)
    ended(MN_OF(n, struct mynah_jingle, link), MYNAH_REASON_NONE, NULL, &why);
}

static void served_free(struct served *v)
{
    mn_list_del(&v->link);
    mn_free(v->ns);
    mn_free(v);
}

static void done(struct mynah_client *c, void *state)
{
    struct jingle *j = state;
    const struct mynah_error why = {.code = MYNAH_E_CANCELLED};

    (void)c;
    MN_LIST_EACH(n, &j->sessions)
    ended(MN_OF(n, struct mynah_jingle, link), MYNAH_REASON_NONE, NULL, &why);
    MN_LIST_EACH(n, &j->sessions)
    mn_list_del(n); /* the trash frees them later */
    MN_LIST_EACH(n, &j->served)
    served_free(MN_OF(n, struct served, link));
}

const struct ext ext_jingle = {
    .name = "jingle", .size = sizeof(struct jingle), .init = init, .done = done, .lost = lost};

/* What programs call. */

static void calls_set(struct mynah_jingle *s, const struct mynah_jingle_calls *calls, void *arg)
{
    memcpy(&s->calls, calls, calls->size < sizeof s->calls ? calls->size : sizeof s->calls);
    s->arg = arg;
    s->taken = true;
}

int mynah_jingle_start(struct mynah_client *c, const char *to, const struct mynah_content *contents,
                       size_t count, const struct mynah_jingle_calls *calls, void *arg,
                       struct mynah_jingle **out)
{
    char *peer = mynah_jid(to);
    struct mynah_jingle *s;
    struct mynah_elem *e;
    int bad = !peer || !strchr(peer, '/') || !opens(contents, count) ? MYNAH_E_ARGUMENT
              : mynah_client_state(c) != MYNAH_ONLINE                ? MYNAH_E_STATE
                                                                     : 0;

    *out = NULL;
    if (bad) {
        mn_free(peer);
        return bad;
    }
    s = session_new(c, peer, NULL, MYNAH_INITIATOR);
    calls_set(s, calls, arg);
    for (size_t i = 0; i < count; i++)
        content_add(s, &contents[i], false);
    e = jingle_new(s, MYNAH_SESSION_INITIATE);
    contents_write(e, contents, count);
    say(s, MYNAH_SESSION_INITIATE, e, 0, NULL, NULL);
    mn_free(peer);
    *out = s;
    return MYNAH_OK;
}

void mynah_jingle_serve(struct mynah_client *c, const char *description_ns,
                        mynah_jingle_offered *offered, void *arg)
{
    struct jingle *j = jingle_of(c);
    struct served *v = served_find(j, description_ns);

    if (v)
        served_free(v);
    if (offered) {
        v = MN_NEW(struct served);
        *v = (struct served){{0}, mn_str_dup(mn_str_from(description_ns)), offered, arg};
        mn_list_add(&j->served, &v->link);
    }
    mynah_disco_feature(c, NS_JINGLE, !mn_list_empty(&j->served));
}

void mynah_jingle_take(struct mynah_jingle *s, const struct mynah_jingle_calls *calls, void *arg)
{
    calls_set(s, calls, arg);
}

void mynah_jingle_strangers(struct mynah_client *c, bool welcome)
{
    jingle_of(c)->strangers = welcome;
}

int mynah_jingle_send(struct mynah_jingle *s, enum mynah_jingle_action action,
                      const struct mynah_content *contents, size_t count, struct mynah_elem **info,
                      mynah_iq_done *done_, void *arg)
{
    struct mynah_elem *more = info ? *info : NULL, *e;
    enum verdict v = FINE;

    if (info)
        *info = NULL;
    if (s->state == MYNAH_JINGLE_ENDED || action == MYNAH_SESSION_TERMINATE)
        v = OUT_OF_ORDER;
    else
        v = check(s, s->side, action, contents, count);
    if (v != FINE) {
        mynah_elem_free(more);
        return v == BAD ? MYNAH_E_ARGUMENT : MYNAH_E_STATE;
    }
    e = jingle_new(s, action);
    contents_write(e, contents, count);
    mynah_elem_hang(e, &more);
    apply(s, s->side, action, contents, count);
    say(s, action, e, 0, done_, arg);
    return MYNAH_OK;
}

struct mynah_client *mynah_jingle_client(const struct mynah_jingle *s)
{
    return s->client;
}

enum mynah_jingle_state mynah_jingle_state(const struct mynah_jingle *s)
{
    return s->state;
}

enum mynah_jingle_side mynah_jingle_side(const struct mynah_jingle *s)
{
    return s->side;
}

const char *mynah_jingle_peer(const struct mynah_jingle *s)
{
    return s->peer;
}

const char *mynah_jingle_sid(const struct mynah_jingle *s)
{
    return s->sid;
}

bool mynah_jingle_content(const struct mynah_jingle *s, size_t i, struct mynah_content *out)
{
    MN_LIST_EACH(n, &s->contents)
    if (!i--) {
        *out = MN_OF(n, struct content, link)->c;
        return true;
    }
    return false;
}

const char *mynah_jingle_reason_name(enum mynah_jingle_reason reason)
{
    return reasons[reason] ? reasons[reason] : "";
}
