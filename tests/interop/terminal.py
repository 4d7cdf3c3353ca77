#!/usr/bin/python3
"""The terminal client, typed into and looked at through tmux, against mynahd, Prosody and ejabberd: two people make accounts, befriend each
other, chat, share a room where the server has rooms, lose the network and come back. Prints TAP.
usage: terminal.py MYNAH MYNAHD"""
import contextlib, os, re, sys

from driver import Cable, config_new, serving, tap
from peers import Ejabberd, Prosody
from tmux import Screen

MYNAH, MYNAHD = (os.path.abspath(p) for p in sys.argv[1:])


class Nobody:
    """A server that cannot be reached."""
    ports = ()


class Story:
    def __init__(self, server, rooms):
        self.server, self.rooms = server, rooms

    def two_people_make_accounts(self):
        for screen in self.ann, self.bob:
            screen.registers(self.server)

    def they_befriend_each_other(self):
        ann, bob = self.ann, self.bob
        ann.types("/roster add bob@%s Bob 鲍勃" % self.server.host)
        ann.shows("○ Bob 鲍勃")
        ann.types("/sub request bob@" + self.server.host)
        bob.shows("ann@%s wants to see when you are online +Alt-y yes · Alt-n no" % self.server.host, "2:ann 1!")
        bob.keys("M-y")
        bob.shows("○ ann", gone=["Alt-y"])
        bob.keys("M-2")
        bob.shows("ann@%s sees when you are online; asked to see the same" % self.server.host)
        ann.shows("● Bob 鲍勃", "bob@%s wants" % self.server.host)
        ann.types("/su", enter=False)
        ann.keys("Tab")
        ann.types("al", enter=False)
        ann.keys("Tab")
        ann.types("b", enter=False)
        ann.keys("Tab")
        ann.shows("> /sub allow bob@%s *$" % re.escape(self.server.host))
        ann.keys("Enter")
        ann.shows("2:Bob", gone=["Alt-y"])
        bob.shows("● ann")
        bob.keys("M-1")

    def they_chat(self):
        ann, bob = self.ann, self.bob
        ann.types("/msg bob@%s hello 北京" % self.server.host)
        ann.shows("Bob 鲍勃 \\(bob@\\S+\\) · online", "me: hello 北京 ✓✓")
        bob.shows("2:ann 1!")
        bob.keys("M-a")
        bob.shows("ann: hello 北京", "2:ann ")
        bob.types("I type", enter=False)
        ann.shows("is typing")
        bob.keys("C-u")
        bob.types("/me waves")
        ann.shows("\\* Bob 鲍勃 waves", gone=["is typing"])
        ann.types("one two three", enter=False)
        ann.keys("C-w", "Home")
        ann.types("über ", enter=False)
        ann.keys("End", "BSpace", "BSpace")
        ann.shows("> über one tw *$")
        ann.keys("Enter", "Up")
        ann.shows("me: über one tw ✓✓", "> über one tw *$")
        ann.keys("C-u")
        ann.types("/correct über three")
        ann.shows("me: über three \\(corrected\\) ✓✓✓", gone=["one tw ✓"])
        bob.shows("ann: über three \\(corrected\\)", gone=["one tw"])
        for first in "a", "aa": # a row that breaks at a blank, one way or the other
            ann.types(first + " b" * 60)
            ann.shows("me: %s b.*\\s.* b ✓✓" % first, gone=["(?m)^ {11}b"])
        ann.types("/find hello")
        ann.shows("scrolled|me: hello 北京 ✓✓✓")
        ann.keys("End")
        ann.types("//not a command")
        bob.shows("ann: /not a command")
        ann.types("/history 北京")
        ann.shows("- \\d+-\\d+-\\d+ \\d+:\\d+ me: hello 北京")

    def nothing_that_is_said_reaches_the_terminal_as_a_command(self):
        self.bob.types("a‮b\x9bc⁦d")
        self.ann.shows("a�b�c�d")

    def they_share_a_room(self):
        ann, bob, room = self.ann, self.bob, "place@rooms." + self.server.host
        if not self.rooms:
            return
        ann.types("/join %s Ann" % room)
        ann.shows("joined as Ann; the room is new", "@ Ann +owner")
        bob.types("/join %s Bob" % room)
        bob.shows("joined as Bob", " Bob")
        ann.shows("[ +]Bob")
        bob.types("an", enter=False)
        bob.keys("Tab")
        bob.types("is it you?")
        ann.shows("Bob: Ann: is it you\\?")
        ann.types("/topic 今天")
        bob.shows("subject: 今天", "place \\(.*今天")
        bob.types("/nick Rob")
        ann.shows("Bob is Rob now")
        ann.types("/kick Rob enough")
        bob.shows("kicked: enough")
        ann.types("/close")
        ann.shows("Bob 鲍勃|Mynah", gone=["place \\("])
        bob.types("/close")
        ann.types("/win 2")
        bob.types("/win 2")
        ann.shows("^ Bob 鲍勃")
        bob.shows("^ ann")

    def a_window_may_change_its_size(self):
        self.ann.tmux("resize-window", "-x", "60", "-y", "15")
        self.ann.types("narrow")
        self.ann.shows("me: narrow ✓✓", gone=["● Bob"])
        self.ann.tmux("resize-window", "-x", "110", "-y", "30")
        self.ann.shows("● Bob")

    def the_network_goes_and_comes_back(self):
        self.cable.cut()
        self.ann.types("said in between")
        self.bob.shows("ann: said in between")
        self.ann.shows("me: said in between ✓✓")

    def what_is_said_meanwhile_in_a_room_waits(self):
        if not self.rooms:
            return
        self.ann.types("/join later@rooms.%s" % self.server.host)
        self.ann.shows("joined as ann")
        self.cable.server = Nobody
        self.cable.cut()
        self.ann.shows("◌ ann@")
        self.ann.types("words")
        self.ann.shows("it waits for the connection: words")
        self.cable.server = self.server
        self.ann.shows("me: words ✓✓")
        self.ann.types("/close")
        self.ann.shows("^ Bob 鲍勃")

    def a_later_run_knows_what_was_said(self):
        ann = self.ann
        ann.again()
        ann.shows("is online", "● Bob") # with the password that was kept
        ann.types("/msg bob@" + self.server.host)
        ann.shows("me: hello 北京 ✓✓✓", "me: über three ✓✓✓", "Bob 鲍勃: a�b�c�d|\\* Bob 鲍勃 waves")
        self.bob.types("/quit")
        self.bob.shows("ended 0")
        ann.shows("offline", "○ Bob")

    def steps(self):
        return [self.two_people_make_accounts, self.they_befriend_each_other, self.they_chat,
                self.nothing_that_is_said_reaches_the_terminal_as_a_command, self.they_share_a_room, self.a_window_may_change_its_size,
                self.the_network_goes_and_comes_back, self.what_is_said_meanwhile_in_a_room_waits, self.a_later_run_knows_what_was_said]


with contextlib.ExitStack() as stack:
    steps, logs = [], []
    for name, opened, rooms in ("mynahd", serving(MYNAHD, *config_new()), False), ("prosody", Prosody(), True), ("ejabberd", Ejabberd(), True):
        server = stack.enter_context(opened)
        story = Story(server, rooms)
        story.cable = Cable(server)
        story.ann, story.bob = stack.enter_context(Screen(MYNAH, story.cable, "ann")), stack.enter_context(Screen(MYNAH, server, "bob"))
        steps += [("%s (%s)" % (s.__name__.replace("_", " "), name), s) for s in story.steps()]
    failed = tap(steps)
sys.exit(failed != 0)
