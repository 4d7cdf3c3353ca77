#include "net/dns.h"

#include <ares.h>

#include "base/rand.h"

enum { ROWS_MAX = 64, TIMEOUT_MS = 3000, TRIES = 3 };

struct mn_dns {
    struct mn_loop *loop;
    ares_channel channel;
    struct mn_list sockets;
    struct mn_timer timer;
    bool busy, freed; /* inside c-ares, where its channel must not be destroyed */
};

struct sock {
    struct mn_list link;
    struct mn_watch watch;
    struct mn_dns *dns;
};

struct ask {
    struct mn_dns *dns;
    void *arg;
    void (*srv)(void *arg, int code, const struct mn_srv *rows, size_t count);
    void (*addr)(void *arg, int code, const struct mn_addr *rows, size_t count);
};

static void begin(struct mn_dns *d)
{
    d->busy = true;
}

static void end(struct mn_dns *d)
{
    struct timeval most = {60, 0}, left, *t;

    d->busy = false;
    if (d->freed) {
        mn_dns_free(d);
        return;
    }
    t = ares_timeout(d->channel, &most, &left);
    mn_timer_start(d->loop, &d->timer, t->tv_sec * 1000 + t->tv_usec / 1000 + 1);
    if (mn_list_empty(&d->sockets))
        mn_timer_stop(&d->timer);
}

static void process(struct mn_dns *d, int readable, int writable)
{
    begin(d);
    ares_process_fd(d->channel, readable, writable);
    end(d);
}

static void timed(struct mn_timer *t)
{
    process(MN_OF(t, struct mn_dns, timer), ARES_SOCKET_BAD, ARES_SOCKET_BAD);
}

static void ready(struct mn_watch *w, unsigned events)
{
    struct sock *s = MN_OF(w, struct sock, watch);

    process(s->dns, events & MN_READ ? w->fd : ARES_SOCKET_BAD,
            events & MN_WRITE ? w->fd : ARES_SOCKET_BAD);
}

static struct sock *sock_of(struct mn_dns *d, int fd)
{
    MN_LIST_EACH(n, &d->sockets)
    {
        struct sock *s = MN_OF(n, struct sock, link);

        if (s->watch.fd == fd)
            return s;
    }
    return NULL;
}

/* c-ares opens, closes and wants to hear of a socket. */
static void sock_state(void *arg, int fd, int readable, int writable)
{
    struct mn_dns *d = arg;
    struct sock *s = sock_of(d, fd);
    unsigned want = (readable ? MN_READ : 0u) | (writable ? MN_WRITE : 0u);

    if (s && want) {
        mn_loop_rewatch(d->loop, &s->watch, want);
    } else if (s) {
        mn_loop_unwatch(d->loop, &s->watch);
        mn_list_del(&s->link);
        mn_free(s);
    } else if (want) {
        s = MN_NEW(struct sock);
        s->dns = d;
        s->watch = (struct mn_watch){fd, want, ready};
        mn_list_add(&d->sockets, &s->link);
        mn_loop_watch(d->loop, &s->watch);
    }
}

int mn_dns_new(struct mn_loop *l, const char *servers, struct mn_dns **out)
{
    struct mn_dns *d = MN_NEW(struct mn_dns);
    struct ares_options o = {.sock_state_cb = sock_state,
                             .sock_state_cb_data = d,
                             .timeout = TIMEOUT_MS,
                             .tries = TRIES};

    *out = NULL;
    d->loop = l;
    d->timer.fire = timed;
    mn_list_init(&d->sockets);
    if (ares_library_init(ARES_LIB_INIT_ALL) ||
        ares_init_options(&d->channel, &o,
                          ARES_OPT_SOCK_STATE_CB | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES)) {
        mn_free(d);
        return MN_E_IO;
    }
    *out = d;
    if (!servers || !ares_set_servers_ports_csv(d->channel, servers))
        return MN_E_OK;
    mn_dns_free(d);
    *out = NULL;
    return MN_E_IO;
}

void mn_dns_free(struct mn_dns *d)
{
    if (!d)
        return;
    d->freed = true;
    if (d->busy)
        return;
    d->busy = true; /* destroying answers what is open */
    ares_destroy(d->channel);
    mn_timer_stop(&d->timer);
    mn_free(d);
}

