/* A server in this process: on threads of its own, with a store in memory, or with the real one
 * where it is reached over TCP. */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "net/cert.h"
#include "net/tls.h"
#include "server/account.h"
#include "wire/wire.h"

struct host_run {
    struct server *srv;
    struct config *conf;
    struct mn_arena arena;
    pthread_t thread;
    bool running;
    enum transport transport;
    enum conf_tls policy;
    unsigned next;
    char data[64];
};

/* Certificates are made once for all conversations. */
static char certs[] = "/tmp/mynah-wire-XXXXXX";
static struct mn_tls *client_tls;
static pid_t sweeper;
static int sweeper_end;

static void remove_all(const char *dir)
{
    char command[128];

    snprintf(command, sizeof command, "rm -rf '%s'", dir);
    MN_ASSERT(!system(command));
}

/* A process of its own removes the folder when this one is gone, also when it was killed. */
static void certs_sweep(void)
{
    int ends[2];
    char none;

    MN_ASSERT(!pipe2(ends, O_CLOEXEC));
    sweeper_end = ends[1];
    sweeper = fork();
    if (sweeper)
        close(ends[0]);
    if (sweeper)
        return;
    setsid(); /* what is sent to all of a terminal does not reach it */
    close(ends[1]);
    (void)!read(ends[0], &none, 1);
    execlp("rm", "rm", "-rf", certs, (char *)NULL);
    _exit(1);
}

static void certs_make(void)
{
    struct mn_arena a = {0};
    struct mn_buf why = {0};
    struct mn_cert_files f;

    if (client_tls)
        return;
    MN_ASSERT(mkdtemp(certs));
    certs_sweep();
    MN_ASSERT(!mn_cert_local(certs, MN_STR("localhost"), &a, &f, &why));
    MN_ASSERT(!mn_tls_client(&(struct mn_tls_client){.ca_file = f.ca}, &client_tls, &why));
    mn_arena_done(&a, NULL);
}

struct mn_tls *host_tls(void)
{
    return client_tls;
}

void host_end(void)
{
    if (client_tls) {
        close(sweeper_end);
        waitpid(sweeper, NULL, 0);
    }
    mn_tls_unref(client_tls);
}

static bool configure(struct host_run *h, const struct host_options *opt, struct mn_buf *why)
{
    struct mn_conf_errors errors = {0};
    struct conf_listen *l;
    bool bad = config_parse(opt->yaml, &h->arena, &h->conf, &errors);

    for (size_t i = 0; i < errors.count; i++)
        mn_buf_fmt(why, "configuration:%d: %.*s\n", errors.items[i].line,
                   MN_ARG(errors.items[i].text));
    if (bad)
        return false;
    l = MN_ARENA_NEW(&h->arena, struct conf_listen);
    h->policy = h->conf->listen.count
                    ? (enum conf_tls)((struct conf_listen *)h->conf->listen.items)->tls
                    : CONF_TLS_REQUIRED;
    *l = (struct conf_listen){0, MN_STR("127.0.0.1"), 0, (int)h->policy};
    h->conf->listen = (struct mn_conf_list){l, 1, 0};
    if (opt->domain_count) {
        struct conf_domain *d = mn_arena_alloc0(&h->arena, opt->domain_count * sizeof *d);

        for (size_t i = 0; i < opt->domain_count; i++)
            d[i] = (struct conf_domain){opt->domains[i], MN_STR(""), MN_STR("")};
        h->conf->domains = (struct mn_conf_list){d, opt->domain_count, 0};
    }
    return true;
}

static void *run(void *arg)
{
    server_run(((struct host_run *)arg)->srv);
    return NULL;
}

/* Accounts are made by the server's own ways, on its first loop. */
struct making {
    struct mn_post post;
    struct host_run *h;
    const struct account *account;
    int done[2];
};

static void made(struct account_change *ch, enum mn_cond cond)
{
    struct making *m = ch->arg;
    char c = (char)cond;

    account_change_free(ch);
    MN_ASSERT(write(m->done[1], &c, 1) == 1);
}

