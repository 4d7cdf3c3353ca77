#include "server/protocol.h"

#include <stdlib.h>

static const struct module_rfc rfcs[] = {
#define RFC(...) {__VA_ARGS__},
#define XEP(...)
#include "server/protocols.def"
#undef XEP
#undef RFC
    {0}};

static const struct module_xep xeps[] = {
#define RFC(...)
#define XEP(...) {__VA_ARGS__},
#include "server/protocols.def"
#undef XEP
#undef RFC
    {0}};

struct gathered {
    struct protocol *items;
    size_t count;
};

static void gather(struct gathered *g, const struct module *m, const struct module_rfc *rfc,
                   size_t rfc_count, const struct module_xep *xep, size_t xep_count)
{
    for (size_t i = 0; i < rfc_count && rfc[i].section; i++) {
        struct protocol *p = &g->items[g->count++];

        *p = (struct protocol){"", "", rfc[i].title, rfc[i].test, rfc[i].key, 0, m};
        snprintf(p->name, sizeof p->name, "%s", rfc[i].section);
    }
    for (size_t i = 0; i < xep_count && xep[i].number; i++) {
        struct protocol *p = &g->items[g->count++];

        *p = (struct protocol){"",          xep[i].version, xep[i].title,
                               xep[i].test, xep[i].key,     xep[i].number,
                               m,           xep[i].without};
        snprintf(p->name, sizeof p->name, "XEP-%04d", xep[i].number);
    }
}

/* Numbers in the names count as numbers: section 10 behind section 4. */
static int by_name(const void *a, const void *b)
{
    return strverscmp(((const struct protocol *)a)->name, ((const struct protocol *)b)->name);
}

struct protocol *protocols_all(struct mn_arena *a, size_t *count)
{
    size_t most = MN_COUNT(rfcs) + MN_COUNT(xeps);
    struct gathered g = {0};

    for (const struct module *const *m = modules; *m; m++)
        most += MN_COUNT((*m)->rfc) + MN_COUNT((*m)->xep);
    g.items = mn_arena_alloc0(a, most * sizeof *g.items);
    gather(&g, NULL, rfcs, MN_COUNT(rfcs), xeps, MN_COUNT(xeps));
    for (const struct module *const *m = modules; *m; m++)
        gather(&g, *m, (*m)->rfc, MN_COUNT((*m)->rfc), (*m)->xep, MN_COUNT((*m)->xep));
    qsort(g.items, g.count, sizeof *g.items, by_name);
    *count = g.count;
    return g.items;
}

/* What the configuration says of a key. */
struct said {
    const char *word; /* behind the key; NULL: none */
    size_t n;         /* of the key */
    const char *key;
    bool live, yes;
};

/* An entry of a list, KEY[0].., says that there is one. */
static void look(void *arg, const char *path, const struct mn_conf_row *row, mn_str value)
{
    struct said *s = arg;

    if (row->live != s->live || strncmp(path, s->key, s->n) || (path[s->n] && path[s->n] != '['))
        return;
    s->yes |= s->word ? memmem(value.p, value.n, s->word, strlen(s->word)) != NULL
                      : value.n && !mn_str_is(value, "off");
}

bool protocol_on(const struct server *srv, const struct protocol *p)
{
    struct said s = {.key = p->key};

    if (p->module && !module_on(srv, p->module))
        return false;
    if (!p->key)
        return true;
    s.n = strcspn(p->key, ":");
    s.word = p->key[s.n] ? p->key + s.n + 2 : NULL;
    mn_conf_each(config_rows(), srv->conf, look, &s);
    s.live = true;
    mn_conf_each(config_rows(), owner_here()->snap->conf, look, &s);
    return s.yes;
}
