/* libyaml reads, the table decides. A section's rows lie relative to the place of the section, so
 * that a module's table needs to know its own struct only. In MODULES every row is a section whose
 * struct begins with `bool on`. */
#include "base/conf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <yaml.h>

#include "base/err.h"
#include "base/num.h"

enum { ERRORS_MAX = 100 };

struct reader {
    yaml_document_t doc;
    struct mn_arena *a;
    struct mn_conf_errors *errors;
};

static void complain(struct reader *r, int line, const char *fmt, ...) MN_PRINTF(3, 4);
static void complain(struct reader *r, int line, const char *fmt, ...)
{
    char text[400];
    va_list ap;

    if (r->errors->count >= ERRORS_MAX)
        return;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    r->errors->items[r->errors->count++] =
        (struct mn_conf_error){line, mn_arena_str(r->a, mn_str_from(text))};
}

static int line_of(const yaml_node_t *n)
{
    return (int)n->start_mark.line + 1;
}

static mn_str scalar(const yaml_node_t *n)
{
    if (n->type != YAML_SCALAR_NODE)
        return (mn_str){0};
    return (mn_str){(const char *)n->data.scalar.value, n->data.scalar.length};
}

/* Scalars. */

static bool parse_bool(mn_str s, bool *out)
{
    static const char *const words[] = {"no", "yes", "off", "on", "false", "true"};

    for (size_t i = 0; i < MN_COUNT(words); i++)
        if (mn_str_is(s, words[i])) {
            *out = i & 1;
            return true;
        }
    return false;
}

/* A number and one of `units` behind it; a unit of scale 0 ends the list. */
struct unit {
    const char *name;
    int64_t scale;
};

static bool parse_units(mn_str s, const struct unit *units, bool bare, int64_t *out)
{
    size_t n = 0;
    uint64_t v;
    mn_str unit;

    while (n < s.n && s.p[n] >= '0' && s.p[n] <= '9')
        n++;
    if (!mn_num_parse((mn_str){s.p, n}, INT64_MAX, &v))
        return false;
    unit = mn_str_skip(s, n);
    while (unit.n && unit.p[0] == ' ')
        unit = mn_str_skip(unit, 1);
    if (!unit.n && (bare || v == 0)) {
        *out = (int64_t)v;
        return true;
    }
    for (; units->scale; units++)
        if (mn_str_is(unit, units->name))
            return !__builtin_mul_overflow((int64_t)v, units->scale, out);
    return false;
}

static const struct unit sizes[] = {{"k", 1024}, {"M", 1 << 20}, {"G", 1 << 30}, {0}};
static const struct unit times[] = {{"ms", 1},      {"s", 1000},     {"min", 60000},
                                    {"h", 3600000}, {"d", 86400000}, {0}};

static bool parse_rate(mn_str s, struct mn_conf_rate *out)
{
    mn_str per, count = mn_str_cut(s, '/', &per);
    uint64_t v;

    *out = (struct mn_conf_rate){0};
    if (mn_str_is(s, "0") || mn_str_is(s, "off"))
        return true;
    if (!mn_num_parse(count, 1000000000, &v) || !v)
        return false;
    out->count = (int64_t)v;
    for (const struct unit *u = times; u->scale; u++)
        if (mn_str_is(per, u->name))
            out->ms = u->scale;
    return out->ms > 0;
}

static int choice_of(mn_str s, const char *const *choices)
{
    for (int i = 0; choices[i]; i++)
        if (mn_str_is(s, choices[i]))
            return i;
    return -1;
}

static mn_str joined(struct mn_arena *a, const char *const *choices)
{
    struct mn_buf b = {0};
    mn_str out;

    for (int i = 0; choices[i]; i++)
        mn_buf_fmt(&b, "%s%s", i ? " | " : "", choices[i]);
    out = mn_arena_str(a, mn_buf_view(&b));
    mn_buf_free(&b);
    return out;
}

