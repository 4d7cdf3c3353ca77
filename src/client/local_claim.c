/* Whether a stream is of whom it says (XEP-0174, 5 and 13.1). Nobody proves a name here, but who
 * has one announces it, with the addresses of his machine, and nobody else may have it (RFC 6762,
 * 9): a stream from another address is not his. Until that is known the stream is a stranger's, so
 * that it is in nobody's way. */
#include "client/local.h"

#include "base/err.h"
#include "net/mdns_msg.h"

enum {
    HOPS_MAX = 4, /* with one of them */
    ALL_MAX = 200 /* with all, each of which may be in the midst of a stanza */
};

static unsigned hop_count(const struct mn_list *hops)
{
    unsigned n = 0;

    MN_LIST_EACH(at, hops)
    n++;
    return n;
}

static unsigned all_count(const struct local *l)
{
    unsigned n = 0;

    MN_LIST_EACH(at, &l->peers)
    n += hop_count(&MN_OF(at, struct peer, link)->hops);
    return n;
}

bool hop_is_of(const struct hop *h, const char *name)
{
    char *jid = people_address(mn_str_from(name));
    bool same = jid && !strcmp(jid, h->peer->jid);

    mn_free(jid);
    return same;
}

void claim_over(struct hop *h)
{
    mn_mdns_lookup_free(h->lookup);
    h->lookup = NULL;
    mn_free(h->claim);
    h->claim = NULL;
    mynah_elem_free(h->first);
    h->first = NULL;
}

/* A stranger no more; false: there are too many of them. */
static bool joins(struct hop *h, const char *name)
{
    struct local *l = h->local;
    struct peer *p = all_count(l) < ALL_MAX ? local_named(l, mn_str_from(name)) : NULL;

    if (!p)
        return false;
    mn_list_del(&h->link);
    l->stranger_count--;
    h->peer = p;
    if (hop_count(&p->hops) == HOPS_MAX)
        hop_limit(MN_OF(p->hops.next, struct hop, link));
    mn_list_add(&p->hops, &h->link);
    return true;
}

static void refuse(struct hop *h, const char *condition)
{
    if (h->stage == STAGE_HEADER)
        hop_header(h); /* a stream error needs a stream */
    if (!h->gone)
        hop_refuse(h, condition);
}

static void go_on(struct hop *h)
{
    struct mynah_elem *first = h->first;

    h->first = NULL;
    claim_over(h);
    if (h->stage == STAGE_HEADER)
        hop_welcome(h);
    if (first && !h->gone)
        hop_stanza(h, first);
    mynah_elem_free(first);
    if (!h->gone)
        stream_hold(h->stream, false);
}

static void where_came(void *arg, const struct mn_mdns_found *found)
{
    struct hop *h = arg;
    char text[MN_ADDR_TEXT];
    bool there = false;

    h->lookup = NULL;
    for (size_t i = 0; i < found->count; i++)
        there = there || mn_addr_same_host(&found->addrs[i], &h->from);
    if (!there) {
        client_log(h->local->client, MYNAH_LOG_WARN, "%s is not where %s is announced",
                   mn_addr_text(&h->from, text), h->claim);
        refuse(h, "invalid-from");
    } else if (joins(h, h->claim)) {
        go_on(h);
    } else {
        refuse(h, "resource-constraint");
    }
}

void hop_claims(struct hop *h, const char *name, const struct mynah_elem *first)
{
    size_t n = strlen(name);

    if (!n || n > MN_MDNS_LABEL) {
        refuse(h, "invalid-from");
        return;
    }
    h->claim = mn_str_dup(mn_str_from(name));
    h->first = mynah_elem_copy(first);
    stream_hold(h->stream, true);
    h->lookup = mn_mdns_where(h->local->mdns, mn_str_from(name), where_came, h);
}
