#include "apps/mynah/tui_query.h"

#include <stdarg.h>
#include <string.h>

#include "im/error.h"
#include "im/lang.h"

static char *copy(const char *text)
{
    return text ? mn_str_dup(mn_str_from(text)) : NULL;
}

static struct mn_list queries = {&queries, &queries};

struct query *query_new(const char *jid, const char *node)
{
    struct mn_buf why = {0};
    struct query *q;
    bool wrong = jid && im_address_check(mn_str_from(jid), false, &why);

    if (wrong) /* nobody would answer */
        tui_note(IM_ERROR, "%.*s", MN_ARG(mn_buf_view(&why)));
    mn_buf_free(&why);
    if (wrong || !command_client())
        return NULL;
    q = MN_NEW(struct query);
    mn_list_init(&q->link);
    mn_list_add(&queries, &q->link);
    q->chat = tui_chat();
    q->account = tui_account();
    q->jid = copy(jid);
    q->node = copy(node);
    return q;
}

struct query *query_to(const char *who, bool program)
{
    struct im_chat *here = tui_chat();
    const struct mynah_resource *r = NULL;
    struct mn_buf inside = {0};
    const char *jid = NULL;
    struct query *q;

    if (who && here->room && mynah_room_occupant(here->room, who)) {
        mn_buf_fmt(&inside, "%s/%s", here->jid, who);
        mn_buf_c(&inside, 0);
        jid = inside.p;
    } else if (who && !(jid = command_person(who))) {
        return NULL;
    }
    if (program && jid && !strchr(jid, '/'))
        r = mynah_roster_resource(tui_account()->client, jid, 0);
    q = query_new(r ? r->jid : jid, NULL);
    mn_buf_free(&inside);
    return q;
}

void query_free(struct query *q)
{
    mn_list_del(&q->link);
    im_form_free(q->form);
    mn_free(q->jid);
    mn_free(q->node);
    mn_free(q->session);
    mn_free(q);
}

/* A room that is gone answers nobody. */
void query_closed(const struct im_chat *chat)
{
    MN_LIST_EACH(n, &queries)
    {
        struct query *q = MN_OF(n, struct query, link);

        if (q->chat == chat)
            mynah_cancel(q->room);
    }
}

struct mynah_client *query_client(const struct query *q)
{
    for (size_t i = 0; i < im_account_count(tui.im); i++)
        if (im_account_at(tui.im, i) == q->account)
            return q->account->client;
    return NULL;
}

void query_note(const struct query *q, enum im_kind kind, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    im_notev(page_chat(q->chat), kind, fmt, ap);
    va_end(ap);
}

void query_fail(const struct query *q, const struct mynah_error *error)
{
    char *text = im_error_text(error);

    query_note(q, IM_ERROR, "%s%s%s", q->jid ? q->jid : "", q->jid ? ": " : "", text);
    mn_free(text);
}

bool query_failed(struct query *q, const struct mynah_error *error)
{
    if (!error)
        return false;
    query_fail(q, error);
    query_free(q);
    return true;
}

static void done(void *arg, struct im_chat *chat, enum form_end end, int value,
                 struct im_form **asked)
{
    struct query *q = arg;

    if (end == FORM_LEFT || value < 0 || !query_client(q)) {
        if (q->left && query_client(q))
            q->left(q);
        query_free(q);
        return;
    }
    im_form_free(q->form);
    q->form = *asked;
    *asked = NULL;
    q->send(q, value);
}

void query_open(struct query *q, struct im_form **form, const char *error)
{
    static const struct form_button usual[] = {{N_("Save"), 0, true}, {N_("Cancel"), -1, false}};

    if (!q->buttons[0].label)
        memcpy(q->buttons, usual, sizeof usual);
    page_open(page_chat(q->chat), form, q->buttons, error, done, q);
}

void query_came(struct query *q, const struct mynah_form *form, const struct mynah_error *error)
{
    struct im_form *read = form ? im_form_read(form) : NULL;

    if (read) {
        query_open(q, &read, NULL);
        return;
    }
    if (error)
        query_fail(q, error);
    else
        query_note(q, IM_ERROR, _("it sent no form"));
    query_free(q);
}

void query_sent(void *arg, struct mynah_client *c, const struct mynah_elem *result,
                const struct mynah_error *error)
{
    struct query *q = arg;
    char *text;

    if (error && (error->code == MYNAH_E_STANZA || error->code == MYNAH_E_TIMEOUT) && q->form) {
        text = im_error_text(error);
        query_open(q, &q->form, text);
        mn_free(text);
        return;
    }
    if (error)
        query_fail(q, error);
    else if (q->sent)
        query_note(q, IM_NOTE, "%s", _(q->sent));
    query_free(q);
}
