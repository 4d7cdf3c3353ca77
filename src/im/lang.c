#include "im/lang.h"

#include <langinfo.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"

/* What the environment asks for, in the order of setlocale(3). */
static const char *wanted(void)
{
    static const char *const names[] = {"LC_ALL", "LC_MESSAGES", "LANG"};
    const char *value;

    for (size_t i = 0; i < MN_COUNT(names); i++)
        if ((value = getenv(names[i])) && *value)
            return value;
    return "C";
}

/* A locale that was never generated still has our catalogue: gettext goes by LANGUAGE, as long as
 * the locale is any but "C". */
static void locale_take(void)
{
    const char *language = getenv("LANGUAGE");

    if (!setlocale(LC_ALL, "")) {
        setlocale(LC_ALL, "C.UTF-8");
        setenv("LANGUAGE", wanted(), !language || !*language);
    } else if (strcmp(nl_langinfo(CODESET), "UTF-8")) {
        setlocale(LC_CTYPE, "C.UTF-8");
    }
}

void im_language(void)
{
    char self[4096], path[sizeof self + 20];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self);

    locale_take();
    while (n > 0 && self[n - 1] != '/')
        n--;
    if (n <= 0)
        return;
    snprintf(path, sizeof path, "%.*s../po", (int)n, self);
    if (access(path, F_OK))
        snprintf(path, sizeof path, "%.*s../share/locale", (int)n, self);
    bindtextdomain("mynah", path);
    bind_textdomain_codeset("mynah", "UTF-8");
}
