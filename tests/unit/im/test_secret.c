/* Where a keyring is offered for a password. */
#include "im/secret.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "test.h"

TEST(a_keyring_is_offered_where_it_could_answer)
{
    char folder[] = "/tmp/mynah-secret-XXXXXX", tool[64], bus[64];
    FILE *f;

    CHECK(mkdtemp(folder));
    snprintf(tool, sizeof tool, "%s/secret-tool", folder);
    snprintf(bus, sizeof bus, "%s/bus", folder);
    setenv("PATH", folder, 1);
    setenv("XDG_RUNTIME_DIR", folder, 1);
    unsetenv("DBUS_SESSION_BUS_ADDRESS");
    unsetenv("DISPLAY");
    f = fopen(bus, "w");
    CHECK(f && !fclose(f));
    CHECK(!im_secret_there()); /* nobody to ask it */
    f = fopen(tool, "w");
    CHECK(f && !fclose(f) && !chmod(tool, 0700));
    CHECK(im_secret_there());
    CHECK(!unlink(bus));
    CHECK(!im_secret_there()); /* a session without a desktop */
    setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nowhere", 1);
    CHECK(im_secret_there());
    CHECK(!unlink(tool) && !rmdir(folder));
}
