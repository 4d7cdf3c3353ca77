#include "xmpp/ns.h"

static const mn_str uris[] = {
    {0},
#define NS(id, uri) MN_STR(uri),
#include "xmpp/ns.def"
#undef NS
    {0},
};

enum { LONGEST = 64 };
/* By length: the first of that length, and from each the next (0: none). */
static uint8_t first_of[LONGEST], next_of[MN_COUNT(uris)];

__attribute__((constructor)) static void build(void)
{
    for (uint8_t i = MN_NS_OTHER - 1; i > 0; i--) {
        next_of[i] = first_of[uris[i].n];
        first_of[uris[i].n] = i;
    }
}

mn_str mn_ns_uri(enum mn_ns ns)
{
    return ns < MN_COUNT(uris) ? uris[ns] : (mn_str){0};
}

enum mn_ns mn_ns_find(mn_str uri)
{
    if (!uri.n)
        return MN_NS_NONE;
    if (uri.n < LONGEST)
        for (unsigned i = first_of[uri.n]; i; i = next_of[i])
            if (uris[i].p[uri.n - 1] == uri.p[uri.n - 1] && !memcmp(uris[i].p, uri.p, uri.n))
                return (enum mn_ns)i;
    return MN_NS_OTHER;
}
