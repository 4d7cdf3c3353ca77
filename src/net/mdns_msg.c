#include "net/mdns_msg.h"

#include <string.h>

enum {
    HEADER = 12,
    RECORDS_MAX = 500,
    JUMPS_MAX = 32,
    IN = 1,
    TOP_BIT = 0x8000, /* of a class: unicast, flush */
    RESPONSE = 0x80,
    AUTHORITATIVE = 0x04,
    TRUNCATED = 0x02,
    OPCODE = 0x78
};

struct reader {
    mn_str in;
    size_t at;
    struct mn_arena *a;
    bool bad;
};

static uint16_t u16_at(mn_str s, size_t at)
{
    const unsigned char *p = (const unsigned char *)s.p + at;

    return (uint16_t)(p[0] << 8 | p[1]);
}

/* Something that is `n` bytes long, or nothing. */
static size_t take(struct reader *r, size_t n)
{
    size_t at = r->at;

    if (r->bad || r->in.n - r->at < n) {
        r->bad = true;
        return 0;
    }
    r->at += n;
    return at;
}

static uint16_t u16(struct reader *r)
{
    size_t at = take(r, 2);

    return r->bad ? 0 : u16_at(r->in, at);
}

static uint32_t u32(struct reader *r)
{
    uint32_t high = u16(r);

    return high << 16 | u16(r);
}

/* Pointers go backwards only, so that they come to an end. */
static mn_str name(struct reader *r)
{
    char text[MN_MDNS_NAME];
    size_t n = 0, at = r->at, end = 0, before = r->at;

    for (unsigned jumps = 0;;) {
        unsigned len;

        if (r->bad || at >= r->in.n)
            break;
        len = (unsigned char)r->in.p[at];
        if (len >= 0xc0) {
            size_t to = r->in.n - at < 2 ? SIZE_MAX : u16_at(r->in, at) & 0x3fffu;

            if (to >= before || ++jumps > JUMPS_MAX)
                break;
            end = end ? end : at + 2;
            at = before = to;
            continue;
        }
        if (len > MN_MDNS_LABEL || r->in.n - at < len + 1u || n + len + 1 > sizeof text)
            break;
        memcpy(text + n, r->in.p + at, len + 1);
        n += len + 1;
        at += len + 1;
        if (!len) {
            r->at = end ? end : at;
            return mn_arena_str(r->a, mn_str_make(text, n));
        }
    }
    r->bad = true;
    return (mn_str){0};
}

/* What stands behind the length; names inside are looked up in the whole message. */
static mn_str data(struct reader *r, uint16_t type, size_t n)
{
    size_t start = take(r, n), fixed = type == MN_RR_SRV ? 6 : 0;
    struct reader inner = {{r->in.p, r->at}, start + fixed, r->a, r->bad || n < fixed};
    mn_str host;
    char *p;

    if (type != MN_RR_SRV && type != MN_RR_PTR)
        return r->bad ? (mn_str){0} : mn_str_make(r->in.p + start, n);
    host = name(&inner);
    r->bad = r->bad || inner.bad || inner.at != r->at;
    if (r->bad)
        return (mn_str){0};
    p = mn_arena_bytes(r->a, fixed + host.n);
    memcpy(p, r->in.p + start, fixed);
    memcpy(p + fixed, host.p, host.n);
    return mn_str_make(p, fixed + host.n);
}

static void questions(struct reader *r, size_t count, struct mn_mdns_msg *out)
{
    struct mn_mdns_question *q = mn_arena_alloc0(r->a, (count + 1) * sizeof *q);

    out->questions = q;
    for (size_t i = 0; i < count && !r->bad; i++) {
        uint16_t class;

        q->name = name(r);
        q->type = u16(r);
        class = u16(r);
        q->unicast = class & TOP_BIT;
        if ((class & ~TOP_BIT) == IN || (class & ~TOP_BIT) == MN_RR_ANY)
            q++;
    }
    out->question_count = (size_t)(q - out->questions);
}

