#include "xmpp/xml.h"

#include <dirent.h>
#include <stdlib.h>

#include "test.h"

static const struct mn_xml_limits limits = {10000, 20, 30};
static const char header[] = "<?xml version='1.0'?><stream:stream to='x' xmlns='jabber:client' "
                             "xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>";

/* The events of a stream as text; pieces[i] are the places where the input is cut. */
static mn_str events(mn_str in, size_t piece, size_t first)
{
    static struct mn_buf out;
    struct mn_xml *x = mn_xml_new(&limits);
    size_t at = 0;
    int e = 0;

    mn_buf_clear(&out);
    while (at < in.n && e >= 0 && e != MN_XML_CLOSE) {
        size_t n = at == 0 && first ? first : piece;
        char *copy;

        n = n > in.n - at ? in.n - at : n;
        copy = mn_alloc(n); /* its own memory, so that a byte too far is seen */
        memcpy(copy, in.p + at, n);
        mn_xml_feed(x, (mn_str){copy, n});
        at += n;
        for (;;) {
            struct mn_arena a = {0};
            struct mn_xml_item item;

            e = mn_xml_next(x, &a, &item);
            if (e > 0)
                mn_buf_fmt(&out, "%d:%u:", e, item.flags);
            if (e == MN_XML_ELEM || e == MN_XML_OPEN)
                mn_elem_write(&out, item.elem, MN_STR(""));
            if (e == MN_XML_ELEM) {
                mn_buf_lit(&out, "|");
                mn_buf_str(&out, item.inner);
            }
            mn_arena_done(&a, NULL);
            if (e <= 0 || e == MN_XML_CLOSE)
                break;
        }
        if (e >= 0)
            mn_xml_keep(x);
        mn_free(copy);
    }
    if (e < 0)
        mn_buf_fmt(&out, "error %d", e);
    mn_xml_free(x);
    return mn_buf_view(&out);
}

static mn_str stream_of(mn_str bytes)
{
    static struct mn_buf b;

    mn_buf_clear(&b);
    mn_buf_str(&b, mn_str_from(header));
    mn_buf_str(&b, bytes);
    return mn_buf_view(&b);
}

static int error_of(mn_str ev)
{
    for (size_t i = 0; i + 7 < ev.n; i++)
        if (!memcmp(ev.p + i, "error -", 7))
            return -(int)strtol(ev.p + i + 7, NULL, 10);
    return 0;
}

static bool wanted(mn_str want, int e)
{
    switch (e) {
    case 0: /* the rest of these rows is the server's business */
        return mn_str_starts(want, MN_STR("none")) ||
               mn_str_starts(want, MN_STR("unsupported-stanza")) ||
               mn_str_starts(want, MN_STR("invalid-namespace"));
    case MN_E_XML:
        return memmem(want.p, want.n, "not-well-formed", 15);
    case MN_E_RESTRICTED:
        return mn_str_starts(want, MN_STR("restricted-xml"));
    case MN_E_FORMAT:
        return mn_str_starts(want, MN_STR("bad-format"));
    }
    return false;
}

TEST(stream_rows_deserve_their_errors_wherever_they_are_cut)
{
    mn_str file = test_file("tests/vectors/xml-stream.tsv"), text = file, col[3];

    while (test_row(&text, col, 3)) {
        mn_str bytes = test_unhex(col[2]), in = stream_of(bytes), ev;
        struct mn_buf whole = {0};
        int e;

        ev = events(in, in.n, 0);
        mn_buf_str(&whole, ev);
        mn_buf_c(&whole, 0);
        e = error_of(mn_buf_view(&whole));
        whole.n--;
        if (!wanted(col[1], e))
            test_fail(__FILE__, __LINE__, "%.*s gave %d: %.*s", MN_ARG(col[0]), e,
                      MN_ARG(mn_buf_view(&whole)));
        if (!mn_str_eq(events(in, 1, 0), mn_buf_view(&whole)))
            test_fail(__FILE__, __LINE__, "%.*s differs byte by byte: %.*s", MN_ARG(col[0]),
                      MN_ARG(events(in, 1, 0)));
        for (size_t cut = 1; cut < in.n; cut++)
            if (!mn_str_eq(events(in, in.n, cut), mn_buf_view(&whole)))
                test_fail(__FILE__, __LINE__, "%.*s differs when cut at %zu", MN_ARG(col[0]), cut);
        mn_buf_free(&whole);
        mn_free((void *)bytes.p);
    }
    mn_free((void *)file.p);
}

