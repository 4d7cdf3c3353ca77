#include "near.h"

#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "client/local.h"

struct near_world w;

/* True: nothing of what follows leaves this process. */
static bool alone(void)
{
    static int is = -1;
    struct ifreq lo = {.ifr_name = "lo"};
    int fd;

    if (is >= 0)
        return is;
    is = !unshare(CLONE_NEWNET) || !unshare(CLONE_NEWUSER | CLONE_NEWNET);
    fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    lo.ifr_flags = IFF_UP | IFF_MULTICAST;
    is = is && !ioctl(fd, SIOCSIFFLAGS, &lo);
    close(fd);
    return is;
}

void pass(int64_t ms)
{
    for (int64_t end = w.now + ms; w.now < end;) {
        w.now += 10;
        mn_clock_set(w.now, 1000000000000 + w.now);
        for (int i = 0; i < 6; i++)
            mn_loop_turn(w.ctx->loop, 0);
    }
}

void note_at(size_t i, const char *fmt, ...)
{
    char text[600];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    mn_buf_fmt(&w.notes[i], "%s%s", w.notes[i].n ? " " : "", text);
}

size_t index_of(const struct mynah_client *c)
{
    size_t i = 0;

    while (i < CLIENTS - 1 && w.at[i] != c)
        i++;
    return i;
}

static void on_state(void *arg, struct mynah_client *c, enum mynah_state s,
                     const struct mynah_error *why)
{
    (void)arg;
    if (s == MYNAH_ONLINE)
        note_at(index_of(c), "online:%s", mynah_client_jid(c));
    if (s == MYNAH_OFFLINE)
        note_at(index_of(c), "offline:%d", why ? why->code : 0);
}

static void on_presence(void *arg, struct mynah_client *c, const struct mynah_presence *p)
{
    (void)arg;
    note_at(index_of(c), "%s%s%s%s", p->show == MYNAH_UNAVAILABLE ? "-" : "+", p->from,
            p->show == MYNAH_DND ? "/dnd" : "", p->status ? p->status : "");
}

static void on_message(void *arg, struct mynah_client *c, const struct mynah_message *m)
{
    (void)arg;
    note_at(index_of(c), "%s>%s", m->from, m->body ? m->body : "-");
}

static void on_sent(void *arg, struct mynah_client *c, const char *id, enum mynah_sent state,
                    const struct mynah_error *why)
{
    (void)arg;
    (void)id;
    if (w.only_messages)
        return;
    if (state == MYNAH_SENT_WRITTEN || state == MYNAH_SENT_FAILED)
        note_at(index_of(c), state == MYNAH_SENT_WRITTEN ? "written" : "failed:%d",
                why ? why->code : 0);
}

static const struct mynah_calls calls = {.size = sizeof calls,
                                         .state = on_state,
                                         .presence = on_presence,
                                         .message = on_message,
                                         .sent = on_sent};

void noted(size_t i, const char *text)
{
    CHECK_STR(mn_buf_view(&w.notes[i]), text);
    mn_buf_clear(&w.notes[i]);
}

bool begin(void)
{
    w = (struct near_world){.now = 1000000};
    if (!alone()) {
        test_skip("no network of one's own may be made here");
        return false;
    }
    mn_clock_set(w.now, 1000000000000 + w.now);
    w.ctx = mynah_context_new(NULL);
    return true;
}

struct mynah_client *come(size_t i, const char *user, const char *machine,
                          const struct mynah_local_config *more)
{
    struct mynah_local_config config = more ? *more : (struct mynah_local_config){0};

    config.size = sizeof config;
    config.user = user;
    config.machine = machine;
    CHECK_INT(mynah_local_new(w.ctx, &config, &w.at[i], NULL), 0);
    mynah_listen(w.at[i], &calls, NULL);
    CHECK_INT(mynah_client_connect(w.at[i]), 0);
    CHECK_INT(mynah_client_connect(w.at[i]), MYNAH_E_STATE);
    return w.at[i];
}

void end(void)
{
    mynah_context_free(w.ctx);
    for (size_t i = 0; i < CLIENTS; i++)
        mn_buf_free(&w.notes[i]);
    mn_clock_set(-1, 0);
}

void two(void)
{
    come(0, "juliet", "pronto", NULL);
    come(1, "romeo", "forza", NULL);
    pass(3000);
    noted(0, "online:juliet@pronto +romeo@forza");
    noted(1, "online:romeo@forza +juliet@pronto");
}
