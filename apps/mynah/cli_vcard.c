/* vcard: shown, changed field by field, its photo kept in a file. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "apps/mynah/cli.h"
#include "base/file.h"
#include "im/error.h"
#include "im/lang.h"

enum { MANY = 8, FILE_MAX = 1 << 20 };

static const struct {
    const char *name;
    size_t at;
} fields[] = {
#define FIELD(name)                                                                                \
    {                                                                                              \
#name, offsetof(struct mynah_vcard, name)                                                  \
    }
    FIELD(full_name), FIELD(family), FIELD(given),    FIELD(middle), FIELD(prefix),
    FIELD(suffix),    FIELD(org),    FIELD(unit),     FIELD(title),  FIELD(role),
    FIELD(nickname),  FIELD(jid),    FIELD(birthday), FIELD(url),    FIELD(desc),
#undef FIELD
};

static const char **field(struct mynah_vcard *v, const char *name)
{
    for (size_t i = 0; i < MN_COUNT(fields); i++)
        if (!strcmp(fields[i].name, name))
            return (const char **)((char *)v + fields[i].at);
    return NULL;
}

/* Showing. */

static void add(json_t *o, const char *name, const char *value)
{
    if (value && *value)
        json_object_set_new(o, name, json_string(value));
}

static void add_contacts(json_t *o, const char *name, const struct mynah_vcard_contact *c,
                         size_t count)
{
    struct mn_buf b = {0};

    for (size_t i = 0; i < count; i++)
        mn_buf_fmt(&b, "%s%s", i ? " " : "", c[i].value ? c[i].value : "");
    mn_buf_c(&b, 0);
    add(o, name, b.p);
    mn_buf_free(&b);
}

static void add_address(json_t *o, const struct mynah_vcard_address *a)
{
    const char *const parts[] = {a->box,    a->extra, a->street, a->city,
                                 a->region, a->code,  a->country};
    struct mn_buf b = {0};

    for (size_t i = 0; i < MN_COUNT(parts); i++)
        if (parts[i] && *parts[i])
            mn_buf_fmt(&b, "%s%s", b.n ? ", " : "", parts[i]);
    mn_buf_c(&b, 0);
    add(o, "address", b.p);
    mn_buf_free(&b);
}

/* One object, or without --json one line a field. */
static void show(struct cli *cli, const struct mynah_vcard *v)
{
    json_t *o = json_object(), *value;
    const char *name;
    char bytes[32];

    for (size_t i = 0; i < MN_COUNT(fields); i++)
        add(o, fields[i].name, *(const char *const *)((const char *)v + fields[i].at));
    add_contacts(o, "email", v->emails, v->email_count);
    add_contacts(o, "phone", v->phones, v->phone_count);
    if (v->address_count)
        add_address(o, &v->addresses[0]);
    snprintf(bytes, sizeof bytes, "%zu", v->photo_size);
    if (v->photo) {
        add(o, "photo_type", v->photo_type ? v->photo_type : "unknown");
        add(o, "photo_bytes", bytes);
        add(o, "photo_hash", v->photo_hash);
    }
    add(o, "photo_url", v->photo_url);
    if (cli->json)
        cli->host->line(cli, o);
    else
        json_object_foreach(o, name, value)
            cli_print(cli, "field", name, "value", json_string_value(value), NULL);
    json_decref(o);
}

static void came(void *arg, struct mynah_client *c, const struct mynah_vcard *v,
                 const struct mynah_error *error)
{
    struct cli *cli = arg;

    if (!cli_came(cli, error))
        return;
    show(cli, v);
    cli_end(cli, CLI_DONE);
}

/* The photo, into a file that is not there yet. */

static void photo_came(void *arg, struct mynah_client *c, const struct mynah_vcard *v,
                       const struct mynah_error *error)
{
    struct cli *cli = arg;
    struct mn_arena a = {0};
    const char *path;
    int fd;
    bool whole;

    if (!cli_came(cli, error))
        return;
    if (!v->photo) {
        cli_end_because(cli, CLI_REFUSED, _("there is no photo"));
        return;
    }
    path = cli_path(cli, cli->args[1], &a);
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    whole = fd >= 0 && write(fd, v->photo, v->photo_size) == (ssize_t)v->photo_size;
    if (fd >= 0 && close(fd))
        whole = false;
    if (whole)
        cli_end(cli, CLI_DONE);
    else
        cli_end_because(cli, CLI_FAILED, mn_arena_fmt(&a, "%s: %s", path, strerror(errno)).p);
    if (fd >= 0 && !whole)
        unlink(path);
    mn_arena_done(&a, NULL);
}

/* Changing: what is there, with other fields. */

struct change {
    struct cli *cli;
    struct mn_arena a;
    struct mynah_vcard v;
    struct mynah_vcard_contact emails[MANY], phones[MANY];
};