static void same_wherever_it_is_cut(const char *name, mn_str in)
{
    struct mn_buf whole = {0};

    mn_buf_str(&whole, events(in, in.n, 0));
    if (!mn_str_eq(events(in, 1, 0), mn_buf_view(&whole)))
        test_fail(__FILE__, __LINE__, "%s differs byte by byte", name);
    for (size_t cut = 1; cut < in.n; cut++)
        if (!mn_str_eq(events(in, in.n, cut), mn_buf_view(&whole)))
            test_fail(__FILE__, __LINE__, "%s differs when cut at %zu", name, cut);
    mn_buf_free(&whole);
}

/* What the fuzzers have found worth keeping, as the start of a connection and inside a stream. */
TEST(every_file_of_the_corpora_is_the_same_wherever_it_is_cut)
{
    static const char *const corpora[] = {"xml", "stanza", "server"};
    size_t files = 0;

    for (size_t i = 0; i < MN_COUNT(corpora); i++) {
        struct mn_arena a = {0};
        const char *folder = mn_arena_fmt(&a, "tests/fuzz/corpus/%s", corpora[i]).p;
        DIR *d = opendir(mn_arena_fmt(&a, "%s/%s", TEST_ROOT, folder).p);
        const struct dirent *e;

        CHECK(d);
        while (d && (e = readdir(d))) {
            const char *path = mn_arena_fmt(&a, "%s/%s", folder, e->d_name).p;
            mn_str text;

            if (e->d_name[0] == '.')
                continue;
            text = test_file(path);
            if (text.n && text.n < 4000) {
                same_wherever_it_is_cut(path, text);
                same_wherever_it_is_cut(path, stream_of(text));
                files++;
            }
            mn_free((void *)text.p);
        }
        if (d)
            closedir(d);
        mn_arena_done(&a, NULL);
    }
    CHECK(files > 100);
}

TEST(utf8_rows_in_text_and_in_values)
{
    mn_str file = test_file("tests/vectors/utf8.tsv"), text = file, col[4];

    while (test_row(&text, col, 4)) {
        mn_str bytes = test_unhex(col[2]);
        bool ok = mn_str_is(col[1], "ok");
        const char *forms[] = {"<message><body>%.*s</body></message>", "<message a='%.*s'/>",
                               "<message><![CDATA[%.*s]]></message>"};

        for (size_t i = 0; i < 3; i++) {
            struct mn_buf b = {0};
            const char *mark = strstr(forms[i], "%.*s");
            int e;

            mn_buf_str(&b, mn_str_from(header));
            mn_buf_add(&b, forms[i], (size_t)(mark - forms[i]));
            mn_buf_str(&b, bytes);
            mn_buf_str(&b, mn_str_from(mark + 4));
            e = error_of(events(mn_buf_view(&b), b.n, 0));
            if (ok != !e)
                test_fail(__FILE__, __LINE__, "%.*s in form %zu: %d", MN_ARG(col[0]), i, e);
            mn_buf_free(&b);
        }
        mn_free((void *)bytes.p);
    }
    mn_free((void *)file.p);
}

