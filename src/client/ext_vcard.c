/* XEP-0054 vcard-temp and XEP-0153, the hash of its photo in presence. Of our own photo there are
 * three things to say: nothing yet (<x/>), there is none (<photo/>), its hash. */
#include "mynah/vcard.h"

#include "base/codec.h"
#include "base/crypt.h"
#include "base/err.h"
#include "client/ext.h"
#include "mynah/jid.h"
#include "mynah/roster.h"

#define NS_VCARD "vcard-temp"
#define NS_UPDATE "vcard-temp:x:update"

enum { HASH_DIGITS = 40 };

/* Texts and where they stand. */
static const struct {
    size_t at;
    const char *name, *inner; /* NULL: it is the text of the first */
} fields[] = {
#define AT(field) offsetof(struct mynah_vcard, field)
    {AT(full_name), "FN", NULL},      {AT(family), "N", "FAMILY"},
    {AT(given), "N", "GIVEN"},        {AT(middle), "N", "MIDDLE"},
    {AT(prefix), "N", "PREFIX"},      {AT(suffix), "N", "SUFFIX"},
    {AT(nickname), "NICKNAME", NULL}, {AT(birthday), "BDAY", NULL},
    {AT(url), "URL", NULL},           {AT(jid), "JABBERID", NULL},
    {AT(title), "TITLE", NULL},       {AT(role), "ROLE", NULL},
    {AT(org), "ORG", "ORGNAME"},      {AT(unit), "ORG", "ORGUNIT"},
    {AT(desc), "DESC", NULL},         {AT(photo_url), "PHOTO", "EXTVAL"},
    {AT(note), "NOTE", NULL},         {AT(mailer), "MAILER", NULL},
    {AT(revised), "REV", NULL},       {AT(uid), "UID", NULL},
    {AT(zone), "TZ", NULL},           {AT(product), "PRODID", NULL},
    {AT(sort), "SORT-STRING", NULL},  {AT(latitude), "GEO", "LAT"},
    {AT(longitude), "GEO", "LON"},
#undef AT
};
static const struct {
    size_t at;
    const char *name;
} address_fields[] = {
#define AT(field) offsetof(struct mynah_vcard_address, field)
    {AT(box), "POBOX"},     {AT(extra), "EXTADD"}, {AT(street), "STREET"}, {AT(city), "LOCALITY"},
    {AT(region), "REGION"}, {AT(code), "PCODE"},   {AT(country), "CTRY"},
#undef AT
};
static const char *const kinds[] = {"HOME",  "WORK", "PREF",  "INTERNET", "VOICE",  "FAX", "CELL",
                                    "PAGER", "MSG",  "VIDEO", "POSTAL",   "PARCEL", "DOM", "INTL",
                                    "X400",  "BBS",  "MODEM", "ISDN",     "PCS"};

static const char **text_at(void *base, size_t at)
{
    return (const char **)(void *)((char *)base + at);
}

/* Reading. */

static const char *inner_text(const struct mynah_elem *e, const char *name)
{
    const char *text = mynah_elem_child_text(e, name, NS_VCARD);

    return text && *text ? text : NULL;
}

static unsigned kinds_of(const struct mynah_elem *e)
{
    unsigned set = 0;

    for (size_t i = 0; i < MN_COUNT(kinds); i++)
        set |= mynah_elem_child(e, kinds[i], NS_VCARD) ? 1u << i : 0;
    return set;
}

/* Those that are there but say nothing are left out: many programs send them. */
static const struct mynah_vcard_contact *contacts_of(const struct mynah_elem *vcard,
                                                     const char *name, const char *inner,
                                                     struct mn_arena *a, size_t *count)
{
    struct mynah_vcard_contact *list = elem_room(vcard, name, NS_VCARD, sizeof *list, a);

