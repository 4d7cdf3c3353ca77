#include "apps/mynah/wire.h"

#include "base/err.h"
#include "test.h"

static struct mn_buf told;

static void tell(void *arg, mn_str piece)
{
    mn_buf_fmt(&told, "%.*s\n", MN_ARG(piece));
}

/* The same whole and byte by byte. */
static void cuts(const char *in, const char *want)
{
    for (int step = 0; step < 2; step++) {
        struct wire w = {0};

        mn_buf_clear(&told);
        for (size_t i = 0, n = step ? 1 : strlen(in); i < strlen(in); i += n)
            wire_feed(&w, (mn_str){in + i, n}, tell, NULL);
        CHECK_STR(mn_buf_view(&told), want);
        wire_done(&w);
    }
    mn_buf_free(&told);
}

TEST(pieces_are_headers_elements_and_ends)
{
    cuts("<?xml version='1.0'?><stream:stream a='>'><a><b/></a> <c/></stream:stream>",
         "<?xml version='1.0'?><stream:stream a='>'>\n<a><b/></a>\n<c/>\n</stream:stream>\n");
    cuts("<stream:stream><auth/><stream:stream><m><b>x &lt; y</b></m>",
         "<stream:stream>\n<auth/>\n<stream:stream>\n<m><b>x &lt; y</b></m>\n");
    cuts("<r/><iq><q x=\"/>\"/></iq>", "<r/>\n<iq><q x=\"/>\"/></iq>\n");
}

TEST(what_is_no_xml_comes_out_too)
{
    cuts("</a></b>", "</a>\n</b>\n");
    cuts("a > b", "");
}

TEST(a_piece_has_an_end)
{
    struct wire w = {0};

    for (int i = 0; i < 3 * WIRE_PIECE_MAX; i++)
        wire_feed(&w, MN_STR("<"), tell, NULL);
    CHECK(told.n >= 3 * WIRE_PIECE_MAX);
    CHECK(w.piece.n < WIRE_PIECE_MAX);
    wire_done(&w);
    mn_buf_free(&told);
}
