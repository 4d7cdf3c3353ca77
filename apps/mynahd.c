/* mynahd: arguments, configuration, signals; everything else is server/. */
#include <errno.h>
#include <getopt.h>
#include <grp.h>
#include <jansson.h>
#include <openssl/crypto.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/notify.h"
#include "base/thread.h"
#include "server/server.h"

enum { EXIT_USAGE = 64, EXIT_CONFIG = 78 };

static const struct {
    char letter;
    const char *name, *value, *text;
} rows[] = {
#define MYNAHD(letter, name, value, text) {letter, name, value, text},
#define MYNAHCTL(...)
#include "options.def"
#undef MYNAHCTL
#undef MYNAHD
};

/* As when it is killed: what was acknowledged is on the disk. */
static void out_of_memory(void)
{
    (void)!write(2, "mynahd: out of memory\n", sizeof "mynahd: out of memory\n" - 1);
    _exit(1);
}

/* OpenSSL that was refused memory once may refuse every handshake from then on, and jansson makes
 * less than it was asked for: neither is refused any. */
static void *some(void *p, size_t n)
{
    if (!p && n)
        mn_oom();
    return p;
}

static void *ssl_alloc(size_t n, const char *file, int line)
{
    return n ? some(malloc(n), n) : NULL;
}

static void *ssl_realloc(void *p, size_t n, const char *file, int line)
{
    return some(realloc(p, n), n);
}

static void ssl_free(void *p, const char *file, int line)
{
    free(p);
}

/* Before anybody uses it: constructors do. */
__attribute__((constructor(101))) static void memory_for_others(void)
{
    mn_oom_handler = out_of_memory;
    CRYPTO_set_mem_functions(ssl_alloc, ssl_realloc, ssl_free);
    json_set_alloc_funcs(mn_alloc, mn_free);
}

static int usage(void)
{
    fputs("mynahd", stdout);
    for (size_t i = 0; i < MN_COUNT(rows); i++)
        printf(" [--%s%s%s]", rows[i].name, *rows[i].value ? " " : "", rows[i].value);
    puts("\nThe Jabber/XMPP server. Without a configured domain it serves localhost on loopback.");
    for (size_t i = 0; i < MN_COUNT(rows); i++)
        printf("  --%s %-*s  %s\n", rows[i].name, (int)(14 - strlen(rows[i].name)), rows[i].value,
               rows[i].text);
    return 0;
}

/* systemd says in JOURNAL_STREAM which file its journal is. */
static enum mn_log_format log_auto(void)
{
    const char *said = getenv("JOURNAL_STREAM");
    char here[64];
    struct stat st;

    if (!said || fstat(2, &st))
        return MN_LOG_TEXT;
    snprintf(here, sizeof here, "%lu:%lu", (unsigned long)st.st_dev, (unsigned long)st.st_ino);
    return strcmp(here, said) ? MN_LOG_TEXT : MN_LOG_JSON;
}

struct asked {
    const char *path, *domain, *data;
    bool written; /* the path, by whoever calls */
    bool found;   /* the file was there at start */
};

/* As if it stood in the configuration. */
static void add_domain(struct config *c, const char *name, struct mn_arena *a)
{
    const struct conf_domain *old = c->domains.items;
    struct conf_domain *all = mn_arena_alloc0(a, (c->domains.count + 1) * sizeof *all);
    mn_str wanted, there = {0};

    MN_ASSERT(!mn_jid_host_prep(mn_str_from(name), a, &wanted)); /* looked at by main */
    for (size_t i = 0; i < c->domains.count; i++) {
        all[i] = old[i];
        if (!mn_jid_host_prep(old[i].name, a, &there) && mn_str_eq(there, wanted))
            return;
    }
    all[c->domains.count] = (struct conf_domain){mn_str_from(name), MN_STR(""), MN_STR("")};
    c->domains = (struct mn_conf_list){all, c->domains.count + 1, c->domains.line};
}

/* At start, and on a work lane at each reload. */
static int load(void *arg, struct mn_arena *a, struct config **out, struct mn_buf *why)
{
    const struct asked *asked = arg;
    struct mn_conf_errors errors;
    mn_str yaml = MN_STR("");
    int e = mn_file_read(asked->path, 1 << 20, a, &yaml);

    if (e && (asked->written || asked->found || e != MN_E_NOT_FOUND)) {
        mn_buf_fmt(why, "cannot read %s: %s", asked->path, mn_err_text(e));
        return e;
    }
    e = config_parse(yaml, a, out, &errors);
    for (size_t i = 0; e && i < errors.count; i++) {
        mn_buf_fmt(why, "%s%s:", i ? "\n" : "", asked->path);
        if (errors.items[i].line) /* it is not of a key that is left out */
            mn_buf_fmt(why, "%d:", errors.items[i].line);
        mn_buf_fmt(why, " %.*s", MN_ARG(errors.items[i].text));
    }
    if (!e && asked->data)
        (*out)->data = mn_str_from(asked->data);
    if (!e && asked->domain)
        add_domain(*out, asked->domain, a);
    return e;
}

