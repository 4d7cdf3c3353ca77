/* What Tab makes of the word before the cursor: a command, what its synopsis in tui.def says for
 * that place, a file, somebody in the room, an address of the roster. */
#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "apps/mynah/commands.h"

enum { CHOICES_MAX = 100 };

static bool fits(mn_str candidate, mn_str head)
{
    return candidate.n >= head.n && mn_str_eq_nocase((mn_str){candidate.p, head.n}, head);
}

static mn_str word_next(mn_str *rest)
{
    while (rest->n && *rest->p == ' ')
        *rest = (mn_str){rest->p + 1, rest->n - 1};
    return mn_str_cut(*rest, ' ', rest);
}

/* One word of a synopsis, as "a|b" or "[a]" or "JID": its words in lower case are choices, and
 * anything fits into one in upper case. */
static mn_str bare(mn_str word)
{
    while (word.n && *word.p == '[')
        word = (mn_str){word.p + 1, word.n - 1};
    while (word.n && word.p[word.n - 1] == ']')
        word.n--;
    return word;
}

static bool is_choice(mn_str word)
{
    return word.n && islower((unsigned char)*word.p);
}

static bool allows(mn_str word, mn_str typed)
{
    mn_str rest = bare(word);

    if (!is_choice(rest))
        return true;
    while (rest.n)
        if (mn_str_eq(mn_str_cut(rest, '|', &rest), typed))
            return true;
    return false;
}

struct choices {
    mn_str items[CHOICES_MAX];
    size_t n;
    bool files; /* may stand there, too */
};

static void choice_add(struct choices *out, mn_str choice, mn_str head)
{
    bool there = false;

    for (size_t i = 0; i < out->n; i++)
        there |= mn_str_eq(out->items[i], choice);
    if (!there && fits(choice, head) && out->n < CHOICES_MAX)
        out->items[out->n++] = choice;
}

static void choices_add(struct choices *out, mn_str word, mn_str head)
{
    mn_str rest = bare(word);
    const char *name, *synopsis;

    for (size_t i = 0; mn_str_is(rest, "COMMAND") && (name = command_at(i, &synopsis)); i++)
        choice_add(out, mn_str_from(name), head);
    for (size_t i = 0; mn_str_is(rest, "WINDOW") && i < im_chat_count(tui.im); i++)
        choice_add(out, mn_str_from(im_chat_at(tui.im, i)->title), head);
    out->files |= mn_str_is(rest, "PATH") || mn_str_is(rest, "FOLDER");
    while (is_choice(rest))
        choice_add(out, mn_str_cut(rest, '|', &rest), head);
}

/* One of the ways to use a command: what may stand behind the words that were typed. */
static void way_choices(struct choices *out, mn_str way, mn_str typed, mn_str head)
{
    mn_str word = word_next(&way);

    for (mn_str done = word_next(&typed); done.n; done = word_next(&typed)) {
        if (!word.n || !allows(word, done))
            return;
        word = word_next(&way);
    }
    choices_add(out, word, head);
}

static void synopsis_choices(struct choices *out, mn_str synopsis, mn_str typed, mn_str head)
{
    const mn_str between = MN_STR(" | ");

    while (synopsis.n) {
        const char *end = memmem(synopsis.p, synopsis.n, between.p, between.n);
        size_t n = end ? (size_t)(end - synopsis.p) : synopsis.n;

        way_choices(out, (mn_str){synopsis.p, n}, typed, head);
        n += end ? between.n : 0;
        synopsis = (mn_str){synopsis.p + n, synopsis.n - n};
    }
}

/* Behind a command: its words for this place. */
static void command_choices(struct choices *out, mn_str line, mn_str head)
{
    const char *name, *synopsis;
    mn_str typed = {line.p, line.n - head.n}, first = word_next(&typed);

    for (size_t i = 0; (name = command_at(i, &synopsis)); i++)
        if (first.n && *first.p == '/' &&
            mn_str_eq((mn_str){first.p + 1, first.n - 1}, mn_str_from(name)))
            synopsis_choices(out, mn_str_from(synopsis), typed, head);
}

