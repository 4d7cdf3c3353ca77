#include "mynah/vcard.h"

#include "unit/client/talk.h"

static void came(void *arg, struct mynah_client *c, const struct mynah_vcard *v,
                 const struct mynah_error *error)
{
    (void)arg;
    (void)c;
    CHECK(!v != !error);
    if (error) {
        note("vcard=%d", error->code);
        return;
    }
    note("fn=%s given=%s unit=%s", v->full_name ? v->full_name : "-", v->given ? v->given : "-",
         v->unit ? v->unit : "-");
    for (size_t i = 0; i < v->email_count; i++)
        note("mail=%s/%x", v->emails[i].value, v->emails[i].kinds);
    for (size_t i = 0; i < v->phone_count; i++)
        note("tel=%s/%x", v->phones[i].value, v->phones[i].kinds);
    for (size_t i = 0; i < v->address_count; i++)
        note("adr=%s/%x", v->addresses[i].city ? v->addresses[i].city : "-", v->addresses[i].kinds);
    if (v->photo)
        note("photo=%zu/%s/%.8s", v->photo_size, v->photo_type ? v->photo_type : "-",
             v->photo_hash);
}

static void ask(void)
{
    mynah_vcard_get(talk.c, NULL, came, NULL);
}

/* "\x89PNG\r\n\x1a\nA". */
#define PNG "iVBORw0KGgpB"
#define PNG_HASH "379e1154"
#define VCARD(inside)                                                                              \
    "><iq type='result' id='%1' from='u@x.test'><vCard xmlns='vcard-temp'>" inside "</vCard></iq>"
#define PHOTO(binval) VCARD("<PHOTO><TYPE>text/html</TYPE><BINVAL>" binval "</BINVAL></PHOTO>")

TEST(a_vcard_is_read)
{
    static const struct {
        const char *answer, *notes;
    } rows[] = {
        {VCARD("<FN>A</FN><N><GIVEN>B</GIVEN><MIDDLE/></N><ORG><ORGNAME/><ORGUNIT>U</ORGUNIT></ORG>"
               "<EMAIL><INTERNET/><PREF/><USERID>a@b</USERID></EMAIL><EMAIL><USERID/></EMAIL>"
               "<TEL><WORK/><FAX/><NUMBER/></TEL><TEL><HOME/><VOICE/><NUMBER>1</NUMBER></TEL>"
               "<TEL>2</TEL><ADR><HOME/></ADR><ADR><WORK/><LOCALITY>北京</LOCALITY></ADR>"
               "<FN>second</FN>"),
         "fn=A given=B unit=U mail=a@b/c tel=1/11 adr=北京/2"},
        {VCARD(""), "fn=- given=- unit=-"},
        {PHOTO("\n iVBORw0K\n GgpB\n"), "fn=- given=- unit=- photo=9/image/png/" PNG_HASH},
        {PHOTO("/9j/"), "fn=- given=- unit=- photo=3/image/jpeg/a3ff1638"},
        {PHOTO("AAAA"), "fn=- given=- unit=- photo=3/-/29e2dcfb"},
        {PHOTO("AAA"), "fn=- given=- unit=-"},
        {PHOTO("&lt;svg&gt;"), "fn=- given=- unit=-"},
        {PHOTO(" "), "fn=- given=- unit=-"},
        {VCARD("<FN xmlns='urn:other'>A</FN>"), "fn=- given=- unit=-"},
        {"><iq type='result' id='%1' from='u@x.test'/>", "vcard=-15"},
        {"><iq type='result' id='%1' from='u@x.test'><vCard xmlns='other'/></iq>", "vcard=-15"},
        {"><iq type='error' id='%1' from='u@x.test'><vCard xmlns='vcard-temp'/><error "
         "type='cancel'/></iq>",
         "vcard=-10"},
    };

    for (size_t i = 0; i < MN_COUNT(rows); i++) {
        const char *const lines[] = {LOGIN(""), "<type='get' id='", rows[i].answer, END};
        char notes[200];

        talk_start(lines, NULL);
        talk_until(talk_online);
        ask();
        talk_until(talk_done);
        snprintf(notes, sizeof notes, "online %s", rows[i].notes);
        talk_end(notes);
    }
}

