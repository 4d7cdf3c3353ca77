/* The messages of the day and of welcome (XEP-0133, 4.24 to 4.28): told to an account when it comes
 * online. They are set by commands. */
#include "server/module.h"
#include "server/notice.h"

static void ready(struct session *s)
{
    notice_tell(s->user);
}

const struct module mod_notice = {.name = "notice", .always = true, .session_ready = ready};