static size_t contacts(struct change *ch, const char *text, struct mynah_vcard_contact *out,
                       unsigned kinds)
{
    mn_str rest = mn_str_from(text);
    size_t n = 0;

    while (rest.n && n < MANY) {
        mn_str one = mn_str_cut(rest, ' ', &rest);

        if (one.n)
            out[n++] = (struct mynah_vcard_contact){mn_arena_cstr(&ch->a, one), kinds};
    }
    return n;
}

/* NULL, or what is wrong with the file. */
static const char *photo(struct change *ch, const char *path)
{
    mn_str bytes = {0};
    int e = *path ? mn_file_read(cli_path(ch->cli, path, &ch->a), MYNAH_PHOTO_MAX, &ch->a, &bytes)
                  : MN_E_OK;

    ch->v.photo = bytes.n ? bytes.p : NULL;
    ch->v.photo_size = bytes.n;
    ch->v.photo_url = NULL;
    return e ? mn_err_text(e) : NULL;
}

static const char *unknown(struct mn_arena *a)
{
    mn_str names = MN_STR("email, phone, photo, json");

    for (size_t i = MN_COUNT(fields); i-- > 0;)
        names = mn_arena_fmt(a, "%s, %.*s", fields[i].name, MN_ARG(names));
    return mn_arena_fmt(a, _("there is no such field; there are %.*s"), MN_ARG(names)).p;
}

static const char *json_take(struct change *ch, const char *path);

/* NULL, or what is wrong. */
static const char *take(struct change *ch, const char *name, const char *value)
{
    const char **at = field(&ch->v, name);

    value = mn_arena_cstr(&ch->a, mn_str_from(value));
    if (at) {
        *at = *value ? value : NULL;
        return NULL;
    }
    if (!strcmp(name, "photo"))
        return photo(ch, value);
    if (!strcmp(name, "json"))
        return json_take(ch, value);
    if (!strcmp(name, "email")) {
        ch->v.emails = ch->emails;
        ch->v.email_count = contacts(ch, value, ch->emails, MYNAH_VCARD_INTERNET);
        return NULL;
    }
    if (!strcmp(name, "phone")) {
        ch->v.phones = ch->phones;
        ch->v.phone_count = contacts(ch, value, ch->phones, MYNAH_VCARD_VOICE);
        return NULL;
    }
    return unknown(&ch->a);
}

/* A file as --json prints it; what only is shown is passed over. */
static const char *json_take(struct change *ch, const char *path)
{
    mn_str text;
    const char *name, *wrong = NULL;
    json_t *o, *value;
    int e = mn_file_read(cli_path(ch->cli, path, &ch->a), FILE_MAX, &ch->a, &text);

    if (e)
        return mn_err_text(e);
    o = json_loadb(text.p, text.n, 0, NULL);
    if (!json_is_object(o))
        wrong = _("no JSON object with fields");
    json_object_foreach(o, name, value) if (!wrong && strncmp(name, "photo_", 6) != 0 &&
                                            strcmp(name, "address") != 0) wrong =
        !json_is_string(value) ? _("values are to be texts")
                               : take(ch, name, json_string_value(value));
    json_decref(o);
    return wrong;
}

static void before(void *arg, struct mynah_client *c, const struct mynah_vcard *v,
                   const struct mynah_error *error)
{
    struct cli *cli = arg;
    struct change ch = {.cli = cli, .v = {.size = sizeof ch.v}};
    const char *wrong = NULL;
    char *unread = im_vcard_unread(error);

    cli->request = NULL;
    if (unread)
        cli_end_because(cli, cli_code(error), unread);
    mn_free(unread);
    if (cli->ended)
        return;
    if (v)
        ch.v = *v;
    for (int i = 1; i < cli->arg_count && !wrong; i++) {
        const char *sign = strchr(cli->args[i], '=');
        mn_str name = {cli->args[i], sign ? (size_t)(sign - cli->args[i]) : 0};

        wrong =
            sign ? take(&ch, mn_arena_cstr(&ch.a, name), sign + 1) : _("FIELD=VALUE is expected");
        if (wrong)
            wrong = mn_arena_fmt(&ch.a, "%s: %s", cli->args[i], wrong).p;
    }
    if (wrong)
        cli_misused(cli, wrong);
    else
        cli->request = mynah_vcard_set(c, &ch.v, cli_done, cli);
    mn_arena_done(&ch.a, NULL);
}

void cli_vcard(struct cli *cli)
{
    const char *word = cli->arg_count ? cli->args[0] : NULL;

    if (word && !strcmp(word, "photo")) {
        if (cli->arg_count < 2)
            cli_misused(cli, _("too few arguments"));
        else
            cli->request = mynah_vcard_get(cli->client, cli->args[2], photo_came, cli);
    } else if (word && !strcmp(word, "set")) {
        if (cli->arg_count < 2)
            cli_misused(cli, _("too few arguments"));
        else
            cli->request = mynah_vcard_get(cli->client, NULL, before, cli);
    } else {
        cli->request = mynah_vcard_get(cli->client, word, came, cli);
    }
}
