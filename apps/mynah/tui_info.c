/* What is there, and what runs there: /info tells all of it that somebody, a room or a server lets
 * know, /disco, /ping, /software and /last one part each. */
#include <stdio.h>
#include <string.h>

#include "apps/mynah/tui_query.h"
#include "base/clock.h"
#include "im/error.h"
#include "im/lang.h"

static void info_came(void *arg, struct mynah_client *c, const struct mynah_disco *info,
                      const struct mynah_error *error)
{
    struct query *q = arg;
    struct im_form *form;

    if (query_failed(q, error))
        return;
    form = im_form_new(q->jid, NULL);
    for (size_t i = 0; i < info->identity_count; i++) {
        const struct mynah_identity *is = &info->identities[i];
        char kind[200];

        snprintf(kind, sizeof kind, "%s/%s", is->category, is->type);
        im_form_add(form, IM_FIELD_FIXED, "identity", kind, is->name);
    }
    im_form_column(form, _("Feature"));
    for (size_t i = 0; i < info->feature_count; i++)
        im_form_cell(form, im_form_row(form, NULL), 0, info->features[i]);
    page_show(page_chat(q->chat), &form);
    query_free(q);
}

static void items_came(void *arg, struct mynah_client *c, const struct mynah_item *items,
                       size_t count, const struct mynah_error *error)
{
    struct query *q = arg;
    struct im_form *form;

    if (query_failed(q, error))
        return;
    form = im_form_new(q->jid, NULL);
    im_form_column(form, _("Address"));
    im_form_column(form, _("Node"));
    im_form_column(form, _("Name"));
    for (size_t i = 0; i < count; i++) {
        struct im_row *row = im_form_row(form, NULL);

        im_form_cell(form, row, 0, items[i].jid);
        im_form_cell(form, row, 1, items[i].node);
        im_form_cell(form, row, 2, items[i].name);
    }
    page_show(page_chat(q->chat), &form);
    query_free(q);
}

static void disco_info(char **args, int count)
{
    struct query *q = query_new(args[0], NULL);

    if (q)
        mynah_disco_info(query_client(q), q->jid, args[0] ? args[1] : NULL, info_came, q);
}

static void disco_items(char **args, int count)
{
    struct query *q = query_new(args[0], NULL);

    if (q)
        mynah_disco_items(query_client(q), q->jid, args[0] ? args[1] : NULL, items_came, q);
}

void do_disco(char **args, int count)
{
    static const struct command_part parts[] = {
        {"info", 0, disco_info}, {"items", 0, disco_items}, {0}};

    command_parts("disco", parts, args, count);
}

static void pinged(void *arg, struct mynah_client *c, int64_t ms, const struct mynah_error *error)
{
    struct query *q = arg;

    if (error)
        query_fail(q, error);
    else
        query_note(q, IM_NOTE, _("it answered in %lld ms"), (long long)ms);
    query_free(q);
}

void do_ping(char **args, int count)
{
    struct query *q = query_to(args[0], true);

    if (q)
        mynah_ping(query_client(q), q->jid, pinged, q);
}

static void software_came(void *arg, struct mynah_client *c, const struct mynah_software *s,
                          const struct mynah_error *error)
{
    struct query *q = arg;

    if (error)
        query_fail(q, error);
    else
        query_note(q, IM_NOTE, "%s %s %s", s->name ? s->name : "", s->version ? s->version : "",
                   s->os ? s->os : "");
    query_free(q);
}

void do_software(char **args, int count)
{
    struct query *q = query_to(args[0], true);

    if (q)
        mynah_version_get(query_client(q), q->jid, software_came, q);
}

static void last_came(void *arg, struct mynah_client *c, int64_t seconds, const char *text,
                      const struct mynah_error *error)
{
    struct query *q = arg;

    if (error)
        query_fail(q, error);
    else
        query_note(q, IM_NOTE, _("%lld days, %lld hours, %lld minutes%s%s"),
                   (long long)seconds / 86400, (long long)seconds / 3600 % 24,
                   (long long)seconds / 60 % 60, text && *text ? ": " : "", text ? text : "");
    query_free(q);
}

