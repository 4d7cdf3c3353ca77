/* mynahd: arguments, configuration, signals; everything else is server/. */
#include <errno.h>
#include <getopt.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "server/server.h"

enum { EXIT_USAGE = 64, EXIT_CONFIG = 78 };

static struct server *running;

static void on_stop(int sig)
{
    (void)sig;
    server_stop(running);
}

static void on_hup(int sig)
{
    static const char text[] = "SIGHUP: the configuration is read at start only\n";

    (void)sig;
    (void)!write(2, text, sizeof text - 1);
}

static int usage(FILE *to, int code)
{
    fputs("mynahd [--config FILE] [--domain NAME] [--data DIR] [--check-config] [--print-defaults] "
          "[--version] [--help]\n"
          "The Jabber/XMPP server. Without a configured domain it serves localhost on loopback.\n"
          "  --config FILE     configuration (default: /etc/mynah/mynahd.yaml, if it is there)\n"
          "  --domain NAME     serve this domain, as if it stood in the configuration\n"
          "  --data DIR        where the database and certificates made by us are\n"
          "  --check-config    only look at the configuration\n"
          "  --print-defaults  print the configuration file with all keys and their defaults\n",
          to);
    return code;
}

static void sd_ready(void)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    int fd;

    if (!path || strlen(path) >= sizeof to.sun_path)
        return;
    memcpy(to.sun_path, path, strlen(path));
    if (path[0] == '@')
        to.sun_path[0] = 0;
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd >= 0)
        (void)!sendto(fd, "READY=1", 7, 0, (struct sockaddr *)&to,
                      (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path)));
    close(fd);
}

static int load(const char *path, bool written, struct mn_arena *a, struct config **out)
{
    struct mn_conf_errors errors;
    mn_str yaml = MN_STR("");
    int e = mn_file_read(path, 1 << 20, a, &yaml);

    if (e && (written || e != MN_E_NOT_FOUND)) {
        fprintf(stderr, "mynahd: cannot read %s: %s\n", path, mn_err_text(e));
        return EXIT_CONFIG;
    }
    if (!config_parse(yaml, a, out, &errors))
        return 0;
    for (size_t i = 0; i < errors.count; i++)
        fprintf(stderr, "%s:%d: %.*s\n", path, errors.items[i].line, MN_ARG(errors.items[i].text));
    fprintf(stderr, "mynahd: the configuration is not usable\n");
    return EXIT_CONFIG;
}

static unsigned cpus(void)
{
    cpu_set_t set;

    return sched_getaffinity(0, sizeof set, &set) ? 1 : (unsigned)CPU_COUNT(&set);
}

static int become(const struct config *c)
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
    if (setgid(p->pw_gid) || setuid(p->pw_uid)) {
        fprintf(stderr, "mynahd: cannot become %s: %s\n", name, strerror(errno));
        return 1;
    }
    return 0;
}

static int run(const struct config *c)
{
    struct mn_arena a = {0};
    struct mn_buf why = {0};
    unsigned loops = c->loops ? (unsigned)c->loops : cpus();
    struct mn_work *work = mn_work_new((unsigned[]){2, 2, 1}, 10000);
    struct server_options opt = {.conf = c, .work = work, .loops = loops, .backend = MN_LOOP_EPOLL};
    struct rlimit files;
    struct sigaction stop = {.sa_handler = on_stop}, hup = {.sa_handler = on_hup},
                     ignore = {.sa_handler = SIG_IGN};
    int e;

    if (!getrlimit(RLIMIT_NOFILE, &files)) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    opt.certs = mn_arena_fmt(&a, "%s/certs", c->data.p).p;
    e = store_open_embedded(c->data.p, work, &opt.store, &why);
    if (e) {
        fprintf(stderr, "mynahd: %.*s\n", MN_ARG(mn_buf_view(&why)));
        mn_work_free(work);
        return 1;
    }
    e = server_new(&opt, &running, &why);
    if (!e)
        e = server_listen(running, &why);
    if (!e) {
        sigaction(SIGTERM, &stop, NULL);
        sigaction(SIGINT, &stop, NULL);
        sigaction(SIGHUP, &hup, NULL);
        sigaction(SIGPIPE, &ignore, NULL);
        if (running->built_in)
            mn_log_info(NULL, "no domain is configured: serving localhost on loopback, with "
                              "registration open to loopback");
        mn_log_info(NULL, "ready", MN_FN("loops", loops));
        sd_ready();
        server_run(running);
        mn_log_info(NULL, "stopped");
    } else {
        fprintf(stderr, "mynahd: %.*s\n", MN_ARG(mn_buf_view(&why)));
    }
    server_free(running);
    mn_buf_free(&why);
    mn_arena_done(&a, NULL);
    return e ? 1 : 0;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"config", 1, 0, 'c'},         {"domain", 1, 0, 'd'},
        {"data", 1, 0, 'D'},           {"check-config", 0, 0, 'k'},
        {"print-defaults", 0, 0, 'p'}, {"version", 0, 0, 'v'},
        {"help", 0, 0, 'h'},           {0}};
    const char *path = "/etc/mynah/mynahd.yaml", *domain = NULL, *data = NULL;
    bool written = false, check = false;
    struct mn_arena a = {0};
    struct mn_buf b = {0};
    struct config *c = NULL;
    int o, e;

    while ((o = getopt_long(argc, argv, "", options, NULL)) >= 0)
        switch (o) {
        case 'c':
            path = optarg;
            written = true;
            break;
        case 'd':
            domain = optarg;
            break;
        case 'D':
            data = optarg;
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
            return usage(stdout, 0);
        default:
            return usage(stderr, EXIT_USAGE);
        }
    if (optind < argc)
        return usage(stderr, EXIT_USAGE);
    if ((e = load(path, written, &a, &c)))
        goto end;
    if (domain) {
        struct conf_domain *d = mn_arena_alloc0(&a, sizeof *d);
        mn_str prepared;

        *d = (struct conf_domain){mn_str_from(domain), MN_STR(""), MN_STR("")};
        if (mn_jid_host_prep(d->name, &a, &prepared)) {
            fprintf(stderr, "mynahd: --domain: %s is no domain name\n", domain);
            e = EXIT_USAGE;
            goto end;
        }
        c->domains = (struct mn_conf_list){d, 1, 0};
    }
    if (data)
        c->data = mn_str_from(data);
    mn_log_set((enum mn_log_level)c->log.level, (enum mn_log_format)c->log.format, 2);
    if (check)
        puts("the configuration is good");
    else if (!(e = become(c)))
        e = run(c);
end:
    mn_arena_done(&a, NULL);
    return e;
}
