/* What a client is made of: its configuration, read and copied. */
#include "base/err.h"
#include "base/rand.h"
#include "client/client.h"
#include "client/ext.h"
#include "client/local.h"

enum { COMPONENT_PORT = 5347 };

static const char *text_of(struct mn_arena *a, const char *text)
{
    return text ? elem_clean(a, text).p : NULL;
}

static int refuse(char **why, const char *fmt, const char *what)
{
    struct mn_buf b = {0};

    if (why) {
        mn_buf_fmt(&b, fmt, what); /* NOLINT: formats are ours */
        mn_buf_c(&b, 0);
        *why = b.p;
    }
    return MYNAH_E_ARGUMENT;
}

void client_memory(struct trash *t)
{
    struct mynah_client *c = (struct mynah_client *)t;

    while (!mn_list_empty(&c->request_list)) /* what was asked inside the call-backs before */
        iq_lost(c, MYNAH_E_CANCELLED);
    shown_done(c);
    listeners_free(&c->listeners);
    iq_done(c);
    message_done(c);
    presence_done(c);
    sm_done(c);
    exts_done(c);
    if (c->local)
        local_free(c);
    mynah_elem_free(c->features);
    mn_tls_unref(c->tls);
    mn_tls_unref(c->tls_direct);
    if (c->password)
        explicit_bzero(c->password, strlen(c->password));
    mn_free(c->password);
    mn_free(c->stream_id);
    mn_free(c->elsewhere);
    mn_free(c->back);
    mn_free(c->bound);
    mn_free(c->bare);
    mn_free(c->domain);
    mn_arena_done(&c->shown_texts, NULL);
    mn_arena_done(&c->a, NULL);
    mn_free(c);
}

static void texts_copy(struct mynah_client *c)
{
    const char **texts[] = {&c->conf.host,     &c->conf.ca_file, &c->conf.cert_file,
                            &c->conf.key_file, &c->conf.pin,     &c->conf.mechanisms,
                            &c->conf.authzid,  &c->conf.lang,    &c->conf.bosh,
                            &c->conf.authcid};

    for (size_t i = 0; i < MN_COUNT(texts); i++)
        *texts[i] = text_of(&c->a, *texts[i]);
}

void client_called(struct mynah_client *c, const struct mn_jid *jid, bool bound)
{
    mn_free(c->bare);
    mn_free(c->domain);
    c->bare = mn_str_dup(mn_jid_bare(jid));
    c->domain = mn_str_dup(mn_jid_host(jid));
    if (!bound)
        return;
    mn_free(c->bound);
    c->bound = mn_str_dup(mn_jid_text(jid));
}

/* XEP-0114 knows neither DNS nor STARTTLS. */
static void component_set(struct mynah_client *c)
{
    c->component = true;
    c->conf.password = c->conf.component_secret;
    c->conf.component_secret = NULL;
    c->conf.no_roster = true;
    if (c->conf.tls != MYNAH_TLS_DIRECT)
        c->conf.tls = MYNAH_TLS_OFF;
    c->conf.host = c->conf.host ? c->conf.host : c->domain_ascii.p;
    c->conf.port = c->conf.port ? c->conf.port : COMPONENT_PORT;
}

static int conf_read(struct mynah_client *c, char **why)
{
    const struct mynah_client_config *conf = &c->conf;

    if (!conf->jid || mn_jid_parse(mn_arena_str(&c->a, mn_str_from(conf->jid)), &c->a, &c->jid) ||
        (conf->component_secret && (c->jid.user || c->jid.resource)))
        return refuse(why, conf->component_secret ? "no domain: %s" : "no address: %s",
                      conf->jid ? conf->jid : "(none)");
    c->jid.p = mn_arena_cstr(&c->a, mn_jid_text(&c->jid)); /* programs are told of it */
    if (conf->proxies &&
        mn_proxies_parse(mn_str_from(conf->proxies), &c->a, &c->proxies, &c->proxy_count))
        return refuse(why, "proxies: %s is expected", "socks5://host:port or http://host:port");
    if (mn_jid_host_ascii(mn_jid_host(&c->jid), &c->a, &c->domain_ascii))
        c->domain_ascii = mn_jid_host(&c->jid);
    c->domain_ascii.p = mn_arena_cstr(&c->a, c->domain_ascii);
    c->conf.proxies = NULL; /* there may be passwords in it */
    return attempt_check(c) ? refuse(why, "bosh: %s is expected",
                                     "https://host/path, auto, or http where encryption is off")
                            : MYNAH_OK;
}

int mynah_client_new(struct mynah_context *ctx, const struct mynah_client_config *config,
                     struct mynah_client **out, char **why)
{
    struct mynah_client *c = MN_NEW(struct mynah_client);
    uint64_t head = mn_rand_u64();
    int e;

    *out = NULL;
    if (why)
        *why = NULL;
    SIZED_COPY(c->conf, config);
    e = conf_read(c, why);
    if (e) {
        mn_arena_done(&c->a, NULL);
        mn_free(c);
        return e;
    }
    if (c->conf.component_secret)
        component_set(c);
    c->ctx = ctx;
    c->password = c->conf.password ? mn_str_dup(mn_str_from(c->conf.password)) : NULL;
    c->conf.jid = c->conf.password = NULL;
    texts_copy(c);
    client_called(c, &c->jid, false);
    snprintf(c->id_head, sizeof c->id_head, "%08x", (unsigned)head);
    mn_list_init(&c->listeners);
    mn_list_init(&c->request_list);
    mn_list_init(&c->asks);
    mn_list_init(&c->track_list);
    c->timer.fire = client_timed;
    alive_init(c);
    shown_init(c);
    c->show = MYNAH_AVAILABLE;
    sm_init(c);
    mn_list_add(&ctx->clients, &c->link);
    exts_init(c);
    *out = c;
    return MYNAH_OK;
}
