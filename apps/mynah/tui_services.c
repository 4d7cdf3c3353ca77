/* What services offer: commands (XEP-0050), searching (XEP-0055), registration with them
 * (XEP-0077), the configuration of nodes (XEP-0060). */
#include <stdio.h>
#include <string.h>

#include "apps/mynah/tui_query.h"
#include "im/lang.h"

#define NS_COMMANDS "http://jabber.org/protocol/commands"

static const char *server_name(void)
{
    struct mynah_client *c = command_client();

    return c ? mynah_client_domain(c) : NULL;
}

/* Ad-hoc commands. */

static void stage_came(void *arg, struct mynah_client *c, const struct mynah_stage *s,
                       const struct mynah_error *error);

static struct mynah_stage stage_of(const struct query *q)
{
    return (struct mynah_stage){.jid = q->jid, .node = q->node, .session = q->session};
}

static void stage_send(struct query *q, int action)
{
    struct mynah_stage s = stage_of(q);
    struct mynah_form *answer = q->form->x && action != MYNAH_PREV ? im_form_answer(q->form) : NULL;

    mynah_command_go(query_client(q), &s, (enum mynah_action)action, answer, stage_came, q);
    mynah_form_free(answer);
}

static void given_up(void *arg, struct mynah_client *c, const struct mynah_stage *s,
                     const struct mynah_error *error)
{
}

static void stage_left(struct query *q)
{
    struct mynah_stage s = stage_of(q);

    mynah_command_go(query_client(q), &s, MYNAH_CANCEL, NULL, given_up, NULL);
}

/* Those that the stage allows, the usual one first. */
static void stage_buttons(struct query *q, const struct mynah_stage *s)
{
    static const struct form_button all[] = {{N_("Next"), MYNAH_NEXT, true},
                                             {N_("Finish"), MYNAH_COMPLETE, true},
                                             {N_("Back"), MYNAH_PREV, false}};
    unsigned actions = s->actions ? s->actions : 1U << MYNAH_COMPLETE;
    size_t n = 0;

    for (size_t i = 0; i < MN_COUNT(all); i++)
        if (actions & (1U << all[i].value) && all[i].value == (int)s->next)
            q->buttons[n++] = all[i];
    for (size_t i = 0; i < MN_COUNT(all); i++)
        if (actions & (1U << all[i].value) && all[i].value != (int)s->next)
            q->buttons[n++] = all[i];
    q->buttons[n++] = (struct form_button){N_("Cancel"), -1, false};
    q->buttons[n] = (struct form_button){0};
}

static void stage_notes(const struct query *q, const struct mynah_stage *s)
{
    MYNAH_EACH(note, s->xml, "note", NS_COMMANDS)
    {
        const char *type = mynah_elem_get(note, "type");

        query_note(q, type && strcmp(type, "info") != 0 ? IM_ERROR : IM_NOTE, "%s",
                   mynah_elem_text(note));
    }
    if (!s->note && s->status == MYNAH_COMPLETED && !s->form)
        query_note(q, IM_NOTE, _("done"));
}

static void stage_open(struct query *q, const struct mynah_stage *s)
{
    struct im_form *form;
    struct mn_buf notes = {0};

    MYNAH_EACH(note, s->xml, "note", NS_COMMANDS)
    mn_buf_fmt(&notes, "%s%s", notes.n ? "\n" : "", mynah_elem_text(note));
    mn_buf_c(&notes, 0);
    form = s->form ? im_form_read(s->form) : im_form_new(s->node, notes.p);
    mn_free(q->session);
    q->session = s->session ? mn_str_dup(mn_str_from(s->session)) : NULL;
    stage_buttons(q, s);
    query_open(q, &form, s->form && *notes.p ? notes.p : NULL);
    mn_buf_free(&notes);
}

