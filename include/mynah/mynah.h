/* All of libmynah. */
#pragma once

/* Connecting. */
#include "mynah/base.h"
#include "mynah/context.h"
#include "mynah/client.h"
#include "mynah/quick.h"
#include "mynah/register.h"
#include "mynah/jid.h"
#include "mynah/bytes.h"
#include "mynah/elem.h"
#include "mynah/iq.h"

/* Talking. */
#include "mynah/message.h"
#include "mynah/dialog.h"
#include "mynah/payload.h"
#include "mynah/bits.h"
#include "mynah/captcha.h"

/* People. */
#include "mynah/presence.h"
#include "mynah/roster.h"
#include "mynah/blocking.h"
#include "mynah/privacy.h"
#include "mynah/vcard.h"
#include "mynah/search.h"

/* Rooms. */
#include "mynah/room.h"

/* What others can. */
#include "mynah/answers.h"
#include "mynah/disco.h"
#include "mynah/form.h"
#include "mynah/adhoc.h"
#include "mynah/iodata.h"
#include "mynah/negotiate.h"

/* What the server keeps. */
#include "mynah/private.h"
#include "mynah/offline.h"

/* Publishing. */
#include "mynah/pubsub.h"
#include "mynah/page.h"

/* Files and calls. */
#include "mynah/bytestream.h"
#include "mynah/initiate.h"
#include "mynah/file.h"
#include "mynah/oob.h"
#include "mynah/jingle.h"
#include "mynah/jingle_content.h"
#include "mynah/listen.h"
#include "mynah/local.h"
