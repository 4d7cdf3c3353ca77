#include "im/pins.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "test.h"

static void same(mn_str domain, mn_str sha256)
{
    CHECK_STR(domain, "b.test");
    CHECK_STR(sha256, "22");
}

static int look(const char *path, const char *domain, const char *sha256)
{
    struct mn_arena a = {0};
    mn_str kept;
    int found = im_pin_look(path, mn_str_from(domain), mn_str_from(sha256), &a, &kept);

    mn_arena_done(&a, NULL);
    return found;
}

TEST(a_domain_has_one_certificate_until_it_is_forgotten)
{
    char dir[] = "/tmp/mynah-pins-XXXXXX", folder[64], path[64];
    struct stat st;

    CHECK(mkdtemp(dir));
    snprintf(folder, sizeof folder, "%s/mynah", dir);
    snprintf(path, sizeof path, "%s/mynah/certificates", dir);
    CHECK_INT(look(path, "a.test", "11"), IM_PIN_NONE);
    CHECK_INT(im_pin_set(path, MN_STR("a.test"), (mn_str){0}), MN_E_NOT_FOUND);
    CHECK_INT(im_pin_set(path, MN_STR("a.test"), MN_STR("11")), 0);
    CHECK_INT(im_pin_set(path, MN_STR("b.test"), MN_STR("22")), 0);
    CHECK(!stat(path, &st) && (st.st_mode & 0777) == 0600);
    CHECK_INT(look(path, "A.test", "11"), IM_PIN_SAME);
    CHECK_INT(look(path, "a.test", "22"), IM_PIN_OTHER);
    CHECK_INT(im_pin_set(path, MN_STR("a.test"), MN_STR("33")), 0);
    CHECK_INT(look(path, "a.test", "11"), IM_PIN_OTHER);
    CHECK_INT(look(path, "a.test", "33"), IM_PIN_SAME);
    CHECK_INT(look(path, "x.a.test", "33"), IM_PIN_NONE);
    CHECK_INT(im_pin_set(path, MN_STR("a.test"), (mn_str){0}), 0);
    CHECK_INT(look(path, "a.test", "33"), IM_PIN_NONE);
    im_pins_each(path, same);
    CHECK(!unlink(path) && !rmdir(folder) && !rmdir(dir));
}
