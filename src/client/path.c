/* Paths below an element: steps, each a name and what must hold of who has it.
 *
 *   path = ["/"] step *("/" step)      step = ["/"] (name | "*") *("[" test "]")
 *   test = number | ("@" name | name) ["=" quoted]
 *
 * A step behind a second slash is found at any depth; one such step a path, so that the work is
 * never more than the tree times the steps. */
#include "base/num.h"
#include "client/elem.h"

enum { TESTS_MAX = 8 };

struct step {
    bool deep;
    mn_str name, rest, tests[TESTS_MAX];
    size_t test_count;
};

/* What stands between brackets, which quoted text does not end; behind it in `rest`. */
static bool test_cut(mn_str s, mn_str *out, mn_str *rest)
{
    char quote = 0;

    for (size_t i = 1; i < s.n; i++) {
        char ch = s.p[i];

        if (quote) {
            quote = ch == quote ? 0 : quote;
        } else if (ch == '\'' || ch == '"') {
            quote = ch;
        } else if (ch == ']') {
            *out = (mn_str){s.p + 1, i - 1};
            *rest = mn_str_skip(s, i + 1);
            return i > 1;
        }
    }
    return false;
}

/* False: it is no step, or a second deep one. */
static bool step_cut(mn_str path, bool was_deep, struct step *out)
{
    size_t n = 0;

    *out = (struct step){.deep = path.n && path.p[0] == '/'};
    path = mn_str_skip(path, out->deep);
    while (n < path.n && !strchr("/[", path.p[n]))
        n++;
    out->name = (mn_str){path.p, n};
    path = mn_str_skip(path, n);
    while (path.n && path.p[0] == '[')
        if (out->test_count == TESTS_MAX || !test_cut(path, &out->tests[out->test_count++], &path))
            return false;
    if (path.n && path.p[0] != '/')
        return false;
    out->rest = mn_str_skip(path, path.n > 0);
    return n && !(out->deep && was_deep);
}

static const char *attribute(const struct mynah_elem *e, mn_str name)
{
    const char *has, *value;

    if (mn_str_is(name, "xmlns"))
        return mynah_elem_ns(e);
    for (size_t i = 0; mynah_elem_attr(e, i, &has, &value); i++)
        if (mn_str_is(name, has))
            return value;
    return NULL;
}

/* What `name` was cut from may ask for a text, in quotes. */
static bool is_asked(const char *text, mn_str test, mn_str name, mn_str quoted)
{
    if (!text || name.n == test.n)
        return text;
    return quoted.n > 1 && mn_str_is((mn_str){quoted.p + 1, quoted.n - 2}, text);
}

/* `seen`: how many below this parent have come to this test. */
static bool holds(const struct mynah_elem *e, mn_str test, uint64_t *seen)
{
    mn_str value, name = mn_str_cut(test, '=', &value);
    uint64_t number;

    if (mn_num_parse(test, UINT32_MAX, &number))
        return ++*seen == number;
    if (name.p[0] == '@')
        return is_asked(attribute(e, mn_str_skip(name, 1)), test, name, value);
    MYNAH_EACH(child, e, NULL, NULL)
    if (mn_str_eq(child->e.name, name) && is_asked(mynah_elem_text(child), test, name, value))
        return true;
    return false;
}

static bool fits(const struct mynah_elem *e, const struct step *s, uint64_t seen[TESTS_MAX])
{
    if (!mn_str_is(s->name, "*") && !mn_str_eq(e->e.name, s->name))
        return false;
    for (size_t i = 0; i < s->test_count; i++)
        if (!holds(e, s->tests[i], &seen[i]))
            return false;
    return true;
}

static const struct mynah_elem *below(const struct mynah_elem *e, mn_str path, bool was_deep,
                                      size_t *left);

static const struct mynah_elem *at(const struct mynah_elem *e, const struct step *s, bool was_deep,
                                   size_t *left)
{
    if (s->rest.n)
        return below(e, s->rest, was_deep || s->deep, left);
    return (*left)-- ? NULL : e;
}

static const struct mynah_elem *below_by(const struct mynah_elem *e, const struct step *s,
                                         bool was_deep, size_t *left)
{
    const struct mynah_elem *found = NULL;
    uint64_t seen[TESTS_MAX] = {0};

    MYNAH_EACH(child, e, NULL, NULL)
    {
        if (!found && fits(child, s, seen))
            found = at(child, s, was_deep, left);
        if (!found && s->deep)
            found = below_by(child, s, was_deep, left);
    }
    return found;
}

static const struct mynah_elem *below(const struct mynah_elem *e, mn_str path, bool was_deep,
                                      size_t *left)
{
    struct step s;

    return step_cut(path, was_deep, &s) ? below_by(e, &s, was_deep, left) : NULL;
}

const struct mynah_elem *mynah_elem_path_nth(const struct mynah_elem *e, const char *path, size_t i)
{
    mn_str p = mn_str_from(path);
    struct step s;

    if (!e || p.n < 2 || p.p[0] != '/' || p.p[1] == '/')
        return below(e, mn_str_skip(p, p.n && p.p[0] == '/'), false, &i);
    if (!step_cut(mn_str_skip(p, 1), false, &s) || !fits(e, &s, (uint64_t[TESTS_MAX]){0}))
        return NULL;
    return at(e, &s, false, &i);
}

const struct mynah_elem *mynah_elem_path(const struct mynah_elem *e, const char *path)
{
    return mynah_elem_path_nth(e, path, 0);
}
