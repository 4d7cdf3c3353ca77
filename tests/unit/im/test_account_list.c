#include "im/account_list.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "test.h"

enum change { ADD, REMOVE, ENABLE, DISABLE };

static int changed(enum change what, const char *before, const char *jid, struct mn_arena *a,
                   mn_str *after, struct mn_buf *why)
{
    mn_str text = mn_str_from(before), who = mn_str_from(jid);
    struct im_account acc = {.jid = who};

    *after = (mn_str){0};
    return what == ADD      ? im_list_with(text, &acc, a, after, why)
           : what == REMOVE ? im_list_without(text, who, a, after, why)
                            : im_list_enabled(text, who, what == ENABLE, a, after, why);
}

static const struct row {
    enum change what;
    const char *jid, *before, *after;
} rows[] = {
    {ADD, "a@b", "", "accounts:\n  - {jid: a@b}\n"},
    {ADD, "a@b", "# mine\n", "# mine\naccounts:\n  - {jid: a@b}\n"},
    {ADD, "a@b/it's, {me}", "", "accounts:\n  - {jid: 'a@b/it''s, {me}'}\n"},
    {ADD, "安@b", "default: a@b", "default: a@b\naccounts:\n  - {jid: 安@b}\n"},
    {ADD, "a@b", "accounts: [] # 都\ndefault: x@y\n",
     "accounts: # 都\n  - {jid: a@b}\ndefault: x@y\n"},
    {ADD, "a@b", "accounts: []", "accounts:\n  - {jid: a@b}\n"},
    {ADD, "a@b", "accounts:\n- jid: x@y # 友\n  host: h\n\n# keys\nterminal: {keys: vi}\n",
     "accounts:\n- jid: x@y # 友\n  host: h\n- {jid: a@b}\n\n# keys\nterminal: {keys: vi}\n"},
    {ADD, "a@b", "accounts:\n    - {jid: x@y,\n       host: h}\n    # end",
     "accounts:\n    - {jid: x@y,\n       host: h}\n    - {jid: a@b}\n    # end"},
    {ADD, "a@b", "accounts:\n  - {jid: x@y}", "accounts:\n  - {jid: x@y}\n  - {jid: a@b}\n"},
    {ADD, "a@b", "accounts:\n  - jid: x@y\n    password_command: |\n      one\n\ndefault: x@y\n",
     "accounts:\n  - jid: x@y\n    password_command: |\n      one\n\n  - {jid: a@b}\ndefault: "
     "x@y\n"},
    {REMOVE, "A@b", "accounts: # mine\n  - {jid: a@B}\n# end\n", "accounts: [] # mine\n# end\n"},
    {REMOVE, "a@b/phone", "accounts:\n  # x\n  - {jid: x@y}\n  - {jid: a@b} # a\n  # end\n",
     "accounts:\n  # x\n  - {jid: x@y}\n  # end\n"},
    {REMOVE, "a@b", "accounts:\n  - jid: a@b/home\n    # is at\n    host: h\n  - {jid: x@y}\n",
     "accounts:\n  - {jid: x@y}\n"},
    {REMOVE, "a@b", "accounts: # mine\n  - {jid: a@b}\n# end\n", "accounts: [] # mine\n# end\n"},
    {ENABLE, "a@b", "accounts:\n  - {jid: a@b, enabled: off} # a\n",
     "accounts:\n  - {jid: a@b, enabled: on} # a\n"},
    {DISABLE, "a@b", "accounts:\n  - {jid: a@b} # a\n",
     "accounts:\n  - {jid: a@b, enabled: off} # a\n"},
    {DISABLE, "a@b", "accounts:\n  - host: 都\n    jid: a@b\n\n# end\n",
     "accounts:\n  - host: 都\n    jid: a@b\n    enabled: off\n\n# end\n"},
    {DISABLE, "a@b", "accounts:\n  - jid: a@b", "accounts:\n  - jid: a@b\n    enabled: off\n"},
};

TEST(only_what_is_meant_changes)
{
    for (size_t i = 0; i < MN_COUNT(rows); i++) {
        struct mn_arena a = {0};
        struct mn_buf why = {0};
        mn_str after;

        CHECK_INT(changed(rows[i].what, rows[i].before, rows[i].jid, &a, &after, &why), MN_E_OK);
        CHECK_STR(after, rows[i].after);
        CHECK_STR(mn_buf_view(&why), "");
        mn_buf_free(&why);
        mn_arena_done(&a, NULL);
    }
}

