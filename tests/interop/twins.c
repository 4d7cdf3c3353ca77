/* One account twice in one context: what no example shows, done between the two and with their
 * server. Usage: twins JID ROOMS (the service, or "-"), and what examples/example.h says. Prints a
 * line for each thing that worked, and ends with 1 at the first that did not. */
#include "../../examples/example.h"

enum { WAIT_MS = 30000 };

static struct mynah_context *ctx;
static struct mynah_client *twins[2];
static unsigned came; /* of what is waited for */
static bool late;

static void too_late(void *arg)
{
    (void)arg;
    late = true;
}

static void until(unsigned count, const char *what)
{
    struct mynah_timer *t = mynah_timer_start(ctx, WAIT_MS, too_late, NULL);

    while (came < count && !late)
        mynah_turn(ctx, -1);
    if (late) {
        fprintf(stderr, "%s: %u of %u came\n", what, came, count);
        exit(1);
    }
    mynah_timer_stop(t);
    came = 0;
}

static void check(bool good, const char *what)
{
    if (good)
        return;
    fprintf(stderr, "%s\n", what);
    exit(1);
}

static void done(void *arg, struct mynah_client *c, const struct mynah_elem *result,
                 const struct mynah_error *error)
{
    example_why(error);
    check(!error, arg);
    came++;
}

static void pinged(void *arg, struct mynah_client *c, int64_t ms, const struct mynah_error *error)
{
    check(ms >= 0, "no pong");
    came++;
}

static void state(void *arg, struct mynah_client *c, enum mynah_state s,
                  const struct mynah_error *why)
{
    example_why(why);
    came += s == MYNAH_ONLINE;
}

static void idle(void)
{
    for (int i = 0; i < 2; i++) {
        mynah_client_idle(twins[0], !i);
        mynah_ping(twins[0], NULL, pinged, NULL);
        until(1, "idle");
    }
    printf("idle%s\n", mynah_elem_child(mynah_client_features(twins[0]), "csi", "urn:xmpp:csi:0")
                           ? ", told"
                           : "");
}

static void vcard_came(void *arg, struct mynah_client *c, const struct mynah_vcard *v,
                       const struct mynah_error *error)
{
    check(v && v->note && !strcmp(v->note, "北京 <&>"), "another vCard");
    came++;
}

static void vcard(void)
{
    const struct mynah_vcard v = {.size = sizeof v, .full_name = "Twin", .note = "北京 <&>"};

    mynah_vcard_set(twins[0], &v, done, (void *)"vCard");
    until(1, "vCard set");
    mynah_vcard_get(twins[1], NULL, vcard_came, NULL);
    until(1, "vCard");
    printf("vCard\n");
}

static void answer(void *arg, struct mynah_client *c, const struct mynah_call *call,
                   struct mynah_answer *a)
{
    a->note = "done";
}

static bool nobody(void *arg, struct mynah_client *c, const char *node, const char *from)
{
    return false;
}

static void listed(void *arg, struct mynah_client *c, const struct mynah_item *items, size_t count,
                   const struct mynah_error *error)
{
    check(count == 1 && !strcmp(items[0].node, "open"), "other commands");
    came++;
}

static void stage(void *arg, struct mynah_client *c, const struct mynah_stage *s,
                  const struct mynah_error *error)
{
    const char *condition = error ? error->condition : "";

    check(!strcmp(condition, arg), "another answer to a command");
    came++;
}

static void commands(void)
{
    const char *there = mynah_client_jid(twins[1]);

    mynah_command_serve(twins[1], "open", NULL, answer, NULL);
    mynah_command_serve(twins[1], "shut", NULL, answer, NULL);
    mynah_command_only(twins[1], "shut", nobody, NULL);
    mynah_commands(twins[0], there, listed, NULL);
    mynah_command(twins[0], there, "open", stage, (void *)"");
    mynah_command(twins[0], there, "shut", stage, (void *)"forbidden");
    until(3, "commands");
    printf("commands\n");
}

static unsigned offers, ties;

