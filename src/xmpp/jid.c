/* Routing and keys follow RFC 6122 (nodeprep, resourceprep, IDNA): every deployed server and
 * library does, unassigned code points allowed, so that emoji pass. What is created here must also
 * stand under RFC 7622: see mn_jid_may_create. Text that is plain lower-case ASCII, nearly all of
 * it, is recognised by one table look-up per byte and never leaves its place. */
#include "xmpp/jid.h"

#include <arpa/inet.h>
#include <idn2.h>
#include <stdlib.h>
#include <stringprep.h>
#include <unicase.h>
#include <unictype.h>
#include <uninorm.h>
#include <unistr.h>

#include "base/err.h"

enum { IDN_FLAGS = IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL | IDN2_USE_STD3_ASCII_RULES };
enum { IN_USER = 1, IN_LABEL = 2, IN_RESOURCE = 4 };

/* Which ASCII characters stand for themselves in a prepared part. */
static const uint8_t plain[256] = {
    [' '] = IN_RESOURCE,
    ['!'] = IN_USER | IN_RESOURCE,
    ['"'] = IN_RESOURCE,
    ['#' ... '%'] = IN_USER | IN_RESOURCE,
    ['&' ... '\''] = IN_RESOURCE,
    ['(' ... ','] = IN_USER | IN_RESOURCE,
    ['-'] = IN_USER | IN_LABEL | IN_RESOURCE,
    ['.'] = IN_USER | IN_RESOURCE,
    ['/'] = IN_RESOURCE,
    ['0' ... '9'] = IN_USER | IN_LABEL | IN_RESOURCE,
    [':'] = IN_RESOURCE,
    [';'] = IN_USER | IN_RESOURCE,
    ['<'] = IN_RESOURCE,
    ['='] = IN_USER | IN_RESOURCE,
    ['>'] = IN_RESOURCE,
    ['?'] = IN_USER | IN_RESOURCE,
    ['@'] = IN_RESOURCE,
    ['A' ... 'Z'] = IN_RESOURCE,
    ['[' ... '`'] = IN_USER | IN_RESOURCE,
    ['a' ... 'z'] = IN_USER | IN_LABEL | IN_RESOURCE,
    ['{' ... '~'] = IN_USER | IN_RESOURCE,
};

static bool is_plain(mn_str s, uint8_t part)
{
    for (size_t i = 0; i < s.n; i++)
        if (!(plain[(unsigned char)s.p[i]] & part))
            return false;
    return true;
}

static int finished(mn_str s, mn_str *out)
{
    *out = s;
    return s.n && s.n <= MN_JID_PART_MAX ? MN_E_OK : MN_E_FORMAT;
}

static int by_profile(mn_str s, const Stringprep_profile *profile, struct mn_arena *a, mn_str *out)
{
    char text[4 * MN_JID_PART_MAX + 64];

    if (!s.n || s.n > MN_JID_PART_MAX || memchr(s.p, 0, s.n))
        return MN_E_FORMAT;
    memcpy(text, s.p, s.n);
    text[s.n] = 0;
    if (u8_check((const uint8_t *)s.p, s.n) || stringprep(text, sizeof text, 0, profile))
        return MN_E_FORMAT;
    return finished(mn_arena_str(a, mn_str_from(text)), out);
}

static int user_prep(mn_str s, struct mn_arena *a, mn_str *out)
{
    if (is_plain(s, IN_USER))
        return finished(s, out);
    return by_profile(s, stringprep_xmpp_nodeprep, a, out);
}

int mn_jid_resource_prep(mn_str s, struct mn_arena *a, mn_str *out)
{
    if (is_plain(s, IN_RESOURCE))
        return finished(s, out);
    return by_profile(s, stringprep_xmpp_resourceprep, a, out);
}

/* A dotted name in lower case: labels of 1 to 63 octets without hyphens at their ends. *puny: one
 * of them is an A-label. */
