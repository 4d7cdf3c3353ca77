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
