/* People: the roster, who is blocked, vCards. */
#include <stdio.h>
#include <string.h>

#include "apps/mynah/tui_query.h"
#include "im/error.h"
#include "im/lang.h"

/* The roster. A name or a list of groups is changed; the rest of the contact stays. */
static void contact_set(const char *jid, const char *name, const char *const *groups, size_t n)
{
    struct mynah_client *c = command_client();

    if (c)
        mynah_roster_set(c, jid, name, groups, n, command_done, N_("it is in the roster"));
}

/* NULL, and said so: it is not in the roster. */
static const struct mynah_contact *contact(const char *who)
{
    const char *jid = command_person(who);
    const struct mynah_contact *k = jid ? mynah_roster_find(command_client(), jid) : NULL;

    if (jid && !k)
        tui_note(IM_ERROR, _("%s is not in the roster"), jid);
    return k;
}

/* Who is there already keeps the groups, and the name if there is no other. */
static void roster_add(char **args, int count)
{
    const char *jid = command_person(args[0]), *name = command_last(args, count, 1);
    const struct mynah_contact *k = jid ? mynah_roster_find(command_client(), jid) : NULL;

    if (jid)
        contact_set(jid, name || !k ? name : k->name, k ? k->groups : NULL, k ? k->group_count : 0);
}

static void roster_remove(char **args, int count)
{
    const struct mynah_contact *k = contact(args[0]);

    if (k)
        mynah_roster_remove(command_client(), k->jid, command_done,
                            N_("it is in the roster no more"));
}

static void roster_nick(char **args, int count)
{
    const struct mynah_contact *k = contact(args[0]);

    if (k)
        contact_set(k->jid, command_last(args, count, 1), k->groups, k->group_count);
}

/* With one group more, or without it. */
static void regroup(const char *jid, const char *group, bool in)
{
    const struct mynah_contact *k = contact(jid);
    const char **groups;
    size_t n = 0;

    if (!k)
        return;
    groups = mn_alloc((k->group_count + 1) * sizeof *groups);
    for (size_t i = 0; i < k->group_count; i++)
        if (strcmp(k->groups[i], group) != 0)
            groups[n++] = k->groups[i];
    if (in)
        groups[n++] = group;
    contact_set(k->jid, k->name, groups, n);
    mn_free(groups);
}

void contact_tell(const struct mynah_contact *k)
{
    struct mn_buf b = {0};

    mn_buf_fmt(&b, "%s %s %s", mynah_roster_resource(tui_account()->client, k->jid, 0) ? "●" : "○",
               im_name(tui_account(), k->jid), k->jid);
    for (size_t i = 0; i < k->group_count; i++)
        mn_buf_fmt(&b, "%s%s", i ? ", " : " · ", k->groups[i]);
    if (k->subscription != MYNAH_BOTH)
        mn_buf_fmt(&b, " · %s",
                   k->asked                        ? _("not answered yet")
                   : k->subscription == MYNAH_TO   ? _("you see them")
                   : k->subscription == MYNAH_FROM ? _("they see you")
                                                   : _("nobody sees the other"));
    tui_note(IM_NOTE, "%.*s", MN_ARG(mn_buf_view(&b)));
    mn_buf_free(&b);
}

static void roster_list(void)
{
    struct mynah_client *c = command_client();
    const struct mynah_contact *k;
    size_t n = 0;

    for (; c && (k = mynah_roster_at(c, n)); n++)
        contact_tell(k);
    if (c && !n)
        tui_note(IM_NOTE, "%s", _("there are no contacts; /roster add begins"));
}

static void roster_group(char **args, int count)
{
    if (!strcmp(args[0], "add") || !strcmp(args[0], "remove"))
        regroup(args[1], command_last(args, count, 2), *args[0] == 'a');
    else
        do_help((char *[]){"roster", NULL}, 1);
}

void do_roster(char **args, int count)
{
    static const struct command_part parts[] = {{"add", 1, roster_add},
                                                {"remove", 1, roster_remove},
                                                {"nick", 2, roster_nick},
                                                {"group", 3, roster_group},
                                                {0}};

    if (count)
        command_parts("roster", parts, args, count);
    else
        roster_list();
}

/* Blocking. */

static void blocked_add(char **args, int count)
{
    const char *jid = command_peer(args[0]);

    if (jid)
        mynah_block(command_client(), jid, command_done, N_("blocked"));
}

static void blocked_remove(char **args, int count)
{
    if (command_client())
        mynah_unblock(command_client(), args[0], command_done, N_("not blocked any more"));
}

static void unblock_picked(void *arg, struct im_chat *chat, enum form_end end, int value,
                           struct im_form **asked)
{
    struct query *q = arg;

    if (end == FORM_PICKED && query_client(q))
        mynah_unblock(query_client(q), (*asked)->rows[value].key, command_done,
                      N_("not blocked any more"));
    query_free(q);
}

static void blocked_came(void *arg, struct mynah_client *c, const char *const *jids, size_t count,
                         const struct mynah_error *error)
{
    struct query *q = arg;
    struct im_form *form;

    if (query_failed(q, error))
        return;
    form = im_form_new(_("Blocked"), _("Enter unblocks one; letters look for it."));
    im_form_column(form, _("Address"));
    for (size_t i = 0; i < count; i++)
        im_form_cell(form, im_form_row(form, jids[i]), 0, jids[i]);
    page_pick(page_chat(q->chat), &form, unblock_picked, q);
}

