/* XEP-0158 CAPTCHA Forms, the side of who is asked. Only who was really written to may ask, or
 * somebody would learn that we are there, or have others' riddles solved by us (4.3): what was sent
 * lately is remembered while somebody listens. */
#include "mynah/captcha.h"

#include "base/clock.h"
#include "base/err.h"
#include "client/ext.h"
#include "mynah/jid.h"
#include "mynah/payload.h"

#define NS_CAPTCHA "urn:xmpp:captcha"

enum { SENT_MAX = 500, SENT_MS = 120000 };

struct sent {
    struct mn_list link;
    char *to, *id; /* canonical; "": it had none */
    int64_t at;
};

struct captcha {
    struct mn_list listeners, sent;
    unsigned count;
};

static struct captcha *captcha_of(struct mynah_client *c)
{
    return ext_state(c, &ext_captcha);
}

static void sent_free(struct captcha *s, struct sent *m)
{
    mn_list_del(&m->link);
    s->count--;
    mn_free(m->to);
    mn_free(m->id);
    mn_free(m);
}

static void forget(struct captcha *s, unsigned most)
{
    int64_t old = mn_clock_now() - SENT_MS;

    while (!mn_list_empty(&s->sent)) {
        struct sent *m = MN_OF(s->sent.next, struct sent, link);

        if (s->count <= most && m->at > old)
            break;
        sent_free(s, m);
    }
}

/* What may be answered by a challenge: answers and good-byes are not. */
static bool is_ours_to_ask(const struct mynah_elem *st)
{
    static const char *const others[] = {"error", "result", "unavailable"};
    const char *type = mynah_elem_get(st, "type");

    for (size_t i = 0; type && i < MN_COUNT(others); i++)
        if (!strcmp(type, others[i]))
            return false;
    return true;
}

void captcha_sent(struct mynah_client *c, const struct mynah_elem *st)
{
    struct captcha *s = captcha_of(c);
    const char *to = mynah_elem_get(st, "to"), *id = mynah_elem_get(st, "id");
    struct sent *m;
    char *jid;

    if (mn_list_empty(&s->listeners) || !to || !is_ours_to_ask(st) || !(jid = mynah_jid(to)))
        return;
    forget(s, SENT_MAX - 1);
    m = MN_NEW(struct sent);
    *m = (struct sent){.to = jid, .id = mn_str_dup(mn_str_from(id)), .at = mn_clock_now()};
    mn_list_add(&s->sent, &m->link);
    s->count++;
}

static bool was_sent(struct captcha *s, const char *to, const char *id)
{
    forget(s, SENT_MAX);
    MN_LIST_EACH(n, &s->sent)
    {
        const struct sent *m = MN_OF(n, struct sent, link);

        if (!strcmp(m->to, to) && !strcmp(m->id, id ? id : ""))
            return true;
    }
    return false;
}

/* Himself, or the server or room that he is at (4.3). */
static bool speaks_for(const char *from, const char *about)
{
    mn_str rest, user, bare = mn_str_cut(mn_str_from(about), '/', &rest), domain = bare;

    user = mn_str_cut(bare, '@', &rest);
    if (user.n < bare.n)
        domain = rest;
    return mn_str_eq(mn_str_cut(mn_str_from(from), '/', &rest), bare) ||
           mn_str_eq(mn_str_from(from), domain);
}

/* `about`, canonical, the caller's: whom what we sent was for; NULL: nobody may ask us so. */
static char *about_of(struct captcha *s, const char *from, const struct mynah_form *form)
{
    const char *type = form ? mynah_form_value(form, "FORM_TYPE") : NULL,
               *about = type && !strcmp(type, NS_CAPTCHA) ? mynah_form_value(form, "from") : NULL;
    char *by = mynah_jid(from), *jid = about ? mynah_jid(about) : NULL;

    if (!by || !jid || !mynah_form_value(form, "challenge") || !speaks_for(by, jid) ||
        !was_sent(s, jid, mynah_form_value(form, "sid"))) {
        mn_free(jid);
        jid = NULL;
    }
    mn_free(by);
    return jid;
}

static bool stanza(struct mynah_client *c, void *state, const struct mynah_elem *st)
{
    struct captcha *s = state;
    const struct mynah_elem *in = mynah_elem_child(st, "captcha", NS_CAPTCHA);
    const char *type = mynah_elem_get(st, "type"),
               *from = mynah_elem_get(st, "from") ? mynah_elem_get(st, "from") : c->bare;
    struct mynah_form *form;
    char *about;

    if (!in || !mynah_elem_is(st, "message", NULL) || mn_list_empty(&s->listeners) ||
        (type && !strcmp(type, "error")))
        return false;
    form = mynah_form_read(in);
    about = about_of(s, from, form);
    if (about) {
        const struct mynah_captcha q = {
            .from = from,
            .id = mynah_elem_get(st, "id"),
            .about = about,
            .body = mynah_elem_text_in(st, "body", "jabber:client", c->conf.lang),
            .url = mynah_oob(st, NULL),
            .form = form,
            .xml = st};

        LISTENERS_TELL(&s->listeners, struct mynah_captcha_calls, asked, c, &q);
    } else {
        client_log(c, MYNAH_LOG_WARN, "%s asks about what was not sent to him", from);
    }
    mynah_form_free(form);
    mn_free(about);
    return true;
}

static void init(struct mynah_client *c, void *state)
{
    struct captcha *s = state;

    (void)c;
    mn_list_init(&s->listeners);
    mn_list_init(&s->sent);
}

static void freed(struct mynah_client *c, void *state)
{
    (void)c;
    listeners_mute(&((struct captcha *)state)->listeners);
}

static void done(struct mynah_client *c, void *state)
{
    struct captcha *s = state;

    (void)c;
    listeners_free(&s->listeners);
    forget(s, 0);
}

const struct ext ext_captcha = {.name = "captcha",
                                .size = sizeof(struct captcha),
                                .init = init,
                                .done = done,
                                .freed = freed,
                                .stanza = stanza};

/* What programs call. */

struct mynah_listener *mynah_captcha_listen(struct mynah_client *c,
                                            const struct mynah_captcha_calls *calls, void *arg)
{
    return listener_add(c->ctx, &captcha_of(c)->listeners, calls, sizeof *calls, arg);
}

struct mynah_request *mynah_captcha_answer(struct mynah_client *c, const char *from,
                                           const struct mynah_form *answer, mynah_iq_done *done_,
                                           void *arg)
{
    struct mynah_elem *e = mynah_elem_new("captcha", NS_CAPTCHA), *x = mynah_form_elem(answer);

    mynah_elem_hang(e, &x);
    return mynah_iq_send(c, MYNAH_SET, from, &e, 0, done_, arg);
}

int mynah_captcha_refuse(struct mynah_client *c, const char *from, const char *id)
{
    struct mynah_elem *m = mynah_message_new(from, MYNAH_MESSAGE_ERROR, NULL),
                      *e = mynah_elem_add(m, "error", NULL);

    mynah_elem_set(m, "id", id);
    mynah_elem_set(e, "type", "modify");
    mynah_elem_add(e, "not-acceptable", "urn:ietf:params:xml:ns:xmpp-stanzas");
    return mynah_send(c, &m);
}
