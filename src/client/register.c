#include "mynah/register.h"

#include "base/err.h"
#include "client/client.h"

#define NS_REGISTER "jabber:iq:register"

struct wanted {
    mynah_register_done *done;
    void *arg;
};

static bool is_field(const struct mynah_elem *e)
{
    return mynah_elem_is(e, NULL, NS_REGISTER) && !mynah_elem_is(e, "instructions", NULL) &&
           !mynah_elem_is(e, "registered", NULL);
}

static void tell(struct wanted *w, struct mynah_client *c, const struct mynah_elem *query)
{
    struct mn_arena a = {0};
    const char **names, **values;
    size_t n = 0;
    struct mynah_register_form f = {
        .registered = mynah_elem_child(query, "registered", NULL),
        .instructions = mynah_elem_child_text(query, "instructions", NULL),
        .form = mynah_elem_child(query, "x", "jabber:x:data"),
        .url = mynah_elem_child_text(mynah_elem_child(query, "x", "jabber:x:oob"), "url", NULL),
        .xml = query,
    };

    MYNAH_EACH(e, query, NULL, NS_REGISTER)
    n++;
    names = mn_arena_alloc0(&a, (n + 1) * sizeof *names);
    values = mn_arena_alloc0(&a, (n + 1) * sizeof *values);
    MYNAH_EACH(e, query, NULL, NS_REGISTER)
    if (is_field(e)) {
        names[f.count] = mynah_elem_name(e);
        values[f.count++] = mynah_elem_text(e);
    }
    f.names = names;
    f.values = values;
    w->done(w->arg, c, &f, NULL);
    mn_arena_done(&a, NULL);
}

static void fields_came(void *arg, struct mynah_client *c, const struct mynah_elem *result,
                        const struct mynah_error *error)
{
    struct wanted *w = arg;
    const struct mynah_elem *query = mynah_elem_child(result, "query", NS_REGISTER);
    struct mynah_error none = {.code = MYNAH_E_FORMAT, .xml = result};

    if (query)
        tell(w, c, query);
    else
        w->done(w->arg, c, NULL, error ? error : &none);
    mn_free(w);
}

struct mynah_request *mynah_register_fields(struct mynah_client *c, const char *to,
                                            mynah_register_done *done, void *arg)
{
    struct wanted *w = MN_NEW(struct wanted);
    struct mynah_elem *query = mynah_elem_new("query", NS_REGISTER);

    *w = (struct wanted){done, arg};
    return mynah_iq_send(c, MYNAH_GET, to, &query, 0, fields_came, w);
}

struct mynah_request *mynah_register(struct mynah_client *c, const char *to,
                                     const char *const *names, const char *const *values,
                                     size_t count, mynah_iq_done *done, void *arg)
{
    struct mynah_elem *query = mynah_elem_new("query", NS_REGISTER);

    for (size_t i = 0; i < count; i++)
        mynah_elem_add_text(query, names[i], NULL, values[i]);
    return mynah_iq_send(c, MYNAH_SET, to, &query, 0, done, arg);
}

struct mynah_request *mynah_register_submit(struct mynah_client *c, const char *to,
                                            struct mynah_elem **form, mynah_iq_done *done,
                                            void *arg)
{
    struct mynah_elem *query = mynah_elem_new("query", NS_REGISTER);

    mynah_elem_hang(query, form);
    return mynah_iq_send(c, MYNAH_SET, to, &query, 0, done, arg);
}

struct mynah_request *mynah_register_remove(struct mynah_client *c, const char *to,
                                            mynah_iq_done *done, void *arg)
{
    return mynah_register(c, to, (const char *const[]){"remove"}, (const char *const[]){""}, 1,
                          done, arg);
}

struct change {
    char *password;
    mynah_iq_done *done;
    void *arg;
};

static void changed(void *arg, struct mynah_client *c, const struct mynah_elem *result,
                    const struct mynah_error *error)
{
    struct change *h = arg;

    if (result)
        mynah_client_set_password(c, h->password);
    if (h->done)
        h->done(h->arg, c, result, error);
    explicit_bzero(h->password, strlen(h->password));
    mn_free(h->password);
    mn_free(h);
}

struct mynah_request *mynah_password_change(struct mynah_client *c, const char *password,
                                            mynah_iq_done *done, void *arg)
{
    struct change *h = MN_NEW(struct change);
    char *user = mn_str_dup(mn_str_cut(mn_str_from(c->bare), '@', &(mn_str){0}));
    struct mynah_request *r;

    *h = (struct change){mn_str_dup(mn_str_from(password)), done, arg};
    r = mynah_register(c, NULL, (const char *const[]){"username", "password"},
                       (const char *const[]){user, password}, 2, changed, h);
    mn_free(user);
    return r;
}
