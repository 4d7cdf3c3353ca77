/* A list of targets (host, port, kind of TLS) is gone through one by one. A target's addresses, of
 * both families alternately, are attempts: the next one begins when the last one failed or has not
 * answered for a while, and the first that connects wins. No answer of the resolver's is waited for
 * where there is something to begin with; what comes late is taken in. */
#include "net/dial.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include "base/buf.h"

enum {
    TARGETS_MAX = 64,
    ATTEMPTS_MAX = 16, /* addresses of one target */
    STAGGER_MS = 250,
    LATE_MS = 300,     /* between the answers for both services: one may have to be looked for, and
                          hold what the domain prefers */
    SILENT_MS = 5000,  /* before no answer is taken as none (RFC 6120, 3.2.1): it was asked twice */
    TARGET_MS = 2500,  /* before the next target is tried beside this one */
    GIVE_UP_MS = 20000 /* without an answer from the last of all */
};

struct target {
    struct mn_dial *dial;
    struct mn_srv srv;
    bool direct;
    struct mn_addr addrs[2][ATTEMPTS_MAX]; /* IPv6, IPv4 */
    size_t addr_count[2], addr_next[2];
    unsigned asks; /* for addresses, open */
    bool over;     /* not to be tried any more */
};

struct attempt {
    struct mn_watch watch;
    struct target *target;
    struct mn_list link;
};

struct mn_dial {
    struct mn_loop *loop;
    struct mn_dns *dns;
    struct mn_dial_plan plan;
    char *domain, *host;
    void (*done)(void *arg, int code, const struct mn_dial_found *found, const char *why);
    void *arg;
    struct target *targets[TARGETS_MAX];
    size_t count, next;  /* targets[next - 1] is the last that was begun with */
    struct target *last; /* that somebody answered at */
    unsigned asks;       /* for services, open */
    struct mn_list attempts;
    struct mn_timer timer;
    int64_t waiting;   /* what the timer was set to */
    bool begun;        /* the services are waited for no longer */
    bool told;         /* nothing is tried until mn_dial_again */
    bool fallback;     /* the first target is the domain itself, for want of records */
    bool refused;      /* the domain says that the service is not there */
    int code;          /* of the last failure */
    struct mn_buf why; /* all failures */
};

static void begin(struct mn_dial *d);
static void step(struct mn_dial *d, int64_t waited);

static void failed(struct mn_dial *d, int code, const char *what, const char *why)
{
    d->code = code;
    if (d->why.n < 1000)
        mn_buf_fmt(&d->why, "%s%s: %s", d->why.n ? "; " : "", what, why);
}

static void attempt_free(struct attempt *t)
{
    mn_loop_unwatch(t->target->dial->loop, &t->watch);
    mn_list_del(&t->link);
    if (t->watch.fd >= 0)
        close(t->watch.fd);
    mn_free(t);
}

static void attempts_free(struct mn_dial *d)
{
    MN_LIST_EACH(n, &d->attempts)
    attempt_free(MN_OF(n, struct attempt, link));
}

static void soon(struct mn_dial *d, int64_t ms)
{
    if (d->told)
        return;
    d->waiting = ms;
    mn_timer_start(d->loop, &d->timer, ms);
}

static void settled(struct mn_dial *d)
{
    d->told = true;
    attempts_free(d);
    mn_timer_stop(&d->timer);
}

static void give_up(struct mn_dial *d)
{
    settled(d);
    mn_buf_c(&d->why, 0);
    if (d->why.n > 1)
        d->done(d->arg, d->code, NULL, d->why.p);
    else
        d->done(d->arg, MN_E_DENIED, NULL, "the domain says that it offers no such service");
}

static void answered(struct mn_watch *w, unsigned events)
{
    struct attempt *t = MN_OF(w, struct attempt, watch);
    const struct target *at = t->target;
    struct mn_dial *d = at->dial;
    struct mn_dial_found found = {w->fd, at->direct, at->srv.target, at->srv.port};
    int e = 0;
    socklen_t n = sizeof e;

    (void)events;
    getsockopt(w->fd, SOL_SOCKET, SO_ERROR, &e, &n);
    if (e) {
        failed(d, MN_E_CLOSED, found.host, strerror(e));
        attempt_free(t);
        step(d, 0);
        return;
    }
    d->last = t->target;
    mn_loop_unwatch(d->loop, w);
    mn_list_del(&t->link);
    mn_free(t);
    settled(d);
    d->done(d->arg, MN_E_OK, &found, NULL);
}

