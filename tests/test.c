#include "test.h"

#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

enum { HANGS_AFTER_S = 100 }; /* before the runner ends all of them without a word */

static struct test *first, **last = &first;
static bool failed;
static const char *skipped;

void test_add(struct test *t)
{
    *last = t;
    last = &t->next;
}

const struct test *test_first(void)
{
    return first;
}

void test_fail(const char *file, int line, const char *fmt, ...)
{
    va_list ap;

    failed = true;
    printf("# %s:%d: ", file, line);
    va_start(ap, fmt);
    vprintf(fmt, ap);
    va_end(ap);
    printf("\n");
}

void test_skip(const char *why)
{
    skipped = why;
}

bool test_failed(void)
{
    return failed;
}

mn_str test_file(const char *path)
{
    struct mn_buf b = {0};
    char full[4096];
    FILE *f;

    snprintf(full, sizeof full, "%s/%s", TEST_ROOT, path);
    f = fopen(full, "rb");
    if (!f) {
        printf("Bail out! cannot open %s\n", full);
        exit(1);
    }
    for (;;) {
        size_t n = fread(mn_buf_room(&b, 4096), 1, 4096, f);

        if (!n)
            break;
        b.n += n;
    }
    fclose(f);
    return mn_buf_view(&b);
}

bool test_row(mn_str *text, mn_str *columns, size_t count)
{
    while (text->n) {
        mn_str line = mn_str_cut(*text, '\n', text);

        if (!line.n || line.p[0] == '#')
            continue;
        for (size_t i = 0; i < count; i++)
            columns[i] = mn_str_cut(line, '\t', &line);
        return true;
    }
    return false;
}

static int digit(char c)
{
    return c >= 'a' ? c - 'a' + 10 : c >= 'A' ? c - 'A' + 10 : c - '0';
}

mn_str test_unhex(mn_str hex)
{
    char *p = mn_alloc(hex.n / 2 + 1);

    for (size_t i = 0; i < hex.n / 2; i++)
        p[i] = (char)(digit(hex.p[2 * i]) << 4 | digit(hex.p[2 * i + 1]));
    return (mn_str){p, hex.n / 2};
}

/* What is said of the test that runs should it wait for ever. */
static char hanging[200];

static void on_alarm(int number)
{
    (void)number;
    (void)!write(STDOUT_FILENO, hanging, strlen(hanging));
    _exit(1);
}

static void run(struct test *t)
{
    failed = false;
    skipped = NULL;
    snprintf(hanging, sizeof hanging, "Bail out! %s hangs\n", t->name);
    alarm(HANGS_AFTER_S);
    t->run();
    alarm(0);
}

int main(int argc, char **argv)
{
    unsigned number = 0, bad = 0;

    setvbuf(stdout, NULL, _IOLBF, 0);
    signal(SIGALRM, on_alarm);
    for (struct test *t = first; t; t = t->next)
        number += argc < 2 || strstr(t->name, argv[1]);
    printf("1..%u\n", number);
    number = 0;
    for (struct test *t = first; t; t = t->next) {
        if (argc > 1 && !strstr(t->name, argv[1]))
            continue;
        run(t);
        bad += failed;
        printf("%s %u - %s%s%s\n", failed ? "not ok" : "ok", ++number, t->name,
               skipped ? " # SKIP " : "", skipped ? skipped : "");
    }
    return bad ? 1 : 0;
}