static const char *expected(struct mn_arena *a, const struct mn_conf_row *row)
{
    switch (row->type) {
    case MN_CONF_BOOL:
        return "yes or no (on, off, true, false; lower case)";
    case MN_CONF_INT:
        return "a whole number";
    case MN_CONF_SIZE:
        return "a size: 512, 64k, 10M, 1G";
    case MN_CONF_TIME:
        return "a time: 500ms, 30s, 5min, 2h, 7d";
    case MN_CONF_RATE:
        return "a rate: 5/h, 100/min, or off";
    case MN_CONF_CHOICE:
    case MN_CONF_TEXTS:
        return row->choices ? mn_arena_fmt(a, "one of: %.*s", MN_ARG(joined(a, row->choices))).p
                            : "text";
    default:
        return "text";
    }
}

/* In the largest unit that shows it exactly. */
static mn_str amount(const struct mn_conf_row *row, int64_t v, struct mn_arena *a)
{
    const struct unit *u = row->type == MN_CONF_SIZE ? sizes : times, *best = NULL;

    for (; row->type != MN_CONF_INT && row->type != MN_CONF_TEXT && u->scale; u++)
        if (v && !(v % u->scale) && (!best || u->scale > best->scale))
            best = u;
    return best ? mn_arena_fmt(a, "%lld%s", (long long)(v / best->scale), best->name)
                : mn_arena_fmt(a, "%lld", (long long)v);
}

mn_str mn_conf_takes(const struct mn_conf_row *row, struct mn_arena *a)
{
    const char *what = row->type == MN_CONF_TEXTS && row->choices ? "a list, each " : "",
               *type = expected(a, row), *unit = row->type == MN_CONF_TEXT ? " bytes" : "";

    if (row->type == MN_CONF_TEXTS && !row->choices)
        type = "a list of texts";
    if (row->type == MN_CONF_LIST)
        type = "a list of entries, each with a dash";
    if (row->type == MN_CONF_SECTION || row->type == MN_CONF_MODULES)
        type = "keys below it";
    if (!row->min && !row->max)
        return mn_arena_fmt(a, "%s%s", what, type);
    return mn_arena_fmt(a, "%s%s; %.*s to %.*s%s", what, type, MN_ARG(amount(row, row->min, a)),
                        MN_ARG(amount(row, row->max, a)), unit);
}

/* Into place; false: not of the type. */
static bool store_scalar(struct reader *r, const struct mn_conf_row *row, mn_str s, void *out)
{
    int choice;

    switch (row->type) {
    case MN_CONF_BOOL:
        return parse_bool(s, out);
    case MN_CONF_INT:
        return mn_num_parse_int(s, INT64_MIN + 1, INT64_MAX, out);
    case MN_CONF_SIZE:
        return parse_units(s, sizes, true, out);
    case MN_CONF_TIME:
        return parse_units(s, times, false, out);
    case MN_CONF_RATE:
        return parse_rate(s, out);
    case MN_CONF_CHOICE:
        choice = choice_of(s, row->choices);
        if (choice >= 0)
            *(int *)out = choice;
        return choice >= 0;
    case MN_CONF_TEXT:
        *(mn_str *)out = (mn_str){mn_arena_cstr(r->a, s), s.n};
        return true;
    default:
        return false;
    }
}

static void check_value(struct reader *r, const struct mn_conf_row *row, const void *value,
                        int line)
{
    struct mn_buf why = {0};

    if ((row->min || row->max) && (row->type == MN_CONF_INT || row->type == MN_CONF_SIZE ||
                                   row->type == MN_CONF_TIME || row->type == MN_CONF_TEXT)) {
        int64_t v = row->type == MN_CONF_TEXT ? (int64_t)((const mn_str *)value)->n
                                              : *(const int64_t *)value;

        if (v < row->min || v > row->max)
            complain(r, line,
                     row->type == MN_CONF_TIME ? "%s: out of range: %lld ms to %lld ms are allowed"
                     : row->type == MN_CONF_TEXT ? "%s: must be %lld to %lld characters long"
                                                 : "%s: out of range: %lld to %lld is allowed",
                     row->key, (long long)row->min, (long long)row->max);
    }
    if (row->check && row->check(value, &why))
        complain(r, line, "%s: %.*s", row->key, MN_ARG(mn_buf_view(&why)));
    mn_buf_free(&why);
}

