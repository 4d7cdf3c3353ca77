/* Reading a conversation. A statement begins at the margin and goes on in the lines that do not. */
#include <stdio.h>

#include "base/file.h"
#include "wire/script.h"

/* Takes `tail` off. */
static bool ends(mn_str *s, mn_str tail)
{
    if (s->n < tail.n || memcmp(s->p + s->n - tail.n, tail.p, tail.n))
        return false;
    s->n -= tail.n;
    return true;
}

/* `C name:`, `C name at once:`, `S name exactly:` or a word. */
static void head(struct statement *s, mn_str text)
{
    mn_str rest, first = mn_str_cut(text, ':', &rest), how;
    bool spoken = text.n > 1 && (text.p[0] == 'C' || text.p[0] == 'S') &&
                  (text.p[1] == ' ' || text.p[1] == ':');

    if (spoken) {
        s->word = mn_str_cut(first, ' ', &how);
        s->exactly = ends(&how, MN_STR("exactly")) || ends(&how, MN_STR("at once"));
        s->who = mn_str_trim(how);
        s->rest = mn_str_trim(rest);
        return;
    }
    while (s->word.n < text.n && !memchr(" \n", text.p[s->word.n], 2))
        s->word = (mn_str){text.p, s->word.n + 1};
    s->rest = mn_str_skip(text, s->word.n);
    if (!mn_str_is(s->word, "config:")) /* YAML stands on its white space */
        s->rest = mn_str_trim(s->rest);
}

mn_str script_word(mn_str *rest)
{
    mn_str w;

    *rest = mn_str_trim(*rest);
    w = mn_str_cut(*rest, ' ', rest);
    return w;
}

/* What the file says of its server, before anything happens. */
static bool declared(struct script *s, const struct statement *st)
{
    mn_str rest = st->rest;

    if (mn_str_is(st->word, "config")) {
        s->config = rest;
    } else if (mn_str_is(st->word, "config:")) {
        s->keys = rest;
    } else if (mn_str_is(st->word, "only")) {
        s->only = rest;
    } else if (mn_str_is(st->word, "domain")) {
        while (rest.n && s->domain_count < MN_COUNT(s->domains))
            s->domains[s->domain_count++] = script_word(&rest);
    } else if (mn_str_is(st->word, "account") && s->account_count < MN_COUNT(s->accounts)) {
        struct account *a = &s->accounts[s->account_count++];

        a->bare = script_word(&rest);
        a->password = rest.n ? mn_str_trim(rest) : MN_STR("secret");
    } else {
        return false;
    }
    return true;
}

void script_read(struct script *s, mn_str text)
{
    int line = 0;

    s->all = mn_arena_alloc(&s->arena, (text.n + 1) * sizeof *s->all);
    while (text.n) {
        struct statement st = {.line = ++line};
        mn_str one = mn_str_cut(text, '\n', &text);
        const char *begin = one.p;

        if (mn_str_is_space(one) || one.p[0] == '#')
            continue;
        while (text.n && (text.p[0] == ' ' || text.p[0] == '\t')) {
            one = mn_str_cut(text, '\n', &text);
            line++;
        }
        head(&st, (mn_str){begin, (size_t)(one.p + one.n - begin)});
        if (!declared(s, &st))
            s->all[s->count++] = st;
    }
}

bool script_runs(const struct script *s, const char *kind)
{
    mn_str rest = s->only;

    while (rest.n)
        if (mn_str_is(script_word(&rest), kind))
            return true;
    return !s->only.n;
}

/* The key of a line at the margin of YAML; empty: it is none. */
static mn_str key_of(mn_str line)
{
    mn_str rest, key = mn_str_cut(line, ':', &rest);

    return line.n && !memchr(" \t#-", line.p[0], 4) ? key : (mn_str){0};
}

static bool has_key(mn_str yaml, mn_str key)
{
    while (yaml.n)
        if (mn_str_eq(key_of(mn_str_cut(yaml, '\n', &yaml)), key))
            return true;
    return false;
}

/* Without the white space that all lines begin with. */
static mn_str dedented(mn_str text, struct mn_arena *a)
{
    size_t by = 0;
    struct mn_buf b = {0};
    mn_str out;

    text = mn_str_skip(text, mn_str_find(text, '\n') + 1);
    while (by < text.n && text.p[by] == ' ')
        by++;
    while (text.n) {
        mn_buf_str(&b, mn_str_skip(mn_str_cut(text, '\n', &text), by));
        mn_buf_c(&b, '\n');
    }
    out = mn_arena_str(a, mn_buf_view(&b));
    mn_buf_free(&b);
    return out;
}

int script_config(struct script *s, mn_str *out)
{
    char path[4096];
    mn_str base, keys = dedented(s->keys, &s->arena);
    struct mn_buf b = {0};
    bool keep = true;
    int e;

    snprintf(path, sizeof path, "%s/%.*s", TEST_ROOT,
             MN_ARG(s->config.n ? s->config : MN_STR("tests/wire/wire.yaml")));
    e = mn_file_read(path, 1 << 20, &s->arena, &base);
    if (e)
        return e;
    while (base.n) {
        mn_str line = mn_str_cut(base, '\n', &base), key = key_of(line);

        if (key.n)
            keep = !has_key(keys, key);
        if (keep)
            mn_buf_fmt(&b, "%.*s\n", MN_ARG(line));
    }
    mn_buf_str(&b, keys);
    *out = mn_arena_str(&s->arena, mn_buf_view(&b));
    mn_buf_free(&b);
    return MN_E_OK;
}
