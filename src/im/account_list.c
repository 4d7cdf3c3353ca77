#include "im/account_list.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <yaml.h>

#include "base/file.h"
#include "im/lang.h"

enum { CONFIG_MAX = 1 << 20, PRIVATE = 0600, PRIVATE_FOLDER = 0700 };

/* A file that is being changed: what it says, and where that stands. */
struct edit {
    mn_str text;
    struct im_config config;
    yaml_document_t doc;
    const yaml_node_t *root, *key, *list; /* key and list NULL: there are no accounts */
    struct mn_arena *a;
    struct mn_buf *why;
};

/* Places. Marks count characters, and texts are bytes. */

static size_t line_at(mn_str text, size_t line)
{
    size_t at = 0;

    while (line-- && at < text.n) {
        at += mn_str_find(mn_str_skip(text, at), '\n');
        at += at < text.n;
    }
    return at;
}

static size_t place(const struct edit *e, yaml_mark_t mark)
{
    size_t at = line_at(e->text, mark.line);

    for (size_t column = mark.column; column && at < e->text.n; column--)
        do
            at++;
        while (at < e->text.n && ((unsigned char)e->text.p[at] & 0xc0) == 0x80);
    return at;
}

/* The line behind the last one that has something of the node: a block ends where the next thing
 * begins, with comments in between that are not its own. */
static size_t line_behind(struct edit *e, const yaml_node_t *n)
{
    size_t last = n->start_mark.line + 1;

    if (n->type == YAML_SCALAR_NODE ||
        (n->type == YAML_SEQUENCE_NODE && n->data.sequence.style == YAML_FLOW_SEQUENCE_STYLE) ||
        (n->type == YAML_MAPPING_NODE && n->data.mapping.style == YAML_FLOW_MAPPING_STYLE))
        return n->end_mark.line + (n->end_mark.column > 0 || n->end_mark.line < last);
    if (n->type == YAML_MAPPING_NODE && n->data.mapping.pairs.top > n->data.mapping.pairs.start)
        last = line_behind(e, yaml_document_get_node(&e->doc, n->data.mapping.pairs.top[-1].value));
    if (n->type == YAML_SEQUENCE_NODE && n->data.sequence.items.top > n->data.sequence.items.start)
        last = line_behind(e, yaml_document_get_node(&e->doc, n->data.sequence.items.top[-1]));
    return last;
}

static mn_str scalar(const yaml_node_t *n)
{
    if (!n || n->type != YAML_SCALAR_NODE)
        return (mn_str){0};
    return (mn_str){(const char *)n->data.scalar.value, n->data.scalar.length};
}

static const yaml_node_t *value_of(struct edit *e, const yaml_node_t *map, const char *name,
                                   const yaml_node_t **key)
{
    for (yaml_node_pair_t *p = map->data.mapping.pairs.start;
         map->type == YAML_MAPPING_NODE && p < map->data.mapping.pairs.top; p++) {
        const yaml_node_t *k = yaml_document_get_node(&e->doc, p->key);

        if (mn_str_is(scalar(k), name)) {
            *key = k;
            return yaml_document_get_node(&e->doc, p->value);
        }
    }
    return NULL;
}

static int refuse(struct edit *e, const yaml_node_t *n)
{
    mn_buf_fmt(e->why, _("line %d is written in a way that only you can change"),
               n ? (int)n->start_mark.line + 1 : 1);
    return MN_E_FORMAT;
}

/* Opening. */

/* A text that the configuration would not take is refused. */
static int edit_open(struct edit *e)
{
    struct mn_conf_errors errors = {0};
    yaml_parser_t parser;
    int code = mn_conf_parse(e->text, im_config_rows, e->a, &e->config, &errors);

    if (code) {
        mn_buf_fmt(e->why, _("line %d: %.*s"), errors.items[0].line, MN_ARG(errors.items[0].text));
        return code;
    }
    MN_ASSERT(yaml_parser_initialize(&parser));
    yaml_parser_set_input_string(&parser, (const unsigned char *)(e->text.p ? e->text.p : ""),
                                 e->text.n);
    MN_ASSERT(yaml_parser_load(&parser, &e->doc)); /* it was read just now */
    yaml_parser_delete(&parser);
    e->root = yaml_document_get_root_node(&e->doc);
    if (e->root)
        e->list = value_of(e, e->root, "accounts", &e->key);
    return MN_E_OK;
}