/* The configuration of the start; 0, or how to exit. */
static int load_first(struct asked *asked, struct mn_arena *a, struct config **out)
{
    struct mn_buf why = {0};
    mn_str prepared;
    int e;

    if (asked->domain && mn_jid_host_prep(mn_str_from(asked->domain), a, &prepared)) {
        fprintf(stderr, "mynahd: --domain: %s is no domain name\n", asked->domain);
        return EXIT_USAGE;
    }
    e = load(asked, a, out, &why);
    asked->found = !access(asked->path, F_OK);
    if (e == MN_E_FORMAT)
        fprintf(stderr, "%.*s\nmynahd: the configuration is not usable\n",
                MN_ARG(mn_buf_view(&why)));
    else if (e)
        fprintf(stderr, "mynahd: %.*s\n", MN_ARG(mn_buf_view(&why)));
    mn_buf_free(&why);
    return e ? EXIT_CONFIG : 0;
}

/* One that can be read; its certificates, too? */
static int check_files(const struct config *c, const char *path)
{
    struct mn_buf why = {0};
    int code = 0;

    snapshot_check(c, path, &why);
    if (why.n) {
        fprintf(stderr, "%.*smynahd: the configuration is not good\n", MN_ARG(mn_buf_view(&why)));
        code = EXIT_CONFIG;
    } else {
        puts("the configuration is good");
    }
    mn_buf_free(&why);
    return code;
}

static unsigned cpus(void)
{
    cpu_set_t set;

    return sched_getaffinity(0, sizeof set, &set) ? 1 : (unsigned)CPU_COUNT(&set);
}

/* Before anything is opened that a reload opens again. */
static int become(const struct config *c, const char *path)
{
    const char *name = c->run_as.n ? c->run_as.p : "mynah";
    struct passwd *p;

    if (geteuid())
        return 0;
    p = getpwnam(name);
    if (!p && c->run_as.n) {
        fprintf(stderr, "mynahd: run_as: there is no user %s\n", name);
        return EXIT_CONFIG;
    }
    if (!p) {
        mn_log_warn(NULL, "running as root; make a user named mynah, or set run_as");
        return 0;
    }
    if (!mkdir(c->data.p, 0700) && chown(c->data.p, p->pw_uid, p->pw_gid)) {
        fprintf(stderr, "mynahd: cannot give %s to %s: %s\n", c->data.p, name, strerror(errno));
        return 1;
    }
    if (initgroups(name, p->pw_gid) || setgid(p->pw_gid) || setuid(p->pw_uid)) {
        fprintf(stderr, "mynahd: cannot become %s: %s\n", name, strerror(errno));
        return 1;
    }
    mn_log_info(NULL, "running as", MN_FC("user", name));
    if (path && access(path, R_OK)) {
        fprintf(stderr, "mynahd: %s may not read %s\n", name, path);
        return EXIT_CONFIG;
    }
    return 0;
}

/* As many open files as we may have; returns how many. */
static int64_t raise_files(void)
{
    struct rlimit files;

    if (getrlimit(RLIMIT_NOFILE, &files))
        return 0;
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    return (int64_t)files.rlim_cur;
}

/* Until it is ready, whatever it waits for: nothing has been acknowledged to anybody yet. */
static void stopped_early(int signal)
{
    static const char said[] = "mynahd: stopped before it was ready\n";

    (void)signal;
    (void)!write(2, said, sizeof said - 1);
    _exit(0);
}

/* What asks it to stop; and what asks it to read its configuration anew waits until it is ready. */
static void signals_at_start(sigset_t *all)
{
    sigset_t stop;

    sigemptyset(&stop);
    sigaddset(&stop, SIGTERM);
    sigaddset(&stop, SIGINT);
    *all = stop;
    sigaddset(all, SIGHUP);
    sigprocmask(SIG_BLOCK, all, NULL);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGTERM, stopped_early);
    signal(SIGINT, stopped_early);
    sigprocmask(SIG_UNBLOCK, &stop, NULL); /* here alone: no thread is asked (mn_thread_start) */
}

/* Signals come to loop 0 like everything else. */
struct signals {
    struct mn_watch watch;
    struct server *srv;
};

static void signalled(struct mn_watch *w, unsigned events)
{
    struct signals *s = MN_OF(w, struct signals, watch);
    struct signalfd_siginfo got;

    (void)events;
    while (read(w->fd, &got, sizeof got) == sizeof got) {
        if (got.ssi_signo == SIGHUP) {
            server_reload(s->srv, "SIGHUP");
            continue;
        }
        mn_log_info(NULL, "stopping", MN_FC("signal", sigabbrev_np((int)got.ssi_signo)));
        mn_notify("STOPPING=1");
        server_stop(s->srv);
    }
}

