/* From top to bottom, without call-backs: sends a message, asks the server how it is called, ends.
 * Usage: script JID TO TEXT */
#include "example.h"

int main(int argc, char **argv)
{
    struct mynah_client_config config = example_config(argc, argv);
    struct mynah_elem *question = mynah_elem_new("query", "jabber:iq:version"), *answer;
    struct mynah_client *c;
    char *why;
    int code = argc < 4;

    if (!code && !(code = mynah_quick_open(&config, &c, &why))) {
        printf("online as %s\n", mynah_client_jid(c));
        code = mynah_quick_chat(c, argv[2], argv[3], &why);
    }
    if (code) {
        fprintf(stderr, "%s\n", argc < 4 ? "usage: script JID TO TEXT" : why);
        return 1;
    }
    printf("sent\n");
    if (!mynah_quick_ask(c, MYNAH_GET, mynah_client_domain(c), &question, &answer, NULL))
        printf("the server is %s\n", mynah_elem_child_text(mynah_elem_child(answer, "query", NULL), "name", NULL));
    mynah_elem_free(answer);
    mynah_quick_close(c);
    return 0;
}
