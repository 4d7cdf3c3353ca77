/* Configuration: a YAML file against a schema table. The table is the truth for checking, defaults,
 * printing and docs. A schema is an array of rows ended by {0}; sections nest. All errors of a file
 * are collected, each with its line. */
#pragma once

#include "base/arena.h"
#include "base/buf.h"

enum mn_conf_type {
    MN_CONF_SECTION = 1, /* a mapping: `rows`; fields lie in the same struct */
    MN_CONF_LIST,   /* a sequence of mappings: `rows`, struct of `size` bytes each; value: struct
                       mn_conf_list */
    MN_CONF_BOOL,   /* bool */
    MN_CONF_INT,    /* int64_t, [min, max] */
    MN_CONF_SIZE,   /* int64_t bytes; k M G = 1024.. */
    MN_CONF_TIME,   /* int64_t milliseconds; ms s min h d; a bare 0 is allowed */
    MN_CONF_TEXT,   /* mn_str */
    MN_CONF_CHOICE, /* int: index into `choices` (also of yes/no/on/off/true/false where listed as
                       such) */
    MN_CONF_TEXTS, /* a sequence of text, or of words from `choices` when given: struct mn_conf_list
                      of mn_str */
    MN_CONF_RATE,  /* "5/h": struct mn_conf_rate; "0" or "off": none */
    MN_CONF_MODULES, /* mapping of names from `rows`: each a section, or `off`; see conf.c */
};

struct mn_conf_list {
    void *items; /* in the arena */
    size_t count;
    int line; /* where it stands; 0: the default */
};
struct mn_conf_rate {
    int64_t count, ms;
};

struct mn_conf_row {
    const char *key;
    enum mn_conf_type type;
    size_t offset;        /* into the struct that is filled */
    const char *fallback; /* default as YAML text, as --print-defaults shows it; NULL: required */
    int64_t min, max;     /* numbers, sizes, times, length of texts; 0,0: no range */
    const char *const *choices;                          /* NULL-ended */
    const struct mn_conf_row *rows;                      /* SECTION, LIST, MODULES */
    size_t size;                                         /* LIST: bytes of one item's struct */
    bool live;                                           /* takes effect at a reload */
    bool secret;                                         /* not to be shown */
    bool per_domain;                                     /* may stand below a domain as well */
    const char *text;                                    /* one line of help */
    int (*check)(const void *value, struct mn_buf *why); /* further rule; 0, or why is filled */
};

struct mn_conf_error {
    int line;
    mn_str text; /* what is wrong, what is expected */
};
struct mn_conf_errors {
    struct mn_conf_error *items;
    size_t count;
};

/* Fills `out` (its defaults first) from YAML text. Returns MN_E_OK, or MN_E_FORMAT with all errors;
 * everything lives in `a`. */
int mn_conf_parse(mn_str yaml, const struct mn_conf_row *rows, struct mn_arena *a, void *out,
                  struct mn_conf_errors *errors) MN_MUST_CHECK;
/* What a row takes, in words: its type, choices and range. */
mn_str mn_conf_takes(const struct mn_conf_row *row, struct mn_arena *a);
/* Every value of a filled struct, lists entry by entry: `path` as keys with dots between them
 * (domains[0].name), the value as YAML text; both lent. */
void mn_conf_each(const struct mn_conf_row *rows, const void *values,
                  void (*each)(void *arg, const char *path, const struct mn_conf_row *row,
                               mn_str value),
                  void *arg);
/* The file with all keys, their defaults and comments. It parses back to the defaults. */
void mn_conf_print(const struct mn_conf_row *rows, struct mn_buf *out);
