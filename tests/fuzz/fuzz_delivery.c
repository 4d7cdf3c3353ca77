/* Nothing is lost, doubled or out of order: three accounts, each with one client that speaks
 * XEP-0198 as it should or does without, tell each other numbered messages inside a whole server,
 * while connections are cut, time goes by, the server ends or dies, and its disk is slow or fails.
 * Each byte of the input is a deed (enum deed) and whose it is. At the end everybody comes back,
 * and then
 *
 *   - what the server has acknowledged is there, unless it was refused, or nobody had stored it
 *     when the server died (decision D1), or sessions are there again that had ended on a disk that
 *     failed;
 *   - nobody has anything twice, unless he could not say that he has it, or who said it could not
 *     know that it was taken, or the disk had not told the server so;
 *   - what one said to another is there in the order in which it was said, if the disk is well. */
#include <stdarg.h>
#include <stdio.h>

#include "base/num.h"
#include "fuzz/house.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
    CLIENTS = 3,
    MESSAGES_MAX = 120,
    STANZAS_MAX = 32 * MESSAGES_MAX,
    MOMENT = 10,
    A_WHILE = 2000,
    MINUTE = 60000
};
enum { DAY = 24 * 60 * MINUTE };
enum { PLAIN = 144 }; /* a byte from which on who comes does without XEP-0198 */

static struct message {
    int from, to;
    bool acked, refused, got;
    int again;   /* so many times it may come once more */
    bool stored; /* he was not there: it is in the log, or nowhere */
    bool waits;  /* for a slow disk */
} messages[MESSAGES_MAX];
static int message_count;

static struct client {
    struct guest guest;
    bool bound, silent, inactive;
    bool comes_plain, plain;   /* without XEP-0198, from now on; in its last session */
    bool unread;               /* what comes to it is cut off with its connection */
    char sm_id[25];            /* "": there is no session that could go on */
    unsigned out, acked;       /* stanzas in this session, and how many of them the server has */
    int said[STANZAS_MAX];     /* the number of each of `out`; -1: no message */
    int waiting[MESSAGES_MAX]; /* to be said in a session */
    int waiting_count;
    unsigned in, told;      /* that came in this session, and which we said to have */
    int heard[STANZAS_MAX]; /* the number of each of `in` */
    int last[CLIENTS];      /* from each */
} clients[CLIENTS];

static bool failed;   /* the disk, in this life of the server */
static bool replaced; /* a session was, which a slow disk may not know */
static bool haunted;  /* so it was in an earlier one: sessions that ended may be there again */

/* What the client says. */

static void writes(struct client *c, const char *fmt, ...) MN_PRINTF(2, 3);
static void writes(struct client *c, const char *fmt, ...)
{
    char text[1000];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    guest_say(&c->guest, mn_str_from(text));
}

static void header(struct client *c)
{
    writes(c, "<stream:stream xmlns='jabber:client' "
              "xmlns:stream='http://etherx.jabber.org/streams' to='localhost' version='1.0'>");
}

static void stanza(struct client *c, int number)
{
    if (c->out < MN_COUNT(c->said))
        c->said[c->out] = number;
    c->out++;
}

/* What comes back shows that the server has all that was said before. */
static void asks(struct client *c)
{
    if (c->plain)
        writes(c, "<iq to='localhost' type='get' id='p%u'><ping xmlns='urn:xmpp:ping'/></iq>",
               c->out);
    else
        writes(c, "<r xmlns='urn:xmpp:sm:3'/>");
}

static void message(struct client *c, int n)
{
    const struct client *to = &clients[messages[n].to];
    bool away = !to->sm_id[0] && !(to->comes_plain && to->guest.conn);

    messages[n].stored = away && disk == DISK_WELL && !haunted;
    messages[n].refused |= to->unread && to->guest.conn;
    messages[n].refused |= disk == DISK_FAILS; /* that may be told to nobody who is there */
    messages[n].waits = disk == DISK_SLOW;
    writes(c,
           "<message to='%c@localhost' type='chat' id='%d'><body>%d</body>"
           "<origin-id xmlns='urn:xmpp:sid:0' id='%d'/></message>",
           'a' + messages[n].to, n, n, n);
    stanza(c, n);
    if (c->plain)
        asks(c);
}

static void say_waiting(struct client *c)
{
    for (int i = 0; i < c->waiting_count; i++)
        message(c, c->waiting[i]);
    c->waiting_count = 0;
}

static void tell(struct client *c, unsigned h)
{
    writes(c, "<a xmlns='urn:xmpp:sm:3' h='%u'/>", h);
    c->told = h;
}

/* What it hears. */

