#include "xmpp/error.h"

#include "base/err.h"

static const struct {
    mn_str name, type, code;
} conds[] = {
    {{0}, {0}, {0}},
#define COND(id, name, type, code) {MN_STR(name), MN_STR(type), MN_STR(code)},
#include "xmpp/conds.def"
#undef COND
};

static const mn_str stream_conds[] = {
    {0},
#define STREAM(id, name) MN_STR(name),
#include "xmpp/conds.def"
#undef STREAM
};

mn_str mn_cond_name(enum mn_cond c)
{
    MN_ASSERT(c < MN_COUNT(conds));
    return conds[c].name;
}

mn_str mn_cond_type(enum mn_cond c)
{
    MN_ASSERT(c < MN_COUNT(conds));
    return conds[c].type;
}

mn_str mn_cond_code(enum mn_cond c)
{
    MN_ASSERT(c < MN_COUNT(conds));
    return conds[c].code;
}

enum mn_cond mn_cond_find(mn_str name)
{
    for (size_t i = 1; i < MN_COUNT(conds); i++)
        if (mn_str_eq(conds[i].name, name))
            return (enum mn_cond)i;
    return MN_COND_UNDEFINED;
}

mn_str mn_stream_cond_name(enum mn_stream_cond c)
{
    MN_ASSERT(c < MN_COUNT(stream_conds));
    return stream_conds[c];
}

enum mn_stream_cond mn_stream_cond_of(int xml_error)
{
    switch (xml_error) {
    case MN_E_RESTRICTED:
        return MN_STREAM_RESTRICTED_XML;
    case MN_E_FORMAT:
        return MN_STREAM_BAD_FORMAT;
    case MN_E_LIMIT:
        return MN_STREAM_POLICY_VIOLATION;
    case MN_E_DENIED:
        return MN_STREAM_UNSUPPORTED_ENCODING;
    default:
        return MN_STREAM_NOT_WELL_FORMED;
    }
}
