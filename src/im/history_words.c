/* The index is made of what im_history_tokens makes of a text: words as they are, and of a run of
 * ideographs (or kana, or hangul) each pair of neighbours, since nothing there divides words. A
 * query is cut the same way, its pairs side by side as a phrase; a single ideograph is looked for
 * at the beginning of pairs, and as the last of its run, which stands for itself. */
#include "im/history.h"

static size_t next_char(mn_str s, uint32_t *c)
{
    const unsigned char *p = (const unsigned char *)s.p;
    size_t n = p[0] < 0x80 ? 1 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;

    if (n > s.n)
        n = 1;
    *c = n == 1 ? p[0] : p[0] & (0x7fu >> n);
    for (size_t i = 1; i < n; i++)
        *c = *c << 6 | (p[i] & 0x3fu);
    return n;
}

static bool is_ideograph(uint32_t c)
{
    return (c >= 0x2e80 && c <= 0x2fdf) || (c >= 0x3040 && c <= 0x30ff) ||
           (c >= 0x3400 && c <= 0x9fff) || (c >= 0xac00 && c <= 0xd7af) ||
           (c >= 0xf900 && c <= 0xfaff) || (c >= 0x20000 && c <= 0x3ffff);
}

static bool is_word(uint32_t c)
{
    return (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z') || c >= 0xc0;
}

/* A run of ideographs at the head of `s`; its length in bytes. */
static size_t run_of(mn_str s)
{
    size_t n = 0;
    uint32_t c;

    while (n < s.n) {
        size_t k = next_char(mn_str_skip(s, n), &c);

        if (!is_ideograph(c))
            break;
        n += k;
    }
    return n;
}

static void pairs(mn_str run, bool query, struct mn_buf *out)
{
    uint32_t c;
    size_t n = next_char(run, &c);

    if (query && n == run.n) { /* one alone: what begins with it */
        mn_buf_fmt(out, " \"%.*s\"*", MN_ARG(run));
        return;
    }
    mn_buf_str(out, query ? MN_STR(" \"") : MN_STR(" "));
    while (run.n) {
        size_t next = n < run.n ? next_char(mn_str_skip(run, n), &c) : 0;

        if (next || !query) { /* the last one alone too, so that it is found */
            mn_buf_add(out, run.p, n + next);
            mn_buf_c(out, ' ');
        }
        run = mn_str_skip(run, n);
        n = next;
    }
    if (query)
        mn_buf_c(out, '"');
}

void im_history_tokens(mn_str text, bool query, struct mn_buf *out)
{
    while (text.n) {
        size_t n = run_of(text), from = 0;
        uint32_t c;

        if (n) {
            pairs((mn_str){text.p, n}, query, out);
            text = mn_str_skip(text, n);
            continue;
        }
        while (n < text.n) {
            size_t k = next_char(mn_str_skip(text, n), &c);

            if (!is_word(c) || is_ideograph(c)) {
                from = k * !is_ideograph(c);
                break;
            }
            n += k;
        }
        if (n)
            mn_buf_fmt(out, query ? " \"%.*s\"" : " %.*s", MN_ARG(((mn_str){text.p, n})));
        text = mn_str_skip(text, n + from);
    }
}