/* Defaults. */

static void defaults(struct reader *r, const struct mn_conf_row *rows, char *base);

/* "[a, b]" of a default. */
static void default_texts(struct reader *r, const struct mn_conf_row *row, struct mn_conf_list *out)
{
    mn_str rest = mn_str_from(row->fallback), piece;
    mn_str *items = mn_arena_alloc(r->a, (rest.n + 1) * sizeof *items);

    *out = (struct mn_conf_list){items, 0, 0};
    if (rest.n < 2)
        return;
    rest = (mn_str){rest.p + 1, rest.n - 2};
    while (rest.n) {
        piece = mn_str_trim(mn_str_cut(rest, ',', &rest));
        if (piece.n)
            items[out->count++] = piece;
    }
}

static void default_one(struct reader *r, const struct mn_conf_row *row, char *base)
{
    void *at = base + row->offset;

    switch (row->type) {
    case MN_CONF_SECTION:
        defaults(r, row->rows, at);
        break;
    case MN_CONF_MODULES:
        for (const struct mn_conf_row *m = row->rows; m->key; m++) {
            *(bool *)((char *)at + m->offset) = true;
            if (m->rows)
                defaults(r, m->rows, (char *)at + m->offset);
        }
        break;
    case MN_CONF_LIST:
        *(struct mn_conf_list *)at = (struct mn_conf_list){0};
        break;
    case MN_CONF_TEXTS:
        default_texts(r, row, at);
        break;
    default:
        if (row->fallback)
            MN_ASSERT(store_scalar(r, row, mn_str_from(row->fallback), at));
    }
}

static void defaults(struct reader *r, const struct mn_conf_row *rows, char *base)
{
    for (; rows->key; rows++)
        default_one(r, rows, base);
}

/* Reading. */

static void read_mapping(struct reader *r, const struct mn_conf_row *rows, const yaml_node_t *n,
                         const char *where, char *base, bool modules);

static void read_texts(struct reader *r, const struct mn_conf_row *row, const yaml_node_t *n,
                       struct mn_conf_list *out)
{
    size_t count;
    mn_str *items;

    if (n->type != YAML_SEQUENCE_NODE) {
        complain(r, line_of(n), "%s: expected a list: [a, b]", row->key);
        return;
    }
    count = (size_t)(n->data.sequence.items.top - n->data.sequence.items.start);
    items = mn_arena_alloc(r->a, (count + 1) * sizeof *items);
    *out = (struct mn_conf_list){items, 0, line_of(n)};
    for (yaml_node_item_t *i = n->data.sequence.items.start; i < n->data.sequence.items.top; i++) {
        yaml_node_t *item = yaml_document_get_node(&r->doc, *i);
        mn_str s = scalar(item);

        if (!s.p || (row->choices && choice_of(s, row->choices) < 0)) {
            complain(r, line_of(item), "%s: expected %s", row->key, expected(r->a, row));
            continue;
        }
        for (size_t k = 0; k < out->count; k++)
            if (mn_str_eq(items[k], s))
                complain(r, line_of(item), "%s: %.*s stands there twice", row->key, MN_ARG(s));
        items[out->count++] = (mn_str){mn_arena_cstr(r->a, s), s.n};
    }
}

static void read_list(struct reader *r, const struct mn_conf_row *row, const yaml_node_t *n,
                      struct mn_conf_list *out)
{
    size_t count;
    char *items;

