/* What helps with writing: an editor of one's own, the clipboard, quotes; and addresses of pages in
 * what was said. */
#include <string.h>
#include <unistd.h>

#include "apps/mynah/commands.h"
#include "apps/mynah/text.h"
#include "base/child.h"
#include "base/file.h"
#include "base/num.h"
#include "im/lang.h"

enum { PASTE_MAX = LINE_MAX_BYTES, URLS_MAX = 50 };

static void insert(const char *text)
{
    char *clean = text_safe(text, "\n");

    line_remember(&tui.line);
    line_insert(&tui.line, clean, strlen(clean));
    mn_free(clean);
}

/* Editor. */

static void edited(const char *path)
{
    struct mn_arena a = {0};
    mn_str text;

    if (mn_file_read(path, PASTE_MAX, &a, &text)) {
        tui_note(IM_ERROR, "%s", _("the editor left nothing that could be taken"));
    } else {
        char *clean = text_safe(mn_arena_cstr(&a, mn_str_trim(text)), "\n");

        line_set(&tui.line, clean);
        mn_free(clean);
    }
    mn_arena_done(&a, NULL);
}

void write_in_editor(void)
{
    const char *editor = getenv("VISUAL") ? getenv("VISUAL") : getenv("EDITOR");
    struct mn_arena a = {0};
    mn_str path;
    int e = mn_file_temporary((mn_str){tui.line.text, tui.line.n}, ".txt", &a, &path);

    if (e) {
        tui_note(IM_ERROR, _("no file can be made for the editor: %s"), mn_err_text(e));
    } else {
        editor = mn_arena_fmt(&a, "%s \"$0\"", editor && *editor ? editor : "vi").p;
        e = program_run(editor, path.p, &a, NULL);
        if (e)
            tui_note(IM_ERROR, _("the editor ended with %d; what was written stays as it was"), e);
        else
            edited(path.p);
        unlink(path.p);
    }
    mn_arena_done(&a, NULL);
}

void do_editor(char **args, int count)
{
    write_in_editor();
}

/* Clipboard. */

void do_paste(char **args, int count)
{
    const char *command = getenv("WAYLAND_DISPLAY")
                              ? "timeout 2 wl-paste -n 2>/dev/null"
                              : "timeout 2 xclip -o -selection clipboard 2>/dev/null || timeout 2 "
                                "xsel -o -b 2>/dev/null";
    struct mn_arena a = {0};
    mn_str text;

    (void)mn_child_read(command, PASTE_MAX, &a, &text);
    if (text.n)
        insert(text.p);
    else
        tui_note(IM_ERROR, "%s",
                 _("there is no clipboard (wl-paste, xclip or xsel), or nothing is in it"));
    mn_arena_done(&a, NULL);
}

/* Quotes. */

void do_quote(char **args, int count)
{
    const struct im_chat *chat = tui_chat();
    const char *words = command_rest(0);
    struct mn_buf b = {0};
    mn_str rest, line;
    size_t i = chat->count;

    while (i && (chat->lines[i - 1].kind != IM_SAID || chat->lines[i - 1].ours ||
                 (words && !strcasestr(chat->lines[i - 1].text, words))))
        i--;
    if (!i) {
        tui_note(IM_NOTE, "%s", _("nothing is found"));
        return;
    }
    for (rest = mn_str_from(chat->lines[i - 1].text); rest.n;) {
        line = mn_str_cut(rest, '\n', &rest);
        mn_buf_fmt(&b, "> %.*s\n", MN_ARG(line));
    }
    mn_buf_c(&b, 0);
    insert(b.p);
    mn_buf_free(&b);
}

/* Addresses of pages, the last one first. */

static size_t url_length(const char *p)
{
    size_t n = strcspn(p, " \t\r\n<>\"'`\\");

    while (n && strchr(".,;:!?)]}", p[n - 1]))
        n--;
    return n;
}

/* The i-th, 1 the last one; malloc'd, NULL: not so many. */
static char *url_at(const struct im_chat *chat, int i)
{
    for (size_t k = chat->count; k-- > 0;) {
        const char *p = chat->lines[k].text;

        for (; chat->lines[k].kind == IM_SAID && (p = strstr(p, "http")); p++)
            if ((!strncmp(p, "http://", 7) || !strncmp(p, "https://", 8)) && --i == 0)
                return mn_str_dup((mn_str){p, url_length(p)});
    }
    return NULL;
}

static void url_open(char **args, int count)
{
    uint64_t which = 1;
    bool right = !count || (mn_num_parse(mn_str_from(args[0]), URLS_MAX, &which) && which);
    char *url = right ? url_at(tui_chat(), (int)which) : NULL;
    const char *why = url ? program_browse(url) : NULL;

    if (why)
        tui_note(IM_ERROR, "%s", why);
    else if (!url && !count)
        tui_note(IM_NOTE, "%s", _("nothing is found"));
    else if (!url)
        tui_note(IM_ERROR, _("there is no address %s; /url lists them"), args[0]);
    mn_free(url);
}

void do_url(char **args, int count)
{
    static const struct command_part parts[] = {{"open", 0, url_open}, {0}};
    char *url = url_at(tui_chat(), 1);

    if (count)
        command_parts("url", parts, args, count);
    else if (!url)
        tui_note(IM_NOTE, "%s", _("nothing is found"));
    mn_free(url);
    for (int i = 1; !count && i <= URLS_MAX && (url = url_at(tui_chat(), i)); i++) {
        tui_note(IM_NOTE, "%d %s", i, url);
        mn_free(url);
    }
}
