/* Jingle's elements (XEP-0166, 7), read and written. */
#include "client/jingle.h"

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

static unsigned word(const char *text, const char *const *words, unsigned count)
{
    for (unsigned i = 0; text && i < count; i++)
        if (words[i] && !strcmp(text, words[i]))
            return i;
    return count;
}

static const struct mynah_elem *part(const struct mynah_elem *content, const char *name)
{
    return mynah_elem_child(content, name, NULL);
}

bool jingle_read(const struct mynah_elem *e, struct mynah_content *out)
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

struct mynah_elem *jingle_write(const struct mynah_content *k)
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

struct mynah_elem *jingle_new(const struct mynah_jingle *s, enum mynah_jingle_action action,
                              const struct mynah_content *contents, size_t count)
{
    struct mynah_elem *e = mynah_elem_new("jingle", NS_JINGLE);

    mynah_elem_set(e, "action", actions[action]);
    if (action == MYNAH_SESSION_INITIATE)
        mynah_elem_set(e, "initiator", mynah_client_jid(s->client));
    if (action == MYNAH_SESSION_ACCEPT)
        mynah_elem_set(e, "responder", mynah_client_jid(s->client));
    mynah_elem_set(e, "sid", s->sid);
    for (size_t i = 0; i < count; i++) {
        struct mynah_elem *k = jingle_write(&contents[i]);

        mynah_elem_hang(e, &k);
    }
    return e;
}

bool jingle_event_read(const struct mynah_elem *e, struct mynah_content *contents,
                       struct mynah_jingle_event *out)
{
    const struct mynah_elem *reason = mynah_elem_child(e, "reason", NS_JINGLE);
    unsigned action = word(mynah_elem_get(e, "action"), actions, MN_COUNT(actions));

    *out = (struct mynah_jingle_event){.action = (enum mynah_jingle_action)action,
                                       .contents = contents,
                                       .text = mynah_elem_child_text(reason, "text", NS_JINGLE),
                                       .xml = e};
    MYNAH_EACH(k, e, "content", NS_JINGLE)
    if (out->count == JINGLE_CONTENTS_MAX || !jingle_read(k, &contents[out->count++]))
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

const char *mynah_jingle_reason_name(enum mynah_jingle_reason reason)
{
    return reasons[reason] ? reasons[reason] : "";
}
