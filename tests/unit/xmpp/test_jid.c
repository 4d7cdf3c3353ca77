#include "xmpp/jid.h"

#include "test.h"

static struct mn_arena a;

/* LEN1023 and \x00 of the vector files. */
static mn_str expand(mn_str s)
{
    struct mn_buf b = {0};
    mn_str out;

    for (size_t i = 0; i < s.n;) {
        mn_str rest = mn_str_skip(s, i);

        if (mn_str_starts(rest, MN_STR("LEN102"))) {
            size_t n = rest.p[6] == '3' ? 1023 : 1024;

            memset(mn_buf_room(&b, n), 'a', n);
            b.n += n;
            i += 7;
        } else if (mn_str_starts(rest, MN_STR("\\x00"))) {
            mn_buf_c(&b, 0);
            i += 4;
        } else {
            mn_buf_c(&b, s.p[i++]);
        }
    }
    out = mn_arena_str(&a, mn_buf_view(&b));
    mn_buf_free(&b);
    return out;
}

static void check_parts(mn_str in, mn_str user, mn_str host, mn_str resource)
{
    struct mn_jid j;
    int e = mn_jid_parse(in, &a, &j);

    if (e) {
        test_fail(__FILE__, __LINE__, "refused %.*s", MN_ARG(in));
        return;
    }
    if (!mn_str_eq(mn_jid_user(&j), user) || !mn_str_eq(mn_jid_host(&j), host) ||
        (resource.n && !mn_str_eq(mn_jid_resource(&j), resource)) || j.resource != resource.n)
        test_fail(__FILE__, __LINE__, "%.*s became %.*s", MN_ARG(in), MN_ARG(mn_jid_text(&j)));
}

TEST(rows_that_both_rfcs_see_alike_and_the_6122_ones)
{
    mn_str file = test_file("tests/vectors/jid.tsv"), text = file, col[6];
    mn_str old = test_file("tests/vectors/jid-6122.tsv"), old_col[6], t;
    int seen = 0;

    while (test_row(&text, col, 6)) {
        bool other = false;
        struct mn_jid j;

        for (t = old; test_row(&t, old_col, 6);)
            other |= mn_str_eq(old_col[1], col[1]);
        if (other || mn_str_starts(col[5], MN_STR("7622 11")) ||
            mn_str_starts(col[5], MN_STR("7622 20")))
            continue;
        seen++;
        if (mn_str_is(col[0], "ok") && !col[3].n) /* the parts are not spelt out */
            CHECK(!mn_jid_parse(expand(col[1]), &a, &j));
        else if (mn_str_is(col[0], "ok"))
            check_parts(expand(col[1]), expand(col[2]), col[3], expand(col[4]));
        else if (!mn_jid_parse(expand(col[1]), &a, &j))
            test_fail(__FILE__, __LINE__, "accepted %.*s", MN_ARG(col[1]));
    }
    CHECK(seen > 30);
    for (t = old; test_row(&t, old_col, 6);)
        check_parts(old_col[1], old_col[2], old_col[3], old_col[4]);
    mn_free((void *)file.p);
    mn_free((void *)old.p);
    mn_arena_done(&a, NULL);
}

TEST(what_may_be_created_is_stable_under_both_rfcs)
{
    static const struct {
        const char *user, *made; /* NULL: refused */
    } rows[] = {
        {"juliet", "juliet"},
        {"JULIET", "juliet"},
        {"\xcf\x80", "\xcf\x80"},
        {"fu\xc3\x9f"
         "ball",
         NULL},
        {"\xcf\x82", NULL},
        {"henry\xe2\x85\xa3", NULL},
        {"\xe2\x99\x9a", NULL},
        {"a\xe2\x80\x8b", NULL},
        {"a b", NULL},
        {"a@b", NULL},
        {"a'b", NULL},
        {"space\\20cadet", "space\\20cadet"},
        {"\\20cadet", NULL},
        {"space\\20", NULL},
        {"\xe5\x8c\x97\xe4\xba\xac", "\xe5\x8c\x97\xe4\xba\xac"},
        {"", NULL},
        {"\xd8\xa7\xd9\x80", NULL},                   /* U+0640, an exception of RFC 5892 */
        {"\xe1\x84\x80\xe1\x85\xa1", "\xea\xb0\x80"}, /* conjoining jamo compose */
        {"\xe1\x84\x80", NULL},                       /* and alone they are old Hangul */
        {"\xd7\x90\xd7\x91", "\xd7\x90\xd7\x91"},
        {"\xd7\x90"
         "1\xd7\x91",
         "\xd7\x90"
         "1\xd7\x91"},
        {"\xd7\x90"
         "1\xd9\xa2\xd7\x90",
         NULL},              /* European and Arabic digits */
        {"a\xd9\xa2", NULL}, /* an Arabic digit in a left-to-right name */
        {"\xf0\x9e\xa4\xa2"
         "a",
         NULL}, /* Adlam, unknown to nodeprep, and Latin */
        {"\xf0\x9f\xa6\x9c", NULL},
        {"\xc3\x89"
         "douard",
         "\xc3\xa9"
         "douard"},
    };

    for (size_t i = 0; i < MN_COUNT(rows); i++) {
        mn_str out;
        int e = mn_jid_may_create(mn_str_from(rows[i].user), &a, &out);

        if (!rows[i].made != !!e)
            test_fail(__FILE__, __LINE__, "%s: %d", rows[i].user, e);
        else if (!e)
            CHECK_STR(out, rows[i].made);
    }
    mn_arena_done(&a, NULL);
}