static void acked(struct client *c, unsigned h)
{
    MN_ASSERT(h >= c->acked && h <= c->out);
    for (; c->acked < h; c->acked++)
        if (c->said[c->acked] >= 0)
            messages[c->said[c->acked]].acked = true;
}

/* Those behind what is acknowledged, and not refused, are to be said again, before all others; who
 * does without XEP-0198 leaves it at that. */
static void unsaid(struct client *c)
{
    int again[MESSAGES_MAX], count = 0;

    for (unsigned i = c->acked; i < c->out && !c->plain; i++)
        if (c->said[i] >= 0 && !messages[c->said[i]].refused)
            again[count++] = c->said[i];
    for (int i = 0; i < c->waiting_count; i++)
        again[count++] = c->waiting[i];
    memcpy(c->waiting, again, sizeof again);
    c->waiting_count = count;
    c->out = c->acked;
}

/* Who cannot know that it was taken says it once more. */
static void unknown(struct client *c)
{
    for (unsigned i = c->acked; i < c->out && !c->plain; i++)
        if (c->said[i] >= 0)
            messages[c->said[i]].again++;
}

/* The session is over. What it did not say to have may come again. */
static void lost(struct client *c)
{
    for (unsigned i = c->told; i < c->in; i++)
        if (c->heard[i] >= 0)
            messages[c->heard[i]].again++;
    unsaid(c);
    c->sm_id[0] = 0;
    c->out = c->acked = c->in = c->told = 0;
}

static void body(struct client *c, mn_str text)
{
    uint64_t n;
    struct message *m;

    MN_ASSERT(mn_num_parse(text, MESSAGES_MAX - 1, &n) && (int)n < message_count);
    m = &messages[n];
    MN_ASSERT(m->to == c - clients);
    MN_ASSERT(!m->got || m->again);
    MN_ASSERT(m->got || m->again || failed || (int)n > c->last[m->from]);
    if (!m->got && c->last[m->from] < (int)n)
        c->last[m->from] = (int)n;
    m->again -= m->got;
    m->got = true;
    c->heard[c->in] = (int)n;
}

static unsigned number(const struct mn_elem *e, const char *name)
{
    uint64_t n = 0;

    MN_ASSERT(mn_num_parse(mn_elem_get(e, name), UINT32_MAX, &n));
    return (unsigned)n;
}

static void bind_(struct client *c)
{
    writes(c, "<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>"
              "<resource>x</resource></bind></iq>");
}

/* Of something that it said: also when it had that resource in a session before. */
static bool refused(const struct mn_elem *e)
{
    uint64_t n;

    if (!mn_elem_is(e, MN_NS_CLIENT, "message") || !mn_str_is(mn_elem_get(e, "type"), "error"))
        return false;
    if (mn_num_parse(mn_elem_get(e, "id"), MESSAGES_MAX - 1, &n))
        messages[n].refused = true;
    return true;
}

/* An answer to what it asked, or a question of the server. */
static void iq(struct client *c, const struct mn_elem *e)
{
    mn_str id = mn_elem_get(e, "id"), type = mn_elem_get(e, "type");
    uint64_t n;

    if (mn_str_is(type, "result") && id.n && id.p[0] == 'p') {
        MN_ASSERT(mn_num_parse((mn_str){id.p + 1, id.n - 1}, UINT32_MAX, &n));
        acked(c, (unsigned)n);
    } else if (mn_str_is(type, "get") && !c->silent) {
        writes(c, "<iq to='localhost' type='result' id='%.*s'/>", (int)id.n, id.p);
        c->told = c->in;
    }
}

/* What nobody has stored may be lost then. */
static void reads_no_more(struct client *c)
{
    c->unread = true;
    for (int i = 0; i < message_count; i++) {
        struct message *m = &messages[i];

        m->refused |= &clients[m->to] == c && !m->got && !m->stored;
    }
}

