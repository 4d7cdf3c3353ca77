/* What consoles hear of; passwords in what is written are left out. It is told at the end of the
 * turn, or before the next thing that is read: who ends everything inside that call pulls no ground
 * away from who was writing. Who writes there is told of it in the next turn, so that the loop goes
 * on. */
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

static bool has(mn_str text, const char *word)
{
    return memmem(text.p, text.n, word, strlen(word));
}

static bool begins(mn_str tag, const char *name)
{
    size_t n = strlen(name);

    return tag.n > n && mn_str_starts(tag, mn_str_from(name)) && strchr(" />", tag.p[n]);
}

static void tag_put(mn_str tag, struct mn_buf *out)
{
    static const char attr[] = " password='";
    const char *p = memmem(tag.p, tag.n, attr, sizeof attr - 1);
    size_t n = p ? (size_t)(p - tag.p) + sizeof attr - 1 : tag.n;

    mn_buf_str(out, (mn_str){tag.p, n});
    tag = mn_str_skip(tag, n);
    if (p) {
        mn_buf_lit(out, "...");
        mn_buf_str(out, mn_str_skip(tag, mn_str_find(tag, '\'')));
    }
}

/* The same without what stands in <password/>, in attributes of that name (XEP-0249), and in fields
 * of forms that are one. */
static void masked(mn_str text, struct mn_buf *out)
{
    bool hides = false, field = false;

    while (text.n) {
        size_t n = mn_str_find(text, '<'), end = n + mn_str_find(mn_str_skip(text, n), '>');
        mn_str tag = {text.p + n, end < text.n ? end + 1 - n : text.n - n};

        mn_buf_str(out, hides && n ? MN_STR("...") : (mn_str){text.p, n});
        tag_put(tag, out);
        if (begins(tag, "<field"))
            field = has(tag, "'text-private'") || has(tag, "'password'");
        hides = begins(tag, "<password") || (field && begins(tag, "<value"));
        text = mn_str_skip(text, n + tag.n);
    }
}

void shown_moved(struct mynah_client *c, bool out, mn_str text)
{
    struct mn_buf b = {0};
    struct said *s;

    if (!out) {
        shown_tell(c);
        CLIENT_TELL(c, wire, false, text.p, text.n);
    } else if (is_heard(c)) {
        masked(text, &b);
        s = mn_alloc(sizeof *s + b.n);
        s->n = b.n;
        memcpy(s->text, b.p, b.n);
        mn_buf_free(&b);
        mn_list_add(&c->said, &s->link);
        if (c->telling) /* the end of this turn is not behind us: it would never be */
            mn_timer_start(c->ctx->loop, &c->tell_later, 0);
        else
            mn_loop_at_end(c->ctx->loop, &c->tell_said);
    }
}