TEST(payloads_that_do_not_stand_alone_are_flagged)
{
    static const struct {
        const char *xml;
        unsigned flags;
        const char *inner;
    } rows[] = {
        {"<message><body>x</body></message>", 0, "<body>x</body>"},
        {"<message/>", 0, ""},
        {"<message to='a'><y xmlns='u'><z/></y></message>", 0, "<y xmlns='u'><z/></y>"},
        {"<message><p:y xmlns:p='u'/></message>", 0, "<p:y xmlns:p='u'/>"},
        {"<message xmlns:p='u'><p:y/></message>", MN_XML_NOT_ALONE, "<p:y/>"},
        {"<message><y xmlns='u' stream:a='b'/></message>", MN_XML_NOT_ALONE,
         "<y xmlns='u' stream:a='b'/>"},
        {"<message><stream:y/></message>", MN_XML_NOT_ALONE, "<stream:y/>"},
        {"<message><y xmlns='jabber:client'/></message>", MN_XML_NOT_ALONE,
         "<y xmlns='jabber:client'/>"},
        {"<message><y xmlns='u'><z xmlns='jabber:server'/></y></message>", MN_XML_NOT_ALONE,
         "<y xmlns='u'><z xmlns='jabber:server'/></y>"},
        {"<m:message xmlns:m='jabber:client' xmlns='u'><y/></m:message>", MN_XML_NOT_ALONE, "<y/>"},
        {"<m:message xmlns:m='jabber:client' xmlns='jabber:server'><y/></m:message>",
         MN_XML_NOT_ALONE, "<y/>"},
        {"<message><y xmlns='u' xml:lang='de'/></message>", 0, "<y xmlns='u' xml:lang='de'/>"},
        {"<message>a<b/>c &lt;</message  >", 0, "a<b/>c &lt;"},
    };

    for (size_t i = 0; i < MN_COUNT(rows); i++) {
        struct mn_xml *x = mn_xml_new(&limits);
        struct mn_arena a = {0};
        struct mn_xml_item item;

        mn_xml_feed(x, stream_of(mn_str_from(rows[i].xml)));
        CHECK_INT(mn_xml_next(x, &a, &item), MN_XML_OPEN);
        CHECK_STR(item.default_ns, "jabber:client");
        CHECK_INT(mn_xml_next(x, &a, &item), MN_XML_ELEM);
        CHECK_STR(item.inner, rows[i].inner);
        if (item.flags != rows[i].flags)
            test_fail(__FILE__, __LINE__, "%s: flags %u", rows[i].xml, item.flags);
        CHECK_INT(mn_xml_next(x, &a, &item), MN_XML_NOTHING);
        mn_arena_done(&a, NULL);
        mn_xml_free(x);
    }
}

TEST(limits_hold_also_for_what_is_not_finished)
{
    struct mn_buf b = {0};

    mn_buf_str(&b, MN_STR("<message><body>"));
    memset(mn_buf_room(&b, 20000), 'x', 20000);
    b.n += 20000;
    CHECK_INT(error_of(events(stream_of(mn_buf_view(&b)), 700, 0)), MN_E_LIMIT);
    mn_buf_clear(&b);
    for (int i = 0; i < 21; i++)
        mn_buf_str(&b, MN_STR("<a>"));
    CHECK_INT(error_of(events(stream_of(mn_buf_view(&b)), 1, 0)), MN_E_LIMIT);
    b.n -= 3;
    mn_buf_str(&b, MN_STR("<a/>"));
    CHECK_INT(error_of(events(stream_of(mn_buf_view(&b)), 1, 0)), MN_E_LIMIT);
    mn_buf_clear(&b);
    mn_buf_str(&b, MN_STR("<a "));
    for (int i = 0; i < 31; i++)
        mn_buf_fmt(&b, " a%d='1'", i);
    mn_buf_str(&b, MN_STR("/>"));
    CHECK_INT(error_of(events(stream_of(mn_buf_view(&b)), b.n + 500, 0)), MN_E_LIMIT);
    for (int more = 0; more < 2; more++) { /* 60 declarations hold in the payload; 61 */
        mn_buf_clear(&b);
        for (int level = 0; level < 4; level++) {
            mn_buf_str(&b, MN_STR("<a"));
            for (int i = 0; i < 20 + (level == 3 ? more : 0); i++)
                mn_buf_fmt(&b, " xmlns:a%d_%d='1'", level, i);
            mn_buf_str(&b, MN_STR(">"));
        }
        mn_buf_str(&b, MN_STR("</a><a xmlns:b='1'/></a></a></a>"));
        CHECK_INT(error_of(events(stream_of(mn_buf_view(&b)), b.n + 500, 0)),
                  more ? MN_E_LIMIT : 0);
    }
    mn_buf_free(&b);
}

