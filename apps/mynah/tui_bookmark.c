/* Bookmarks of rooms (XEP-0048). The server keeps them as one list: it is asked for, changed and
 * set as a whole. */
#include <string.h>

#include "apps/mynah/tui_query.h"
#include "im/lang.h"

/* What is to become of the bookmark of a room; NULL: that stays as it is. */
enum what { ADD, UPDATE, REMOVE };
enum option { NICK, PASSWORD, NAME, AUTOJOIN };
static const char *const options[] = {"nick", "password", "name", "autojoin"};
struct change {
    struct query *q; /* of the room */
    enum what what;
    char *set[MN_COUNT(options)];
};

static void change_free(struct change *ch)
{
    query_free(ch->q);
    for (size_t i = 0; i < MN_COUNT(options); i++)
        mn_free(ch->set[i]);
    mn_free(ch);
}

static int option_of(const char *word)
{
    for (size_t i = 0; word && i < MN_COUNT(options); i++)
        if (!strcmp(options[i], word))
            return (int)i;
    return -1;
}

/* False: they are none. */
static bool options_read(struct change *ch, char **args, int count)
{
    for (int i = 0; i < count; i += 2) {
        int o = option_of(args[i]);

        if (o < 0 || i + 1 == count ||
            (o == AUTOJOIN && strcmp(args[i + 1], "on") != 0 && strcmp(args[i + 1], "off") != 0))
            return false;
        mn_free(ch->set[o]);
        ch->set[o] = mn_str_dup(mn_str_from(args[i + 1]));
    }
    return true;
}

/* The bookmark that is meant by an address, or by its name; `count`: there is none. */
static size_t bookmark_of(const struct mynah_bookmark *list, size_t count, const char *room)
{
    size_t i = 0;

    while (i < count && !(list[i].jid && (mynah_jid_same(list[i].jid, room) ||
                                          (list[i].name && !strcasecmp(list[i].name, room)))))
        i++;
    return i;
}

static void overlay(struct mynah_bookmark *b, const struct change *ch)
{
    b->jid = b->jid ? b->jid : ch->q->jid;
    b->nick = ch->set[NICK] ? ch->set[NICK] : b->nick;
    b->password = ch->set[PASSWORD] ? ch->set[PASSWORD] : b->password;
    b->name = ch->set[NAME] ? ch->set[NAME] : b->name;
    b->autojoin = ch->set[AUTOJOIN] ? !strcmp(ch->set[AUTOJOIN], "on") : b->autojoin;
}

static void change_came(void *arg, struct mynah_client *c, const struct mynah_bookmark *list,
                        size_t count, const struct mynah_error *error)
{
    static const char *const done[] = {N_("the room is bookmarked"), N_("the bookmark is changed"),
                                       N_("the bookmark is removed")};
    struct change *ch = arg;
    size_t at = bookmark_of(list, count, ch->q->jid);
    struct mynah_bookmark *now = mn_alloc((count + 1) * sizeof *now);

    if (count)
        memcpy(now, list, count * sizeof *now);
    now[count] = (struct mynah_bookmark){0};
    if (error) {
        query_fail(ch->q, error);
    } else if (at == count && ch->what != ADD) {
        query_note(ch->q, IM_ERROR, _("%s is not bookmarked"), ch->q->jid);
    } else {
        if (ch->what == REMOVE)
            memmove(now + at, now + at + 1, (count - at) * sizeof *now);
        else
            overlay(now + at, ch);
        mynah_bookmarks_set(c, now, count + (at == count) - (ch->what == REMOVE), command_done,
                            (void *)done[ch->what]);
    }
    mn_free(now);
    change_free(ch);
}

/* Of the room that is named first, else of the one that is shown, as we are in it. */
static void change(enum what what, char **args, int count)
{
    bool named = count && option_of(args[0]) < 0;
    struct mynah_room *r = named ? NULL : command_room();
    struct query *q = named || r ? query_new(named ? args[0] : mynah_room_jid(r), NULL) : NULL;
    struct change *ch;

    if (!q)
        return;
    ch = MN_NEW(struct change);
    ch->q = q;
    ch->what = what;
    if (what == ADD && r) {
        ch->set[NICK] = mn_str_dup(mn_str_from(mynah_room_nick(r)));
        ch->set[AUTOJOIN] = mn_str_dup(MN_STR("on"));
    }
    if (options_read(ch, args + named, count - named)) {
        mynah_bookmarks_get(query_client(q), change_came, ch);
    } else {
        command_misused("bookmark");
        change_free(ch);
    }
}

static void bookmark_add(char **args, int count)
{
    change(ADD, args, count);
}

static void bookmark_update(char **args, int count)
{
    change(UPDATE, args, count);
}

static void bookmark_remove(char **args, int count)
{
    change(REMOVE, args, count ? 1 : 0);
}

/* Entering. */

static void join_came(void *arg, struct mynah_client *c, const struct mynah_bookmark *list,
                      size_t count, const struct mynah_error *error)
{
    struct query *q = arg;
    size_t at = bookmark_of(list, count, q->node);
    struct im_chat *chat;

    if (query_failed(q, error))
        return;
    chat = at < count ? im_room_join(q->account, list[at].jid, list[at].nick, list[at].password)
                      : NULL;
    if (chat)
        tui_show(chat);
    else
        query_note(q, IM_ERROR, _("%s is not bookmarked"), q->node);
    query_free(q);
}

static void join(const char *room)
{
    struct query *q = query_new(NULL, room);

    if (q)
        mynah_bookmarks_get(query_client(q), join_came, q);
}

static void bookmark_join(char **args, int count)
{
    join(command_last(args, count, 0));
}

static void picked(void *arg, struct im_chat *chat, enum form_end end, int value,
                   struct im_form **asked)
{
    struct query *q = arg;

    if (end == FORM_PICKED && query_client(q))
        join((*asked)->rows[value].key);
    query_free(q);
}

static void list_came(void *arg, struct mynah_client *c, const struct mynah_bookmark *list,
                      size_t count, const struct mynah_error *error)
{
    struct query *q = arg;
    struct im_form *form;

    if (query_failed(q, error))
        return;
    form = im_form_new(_("Bookmarks"), _("Enter goes into a room; letters look for one."));
    im_form_column(form, _("Room"));
    im_form_column(form, _("Name"));
    im_form_column(form, _("Nickname"));
    im_form_column(form, _("At the login"));
    for (size_t i = 0; i < count; i++) {
        struct im_row *row = list[i].jid ? im_form_row(form, list[i].jid) : NULL;

        im_form_cell(form, row, 0, list[i].jid);
        im_form_cell(form, row, 1, list[i].name);
        im_form_cell(form, row, 2, list[i].nick);
        im_form_cell(form, row, 3, list[i].autojoin ? _("entered") : "");
    }
    page_pick(page_chat(q->chat), &form, picked, q);
}

static void bookmark_list(char **args, int count)
{
    struct query *q = query_new(NULL, NULL);

    if (q)
        mynah_bookmarks_get(query_client(q), list_came, q);
}

void do_bookmark(char **args, int count)
{
    static const struct command_part parts[] = {
        {"list", 0, bookmark_list},     {"add", 0, bookmark_add},   {"update", 0, bookmark_update},
        {"remove", 0, bookmark_remove}, {"join", 1, bookmark_join}, {0}};

    if (count)
        command_parts("bookmark", parts, args, count);
    else
        bookmark_list(args, count);
}