static void blocked_list(char **args, int count)
{
    struct query *q = query_new(NULL, NULL);

    if (q)
        mynah_blocking_get(query_client(q), blocked_came, q);
}

void do_blocked(char **args, int count)
{
    static const struct command_part parts[] = {
        {"add", 0, blocked_add}, {"remove", 1, blocked_remove}, {"list", 0, blocked_list}, {0}};

    if (count)
        command_parts("blocked", parts, args, count);
    else
        blocked_list(args, count);
}

/* vCards. */

static const struct {
    const char *var, *label;
    size_t at;
} card_texts[] = {
    {"full_name", N_("Full name"), offsetof(struct mynah_vcard, full_name)},
    {"nickname", N_("Nickname"), offsetof(struct mynah_vcard, nickname)},
    {"birthday", N_("Birthday"), offsetof(struct mynah_vcard, birthday)},
    {"url", N_("Web page"), offsetof(struct mynah_vcard, url)},
    {"org", N_("Organisation"), offsetof(struct mynah_vcard, org)},
    {"title", N_("Position"), offsetof(struct mynah_vcard, title)},
    {"desc", N_("About"), offsetof(struct mynah_vcard, desc)},
};

static const char **card_text(const struct mynah_vcard *v, size_t i)
{
    return (const char **)((char *)v + card_texts[i].at);
}

static struct im_form *card_form(const struct mynah_vcard *v, enum im_field_kind kind)
{
    bool none = kind == IM_FIELD_FIXED && !v->email_count && !v->phone_count;
    struct im_form *form;

    for (size_t i = 0; i < MN_COUNT(card_texts); i++)
        none = none && !*card_text(v, i);
    form = im_form_new(_("vCard"), none ? _("nothing") : NULL);
    for (size_t i = 0; i < MN_COUNT(card_texts); i++)
        if (kind != IM_FIELD_FIXED || *card_text(v, i))
            im_form_add(form, kind, card_texts[i].var, _(card_texts[i].label), *card_text(v, i));
    for (size_t i = 0; kind == IM_FIELD_FIXED && i < v->email_count; i++)
        im_form_add(form, kind, "email", _("E-mail"), v->emails[i].value);
    for (size_t i = 0; kind == IM_FIELD_FIXED && i < v->phone_count; i++)
        im_form_add(form, kind, "phone", _("Phone"), v->phones[i].value);
    return form;
}

bool card_tell(const struct query *q, const struct mynah_vcard *v)
{
    struct im_form *form = card_form(v, IM_FIELD_FIXED);
    bool told;

    for (size_t i = 0; i < form->count; i++)
        query_note(q, IM_NOTE, "%s: %s: %s", q->jid, form->fields[i].label, form->fields[i].value);
    told = form->count;
    im_form_free(form);
    return told;
}

static void card_came(void *arg, struct mynah_client *c, const struct mynah_vcard *v,
                      const struct mynah_error *error)
{
    struct query *q = arg;
    struct im_form *form = v ? card_form(v, IM_FIELD_FIXED) : NULL;

    if (error)
        query_fail(q, error);
    else
        page_show(page_chat(q->chat), &form);
    query_free(q);
}

static void vcard_get(char **args, int count)
{
    struct query *q = query_to(args[0], false);

    if (q)
        mynah_vcard_get(query_client(q), q->jid, card_came, q);
}

/* What a filled form says, over the card that is there now. */
static void card_put(void *arg, struct mynah_client *c, const struct mynah_vcard *v,
                     const struct mynah_error *error)
{
    struct query *q = arg;
    struct mynah_vcard card = v ? *v : (struct mynah_vcard){0};
    char *unread = im_vcard_unread(error);

    if (unread) {
        if (error->code == MYNAH_E_CANCELLED) /* all is over */
            query_free(q);
        else
            query_open(q, &q->form, unread);
        mn_free(unread);
        return;
    }
    card.size = sizeof card;
    for (size_t i = 0; i < MN_COUNT(card_texts); i++) {
        const char *text = im_form_value(q->form, card_texts[i].var);

        *card_text(&card, i) = *text ? text : NULL;
    }
    mynah_vcard_set(c, &card, query_sent, q);
}

static void card_send(struct query *q, int button)
{
    mynah_vcard_get(query_client(q), NULL, card_put, q);
}

static void card_asked(void *arg, struct mynah_client *c, const struct mynah_vcard *v,
                       const struct mynah_error *error)
{
    static const struct mynah_vcard none;
    struct query *q = arg;
    char *unread = im_vcard_unread(error);
    struct im_form *form = unread ? NULL : card_form(v ? v : &none, IM_FIELD_TEXT);

    if (unread) {
        query_note(q, IM_ERROR, "%s", unread);
        query_free(q);
    } else {
        query_open(q, &form, NULL);
    }
    mn_free(unread);
}

static void vcard_set(char **args, int count)
{
    struct query *q = query_new(NULL, NULL);

    if (!q)
        return;
    q->send = card_send;
    q->sent = N_("the vCard is kept");
    mynah_vcard_get(query_client(q), NULL, card_asked, q);
}

void do_vcard(char **args, int count)
{
    static const struct command_part parts[] = {{"get", 0, vcard_get}, {"set", 0, vcard_set}, {0}};

    command_parts("vcard", parts, args, count);
}
