#!/usr/bin/python3
"""`mynah` and a person who makes mistakes or is in a hurry: wrong addresses, a configuration that is not there, contacts that are there
already, rooms that are left before they answer, passwords that a program asks for. Prints TAP. usage: mynah_person.py MYNAH"""
import os, re, shutil, socket, stat, subprocess, sys, time

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.append(TESTS)
from mynah import DEADLINE, put, tap, wait_for
from odd import Odd, home
from screen import Screen

MYNAH = os.path.abspath(sys.argv[1])
FOLDER, ENV = home("person")
ROOM = "r@rooms.odd.test"


def write(name, text, mode=0o600):
    return put(FOLDER, name, text, mode)


def config(more, jid="ann@odd.test"):
    return write("mynah/config.yaml", "accounts:\n  - {jid: %s, host: 127.0.0.1, port: %d, tls: off%s}\n" % (jid, odd.port, more))


def call(*words, code=0):
    p = subprocess.run([MYNAH, *words], stdin=subprocess.DEVNULL, capture_output=True, text=True, env=ENV, timeout=2 * DEADLINE)
    assert p.returncode == code, (words, p.returncode, p.stdout, p.stderr)
    return p.stdout + p.stderr


def terminal(*words):
    return Screen([MYNAH, "--no-socket", *words], ENV, size=(30, 110))


def there(name):
    return os.path.exists(FOLDER + "/" + name)


def a_wrong_address_is_told_before_anybody_logs_in():
    config(", password_command: touch %s/asked; echo pw" % FOLDER)
    for words in (["ping", "a@@b"], ["send", "@", "x"], ["disco", "a b@c"], ["roster", "allow", "@"], ["roster", "add", "@", "N"], ["vcard", "@"],
                  ["vcard", "photo", "x", "@"], ["file", "send", "@", "/dev/null"], ["room", "@", "n"], ["adhoc", "@", "list"],
                  ["--account", "ann@@odd.test", "login"]):
        assert "is no address" in call(*words, code=64), words
        assert not there("asked"), words
    config("", jid="ann@@odd.test")
    said = call("login", code=1)
    assert re.search("config.yaml:2: .*ann@@odd.test is no address like name@server", said), said
    config(", enabled: off")
    with terminal() as t:
        for command in "/connect ann", "/account add ann":
            t.says(command)
            t.shows("ann is no address like name@server")
            t.says("/clear")
        t.end()


def a_configuration_that_is_not_there_is_told():
    said = call("--config", FOLDER + "/cofnig.yaml", "login", code=1)
    assert "there is no %s/cofnig.yaml: is its name right?" % FOLDER in said, said
    with terminal("--config", FOLDER + "/new.yaml") as t:
        t.shows("there is no %s/new.yaml yet" % FOLDER)
        t.types("\x03")
        t.end()


def a_contact_that_is_there_keeps_its_groups():
    config(", password_command: echo pw")
    odd.answers = {"type='get'.*jabber:iq:roster": "<query xmlns='jabber:iq:roster'><item jid='bob@odd.test' name='Bob' subscription='both'>"
                   "<group>Work</group><group>Friends</group></item></query>", "type='set'.*jabber:iq:roster": ""}
    with terminal() as t:
        t.shows("Bob")
        for command, name in ("/roster add bob@odd.test", "Bob"), ("/roster add bob@odd.test Robert", "Robert"):
            t.says(command)
            got = odd.heard("type='set'.*jabber:iq:roster")
            assert "name='%s'" % name in got and "<group>Work</group>" in got and "<group>Friends</group>" in got, got
        t.end()
    odd.answers = {}


