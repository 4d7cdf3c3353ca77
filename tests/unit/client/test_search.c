#include "mynah/search.h"

#include "unit/client/talk.h"

#define QUERY(inside)                                                                              \
    "><iq type='result' from='s.test' id='%1'><query xmlns='jabber:iq:search'>" inside             \
    "</query></iq>"

static void fields(void *arg, struct mynah_client *c, const struct mynah_search_form *f,
                   const struct mynah_error *error)
{
    (void)arg;
    (void)c;
    CHECK(!f != !error);
    if (error) {
        note("error:%d", error->code);
        return;
    }
    note("%s", f->instructions ? f->instructions : "-");
    for (size_t i = 0; i < f->count; i++)
        note("+%s", f->names[i]);
    if (f->form)
        note("form:%s", mynah_form_at(f->form, 1)->var);
}

static void found(void *arg, struct mynah_client *c, const struct mynah_found *f,
                  const struct mynah_error *error)
{
    const char *name, *label;

    (void)arg;
    (void)c;
    CHECK(!f != !error);
    if (error) {
        note("error:%d", error->code);
        return;
    }
    note("rows:%zu", mynah_found_rows(f));
    for (size_t i = 0; mynah_found_column(f, i, &name, &label); i++)
        note("|%s(%s)", name, label ? label : "-");
    for (size_t r = 0; r <= mynah_found_rows(f); r++) {
        const char *jid = mynah_found_jid(f, r), *first = mynah_found_cell(f, r, "first");

        note("%s=%s", jid ? jid : "?", first ? first : "?");
    }
}

TEST(a_directory_is_searched_by_fields)
{
    static const char *const lines[] = {
        LOGIN(""),
        "<type='get' id='",
        QUERY("<instructions>Fill</instructions><nick/><first/><other/>"),
        "<type='set' id='",
        QUERY("<item jid='a@y.test'><first>Ann</first></item><item><first/></item><none/>"),
        "<type='set' id='",
        QUERY(""),
        "<type='get' id='",
        "><iq type='result' from='s.test' id='%1'/>",
        "<type='set' id='",
        "><iq type='error' from='s.test' id='%1'/>",
        END};

    talk_start(lines, NULL);
    talk_until(talk_online);
    mynah_search_fields(talk.c, "s.test", fields, NULL);
    mynah_search(talk.c, "s.test", (const char *const[]){"first", "nick"},
                 (const char *const[]){"A", ""}, 2, found, NULL);
    TALK_UNTIL(noted("rows"));
    mynah_search(talk.c, "s.test", NULL, NULL, 0, found, NULL);
    mynah_search_fields(talk.c, "s.test", fields, NULL);
    mynah_search(talk.c, "s.test", NULL, NULL, 0, found, NULL);
    talk_until(talk_done);
    CHECK(memmem(talk.server.all.p, talk.server.all.n, "to='s.test'><query", 18));
    CHECK(memmem(talk.server.all.p, talk.server.all.n, "<first>A</first><nick", 21));
    talk_end("online Fill +first +nick rows:2 |first(-) |last(-) |nick(-) |email(-) a@y.test=Ann "
             "?= ?=? rows:0 |first(-) |last(-) |nick(-) |email(-) ?=? error:-15 error:-10");
}

static void by_form(void *arg, struct mynah_client *c, const struct mynah_search_form *f,
                    const struct mynah_error *error)
{
    struct mynah_form *answer;

    fields(arg, c, f, error);
    if (error) /* the client is freed */
        return;
    answer = mynah_form_answer(f->form);
    mynah_form_set(answer, "first", "A");
    mynah_search_submit(c, "s.test", answer, found, NULL);
    mynah_form_free(answer);
}

TEST(a_directory_is_searched_by_a_form)
{
    static const char *const lines[] = {
        LOGIN(""),
        "<type='get' id='",
        QUERY("<x xmlns='jabber:x:data' type='form'><field type='hidden' var='FORM_TYPE'>"
              "<value>jabber:iq:search</value></field><field var='first'/></x>"),
        "<type='set' id='",
        QUERY("<x xmlns='jabber:x:data' type='result'><reported><field var='first' label='Name'/>"
              "<field var='who' type='jid-single'/><field/></reported>"
              "<item><field var='first'><value>Ann</value></field><field var='who'>"
              "<value>a@y.test</value></field></item><item><field/></item></x>"
              "<item jid='b@y.test'/>"),
        "<<value>jabber:iq:search</value>",
        "<<value>A</value>",
        END};

    talk_start(lines, NULL);
    talk_until(talk_online);
    mynah_search_fields(talk.c, "s.test", by_form, NULL);
    talk_until(talk_done);
    talk_end("online - form:first rows:2 |first(Name) |who(-) |(-) a@y.test=Ann ?=? ?=?");
}
