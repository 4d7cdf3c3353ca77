#include "net/mdns_link.h"

#include <errno.h>
#include <ifaddrs.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <unistd.h>

#include "net/mdns_msg.h"

enum { PORT = 5353, FACES_MAX = 32, ADDRS_MAX = 16, BATCH = 64, SETTLE_MS = 200, V4 = 0, V6 = 1 };

/* An interface. */
struct face {
    unsigned index;
    struct mn_addr addrs[ADDRS_MAX];
    unsigned bits[ADDRS_MAX]; /* of the network's part */
    size_t count;
    bool has[2]; /* addresses of that family */
};

struct faces {
    struct face at[FACES_MAX];
    size_t count;
};

struct mn_mdns_links {
    struct mn_loop *loop;
    struct mn_mdns *m;
    struct mn_watch watch[2], changes;
    struct mn_timer settle;
    struct faces now;
};

static unsigned link_id(const struct face *f, int family)
{
    return f->index * 2 + (unsigned)family;
}

/* Interfaces. */

static unsigned prefix_of(const struct sockaddr *mask)
{
    const unsigned char *p;
    unsigned n = 0, size;

    if (!mask)
        return 0;
    p = mask->sa_family == AF_INET6
            ? ((const struct sockaddr_in6 *)mask)->sin6_addr.s6_addr
            : (const unsigned char *)&((const struct sockaddr_in *)mask)->sin_addr;
    size = mask->sa_family == AF_INET6 ? 16 : 4;
    for (unsigned i = 0; i < size; i++)
        n += (unsigned)__builtin_popcount(p[i]);
    return n;
}

static struct face *face_find(struct faces *all, unsigned index)
{
    for (size_t i = 0; i < all->count; i++)
        if (all->at[i].index == index)
            return &all->at[i];
    return NULL;
}

static struct face *face_of(struct faces *all, unsigned index)
{
    struct face *f = face_find(all, index);

    if (f || all->count == FACES_MAX)
        return f;
    all->at[all->count] = (struct face){.index = index};
    return &all->at[all->count++];
}

static bool is_usable(const struct ifaddrs *i)
{
    const unsigned want = IFF_UP | IFF_MULTICAST; /* the machine's own loop cannot, by default */

    return i->ifa_addr && (i->ifa_flags & want) == want &&
           (i->ifa_addr->sa_family == AF_INET || i->ifa_addr->sa_family == AF_INET6);
}

static void faces_read(const struct mn_mdns_links *s, struct faces *out)
{
    struct ifaddrs *list = NULL;

    out->count = 0;
    if (getifaddrs(&list))
        return;
    for (const struct ifaddrs *i = list; i; i = i->ifa_next) {
        struct face *f = is_usable(i) ? face_of(out, if_nametoindex(i->ifa_name)) : NULL;
        int family = i->ifa_addr && i->ifa_addr->sa_family == AF_INET6 ? V6 : V4;

        if (!f || f->count == ADDRS_MAX)
            continue;
        memcpy(&f->addrs[f->count], i->ifa_addr,
               family == V6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in));
        f->bits[f->count++] = prefix_of(i->ifa_netmask);
        f->has[family] = s->watch[family].fd >= 0;
    }
    freeifaddrs(list);
}

static void join(struct mn_mdns_links *s, const struct face *f, int family)
{
    struct ip_mreqn four = {.imr_ifindex = (int)f->index};
    struct ipv6_mreq six = {.ipv6mr_interface = f->index};
    int fd = s->watch[family].fd;
    struct mn_addr group;

    if (family == V4 && !mn_addr_parse(MN_STR("224.0.0.251"), 0, &group)) {
        four.imr_multiaddr = group.v4.sin_addr;
        setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &four, sizeof four);
    } else if (family == V6 && !mn_addr_parse(MN_STR("ff02::fb"), 0, &group)) {
        six.ipv6mr_multiaddr = group.v6.sin6_addr;
        setsockopt(fd, IPPROTO_IPV6, IPV6_JOIN_GROUP, &six, sizeof six);
    }
}

void mn_mdns_links_look(struct mn_mdns_links *s)
{
    struct faces old = s->now;

    faces_read(s, &s->now);
    for (size_t i = 0; i < s->now.count; i++)
        for (int family = V4; family <= V6; family++) {
            const struct face *f = &s->now.at[i];

            if (!f->has[family])
                continue;
            join(s, f, family); /* again does no harm */
            mn_mdns_link(s->m, link_id(f, family), f->addrs, f->count);
        }
    for (size_t i = 0; i < old.count; i++)
        for (int family = V4; family <= V6; family++) {
            const struct face *f = face_find(&s->now, old.at[i].index);

            if (old.at[i].has[family] && (!f || !f->has[family]))
                mn_mdns_link(s->m, link_id(&old.at[i], family), NULL, 0);
        }
}

