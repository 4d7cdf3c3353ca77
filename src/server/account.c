#include "server/account.h"

#include "base/clock.h"
#include "base/crypt.h"
#include "server/notice.h"
#include "server/server.h"
#include "server/session.h"
#include "xmpp/sasl.h"

struct account_change *account_change_new(enum account_what what, const struct host *host)
{
    struct account_change *ch = MN_NEW(struct account_change);

    ch->what = what;
    ch->host = host;
    return ch;
}

void account_change_free(struct account_change *ch)
{
    mn_crypt_wipe((void *)ch->password.p, ch->password.n);
    mn_arena_done(&ch->arena, NULL);
    if (ch->except)
        session_unref(ch->except);
    mn_free(ch);
}

static void back(struct mn_post *p)
{
    struct account_change *ch = MN_OF(p, struct account_change, job.post);

    ch->done(ch, ch->cond);
}

static void hand_over(struct account_change *ch, struct owner *to, void (*run)(struct mn_post *p))
{
    ch->job.post.run = run;
    ch->job.post.bytes = sizeof *ch;
    if (to == owner_here())
        run(&ch->job.post);
    else
        mn_loop_post(to->loop, &ch->job.post);
}

static void end(struct account_change *ch, enum mn_cond cond)
{
    if (ch->user)
        user_let(ch->user);
    ch->user = NULL;
    ch->cond = cond;
    hand_over(ch, ch->asker, back);
}

static void keys_make(struct mn_job *j)
{
    struct account_change *ch = (struct account_change *)j;
    ch->error = mn_sasl_creds_make(ch->name, ch->host->name, ch->password, ch->mechanisms,
                                   ch->iterations, &ch->arena, &ch->creds);
}

static void commit_wait(struct account_change *ch, void (*go)(struct wait *w, int result))
{
    ch->wait.go = go;
    user_act(ch->user, &ch->wait);
}

/* The password is another one by now, whatever became of the sessions' rows. */
static void sessions_ended(struct wait *w, int result)
{
    (void)result;
    end(MN_OF(w, struct account_change, wait), MN_COND_NONE);
}

static void committed(struct wait *w, int result)
{
    struct account_change *ch = MN_OF(w, struct account_change, wait);

    if (!result && ch->what == ACCOUNT_PASSWORD) {
        user_reset(ch->user, ch->except);
        commit_wait(ch, sessions_ended);
        return;
    }
    if (result && ch->what == ACCOUNT_CREATE)
        ch->user->exists = false;
    end(ch, !result               ? MN_COND_NONE
            : result == MN_E_FULL ? MN_COND_RESOURCE_CONSTRAINT
                                  : MN_COND_INTERNAL);
}

/* The state is looked at again: keys take their time, and by then the account of that name may be
 * somebody else's, or have a password that the session which asked for this one does not know. Who
 * administers is never hindered by that: a session could keep changing it. */
static enum mn_cond hindrance(const struct account_change *ch)
{
    if (ch->what == ACCOUNT_CREATE)
        return ch->user->exists ? MN_COND_CONFLICT : MN_COND_NONE;
    if (!ch->user->exists || ch->user->made != ch->made)
        return MN_COND_ITEM_NOT_FOUND;
    return ch->except && !user_is_of(ch->user, ch->since) ? MN_COND_RESOURCE_CONSTRAINT
                                                          : MN_COND_NONE;
}

static void keys_made(struct mn_job *j)
{
    struct account_change *ch = (struct account_change *)j;
    struct user *u = ch->user;
    struct store_writer *w = u->owner->writer;
    mn_str bare = mn_jid_bare(&u->jid);
    enum mn_cond cond = ch->error ? MN_COND_NOT_ACCEPTABLE : hindrance(ch);
    uint64_t seq;

    if (cond) {
        end(ch, cond);
        return;
    }
    seq = store_set(w, bare, "auth", MN_STR("creds"), ch->creds);
    if (ch->what == ACCOUNT_CREATE) {
        u->owner->accounts_changed++;
        store_set(w, bare, USER_STORE, MN_STR(USER_ACCOUNT),
                  mn_arena_fmt(&ch->arena, "%lld", (long long)mn_clock_wall()));
        store_set(w, bare, USER_STORE, MN_STR(USER_NEW), MN_STR("yes"));
        if (ch->full_name.n)
            store_set(w, bare, "profile", MN_STR("name"), ch->full_name);
        if (ch->email.n)
            store_set(w, bare, "profile", MN_STR("email"), ch->email);
        seq = store_index_add(w, mn_jid_host(&u->jid), "accounts", mn_jid_user(&u->jid), bare,
                              MN_STR(""));
        user_created(u);
    }
    user_wrote(u, seq);
    if (ch->what == ACCOUNT_PASSWORD)
        user_rekeyed(u);
    commit_wait(ch, committed);
}

static void loaded(void *arg, struct user *u)
{
    struct account_change *ch = arg;
    enum mn_cond cond;

    ch->user = u;
    ch->made = u->made;
    user_need(u);
    cond = hindrance(ch);
    if (cond) {
        end(ch, cond);
        return;
    }
    if (ch->what > ACCOUNT_PASSWORD) { /* no keys are to be made */
        if (ch->what == ACCOUNT_REMOVE)
            user_remove(u, NULL);
        else
            user_disable(u, ch->what == ACCOUNT_DISABLE);
        commit_wait(ch, committed);
        return;
    }
    ch->mechanisms = u->owner->snap->mechanisms;
    ch->iterations = (unsigned)u->owner->snap->conf->auth.iterations;
    ch->job.run = keys_make;
    ch->job.done = keys_made;
    ch->job.loop = u->owner->loop;
    if (mn_work_submit(u->owner->srv->work, MN_LANE_HASH, &ch->job))
        end(ch, MN_COND_RESOURCE_CONSTRAINT);
}

static void at_owner(struct mn_post *p)
{
    struct account_change *ch = MN_OF(p, struct account_change, job.post);
    struct mn_jid j;

    MN_ASSERT(!mn_jid_make(ch->name, ch->host->name, (mn_str){0}, &ch->arena, &j));
    ch->since = ch->owner->accounts_changed;
    user_when_loaded(user_get(ch->owner, ch->host, &j), loaded, ch);
}

void account_change(struct account_change *ch)
{
    mn_str name = ch->name;
    struct mn_jid j;

    ch->asker = owner_here();
    if ((ch->what == ACCOUNT_CREATE && mn_jid_may_create(ch->name, &ch->arena, &name)) ||
        (ch->what <= ACCOUNT_PASSWORD && !ch->password.n) ||
        mn_jid_make(name, ch->host->name, (mn_str){0}, &ch->arena, &j)) {
        end(ch, MN_COND_NOT_ACCEPTABLE);
        return;
    }
    ch->name = mn_jid_user(&j);
    ch->owner = owner_of(ch->asker->srv, mn_jid_bare(&j));
    hand_over(ch, ch->owner, at_owner);
}
