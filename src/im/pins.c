#include "im/pins.h"

#include "base/buf.h"
#include "base/file.h"
#include "im/accounts.h"

enum { FILE_MAX = 1 << 20 };

const char *im_pins_path(struct mn_arena *a)
{
    return im_data_path("certificates", a);
}

/* The next line of the file; false: that was the last. */
static bool line_next(mn_str *text, mn_str *domain, mn_str *sha256)
{
    if (!text->n)
        return false;
    *domain = mn_str_cut(mn_str_cut(*text, '\n', text), ' ', sha256);
    return true;
}

enum im_pin im_pin_look(const char *path, mn_str domain, mn_str sha256, struct mn_arena *a,
                        mn_str *kept)
{
    mn_str text = {0}, of;

    if (mn_file_read(path, FILE_MAX, a, &text))
        return IM_PIN_NONE;
    while (line_next(&text, &of, kept))
        if (mn_str_eq_nocase(of, domain))
            return mn_str_eq_nocase(*kept, sha256) ? IM_PIN_SAME : IM_PIN_OTHER;
    return IM_PIN_NONE;
}

static int folder_of(const char *path, struct mn_arena *a)
{
    const char *slash = strrchr(path, '/');

    return slash ? mn_file_mkdir(mn_arena_cstr(a, (mn_str){path, (size_t)(slash - path)}), 0700)
                 : MN_E_OK;
}

int im_pin_set(const char *path, mn_str domain, mn_str sha256)
{
    struct mn_arena a = {0};
    struct mn_buf b = {0};
    mn_str text = {0}, of, kept;
    bool there = false;
    int e = mn_file_read(path, FILE_MAX, &a, &text);

    while (line_next(&text, &of, &kept))
        if (mn_str_eq_nocase(of, domain))
            there = true;
        else
            mn_buf_fmt(&b, "%.*s %.*s\n", MN_ARG(of), MN_ARG(kept));
    if (sha256.n)
        mn_buf_fmt(&b, "%.*s %.*s\n", MN_ARG(domain), MN_ARG(sha256));
    if (!sha256.n && !there && !e)
        e = MN_E_NOT_FOUND;
    else if (!e || (e == MN_E_NOT_FOUND && sha256.n))
        e = folder_of(path, &a);
    if (!e)
        e = mn_file_write(path, mn_buf_view(&b), 0600);
    mn_buf_free(&b);
    mn_arena_done(&a, NULL);
    return e;
}

void im_pins_each(const char *path, void (*each)(mn_str domain, mn_str sha256))
{
    struct mn_arena a = {0};
    mn_str text = {0}, domain, sha256;

    if (!mn_file_read(path, FILE_MAX, &a, &text))
        while (line_next(&text, &domain, &sha256))
            each(domain, sha256);
    mn_arena_done(&a, NULL);
}
