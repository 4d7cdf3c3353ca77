#!/usr/bin/python3
"""What is known of people, rooms and servers (/info, /rooms). Prints TAP.
usage: mynah_known.py MYNAH"""
import os, re, shutil, sys, tempfile

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.append(TESTS)
from mynah import put, tap
from odd import Odd, home
from screen import Screen

MYNAH = os.path.abspath(sys.argv[1])
FOLDER, ENV = home("known")
ROOM = "r@rooms.odd.test"
USER = "http://jabber.org/protocol/muc#user"
DISCO = "http://jabber.org/protocol/disco#"
ROSTER = {"type='get'.*jabber:iq:roster": "<query xmlns='jabber:iq:roster'><item jid='bob@odd.test' name='Bob B' subscription='both'><group>Friends</group></item></query>"}


def terminal(answers, width=110):
    odd.answers = {**answers, **ROSTER}
    t = Screen([MYNAH, "--no-socket"], {**ENV, "XDG_DATA_HOME": tempfile.mkdtemp(dir=FOLDER)}, size=(30, width))
    t.shows("ann@odd.test/r is online")
    return t


def occupant(nick, room=ROOM, more="", item="affiliation='none' role='participant'"):
    odd.send("<presence from='%s/%s' to='ann@odd.test/r'><x xmlns='%s'><item %s/>%s</x></presence>" % (room, nick, USER, item, more))


def enters(t, nick="Ann"):
    t.says("/join %s %s" % (ROOM, nick))
    odd.heard("<presence [^>]*to='%s/%s'" % (ROOM, nick))
    occupant("Bob", item="affiliation='admin' role='moderator' jid='bob@odd.test/x'")
    occupant(nick, more="<status code='110'/>")
    t.shows("joined as " + nick)


def info(what, *more):
    return "<query xmlns='%sinfo'>%s%s</query>" % (DISCO, what, "".join(more))


def all_that_is_known_of_somebody_is_told():
    """What is known here at once; each question to whom it is for."""
    answers = {"to='bob@odd.test/x'.*jabber:iq:version": "<query xmlns='jabber:iq:version'><name>Bird</name><version>7</version></query>",
               "to='bob@odd.test'.*vcard-temp": "<vCard xmlns='vcard-temp'><FN>Robert 罗伯特</FN><EMAIL><USERID>r@odd.test</USERID></EMAIL></vCard>",
               "to='bob@odd.test'.*jabber:iq:last": "<query xmlns='jabber:iq:last' seconds='93784'>gone fishing</query>",
               "to='odd.test'.*jabber:iq:last": "<query xmlns='jabber:iq:last' seconds='60'/>",
               "to='odd.test'.*disco#info": info("<identity category='server' type='im' name='Odd'/>", "<x xmlns='jabber:x:data' type='result'>"
               "<field var='FORM_TYPE' type='hidden'><value>http://jabber.org/network/serverinfo</value></field>"
               "<field var='abuse-addresses'><value>mailto:a@odd.test</value><value>xmpp:b@odd.test</value></field></x>")}
    with terminal(answers) as t:
        t.says("/info bob")
        t.shows("(?s)○ Bob B bob@odd.test · Friends.*bob@odd.test: .*last there 1 days, 2 hours, 3 minutes ago: gone fishing")
        t.shows("(?s)bob@odd.test: Full name: Robert 罗伯特.*E-mail: r@odd.test")
        odd.send("<presence from='bob@odd.test/x' to='ann@odd.test/r'><show>dnd</show><status>cooking</status><priority>5</priority></presence>")
        t.shows("⊘ *Bob B")
        t.says("/clear")
        t.says("/msg bob")
        t.says("/info")
        t.shows("(?s)⊘ bob@odd.test/x · do not disturb · 5 · cooking.*software: Bird 7")
        t.says("/win 1")
        t.says("/clear")
        t.says("/info")
        t.shows("(?s)odd.test: server/im Odd.*odd.test: abuse-addresses: mailto:a@odd.test, xmpp:b@odd.test")
        t.shows("odd.test: has been running for 0 days, 0 hours, 1 minutes")
        t.says("/clear")
        t.says("/info kim@elsewhere.test")  # who answers to nothing
        t.shows("kim@elsewhere.test: nobody there answers to that")
        t.end()


def a_room_and_who_is_in_it_are_known():
    answers = {"to='%s'.*disco#info" % ROOM: info("<identity category='conference' type='text' name='Rrr'/><feature var='muc_open'/><feature var='muc_moderated'/>"),
               "to='%s/Bob'.*jabber:iq:version" % ROOM: "<query xmlns='jabber:iq:version'><name>Bird</name></query>"}
    with terminal(answers) as t:
        enters(t)
        t.says("/info")
        t.shows("%s: 2 people are inside; you are Ann: none, participant" % ROOM)
        t.shows("%s: conference/text Rrr · open · moderated" % ROOM)
        t.says("/info Bob")
        t.shows("(?s)Bob bob@odd.test/x · online · admin · moderator.*%s/Bob: software: Bird" % ROOM)
        asked = [s for s in odd.came if "iq:last" in s or "/Bob'" in s and "disco#info" in s]
        assert not asked, asked  # of no server in the place of somebody inside
        t.end()


def rooms_are_listed_as_others_spell_it():
    answers = {"to='rooms.odd.test'.*disco#items": "<query xmlns='%sitems'>%s</query>" % (DISCO, "".join(
        "<item jid='%s@rooms.odd.test' name='%s'/>" % r for r in (("one", "The First"), ("two", "The Second"), ("three", "Talk"))))}
    with terminal(answers) as t:
        for typed, there, gone in (("rooms.odd.test", "(?s)one.*two.*three", "$^"), ("service rooms.odd.test filter the SEC", "two *The Second", "First|Talk"),
                                   ("rooms.odd.test filter thr", "three *Talk", "First|Second")):
            t.says("/rooms " + typed)
            t.shows("Enter goes into a room.*" + there if "(?s)" not in there else there)
            t.shows("(?s)^(?!.*(%s))" % gone)
            t.types("\x03")
            t.shows("Mynah> ")
        t.says("/rooms service")
        t.shows("- /rooms \\[SERVICE")
        t.end()


odd = Odd()
put(FOLDER, "mynah/config.yaml", "accounts:\n  - {jid: ann@odd.test, host: 127.0.0.1, port: %d, tls: off, password_command: echo pw}\n" % odd.port)
try:
    failed = tap([all_that_is_known_of_somebody_is_told, a_room_and_who_is_in_it_are_known, rooms_are_listed_as_others_spell_it])
finally:
    odd.listener.close()
    shutil.rmtree(FOLDER)
sys.exit(failed != 0)