    if (n->type != YAML_SEQUENCE_NODE) {
        complain(r, line_of(n), "%s: expected a list of entries, each with a dash", row->key);
        return;
    }
    count = (size_t)(n->data.sequence.items.top - n->data.sequence.items.start);
    items = mn_arena_alloc0(r->a, (count + 1) * row->size);
    *out = (struct mn_conf_list){items, count, line_of(n)};
    for (size_t i = 0; i < count; i++) {
        yaml_node_t *item = yaml_document_get_node(&r->doc, n->data.sequence.items.start[i]);

        defaults(r, row->rows, items + i * row->size);
        read_mapping(r, row->rows, item, row->key, items + i * row->size, false);
    }
}

static void read_value(struct reader *r, const struct mn_conf_row *row, const yaml_node_t *n,
                       char *base, bool module)
{
    void *at = base + row->offset;
    size_t before = r->errors->count;
    mn_str s = scalar(n);
    bool on;

    if (module && s.p) {
        if (!parse_bool(s, &on))
            complain(r, line_of(n), "%s: expected off, or the module's own keys", row->key);
        else
            *(bool *)at = on;
        return;
    }
    switch (row->type) {
    case MN_CONF_SECTION:
        if (!module || row->rows)
            read_mapping(r, row->rows, n, row->key, at, false);
        else
            complain(r, line_of(n), "%s: this module has no keys; only on or off", row->key);
        return;
    case MN_CONF_MODULES:
        read_mapping(r, row->rows, n, row->key, at, true);
        return;
    case MN_CONF_LIST:
        read_list(r, row, n, at);
        break;
    case MN_CONF_TEXTS:
        read_texts(r, row, n, at);
        break;
    default:
        if (!s.p || !store_scalar(r, row, s, at)) {
            complain(r, line_of(n), "%s: %.*s%sexpected %s", row->key, MN_ARG(s), s.n ? ": " : "",
                     expected(r->a, row));
            return;
        }
    }
    if (r->errors->count == before)
        check_value(r, row, at, line_of(n));
}

/* The nearest known key, for a slip of the finger: one letter more, less or other. */
static const char *nearest(const struct mn_conf_row *rows, mn_str key)
{
    for (; rows->key; rows++) {
        mn_str k = mn_str_from(rows->key);
        size_t head = 0, tail = 0, longer = k.n > key.n ? k.n : key.n;

        while (head < k.n && head < key.n && k.p[head] == key.p[head])
            head++;
        while (tail < k.n - head && tail < key.n - head &&
               k.p[k.n - 1 - tail] == key.p[key.n - 1 - tail])
            tail++;
        if (head + tail + 2 >= longer && longer > 3)
            return rows->key;
    }
    return NULL;
}

static void read_mapping(struct reader *r, const struct mn_conf_row *rows, const yaml_node_t *n,
                         const char *where, char *base, bool modules)
{
    mn_str empty = scalar(n);

    if (empty.p && !empty.n) /* "key:" with nothing behind it */
        return;
    if (n->type != YAML_MAPPING_NODE) {
        complain(r, line_of(n), "%s: expected keys with values", where);
        return;
    }
    for (yaml_node_pair_t *p = n->data.mapping.pairs.start; p < n->data.mapping.pairs.top; p++) {
        yaml_node_t *k = yaml_document_get_node(&r->doc, p->key),
                    *v = yaml_document_get_node(&r->doc, p->value);
        mn_str key = scalar(k);
        const struct mn_conf_row *row = rows;
        bool doubled = false;

        if (!key.p) {
            complain(r, line_of(k), "%s: a key must be a word", where);
            continue;
        }
        while (row->key && !mn_str_is(key, row->key))
            row++;
        for (yaml_node_pair_t *q = n->data.mapping.pairs.start; q < p; q++)
            doubled |= mn_str_eq(scalar(yaml_document_get_node(&r->doc, q->key)), key);
        if (doubled)
            complain(r, line_of(k), "%.*s stands there twice", MN_ARG(key));
        else if (row->key)
            read_value(r, row, v, base, modules);
        else if (nearest(rows, key))
            complain(r, line_of(k), "unknown key %.*s; did you mean %s?", MN_ARG(key),
                     nearest(rows, key));
        else
            complain(r, line_of(k), "unknown key %.*s", MN_ARG(key));
    }
    for (; rows->key; rows++) {
        bool there = false;

        for (yaml_node_pair_t *p = n->data.mapping.pairs.start; p < n->data.mapping.pairs.top; p++)
            there |= mn_str_is(scalar(yaml_document_get_node(&r->doc, p->key)), rows->key);
        if (!there && !rows->fallback && rows->type != MN_CONF_SECTION &&
            rows->type != MN_CONF_LIST && rows->type != MN_CONF_MODULES)
            complain(r, line_of(n), "%s: the key %s is missing", where, rows->key);
    }
}

