/* Certificates that nobody vouches for: the connection is given up, a person is asked, and the next
 * one goes on with what was answered. Once holds until the program ends, always is kept in a file
 * (im/pins.h). */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "apps/mynah/commands.h"
#include "apps/mynah/tui_question.h"
#include "im/error.h"
#include "im/lang.h"
#include "im/pins.h"

struct shown {
    struct mn_list link;
    struct question question;
    struct mynah_client *client; /* that waits; NULL: it is gone */
    void (*refused)(void);       /* the answer was no; or NULL */
    char *domain, *sha256;       /* that is asked about */
    char *once;                  /* that is trusted until the end; NULL */
    bool waits;                  /* the question is another's: of the same certificate */
};
static struct mn_list all = {&all, &all};

static struct shown *shown_of(struct mynah_client *c)
{
    struct shown *s;

    MN_LIST_EACH(n, &all)
    if (MN_OF(n, struct shown, link)->client == c)
        return MN_OF(n, struct shown, link);
    s = MN_NEW(struct shown);
    s->client = c;
    s->domain = mn_str_dup(mn_str_from(mynah_client_domain(c)));
    mn_list_init(&s->link);
    mn_list_add(&all, &s->link);
    return s;
}

static bool is_trusted_once(const char *domain, const char *sha256)
{
    MN_LIST_EACH(n, &all)
    {
        const struct shown *s = MN_OF(n, struct shown, link);

        if (s->once && !strcmp(s->once, sha256) && !strcmp(s->domain, domain))
            return true;
    }
    return false;
}

static void keep(struct shown *s)
{
    struct mn_arena a = {0};
    int e = im_pin_set(im_pins_path(&a), mn_str_from(s->domain), mn_str_from(s->sha256));

    if (e)
        tui_note(IM_ERROR, "%s: %s", im_pins_path(&a), mn_err_text(e));
    else
        tui_note(IM_NOTE, _("the certificate of %s is trusted from now on (/tls list)"), s->domain);
    mn_arena_done(&a, NULL);
}

static bool is_same(const struct shown *s, const struct shown *of)
{
    return !strcmp(s->domain, of->domain) && s->sha256 && of->sha256 &&
           !strcmp(s->sha256, of->sha256);
}

/* Who waits for the answer to its question; NULL: nobody does. */
static struct shown *waiting(const struct shown *of)
{
    MN_LIST_EACH(n, &all)
    {
        struct shown *s = MN_OF(n, struct shown, link);

        if (s->waits && is_same(s, of))
            return s;
    }
    return NULL;
}

static void settle(struct shown *s, enum answer answer)
{
    s->waits = false;
    if (answer == ANSWER_NO && s->refused) {
        s->refused();
        return;
    }
    if (answer == ANSWER_NO) {
        tui_note(IM_NOTE, _("the certificate of %s is not trusted; /connect %s tries again"),
                 s->domain, mynah_client_bare(s->client));
        return;
    }
    (void)!mynah_client_connect(s->client); /* or it was asked for meanwhile */
}

static void answered(struct question *q, enum answer answer)
{
    struct shown *s = MN_OF(q, struct shown, question), *other;

    if (answer != ANSWER_NO) {
        mn_free(s->once);
        s->once = mn_str_dup(mn_str_from(s->sha256));
    }
    if (answer == ANSWER_ALWAYS)
        keep(s);
    else if (answer == ANSWER_YES)
        tui_note(IM_NOTE, _("the certificate of %s is trusted until mynah ends"), s->domain);
    while ((other = waiting(s)))
        settle(other, answer);
    settle(s, answer);
}

/* It is asked no more, but for those who wait. */
static void question_leave(struct shown *s)
{
    struct shown *heir = s->question.text ? waiting(s) : NULL;

    if (heir) {
        heir->waits = false;
        heir->question.has_always = true;
        question_ask(&heir->question, NULL, NULL, s->question.text, answered);
    }
    question_drop(&s->question);
}

static bool is_asked(const struct shown *of)
{
    MN_LIST_EACH(n, &all)
    {
        const struct shown *s = MN_OF(n, struct shown, link);

        if (s != of && s->question.text && is_same(s, of))
            return true;
    }
    return false;
}

static void date(int64_t ms, char out[20])
{
    time_t at = (time_t)(ms / 1000);
    struct tm tm;

    strftime(out, 20, "%Y-%m-%d", localtime_r(&at, &tm));
}

static void ask(struct shown *s, const struct mynah_certificate *cert, const mn_str *kept)
{
    struct im_chat *page = im_chat_at(tui.im, 0);
    char text[400], from[20], to[20], *why;

    question_leave(s);
    mn_free(s->sha256);
    s->sha256 = mn_str_dup(mn_str_from(cert->sha256));
    s->waits = is_asked(s); /* several accounts of one server: one question */
    if (s->waits)
        return;
    page->unread++;
    page->mentioned = true;
    why = im_certificate_text(cert);
    im_note(page, kept ? IM_ERROR : IM_NOTE,
            kept ? _("%s shows ANOTHER certificate than the one that you trusted: %s. Somebody may "
                     "want to read along; ask who runs the server before you go on.")
                 : _("%s shows a certificate that is not trusted: %s"),
            s->domain, why);
    date(cert->not_before, from);
    date(cert->not_after, to);
    im_note(page, IM_NOTE, _("of %s, by %s, from %s to %s, SHA-256 %s"), cert->subject,
            cert->issuer, from, to, cert->sha256);
    if (kept)
        im_note(page, IM_NOTE, _("trusted until then: SHA-256 %.*s"), MN_ARG(*kept));
    snprintf(text, sizeof text, _("%.100s: is this certificate the right one? (%.200s)"), s->domain,
             why);
    mn_free(why);
    s->question.has_always = true;
    question_ask(&s->question, NULL, NULL, text, answered);
}

