#include "base/conf.h"

#include "test.h"

struct item {
    mn_str name;
    int64_t port;
};
struct mod {
    bool on;
    int64_t max;
};
struct conf {
    bool flag;
    int64_t size, time, number;
    mn_str text;
    int choice;
    struct mn_conf_list words, items;
    struct mn_conf_rate rate;
    struct {
        bool inner;
    } part;
    struct mod mods[2];
};

static const char *const colours[] = {"red", "green", NULL};
static const struct mn_conf_row item_rows[] = {
    {"name", MN_CONF_TEXT, offsetof(struct item, name), NULL, .min = 1, .max = 5},
    {"port", MN_CONF_INT, offsetof(struct item, port), "5222", .min = 0, .max = 65535},
    {0}};
static const struct mn_conf_row part_rows[] = {
    {"inner", MN_CONF_BOOL, offsetof(struct conf, part.inner), "on"}, {0}};
static const struct mn_conf_row mod_keys[] = {
    {"max", MN_CONF_INT, offsetof(struct mod, max), "7", .min = 1, .max = 10}, {0}};
static const struct mn_conf_row mod_rows[] = {{"first", MN_CONF_SECTION, 0, .rows = mod_keys},
                                              {"second", MN_CONF_SECTION, sizeof(struct mod)},
                                              {0}};
static const struct mn_conf_row rows[] = {
    {"flag", MN_CONF_BOOL, offsetof(struct conf, flag), "no", .text = "a switch"},
    {"size", MN_CONF_SIZE, offsetof(struct conf, size), "256k", .min = 1024, .max = 1 << 30},
    {"time", MN_CONF_TIME, offsetof(struct conf, time), "30s"},
    {"number", MN_CONF_INT, offsetof(struct conf, number), "3", .min = 1, .max = 9},
    {"text", MN_CONF_TEXT, offsetof(struct conf, text), ""},
    {"choice", MN_CONF_CHOICE, offsetof(struct conf, choice), "green", .choices = colours},
    {"words", MN_CONF_TEXTS, offsetof(struct conf, words), "[red, green]", .choices = colours},
    {"rate", MN_CONF_RATE, offsetof(struct conf, rate), "5/h"},
    {"items", MN_CONF_LIST, offsetof(struct conf, items), .rows = item_rows,
     .size = sizeof(struct item)},
    {"part", MN_CONF_SECTION, 0, .rows = part_rows},
    {"modules", MN_CONF_MODULES, offsetof(struct conf, mods), .rows = mod_rows},
    {0}};

static struct mn_arena a;

static void check_defaults(const struct conf *c)
{
    CHECK(!c->flag && c->size == 256 * 1024 && c->time == 30000 && c->number == 3 &&
          c->choice == 1);
    CHECK(c->words.count == 2 && c->items.count == 0 && c->rate.count == 5 &&
          c->rate.ms == 3600000);
    CHECK(c->part.inner && c->mods[0].on && c->mods[0].max == 7 && c->mods[1].on);
    CHECK_STR(c->text, "");
}

TEST(defaults_stand_and_print_back_to_themselves)
{
    struct conf c = {0}, again = {0};
    struct mn_conf_errors errors;
    struct mn_buf b = {0};

    CHECK_INT(mn_conf_parse(MN_STR(""), rows, &a, &c, &errors), 0);
    check_defaults(&c);
    mn_conf_print(rows, &b);
    CHECK_INT(mn_conf_parse(mn_buf_view(&b), rows, &a, &again, &errors), 0);
    for (size_t i = 0; i < errors.count; i++)
        printf("# %d %.*s\n", errors.items[i].line, MN_ARG(errors.items[i].text));
    check_defaults(&again);
    CHECK(memmem(b.p, b.n, "a switch", 8));
    mn_buf_free(&b);
    mn_arena_done(&a, NULL);
}

