#!/usr/bin/python3
"""What is known of people, rooms and servers (/info, /rooms), and rooms that the account has bookmarked (/bookmark). Prints TAP.
usage: mynah_known.py MYNAH"""
import os, re, shutil, sys, tempfile

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.append(TESTS)
from mynah import DEADLINE, put, tap
from odd import Odd, error, home
from screen import Screen

MYNAH = os.path.abspath(sys.argv[1])
FOLDER, ENV = home("known")
ROOM = "r@rooms.odd.test"
USER = "http://jabber.org/protocol/muc#user"
DISCO = "http://jabber.org/protocol/disco#"
ROSTER = {"type='get'.*jabber:iq:roster": "<query xmlns='jabber:iq:roster'><item jid='bob@odd.test' name='Bob B' subscription='both'><group>Friends</group></item></query>"}
MARKS = ("<query xmlns='jabber:iq:private'><storage xmlns='storage:bookmarks'><url url='http://odd.test/' name='Page'/>"
         "<conference jid='one@rooms.odd.test' name='The First' autojoin='true' minimize='true'><nick>Annie</nick><password>sesame</password></conference>"
         "<conference jid='two@rooms.odd.test' name='Second'/></storage></query>")


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
        t.says("/lastactivity bob")  # as others call it
        t.shows("- 1 days, 2 hours, 3 minutes: gone fishing")
        t.says("/help xmlconsole")
        t.shows("- /xml \\[filter")
        t.says("/info kim@elsewhere.test")  # who answers to nothing
        t.shows("kim@elsewhere.test: nobody there answers to that")
        t.end()


def a_room_and_who_is_in_it_are_known():
    answers = {"to='%s'.*disco#info" % ROOM: info("<identity category='conference' type='text' name='Rrr'/><feature var='muc_open'/><feature var='muc_moderated'/>"),
               "to='%s/Bob'.*jabber:iq:version" % ROOM: "<query xmlns='jabber:iq:version'><name>Bird</name></query>"}
    with terminal(answers) as t:
        enters(t)
        t.shows("(?s)Moderators \\(1\\).*@ Bob.*Participants \\(1\\).*\\+ Ann")
        occupant("somebody with a long name who looks on", item="affiliation='none' role='visitor'")
        t.shows("Visitors \\(1\\)")
        t.shows("somebody with a long na…")
        t.says("/info")
        t.shows("%s: 3 people are inside; you are Ann: none, participant" % ROOM)
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


def came(pattern):
    """Nothing that came is forgotten."""
    with odd.more:
        assert odd.more.wait_for(lambda: any(re.search(pattern, s, re.S) for s in odd.came), DEADLINE), (pattern, odd.came)


def bookmarks_lead_into_rooms():
    """Those that are to be entered are, at the login; the others by the list, or by their names. A session that is a new one enters none again that was left."""
    with terminal({"type='get'.*storage:bookmarks": MARKS}) as t:
        got = odd.heard("<presence [^>]*to='one@rooms.odd.test/Annie'")
        assert "<password>sesame</password>" in got, got
        occupant("Annie", "one@rooms.odd.test", "<status code='110'/>")
        t.shows("2:one")
        t.says("/bookmark")
        t.shows("(?s)Bookmarks.*one@rooms.odd.test *The First *Annie *entered.*two@rooms.odd.test *Second")
        t.types("sec")
        t.shows("with: sec")
        t.types("\r")
        odd.heard("<presence (?![^>]*type=)[^>]*to='two@rooms.odd.test/ann'")
        assert not [s for s in odd.came if "<presence" in s and "Annie" in s]
        t.shows("two> ")
        t.says("/close")
        t.says("/bookmark join second")
        odd.heard("<presence (?![^>]*type=)[^>]*to='two@rooms.odd.test/ann'")
        t.shows("two> ")
        t.says("/bookmark join nowhere")
        t.shows("nowhere is not bookmarked")
        t.says("/close one@rooms.odd.test")
        odd.heard("<presence [^>]*type='unavailable'[^>]*to='one@|<presence [^>]*to='one@[^>]*type='unavailable'")
        odd.socket.shutdown(2)
        came("<presence (?![^>]*type=)[^>]*to='two@rooms.odd.test/ann'")
        t.says("/ping")  # behind whatever is asked for at the login
        came("urn:xmpp:ping")
        assert not [s for s in odd.came if "storage:bookmarks" in s or "to='one@" in s]
        t.end()


def bookmarks_are_changed_as_one_list():
    """What others keep there stays."""
    stored = "<query xmlns='jabber:iq:private'.*</query>"
    with terminal({"type='get'.*storage:bookmarks": MARKS.replace("autojoin='true'", ""), "type='set'.*jabber:iq:private": ""}) as t:
        enters(t)

        def changes(command, told):
            t.says("/clear")
            t.says("/bookmark " + command)
            t.shows(told)
            got = re.search(stored, odd.heard("type='set'.*storage:bookmarks"))[0]
            assert "http://odd.test/" in got and ("minimize='true'" in got) == ("one@" in got), got
            return {re.search("jid='([^']*)'", c)[1]: c for c in re.findall("<conference.*?(?:</conference>|/>)", got)}

        got = changes("add", "the room is bookmarked")
        assert set(got) == {"one@rooms.odd.test", "two@rooms.odd.test", ROOM} and "<nick>Ann</nick>" in got[ROOM] and re.search("autojoin='(true|1)'", got[ROOM]), got
        got = changes('add three@rooms.odd.test name "Number 三" password pw nick A', "the room is bookmarked")["three@rooms.odd.test"]
        assert "name='Number 三'" in got and "<password>pw</password>" in got and "<nick>A</nick>" in got and not re.search("autojoin='(true|1)'", got), got
        got = changes("update one@rooms.odd.test autojoin on nick Other", "the bookmark is changed")["one@rooms.odd.test"]
        assert re.search("autojoin='(true|1)'", got) and "<nick>Other</nick>" in got and "<password>sesame</password>" in got and "The First" in got, got
        assert set(changes("remove one@rooms.odd.test", "the bookmark is removed")) == {"two@rooms.odd.test"}
        for wrong, told in (("update", "%s is not bookmarked" % ROOM), ("remove four@rooms.odd.test", "four@rooms.odd.test is not bookmarked"), ("add autojoin maybe", "/bookmark \\[list"),
                            ("add two@rooms.odd.test nick", "/bookmark \\[list"), ("join", "/bookmark \\[list"), ("add a@@b", "a@@b is no address")):
            t.says("/clear")
            t.says("/bookmark " + wrong)
            t.shows(told)
        odd.answers = {"storage:bookmarks": error("forbidden")}
        t.says("/bookmark add")
        t.shows("forbidden")
        assert not [s for s in odd.came if "type='set'" in s], odd.came
        t.end()


odd = Odd()
put(FOLDER, "mynah/config.yaml", "accounts:\n  - {jid: ann@odd.test, host: 127.0.0.1, port: %d, tls: off, password_command: echo pw}\n" % odd.port)
try:
    failed = tap([all_that_is_known_of_somebody_is_told, a_room_and_who_is_in_it_are_known, rooms_are_listed_as_others_spell_it,
                  bookmarks_lead_into_rooms, bookmarks_are_changed_as_one_list])
finally:
    odd.listener.close()
    shutil.rmtree(FOLDER)
sys.exit(failed != 0)
