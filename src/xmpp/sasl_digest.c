/* What both ends of DIGEST-MD5 (RFC 2831) share: its lists of pairs and its hash. */
#include "xmpp/sasl_parts.h"

#include "base/buf.h"
#include "base/codec.h"

mn_str sasl_latin1(mn_str s, struct mn_arena *a)
{
    char *p = mn_arena_bytes(a, s.n);
    size_t n = 0;

    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];

        if (c < 0x80) {
            p[n++] = (char)c;
        } else if ((c == 0xc2 || c == 0xc3) && i + 1 < s.n) {
            p[n++] = (char)(c << 6 | ((unsigned char)s.p[++i] & 0x3f));
        } else {
            return s;
        }
    }
    return (mn_str){p, n};
}

bool sasl_digest_pair(struct mn_arena *a, mn_str *in, mn_str *name, mn_str *value, bool *bad)
{
    char *p;
    size_t n = 0;

    *in = mn_str_trim(*in);
    while (in->n && in->p[0] == ',')
        *in = mn_str_trim(mn_str_skip(*in, 1));
    if (!in->n)
        return false;
    *bad = true;
    if (mn_str_find(*in, '=') == in->n)
        return false;
    *name = mn_str_trim(mn_str_cut(*in, '=', in));
    *in = mn_str_trim(*in);
    if (!in->n || in->p[0] != '"') {
        *value = mn_str_trim(mn_str_cut(*in, ',', in));
        *bad = false;
        return true;
    }
    p = mn_arena_bytes(a, in->n);
    *in = mn_str_skip(*in, 1);
    while (in->n && in->p[0] != '"') {
        if (in->p[0] == '\\')
            *in = mn_str_skip(*in, 1);
        if (!in->n)
            return false;
        p[n++] = in->p[0];
        *in = mn_str_skip(*in, 1);
    }
    if (!in->n)
        return false;
    *in = mn_str_skip(*in, 1);
    *value = (mn_str){p, n};
    *bad = false;
    return true;
}

mn_str sasl_digest_value(const struct sasl_digest *d, const char *verb, struct mn_arena *a)
{
    char a1[16], a2[16], out[16];
    struct mn_buf b = {0};
    mn_str ha1, ha2;

    mn_buf_str(&b, d->verifier);
    mn_buf_fmt(&b, ":%.*s:%.*s", MN_ARG(d->nonce), MN_ARG(d->cnonce));
    if (d->authzid.n)
        mn_buf_fmt(&b, ":%.*s", MN_ARG(d->authzid));
    mn_digest_of(MN_MD5, &(mn_str){b.p, b.n}, 1, a1);
    mn_buf_clear(&b);
    mn_buf_fmt(&b, "%s:%.*s", verb, MN_ARG(d->uri));
    mn_digest_of(MN_MD5, &(mn_str){b.p, b.n}, 1, a2);
    ha1 = mn_hex((mn_str){a1, 16}, a);
    ha2 = mn_hex((mn_str){a2, 16}, a);
    mn_buf_clear(&b);
    mn_buf_fmt(&b, "%.*s:%.*s:%.*s:%.*s:auth:%.*s", MN_ARG(ha1), MN_ARG(d->nonce), MN_ARG(d->nc),
               MN_ARG(d->cnonce), MN_ARG(ha2));
    mn_digest_of(MN_MD5, &(mn_str){b.p, b.n}, 1, out);
    mn_buf_free(&b);
    return mn_hex((mn_str){out, 16}, a);
}
