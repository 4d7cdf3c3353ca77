/* The rules of Jingle sessions: who may say what when (XEP-0166, 7.2). One table serves both
 * directions. A content that was added waits until it is accepted or rejected by the side that did
 * not add it; a transport that is to be replaced likewise. */
#include "client/jingle.h"

#include "base/err.h"

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

bool jingle_is_info(enum mynah_jingle_action action)
{
    return rules[action] & INFO;
}

/* Contents. */

static bool is_same(const struct mynah_content *a, const struct mynah_content *b)
{
    return a->creator == b->creator && !strcmp(a->name, b->name);
}

/* The same application, of the same medium where there are several (XEP-0167). */
static bool is_same_kind(const struct mynah_content *a, const struct mynah_content *b)
{
    const char *one = mynah_elem_get(a->description, "media"),
               *other = mynah_elem_get(b->description, "media");

    return a->description && b->description &&
           mynah_elem_is(a->description, NULL, mynah_elem_ns(b->description)) &&
           (one && other ? !strcmp(one, other) : one == other);
}

static struct jingle_content *content_find(const struct mynah_jingle *s,
                                           const struct mynah_content *k)
{
    MN_LIST_EACH(n, &s->contents)
    {
        struct jingle_content *there = MN_OF(n, struct jingle_content, link);

        if (is_same(&there->c, k))
            return there;
    }
    return NULL;
}

void jingle_content_free(struct mynah_jingle *s, struct jingle_content *k)
{
    mn_list_del(&k->link);
    s->count--;
    mynah_elem_free(k->xml);
    mn_free(k);
}

void jingle_content_add(struct mynah_jingle *s, const struct mynah_content *given, bool added)
{
    struct jingle_content *k = MN_NEW(struct jingle_content);

    k->xml = jingle_write(given);
    k->added = added;
    (void)jingle_read(k->xml, &k->c);
    if (k->c.senders == MYNAH_SENDERS_UNSAID)
        k->c.senders = MYNAH_SENDERS_BOTH;
    k->agreed = k->c.senders;
    mn_list_add(&s->contents, &k->link);
    s->count++;
}

/* The rules. */

/* Ours of that action about that content is not acknowledged yet. */
static bool is_under_way(const struct mynah_jingle *s, enum mynah_jingle_action action,
                         const struct mynah_content *k)
{
    struct mynah_content ours;

    MN_LIST_EACH(n, &s->sent)
    {
        const struct jingle_sent *w = MN_OF(n, struct jingle_sent, link);

        MYNAH_EACH(e, w->action == action ? w->xml : NULL, "content", NS_JINGLE)
        if (jingle_read(e, &ours) &&
            (action == MYNAH_CONTENT_ADD ? is_same_kind(&ours, k) : is_same(&ours, k)))
            return true;
    }
    return false;
}

static enum jingle_verdict content_check(const struct mynah_jingle *s, enum mynah_jingle_side by,
                                         enum mynah_jingle_action action,
                                         const struct mynah_content *k)
{
    unsigned rule = rules[action];
    const struct jingle_content *there = content_find(s, k);

    if (!k->name || !*k->name || (rule & DESCRIPTION && !k->description) ||
        (rule & TRANSPORT && !k->transport) ||
        (rule & SENDERS && k->senders == MYNAH_SENDERS_UNSAID))
        return BAD;
    if (rule & NEW)
        return there || k->creator != by ? BAD : FINE;
    if (!there) /* taken out by both at once: that of the initiator counts all the same */
        return action == MYNAH_CONTENT_REMOVE && by == MYNAH_INITIATOR && is_under_way(s, action, k)
                   ? FINE
                   : BAD;
    if ((rule & ADDED && (!there->added || there->c.creator == by)) ||
        (rule & REPLACED && (!there->replacing || there->replacer == by)) ||
        (action == MYNAH_TRANSPORT_REPLACE && there->replacing &&
         (by == MYNAH_RESPONDER || there->replacer == MYNAH_INITIATOR)))
        return OUT_OF_ORDER; /* the initiator's goes before the responder's */
    return FINE;
}

enum jingle_verdict jingle_check(const struct mynah_jingle *s, enum mynah_jingle_side by,
                                 enum mynah_jingle_action action,
                                 const struct mynah_content *contents, size_t count)
{
    unsigned rule = rules[action];

    if (action == MYNAH_SESSION_INITIATE ||
        (action == MYNAH_SESSION_ACCEPT &&
         (by != MYNAH_RESPONDER || s->state != MYNAH_JINGLE_PENDING)))
        return OUT_OF_ORDER;
    if ((rule & CONTENTS && !count) || (rule & NEW && s->count + count > JINGLE_CONTENTS_MAX))
        return BAD;
    for (size_t i = 0; rule & CONTENTS && i < count; i++) {
        enum jingle_verdict v = content_check(s, by, action, &contents[i]);

        for (size_t k = 0; v == FINE && k < i; k++)
            if (is_same(&contents[k], &contents[i]))
                v = BAD;
        if (v != FINE)
            return v;
    }
    return FINE;
}

