#include "server/directed.h"

#include "server/block.h"
#include "server/presence.h"

enum { DIRECTED_MAX = 10000, DIRECTED_BYTES = 1 << 20 };

struct jid_node {
    struct mn_jid jid;
    mn_str text;
    char bytes[];
};

void directed_free(struct session *s)
{
    struct jid_node *n;
    size_t at = 0;

    if (!s->directed)
        return;
    while ((n = mn_map_next(s->directed, &at)))
        mn_free(n);
    mn_map_free(s->directed);
    mn_free(s->directed);
    s->directed = NULL;
    s->directed_bytes = 0;
}

void directed_end(struct session *s, struct mn_stanza *st)
{
    struct mn_map *all = s->directed; /* its own resource may be among them, and strike it out */
    struct jid_node *n;
    size_t at = 0;

    s->directed = NULL;
    s->directed_bytes = 0;
    while (all && (n = mn_map_next(all, &at))) {
        struct mn_stanza *one = mn_stanza_wrap(st);

        mn_stanza_to(one, &n->jid);
        router_send(one);
        mn_free(n);
    }
    if (all)
        mn_map_free(all);
    mn_free(all);
}

void directed_forget(struct session *s, const struct mn_jid *to)
{
    struct jid_node *n = s->directed ? mn_map_del(s->directed, mn_jid_text(to)) : NULL;

    if (n)
        s->directed_bytes -= n->text.n;
    mn_free(n);
}

bool directed_note(struct session *s, const struct mn_jid *to)
{
    mn_str text = mn_jid_text(to);
    struct jid_node *n;

    if (!s->directed)
        s->directed = MN_NEW(struct mn_map);
    if (mn_map_get(s->directed, text))
        return true;
    if (s->directed->count >= DIRECTED_MAX || s->directed_bytes + text.n > DIRECTED_BYTES)
        return false;
    s->directed_bytes += text.n;
    n = mn_alloc(sizeof *n + text.n);
    memcpy(n->bytes, text.p, text.n);
    n->text = (mn_str){n->bytes, text.n};
    n->jid = (struct mn_jid){n->bytes, to->user, to->host, to->resource};
    mn_map_put(s->directed, n->text, n);
    return true;
}

bool directed_next(const struct session *s, size_t *at, mn_str *jid)
{
    struct jid_node *n = s->directed ? mn_map_next(s->directed, at) : NULL;

    if (n)
        *jid = n->text;
    return n;
}

bool directed_to(const struct session *s, const struct mn_jid *who)
{
    struct mn_jid bare = mn_jid_to_bare(who);

    return s->directed && (mn_map_get(s->directed, mn_jid_text(who)) ||
                           mn_map_get(s->directed, mn_jid_bare(&bare)));
}

bool directed_near(const struct session *s, const struct mn_jid *who)
{
    struct jid_node *n;
    size_t at = 0;

    if (directed_to(s, who))
        return true;
    while (s->directed && (n = mn_map_next(s->directed, &at)))
        if (mn_str_eq(mn_jid_bare(&n->jid), mn_jid_bare(who)))
            return true;
    return false;
}

/* Who got directed presence and is blocked now hears of its end, and no more of this session. */
static void directed_hide(struct session *s)
{
    struct mn_map *all = s->directed;
    struct jid_node *n;
    size_t at = 0;

    s->directed = NULL;
    s->directed_bytes = 0;
    while (all && (n = mn_map_next(all, &at))) {
        if (block_hits(s->user, &n->jid))
            presence_hide_from(s, &n->jid);
        else
            directed_note(s, &n->jid);
        mn_free(n);
    }
    if (all)
        mn_map_free(all);
    mn_free(all);
}

void directed_hide_blocked(struct user *u)
{
    MN_LIST_EACH(n, &u->sessions)
    directed_hide(MN_OF(n, struct session, link));
}
