#include "server/config.h"

#include "test.h"

static struct mn_arena a;

static bool same_texts(const struct mn_conf_list *x, const struct mn_conf_list *y)
{
    for (size_t i = 0; x->count == y->count && i < x->count; i++)
        if (!mn_str_eq(((mn_str *)x->items)[i], ((mn_str *)y->items)[i]))
            return false;
    return x->count == y->count;
}

/* Names the rows whose values differ; the module flag `on` in front of a section is a row of its
 * own here. */
static void compare(const struct mn_conf_row *rows, const char *x, const char *y, bool modules)
{
    for (; rows->key; rows++) {
        const char *p = x + rows->offset, *q = y + rows->offset;
        bool same = true;

        if (modules && *(const bool *)p != *(const bool *)q)
            test_fail(__FILE__, __LINE__, "module %s", rows->key);
        switch (rows->type) {
        case MN_CONF_SECTION:
        case MN_CONF_MODULES:
            if (rows->rows)
                compare(rows->rows, p, q, rows->type == MN_CONF_MODULES);
            continue;
        case MN_CONF_LIST:
            same = !((const struct mn_conf_list *)p)->count &&
                   !((const struct mn_conf_list *)q)->count;
            break;
        case MN_CONF_TEXTS:
            same = same_texts((const struct mn_conf_list *)p, (const struct mn_conf_list *)q);
            break;
        case MN_CONF_TEXT:
            same = mn_str_eq(*(const mn_str *)p, *(const mn_str *)q);
            break;
        case MN_CONF_BOOL:
            same = *(const bool *)p == *(const bool *)q;
            break;
        case MN_CONF_CHOICE:
            same = *(const int *)p == *(const int *)q;
            break;
        case MN_CONF_RATE:
            same = !memcmp(p, q, sizeof(struct mn_conf_rate));
            break;
        case MN_CONF_INT:
        case MN_CONF_SIZE:
        case MN_CONF_TIME:
            same = *(const int64_t *)p == *(const int64_t *)q;
        }
        if (!same)
            test_fail(__FILE__, __LINE__, "%s differs", rows->key);
    }
}

TEST(what_print_defaults_prints_is_a_configuration_equal_to_the_defaults)
{
    struct config *none, *printed;
    struct mn_conf_errors errors;
    struct mn_buf b = {0};

    CHECK_INT(config_parse(MN_STR(""), &a, &none, &errors), 0);
    mn_conf_print(config_rows(), &b);
    CHECK_INT(config_parse(mn_buf_view(&b), &a, &printed, &errors), 0);
    compare(config_rows(), (const char *)none, (const char *)printed, false);
    mn_buf_free(&b);
    mn_arena_done(&a, NULL);
}

/* What stands behind "# " is an example: with values for the dots it is a configuration as well. */
TEST(its_commented_lists_are_examples_that_work)
{
    struct config *c;
    struct mn_conf_errors errors;
    struct mn_buf b = {0}, yaml = {0};
    mn_str rest, line;
    int names = 0;

    mn_conf_print(config_rows(), &b);
    for (rest = mn_buf_view(&b); rest.n;) {
        line = mn_str_cut(rest, '\n', &rest);
        if (mn_str_starts(line, MN_STR("# ")))
            line = mn_str_skip(line, 2);
        if (mn_str_starts(line, MN_STR("  - name: ...")))
            line = names++ ? MN_STR("  - name: echo.example.org") : MN_STR("  - name: example.org");
        if (mn_str_starts(line, MN_STR("    secret:")))
            line = MN_STR("    secret: x");
        if (mn_str_starts(line, MN_STR("    port: ...")))
            line = MN_STR("    port: 5222");
        mn_buf_str(&yaml, line);
        mn_buf_c(&yaml, '\n');
    }
    CHECK_INT(config_parse(mn_buf_view(&yaml), &a, &c, &errors), 0);
    CHECK(c->domains.count == 1 && c->listen.count == 1 && c->components.count == 1);
    mn_buf_free(&b);
    mn_buf_free(&yaml);
    mn_arena_done(&a, NULL);
}

TEST(what_no_single_key_can_see_is_seen)
{
    static const struct {
        const char *yaml, *says;
    } rows[] = {
        {"domains: [{name: a.example, key: /x}]", "belong together"},
        {"domains: [{name: a.example}, {name: A.example}]", "twice"},
        {"domains: [{name: \"a b\"}]", "no domain name"},
        {"auth: {without_tls: [PLAIN]}", "not among the mechanisms"},
        {"auth: {without_tls: [SCRAM-SHA-1-PLUS]}", "needs TLS"},
        {"auth: {iq_auth: on}", "iq_auth: PLAIN"},
        {"listen: [{port: 1, address: here}]", "IP address"},
        {"components: [{name: a.example}]", "expected secret or secret_file"},
        {"components: [{name: a.example, secret: x, secret_file: y}]",
         "expected secret or secret_file"},
        {"components: [{name: a.example, secret: x}, {name: A.example, secret: x}]", "twice"},
        {"domains: [{name: a.example}]\ncomponents: [{name: a.example, secret: x}]", "twice"},
        {"listen: [{service: component, port: 1}]", "tls can only be off"},
        {"contact: {admin: [alice@example.org]}", "expected a URI"},
        {"contact: {abuse: [\"mailto:a b\"]}", "expected a URI"},
        {"contact: {status: [\"https:\"]}", "expected a URI"},
        {"log: {to: file}", "expected stderr"},
    };

    for (size_t i = 0; i < MN_COUNT(rows); i++) {
        struct mn_conf_errors errors;
        struct config *c;

        if (config_parse(mn_str_from(rows[i].yaml), &a, &c, &errors) != MN_E_FORMAT ||
            errors.count != 1 ||
            !memmem(errors.items[0].text.p, errors.items[0].text.n, rows[i].says,
                    strlen(rows[i].says)))
            test_fail(__FILE__, __LINE__, "%s: %zu errors", rows[i].yaml, errors.count);
    }
    mn_arena_done(&a, NULL);
}
