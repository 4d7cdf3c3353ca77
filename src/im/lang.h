/* The language of what is said to people. Texts stand in the programs in English and marked; po/
 * has them in others. */
#pragma once

#include <libintl.h>

#define _(text) dgettext("mynah", text)
#define N_(text) text /* marked where it stands in a table; looked up by _() where it is shown */

/* At the beginning of main: takes LANGUAGE, LC_ALL, LC_MESSAGES and LANG, also where the machine
 * does not have that locale, and writes UTF-8 in any case. The catalogues lie beside the program:
 * ../share/locale where it is installed, ../po where it is built. */
void im_language(void);