/* Few bytes that would be many when they are written anew. */
TEST(what_prefixes_stand_for_is_bounded)
{
    static const struct {
        const char *open, *each;
    } rows[] = {
        {"<message xmlns:p='%s'>", "<p:a/>"},
        {"<message xmlns:p='%s'>", "<a p:b=''/>"},
        {"<message><x xmlns='%s' xmlns:p='u'>", "<p:a><b/></p:a>"},
        {"<x:message xmlns:x='jabber:client' xmlns='%s'>", "<a/>"},
    };

    for (size_t i = 0; i < MN_COUNT(rows); i++)
        for (int more = 0; more < 2; more++) {
            char uri[101] = {0};
            struct mn_buf b = {0};

            memset(uri, 'u', 100);
            mn_buf_fmt(&b, rows[i].open, uri);
            for (size_t n = 0; n < (more ? limits.bytes / 100 + 1 : 50); n++)
                mn_buf_str(&b, mn_str_from(rows[i].each));
            mn_buf_str(&b, i == 2 ? MN_STR("</x></message>") : MN_STR(""));
            mn_buf_str(&b, i == 3 ? MN_STR("</x:message>") : MN_STR(""));
            mn_buf_str(&b, i < 2 ? MN_STR("</message>") : MN_STR(""));
            CHECK(b.n < limits.bytes);
            CHECK_INT(error_of(events(stream_of(mn_buf_view(&b)), 700, 0)), more ? MN_E_LIMIT : 0);
            mn_buf_free(&b);
        }
}

/* Written anew, each attribute with a namespace declares it: nobody's reader is to fail on that. */
TEST(what_is_written_anew_is_within_the_limits_of_others)
{
    static const struct mn_xml_limits others = {1 << 20, 60, 100};
    struct mn_arena a = {0};
    struct mn_elem *e;

    for (int levels = 1; levels < 18; levels++) {
        struct mn_buf b = {0}, anew = {0};
        int result;

        mn_buf_lit(&b, "<m xmlns='u' xmlns:p='v'>");
        for (int i = 0; i < levels; i++) {
            mn_buf_lit(&b, "<a");
            for (int k = 0; k < 20; k++)
                mn_buf_fmt(&b, " p:b%d=''", k);
            mn_buf_lit(&b, ">");
        }
        for (int i = 0; i < levels; i++)
            mn_buf_lit(&b, "</a>");
        mn_buf_lit(&b, "</m>");
        result = mn_xml_parse(mn_buf_view(&b), &limits, &a, &e);
        CHECK_INT(result, levels > 3 ? MN_E_LIMIT : 0);
        if (!result) {
            mn_elem_write(&anew, e, MN_STR(""));
            CHECK_INT(mn_xml_parse(mn_buf_view(&anew), &others, &a, &e), 0);
        }
        mn_buf_free(&anew);
        mn_buf_free(&b);
    }
    mn_arena_done(&a, NULL);
}

