#!/usr/bin/python3
"""`mynah` and a server that does what servers seldom do: it cannot tell the vCard, refuses passwords, lets people into rooms under the
names of others. And a keyring that keeps a person waiting. Prints TAP. usage: mynah_odd.py MYNAH"""
import os, pty, re, resource, shutil, signal, stat, subprocess, sys, termios

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.append(TESTS)
from mynah import DEADLINE, put, tap, wait_for
from odd import Odd, error, home
from screen import Screen

MYNAH = os.path.abspath(sys.argv[1])
FOLDER, ENV = home("odd")
HOSTILE = "\u009b31m\u009d0;TITLE\u009c\u202egnp.exe\u2066x\x7f"
CARD = ("<vCard xmlns='vcard-temp'><FN>Ann</FN><ADR><HOME/><LOCALITY>Rome</LOCALITY></ADR>"
        "<PHOTO><TYPE>image/gif</TYPE><BINVAL>R0lGOA==</BINVAL></PHOTO></vCard>")
ROOM = "r@rooms.odd.test"


def write(name, text, mode=0o600):
    return put(FOLDER, name, text, mode)


def read(name):
    with open(os.path.join(FOLDER, name)) as f:
        return f.read()


def account(name, more):
    return "  - {jid: %s@odd.test, host: 127.0.0.1, port: %d, tls: off%s}\n" % (name, odd.port, more)


def config(*accounts):
    return write("mynah/config.yaml", "accounts:\n" + "".join(accounts))


def call(*words, code=0, **more):
    p = subprocess.run([MYNAH, *words], stdin=subprocess.DEVNULL, capture_output=True, text=True, env=ENV, timeout=2 * DEADLINE, **more)
    assert p.returncode == code, (words, p.returncode, p.stdout, p.stderr)
    return p.stdout + p.stderr


def terminal():
    return Screen([MYNAH, "--no-socket"], ENV, size=(30, 110))


UNREAD = {"broken": (error("internal-server-error", "wait"), 2), "nobody": (error("service-unavailable"), 2), "no vCard": ("<x xmlns='y'/>", 1)}


def a_vcard_that_cannot_be_read_is_not_replaced():
    config(account("ann", ", password_command: echo pw"))
    for what, code in UNREAD.values():
        odd.answers = {"type='get'.*vcard-temp": what, "type='set'.*vcard-temp": ""}
        said = call("vcard", "set", "nickname=A", code=code)
        assert "nothing was changed" in said and "try again" in said, said
    odd.answers["type='get'.*vcard-temp"] = None
    assert "no answer in time" in call("--timeout", "2", "vcard", "set", "nickname=A", code=3)
    assert odd.stored() == []
    for none in error("item-not-found"), "<vCard xmlns='vcard-temp'/>":
        odd.answers["type='get'.*vcard-temp"] = none
        call("vcard", "set", "nickname=A")
        assert "<vCard xmlns='vcard-temp'><NICKNAME>A</NICKNAME></vCard>" in odd.heard("type='set'.*vcard-temp")
    odd.answers["type='get'.*vcard-temp"] = CARD
    call("vcard", "set", "nickname=A")
    got = odd.heard("type='set'.*vcard-temp")
    assert "<LOCALITY>Rome</LOCALITY>" in got and "R0lGOA==" in got and "<NICKNAME>A</NICKNAME>" in got, got


def a_roster_that_is_refused_is_told():
    config(account("ann", ", password_command: echo pw"))
    odd.answers = {"jabber:iq:roster": error("internal-server-error", "wait")}
    assert "internal-server-error" in call("roster", code=2)
    with terminal() as t:
        t.shows("ann@odd.test: the roster cannot be read: ")
    odd.answers = {}
    assert call("roster") == ""


def nor_by_the_form_on_the_screen():
    """Neither when it cannot be read for the form, nor when it cannot be read a moment later; what was typed is still there then."""
    with terminal() as t:
        t.shows("ann@odd.test/r is online")
        for what, _ in UNREAD.values():
            odd.answers = {"type='get'.*vcard-temp": what, "type='set'.*vcard-temp": ""}
            t.says("/clear")
            t.says("/vcard set")
            t.shows("could not be read, so nothing was changed")
        odd.answers["type='get'.*vcard-temp"] = CARD
        t.says("/vcard set")
        t.shows("Full name +\\[Ann ")
        odd.answers["type='get'.*vcard-temp"] = error("internal-server-error", "wait")
        t.types("e\x1b[Z\x1b[Z\r")
        t.shows("(?s)could not be read, so nothing was changed.*Full name +\\[Anne ")
        assert odd.stored() == []
        odd.answers["type='get'.*vcard-temp"] = CARD
        t.types("\x1b[Z\x1b[Z\r")
        t.shows("the vCard is kept")
        got = odd.heard("type='set'.*vcard-temp")
        assert "<FN>Anne</FN>" in got and "R0lGOA==" in got and "Rome" in got, got
        t.end()
    odd.answers = {}


