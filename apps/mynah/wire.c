#include "apps/mynah/wire.h"

/* A tag ended: true when the piece is whole. */
static bool closes(struct wire *w)
{
    mn_str tag = {w->piece.p + w->tag - 1, w->piece.n - w->tag + 1};
    mn_str stream = MN_STR("<stream:stream"), open = MN_STR("<open ");

    w->tag = 0;
    if (tag.n > 1 && (tag.p[1] == '?' || tag.p[1] == '!'))
        return false;
    if (mn_str_starts(tag, stream) || mn_str_starts(tag, open)) {
        w->nested = 0; /* a new stream, also where the last one did not end */
        return true;
    }
    if (tag.p[1] == '/')
        w->nested -= w->nested > 0;
    else if (tag.p[tag.n - 2] != '/')
        w->nested++;
    else
        return w->nested == 0;
    return tag.p[1] == '/' && w->nested == 0;
}

static void tell_piece(struct wire *w, void (*tell)(void *arg, mn_str piece), void *arg)
{
    mn_str piece = mn_str_trim(mn_buf_view(&w->piece));

    if (piece.n)
        tell(arg, piece);
    mn_buf_clear(&w->piece);
    w->tag = 0;
    w->quote = 0;
}

void wire_feed(struct wire *w, mn_str bytes, void (*tell)(void *arg, mn_str piece), void *arg)
{
    for (size_t i = 0; i < bytes.n; i++) {
        char c = bytes.p[i];
        bool whole = false;

        mn_buf_c(&w->piece, c);
        if (w->quote)
            w->quote = c == w->quote ? 0 : w->quote;
        else if (w->tag && (c == '"' || c == '\''))
            w->quote = c;
        else if (w->tag && c == '>')
            whole = closes(w);
        else if (c == '<')
            w->tag = w->piece.n;
        if (whole || w->piece.n == WIRE_PIECE_MAX)
            tell_piece(w, tell, arg);
    }
}

void wire_done(struct wire *w)
{
    mn_buf_free(&w->piece);
    *w = (struct wire){0};
}
