#!/usr/bin/python3
"""What a run of the terminal client knows of the one before, however that ended: what is unread and from where on, what was being written,
which rooms were not left. Prints TAP. usage: mynah_again.py MYNAH"""
import contextlib, os, shutil, signal, sqlite3, sys, time

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.append(TESTS)
from mynah import DEADLINE, put, tap, wait_for
from odd import Odd, home
from screen import Screen

MYNAH = os.path.abspath(sys.argv[1])
FOLDER, ENV = home("again")
ROOM = "r@rooms.odd.test"
MUC = "http://jabber.org/protocol/muc"
BOB = "<query xmlns='jabber:iq:roster' ver='7'><item jid='bob@odd.test' name='Bob B' subscription='both'/></query>"


def terminal():
    return Screen([MYNAH, "--no-socket"], ENV, size=(30, 110))


@contextlib.contextmanager
def killed():
    """One that is killed (-9) at the end of the block."""
    with terminal() as t:
        t.shows("ann@odd.test/r is online")
        yield t
        t.process.send_signal(signal.SIGKILL)
        assert t.process.wait(DEADLINE) == -signal.SIGKILL


def kept(sql, *values):
    """What is on the disk, as another program sees it."""
    with contextlib.closing(sqlite3.connect(FOLDER + "/data/mynah/history.db")) as db:
        return db.execute(sql, values).fetchall()


def is_kept(body):
    wait_for(lambda: kept("SELECT 1 FROM said WHERE body = ?", body), body + " is not kept")


def place(peer, **values):
    wait_for(lambda: kept("SELECT 1 FROM places WHERE peer = ? AND " + " AND ".join(n + " = ?" for n in values), peer, *values.values()),
             lambda: "%s is not %s but %s" % (peer, values, kept("SELECT * FROM places")))


def number(body):
    return kept("SELECT number FROM said WHERE body = ?", body)[0][0]


def bob_says(body, id, more=""):
    odd.send("<message from='bob@odd.test/x' to='ann@odd.test/r' type='chat' id='%s'><body>%s</body>%s</message>" % (id, body, more))
    is_kept(body)


def what_is_unread_stays_so_until_it_was_seen():
    """And who asked for it learns then that it was."""
    with killed() as t:
        bob_says("FIRST", "b1")
        t.shows("2:Bob B 1!")
        t.types("\x1b2")
        t.shows("Bob B: FIRST")
        t.types("\x1b1")
        place("bob@odd.test", seen=number("FIRST"))
        bob_says("SECOND", "b2")
        bob_says("THIRD", "b3", "<markable xmlns='urn:xmpp:chat-markers:0'/>")
        t.shows("2:Bob B 2!")
        wait_for(lambda: "b3" in kept("SELECT mark FROM places")[0][0], "nobody knows who asked")
    with killed() as t:
        t.shows("2:Bob B 2!")
        t.types("\x1b2")
        t.shows("(?s)Bob B: FIRST.*─ new ─.*Bob B: SECOND.*Bob B: THIRD")
        odd.heard("<message [^>]*to='bob@odd.test/x'.*<displayed [^>]*id='b3'")
        place("bob@odd.test", seen=number("THIRD"), mark="")
    with killed() as t:
        t.shows("1:Mynah (?! *2:)")
        t.says("/msg bob@odd.test")
        t.shows("(?s)Bob B: FIRST(?!.*─ new ─).*Bob B: SECOND.*Bob B: THIRD")


def phone_says(payload):
    """Ann's other device, to Bob."""
    odd.send("<message from='ann@odd.test' to='ann@odd.test/r'><sent xmlns='urn:xmpp:carbons:2'><forwarded xmlns='urn:xmpp:forward:0'>"
             "<message xmlns='jabber:client' from='ann@odd.test/phone' to='bob@odd.test/x' type='chat' id='p%d'>%s</message>"
             "</forwarded></sent></message>" % (len(payload), payload))


def what_was_seen_at_another_device_is_not_unread():
    with killed() as t:
        bob_says("AT THE PHONE", "b10")
        t.shows("2:Bob B 1!")
        phone_says("<displayed xmlns='urn:xmpp:chat-markers:0' id='b10'/>")
        t.shows("2:Bob B(?! *\\d+!)")
        place("bob@odd.test", seen=number("AT THE PHONE"))
        bob_says("ANSWERED THERE", "b11")
        t.shows("2:Bob B 1!")
        phone_says("<body>yes</body>")
        t.shows("2:Bob B(?! *\\d+!)")
        t.types("\x1b2")
        t.shows("(?s)Bob B: ANSWERED THERE(?!.*─ new ─).*me: yes")
        t.says("and here")
        t.shows("(?s)me: yes(?!.*─ new ─).*me: and here")
        odd.heard("<message [^>]*to='bob@odd.test'.*<body>and here<")


def what_was_being_written_is_there_again():
    with killed() as t:
        t.says("/msg carol@odd.test")
        t.types("for Carol")
        t.shows("carol> for Carol")
        t.types("\x1b1")
        place("carol@odd.test", draft="for Carol")
        t.says("/msg bob@odd.test")
        t.types("for Bob")
        t.shows("Bob B> for Bob")
        bob_says("meanwhile", "b4")  # nobody left the window
        place("bob@odd.test", draft="for Bob")
    for signal_of in signal.SIGTERM, signal.SIGHUP:
        with terminal() as t:
            t.shows("2:Bob B .*3:carol")
            t.types("\x1b2")
            t.shows("Bob B> for Bob")
            t.types(" B")
            t.shows("Bob B> for Bob.* B")
            t.process.send_signal(signal_of)
            assert t.process.wait(DEADLINE) == 0
    with killed() as t:
        t.types("\x1b2")
        t.shows("Bob B> for Bob B B")
        t.types("\r")
        odd.heard("<message [^>]*to='bob@odd.test'.*<body>for Bob B B<")
        place("bob@odd.test", draft="")
        t.types("\x1b3")
        t.shows("carol> for Carol")
        t.types("\x15\x1b1")
        place("carol@odd.test", draft="")
    with terminal() as t:
        t.shows("ann@odd.test/r is online")
        t.shows("1:Mynah (?! *2:)")
        t.end()


