/* Ping (XEP-0199), version (XEP-0092, XEP-0232), time (XEP-0202) and last activity (XEP-0012,
 * XEP-0256): what any client is asked, and the same questions to others. */
#include "mynah/answers.h"

#include <time.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/num.h"
#include "client/ext.h"
#include "mynah/disco.h"
#include "mynah/form.h"
#include "mynah/payload.h"
#include "mynah/roster.h"
#include "xmpp/datetime.h"

#define NS_PING "urn:xmpp:ping"
#define NS_VERSION "jabber:iq:version"
#define NS_TIME "urn:xmpp:time"
#define NS_LAST "jabber:iq:last"
#define FORM_SOFTWARE "urn:xmpp:dataforms:softwareinfo"

#define SECONDS_MAX ((int64_t)1 << 40) /* longer than there are computers */

struct answers {
    struct mynah_elem *version; /* the <query/>; NULL: it is not told */
    int64_t active;             /* by the monotonic clock */
    bool tells_active;
};

static struct answers *answers_of(struct mynah_client *c)
{
    return ext_state(c, &ext_answers);
}

/* Answering. */

static void ping_asked(void *arg, struct mynah_client *c, struct mynah_ask *q)
{
    (void)arg;
    (void)c;
    mynah_ask_result(&q, NULL);
}

static void version_asked(void *arg, struct mynah_client *c, struct mynah_ask *q)
{
    struct answers *a = arg;
    struct mynah_elem *copy = mynah_elem_copy(a->version);

    (void)c;
    mynah_ask_result(&q, &copy);
}

static void time_asked(void *arg, struct mynah_client *c, struct mynah_ask *q)
{
    struct mynah_elem *e = mynah_elem_new("time", NS_TIME);
    int64_t wall = mn_clock_wall();
    time_t seconds = (time_t)(wall / 1000);
    struct mn_arena a = {0};
    struct tm tm;
    struct mn_buf zone = {0};
    int offset;

    (void)arg;
    (void)c;
    localtime_r(&seconds, &tm);
    offset = (int)(tm.tm_gmtoff / 60);
    mn_buf_fmt(&zone, "%c%02d:%02d", offset < 0 ? '-' : '+', abs(offset) / 60, abs(offset) % 60);
    mn_buf_c(&zone, 0);
    mynah_elem_add_text(e, "tzo", NULL, zone.p);
    mynah_elem_add_text(e, "utc", NULL, mn_arena_cstr(&a, mn_datetime_text(wall, &a)));
    mn_arena_done(&a, NULL);
    mn_buf_free(&zone);
    mynah_ask_result(&q, &e);
}

static struct mynah_elem *last_new(struct mynah_elem *parent, int64_t seconds)
{
    struct mynah_elem *e =
        parent ? mynah_elem_add(parent, "query", NS_LAST) : mynah_elem_new("query", NS_LAST);
    char text[24];

    snprintf(text, sizeof text, "%lld", (long long)seconds);
    mynah_elem_set(e, "seconds", text);
    return e;
}

/* A stranger hears what he would hear if nobody were there. */
static void last_asked(void *arg, struct mynah_client *c, struct mynah_ask *q)
{
    struct answers *a = arg;
    struct mynah_elem *e;

    if (!a->tells_active || !mynah_roster_sees(c, mynah_ask_from(q))) {
        mynah_ask_error(&q, "service-unavailable", NULL);
        return;
    }
    e = last_new(NULL, (mn_clock_now() - a->active) / 1000);
    mynah_ask_result(&q, &e);
}

static void software_form(struct mynah_client *c, const char *name, const char *version,
                          const char *os)
{
    struct mynah_form *f = mynah_form_new("result", FORM_SOFTWARE);
    struct mynah_elem *x;

    mynah_form_set(f, "software", name);
    if (version)
        mynah_form_set(f, "software_version", version);
    if (os)
        mynah_form_set(f, "os", os);
    x = mynah_form_elem(f);
    mynah_form_free(f);
    mynah_disco_form(c, &x);
}

