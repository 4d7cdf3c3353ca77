#include "apps/mynah/tui_question.h"

#include <ncurses.h>
#include <string.h>

#include "apps/mynah/text.h"
#include "apps/mynah/theme.h"
#include "im/lang.h"

static struct mn_list questions = {&questions, &questions};

void question_ask(struct question *q, struct im_account_state *a, const char *jid, const char *text,
                  void (*answered)(struct question *q, enum answer answer))
{
    char *bare = jid ? mynah_jid_bare(jid) : NULL;

    q->account = a;
    q->jid = mn_str_dup(mn_str_from(bare));
    q->text = mn_str_dup(mn_str_from(text));
    q->answered = answered;
    mn_list_init(&q->link);
    mn_list_add(&questions, &q->link);
    mynah_free(bare);
    tui.dirty = true;
}

void question_drop(struct question *q)
{
    if (!q->text)
        return;
    mn_list_del(&q->link);
    mn_free(q->jid);
    mn_free(q->text);
    q->jid = q->text = NULL;
    tui.dirty = true;
}

struct question *question_find(const struct im_account_state *a, const char *jid,
                               void (*answered)(struct question *q, enum answer answer))
{
    MN_LIST_EACH(n, &questions)
    {
        struct question *q = MN_OF(n, struct question, link);

        if (q->account == a && q->answered == answered && (!jid || mynah_jid_same(q->jid, jid)))
            return q;
    }
    return NULL;
}

void question_answer(struct question *q, enum answer answer)
{
    question_drop(q);
    q->answered(q, answer);
}

/* The oldest of the chat that is shown, and how many wait behind it. */
static struct question *shown(size_t *behind)
{
    const struct im_chat *chat = tui_chat();
    struct question *first = NULL;

    *behind = 0;
    MN_LIST_EACH(n, &questions)
    {
        struct question *q = MN_OF(n, struct question, link);

        if (tui.at && !(q->account == chat->account && !strcmp(q->jid, chat->jid)))
            continue;
        *behind += first != NULL;
        first = first ? first : q;
    }
    return first;
}

bool question_key(int key)
{
    size_t behind;
    struct question *q = shown(&behind);

    if (!q || !(key == 'y' || key == 'n' || (key == 's' && q->has_always)))
        return false;
    question_answer(q, key == 'n' ? ANSWER_NO : key == 'y' ? ANSWER_YES : ANSWER_ALWAYS);
    return true;
}

int question_rows(void)
{
    size_t behind;

    return shown(&behind) ? 1 : 0;
}

/* The keys stand at the right, whatever the length of what others gave to it. */
void question_draw(int y)
{
    size_t behind;
    const struct question *q = shown(&behind);
    struct mn_buf keys = {0};
    int width;

    if (!q || y < 0)
        return;
    if (behind)
        mn_buf_fmt(&keys, " (+%zu)", behind);
    mn_buf_fmt(&keys, " %s ",
               q->has_always ? _("Alt-y once · Alt-s always · Alt-n no")
                             : _("Alt-y yes · Alt-n no"));
    mn_buf_c(&keys, 0);
    width = text_width(keys.p);
    attrset(look_of(THEME_news));
    mvhline(y, 0, ' ', COLS);
    attrset(A_NORMAL);
    screen_put(y, 1, COLS - width - 1, look_of(THEME_news), q->text);
    screen_put(y, COLS > width ? COLS - width : 0, width, look_of(THEME_news), keys.p);
    mn_buf_free(&keys);
}