static bool same_network(const struct mn_addr *a, const struct mn_addr *b, unsigned bits)
{
    const unsigned char *p, *q;

    if (a->sa.sa_family != b->sa.sa_family)
        return false;
    p = a->sa.sa_family == AF_INET6 ? a->v6.sin6_addr.s6_addr
                                    : (const unsigned char *)&a->v4.sin_addr;
    q = b->sa.sa_family == AF_INET6 ? b->v6.sin6_addr.s6_addr
                                    : (const unsigned char *)&b->v4.sin_addr;
    return !memcmp(p, q, bits / 8) &&
           (!(bits % 8) || !((p[bits / 8] ^ q[bits / 8]) >> (8 - bits % 8)));
}

bool mn_mdns_links_near(const struct mn_mdns_links *s, const struct mn_addr *a)
{
    struct mn_addr plain = *a;

    if (a->sa.sa_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&a->v6.sin6_addr)) {
        plain = (struct mn_addr){0};
        plain.sa.sa_family = AF_INET;
        memcpy(&plain.v4.sin_addr, a->v6.sin6_addr.s6_addr + 12, 4);
    }
    if (mn_addr_is_loopback(&plain) ||
        (plain.sa.sa_family == AF_INET6 && IN6_IS_ADDR_LINKLOCAL(&plain.v6.sin6_addr)))
        return true;
    for (size_t i = 0; i < s->now.count; i++)
        for (size_t k = 0; k < s->now.at[i].count; k++)
            if (same_network(&plain, &s->now.at[i].addrs[k], s->now.at[i].bits[k]))
                return true;
    return false;
}

/* Packets. */

static void group_of(int family, struct mn_addr *out)
{
    if (mn_addr_parse(family == V6 ? MN_STR("ff02::fb") : MN_STR("224.0.0.251"), PORT, out))
        *out = (struct mn_addr){0};
}

void mn_mdns_links_send(struct mn_mdns_links *s, unsigned link, const struct mn_addr *to,
                        mn_str packet)
{
    int family = link % 2 ? V6 : V4;
    union {
        struct cmsghdr align;
        char room[CMSG_SPACE(sizeof(struct in6_pktinfo))];
    } control = {0};
    struct in_pktinfo four = {.ipi_ifindex = (int)(link / 2)};
    struct in6_pktinfo six = {.ipi6_ifindex = link / 2};
    size_t n = family == V6 ? sizeof six : sizeof four;
    struct iovec bytes = {(void *)packet.p, packet.n};
    struct mn_addr addr;
    struct msghdr msg = {.msg_name = &addr,
                         .msg_iov = &bytes,
                         .msg_iovlen = 1,
                         .msg_control = &control,
                         .msg_controllen = CMSG_SPACE(n)};

    if (to)
        addr = *to;
    else
        group_of(family, &addr);
    msg.msg_namelen = mn_addr_len(&addr);
    control.align = (struct cmsghdr){.cmsg_len = CMSG_LEN(n),
                                     .cmsg_level = family == V6 ? IPPROTO_IPV6 : IPPROTO_IP,
                                     .cmsg_type = family == V6 ? IPV6_PKTINFO : IP_PKTINFO};
    memcpy(CMSG_DATA(&control.align), family == V6 ? (void *)&six : (void *)&four, n);
    /* What is lost is lost, as on the wire: everything is said more than once. */
    (void)sendmsg(s->watch[family].fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* By which interface it came; `group`: to everybody. */
static unsigned index_of(struct msghdr *msg, bool *group)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
        struct in_pktinfo four;
        struct in6_pktinfo six;

        if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
            memcpy(&four, CMSG_DATA(c), sizeof four);
            *group = IN_MULTICAST(ntohl(four.ipi_addr.s_addr));
            return (unsigned)four.ipi_ifindex;
        }
        if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
            memcpy(&six, CMSG_DATA(c), sizeof six);
            *group = IN6_IS_ADDR_MULTICAST(&six.ipi6_addr);
            return six.ipi6_ifindex;
        }
    }
    return 0;
}