static bool is_name(mn_str s, bool *puny)
{
    *puny = false;
    if (s.n > MN_JID_PART_MAX)
        return false;
    for (;;) {
        size_t n = 0;

        while (n < s.n && plain[(unsigned char)s.p[n]] & IN_LABEL)
            n++;
        if (!n || n > 63 || s.p[0] == '-' || s.p[n - 1] == '-')
            return false;
        *puny |= n > 4 && !memcmp(s.p, "xn--", 4);
        if (n == s.n)
            return true;
        if (s.p[n] != '.')
            return false;
        s = mn_str_skip(s, n + 1);
    }
}

static bool is_literal6(mn_str s)
{
    char text[INET6_ADDRSTRLEN];
    struct in6_addr address;

    if (s.n < 4 || s.n - 2 >= sizeof text || s.p[0] != '[' || s.p[s.n - 1] != ']')
        return false;
    memcpy(text, s.p + 1, s.n - 2);
    text[s.n - 2] = 0;
    return inet_pton(AF_INET6, text, &address) == 1;
}

static mn_str lowered(mn_str s, struct mn_arena *a)
{
    char *p = mn_arena_bytes(a, s.n);

    for (size_t i = 0; i < s.n; i++)
        p[i] = s.p[i] >= 'A' && s.p[i] <= 'Z' ? (char)(s.p[i] + 32) : s.p[i];
    return (mn_str){p, s.n};
}

int mn_jid_host_prep(mn_str s, struct mn_arena *a, mn_str *out)
{
    char *ulabel = NULL, *alabel = NULL;
    const char *text;
    bool puny, ok;
    int e;

    if (s.n && s.p[s.n - 1] == '.')
        s.n--;
    ok = is_name(s, &puny);
    if (!ok) {
        if (!s.n || s.n > MN_JID_PART_MAX || memchr(s.p, 0, s.n))
            return MN_E_FORMAT;
        s = lowered(s, a);
        if (is_literal6(s))
            return finished(s, out);
        ok = is_name(s, &puny);
    }
    *out = s;
    if (ok && !puny)
        return MN_E_OK;
    /* libidn2 would drop some of these and go on. */
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] < 0x80 && s.p[i] != '.' &&
            !(plain[(unsigned char)s.p[i]] & IN_LABEL))
            return MN_E_FORMAT;
    if (u8_check((const uint8_t *)s.p, s.n))
        return MN_E_FORMAT;
    text = mn_arena_cstr(a, s);
    e = idn2_lookup_u8((const uint8_t *)text, (uint8_t **)&alabel, IDN_FLAGS) ||
                idn2_to_unicode_8z8z(alabel, &ulabel, 0)
            ? MN_E_FORMAT
            : MN_E_OK;
    if (!e && !is_name(mn_str_from(alabel), &puny))
        e = MN_E_FORMAT;
    if (!e)
        e = finished(mn_arena_str(a, mn_str_from(ulabel)), out);
    free(alabel);
    free(ulabel);
    return e;
}

int mn_jid_host_ascii(mn_str host, struct mn_arena *a, mn_str *out)
{
    char *alabel = NULL;
    bool puny;
    int e = MN_E_FORMAT;

    *out = host;
    if (is_name(host, &puny))
        return MN_E_OK;
    if (host.n && host.n <= MN_JID_PART_MAX && !memchr(host.p, 0, host.n) &&
        !idn2_lookup_u8((const uint8_t *)mn_arena_cstr(a, host), (uint8_t **)&alabel, IDN_FLAGS) &&
        is_name(mn_str_from(alabel), &puny)) {
        *out = mn_arena_str(a, mn_str_from(alabel));
        e = MN_E_OK;
    }
    free(alabel);
    return e;
}

/* The whole text from prepared parts: in place when they already lie next to each other in `text`.
 */
static void assemble(mn_str text, mn_str user, mn_str host, mn_str resource, struct mn_arena *a,
                     struct mn_jid *out)
{
    size_t n = (user.n ? user.n + 1 : 0) + host.n + (resource.n ? resource.n + 1 : 0);
    char *p;