/* The new text (which is freed) says what was wanted: the account enabled (1), disabled (0) or gone
 * (-1), and as many others as before. Else somebody wrote the old one in a way not thought of. */
static int settle(struct edit *e, struct mn_buf *made, mn_str jid, int wanted, mn_str *out)
{
    struct mn_conf_errors errors = {0};
    struct im_config after;
    const struct im_account *acc;

    *out = mn_arena_str(e->a, mn_buf_view(made));
    mn_buf_free(made);
    if (mn_conf_parse(*out, im_config_rows, e->a, &after, &errors))
        return refuse(e, e->list ? e->list : e->root);
    acc = im_account_find(&after, jid);
    if (after.accounts.count + !!im_account_find(&e->config, jid) ==
            e->config.accounts.count + (wanted >= 0) &&
        (wanted < 0 ? !acc : acc && acc->enabled == wanted))
        return MN_E_OK;
    return refuse(e, e->list ? e->list : e->root);
}

/* The same with `with` in the place of what stands from..to. */
static int put(struct edit *e, size_t from, size_t to, mn_str with, mn_str jid, int wanted,
               mn_str *out)
{
    struct mn_buf b = {0};

    mn_buf_str(&b, (mn_str){e->text.p, from});
    mn_buf_str(&b, with);
    mn_buf_str(&b, mn_str_skip(e->text, to));
    return settle(e, &b, jid, wanted, out);
}

/* Rows. */

static bool is_plain(mn_str s)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c >= 0x80;

        if (!letter && !(c >= '0' && c <= '9') && !strchr(i ? "@._/+-" : "/", c))
            return false;
    }
    return s.n > 0;
}

static void value_put(struct mn_buf *b, const char *key, mn_str value)
{
    if (!value.n)
        return;
    mn_buf_fmt(b, "%s%s: ", b->p[b->n - 1] == '{' ? "" : ", ", key);
    if (is_plain(value)) {
        mn_buf_str(b, value);
        return;
    }
    mn_buf_c(b, '\'');
    for (size_t i = 0; i < value.n; i++) {
        if (value.p[i] == '\'')
            mn_buf_c(b, '\'');
        mn_buf_c(b, value.p[i]);
    }
    mn_buf_c(b, '\'');
}

static void line_begin(struct mn_buf *b)
{
    if (b->n && b->p[b->n - 1] != '\n')
        mn_buf_c(b, '\n');
}

static void row_put(struct mn_buf *b, size_t indent, const struct im_account *acc)
{
    char number[24];

    line_begin(b);
    mn_buf_fmt(b, "%*s- {", (int)indent, "");
    for (const struct mn_conf_row *row = im_config_rows[0].rows; row->key; row++) {
        const void *at = (const char *)acc + row->offset;

        if (row->type == MN_CONF_TEXT) {
            value_put(b, row->key, *(const mn_str *)at);
        } else if (row->type == MN_CONF_CHOICE && *(const int *)at) {
            value_put(b, row->key, mn_str_from(row->choices[*(const int *)at]));
        } else if (row->type == MN_CONF_INT && *(const int64_t *)at) {
            snprintf(number, sizeof number, "%lld", (long long)*(const int64_t *)at);
            value_put(b, row->key, mn_str_from(number));
        }
    }
    mn_buf_fmt(b, "}\n");
}

/* Changes. */

static bool is_empty(const yaml_node_t *list)
{
    return list->type == YAML_SEQUENCE_NODE &&
           list->data.sequence.items.top == list->data.sequence.items.start;
}

