#include "mynah/payload.h"

#include "client/client.h"
#include "mynah/message.h"
#include "test.h"

static struct mynah_elem *parsed(const char *inside)
{
    struct mn_buf b = {0};
    struct mynah_elem *e;

    mn_buf_fmt(&b, "<message xmlns='jabber:client'>%s</message>", inside);
    mn_buf_c(&b, 0);
    CHECK_INT(mynah_elem_parse(b.p, &e), 0);
    mn_buf_free(&b);
    return e;
}

static void is_inside(struct mynah_elem *m, const char *inside)
{
    struct mynah_elem *want = parsed(inside);
    char *a = mynah_elem_xml(m), *b = mynah_elem_xml(want);

    CHECK_STR(mn_str_from(a), b);
    mynah_free(a);
    mynah_free(b);
    mynah_elem_free(want);
}

static void added(void (*add)(struct mynah_elem *m), const char *inside)
{
    struct mynah_elem *m = mynah_elem_new("message", NULL);

    add(m);
    is_inside(m, inside);
    mynah_elem_free(m);
}

static void small_ones(struct mynah_elem *m)
{
    mynah_chat_state_add(m, MYNAH_PAUSED);
    mynah_event_add(m, MYNAH_EVENT_OFFLINE | MYNAH_EVENT_COMPOSING, NULL);
    mynah_event_add(m, MYNAH_EVENT_DISPLAYED, "7");
    mynah_delay_add(m, 1000, "x.test", "stored");
    mynah_oob_add(m, "http://x/?a&b", NULL);
    mynah_nick_add(m, "北京");
    mynah_attention_add(m);
    mynah_signed_add(m, "S");
    mynah_encrypted_add(m, "E");
    mynah_hint_add(m, "no-store");
    mynah_correct_add(m, "old");
}

static void lists(struct mynah_elem *m)
{
    mynah_header_add(m, "Keywords", "a");
    mynah_header_add(m, "In-Reply-To", "b");
    mynah_rule_add(m, &(struct mynah_rule){"deliver", "drop", "stored"});
    mynah_suggestion_add(m, "add", "a@y.test", NULL, (const char *const[]){"g"}, 1);
    mynah_suggestion_add(m, "delete", "b@y.test", "B", NULL, 0);
}

TEST(each_is_written_as_its_specification_says)
{
    added(
        small_ones,
        "<paused xmlns='http://jabber.org/protocol/chatstates'/><x "
        "xmlns='jabber:x:event'><offline/><composing/></x>"
        "<x xmlns='jabber:x:event'><displayed/><id>7</id></x><delay xmlns='urn:xmpp:delay' "
        "stamp='1970-01-01T00:00:01.000Z' from='x.test'>stored</delay>"
        "<x xmlns='jabber:x:oob'><url>http://x/?a&amp;b</url></x><nick "
        "xmlns='http://jabber.org/protocol/nick'>北京</nick>"
        "<attention xmlns='urn:xmpp:attention:0'/><x xmlns='jabber:x:signed'>S</x><x "
        "xmlns='jabber:x:encrypted'>E</x>"
        "<no-store xmlns='urn:xmpp:hints'/><replace xmlns='urn:xmpp:message-correct:0' id='old'/>");
    added(lists, "<headers xmlns='http://jabber.org/protocol/shim'><header "
                 "name='Keywords'>a</header><header name='In-Reply-To'>b</header></headers>"
                 "<amp xmlns='http://jabber.org/protocol/amp'><rule condition='deliver' "
                 "action='drop' value='stored'/></amp>"
                 "<x xmlns='http://jabber.org/protocol/rosterx'><item action='add' "
                 "jid='a@y.test'><group>g</group></item>"
                 "<item action='delete' jid='b@y.test' name='B'/></x>");
}

