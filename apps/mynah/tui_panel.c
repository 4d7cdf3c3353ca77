/* People on the right: in a room who is there, by what they may; else the contacts by their groups,
 * with how many of their words are unread. */
#include <ncurses.h>
#include <stdio.h>
#include <string.h>

#include "apps/mynah/text.h"
#include "apps/mynah/theme.h"
#include "apps/mynah/tui.h"
#include "im/lang.h"

enum { WIDTH = 26, FROM = 80 };

struct entry {
    struct im_account_state *account;
    char *jid; /* in a room: the nickname; NULL: the name of a group */
    char *text;
    const char *tail; /* at the right edge; NULL */
    int attrs;
};

static struct {
    struct entry *items;
    size_t count, cap;
    char *filter;
    int scroll, top;  /* first entry that is shown, its row on the screen */
    bool is_gathered; /* the entries are those of now: a key that is typed changes none */
} panel;

int panel_width(void)
{
    return tui.panel && COLS >= FROM && im_account_count(tui.im) ? WIDTH : 0;
}

void panel_changed(void)
{
    panel.is_gathered = false;
    tui.dirty = true;
}

void panel_filter(const char *words)
{
    panel_changed();
    mn_free(panel.filter);
    panel.filter = words ? mn_str_dup(mn_str_from(words)) : NULL;
    panel.scroll = 0;
}

void panel_scroll(int rows)
{
    panel.scroll = panel.scroll + rows < 0 ? 0 : panel.scroll + rows;
}

static void clear_entries(void)
{
    for (size_t i = 0; i < panel.count; i++) {
        mn_free(panel.items[i].jid);
        mn_free(panel.items[i].text);
    }
    panel.count = 0;
}

void panel_close(void)
{
    clear_entries();
    mn_free(panel.items);
    mn_free(panel.filter);
}

static void entry_add(struct im_account_state *a, const char *jid, int attrs, char *text)
{
    if (panel.count == panel.cap) {
        panel.cap = panel.cap ? 2 * panel.cap : 64;
        panel.items = mn_realloc(panel.items, panel.cap * sizeof *panel.items);
    }
    panel.items[panel.count++] =
        (struct entry){a, jid ? mn_str_dup(mn_str_from(jid)) : NULL, text, NULL, attrs};
}

static MN_PRINTF(1, 2) char *text_of(const char *fmt, ...)
{
    char text[300];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    return mn_str_dup(mn_str_from(text));
}

static bool is_wanted(const char *name, const char *jid)
{
    return !panel.filter || strcasestr(name, panel.filter) ||
           (jid && strcasestr(jid, panel.filter));
}

static void of_role(struct im_chat *chat, enum mynah_role role, const char *name)
{
    static const char *const marks[] = {" ", " ", "+", "@"};
    static const char *const tails[] = {NULL, N_("outcast"), N_("member"), N_("admin"),
                                        N_("owner")};
    size_t head = panel.count;
    const struct mynah_occupant *o;

    entry_add(chat->account, NULL, look_of(THEME_group), NULL);
    for (size_t i = 0; (o = mynah_room_at(chat->room, i)); i++)
        if (o->role == role && is_wanted(o->nick, o->jid)) {
            entry_add(chat->account, o->nick, look_name(o->nick),
                      text_of("%s %.200s", marks[role], o->nick));
            panel.items[panel.count - 1].tail = tails[o->affiliation];
        }
    if (panel.count == head + 1)
        panel.count--;
    else
        panel.items[head].text = text_of("%s (%zu)", name, panel.count - head - 1);
}

static void occupants(struct im_chat *chat)
{
    of_role(chat, MYNAH_MODERATOR, _("Moderators"));
    of_role(chat, MYNAH_PARTICIPANT, _("Participants"));
    of_role(chat, MYNAH_VISITOR, _("Visitors"));
    of_role(chat, MYNAH_NO_ROLE, _("Others"));
}

static unsigned unread_of(const struct im_account_state *a, const char *jid)
{
    for (size_t i = 1; i < im_chat_count(tui.im); i++) {
        const struct im_chat *chat = im_chat_at(tui.im, i);

        if (chat->account == a && !strcmp(chat->jid, jid))
            return chat == tui_chat() ? 0 : chat->unread;
    }
    return 0;
}