static size_t records(struct reader *r, size_t count, struct mn_mdns_record *list)
{
    struct mn_mdns_record *at = list;

    for (size_t i = 0; i < count && !r->bad; i++) {
        uint16_t class;

        at->name = name(r);
        at->type = u16(r);
        class = u16(r);
        at->flush = class & TOP_BIT;
        at->ttl = u32(r);
        at->data = data(r, at->type, u16(r));
        if ((class & ~TOP_BIT) == IN)
            at++;
    }
    return (size_t)(at - list);
}

/* One that lies is the message of a broken sender: sizes are looked at where they are used. */
static bool sizes_hold(const struct mn_mdns_record *r)
{
    return r->type == MN_RR_A ? r->data.n == 4 : r->type != MN_RR_AAAA || r->data.n == 16;
}

int mn_mdns_parse(mn_str packet, struct mn_arena *a, struct mn_mdns_msg *out)
{
    struct reader r = {packet, HEADER, a, packet.n < HEADER};
    struct mn_mdns_record *list;
    size_t counts[4];

    *out = (struct mn_mdns_msg){0};
    if (r.bad || packet.p[2] & OPCODE || packet.p[3] & 0xf) /* RFC 6762, 18.3 and 18.11 */
        return MN_E_FORMAT;
    out->id = u16_at(packet, 0);
    out->response = packet.p[2] & RESPONSE;
    out->truncated = packet.p[2] & TRUNCATED;
    for (size_t i = 0; i < MN_COUNT(counts); i++)
        counts[i] = u16_at(packet, 4 + 2 * i);
    if (counts[0] > RECORDS_MAX || counts[1] + counts[2] + counts[3] > RECORDS_MAX)
        return MN_E_LIMIT;
    questions(&r, counts[0], out);
    list = mn_arena_alloc0(a, (counts[1] + counts[2] + counts[3] + 1) * sizeof *list);
    out->records = list;
    out->answers = records(&r, counts[1], list);
    out->authorities = records(&r, counts[2], list + out->answers);
    out->record_count = out->answers + out->authorities;
    out->record_count += records(&r, counts[3], list + out->record_count);
    for (size_t i = 0; i < out->record_count && !r.bad; i++)
        r.bad = !sizes_hold(&list[i]);
    return r.bad ? MN_E_FORMAT : MN_E_OK;
}

mn_str mn_mdns_first(mn_str whole, mn_str *rest)
{
    size_t n = whole.n ? (unsigned char)whole.p[0] : 0;

    *rest = mn_str_skip(whole, n + 1);
    return mn_str_make(whole.n ? whole.p + 1 : whole.p, n);
}

/* Building. */

static void put16(struct mn_buf *b, unsigned v)
{
    mn_buf_c(b, (char)(v >> 8));
    mn_buf_c(b, (char)v);
}

void mn_mdns_label(struct mn_buf *b, mn_str label)
{
    label.n = label.n < MN_MDNS_LABEL ? label.n : MN_MDNS_LABEL;
    mn_buf_c(b, (char)label.n);
    mn_buf_str(b, label);
}

/* The name whose label begins there, in what has been written, is this one. */
static bool same_at(mn_str out, size_t at, mn_str whole)
{
    while (whole.n) {
        unsigned len = (unsigned char)out.p[at];

        if (len >= 0xc0) {
            at = u16_at(out, at) & 0x3fffu;
            continue;
        }
        if (whole.n < len + 1 || memcmp(out.p + at, whole.p, len + 1) != 0)
            return false;
        at += len + 1;
        whole = mn_str_skip(whole, len + 1);
    }
    return true;
}

