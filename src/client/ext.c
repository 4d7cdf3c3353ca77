#include "client/ext.h"

#include "base/err.h"

const struct ext *const exts[] = {
#define EXT(name) &ext_##name,
#include "client/exts.def"
#undef EXT
    NULL,
};

#define EACH(i) for (size_t i = 0; exts[i]; i++)

void *ext_state(struct mynah_client *c, const struct ext *ext)
{
    EACH(i)
    if (exts[i] == ext)
        return c->exts[i];
    return NULL;
}

void exts_init(struct mynah_client *c)
{
    c->exts = mn_alloc0(MN_COUNT(exts) * sizeof *c->exts);
    EACH(i)
    {
        c->exts[i] = exts[i]->size ? mn_alloc0(exts[i]->size) : NULL;
        if (exts[i]->init)
            exts[i]->init(c, c->exts[i]);
    }
}

void exts_done(struct mynah_client *c)
{
    EACH(i)
    {
        if (exts[i]->done)
            exts[i]->done(c, c->exts[i]);
        mn_free(c->exts[i]);
    }
    mn_free(c->exts);
    c->exts = NULL;
}

void exts_freed(struct mynah_client *c)
{
    EACH(i)
    if (exts[i]->freed)
        exts[i]->freed(c, c->exts[i]);
}

void exts_bound(struct mynah_client *c)
{
    EACH(i)
    if (exts[i]->bound && c->state == MYNAH_ONLINE)
        exts[i]->bound(c, c->exts[i]);
}

void exts_online(struct mynah_client *c, bool resumed)
{
    EACH(i)
    if (exts[i]->online && c->state == MYNAH_ONLINE)
        exts[i]->online(c, c->exts[i], resumed);
}

void exts_lost(struct mynah_client *c)
{
    EACH(i)
    if (exts[i]->lost)
        exts[i]->lost(c, c->exts[i]);
}

bool exts_stanza(struct mynah_client *c, const struct mynah_elem *st)
{
    EACH(i)
    if (exts[i]->stanza && exts[i]->stanza(c, c->exts[i], st))
        return true;
    return false;
}
