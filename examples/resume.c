/* A session (XEP-0198) that outlives the program: Ctrl-C leaves it in FILE, the next start goes on
 * with it, and nothing that came between is lost. Usage: resume JID FILE */
#include "example.h"

#include <signal.h>

static struct mynah_context *ctx;

static void state(void *arg, struct mynah_client *c, enum mynah_state s, const struct mynah_error *why)
{
    example_end(ctx, c, s, why);
    if (s != MYNAH_ONLINE)
        return;
    printf("%s as %s\n", mynah_client_is_resumed(c) ? "still online" : "online", mynah_client_jid(c));
    if (!mynah_client_is_resumed(c))
        mynah_presence_set(c, MYNAH_AVAILABLE, NULL, 0);
}

static void message(void *arg, struct mynah_client *c, const struct mynah_message *m)
{
    printf("%s: %s\n", m->from, m->body ? m->body : "");
}

static void presence(void *arg, struct mynah_client *c, const struct mynah_presence *p)
{
    printf("%s %s\n", p->from, p->show == MYNAH_UNAVAILABLE ? "went" : "is there"); /* we too */
}

static void ended(int sig)
{
    mynah_stop(ctx);
}

int main(int argc, char **argv)
{
    static const struct mynah_calls calls = {.size = sizeof calls, .state = state, .message = message, .presence = presence};
    struct mynah_client_config config = example_config(argc, argv);
    char text[100000];
    struct mynah_client *c;
    void *saved = NULL;
    size_t n;
    FILE *f = argc > 2 ? fopen(argv[2], "rb") : NULL;

    ctx = mynah_context_new(NULL);
    c = example_client(ctx, &config);
    if (f && mynah_client_restore(c, text, fread(text, 1, sizeof text, f)))
        fprintf(stderr, "that is no session of this account\n");
    mynah_listen(c, &calls, NULL);
    signal(SIGINT, ended);
    mynah_client_connect(c);
    mynah_run(ctx);
    if (f)
        fclose(f);
    f = argc > 2 && !mynah_client_save(c, &saved, &n) ? fopen(argv[2], "wb") : NULL;
    if (f && (fwrite(saved, n, 1, f) != 1 || fclose(f)))
        perror(argv[2]);
    mynah_free(saved);
    mynah_context_free(ctx);
    return 0;
}
