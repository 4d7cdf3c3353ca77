#include <string.h>

#include "fuzz/user_parts.h"

struct user user;

/* Answers: one to each question. */

void *mark(void)
{
    user.asked[user.ask_count] = true;
    return &user.asked[user.ask_count++];
}

static void ended(void *arg, const struct mynah_error *e)
{
    MN_ASSERT(*(bool *)arg);
    *(bool *)arg = false;
    read_error(e);
}

void on_iq(void *arg, struct mynah_client *client, const struct mynah_elem *result,
           const struct mynah_error *e)
{
    MN_ASSERT(client == user.c && !result != !e);
    read_elem(result);
    ended(arg, e);
}

/* A call-back of a request that is told one thing, and how that is read. */
#define ON(name, type, value, read)                                                                \
    static void on_##name(void *arg, struct mynah_client *client, type value,                      \
                          const struct mynah_error *e)                                             \
    {                                                                                              \
        read;                                                                                      \
        MN_ASSERT(client == user.c);                                                               \
        ended(arg, e);                                                                             \
    }
/* The same for a list. */
#define ON_LIST(name, type, read)                                                                  \
    static void on_##name(void *arg, struct mynah_client *client, type list, size_t n,             \
                          const struct mynah_error *e)                                             \
    {                                                                                              \
        for (size_t i = 0; i < n; i++)                                                             \
            read;                                                                                  \
        MN_ASSERT(client == user.c);                                                               \
        ended(arg, e);                                                                             \
    }

static void info(const struct mynah_disco *d)
{
    if (!d)
        return;
    read_texts(d->features, d->feature_count);
    for (size_t i = 0; i < d->identity_count; i++)
        read_text(d->identities[i].name);
    read_elem(d->xml);
}

static void vcard(const struct mynah_vcard *v)
{
    if (!v)
        return;
    read_bytes(v->photo, v->photo_size);
    for (size_t i = 0; i < v->email_count; i++)
        read_text(v->emails[i].value);
    for (size_t i = 0; i < v->address_count; i++)
        read_text(v->addresses[i].city);
    read_texts((const char *const[]){v->full_name, v->org, v->photo_type, v->photo_hash, v->desc},
               5);
    read_elem(v->xml);
}

static void found(const struct mynah_found *f)
{
    const char *name, *label;

    for (size_t i = 0; f && i < 4 && mynah_found_column(f, i, &name, &label); i++)
        for (size_t row = 0; row < 4 && row < mynah_found_rows(f); row++)
            read_texts((const char *const[]){label, mynah_found_cell(f, row, name),
                                             mynah_found_jid(f, row)},
                       3);
}

static void lists(const struct mynah_privacy_lists *l)
{
    if (!l)
        return;
    read_texts(l->names, l->count);
    read_text(l->active);
}

static void fields(const struct mynah_register_form *f)
{
    if (!f)
        return;
    read_texts(f->names, f->count);
    read_texts(f->values, f->count);
    read_elem(f->form);
}

ON(ms, int64_t, ms, read_bytes(&ms, sizeof ms))
ON(software, const struct mynah_software *, s, read_text(s ? s->name : NULL))
ON(info, const struct mynah_disco *, d, info(d))
ON(bits, const struct mynah_bits *, b, read_bytes(b ? b->bytes : NULL, b ? b->count : 0))
ON(count, size_t, n, read_bytes(&n, sizeof n))
ON(lists, const struct mynah_privacy_lists *, l, lists(l))
ON(stored, const struct mynah_elem *, s, read_elem(s))
ON(text, const char *, s, read_text(s))
ON(fields, const struct mynah_register_form *, f, fields(f))
ON(directory, const struct mynah_search_form *, f, read_form(f ? f->form : NULL))
ON(found, const struct mynah_found *, f, found(f))
ON(vcard, const struct mynah_vcard *, v, vcard(v))
ON(subscribed, const struct mynah_pubsub_subscription *, s, read_elem(s ? s->xml : NULL))
ON(form, const struct mynah_form *, f, read_form(f))
ON_LIST(jids, const char *const *, read_text(list[i]))
ON_LIST(items, const struct mynah_item *, read_text(list[i].jid))
ON_LIST(offline, const struct mynah_offline *, read_text(list[i].node))
ON_LIST(privacy, const struct mynah_privacy_item *, read_text(list[i].value))
ON_LIST(bookmarks, const struct mynah_bookmark *, read_elem(list[i].xml))
ON_LIST(annotations, const struct mynah_annotation *, read_text(list[i].text))
ON_LIST(subscriptions, const struct mynah_pubsub_subscription *, read_elem(list[i].xml))
ON_LIST(affiliates, const struct mynah_pubsub_affiliate *, read_text(list[i].jid))