static void put_name(struct mn_mdns_out *o, mn_str whole)
{
    while (whole.n > 1) {
        mn_str rest;

        for (size_t i = 0; i < o->name_count; i++)
            if (same_at(mn_buf_view(&o->b), o->names[i], whole)) {
                put16(&o->b, 0xc000u | o->names[i]);
                return;
            }
        if (o->name_count < MN_COUNT(o->names) && o->b.n < 0x3fff)
            o->names[o->name_count++] = (uint16_t)o->b.n;
        mn_mdns_label(&o->b, mn_mdns_first(whole, &rest));
        whole = rest;
    }
    mn_mdns_root(&o->b);
}

static void count(struct mn_mdns_out *o, size_t at)
{
    unsigned n = u16_at(mn_buf_view(&o->b), at) + 1u;

    o->b.p[at] = (char)(n >> 8);
    o->b.p[at + 1] = (char)n;
}

void mn_mdns_begin(struct mn_mdns_out *o, uint16_t id, bool response)
{
    mn_buf_clear(&o->b);
    o->name_count = 0;
    put16(&o->b, id);
    put16(&o->b, response ? (RESPONSE | AUTHORITATIVE) << 8 : 0);
    for (size_t i = 0; i < 4; i++)
        put16(&o->b, 0);
}

void mn_mdns_truncated(struct mn_mdns_out *o)
{
    o->b.p[2] |= TRUNCATED;
}

bool mn_mdns_empty(const struct mn_mdns_out *o)
{
    return o->b.n <= HEADER;
}

void mn_mdns_ask(struct mn_mdns_out *o, mn_str whole, uint16_t type, bool unicast)
{
    put_name(o, whole);
    put16(&o->b, type);
    put16(&o->b, IN | (unicast ? TOP_BIT : 0));
    count(o, 4);
}

/* RFC 6762, 18.14: names in PTR and SRV are compressed, too. */
static void put_data(struct mn_mdns_out *o, const struct mn_mdns_record *r)
{
    size_t fixed = r->type == MN_RR_SRV ? 6 : 0, at = o->b.n, n;

    put16(&o->b, 0);
    if (r->type == MN_RR_PTR || r->type == MN_RR_SRV) {
        mn_buf_str(&o->b, (mn_str){r->data.p, fixed});
        put_name(o, mn_str_skip(r->data, fixed));
    } else {
        mn_buf_str(&o->b, r->data);
    }
    n = o->b.n - at - 2;
    o->b.p[at] = (char)(n >> 8);
    o->b.p[at + 1] = (char)n;
}

void mn_mdns_add(struct mn_mdns_out *o, enum mn_mdns_part part, const struct mn_mdns_record *r)
{
    put_name(o, r->name);
    put16(&o->b, r->type);
    put16(&o->b, IN | (r->flush ? TOP_BIT : 0));
    put16(&o->b, r->ttl >> 16);
    put16(&o->b, r->ttl & 0xffff);
    put_data(o, r);
    count(o, 6 + 2 * (size_t)part);
}

mn_str mn_mdns_txt_get(mn_str txt, const char *key)
{
    while (txt.n) {
        size_t n = (unsigned char)txt.p[0] < txt.n ? (unsigned char)txt.p[0] : txt.n - 1;
        mn_str value, string = {txt.p + 1, n}, name = mn_str_cut(string, '=', &value);

        if (mn_str_eq_nocase(name, mn_str_from(key)))
            return value;
        txt = mn_str_skip(txt, n + 1);
    }
    return (mn_str){0};
}

void mn_mdns_txt_add(struct mn_buf *b, const char *key, mn_str value)
{
    size_t room = 255 - strlen(key) - 1;

    if (value.n > room) {
        value.n = room;
        while (value.n && ((unsigned char)value.p[value.n] & 0xc0) == 0x80)
            value.n--;
    }
    mn_buf_c(b, (char)(strlen(key) + 1 + value.n));
    mn_buf_str(b, mn_str_from(key));
    mn_buf_c(b, '=');
    mn_buf_str(b, value);
}