def what_a_server_says_is_harmless_on_the_terminal():
    """Also where a command tells of an error, in JSON, and in what is listed."""
    for text in HOSTILE, "x":
        odd.refuses = "<not-authorized/><text>SAYS %s</text>" % text
        said = call("login", code=2)
        assert "the name or the password is wrong (not-authorized)" in said and "SAYS" in said, said
        assert not set(said) & (set(HOSTILE) - set("31m0;TITLEgnp.exe")), said
    odd.refuses = None
    odd.answers = {"disco#info": "<query xmlns='http://jabber.org/protocol/disco#info'><identity category='a' type='b' name='N%s'/></query>" % HOSTILE}
    for options in [], ["--json"]:
        said = call(*options, "disco", "odd.test")
        assert "N" in said and not set(said) & (set(HOSTILE) - set("31m0;TITLEgnp.exe")), said
    assert "\\u009b31m" in said and "\\u202e" in said and "\\u007f" in said, said
    odd.answers = {}


def a_wrong_password_is_asked_for_anew():
    """And who has none that is kept is asked for it, one account behind the other; no answer leaves it out. One that was changed elsewhere
    is tried once more when the server ends the session for it (<reset/>), and no more."""
    config(*(account(name, "") for name in ("ann", "bob", "carl")))
    odd.refuses = "<not-authorized/>"
    with terminal() as t:
        t.shows("password of ann@odd.test")
        t.says("wrong")
        t.shows("password of bob@odd.test")
        t.types("\x03")
        t.shows("(?s)bob@odd.test is not logged in; /connect bob@odd.test.*password of carl@odd.test")
        t.says("")
        t.shows("password of ann@odd.test")
        t.shows("ann@odd.test: the login was refused: the name or the password is wrong")
        odd.refuses = None
        t.says("right")
        t.shows("ann@odd.test/r is online")
        odd.refuses = "<not-authorized/>"
        odd.send("<stream:error><reset xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error></stream:stream>")
        t.shows("(?s)ended with an error: .*reset.*ann@odd.test: the login was refused: the name or the password is wrong")
        t.shows("password of ann@odd.test")
        odd.refuses = None
        t.says("a secret")
        t.shows("(?s)is online.*is online")
        t.end()


KEYRING = """#!/bin/sh
cd %s
echo "$@" >>asked
[ "$1" != store ] || cat >secret.new
echo >began
while [ -e hold ]; do sleep 0.05; done
case $1 in
store) mv secret.new secret ;;
lookup) cat secret ;;
clear) rm secret ;;
esac
""" % FOLDER


def there(name):
    return os.path.exists(FOLDER + "/" + name)


def begins():
    """The keyring has been asked, and waits for a person."""
    wait_for(lambda: there("began"), "the keyring was never asked")
    os.remove(FOLDER + "/began")


def the_keyring_is_waited_for_by_nobody():
    """What is typed is seen while it waits; what it has is used; where it has none, it is given what a person typed, once that was right."""
    write("bin/secret-tool", KEYRING, stat.S_IRWXU)
    config(account("ann", ", password: secret"))
    write("hold", "")
    with terminal() as t:
        begins()
        t.types("typed meanwhile")
        t.shows("> typed meanwhile")
        t.types("\x03")
        os.remove(FOLDER + "/hold")
        t.shows("(?s)the keyring has no password for ann@odd.test.*No such file.*password of ann@odd.test")
        odd.refuses = "<not-authorized/>"
        t.says("wrong")
        t.shows("the login was refused")
        t.shows("password of ann@odd.test")
        odd.refuses = None
        t.says("a secret")
        t.shows("ann@odd.test/r is online")
        wait_for(lambda: there("secret"), "the keyring was given nothing")
        assert read("secret") == "a secret" and read("asked").splitlines()[-1] == \
            "store --label=Mynah: ann@odd.test service mynah account ann@odd.test", read("asked")
        assert read("asked").count("store") == 1
        t.end()
    with terminal() as t:
        t.shows("ann@odd.test/r is online")
        write("hold", "")
        os.remove(FOLDER + "/began")
        t.says("/account remove ann@odd.test")
        t.shows("ann@odd.test is no longer in the configuration")
        begins()
        t.types("typed again")
        t.shows("> typed again")
        t.types("\x03")
        os.remove(FOLDER + "/hold")
        t.shows("the keyring has no password of ann@odd.test any more")
        assert not there("secret") and "ann" not in read("mynah/config.yaml")
        write("hold", "")
        config(account("bob", ", password: secret"))
        t.says("/connect bob@odd.test")
        begins()
        t.end()  # who quits does not wait for it
    os.remove(FOLDER + "/hold")


