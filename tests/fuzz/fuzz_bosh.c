/* covers: bosh_answer_parse host_meta_parse
 * The first byte chooses: what a connection manager says, or what a domain says of it as XML or
 * JSON. */
#include "client/bosh_body.h"
#include "client/host_meta.h"
#include "net/http.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void answer(mn_str in, struct mn_arena *a)
{
    struct bosh_answer out;

    if (bosh_answer_parse(in, a, &out))
        return;
    MN_ASSERT(mn_str_is(out.body->name, "body"));
    MN_ASSERT(!out.sid.n || (out.requests >= 1 && out.requests <= 16));
    MN_ASSERT(out.wait >= 0 && out.wait <= 86400000 && out.polling >= 0 && out.inactivity >= 0 &&
              out.time >= 0);
}

static void meta(mn_str in, bool json, struct mn_arena *a)
{
    struct mn_url url;
    mn_str out;

    if (!host_meta_parse(in, json, a, &out))
        MN_ASSERT(!mn_url_parse(out, &url) && url.tls);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    mn_str in = {(const char *)data, size};
    struct mn_arena a = {0};
    char what = size ? in.p[0] : 'b';

    in = mn_str_skip(in, 1);
    if (what == 'b')
        answer(in, &a);
    else
        meta(in, what == 'j', &a);
    mn_arena_done(&a, NULL);
    return 0;
}
