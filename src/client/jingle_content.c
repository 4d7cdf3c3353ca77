/* Descriptions and transports of Jingle contents (XEP-0234, XEP-0176, XEP-0261), and the table by
 * which sessions check those that come. */
#include "mynah/jingle_content.h"

#include <arpa/inet.h>

#include "base/arena.h"
#include "base/num.h"
#include "client/jingle.h"
#include "xmpp/datetime.h"

#define NS_HASHES "urn:xmpp:hashes:2"

/* Numbers. */

/* It may be missing; false: it is there and wrong. */
static bool number_or(const struct mynah_elem *e, const char *name, uint64_t max, uint64_t usual,
                      uint64_t *out)
{
    *out = usual;
    return !mynah_elem_get(e, name) || elem_number(e, name, max, out);
}

/* XEP-0234. */

static void hash_add(struct mynah_elem *file, const struct mynah_jingle_file *f)
{
    struct mynah_elem *e;

    if (!f->hash_name)
        return;
    e = mynah_elem_add(file, f->hash ? "hash" : "hash-used", NS_HASHES);
    mynah_elem_set(e, "algo", f->hash_name);
    if (f->hash)
        mynah_elem_put(e, f->hash);
}

struct mynah_elem *mynah_jingle_file_new(const struct mynah_jingle_file *given)
{
    struct mynah_jingle_file f = {0};
    struct mynah_elem *e = mynah_elem_new("description", MYNAH_NS_FILE_TRANSFER),
                      *file = mynah_elem_add(e, "file", NULL), *range;
    struct mn_arena a = {0};

    SIZED_COPY(f, given);
    if (f.date)
        mynah_elem_add_text(file, "date", NULL, mn_arena_cstr(&a, mn_datetime_text(f.date, &a)));
    mynah_elem_add_text(file, "desc", NULL, f.desc);
    mynah_elem_add_text(file, "media-type", NULL, f.media_type);
    mynah_elem_add_text(file, "name", NULL, f.name);
    if (f.bytes >= 0)
        mynah_elem_add_text(file, "size", NULL,
                            mn_arena_cstr(&a, mn_arena_fmt(&a, "%lld", (long long)f.bytes)));
    if (f.ranged) {
        range = mynah_elem_add(file, "range", NULL);
        if (f.offset)
            elem_set_number(range, "offset", (uint64_t)f.offset);
        if (f.length)
            elem_set_number(range, "length", (uint64_t)f.length);
    }
    hash_add(file, &f);
    mn_arena_done(&a, NULL);
    return e;
}

bool mynah_jingle_file(const struct mynah_elem *e, struct mynah_jingle_file *out)
{
    const struct mynah_elem *file = mynah_elem_child(e, "file", MYNAH_NS_FILE_TRANSFER),
                            *range = mynah_elem_child(file, "range", MYNAH_NS_FILE_TRANSFER),
                            *hash = mynah_elem_child(file, "hash", NS_HASHES),
                            *used = mynah_elem_child(file, "hash-used", NS_HASHES);
    const char *date = mynah_elem_child_text(file, "date", MYNAH_NS_FILE_TRANSFER),
               *bytes = mynah_elem_child_text(file, "size", MYNAH_NS_FILE_TRANSFER);
    uint64_t n = 0, offset, length;

    *out = (struct mynah_jingle_file){
        .size = sizeof *out,
        .name = mynah_elem_child_text(file, "name", MYNAH_NS_FILE_TRANSFER),
        .media_type = mynah_elem_child_text(file, "media-type", MYNAH_NS_FILE_TRANSFER),
        .desc = mynah_elem_child_text(file, "desc", MYNAH_NS_FILE_TRANSFER),
        .hash_name = mynah_elem_get(hash ? hash : used, "algo"),
        .hash = hash && *mynah_elem_text(hash) ? mynah_elem_text(hash) : NULL,
        .ranged = range != NULL,
        .bytes = -1,
    };
    if (!file || (bytes && !mn_num_parse(mn_str_from(bytes), INT64_MAX, &n)) ||
        !number_or(range, "offset", INT64_MAX, 0, &offset) ||
        !number_or(range, "length", INT64_MAX, 0, &length))
        return false;
    out->bytes = bytes ? (int64_t)n : -1;
    out->offset = (int64_t)offset;
    out->length = (int64_t)length;
    if (date && mn_datetime_parse(mn_str_from(date), &out->date))
        out->date = 0;
    return true;
}

