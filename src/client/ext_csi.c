/* XEP-0352 Client State Indication: a stream begins active; what the program said last is said
 * again on each new one, where the server knows of it. */
#include "client/ext.h"

#define NS_CSI "urn:xmpp:csi:0"

struct csi {
    bool idle;
};

static void say(struct mynah_client *c, bool idle)
{
    if (!mynah_elem_child(c->features, "csi", NS_CSI))
        return;
    stream_write(c->stream, idle ? MN_STR("<inactive xmlns='" NS_CSI "'/>")
                                 : MN_STR("<active xmlns='" NS_CSI "'/>"));
}

static void online(struct mynah_client *c, void *state, bool resumed)
{
    const struct csi *csi = state;

    (void)resumed;
    if (csi->idle)
        say(c, true);
}

const struct ext ext_csi = {.name = "csi", .size = sizeof(struct csi), .online = online};

void mynah_client_idle(struct mynah_client *c, bool idle)
{
    struct csi *csi = ext_state(c, &ext_csi);

    if (csi->idle != idle && c->state == MYNAH_ONLINE)
        say(c, idle);
    csi->idle = idle;
}
