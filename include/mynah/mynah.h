/* All of libmynah. */
#pragma once

#include "mynah/adhoc.h"
#include "mynah/answers.h"
#include "mynah/base.h"
#include "mynah/client.h"
#include "mynah/context.h"
#include "mynah/disco.h"
#include "mynah/elem.h"
#include "mynah/form.h"
#include "mynah/iq.h"
#include "mynah/jid.h"
#include "mynah/message.h"
#include "mynah/payload.h"
#include "mynah/presence.h"
#include "mynah/register.h"
#include "mynah/room.h"
#include "mynah/roster.h"