    *count = 0;
    MYNAH_EACH(e, vcard, name, NS_VCARD)
    if (inner_text(e, inner))
        list[(*count)++] = (struct mynah_vcard_contact){inner_text(e, inner), kinds_of(e)};
    return list;
}

static const struct mynah_vcard_address *addresses_of(const struct mynah_elem *vcard,
                                                      struct mn_arena *a, size_t *count)
{
    struct mynah_vcard_address *list = elem_room(vcard, "ADR", NS_VCARD, sizeof *list, a);

    *count = 0;
    MYNAH_EACH(e, vcard, "ADR", NS_VCARD)
    {
        struct mynah_vcard_address *to = &list[*count];
        bool any = false;

        to->kinds = kinds_of(e);
        for (size_t i = 0; i < MN_COUNT(address_fields); i++) {
            const char *text = inner_text(e, address_fields[i].name);

            *text_at(to, address_fields[i].at) = text;
            any |= text != NULL;
        }
        *count += any;
    }
    return list;
}

/* What the bytes are; what is said of them is only a hint (XEP-0153, 5). */
static const char *type_of(const void *photo, size_t n)
{
    static const struct {
        const char *type, *head;
    } types[] = {
        {"image/png", "\x89PNG\r\n\x1a\n"}, {"image/jpeg", "\xff\xd8\xff"}, {"image/gif", "GIF8"}};

    for (size_t i = 0; i < MN_COUNT(types); i++)
        if (mn_str_starts(mn_str_make(photo, n), mn_str_from(types[i].head)))
            return types[i].type;
    return NULL;
}

static const char *hash_of(mn_str photo, struct mn_arena *a)
{
    unsigned char hash[MN_DIGEST_MAX];
    size_t n = mn_digest_of(MN_SHA1, &photo, 1, hash);

    return mn_arena_cstr(a, mn_hex(mn_str_make(hash, n), a));
}

/* White space inside is allowed (XEP-0153, 4.6), nothing else that is no base64. */
static bool photo_of(const struct mynah_elem *vcard, struct mn_arena *a, mn_str *out)
{
    const char *text = inner_text(mynah_elem_child(vcard, "PHOTO", NS_VCARD), "BINVAL");
    mn_str in = mn_str_from(text ? text : "");
    char *packed = mn_arena_bytes(a, in.n + 1);
    size_t n = 0;

    for (size_t i = 0; i < in.n; i++)
        if (!strchr(" \t\r\n", in.p[i]))
            packed[n++] = in.p[i];
    return n && !mn_base64_parse(mn_str_make(packed, n), a, out) && out->n;
}

static void vcard_read(const struct mynah_elem *e, struct mn_arena *a, struct mynah_vcard *v)
{
    mn_str photo;

    *v = (struct mynah_vcard){.size = sizeof *v, .xml = e};
    for (size_t i = 0; i < MN_COUNT(fields); i++) {
        const struct mynah_elem *outer =
            fields[i].inner ? mynah_elem_child(e, fields[i].name, NS_VCARD) : e;

        *text_at(v, fields[i].at) =
            inner_text(outer, fields[i].inner ? fields[i].inner : fields[i].name);
    }
    v->emails = contacts_of(e, "EMAIL", "USERID", a, &v->email_count);
    v->phones = contacts_of(e, "TEL", "NUMBER", a, &v->phone_count);
    v->addresses = addresses_of(e, a, &v->address_count);
    if (!photo_of(e, a, &photo))
        return;
    v->photo = photo.p;
    v->photo_size = photo.n;
    v->photo_type = type_of(photo.p, photo.n);
    v->photo_hash = hash_of(photo, a);
}

/* Building. */

static struct mynah_elem *child_make(struct mynah_elem *e, const char *name)
{
    const struct mynah_elem *there = mynah_elem_child(e, name, NS_VCARD);

    return there ? (struct mynah_elem *)there : mynah_elem_add(e, name, NULL);
}

