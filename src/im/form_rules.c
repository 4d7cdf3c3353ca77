/* What a field takes: filled in, of its type, between its bounds (XEP-0122). */
#include "im/form.h"

#include "base/err.h"
#include "im/lang.h"

/* "-12.5" without regard to the locale. */
static bool number_read(const char *p, bool whole, double *out)
{
    double sign = *p == '-' ? -1 : 1, part = 1, n = 0;
    bool digits = false;

    p += *p == '-' || *p == '+';
    for (; *p >= '0' && *p <= '9'; p++, digits = true)
        n = n * 10 + (*p - '0');
    if (*p == '.' && !whole)
        for (p++; *p >= '0' && *p <= '9'; p++, digits = true)
            n += (*p - '0') * (part /= 10);
    *out = sign * n;
    return digits && !*p;
}

/* Where `text` goes on behind what looks like `mask`, in which 0 stands for any digit; NULL: it
 * does not look so. */
static const char *looks_like(const char *text, const char *mask)
{
    for (; *mask; mask++, text++)
        if (*mask == '0' ? *text < '0' || *text > '9' : *text != *mask)
            return NULL;
    return text;
}

static bool is_zone(const char *p)
{
    return !*p || !strcmp(p, "Z") ||
           ((*p == '+' || *p == '-') && (p = looks_like(p + 1, "00:00")) && !*p);
}

/* A date, a time, or both, as XML Schema writes them. */
static bool is_moment(const char *text, const char *mask)
{
    const char *p = looks_like(text, mask);

    if (p && *p == '.' && strchr(mask, ':'))
        for (p++; *p >= '0' && *p <= '9'; p++)
            ;
    return p && is_zone(p);
}

static const struct type {
    const char *name, *text, *mask; /* mask NULL: a number */
    bool whole;
    double min, max;
} types[] = {
    {"xs:integer", N_("a whole number"), NULL, true, -1e300, 1e300},
    {"xs:int", N_("a whole number"), NULL, true, -2147483648.0, 2147483647.0},
    {"xs:long", N_("a whole number"), NULL, true, -9.3e18, 9.3e18},
    {"xs:short", N_("a whole number"), NULL, true, -32768, 32767},
    {"xs:byte", N_("a whole number"), NULL, true, -128, 127},
    {"xs:nonNegativeInteger", N_("a whole number"), NULL, true, 0, 1e300},
    {"xs:positiveInteger", N_("a whole number"), NULL, true, 1, 1e300},
    {"xs:unsignedInt", N_("a whole number"), NULL, true, 0, 4294967295.0},
    {"xs:decimal", N_("a number"), NULL, false, -1e300, 1e300},
    {"xs:date", N_("a date like 2026-12-31"), "0000-00-00", false, 0, 0},
    {"xs:time", N_("a time like 23:59:00"), "00:00:00", false, 0, 0},
    {"xs:dateTime", N_("a time like 2026-12-31T23:59:00Z"), "0000-00-00T00:00:00", false, 0, 0},
};

static const struct type *type_of(const struct im_field *field)
{
    for (size_t i = 0; field->rule.type && i < MN_COUNT(types); i++)
        if (!strcmp(field->rule.type, types[i].name))
            return &types[i];
    return NULL;
}

static bool in_range(const struct im_field *field, const struct type *t, double n)
{
    double end;

    if (n < t->min || n > t->max)
        return false;
    if (field->rule.min && number_read(field->rule.min, false, &end) && n < end)
        return false;
    return !(field->rule.max && number_read(field->rule.max, false, &end) && n > end);
}

static bool line_fits(const struct im_field *field, const char *line)
{
    const struct type *t = type_of(field);
    double n;

    if (field->jid) {
        char *jid = mynah_jid(line);

        mynah_free(jid);
        return jid != NULL;
    }
    if (!t)
        return true;
    return t->mask ? is_moment(line, t->mask)
                   : number_read(line, t->whole, &n) && in_range(field, t, n);
}

static bool lines_fit(const struct im_field *field)
{
    mn_str rest = mn_str_from(field->value);

    while (rest.n) {
        char *line = mn_str_dup(mn_str_cut(rest, '\n', &rest));
        bool fits = !*line || line_fits(field, line);

        mn_free(line);
        if (!fits)
            return false;
    }
    return true;
}

static int64_t chosen_count(const struct im_field *field)
{
    int64_t n = 0;

    for (size_t i = 0; i < field->option_count; i++)
        n += field->options[i].chosen;
    return n;
}

static bool is_empty(const struct im_field *field)
{
    if (im_field_has_options(field))
        return !chosen_count(field) && (field->touched || !*field->value);
    return field->kind != IM_FIELD_CHECK && !*field->value;
}

bool im_field_wrong(const struct im_field *field, struct mn_buf *why)
{
    int64_t chosen = chosen_count(field);

    if (field->required && is_empty(field)) {
        mn_buf_fmt(why, "%s", _("this has to be filled in"));
        return true;
    }
    if (field->kind == IM_FIELD_MANY && ((chosen && chosen < field->rule.least) ||
                                         (field->rule.most >= 0 && chosen > field->rule.most)))
        im_field_takes(field, why);
    else if (!im_field_has_options(field) && field->touched && !lines_fit(field))
        im_field_takes(field, why);
    else
        return false;
    return true;
}

static void range_takes(const char *min, const char *max, struct mn_buf *out)
{
    if (min && max)
        mn_buf_fmt(out, _(" from %s to %s"), min, max);
    else if (min)
        mn_buf_fmt(out, _(" from %s on"), min);
    else if (max)
        mn_buf_fmt(out, _(" up to %s"), max);
}

void im_field_takes(const struct im_field *field, struct mn_buf *out)
{
    const struct type *t = type_of(field);

    if (field->jid)
        mn_buf_fmt(out, "%s", _("an address like name@server"));
    else if (t)
        mn_buf_fmt(out, "%s", _(t->text));
    if (!field->jid && t)
        range_takes(field->rule.min, field->rule.max, out);
    if (field->rule.pattern)
        mn_buf_fmt(out, _("text like %s"), field->rule.pattern);
    if (field->kind == IM_FIELD_MANY && field->rule.least > 0)
        mn_buf_fmt(out, _("at least %lld of them"), (long long)field->rule.least);
    if (field->kind == IM_FIELD_MANY && field->rule.most >= 0)
        mn_buf_fmt(out, _("%sat most %lld of them"), out->n ? ", " : "",
                   (long long)field->rule.most);
}