int mynah_software_set(struct mynah_client *c, const char *name, const char *version,
                       const char *os)
{
    struct answers *a = answers_of(c);

    if (!name || !*name)
        return MYNAH_E_ARGUMENT;
    mynah_elem_free(a->version);
    a->version = mynah_elem_new("query", NS_VERSION);
    mynah_elem_add_text(a->version, "name", NULL, name);
    mynah_elem_add_text(a->version, "version", NULL, version ? version : "");
    mynah_elem_add_text(a->version, "os", NULL, os);
    mynah_iq_serve(c, MYNAH_GET, NS_VERSION, "query", version_asked, a);
    mynah_disco_feature(c, NS_VERSION, true);
    software_form(c, name, version, os);
    return MYNAH_OK;
}

void mynah_active(struct mynah_client *c)
{
    struct answers *a = answers_of(c);

    mn_clock_tick(); /* a loop of the program's does not */
    a->active = mn_clock_now();
    if (!a->tells_active)
        mynah_disco_feature(c, NS_LAST, true);
    a->tells_active = true;
}

void mynah_active_hide(struct mynah_client *c)
{
    struct answers *a = answers_of(c);

    if (a->tells_active)
        mynah_disco_feature(c, NS_LAST, false);
    a->tells_active = false;
}

static void init(struct mynah_client *c, void *state)
{
    mynah_iq_serve(c, MYNAH_GET, NS_PING, "ping", ping_asked, state);
    mynah_iq_serve(c, MYNAH_GET, NS_TIME, "time", time_asked, state);
    mynah_iq_serve(c, MYNAH_GET, NS_LAST, "query", last_asked, state);
}

static void done(struct mynah_client *c, void *state)
{
    struct answers *a = state;

    (void)c;
    mynah_elem_free(a->version);
}

const struct ext ext_answers = {.name = "answers",
                                .features = {NS_PING, NS_TIME},
                                .size = sizeof(struct answers),
                                .init = init,
                                .done = done};

/* Asking. */

struct wanted {
    union {
        mynah_ping_done *ping;
        mynah_version_done *version;
        mynah_time_done *time;
        mynah_last_done *last;
    } done;
    void *arg;
    int64_t sent;
};

static struct mynah_request *ask(struct mynah_client *c, const char *to, const char *name,
                                 const char *ns, mynah_iq_done *came, struct wanted want)
{
    struct mynah_elem *e = mynah_elem_new(name, ns);
    struct wanted *w = MN_NEW(struct wanted);

    mn_clock_tick();
    *w = want;
    w->sent = mn_clock_now();
    return mynah_iq_send(c, MYNAH_GET, to ? to : c->domain, &e, 0, came, w);
}

/* What is asked for is not in the answer. */
static const struct mynah_error none = {.code = MYNAH_E_FORMAT};

static void pinged(void *arg, struct mynah_client *c, const struct mynah_elem *result,
                   const struct mynah_error *error)
{
    struct wanted *w = arg;
    bool answered = result || error->code == MYNAH_E_STANZA;

    w->done.ping(w->arg, c, answered ? mn_clock_now() - w->sent : -1, error);
    mn_free(w);
}

struct mynah_request *mynah_ping(struct mynah_client *c, const char *to, mynah_ping_done *done_,
                                 void *arg)
{
    return ask(c, to, "ping", NS_PING, pinged, (struct wanted){.done.ping = done_, .arg = arg});
}

static void version_came(void *arg, struct mynah_client *c, const struct mynah_elem *result,
                         const struct mynah_error *error)
{
    struct wanted *w = arg;
    const struct mynah_elem *q = mynah_elem_child(result, "query", NS_VERSION);
    struct mynah_software s = {mynah_elem_child_text(q, "name", NS_VERSION),
                               mynah_elem_child_text(q, "version", NS_VERSION),
                               mynah_elem_child_text(q, "os", NS_VERSION)};

    w->done.version(w->arg, c, q ? &s : NULL, q ? NULL : error ? error : &none);
    mn_free(w);
}