    *out = (struct mn_jid){text.p, (uint16_t)user.n, (uint16_t)host.n, (uint16_t)resource.n};
    if (n == text.n && (!user.n || user.p == text.p) &&
        host.p == text.p + (user.n ? user.n + 1 : 0) &&
        (!resource.n || resource.p == host.p + host.n + 1))
        return;
    out->p = p = mn_arena_bytes(a, n);
    if (user.n) {
        memcpy(p, user.p, user.n);
        p += user.n;
        *p++ = '@';
    }
    memcpy(p, host.p, host.n);
    p += host.n;
    if (resource.n) {
        *p++ = '/';
        memcpy(p, resource.p, resource.n);
    }
}

int mn_jid_parse(mn_str text, struct mn_arena *a, struct mn_jid *out)
{
    mn_str resource, bare = mn_str_cut(text, '/', &resource);
    mn_str host, user = mn_str_cut(bare, '@', &host);
    bool has_user = user.n < bare.n, has_resource = bare.n < text.n;
    mn_str u = {0}, h = {0}, r = {0};
    int e = MN_E_OK;

    *out = (struct mn_jid){0};
    if (!has_user)
        host = bare;
    if (has_user)
        e = user_prep(user, a, &u);
    if (!e)
        e = mn_jid_host_prep(host, a, &h);
    if (!e && has_resource)
        e = mn_jid_resource_prep(resource, a, &r);
    if (!e)
        assemble(text, u, h, r, a, out);
    return e;
}

int mn_jid_make(mn_str user, mn_str host, mn_str resource, struct mn_arena *a, struct mn_jid *out)
{
    mn_str u = {0}, h = {0}, r = {0};
    int e = MN_E_OK;

    *out = (struct mn_jid){0};
    if (user.p)
        e = user_prep(user, a, &u);
    if (!e)
        e = mn_jid_host_prep(host, a, &h);
    if (!e && resource.p)
        e = mn_jid_resource_prep(resource, a, &r);
    if (!e)
        assemble((mn_str){0}, u, h, r, a, out);
    return e;
}

/* RFC 8264's IdentifierClass for one character: letters, digits, marks, printable ASCII; nothing
 * that has a compatibility equivalent, none of the exceptions of RFC 5892 2.6, no old Hangul, no
 * joiners (their context rules are for no name that we would miss). */
static bool identifier_char(ucs4_t c)
{
    static const struct {
        ucs4_t first, last;
    } refused[] = {{0x0640, 0x0640}, {0x07fa, 0x07fa}, {0x1100, 0x11ff}, {0x302e, 0x302f},
                   {0x3031, 0x3035}, {0x303b, 0x303b}, {0xa960, 0xa97c}, {0xd7b0, 0xd7fb}};
    uint8_t in[8], *nfkc;
    size_t n = 0, len;
    bool same;

    if (c < 0x80)
        return c > ' ' && c != 0x7f;
    for (size_t i = 0; i < MN_COUNT(refused); i++)
        if (c >= refused[i].first && c <= refused[i].last)
            return false;
    if (!uc_is_general_category_withtable(c, UC_CATEGORY_MASK_Ll | UC_CATEGORY_MASK_Lo |
                                                 UC_CATEGORY_MASK_Lm | UC_CATEGORY_MASK_Mn |
                                                 UC_CATEGORY_MASK_Mc | UC_CATEGORY_MASK_Nd) ||
        uc_is_property_default_ignorable_code_point(c))
        return false;
    len = (size_t)u8_uctomb(in, c, sizeof in);
    nfkc = u8_normalize(UNINORM_NFKC, in, len, NULL, &n);
    same = nfkc && n == len && !memcmp(nfkc, in, len);
    free(nfkc);
    return same;
}

/* What the Bidi Rule (RFC 5893, 2) has to know of the characters so far. */
struct bidi {
    bool any, left, european,
        arabic;      /* any: of R, AL, AN; left: what only a left-to-right name may hold */
    int first, last; /* last: less non-spacing marks */
};

