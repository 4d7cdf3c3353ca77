/* What becomes of addresses: each argument in its canonical form, and its parts. Usage: prep ADDRESS... */
#include "example.h"

static void show(const char *name, char *value)
{
    if (value)
        printf("  %s: %s\n", name, value);
    mynah_free(value);
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        char *jid = mynah_jid(argv[i]), *user = mynah_jid_user(argv[i]);

        printf("%s: %s\n", argv[i], jid ? jid : "no address");
        show("bare", mynah_jid_bare(argv[i]));
        show("domain", mynah_jid_domain(argv[i]));
        show("resource", mynah_jid_resource(argv[i]));
        if (user)
            show("user", mynah_jid_unescape(user));
        mynah_free(user);
        mynah_free(jid);
    }
    return 0;
}
