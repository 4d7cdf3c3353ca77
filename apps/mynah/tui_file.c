/* Files in the terminal client: /sendfile offers one, and one that is offered waits for Alt-y,
 * Alt-n or /file. How it goes stands in one line of the talk. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "apps/mynah/commands.h"
#include "apps/mynah/text.h"
#include "apps/mynah/tui_question.h"
#include "base/clock.h"
#include "base/file.h"
#include "im/error.h"
#include "im/lang.h"
#include "im/transfer.h"

/* What waits for a person; strangers only take a few of these places. */
enum { OFFERS_MAX = 20, STRANGERS_MAX = 5, SHOWN_EVERY_MS = 250 };

struct entry {
    struct mn_list link;
    struct im_account_state *account;
    struct im_transfer *t;
    struct question question;
    bool waits; /* for a person */
    int64_t shown;
};
static struct mn_list entries = {&entries, &entries};
static unsigned offers;

/* Where it is told: the talk with that person, or when it was closed the program's own page. */
static struct im_chat *chat_of(const struct entry *e)
{
    char *bare = mynah_jid_bare(e->t->peer);
    struct im_chat *chat, *found = NULL;

    for (size_t i = 1; bare && !found && (chat = im_chat_at(tui.im, i)); i++)
        if (chat->account == e->account && !strcmp(chat->jid, bare))
            found = chat;
    mynah_free(bare);
    return found ? found : im_chat_at(tui.im, 0);
}

static void show(struct entry *e, enum im_kind kind, const char *fmt, ...) MN_PRINTF(3, 4);

static void show(struct entry *e, enum im_kind kind, const char *fmt, ...)
{
    char text[600];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    im_note_again(chat_of(e), e->t->number, kind, "%s", text);
}

static void entry_free(struct entry *e)
{
    offers -= e->waits;
    question_drop(&e->question);
    mn_list_del(&e->link);
    mn_free(e);
}

static struct entry *entry_new(struct im_account_state *a, struct im_transfer *t)
{
    struct entry *e = MN_NEW(struct entry);

    e->account = a;
    e->t = t;
    mn_list_init(&e->link);
    mn_list_add(&entries, &e->link);
    t->arg = e;
    return e;
}

static void progress(void *arg, struct im_transfer *t)
{
    struct entry *e = arg;
    int64_t now = mn_clock_now();
    char size[16];

    if (now - e->shown < SHOWN_EVERY_MS)
        return;
    e->shown = now;
    show(e, IM_NOTE, t->ours ? _("sending %s: %u%% of %s") : _("receiving %s: %u%% of %s"), t->name,
         (unsigned)(t->length ? t->bytes * 100 / t->length : 100),
         im_transfer_size(t->length, size));
}

static void done(void *arg, struct im_transfer *t, const struct mynah_error *error)
{
    struct entry *e = arg;
    char *why = error ? im_error_text(error) : NULL;

    if (error && t->ours && error->condition && !strcmp(error->condition, "forbidden"))
        show(e, IM_NOTE, _("%s was declined"), t->name);
    else if (error)
        show(e, IM_ERROR, "%s: %s", t->name, why);
    else if (t->ours)
        show(e, IM_NOTE, _("%s was sent"), t->name);
    else
        show(e, IM_NOTE, _("%s has come: %s"), t->name, t->path);
    mn_free(why);
    entry_free(e);
}

static const struct im_transfer_calls calls = {progress, done};

/* Sending. */

struct plan {
    struct im_account_state *account;
    char *jid, *path;
};

static void found(void *arg, const char *full)
{
    struct plan *p = arg;
    struct im_chat *chat = tui.quit ? NULL : im_chat_with(p->account, p->jid);
    struct mn_buf why = {0};
    struct im_transfer *t;
    char size[16];

    if (!chat) {
        ; /* all is over */
    } else if (!full) {
        im_note(chat, IM_ERROR, _("nobody there takes files now"));
    } else if (im_transfer_send(p->account->client, full, p->path, NULL, true, &calls, NULL, &t,
                                &why)) {
        im_note(chat, IM_ERROR, "%.*s", MN_ARG(mn_buf_view(&why)));
    } else {
        show(entry_new(p->account, t), IM_NOTE, _("offering %s, %s"), t->name,
             im_transfer_size(t->length, size));
    }
    mn_buf_free(&why);
    mn_free(p->jid);
    mn_free(p->path);
    mn_free(p);
}

char *tui_path(const char *typed)
{
    const char *home = getenv("HOME");
    struct mn_buf b = {0};

    if (!strncmp(typed, "~/", 2) && home)
        mn_buf_fmt(&b, "%s%s", home, typed + 1);
    else
        mn_buf_fmt(&b, "%s", typed);
    mn_buf_c(&b, 0);
    return b.p;
}