static bool file_ok(const struct mynah_elem *e)
{
    struct mynah_jingle_file f;

    return mynah_jingle_file(e, &f);
}

/* XEP-0176. */

static const char *const ice_types[] = {"host", "prflx", "relay", "srflx"};

struct mynah_elem *mynah_ice_new(const char *ufrag, const char *pwd)
{
    struct mynah_elem *e = mynah_elem_new("transport", MYNAH_NS_ICE_UDP);

    mynah_elem_set(e, "pwd", pwd);
    mynah_elem_set(e, "ufrag", ufrag);
    return e;
}

void mynah_ice_add(struct mynah_elem *transport, const struct mynah_ice_candidate *given)
{
    struct mynah_ice_candidate k = {0};
    struct mynah_elem *e = mynah_elem_add(transport, "candidate", NULL);

    SIZED_COPY(k, given);
    elem_set_number(e, "component", k.component);
    mynah_elem_set(e, "foundation", k.foundation);
    elem_set_number(e, "generation", k.generation);
    mynah_elem_set(e, "id", k.id);
    mynah_elem_set(e, "ip", k.ip);
    elem_set_number(e, "network", k.network);
    elem_set_number(e, "port", k.port);
    elem_set_number(e, "priority", k.priority);
    mynah_elem_set(e, "protocol", k.protocol ? k.protocol : "udp");
    mynah_elem_set(e, "rel-addr", k.rel_addr);
    if (k.rel_addr)
        elem_set_number(e, "rel-port", k.rel_port);
    mynah_elem_set(e, "type", ice_types[k.type]);
}

void mynah_ice_remote_add(struct mynah_elem *transport, unsigned component, const char *ip,
                          uint16_t port)
{
    struct mynah_elem *e = mynah_elem_add(transport, "remote-candidate", NULL);

    elem_set_number(e, "component", component);
    mynah_elem_set(e, "ip", ip);
    elem_set_number(e, "port", port);
}

static bool is_ip(const char *text)
{
    unsigned char out[16];

    return text && (inet_pton(AF_INET, text, out) == 1 || inet_pton(AF_INET6, text, out) == 1);
}

/* ICE's figures: RFC 8445, 5.1.1 and 5.1.2. */
static bool candidate(const struct mynah_elem *e, struct mynah_ice_candidate *out)
{
    const char *type = mynah_elem_get(e, "type");
    uint64_t component, port, priority, rel_port, generation, network;
    size_t t = 0;

    while (type && t < MN_COUNT(ice_types) && strcmp(type, ice_types[t]))
        t++;
    if (!type || t == MN_COUNT(ice_types) || !elem_number(e, "component", 256, &component) ||
        !component || !elem_number(e, "port", 65535, &port) ||
        !elem_number(e, "priority", INT32_MAX, &priority) || !priority ||
        !number_or(e, "rel-port", 65535, 0, &rel_port) ||
        !number_or(e, "generation", INT32_MAX, 0, &generation) ||
        !number_or(e, "network", INT32_MAX, 0, &network))
        return false;
    *out = (struct mynah_ice_candidate){
        .size = sizeof *out,
        .id = mynah_elem_get(e, "id"),
        .foundation = mynah_elem_get(e, "foundation"),
        .component = (unsigned)component,
        .protocol = mynah_elem_get(e, "protocol"),
        .ip = mynah_elem_get(e, "ip"),
        .port = (uint16_t)port,
        .priority = (uint32_t)priority,
        .type = (enum mynah_ice_type)t,
        .rel_addr = mynah_elem_get(e, "rel-addr"),
        .rel_port = (uint16_t)rel_port,
        .generation = (unsigned)generation,
        .network = (unsigned)network,
    };
    return out->id && out->foundation && out->protocol && is_ip(out->ip) &&
           (!out->rel_addr || is_ip(out->rel_addr));
}