static void kinds_add(struct mynah_elem *e, unsigned set)
{
    for (size_t i = 0; i < MN_COUNT(kinds); i++)
        if (set & 1u << i)
            mynah_elem_add(e, kinds[i], NULL);
}

static void contacts_add(struct mynah_elem *vcard, const char *name, const char *inner,
                         const struct mynah_vcard_contact *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct mynah_elem *e = mynah_elem_add(vcard, name, NULL);

        kinds_add(e, list[i].kinds);
        mynah_elem_add_text(e, inner, NULL, list[i].value ? list[i].value : "");
    }
}

static void addresses_add(struct mynah_elem *vcard, const struct mynah_vcard_address *list,
                          size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct mynah_vcard_address from = list[i];
        struct mynah_elem *e = mynah_elem_add(vcard, "ADR", NULL);

        kinds_add(e, from.kinds);
        for (size_t k = 0; k < MN_COUNT(address_fields); k++)
            mynah_elem_add_text(e, address_fields[k].name, NULL,
                                *text_at(&from, address_fields[k].at));
    }
}

/* A picture of `old` keeps the type that was said of it where its bytes tell none. */
static void photo_add(struct mynah_elem *vcard, mn_str photo, const struct mynah_elem *old)
{
    struct mynah_elem *e = child_make(vcard, "PHOTO");
    const char *type = type_of(photo.p, photo.n);
    struct mn_arena a = {0};
    mn_str there;

    if (!type && photo_of(old, &a, &there) && mn_str_eq(there, photo))
        type = inner_text(mynah_elem_child(old, "PHOTO", NS_VCARD), "TYPE");
    mynah_elem_add_text(e, "TYPE", NULL, type);
    mynah_elem_add_text(e, "BINVAL", NULL, mn_arena_cstr(&a, mn_base64(photo, &a)));
    mn_arena_done(&a, NULL);
}

/* Units below the first. */
static void units_add(struct mynah_elem *vcard, const struct mynah_elem *old)
{
    const struct mynah_elem *first = NULL;

    MYNAH_EACH(unit, mynah_elem_child(old, "ORG", NS_VCARD), "ORGUNIT", NS_VCARD)
    {
        if (first)
            mynah_elem_add_text(child_make(vcard, "ORG"), "ORGUNIT", NULL, mynah_elem_text(unit));
        first = unit;
    }
}

/* Fields that the program does not know, because it is older, are kept. */
static bool is_known(const struct mynah_elem *e, size_t size)
{
    for (size_t i = 0; i < MN_COUNT(fields); i++)
        if (fields[i].at < size && mynah_elem_is(e, fields[i].name, NS_VCARD))
            return true;
    return mynah_elem_is(e, "EMAIL", NS_VCARD) || mynah_elem_is(e, "TEL", NS_VCARD) ||
           mynah_elem_is(e, "ADR", NS_VCARD);
}

static struct mynah_elem *vcard_build(struct mynah_vcard *v)
{
    struct mynah_elem *e = mynah_elem_new("vCard", NS_VCARD);

    for (size_t i = 0; i < MN_COUNT(fields); i++) {
        const char *text = *text_at(v, fields[i].at), *inner = fields[i].inner;

        if (text)
            mynah_elem_add_text(inner ? child_make(e, fields[i].name) : e,
                                inner ? inner : fields[i].name, NULL, text);
    }
    if (v->unit)
        units_add(e, v->xml);
    contacts_add(e, "EMAIL", "USERID", v->emails, v->email_count);
    contacts_add(e, "TEL", "NUMBER", v->phones, v->phone_count);
    addresses_add(e, v->addresses, v->address_count);
    if (v->photo && v->photo_size)
        photo_add(e, mn_str_make(v->photo, v->photo_size), v->xml);
    MYNAH_EACH(other, v->xml, NULL, NULL)
    if (!is_known(other, v->size)) {
        struct mynah_elem *copy = mynah_elem_copy(other);

        mynah_elem_hang(e, &copy);
    }
    return e;
}

