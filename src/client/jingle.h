/* What the files of Jingle share: sessions (ext_jingle.c), their rules (jingle_rules.c), elements
 * read and written (jingle_read.c), what stands in contents (jingle_content.c). */
#pragma once

#include "client/ext.h"
#include "mynah/jingle.h"

#define NS_JINGLE "urn:xmpp:jingle:1"

enum { JINGLE_CONTENTS_MAX = 16 };

struct jingle_content {
    struct mn_list link;
    struct mynah_elem *xml;           /* as it was offered */
    struct mynah_content c;           /* lent from it */
    enum mynah_jingle_senders agreed; /* without what of ours is not acknowledged */
    bool added;                       /* and not answered yet */
    bool replacing;
    enum mynah_jingle_side replacer;
};

struct mynah_jingle {
    struct trash trash; /* first */
    struct mn_list link;
    struct mynah_client *client;
    struct mynah_jingle_calls calls;
    void *arg;
    char *peer, *sid;
    enum mynah_jingle_side side;
    enum mynah_jingle_state state;
    bool taken;
    struct mn_list contents, sent;
    size_t count;
};

/* Something of ours that is not acknowledged. */
struct jingle_sent {
    struct mn_list link;
    struct mynah_jingle *session; /* NULL: it ended meanwhile */
    struct mynah_request *request;
    enum mynah_jingle_action action;
    struct mynah_elem *xml;
    mynah_iq_done *done;
    void *arg;
    bool ping;
};

/* False: a description or a transport of a known namespace that breaks its rules. */
bool jingle_ok(const struct mynah_elem *e);

/* False: it breaks the schema, or the rules of what stands inside. */
bool jingle_read(const struct mynah_elem *e, struct mynah_content *out);
struct mynah_elem *jingle_write(const struct mynah_content *k);
/* Of a <jingle/>; `contents` has room for JINGLE_CONTENTS_MAX. */
bool jingle_event_read(const struct mynah_elem *e, struct mynah_content *contents,
                       struct mynah_jingle_event *out);
/* The <jingle/> that says so, with these contents. */
struct mynah_elem *jingle_new(const struct mynah_jingle *s, enum mynah_jingle_action action,
                              const struct mynah_content *contents, size_t count);

enum jingle_verdict { FINE, BAD, OUT_OF_ORDER };

/* May that side say so now? */
enum jingle_verdict jingle_check(const struct mynah_jingle *s, enum mynah_jingle_side by,
                                 enum mynah_jingle_action action,
                                 const struct mynah_content *contents, size_t count);
/* It has. */
void jingle_apply(struct mynah_jingle *s, enum mynah_jingle_side by,
                  enum mynah_jingle_action action, const struct mynah_content *contents,
                  size_t count);
/* What we said is acknowledged, or does not come to pass. */
void jingle_settle(struct mynah_jingle *s, const struct jingle_sent *w, bool refused);
/* The program has to understand it. */
bool jingle_is_info(enum mynah_jingle_action action);
/* These may be a first word. */
bool jingle_opens(const struct mynah_content *contents, size_t count);
/* Ours of the same kind about the same is under way, and counts (XEP-0166, 7.2.16). */
bool jingle_crosses(const struct mynah_jingle *s, const struct mynah_jingle_event *e);
/* Their first word asks for what ours asks for. */
bool jingle_equivalent(const struct mynah_jingle *s, const struct mynah_jingle_event *e);

void jingle_content_add(struct mynah_jingle *s, const struct mynah_content *given, bool added);
void jingle_content_free(struct mynah_jingle *s, struct jingle_content *k);
