/* Commands of others (adhoc.c) and of our own (ext_adhoc.c). */
#pragma once

#include "mynah/adhoc.h"

#define NS_COMMANDS "http://jabber.org/protocol/commands"

enum { ADHOC_ACTIONS = MYNAH_CANCEL + 1 };
extern const char *const adhoc_actions[ADHOC_ACTIONS]; /* by enum mynah_action */
