#include "im/error.h"

#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "im/lang.h"

/* Conditions of stanzas, of logins and of streams (RFC 6120, 8.3.3, 6.5, 4.9.3). */
static const struct {
    const char *condition, *text;
} rows[] = {
    {"account-disabled", N_("the account is disabled; ask who runs the server")},
    {"bad-request", N_("it was not understood there")},
    {"conflict", N_("that name is taken")},
    {"credentials-expired", N_("the password has expired")},
    {"encryption-required", N_("only with encryption")},
    {"feature-not-implemented", N_("nothing there can do that")},
    {"forbidden", N_("you may not do that")},
    {"gone", N_("it is not there any more")},
    {"host-unknown", N_("that server does not serve this domain")},
    {"internal-server-error", N_("something is broken there; try again later")},
    {"item-not-found", N_("there is no such thing")},
    {"jid-malformed", N_("that is no address")},
    {"malformed-request", N_("it was not understood there")},
    {"mechanism-too-weak", N_("the server wants a safer way to log in")},
    {"not-acceptable", N_("that is not accepted there")},
    {"not-allowed", N_("that is not allowed there")},
    {"not-authorized", N_("the name or the password is wrong")},
    {"policy-violation", N_("that is against the rules there")},
    {"recipient-unavailable", N_("they are not there now")},
    {"registration-required", N_("only who is a member may do that")},
    {"remote-server-not-found", N_("there is no such server")},
    {"remote-server-timeout", N_("that server does not answer")},
    {"resource-constraint", N_("that is too much now; try again later")},
    {"service-unavailable", N_("nobody there answers to that")},
    {"subscription-required", N_("only who is subscribed may do that")},
    {"system-shutdown", N_("the server is being stopped")},
    {"temporary-auth-failure", N_("the server cannot look now; try again later")},
};

static const char *meaning(const char *condition)
{
    for (size_t i = 0; i < MN_COUNT(rows); i++)
        if (!strcmp(rows[i].condition, condition))
            return _(rows[i].text);
    return NULL;
}

char *im_error_text(const struct mynah_error *e)
{
    const char *meant = e->condition ? meaning(e->condition) : NULL;
    struct mn_buf b = {0};

    if (!meant || e->code != MYNAH_E_STANZA)
        mn_buf_fmt(&b, "%s%s", _(mynah_code_text(e->code)), meant ? ": " : "");
    if (meant)
        mn_buf_fmt(&b, "%s (%s)", meant, e->condition);
    else if (e->condition)
        mn_buf_fmt(&b, ": %s", e->condition);
    if (e->text)
        mn_buf_fmt(&b, " - %s", e->text);
    mn_buf_c(&b, 0);
    return b.p;
}

char *im_certificate_text(const struct mynah_certificate *cert)
{
    static const struct {
        unsigned problem;
        const char *text;
    } problems[] = {
        {MYNAH_CERTIFICATE_ISSUER, N_("made by nobody who is trusted")},
        {MYNAH_CERTIFICATE_NAME, N_("for another server")},
        {MYNAH_CERTIFICATE_EXPIRED, N_("expired")},
        {MYNAH_CERTIFICATE_NOT_YET, N_("not valid yet")},
        {MYNAH_CERTIFICATE_REVOKED, N_("taken back by who made it")},
        {MYNAH_CERTIFICATE_NO_CA, N_("made by one who may make none")},
    };
    struct mn_buf b = {0};

    for (size_t i = 0; i < MN_COUNT(problems); i++)
        if (cert->problems & problems[i].problem)
            mn_buf_fmt(&b, "%s%s", b.n ? ", " : "", _(problems[i].text));
    if (!b.n || cert->problems & MYNAH_CERTIFICATE_OTHER)
        mn_buf_fmt(&b, "%s%s", b.n ? ", " : "", cert->why);
    mn_buf_c(&b, 0);
    return b.p;
}

char *im_vcard_unread(const struct mynah_error *e)
{
    struct mn_buf b = {0};
    char *text;

    if (!e || (e->condition && !strcmp(e->condition, "item-not-found")))
        return NULL;
    text = im_error_text(e);
    mn_buf_fmt(&b,
               _("the vCard that is there could not be read, so nothing was changed; try again "
                 "later: %s"),
               text);
    mn_buf_c(&b, 0);
    mn_free(text);
    return b.p;
}