static void make(struct mn_post *p)
{
    struct making *m = (struct making *)p;
    mn_str host, user = mn_str_cut(m->account->bare, '@', &host);
    struct account_change *ch = account_change_new(ACCOUNT_CREATE, host_find(m->h->srv, host));

    ch->name = mn_arena_str(&ch->arena, user);
    ch->password = mn_arena_str(&ch->arena, m->account->password);
    ch->done = made;
    ch->arg = m;
    account_change(ch);
}

static bool account_make(struct host_run *h, const struct account *account, struct mn_buf *why)
{
    struct making m = {.h = h, .account = account, .post = {.run = make}};
    mn_str host;
    char cond = 1;

    mn_str_cut(account->bare, '@', &host);
    if (host_find(h->srv, host)) {
        MN_ASSERT(!pipe(m.done));
        mn_loop_post(h->srv->owners[0]->loop, &m.post);
        MN_ASSERT(read(m.done[0], &cond, 1) == 1);
        close(m.done[0]);
        close(m.done[1]);
    }
    if (cond)
        mn_buf_fmt(why, "account %.*s could not be made", MN_ARG(account->bare));
    return !cond;
}

bool host_start(const struct host_options *opt, struct host_run **out, struct mn_buf *why)
{
    struct host_run *h = MN_NEW(struct host_run);
    struct server_options so = {.work = mn_work_new((unsigned[]){2, 2, 1, 1}, 10000),
                                .loops = opt->loops,
                                .backend = MN_LOOP_EPOLL,
                                .certs = certs};
    int e;

    certs_make();
    mn_log_set(getenv("WIRE_LOG") ? MN_LOG_DEBUG : MN_LOG_ERROR, MN_LOG_TEXT, 2);
    h->transport = opt->transport;
    if (!configure(h, opt, why)) {
        mn_work_free(so.work);
        host_stop(h);
        return false;
    }
    so.conf = h->conf;
    if (opt->transport == OVER_TCP) {
        snprintf(h->data, sizeof h->data, "%s/data", certs);
        e = store_open_embedded(h->data, so.work, &so.store, why);
    } else {
        e = store_open_mem(&so.store);
    }
    MN_ASSERT(!e);
    e = server_new(&so, &h->srv, why);
    if (!e && opt->transport != OVER_MEMORY)
        e = server_listen(h->srv, why);
    if (!e) {
        MN_ASSERT(!pthread_create(&h->thread, NULL, run, h));
        h->running = true;
    }
    for (size_t i = 0; !e && i < opt->account_count; i++)
        e = !account_make(h, &opt->accounts[i], why);
    if (e)
        host_stop(h);
    *out = h;
    return !e;
}

void host_shutdown(struct host_run *h)
{
    server_stop(h->srv);
}

void host_stop(struct host_run *h)
{
    if (h->running) {
        server_stop(h->srv);
        pthread_join(h->thread, NULL);
    }
    if (h->srv)
        server_free(h->srv);
    if (h->data[0])
        remove_all(h->data);
    mn_arena_done(&h->arena, NULL);
    mn_free(h);
}

struct mn_conn *host_connect(struct host_run *h, struct mn_loop *l)
{
    static const struct mn_conn_face nobody;
    const struct mn_addr *at = server_addr(h->srv, 0);
    int fd;

    if (h->transport == OVER_MEMORY)
        return server_mem(h->srv, h->next++, l, (int)h->policy);
    fd = socket(at->sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    MN_ASSERT(fd >= 0 && !connect(fd, &at->sa, mn_addr_len(at)));
    MN_ASSERT(!fcntl(fd, F_SETFL, O_NONBLOCK));
    return mn_conn_tcp(l, fd, &nobody, NULL);
}

enum conf_tls host_policy(const struct host_run *h)
{
    return h->policy;
}

mn_str host_domain(const struct host_run *h)
{
    return host_first(h->srv)->name;
}