TEST(what_was_written_is_read_again)
{
    struct mynah_elem *m = mynah_elem_new("message", NULL), *other;
    const char *from, *why, *desc, *id, *name, *value, *status;
    unsigned events;
    struct mynah_rule rule;
    struct mynah_suggestion s;
    int64_t ms;

    small_ones(m);
    lists(m);
    CHECK_INT(mynah_chat_state(m), MYNAH_PAUSED);
    CHECK(mynah_event(m, &events, &id) && events == 9 && !id);
    CHECK_INT(mynah_delay(m, &from, &why), 1000);
    CHECK(!strcmp(from, "x.test") && !strcmp(why, "stored"));
    CHECK(!strcmp(mynah_oob(m, &desc), "http://x/?a&b") && !desc);
    CHECK(!strcmp(mynah_nick(m), "北京") && !strcmp(mynah_signed(m), "S") &&
          !strcmp(mynah_encrypted(m), "E"));
    CHECK(!mynah_attention(m)); /* it was delayed */
    CHECK(mynah_hint(m, "no-store") && !mynah_hint(m, "store") &&
          !strcmp(mynah_corrects(m), "old"));
    CHECK(!strcmp(mynah_header(m, "in-reply-TO"), "b") && !mynah_header(m, "none"));
    CHECK(mynah_header_at(m, 0, &name, &value) && !strcmp(name, "Keywords") &&
          !mynah_header_at(m, 2, &name, &value));
    CHECK(mynah_rule_at(m, 0, &rule, &status) && !strcmp(rule.action, "drop") && !status &&
          !mynah_rule_at(m, 1, &rule, NULL));
    CHECK(mynah_suggestion_at(m, 1, &s) && !strcmp(s.action, "delete") && !strcmp(s.name, "B") &&
          !mynah_suggestion_at(m, 2, &s));
    other = mynah_elem_new("x", "urn:x");
    mynah_forward_add(other, m, 2000);
    CHECK(mynah_elem_is(mynah_forwarded(other, &ms), "message", "jabber:client"));
    CHECK_INT(ms, 2000);
    mynah_elem_free(other);
    mynah_elem_free(m);
    m = parsed("<x xmlns='jabber:x:delay' stamp='20021123T00:00:00' from='a@y.test'/><attention "
               "xmlns='urn:xmpp:attention:0'/>");
    CHECK_INT(mynah_delay(m, NULL, NULL), 1038009600000);
    CHECK(!mynah_attention(m));
    mynah_elem_free(m);
    m = parsed("<nonsense xmlns='http://jabber.org/protocol/chatstates'/><attention "
               "xmlns='urn:xmpp:attention:0'/>");
    CHECK(!mynah_chat_state(m) && mynah_attention(m) && !mynah_oob(m, NULL) && !mynah_nick(m) &&
          !mynah_delay(m, &from, &why));
    CHECK(!mynah_event(m, &events, &id) && !mynah_forwarded(m, &ms) && !mynah_corrects(m) &&
          !from && !why);
    mynah_elem_free(m);
}

#define AMP "xmlns='http://jabber.org/protocol/amp'"
#define RULE(action) "<rule condition='deliver' action='" action "' value='stored'/>"

/* XEP-0079, examples 3 to 5 and 12 to 18. */
TEST(rules_their_reports_and_refusals_are_read)
{
    static const struct {
        const char *inside, *status, *from, *to;
        bool per_hop;
    } rows[] = {
        {"<amp " AMP ">" RULE("drop") "</amp>", NULL, NULL, NULL, false},
        {"<amp " AMP " per-hop='false'>" RULE("drop") "</amp>", NULL, NULL, NULL, false},
        {"<amp " AMP " per-hop='1'>" RULE("drop") "</amp>", NULL, NULL, NULL, true},
        {"<amp " AMP " status='alert' from='b@x.test/e' to='f@x.test'>" RULE("alert") "</amp>",
         "alert", "b@x.test/e", "f@x.test", false},
        {"<amp " AMP " status='notify' per-hop='true'>" RULE("notify") "</amp>", "notify", NULL,
         NULL, true},
        {"<body>none</body>", NULL, NULL, NULL, false},
    };

    for (size_t i = 0; i < MN_COUNT(rows); i++) {
        struct mynah_elem *m = parsed(rows[i].inside);
        struct mynah_rules_met met;

        CHECK(mynah_rules_are_per_hop(m) == rows[i].per_hop);
        CHECK(mynah_rules_met(m, &met) == (rows[i].status != NULL));
        CHECK_STR(mn_str_from(met.status), rows[i].status ? rows[i].status : "");
        CHECK_STR(mn_str_from(met.from), rows[i].from ? rows[i].from : "");
        CHECK_STR(mn_str_from(met.to), rows[i].to ? rows[i].to : "");
        mynah_elem_free(m);
    }
}

static void per_hop(struct mynah_elem *m)
{
    mynah_rules_per_hop(m);
    mynah_rule_add(m, &(struct mynah_rule){"deliver", "drop", "stored"});
}

TEST(rules_are_for_every_server_on_the_way)
{
    added(per_hop, "<amp " AMP " per-hop='true'>" RULE("drop") "</amp>");
}