static void heard(struct client *c, const struct mn_elem *e, struct mn_arena *a)
{
    if (mn_elem_is(e, MN_NS_SASL, "success")) {
        mn_xml_restart(c->guest.xml);
        header(c);
        if (c->sm_id[0] && !c->comes_plain)
            writes(c, "<resume xmlns='urn:xmpp:sm:3' previd='%s' h='%u'/>", c->sm_id, c->in);
        else
            bind_(c);
    } else if (mn_elem_is(e, MN_NS_SM, "failed")) {
        if (mn_elem_get(e, "h").p &&
            number(e, "h") >= c->acked) /* a crash may have taken the rest */
            acked(c, number(e, "h"));
        if (failed) /* the disk may not have taken how many there were */
            unknown(c);
        lost(c);
        bind_(c);
    } else if (mn_elem_is(e, MN_NS_SM, "resumed")) {
        acked(c, number(e, "h"));
        c->told = c->in;
        c->bound = true;
        unsaid(c);
        say_waiting(c);
    } else if (mn_elem_is(e, MN_NS_SM, "enabled")) {
        mn_str id = mn_elem_get(e, "id");

        MN_ASSERT(id.n && id.n < sizeof c->sm_id);
        memcpy(c->sm_id, id.p, id.n);
        c->sm_id[id.n] = 0;
        c->in = c->told = 0;
        c->bound = true;
    } else if (mn_elem_is(e, MN_NS_SM, "r")) {
        if (!c->silent)
            tell(c, c->in);
    } else if (mn_elem_is(e, MN_NS_SM, "a")) {
        acked(c, number(e, "h"));
    } else if (e->ns == MN_NS_CLIENT && !c->bound) {
        if (refused(e)) /* nothing counts yet */
            return;
        MN_ASSERT(mn_str_is(mn_elem_get(e, "type"), "result")); /* of the bind */
        if (!mn_str_is(mn_elem_get(e, "id"), "b"))
            return;
        if (c->sm_id[0]) {
            unknown(c);
            replaced |= disk == DISK_SLOW;
        }
        lost(c); /* it may have been cut before it had an id */
        c->bound = c->plain = c->comes_plain;
        if (c->plain && c->silent)
            reads_no_more(c);
        if (!c->plain)
            writes(c, "<enable xmlns='urn:xmpp:sm:3' resume='true'/>");
        writes(c, "<presence/>");
        stanza(c, -1);
        say_waiting(c);
    } else if (e->ns == MN_NS_CLIENT) {
        c->heard[c->in] = -1;
        if (!refused(e) && mn_str_is(e->name, "message"))
            body(c, mn_elem_text(mn_elem_child(e, MN_NS_CLIENT, "body"), a));
        if (c->plain && mn_str_is(e->name, "iq"))
            iq(c, e);
        c->in++;
        MN_ASSERT(c->in < MN_COUNT(c->heard));
    }
}

static void on_item(struct guest *g, int what, const struct mn_xml_item *item, struct mn_arena *a)
{
    struct client *c = MN_OF(g, struct client, guest);

    if (what == MN_XML_ELEM && !c->unread)
        heard(c, item->elem, a);
}

/* What is written to who does without XEP-0198 before it is seen, nobody has. */
static void cut(struct client *c)
{
    guest_cut(&c->guest);
    if (c->comes_plain)
        settle();
}

static bool is_online(const struct client *c)
{
    return c->guest.conn && c->bound;
}

/* In a session that counts. */
static bool talks(const struct client *c)
{
    return is_online(c) && !c->unread && (c->plain || c->sm_id[0]);
}

static void dial(struct client *c)
{
    c->inactive = c->bound = c->unread = false;
    c->guest.heard = on_item;
    guest_come(&c->guest, server_mem(srv, 0, srv->owners[0]->loop, CONF_TLS_OFF));
    header(c);
}

static void come(struct client *c)
{
    static const char *const passwords[CLIENTS] = {"AGEAc2VjcmV0", "AGIAc2VjcmV0", "AGMAc2VjcmV0"};

    if (c->guest.conn)
        return;
    dial(c);
    writes(c, "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>%s</auth>",
           passwords[c - clients]);
    settle();
    pass(MOMENT); /* what stands on the disk of a session leaves first */
}

/* What may happen. */

static void disk_becomes(enum disk how)
{
    for (int i = 0; i < message_count; i++) {
        messages[i].refused |= messages[i].waits && how == DISK_FAILS; /* as in message() */
        messages[i].waits = false;
    }
    disk_set(how);
}

static void send_(struct client *c, struct client *to)
{
    struct message *m = &messages[message_count];

    if (message_count == MESSAGES_MAX)
        return;
    *m = (struct message){.from = (int)(c - clients), .to = (int)(to - clients)};
    if (talks(c))
        message(c, message_count++);
    else
        c->waiting[c->waiting_count++] = message_count++;
}

static void farewell(struct client *c)
{
    if (!talks(c))
        return;
    if (!c->plain)
        tell(c, c->in);
    asks(c);
    settle();
    if (c->plain)
        c->told = c->in;
    guest_say(&c->guest, MN_STR("</stream:stream>"));
    settle();
    cut(c);
    unknown(c);
    lost(c);
}

static void all_cut(void)
{
    for (int i = 0; i < CLIENTS; i++)
        cut(&clients[i]);
}

/* What the disk did not take of what its client has is there still when the server begins anew. */
static void begins_anew(bool lost)
{
    for (int i = 0; i < message_count && (lost || failed); i++)
        messages[i].again = MESSAGES_MAX; /* each copy, and some are said twice */
    haunted |= failed || (lost && replaced);
    failed = replaced = false;
}

