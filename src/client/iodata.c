/* XEP-0244 IO Data, over ad-hoc commands. */
#include "mynah/iodata.h"

#include <stdio.h>

#include "base/num.h"
#include "client/context.h"
#include "base/str.h"

#define NS_COMMANDS "http://jabber.org/protocol/commands"

static const struct {
    const char *name;
    enum mynah_action action; /* of the question */
} types[] = {
    [MYNAH_IO_SCHEMATA_GET] = {"io-schemata-get", MYNAH_EXECUTE},
    [MYNAH_IO_INPUT] = {"input", MYNAH_EXECUTE},
    [MYNAH_IO_GET_STATUS] = {"getStatus", MYNAH_NEXT},
    [MYNAH_IO_GET_OUTPUT] = {"getOutput", MYNAH_COMPLETE},
    [MYNAH_IO_SCHEMATA] = {"io-schemata-result", MYNAH_EXECUTE},
    [MYNAH_IO_OUTPUT] = {"output", MYNAH_EXECUTE},
    [MYNAH_IO_ERROR] = {"error", MYNAH_EXECUTE},
    [MYNAH_IO_STATUS] = {"status", MYNAH_EXECUTE},
};

/* -1 where there is none; false: it is there and wrong. */
static bool number(const struct mynah_elem *status, const char *name, uint64_t max, int64_t *out)
{
    const char *text = mynah_elem_child_text(status, name, MYNAH_NS_IODATA);
    uint64_t n;

    *out = -1;
    if (!text)
        return true;
    if (!mn_num_parse(mn_str_trim(mn_str_from(text)), max, &n))
        return false;
    *out = (int64_t)n;
    return true;
}

bool mynah_iodata_read(const struct mynah_elem *command, struct mynah_iodata *out)
{
    const struct mynah_elem *e = mynah_elem_child(command, "iodata", MYNAH_NS_IODATA),
                            *status = mynah_elem_child(e, "status", MYNAH_NS_IODATA);
    const char *type = mynah_elem_get(e, "type");
    int64_t percentage;
    size_t t = 0;

    while (type && t < MN_COUNT(types) && strcmp(type, types[t].name))
        t++;
    if (!type || t == MN_COUNT(types))
        return false;
    *out = (struct mynah_iodata){
        .size = sizeof *out,
        .type = (enum mynah_iodata_type)t,
        .desc = mynah_elem_child_text(e, "desc", MYNAH_NS_IODATA),
        .in = mynah_elem_child(e, "in", MYNAH_NS_IODATA),
        .out = mynah_elem_child(e, "out", MYNAH_NS_IODATA),
        .error = mynah_elem_child(e, "error", MYNAH_NS_IODATA),
        .information = mynah_elem_child_text(status, "information", MYNAH_NS_IODATA),
    };
    if (!number(status, "elapsed", INT64_MAX, &out->elapsed_ms) ||
        !number(status, "remaining", INT64_MAX, &out->remaining_ms) ||
        !number(status, "percentage", 100, &percentage))
        return false;
    out->percentage = (int)percentage;
    return true;
}

static void inside(struct mynah_elem *e, const char *name, const struct mynah_elem *what)
{
    struct mynah_elem *copy = what ? mynah_elem_copy(what) : NULL;

    if (copy)
        mynah_elem_hang(mynah_elem_add(e, name, NULL), &copy);
}

static void number_add(struct mynah_elem *status, const char *name, int64_t n)
{
    char text[24];

    snprintf(text, sizeof text, "%lld", (long long)n);
    mynah_elem_add_text(status, name, NULL, n < 0 ? NULL : text);
}

struct mynah_elem *mynah_iodata_new(const struct mynah_iodata *given)
{
    struct mynah_iodata d = {0};
    struct mynah_elem *e = mynah_elem_new("iodata", MYNAH_NS_IODATA), *status;

    SIZED_COPY(d, given);
    mynah_elem_set(e, "type", types[d.type].name);
    mynah_elem_add_text(e, "desc", NULL, d.desc);
    inside(e, "in", d.in);
    inside(e, "out", d.out);
    inside(e, "error", d.error);
    if (d.type == MYNAH_IO_STATUS) {
        status = mynah_elem_add(e, "status", NULL);
        number_add(status, "elapsed", d.elapsed_ms);
        number_add(status, "remaining", d.remaining_ms);
        number_add(status, "percentage", d.percentage);
        mynah_elem_add_text(status, "information", NULL, d.information);
    }
    return e;
}

struct mynah_request *mynah_iodata_ask(struct mynah_client *c, const char *jid, const char *node,
                                       const char *session, enum mynah_iodata_type type,
                                       struct mynah_elem **in, mynah_stage_done *done, void *arg)
{
    struct mynah_elem *e =
        mynah_iodata_new(&(struct mynah_iodata){.size = sizeof(struct mynah_iodata), .type = type});

    if (in && *in)
        mynah_elem_hang(mynah_elem_add(e, "in", NULL), in);
    return mynah_command_send(c, jid, node, session, types[type].action, &e, done, arg);
}