static void on_time(void *arg, struct mynah_client *client, int64_t ms, int offset,
                    const struct mynah_error *e)
{
    (void)offset;
    on_ms(arg, client, ms, e);
}

static void on_last(void *arg, struct mynah_client *client, int64_t seconds, const char *status,
                    const struct mynah_error *e)
{
    (void)seconds;
    on_text(arg, client, status, e);
}

static void on_published(void *arg, struct mynah_client *client,
                         const struct mynah_pubsub_item *items, size_t n,
                         const struct mynah_page *page, const struct mynah_error *e)
{
    for (size_t i = 0; i < n; i++) {
        read_elem(items[i].payload);
        read_elem(items[i].xml);
    }
    on_text(arg, client, page ? page->first : NULL, e);
}

static void on_initiated(void *arg, struct mynah_client *client, const char *id,
                         enum mynah_bytestream_kind method, const struct mynah_elem *si,
                         const struct mynah_error *e)
{
    (void)method;
    read_elem(si);
    on_text(arg, client, id, e);
}

static void on_room_list(void *arg, struct mynah_room *r, const struct mynah_room_item *items,
                         size_t n, const struct mynah_error *e)
{
    MN_ASSERT(r == user.room);
    for (size_t i = 0; i < n; i++)
        read_texts((const char *const[]){items[i].jid, items[i].nick, items[i].reason}, 3);
    ended(arg, e);
}

static void on_room_form(void *arg, struct mynah_room *r, const struct mynah_form *f,
                         const struct mynah_error *e)
{
    MN_ASSERT(r == user.room);
    read_form(f);
    ended(arg, e);
}

/* Goes on with each stage, as far as there is room for questions. */
static void on_stage(void *arg, struct mynah_client *client, const struct mynah_stage *s,
                     const struct mynah_error *e)
{
    if (s) {
        struct mynah_form *answer = s->form ? mynah_form_answer(s->form) : NULL;

        read_text(s->note);
        read_form(s->form);
        read_stanza(s->xml);
        if (s->status == MYNAH_EXECUTING && user.ask_count < ASKED_MAX)
            mynah_command_go(client, s, s->next, answer, on_stage, mark());
        mynah_form_free(answer);
    }
    ended(arg, e);
}

void user_begin(struct mynah_client *client)
{
    memset(&user, 0, sizeof user);
    user.c = client;
    user_hears();
    user_serves_streams();
}

void user_end(void)
{
    for (unsigned i = 0; i < user.ask_count; i++)
        MN_ASSERT(!user.asked[i]);
    MN_ASSERT(!user.open_count);
}

static void negotiate(void)
{
    struct mynah_form *offer = mynah_form_new("form", "urn:f");

    mynah_form_add(offer, "list-single", "v", NULL, true);
    mynah_form_option(offer, "v", NULL, "1");
    mynah_negotiate(user.c, HIM, offer, on_form, mark());
    mynah_form_free(offer);
}

/* What a program may want, from '0' on. */

enum { FIRST = __COUNTER__ + 1 };
#define DO(what)                                                                                   \
    case '0' + (__COUNTER__ - FIRST):                                                              \
        what;                                                                                      \
        break