void tui_file_send(const char *path)
{
    struct im_chat *chat = tui_chat();
    struct plan *p;

    if (!chat->account || chat->room) {
        tui_note(IM_ERROR, _("files go to one person: /msg begins a talk"));
        return;
    }
    p = MN_NEW(struct plan);
    p->account = chat->account;
    p->jid = mn_str_dup(mn_str_from(chat->jid));
    p->path = tui_path(path);
    im_transfer_find(chat->account->client, chat->jid, found, p);
}

/* Receiving. */

static void answered(struct question *q, enum answer answer);

static void offered(void *arg, struct mynah_client *c, struct mynah_file *f,
                    const struct mynah_file_info *info)
{
    struct im_account_state *a = arg;
    char *shown, size[16], text[300];
    struct entry *e;
    struct im_chat *chat;

    if (offers >= (mynah_roster_sees(c, mynah_file_peer(f)) ? OFFERS_MAX : STRANGERS_MAX)) {
        mynah_file_decline(f, NULL);
        return;
    }
    shown = text_safe(info->name, " ");
    e = entry_new(a, im_transfer_offered(f, info, shown, &calls, NULL));
    e->waits = true;
    offers++;
    (void)im_chat_with(a, e->t->peer);
    chat = chat_of(e);
    snprintf(text, sizeof text, _("%.60s offers %.150s, %s"), im_name(a, e->t->peer), e->t->name,
             im_transfer_size(e->t->length, size));
    question_ask(&e->question, a, e->t->peer, text, answered);
    chat->unread++;
    chat->mentioned = true;
    show(e, IM_NOTE, _("%s offers %s, %s: Alt-y takes it, Alt-n does not (/file)"),
         im_name(a, e->t->peer), e->t->name, im_transfer_size(e->t->length, size));
    mn_free(shown);
}

void tui_file_serve(struct im_account_state *a)
{
    mynah_file_serve(a->client, offered, a);
}

/* $XDG_DOWNLOAD_DIR, or ~/Downloads. */
static char *downloads(void)
{
    const char *xdg = getenv("XDG_DOWNLOAD_DIR");
    char *folder = tui_path(xdg && *xdg ? xdg : "~/Downloads");

    (void)!mn_file_mkdir(folder, 0755); /* taking tells, when it is not there */
    return folder;
}

static struct entry *entry_of(const struct im_chat *chat, bool waits)
{
    MN_LIST_EACH(n, &entries)
    {
        struct entry *e = MN_OF(n, struct entry, link);

        if (e->waits == waits && chat_of(e) == chat)
            return e;
    }
    return NULL;
}

static void take(struct entry *e, const char *folder)
{
    struct mn_buf why = {0};
    char *into = folder ? tui_path(folder) : downloads();
    struct im_chat *chat = chat_of(e);
    struct im_transfer *t = e->t;
    unsigned number = t->number;

    if (access(into, W_OK | X_OK)) { /* another folder may be named */
        im_note(chat, IM_ERROR, "%s: %s", into, strerror(errno));
        mn_free(into);
        return;
    }
    e->waits = false;
    offers--;
    question_drop(&e->question);
    e->shown = mn_clock_now();
    show(e, IM_NOTE, _("receiving %s"), t->name);
    if (im_transfer_accept(t, into, &why)) {
        im_note_again(chat, number, IM_ERROR, "%.*s", MN_ARG(mn_buf_view(&why)));
        entry_free(e);
    }
    mn_buf_free(&why);
    mn_free(into);
}

static void decline(struct entry *e)
{
    show(e, IM_NOTE, _("%s was declined"), e->t->name);
    im_transfer_decline(e->t);
    entry_free(e);
}

static void answered(struct question *q, enum answer answer)
{
    struct entry *e = MN_OF(q, struct entry, question);

    if (answer == ANSWER_NO)
        decline(e);
    else
        take(e, NULL);
}

void tui_file(const char *what, const char *folder)
{
    struct entry *e = entry_of(tui_chat(), strcmp(what, "cancel") != 0);

    if (!strcmp(what, "cancel") && e)
        im_transfer_cancel(e->t);
    else if (!strcmp(what, "cancel"))
        tui_note(IM_ERROR, _("no file is on its way here"));
    else if (strcmp(what, "accept") != 0 && strcmp(what, "decline") != 0)
        command_misused("file");
    else if (!e)
        tui_note(IM_ERROR, _("no file is offered here"));
    else if (*what == 'a')
        take(e, folder);
    else
        decline(e);
}

void tui_file_close(void)
{
    MN_LIST_EACH(n, &entries)
    {
        struct entry *e = MN_OF(n, struct entry, link);

        if (e->waits) {
            im_transfer_decline(e->t);
            entry_free(e);
        } else {
            im_transfer_cancel(e->t);
        }
    }
}