/* Our photo in presence. */

struct photo {
    bool on, fetching;
    bool known;                 /* whether there is one */
    char hash[HASH_DIGITS + 1]; /* "": there is none */
};

static struct photo *photo_state(struct mynah_client *c)
{
    return ext_state(c, &ext_vcard);
}

static void update_put(struct mynah_client *c, const struct photo *p)
{
    struct mynah_elem *x = mynah_elem_new("x", NS_UPDATE);

    if (p->known)
        mynah_elem_add_text(x, "photo", NULL, p->hash);
    mynah_presence_add(c, &x);
}

/* `hash` NULL: nothing is known any more. */
static void photo_told(struct mynah_client *c, struct photo *p, const char *hash)
{
    bool same = p->known == (hash != NULL) && (!hash || !strcmp(p->hash, hash));

    p->known = hash != NULL;
    snprintf(p->hash, sizeof p->hash, "%s", hash ? hash : "");
    if (!p->on || same)
        return;
    update_put(c, p);
    presence_again(c);
}

/* Some program of the account is there that would not tell of a new photo. */
static bool is_shy(const struct mynah_elem *presence)
{
    return !mynah_elem_child(presence, "x", NS_UPDATE);
}

static bool others_shy(struct mynah_client *c, const char *but)
{
    const struct mynah_resource *r;

    for (size_t i = 0; (r = mynah_roster_resource(c, c->bare, i)); i++)
        if (strcmp(r->jid, but) && c->bound && strcmp(r->jid, c->bound) && is_shy(r->xml))
            return true;
    return false;
}

static void fetched(void *arg, struct mynah_client *c, const struct mynah_vcard *v,
                    const struct mynah_error *error)
{
    struct photo *p = arg;
    const char *why = error && error->condition ? error->condition : "";

    p->fetching = false;
    if (!p->on || others_shy(c, ""))
        return;
    if (v)
        photo_told(c, p, v->photo_hash ? v->photo_hash : "");
    else if (!strcmp(why, "item-not-found") || !strcmp(why, "service-unavailable"))
        photo_told(c, p, ""); /* there is no vCard */
}

static void fetch(struct mynah_client *c, struct photo *p)
{
    if (p->fetching || c->state != MYNAH_ONLINE)
        return;
    p->fetching = true;
    mynah_vcard_get(c, NULL, fetched, p);
}

/* What another program of the account says (XEP-0153, 4.3). */
static void other_told(struct mynah_client *c, struct photo *p, const struct mynah_elem *st,
                       const char *from)
{
    bool there = !mynah_elem_get(st, "type");
    const char *hash = there ? mynah_photo_hash(st) : NULL;

    if ((there && is_shy(st)) || others_shy(c, from)) {
        photo_told(c, p, NULL);
    } else if (!p->known) {
        fetch(c, p);
    } else if (hash && !*hash && *p->hash) {
        fetch(c, p);
    } else if (hash && *hash && strcasecmp(hash, p->hash)) {
        photo_told(c, p, NULL);
        fetch(c, p);
    }
}

static bool stanza(struct mynah_client *c, void *state, const struct mynah_elem *st)
{
    struct photo *p = state;
    const char *from = mynah_elem_get(st, "from"), *type = mynah_elem_get(st, "type");

    if (p->on && from && mynah_elem_is(st, "presence", NULL) &&
        (!type || !strcmp(type, "unavailable")) && mynah_jid_same(from, c->bare) && c->bound &&
        strcmp(from, c->bound))
        other_told(c, p, st, from);
    return false;
}

static void online(struct mynah_client *c, void *state, bool resumed)
{
    struct photo *p = state;

    if (p->on && !resumed)
        fetch(c, p);
}

/* The next session begins with nothing known. */
static void lost(struct mynah_client *c, void *state)
{
    struct photo *p = state;

    p->known = false;
    if (p->on)
        update_put(c, p);
}

