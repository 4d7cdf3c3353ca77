/* The XML console: a window with what goes over the wire, in both directions, since it was opened.
 * The library leaves passwords out of what we send. It keeps so many bytes and shows those that its
 * filter lets through; pieces that are very long are cut. */
#include <string.h>

#include "apps/mynah/commands.h"
#include "apps/mynah/wire.h"
#include "base/clock.h"
#include "im/lang.h"
#include "im/lines.h"

enum { KEPT_BYTES = 1 << 20, KEPT_PIECES = 1000, SHOWN_BYTES = 2048 };

struct piece {
    bool out;
    const char *account; /* lent by it */
    int64_t at;
    char *text;
    size_t n;
};

/* One account that is listened to. */
struct tap {
    struct mynah_client *client;
    struct mynah_listener *listener;
    struct wire in, out;
    struct tap *next;
};

static struct {
    struct im_chat *chat; /* NULL: it is closed */
    struct piece pieces[KEPT_PIECES];
    size_t first, count, bytes;
    struct tap *taps;
    char *filter; /* words that all have to fit; NULL: everything is shown */
    bool paused;
} xml;

static struct piece *piece_at(size_t i)
{
    return &xml.pieces[(xml.first + i) % KEPT_PIECES];
}

static void drop_first(void)
{
    xml.bytes -= piece_at(0)->n;
    mn_free(piece_at(0)->text);
    xml.first = (xml.first + 1) % KEPT_PIECES;
    xml.count--;
}

/* A word of the filter: in, out, a kind of stanza, or text anywhere in it: an address, a
 * namespace. */
static bool fits_word(const struct piece *p, mn_str word)
{
    static const char *const kinds[] = {"message", "presence", "iq"};

    if (mn_str_is(word, "in") || mn_str_is(word, "out"))
        return p->out == mn_str_is(word, "out");
    for (size_t i = 0; i < MN_COUNT(kinds); i++)
        if (mn_str_is(word, kinds[i]))
            return p->n > word.n && !strncmp(p->text + 1, kinds[i], word.n) &&
                   strchr(" >/", p->text[1 + word.n]);
    return memmem(p->text, p->n, word.p, word.n);
}

static bool fits(const struct piece *p)
{
    mn_str rest = mn_str_from(xml.filter), word;

    while (rest.n) {
        word = mn_str_cut(rest, ' ', &rest);
        if (word.n && !fits_word(p, word))
            return false;
    }
    return true;
}

static void show(const struct piece *p)
{
    struct mn_buf b = {0};
    size_t n = p->n < SHOWN_BYTES ? p->n : SHOWN_BYTES;

    if (im_account_count(tui.im) > 1)
        mn_buf_fmt(&b, "%s ", p->account);
    mn_buf_fmt(&b, "%s %.*s%s", p->out ? "→" : "←", (int)n, p->text, n < p->n ? " …" : "");
    mn_buf_c(&b, 0);
    im_line_add(xml.chat, IM_SAID, p->at, NULL, b.p);
    mn_buf_free(&b);
    tui.dirty = true;
}

static void show_all(void)
{
    im_chat_clear(xml.chat);
    for (size_t i = 0; i < xml.count; i++)
        if (fits(piece_at(i)))
            show(piece_at(i));
}

static void keep(bool out, const struct tap *from, mn_str text)
{
    struct piece *p;

    while (xml.count == KEPT_PIECES || (xml.count && xml.bytes + text.n > KEPT_BYTES))
        drop_first();
    p = piece_at(xml.count++);
    *p = (struct piece){out, mynah_client_bare(from->client), mn_clock_wall(), mn_str_dup(text),
                        text.n};
    xml.bytes += text.n;
    if (fits(p))
        show(p);
}

static void went(void *arg, mn_str piece)
{
    keep(true, arg, piece);
}

static void came(void *arg, mn_str piece)
{
    keep(false, arg, piece);
}