static const struct mynah_jingle_calls calls;

static void offered(void *arg, struct mynah_client *c, struct mynah_jingle *s,
                    const struct mynah_jingle_event *e)
{
    mynah_jingle_take(s, &calls, NULL);
    offers++;
    came++;
}

static void ended(void *arg, struct mynah_jingle *s, enum mynah_jingle_reason reason,
                  const char *text, const struct mynah_error *error)
{
    ties += error && error->condition && !strcmp(error->condition, arg ? arg : "conflict");
    came++;
}

static const struct mynah_jingle_calls calls = {.size = sizeof calls, .ended = ended};

static void start(int from, void *condition)
{
    struct mynah_elem *d = mynah_elem_new("description", "urn:twins"),
                      *t = mynah_elem_new("transport", "urn:twins");
    const struct mynah_content content = {
        .size = sizeof content, .name = "n", .description = d, .transport = t};
    struct mynah_jingle *s;

    check(!mynah_jingle_start(twins[from], mynah_client_jid(twins[!from]), &content, 1, &calls,
                              condition, &s),
          "no session");
    mynah_elem_free(d);
    mynah_elem_free(t);
}

/* Both begin before either hears of the other. */
static void jingle(void)
{
    for (int i = 0; i < 2; i++)
        mynah_jingle_serve(twins[i], "urn:twins", offered, NULL);
    start(0, NULL);
    start(1, NULL);
    until(2, "tie");
    check(offers == 1 && ties == 1, "not one session");
    printf("tie\n");
    mynah_jingle_redirect(twins[1], "xmpp:elsewhere@example.org");
    start(0, (void *)"redirect");
    until(1, "redirect");
    check(offers == 1 && ties == 2, "not sent elsewhere");
    printf("redirect\n");
}

static void joined(void *arg, struct mynah_room *r, bool created)
{
    check(created, "not a new room");
    mynah_room_accept_defaults(r, done, (void *)"defaults");
}

static void by_affiliation(void *arg, struct mynah_room *r, const struct mynah_room_item *items,
                           size_t count, const struct mynah_error *error)
{
    example_why(error);
    check(!error, "no list");
    if (count)
        printf("list %s\n", items[0].jid);
    came++;
}

static void lists(const char *service)
{
    static const struct mynah_room_calls room_calls = {.size = sizeof room_calls, .joined = joined};
    static const struct mynah_room_item items[] = {
        {.jid = "in@example.org", .affiliation = MYNAH_MEMBER},
        {.jid = "out@example.org", .affiliation = MYNAH_OUTCAST, .reason = "no"}};
    char *jid = mynah_jid_make("twins", service, NULL);
    struct mynah_room *room;

    check(!mynah_room_new(twins[0], jid, "Twin", &room_calls, NULL, &room) &&
              !mynah_room_join(room, NULL, NULL),
          "no room");
    until(1, "room");
    mynah_room_set_items(room, items, 2, done, (void *)"lists");
    until(1, "lists set");
    mynah_room_by_affiliation(room, MYNAH_MEMBER, by_affiliation, NULL);
    mynah_room_by_affiliation(room, MYNAH_OUTCAST, by_affiliation, NULL);
    until(2, "lists");
    mynah_free(jid);
}

int main(int argc, char **argv)
{
    static const struct mynah_calls state_calls = {.size = sizeof state_calls, .state = state};
    struct mynah_client_config config = example_config(argc, argv);

    ctx = mynah_context_new(NULL);
    for (int i = 0; i < 2; i++) {
        twins[i] = example_client(ctx, &config);
        mynah_listen(twins[i], &state_calls, NULL);
        mynah_presence_set(twins[i], MYNAH_AVAILABLE, NULL, 0);
        mynah_client_connect(twins[i]);
    }
    until(2, "online");
    idle();
    vcard();
    commands();
    jingle();
    if (argc > 2 && strcmp(argv[2], "-") != 0)
        lists(argv[2]);
    mynah_context_free(ctx);
    return 0;
}