const struct ext ext_vcard = {.name = "vcard",
                              .size = sizeof(struct photo),
                              .online = online,
                              .lost = lost,
                              .stanza = stanza};

void mynah_photo_share(struct mynah_client *c, bool on)
{
    struct photo *p = photo_state(c);

    if (p->on == on)
        return;
    p->on = on;
    p->known = false;
    if (on)
        update_put(c, p);
    else
        mynah_presence_drop(c, "x", NS_UPDATE);
    presence_again(c);
    if (on)
        fetch(c, p);
}

const char *mynah_photo_hash(const struct mynah_elem *presence)
{
    const char *hash =
        mynah_elem_child_text(mynah_elem_child(presence, "x", NS_UPDATE), "photo", NS_UPDATE);

    if (!hash || !*hash)
        return hash;
    return strlen(hash) == HASH_DIGITS && strspn(hash, "0123456789abcdefABCDEF") == HASH_DIGITS
               ? hash
               : NULL;
}

/* Requests. */

struct wanted {
    mynah_vcard_done *done;
    void *arg;
};

static void came(void *arg, struct mynah_client *c, const struct mynah_elem *result,
                 const struct mynah_error *error)
{
    struct wanted *w = arg;
    const struct mynah_elem *e = mynah_elem_child(result, "vCard", NS_VCARD);
    const struct mynah_error none = {.code = MYNAH_E_FORMAT, .xml = result};
    struct mn_arena a = {0};
    struct mynah_vcard v;

    vcard_read(e, &a, &v);
    w->done(w->arg, c, e ? &v : NULL, e ? NULL : error ? error : &none);
    mn_arena_done(&a, NULL);
    mn_free(w);
}

struct mynah_request *mynah_vcard_get(struct mynah_client *c, const char *jid,
                                      mynah_vcard_done *done, void *arg)
{
    struct mynah_elem *e = mynah_elem_new("vCard", NS_VCARD);
    struct wanted *w = MN_NEW(struct wanted);

    *w = (struct wanted){done, arg};
    return mynah_iq_send(c, MYNAH_GET, jid, &e, 0, came, w);
}

struct upload {
    mynah_iq_done *done;
    void *arg;
    char hash[HASH_DIGITS + 1];
};

static void uploaded(void *arg, struct mynah_client *c, const struct mynah_elem *result,
                     const struct mynah_error *error)
{
    struct upload *u = arg;

    if (result)
        photo_told(c, photo_state(c), u->hash);
    if (u->done)
        u->done(u->arg, c, result, error);
    mn_free(u);
}

struct mynah_request *mynah_vcard_put(struct mynah_client *c, struct mynah_elem **vcard,
                                      mynah_iq_done *done, void *arg)
{
    struct upload *u = MN_NEW(struct upload);
    struct mn_arena a = {0};
    mn_str photo;

    *u = (struct upload){done, arg, ""};
    if (photo_of(*vcard, &a, &photo))
        snprintf(u->hash, sizeof u->hash, "%s", hash_of(photo, &a));
    mn_arena_done(&a, NULL);
    return mynah_iq_send(c, MYNAH_SET, NULL, vcard, 0, uploaded, u);
}

struct mynah_request *mynah_vcard_set(struct mynah_client *c, const struct mynah_vcard *given,
                                      mynah_iq_done *done, void *arg)
{
    struct mynah_vcard v = {0};
    struct mynah_elem *e;

    SIZED_COPY(v, given);
    if (!given->size)
        return iq_refuse(c, MYNAH_E_ARGUMENT, done, arg);
    if (v.photo && v.photo_size > MYNAH_PHOTO_MAX)
        return iq_refuse(c, MYNAH_E_LIMIT, done, arg);
    e = vcard_build(&v);
    return mynah_vcard_put(c, &e, done, arg);
}