static void on_wire(void *arg, struct mynah_client *c, bool out, const char *text, size_t n)
{
    struct tap *t = arg;

    if (xml.chat && !xml.paused)
        wire_feed(out ? &t->out : &t->in, (mn_str){text, n}, out ? went : came, t);
}

void xml_watch(struct mynah_client *c)
{
    static const struct mynah_calls calls = {.size = sizeof calls, .wire = on_wire};
    struct tap *t;

    if (!xml.chat)
        return;
    for (t = xml.taps; t; t = t->next)
        if (t->client == c)
            return;
    t = MN_NEW(struct tap);
    t->client = c;
    t->listener = mynah_listen(c, &calls, t);
    t->next = xml.taps;
    xml.taps = t;
}

void xml_closed(const struct im_chat *chat)
{
    struct tap *t;

    if (!xml.chat || chat != xml.chat)
        return;
    while ((t = xml.taps)) {
        xml.taps = t->next;
        mynah_unlisten(t->listener);
        wire_done(&t->in);
        wire_done(&t->out);
        mn_free(t);
    }
    while (xml.count)
        drop_first();
    mn_free(xml.filter);
    xml.filter = NULL;
    xml.chat = NULL;
}

static void open_console(void)
{
    struct im_account_state *a;

    if (!xml.chat) {
        xml.chat = im_page_new(tui.im, "XML");
        xml.paused = false;
        for (size_t i = 0; (a = im_account_at(tui.im, i)); i++)
            xml_watch(a->client);
        im_note(xml.chat, IM_NOTE, "%s",
                _("What goes over the wire from now on. A line that begins with < is sent; /xml "
                  "filter WORDS, pause, resume, clear."));
    }
    tui_show(xml.chat);
}

/* One or several stanzas as they are. */
static void send_text(const char *text)
{
    struct mynah_client *c = command_client();
    struct mn_buf all = {0};
    struct mynah_elem *e = NULL;

    if (!c)
        return;
    mn_buf_fmt(&all, "<all xmlns='jabber:client'>%s</all>", text);
    mn_buf_c(&all, 0);
    if (mynah_elem_parse(all.p, &e))
        tui_note(IM_ERROR, "%s", _("this is not well-formed"));
    MYNAH_EACH(st, e, NULL, NULL)
    {
        struct mynah_elem *copy = mynah_elem_copy(st);

        if (mynah_send(c, &copy))
            tui_note(IM_ERROR, _("no stanza: %s"), mynah_elem_name(st));
    }
    mynah_elem_free(e);
    mn_buf_free(&all);
}

bool xml_said(const char *text)
{
    if (!xml.chat || tui_chat() != xml.chat)
        return false;
    if (text[0] == '<')
        send_text(text);
    else
        tui_note(IM_ERROR, "%s", _("a stanza begins with <"));
    return true;
}

void do_xml(char **args, int count)
{
    const char *what = count ? args[0] : "";

    open_console();
    if (!strcmp(what, "filter")) {
        mn_free(xml.filter);
        xml.filter = command_rest(1) ? mn_str_dup(mn_str_from(command_rest(1))) : NULL;
        show_all();
        if (xml.filter)
            tui_note(IM_NOTE, _("only what fits to %s is shown; /xml filter shows everything"),
                     xml.filter);
        else
            tui_note(IM_NOTE, "%s", _("everything is shown"));
    } else if (!strcmp(what, "send") && count > 1) {
        send_text(command_rest(1));
    } else if (!strcmp(what, "clear")) {
        while (xml.count)
            drop_first();
        show_all();
    } else if (!strcmp(what, "pause") || !strcmp(what, "resume")) {
        xml.paused = *what == 'p';
        tui_note(IM_NOTE, "%s",
                 xml.paused ? _("what goes on now is left out; /xml resume ends that")
                            : _("what goes over the wire is shown again"));
    } else if (count) {
        command_misused("xml");
    }
}
