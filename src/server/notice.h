/* What the operator of a domain has to say to its accounts: a message of the day, told once to each
 * until another is set, and one of welcome, told to who is new (XEP-0133). Each owner knows the
 * texts; which of them an account was told is loaded with it. */
#pragma once

#include "server/session.h"

enum notice_what { NOTICE_MOTD, NOTICE_WELCOME };
enum { NOTICES = 2 };
#define NOTICE_STORE "notice" /* of the domain's name; keys: */
extern const char *const notice_names[NOTICES];

#define USER_MOTD "motd" /* keys in the store "user": the number of the last one told ... */
#define USER_NEW "new"   /* ... and whether it has never been there yet */

struct notice {
    uint64_t number; /* 0: there is none */
    mn_str text;     /* malloc'd */
};
/* As it stands in the store. */
mn_str notice_record(const struct notice *n, struct mn_arena *a);
bool notice_load(struct notice *n, mn_str record);

/* From now on it is this one (copied; number 0: none); who is here is told. */
void notice_put(struct owner *o, const struct host *h, enum notice_what what,
                const struct notice *n);
/* The account is there: it is told what it was not told yet. */
void notice_tell(struct user *u);
void notice_free(struct owner *o);
/* A message of the domain. */
struct mn_stanza *notice_message(const struct host *h, mn_str text);
