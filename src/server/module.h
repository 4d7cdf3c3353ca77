/* The face of a module: one file, one table, one line in modules.def (docs/design/001-modules.md).
 */
#pragma once

#include "server/c2s.h"
#include "server/config.h"
#include "server/iq.h"
#include "server/server.h"

struct module;
struct disco;

/* What of the protocol it does, and the tests that show it (SUITE/NAME; SUITE/NAME). `key`: it is
 * offered where that of the configuration is set ("auth.iq_auth"), or a text that holds a word
 * ("auth.mechanisms: PLAIN"); NULL: wherever the module is on. */
struct module_xep {
    int number;
    const char *version, *title, *test, *key;
    const char *without; /* what of it is not done; NULL: nothing */
};
struct module_rfc {
    const char *section, *title, *test, *key;
};

/* A top-level element of a stream that is no stanza. False: not in this state
 * (unsupported-stanza-type). */
struct stream_row {
    enum mn_ns ns;
    const char *name;
    bool (*fn)(struct c2s *c, const struct mn_xml_item *item);
};

struct module {
    const char *name; /* in the config, logs and docs */
    struct module_xep xep[4];
    struct module_rfc rfc[2];
    const char *feature[4];      /* disco#info of the host */
    const char *user_feature[4]; /* disco#info of an account's bare address */
    struct iq_row iq[12];
    struct stream_row stream[8];
    const struct mn_conf_row
        *conf; /* keys below modules: NAME:, for a struct of conf_size that begins with bool on */
    size_t conf_size;
    bool always;     /* cannot be taken out */
    bool from_start; /* on or off only at a start: who was offered it may go on with it */
    /* One field per hook (hooks.def); NULL: does not listen. */
#define HOOK(ret, name, args, ...) ret(*name) args;
#include "server/hooks.def"
#undef HOOK
};

#define MODULE(name) extern const struct module mod_##name;
#include "server/modules.def"
#undef MODULE

/* All modules, in the order of modules.def; NULL-ended. */
extern const struct module *const modules[];
/* By this owner's snapshot, or as it was at the start. */
bool module_on(const struct server *srv, const struct module *m);
/* The listeners of each hook that are on by a snapshot, in the order of hooks.def; NULL-ended. */
struct hooks {
#define LISTEN(name) +1
#define HOOK(ret, name, args, ...) const struct module *name[1 __VA_ARGS__];
#include "server/hooks.def"
#undef HOOK
#undef LISTEN
};
struct hooks *hooks_new(const struct server *srv, const struct config *conf);

/* Calls every listener of a hook. */
#define HOOK_RUN(srv, hook, ...)                                                                   \
    do {                                                                                           \
        for (const struct module *const *m_ = owner_here()->snap->hooks->hook; *m_; m_++)          \
            (*m_)->hook(__VA_ARGS__);                                                              \
    } while (0)
/* Asks the listeners in order until one says DONE. */
#define HOOK_ASK(srv, hook, verdict_out, ...)                                                      \
    do {                                                                                           \
        *(verdict_out) = PASS;                                                                     \
        for (const struct module *const *m_ = owner_here()->snap->hooks->hook;                     \
             *m_ && *(verdict_out) == PASS; m_++)                                                  \
            *(verdict_out) = (*m_)->hook(__VA_ARGS__);                                             \
    } while (0)