static void change(void *arg, struct mynah_client *c, const struct mynah_vcard *v,
                   const struct mynah_error *error)
{
    struct mynah_vcard w;

    (void)arg;
    CHECK(!v == !!error);
    if (error) /* the client is freed */
        return;
    w = *v;
    w.full_name = "B & C";
    w.photo = "GIF8";
    w.photo_size = 4;
    w.phones = &(struct mynah_vcard_contact){"2", MYNAH_VCARD_CELL | MYNAH_VCARD_PREF};
    w.phone_count = 1;
    mynah_vcard_set(c, &w, note_iq, "set");
}

/* A program from before the fields at the end. */
static void change_as_of_old(void *arg, struct mynah_client *c, const struct mynah_vcard *v,
                             const struct mynah_error *error)
{
    struct mynah_vcard w;

    (void)arg;
    CHECK(!v == !!error);
    if (error) /* the client is freed */
        return;
    w = *v;
    CHECK_STR(mn_str_from(v->note), "n");
    CHECK_STR(mn_str_from(v->longitude), "2");
    w.size = offsetof(struct mynah_vcard, note);
    mynah_vcard_set(c, &w, NULL, NULL);
    w.size = sizeof w;
    w.sort = "s";
    mynah_vcard_set(c, &w, NULL, NULL);
}

TEST(what_an_older_program_does_not_know_is_kept)
{
    static const char *const lines[] = {
        LOGIN(""),
        "<type='get' id='",
        VCARD("<FN>A</FN><NOTE>n</NOTE><GEO><LAT>1</LAT><LON>2</LON></GEO><LABEL/>"),
        "<<vCard xmlns='vcard-temp'><FN>A</FN><NOTE>n</NOTE><GEO><LAT>1</LAT><LON>2</LON></GEO>"
        "<LABEL/></vCard>",
        "<<vCard xmlns='vcard-temp'><FN>A</FN><NOTE>n</NOTE><SORT-STRING>s</SORT-STRING>"
        "<GEO><LAT>1</LAT><LON>2</LON></GEO><LABEL/></vCard>",
        END};

    talk_start(lines, NULL);
    talk_until(talk_online);
    mynah_vcard_get(talk.c, NULL, change_as_of_old, NULL);
    talk_until(talk_done);
    talk_end("online");
}

static void change_name(void *arg, struct mynah_client *c, const struct mynah_vcard *v,
                        const struct mynah_error *error)
{
    struct mynah_vcard w;

    (void)arg;
    CHECK(!v == !!error);
    if (error) /* the client is freed */
        return;
    w = *v;
    w.full_name = "B";
    mynah_vcard_set(c, &w, NULL, NULL);
}

static void name_changes(const char *const *lines)
{
    talk_start(lines, NULL);
    talk_until(talk_online);
    mynah_vcard_get(talk.c, NULL, change_name, NULL);
    talk_until(talk_done);
    talk_end("online");
}

TEST(units_and_the_type_of_a_photo_stay)
{
#define REST                                                                                       \
    "<ORG><ORGNAME>O</ORGNAME><ORGUNIT>U</ORGUNIT><ORGUNIT>V</ORGUNIT></ORG>"                      \
    "<PHOTO><TYPE>image/webp</TYPE><BINVAL>AAAA</BINVAL></PHOTO>"
    static const char *const lines[] = {LOGIN(""), "<type='get' id='", VCARD("<FN>A</FN>" REST),
                                        "<<vCard xmlns='vcard-temp'><FN>B</FN>" REST "</vCard>",
                                        END};

    name_changes(lines);
}

TEST(kinds_of_old_stay)
{
#define KINDS                                                                                      \
    "<EMAIL><X400/><USERID>e</USERID></EMAIL>"                                                     \
    "<TEL><BBS/><MODEM/><ISDN/><PCS/><NUMBER>1</NUMBER></TEL>"                                     \
    "<ADR><DOM/><INTL/><CTRY>I</CTRY></ADR>"
    static const char *const lines[] = {LOGIN(""), "<type='get' id='", VCARD("<FN>A</FN>" KINDS),
                                        "<<vCard xmlns='vcard-temp'><FN>B</FN>" KINDS "</vCard>",
                                        END};

    name_changes(lines);
}

