/* Contacts by their names, who came and went, who asks to see when we are online. */
#include "im/messenger_parts.h"

#include "im/error.h"

/* Who waits behind so many is told of by the server at the next login again. */
enum { ASKED_MAX = 50 };

struct asked {
    struct im_account_state *account;
    char *jid;
};

const char *im_name(struct im_account_state *a, const char *jid)
{
    const struct mynah_contact *k = mynah_roster_find(a->client, jid);
    char *user;

    if (k && k->name && *k->name)
        return k->name;
    user = mynah_jid_user(jid);
    mynah_free(a->im->name);
    a->im->name = user ? user : copy(jid);
    return a->im->name;
}

/* Talks that were there before the roster was, and what somebody said in them. */
static void named(struct im_account_state *a)
{
    for (size_t i = 1; i < a->im->chat_count; i++) {
        struct im_chat *chat = a->im->chats[i];
        bool person = chat->account == a && !chat->room && !chat->occupant;
        const char *name = person ? im_name(a, chat->jid) : chat->title;

        if (!strcmp(name, chat->title))
            continue;
        for (size_t k = 0; k < chat->count; k++) {
            struct im_line *l = &chat->lines[k];

            if (l->kind == IM_SAID && !l->ours && !strcmp(l->who, chat->title)) {
                mn_free(l->who);
                l->who = copy(name);
            }
        }
        mn_free(chat->title);
        chat->title = copy(name);
        changed(chat);
    }
}

static void roster_ready(void *arg, struct mynah_client *c)
{
    struct im_account_state *a = arg;

    a->roster_changed = true;
    named(a);
    TELL(a->im, people);
}

static void roster_failed(void *arg, struct mynah_client *c, const struct mynah_error *why)
{
    struct im_account_state *a = arg;
    char *text = im_error_text(why);

    im_note(a->im->chats[0], IM_ERROR, _("%s: the roster cannot be read: %s"), a->jid, text);
    mn_free(text);
}

static void roster_removed(void *arg, struct mynah_client *c, const char *jid)
{
    struct im_account_state *a = arg;

    a->roster_changed = true;
    TELL(a->im, people);
}

static void roster_presence(void *arg, struct mynah_client *c, const struct mynah_contact *k,
                            const struct mynah_resource *r)
{
    TELL(((struct im_account_state *)arg)->im, people);
}

static size_t asked_find(const struct im *im, const struct im_account_state *a, const char *jid)
{
    for (size_t i = 0; i < im->asked_count; i++)
        if (im->asked[i].account == a && !strcmp(im->asked[i].jid, jid))
            return i;
    return im->asked_count;
}

/* It was answered, here or by another program of ours. */
static void asked_over(struct im_account_state *a, const char *jid)
{
    struct im *im = a->im;
    size_t i = asked_find(im, a, jid);
    char *gone;

    if (i == im->asked_count)
        return;
    gone = im->asked[i].jid;
    memmove(&im->asked[i], &im->asked[i + 1], (--im->asked_count - i) * sizeof *im->asked);
    TELL(im, answered, a, gone);
    mn_free(gone);
}

static void roster_changed(void *arg, struct mynah_client *c, const struct mynah_contact *k)
{
    struct im_account_state *a = arg;

    if (k->subscription == MYNAH_FROM || k->subscription == MYNAH_BOTH)
        asked_over(a, k->jid);
    a->roster_changed = true;
    named(a);
    TELL(a->im, people);
}

static void roster_asked(void *arg, struct mynah_client *c, const char *from, const char *text)
{
    struct im_account_state *a = arg;
    struct im *im = a->im;

    if (asked_find(im, a, from) < im->asked_count || im->asked_count == ASKED_MAX)
        return;
    im->asked = mn_realloc(im->asked, (im->asked_count + 1) * sizeof *im->asked);
    im->asked[im->asked_count++] = (struct asked){a, copy(from)};
    TELL(im, asked, a, from);
}

const struct mynah_roster_calls people_calls = {.size = sizeof people_calls,
                                                .ready = roster_ready,
                                                .changed = roster_changed,
                                                .removed = roster_removed,
                                                .presence = roster_presence,
                                                .asked = roster_asked,
                                                .failed = roster_failed};

const char *im_asked_at(const struct im *im, size_t i, struct im_account_state **account)
{
    if (i >= im->asked_count)
        return NULL;
    *account = im->asked[i].account;
    return im->asked[i].jid;
}

bool im_answer(struct im_account_state *a, const char *jid, bool yes)
{
    const struct mynah_contact *k = mynah_roster_find(a->client, jid);
    bool asks =
        yes && !(k && (k->asked || k->subscription == MYNAH_TO || k->subscription == MYNAH_BOTH));

    mynah_subscription_send(a->client, jid, yes ? MYNAH_SUBSCRIBED : MYNAH_UNSUBSCRIBED, NULL);
    if (asks)
        mynah_subscription_send(a->client, jid, MYNAH_SUBSCRIBE, NULL);
    asked_over(a, jid);
    return asks;
}

void people_done(struct im *im)
{
    for (size_t i = 0; i < im->asked_count; i++)
        mn_free(im->asked[i].jid);
    mn_free(im->asked);
    mynah_free(im->name);
}
