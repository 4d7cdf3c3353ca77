/* What consoles hear of. What is written is told at the end of the turn, or before the next thing
 * that is read: who ends everything inside that call pulls no ground away from who was writing. Who
 * writes there is told of it in the next turn, so that the loop goes on. */
#include "client/client.h"

#include "base/err.h"

struct said {
    struct mn_list link;
    size_t n;
    char text[];
};

static bool is_heard(const struct mynah_client *c)
{
    MN_LIST_EACH(n, &c->listeners)
    {
        const struct mynah_listener *l = MN_OF(n, struct mynah_listener, link);

        if (!l->gone && ((const struct mynah_calls *)l->calls)->wire)
            return true;
    }
    return false;
}

/* What was there when it began; who is freed inside tells the rest, and adds nothing. */
void shown_tell(struct mynah_client *c)
{
    const struct mn_list *last = c->said.prev;
    bool more = true;

    while (more && !mn_list_empty(&c->said)) {
        struct said *s = MN_OF(c->said.next, struct said, link);

        more = &s->link != last;
        mn_list_del(&s->link);
        CLIENT_TELL(c, wire, true, s->text, s->n);
        mn_free(s);
    }
}

static void turn(struct mn_turn *t)
{
    struct mynah_client *c = MN_OF(t, struct mynah_client, tell_said);

    c->telling = true;
    shown_tell(c);
    c->telling = false;
}

static void next_turn(struct mn_timer *t)
{
    struct mynah_client *c = MN_OF(t, struct mynah_client, tell_later);

    mn_loop_at_end(c->ctx->loop, &c->tell_said);
}

void shown_init(struct mynah_client *c)
{
    mn_list_init(&c->said);
    c->tell_said.run = turn;
    c->tell_later.fire = next_turn;
}

void shown_done(struct mynah_client *c)
{
    mn_turn_cancel(&c->tell_said);
    mn_timer_stop(&c->tell_later);
    shown_tell(c); /* nobody listens any more */
}

void shown_moved(struct mynah_client *c, bool out, mn_str text)
{
    struct said *s;

    if (!out) {
        shown_tell(c);
        CLIENT_TELL(c, wire, false, text.p, text.n);
    } else if (is_heard(c)) {
        s = mn_alloc(sizeof *s + text.n);
        s->n = text.n;
        memcpy(s->text, text.p, text.n);
        mn_list_add(&c->said, &s->link);
        if (c->telling) /* the end of this turn is not behind us: it would never be */
            mn_timer_start(c->ctx->loop, &c->tell_later, 0);
        else
            mn_loop_at_end(c->ctx->loop, &c->tell_said);
    }
}
