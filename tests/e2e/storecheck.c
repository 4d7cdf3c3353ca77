/* storecheck FOLDER: recovers the database of a server that does not run, and checks it. */
#include "server/store.h"

int main(int argc, char **argv)
{
    struct mn_buf why = {0};
    struct store *s = NULL;
    int e = argc == 2 ? store_open_embedded(argv[1], NULL, &s, &why) : MN_E_FORMAT;

    if (!e)
        e = store_check(s, &why);
    store_close(s);
    printf("%.*s\n", e ? (int)why.n : 2, e ? why.p : "ok");
    mn_buf_free(&why);
    return e ? 1 : 0;
}
