/* The protocols that this server speaks, gathered from protocols.def and the tables of the modules.
 */
#pragma once

#include "server/module.h"

struct protocol {
    char name[24];                            /* "RFC 6120, 4", "XEP-0030" */
    const char *version, *title, *test, *key; /* as in struct module_xep */
    int xep;                                  /* 0: an RFC */
    const struct module *module;              /* NULL: the server itself */
    const char *without;                      /* as there */
};

/* RFCs, then XEPs, by number; in the arena. */
struct protocol *protocols_all(struct mn_arena *a, size_t *count);
/* Its module is on, and the configuration has it offered: by the owner's snapshot, or, where that
 * waits for the next start, as it was at this one. */
bool protocol_on(const struct server *srv, const struct protocol *p);