int mn_conf_parse(mn_str yaml, const struct mn_conf_row *rows, struct mn_arena *a, void *out,
                  struct mn_conf_errors *errors)
{
    struct reader r = {.a = a, .errors = errors};
    yaml_parser_t parser;
    yaml_node_t *root;

    *errors =
        (struct mn_conf_errors){mn_arena_alloc0(a, ERRORS_MAX * sizeof(struct mn_conf_error)), 0};
    defaults(&r, rows, out);
    MN_MEMORY(yaml_parser_initialize(&parser));
    yaml_parser_set_input_string(&parser, (const unsigned char *)(yaml.p ? yaml.p : ""), yaml.n);
    if (!yaml_parser_load(&parser, &r.doc)) {
        complain(&r, (int)parser.problem_mark.line + 1, "not YAML: %s",
                 parser.problem ? parser.problem : "unreadable");
    } else {
        root = yaml_document_get_root_node(&r.doc);
        if (root)
            read_mapping(&r, rows, root, "the file", out, false);
        yaml_document_delete(&r.doc);
        if (root && yaml_parser_load(&parser, &r.doc)) {
            if (yaml_document_get_root_node(&r.doc))
                complain(&r, line_of(yaml_document_get_root_node(&r.doc)),
                         "a second document; there may be one only");
            yaml_document_delete(&r.doc);
        }
    }
    yaml_parser_delete(&parser);
    return errors->count ? MN_E_FORMAT : MN_E_OK;
}

/* Values as text. */

static mn_str value_text(const struct mn_conf_row *row, const void *at, struct mn_arena *a)
{
    const struct mn_conf_list *list = at;
    const struct mn_conf_rate *rate = at;
    struct mn_buf b = {0};
    mn_str out;

    switch (row->type) {
    case MN_CONF_BOOL:
        return *(const bool *)at ? MN_STR("on") : MN_STR("off");
    case MN_CONF_CHOICE:
        return mn_str_from(row->choices[*(const int *)at]);
    case MN_CONF_TEXT:
        return *(const mn_str *)at;
    case MN_CONF_RATE:
        for (const struct unit *u = times; rate->count && u->scale; u++)
            if (u->scale == rate->ms)
                return mn_arena_fmt(a, "%lld/%s", (long long)rate->count, u->name);
        return MN_STR("off");
    case MN_CONF_TEXTS:
        for (size_t i = 0; i < list->count; i++)
            mn_buf_fmt(&b, "%s%.*s", i ? ", " : "[", MN_ARG(((mn_str *)list->items)[i]));
        out = list->count ? mn_arena_fmt(a, "%.*s]", MN_ARG(mn_buf_view(&b))) : MN_STR("[]");
        mn_buf_free(&b);
        return out;
    default:
        return amount(row, *(const int64_t *)at, a);
    }
}

struct visit {
    struct mn_arena a;
    void (*each)(void *arg, const char *path, const struct mn_conf_row *row, mn_str value);
    void *arg;
};

