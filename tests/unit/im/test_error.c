#include "im/error.h"

#include "base/err.h"
#include "test.h"

TEST(an_error_is_told_by_what_it_means)
{
    static const struct {
        struct mynah_error error;
        const char *text;
    } rows[] = {
        {{.code = MYNAH_E_TIMEOUT}, "no answer in time"},
        {{.code = MYNAH_E_STANZA}, "refused"},
        {{.code = MYNAH_E_STANZA, .condition = "forbidden"}, "you may not do that (forbidden)"},
        {{.code = MYNAH_E_STANZA, .condition = "odd"}, "refused: odd"},
        {{.code = MYNAH_E_LOGIN, .condition = "not-authorized", .text = "no"},
         "the login was refused: the name or the password is wrong (not-authorized) - no"},
        {{.code = MYNAH_E_CONNECT, .text = "x"}, "nobody answers - x"},
    };

    for (size_t i = 0; i < MN_COUNT(rows); i++) {
        char *text = im_error_text(&rows[i].error);

        CHECK_STR(mn_str_from(text), rows[i].text);
        mn_free(text);
    }
}

TEST(all_that_is_wrong_with_a_certificate_is_told)
{
    static const struct {
        struct mynah_certificate cert;
        const char *text;
    } rows[] = {
        {{.why = "self-signed certificate", .problems = MYNAH_CERTIFICATE_ISSUER},
         "made by nobody who is trusted"},
        {{.why = "x", .problems = MYNAH_CERTIFICATE_EXPIRED | MYNAH_CERTIFICATE_NAME},
         "for another server, expired"},
        {{.why = "x",
          .problems =
              MYNAH_CERTIFICATE_NOT_YET | MYNAH_CERTIFICATE_REVOKED | MYNAH_CERTIFICATE_NO_CA},
         "not valid yet, taken back by who made it, made by one who may make none"},
        {{.why = "a weak key", .problems = MYNAH_CERTIFICATE_OTHER}, "a weak key"},
        {{.why = "a weak key", .problems = MYNAH_CERTIFICATE_OTHER | MYNAH_CERTIFICATE_NAME},
         "for another server, a weak key"},
        {{.why = "not looked at"}, "not looked at"},
    };

    for (size_t i = 0; i < MN_COUNT(rows); i++) {
        char *text = im_certificate_text(&rows[i].cert);

        CHECK_STR(mn_str_from(text), rows[i].text);
        mn_free(text);
    }
}

TEST(a_vcard_is_put_over_none_that_was_not_read)
{
    static const struct {
        struct mynah_error error;
        bool may;
    } rows[] = {
        {{.code = MYNAH_E_STANZA, .condition = "item-not-found"}, true},
        {{.code = MYNAH_E_STANZA, .condition = "service-unavailable"}, false},
        {{.code = MYNAH_E_STANZA}, false},
        {{.code = MYNAH_E_TIMEOUT}, false},
        {{.code = MYNAH_E_FORMAT}, false},
        {{.code = MYNAH_E_LOST}, false},
    };

    CHECK(!im_vcard_unread(NULL));
    for (size_t i = 0; i < MN_COUNT(rows); i++) {
        char *why = im_vcard_unread(&rows[i].error);

        CHECK(rows[i].may == !why);
        mn_free(why);
    }
}
