#!/usr/bin/python3
"""The terminal client is killed (-9) and started again, against mynahd, Prosody and ejabberd: its session goes on, what came meanwhile is
there at once and once, what was on its way arrives once, the roster is known and who of it is there, rooms are entered again. Prints TAP.
usage: terminal_again.py MYNAH MYNAHD"""
import contextlib, os, re, sys

from ann import Ann
from driver import account, config_new, person, serving
from mynah import tap
from peers import Ejabberd, Prosody
from screen import Screen

MYNAH, MYNAHD = (os.path.abspath(p) for p in sys.argv[1:])


class Story(Ann):
    def __init__(self, server, rooms):
        super().__init__(MYNAH, server)
        self.rooms = rooms

    def says(self, id, body):
        self.bob.send("<message to='ann@%s' type='chat' id='%s'><body>%s</body></message>" % (self.server.host, id, body))

    def ann_and_bob_know_each_other(self):
        for name in "ann", "bob":
            account(self.server, name)
        self.bob = person(self.server, "bob", "r")
        self.bob.send("<presence/>")
        with self.killed() as (t, self.resource):
            t.says("/roster add bob@%s Robert" % self.server.host)
            t.says("/sub request bob@" + self.server.host)
            self.bob.until("type='subscribe'|type=.subscribe.")
            self.bob.send("<presence to='ann@%s' type='subscribed'/>" % self.server.host)
            t.shows("● Robert")
            self.says("m1", "BEFORE")
            t.shows("2:Robert 1!")
            self.has_kept("SELECT 1 FROM said WHERE body = 'BEFORE'")
            self.has_kept("SELECT 1 FROM kept WHERE name = 'session' AND text LIKE '% id=%'")

    def the_session_goes_on(self):
        self.says("m2", "MEANWHILE")
        with self.killed() as (t, resource):
            assert resource == self.resource, (resource, self.resource)
            t.shows("2:Robert 2!")
            t.shows("● Robert")
            t.types("\x1b2")
            t.shows("(?s)Robert: BEFORE(?!.*BEFORE).*Robert: MEANWHILE(?!.*MEANWHILE)")
            self.cable.holes.add("up")
            t.says("ON ITS WAY")
            t.shows("me: ON ITS WAY ·")
            self.has_kept("SELECT 1 FROM kept WHERE name = 'session' AND text LIKE '%ON ITS WAY%'")

    def what_was_on_its_way_arrives_once(self):
        with self.killed() as (t, resource):
            assert resource == self.resource, (resource, self.resource)
            self.bob.until("<body>ON ITS WAY</body>")
            t.types("\x1b1")
            t.says("/msg bob@%s THE NEXT" % self.server.host)
            assert "ON ITS WAY" not in self.bob.until("<body>THE NEXT</body>")
            t.shows("(?s)me: ON ITS WAY ✓.*me: THE NEXT ✓")

    def rooms_are_entered_again(self):
        if not self.rooms:
            return
        room, muc = "place@rooms." + self.server.host, "http://jabber.org/protocol/muc"

        def says(id, body):
            self.bob.send("<message to='%s' type='groupchat' id='%s'><body>%s</body></message>" % (room, id, body))
            self.bob.until("<message [^>]*>(?:(?!</message>).)*<body>%s</body>" % body)

        with self.killed() as (t, _):
            t.says("/join %s Ann" % room)
            t.shows("joined as Ann")
            self.bob.send("<presence to='%s/Bob'><x xmlns='%s'/></presence>" % (room, muc))
            self.bob.until("<subject[^>]*/>|</subject>")
            says("r1", "SEEN THERE")
            t.shows("Bob: SEEN THERE")
            t.types("\x1b1")
            self.has_kept("SELECT 1 FROM places WHERE inside AND seen = (SELECT number FROM said WHERE body = 'SEEN THERE')")
        says("r2", "MISSED THERE")
        with self.killed() as (t, _):
            t.shows("\\d:place 1")
            window = re.findall("(\\d):place 1", t.written.decode(errors="replace"))[-1]
            t.types("\x1b" + window)
            t.shows("(?s)Bob: SEEN THERE(?!.*SEEN THERE).*─ new ─.*Bob: MISSED THERE(?!.*MISSED THERE)")
            t.says("I AM THERE")
            self.bob.until("from=.%s/Ann.[^>]*>(?:(?!</message>).)*<body>I AM THERE</body>" % room)

    def it_ends_well(self):
        """And its session with it: the next one is another."""
        with Screen([MYNAH], self.env, size=(30, 110)) as t:
            t.shows("is online")
            t.end()
        with self.killed() as (t, resource):
            assert resource != self.resource

    def steps(self):
        return [self.ann_and_bob_know_each_other, self.the_session_goes_on, self.what_was_on_its_way_arrives_once,
                self.rooms_are_entered_again, self.it_ends_well]


with contextlib.ExitStack() as stack:
    steps = []
    for name, opened, rooms in ("mynahd", serving(MYNAHD, *config_new()), False), ("prosody", Prosody(), True), ("ejabberd", Ejabberd(), True):
        story = stack.enter_context(Story(stack.enter_context(opened), rooms))
        steps += [("%s (%s)" % (s.__name__.replace("_", " "), name), s) for s in story.steps()]
    failed = tap(steps)
sys.exit(failed != 0)
