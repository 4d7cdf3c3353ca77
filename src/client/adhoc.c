/* XEP-0050 Ad-Hoc Commands: those of others, stage by stage. */
#include "client/adhoc.h"

#include "base/err.h"
#include "client/client.h"

const char *const adhoc_actions[ADHOC_ACTIONS] = {"execute", "prev", "next", "complete", "cancel"};

struct wanted {
    mynah_stage_done *done;
    void *arg;
    char *jid;
};

static unsigned actions_of(const struct mynah_elem *command, enum mynah_action *usual)
{
    const struct mynah_elem *e = mynah_elem_child(command, "actions", NS_COMMANDS);
    const char *execute = mynah_elem_get(e, "execute");
    unsigned bits = 1u << MYNAH_CANCEL;

    *usual = e ? MYNAH_NEXT : MYNAH_COMPLETE;
    for (size_t i = MYNAH_PREV; i <= MYNAH_COMPLETE; i++) {
        if (mynah_elem_child(e, adhoc_actions[i], NS_COMMANDS))
            bits |= 1u << i;
        if (execute && !strcmp(execute, adhoc_actions[i]))
            *usual = (enum mynah_action)i;
    }
    return e ? bits : bits | 1u << MYNAH_COMPLETE;
}

/* Of several notes the first error, without one the first (XEP-0050, 3.7). */
static const struct mynah_elem *note_of(const struct mynah_elem *command)
{
    MYNAH_EACH(note, command, "note", NS_COMMANDS)
    if (mynah_elem_get(note, "type") && !strcmp(mynah_elem_get(note, "type"), "error"))
        return note;
    return mynah_elem_child(command, "note", NS_COMMANDS);
}

/* There are no other types (XEP-0050, 4.3). */
static const char *note_type(const struct mynah_elem *note)
{
    const char *type = mynah_elem_get(note, "type");

    return type && (!strcmp(type, "warn") || !strcmp(type, "error")) ? type : "info";
}

static void tell(struct wanted *w, struct mynah_client *c, const struct mynah_elem *e)
{
    const char *status = mynah_elem_get(e, "status");
    const struct mynah_elem *note = note_of(e);
    struct mynah_form *form = mynah_form_read(e);
    struct mynah_stage s = {
        .jid = w->jid,
        .node = mynah_elem_get(e, "node"),
        .session = mynah_elem_get(e, "sessionid"),
        .status = !status || !strcmp(status, "completed") ? MYNAH_COMPLETED
                  : !strcmp(status, "canceled")           ? MYNAH_CANCELED
                                                          : MYNAH_EXECUTING,
        .form = form,
        .note = mynah_elem_text(note),
        .note_type = note_type(note),
        .xml = e,
    };

    s.actions = actions_of(e, &s.next);
    w->done(w->arg, c, &s, NULL);
    mynah_form_free(form);
}

static void came(void *arg, struct mynah_client *c, const struct mynah_elem *result,
                 const struct mynah_error *error)
{
    struct wanted *w = arg;
    const struct mynah_elem *e = mynah_elem_child(result, "command", NS_COMMANDS);
    struct mynah_error none = {.code = MYNAH_E_FORMAT, .xml = result};

    if (w->done && e && mynah_elem_get(e, "node"))
        tell(w, c, e);
    else if (w->done)
        w->done(w->arg, c, NULL, error ? error : &none);
    mn_free(w->jid);
    mn_free(w);
}

static struct mynah_request *command_ask(struct mynah_client *c, const char *jid,
                                         struct mynah_elem *e, mynah_stage_done *done, void *arg)
{
    struct wanted *w = MN_NEW(struct wanted);

    *w = (struct wanted){done, arg, mn_str_dup(mn_str_from(jid))};
    return mynah_iq_send(c, MYNAH_SET, jid, &e, 0, came, w);
}

struct mynah_request *mynah_commands(struct mynah_client *c, const char *jid,
                                     mynah_items_done *done, void *arg)
{
    return mynah_disco_items(c, jid, NS_COMMANDS, done, arg);
}

struct mynah_request *mynah_command(struct mynah_client *c, const char *jid, const char *node,
                                    mynah_stage_done *done, void *arg)
{
    return mynah_command_send(c, jid, node, NULL, MYNAH_EXECUTE, NULL, done, arg);
}

struct mynah_request *mynah_command_go(struct mynah_client *c, const struct mynah_stage *s,
                                       enum mynah_action action, const struct mynah_form *form,
                                       mynah_stage_done *done, void *arg)
{
    struct mynah_elem *x = form ? mynah_form_elem(form) : NULL;

    return mynah_command_send(c, s->jid, s->node, s->session, action, &x, done, arg);
}

struct mynah_request *mynah_command_send(struct mynah_client *c, const char *jid, const char *node,
                                         const char *session, enum mynah_action action,
                                         struct mynah_elem **payload, mynah_stage_done *done,
                                         void *arg)
{
    struct mynah_elem *e = mynah_elem_new("command", NS_COMMANDS);

    mynah_elem_set(e, "node", node);
    mynah_elem_set(e, "sessionid", session);
    mynah_elem_set(e, "action", adhoc_actions[action]);
    if (payload)
        mynah_elem_hang(e, payload);
    return command_ask(c, jid, e, done, arg);
}
