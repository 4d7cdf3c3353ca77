#include "im/transfer.h"
#include "test.h"

TEST(a_name_from_outside_is_one_of_a_plain_file)
{
    static const struct {
        const char *offered, *name;
    } rows[] = {
        {"cat.png", "cat.png"},
        {"照片 1.png", "照片 1.png"},
        {"../../.ssh/authorized_keys", "authorized_keys"},
        {"/etc/passwd", "passwd"},
        {".bashrc", "_bashrc"},
        {"..", "_."},
        {"", "file"},
        {"dir/", "file"},
        {"a\nb\x1b[2Jc", "a_b_[2Jc"},
        {"C:\\autoexec.bat", "C:_autoexec.bat"},
    };

    for (size_t i = 0; i < MN_COUNT(rows); i++) {
        char *name = im_transfer_name(rows[i].offered);

        CHECK_STR(mn_str_from(name), rows[i].name);
        mn_free(name);
    }
}

TEST(a_long_name_is_cut_between_characters)
{
    struct mn_buf b = {0};
    char *name;

    for (int i = 0; i < 100; i++)
        mn_buf_lit(&b, "八");
    mn_buf_c(&b, 0);
    name = im_transfer_name(b.p);
    CHECK(strlen(name) == 198);
    mn_free(name);
    mn_buf_free(&b);
}

TEST(sizes_are_told_shortly)
{
    static const struct {
        uint64_t bytes;
        const char *text;
    } rows[] = {{0, "0 B"},          {999, "999 B"},        {1024, "1.0 KiB"},
                {300000, "293 KiB"}, {5u << 20, "5.0 MiB"}, {UINT64_MAX, "16777216 TiB"}};
    char out[16];

    for (size_t i = 0; i < MN_COUNT(rows); i++)
        CHECK_STR(mn_str_from(im_transfer_size(rows[i].bytes, out)), rows[i].text);
}