static void attempt(struct mn_dial *d, struct target *target, const struct mn_addr *to)
{
    int fd = socket(to->sa.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    struct attempt *t;
    char text[MN_ADDR_TEXT];

    if (fd < 0 || (connect(fd, &to->sa, mn_addr_len(to)) && errno != EINPROGRESS)) {
        failed(d, MN_E_CLOSED, mn_addr_text(to, text), strerror(errno));
        if (fd >= 0)
            close(fd);
        soon(d, 0);
        return;
    }
    t = MN_NEW(struct attempt);
    t->target = target;
    t->watch = (struct mn_watch){fd, MN_WRITE, answered};
    mn_list_add(&d->attempts, &t->link);
    mn_loop_watch(d->loop, &t->watch);
    soon(d, STAGGER_MS);
}

/* IPv6 first, then alternately. */
static const struct mn_addr *next_addr(struct target *t)
{
    int f = t->addr_next[0] <= t->addr_next[1] ? 0 : 1;

    if (t->addr_next[f] >= t->addr_count[f])
        f = !f;
    return t->addr_next[f] < t->addr_count[f] ? &t->addrs[f][t->addr_next[f]++] : NULL;
}

/* The best one that was begun with and has an address left. */
static struct target *ready(struct mn_dial *d)
{
    struct target *best = NULL;

    for (size_t i = 0; i < d->next; i++) {
        struct target *t = d->targets[i];
        size_t left = t->addr_count[0] - t->addr_next[0] + t->addr_count[1] - t->addr_next[1];

        if (!t->over && left && (!best || t->srv.priority < best->srv.priority))
            best = t;
    }
    return best;
}

static void addrs_came(struct target *t, int family, int code, const struct mn_addr *rows,
                       size_t count)
{
    size_t *n = &t->addr_count[family];

    t->asks--;
    for (size_t i = 0; i < count && *n < ATTEMPTS_MAX; i++)
        if (!t->dial->plan.elsewhere || mn_addr_is_other(&rows[i]))
            t->addrs[family][(*n)++] = rows[i];
    if (!t->asks && !t->addr_count[0] && !t->addr_count[1])
        failed(t->dial, code ? code : MN_E_DENIED, t->srv.target,
               code == MN_E_NOT_FOUND ? "no such name"
               : code                 ? mn_err_text(code)
                                      : "not an address of another machine");
    /* Later than this: inside mn_dial nothing is told. An IPv6 answer may be waited for a moment.
     */
    soon(t->dial, t->asks && family == 1 ? 50 : 0);
}

static void v6_came(void *arg, int code, const struct mn_addr *rows, size_t count)
{
    addrs_came(arg, 0, code, rows, count);
}

static void v4_came(void *arg, int code, const struct mn_addr *rows, size_t count)
{
    addrs_came(arg, 1, code, rows, count);
}

/* This machine by name: no resolver is asked where that is (RFC 6761, 6.3), so none is waited for.
 */
static bool is_here(mn_str domain)
{
    mn_str here = MN_STR("localhost"), end = domain;

    if (domain.n > here.n && domain.p[domain.n - here.n - 1] == '.')
        end = mn_str_skip(domain, domain.n - here.n);
    return mn_str_eq_nocase(end, here);
}

static void here_came(struct target *t)
{
    struct mn_addr six, four;

    (void)!mn_addr_parse(MN_STR("::1"), t->srv.port, &six);
    (void)!mn_addr_parse(MN_STR("127.0.0.1"), t->srv.port, &four);
    t->asks = 2;
    addrs_came(t, 0, MN_E_OK, &six, 1);
    addrs_came(t, 1, MN_E_OK, &four, 1);
}

static void next_target(struct mn_dial *d)
{
    struct target *t = d->targets[d->next++];
    const struct mn_srv *s = &t->srv;
    struct mn_addr literal;

    if (!mn_addr_parse(mn_str_from(s->target), s->port, &literal)) {
        t->asks = 1;
        addrs_came(t, literal.sa.sa_family == AF_INET6 ? 0 : 1, 0, &literal, 1);
        return;
    }
    if (is_here(mn_str_from(s->target))) {
        here_came(t);
        return;
    }
    t->asks = 2;
    mn_dns_addr(d->dns, s->target, AF_INET6, s->port, v6_came, t);
    mn_dns_addr(d->dns, s->target, AF_INET, s->port, v4_came, t);
}

static bool is_asked(const struct target *t)
{
    return t->asks && !t->over;
}

/* The resolver comes to an end by itself. */
static bool is_asking(const struct mn_dial *d)
{
    bool asking = false;

    for (size_t i = 0; i < d->next; i++)
        asking = asking || is_asked(d->targets[i]);
    return asking;
}

/* Whatever is to be done next; nothing has happened for `waited` ms. */
static void step(struct mn_dial *d, int64_t waited)
{
    bool trying = !mn_list_empty(&d->attempts);
    struct target *t;

    if (!d->begun)
        begin(d);
    t = ready(d);
    if (t) {
        attempt(d, t, next_addr(t));
    } else if (d->next < d->count) {
        if ((trying || (d->next && is_asked(d->targets[d->next - 1]))) && waited < TARGET_MS)
            soon(d, TARGET_MS);
        else
            next_target(d);
    } else if (is_asking(d) || (trying && waited < GIVE_UP_MS)) {
        soon(d, GIVE_UP_MS);
    } else if (d->asks && !d->fallback && waited < SILENT_MS) {
        soon(d, SILENT_MS); /* there may be more records */
    } else {
        if (trying)
            failed(d, MN_E_TIMEOUT,
                   MN_OF(d->attempts.next, struct attempt, link)->target->srv.target, "no answer");
        give_up(d);
    }
}

static void timed(struct mn_timer *t)
{
    struct mn_dial *d = MN_OF(t, struct mn_dial, timer);

    step(d, d->waiting);
}

static void target_add(struct mn_dial *d, const struct mn_srv *row, bool direct)
{
    if (!row->target[0]) {
        d->refused = true;
    } else if (d->count < TARGETS_MAX) {
        struct target *t = MN_NEW(struct target);

        t->dial = d;
        t->srv = *row;
        t->direct = direct;
        d->targets[d->count++] = t;
    }
}

static void place_add(struct mn_dial *d, const char *host, uint16_t port, bool direct)
{
    struct mn_srv row = {0, 0, port ? port : direct ? 5223 : 5222, {0}};

    if (strlen(host) < sizeof row.target) {
        memcpy(row.target, host, strlen(host));
        target_add(d, &row, direct);
    }
}

/* Both lists are one (XEP-0368), but for those that were begun with. */
static void targets_sort(struct mn_dial *d)
{
    struct mn_srv rows[TARGETS_MAX];
    struct target *old[TARGETS_MAX], **now = &d->targets[d->next];
    size_t n = d->count - d->next;

    for (size_t i = 0; i < n; i++)
        rows[i] = now[i]->srv;
    memcpy(old, now, n * sizeof(struct target *));
    mn_srv_sort(rows, n);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++)
            if (old[j] && !memcmp(&old[j]->srv, &rows[i], sizeof rows[i])) {
                now[i] = old[j];
                old[j] = NULL;
                break;
            }
}