def a_password_file_goes_with_its_account():
    """The one that we made; another is left and named."""
    ours, other = write("mynah/passwords/ann@odd.test", "pw\n"), write("mine", "pw\n")
    config(account("ann", ", password_file: " + ours), account("bob", ", enabled: off, password_file: " + other))
    with terminal() as t:
        t.shows("ann@odd.test/r is online")
        t.says("/account remove ann@odd.test")
        t.shows("ann@odd.test is no longer in the configuration")
        t.says("/account remove bob@odd.test")
        t.shows("its password is still in " + re.escape(other))
        assert not os.path.exists(ours) and os.path.exists(other)
        t.end()


def nobody_corrects_what_another_said_under_the_same_name():
    """XEP-0308, 4 and 5: by leaving and coming, by a new name, behind our own coming back; nor in the history. Where the room vouches for
    who is who (XEP-0421), the same person may."""
    config(account("ann", ", password_command: echo pw"))

    def is_there(nick, more="", item="affiliation='none' role='participant'"):
        odd.send("<presence from='%s/%s' to='ann@odd.test/r'><x xmlns='http://jabber.org/protocol/muc#user'><item %s/>%s</x></presence>"
                 % (ROOM, nick, item, more))

    def goes(nick, more="", item="affiliation='none' role='none'"):
        odd.send("<presence type='unavailable' from='%s/%s' to='ann@odd.test/r'><x xmlns='http://jabber.org/protocol/muc#user'><item %s/>%s</x>"
                 "</presence>" % (ROOM, nick, item, more))

    def says(nick, id, body, corrects=None, more=""):
        odd.send("<message from='%s/%s' to='ann@odd.test/r' type='groupchat' id='%s'><body>%s</body>%s%s</message>" % (
            ROOM, nick, id, body, "<replace id='%s' xmlns='urn:xmpp:message-correct:0'/>" % corrects if corrects else "", more))

    def who(id):
        return "<occupant-id xmlns='urn:xmpp:occupant-id:0' id='%s'/>" % id

    def enters():
        odd.heard("<presence [^>]*to='%s/Ann'" % ROOM)
        is_there("Bob")
        is_there("Ann", "<status code='110'/>")
        t.shows("joined as Ann")

    with terminal() as t:
        t.shows("ann@odd.test/r is online")
        t.says("/join %s Ann" % ROOM)
        enters()
        says("Bob", "1", "ONE")
        says("Bob", "2", "ONE better", corrects="1")
        t.shows("Bob: ONE better \\(corrected\\)")
        goes("Bob")
        is_there("Bob")
        says("Bob", "3", "ONE of another", corrects="1")
        t.shows("(?s)ONE better \\(corrected\\).*Bob: ONE of another")
        says("Bob", "4", "TWO")
        goes("Bob", "<status code='303'/>", "affiliation='none' role='participant' nick='Rob'")
        is_there("Rob")
        is_there("Bob")
        says("Bob", "5", "TWO of another", corrects="4")
        t.shows("(?s)Bob: TWO\\b.*Bob: TWO of another")
        says("Bob", "4", "the same id")
        says("Bob", "6", "the same id of another", corrects="4")
        t.shows("Bob: the same id of another \\(corrected\\)")
        assert "\tTWO\n" in call("history", ROOM) and "\tthe same id of another\n" in call("history", ROOM)
        says("Bob", "7", "THREE")
        goes("Ann", "<status code='110'/>")
        t.shows("left")
        odd.answers = {"disco#info.*": "<query xmlns='http://jabber.org/protocol/disco#info'><feature var='urn:xmpp:occupant-id:0'/></query>"}
        t.says("/join %s Ann" % ROOM)
        enters()
        odd.heard("<iq [^>]*to='%s'.*disco#info|<iq [^>]*disco#info.*" % ROOM)
        says("Bob", "8", "THREE of another", corrects="7")
        t.shows("(?s)Bob: THREE\\b.*Bob: THREE of another")
        says("Bob", "9", "FOUR", more=who("b"))
        goes("Bob")
        is_there("Bob")
        says("Bob", "10", "FOUR of another", corrects="9", more=who("c"))
        t.shows("(?s)Bob: FOUR\\b.*Bob: FOUR of another")
        says("Bob", "11", "FOUR better", corrects="9", more=who("b"))
        t.shows("Bob: FOUR better \\(corrected\\)")
        says("Bob", "12", "OLD", more="<delay xmlns='urn:xmpp:delay' stamp='2020-01-01T00:00:00Z'/>")
        says("Bob", "13", "OLD of another", corrects="12")
        t.shows("(?s)Bob: OLD\\b.*Bob: OLD of another")
        t.end()
    odd.answers = {}


