/* Between transfers of files (ext_file.c) and what they are offered by (file_offer.c). */
#pragma once

#include "mynah/file.h"

#define NS_SI "http://jabber.org/protocol/si"
#define NS_FILE "http://jabber.org/protocol/si/profile/file-transfer"

enum { FILE_METHODS = MYNAH_SOCKS5 | MYNAH_IBB };

/* The <si/> that offers it, by one of these methods. */
struct mynah_elem *file_offer(const char *sid, const struct mynah_file_info *info,
                              unsigned methods);
/* False: it says not enough of the file, or impossible things. Lent from it. */
bool file_offered(const struct mynah_elem *si, struct mynah_file_info *out);
unsigned file_methods(const struct mynah_elem *si); /* those that we know */

/* Yes to an offer: by that method, from there on. */
struct mynah_elem *file_answer(unsigned method, uint64_t begin);
/* Which method and which part of so many bytes is wanted; false: none of what was offered. */
bool file_answered(const struct mynah_elem *si, const struct mynah_file_info *offered,
                   unsigned *method, uint64_t *begin, uint64_t *count);