static void begin(struct mn_dial *d)
{
    d->begun = true;
    targets_sort(d);
    d->fallback = !d->count && !d->refused;
    if (d->fallback)
        place_add(d, d->domain, 0, d->plan.tls == MN_DIAL_DIRECT);
}

/* There are records after all, and what they say counts alone (RFC 6120, 3.2.1). */
static void fallback_drop(struct mn_dial *d)
{
    d->fallback = false;
    d->targets[0]->over = true;
    attempts_free(d);
}

static void srv_came(struct mn_dial *d, bool direct, int code, const struct mn_srv *rows,
                     size_t count)
{
    const struct target *at;

    d->asks--;
    if (count && d->fallback)
        fallback_drop(d);
    for (size_t i = 0; i < count; i++)
        target_add(d, &rows[i], direct);
    if (code && code != MN_E_NOT_FOUND)
        failed(d, code, d->domain, mn_err_text(code));
    if (!d->begun) {
        if (!d->asks || d->count)
            soon(d, d->asks ? LATE_MS : 0);
        return;
    }
    targets_sort(d);
    soon(d, 0);
    /* A better one than what is being tried waits for nobody. */
    at = d->next ? d->targets[d->next - 1] : NULL;
    if (!d->told && at && d->next < d->count &&
        (at->over || d->targets[d->next]->srv.priority < at->srv.priority))
        next_target(d);
}

