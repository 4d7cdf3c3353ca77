#include "base/seal.h"

#include <stdlib.h>
#include <unistd.h>

#include "test.h"

static int file_of(size_t size)
{
    char path[] = "/tmp/mynah-seal-XXXXXX";
    int fd = mkstemp(path);

    MN_ASSERT(fd >= 0 && !unlink(path));
    for (size_t i = 0; i < size; i++) {
        char c = (char)(i * 7 + i / 4096);

        MN_ASSERT(pwrite(fd, &c, 1, (off_t)i) == 1);
    }
    return fd;
}

TEST(whatever_is_changed_in_a_sealed_file_is_seen)
{
    static const size_t sizes[] = {0, 1, 4096, 65536, 70000};

    for (size_t i = 0; i < MN_COUNT(sizes); i++) {
        int fd = file_of(sizes[i]);
        off_t end = (off_t)sizes[i] + MN_SEAL;

        CHECK_INT(mn_seal_check(fd), MN_E_NOT_FOUND);
        CHECK_INT(mn_seal_put(fd), MN_E_OK);
        CHECK_INT(lseek(fd, 0, SEEK_END), end);
        CHECK_INT(mn_seal_check(fd), MN_E_OK);
        for (off_t at = 0; at < end; at += at + 1 < end ? (end - at) / 2 : 1) {
            char was, is;

            CHECK(pread(fd, &was, 1, at) == 1);
            is = (char)(was ^ 1);
            CHECK(pwrite(fd, &is, 1, at) == 1);
            CHECK_INT(mn_seal_check(fd), at < (off_t)sizes[i] || at > (off_t)sizes[i] + 13
                                             ? MN_E_FORMAT
                                             : MN_E_NOT_FOUND);
            CHECK(pwrite(fd, &was, 1, at) == 1);
        }
        CHECK_INT(mn_seal_check(fd), MN_E_OK);
        CHECK(!ftruncate(fd, end - 1));
        CHECK_INT(mn_seal_check(fd), MN_E_NOT_FOUND);
        close(fd);
    }
}