TEST(values_are_read_with_their_units)
{
    struct conf c = {0};
    struct mn_conf_errors errors;
    const struct item *items;

    CHECK_INT(mn_conf_parse(
                  MN_STR("flag: true\nsize: 10M\ntime: 2h\nnumber: 9\ntext: \"a: b\"\nchoice: red\n"
                         "words: [green]\nrate: off\nitems:\n  - {name: x, port: 1}\n  - name: y\n"
                         "part: {inner: off}\nmodules:\n  first: {max: 2}\n  second: off\n"),
                  rows, &a, &c, &errors),
              0);
    for (size_t i = 0; i < errors.count; i++)
        printf("# %d %.*s\n", errors.items[i].line, MN_ARG(errors.items[i].text));
    items = c.items.items;
    CHECK(c.flag && c.size == 10 << 20 && c.time == 7200000 && c.number == 9 && c.choice == 0 &&
          !c.rate.count);
    CHECK(c.items.count == 2 && items[0].port == 1 && items[1].port == 5222 && !c.part.inner);
    CHECK(c.mods[0].on && c.mods[0].max == 2 && !c.mods[1].on);
    CHECK_STR(c.text, "a: b");
    mn_arena_done(&a, NULL);
}

TEST(each_error_has_its_line_and_says_what_is_expected)
{
    static const struct {
        const char *yaml;
        int line;
        const char *says;
    } bad[] = {
        {"flag: Yes", 1, "lower case"},
        {"\nflag: 1", 2, "yes or no"},
        {"size: 256kb", 1, "a size"},
        {"size: 10", 1, "out of range"},
        {"time: 30", 1, "a time"},
        {"number: 10", 1, "1 to 9"},
        {"number: x", 1, "whole number"},
        {"choice: blue", 1, "red | green"},
        {"words: [red, blue]", 1, "red | green"},
        {"words: red", 1, "a list"},
        {"words: [red, red]", 1, "twice"},
        {"rate: 5/x", 1, "a rate"},
        {"flag: no\n\nflag: no", 3, "twice"},
        {"flagg: no", 1, "did you mean flag?"},
        {"nothing: no", 1, "unknown key nothing"},
        {"items:\n  - port: 1", 2, "name is missing"},
        {"items:\n  - {name: toolong}", 2, "1 to 5 characters"},
        {"items: 3", 1, "a list of entries"},
        {"part: 3", 1, "keys with values"},
        {"modules: {third: off}", 1, "unknown key third"},
        {"modules:\n  second: {max: 1}", 2, "has no keys"},
        {"modules:\n  first: {max: 11}", 2, "1 to 10"},
        {"modules: {first: maybe}", 1, "expected off"},
        {"flag: no\n[x]: no", 2, "must be a word"},
        {"flag: [", 1, "not YAML"},
        {"flag: no\n---\nflag: no", 3, "second document"},
        {"- a", 1, "keys with values"},
    };
    struct mn_conf_errors errors;
    struct conf c = {0};

    for (size_t i = 0; i < MN_COUNT(bad); i++) {
        struct mn_conf_error *e;

        if (mn_conf_parse(mn_str_from(bad[i].yaml), rows, &a, &c, &errors) != MN_E_FORMAT ||
            errors.count != 1) {
            test_fail(__FILE__, __LINE__, "%s: %zu errors", bad[i].yaml, errors.count);
            continue;
        }
        e = &errors.items[0];
        if ((e->line != bad[i].line && !strstr(bad[i].yaml, "[\0")) ||
            !memmem(e->text.p, e->text.n, bad[i].says, strlen(bad[i].says)))
            test_fail(__FILE__, __LINE__, "%s: line %d: %.*s", bad[i].yaml, e->line,
                      MN_ARG(e->text));
    }
    CHECK_INT(mn_conf_parse(MN_STR("flag: 1\nsize: x\nnope: 1"), rows, &a, &c, &errors),
              MN_E_FORMAT);
    CHECK_INT((long long)errors.count, 3);
    mn_arena_done(&a, NULL);
}