static void packets(struct mn_mdns_links *s, int family)
{
    char room[MN_MDNS_PACKET];

    for (int i = 0; i < BATCH; i++) {
        union {
            struct cmsghdr align;
            char room[256];
        } control;
        struct mn_addr from = {0};
        struct iovec bytes = {room, sizeof room};
        struct msghdr msg = {&from, sizeof from, &bytes, 1, &control, sizeof control, 0};
        ssize_t n = recvmsg(s->watch[family].fd, &msg, MSG_DONTWAIT);
        bool group = false;
        unsigned index;

        if (n < 0)
            return;
        index = index_of(&msg, &group);
        /* RFC 6762, 11: nothing from elsewhere. */
        if (!(msg.msg_flags & MSG_TRUNC) && (group || mn_mdns_links_near(s, &from)))
            mn_mdns_feed(s->m, index * 2 + (unsigned)family, &from, mn_str_make(room, (size_t)n));
    }
}

static void ready4(struct mn_watch *w, unsigned events)
{
    (void)events;
    packets(MN_OF(w, struct mn_mdns_links, watch[V4]), V4);
}

static void ready6(struct mn_watch *w, unsigned events)
{
    (void)events;
    packets(MN_OF(w, struct mn_mdns_links, watch[V6]), V6);
}

/* Several changes come together. */
static void settled(struct mn_timer *t)
{
    mn_mdns_links_look(MN_OF(t, struct mn_mdns_links, settle));
}

static void changed(struct mn_watch *w, unsigned events)
{
    struct mn_mdns_links *s = MN_OF(w, struct mn_mdns_links, changes);
    char room[8192];

    (void)events;
    while (recv(w->fd, room, sizeof room, MSG_DONTWAIT) > 0)
        ;
    mn_timer_start(s->loop, &s->settle, SETTLE_MS);
}

/* Life. */

static void option(int fd, int level, int name, int value)
{
    setsockopt(fd, level, name, &value, sizeof value);
}

static int open_socket(int family)
{
    int fd =
        socket(family == V6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    struct mn_addr any;

    if (fd < 0 || mn_addr_parse(family == V6 ? MN_STR("::") : MN_STR("0.0.0.0"), PORT, &any))
        return fd;
    option(fd, SOL_SOCKET, SO_REUSEADDR, 1); /* who has the port, too, hears what we hear */
    if (family == V6) {
        option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
        option(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
        option(fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, 255);
    } else {
        option(fd, IPPROTO_IP, IP_PKTINFO, 1);
        option(fd, IPPROTO_IP, IP_MULTICAST_TTL, 255);
        option(fd, IPPROTO_IP, IP_MULTICAST_ALL, 0);
    }
    if (!bind(fd, &any.sa, mn_addr_len(&any)))
        return fd;
    close(fd);
    return -1;
}

static void watch(struct mn_mdns_links *s, struct mn_watch *w, int fd,
                  void (*ready)(struct mn_watch *w, unsigned events))
{
    *w = (struct mn_watch){fd, MN_READ, ready};
    if (fd >= 0)
        mn_loop_watch(s->loop, w);
}

static int open_changes(void)
{
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, NETLINK_ROUTE);
    struct sockaddr_nl at = {.nl_family = AF_NETLINK,
                             .nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR};

    if (fd >= 0 && !bind(fd, (struct sockaddr *)&at, sizeof at))
        return fd;
    if (fd >= 0)
        close(fd);
    return -1; /* then only mn_mdns_links_look notices */
}

int mn_mdns_links_new(struct mn_loop *l, struct mn_mdns *m, struct mn_mdns_links **out,
                      struct mn_buf *why)
{
    struct mn_mdns_links *s = MN_NEW(struct mn_mdns_links);
    int e;

    s->loop = l;
    s->m = m;
    s->settle.fire = settled;
    watch(s, &s->watch[V4], open_socket(V4), ready4);
    e = errno;
    watch(s, &s->watch[V6], open_socket(V6), ready6);
    watch(s, &s->changes, open_changes(), changed);
    *out = s;
    if (s->watch[V4].fd < 0 && s->watch[V6].fd < 0) {
        mn_buf_fmt(why, "cannot listen for multicast DNS at port %d: %s", PORT, strerror(e));
        mn_mdns_links_free(s);
        *out = NULL;
        return MN_E_IO;
    }
    mn_mdns_links_look(s);
    return MN_E_OK;
}

void mn_mdns_links_free(struct mn_mdns_links *s)
{
    struct mn_watch *all[3];

    if (!s)
        return;
    all[0] = &s->watch[V4];
    all[1] = &s->watch[V6];
    all[2] = &s->changes;
    for (size_t i = 0; i < MN_COUNT(all); i++) {
        int fd = all[i]->fd;

        if (fd < 0)
            continue;
        mn_loop_unwatch(s->loop, all[i]);
        close(fd);
    }
    mn_timer_stop(&s->settle);
    mn_free(s);
}