static void contact(struct im_account_state *a, const struct mynah_contact *k,
                    const struct mynah_resource *res)
{
    const char *name = im_name(a, k->jid), *mark = mark_of(res ? res->show : MYNAH_UNAVAILABLE);
    unsigned unread = unread_of(a, k->jid);

    if (!is_wanted(name, k->jid))
        return;
    if (unread)
        entry_add(a, k->jid, A_BOLD, text_of("%s %.200s (%u)", mark, name, unread));
    else
        entry_add(a, k->jid, res ? 0 : look_of(THEME_away), text_of("%s %.200s", mark, name));
}

static bool is_in(const struct mynah_contact *k, const char *group)
{
    for (size_t i = 0; i < k->group_count; i++)
        if (group && !strcmp(k->groups[i], group))
            return true;
    return !group && !k->group_count;
}

/* `group` NULL: those in none. */
static void members(struct im_account_state *a, const char *group)
{
    const struct mynah_contact *k;
    size_t before = panel.count;

    if (group)
        entry_add(a, NULL, look_of(THEME_group), text_of("%.200s", group));
    for (int online = 1; online >= 0; online--)
        for (size_t n = 0; (k = mynah_roster_at(a->client, n)); n++) {
            const struct mynah_resource *res =
                is_in(k, group) ? mynah_roster_resource(a->client, k->jid, 0) : NULL;

            if (is_in(k, group) && (res != NULL) == online)
                contact(a, k, res);
        }
    if (group && panel.count == before + 1)
        mn_free(panel.items[--panel.count].text);
}

/* The next group in the order of their names; NULL: that was the last. */
static const char *group_after(struct im_account_state *a, const char *last)
{
    const struct mynah_contact *k;
    const char *best = NULL;

    for (size_t n = 0; (k = mynah_roster_at(a->client, n)); n++)
        for (size_t i = 0; i < k->group_count; i++)
            if ((!last || strcmp(k->groups[i], last) > 0) &&
                (!best || strcmp(k->groups[i], best) < 0))
                best = k->groups[i];
    return best;
}

static void people(void)
{
    struct im_account_state *a;
    const char *jid;

    for (size_t i = 0; (jid = im_asked_at(tui.im, i, &a)); i++)
        entry_add(a, jid, look_of(THEME_error), text_of("? %.200s", jid));
    for (size_t i = 0; (a = im_account_at(tui.im, i)); i++) {
        members(a, NULL);
        for (const char *group = NULL; (group = group_after(a, group));)
            members(a, group);
    }
}

static void entry_draw(int y, const struct entry *e)
{
    const char *tail = e->tail ? _(e->tail) : "";
    int width = *tail ? text_width(tail) + 1 : 0;

    screen_put(y, COLS - WIDTH, WIDTH - width, e->attrs, e->text);
    if (width)
        screen_put(y, COLS - width + 1, width, look_of(THEME_away), tail);
}

static void gather(void)
{
    if (panel.is_gathered)
        return;
    panel.is_gathered = true;
    clear_entries();
    if (tui_chat()->room)
        occupants(tui_chat());
    else
        people();
}

void panel_draw(int top, int height)
{
    int most;

    if (!panel_width())
        return;
    gather();
    most = (int)panel.count > height ? (int)panel.count - height : 0;
    panel.scroll = panel.scroll > most ? most : panel.scroll;
    panel.top = top;
    attrset(look_of(THEME_rule));
    mvvline(top, COLS - WIDTH - 1, ACS_VLINE, height);
    attrset(A_NORMAL);
    for (int i = 0; i < height && panel.scroll + i < (int)panel.count; i++)
        entry_draw(top + i, &panel.items[panel.scroll + i]);
}

void panel_click(int y)
{
    size_t i = (size_t)(panel.scroll + y - panel.top);
    struct im_chat *chat;

    if (y < panel.top || i >= panel.count || !panel.items[i].jid)
        return;
    if (!tui_chat()->room)
        chat = im_chat_with(panel.items[i].account, panel.items[i].jid);
    else if (!strcmp(panel.items[i].jid, mynah_room_nick(tui_chat()->room)))
        chat = NULL; /* nobody talks with himself */
    else
        chat = im_chat_private(tui_chat(), panel.items[i].jid);
    if (chat)
        tui_show(chat);
}
