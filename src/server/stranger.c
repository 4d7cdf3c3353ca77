#include "server/stranger.h"

#include "server/server.h"

enum { NETWORK = 5, LINES = 100, ALL_LINES = 1000, MINUTE = 60000 };

static bool refused(struct owner *o, const struct mn_addr *peer, const char *of)
{
    static struct mn_log_rate rate;
    char text[MN_ADDR_TEXT];

    if (mn_log_rate(&rate, 5, 10000))
        mn_log_info(NULL, "too many connections that are not logged in", MN_FC("of", of),
                    MN_FC("peer", mn_addr_text(peer, text)));
    o->count.refused++;
    return false;
}

bool stranger_hold(struct owner *o, const struct mn_addr *peer)
{
    struct mn_limit *l = o->srv->limits;
    unsigned max = (unsigned)o->snap->conf->limits.unauthenticated_per_address;
    char group[16], network[17];

    if (!mn_limit_hold(l, mn_addr_group(peer, group), max))
        return refused(o, peer, "an address");
    if (mn_limit_hold(l, mn_addr_network(peer, network), max * NETWORK))
        return true;
    mn_limit_release(l, mn_addr_group(peer, group));
    return refused(o, peer, "a network");
}

void stranger_let(struct server *srv, const struct mn_addr *peer)
{
    char group[16], network[17];

    mn_limit_release(srv->limits, mn_addr_group(peer, group));
    mn_limit_release(srv->limits, mn_addr_network(peer, network));
}

/* The bytes of an address may be zeros, so the key is no text. */
static bool rate(struct server *srv, char what, mn_str from, int64_t count, int64_t ms)
{
    char key[1 + 17] = {what};

    memcpy(key + 1, from.p, from.n);
    return mn_limit_rate(srv->limits, (mn_str){key, 1 + from.n}, count, ms);
}

bool stranger_may_register(struct owner *o, const struct mn_addr *peer)
{
    const struct mn_conf_rate *most = &o->snap->conf->registration.per_address;
    char group[16], network[17];

    if (!most->count || (o->snap->built_in && mn_addr_is_loopback(peer)))
        return true;
    return rate(o->srv, 'r', mn_addr_group(peer, group), most->count, most->ms) &&
           rate(o->srv, 'r', mn_addr_network(peer, network), most->count * NETWORK, most->ms);
}

/* One address, and then all of them together. */
bool stranger_may_log(struct server *srv, const struct mn_addr *peer, const struct mn_log *log)
{
    static struct mn_log_rate all, left_out;
    char group[16];

    if (rate(srv, 'l', mn_addr_group(peer, group), LINES, MINUTE) &&
        mn_log_rate(&all, ALL_LINES, MINUTE))
        return true;
    if (mn_log_rate(&left_out, 1, MINUTE))
        mn_log_warn(log, "too many lines of the log: some are left out for a minute");
    return false;
}