def a_room_may_be_left_before_it_answers():
    """And entered again: its old answer is nobody's then."""
    odd.answers = {"muc#owner": None, "muc#admin": None}
    with terminal() as t:
        t.shows("ann@odd.test/r is online")
        for _ in range(2):
            t.says("/join %s Ann" % ROOM)
            odd.heard("<presence (?![^>]*type=)[^>]*to='%s/Ann'" % ROOM)  # no good-bye of before
            odd.send("<presence from='%s/Ann' to='ann@odd.test/r'><x xmlns='http://jabber.org/protocol/muc#user'><item affiliation='owner' "
                     "role='moderator'/><status code='110'/></x></presence>" % ROOM)
            t.shows("joined as Ann")
            asked = []
            for command in "/room config", "/affiliation list member":
                t.says(command)
                asked.append(odd.heard("type='get'.*muc#(owner|admin)"))
            t.says("/close")
            t.shows("1:Mynah")
        for stanza in asked:
            odd.send("<iq type='result' from='%s' id='%s'/>" % (ROOM, re.search("\\bid='([^']*)'", stanza)[1]))
        t.says("/join %s Ann" % ROOM)
        t.says("/room config")
        odd.heard("type='get'.*muc#owner")
        t.end()
    odd.answers = {}


def a_program_may_ask_for_the_password_on_the_terminal():
    """The network goes on meanwhile; what it writes besides the password is no part of it."""
    config(", password_command: 'printf \"PIN? \" >/dev/tty; read pin </dev/tty; echo $pin; echo more'")
    with terminal() as t:
        t.until(b"PIN\\? ")
        t.says("right")
        t.shows("ann@odd.test/r is online")
        t.end()
    config(", password_command: 'exit 3'")
    with terminal() as t:
        t.shows("password_command failed: exit 3")
        t.shows("password of ann@odd.test")
        t.types("\x03")
        t.end()


def a_password_that_is_too_long_is_not_cut():
    config("")
    with Screen(["sh", "-c", 'exec "$0" ping 2>&1', MYNAH], ENV) as t:
        t.until(b"Password: ")
        t.says(5000 * "x")
        t.until(b"the password is too long")
        assert t.process.wait(DEADLINE) == 64


def the_keyring_keeps_nothing_waiting_that_is_due():
    """A command is done before a person has unlocked it."""
    write("bin/secret-tool", "#!/bin/sh\n[ $1 = store ] || exit 1\ncat >%s/secret\nwhile [ -e %s/hold ]; do sleep 0.05; done\n" % (FOLDER, FOLDER),
          stat.S_IRWXU)
    write("hold", "")
    config(", password: secret")
    odd.closed.clear()
    with Screen(["sh", "-c", 'exec "$0" ping 2>&1', MYNAH], ENV) as t:
        t.until(b"Password: ")
        t.says("right")
        odd.heard("<iq [^>]*>.*urn:xmpp:ping")
        wait_for(lambda: there("secret"), "the keyring was given nothing")
        odd.closes()
        os.remove(FOLDER + "/hold")
        assert t.process.wait(DEADLINE) == 0
    with open(FOLDER + "/secret") as f:
        assert f.read() == "right"


BOB = ("<query xmlns='jabber:iq:roster'><item jid='bob@odd.test' name='Bob B' subscription='both'/></query>")


def what_is_written_waits_in_its_window():
    """Nothing is said to somebody else because the window was changed; a question that comes takes nothing away."""
    config(", password_command: echo pw")
    odd.answers = {"type='get'.*jabber:iq:roster": BOB}
    with terminal() as t:
        t.shows("Bob B")
        t.types("/wi")
        t.says("n 1")
        t.says("/msg bob@odd.test")
        t.shows("Bob B> ")
        t.types("for Bob")
        t.types("\x1b1")
        t.shows("Mynah> *(\\s|$)")
        t.types("for nobody")
        t.types("\x1b2")
        t.shows("Bob B> for Bob")
        t.types("\x1b1")
        t.shows("Mynah> for nobody")
        t.types("\x03")
        t.types("\x1b2")
        odd.refuses = "<not-authorized/>"
        odd.socket.shutdown(socket.SHUT_RDWR)
        t.shows("password of ann@odd.test> ")
        odd.refuses = None
        t.says("right")
        t.shows("Bob B> for Bob")
        t.says(" alone")
        odd.heard("<message [^>]*to='bob@odd.test'.*<body>for Bob alone")
        t.end()
    odd.answers = {}