TEST(profiles_prepare_as_their_rfcs_say)
{
    mn_str file = test_file("tests/vectors/stringprep.tsv"), text = file, col[5];
    int rows = 0;

    while (test_row(&text, col, 5)) {
        bool node = mn_str_is(col[0], "nodeprep"), bad = mn_str_is(col[1], "bad");
        mn_str in, want = {0}, out = {0};
        struct mn_jid j;
        int e;

        if (!node && !mn_str_is(col[0], "resourceprep"))
            continue;
        in = test_unhex(col[2]);
        if (!bad)
            want = test_unhex(col[3]);
        rows++;
        e = node ? mn_jid_make(in, MN_STR("h"), (mn_str){0}, &a, &j)
                 : mn_jid_resource_prep(in, &a, &out);
        if (node && !e)
            out = mn_jid_user(&j);
        if (bad != !!e || (!bad && !mn_str_eq(out, want)))
            test_fail(__FILE__, __LINE__, "%.*s %.*s", MN_ARG(col[0]), MN_ARG(col[2]));
        mn_free((void *)in.p);
        mn_free((void *)want.p);
    }
    CHECK(rows >= 15);
    mn_free((void *)file.p);
    mn_arena_done(&a, NULL);
}

TEST(hosts_are_names_or_addresses)
{
    static const struct {
        const char *host;
        bool ok;
    } rows[] = {{"[::1]", true},
                {"[2001:DB8::1]", true},
                {"[::ffff:192.0.2.1]", true},
                {"[abc]", false},
                {"[.]", false},
                {"[1:::2]", false},
                {"[::1", false},
                {"[]", false},
                {"a-b.c", true},
                {"A-B.C", true},
                {"a-.b", false},
                {"a.-b", false},
                {"a..b", false},
                {"a-", false},
                {".", false},
                {"-", false},
                {"xn--", false},
                {"a.xn--fuball-cta", true},
                {"a_b", false},
                {"a123456789b123456789c123456789d123456789e123456789f123456789abc", true},
                {"a123456789b123456789c123456789d123456789e123456789f123456789abcd.x", false}};

    for (size_t i = 0; i < MN_COUNT(rows); i++) {
        struct mn_jid j;

        if (mn_jid_parse(mn_str_from(rows[i].host), &a, &j) != (rows[i].ok ? 0 : MN_E_FORMAT))
            test_fail(__FILE__, __LINE__, "%s", rows[i].host);
    }
    mn_arena_done(&a, NULL);
}

TEST(canonical_text_is_not_copied)
{
    mn_str in = MN_STR("romeo@montague.net/orchard");
    struct mn_jid j;

    CHECK(!mn_jid_parse(in, &a, &j));
    CHECK(j.p == in.p && !a.blocks);
    CHECK_STR(mn_jid_bare(&j), "romeo@montague.net");
    CHECK(!mn_jid_parse(MN_STR("Romeo@Montague.net/Orchard"), &a, &j));
    CHECK_STR(mn_jid_text(&j), "romeo@montague.net/Orchard");
    CHECK(!mn_jid_make(MN_STR("U"), MN_STR("x.org"), MN_STR("r"), &a, &j));
    CHECK_STR(mn_jid_text(&j), "u@x.org/r");
    mn_arena_done(&a, NULL);
}

TEST(escapes_of_xep_0106_both_ways)
{
    mn_str file = test_file("tests/vectors/jid-escape.tsv"), text = file, col[2];

    while (test_row(&text, col, 2)) {
        mn_str e = mn_jid_escape(col[0], &a);

        if (!mn_str_eq(e, col[1]))
            test_fail(__FILE__, __LINE__, "%.*s became %.*s", MN_ARG(col[0]), MN_ARG(e));
        CHECK(mn_str_eq(mn_jid_unescape(col[1], &a), col[0]));
    }
    mn_free((void *)file.p);
    mn_arena_done(&a, NULL);
}

TEST(names_become_a_labels)
{
    mn_str file = test_file("tests/vectors/punycode.tsv"), text = file, col[2], out;

    while (test_row(&text, col, 2))
        if (mn_jid_host_ascii(col[0], &a, &out) || !mn_str_eq(out, col[1]))
            test_fail(__FILE__, __LINE__, "%.*s", MN_ARG(col[0]));
    mn_free((void *)file.p);
    mn_arena_done(&a, NULL);
}