void do_last(char **args, int count)
{
    struct query *q = query_to(args[0], false);

    if (q)
        mynah_last_get(query_client(q), q->jid, last_came, q);
}

/* All of it: what is known stands there at once, what is asked for as it comes. That somebody does
 * not answer to one question is told only when nobody answers to any. */
struct info {
    struct query *q;
    unsigned waits;
    bool told; /* anything */
    char *why;
};

static void info_free(struct info *i)
{
    if (!i->told)
        query_note(i->q, IM_ERROR, "%s: %s", i->q->jid, i->why ? i->why : _("nothing is known"));
    query_free(i->q);
    mn_free(i->why);
    mn_free(i);
}

static void info_end(struct info *i, const struct mynah_error *error)
{
    if (error && !i->why)
        i->why = im_error_text(error);
    if (!--i->waits)
        info_free(i);
}

static void info_card(void *arg, struct mynah_client *c, const struct mynah_vcard *v,
                      const struct mynah_error *error)
{
    struct info *i = arg;

    i->told |= v && card_tell(i->q, v);
    info_end(i, error);
}

static void info_software(void *arg, struct mynah_client *c, const struct mynah_software *s,
                          const struct mynah_error *error)
{
    struct info *i = arg;

    i->told |= s != NULL;
    if (s)
        query_note(i->q, IM_NOTE, _("%s: software: %s %s %s"), i->q->jid, s->name ? s->name : "",
                   s->version ? s->version : "", s->os ? s->os : "");
    info_end(i, error);
}

static void info_last(void *arg, struct mynah_client *c, int64_t seconds, const char *text,
                      const struct mynah_error *error)
{
    struct info *i = arg;
    const char *told = strchr(i->q->jid, '@')
                           ? _("%s: last there %lld days, %lld hours, %lld minutes ago%s%s")
                           : _("%s: has been running for %lld days, %lld hours, %lld minutes%s%s");

    i->told |= !error;
    if (!error)
        query_note(i->q, IM_NOTE, told, i->q->jid, (long long)seconds / 86400,
                   (long long)seconds / 3600 % 24, (long long)seconds / 60 % 60,
                   text && *text ? ": " : "", text ? text : "");
    info_end(i, error);
}

/* What a room (XEP-0045, 6.4) or a server (XEP-0157) tells of itself beside its features. */
static void info_form(const struct query *q, const struct mynah_form *x)
{
    const struct mynah_field *f;

    for (size_t i = 0; (f = mynah_form_at(x, i)); i++) {
        struct mn_buf b = {0};

        for (size_t k = 0; k < f->value_count; k++)
            mn_buf_fmt(&b, "%s%s", k ? ", " : "", f->values[k]);
        if (b.n && f->var && strcmp(f->var, "FORM_TYPE") != 0)
            query_note(q, IM_NOTE, "%s: %s: %.*s", q->jid, f->label ? f->label : f->var,
                       MN_ARG(mn_buf_view(&b)));
        mn_buf_free(&b);
    }
}

static void info_what(void *arg, struct mynah_client *c, const struct mynah_disco *d,
                      const struct mynah_error *error)
{
    struct info *i = arg;
    struct mn_buf b = {0};

    for (size_t k = 0; d && k < d->identity_count; k++) {
        const struct mynah_identity *is = &d->identities[k];

        if (strcmp(is->category, "account") != 0 && strcmp(is->type, "pep") != 0) /* all have */
            mn_buf_fmt(&b, "%s%s/%s%s%s", b.n ? ", " : "", is->category, is->type,
                       is->name ? " " : "", is->name ? is->name : "");
    }
    for (size_t k = 0; d && k < d->feature_count; k++) /* of a room: "open", "moderated" */
        if (!strncmp(d->features[k], "muc_", 4))
            mn_buf_fmt(&b, " · %s", d->features[k] + 4);
    i->told |= b.n > 0;
    if (b.n)
        query_note(i->q, IM_NOTE, "%s: %.*s", i->q->jid, MN_ARG(mn_buf_view(&b)));
    mn_buf_free(&b);
    MYNAH_EACH(e, d ? d->xml : NULL, "x", "jabber:x:data")
    {
        struct mynah_form *x = mynah_form_read(e);

        if (x)
            info_form(i->q, x);
        mynah_form_free(x);
    }
    info_end(i, error);
}

