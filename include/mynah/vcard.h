/* vCards (XEP-0054): what people tell of themselves, with a photo whose hash rides in presence
 * (XEP-0153). Everybody may read them. */
#pragma once

#include "mynah/iq.h"

MYNAH_BEGIN

/* Kinds of a contact or an address, joined. */
enum {
    MYNAH_VCARD_HOME = 1 << 0,
    MYNAH_VCARD_WORK = 1 << 1,
    MYNAH_VCARD_PREF = 1 << 2,
    MYNAH_VCARD_INTERNET = 1 << 3, /* of e-mail */
    MYNAH_VCARD_VOICE = 1 << 4,    /* of phones, from here on */
    MYNAH_VCARD_FAX = 1 << 5,
    MYNAH_VCARD_CELL = 1 << 6,
    MYNAH_VCARD_PAGER = 1 << 7,
    MYNAH_VCARD_MSG = 1 << 8,
    MYNAH_VCARD_VIDEO = 1 << 9,
    MYNAH_VCARD_POSTAL = 1 << 10, /* of addresses */
    MYNAH_VCARD_PARCEL = 1 << 11,
    MYNAH_VCARD_DOM = 1 << 12,  /* of addresses: for mail within the country */
    MYNAH_VCARD_INTL = 1 << 13, /* ... from others */
    MYNAH_VCARD_X400 = 1 << 14, /* of e-mail */
    MYNAH_VCARD_BBS = 1 << 15,  /* of phones, from here on */
    MYNAH_VCARD_MODEM = 1 << 16,
    MYNAH_VCARD_ISDN = 1 << 17,
    MYNAH_VCARD_PCS = 1 << 18
};
/* An e-mail address, a telephone number. */
struct mynah_vcard_contact {
    const char *value; /* the number, the address */
    unsigned kinds;
};
/* Where somebody lives or works. */
struct mynah_vcard_address {
    unsigned kinds;
    const char *box, *extra, *street, *city, *region, *code, *country; /* or NULL */
};

/* A photo that is sent is at most so big (MYNAH_E_LIMIT): servers end streams over stanzas of more.
 * XEP-0153 asks for less than 8192 bytes and a square of 32 to 96 pixels. */
enum { MYNAH_PHOTO_MAX = 48 * 1024 };

/* A vCard, lent where it came. Texts NULL: not told. */
struct mynah_vcard {
    size_t size;
    const char *full_name, *family, *given, *middle, *prefix, *suffix;
    const char *nickname, *birthday, *url, *jid, *title, *role, *org, *unit, *desc;
    const struct mynah_vcard_contact *emails, *phones;
    const struct mynah_vcard_address *addresses;
    size_t email_count, phone_count, address_count;
    const void *photo; /* the picture; NULL: none, or no base64 */
    size_t photo_size;
    const char *photo_type; /* what its bytes are: "image/png", ...; NULL: none that is known.
                               Nothing needs to be set: bytes tell it */
    const char *photo_url;  /* or NULL */
    const char *photo_hash; /* as presences tell it; only read */
    /* The <vCard/>. When it is set, its fields that have no place above are kept: a vCard is only
     * ever replaced as a whole, so change what came and send that. */
    const struct mynah_elem *xml;
    const char *note, *mailer, *revised, *uid, *zone, *product, *sort;
    const char *latitude, *longitude; /* degrees */
};

/* Reads one; MYNAH_E_FORMAT: the answer is none. `jid` NULL: our own; of people the bare address,
 * of an occupant of a room the full one. Who has none: item-not-found or service-unavailable; of
 * our own item-not-found alone says so: after any other error nothing may be set, for what is there
 * would go with its photo. */
typedef void mynah_vcard_done(void *arg, struct mynah_client *c, const struct mynah_vcard *v,
                              const struct mynah_error *error);
MYNAH_API struct mynah_request *mynah_vcard_get(struct mynah_client *c, const char *jid,
                                                mynah_vcard_done *done, void *arg);
/* Ours. What cannot be sent is told inside the call, and NULL returned. `done` may be NULL. */
MYNAH_API struct mynah_request *mynah_vcard_set(struct mynah_client *c, const struct mynah_vcard *v,
                                                mynah_iq_done *done, void *arg);
/* The same as an element; takes it. */
MYNAH_API struct mynah_request *mynah_vcard_put(struct mynah_client *c, struct mynah_elem **vcard,
                                                mynah_iq_done *done, void *arg);

/* XEP-0153. On: presences say which photo our vCard has. It is asked for after each login, told
 * anew after mynah_vcard_set, and looked up again when another program of the account has changed
 * it. A program that does not know of photos silences all, as the XEP has it, until it is gone. */
MYNAH_API void mynah_photo_share(struct mynah_client *c, bool on);
/* What a presence says of its sender's photo: 40 hex digits (of either case), "": there is none,
 * NULL: nothing. The vCard behind a hash that is not known yet is to be asked for once. */
MYNAH_API const char *mynah_photo_hash(const struct mynah_elem *presence);

MYNAH_END