def a_command_is_cancelled_that_gets_nothing_or_asks_without_end():
    config(account("ann", ", password_command: echo pw"))
    odd.came.clear()
    odd.answers = {"<command ": "<command xmlns='http://jabber.org/protocol/commands' node='n' sessionid='s' status='executing'>"
                   "<actions><next/></actions><x xmlns='jabber:x:data' type='form'><field var='a'/></x></command>"}
    assert call("adhoc", "odd.test", "n") == "a\n"  # what it wants to know; nothing is given
    odd.heard("<command [^>]*action='cancel'")
    assert "asks for the same again and again" in call("adhoc", "odd.test", "n", "a=1", code=2)
    odd.heard("<command [^>]*action='cancel'")
    odd.answers = {}


def tables_of_nothing_and_without_end_are_printed_at_once():
    def table(columns, rows):
        return {"<command ": "<command xmlns='http://jabber.org/protocol/commands' node='n' status='completed'><x xmlns='jabber:x:data' "
                "type='result'><reported>%s</reported>%s</x></command>" % (columns, rows)}

    config(account("ann", ", password_command: echo pw"))
    odd.answers = table("<field/><field var='a'/>", "<item><field var='a'><value>1</value></field><field var='b'/></item>")
    assert call("adhoc", "odd.test", "n") == "a\t1\n"
    odd.answers = table("<field var='a'/>" * 50000, "<item/>" * 100000)  # five thousand million cells, and nothing in them
    assert call("adhoc", "odd.test", "n") == ""
    odd.answers = {}