TEST(a_vcard_is_changed_and_keeps_what_has_no_place)
{
    static const char *const lines[] = {
        LOGIN(""),
        "<type='get' id='",
        VCARD(
            "<FN>A</FN><X-OLD>kept</X-OLD><N><FAMILY>F</FAMILY></N><ADR><WORK/><CTRY>I</CTRY></ADR>"
            "<TEL><NUMBER>1</NUMBER></TEL><PHOTO><BINVAL>AAAA</BINVAL></PHOTO>"
            "<EMAIL><USERID>e</USERID></EMAIL>"),
        "<<vCard xmlns='vcard-temp'><FN>B &amp; C</FN><N><FAMILY>F</FAMILY></N>"
        "<EMAIL><USERID>e</USERID></EMAIL><TEL><PREF/><CELL/><NUMBER>2</NUMBER></TEL>"
        "<ADR><WORK/><CTRY>I</CTRY></ADR>"
        "<PHOTO><TYPE>image/gif</TYPE><BINVAL>R0lGOA==</BINVAL></PHOTO><X-OLD>kept</X-OLD></vCard>",
        "><iq type='get' id='end'><x xmlns='y'/></iq>",
        "<id='end'",
        NULL};

    talk_start(lines, NULL);
    talk_until(talk_online);
    mynah_vcard_get(talk.c, NULL, change, NULL);
    talk_until(talk_done);
    talk_end("online");
}

TEST(what_is_too_big_is_not_sent)
{
    static const char *const lines[] = {LOGIN(""), END};
    struct mynah_vcard v = {.size = sizeof v,
                            .photo = mn_alloc0(MYNAH_PHOTO_MAX + 1),
                            .photo_size = MYNAH_PHOTO_MAX + 1};

    talk_start(lines, NULL);
    talk_until(talk_online);
    CHECK(!mynah_vcard_set(talk.c, &v, note_iq, "big"));
    v.size = 0;
    CHECK(!mynah_vcard_set(talk.c, &v, note_iq, "bug"));
    talk_until(talk_done);
    mn_free((void *)v.photo);
    talk_end("online big=-16 bug=-1");
}

/* XEP-0153. */

#define X(inside) "<<x xmlns='vcard-temp:x:update'" inside
#define NOTHING X("/>")
#define EMPTY X("><photo/></x>")
#define HASH(hash) X("><photo>" hash "</photo></x>")
#define PNG_SHA1 "379e11542e96b246f14f014eff4ebf5ea151c8c7"
#define ZERO_SHA1 "29e2dcfbb16f63bb0254df7585a15bb6fb5e927d"
#define OTHER(name, inside) "><presence from='u@x.test/" name "'>" inside "</presence>"
#define SAYS(inside) "<x xmlns='vcard-temp:x:update'>" inside "</x>"

static void share(const char *const *lines, const char *notes)
{
    talk_start(lines, NULL);
    mynah_presence_set(talk.c, MYNAH_AVAILABLE, NULL, 0);
    mynah_photo_share(talk.c, true);
    talk_until(talk_done);
    talk_end(notes);
}

TEST(presence_tells_of_a_photo_after_it_was_fetched)
{
    static const char *const lines[] = {LOGIN(""),  NOTHING,        "<type='get' id='",
                                        PHOTO(PNG), HASH(PNG_SHA1), END};
    static const char *const lines_none[] = {
        LOGIN(""),
        NOTHING,
        "<type='get' id='",
        "><iq type='error' id='%1'><error type='cancel'><item-not-found "
        "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>",
        EMPTY,
        END};

    share(lines, "online");
    share(lines_none, "online");
}

static int times_said(const char *text)
{
    const char *p = talk.server.all.p, *end = p + talk.server.all.n;
    int n = 0;

    for (; (p = memmem(p, (size_t)(end - p), text, strlen(text))); p++)
        n++;
    return n;
}