static bool remote(const struct mynah_elem *e, unsigned *component, const char **ip, uint16_t *port)
{
    uint64_t c, p;

    *ip = mynah_elem_get(e, "ip");
    if (!elem_number(e, "component", 256, &c) || !c || !elem_number(e, "port", 65535, &p) ||
        !is_ip(*ip))
        return false;
    *component = (unsigned)c;
    *port = (uint16_t)p;
    return true;
}

bool mynah_ice_at(const struct mynah_elem *transport, size_t i, struct mynah_ice_candidate *out)
{
    const struct mynah_elem *e = elem_nth(transport, "candidate", MYNAH_NS_ICE_UDP, i);

    return e && candidate(e, out);
}

bool mynah_ice_remote_at(const struct mynah_elem *transport, size_t i, unsigned *component,
                         const char **ip, uint16_t *port)
{
    const struct mynah_elem *e = elem_nth(transport, "remote-candidate", MYNAH_NS_ICE_UDP, i);

    return e && remote(e, component, ip, port);
}

/* What signs the checks has to be long enough (RFC 8839, 5.4). */
static bool is_secret(const char *text, size_t min)
{
    return text && strlen(text) >= min && strlen(text) <= 256;
}

static bool ice_ok(const struct mynah_elem *e)
{
    const char *ufrag = mynah_elem_get(e, "ufrag"), *pwd = mynah_elem_get(e, "pwd"), *ip;
    bool needed = mynah_elem_child(e, "candidate", MYNAH_NS_ICE_UDP) || ufrag || pwd;
    struct mynah_ice_candidate k;
    unsigned component;
    uint16_t port;

    if (needed && (!is_secret(ufrag, 4) || !is_secret(pwd, 22)))
        return false;
    MYNAH_EACH(c, e, "candidate", MYNAH_NS_ICE_UDP)
    if (!candidate(c, &k))
        return false;
    MYNAH_EACH(c, e, "remote-candidate", MYNAH_NS_ICE_UDP)
    if (!remote(c, &component, &ip, &port))
        return false;
    return true;
}

/* XEP-0261. */

struct mynah_elem *mynah_jingle_ibb_new(const char *sid, unsigned block, bool messages)
{
    struct mynah_elem *e = mynah_elem_new("transport", MYNAH_NS_JINGLE_IBB);

    elem_set_number(e, "block-size", block);
    mynah_elem_set(e, "sid", sid);
    mynah_elem_set(e, "stanza", messages ? "message" : NULL);
    return e;
}

bool mynah_jingle_ibb(const struct mynah_elem *transport, const char **sid, unsigned *block,
                      bool *messages)
{
    const char *stanza = mynah_elem_get(transport, "stanza");
    uint64_t n;

    *sid = mynah_elem_get(transport, "sid");
    if (!*sid || !**sid || !elem_number(transport, "block-size", 65535, &n) || !n ||
        (stanza && strcmp(stanza, "iq") && strcmp(stanza, "message")))
        return false;
    *block = (unsigned)n;
    *messages = stanza && !strcmp(stanza, "message");
    return true;
}

static bool ibb_ok(const struct mynah_elem *e)
{
    const char *sid;
    unsigned block;
    bool messages;

    return mynah_jingle_ibb(e, &sid, &block, &messages);
}

/* The table. */

static const struct {
    const char *name, *ns;
    bool (*ok)(const struct mynah_elem *e);
} rows[] = {
#define JINGLE(name, ns, check) {name, ns, check},
#include "client/jingle.def"
#undef JINGLE
};

bool jingle_ok(const struct mynah_elem *e)
{
    for (size_t i = 0; i < MN_COUNT(rows); i++)
        if (mynah_elem_is(e, rows[i].name, rows[i].ns))
            return rows[i].ok(e);
    return true;
}