/* True: it is to be started anew. */
static bool serve(struct server *srv, unsigned loops, const sigset_t *set, int64_t files)
{
    struct signals s = {{signalfd(-1, set, SFD_NONBLOCK | SFD_CLOEXEC), MN_READ, signalled}, srv};

    mn_loop_watch(srv->owners[0]->loop, &s.watch);
    if (srv->owners[0]->snap->built_in)
        mn_log_info(NULL, "no domain is configured: serving localhost on loopback, with "
                          "registration open to loopback");
    mn_log_info(NULL, "ready", MN_FN("loops", loops), MN_FN("files", files));
    mn_notify("READY=1");
    server_run(srv);
    mn_log_info(NULL, "stopped");
    mn_loop_unwatch(srv->owners[0]->loop, &s.watch);
    close(s.watch.fd);
    return srv->end.restart;
}

/* The program as it is on the disk now, in the same process: whoever watches over it sees none end.
 */
static int start_again(char **argv)
{
    mn_log_info(NULL, "starting again");
    execvp(argv[0], argv);
    fprintf(stderr, "mynahd: cannot start %s again: %s\n", argv[0], strerror(errno));
    return 1;
}

static int run(const struct config *c, struct asked *asked, char **argv)
{
    struct mn_arena a = {0};
    struct mn_buf why = {0};
    unsigned loops = c->loops ? (unsigned)c->loops : cpus();
    int64_t files = raise_files();
    struct server_options opt = {.conf = c,
                                 .loops = loops,
                                 .backend = MN_LOOP_EPOLL,
                                 .log_auto = log_auto(),
                                 .read = load,
                                 .read_arg = asked};
    struct server *srv = NULL;
    bool again = false;
    sigset_t set;
    int e;

    signals_at_start(&set);
    opt.work = mn_work_new((unsigned[]){2, 2, 1, 1}, 10000);
    if (!opt.work)
        mn_thread_missing();
    opt.certs = mn_arena_fmt(&a, "%s/certs", c->data.p).p;
    opt.control = c->control.socket.n ? c->control.socket.p
                                      : mn_arena_fmt(&a, "%s/control.sock", c->data.p).p;
    e = store_open_embedded(c->data.p, opt.work, &opt.store, &why);
    if (e)
        mn_work_free(opt.work);
    else if (!(e = server_new(&opt, &srv, &why)))
        e = server_listen(srv, &why);
    if (e)
        fprintf(stderr, "mynahd: %.*s\n", MN_ARG(mn_buf_view(&why)));
    sigprocmask(SIG_BLOCK, &set, NULL);
    if (!e)
        again = serve(srv, loops, &set, files);
    if (srv)
        server_free(srv);
    mn_buf_free(&why);
    mn_arena_done(&a, NULL);
    return again ? start_again(argv) : e ? 1 : 0;
}

int main(int argc, char **argv)
{
    struct option options[MN_COUNT(rows) + 1] = {0};
    struct asked asked = {.path = "/etc/mynah/mynahd.yaml"};
    bool check = false;
    struct mn_arena a = {0};
    struct mn_buf b = {0};
    struct config *c = NULL;
    int o, e;

    for (size_t i = 0; i < MN_COUNT(rows); i++)
        options[i] = (struct option){rows[i].name, *rows[i].value != 0, NULL, rows[i].letter};
    while ((o = getopt_long(argc, argv, "", options, NULL)) >= 0)
        switch (o) {
        case 'c':
            asked.path = optarg;
            asked.written = true;
            break;
        case 'd':
            asked.domain = optarg;
            break;
        case 'D':
            asked.data = optarg;
            break;
        case 'k':
            check = true;
            break;
        case 'p':
            mn_conf_print(config_rows(), &b);
            fwrite(b.p, 1, b.n, stdout);
            mn_buf_free(&b);
            return 0;
        case 'v':
            puts("mynahd " MN_VERSION);
            return 0;
        case 'h':
            return usage();
        default: /* getopt has said what */
            return EXIT_USAGE;
        }
    if (optind < argc) {
        fprintf(stderr, "mynahd: unexpected argument: %s\n", argv[optind]);
        return EXIT_USAGE;
    }
    e = load_first(&asked, &a, &c);
    if (!e) {
        mn_log_set((enum mn_log_level)c->log.level, config_log_format(c, log_auto()), 2);
        if (check)
            e = check_files(c, asked.path);
        else if (!(e = become(c, asked.found ? asked.path : NULL)))
            e = run(c, &asked, argv);
    }
    mn_arena_done(&a, NULL);
    return e;
}
