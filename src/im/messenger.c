/* Accounts, and what holds all of it: windows are in chat.c, talks in said.c, rooms in room.c,
 * contacts in people.c. */
#include "im/messenger_parts.h"

static void state(void *arg, struct mynah_client *c, enum mynah_state s,
                  const struct mynah_error *why)
{
    struct im_account_state *a = arg;

    if (s == MYNAH_ONLINE)
        a->received = a->unkept = 0; /* what was not acknowledged comes again */
    TELL(a->im, state, a, s, why);
    if (s == MYNAH_ONLINE)
        bookmarks_enter(a);
    TELL(a->im, people);
}

static bool certificate(void *arg, struct mynah_client *c, const struct mynah_certificate *cert)
{
    struct im_account_state *a = arg;

    return a->im->calls.certificate && a->im->calls.certificate(a->im->arg, a, cert);
}

static void captcha(void *arg, struct mynah_client *c, const struct mynah_captcha *q)
{
    struct im_account_state *a = arg;
    char *bare = mynah_jid_bare(q->about);
    struct im_chat *chat = bare ? chat_find(a, bare) : NULL;

    (void)c;
    TELL(a->im, captcha, a, chat ? chat : a->im->chats[0], q);
    mynah_free(bare);
}

int im_connect(struct im *im, const struct mynah_client_config *config,
               struct im_account_state **out, char **why)
{
    static const struct mynah_calls calls = {.size = sizeof calls,
                                             .state = state,
                                             .certificate = certificate,
                                             .message = said_message,
                                             .again = said_again,
                                             .sent = said_sent};
    static const struct mynah_captcha_calls captchas = {sizeof captchas, captcha};
    struct im_account_state *a = MN_NEW(struct im_account_state);
    struct mynah_client_config held = *config;
    int e;

    held.hold_acks = im->history;
    e = mynah_client_new(im->ctx, &held, &a->client, why);
    *out = NULL;
    if (e) {
        mn_free(a);
        return e;
    }
    a->im = im;
    a->jid = copy(mynah_client_bare(a->client));
    mynah_client_set_data(a->client, a);
    im->accounts =
        mn_realloc(im->accounts, (im->account_count + 1) * sizeof(struct im_account_state *));
    im->accounts[im->account_count++] = a;
    mynah_listen(a->client, &calls, a);
    mynah_roster_listen(a->client, &people_calls, a);
    mynah_invitations_listen(a->client, &room_invitations, a);
    if (im->calls.captcha)
        mynah_captcha_listen(a->client, &captchas, a);
    mynah_presence_set(a->client, MYNAH_AVAILABLE, NULL, 0);
    if (im->history)
        session_restore(a);
    chats_open(a);
    mynah_client_connect(a->client);
    *out = a;
    return MYNAH_OK;
}

size_t im_account_count(const struct im *im)
{
    return im->account_count;
}

struct im_account_state *im_account_at(const struct im *im, size_t i)
{
    return i < im->account_count ? im->accounts[i] : NULL;
}

struct im *im_new(struct mynah_context *ctx, struct im_history *history,
                  const struct im_calls *calls, void *arg)
{
    struct im *im = MN_NEW(struct im);

    im->ctx = ctx;
    im->history = history;
    im->claimed = history && im_history_claim(history);
    im->arg = arg;
    memcpy(&im->calls, calls, calls->size < sizeof im->calls ? calls->size : sizeof im->calls);
    chat_new(im, NULL, "", "Mynah");
    return im;
}

/* What was said is in the history, and need not come again; unless that has `failed`. */
static void settled(struct im *im, bool failed)
{
    im->settling = false;
    for (size_t i = 0; i < im->account_count; i++) {
        struct im_account_state *a = im->accounts[i];

        a->unkept |= failed;
        if (!a->unkept)
            mynah_client_ack(a->client, a->received);
    }
}

/* Sessions come last: with whatever was changed. */
static void all_keep(struct im *im, bool ends)
{
    for (size_t i = 0; i < im->chat_count; i++)
        if (im->chats[i]->moved)
            chat_place_keep(im->chats[i]);
    for (size_t i = 0; i < im->account_count; i++)
        session_keep(im->accounts[i], ends);
}

int im_settle(struct im *im, bool last)
{
    int fd = -1, e;

    if (!im->history)
        return -1;
    if (im->settling && !im_history_keeping(im->history))
        settled(im, im_history_failed(im->history));
    if (!im->settling)
        all_keep(im, last);
    e = im_history_keep_aside(im->history, &fd);
    if (e)
        im_note(im->chats[0], IM_ERROR, _("the history cannot be written"));
    im->settling = fd >= 0;
    if (!im->settling)
        settled(im, e);
    return fd;
}

void im_free(struct im *im)
{
    im->calls = (struct im_calls){0};
    if (im->history)
        all_keep(im, true);
    while (im->chat_count) /* what is left is told of */
        chat_free(im->chats[--im->chat_count]);
    for (size_t i = 0; i < im->account_count; i++) {
        mynah_client_free(im->accounts[i]->client);
        mn_free(im->accounts[i]->jid);
        mn_free(im->accounts[i]);
    }
    people_done(im);
    mn_free(im->accounts);
    mn_free(im->chats);
    mn_free(im);
}
