/* What stands in contents of Jingle sessions: descriptions and transports, read and built. What
 * comes in a session has been checked: elements of these namespaces that break their rules are
 * refused before the program hears of them. Readers lend from the element. */
#pragma once

#include "mynah/elem.h"

MYNAH_BEGIN

/* What is announced by mynah_disco_feature, by whoever speaks it. */
#define MYNAH_NS_FILE_TRANSFER "urn:xmpp:jingle:apps:file-transfer:5"
#define MYNAH_NS_ICE_UDP "urn:xmpp:jingle:transports:ice-udp:1"
#define MYNAH_NS_JINGLE_IBB "urn:xmpp:jingle:transports:ibb:1"

/* A file (XEP-0234). A name is text of somebody else: never a path. */
struct mynah_jingle_file {
    size_t size;
    const char *name, *media_type, *desc; /* or NULL */
    int64_t date;                         /* ms since 1970, last changed; 0: not said */
    int64_t bytes;                        /* -1: not said */
    const char *hash_name;                /* "sha-256", ... (XEP-0300); or NULL */
    const char *hash;                     /* base64; NULL: will be told later */
    bool ranged;                          /* parts of it may be asked for */
    int64_t offset, length;               /* the part; length 0: to the end */
};
/* The <description/>; the program's. */
MYNAH_API struct mynah_elem *mynah_jingle_file_new(const struct mynah_jingle_file *f);
/* Of a <description/>, or of a <checksum/> in a session-info. False: there is no <file/>, or one
 * with impossible numbers. */
MYNAH_API bool mynah_jingle_file(const struct mynah_elem *e, struct mynah_jingle_file *out);

/* Where a candidate comes from (RFC 8445, 5.1.1). */
enum mynah_ice_type { MYNAH_ICE_HOST, MYNAH_ICE_PRFLX, MYNAH_ICE_RELAY, MYNAH_ICE_SRFLX };
/* One way to reach a side, of ICE-UDP (XEP-0176). */
struct mynah_ice_candidate {
    size_t size;
    const char *id, *foundation;
    unsigned component; /* 1 ... 256 */
    const char *protocol;
    const char *ip; /* an address in figures */
    uint16_t port;
    uint32_t priority; /* 1 ... 2^31 - 1 */
    enum mynah_ice_type type;
    const char *rel_addr; /* or NULL */
    uint16_t rel_port;
    unsigned generation, network;
};
/* The <transport/>, without candidates; both NULL: an empty one. The program's. */
MYNAH_API struct mynah_elem *mynah_ice_new(const char *ufrag, const char *pwd);
/* One more candidate. */
MYNAH_API void mynah_ice_add(struct mynah_elem *transport, const struct mynah_ice_candidate *k);
/* The pair that is used: the other side's candidate (<remote-candidate/>). */
MYNAH_API void mynah_ice_remote_add(struct mynah_elem *transport, unsigned component,
                                    const char *ip, uint16_t port);
/* Those of a <transport/> in turn; false: not so many. */
MYNAH_API bool mynah_ice_at(const struct mynah_elem *transport, size_t i,
                            struct mynah_ice_candidate *out);
MYNAH_API bool mynah_ice_remote_at(const struct mynah_elem *transport, size_t i,
                                   unsigned *component, const char **ip, uint16_t *port);

/* In-band (XEP-0261): the stream that mynah_bytestream_open is then given. The <transport/> is the
 * program's; read, false: it breaks the rules. */
MYNAH_API struct mynah_elem *mynah_jingle_ibb_new(const char *sid, unsigned block, bool messages);
MYNAH_API bool mynah_jingle_ibb(const struct mynah_elem *transport, const char **sid,
                                unsigned *block, bool *messages);

MYNAH_END