TEST(rules_that_were_refused_are_told_apart)
{
    static const struct {
        const char *special, *ns, *of;
        unsigned count;
    } rows[] = {
        {"failed-rules", "http://jabber.org/protocol/amp#errors", RULE("error"), 1},
        {"unsupported-actions", "http://jabber.org/protocol/amp", RULE("a") RULE("b"), 2},
        {"unsupported-conditions", "http://jabber.org/protocol/amp", RULE("drop"), 1},
        {"invalid-rules", "http://jabber.org/protocol/amp", RULE("drop"), 1},
        {"invalid-rules", "http://jabber.org/protocol/amp", "", 0},
        {"other", "urn:other", RULE("drop"), 0},
    };

    for (size_t i = 0; i < MN_COUNT(rows); i++) {
        struct mn_buf b = {0};
        struct mynah_elem *m;
        struct mynah_error e;
        struct mynah_rule rule;
        unsigned n = 0;

        mn_buf_fmt(
            &b,
            "<amp " AMP ">" RULE("of the message")
                RULE("too") "</amp><error type='modify'><bad-request xmlns="
                            "'urn:ietf:params:xml:ns:xmpp-stanzas'/><%s xmlns='%s'>%s</%s></error>",
            rows[i].special, rows[i].ns, rows[i].of, rows[i].special);
        mn_buf_c(&b, 0);
        m = parsed(b.p);
        error_of(m, &e);
        CHECK_STR(mn_str_from(e.special), rows[i].special);
        while (mynah_rule_refused(&e, n, &rule)) {
            CHECK(!strcmp(rule.condition, "deliver") && strcmp(rule.action, "of the message") != 0);
            n++;
        }
        CHECK_INT(n, rows[i].count);
        CHECK(!rule.action);
        mynah_elem_free(m);
        mn_buf_free(&b);
    }
    CHECK(!mynah_rule_refused(&(struct mynah_error){.code = MYNAH_E_TIMEOUT}, 0,
                              &(struct mynah_rule){0}));
}

TEST(formatted_text_keeps_only_what_may_be_shown)
{
    static const char *const rows[][2] = {
        {"<p>a <em>b</em> <strong>c</strong><br/></p>", NULL},
        {"<p onclick='x()' class='c' id='i' title='t'>a</p>", "<p>a</p>"},
        {"<script>alert(1)</script><style>p{}</style>a<iframe>b</iframe>", "a"},
        {"<b>bold</b><table><tr><td>x</td></tr></table>", "boldx"},
        {"<a href='javascript:alert(1)'>x</a><a href='HTTPS://y/'>y</a><a href='/rel'>z</a>",
         "<a>x</a><a href='HTTPS://y/'>y</a><a>z</a>"},
        {"<img src='data:image/png;base64,AA' alt='A' width='1'/><img src='http://x/' height='2'/>",
         "<img alt='A'/><img src='http://x/' height='2'/>"},
        {"<span style='color: red; position: absolute; background-image: url(http://x); "
         "FONT-weight:bold;color:expression(1);font-family: \"a\\62\"'>s</span>",
         "<span style='color: red; FONT-weight: bold'>s</span>"},
        {"<span style='position: fixed'>s</span>", "<span>s</span>"},
        {"<a HREF='javascript:alert(1)' Style='color: expression(1)'>x</a>", "<a>x</a>"},
        {"<p xmlns='urn:other'>a</p><ul><li>1</li></ul>", "a<ul><li>1</li></ul>"},
    };

    for (size_t i = 0; i < MN_COUNT(rows); i++) {
        struct mn_buf b = {0}, want = {0};
        struct mynah_elem *m, *clean;
        char *xml;

        mn_buf_fmt(&b,
                   "<html xmlns='http://jabber.org/protocol/xhtml-im'><body "
                   "xmlns='http://www.w3.org/1999/xhtml'>%s</body></html>",
                   rows[i][0]);
        mn_buf_c(&b, 0);
        mn_buf_fmt(&want, "<body xmlns='http://www.w3.org/1999/xhtml'>%s</body>",
                   rows[i][1] ? rows[i][1] : rows[i][0]);
        mn_buf_c(&want, 0);
        m = parsed(b.p);
        clean = mynah_xhtml(m);
        xml = mynah_elem_xml(clean);
        CHECK_STR(mn_str_from(xml), want.p);
        mynah_free(xml);
        mynah_elem_free(clean);
        mynah_elem_free(m);
        mn_buf_free(&b);
        mn_buf_free(&want);
    }
}

TEST(formatted_text_is_added_below_its_body)
{
    struct mynah_elem *m = mynah_elem_new("message", NULL),
                      *body = mynah_elem_new("body", "http://www.w3.org/1999/xhtml");

    mynah_elem_add_text(body, "em", NULL, "x<y");
    mynah_xhtml_add(m, &body);
    CHECK(!body);
    is_inside(m, "<html xmlns='http://jabber.org/protocol/xhtml-im'><body "
                 "xmlns='http://www.w3.org/1999/xhtml'><em>x&lt;y</em></body></html>");
    mynah_elem_free(m);
    m = parsed("<body>plain</body>");
    CHECK(!mynah_xhtml(m));
    mynah_elem_free(m);
}

TEST(lists_are_read_up_to_their_thousandth_entry)
{
    const struct mynah_rule rule = {"deliver", "drop", "stored"};
    struct mynah_elem *m = mynah_elem_new("message", NULL);
    struct mynah_rule r;
    const char *status;

    for (int i = 0; i < 1001; i++)
        mynah_rule_add(m, &rule);
    CHECK(mynah_rule_at(m, 999, &r, &status) && !mynah_rule_at(m, 1000, &r, &status));
    mynah_elem_free(m);
}
