/* A client for client_faults.py: logs in, sends numbered messages and asks questions, or listens;
 * comes back as libmynah does, and counts what it is told.
 * usage: faulty JID PORT|http://... CA [TO MESSAGES FIRST]     the password is in MYNAH_PASSWORD
 * It prints `online` for each session, and `there` when the server shows its presence to it: before
 * that the server keeps nothing for it that a cut takes away. With TO the bodies are numbers from
 * FIRST on; without it `got ID BODY` is printed for each message, until its input ends. The end is
 * a line `done`, which says whether the server has taken leave too, or `broken` and why. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <mynah/mynah.h>

enum { MESSAGES_MAX = 1000, QUESTIONS = 4 };

static struct mynah_context *ctx;
static const char *to;
static const char farewell[] = "</stream:stream>";
static char said[sizeof farewell - 1]; /* by the server, at last */
static bool leaving;
static int messages, first, acked, asked, answered, sessions, resumptions;
static int life[MESSAGES_MAX], ends[QUESTIONS];

static void broken(const char *why, int which)
{
    printf("broken %s %d\n", why, which);
    exit(1);
}

static void sent(void *arg, struct mynah_client *c, const char *id, enum mynah_sent state,
                 const struct mynah_error *why)
{
    int *line = arg;

    (void)c;
    (void)id;
    if (why || (int)state <= *line)
        broken("life line", (int)state);
    if (*line < MYNAH_SENT_ACKED && state >= MYNAH_SENT_ACKED)
        acked++;
    *line = (int)state;
}

static void done(void *arg, struct mynah_client *c, const struct mynah_elem *result,
                 const struct mynah_error *error)
{
    int *end = arg;

    (void)c;
    if (!result == !error || ++*end != 1)
        broken("answer", *end);
    if (error && error->code != MYNAH_E_LOST && error->code != MYNAH_E_STATE)
        broken("question", error->code);
    answered++;
}

static void ask(struct mynah_client *c)
{
    struct mynah_elem *ping = mynah_elem_new("ping", "urn:xmpp:ping");

    if (asked < QUESTIONS)
        mynah_iq_send(c, MYNAH_GET, mynah_client_domain(c), &ping, 0, done, &ends[asked++]);
}

static void write_all(struct mynah_client *c)
{
    for (int i = 0; i < messages; i++) {
        struct mynah_elem *m;
        char body[16];

        snprintf(body, sizeof body, "%d", first + i);
        m = mynah_message_new(to, MYNAH_CHAT, body);
        life[i] = -1;
        if (mynah_message_send(c, &m, NULL, sent, &life[i]))
            broken("message", i);
        if (i % (messages / QUESTIONS) == 0)
            ask(c);
    }
}

static void state(void *arg, struct mynah_client *c, enum mynah_state s,
                  const struct mynah_error *why)
{
    static int again;

    (void)arg;
    if (s == MYNAH_OFFLINE && !leaving)
        broken(why ? mynah_code_text(why->code) : "offline", why ? why->code : 0);
    if (s == MYNAH_WAITING) {
        if (!why)
            broken("nothing says why", 0);
        if (++again > 20)
            broken("it does not come back", again);
        mynah_client_network_changed(c); /* in the test nobody has time for a pause */
    }
    if (s != MYNAH_ONLINE)
        return;
    if (mynah_client_is_resumed(c)) {
        resumptions++;
        return;
    }
    printf("online\n");
    if (sessions++ == 0) {
        mynah_presence_set(c, MYNAH_AVAILABLE, NULL, 0);
        if (to)
            write_all(c);
    }
}

static void message(void *arg, struct mynah_client *c, const struct mynah_message *m)
{
    (void)arg;
    (void)c;
    if (m->body && !to)
        printf("got %s %s\n", m->id, m->body);
}

static void presence(void *arg, struct mynah_client *c, const struct mynah_presence *p)
{
    (void)arg;
    if (!strcmp(p->from, mynah_client_jid(c)))
        printf("there\n");
}

static void wire(void *arg, struct mynah_client *c, bool out, const char *text, size_t n)
{
    (void)arg;
    (void)c;
    for (size_t i = 0; !out && i < n; i++) {
        memmove(said, said + 1, sizeof said - 1);
        said[sizeof said - 1] = text[i];
    }
}

static bool over(void)
{
    return to && acked == messages && answered == asked && asked == QUESTIONS;
}

static void run(void)
{
    struct pollfd fds[] = {{mynah_fd(ctx), POLLIN, 0}, {STDIN_FILENO, POLLIN, 0}};

    while (!over() && !fds[1].revents) {
        int64_t due = mynah_due(ctx);

        poll(fds, to ? 1 : 2, due < 0 || due > 1000000 ? -1 : (int)due);
        mynah_turn(ctx, 0);
    }
}

int main(int argc, char **argv)
{
    static const struct mynah_calls calls = {.size = sizeof calls,
                                             .state = state,
                                             .message = message,
                                             .presence = presence,
                                             .wire = wire};
    struct mynah_client_config config = {.size = sizeof config,
                                         .host = "127.0.0.1",
                                         .password = getenv("MYNAH_PASSWORD"),
                                         .keepalive_ms = 3000,
                                         .connect_ms = 10000};
    struct mynah_client *c;

    if (argc != 4 && argc != 7)
        return 64;
    setvbuf(stdout, NULL, _IOLBF, 0);
    config.jid = argv[1];
    config.port = (uint16_t)strtoul(argv[2], NULL, 10);
    if (!config.port) { /* an address of BOSH */
        config.bosh = argv[2];
        config.host = NULL;
        config.keepalive_ms = 15000; /* no session there outlives a loss */
        config.tls = MYNAH_TLS_OFFERED;
    }
    config.ca_file = argv[3];
    if (argc == 7) {
        to = argv[4];
        messages = (int)strtol(argv[5], NULL, 10);
        first = (int)strtol(argv[6], NULL, 10);
        if (messages < QUESTIONS || messages > MESSAGES_MAX)
            return 64;
    }
    ctx = mynah_context_new(NULL);
    if (mynah_client_new(ctx, &config, &c, NULL))
        return 64;
    mynah_listen(c, &calls, NULL);
    mynah_client_connect(c);
    run();
    leaving = true;
    mynah_client_disconnect(c);
    while (mynah_client_state(c) != MYNAH_OFFLINE)
        mynah_turn(ctx, -1);
    printf("done %d sessions, %d resumed, %s\n", sessions, resumptions,
           memcmp(said, farewell, sizeof said) ? "unheard" : "heard");
    mynah_context_free(ctx);
    return 0;
}