TEST(another_program_that_changes_the_photo_is_believed)
{
    static const char *const lines[] = {
        LOGIN(""),
        NOTHING,
        "<type='get' id='",
        PHOTO(PNG),
        HASH(PNG_SHA1),
        OTHER("same", SAYS("<photo>" PNG_SHA1 "</photo>")),
        OTHER("unready", SAYS("")),
        OTHER("liar", SAYS("<photo>&lt;html&gt;</photo>")),
        "><presence from='evil@y.test/1'>" SAYS("<photo>" ZERO_SHA1 "</photo>") "</presence>",
        "><iq type='get' id='mid'><x xmlns='y'/></iq>",
        "<id='mid'",
        OTHER("new", SAYS("<photo>" ZERO_SHA1 "</photo>")),
        NOTHING,
        "<type='get' id='",
        PHOTO("AAAA"),
        HASH(ZERO_SHA1),
        OTHER("new", SAYS("<photo/>")),
        "<type='get' id='",
        VCARD(""),
        EMPTY,
        END};

    talk_start(lines, NULL);
    mynah_presence_set(talk.c, MYNAH_AVAILABLE, NULL, 0);
    mynah_photo_share(talk.c, true);
    talk_until(talk_done);
    CHECK_INT(times_said("<vCard"), 3);
    talk_end("online");
}

TEST(a_program_that_knows_no_photos_silences_them_until_it_is_gone)
{
    static const char *const lines[] = {LOGIN(""),
                                        NOTHING,
                                        "<type='get' id='",
                                        PHOTO(PNG),
                                        HASH(PNG_SHA1),
                                        OTHER("old", ""),
                                        NOTHING,
                                        OTHER("new", SAYS("")),
                                        "><iq type='get' id='mid'><x xmlns='y'/></iq>",
                                        "<id='mid'",
                                        "><presence type='unavailable' from='u@x.test/old'/>",
                                        "<type='get' id='",
                                        PHOTO(PNG),
                                        HASH(PNG_SHA1),
                                        END};

    share(lines, "online");
}

static bool none_told(void)
{
    return talk.server.all.n && memmem(talk.server.all.p, talk.server.all.n, "<photo/>", 8);
}

TEST(what_was_uploaded_is_told)
{
    static const char *const lines[] = {LOGIN(""),
                                        NOTHING,
                                        "<type='get' id='",
                                        VCARD(""),
                                        EMPTY,
                                        "<type='set' id='",
                                        "><iq type='result' id='%1'/>",
                                        HASH(ZERO_SHA1),
                                        END};
    struct mynah_vcard v = {.size = sizeof v, .photo = "\0\0\0", .photo_size = 3};

    talk_start(lines, NULL);
    mynah_presence_set(talk.c, MYNAH_AVAILABLE, NULL, 0);
    mynah_photo_share(talk.c, true);
    talk_until(none_told);
    mynah_vcard_set(talk.c, &v, note_iq, "set");
    talk_until(talk_done);
    talk_end("online set=result");
}

static const char *hash(const char *inside, struct mynah_elem **e)
{
    struct mn_buf b = {0};

    mn_buf_fmt(&b, "<presence xmlns='jabber:client'>%s</presence>", inside);
    mn_buf_c(&b, 0);
    CHECK_INT(mynah_elem_parse(b.p, e), 0);
    mn_buf_free(&b);
    return mynah_photo_hash(*e);
}

TEST(hashes_of_others_are_read)
{
    static const char *const rows[][2] = {
        {"", NULL},
        {SAYS(""), NULL},
        {SAYS("<photo/>"), ""},
        {SAYS("<photo>" ZERO_SHA1 "</photo>"), ZERO_SHA1},
        {SAYS("<photo>29E2DCFBB16F63BB0254DF7585A15BB6FB5E927D</photo>"),
         "29E2DCFBB16F63BB0254DF7585A15BB6FB5E927D"},
        {SAYS("<photo>../../etc/passwd</photo>"), NULL},
        {SAYS("<photo>29e2dcfbb16f63bb0254df7585a15bb6fb5e927/</photo>"), NULL},
        {SAYS("<photo>29e2dcfbb16f63bb0254df7585a15bb6fb5e927</photo>"), NULL},
    };

    for (size_t i = 0; i < MN_COUNT(rows); i++) {
        struct mynah_elem *e;
        const char *is = hash(rows[i][0], &e);

        CHECK_STR(mn_str_from(is ? is : "none"), rows[i][1] ? rows[i][1] : "none");
        mynah_elem_free(e);
    }
}
