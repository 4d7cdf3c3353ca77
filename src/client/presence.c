#include "client/client.h"

#include "base/err.h"
#include "base/num.h"
#include "mynah/jid.h"

static const char *const shows[] = {NULL, "chat", "away", "xa", "dnd"};
static const char *const types[] = {NULL,           "subscribe", "subscribed", "unsubscribe",
                                    "unsubscribed", "error",     "probe"};

struct mynah_elem *presence_new(const struct mynah_client *c, const char *to, enum mynah_show show,
                                const char *status, int priority)
{
    struct mynah_elem *p = mynah_elem_new("presence", NULL);
    char text[8];

    mynah_elem_set(p, "to", to);
    if (show == MYNAH_UNAVAILABLE)
        mynah_elem_set(p, "type", "unavailable");
    else
        mynah_elem_add_text(p, "show", NULL, shows[show]);
    mynah_elem_add_text(p, "status", NULL, status);
    if (priority && show != MYNAH_UNAVAILABLE) {
        snprintf(text, sizeof text, "%d", priority);
        mynah_elem_add_text(p, "priority", NULL, text);
    }
    if (show != MYNAH_UNAVAILABLE)
        MYNAH_EACH(e, c->presence_extra, NULL, NULL)
        {
            struct mynah_elem *copy = mynah_elem_copy(e);

            mynah_elem_hang(p, &copy);
        }
    return p;
}

void presence_again(struct mynah_client *c)
{
    struct mynah_elem *p;

    if (!c->has_presence || c->state != MYNAH_ONLINE)
        return;
    p = presence_new(c, NULL, c->show, c->status, c->priority);
    mynah_send(c, &p);
}

void presence_end(struct mynah_client *c)
{
    struct mynah_elem *p = presence_new(c, NULL, MYNAH_UNAVAILABLE, NULL, 0);

    mynah_send(c, &p);
}

void mynah_presence_set(struct mynah_client *c, enum mynah_show show, const char *status,
                        int priority)
{
    char *copy = status && !c->component ? mn_str_dup(mn_str_from(status)) : NULL;

    mn_free(c->status);
    c->status = copy;
    c->show = show;
    c->priority = priority < -128 ? -128 : priority > 127 ? 127 : priority;
    c->has_presence = !c->component;
    presence_again(c);
    rooms_presence(c);
}

enum mynah_show mynah_presence_shown(const struct mynah_client *c)
{
    return c->has_presence ? c->show : MYNAH_UNAVAILABLE;
}

int mynah_presence_send(struct mynah_client *c, const char *to, enum mynah_show show,
                        const char *status, struct mynah_elem **payload)
{
    struct mynah_elem *p = presence_new(c, to, show, status, c->priority);

    if (c->state != MYNAH_ONLINE) {
        mynah_elem_free(p);
        if (payload) {
            mynah_elem_free(*payload);
            *payload = NULL;
        }
        return MYNAH_E_STATE;
    }
    mynah_elem_hang(p, payload);
    return mynah_send(c, &p);
}

void mynah_presence_drop(struct mynah_client *c, const char *name, const char *ns)
{
    struct mynah_elem *kept = mynah_elem_new("extra", NULL);

    MYNAH_EACH(e, c->presence_extra, NULL, NULL)
    if (!mynah_elem_is(e, name, ns)) {
        struct mynah_elem *copy = mynah_elem_copy(e);

        mynah_elem_hang(kept, &copy);
    }
    mynah_elem_free(c->presence_extra);
    c->presence_extra = kept;
}

void mynah_presence_add(struct mynah_client *c, struct mynah_elem **payload)
{
    mynah_presence_drop(c, mynah_elem_name(*payload), mynah_elem_ns(*payload));
    mynah_elem_hang(c->presence_extra, payload);
}

int mynah_subscription_send(struct mynah_client *c, const char *to, enum mynah_presence_type type,
                            const char *text)
{
    struct mynah_elem *p;
    char *whom;

    if (!to || type < MYNAH_SUBSCRIBE || type == MYNAH_PRESENCE_ERROR || type > MYNAH_PROBE)
        return MYNAH_E_ARGUMENT;
    whom = type == MYNAH_PROBE ? mynah_jid(to) : mynah_jid_bare(to); /* RFC 6121, 3.1.1 */
    if (!whom)
        return MYNAH_E_ARGUMENT;
    p = mynah_elem_new("presence", NULL);
    mynah_elem_set(p, "to", whom);
    mn_free(whom);
    mynah_elem_set(p, "type", types[type]);
    mynah_elem_add_text(p, "status", NULL, text);
    sm_send(c, p, true, NULL);
    mynah_elem_free(p);
    return MYNAH_OK;
}

static enum mynah_show show_of(const struct mynah_elem *st)
{
    const char *show = mynah_elem_child_text(st, "show", "jabber:client");

    for (size_t i = 1; show && i < MN_COUNT(shows); i++)
        if (!strcmp(show, shows[i]))
            return (enum mynah_show)i;
    return MYNAH_AVAILABLE;
}

static int priority_of(const struct mynah_elem *st)
{
    const char *text = mynah_elem_child_text(st, "priority", "jabber:client");
    int64_t n;

    return text && mn_num_parse_int(mn_str_trim(mn_str_from(text)), -128, 127, &n) ? (int)n : 0;
}

bool presence_read(struct mynah_client *c, const struct mynah_elem *st, struct mynah_presence *out,
                   struct mynah_error *error)
{
    const char *type = mynah_elem_get(st, "type");

    *out = (struct mynah_presence){
        .type = MYNAH_PRESENCE,
        .from = mynah_elem_get(st, "from"),
        .show = show_of(st),
        .status = mynah_elem_text_in(st, "status", "jabber:client", c->conf.lang),
        .priority = priority_of(st),
        .xml = st,
        .to = mynah_elem_get(st, "to"),
    };
    out->from = out->from ? out->from : c->bare;
    for (size_t i = 1; type && i < MN_COUNT(types); i++)
        if (!strcmp(type, types[i]))
            out->type = (enum mynah_presence_type)i;
    if (out->type == MYNAH_PRESENCE_ERROR) {
        error_of(st, error);
        out->error = error;
    }
    if (type && !strcmp(type, "unavailable"))
        out->show = MYNAH_UNAVAILABLE;
    else if (type && out->type == MYNAH_PRESENCE)
        return false;
    return true;
}

void presence_came(struct mynah_client *c, const struct mynah_elem *st)
{
    struct mynah_error error;
    struct mynah_presence p;

    if (presence_read(c, st, &p, &error))
        CLIENT_TELL(c, presence, &p);
}

void presence_done(struct mynah_client *c)
{
    mynah_elem_free(c->presence_extra);
    mn_free(c->status);
}