static void resource_tell(const struct mynah_resource *r)
{
    int64_t active = mynah_presence_active(r->xml);
    struct mn_buf b = {0};

    mn_buf_fmt(&b, "%s %s · %s · %d", mark_of(r->show), r->jid, show_name(r->show), r->priority);
    if (r->status)
        mn_buf_fmt(&b, " · %s", r->status);
    if (active)
        mn_buf_fmt(&b, _(" · last active %lld minutes ago"),
                   (long long)(mn_clock_wall() - active) / 60000);
    tui_note(IM_NOTE, "%.*s", MN_ARG(mn_buf_view(&b)));
    mn_buf_free(&b);
}

/* What is known of a contact, or of our own account. */
static void contact_all(struct mynah_client *c, const char *jid)
{
    const struct mynah_contact *k = mynah_roster_find(c, jid);
    const struct mynah_resource *r;

    if (k)
        contact_tell(k);
    for (size_t i = 0; (r = mynah_roster_resource(c, jid, i)); i++)
        resource_tell(r);
}

static void room_tell(struct mynah_room *r)
{
    const struct mynah_occupant *o = mynah_room_occupant(r, mynah_room_nick(r));

    if (!mynah_room_is_joined(r))
        return;
    tui_note(IM_NOTE, _("%s: %zu people are inside; you are %s: %s, %s"), mynah_room_jid(r),
             mynah_room_count(r), mynah_room_nick(r), o ? affiliation_text(o->affiliation) : "",
             o ? role_text(o->role) : "");
    if (*mynah_room_subject(r))
        tui_note(IM_NOTE, _("subject: %s"), mynah_room_subject(r));
}

static void occupant_tell(const struct mynah_occupant *o)
{
    tui_note(IM_NOTE, "%s %s%s%s · %s · %s · %s%s%s", mark_of(o->show), o->nick, o->jid ? " " : "",
             o->jid ? o->jid : "", show_name(o->show), affiliation_text(o->affiliation),
             role_text(o->role), o->status ? " · " : "", o->status ? o->status : "");
}

/* What is known of it. True: it is a room that we are in, or somebody there, who is asked himself,
 * and no server in his place. */
static bool known_tell(struct mynah_client *c, const char *jid)
{
    char *bare = mynah_jid_bare(jid), *resource = mynah_jid_resource(jid);
    struct mynah_room *r = mynah_room_find(c, bare);
    const struct mynah_occupant *o = r && resource ? mynah_room_occupant(r, resource) : NULL;

    if (o)
        occupant_tell(o);
    else if (r)
        room_tell(r);
    else
        contact_all(c, bare);
    mynah_free(resource);
    mynah_free(bare);
    return r != NULL;
}

static void info_ask(struct info *i, struct mynah_client *c, bool room)
{
    const char *jid = i->q->jid;
    bool person = strchr(jid, '@'), one = strchr(jid, '/');
    const struct mynah_resource *r = person && !one ? mynah_roster_resource(c, jid, 0) : NULL;

    i->waits = 1 + !one + person + (one || r || !person) + (!r && !room);
    if (!one)
        mynah_disco_info(c, jid, NULL, info_what, i);
    if (person)
        mynah_vcard_get(c, jid, info_card, i);
    if (one || r || !person)
        mynah_version_get(c, r ? r->jid : jid, info_software, i);
    if (!r && !room)
        mynah_last_get(c, jid, info_last, i);
    if (!--i->waits) /* all was answered meanwhile */
        info_free(i);
}

void do_info(char **args, int count)
{
    const struct im_chat *chat = tui_chat();
    const char *who = count ? command_last(args, count, 0) : chat->account ? chat->jid : NULL;
    struct query *q = count ? query_to(who, false) : query_new(who, NULL);
    struct mynah_client *c = q ? query_client(q) : NULL;
    struct info *i;

    if (!q)
        return;
    if (!q->jid)
        q->jid = mn_str_dup(mn_str_from(mynah_client_domain(c)));
    i = MN_NEW(struct info);
    i->q = q;
    info_ask(i, c, known_tell(c, q->jid));
}
