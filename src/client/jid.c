#include "mynah/jid.h"

#include "base/err.h"
#include "xmpp/jid.h"

/* One function of a parsed address, as text of its own; empty ones are none. */
static char *part(const char *text, mn_str (*of)(const struct mn_jid *j))
{
    struct mn_arena a = {0};
    struct mn_jid j;
    char *out = NULL;

    if (text && !mn_jid_parse(mn_str_from(text), &a, &j) && of(&j).n)
        out = mn_str_dup(of(&j));
    mn_arena_done(&a, NULL);
    return out;
}

char *mynah_jid(const char *text)
{
    return part(text, mn_jid_text);
}

char *mynah_jid_bare(const char *jid)
{
    return part(jid, mn_jid_bare);
}

char *mynah_jid_user(const char *jid)
{
    return part(jid, mn_jid_user);
}

char *mynah_jid_domain(const char *jid)
{
    return part(jid, mn_jid_host);
}

static mn_str resource(const struct mn_jid *j)
{
    return j->resource ? mn_jid_resource(j) : (mn_str){0};
}

char *mynah_jid_resource(const char *jid)
{
    return part(jid, resource);
}

char *mynah_jid_make(const char *user, const char *domain, const char *res)
{
    struct mn_arena a = {0};
    struct mn_jid j;
    char *out = NULL;

    if (!mn_jid_make(mn_str_from(user), mn_str_from(domain), mn_str_from(res), &a, &j))
        out = mn_str_dup(mn_jid_text(&j));
    mn_arena_done(&a, NULL);
    return out;
}

bool mynah_jid_same(const char *a, const char *b)
{
    char *x = mynah_jid_bare(a), *y = mynah_jid_bare(b);
    bool same = x && y && !strcmp(x, y);

    mn_free(x);
    mn_free(y);
    return same;
}

static char *mapped(const char *text, mn_str (*map)(mn_str text, struct mn_arena *a))
{
    struct mn_arena a = {0};
    char *out = mn_str_dup(map(mn_str_from(text), &a));

    mn_arena_done(&a, NULL);
    return out;
}

char *mynah_jid_escape(const char *text)
{
    return mapped(text, mn_jid_escape);
}

char *mynah_jid_unescape(const char *user)
{
    return mapped(user, mn_jid_unescape);
}