/* By another answer, or another program's: that holds for all who wait. */
static void trusted(struct shown *s)
{
    struct shown *other;

    s->waits = false;
    while (s->question.text && (other = waiting(s)))
        settle(other, ANSWER_YES);
    question_drop(&s->question);
}

bool certificate_trusted(struct mynah_client *c, const struct mynah_certificate *cert,
                         void (*refused)(void))
{
    struct shown *s = shown_of(c);
    struct mn_arena a = {0};
    mn_str kept;
    enum im_pin pin =
        im_pin_look(im_pins_path(&a), mn_str_from(s->domain), mn_str_from(cert->sha256), &a, &kept);
    bool yes = pin == IM_PIN_SAME || is_trusted_once(s->domain, cert->sha256);

    s->refused = refused;
    if (yes)
        trusted(s);
    else if (!(s->question.text || s->waits) || strcmp(s->sha256, cert->sha256) != 0)
        ask(s, cert, pin == IM_PIN_OTHER ? &kept : NULL);
    mn_arena_done(&a, NULL);
    return yes;
}

bool certificate_waits(const struct mynah_client *c)
{
    MN_LIST_EACH(n, &all)
    if (MN_OF(n, struct shown, link)->client == c)
        return MN_OF(n, struct shown, link)->question.text || MN_OF(n, struct shown, link)->waits;
    return false;
}

void certificate_forget(const struct mynah_client *c)
{
    MN_LIST_EACH(n, &all)
    {
        struct shown *s = MN_OF(n, struct shown, link);

        if (s->client != c)
            continue;
        question_leave(s);
        s->waits = false;
        s->client = NULL;
    }
}

void certificates_close(void)
{
    MN_LIST_EACH(n, &all)
    {
        struct shown *s = MN_OF(n, struct shown, link);

        question_drop(&s->question);
        mn_list_del(&s->link);
        mn_free(s->domain);
        mn_free(s->sha256);
        mn_free(s->once);
        mn_free(s);
    }
}

/* /tls. */

static void answer_first(enum answer answer)
{
    MN_LIST_EACH(n, &all)
    {
        struct shown *s = MN_OF(n, struct shown, link);

        if (s->question.text) {
            question_answer(&s->question, answer);
            return;
        }
    }
    tui_note(IM_ERROR, "%s", _("no certificate waits for an answer"));
}

static void tls_allow(char **args, int count)
{
    answer_first(ANSWER_YES);
}

static void tls_always(char **args, int count)
{
    answer_first(ANSWER_ALWAYS);
}

static void tls_deny(char **args, int count)
{
    answer_first(ANSWER_NO);
}

static size_t listed;

static void list_one(mn_str domain, mn_str sha256)
{
    listed++;
    tui_note(IM_NOTE, "%.*s: %.*s", MN_ARG(domain), MN_ARG(sha256));
}

/* It is trusted for good too, or another account has said so. */
static bool is_listed(const struct shown *s, struct mn_arena *a)
{
    mn_str kept;

    if (im_pin_look(im_pins_path(a), mn_str_from(s->domain), mn_str_from(s->once), a, &kept) ==
        IM_PIN_SAME)
        return true;
    MN_LIST_EACH(n, &all)
    {
        const struct shown *other = MN_OF(n, struct shown, link);

        if (other == s)
            break;
        if (other->once && !strcmp(other->once, s->once) && !strcmp(other->domain, s->domain))
            return true;
    }
    return false;
}

static void tls_list(char **args, int count)
{
    struct mn_arena a = {0};

    listed = 0;
    im_pins_each(im_pins_path(&a), list_one);
    MN_LIST_EACH(n, &all)
    {
        const struct shown *s = MN_OF(n, struct shown, link);

        if (!s->once || is_listed(s, &a))
            continue;
        tui_note(IM_NOTE, _("%s: %s, until mynah ends"), s->domain, s->once);
        listed++;
    }
    if (!listed)
        tui_note(IM_NOTE, "%s", _("no certificate is trusted by hand"));
    mn_arena_done(&a, NULL);
}

static void tls_forget(char **args, int count)
{
    struct mn_arena a = {0};
    int e = im_pin_set(im_pins_path(&a), mn_str_from(args[0]), (mn_str){0});

    MN_LIST_EACH(n, &all)
    {
        struct shown *s = MN_OF(n, struct shown, link);

        if (mn_str_eq_nocase(mn_str_from(s->domain), mn_str_from(args[0]))) {
            e = s->once && e == MN_E_NOT_FOUND ? MN_E_OK : e;
            mn_free(s->once);
            s->once = NULL;
        }
    }
    if (e == MN_E_NOT_FOUND)
        tui_note(IM_ERROR, _("no certificate of %s is trusted by hand"), args[0]);
    else if (e)
        tui_note(IM_ERROR, "%s: %s", im_pins_path(&a), mn_err_text(e));
    else
        tui_note(IM_NOTE, _("the certificate of %s is not trusted by hand any more"), args[0]);
    mn_arena_done(&a, NULL);
}

void do_tls(char **args, int count)
{
    static const struct command_part parts[] = {
        {"allow", 0, tls_allow}, {"always", 0, tls_always}, {"deny", 0, tls_deny},
        {"list", 0, tls_list},   {"forget", 1, tls_forget}, {0}};

    command_parts("tls", parts, args, count);
}
