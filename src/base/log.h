/* The log: one line per event, fixed words first, then fields. The sink is the only global of the
 * floor. */
#pragma once

#include "base/buf.h"

enum mn_log_level { MN_LOG_ERROR, MN_LOG_WARN, MN_LOG_INFO, MN_LOG_DEBUG };
enum mn_log_format { MN_LOG_TEXT, MN_LOG_JSON };

struct mn_log_field {
    const char *name;
    mn_str text; /* when `text.p` */
    int64_t number;
};
/* A context: fields that every line through it carries. Lent for the call. */
struct mn_log {
    const struct mn_log *outer;
    struct mn_log_field fields[3]; /* unused ones have no name */
};

#define MN_F(name, str) ((struct mn_log_field){name, str, 0})                 /* mn_str */
#define MN_FC(name, cstr) ((struct mn_log_field){name, mn_str_from(cstr), 0}) /* C string */
#define MN_FN(name, number) ((struct mn_log_field){name, {NULL, 0}, number})

/* Thread-safe; cheap when the level is off. `log` may be NULL. Text fields are escaped, never more
 * than one line. */
#define mn_log_at(level, log, words, ...)                                                          \
    (mn_log_on(level)                                                                              \
         ? mn_log_write(level, log, words, (struct mn_log_field[]){__VA_ARGS__ __VA_OPT__(, ){0}}) \
         : (void)0)
#define mn_log_error(log, ...) mn_log_at(MN_LOG_ERROR, log, __VA_ARGS__)
#define mn_log_warn(log, ...) mn_log_at(MN_LOG_WARN, log, __VA_ARGS__)
#define mn_log_info(log, ...) mn_log_at(MN_LOG_INFO, log, __VA_ARGS__)
#define mn_log_debug(log, ...) mn_log_at(MN_LOG_DEBUG, log, __VA_ARGS__)

extern const char *const mn_log_levels[]; /* their names, NULL-ended */
bool mn_log_on(enum mn_log_level level);
/* Also when the level is off; `fields` end with one that has no name. */
void mn_log_write(enum mn_log_level level, const struct mn_log *log, const char *words,
                  const struct mn_log_field *fields);
void mn_log_set(enum mn_log_level level, enum mn_log_format format,
                int fd); /* default: info, text, 2 */
/* Any thread, any time. */
void mn_log_set_level(enum mn_log_level level);
void mn_log_set_format(enum mn_log_format format);
/* At most `burst` lines per `ms` from one place: true when this one may be written. {0} to begin
 * with; thread-safe enough. */
struct mn_log_rate {
    int64_t since;
    unsigned count, missed;
};
bool mn_log_rate(struct mn_log_rate *r, unsigned burst, int64_t ms);