void user_does(unsigned char what)
{
    if (user.ask_count == ASKED_MAX)
        return;
    switch (what) {
        DO(mynah_ping(user.c, HIM, on_ms, mark()));
        DO(mynah_version_get(user.c, HIM, on_software, mark()));
        DO(mynah_time_get(user.c, HIM, on_time, mark()));
        DO(mynah_last_get(user.c, HIM, on_last, mark()));
        DO(mynah_active(user.c));
        DO(mynah_disco_info(user.c, HIM, NULL, on_info, mark()));
        DO(mynah_disco_items(user.c, SERVICE, "n", on_items, mark()));
        DO(mynah_caps_info(user.c, HIM, on_info, mark()));
        DO(mynah_commands(user.c, SERVICE, on_items, mark()));
        DO(mynah_command(user.c, SERVICE, "c", on_stage, mark()));
        DO(mynah_iodata_ask(user.c, SERVICE, "c", NULL, MYNAH_IO_SCHEMATA_GET, NULL, on_stage,
                            mark()));
        DO(mynah_blocking_get(user.c, on_jids, mark()));
        DO(mynah_unblock_all(user.c, on_iq, mark()));
        DO(mynah_bits_get(user.c, HIM, "sha1+8f35fef110ffc5df08d579a50083ff9308fb6242@bob.xmpp.org",
                          on_bits, mark()));
        DO(mynah_offline_count(user.c, on_count, mark()));
        DO(mynah_offline_list(user.c, on_offline, mark()));
        DO(mynah_offline_fetch_all(user.c, on_iq, mark()));
        DO(mynah_privacy_lists(user.c, on_lists, mark()));
        DO(mynah_privacy_get(user.c, "l", on_privacy, mark()));
        DO(mynah_private_get(user.c, "p", "urn:p", on_stored, mark()));
        DO(mynah_bookmarks_get(user.c, on_bookmarks, mark()));
        DO(mynah_annotations_get(user.c, on_annotations, mark()));
        DO(mynah_delimiter_get(user.c, on_text, mark()));
        DO(mynah_register_fields(user.c, SERVICE, on_fields, mark()));
        DO(mynah_register_remove(user.c, NULL, on_iq, mark()));
        DO(mynah_password_change(user.c, "new", on_iq, mark()));
        DO(mynah_roster_set(user.c, HIM, "n", NULL, 0, on_iq, mark()));
        DO((void)mynah_roster_fetch(user.c));
        DO(mynah_search_fields(user.c, SERVICE, on_directory, mark()));
        DO(mynah_search(user.c, SERVICE, NULL, NULL, 0, on_found, mark()));
        DO(mynah_vcard_get(user.c, HIM, on_vcard, mark()));
        DO(mynah_photo_share(user.c, true));
        DO(mynah_pubsub_subscribe(user.c, SERVICE, "n", NULL, NULL, on_subscribed, mark()));
        DO(mynah_pubsub_options(user.c, SERVICE, "n", NULL, NULL, on_form, mark()));
        DO(mynah_pubsub_subscriptions(user.c, SERVICE, NULL, on_subscriptions, mark()));
        DO(mynah_pubsub_affiliations(user.c, SERVICE, NULL, on_affiliates, mark()));
        DO(mynah_pubsub_items(user.c, SERVICE, "n", NULL, on_published, mark()));
        DO(mynah_pubsub_publish(user.c, SERVICE, "n", "1", NULL, NULL, on_text, mark()));
        DO(mynah_pubsub_create(user.c, SERVICE, NULL, NULL, on_text, mark()));
        DO(mynah_pubsub_config(user.c, SERVICE, "n", on_form, mark()));
        DO(mynah_pubsub_subscribers(user.c, SERVICE, "n", on_subscriptions, mark()));
        DO(mynah_pubsub_affiliates(user.c, SERVICE, "n", on_affiliates, mark()));
        DO(mynah_initiate(user.c, HIM,
                          &(struct mynah_initiation){sizeof(struct mynah_initiation), "urn:p"},
                          NULL, on_initiated, mark()));
        DO(mynah_oob_offer(user.c, HIM, "http://x.test/", NULL, on_iq, mark()));
        DO(mynah_room_by_affiliation(user.room, MYNAH_MEMBER, on_room_list, mark()));
        DO(mynah_room_by_role(user.room, MYNAH_VISITOR, on_room_list, mark()));
        DO(mynah_room_config(user.room, on_room_form, mark()));
        DO(mynah_room_set_role(user.room, "n", MYNAH_NO_ROLE, NULL, on_iq, mark()));
        DO(mynah_room_destroy(user.room, NULL, NULL, NULL, on_iq, mark()));
        DO(mynah_room_name(user.c, "rooms.test", on_text, mark()));
        DO((void)mynah_room_join(user.room, NULL, NULL));
        DO((void)mynah_room_send(user.room, "hi", NULL, NULL, NULL));
        DO((void)mynah_room_set_nick(user.room, "you"));
        DO(mynah_room_leave(user.room, NULL));
        DO((void)mynah_dialog_chat(user.dialog, "hi"));
        DO(mynah_dialog_typing(user.dialog));
        DO(open_stream(MYNAH_IBB));
        DO(open_stream(MYNAH_SOCKS5));
        DO((void)(user.stream && mynah_bytestream_write(user.stream, "bytes", 5)));
        DO(if (user.stream) mynah_bytestream_close(user.stream));
        DO(start_session());
        DO(say_in_session(MYNAH_SESSION_ACCEPT));
        DO(say_in_session(MYNAH_CONTENT_ADD));
        DO(say_in_session(MYNAH_TRANSPORT_REPLACE));
        DO(send_file());
        DO(mynah_presence_set(user.c, MYNAH_AVAILABLE, "here", 1));
        DO(negotiate());
    default:
        break;
    }
}
