/* From what a client is told to how its next stream is to be found. */
#include "base/err.h"
#include "client/client.h"
#include "net/http.h"

enum { ELSEWHERE_MAX = 5 }; /* servers that send us to each other have an end */

static bool is_plain(const struct mynah_client *c)
{
    return c->conf.tls == MYNAH_TLS_OFFERED || c->conf.tls == MYNAH_TLS_OFF;
}

int attempt_check(const struct mynah_client *c)
{
    bool is_auto = c->conf.bosh && !strcmp(c->conf.bosh, "auto");
    struct mn_arena a = {0};
    struct mn_url url;
    int e = MN_E_OK;

    if (c->conf.bosh)
        e = mn_url_parse(is_auto ? mn_arena_fmt(&a, "https://%s", c->domain_ascii.p)
                                 : mn_str_from(c->conf.bosh),
                         &url);
    if (!e && c->conf.bosh && (c->conf.component_secret || (!url.tls && !is_plain(c))))
        e = MN_E_DENIED;
    mn_arena_done(&a, NULL);
    return e;
}

static int tls_new(struct mynah_client *c, bool direct, struct mn_tls **out)
{
    struct mn_tls_client conf = {.verify = MN_VERIFY_NOTE,
                                 .ca_file = c->conf.ca_file,
                                 .trust = c->ctx->trust,
                                 .cert_file = c->conf.cert_file,
                                 .key_file = c->conf.key_file,
                                 .direct = direct};
    struct mn_buf why = {0};
    int e;

    mn_tls_unref(*out);
    e = mn_tls_client(&conf, out, &why);
    if (e) {
        mn_buf_c(&why, 0);
        client_fail_code(c, MYNAH_E_TLS, why.p, true);
    }
    mn_buf_free(&why);
    return e;
}

/* A name or an address, as a rule without a port; false: it is none, or not for us. */
static bool place_keep(const struct mynah_client *c, const char *place, char **host, uint16_t *port)
{
    struct mn_arena a = {0};
    struct mn_proxy *to;
    size_t count;
    bool good = !mn_proxies_parse(mn_arena_fmt(&a, "http://%s", place), &a, &to, &count) ||
                !mn_proxies_parse(mn_arena_fmt(&a, "http://%s:%d", place,
                                               c->conf.tls == MYNAH_TLS_DIRECT ? 5223 : 5222),
                                  &a, &to, &count);

    good = good && count == 1 && !to->user.p && !c->component && !c->conf.bosh;
    if (good) {
        mn_free(*host);
        *host = mn_str_dup(mn_str_from(to->host));
        *port = to->port;
    }
    mn_arena_done(&a, NULL);
    return good;
}

void attempt_elsewhere(struct mynah_client *c, const char *place)
{
    if (c->elsewheres < ELSEWHERE_MAX && place_keep(c, place, &c->elsewhere, &c->elsewhere_port))
        c->elsewhere_next = true;
}

void attempt_back(struct mynah_client *c, const char *place)
{
    mn_free(c->back);
    c->back = NULL;
    if (place && !place_keep(c, place, &c->back, &c->back_port))
        client_log(c, MYNAH_LOG_WARN, "the server names no place to resume at");
}

/* No name but the first proxy's is looked up here, so no SRV record either. */
static void through_proxies(struct mynah_client *c, struct way_plan *plan)
{
    const struct mn_proxy *first = c->proxies;

    plan->proxies = c->proxies;
    plan->proxy_count = c->proxy_count;
    plan->direct = c->conf.tls == MYNAH_TLS_DIRECT;
    plan->host = plan->dial.host ? plan->dial.host : c->domain_ascii.p;
    plan->port = plan->dial.port ? plan->dial.port : plan->direct ? 5223 : 5222;
    plan->dial =
        (struct mn_dial_plan){first->host, first->host, first->port, MN_DIAL_STARTTLS, c->ctx->dns};
}

/* Where the connection manager is to go, when that is said (XEP-0124, "Session Creation Request").
 */
static void over_http(struct mynah_client *c, struct stream_plan *plan)
{
    plan->bosh = c->conf.bosh;
    plan->plain = is_plain(c);
    plan->from = c->jid.user ? c->bare : NULL;
    if (c->conf.host && !c->route)
        c->route = mn_arena_cstr(&c->a, mn_arena_fmt(&c->a, "xmpp:%s:%d", c->conf.host,
                                                     c->conf.port ? c->conf.port : 5222));
    plan->route = c->route;
}

struct stream *attempt_stream(struct mynah_client *c)
{
    enum mn_dial_tls tls = c->conf.tls == MYNAH_TLS_DIRECT     ? MN_DIAL_DIRECT
                           : c->conf.tls == MYNAH_TLS_REQUIRED ? MN_DIAL_ANY
                                                               : MN_DIAL_STARTTLS;
    struct stream_plan plan = {
        .way.dial = {c->domain_ascii.p, c->conf.host, c->conf.port, tls, c->ctx->dns},
        .name = c->domain_ascii.p,
    };
    bool https = c->conf.bosh && strncmp(c->conf.bosh, "http:", 5) != 0;

    c->goes_back = c->back_next && c->back && c->sm.id && !c->elsewhere_next;
    c->back_next = false;
    if (c->goes_back) {
        plan.way.dial.host = c->back;
        plan.way.dial.port = c->back_port;
    }
    if (c->elsewhere_next) {
        plan.way.dial.host = c->elsewhere;
        plan.way.dial.port = c->elsewhere_port;
        c->elsewhere_next = false;
    }
    if ((c->conf.tls != MYNAH_TLS_OFF || https) &&
        (tls_new(c, false, &c->tls) || (!c->conf.bosh && tls_new(c, true, &c->tls_direct))))
        return NULL;
    if (c->proxy_count)
        through_proxies(c, &plan.way);
    if (c->conf.bosh)
        over_http(c, &plan);
    plan.tls = c->tls;
    plan.tls_direct = c->tls_direct;
    return stream_new(c->ctx, &plan, &client_face, c);
}
