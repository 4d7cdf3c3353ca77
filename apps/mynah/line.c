#include "apps/mynah/line.h"

#include "apps/mynah/text.h"
#include "base/err.h"

/* Text. */

static void put(struct typed *l, const char *text, size_t n)
{
    memmove(l->text + l->at + n, l->text + l->at, l->n - l->at + 1);
    memcpy(l->text + l->at, text, n);
    l->n += n;
    l->at += n;
}

void line_insert(struct typed *l, const char *text, size_t n)
{
    size_t room = sizeof l->text - 1 - l->n, fits = 0, more;

    while (fits < n && (more = text_next(text + fits)) && fits + more <= room)
        fits += more;
    put(l, text, fits < n ? fits : n);
}

void line_remove(struct typed *l, size_t from, size_t to)
{
    memmove(l->text + from, l->text + to, l->n - to + 1);
    l->n -= to - from;
    l->at = from;
}

/* Undo. */

static void states_drop(struct line_states *s)
{
    while (s->count)
        mn_free(s->items[--s->count].text);
}

static void state_push(struct line_states *s, const struct typed *l)
{
    if (s->count == LINE_UNDOS) {
        mn_free(s->items[0].text);
        memmove(s->items, s->items + 1, --s->count * sizeof *s->items);
    }
    s->items[s->count++] = (struct line_state){mn_str_dup((mn_str){l->text, l->n}), l->at};
}

void line_remember(struct typed *l)
{
    if (l->hidden)
        return;
    state_push(&l->undo, l);
    states_drop(&l->redo);
    l->vi.changed = true;
}

void line_undo(struct typed *l, bool again)
{
    struct line_states *from = again ? &l->redo : &l->undo, *to = again ? &l->undo : &l->redo;
    struct line_state s;

    if (!from->count)
        return;
    state_push(to, l);
    s = from->items[--from->count];
    l->n = l->at = 0;
    l->text[0] = 0;
    line_insert(l, s.text, strlen(s.text));
    l->at = s.at;
    mn_free(s.text);
}

void line_set(struct typed *l, const char *text)
{
    states_drop(&l->undo);
    states_drop(&l->redo);
    l->n = l->at = 0;
    l->text[0] = 0;
    l->did = LINE_DID_OTHER;
    l->prefixed = l->search.on = l->vi.command = false;
    l->vi.count = l->vi.verb = l->vi.verb_count = l->vi.wait = 0;
    line_insert(l, text, strlen(text));
}

/* What was cut. */

static void cuts_add(struct typed *l, char *text)
{
    mn_free(l->cuts[LINE_CUTS - 1]);
    memmove(l->cuts + 1, l->cuts, (LINE_CUTS - 1) * sizeof *l->cuts);
    l->cuts[0] = text;
}

/* Pieces that are cut one behind the other are pasted as one. */
static char *joined(const struct typed *l, size_t from, size_t to)
{
    mn_str now = {l->text + from, to - from}, before = mn_str_from(l->cuts[0]);
    struct mn_buf b = {0};

    mn_buf_str(&b, from < l->at ? now : before);
    mn_buf_str(&b, from < l->at ? before : now);
    mn_buf_c(&b, 0);
    return b.p;
}

void line_cut(struct typed *l, size_t from, size_t to, bool copy)
{
    if (from >= to)
        return;
    if (!l->hidden && l->did == LINE_DID_CUT && l->cuts[0] && !copy) {
        char *both = joined(l, from, to);

        mn_free(l->cuts[0]);
        l->cuts[0] = both;
    } else if (!l->hidden) {
        cuts_add(l, mn_str_dup((mn_str){l->text + from, to - from}));
    }
    if (copy) {
        l->at = from;
        return;
    }
    line_remember(l);
    line_remove(l, from, to);
    l->did = LINE_DID_CUT;
}

void line_paste(struct typed *l, int which)
{
    if (!l->cuts[which])
        return;
    line_remember(l);
    l->pasted = which;
    l->paste_at = l->at;
    line_insert(l, l->cuts[which], strlen(l->cuts[which]));
    l->did = LINE_DID_PASTE;
}

/* Older lines. */

void line_keep(struct typed *l)
{
    if (l->hidden || !l->n)
        return;
    if (l->count == LINE_KEPT) {
        mn_free(l->kept[0]);
        memmove(l->kept, l->kept + 1, --l->count * sizeof l->kept[0]);
    }
    l->kept[l->count++] = mn_str_dup((mn_str){l->text, l->n});
    l->shown = l->count;
}

void line_older(struct typed *l, int step)
{
    int to = l->shown + step;
    bool command = l->vi.command;

    if (to < 0 || to > l->count || l->hidden)
        return;
    if (l->shown == l->count) {
        mn_free(l->own);
        l->own = mn_str_dup((mn_str){l->text, l->n});
    }
    l->shown = to;
    line_set(l, to == l->count ? l->own : l->kept[to]);
    l->vi.command = command;
}

bool line_row(struct typed *l, int step)
{
    size_t start = line_start(l, l->at), end = line_end(l, l->at), at, n;
    int column;

    if (step < 0 ? !start : end == l->n)
        return false;
    column = text_columns(l->text + start, l->at - start);
    at = step < 0 ? line_start(l, start - 1) : end + 1;
    while (column > 0 && at < l->n && l->text[at] != '\n') {
        n = text_next(l->text + at);
        column -= text_columns(l->text + at, n);
        at += n;
    }
    l->at = at;
    return true;
}

void line_vertical(struct typed *l, int step)
{
    if (!line_row(l, step))
        line_older(l, step);
}

void line_done(struct typed *l)
{
    states_drop(&l->undo);
    states_drop(&l->redo);
    for (int i = 0; i < LINE_CUTS; i++)
        mn_free(l->cuts[i]);
    for (int i = 0; i < l->count; i++)
        mn_free(l->kept[i]);
    mn_free(l->own);
    mn_free(l->completing);
    *l = (struct typed){0};
}
