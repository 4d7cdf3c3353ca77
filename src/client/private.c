#include "mynah/private.h"

#include "base/arena.h"
#include "base/err.h"
#include "client/client.h"
#include "xmpp/datetime.h"

#define NS_PRIVATE "jabber:iq:private"
#define NS_BOOKMARKS "storage:bookmarks"
#define NS_NOTES "storage:rosternotes"
#define NS_DELIMITER "roster:delimiter"

struct wanted {
    union {
        mynah_private_done *xml;
        mynah_bookmarks_done *bookmarks;
        mynah_annotations_done *annotations;
        mynah_delimiter_done *delimiter;
    } done;
    void *arg;
    void (*tell)(struct wanted *w, struct mynah_client *c, const struct mynah_elem *stored,
                 const struct mynah_error *error);
    char *name, *ns;
};

static void came(void *arg, struct mynah_client *c, const struct mynah_elem *result,
                 const struct mynah_error *error)
{
    struct wanted *w = arg;
    const struct mynah_elem *query = mynah_elem_child(result, "query", NS_PRIVATE),
                            *stored = mynah_elem_child(query, w->name, w->ns);
    const struct mynah_error none = {.code = MYNAH_E_FORMAT, .xml = result};

    w->tell(w, c, stored, stored ? NULL : error ? error : &none);
    mn_free(w->name);
    mn_free(w->ns);
    mn_free(w);
}

static struct mynah_request *get(struct mynah_client *c, const char *name, const char *ns,
                                 struct wanted want)
{
    struct mynah_elem *query = mynah_elem_new("query", NS_PRIVATE);
    struct wanted *w = MN_NEW(struct wanted);

    *w = want;
    w->name = mn_str_dup(mn_str_from(name));
    w->ns = mn_str_dup(mn_str_from(ns));
    mynah_elem_add(query, name, ns);
    return mynah_iq_send(c, MYNAH_GET, NULL, &query, 0, came, w);
}

static void xml_tell(struct wanted *w, struct mynah_client *c, const struct mynah_elem *stored,
                     const struct mynah_error *error)
{
    w->done.xml(w->arg, c, stored, error);
}

struct mynah_request *mynah_private_get(struct mynah_client *c, const char *name, const char *ns,
                                        mynah_private_done *done, void *arg)
{
    return get(c, name, ns, (struct wanted){.done.xml = done, .arg = arg, .tell = xml_tell});
}

struct mynah_request *mynah_private_set(struct mynah_client *c, struct mynah_elem **xml,
                                        mynah_iq_done *done, void *arg)
{
    struct mynah_elem *query = mynah_elem_new("query", NS_PRIVATE);

    mynah_elem_hang(query, xml);
    return mynah_iq_send(c, MYNAH_SET, NULL, &query, 0, done, arg);
}

/* XEP-0048. */

static void bookmark_read(const struct mynah_elem *e, struct mynah_bookmark *b)
{
    *b = (struct mynah_bookmark){.name = mynah_elem_get(e, "name"), .xml = e};
    if (mynah_elem_is(e, "conference", NS_BOOKMARKS)) {
        b->jid = mynah_elem_get(e, "jid");
        b->nick = mynah_elem_child_text(e, "nick", NS_BOOKMARKS);
        b->password = mynah_elem_child_text(e, "password", NS_BOOKMARKS);
        b->autojoin = elem_flag(e, "autojoin");
    } else if (mynah_elem_is(e, "url", NS_BOOKMARKS)) {
        b->url = mynah_elem_get(e, "url");
    }
}

static void bookmarks_tell(struct wanted *w, struct mynah_client *c,
                           const struct mynah_elem *stored, const struct mynah_error *error)
{
    struct mn_arena a = {0};
    struct mynah_bookmark *list = elem_room(stored, NULL, NULL, sizeof *list, &a);
    size_t n = 0;

    MYNAH_EACH(e, stored, NULL, NULL)
    bookmark_read(e, &list[n++]);
    w->done.bookmarks(w->arg, c, list, n, error);
    mn_arena_done(&a, NULL);
}

struct mynah_request *mynah_bookmarks_get(struct mynah_client *c, mynah_bookmarks_done *done,
                                          void *arg)
{
    return get(c, "storage", NS_BOOKMARKS,
               (struct wanted){.done.bookmarks = done, .arg = arg, .tell = bookmarks_tell});
}

/* The attributes that came, and the children that are not set anew. */
static void kept_add(struct mynah_elem *e, const struct mynah_elem *old)
{
    const char *name, *value;

    for (size_t i = 0; mynah_elem_attr(old, i, &name, &value); i++)
        if (strcmp(name, "name") && strcmp(name, "autojoin"))
            mynah_elem_set(e, name, value);
    MYNAH_EACH(child, old, NULL, NULL)
    if (!mynah_elem_is(child, "nick", NS_BOOKMARKS) &&
        !mynah_elem_is(child, "password", NS_BOOKMARKS)) {
        struct mynah_elem *copy = mynah_elem_copy(child);

        mynah_elem_hang(e, &copy);
    }
}