def people_are_asked_and_named_as_one_knows_them():
    config(", password_command: echo pw")
    odd.answers = {"type='get'.*jabber:iq:roster": BOB, "to='bob@odd.test/x'.*jabber:iq:version": "<query xmlns='jabber:iq:version'><name>Parrot</name></query>"}
    with terminal() as t:
        t.shows("Bob B")
        t.says("/who")
        t.shows("nobody is online")
        odd.send("<presence from='bob@odd.test/x' to='ann@odd.test/r'><status>here</status></presence>")
        odd.send("<message from='bob@odd.test/x' to='ann@odd.test/r' type='chat' id='h1'><body>words to be found</body></message>")
        t.shows("2:Bob B 1!")
        t.says("/who")
        t.shows("Bob B bob@odd.test/x - here")
        t.says("/software bob@odd.test")
        t.shows("Parrot")
        t.types("\x1b2")
        t.says("/history be found")
        t.shows("\\d Bob B: words to be found")
        t.end()
    odd.answers = {}


def enters(t, more=""):
    t.says("/join %s Ann" % ROOM)
    odd.heard("<presence [^>]*to='%s/Ann'" % ROOM)
    odd.send("<presence from='%s/Ann' to='ann@odd.test/r'><x xmlns='http://jabber.org/protocol/muc#user'><item affiliation='none' "
             "role='participant'/><status code='110'/></x>%s</presence>" % (ROOM, more))
    t.shows("joined as Ann")


def says(nick, id, body, old=True, more=""):
    odd.send("<message from='%s/%s' to='ann@odd.test/r' type='groupchat' %s><body>%s</body>%s%s</message>" % (
        ROOM, nick, "id='%s'" % id if id else "", body, "<delay xmlns='urn:xmpp:delay' stamp='%s'/>" % time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        if old else "", more))


def what_a_room_repeats_is_there_once():
    """Also over the end of the program; what was missed is there, and is kept."""
    with terminal() as t:
        t.shows("ann@odd.test/r is online")
        enters(t)
        for nick, id, body in ("Bob", "1", "ONE"), ("Ann", "2", "MINE"), ("Bob", None, "TWO"):
            says(nick, id, body, old=False)
        t.shows("(?s)Bob: ONE.*me: MINE ✓✓.*Bob: TWO")
        t.end()
    with terminal() as t:
        t.shows("ann@odd.test/r is online")
        enters(t)
        for nick, id, body in ("Bob", "1", "ONE"), ("Ann", "2", "MINE"), ("Bob", None, "TWO"), ("Bob", "3", "MISSED"), ("Bob", "4", "ONE"):
            says(nick, id, body)
        says("Bob", "5", "END", old=False)
        t.shows("(?s)Bob: ONE.*me: MINE ✓✓.*Bob: TWO.*joined as Ann[^A-Z]*(\\S+ )?Bob: MISSED.*Bob: ONE.*Bob: END")
        t.end()
    said = call("history", ROOM)
    assert [said.count(body) for body in ("\tONE\n", "\tMINE\n", "\tTWO\n", "\tMISSED\n", "\tEND\n")] == [2, 1, 1, 1, 1], said


def who_had_our_name_before_is_not_us():
    """Where a room tells who is who (XEP-0421), what we said is ours under any name; where it does not, the name decides."""
    id = lambda who: "<occupant-id xmlns='urn:xmpp:occupant-id:0' id='%s'/>" % who
    with terminal() as t:
        t.shows("ann@odd.test/r is online")
        enters(t, id("us"))
        says("Ann", "6", "BEFORE US", more=id("other"))
        says("Anna", "7", "AS ANNA", more=id("us"))
        says("Ann", "8", "NOBODY KNOWS")
        t.shows("(?s)Ann: BEFORE US.*me: AS ANNA.*me: NOBODY KNOWS")
        t.end()


odd = Odd()
try:
    failed = tap([a_wrong_address_is_told_before_anybody_logs_in, a_configuration_that_is_not_there_is_told,
                  a_contact_that_is_there_keeps_its_groups, a_room_may_be_left_before_it_answers,
                  a_program_may_ask_for_the_password_on_the_terminal, what_is_written_waits_in_its_window,
                  people_are_asked_and_named_as_one_knows_them, what_a_room_repeats_is_there_once, who_had_our_name_before_is_not_us,
                  a_password_that_is_too_long_is_not_cut, the_keyring_keeps_nothing_waiting_that_is_due])
finally:
    odd.listener.close()
    shutil.rmtree(FOLDER)
sys.exit(failed != 0)