static void stage_came(void *arg, struct mynah_client *c, const struct mynah_stage *s,
                       const struct mynah_error *error)
{
    struct query *q = arg;
    struct im_form *form;

    if (error) {
        query_sent(q, c, NULL, error);
        return;
    }
    if (s->status == MYNAH_EXECUTING) {
        stage_open(q, s);
        return;
    }
    stage_notes(q, s);
    if (s->form) {
        form = im_form_read(s->form);
        page_show(page_chat(q->chat), &form);
    }
    query_free(q);
}

static void command_begin(struct query *q)
{
    q->send = stage_send;
    q->left = stage_left;
    mynah_command(query_client(q), q->jid, q->node, stage_came, q);
}

static void command_picked(void *arg, struct im_chat *chat, enum form_end end, int value,
                           struct im_form **asked)
{
    struct query *q = arg;
    mn_str jid, node;

    if (end != FORM_PICKED || !query_client(q)) {
        query_free(q);
        return;
    }
    jid = mn_str_cut(mn_str_from((*asked)->rows[value].key), '\n', &node);
    mn_free(q->jid);
    q->jid = mn_str_dup(jid);
    q->node = mn_str_dup(node);
    command_begin(q);
}

static void commands_came(void *arg, struct mynah_client *c, const struct mynah_item *items,
                          size_t count, const struct mynah_error *error)
{
    struct query *q = arg;
    struct im_form *form;

    if (error || !count) {
        if (error)
            query_fail(q, error);
        else
            query_note(q, IM_NOTE, _("%s offers no commands"), q->jid);
        query_free(q);
        return;
    }
    form = im_form_new(_("Commands"), _("Enter runs one; letters look for it."));
    im_form_column(form, _("Name"));
    im_form_column(form, _("Node"));
    for (size_t i = 0; i < count; i++) {
        struct mn_buf key = {0}; /* who runs it, and what */
        struct im_row *row;

        mn_buf_fmt(&key, "%s\n%s", items[i].jid, items[i].node ? items[i].node : "");
        mn_buf_c(&key, 0);
        row = items[i].node ? im_form_row(form, key.p) : NULL;
        im_form_cell(form, row, 0, items[i].name ? items[i].name : items[i].node);
        im_form_cell(form, row, 1, items[i].node);
        mn_buf_free(&key);
    }
    page_pick(page_chat(q->chat), &form, command_picked, q);
}

/* Of somebody's program, or of the server. */
static struct query *commands_of(const char *who)
{
    const char *jid = who ? who : server_name();

    return jid ? query_to(jid, true) : NULL;
}

static void cmd_list(char **args, int count)
{
    struct query *q = commands_of(args[0]);

    if (q)
        mynah_commands(query_client(q), q->jid, commands_came, q);
}

static void cmd_exec(char **args, int count)
{
    struct query *q = commands_of(args[1]);

    if (!q)
        return;
    q->node = mn_str_dup(mn_str_from(args[0]));
    command_begin(q);
}

void do_cmd(char **args, int count)
{
    static const struct command_part parts[] = {{"list", 0, cmd_list}, {"exec", 1, cmd_exec}, {0}};

    command_parts("cmd", parts, args, count);
}

/* Searching. */

static void person_picked(void *arg, struct im_chat *chat, enum form_end end, int value,
                          struct im_form **asked)
{
    struct query *q = arg;
    const char *jid = end == FORM_PICKED ? (*asked)->rows[value].key : NULL;
    struct im_chat *with = jid && query_client(q) ? im_chat_with(q->account, jid) : NULL;

    if (with)
        tui_show(with);
    query_free(q);
}

static void found_read(struct im_form *form, const struct mynah_found *found)
{
    const char *name, *label;

    for (size_t i = 0; mynah_found_column(found, i, &name, &label); i++)
        im_form_column(form, label ? label : name);
    for (size_t r = 0; r < mynah_found_rows(found); r++) {
        struct im_row *row = im_form_row(form, mynah_found_jid(found, r));

        for (size_t i = 0; row && mynah_found_column(found, i, &name, &label); i++)
            im_form_cell(form, row, i, mynah_found_cell(found, r, name));
    }
}

