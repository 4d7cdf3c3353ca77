/* IO Data (XEP-0244): ad-hoc commands (mynah/adhoc.h) whose input and output are XML of any kind,
 * for programs. What is lent lives as long as the element. */
#pragma once

#include "mynah/adhoc.h"

MYNAH_BEGIN

/* For mynah_command_feature. */
#define MYNAH_NS_IODATA "urn:xmpp:tmp:io-data"

/* What is asked or told: four questions, their answers. */
enum mynah_iodata_type {
    MYNAH_IO_SCHEMATA_GET,
    MYNAH_IO_INPUT,
    MYNAH_IO_GET_STATUS,
    MYNAH_IO_GET_OUTPUT,
    MYNAH_IO_SCHEMATA, /* the answers */
    MYNAH_IO_OUTPUT,
    MYNAH_IO_ERROR,
    MYNAH_IO_STATUS
};
/* An <iodata/>, read or to be built. */
struct mynah_iodata {
    size_t size;
    enum mynah_iodata_type type;
    const char *desc; /* or NULL */
    /* What stands in <in/>, <out/> and <error/> is below these: NULL when there is none. To be
     * built, they are what is put there. */
    const struct mynah_elem *in, *out, *error;
    int64_t elapsed_ms, remaining_ms; /* -1: not said */
    int percentage;                   /* 0 ... 100; -1: not said */
    const char *information;          /* or NULL */
};
/* Of a <command/> (mynah_stage.xml, mynah_call.xml, or of a message that tells that a command went
 * on). False: there is none, or one of no known type or with impossible numbers. */
MYNAH_API bool mynah_iodata_read(const struct mynah_elem *command, struct mynah_iodata *out);
/* The <iodata/>, for mynah_answer.payload and messages; the program's. */
MYNAH_API struct mynah_elem *mynah_iodata_new(const struct mynah_iodata *d);

/* One of the four questions: the schemata and the input begin a command (`session` NULL), its
 * status leaves it going on, its output completes it. *in (taken; may be NULL, or hold NULL) is the
 * input. */
MYNAH_API struct mynah_request *mynah_iodata_ask(struct mynah_client *c, const char *jid,
                                                 const char *node, const char *session,
                                                 enum mynah_iodata_type type,
                                                 struct mynah_elem **in, mynah_stage_done *done,
                                                 void *arg);

MYNAH_END