static void die(void)
{
    all_cut();
    begins_anew(house_crash());
    for (int i = 0; i < message_count; i++) {
        struct message *m = &messages[i];

        m->again += !m->acked; /* it is said again, and the server knows nothing of it */
        m->refused |= !m->got && !m->stored;
    }
}

enum deed {
    SEND,
    SEND_ON,
    SEND_AND_CUT,
    CUT,
    COME,
    FAREWELL,
    TELL,
    ASK,
    SILENT,
    INACTIVE,
    A_MOMENT,
    A_MINUTE,
    SLOW,
    FAIL,
    RESTART,
    DIE
};

static void does(enum deed deed, struct client *c, bool plain)
{
    size_t i = (size_t)(c - clients);

    switch (deed) {
    case SEND:
    case SEND_ON:
        send_(c, &clients[(i + (deed == SEND ? 1 : 2)) % CLIENTS]);
        break;
    case SEND_AND_CUT:
        send_(c, &clients[(i + 1) % CLIENTS]);
        cut(c);
        break;
    case CUT:
        cut(c);
        break;
    case COME:
        if (!c->guest.conn)
            c->comes_plain = plain;
        come(c);
        break;
    case FAREWELL:
        farewell(c);
        break;
    case TELL:
        if (talks(c) && !c->plain)
            tell(c, c->silent && c->told < c->in ? c->told + 1 : c->in);
        break;
    case ASK:
        if (talks(c))
            asks(c);
        break;
    case SILENT:
        c->silent = !c->silent;
        break;
    case INACTIVE:
        c->inactive = !c->inactive && is_online(c);
        if (is_online(c) && !c->unread)
            writes(c, "<%s xmlns='urn:xmpp:csi:0'/>", c->inactive ? "inactive" : "active");
        break;
    case A_MOMENT:
        pass(MOMENT);
        break;
    case A_MINUTE:
        if (disk == DISK_SLOW) /* nobody's time ends before that */
            disk_becomes(DISK_WELL);
        pass(MINUTE);
        break;
    case SLOW:
        disk_becomes(disk == DISK_SLOW ? DISK_WELL : DISK_SLOW);
        break;
    case FAIL:
        disk_becomes(disk == DISK_FAILS ? DISK_WELL : DISK_FAILS);
        failed = true;
        break;
    case RESTART:
        if (disk == DISK_FAILS) { /* what waits for those who are away cannot be written down */
            die();
            break;
        }
        all_cut();
        house_restart();
        begins_anew(false);
        break;
    case DIE:
        die();
        break;
    }
    settle();
}

static struct config *config(void)
{
    return house_config("loops: 1\n"
                        "auth: {mechanisms: [PLAIN], without_tls: [PLAIN]}\n"
                        "registration: {open: yes, per_address: off}\n");
}

static void begin(void)
{
    memset(clients, 0, sizeof clients);
    message_count = 0;
    failed = haunted = replaced = false;
    house_begin(config());
    for (int i = 0; i < CLIENTS; i++) {
        struct client *c = &clients[i];

        for (int k = 0; k < CLIENTS; k++)
            c->last[k] = -1;
        dial(c);
        c->unread = true;
        writes(c,
               "<iq type='set' id='r'><query xmlns='jabber:iq:register'><username>%c</username>"
               "<password>secret</password></query></iq>",
               'a' + i);
        settle();
        cut(c);
        settle();
    }
}

static void end(void)
{
    struct owner *o;
    struct user *u;

    disk_set(DISK_WELL);
    for (int i = 0; i < CLIENTS; i++) {
        clients[i].silent = false;
        if (clients[i].unread)
            cut(&clients[i]);
    }
    for (int round = 0; round < 4; round++)
        for (int i = 0; i < CLIENTS; i++) {
            come(&clients[i]);
            if (talks(&clients[i]) && !clients[i].plain)
                tell(&clients[i], clients[i].in);
            pass(A_WHILE);
        }
    for (int i = 0; i < message_count; i++)
        MN_ASSERT(messages[i].got || messages[i].refused || !messages[i].acked ||
                  (!messages[i].stored && haunted));
    for (int i = 0; i < CLIENTS; i++)
        farewell(&clients[i]);
    all_cut();
    pass(MOMENT);
    pass(DAY);
    o = srv->owners[0];
    MN_ASSERT(mn_list_empty(&o->streams));
    for (size_t at = 0; (u = mn_map_next(&o->users, &at));)
        MN_ASSERT(!u->session_count && mn_list_empty(&u->sessions));
    house_end();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    begin();
    for (size_t i = 0; i < size; i++)
        does(data[i] % (DIE + 1), &clients[data[i] / (DIE + 1) % CLIENTS], data[i] >= PLAIN);
    end();
    return 0;
}