/* One of them at least is the session itself (XEP-0166, 7.2.10). */
bool jingle_opens(const struct mynah_content *contents, size_t count)
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
    return session && count <= JINGLE_CONTENTS_MAX;
}

static void content_apply(struct mynah_jingle *s, enum mynah_jingle_side by,
                          enum mynah_jingle_action action, const struct mynah_content *k)
{
    struct jingle_content *there = content_find(s, k);

    switch (action) {
    case MYNAH_CONTENT_ADD:
        jingle_content_add(s, k, true);
        break;
    case MYNAH_CONTENT_REJECT:
    case MYNAH_CONTENT_REMOVE:
        if (there)
            jingle_content_free(s, there);
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
        if (k->senders == MYNAH_SENDERS_UNSAID || rules[action] & INFO)
            break;
        there->c.senders = k->senders;
        if (action != MYNAH_CONTENT_MODIFY || by != s->side)
            there->agreed = k->senders;
    }
}

void jingle_apply(struct mynah_jingle *s, enum mynah_jingle_side by,
                  enum mynah_jingle_action action, const struct mynah_content *contents,
                  size_t count)
{
    if (action == MYNAH_SESSION_ACCEPT)
        s->state = MYNAH_JINGLE_ACTIVE;
    for (size_t i = 0; rules[action] & CONTENTS && i < count; i++)
        content_apply(s, by, action, &contents[i]);
}

/* Others of ours about the same may be under way. */
static void senders_settle(const struct mynah_jingle *s, struct jingle_content *there,
                           const struct mynah_content *k, bool refused)
{
    if (!refused)
        there->agreed = k->senders;
    if (!is_under_way(s, MYNAH_CONTENT_MODIFY, k))
        there->c.senders = there->agreed;
}

void jingle_settle(struct mynah_jingle *s, const struct jingle_sent *w, bool refused)
{
    struct mynah_content k;

    MYNAH_EACH(e, w->xml, "content", NS_JINGLE)
    {
        struct jingle_content *there = jingle_read(e, &k) ? content_find(s, &k) : NULL;

        if (there && w->action == MYNAH_CONTENT_MODIFY)
            senders_settle(s, there, &k, refused);
        else if (there && refused && w->action == MYNAH_CONTENT_ADD)
            jingle_content_free(s, there);
        else if (there && refused && w->action == MYNAH_TRANSPORT_REPLACE &&
                 there->replacer == s->side)
            there->replacing = false;
    }
}

/* Ties (XEP-0166, 7.2.16). */

bool jingle_crosses(const struct mynah_jingle *s, const struct mynah_jingle_event *e)
{
    if (s->side != MYNAH_INITIATOR ||
        (e->action != MYNAH_CONTENT_ADD && e->action != MYNAH_CONTENT_MODIFY &&
         e->action != MYNAH_CONTENT_REMOVE && e->action != MYNAH_TRANSPORT_REPLACE))
        return false;
    for (size_t i = 0; i < e->count; i++)
        if (is_under_way(s, e->action, &e->contents[i]))
            return true;
    return false;
}

/* Who sends, as the other side would have to say it of a session that he began. */
static enum mynah_jingle_senders turned(enum mynah_jingle_senders s)
{
    return s == MYNAH_SENDERS_INITIATOR   ? MYNAH_SENDERS_RESPONDER
           : s == MYNAH_SENDERS_RESPONDER ? MYNAH_SENDERS_INITIATOR
           : s == MYNAH_SENDERS_NONE      ? MYNAH_SENDERS_NONE
                                          : MYNAH_SENDERS_BOTH;
}

/* Two calls are; two files, one each way, are not. */
bool jingle_equivalent(const struct mynah_jingle *s, const struct mynah_jingle_event *e)
{
    MN_LIST_EACH(n, &s->contents)
    for (size_t i = 0; i < e->count; i++) {
        const struct mynah_content *ours = &MN_OF(n, struct jingle_content, link)->c;

        if (is_same_kind(ours, &e->contents[i]) && ours->senders == turned(e->contents[i].senders))
            return true;
    }
    return false;
}