def what_is_said_in_a_room_is_heard_by_commands():
    """In a session of their own, and in that of a client that is in the room already, which shows it as ever."""
    config(account("ann", ", password_command: echo pw"))

    def enters():
        odd.heard("<presence (?![^>]*type=)[^>]*to='%s/Ann'" % ROOM)
        odd.send("<presence from='%s/Ann' to='ann@odd.test/r'><x xmlns='http://jabber.org/protocol/muc#user'><item affiliation='none' "
                 "role='participant'/><status code='110'/></x></presence>" % ROOM)

    def hears(*options):
        p = subprocess.Popen([MYNAH, *options, "--timeout", str(DEADLINE), "room", ROOM, "Ann"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, env=ENV)
        if "--no-socket" in options:
            enters()
        assert p.stdout.readline() == "%s\tAnn\n" % ROOM
        odd.send("<message from='%s/Bob' to='ann@odd.test/r' type='chat'><body>PRIVATE</body></message>"
                 "<message from='x@rooms.odd.test/Bob' to='ann@odd.test/r' type='groupchat'><body>ELSEWHERE</body></message>"
                 "<message from='%s/Bob' to='ann@odd.test/r' type='groupchat'><subject>SUBJECT</subject></message>"
                 "<message from='%s/Bob' to='ann@odd.test/r' type='groupchat'><body>hello all</body><delay xmlns='urn:xmpp:delay' "
                 "stamp='2020-02-03T04:05:06Z'/></message>" % (ROOM, ROOM, ROOM))
        assert p.stdout.readline().endswith("\tBob\thello all\n")
        p.terminate()
        p.communicate(timeout=DEADLINE)

    hears("--no-socket")
    with Screen([MYNAH], ENV, size=(30, 110)) as t:
        t.shows("ann@odd.test/r is online")
        t.says("/join %s Ann" % ROOM)
        enters()
        t.shows("joined as Ann")
        hears()
        t.shows("Bob: hello all")
        t.end()


def a_message_has_come_also_where_nothing_is_acknowledged():
    """What the server answers behind it shows that; a script that is told else sends it again."""
    config(account("ann", ", password_command: echo pw"))
    for what in "", error("service-unavailable"):
        odd.answers = {"<ping ": what}
        assert '"state":"acked"' in call("--json", "send", "bob@odd.test", "hello").replace(" ", "")
        assert "<body>hello</body>" in odd.heard("<message")
    odd.answers = {"<ping ": None}
    assert "no answer in time" in call("--timeout", "2", "send", "bob@odd.test", "hello", code=3)
    assert call("--wait", "written", "send", "bob@odd.test", "hello") == ""
    odd.answers = {}


def what_cannot_be_printed_is_no_success():
    """Neither of a session of its own, nor of one that runs, nor without one."""
    config(account("ann", ", password_command: echo pw"))

    def full(*words):
        with open("/dev/full", "w") as out:
            p = subprocess.run([MYNAH, *words], stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.PIPE, text=True, env=ENV, timeout=2 * DEADLINE)
        assert p.returncode == 1 and p.stderr == "mynah: No space left on device\n", (words, p)

    for words in ["login"], ["--json", "disco", "odd.test"], ["--timeout", "0", "listen"]:
        odd.answers = {"disco#info": "<query xmlns='http://jabber.org/protocol/disco#info'><identity category='a' type='b'/><feature var='c'/></query>"}
        full(*words)
    with Screen([MYNAH], ENV, size=(30, 110)) as t:
        t.shows("ann@odd.test/r is online")
        full("listen")
        t.says("/msg bob@odd.test")
        t.shows("bob>")
        t.says("hello")
        t.shows("me: hello")
        t.end()
    full("history")
    odd.answers = {}


def what_is_interrupted_is_done_only_where_nothing_else_ends_it():
    """The message may be there or not: whoever sends it is not told that it is."""
    config(account("ann", ", password_command: echo pw"))

    def interrupted(code, *words):
        with subprocess.Popen([MYNAH, *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENV) as p:
            if words[0] == "send":
                odd.heard("<message [^>]*to='bob@odd.test'.*<body>%s</body>" % words[2])
            else:
                assert p.stdout.readline()
            p.terminate()
            assert p.wait(DEADLINE) == code, (words, p.returncode, p.stderr.read())

    def both(where):
        interrupted(1, "send", "bob@odd.test", where)
        interrupted(0, "listen")

    odd.answers = {"<ping ": None}
    both("by itself")
    with Screen([MYNAH], ENV, size=(30, 110)) as t:
        t.shows("ann@odd.test/r is online")
        both("by another")
        t.end()
    odd.answers = {}


def a_terminal_shows_again_what_is_typed():
    """Also when the question for the password was interrupted."""
    config(account("ann", ""))
    ours, terminal = pty.openpty()
    shows = lambda: bool(termios.tcgetattr(terminal)[3] & termios.ECHO)
    with subprocess.Popen([MYNAH, "login"], stdin=terminal, stdout=terminal, stderr=subprocess.PIPE, env=ENV) as p:
        assert p.stderr.read(10) == b"Password: " and not shows()
        p.send_signal(signal.SIGINT)
        assert p.wait(DEADLINE) == -signal.SIGINT and shows()
    os.close(ours)
    os.close(terminal)


def half_a_photo_is_none():
    """What is there would be in the way when the disk has room again."""
    config(account("ann", ", password_command: echo pw"))
    odd.answers = {"type='get'.*vcard-temp": CARD}

    def small():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (3, resource.RLIM_INFINITY))

    path = FOLDER + "/photo.gif"
    call("vcard", "photo", path, code=1, preexec_fn=small)
    call("vcard", "photo", path)
    with open(path, "rb") as f:
        assert f.read() == b"GIF8"
    odd.answers = {}


odd = Odd()
try:
    failed = tap([a_vcard_that_cannot_be_read_is_not_replaced, nor_by_the_form_on_the_screen, a_roster_that_is_refused_is_told,
                  what_a_server_says_is_harmless_on_the_terminal, a_wrong_password_is_asked_for_anew, the_keyring_is_waited_for_by_nobody, a_password_file_goes_with_its_account,
                  nobody_corrects_what_another_said_under_the_same_name, a_command_is_cancelled_that_gets_nothing_or_asks_without_end,
                  tables_of_nothing_and_without_end_are_printed_at_once, what_is_said_in_a_room_is_heard_by_commands, a_message_has_come_also_where_nothing_is_acknowledged,
                  what_cannot_be_printed_is_no_success, what_is_interrupted_is_done_only_where_nothing_else_ends_it,
                  a_terminal_shows_again_what_is_typed, half_a_photo_is_none])
finally:
    odd.listener.close()
    shutil.rmtree(FOLDER)
sys.exit(failed != 0)
