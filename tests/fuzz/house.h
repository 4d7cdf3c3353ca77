/* A whole server in this process and thread, whose store stays when it ends, on a disk that can
 * fail, be slow, or lose what it had not told to be there. */
#pragma once

#include "fuzz/one_thread.h"
#include "server/module.h"

extern struct server *srv;
extern enum disk {
    DISK_WELL,
    DISK_FAILS, /* each write */
    DISK_SLOW   /* writes wait until it is well */
} disk;

/* Of that YAML, made once; nobody's password costs much. */
struct config *house_config(const char *yaml);
void house_begin(const struct config *conf);
/* The server ends, as by SIGTERM, and begins anew. Everybody has been cut off. The disk is well. */
void house_restart(void);
/* The same by kill -9: what was slow is lost. Returns whether something was. */
bool house_crash(void);
void disk_set(enum disk how);
void house_end(void);

/* The client's end of a connection to it: what the server says is well-formed XML. */
struct guest {
    struct mn_conn *conn; /* NULL: not connected */
    struct mn_xml *xml;
    /* MN_XML_OPEN or MN_XML_ELEM; may say something, or restart `xml`. */
    void (*heard)(struct guest *g, int what, const struct mn_xml_item *item, struct mn_arena *a);
};
/* `conn`: the client's end of one to the server, taken over. */
void guest_come(struct guest *g, struct mn_conn *conn);
void guest_cut(struct guest *g);
/* Nothing where it is not connected. */
void guest_say(struct guest *g, mn_str bytes);