def what_comes_once_more_is_there_once():
    """It was kept, but not acknowledged, before the program was killed."""
    with killed() as t:
        bob_says("AGAIN", "b5")
    with terminal() as t:
        t.shows("2:Bob B 1!")
        t.shows("ann@odd.test/r is online")  # what is unread is shown before
        bob_says("AGAIN", "b5")
        bob_says("BEHIND", "b6")
        t.shows("2:Bob B 2!")
        t.types("\x1b2")
        t.shows("(?s)Bob B: AGAIN(?!.*Bob B: AGAIN).*Bob B: BEHIND")
        t.end()


def joins(t):
    odd.heard("<presence [^>]*to='%s/Ann'" % ROOM)
    odd.send("<presence from='%s/Ann' to='ann@odd.test/r'><x xmlns='%s#user'><item affiliation='none' role='participant'/><status code='110'/>"
             "</x></presence>" % (ROOM, MUC))


def bob_says_there(body, id, old=False):
    odd.send("<message from='%s/Bob' to='ann@odd.test/r' type='groupchat' id='%s'><body>%s</body>%s</message>" % (
        ROOM, id, body, "<delay xmlns='urn:xmpp:delay' stamp='%s'/>" % time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()) if old else ""))


def rooms_are_entered_again_until_they_are_left():
    """What was missed there is unread, what was there before the first time is not."""
    with killed() as t:
        t.says("/join %s Ann" % ROOM)
        joins(t)
        bob_says_there("OLD", "r0", old=True)
        bob_says_there("R1", "r1")
        t.shows("(?s)Bob: OLD.*Bob: R1")
        t.types("\x1b1")
        place(ROOM, inside=1, seen=number("R1"))
        bob_says_there("R2 for Ann", "r2")
        t.shows("2:r 1!")
        is_kept("R2 for Ann")
        odd.send("<message from='%s/Bob' to='ann@odd.test/r' type='chat' id='r9'><body>PRIVATELY</body><x xmlns='%s#user'/></message>" % (ROOM, MUC))
        t.shows("3:Bob 1!")
        odd.send("<iq type='set' id='push'>%s</iq>" % BOB)
        odd.heard("<iq [^>]*id='push'")
        t.types("\x1b3")
        t.shows("(?s)Bob \\(%s/Bob\\).*Bob: PRIVATELY.*3:Bob" % ROOM)
        place(ROOM + "/Bob", seen=number("PRIVATELY"))
    with killed() as t:
        t.shows("2:r 1!")
        joins(t)
        for body, id in ("R1", "r1"), ("R2 for Ann", "r2"), ("R3", "r3"):
            bob_says_there(body, id, old=True)
        t.shows("2:r 2!")
        t.types("\x1b2")
        t.shows("(?s)Bob: R1.*─ new ─.*Bob: R2 for Ann.*Bob: R3")
        place(ROOM, seen=number("R3"))
        odd.send("<presence from='%s/Ann' to='ann@odd.test/r' type='unavailable'><x xmlns='%s#user'><item affiliation='none' role='none'/>"
                 "<status code='110'/><status code='307'/></x></presence>" % (ROOM, MUC))
        place(ROOM, inside=0)
    with killed() as t:
        t.shows("1:Mynah (?! *2:)")
        t.says("/join %s Ann" % ROOM)
        joins(t)
        place(ROOM, inside=1)
        t.says("/close")
        odd.heard("<presence [^>]*to='%s/Ann'[^>]*type='unavailable'|<presence [^>]*type='unavailable'[^>]*to='%s/Ann'" % (ROOM, ROOM))
        place(ROOM, inside=0)
    with terminal() as t:
        t.shows("ann@odd.test/r is online")
        t.shows("1:Mynah (?! *2:)")
        t.end()


def the_roster_is_known_before_the_server_tells_it():
    """Which tells only what changed."""
    with killed() as t:
        wait_for(lambda: kept("SELECT 1 FROM kept WHERE name = 'roster' AND text LIKE '%Bob B%'"), "no roster is kept")
    odd.refuses = "<not-authorized/>"
    with terminal() as t:
        t.shows("password of ann")
        t.shows("○ Bob B")
    odd.refuses = None
    with terminal() as t:
        odd.heard("<iq [^>]*type='get'.*jabber:iq:roster.*ver='7'")
        t.shows("○ Bob B")
        t.end()


odd = Odd("<ver xmlns='urn:xmpp:features:rosterver'/>")
odd.answers = {"type='get'.*jabber:iq:roster.*ver='7'": "", "type='get'.*jabber:iq:roster": BOB}
put(FOLDER, "mynah/config.yaml", "accounts:\n  - {jid: ann@odd.test, host: 127.0.0.1, port: %d, tls: off, password_command: echo pw}\n" % odd.port)
try:
    failed = tap([what_is_unread_stays_so_until_it_was_seen, what_was_seen_at_another_device_is_not_unread,
                  what_was_being_written_is_there_again, what_comes_once_more_is_there_once,
                  rooms_are_entered_again_until_they_are_left, the_roster_is_known_before_the_server_tells_it])
finally:
    odd.listener.close()
    shutil.rmtree(FOLDER)
sys.exit(failed != 0)
