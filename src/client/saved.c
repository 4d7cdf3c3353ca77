/* A session on paper: <session/> with a line per stanza, each as text. */
#include "base/err.h"
#include "base/num.h"
#include "client/client.h"

#define NS_SAVED "urn:mynah:session"

static void number_set(struct mynah_elem *e, const char *name, uint32_t v)
{
    char text[12];

    snprintf(text, sizeof text, "%u", v);
    mynah_elem_set(e, name, text);
}

static void outs_save(struct mynah_elem *saved, const char *name, const struct mn_list *list)
{
    MN_LIST_EACH(n, list)
    {
        const struct out *o = MN_OF(n, struct out, link);
        struct mynah_elem *e = mynah_elem_add(saved, name, NULL);
        char *text = mn_str_dup(o->bytes);

        mynah_elem_set(e, "id", o->id);
        mynah_elem_set(e, "room", o->room);
        mynah_elem_set(e, "lasting", o->lasting ? "1" : NULL);
        mynah_elem_put(e, text);
        mn_free(text);
    }
}

/* What is acknowledged and not told yet, by a call-back that saves: the next run hears of it. */
static uint32_t untold(const struct mynah_client *c)
{
    uint32_t count = 0;

    MN_LIST_EACH(n, &c->sm.acked)
    count++;
    return count;
}

int mynah_client_save_with(struct mynah_client *c, uint32_t received, void **out, size_t *n)
{
    struct mynah_elem *saved = mynah_elem_new("session", NS_SAVED);
    char *text;

    mynah_elem_set(saved, "for", c->bare);
    mynah_elem_set(saved, "jid", c->bound);
    mynah_elem_set(saved, "id", c->sm.id);
    number_set(saved, "in", received - c->sm.safe > c->sm.in - c->sm.safe ? c->sm.safe : received);
    number_set(saved, "out", c->sm.out - untold(c));
    outs_save(saved, "unacked", &c->sm.acked);
    outs_save(saved, "unacked", &c->sm.unacked);
    outs_save(saved, "waiting", &c->sm.refused);
    outs_save(saved, "waiting", &c->sm.held);
    outs_save(saved, "waiting", &c->sm.waiting);
    text = mynah_elem_xml(saved);
    mynah_elem_free(saved);
    *out = text;
    *n = strlen(text);
    return MYNAH_OK;
}

int mynah_client_save(struct mynah_client *c, void **out, size_t *n)
{
    return mynah_client_save_with(c, c->sm.safe, out, n);
}

static void outs_load(struct mynah_client *c, const struct mynah_elem *saved, const char *name,
                      struct mn_list *list, unsigned *count)
{
    MYNAH_EACH(e, saved, name, NULL)
    {
        const char *room = mynah_elem_get(e, "room");
        struct out *o = out_new(mn_str_from(mynah_elem_text(e)),
                                mynah_elem_get(e, "lasting") != NULL, mynah_elem_get(e, "id"));

        o->room = room ? mn_str_dup(mn_str_from(room)) : NULL;
        mn_list_add(list, &o->link);
        *count += 1;
        if (o->id)
            message_again(c, o->id, mynah_elem_text(e));
    }
}

static bool number_of(const struct mynah_elem *e, const char *name, uint32_t *out)
{
    const char *text = mynah_elem_get(e, name);
    uint64_t v;

    if (!text || !mn_num_parse(mn_str_from(text), UINT32_MAX, &v))
        return false;
    *out = (uint32_t)v;
    return true;
}

/* As much as was saved. */
static int paper_read(mn_str text, struct mynah_elem **out)
{
    const struct mn_xml_limits limits = {text.n + 1, 4, 16};
    struct mn_arena a = {0};
    struct mn_elem *e = NULL;
    int bad = mn_xml_parse(text, &limits, &a, &e);

    *out = bad ? NULL : mynah_elem_copy(elem_from(e, &a));
    mn_arena_done(&a, NULL);
    return bad ? MYNAH_E_FORMAT : MYNAH_OK;
}

int mynah_client_restore(struct mynah_client *c, const void *saved, size_t n)
{
    struct mynah_elem *e = NULL;
    unsigned waiting = 0;
    const char *whose;
    int code = MYNAH_E_STATE;

    if (c->state == MYNAH_OFFLINE && !c->sm.id)
        code = paper_read((mn_str){saved, n}, &e);
    if (code)
        return code;
    whose = mynah_elem_get(e, "for");
    if (!mynah_elem_is(e, "session", NS_SAVED) || !whose || strcmp(whose, c->bare) != 0 ||
        !number_of(e, "in", &c->sm.in) || !number_of(e, "out", &c->sm.out)) {
        mynah_elem_free(e);
        return MYNAH_E_FORMAT;
    }
    c->sm.safe = c->sm.in;
    outs_load(c, e, "unacked", &c->sm.unacked, &c->sm.unacked_count);
    outs_load(c, e, "waiting", &c->sm.waiting, &waiting);
    c->sm.id = mynah_elem_get(e, "id") ? mn_str_dup(mn_str_from(mynah_elem_get(e, "id"))) : NULL;
    c->bound = mynah_elem_get(e, "jid") ? mn_str_dup(mn_str_from(mynah_elem_get(e, "jid"))) : NULL;
    mynah_elem_free(e);
    c->sm.restored = true;
    if (!c->sm.id)
        sm_session_lost(c);
    return MYNAH_OK;
}