TEST(a_fault_before_the_limit_is_that_fault_wherever_it_is_cut)
{
    struct mn_buf b = {0};

    mn_buf_str(&b, MN_STR("<a><1>"));
    memset(mn_buf_room(&b, 20000), 'x', 20000);
    b.n += 20000;
    CHECK_INT(error_of(events(stream_of(mn_buf_view(&b)), 1, 0)), MN_E_XML);
    CHECK_INT(error_of(events(stream_of(mn_buf_view(&b)), b.n + 500, 0)), MN_E_XML);
    mn_buf_free(&b);
}

TEST(references_may_have_leading_zeros)
{
    struct mn_arena a = {0};
    struct mn_elem *e;

    CHECK_INT(mn_xml_parse(MN_STR("<a>&#x0000000041;&#00000000066;</a>"), &limits, &a, &e), 0);
    CHECK_STR(mn_elem_text(e, &a), "AB");
    CHECK_INT(mn_xml_parse(MN_STR("<a>&#4294967361;</a>"), &limits, &a, &e), MN_E_XML);
    mn_arena_done(&a, NULL);
}

TEST(headers_are_read_with_their_declaration)
{
    static const struct {
        const char *xml;
        int error;
    } rows[] = {
        {"<stream:stream xmlns:stream='http://etherx.jabber.org/streams' xmlns='jabber:client'>",
         0},
        {"<?xml version=\"1.0\" encoding=\"utf-8\" ?>\n<a>", 0},
        {"<?xml version='1.0' encoding='UTF-16'?><a>", MN_E_DENIED},
        {"<?xml encoding='UTF-8'?><a>", MN_E_XML},
        {"<?xml version='1.0'><a>", MN_E_XML},
        {"<?xml version='1.0' standalone='no'?><a>", 0},
        {"<?xml version='1.0' standalone='maybe'?><a>", MN_E_XML},
        {"<?xml version='1.0'encoding='UTF-8'?><a>", MN_E_XML},
        {"<?xml version='1.0' version='1.0'?><a>", MN_E_XML},
        {"<?xml version='&#49;.0'?><a>", MN_E_XML},
        {"\r\n <a>", 0},
        {" <?xml version='1.0'?> <a>", 0},
        {"<?xmlx version='1.0'?><a>", MN_E_RESTRICTED},
        {"hello", MN_E_XML},
        {"<stream:stream>", MN_E_XML},
        {"<!DOCTYPE x><a>", MN_E_RESTRICTED},
    };

    for (size_t i = 0; i < MN_COUNT(rows); i++) {
        int e = error_of(events(mn_str_from(rows[i].xml), 1, 0));

        if (e != rows[i].error)
            test_fail(__FILE__, __LINE__, "%s: %d", rows[i].xml, e);
    }
}

TEST(a_restart_takes_a_new_header_and_a_drop_forgets)
{
    struct mn_xml *x = mn_xml_new(&limits);
    struct mn_arena a = {0};
    struct mn_xml_item item;
    struct mn_buf b = {0};

    mn_buf_str(&b, mn_str_from(header));
    mn_buf_str(&b, MN_STR("<auth/>"));
    mn_buf_str(&b, mn_str_from(header));
    mn_buf_str(&b, MN_STR("<iq/> \n</stream:stream>"));
    mn_xml_feed(x, mn_buf_view(&b));
    CHECK_INT(mn_xml_next(x, &a, &item), MN_XML_OPEN);
    CHECK_INT(mn_xml_next(x, &a, &item), MN_XML_ELEM);
    mn_xml_restart(x);
    CHECK_INT(mn_xml_next(x, &a, &item), MN_XML_OPEN);
    CHECK_INT(mn_xml_next(x, &a, &item), MN_XML_ELEM);
    CHECK_STR(item.elem->name, "iq");
    CHECK_INT(mn_xml_next(x, &a, &item), MN_XML_CLOSE);
    mn_xml_free(x);
    x = mn_xml_new(&limits);
    mn_xml_feed(x, mn_buf_view(&b));
    CHECK_INT(mn_xml_next(x, &a, &item), MN_XML_OPEN);
    CHECK_INT(mn_xml_next(x, &a, &item), MN_XML_ELEM);
    mn_xml_drop(x);
    mn_xml_restart(x);
    CHECK_INT(mn_xml_next(x, &a, &item), MN_XML_NOTHING);
    CHECK_INT((long long)mn_xml_held(x), 0);
    mn_xml_free(x);
    mn_buf_free(&b);
    mn_arena_done(&a, NULL);
}