/* There is none yet: below the key, which is put at the end of the text when it is missing too. */
static int first_put(struct edit *e, const struct im_account *acc, mn_str *out)
{
    size_t indent = e->root ? e->root->start_mark.column : 0, rest = e->text.n;
    struct mn_buf b = {0};

    if (e->key) {
        size_t from = place(e, e->list->start_mark), to = place(e, e->list->end_mark);

        rest = line_at(e->text, e->list->end_mark.line + 1);
        while (from && e->text.p[from - 1] == ' ')
            from--;
        mn_buf_str(&b, (mn_str){e->text.p, from});
        mn_buf_str(&b, (mn_str){e->text.p + to, rest - to});
    } else {
        mn_buf_str(&b, e->text);
        line_begin(&b);
        mn_buf_fmt(&b, "%*saccounts:\n", (int)indent, "");
    }
    row_put(&b, indent + 2, acc);
    mn_buf_str(&b, mn_str_skip(e->text, rest));
    return settle(e, &b, acc->jid, 1, out);
}

static int with(struct edit *e, const struct im_account *acc, mn_str *out)
{
    struct mn_buf b = {0};
    size_t at;

    if (!e->list || is_empty(e->list))
        return first_put(e, acc, out);
    if (e->list->type != YAML_SEQUENCE_NODE ||
        e->list->data.sequence.style == YAML_FLOW_SEQUENCE_STYLE)
        return refuse(e, e->list);
    at = line_at(e->text, line_behind(e, e->list));
    mn_buf_str(&b, (mn_str){e->text.p, at});
    row_put(&b, e->list->start_mark.column, acc);
    mn_buf_str(&b, mn_str_skip(e->text, at));
    return settle(e, &b, acc->jid, 1, out);
}

/* The entry of an account; NULL: there is none. */
static const yaml_node_t *entry(struct edit *e, mn_str jid)
{
    const yaml_node_t *key;

    if (!e->list || e->list->type != YAML_SEQUENCE_NODE)
        return NULL;
    for (yaml_node_item_t *i = e->list->data.sequence.items.start;
         i < e->list->data.sequence.items.top; i++) {
        const yaml_node_t *n = yaml_document_get_node(&e->doc, *i);

        if (im_address_same(scalar(value_of(e, n, "jid", &key)), jid))
            return n;
    }
    return NULL;
}

static int without(struct edit *e, const yaml_node_t *n, mn_str jid, mn_str *out)
{
    size_t from = line_at(e->text, n->start_mark.line), to = line_at(e->text, line_behind(e, n)),
           colon = from;
    struct mn_buf b = {0};
    int code;

    if (e->list->data.sequence.style == YAML_FLOW_SEQUENCE_STYLE ||
        mn_str_find(mn_str_skip(e->text, from), '-') != e->list->start_mark.column)
        return refuse(e, n);
    if (e->list->data.sequence.items.top - e->list->data.sequence.items.start == 1) {
        colon = place(e, e->key->end_mark); /* an empty list is one that says so */
        colon += mn_str_find(mn_str_skip(e->text, colon), ':') + 1;
        mn_buf_fmt(&b, " []");
        mn_buf_str(&b, (mn_str){e->text.p + colon, from > colon ? from - colon : 0});
    }
    code = put(e, colon, to, mn_buf_view(&b), jid, -1, out);
    mn_buf_free(&b);
    return code;
}

static int enabled(struct edit *e, const yaml_node_t *n, mn_str jid, bool on, mn_str *out)
{
    const yaml_node_t *key, *value = value_of(e, n, "enabled", &key);
    const char *word = on ? "on" : "off";
    size_t at;
    mn_str row;

    if (value)
        return put(e, place(e, value->start_mark), place(e, value->end_mark), mn_str_from(word),
                   jid, on, out);
    if (n->data.mapping.style == YAML_FLOW_MAPPING_STYLE) {
        at = place(e, n->end_mark) - 1;
        return put(e, at, at, mn_arena_fmt(e->a, ", enabled: %s", word), jid, on, out);
    }
    at = line_at(e->text, line_behind(e, n));
    row = mn_arena_fmt(e->a, "%s%*senabled: %s\n", e->text.p[at - 1] == '\n' ? "" : "\n",
                       (int)n->start_mark.column, "", word);
    return put(e, at, at, row, jid, on, out);
}

