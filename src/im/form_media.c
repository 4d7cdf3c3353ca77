/* What a field asks about and came along with its form (XEP-0221, XEP-0231): "read this picture". A
 * file is made of it, which other programs can show. */
#include "im/form.h"

#include "base/codec.h"
#include "base/file.h"

#define NS_MEDIA "urn:xmpp:media-element"
#define NS_BOB "urn:xmpp:bob"

enum { MEDIA_MAX = 1 << 20, CID_MAX = 200 };

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

static const struct mynah_elem *data_of(const struct mynah_elem *around, mn_str cid)
{
    MYNAH_EACH(data, around, "data", NS_BOB)
    if (mn_str_eq(mn_str_from(mynah_elem_get(data, "cid")), cid))
        return data;
    return NULL;
}

/* Base64 with the white space that XML may have in it. */
static int decoded(const char *text, struct mn_arena *a, mn_str *out)
{
    struct mn_buf b = {0};
    int e;

    for (; *text; text++)
        if (!strchr(" \t\r\n", *text))
            mn_buf_c(&b, *text);
    e = mn_base64_parse(mn_buf_view(&b), a, out);
    mn_buf_free(&b);
    return e;
}

static bool made_file(struct im_form *f, struct im_field *field, const struct mynah_elem *data)
{
    const char *suffix = suffix_of(mynah_elem_get(data, "type")), *text = mynah_elem_text(data);
    struct mn_arena a = {0};
    mn_str bytes, path = {0};
    bool made = suffix && text && strlen(text) <= MEDIA_MAX && !decoded(text, &a, &bytes) &&
                bytes.n && !mn_file_temporary(bytes, suffix, &f->a, &path);

    mn_arena_done(&a, NULL);
    if (made)
        field->link = path.p;
    field->is_file |= made;
    return made;
}

static void field_media(struct im_form *f, struct im_field *field, const struct mynah_elem *around)
{
    mn_str scheme = MN_STR("cid:");

    MYNAH_EACH(uri, field->media, "uri", NS_MEDIA)
    {
        mn_str text = mn_str_trim(mn_str_from(mynah_elem_text(uri)));
        const struct mynah_elem *data = mn_str_starts(text, scheme) && text.n < CID_MAX
                                            ? data_of(around, mn_str_skip(text, scheme.n))
                                            : NULL;

        if (data && made_file(f, field, data))
            return;
    }
}

void im_form_media(struct im_form *f, const struct mynah_elem *around)
{
    for (size_t i = 0; i < f->count; i++)
        if (f->fields[i].media && !f->fields[i].link)
            field_media(f, &f->fields[i], around);
}