TEST(white_space_before_a_later_header_belongs_to_the_stream_before)
{
    static const char old[] = "<stream:stream xmlns='jabber:client' "
                              "xmlns:stream='http://etherx.jabber.org/streams'><auth/>\n",
                      more[] = "\r\n<?xml version='1.0'?>\n<stream:stream xmlns='jabber:client' "
                               "xmlns:stream='http://etherx.jabber.org/streams'> <iq/>";
    struct mn_xml *x = mn_xml_new(&limits);
    struct mn_arena a = {0};
    struct mn_xml_item item;

    mn_xml_feed(x, mn_str_from(old));
    CHECK_INT(mn_xml_next(x, &a, &item), MN_XML_OPEN);
    CHECK_INT(mn_xml_next(x, &a, &item), MN_XML_ELEM);
    mn_xml_restart(x);
    CHECK_INT(mn_xml_next(x, &a, &item), MN_XML_NOTHING);
    for (const char *c = more; c[1]; c++) {
        mn_xml_keep(x);
        mn_xml_feed(x, (mn_str){c, 1});
        CHECK_INT(mn_xml_next(x, &a, &item),
                  c[1] == ' ' && c[2] == '<' ? MN_XML_OPEN : MN_XML_NOTHING);
    }
    mn_xml_keep(x);
    mn_xml_feed(x, MN_STR(">"));
    CHECK_INT(mn_xml_next(x, &a, &item), MN_XML_ELEM);
    mn_xml_free(x);
    mn_arena_done(&a, NULL);
}

TEST(what_is_built_is_read_back_the_same)
{
    struct mn_arena a = {0};
    struct mn_elem *e = mn_elem_new(&a, MN_NS_CLIENT, "iq"), *q, *back;
    struct mn_buf b = {0}, again = {0};

    mn_elem_set(&a, e, "id", MN_STR("a'b\"c<&>\n"));
    mn_elem_set(&a, e, "id", MN_STR("a'b\"c<&>\n\t"));
    q = mn_elem_add(&a, e, MN_NS_ROSTER, "query");
    for (int i = 0; i < 9; i++)
        mn_elem_set(&a, q, mn_arena_cstr(&a, mn_arena_fmt(&a, "n%d", i)), MN_STR("v"));
    mn_elem_set_lang(&a, q, MN_STR("zh"));
    mn_elem_put_text(&a, q, MN_STR("x < y & z ]]> \xe5\x8c\x97"));
    mn_elem_add_text(&a, q, MN_NS_ROSTER, "item", MN_STR("t"));
    mn_elem_write(&b, e, MN_STR(""));
    CHECK_INT(mn_xml_parse(mn_buf_view(&b), &limits, &a, &back), 0);
    CHECK_STR(mn_elem_get(back, "id"), "a'b\"c<&>\n\t");
    mn_elem_write(&again, back, MN_STR(""));
    CHECK(mn_str_eq(mn_buf_view(&b), mn_buf_view(&again)));
    mn_buf_clear(&again);
    mn_elem_write(&again, mn_elem_copy(&a, back), MN_STR(""));
    CHECK(mn_str_eq(mn_buf_view(&b), mn_buf_view(&again)));
    CHECK_STR(mn_elem_lang(mn_elem_child(back, MN_NS_ROSTER, "query")), "zh");
    CHECK(!mn_elem_child(back, MN_NS_CLIENT, "query"));
    CHECK_STR(mn_elem_child_text(mn_elem_first(back), MN_NS_ROSTER, "item", &a), "t");
    mn_buf_free(&b);
    mn_buf_free(&again);
    mn_arena_done(&a, NULL);
}