TEST(what_only_a_person_can_change_is_refused_with_its_line)
{
    static const struct {
        enum change what;
        const char *before;
        int e;
        const char *why;
    } refused[] = {
        {ADD, "accounts:\n  - {jid: a@b/x}\n", MN_E_EXISTS, "there is an account a@b already"},
        {ADD, "accounts:\n  - {jid: A@B}\n", MN_E_EXISTS, "there is an account a@b already"},
        {REMOVE, "accounts:\n  - {jid: x@y}\n", MN_E_NOT_FOUND, "there is no account a@b"},
        {DISABLE, "", MN_E_NOT_FOUND, "there is no account a@b"},
        {ADD, "default: x@y\naccounts: [{jid: x@y}]\n", MN_E_FORMAT,
         "line 2 is written in a way that only you can change"},
        {ADD, "# flow\n{default: x@y}\n", MN_E_FORMAT,
         "line 2 is written in a way that only you can change"},
        {REMOVE, "\naccounts: [{jid: a@b},\n  {jid: x@y}]\n", MN_E_FORMAT,
         "line 2 is written in a way that only you can change"},
        {REMOVE, "accounts:\n  -\n    jid: a@b\n", MN_E_FORMAT,
         "line 3 is written in a way that only you can change"},
        {DISABLE, "accounts:\n  - {jid: a@b, }\n", MN_E_FORMAT,
         "line 2 is written in a way that only you can change"},
        {ADD, "accounts:\n", MN_E_FORMAT, "line 1: accounts: expected a list"},
        {ADD, "terminal: {keys: ed}\n", MN_E_FORMAT, "line 1: "},
        {ADD, "default: x@y\n- {\n", MN_E_FORMAT, "line 2: not YAML"},
        {ADD, "default: x@y\n...\n", MN_E_FORMAT,
         "line 1 is written in a way that only you can change"},
    };

    for (size_t i = 0; i < MN_COUNT(refused); i++) {
        struct mn_arena a = {0};
        struct mn_buf why = {0};
        mn_str after;

        CHECK_INT(changed(refused[i].what, refused[i].before, "a@b", &a, &after, &why),
                  refused[i].e);
        CHECK_STR(
            ((mn_str){why.p, strlen(refused[i].why) < why.n ? strlen(refused[i].why) : why.n}),
            refused[i].why);
        mn_buf_free(&why);
        mn_arena_done(&a, NULL);
    }
}

TEST(all_of_an_account_is_written_and_read_again)
{
    struct im_account acc = {.jid = MN_STR("a@b"),
                             .password = IM_PASSWORD_SECRET,
                             .host = MN_STR("::1"),
                             .port = 5223,
                             .tls = MYNAH_TLS_DIRECT,
                             .ca_file = MN_STR("/my certs/ca.crt")};
    struct mn_arena a = {0};
    struct mn_buf why = {0};
    struct im_config config;
    struct mn_conf_errors errors = {0};
    const struct im_account *got;
    mn_str after;

    CHECK_INT(im_list_with((mn_str){0}, &acc, &a, &after, &why), MN_E_OK);
    CHECK_STR(after, "accounts:\n  - {jid: a@b, password: secret, host: '::1', port: 5223, tls: "
                     "direct, ca_file: '/my certs/ca.crt'}\n");
    CHECK_INT(mn_conf_parse(after, im_config_rows, &a, &config, &errors), MN_E_OK);
    got = config.accounts.items;
    CHECK_STR(got->host, "::1");
    CHECK_INT(got->port, 5223);
    CHECK_STR(got->ca_file, "/my certs/ca.crt");
    CHECK(got->enabled);
    mn_arena_done(&a, NULL);
}

TEST(the_file_is_private_and_a_link_to_it_stays)
{
    char folder[] = "/tmp/mynah-accounts-XXXXXX";
    struct im_account acc = {.jid = MN_STR("a@b")};
    struct mn_arena a = {0};
    struct mn_buf why = {0};
    struct stat st;
    const char *real, *path;
    mn_str text;

    CHECK(mkdtemp(folder));
    real = mn_arena_fmt(&a, "%s/real/config.yaml", folder).p;
    path = mn_arena_fmt(&a, "%s/config.yaml", folder).p;
    CHECK_INT(im_accounts_add(real, &acc, &why), MN_E_OK);
    CHECK(!symlink(real, path));
    CHECK(!chmod(real, 0644));
    CHECK_INT(im_accounts_enable(path, acc.jid, false, &why), MN_E_OK);
    CHECK_INT(mn_file_read(real, 1000, &a, &text), MN_E_OK);
    CHECK_STR(text, "accounts:\n  - {jid: a@b, enabled: off}\n");
    CHECK(!lstat(path, &st) && S_ISLNK(st.st_mode));
    CHECK(!stat(path, &st) && (st.st_mode & 0777) == 0600);
    CHECK_INT(im_accounts_remove(path, acc.jid, &why), MN_E_OK);
    CHECK_INT(im_accounts_remove(path, acc.jid, &why), MN_E_NOT_FOUND);
    CHECK(strstr(mn_arena_cstr(&a, mn_buf_view(&why)), path));
    unlink(path);
    unlink(real);
    rmdir(mn_arena_fmt(&a, "%s/real", folder).p);
    rmdir(folder);
    mn_buf_free(&why);
    mn_arena_done(&a, NULL);
}
