/* Tells the service manager how we are, as sd_notify(3) does: a datagram to the socket that
 * NOTIFY_SOCKET names. Without one nothing is told. Any thread. */
#pragma once

void mn_notify(const char *state); /* READY=1, STOPPING=1, ... */
void mn_notify_reloading(void);    /* until the next READY=1 */
