/* What is shown of an answer, by its shape: values, words, tables. */
#include "mynahctl.h"

/* A value as text; what could steer a terminal is not let through. */
static mn_str shown(const json_t *v, struct mn_arena *a)
{
    mn_str s = MN_STR("-");
    char *p;

    if (json_is_integer(v))
        return mn_arena_fmt(a, "%lld", (long long)json_integer_value(v));
    if (json_is_boolean(v))
        return json_is_true(v) ? MN_STR("yes") : MN_STR("no");
    if (json_is_string(v))
        s = (mn_str){json_string_value(v), json_string_length(v)};
    p = mn_arena_bytes(a, s.n);
    for (size_t i = 0; i < s.n; i++)
        p[i] = (unsigned char)s.p[i] < ' ' || s.p[i] == 0x7f ? '?' : s.p[i];
    return (mn_str){p, s.n};
}

/* Characters, not bytes. */
static size_t width(mn_str s)
{
    size_t n = 0;

    for (size_t i = 0; i < s.n; i++)
        n += ((unsigned char)s.p[i] & 0xc0) != 0x80;
    return n;
}

static void cell(mn_str s, size_t column, bool last)
{
    fwrite(s.p, 1, s.n, stdout);
    if (last)
        putchar('\n');
    else
        printf("%*s", (int)(column - width(s)) + 2, "");
}

static void table_show(const char *name, const json_t *list)
{
    struct mn_arena a = {0};
    const json_t *first = json_array_get(list, 0);
    size_t columns[32] = {0}, count = json_object_size(first), k, i;
    const char *key;
    json_t *row, *v;

    if (count > MN_COUNT(columns))
        count = MN_COUNT(columns);
    k = 0;
    json_object_foreach((json_t *)first, key, v) if (k < count) columns[k++] = strlen(key);
    json_array_foreach((json_t *)list, i, row)
    {
        k = 0;
        json_object_foreach(row, key, v) if (k < count)
        {
            size_t w = width(shown(v, &a));

            columns[k] = w > columns[k] ? w : columns[k];
            k++;
        }
    }
    k = 0;
    json_object_foreach((json_t *)first, key, v) if (k < count)
    {
        cell(mn_str_from(key), columns[k], k + 1 == count);
        k++;
    }
    json_array_foreach((json_t *)list, i, row)
    {
        k = 0;
        json_object_foreach(row, key, v) if (k < count)
        {
            cell(shown(v, &a), columns[k], k + 1 == count);
            k++;
        }
    }
    printf("%zu %s\n", json_array_size(list), name);
    mn_arena_done(&a, NULL);
}

static void words_show(const json_t *list)
{
    struct mn_arena a = {0};
    json_t *v;
    size_t i;

    json_array_foreach((json_t *)list, i, v)
    {
        mn_str s = shown(v, &a);

        printf("%s%.*s", i ? ", " : "", MN_ARG(s));
    }
    puts(i ? "" : "-");
    mn_arena_done(&a, NULL);
}

/* An empty one cannot tell: it is one where it is the whole answer. */
static bool is_table(const json_t *ok, const json_t *v)
{
    return json_is_array(v) &&
           (json_array_size(v) ? json_is_object(json_array_get(v, 0)) : json_object_size(ok) == 1);
}

void ok_show(json_t *ok)
{
    struct mn_arena a = {0};
    size_t column = 0;
    const char *key;
    json_t *v;

    json_object_foreach(ok, key, v) if (!is_table(ok, v) && strlen(key) > column) column =
        strlen(key);
    json_object_foreach(ok, key, v)
    {
        if (is_table(ok, v)) {
            table_show(key, v);
            continue;
        }
        cell(mn_str_from(key), column, false);
        if (json_is_array(v))
            words_show(v);
        else
            cell(shown(v, &a), 0, true);
    }
    mn_arena_done(&a, NULL);
}

int failed_show(json_t *ok)
{
    json_t *failed = json_object_get(ok, "failed"), *v;
    size_t i, count = json_array_size(failed);
    struct mn_arena a = {0};

    json_array_foreach(failed, i, v)
    {
        mn_str whose = shown(json_object_get(v, "jid"), &a),
               why = shown(json_object_get(v, "text"), &a);

        fprintf(stderr, "mynahctl: %.*s: %.*s\n", MN_ARG(whose), MN_ARG(why));
    }
    mn_arena_done(&a, NULL);
    if (count && !ctl.json)
        json_object_set_new(ok, "failed", json_integer((json_int_t)count));
    else if (!ctl.json)
        json_object_del(ok, "failed");
    return count > 0;
}