static int files_of(const char *folder, struct dirent ***out)
{
    char *path = tui_path(*folder ? folder : ".");
    int n = scandir(path, out, NULL, alphasort);

    mn_free(path);
    return n;
}

/* The i-th file or folder whose path begins so; false: there are not so many. */
static bool file_at(mn_str head, int i, char *out, size_t room)
{
    size_t from = head.n;
    struct dirent **found;
    char *folder;
    int n;

    while (from && head.p[from - 1] != '/')
        from--;
    folder = mn_str_dup((mn_str){head.p, from});
    n = files_of(folder, &found);
    out[0] = 0;
    for (int k = 0; k < n; k++) {
        const char *name = found[k]->d_name;
        size_t typed = head.n - from;

        if (!strncmp(name, head.p + from, typed) && (typed || *name != '.') && !i--)
            snprintf(out, room, "%s%s%s", folder, name, found[k]->d_type == DT_DIR ? "/" : " ");
        free(found[k]);
    }
    if (n >= 0)
        free(found);
    mn_free(folder);
    return *out;
}

/* The i-th that fits; NULL: not so many. */
static const char *candidate(mn_str line, mn_str head, int i)
{
    static char made[4096];
    struct im_account_state *a = tui_account();
    struct choices choices = {.n = 0};
    const struct mynah_occupant *o;
    const struct mynah_contact *k;
    const char *name, *synopsis;
    bool first = head.n == line.n;

    if (first && head.n && *head.p == '/') {
        for (size_t n = 0; (name = command_at(n, &synopsis)); n++)
            if (fits(mn_str_from(name), (mn_str){head.p + 1, head.n - 1}) && !i--) {
                snprintf(made, sizeof made, "/%s ", name);
                return made;
            }
        return NULL;
    }
    command_choices(&choices, line, head);
    if ((size_t)i < choices.n) {
        snprintf(made, sizeof made, "%.*s ", MN_ARG(choices.items[i]));
        return made;
    }
    i -= (int)choices.n;
    if (choices.files)
        return file_at(head, i, made, sizeof made) ? made : NULL;
    for (size_t n = 0; tui_chat()->room && (o = mynah_room_at(tui_chat()->room, n)); n++)
        if (!o->self && fits(mn_str_from(o->nick), head) && !i--) {
            const char *quote = !first && *line.p == '/' && strchr(o->nick, ' ') ? "\"" : "";

            snprintf(made, sizeof made, "%s%s%s%s ", quote, o->nick, quote, first ? ":" : "");
            return made;
        }
    for (size_t n = 0; a && head.n && (k = mynah_roster_at(a->client, n)); n++)
        if (fits(mn_str_from(k->jid), head) && !i--) {
            snprintf(made, sizeof made, "%s ", k->jid);
            return made;
        }
    return NULL;
}

void command_complete(struct typed *l, bool back)
{
    mn_str line;
    size_t from;
    const char *found;

    if (!l->completing) {
        l->completing = mn_str_dup((mn_str){l->text, l->at});
        l->choice = -1;
    }
    line = mn_str_from(l->completing);
    for (from = line.n; from && line.p[from - 1] != ' '; from--)
        ;
    l->choice += back ? -1 : 1;
    found =
        l->choice < 0 ? NULL : candidate(line, (mn_str){line.p + from, line.n - from}, l->choice);
    if (!found && l->choice > 0) {
        l->choice = 0;
        found = candidate(line, (mn_str){line.p + from, line.n - from}, 0);
    }
    if (!found)
        return;
    found = mn_str_dup(mn_str_from(found));
    line_set(l, l->completing);
    l->text[from] = 0;
    l->n = l->at = from;
    line_insert(l, found, strlen(found));
    mn_free((void *)found);
}
