#!/usr/bin/python3
"""Rooms of Prosody and ejabberd that the terminal client was put out of while it was away: what was said there on the way arrives once when it
is inside again, over a new connection and in a new run, and fails once when it is let in no more; also where a room forgets who takes another
name, and a talk goes on under one. Prints TAP.
usage: terminal_rooms.py MYNAH"""
import contextlib, os, re, sys

from ann import Ann
from driver import account, person
from mynah import tap
from peers import Ejabberd, Prosody

MYNAH = os.path.abspath(sys.argv[1])
MUC = "http://jabber.org/protocol/muc"


class Nowhere:
    ports = []


class Story(Ann):
    def __init__(self, server):
        super().__init__(MYNAH, server)
        self.room = "place@rooms." + server.host

    @contextlib.contextmanager
    def ann(self):
        with self.killed() as (t, _):
            yield t

    def kept(self, text, where="kept WHERE name = 'session' AND text"):
        self.has_kept("SELECT 1 FROM %s LIKE ?" % where, "%" + text + "%")

    def enters(self, t):
        t.says("/join %s Ann" % self.room)
        t.shows("joined as Ann")

    def hears(self, body):
        """What bob was told up to when ann said it."""
        return self.bob.until("<message [^>]*from=.%s/Ann.[^>]*>(?:(?!</message>).)*<body>%s</body>" % (self.room, body))

    def gone(self):
        """The server has given up the session."""
        self.bob.until("<presence [^>]*from=.%s/Ann.[^>]*type=.unavailable.|<presence [^>]*type=.unavailable.[^>]*from=.%s/Ann." % (self.room, self.room))

    def leaves_two(self, t, taken, lost):
        """One that the room takes, which ann never hears of, and one that it does not hear."""
        self.cable.holes.add("down")
        t.says(taken)
        self.hears(taken)
        self.cable.holes.add("up")
        t.says(lost)

    def arrives_once(self, t, taken, lost):
        t.shows("(?s)me: {0}(?!.*: {0}).*me: {1}(?!.*: {1})".format(taken, lost))
        t.says("AND " + lost)
        heard = self.hears(lost) + self.hears("AND " + lost)
        assert len(re.findall("<body>%s</body>" % lost, heard)) == 1 and "<body>%s</body>" % taken not in heard, heard

    def bob_waits_in_a_room(self):
        for name in "ann", "bob":
            account(self.server, name)
        self.bob = person(self.server, "bob", "r")
        self.bob.send("<presence/>")
        self.bob.send("<presence to='%s/Bob'><x xmlns='%s'/></presence>" % (self.room, MUC))
        self.bob.until("<status code=.201./>")
        self.bob.send("<iq type='set' id='own' to='%s'><query xmlns='%s#owner'><x xmlns='jabber:x:data' type='submit'/></query></iq>" % (self.room, MUC))
        self.bob.until("id='own'")

    def what_was_said_waits_for_the_room(self):
        with self.ann() as t:
            self.enters(t)
            self.leaves_two(t, "TAKEN", "LOST")
            self.cable.server = Nowhere
            self.cable.cut()
            self.gone()
            t.says("SAID AWAY")
            self.cable.server = self.server
            t.shows("(?s)joined as Ann.*joined as Ann")
            self.arrives_once(t, "TAKEN", "LOST")

    def killed_between(self, taken, lost):
        """Neither has come from there, nor been heard of, when her terminal is killed and the server has given up its session."""
        with self.ann() as t:
            t.types("\x1b2")
            t.shows("joined as Ann")
            self.leaves_two(t, taken, lost)
            self.kept(lost)
        self.gone()

    def another_run_says_it(self):
        self.killed_between("TAKEN BEFORE", "LOST BEFORE")
        with self.ann() as t:
            t.types("\x1b2")
            t.shows("joined as Ann")
            self.arrives_once(t, "TAKEN BEFORE", "LOST BEFORE")

    def a_renamed_talk_is_one(self):
        """With who is in the room, to ann alone: it opens once, with what she did not see under either name."""
        def says(body):
            self.bob.send("<message to='%s/Ann' type='chat' id='%s'><body>%s</body></message>" % (self.room, body, body))

        with self.ann() as t:
            says("ONE")
            t.shows(r"\d:Bob 1!")
            self.bob.send("<presence to='%s/Robert'/>" % self.room)
            t.shows(r"\d:Robert 1!")
            says("TWO")
            t.shows(r"\d:Robert 2!")
            self.kept("TWO", "said WHERE body")
        with self.ann() as t:
            t.shows(r"\d:Robert 2!")
            t.shows(r"(?m)^(?!.*\d:Bob).*\d:Robert")
            t.types("\x1b3")
            t.shows("(?s)Bob: ONE.*Robert: TWO")

    def who_is_alone_takes_another_name(self):
        """Prosody drops the room: she comes again."""
        with self.ann() as t:
            t.says("/join alone@rooms.%s Ann" % self.server.host)
            t.shows("joined as Ann")
            t.says("/nick Anna")
            t.shows("Ann is Anna now")
            if self.server.name == "prosody":
                t.shows("(?s)the room does not know you any more.*joined as Anna")
            t.says("HEARD BY MYSELF")
            t.shows("me: HEARD BY MYSELF")

    def who_is_let_in_no_more_hears_of_it(self):
        self.killed_between("TAKEN AT LAST", "LOST AT LAST")
        self.bob.send("<iq type='set' id='ban' to='%s'><query xmlns='%s#admin'><item jid='ann@%s' affiliation='outcast'/></query></iq>" %
                      (self.room, MUC, self.server.host))
        self.bob.until("id='ban'")
        with self.ann() as t:
            t.types("\x1b2")
            t.shows("(?s)the room refuses.*not sent: .*it was: LOST AT LAST(?!.*LOST AT LAST)")

    def steps(self):
        return [self.bob_waits_in_a_room, self.what_was_said_waits_for_the_room, self.another_run_says_it, self.a_renamed_talk_is_one,
                self.who_is_let_in_no_more_hears_of_it, self.who_is_alone_takes_another_name]


with contextlib.ExitStack() as stack:
    steps = []
    for opened in Prosody(patience=2), Ejabberd(patience=2):
        story = stack.enter_context(Story(stack.enter_context(opened)))
        steps += [("%s (%s)" % (s.__name__.replace("_", " "), opened.name), s) for s in story.steps()]
    failed = tap(steps)
sys.exit(failed != 0)
