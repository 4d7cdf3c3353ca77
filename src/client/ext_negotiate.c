/* XEP-0020 Feature Negotiation, both sides. */
#include "mynah/negotiate.h"

#include "base/err.h"
#include "client/ext.h"
#include "mynah/disco.h"

#define NS_FEATURE "http://jabber.org/protocol/feature-neg"

struct served {
    struct mn_list link;
    char *form_type;
    mynah_negotiate_call *serve;
    void *arg;
};

struct negotiate {
    struct mn_list served;
};

static struct negotiate *negotiate_of(struct mynah_client *c)
{
    return ext_state(c, &ext_negotiate);
}

void mynah_feature_add(struct mynah_elem *e, const struct mynah_form *form)
{
    struct mynah_elem *feature = mynah_elem_add(e, "feature", NS_FEATURE),
                      *x = mynah_form_elem(form);

    mynah_elem_hang(feature, &x);
}

struct mynah_form *mynah_feature_read(const struct mynah_elem *e)
{
    const struct mynah_elem *feature =
        mynah_elem_is(e, "feature", NS_FEATURE) ? e : mynah_elem_child(e, "feature", NS_FEATURE);

    return feature ? mynah_form_read(feature) : NULL;
}

static bool is_option(const struct mynah_field *offered, const char *value)
{
    for (size_t i = 0; i < offered->option_count; i++)
        if (!strcmp(offered->options[i].value, value))
            return true;
    return !offered->option_count;
}

static bool asks(const struct mynah_field *f)
{
    return f->var && strcmp(f->var, "FORM_TYPE") && strcmp(f->type, "fixed") &&
           strcmp(f->type, "hidden");
}

bool mynah_feature_fits(const struct mynah_form *offer, const struct mynah_form *answer,
                        const char **what)
{
    const char *type = mynah_form_value(offer, "FORM_TYPE"),
               *same = mynah_form_value(answer, "FORM_TYPE"), *odd = NULL;
    const struct mynah_field *f, *other;

    if (strcmp(type ? type : "", same ? same : ""))
        odd = "FORM_TYPE";
    for (size_t i = 0; !odd && (f = mynah_form_at(offer, i)); i++) {
        other = asks(f) ? mynah_form_find(answer, f->var) : NULL;
        if (asks(f) && (!other || other->value_count != 1 || !is_option(f, other->values[0])))
            odd = f->var;
    }
    for (size_t i = 0; !odd && (f = mynah_form_at(answer, i)); i++)
        if (f->var && !mynah_form_find(offer, f->var))
            odd = f->var;
    if (what)
        *what = odd;
    return !odd;
}

/* Offering. */

struct wanted {
    struct mynah_form *offer;
    mynah_negotiate_done *done;
    void *arg;
};

static bool is_type(const struct mynah_form *f, const char *type)
{
    return f && mynah_form_type(f) && !strcmp(mynah_form_type(f), type);
}

static void answered(void *arg, struct mynah_client *c, const struct mynah_elem *result,
                     const struct mynah_error *error)
{
    struct wanted *w = arg;
    struct mynah_form *answer = mynah_feature_read(result);
    struct mynah_error odd = {.code = MYNAH_E_FORMAT, .xml = result};

    if (!error && (!is_type(answer, "submit") || !mynah_feature_fits(w->offer, answer, NULL)))
        error = &odd;
    w->done(w->arg, c, error ? NULL : answer, error);
    mynah_form_free(answer);
    mynah_form_free(w->offer);
    mn_free(w);
}

struct mynah_request *mynah_negotiate(struct mynah_client *c, const char *to,
                                      const struct mynah_form *offer, mynah_negotiate_done *done,
                                      void *arg)
{
    struct wanted *w = MN_NEW(struct wanted);
    struct mynah_elem *e = mynah_elem_new("feature", NS_FEATURE), *x = mynah_form_elem(offer);

    *w = (struct wanted){mynah_form_read(x), done, arg};
    mynah_elem_hang(e, &x);
    return mynah_iq_send(c, MYNAH_GET, to, &e, 0, answered, w);
}

/* Answering. */

static struct served *served_find(struct negotiate *n, const char *form_type)
{
    MN_LIST_EACH(node, &n->served)
    {
        struct served *s = MN_OF(node, struct served, link);

        if (form_type && !strcmp(s->form_type, form_type))
            return s;
    }
    return NULL;
}

static void answer(struct mynah_client *c, const struct served *s, struct mynah_ask *q,
                   const struct mynah_form *offer)
{
    struct mynah_form *form = mynah_form_new("submit", s->form_type);
    const char *what = NULL, *odd;
    enum mynah_agreed agreed = s->serve(s->arg, c, mynah_ask_from(q), offer, form, &what);

    if (agreed == MYNAH_AGREED && !mynah_feature_fits(offer, form, &odd)) {
        agreed = MYNAH_NO_OPTION;
        what = odd;
    }
    if (agreed == MYNAH_AGREED) {
        struct mynah_elem *e = mynah_elem_new("feature", NS_FEATURE), *x = mynah_form_elem(form);

        mynah_elem_hang(e, &x);
        mynah_ask_result(&q, &e);
    } else {
        static const char *const conditions[] = {NULL, "feature-not-implemented", "not-acceptable",
                                                 "service-unavailable"};

        mynah_ask_error(&q, conditions[agreed], what);
    }
    mynah_form_free(form);
}

static void asked(void *arg, struct mynah_client *c, struct mynah_ask *q)
{
    struct mynah_form *offer = mynah_feature_read(mynah_ask_payload(q));
    const struct served *s = offer ? served_find(arg, mynah_form_value(offer, "FORM_TYPE")) : NULL;

    if (!offer)
        mynah_ask_error(&q, "bad-request", NULL);
    else if (!s)
        mynah_ask_error(&q, "service-unavailable", NULL);
    else if (!is_type(offer, "form"))
        mynah_ask_error(&q, "feature-not-implemented", NULL);
    else
        answer(c, s, q, offer);
    mynah_form_free(offer);
}

static void served_free(struct served *s)
{
    mn_list_del(&s->link);
    mn_free(s->form_type);
    mn_free(s);
}

void mynah_negotiate_serve(struct mynah_client *c, const char *form_type,
                           mynah_negotiate_call *serve, void *arg)
{
    struct negotiate *n = negotiate_of(c);
    struct served *s = served_find(n, form_type);

    if (s)
        served_free(s);
    if (serve) {
        s = MN_NEW(struct served);
        *s = (struct served){{0}, mn_str_dup(mn_str_from(form_type)), serve, arg};
        mn_list_add(&n->served, &s->link);
    }
    mynah_disco_feature(c, NS_FEATURE, !mn_list_empty(&n->served));
}

static void init(struct mynah_client *c, void *state)
{
    struct negotiate *n = state;

    mn_list_init(&n->served);
    /* The text of XEP-0020 3 says "get", its examples say "set". */
    mynah_iq_serve(c, MYNAH_GET, NS_FEATURE, "feature", asked, n);
    mynah_iq_serve(c, MYNAH_SET, NS_FEATURE, "feature", asked, n);
}

static void done(struct mynah_client *c, void *state)
{
    struct negotiate *n = state;

    (void)c;
    MN_LIST_EACH(node, &n->served)
    served_free(MN_OF(node, struct served, link));
}

const struct ext ext_negotiate = {
    .name = "negotiate", .size = sizeof(struct negotiate), .init = init, .done = done};
