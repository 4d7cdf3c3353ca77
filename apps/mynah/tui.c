/* The terminal client: waits for keys and for the network alike, never for one of them alone. */
#include <langinfo.h>
#include <ncurses.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "apps/mynah/socket.h"
#include "apps/mynah/commands.h"
#include "apps/mynah/tui_page.h"
#include "apps/mynah/tui_question.h"
#include "im/error.h"
#include "im/lang.h"

struct tui tui;

static struct im_history *history;
static sigset_t waiting; /* signals that are held otherwise come then */

struct im_chat *tui_chat(void)
{
    return im_chat_at(tui.im, tui.at);
}

void tui_note(enum im_kind kind, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    im_notev(tui_chat(), kind, fmt, ap);
    va_end(ap);
}

struct im_account_state *tui_account(void)
{
    return tui_chat()->account ? tui_chat()->account
           : tui.account       ? tui.account
                               : im_account_at(tui.im, 0);
}

/* What is written in a window and not said waits there, so that it is said nowhere else, and over
 * the end of the program. */
void tui_draft_keep(void)
{
    char *text;

    if (tui.asking)
        return; /* it is an answer that stands in the line */
    text = mn_str_dup((mn_str){tui.line.text, tui.line.n});
    im_chat_draft(tui_chat(), text);
    mn_free(text);
}

void tui_draft(void)
{
    if (!tui.asking)
        line_set(&tui.line, tui_chat()->draft ? tui_chat()->draft : "");
}

void tui_show(struct im_chat *chat)
{
    bool other = chat != tui_chat();

    im_chat_looked_at(tui_chat());
    if (other) {
        tui_draft_keep();
        im_typing(tui_chat(), false);
    }
    mn_free(tui.found);
    tui.found = NULL;
    for (size_t i = 0; i < im_chat_count(tui.im); i++)
        if (im_chat_at(tui.im, i) == chat)
            tui.at = i;
    if (other)
        tui_draft();
    chat->shown = ++tui.shown;
    im_chat_seen(chat, tui.config.terminal.seen);
    tui.scroll = 0;
    tui.told = chat->told;
    panel_changed();
}

void tui_clear(struct im_chat *chat)
{
    im_chat_clear(chat);
    tui.dirty = true;
}

/* A contact as its lines call it. */
static char *named(mn_str who)
{
    char *jid = mn_str_dup(who), *name = mn_str_dup(mn_str_from(im_name(tui_account(), jid)));

    mn_free(jid);
    return name;
}

/* On the program's page of all talks: with whom each was. */
static void found(void *arg, const struct im_said *m)
{
    char *who, *with = tui_chat()->account ? NULL : mn_str_dup(m->peer), stamp[40];
    time_t at = (time_t)(m->at / 1000);
    size_t *count = arg;
    struct tm tm;

    strftime(stamp, sizeof stamp, "%Y-%m-%d %H:%M", localtime_r(&at, &tm));
    who = tui_chat()->room || !tui_account() ? mn_str_dup(m->who) : named(m->who);
    tui_note(IM_NOTE, "%s %s%s%s%s: %.*s", stamp, m->ours ? _("me") : who, with ? " (" : "",
             with ? with : "", with ? ")" : "", MN_ARG(m->body));
    ++*count;
    mn_free(with);
    mn_free(who);
}

void tui_history(const char *words)
{
    const struct im_chat *chat = tui_chat();
    struct im_history_query q = {.words = mn_str_from(words), .limit = 50};
    size_t count = 0;

    if (chat->account) {
        q.account = mn_str_from(chat->account->jid);
        q.peer = mn_str_from(chat->jid);
    }
    if (!history || im_history_each(history, &q, found, &count))
        tui_note(IM_ERROR, _("there is no history"));
    else if (!count)
        tui_note(IM_NOTE, "%s", _("nothing is found"));
}

void tui_ask(const char *question, bool hidden, void (*answered)(const char *text))
{
    tui_draft_keep();
    im_typing(tui_chat(), false);
    mn_free(tui.asking);
    tui.asking = mn_str_dup(mn_str_from(question));
    tui.answered = answered;
    line_set(&tui.line, "");
    tui.line.hidden = hidden;
}

static void on_chat(void *arg, struct im_chat *chat)
{
    if (tui.im && chat == tui_chat() && !tui.scroll)
        im_chat_seen(chat, tui.config.terminal.seen);
    if (tui.im)
        tui_draft_keep(); /* with what is written to the disk anyway */
    if (chat->unread && chat->mentioned && chat != tui_chat() && tui.config.terminal.bell)
        beep();
    panel_changed();
}

