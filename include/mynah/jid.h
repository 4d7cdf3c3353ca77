/* Addresses (RFC 7622, prepared by RFC 6122). All results are the program's: mynah_free them. */
#pragma once

#include "mynah/base.h"

MYNAH_BEGIN

/* In canonical form; NULL: it is none. Two addresses are the same when these are. */
MYNAH_API char *mynah_jid(const char *text);
/* From its parts; `user` and `resource` may be NULL. */
MYNAH_API char *mynah_jid_make(const char *user, const char *domain, const char *resource);
/* Parts of any address, in canonical form; NULL: it is none, or has no such part. */
MYNAH_API char *mynah_jid_bare(const char *jid);
MYNAH_API char *mynah_jid_user(const char *jid);
MYNAH_API char *mynah_jid_domain(const char *jid);
MYNAH_API char *mynah_jid_resource(const char *jid);
/* The same bare address, whatever the resources. */
MYNAH_API bool mynah_jid_same(const char *a, const char *b);
/* XEP-0106: any text as the first part of an address, and back. */
MYNAH_API char *mynah_jid_escape(const char *text);
MYNAH_API char *mynah_jid_unescape(const char *user);

MYNAH_END
