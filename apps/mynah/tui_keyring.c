/* The keyring of the desktop, asked on a thread: a person may have to unlock it, and everything
 * else goes on meanwhile. Who quits does not wait for it. */
#include <string.h>

#include "apps/mynah/tui.h"
#include "base/thread.h"
#include "im/secret.h"

struct job {
    char *jid, *password; /* to be kept, or found; NULL: it is looked for */
    char *why;            /* it did not work; NULL: it did */
    keyring_done *done;
};

static struct {
    pthread_mutex_t lock;
    bool closed; /* nobody is told any more */
} keyring = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void job_free(struct job *j)
{
    if (j->password)
        explicit_bzero(j->password, strlen(j->password));
    mn_free(j->password);
    mn_free(j->jid);
    mn_free(j->why);
    mn_free(j);
}

static void back(void *arg)
{
    struct job *j = arg;

    if (!tui.quit)
        j->done(j->jid, j->password, j->why);
    job_free(j);
}

static int look(struct job *j, struct mn_buf *why)
{
    struct mn_arena a = {0};
    mn_str password = {0};
    int e = im_secret_get(mn_str_from(j->jid), &a, &password, why);

    j->password = e ? NULL : mn_str_dup(password);
    if (password.n)
        explicit_bzero((char *)password.p, password.n);
    mn_arena_done(&a, NULL);
    return e;
}

static void *run(void *arg)
{
    struct job *j = arg;
    struct mn_buf why = {0};
    int e = j->password ? im_secret_set(mn_str_from(j->jid), mn_str_from(j->password), &why)
                        : look(j, &why);

    j->why = e ? mn_str_dup(mn_buf_view(&why)) : NULL;
    mn_buf_free(&why);
    pthread_mutex_lock(&keyring.lock);
    if (keyring.closed)
        job_free(j);
    else
        mynah_post(tui.ctx, back, j);
    pthread_mutex_unlock(&keyring.lock);
    return NULL;
}

void keyring_ask(const char *jid, const char *password, keyring_done *done)
{
    struct job *j = MN_NEW(struct job);
    pthread_t thread;
    int e;

    j->jid = mn_str_dup(mn_str_from(jid));
    j->password = password ? mn_str_dup(mn_str_from(password)) : NULL;
    j->done = done;
    e = mn_thread_start(&thread, run, j);
    if (!e) {
        pthread_detach(thread);
        return;
    }
    j->why = mn_str_dup(mn_str_from(mn_err_text(e)));
    mynah_post(tui.ctx, back, j);
}

void keyring_close(void)
{
    pthread_mutex_lock(&keyring.lock);
    keyring.closed = true;
    pthread_mutex_unlock(&keyring.lock);
}
