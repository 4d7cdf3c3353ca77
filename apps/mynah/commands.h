/* Commands of the terminal client: one row in tui.def, one function do_NAME in a file of its family
 * (tui_commands.c and the like). */
#pragma once

#include "apps/mynah/tui.h"

/* args[count] is NULL; the last ones may be joined by command_rest. */
typedef void command_call(char **args, int count);
#define TUI(name, synopsis, text, least) command_call do_##name;
#include "apps/mynah/tui.def"
#undef TUI

/* Everything behind the first `n` words; NULL: nothing. */
const char *command_rest(int n);
/* Of the chat's account; NULL, and said so: there is none. */
struct mynah_client *command_client(void);
