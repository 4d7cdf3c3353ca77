/* What consoles hear of. What is written is told at the end of the turn, or before the next thing
 * that is read: who ends everything inside that call pulls no ground away from who was writing. */
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

void shown_tell(struct mynah_client *c)
{
    while (!mn_list_empty(&c->said)) {
        struct said *s = MN_OF(c->said.next, struct said, link);

        mn_list_del(&s->link);
        CLIENT_TELL(c, wire, true, s->text, s->n);
        mn_free(s);
    }
}

static void turn(struct mn_turn *t)
{
    shown_tell(MN_OF(t, struct mynah_client, tell_said));
}

void shown_init(struct mynah_client *c)
{
    mn_list_init(&c->said);
    c->tell_said.run = turn;
}

void shown_done(struct mynah_client *c)
{
    mn_turn_cancel(&c->tell_said);
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
        mn_loop_at_end(c->ctx->loop, &c->tell_said);
    }
}