/* Where somebody was before; the program's own page, if nowhere. */
static struct im_chat *shown_before(const struct im_chat *chat)
{
    struct im_chat *last = im_chat_at(tui.im, 0);

    for (size_t i = 1; i < im_chat_count(tui.im); i++)
        if (im_chat_at(tui.im, i) != chat && im_chat_at(tui.im, i)->shown > last->shown)
            last = im_chat_at(tui.im, i);
    return last;
}

static void on_closed(void *arg, struct im_chat *chat)
{
    xml_closed(chat);
    query_closed(chat);
    page_close(chat);
    tui_voice_closed(chat);
    tui_captcha_closed(chat);
    if (chat == tui_chat())
        tui_show(shown_before(chat));
    for (size_t i = 0; i < tui.at; i++)
        tui.at -= im_chat_at(tui.im, i) == chat;
    panel_changed();
}

static void on_people(void *arg)
{
    panel_changed();
}

static void on_asked(void *arg, struct im_account_state *a, const char *jid)
{
    asked_came(a, jid);
    panel_changed();
}

static void on_answered(void *arg, struct im_account_state *a, const char *jid)
{
    asked_over(a, jid);
    panel_changed();
}

static void on_state(void *arg, struct im_account_state *a, enum mynah_state state,
                     const struct mynah_error *why)
{
    struct im_chat *page = im_chat_at(tui.im, 0);
    char *text = why && !certificate_waits(a->client) ? im_error_text(why) : NULL; /* it is asked */

    xml_watch(a->client);
    if (text)
        im_note(page, IM_ERROR, "%s: %s", a->jid, text);
    mn_free(text);
    tui_draft_keep();
    account_state(a, state, why);
    if (state == MYNAH_ONLINE)
        tui_file_serve(a);
    if (state == MYNAH_ONLINE)
        im_note(page, IM_NOTE, _("%s is online (%s)"), mynah_client_jid(a->client),
                mynah_client_tls_name(a->client) ? mynah_client_tls_name(a->client)
                                                 : _("without encryption"));
    if (state == MYNAH_OFFLINE && !why && !tui.quit)
        im_note(page, IM_NOTE, _("%s is logged out"), a->jid);
    if (state == MYNAH_WAITING)
        im_note(page, IM_NOTE, _("%s tries again in %d s"), a->jid,
                (int)(mynah_client_retry_ms(a->client) / 1000) + 1);
    panel_changed();
}

static bool on_certificate(void *arg, struct im_account_state *a,
                           const struct mynah_certificate *cert)
{
    return certificate_trusted(a->client, cert, NULL);
}

static bool on_room_created(void *arg, struct im_chat *chat)
{
    return tui_room_created(chat);
}

static void on_locked(void *arg, struct im_chat *chat)
{
    tui_room_locked(chat);
}

static void on_voice(void *arg, struct im_chat *chat, const struct mynah_form *form)
{
    tui_voice_asked(chat, form);
}

static void on_captcha(void *arg, struct im_account_state *a, struct im_chat *chat,
                       const struct mynah_captcha *q)
{
    tui_captcha_asked(a, chat, q);
}

static void ended(int sig)
{
    tui.quit = 1;
}

/* They come while something is waited for, and end that: one that came just before would be seen at
 * the next key. */
static void signals_open(void)
{
    static const int ends[] = {SIGTERM, SIGHUP};
    struct sigaction a = {.sa_handler = ended};
    sigset_t held;

    sigemptyset(&held);
    sigaddset(&held, SIGWINCH);
    for (size_t i = 0; i < MN_COUNT(ends); i++) {
        sigaddset(&held, ends[i]);
        sigaction(ends[i], &a, NULL);
    }
    sigprocmask(SIG_BLOCK, &held, &waiting);
}

static void loop(void)
{
    struct pollfd fds[] = {
        {STDIN_FILENO, POLLIN, 0}, {mynah_fd(tui.ctx), POLLIN, 0}, {serve_fd(), POLLIN, 0}};

    while (!tui.quit) {
        int64_t due;
        int settling;

        if (tui.dirty)
            screen_draw();
        tui.dirty = false;
        settling = im_settle(tui.im, false); /* neither what is seen nor the next key wait for it */
        fds[1].fd = settling < 0 ? mynah_fd(tui.ctx) : settling;
        due = tui.dirty ? 0 : settling < 0 ? mynah_due(tui.ctx) : -1;
        if (serve_due() >= 0 && (due < 0 || serve_due() < due))
            due = serve_due();
        if (ppoll(fds, MN_COUNT(fds),
                  due < 0 ? NULL : &(struct timespec){due / 1000, due % 1000 * 1000000},
                  &waiting) < 0)
            fds[1].revents = 0;
        keys_read();
        if (settling < 0 || fds[1].revents)
            mynah_turn(tui.ctx, 0);
        serve_turn();
        if (fds[0].revents & (POLLHUP | POLLERR))
            tui.quit = true;
    }
}