static void direct_came(void *arg, int code, const struct mn_srv *rows, size_t count)
{
    srv_came(arg, true, code, rows, count);
}

static void starttls_came(void *arg, int code, const struct mn_srv *rows, size_t count)
{
    srv_came(arg, false, code, rows, count);
}

static void ask_services(struct mn_dial *d)
{
    char name[300];

    d->begun = false;
    soon(d, SILENT_MS);
    d->asks = (d->plan.tls != MN_DIAL_STARTTLS) + (d->plan.tls != MN_DIAL_DIRECT);
    if (d->plan.tls != MN_DIAL_STARTTLS) {
        snprintf(name, sizeof name, "_xmpps-client._tcp.%s", d->domain);
        mn_dns_srv(d->dns, name, direct_came, d);
    }
    if (d->plan.tls != MN_DIAL_DIRECT) {
        snprintf(name, sizeof name, "_xmpp-client._tcp.%s", d->domain);
        mn_dns_srv(d->dns, name, starttls_came, d);
    }
}

/* The only target, and its addresses. */
static void known(struct mn_dial *d, const struct mn_dial_plan *plan)
{
    place_add(d, d->domain, mn_addr_port(&plan->addrs[0]), plan->tls == MN_DIAL_DIRECT);
    d->next = d->count;
    for (size_t i = 0; d->count && i < plan->addr_count; i++) {
        struct target *t = d->targets[0];
        int f = plan->addrs[i].sa.sa_family == AF_INET6 ? 0 : 1;

        if (t->addr_count[f] < ATTEMPTS_MAX)
            t->addrs[f][t->addr_count[f]++] = plan->addrs[i];
    }
}

struct mn_dial *mn_dial(struct mn_loop *l, const struct mn_dial_plan *plan,
                        void (*done)(void *arg, int code, const struct mn_dial_found *found,
                                     const char *why),
                        void *arg)
{
    struct mn_dial *d = MN_NEW(struct mn_dial);
    struct mn_addr literal;

    d->loop = l;
    d->plan = *plan;
    d->domain = mn_str_dup(mn_str_from(plan->domain));
    d->host = plan->host ? mn_str_dup(mn_str_from(plan->host)) : NULL;
    d->done = done;
    d->arg = arg;
    d->code = MN_E_CLOSED;
    d->timer.fire = timed;
    d->begun = true;
    mn_list_init(&d->attempts);
    soon(d, 0);
    if (plan->addr_count)
        known(d, plan);
    else if (mn_dns_new(l, plan->dns, &d->dns))
        failed(d, MN_E_IO, "DNS", "no resolver can be set up");
    else if (d->host || is_here(mn_str_from(d->domain)) ||
             !mn_addr_parse(mn_str_from(d->domain), 0, &literal))
        place_add(d, d->host ? d->host : d->domain, plan->port, plan->tls == MN_DIAL_DIRECT);
    else
        ask_services(d);
    return d;
}

void mn_dial_again(struct mn_dial *d, int code, const char *why)
{
    failed(d, code, d->last->srv.target, why);
    d->told = false;
    soon(d, 0);
}

void mn_dial_free(struct mn_dial *d)
{
    if (!d)
        return;
    attempts_free(d);
    mn_timer_stop(&d->timer);
    mn_dns_free(d->dns);
    for (size_t i = 0; i < d->count; i++)
        mn_free(d->targets[i]);
    mn_buf_free(&d->why);
    mn_free(d->domain);
    mn_free(d->host);
    mn_free(d);
}