static void visit_rows(struct visit *v, const struct mn_conf_row *rows, const char *base,
                       const char *before, bool modules)
{
    for (; rows->key; rows++) {
        const void *at = base + rows->offset;
        const char *path = mn_arena_fmt(&v->a, "%s%s", before, rows->key).p,
                   *below = mn_arena_fmt(&v->a, "%s.", path).p;
        const struct mn_conf_list *list = at;

        if (modules) /* the struct of a module begins with `bool on` */
            v->each(v->arg, path, rows, *(const bool *)at ? MN_STR("on") : MN_STR("off"));
        if (rows->type == MN_CONF_LIST)
            for (size_t i = 0; i < list->count; i++)
                visit_rows(v, rows->rows, (const char *)list->items + i * rows->size,
                           mn_arena_fmt(&v->a, "%s[%zu].", path, i).p, false);
        else if (rows->type == MN_CONF_SECTION || rows->type == MN_CONF_MODULES)
            visit_rows(v, rows->rows ? rows->rows : (const struct mn_conf_row[]){{0}}, at, below,
                       rows->type == MN_CONF_MODULES);
        else
            v->each(v->arg, path, rows, value_text(rows, at, &v->a));
    }
}

void mn_conf_each(const struct mn_conf_row *rows, const void *values,
                  void (*each)(void *arg, const char *path, const struct mn_conf_row *row,
                               mn_str value),
                  void *arg)
{
    struct visit v = {.each = each, .arg = arg};

    visit_rows(&v, rows, values, "", false);
    mn_arena_done(&v.a, NULL);
}

/* Printing. */

/* What stands behind a row: its text, what may be chosen, the range. */
static void print_note(const struct mn_conf_row *row, struct mn_buf *line)
{
    struct mn_arena a = {0};
    struct mn_buf note = {0};
    const char *gap = row->text ? "; " : "";

    if (row->text)
        mn_buf_str(&note, mn_str_from(row->text));
    if (row->choices)
        mn_buf_fmt(&note, "%s%.*s", gap, MN_ARG(joined(&a, row->choices)));
    if ((row->min || row->max) && row->type == MN_CONF_INT)
        mn_buf_fmt(&note, "%s%lld to %lld", gap, (long long)row->min, (long long)row->max);
    while (note.n && line->n < 46)
        mn_buf_c(line, ' ');
    if (note.n)
        mn_buf_fmt(line, " # %.*s", MN_ARG(mn_buf_view(&note)));
    mn_buf_free(&note);
    mn_arena_done(&a, NULL);
}

static void print_rows(const struct mn_conf_row *rows, struct mn_buf *b, int indent, bool comment,
                       bool first_dash)
{
    for (bool first = true; rows->key; rows++, first = false) {
        struct mn_buf line = {0};
        bool list = rows->type == MN_CONF_LIST;

        mn_buf_fmt(&line, "%s%*s%s%s:", comment || list ? "# " : "", indent, "",
                   first_dash ? (first ? "- " : "  ") : "", rows->key);
        if (rows->fallback) {
            bool quote = rows->type == MN_CONF_TEXT &&
                         (!*rows->fallback || strpbrk(rows->fallback, ":@{}[]&*#?|<>=!%\\\"'"));

            mn_buf_fmt(&line, quote ? " \"%s\"" : " %s", rows->fallback);
        } else if (rows->type == MN_CONF_SECTION && !rows->rows) {
            mn_buf_lit(&line, " on");
        } else if (!rows->rows) {
            mn_buf_lit(&line, " ...");
        }
        print_note(rows, &line);
        mn_buf_c(&line, '\n');
        mn_buf_str(b, mn_buf_view(&line));
        mn_buf_free(&line);
        if (rows->rows)
            print_rows(rows->rows, b, indent + 2, comment || list, list);
    }
}

void mn_conf_print(const struct mn_conf_row *rows, struct mn_buf *out)
{
    print_rows(rows, out, 0, false, false);
}
