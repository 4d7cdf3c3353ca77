#include "server/quota.h"

#include "base/crypt.h"

/* In memory and in the store the same: for each thing a digest of its name, and its bytes as four,
 * the highest first. */
enum { NAME = 8, ITEM = NAME + 4, ITEMS_MAX = 1000 };

static uint64_t bytes_of(const char *item)
{
    uint64_t n = 0;

    for (int i = NAME; i < ITEM; i++)
        n = n << 8 | (unsigned char)item[i];
    return n;
}

static uint64_t total(const char *items, uint32_t n)
{
    uint64_t sum = 0;

    for (uint32_t at = 0; at < n; at += ITEM)
        sum += bytes_of(items + at);
    return sum;
}

void quota_begin(struct user *u, struct quota_change *c)
{
    c->user = u;
    c->was_n = u->quota.n;
    c->was = mn_alloc(c->was_n);
    if (c->was_n)
        memcpy(c->was, u->quota.items, c->was_n);
}

void quota_set(struct quota_change *c, mn_str thing, size_t bytes)
{
    struct user *u = c->user;
    unsigned char name[MN_DIGEST_MAX];
    uint32_t at = 0;

    mn_digest_of(MN_SHA256, &thing, 1, name);
    while (at < u->quota.n && memcmp(u->quota.items + at, name, NAME))
        at += ITEM;
    if (at == u->quota.n) {
        u->quota.items = mn_realloc(u->quota.items, u->quota.n += ITEM);
        memcpy(u->quota.items + at, name, NAME);
    }
    for (int i = 0; i < ITEM - NAME; i++)
        u->quota.items[at + NAME + i] = (char)(bytes >> (24 - 8 * i));
}

bool quota_end(struct quota_change *c, uint64_t max)
{
    struct user *u = c->user;
    uint64_t now = total(u->quota.items, u->quota.n);
    bool fits = (now <= max || now <= total(c->was, c->was_n)) && u->quota.n <= ITEMS_MAX * ITEM;

    if (fits) {
        user_wrote(u, store_set(u->owner->writer, mn_jid_bare(&u->jid), USER_STORE,
                                MN_STR(USER_QUOTA), (mn_str){u->quota.items, u->quota.n}));
        mn_free(c->was);
    } else {
        mn_free(u->quota.items);
        u->quota.items = c->was;
        u->quota.n = c->was_n;
    }
    return fits;
}

void quota_load(struct user *u, mn_str record)
{
    quota_free(u);
    if (!record.n || record.n % ITEM || record.n > ITEMS_MAX * ITEM)
        return;
    u->quota.n = (uint32_t)record.n;
    u->quota.items = mn_alloc(record.n);
    memcpy(u->quota.items, record.p, record.n);
}

void quota_free(struct user *u)
{
    mn_free(u->quota.items);
    u->quota.items = NULL;
    u->quota.n = 0;
}
