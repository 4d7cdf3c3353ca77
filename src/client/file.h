/* Between transfers of files (ext_file.c), what they are offered by (file_offer.c), and stream
 * initiation (ext_si.c). */
#pragma once

#include "mynah/file.h"
#include "mynah/initiate.h"

#define NS_SI "http://jabber.org/protocol/si"
#define NS_FILE "http://jabber.org/protocol/si/profile/file-transfer"

enum { FILE_METHODS = MYNAH_SOCKS5 | MYNAH_IBB };

/* The <si/> that offers it, by one of these methods. */
struct mynah_elem *file_offer(const char *sid, const struct mynah_file_info *info,
                              unsigned methods);
/* False: it says not enough of the file, or impossible things. Lent from it. */
bool file_offered(const struct mynah_elem *si, struct mynah_file_info *out);

/* The methods that are offered ("form") or the one that is taken ("submit"), and back: those that
 * we know, the one that was taken, 0: none. */
void si_negotiate(struct mynah_elem *si, const char *type, unsigned methods);
unsigned si_methods(const struct mynah_elem *si);
unsigned si_method(const struct mynah_elem *si);
/* As mynah_initiate_serve, and whether it is told. */
void si_serve(struct mynah_client *c, const char *profile, mynah_initiate_offered *offered,
              void *arg);
void si_announce(struct mynah_client *c, const char *profile, bool on);

/* What is said with a yes to an offer: from there on; NULL: nothing. */
struct mynah_elem *file_answer(uint64_t begin);
/* Which method and which part of so many bytes is wanted; false: none of what was offered. */
bool file_answered(const struct mynah_elem *si, const struct mynah_file_info *offered,
                   unsigned *method, uint64_t *begin, uint64_t *count);