/* A moment for the good-byes. */
static void leave(void)
{
    struct im_account_state *a;
    time_t until = time(NULL) + 2;
    bool open = true;
    int fd;

    /* So that its last word tells what is kept. */
    for (bool last = true; (fd = im_settle(tui.im, last)) >= 0; last = false)
        poll(&(struct pollfd){fd, POLLIN, 0}, 1, -1);
    for (size_t i = 0; (a = im_account_at(tui.im, i)); i++)
        mynah_client_disconnect(a->client);
    while (open && time(NULL) < until) {
        open = false;
        mynah_turn(tui.ctx, 50);
        for (size_t i = 0; (a = im_account_at(tui.im, i)); i++)
            open |= mynah_client_state(a->client) != MYNAH_OFFLINE;
    }
}

static void welcome(void)
{
    struct im_chat *page = im_chat_at(tui.im, 0);

    im_note(page, IM_NOTE, _("Welcome to Mynah. 欢迎使用八哥。"));
    im_note(page, IM_NOTE,
            _("/connect you@server logs in, /register you@server makes an account, /help lists all "
              "commands."));
}

/* Of a name that was given, which may be a wrong one; NULL: it is there. */
static const char *config_missing(const char *path, struct mn_arena *a)
{
    if (!strcmp(path, im_config_path(a)) || !access(path, F_OK))
        return NULL;
    return mn_arena_fmt(a, _("there is no %s yet; it is made with your account"), path).p;
}

int tui_main(const struct im_config *config, const char *path, const struct im_account *options,
             const char *jid, const char *socket)
{
    static const struct im_calls calls = {.size = sizeof calls,
                                          .chat = on_chat,
                                          .closed = on_closed,
                                          .people = on_people,
                                          .asked = on_asked,
                                          .answered = on_answered,
                                          .state = on_state,
                                          .certificate = on_certificate,
                                          .room_created = on_room_created,
                                          .locked = on_locked,
                                          .voice = on_voice,
                                          .captcha = on_captcha};
    struct mn_arena a = {0};
    struct mn_buf why = {0};
    int e;

    tui.config = *config;
    tui.config_path = path;
    tui.options = *options;
    tui.panel = config->terminal.panel;
    tui.line.style = config->terminal.keys == IM_KEYS_VI ? LINE_VI : LINE_EMACS;
    tui.ctx = mynah_context_new(NULL);
    MN_ASSERT(tui.ctx); /* few descriptors are open yet */
    e = im_history_open(im_history_path(&a), &history, &why);
    tui.im = im_new(tui.ctx, history, &calls, NULL);
    screen_open();
    signals_open();
    welcome();
    if (e)
        tui_note(IM_ERROR, _("no history is kept: %.*s"), MN_ARG(mn_buf_view(&why)));
    if (jid)
        tui_connect(jid);
    else if (config->accounts.count)
        accounts_connect();
    else
        first_open(NULL, false, config_missing(path, &a));
    if (socket)
        serve_open(socket);
    loop();
    tui_draft_keep();
    screen_close();
    if (socket)
        serve_close();
    keyring_close();
    leave();
    tui_file_close();
    asked_close();
    certificates_close();
    for (size_t i = im_chat_count(tui.im); i-- > 1;)
        xml_closed(im_chat_at(tui.im, i));
    for (size_t i = 0; i < im_chat_count(tui.im); i++) {
        query_closed(im_chat_at(tui.im, i));
        page_close(im_chat_at(tui.im, i));
        tui_voice_closed(im_chat_at(tui.im, i));
        tui_captcha_closed(im_chat_at(tui.im, i));
    }
    first_close();
    accounts_close();
    im_free(tui.im);
    mynah_context_free(tui.ctx);
    im_history_close(history);
    mn_buf_free(&why);
    line_done(&tui.line);
    panel_close();
    mn_free(tui.found);
    mn_arena_done(&a, NULL);
    return 0;
}