static void bidi_add(struct bidi *b, ucs4_t c)
{
    int class = uc_bidi_class(c);

    if (b->first < 0)
        b->first = class;
    if (class != UC_BIDI_NSM)
        b->last = class;
    b->any |= class == UC_BIDI_R || class == UC_BIDI_AL || class == UC_BIDI_AN;
    b->left |= class == UC_BIDI_L;
    b->european |= class == UC_BIDI_EN;
    b->arabic |= class == UC_BIDI_AN;
}

static bool bidi_ok(const struct bidi *b)
{
    return !b->any || ((b->first == UC_BIDI_R || b->first == UC_BIDI_AL) && !b->left &&
                       !(b->european && b->arabic) &&
                       (b->last == UC_BIDI_R || b->last == UC_BIDI_AL || b->last == UC_BIDI_EN ||
                        b->last == UC_BIDI_AN));
}

/* The same name under both RFCs: prepared by nodeprep, it must be its own lower case and NFC, hold
 * only identifier characters and none that RFC 7622 3.3.1 excludes, and what was asked for must not
 * differ by more than case (so that fussball is never made for someone who asked for the name with
 * a sharp s). */
int mn_jid_may_create(mn_str user, struct mn_arena *a, mn_str *out)
{
    struct bidi bidi = {.first = -1, .last = -1};
    uint8_t *lower = NULL;
    size_t n = 0;
    int e = user_prep(user, a, out);

    if (e)
        return e;
    /* XEP-0106: an escaped space is neither first nor last. */
    if (mn_str_starts(*out, MN_STR("\\20")) ||
        (out->n >= 3 && !memcmp(out->p + out->n - 3, "\\20", 3)))
        return MN_E_FORMAT;
    for (size_t i = 0; i < out->n;) {
        ucs4_t c;
        int len = u8_mbtoucr(&c, (const uint8_t *)out->p + i, out->n - i);

        if (len <= 0 || !identifier_char(c) || (c < 0x80 && strchr("\"&'/:<>@", (int)c)))
            return MN_E_FORMAT;
        bidi_add(&bidi, c);
        i += (size_t)len;
    }
    if (!bidi_ok(&bidi))
        return MN_E_FORMAT;
    if (is_plain(user, IN_USER))
        return MN_E_OK;
    lower = u8_tolower((const uint8_t *)user.p, user.n, NULL, UNINORM_NFC, NULL, &n);
    e = lower && mn_str_eq((mn_str){(char *)lower, n}, *out) ? MN_E_OK : MN_E_FORMAT;
    free(lower);
    return e;
}

/* XEP-0106: these become \xx. */
static const char escaped[] = " \"&'/:<>@\\";

static int hex(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The character that \xx stands for at `at`, or 0. */
static char escape_at(mn_str s, size_t at)
{
    int hi, lo;

    if (at + 3 > s.n || s.p[at] != '\\' || (hi = hex(s.p[at + 1])) < 0 ||
        (lo = hex(s.p[at + 2])) < 0)
        return 0;
    return (hi * 16 + lo) && strchr(escaped, hi * 16 + lo) ? (char)(hi * 16 + lo) : 0;
}

mn_str mn_jid_escape(mn_str text, struct mn_arena *a)
{
    char *p, *to;

    p = to = mn_arena_bytes(a, text.n * 3 + 1);
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        bool must = c && strchr(escaped, c) && (c != '\\' || escape_at(text, i));

        if (must) {
            *to++ = '\\';
            *to++ = "0123456789abcdef"[c >> 4 & 15];
            c = "0123456789abcdef"[c & 15];
        }
        *to++ = c;
    }
    return (mn_str){p, (size_t)(to - p)};
}

mn_str mn_jid_unescape(mn_str user, struct mn_arena *a)
{
    char *p = mn_arena_bytes(a, user.n), *to = p;

    for (size_t i = 0; i < user.n; i++) {
        char c = escape_at(user, i);

        *to++ = c ? c : user.p[i];
        i += c ? 2 : 0;
    }
    return (mn_str){p, (size_t)(to - p)};
}

struct mn_jid mn_jid_copy(const struct mn_jid *j, struct mn_arena *a)
{
    struct mn_jid c = *j;

    if (j->p)
        c.p = mn_arena_str(a, mn_jid_text(j)).p;
    return c;
}
