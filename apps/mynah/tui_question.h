/* Questions that wait for a person. The oldest stands in a row of its own above the windows, in the
 * talk that it belongs to and on the program's own page, and a key answers it. */
#pragma once

#include "apps/mynah/tui.h"
#include "base/list.h"

enum answer { ANSWER_NO, ANSWER_YES, ANSWER_ALWAYS };

/* Part of what asks; all zero before it is asked. */
struct question {
    struct mn_list link;
    struct im_account_state *account;
    char *jid, *text;
    bool has_always; /* besides once */
    void (*answered)(struct question *q, enum answer answer);
};

/* `jid`: with whom the talk is; NULL: it belongs to the program's page alone. The answer comes
 * once; the question is over then, and `q` may be freed. */
void question_ask(struct question *q, struct im_account_state *a, const char *jid, const char *text,
                  void (*answered)(struct question *q, enum answer answer));
void question_drop(struct question *q); /* nobody has to answer; also one that is over */
/* One that `answered` waits for; NULL: there is none. */
struct question *question_find(const struct im_account_state *a, const char *jid,
                               void (*answered)(struct question *q, enum answer answer));
void question_answer(struct question *q, enum answer answer);

bool question_key(int key); /* with Alt; false: nothing is asked here, or it is no answer */
int question_rows(void);    /* of the screen that it takes now */
void question_draw(int y);

/* tui_certificate.c: true: it was answered so before, of this domain; else it is asked, and the
 * client connects when the answer is yes. `refused` is called when it is no; or NULL. */
bool certificate_trusted(struct mynah_client *c, const struct mynah_certificate *cert,
                         void (*refused)(void));
bool certificate_waits(const struct mynah_client *c);  /* for an answer */
void certificate_forget(const struct mynah_client *c); /* it goes; nobody has to answer */
void certificates_close(void);

/* tui_asked.c: who wants to see when we are online */
void asked_came(struct im_account_state *a, const char *jid);
void asked_over(struct im_account_state *a, const char *jid);
void asked_close(void);
void asked_answer(struct im_account_state *a, const char *jid, bool yes);
