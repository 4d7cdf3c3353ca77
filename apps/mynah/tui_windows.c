/* Windows by their number or their name. */
#include <string.h>

#include "apps/mynah/commands.h"
#include "base/num.h"
#include "im/lang.h"

/* What it is called in the bar, or with whom one talks there. */
static bool is_called(const struct im_chat *chat, const char *what)
{
    char *user = chat->account && !chat->occupant ? mynah_jid_user(chat->jid) : NULL;
    bool yes = !strcasecmp(chat->title, what) || (chat->account && !strcmp(chat->jid, what)) ||
               (user && (!strcasecmp(user, what) || mynah_jid_same(chat->jid, what)));

    mynah_free(user);
    return yes;
}

/* 0 is the tenth, as Alt-0; NULL, and said so: there is none. */
static struct im_chat *window(const char *what)
{
    struct im_chat *chat = NULL;
    uint64_t n;

    if (mn_num_parse(mn_str_from(what), UINT16_MAX, &n))
        chat = im_chat_at(tui.im, n ? (size_t)n - 1 : 9);
    for (size_t i = 0; !chat && i < im_chat_count(tui.im); i++)
        if (is_called(im_chat_at(tui.im, i), what))
            chat = im_chat_at(tui.im, i);
    if (!chat)
        tui_note(IM_ERROR, _("there is no window %s; /wins lists them"), what);
    return chat;
}

void do_win(char **args, int count)
{
    struct im_chat *chat = window(command_last(args, count, 0));

    if (chat)
        tui_show(chat);
}

void do_wins(char **args, int count)
{
    for (size_t i = 0; i < im_chat_count(tui.im); i++) {
        const struct im_chat *chat = im_chat_at(tui.im, i);
        struct mn_buf b = {0};

        mn_buf_fmt(&b, "%zu: %s", i + 1, chat->title);
        if (*chat->jid)
            mn_buf_fmt(&b, " (%s)", chat->jid);
        if (chat->unread)
            mn_buf_fmt(&b, _(" · %u unread"), chat->unread);
        tui_note(IM_NOTE, "%.*s", MN_ARG(mn_buf_view(&b)));
        mn_buf_free(&b);
    }
}

static void close_one(struct im_chat *chat)
{
    if (chat == im_chat_at(tui.im, 0))
        tui_note(IM_ERROR, _("this page stays; /quit ends"));
    else
        im_chat_close(chat);
}

/* But the program's own page; `read`: and those with something unread. */
static void close_all(bool read)
{
    tui_show(im_chat_at(tui.im, 0)); /* or what is shown behind each would be read by that */
    for (size_t i = im_chat_count(tui.im); i-- > 1;)
        if (!read || !im_chat_at(tui.im, i)->unread)
            im_chat_close(im_chat_at(tui.im, i));
}

void do_close(char **args, int count)
{
    struct im_chat *chat;

    if (!count)
        close_one(tui_chat());
    else if (!strcmp(args[0], "all") || !strcmp(args[0], "read"))
        close_all(*args[0] == 'r');
    else if ((chat = window(command_last(args, count, 0))))
        close_one(chat);
}

void do_leave(char **args, int count)
{
    if (tui_chat()->room)
        im_chat_close(tui_chat());
    else
        tui_note(IM_ERROR, _("this is no room"));
}

void do_clear(char **args, int count)
{
    tui_clear(tui_chat());
}
