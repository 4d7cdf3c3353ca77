/* XEP-0114 from the component's side: a stream named after our own domain, one hash instead of a
 * login, and stanzas that say from which of our addresses they come. Inside the library they are in
 * jabber:client, as everywhere: namespaces change where they come in; what goes out names none. */
#include "base/codec.h"
#include "base/crypt.h"
#include "client/client.h"

void component_opened(struct mynah_client *c, mn_str id)
{
    struct mn_arena a = {0};
    const mn_str pieces[] = {id, mn_str_from(c->password)};
    char hash[MN_DIGEST_MAX];
    size_t n = mn_digest_of(MN_SHA1, pieces, MN_COUNT(pieces), hash);

    if (!id.n) {
        client_fail_code(c, MYNAH_E_STREAM, "a stream without an id", false);
        return;
    }
    if (client_state(c, MYNAH_LOGIN, NULL))
        stream_write_secret(
            c->stream,
            mn_arena_fmt(&a, "<handshake>%.*s</handshake>", MN_ARG(mn_hex((mn_str){hash, n}, &a))),
            MN_STR("<handshake>...</handshake>"));
    mn_arena_done(&a, NULL);
}

bool component_element(struct mynah_client *c, const struct mynah_elem *e)
{
    if (!mynah_elem_is(e, "handshake", "jabber:client") || c->state != MYNAH_LOGIN)
        return false;
    c->bound = mn_str_dup(mn_str_from(c->domain));
    client_online(c, false);
    return true;
}

struct mynah_elem *component_stanza(const struct mynah_client *c, const struct mynah_elem *st)
{
    struct mynah_elem *copy = mynah_elem_copy(st);

    if (!mynah_elem_get(copy, "from"))
        mynah_elem_set(copy, "from", c->domain);
    return copy;
}
