/* What is asked of a client at any time, and what it says for programs as it is. */
#include "client/client.h"
#include "client/local.h"

void client_id(struct mynah_client *c, char out[MYNAH_ID_MAX])
{
    snprintf(out, MYNAH_ID_MAX, "%s-%lx", c->id_head, ++c->ids);
}

char *mynah_id(struct mynah_client *c)
{
    char id[MYNAH_ID_MAX];

    client_id(c, id);
    return mn_str_dup(mn_str_from(id));
}

enum mynah_state mynah_client_state(const struct mynah_client *c)
{
    return c->state;
}

const char *mynah_client_jid(const struct mynah_client *c)
{
    return c->bound ? c->bound : c->jid.p;
}

const char *mynah_client_bare(const struct mynah_client *c)
{
    return c->bare;
}

const char *mynah_client_domain(const struct mynah_client *c)
{
    return c->domain;
}

bool mynah_client_is_resumed(const struct mynah_client *c)
{
    return c->resumed;
}

const char *mynah_client_tls_name(const struct mynah_client *c)
{
    struct mn_conn *conn = c->stream ? stream_conn(c->stream) : NULL;

    return conn ? mn_conn_tls_name(conn) : NULL;
}

const struct mynah_certificate *mynah_client_certificate(struct mynah_client *c)
{
    struct mn_conn *conn = c->stream ? stream_conn(c->stream) : NULL;
    struct mn_cert_seen seen;

    if (!conn || !mn_conn_tls_name(conn))
        return NULL;
    mn_arena_done(&c->shown_texts, NULL);
    mn_conn_cert(conn, &c->shown_texts, &seen);
    c->shown = client_certificate_of(&seen, NULL, &c->shown_texts);
    return &c->shown;
}

const char *mynah_client_mechanism(const struct mynah_client *c)
{
    return c->mechanism;
}

bool mynah_client_is_compressed(const struct mynah_client *c)
{
    struct mn_conn *conn = c->stream ? stream_conn(c->stream) : NULL;

    return conn && mn_conn_is_zlib(conn);
}

void traffic_stanza(struct mynah_client *c, bool out, char first)
{
    struct mynah_traffic *t = &c->traffic;

    ++*(out ? &t->stanzas_out : &t->stanzas_in);
    if (first == 'm')
        ++*(out ? &t->messages_out : &t->messages_in);
    else if (first == 'p')
        ++*(out ? &t->presences_out : &t->presences_in);
    else
        ++*(out ? &t->iqs_out : &t->iqs_in);
}

void mynah_client_traffic(const struct mynah_client *c, struct mynah_traffic *out)
{
    struct mynah_traffic now = c->traffic;

    now.size = out->size;
    memcpy(out, &now, now.size < sizeof now ? now.size : sizeof now);
}

const struct mynah_elem *mynah_client_features(const struct mynah_client *c)
{
    return c->features;
}

void mynah_client_set_data(struct mynah_client *c, void *data)
{
    c->data = data;
}

void *mynah_client_data(const struct mynah_client *c)
{
    return c->data;
}

const char *mynah_client_password(const struct mynah_client *c)
{
    return c->password;
}

void mynah_client_set_password(struct mynah_client *c, const char *password)
{
    if (c->password)
        explicit_bzero(c->password, strlen(c->password));
    mn_free(c->password);
    c->password = password ? mn_str_dup(mn_str_from(password)) : NULL;
}

struct mynah_listener *mynah_listen(struct mynah_client *c, const struct mynah_calls *calls,
                                    void *arg)
{
    return listener_add(c->ctx, &c->listeners, calls, sizeof *calls, arg);
}

int mynah_send(struct mynah_client *c, struct mynah_elem **stanza)
{
    struct mynah_elem *st = *stanza;
    bool presence = mynah_elem_is(st, "presence", NULL), to = mynah_elem_get(st, "to");
    bool good = client_is_stanza(st) && (!c->component || to) && (!c->local || to != presence);
    int code = good ? sm_send(c, st, mynah_elem_is(st, "message", NULL), NULL) : MYNAH_E_ARGUMENT;

    mynah_elem_free(st);
    *stanza = NULL;
    return code;
}
