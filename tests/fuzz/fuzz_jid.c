/* covers: mn_jid_parse
 * A prepared address is prepared: parsed again it is the same, in place where it is ASCII. What may
 * be created is a localpart that prepares to itself, and escapes come back as what went in. */
#include "xmpp/jid.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void whole(mn_str in, struct mn_arena *a)
{
    struct mn_jid j, again;
    mn_str ascii;

    if (mn_jid_parse(in, a, &j))
        return;
    MN_ASSERT(j.host && mn_jid_text(&j).n <= MN_JID_MAX);
    MN_ASSERT(!mn_jid_parse(mn_jid_text(&j), a, &again) && mn_jid_eq(&j, &again));
    MN_ASSERT(again.user == j.user && again.host == j.host && again.resource == j.resource);
    MN_ASSERT(mn_jid_host(&j).p[0] == '[' || !mn_jid_host_ascii(mn_jid_host(&j), a, &ascii));
    MN_ASSERT(!mn_jid_make(j.user ? mn_jid_user(&j) : (mn_str){0}, mn_jid_host(&j),
                           j.resource ? mn_jid_resource(&j) : (mn_str){0}, a, &again) &&
              mn_jid_eq(&j, &again));
    j = mn_jid_copy(&j, a);
    MN_ASSERT(mn_jid_eq(&j, &again));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mn_arena a = {0};
    mn_str in = {(const char *)data, size}, out, again;

    whole(in, &a);
    if (!mn_jid_may_create(in, &a, &out))
        MN_ASSERT(!mn_jid_may_create(out, &a, &again) && mn_str_eq(out, again));
    out = mn_jid_escape(in, &a);
    MN_ASSERT(mn_str_eq(mn_jid_unescape(out, &a), in));
    mn_arena_done(&a, NULL);
    return 0;
}
