/* The parts of the load of tests/bench/run: what they share, and what each of them does. */
#pragma once

#include "bench/client.h"

enum { CLIENTS = 60000, IN_FLIGHT = 1024, DRAIN_MS = 20000 };

/* Numbered stanzas from one place to another: each is to arrive once, and in order. */
struct load_stream {
    uint64_t sent, next;
    uint64_t seen[IN_FLIGHT];  /* number + 1 of the last that arrived here */
    int64_t stamps[IN_FLIGHT]; /* when it should have gone, in us */
};

struct load {
    struct mn_loop *loop;
    struct client clients[CLIENTS];
    /* Of the phase that runs; elements that nobody waits for are passed over. */
    void (*element)(struct client *c, const struct mn_elem *e);
    uint64_t sent, arrived, duplicated, disordered;
    struct mn_timer timer;
};

extern struct load load;

int64_t load_now_us(void);
_Noreturn void load_give_up(const char *what, const char *why);
/* Zero the counts; what arrives goes to `element`. */
void load_phase(void (*element)(struct client *c, const struct mn_elem *e));
/* Logs in `count` from `from` on, at most `at_once` at a time, and calls `then`. */
void load_login(unsigned from, unsigned count, unsigned at_once, void (*then)(void));
/* Counts what arrived; false: it had been there before. */
bool load_arrived(struct load_stream *s, uint64_t number);
/* `end COUNT MS SENT ARRIVED DUPLICATED DISORDERED P50 P99` */
void load_end(uint64_t count, double ms, uint32_t p50, uint32_t p99);
/* The number of the account that it comes from; CLIENTS: none of ours. */
unsigned load_sender(const struct mn_elem *e);

/* One function a command; each ends with a line of its own. */
void load_chat(bool paced, unsigned from, unsigned pairs, unsigned amount, int64_t warm_ms,
               int64_t ms);
void load_befriend(unsigned from, unsigned count, unsigned contacts);
void load_presence(unsigned from, unsigned count, unsigned contacts, int64_t warm_ms, int64_t ms);
void load_store(unsigned from, unsigned senders, unsigned to, unsigned count, unsigned each);
void load_fetch(unsigned from, unsigned count, unsigned each);
