#include "net/addr.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <stdio.h>

int mn_addr_parse(mn_str text, uint16_t port, struct mn_addr *out)
{
    char name[INET6_ADDRSTRLEN + 1];

    *out = (struct mn_addr){0};
    if (!text.n || text.n >= sizeof name || memchr(text.p, 0, text.n))
        return MN_E_FORMAT;
    memcpy(name, text.p, text.n);
    name[text.n] = 0;
    if (inet_pton(AF_INET, name, &out->v4.sin_addr) == 1) {
        out->v4.sin_family = AF_INET;
        out->v4.sin_port = htons(port);
        return MN_E_OK;
    }
    if (inet_pton(AF_INET6, name, &out->v6.sin6_addr) == 1) {
        out->v6.sin6_family = AF_INET6;
        out->v6.sin6_port = htons(port);
        return MN_E_OK;
    }
    return MN_E_FORMAT;
}

static bool mapped(const struct mn_addr *a)
{
    return a->sa.sa_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&a->v6.sin6_addr);
}

const char *mn_addr_text(const struct mn_addr *a, char out[MN_ADDR_TEXT])
{
    char name[INET6_ADDRSTRLEN] = "";

    if (a->sa.sa_family == AF_INET) {
        inet_ntop(AF_INET, &a->v4.sin_addr, name, sizeof name);
        snprintf(out, MN_ADDR_TEXT, "%s:%u", name, ntohs(a->v4.sin_port));
    } else if (mapped(a)) {
        inet_ntop(AF_INET, a->v6.sin6_addr.s6_addr + 12, name, sizeof name);
        snprintf(out, MN_ADDR_TEXT, "%s:%u", name, ntohs(a->v6.sin6_port));
    } else if (a->sa.sa_family == AF_INET6) {
        inet_ntop(AF_INET6, &a->v6.sin6_addr, name, sizeof name);
        snprintf(out, MN_ADDR_TEXT, "[%s]:%u", name, ntohs(a->v6.sin6_port));
    } else {
        snprintf(out, MN_ADDR_TEXT, "memory");
    }
    return out;
}

/* The four bytes of an IPv4 address, or the sixteen of another. */
static mn_str host_of(const struct mn_addr *a)
{
    if (a->sa.sa_family == AF_INET)
        return (mn_str){(const char *)&a->v4.sin_addr, 4};
    return mapped(a) ? (mn_str){(const char *)a->v6.sin6_addr.s6_addr + 12, 4}
                     : (mn_str){(const char *)a->v6.sin6_addr.s6_addr, 16};
}

bool mn_addr_same_host(const struct mn_addr *a, const struct mn_addr *b)
{
    return mn_str_eq(host_of(a), host_of(b));
}

bool mn_addr_eq(const struct mn_addr *a, const struct mn_addr *b)
{
    if (a->sa.sa_family != b->sa.sa_family || mn_addr_port(a) != mn_addr_port(b))
        return false;
    return a->sa.sa_family == AF_INET6 ? IN6_ARE_ADDR_EQUAL(&a->v6.sin6_addr, &b->v6.sin6_addr) &&
                                             a->v6.sin6_scope_id == b->v6.sin6_scope_id
                                       : a->v4.sin_addr.s_addr == b->v4.sin_addr.s_addr;
}

bool mn_addr_is_loopback(const struct mn_addr *a)
{
    if (a->sa.sa_family == AF_INET)
        return ntohl(a->v4.sin_addr.s_addr) >> 24 == 127;
    if (mapped(a))
        return a->v6.sin6_addr.s6_addr[12] == 127;
    return a->sa.sa_family == AF_INET6 ? IN6_IS_ADDR_LOOPBACK(&a->v6.sin6_addr)
                                       : a->sa.sa_family == AF_UNSPEC;
}

bool mn_addr_is_other(const struct mn_addr *a)
{
    mn_str host = host_of(a);
    uint8_t first = (uint8_t)host.p[0];

    if (a->sa.sa_family == AF_UNSPEC || mn_addr_is_loopback(a))
        return false;
    if (host.n == 4) /* 0/8 is this machine, too; from 224/4 on many, reserved, all */
        return first && first < 224;
    return !IN6_IS_ADDR_UNSPECIFIED(&a->v6.sin6_addr) && first != 0xff;
}

mn_str mn_addr_group(const struct mn_addr *a, char out[16])
{
    memset(out, 0, 16);
    if (a->sa.sa_family == AF_INET)
        memcpy(out + 12, &a->v4.sin_addr, 4);
    else if (mapped(a))
        memcpy(out + 12, a->v6.sin6_addr.s6_addr + 12, 4);
    else if (a->sa.sa_family == AF_INET6)
        memcpy(out, &a->v6.sin6_addr, 8);
    return (mn_str){out, 16};
}

mn_str mn_addr_network(const struct mn_addr *a, char out[17])
{
    bool v4 = a->sa.sa_family == AF_INET || mapped(a);

    mn_addr_group(a, out + 1);
    out[0] = v4 ? '4' : '6';
    memset(v4 ? out + 16 : out + 7, 0, v4 ? 1 : 10);
    return (mn_str){out, 17};
}

uint16_t mn_addr_port(const struct mn_addr *a)
{
    return ntohs(a->sa.sa_family == AF_INET6 ? a->v6.sin6_port : a->v4.sin_port);
}

socklen_t mn_addr_len(const struct mn_addr *a)
{
    return a->sa.sa_family == AF_INET6 ? sizeof a->v6 : sizeof a->v4;
}

static bool is_far(const struct ifaddrs *i)
{
    const struct sockaddr *sa = i->ifa_addr;

    if (!sa || !(i->ifa_flags & IFF_UP) || i->ifa_flags & IFF_LOOPBACK)
        return false;
    return sa->sa_family == AF_INET ||
           (sa->sa_family == AF_INET6 &&
            !IN6_IS_ADDR_LINKLOCAL(&((const struct sockaddr_in6 *)sa)->sin6_addr));
}

size_t mn_addr_local(struct mn_addr *out, size_t max)
{
    struct ifaddrs *list = NULL;
    size_t n = 0;

    if (getifaddrs(&list))
        return 0;
    for (const struct ifaddrs *i = list; i && n < max; i = i->ifa_next) {
        if (!is_far(i))
            continue;
        out[n] = (struct mn_addr){0};
        memcpy(&out[n++], i->ifa_addr,
               i->ifa_addr->sa_family == AF_INET ? sizeof out->v4 : sizeof out->v6);
    }
    freeifaddrs(list);
    return n;
}