/* What is done with the text: 1, 0: enabled, disabled, -1: removed. */
static int change(struct edit *e, mn_str jid, int wanted, mn_str *out)
{
    const yaml_node_t *n;
    int code = edit_open(e);

    if (code)
        return code;
    n = entry(e, jid);
    if (!n) {
        mn_buf_fmt(e->why, _("there is no account %.*s"), MN_ARG(jid));
        code = MN_E_NOT_FOUND;
    } else {
        code = wanted < 0 ? without(e, n, jid, out) : enabled(e, n, jid, wanted, out);
    }
    yaml_document_delete(&e->doc);
    return code;
}

int im_list_with(mn_str text, const struct im_account *acc, struct mn_arena *a, mn_str *out,
                 struct mn_buf *why)
{
    struct edit e = {.text = text, .a = a, .why = why};
    int code = edit_open(&e);

    if (code)
        return code;
    if (entry(&e, acc->jid)) {
        mn_buf_fmt(why, _("there is an account %.*s already"), MN_ARG(acc->jid));
        code = MN_E_EXISTS;
    } else {
        code = with(&e, acc, out);
    }
    yaml_document_delete(&e.doc);
    return code;
}

int im_list_without(mn_str text, mn_str jid, struct mn_arena *a, mn_str *out, struct mn_buf *why)
{
    return change(&(struct edit){.text = text, .a = a, .why = why}, jid, -1, out);
}

int im_list_enabled(mn_str text, mn_str jid, bool on, struct mn_arena *a, mn_str *out,
                    struct mn_buf *why)
{
    return change(&(struct edit){.text = text, .a = a, .why = why}, jid, on, out);
}

/* The file. */

static void folder_make(const char *path, struct mn_arena *a)
{
    const char *slash = strrchr(path, '/');

    if (slash && slash > path)
        (void)!mn_file_mkdir(mn_arena_cstr(a, (mn_str){path, (size_t)(slash - path)}),
                             PRIVATE_FOLDER); /* writing tells what is wrong with it */
}

static int file_change(const char *path, const struct im_account *acc, mn_str jid, int wanted,
                       struct mn_buf *why)
{
    struct mn_arena a = {0};
    mn_str text = {0}, changed;
    size_t said = why->n;
    int e = mn_file_read(path, CONFIG_MAX, &a, &text);

    if (e == MN_E_NOT_FOUND)
        e = MN_E_OK;
    if (!e)
        e = acc          ? im_list_with(text, acc, &a, &changed, why)
            : wanted < 0 ? im_list_without(text, jid, &a, &changed, why)
                         : im_list_enabled(text, jid, wanted, &a, &changed, why);
    if (!e) {
        folder_make(path, &a);
        e = mn_file_write(mn_file_behind(path, &a), changed, PRIVATE);
    }
    if (e && why->n == said)
        mn_buf_fmt(why, "%s", mn_err_text(e));
    if (e)
        mn_buf_fmt(why, " (%s)", path);
    mn_arena_done(&a, NULL);
    return e;
}

int im_accounts_add(const char *path, const struct im_account *acc, struct mn_buf *why)
{
    return file_change(path, acc, acc->jid, 1, why);
}

int im_accounts_remove(const char *path, mn_str jid, struct mn_buf *why)
{
    return file_change(path, NULL, jid, -1, why);
}

int im_accounts_enable(const char *path, mn_str jid, bool on, struct mn_buf *why)
{
    return file_change(path, NULL, jid, on, why);
}