static int code_of(int status)
{
    switch (status) {
    case ARES_SUCCESS:
        return MN_E_OK;
    case ARES_ENODATA:
    case ARES_ENOTFOUND:
    case ARES_EBADNAME:
        return MN_E_NOT_FOUND;
    case ARES_ETIMEOUT:
        return MN_E_TIMEOUT;
    default:
        return MN_E_IO;
    }
}

static void srv_came(void *arg, int status, int timeouts, unsigned char *answer, int n)
{
    struct ask *q = arg;
    struct mn_srv rows[ROWS_MAX];
    struct ares_srv_reply *list = NULL;
    size_t count = 0;

    (void)timeouts;
    if (status == ARES_SUCCESS)
        status = ares_parse_srv_reply(answer, n, &list);
    for (struct ares_srv_reply *r = list; r && count < ROWS_MAX; r = r->next) {
        struct mn_srv *row = &rows[count];

        if (strlen(r->host) >= sizeof row->target)
            continue;
        *row = (struct mn_srv){r->priority, r->weight, r->port, {0}};
        memcpy(row->target, r->host, strlen(r->host));
        count++;
    }
    if (!q->dns->freed)
        q->srv(q->arg, code_of(status), rows, count);
    if (list)
        ares_free_data(list);
    mn_free(q);
}

void mn_dns_srv(struct mn_dns *d, const char *name,
                void (*done)(void *arg, int code, const struct mn_srv *rows, size_t count),
                void *arg)
{
    struct ask *q = MN_NEW(struct ask);
    bool outer = !d->busy;

    *q = (struct ask){d, arg, done, NULL};
    begin(d);
    ares_query(d->channel, name, 1 /* IN */, 33 /* SRV */, srv_came, q);
    if (outer)
        end(d);
}

static void addr_came(void *arg, int status, int timeouts, struct ares_addrinfo *info)
{
    struct ask *q = arg;
    struct mn_addr rows[ROWS_MAX];
    size_t count = 0;

    (void)timeouts;
    for (struct ares_addrinfo_node *n = info ? info->nodes : NULL; n && count < ROWS_MAX;
         n = n->ai_next)
        if ((size_t)n->ai_addrlen <= sizeof rows[0]) {
            rows[count] = (struct mn_addr){0};
            memcpy(&rows[count++], n->ai_addr, (size_t)n->ai_addrlen);
        }
    if (!q->dns->freed)
        q->addr(q->arg, status == ARES_SUCCESS && !count ? MN_E_NOT_FOUND : code_of(status), rows,
                count);
    if (info)
        ares_freeaddrinfo(info);
    mn_free(q);
}

void mn_dns_addr(struct mn_dns *d, const char *host, int family, uint16_t port,
                 void (*done)(void *arg, int code, const struct mn_addr *rows, size_t count),
                 void *arg)
{
    struct ares_addrinfo_hints hints = {ARES_AI_NUMERICSERV | ARES_AI_NOSORT, family, SOCK_STREAM,
                                        0};
    struct ask *q = MN_NEW(struct ask);
    bool outer = !d->busy;
    char service[8];

    snprintf(service, sizeof service, "%u", port);
    *q = (struct ask){d, arg, NULL, done};
    begin(d);
    ares_getaddrinfo(d->channel, host, service, &hints, addr_came, q);
    if (outer)
        end(d);
}

static int by_priority(const void *a, const void *b)
{
    const struct mn_srv *x = a, *y = b;

    return x->priority != y->priority ? (x->priority < y->priority ? -1 : 1)
                                      : (x->weight > 0) - (y->weight > 0);
}

/* Rows of one priority: each place by lot, those without weight first in the drawing. */
static void draw(struct mn_srv *rows, size_t count)
{
    for (size_t i = 0; i + 1 < count; i++) {
        uint64_t sum = 0, lot, at = 0;
        size_t chosen = i;
        struct mn_srv row;

        for (size_t j = i; j < count; j++)
            sum += rows[j].weight;
        lot = mn_rand_u64() % (sum + 1);
        for (size_t j = i; j < count; j++) {
            at += rows[j].weight;
            chosen = j;
            if (at >= lot)
                break;
        }
        row = rows[chosen];
        memmove(&rows[i + 1], &rows[i], (chosen - i) * sizeof row);
        rows[i] = row;
    }
}

void mn_srv_sort(struct mn_srv *rows, size_t count)
{
    qsort(rows, count, sizeof *rows, by_priority);
    for (size_t i = 0, n; i < count; i += n) {
        for (n = 1; i + n < count && rows[i + n].priority == rows[i].priority; n++)
            ;
        draw(&rows[i], n);
    }
}
