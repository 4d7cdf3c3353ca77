/* Who was written to, or a room that is entered, wants to see that a person is there (XEP-0158): a
 * question, so that no form opens under somebody's fingers, and behind a yes what is asked, with
 * the file of a picture that it is about. */
#include <stdio.h>

#include "apps/mynah/commands.h"
#include "apps/mynah/tui_page.h"
#include "apps/mynah/tui_question.h"
#include "im/error.h"
#include "im/lang.h"

enum { RIDDLES_MAX = 20 };

struct riddle {
    struct mn_list link;
    struct question question;
    struct im_account_state *account;
    struct im_chat *chat;
    char *from, *id;
    struct im_form *form;
    bool over; /* its window is closed: nothing is said of it any more */
};
static struct mn_list riddles = {&riddles, &riddles};

static void riddle_free(struct riddle *r)
{
    question_drop(&r->question);
    mn_list_del(&r->link);
    im_form_free(r->form);
    mn_free(r->from);
    mn_free(r->id);
    mn_free(r);
}

static void refuse(struct riddle *r)
{
    (void)!mynah_captcha_refuse(r->account->client, r->from, r->id);
    riddle_free(r);
}

static void told(void *arg, struct mynah_client *c, const struct mynah_elem *result,
                 const struct mynah_error *error)
{
    struct riddle *r = arg;
    char *text = error ? im_error_text(error) : NULL;

    if (!r->over && error)
        im_note(page_chat(r->chat), IM_ERROR, _("%s does not accept the answer: %s"), r->from,
                text);
    else if (!r->over)
        im_note(page_chat(r->chat), IM_NOTE, _("%s accepts the answer"), r->from);
    mn_free(text);
    riddle_free(r);
}

static void filled(void *arg, struct im_chat *chat, enum form_end end, int value,
                   struct im_form **asked)
{
    struct riddle *r = arg;
    struct mynah_form *answer;

    if (end == FORM_LEFT || value < 0) {
        refuse(r);
        return;
    }
    answer = im_form_answer(*asked);
    mynah_captcha_answer(r->account->client, r->from, answer, told, r);
    mynah_form_free(answer);
}

static void fetched(void *arg)
{
    static const struct form_button buttons[] = {
        {N_("Send"), 0, true}, {N_("Cancel"), -1, false}, {0}};
    struct riddle *r = arg;

    if (r->over)
        riddle_free(r);
    else
        page_open(page_chat(r->chat), &r->form, buttons, NULL, filled, r);
}

static void answered(struct question *q, enum answer answer)
{
    struct riddle *r = MN_OF(q, struct riddle, question);

    if (answer == ANSWER_NO)
        refuse(r);
    else
        im_form_fetch(r->form, r->account->client, r->from, fetched, r);
}

static bool is_too_much(void)
{
    unsigned n = 0;

    MN_LIST_EACH(at, &riddles)
    n++;
    return n >= RIDDLES_MAX;
}

static char *copy(const char *text)
{
    return text ? mn_str_dup(mn_str_from(text)) : NULL;
}

void tui_captcha_asked(struct im_account_state *a, struct im_chat *chat,
                       const struct mynah_captcha *q)
{
    struct riddle *r;
    char text[300];

    if (is_too_much())
        return;
    r = MN_NEW(struct riddle);
    r->account = a;
    r->chat = chat;
    r->from = copy(q->from);
    r->id = copy(q->id);
    r->form = im_form_read(q->form);
    im_form_media(r->form, q->xml);
    mn_list_init(&r->link);
    mn_list_add(&riddles, &r->link);
    if (q->body)
        im_note(chat, IM_NOTE, "%s: %s", q->from, q->body);
    snprintf(text, sizeof text, _("%.200s wants to see that you are a person"), q->from);
    question_ask(&r->question, a, chat->account ? chat->jid : NULL, text, answered);
    chat->unread++;
    chat->mentioned = true;
    im_note(chat, IM_NOTE, _("%s: Alt-y shows what is asked, Alt-n says no"), text);
}

void tui_captcha_closed(const struct im_chat *chat)
{
    MN_LIST_EACH(at, &riddles)
    {
        struct riddle *r = MN_OF(at, struct riddle, link);

        if (r->chat != chat)
            continue;
        r->over = true;
        if (r->question.text)
            riddle_free(r);
    }
}
