/* A client for killed.py that may be killed at any moment: what it is about stands in a file, anew
 * behind each thing it does, and a later run goes on from there.
 * usage: killed JID PORT CA FILE TO MESSAGES     the password is in MYNAH_PASSWORD
 * Sends so many messages, a few at a time, with their number as id and body; prints `acked ID` for
 * each that its life line calls so, and ends when its input does. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <mynah/mynah.h>

enum { AT_ONCE = 5 };

static struct mynah_context *ctx;
static const char *file, *to;
static int messages, next, acked;

static void keep(struct mynah_client *c)
{
    char name[4096];
    FILE *f;
    void *saved;
    size_t n;

    snprintf(name, sizeof name, "%s.new", file);
    f = fopen(name, "w");
    if (!f || mynah_client_save(c, &saved, &n))
        exit(1);
    fprintf(f, "%d %d\n", next, acked);
    if (fwrite(saved, 1, n, f) != n || fclose(f) || rename(name, file))
        exit(1);
    mynah_free(saved);
}

static void go_on_from(struct mynah_client *c)
{
    static char saved[1 << 20];
    FILE *f = fopen(file, "r");
    size_t n;

    if (!f)
        return;
    if (fscanf(f, "%d %d", &next, &acked) != 2 || getc(f) != '\n')
        exit(1);
    n = fread(saved, 1, sizeof saved, f);
    fclose(f);
    if (mynah_client_restore(c, saved, n))
        exit(1);
}

static void send_some(struct mynah_client *c)
{
    while (next < messages && next - acked < AT_ONCE) {
        char text[16];
        struct mynah_elem *m;

        snprintf(text, sizeof text, "%d", next++);
        m = mynah_message_new(to, MYNAH_CHAT, text);
        mynah_elem_set(m, "id", text);
        if (mynah_message_send(c, &m, NULL, NULL, NULL))
            exit(1);
    }
    keep(c);
}

static void sent(void *arg, struct mynah_client *c, const char *id, enum mynah_sent state,
                 const struct mynah_error *why)
{
    (void)arg;
    (void)why;
    if (state != MYNAH_SENT_ACKED)
        return;
    acked++;
    printf("acked %s\n", id);
    send_some(c);
}

static void state(void *arg, struct mynah_client *c, enum mynah_state s,
                  const struct mynah_error *why)
{
    (void)arg;
    (void)why;
    if (s == MYNAH_WAITING)
        mynah_client_network_changed(c); /* in the test nobody has time for a pause */
    if (s == MYNAH_ONLINE)
        send_some(c);
}

int main(int argc, char **argv)
{
    static const struct mynah_calls calls = {.size = sizeof calls, .state = state, .sent = sent};
    struct mynah_client_config config = {.size = sizeof config,
                                         .host = "127.0.0.1",
                                         .password = getenv("MYNAH_PASSWORD"),
                                         .connect_ms = 10000};
    struct pollfd in = {STDIN_FILENO, POLLIN, 0};
    struct mynah_client *c;

    if (argc != 7)
        return 64;
    setvbuf(stdout, NULL, _IOLBF, 0);
    config.jid = argv[1];
    config.port = (uint16_t)strtoul(argv[2], NULL, 10);
    config.ca_file = argv[3];
    file = argv[4];
    to = argv[5];
    messages = (int)strtol(argv[6], NULL, 10);
    ctx = mynah_context_new(NULL);
    if (mynah_client_new(ctx, &config, &c, NULL))
        return 64;
    go_on_from(c);
    mynah_listen(c, &calls, NULL);
    mynah_client_connect(c);
    while (!poll(&in, 1, 0))
        mynah_turn(ctx, 20);
    mynah_context_free(ctx);
    return 0;
}
