/* With one argument a bot that offers a command; with more it runs that command at somebody's and
 * fills in what it is asked. Usage: adhoc JID [FULL-JID NODE VALUE] */
#include "example.h"

static char **args;

static void greet(void *arg, struct mynah_client *c, const struct mynah_call *call, struct mynah_answer *answer)
{
    printf("%s calls %s\n", call->from, call->node);
    if (call->form) {
        printf("name %s\n", mynah_form_value(call->form, "name"));
        answer->note = "nice to meet you";
    } else if (call->action != MYNAH_CANCEL) {
        answer->more = true;
        answer->form = mynah_form_new("form", NULL);
        mynah_form_add(answer->form, "text-single", "name", "What is your name?", true);
    }
}

static void stage(void *arg, struct mynah_client *c, const struct mynah_stage *s, const struct mynah_error *error)
{
    struct mynah_form *answer;

    example_why(error);
    if (s && s->status == MYNAH_EXECUTING && s->form) {
        printf("asked: %s\n", mynah_form_at(s->form, 0)->label);
        answer = mynah_form_answer(s->form);
        mynah_form_set(answer, mynah_form_at(s->form, 0)->var, args[4]);
        mynah_command_go(c, s, s->next, answer, stage, NULL);
        mynah_form_free(answer);
        return;
    }
    printf("done: %s\n", s && s->note ? s->note : "");
    mynah_client_disconnect(c);
}

static void state(void *arg, struct mynah_client *c, enum mynah_state s, const struct mynah_error *why)
{
    if (s == MYNAH_ONLINE)
        printf("online as %s\n", mynah_client_jid(c));
    if (s == MYNAH_ONLINE && args[2])
        mynah_command(c, args[2], args[3], stage, NULL);
    example_end(arg, c, s, why);
}

int main(int argc, char **argv)
{
    struct mynah_client_config config = example_config(argc, argv);
    struct mynah_context *ctx = mynah_context_new(NULL);
    struct mynah_client *c = example_client(ctx, &config);

    args = argv;
    mynah_command_serve(c, "greet", "Greet", greet, NULL);
    mynah_listen(c, &(struct mynah_calls){.size = sizeof(struct mynah_calls), .state = state}, ctx);
    mynah_client_connect(c);
    mynah_run(ctx);
    mynah_context_free(ctx);
    return 0;
}
