/* Doubly linked lists inside the things they link. A head is a node that points at itself. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct mn_list {
    struct mn_list *prev, *next;
};

#define MN_OF(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))

static inline void mn_list_init(struct mn_list *l)
{
    l->prev = l->next = l;
}
static inline bool mn_list_empty(const struct mn_list *l)
{
    return l->next == l;
}
/* Before `at`: at a head this is the end of the list. */
static inline void mn_list_add(struct mn_list *at, struct mn_list *n)
{
    n->prev = at->prev;
    n->next = at;
    at->prev->next = n;
    at->prev = n;
}
/* Safe to call twice. */
static inline void mn_list_del(struct mn_list *n)
{
    n->prev->next = n->next;
    n->next->prev = n->prev;
    n->prev = n->next = n;
}
/* The body may delete `n`. */
#define MN_LIST_EACH(n, head)                                                                      \
    for (struct mn_list *n = (head)->next, *n##_next = n->next; n != (head);                       \
         n = n##_next, n##_next = n->next)