static void found_came(void *arg, struct mynah_client *c, const struct mynah_found *found,
                       const struct mynah_error *error)
{
    struct query *q = arg;
    struct im_form *form;

    if (error) {
        query_sent(q, c, NULL, error);
        return;
    }
    form = im_form_new(_("Found"), _("Enter begins a talk; letters look for somebody."));
    found_read(form, found);
    page_pick(page_chat(q->chat), &form, person_picked, q);
}

static void search_send(struct query *q, int button)
{
    struct mn_arena a = {0};
    const char *const *names, *const *values;
    size_t n;

    if (!q->form->x) {
        n = im_form_answers(q->form, &a, &names, &values);
        mynah_search(query_client(q), q->jid, names, values, n, found_came, q);
    } else {
        struct mynah_form *answer = im_form_answer(q->form);

        mynah_search_submit(query_client(q), q->jid, answer, found_came, q);
        mynah_form_free(answer);
    }
    mn_arena_done(&a, NULL);
}

static void search_asks(void *arg, struct mynah_client *c, const struct mynah_search_form *form,
                        const struct mynah_error *error)
{
    struct query *q = arg;
    struct im_form *plain;

    if (!form || form->form) {
        query_came(q, form ? form->form : NULL, error);
        return;
    }
    plain = im_form_plain(form->instructions, form->names, NULL, form->count);
    query_open(q, &plain, NULL);
}

void do_search(char **args, int count)
{
    struct query *q = query_new(args[0], NULL);

    if (!q)
        return;
    q->send = search_send;
    q->buttons[0] = (struct form_button){N_("Search"), 0, true};
    q->buttons[1] = (struct form_button){N_("Cancel"), -1, false};
    mynah_search_fields(query_client(q), q->jid, search_asks, q);
}

/* Registration with a service. */

static void service_send(struct query *q, int button)
{
    im_form_register(q->form, query_client(q), q->jid, query_sent, q);
}

static void service_asks(void *arg, struct mynah_client *c, const struct mynah_register_form *form,
                         const struct mynah_error *error)
{
    struct query *q = arg;
    struct im_form *asked = form ? im_form_registration(form) : NULL;

    if (form && form->registered)
        query_note(q, IM_NOTE, _("you are registered with %s already"), q->jid);
    if (form && form->url)
        query_note(q, IM_NOTE, _("this is done at %s"), form->url);
    if (asked)
        query_open(q, &asked, NULL);
    else
        query_came(q, NULL, error);
}

static void service_register(char **args, int count)
{
    struct query *q = query_new(args[0], NULL);

    if (!q)
        return;
    q->send = service_send;
    q->buttons[0] = (struct form_button){N_("Register"), 0, true};
    q->buttons[1] = (struct form_button){N_("Cancel"), -1, false};
    q->sent = N_("registered");
    mynah_register_fields(query_client(q), q->jid, service_asks, q);
}

static void service_leave(char **args, int count)
{
    if (command_client())
        mynah_register_remove(command_client(), args[0], command_done,
                              N_("not registered any more"));
}

void do_service(char **args, int count)
{
    static const struct command_part parts[] = {
        {"register", 1, service_register}, {"unregister", 1, service_leave}, {0}};

    command_parts("service", parts, args, count);
}

/* Nodes. */

static void node_send(struct query *q, int button)
{
    struct mynah_form *answer = im_form_answer(q->form);

    mynah_pubsub_configure(query_client(q), q->jid, q->node, answer, query_sent, q);
    mynah_form_free(answer);
}

static void node_came(void *arg, struct mynah_client *c, const struct mynah_form *form,
                      const struct mynah_error *error)
{
    query_came(arg, form, error);
}

static void node_config(char **args, int count)
{
    struct query *q = query_new(args[0], args[1]);

    if (!q)
        return;
    q->send = node_send;
    q->sent = N_("the node is configured");
    mynah_pubsub_config(query_client(q), q->jid, q->node, node_came, q);
}

void do_node(char **args, int count)
{
    static const struct command_part parts[] = {{"config", 2, node_config}, {0}};

    command_parts("node", parts, args, count);
}
