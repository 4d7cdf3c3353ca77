/* XEP-0095 Stream Initiation: offers of streams go to who serves their profile. */
#include "client/ext.h"

#include "base/rand.h"
#include "client/file.h"
#include "mynah/disco.h"
#include "mynah/initiate.h"

enum {
    ID_MAX = 256,
    ANSWER_MS = 600000 /* a person is asked */
};

struct profile {
    struct mn_list link;
    char *name;
    bool announced;
    mynah_initiate_offered *offered;
    void *arg;
};

struct initiations {
    struct mn_list profiles;
};

static struct profile *profile_find(struct mynah_client *c, const char *name)
{
    struct initiations *s = ext_state(c, &ext_si);

    MN_LIST_EACH(n, &s->profiles)
    {
        struct profile *p = MN_OF(n, struct profile, link);

        if (!strcmp(p->name, name))
            return p;
    }
    return NULL;
}

static void profile_free(struct profile *p)
{
    mn_list_del(&p->link);
    mn_free(p->name);
    mn_free(p);
}

void si_announce(struct mynah_client *c, const char *profile, bool on)
{
    struct initiations *s = ext_state(c, &ext_si);
    struct profile *p = profile_find(c, profile);
    bool any = on;

    if (p)
        p->announced = on;
    MN_LIST_EACH(n, &s->profiles)
    any |= MN_OF(n, struct profile, link)->announced;
    mynah_disco_feature(c, NS_SI, any);
    mynah_disco_feature(c, profile, on);
}

void si_serve(struct mynah_client *c, const char *profile, mynah_initiate_offered *offered,
              void *arg)
{
    struct initiations *s = ext_state(c, &ext_si);
    struct profile *p = profile_find(c, profile);

    if (!p) {
        p = MN_NEW(struct profile);
        p->name = mn_str_dup(mn_str_from(profile));
        mn_list_add(&s->profiles, &p->link);
    }
    p->offered = offered;
    p->arg = arg;
}

void mynah_initiate_serve(struct mynah_client *c, const char *profile,
                          mynah_initiate_offered *offered, void *arg)
{
    struct profile *p;

    if (offered)
        si_serve(c, profile, offered, arg);
    p = profile_find(c, profile);
    if (!p)
        return;
    si_announce(c, profile, offered != NULL);
    if (!offered)
        profile_free(p);
}

static void came(void *arg, struct mynah_client *c, struct mynah_ask *q)
{
    const struct mynah_elem *si = mynah_ask_payload(q);
    const char *profile = mynah_elem_get(si, "profile");
    const struct profile *p = profile ? profile_find(c, profile) : NULL;
    const struct mynah_initiation i = {.size = sizeof i,
                                       .profile = profile,
                                       .id = mynah_elem_get(si, "id"),
                                       .mime = mynah_elem_get(si, "mime-type"),
                                       .methods = si_methods(si),
                                       .xml = si};

    (void)arg;
    if (!p)
        mynah_initiate_refuse(&q, "bad-profile", NULL);
    else if (!i.id || !*i.id || strlen(i.id) > ID_MAX)
        mynah_ask_error(&q, "bad-request", NULL);
    else if (!i.methods)
        mynah_initiate_refuse(&q, "no-valid-streams", NULL);
    else
        p->offered(p->arg, c, q, &i);
}

void mynah_initiate_accept(struct mynah_ask **q, enum mynah_bytestream_kind method,
                           struct mynah_elem **about)
{
    struct mynah_elem *si = mynah_elem_new("si", NS_SI);

    if (about)
        mynah_elem_hang(si, about);
    si_negotiate(si, "submit", method);
    mynah_ask_result(q, &si);
}

void mynah_initiate_refuse(struct mynah_ask **q, const char *special, const char *text)
{
    if (special)
        mynah_ask_refuse(q, "bad-request", text, special, NS_SI);
    else
        mynah_ask_error(q, "forbidden", text ? text : "Offer Declined");
}

/* Ours. */

struct offer {
    char *id;
    unsigned methods;
    mynah_initiate_done *done;
    void *arg;
};

static void answered(void *arg, struct mynah_client *c, const struct mynah_elem *result,
                     const struct mynah_error *error)
{
    static const struct mynah_error none = {.code = MYNAH_E_FORMAT};
    struct offer *o = arg;
    const struct mynah_elem *si = mynah_elem_child(result, "si", NS_SI);
    unsigned method = si_method(si) & o->methods;

    if (!error && !method)
        error = &none;
    if (error)
        o->done(o->arg, c, o->id, 0, NULL, error);
    else
        o->done(o->arg, c, o->id, (enum mynah_bytestream_kind)method, si, NULL);
    mn_free(o->id);
    mn_free(o);
}

struct mynah_request *mynah_initiate(struct mynah_client *c, const char *to,
                                     const struct mynah_initiation *offer,
                                     struct mynah_elem **about, mynah_initiate_done *done,
                                     void *arg)
{
    static const struct mynah_error bug = {.code = MYNAH_E_ARGUMENT};
    struct mynah_initiation i = {0};
    struct mn_arena a = {0};
    struct mynah_elem *si;
    struct offer *o;

    SIZED_COPY(i, offer);
    if (!i.profile) {
        if (about) {
            mynah_elem_free(*about);
            *about = NULL;
        }
        done(arg, c, NULL, 0, NULL, &bug);
        return NULL;
    }
    o = MN_NEW(struct offer);
    *o = (struct offer){mn_str_dup(i.id ? mn_str_from(i.id) : mn_rand_text(&a, 20)),
                        i.methods & FILE_METHODS ? i.methods & FILE_METHODS : FILE_METHODS, done,
                        arg};
    mn_arena_done(&a, NULL);
    si = mynah_elem_new("si", NS_SI);
    mynah_elem_set(si, "id", o->id);
    mynah_elem_set(si, "mime-type", i.mime);
    mynah_elem_set(si, "profile", i.profile);
    if (about)
        mynah_elem_hang(si, about);
    si_negotiate(si, "form", o->methods);
    return mynah_iq_send(c, MYNAH_SET, to, &si, ANSWER_MS, answered, o);
}

static void init(struct mynah_client *c, void *state)
{
    mn_list_init(&((struct initiations *)state)->profiles);
    mynah_iq_serve(c, MYNAH_SET, NS_SI, "si", came, state);
}

static void done(struct mynah_client *c, void *state)
{
    struct initiations *s = state;

    (void)c;
    while (!mn_list_empty(&s->profiles))
        profile_free(MN_OF(s->profiles.next, struct profile, link));
}

const struct ext ext_si = {
    .name = "si", .size = sizeof(struct initiations), .init = init, .done = done};
