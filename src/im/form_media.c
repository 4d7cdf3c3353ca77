/* What a field asks about (XEP-0221) and came along with its form, or is fetched (XEP-0231): "read
 * this picture". A file is made of it, which other programs can show. */
#include "im/form.h"

#include "base/file.h"

#define NS_MEDIA "urn:xmpp:media-element"

enum { CID_MAX = 200, FETCHES_MAX = 10 };

/* Those that are only looked at or listened to; a page with programs in it is none. */
static const char *suffix_of(const char *type)
{
    static const char *const kinds[][2] = {
        {"image/png", ".png"},   {"image/jpeg", ".jpg"},  {"image/gif", ".gif"},
        {"image/webp", ".webp"}, {"image/bmp", ".bmp"},   {"audio/wav", ".wav"},
        {"audio/x-wav", ".wav"}, {"audio/ogg", ".ogg"},   {"audio/ogg-speex", ".ogg"},
        {"audio/mpeg", ".mp3"},  {"video/mpeg", ".mpeg"}, {"video/mp4", ".mp4"},
    };

    for (size_t i = 0; type && i < MN_COUNT(kinds); i++)
        if (!strcmp(type, kinds[i][0]))
            return kinds[i][1];
    return NULL;
}

static bool made_file(struct im_form *f, struct im_field *field, const struct mynah_bits *bits)
{
    const char *suffix = suffix_of(bits->type);
    mn_str path = {0};
    bool made = suffix && bits->count &&
                !mn_file_temporary((mn_str){bits->bytes, bits->count}, suffix, &f->a, &path);

    if (made)
        field->link = path.p;
    field->is_file |= made;
    return made;
}

/* The next one that a field names, behind `after` (NULL: the first); "cid:..." in `a`, or NULL. */
static const char *next_cid(const struct im_field *field, const struct mynah_elem **after,
                            struct mn_arena *a)
{
    const struct mynah_elem *uri = *after ? mynah_elem_next(*after, "uri", NS_MEDIA)
                                          : mynah_elem_child(field->media, "uri", NS_MEDIA);

    for (; uri; uri = mynah_elem_next(uri, "uri", NS_MEDIA)) {
        mn_str text = mn_str_trim(mn_str_from(mynah_elem_text(uri)));

        if (mn_str_starts(text, MN_STR("cid:")) && text.n < CID_MAX) {
            *after = uri;
            return mn_arena_cstr(a, text);
        }
    }
    return NULL;
}

static void field_media(struct im_form *f, struct im_field *field, const struct mynah_elem *around)
{
    const struct mynah_elem *at = NULL;
    struct mn_arena a = {0};
    struct mynah_bits bits;
    const char *cid;
    bool made = false;

    while (!made && (cid = next_cid(field, &at, &a)))
        if (mynah_bits_read(around, cid, &bits)) {
            made = made_file(f, field, &bits);
            mynah_free((void *)bits.bytes);
        }
    mn_arena_done(&a, NULL);
}

void im_form_media(struct im_form *f, const struct mynah_elem *around)
{
    for (size_t i = 0; i < f->count; i++)
        if (f->fields[i].media && !f->fields[i].link)
            field_media(f, &f->fields[i], around);
}

/* Fetching. */

struct fetch {
    struct im_form *form;
    char *jid;
    size_t field;
    const struct mynah_elem *at; /* the <uri/> that was asked for last, of that field */
    unsigned asked;
    void (*done)(void *arg);
    void *arg;
};

static void fetch_next(struct fetch *w, struct mynah_client *c);

static void fetched(void *arg, struct mynah_client *c, const struct mynah_bits *bits,
                    const struct mynah_error *error)
{
    struct fetch *w = arg;

    if (bits)
        made_file(w->form, &w->form->fields[w->field], bits);
    if (error && error->code != MYNAH_E_STANZA && error->code != MYNAH_E_FORMAT)
        w->field = w->form->count; /* nobody is there to ask */
    fetch_next(w, c);
}

static void fetch_next(struct fetch *w, struct mynah_client *c)
{
    struct mn_arena a = {0};
    const char *cid = NULL;

    for (; w->field < w->form->count && w->asked < FETCHES_MAX; w->field++, w->at = NULL) {
        const struct im_field *field = &w->form->fields[w->field];

        if (field->media && !field->link && (cid = next_cid(field, &w->at, &a)))
            break;
    }
    if (cid) {
        w->asked++;
        mynah_bits_get(c, w->jid, cid, fetched, w);
    } else {
        w->done(w->arg);
        mn_free(w->jid);
        mn_free(w);
    }
    mn_arena_done(&a, NULL);
}

void im_form_fetch(struct im_form *f, struct mynah_client *c, const char *jid,
                   void (*done)(void *arg), void *arg)
{
    struct fetch *w = MN_NEW(struct fetch);

    *w = (struct fetch){.form = f, .jid = mn_str_dup(mn_str_from(jid)), .done = done, .arg = arg};
    fetch_next(w, c);
}