/* What is written anew goes to others and into the store: it must count on nothing around it. */
TEST(reserved_prefixes_survive_writing)
{
    struct mn_arena a = {0};
    struct mn_xml *x = mn_xml_new(&limits);
    struct mn_xml_item item;
    struct mn_elem *back;
    struct mn_buf b = {0};

    mn_xml_feed(x, stream_of(MN_STR("<message><stream:y stream:a='1'><z/></stream:y>"
                                    "<xml:y xml:lang='de'><z/></xml:y></message>")));
    CHECK_INT(mn_xml_next(x, &a, &item), MN_XML_OPEN);
    CHECK_INT(mn_xml_next(x, &a, &item), MN_XML_ELEM);
    mn_elem_write(&b, item.elem, MN_STR(""));
    CHECK_INT(mn_xml_parse(mn_buf_view(&b), &limits, &a, &back), 0);
    CHECK(mn_elem_child(mn_elem_child(back, MN_NS_STREAM, "y"), MN_NS_CLIENT, "z"));
    CHECK_STR(mn_elem_lang(mn_elem_child(back, MN_NS_XML, "y")), "de");
    CHECK(mn_elem_child(mn_elem_child(back, MN_NS_XML, "y"), MN_NS_CLIENT, "z"));
    mn_xml_free(x);
    mn_buf_free(&b);
    mn_arena_done(&a, NULL);
}

TEST(an_end_tag_that_does_not_fit_is_told_at_once)
{
    static const struct {
        const char *in;
        int code;
    } rows[] = {
        {"<message><body>No closing tag!</message>", MN_E_XML},
        {"<a><b/><c></c></d>", MN_E_XML},
        {"<a><b x='</c>'><![CDATA[</x>]]></a>", MN_E_XML},
        {"<a><ab></a>", MN_E_XML},
        {"<a>&x;<b></a>", MN_E_RESTRICTED},
        {"<a><b x='</c>'><![CDATA[</x>]]></b >", MN_XML_NOTHING},
        {"<a><b/ ><c>", MN_XML_NOTHING},
    };

    for (size_t i = 0; i < MN_COUNT(rows); i++) {
        struct mn_xml *x = mn_xml_new(&limits);
        struct mn_arena a = {0};
        struct mn_xml_item item;
        int code = 0;

        mn_xml_feed(x, MN_STR("<s:s xmlns='c' xmlns:s='s'>"));
        CHECK_INT(mn_xml_next(x, &a, &item), MN_XML_OPEN);
        mn_xml_keep(x);
        for (const char *p = rows[i].in; *p && code >= 0; p++) { /* byte by byte */
            mn_xml_feed(x, (mn_str){p, 1});
            code = mn_xml_next(x, &a, &item);
            if (code >= 0)
                mn_xml_keep(x);
        }
        CHECK_INT(code, rows[i].code);
        mn_xml_free(x);
        mn_arena_done(&a, NULL);
    }
}

TEST(what_stands_behind_a_declaration_is_a_document)
{
    static const struct {
        const char *in, *out;
    } rows[] = {
        {"<a/>", "<a/>"},
        {"<?xml version='1.0'?><a/>", "<a/>"},
        {"\xef\xbb\xbf<?xml version='1.0'?>\n<a/>", "\n<a/>"},
        {"\xef\xbb\xbf<a/>", "<a/>"},
        {"<?xml-stylesheet?><a/>", "<?xml-stylesheet?><a/>"},
        {"<?xml version", ""},
        {"", ""},
    };

    for (size_t i = 0; i < MN_COUNT(rows); i++)
        CHECK_STR(mn_xml_undeclared(mn_str_from(rows[i].in)), rows[i].out);
}