struct mynah_request *mynah_version_get(struct mynah_client *c, const char *to,
                                        mynah_version_done *done_, void *arg)
{
    return ask(c, to, "query", NS_VERSION, version_came,
               (struct wanted){.done.version = done_, .arg = arg});
}

/* A zone of XEP-0082: "Z", "+08:00". */
static bool zone_parse(mn_str s, int *minutes)
{
    uint64_t h, m;
    mn_str rest, hours = mn_str_cut(s, ':', &rest);

    *minutes = 0;
    if (mn_str_is(s, "Z"))
        return true;
    if (s.n != 6 || hours.n != 3 || (s.p[0] != '+' && s.p[0] != '-') ||
        !mn_num_parse(mn_str_skip(hours, 1), 23, &h) || !mn_num_parse(rest, 59, &m))
        return false;
    *minutes = (int)(h * 60 + m) * (s.p[0] == '-' ? -1 : 1);
    return true;
}

static void time_came(void *arg, struct mynah_client *c, const struct mynah_elem *result,
                      const struct mynah_error *error)
{
    struct wanted *w = arg;
    const struct mynah_elem *e = mynah_elem_child(result, "time", NS_TIME);
    const char *utc = mynah_elem_child_text(e, "utc", NS_TIME),
               *zone = mynah_elem_child_text(e, "tzo", NS_TIME);
    int64_t ms = 0;
    int offset = 0;

    if (!error && (!utc || !zone || mn_datetime_parse(mn_str_trim(mn_str_from(utc)), &ms) ||
                   !zone_parse(mn_str_trim(mn_str_from(zone)), &offset)))
        error = &none;
    w->done.time(w->arg, c, error ? 0 : ms, error ? 0 : offset, error);
    mn_free(w);
}

struct mynah_request *mynah_time_get(struct mynah_client *c, const char *to, mynah_time_done *done_,
                                     void *arg)
{
    return ask(c, to, "time", NS_TIME, time_came, (struct wanted){.done.time = done_, .arg = arg});
}

/* -1: it does not say. */
static int64_t seconds_of(const struct mynah_elem *query)
{
    const char *text = mynah_elem_get(query, "seconds");
    uint64_t n;

    return text && mn_num_parse(mn_str_from(text), (uint64_t)SECONDS_MAX, &n) ? (int64_t)n : -1;
}

static void last_came(void *arg, struct mynah_client *c, const struct mynah_elem *result,
                      const struct mynah_error *error)
{
    struct wanted *w = arg;
    const struct mynah_elem *q = mynah_elem_child(result, "query", NS_LAST);
    int64_t seconds = seconds_of(q);
    const char *text = mynah_elem_text(q);

    if (!error && seconds < 0)
        error = &none;
    w->done.last(w->arg, c, error ? -1 : seconds, !error && text && *text ? text : NULL, error);
    mn_free(w);
}

struct mynah_request *mynah_last_get(struct mynah_client *c, const char *to, mynah_last_done *done_,
                                     void *arg)
{
    return ask(c, to, "query", NS_LAST, last_came, (struct wanted){.done.last = done_, .arg = arg});
}

int64_t mynah_presence_active(const struct mynah_elem *presence)
{
    int64_t seconds = seconds_of(mynah_elem_child(presence, "query", NS_LAST)),
            sent = mynah_delay(presence, NULL, NULL),
            ms = (sent ? sent : mn_clock_wall()) - seconds * 1000;

    return seconds >= 0 && ms > 0 ? ms : 0;
}

struct mynah_elem *mynah_presence_active_add(struct mynah_elem *e, int64_t seconds)
{
    return last_new(e, seconds < 0 ? 0 : seconds);
}
