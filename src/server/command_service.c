/* Commands that concern the service as a whole: what everybody is told, and its end. */
#include "base/num.h"
#include "server/command.h"
#include "server/notice.h"
#include "server/server.h"
#include "server/session.h"

enum { DELAY_MAX = 86400 };

/* To all who are online (of one domain: `h` not NULL); to how many sessions of this owner. */
static uint64_t tell(const struct owner *o, const struct host *h, mn_str text)
{
    uint64_t told = 0;
    struct user *u;

    for (size_t at = 0; (u = mn_map_next(&o->users, &at));) {
        struct mn_stanza *st = NULL;

        if (h && u->host != h)
            continue;
        MN_LIST_EACH(n, &u->sessions)
        {
            struct session *s = MN_OF(n, struct session, link);

            if (!s->available)
                continue;
            st = st ? st : notice_message(u->host, text);
            session_write(s, st, &s->jid);
            told++;
        }
        mn_stanza_unref(st);
    }
    return told;
}

/* An announcement. */

struct telling {
    const struct host *host;
    mn_str text;
    uint64_t told;
};

static bool telling_set(struct command *c, const char *name, struct telling **out)
{
    struct telling *t = *out = MN_ARENA_NEW(&c->a, struct telling);

    t->text = command_arg(c, name);
    if (command_is_text(t->text, true))
        return true;
    command_fail(c, MN_COND_NOT_ACCEPTABLE, "%s: it has characters that are not possible", name);
    return false;
}

static void tell_each(struct command *c)
{
    struct telling *t = c->state;

    t->told += tell(owner_here(), t->host, t->text);
}

static void told(struct command *c)
{
    command_ok(c, json_pack("{sI}", "told", (json_int_t)((struct telling *)c->state)->told));
}

void command_announce(struct command *c)
{
    mn_str domain = command_arg(c, "domain");
    struct telling *t;

    if (!telling_set(c, "text", &t) || (domain.p && !(t->host = command_host(c, domain))))
        return;
    c->state = t;
    command_visit(c, tell_each, told);
}

/* The end. */

static void end(struct mn_timer *t)
{
    struct server *srv = MN_OF(t, struct server, end.timer);

    if (srv->owners[0]->stopping) /* it ends already */
        return;
    mn_log_info(NULL, "stopping", MN_FC("by", srv->end.again ? "restart" : "shutdown"));
    srv->end.restart = srv->end.again;
    server_stop(srv);
}

/* On the first loop, where the time runs. At least a second: who asked is told first. */
static void end_set(struct command *c)
{
    struct server *srv = c->srv;
    struct telling *t = c->state;
    mn_str text = command_arg(c, "delay");
    uint64_t delay = 1;

    (void)!mn_num_parse(text, DELAY_MAX, &delay);
    srv->end.again = c->row == &command_rows[COMMAND_AT_restart];
    srv->end.timer.fire = end;
    mn_timer_start(c->srv->owners[0]->loop, &srv->end.timer, (int64_t)delay * 1000);
    if (t->text.n)
        command_visit(c, tell_each, told);
    else
        told(c);
}

static void end_soon(struct command *c)
{
    mn_str delay = command_arg(c, "delay");
    struct telling *t;
    uint64_t n;

    if (delay.p && (!mn_num_parse(delay, DELAY_MAX, &n) || !n)) {
        command_fail(c, MN_COND_NOT_ACCEPTABLE, "delay: expected 1 to %d seconds", DELAY_MAX);
    } else if (telling_set(c, "announcement", &t)) {
        c->state = t;
        command_go(c, c->srv->owners[0], end_set);
    }
}

void command_shutdown(struct command *c)
{
    end_soon(c);
}

void command_restart(struct command *c)
{
    end_soon(c);
}
