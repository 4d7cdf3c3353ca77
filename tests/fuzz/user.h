/* A program that uses all of libmynah: it hears of everything, offers everything, reads every byte
 * that it is told, and asks what it is bidden to. One client at a time. */
#pragma once

#include "mynah/mynah.h"

void user_begin(struct mynah_client *client); /* before it connects */
void user_does(unsigned char what); /* one of all requests, or of what else a program does */
void user_end(void);                /* the client is gone: each request and stream had its end */
