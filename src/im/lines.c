#include "im/lines.h"

#include "base/clock.h"
#include "base/err.h"

/* What others say stays in memory up to so many lines and bytes; the history has it all. */
enum { LINES_MAX = 2000, LINES_BYTES = 8 << 20 };

static char *copy(const char *text)
{
    return text ? mn_str_dup(mn_str_from(text)) : NULL;
}

static size_t weight(const struct im_line *l)
{
    return sizeof *l + (l->who ? strlen(l->who) : 0) + (l->text ? strlen(l->text) : 0);
}

static void line_free(struct im_line *l)
{
    mn_free(l->who);
    mn_free(l->text);
    mn_free(l->id);
    mn_free(l->occupant);
}

bool im_lines_are_full(const struct im_chat *chat)
{
    return chat->count >= LINES_MAX || chat->bytes >= LINES_BYTES;
}

static void room_for(struct im_chat *chat, size_t count)
{
    if (count <= chat->cap)
        return;
    chat->cap = 2 * count + 32;
    chat->lines = mn_realloc(chat->lines, chat->cap * sizeof *chat->lines);
}

/* Makes room for a line with so many bytes of text. */
static void first_go(struct im_chat *chat, size_t more)
{
    size_t n = 0;

    for (; n < chat->count && (chat->count - n >= LINES_MAX || chat->bytes + more > LINES_BYTES);
         n++) {
        chat->bytes -= weight(&chat->lines[n]);
        line_free(&chat->lines[n]);
    }
    if (!n)
        return;
    chat->count -= n;
    memmove(chat->lines, chat->lines + n, chat->count * sizeof *chat->lines);
    chat->fresh -= n < chat->fresh ? n : chat->fresh;
}

struct im_line *im_line_add(struct im_chat *chat, enum im_kind kind, int64_t at, const char *who,
                            const char *text)
{
    struct im_line *l;

    first_go(chat, strlen(text));
    room_for(chat, chat->count + 1);
    l = &chat->lines[chat->count++];
    *l = (struct im_line){
        .kind = kind, .at = at ? at : mn_clock_wall(), .who = copy(who), .text = copy(text)};
    chat->bytes += weight(l);
    chat->told++;
    return l;
}

void im_line_say(struct im_chat *chat, struct im_line *l, const char *text)
{
    chat->bytes -= weight(l);
    mn_free(l->text);
    l->text = copy(text);
    chat->bytes += weight(l);
}

struct im_line *im_line_find(struct im_chat *chat, const char *id, bool ours, const char *who)
{
    for (size_t i = chat->count; i-- > 0;) {
        struct im_line *l = &chat->lines[i];

        if (l->id && !strcmp(l->id, id) && l->ours == ours && (ours || !strcmp(l->who, who)))
            return l;
    }
    return NULL;
}

void im_lines_join(struct im_chat *chat, struct im_chat *older)
{
    size_t n = older->count;

    room_for(chat, chat->count + n);
    memmove(chat->lines + n, chat->lines, chat->count * sizeof *chat->lines);
    memcpy(chat->lines, older->lines, n * sizeof *chat->lines);
    chat->count += n;
    chat->bytes += older->bytes;
    chat->fresh += n;
    older->count = 0;
    im_lines_free(older);
}

void im_lines_free(struct im_chat *chat)
{
    for (size_t i = 0; i < chat->count; i++)
        line_free(&chat->lines[i]);
    mn_free(chat->lines);
    chat->lines = NULL;
    chat->count = chat->cap = chat->fresh = chat->bytes = 0;
}