static void bookmark_add(struct mynah_elem *storage, const struct mynah_bookmark *b)
{
    struct mynah_elem *e;

    if (!b->jid && !b->url) {
        e = b->xml ? mynah_elem_copy(b->xml) : NULL;
        mynah_elem_hang(storage, &e);
        return;
    }
    e = mynah_elem_add(storage, b->jid ? "conference" : "url", NULL);
    kept_add(e, b->xml);
    mynah_elem_set(e, "jid", b->jid);
    mynah_elem_set(e, "url", b->url);
    mynah_elem_set(e, "name", b->name);
    if (b->autojoin)
        mynah_elem_set(e, "autojoin", "true");
    mynah_elem_add_text(e, "nick", NULL, b->nick);
    mynah_elem_add_text(e, "password", NULL, b->password);
}

struct mynah_request *mynah_bookmarks_set(struct mynah_client *c, const struct mynah_bookmark *list,
                                          size_t count, mynah_iq_done *done, void *arg)
{
    struct mynah_elem *storage = mynah_elem_new("storage", NS_BOOKMARKS);

    for (size_t i = 0; i < count; i++)
        bookmark_add(storage, &list[i]);
    return mynah_private_set(c, &storage, done, arg);
}

/* XEP-0145. */

static int64_t date_of(const struct mynah_elem *note, const char *name)
{
    const char *text = mynah_elem_get(note, name);
    int64_t ms;

    return text && !mn_datetime_parse(mn_str_from(text), &ms) ? ms : 0;
}

static void annotations_tell(struct wanted *w, struct mynah_client *c,
                             const struct mynah_elem *stored, const struct mynah_error *error)
{
    struct mn_arena a = {0};
    struct mynah_annotation *list = elem_room(stored, NULL, NULL, sizeof *list, &a);
    size_t n = 0;

    MYNAH_EACH(e, stored, "note", NS_NOTES)
    if (mynah_elem_get(e, "jid"))
        list[n++] = (struct mynah_annotation){mynah_elem_get(e, "jid"), mynah_elem_text(e),
                                              date_of(e, "cdate"), date_of(e, "mdate")};
    w->done.annotations(w->arg, c, list, n, error);
    mn_arena_done(&a, NULL);
}

struct mynah_request *mynah_annotations_get(struct mynah_client *c, mynah_annotations_done *done,
                                            void *arg)
{
    return get(c, "storage", NS_NOTES,
               (struct wanted){.done.annotations = done, .arg = arg, .tell = annotations_tell});
}

static void date_set(struct mynah_elem *note, const char *name, int64_t ms)
{
    struct mn_arena a = {0};

    if (ms)
        mynah_elem_set(note, name, mn_arena_cstr(&a, mn_datetime_text(ms, &a)));
    mn_arena_done(&a, NULL);
}

struct mynah_request *mynah_annotations_set(struct mynah_client *c,
                                            const struct mynah_annotation *list, size_t count,
                                            mynah_iq_done *done, void *arg)
{
    struct mynah_elem *storage = mynah_elem_new("storage", NS_NOTES);

    for (size_t i = 0; i < count; i++) {
        struct mynah_elem *note =
            mynah_elem_add_text(storage, "note", NULL, list[i].text ? list[i].text : "");

        mynah_elem_set(note, "jid", list[i].jid);
        date_set(note, "cdate", list[i].created);
        date_set(note, "mdate", list[i].modified);
    }
    return mynah_private_set(c, &storage, done, arg);
}

/* XEP-0083. */

/* A single letter or digit would tear names apart. */
static bool is_delimiter(const char *text)
{
    static const char all[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

    return text && *text && (text[1] || !strchr(all, *text));
}

static void delimiter_tell(struct wanted *w, struct mynah_client *c,
                           const struct mynah_elem *stored, const struct mynah_error *error)
{
    const char *text = mynah_elem_text(stored);

    w->done.delimiter(w->arg, c, is_delimiter(text) ? text : NULL, error);
}

struct mynah_request *mynah_delimiter_get(struct mynah_client *c, mynah_delimiter_done *done,
                                          void *arg)
{
    return get(c, "roster", NS_DELIMITER,
               (struct wanted){.done.delimiter = done, .arg = arg, .tell = delimiter_tell});
}

struct mynah_request *mynah_delimiter_set(struct mynah_client *c, const char *delimiter,
                                          mynah_iq_done *done, void *arg)
{
    struct mynah_elem *roster = mynah_elem_new("roster", NS_DELIMITER);

    if (delimiter)
        mynah_elem_put(roster, delimiter);
    return mynah_private_set(c, &roster, done, arg);
}
