/* A conversation as it stands in its file. */
#pragma once

#include "wire/wire.h"

struct statement {
    int line;
    mn_str word;  /* "C", "S", "login" ... */
    mn_str who;   /* of C and S */
    bool exactly; /* S: byte for byte inside; C: at once, not in pieces */
    mn_str rest;
};
struct script {
    struct statement *all;
    size_t count;
    struct mn_arena arena;
    mn_str config, keys; /* a file's name; keys that replace those of the file */
    mn_str only;
    struct account accounts[20];
    mn_str domains[10];
    size_t account_count, domain_count;
};

/* `text` must outlive the script. */
void script_read(struct script *s, mn_str text);
/* May it be held over that kind of transport? */
bool script_runs(const struct script *s, const char *kind);
/* The server's configuration as YAML. */
int script_config(struct script *s, mn_str *out) MN_MUST_CHECK;
/* The next word of a line. */
mn_str script_word(mn_str *rest);
