#!/usr/bin/python3
"""The terminal client, byte by byte: nothing that others say is a command to the terminal, pastes send nothing, other programs edit and
open what is theirs, a mouse clicks, a service asks in several stages, and what a key, a burst and an idle hour cost in calls of the system.
Prints TAP. usage: terminal_bytes.py MYNAH MYNAHD DISK.so"""
import hashlib, os, re, shutil, sqlite3, stat, subprocess, sys, tempfile, time

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path += [TESTS, TESTS + "/interop"]
from driver import account, config_new, person, serving
from mynah import Client, DEADLINE, STUCK, Shim, tap, wait_for
from screen import Calls, Screen

MYNAH, MYNAHD, DISK = (os.path.abspath(p) for p in sys.argv[1:])
FOLDER = tempfile.mkdtemp(prefix="mynah-bytes-")
ROOMS = "rooms.mynah.test"
HOSTILE = "\u009b31mRED\u009d0;TITLE\u009c\u202egnp.exe\u2066x\u200f\u2028\x7f\u0085"


def script(name, text):
    path = FOLDER + "/" + name
    with open(path, "w") as f:
        f.write("#!/bin/sh\n" + text)
    os.chmod(path, stat.S_IRWXU)
    return path


ENV = {**os.environ, "HOME": FOLDER, "XDG_CONFIG_HOME": FOLDER, "XDG_DATA_HOME": FOLDER + "/data", "XDG_RUNTIME_DIR": FOLDER,
       "LC_ALL": "C.UTF-8", "LANGUAGE": "", "TERM": "xterm-256color", "NO_COLOR": "", "VISUAL": script("editor", "sed -i s/alpha/beta/ \"$1\"\n"),
       "BROWSER": script("browser", "printf '%%s\\n' \"$@\" > %s/opened.new && mv %s/opened.new %s/opened\n" % (FOLDER, FOLDER, FOLDER))}


class Room(Client):
    """A service of somebody who means harm (XEP-0114): a room in which Bob is called what it likes, and a form."""

    def __init__(self):
        super().__init__(server, opened=False, at=("127.0.0.1", server.ports[2]))
        self.send("<stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams' to='%s'>" % ROOMS)
        head = self.until("<stream:stream [^>]*>")
        self.send("<handshake>%s</handshake>" % hashlib.sha1((re.search("id='([^']+)'", head)[1] + "abc").encode()).hexdigest())
        self.until("<handshake/>")

    def asked(self, kind, what):
        """Until somebody asks this: who, and its id."""
        tag = re.findall("<%s [^>]*>" % kind, self.until(what))[-1]
        return [re.search("\\b%s=['\"]([^'\"]*)|$" % name, tag)[1] for name in ("from", "id")]

    def occupant(self, to, nick, attrs="", item="affiliation='none' role='participant'", more=""):
        self.send("<presence from='r@%s/%s' to='%s' %s><x xmlns='http://jabber.org/protocol/muc#user'><item %s/>%s</x></presence>"
                  % (ROOMS, nick, to, attrs, item, more))


def begin():
    global ann, bob, rooms
    rooms = Room()
    account(server, "ann")
    ann = Screen([MYNAH, "--host", "127.0.0.1", "--port", str(server.ports[0]), "--ca-file", server.ca, "--account",
                  "ann@" + server.host], ENV)
    ann.shows("password of ann")
    ann.says("testpwd")
    ann.shows("ann@%s/.* is online" % server.host)
    account(server, "bob")
    bob = person(server, "bob", "r")
    bob.send("<presence/>")
    ann.says("/roster add bob@%s %s" % (server.host, HOSTILE.replace("\x7f", "")))
    ann.says("/sub request bob@" + server.host)
    bob.until("type='subscribe'")
    bob.send("<presence to='ann@%s' type='subscribed'/>" % server.host)


def nothing_hostile_was_written():
    ann.quiet()
    text = ann.written.decode()
    for c in set(HOSTILE) - set("31mRED0;TITLEgnp.exe"):
        assert c not in text, "U+%04X in %r" % (ord(c), text[max(0, text.index(c) - 200):][:300])
    assert not re.search("\x1b\\][^2]", text) and "TITLE" not in "".join(re.findall("\x1b\\]2;(.*?)\x07", text))


def nothing_that_others_say_is_a_command_to_the_terminal():
    to = "to='ann@%s' type='chat'" % server.host
    ann.says("/xml")
    ann.shows("XML>")  # what it says at first may be gone already, for what goes over the wire
    bob.send("<presence><show>away</show><status>%s</status></presence>" % HOSTILE)
    bob.send("<message %s id='%s'><body>%s END1</body><subject>%s</subject></message>" % (to, HOSTILE.replace("\u2028", ""), HOSTILE, HOSTILE))
    ann.shows("END1")
    ann.says("/msg bob@" + server.host)
    ann.says("/quote")
    ann.shows("> .*END1")
    ann.types("\x15\x03")
    for command in "/msg %s", "/join %s", "/theme %s", "/url", "/nosuch%s", "/find %s":
        ann.says(command.replace("%s", HOSTILE))
    bob.send("<message to='ann@%s' type='error' id='z'><error type='cancel'><x xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>"
             "<text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'>%s</text></error></message>" % (server.host, HOSTILE))
    bob.send("<message %s><body>END2</body></message>" % to)
    ann.says("/msg bob@" + server.host)
    ann.shows("END2")
    nothing_hostile_was_written()


def neither_are_names_subjects_and_forms():
    text = HOSTILE.replace("\x7f", "")
    ann.says("/roster group add bob@%s GRP%s" % (server.host, text))
    ann.shows("GRP")
    ann.says("/join r@%s Ann" % ROOMS)
    to, _ = rooms.asked("presence", "<presence [^>]*to=.r@%s/Ann" % ROOMS + "[^>]*>")
    rooms.occupant(to, "Bob")
    rooms.occupant(to, "Ann", more="<status code='110'/>")
    rooms.send("<message from='r@%s/Bob' to='%s' type='groupchat'><subject>SUBJ%s</subject></message>" % (ROOMS, to, text))
    ann.shows("subject: SUBJ")
    rooms.occupant(to, "Bob", "type='unavailable'", "affiliation='none' role='participant' nick='Rob%s'" % text, "<status code='303'/>")
    rooms.send("<message from='r@%s/Bob' to='%s' type='groupchat'><body>END3</body></message>" % (ROOMS, to))
    ann.shows("END3")
    ann.says("/cmd exec n %s" % ROOMS)
    who, id = rooms.asked("iq", "<iq [^>]*><command [^>]*>")
    rooms.send("<iq type='result' from='%s' to='%s' id='%s'><command xmlns='http://jabber.org/protocol/commands' node='n' sessionid='s' "
               "status='executing'><actions><complete/></actions><x xmlns='jabber:x:data' type='form'><title>T%s</title><instructions>I%s</instructions>"
               "<field var='a' type='text-single' label='LABEL%s'><value>V%s</value></field><field var='b' type='list-single' label='b'>"
               "<value>o</value><option label='OPTION%s'><value>o</value></option></field></x></command></iq>" % (ROOMS, who, id, *[text] * 5))
    ann.shows("LABEL")
    ann.shows("OPTION")
    ann.types("\x1b")
    stage("cancel", "", "canceled")  # what waits for an answer wakes up in the end
    ann.quiet()
    ann.says("/msg bob@" + server.host)
    bob.send("<presence to='ann@%s' type='subscribe'/>" % server.host)
    ann.shows("wants to see when you are online *Alt-y yes")
    ann.types("\x1by")
    bob.until("<presence [^>]*from='%s'" % to)
    si = "http://jabber.org/protocol/si"
    bob.send("<iq type='set' id='o' to='%s'><si xmlns='%s' id='a' profile='%s/profile/file-transfer'><file xmlns='%s/profile/file-transfer' "
             "name='FILE%s' size='1'><desc>%s</desc></file><feature xmlns='http://jabber.org/protocol/feature-neg'><x xmlns='jabber:x:data' type='form'>"
             "<field var='stream-method' type='list-single'><option><value>http://jabber.org/protocol/ibb</value></option></field></x></feature></si></iq>"
             % (to, si, si, si, text, text))
    ann.shows("offers FILE.*Alt-y yes")
    ann.types("\x1bn")
    ann.shows("was declined")
    nothing_hostile_was_written()


def what_is_pasted_is_not_sent():
    ann.types("\x1b[200~one\rtwo\n\x1b[31mthree\x07\x1b[201~")
    ann.shows("31mthree")
    ann.types("\r")
    got = bob.until("<body>.*</body>")
    assert re.search("<body>one\ntwo\n\\[?31mthree</body>", str(got)), got


def nothing_in_a_paste_is_a_key():
    """Neither Enter of the number pad nor Alt with a letter; and its end may come in two pieces."""
    ann.says("/msg kim@" + ROOMS)
    rooms.send("<presence from='kim@%s' to='ann@%s' type='subscribe'/>" % (ROOMS, server.host))
    ann.shows("wants to see when you are online *Alt-y yes")
    ann.types("\x1b[200~one\x1bOM\x1bn\x1b[A \x1b[2x\t\x1b[201")
    ann.quiet()
    ann.types("~")
    ann.shows("Alt-y yes")
    ann.types("\x1bn\r")
    got = rooms.until("<body>.*</body>")
    assert re.search("<body>onen\\[A \\[2x +</body>", got), got
    ann.says("/msg bob@" + server.host)


def a_mouse_clicks_and_scrolls():
    ann.says("/mouse on")
    bob.send("<message to='ann@%s' type='chat'><body>%s</body></message>" % (server.host, "\n".join("line %d" % i for i in range(60))))
    ann.shows("line 59")
    ann.types("\x1b[<64;10;5M")
    ann.shows("scrolled.*line 56")
    ann.types("\x1b[<65;10;5M")
    ann.shows("line 59")
    ann.types("\x1b[<0;27;23M\x1b[<0;27;23m")  # behind the time and the account
    ann.shows(" Mynah.*Welcome|not logged|/help")
    ann.types("\x1b[<0;90;3M\x1b[<0;90;3m")
    ann.shows("bob@%s.*line 59" % server.host)
    ann.says("/mouse off")


def stage(action, inside, status="executing", error=""):
    """What was asked of the command, answered."""
    rooms.asked_of = rooms.until("<command [^>]*action='%s'[^>]*>.*?</iq>|<command [^>]*action='%s'[^>]*/>" % (action, action))
    tag = re.findall("<iq [^>]*>", rooms.asked_of)[-1]
    who, id = (re.search("\\b%s='([^']*)" % name, tag)[1] for name in ("from", "id"))
    rooms.send("<iq type='%s' from='%s' to='%s' id='%s'>" % ("error" if error else "result", ROOMS, who, id) + (error or
               "<command xmlns='http://jabber.org/protocol/commands' node='wizard' sessionid='s1' status='%s'>%s</command>" % (status, inside)) + "</iq>")


def a_command_goes_stage_by_stage():
    """And each of its notes is seen."""
    form = "<x xmlns='jabber:x:data' type='form'><title>%s</title><field var='%s' label='%s'><value>%s</value></field></x>"
    first = "<actions execute='next'><next/></actions><note type='warn'>note A</note><note>note B</note>" + form % ("Stage 1", "a", "Colour", "red")
    second = "<actions execute='complete'><prev/><next/><complete/></actions>" + form % ("Stage 2", "b", "Size", "big")
    ann.says("/cmd exec wizard " + ROOMS)
    stage("execute", first)
    ann.shows("Stage 1.*note A.*note B.*> Colour *\\[red +\\].*\\[ Next \\]  \\[ Cancel \\]")
    ann.types("dish\t\r")
    stage("next", second)
    assert "sessionid='s1'" in rooms.asked_of and "<value>reddish</value>" in rooms.asked_of, rooms.asked_of
    ann.shows("Stage 2.*> Size *\\[big.*\\[ Finish \\]  \\[ Next \\]  \\[ Back \\]  \\[ Cancel \\]")
    ann.types("\t\t\t\r")
    stage("prev", first)
    assert "<x " not in rooms.asked_of, rooms.asked_of
    ann.shows("Stage 1")
    ann.types("\t\r")
    stage("next", second)
    ann.shows("Stage 2")
    ann.types("ger\t\r")
    stage("complete", "", error="<error type='modify'><bad-request xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>")
    ann.shows("Stage 2.*bad-request.*> Size *\\[bigger")
    ann.types("\t\r")
    stage("complete", "<note type='error'>note C</note><note type='info'>note D</note><x xmlns='jabber:x:data' type='result'>"
          "<field var='r' label='Result'><value>fine</value></field></x>", "completed")
    assert "<value>bigger</value>" in rooms.asked_of, rooms.asked_of
    ann.shows("Result: fine.*\\[>Close<\\]")
    ann.types("\r")
    ann.shows("note C.*note D")
    ann.says("/cmd exec wizard " + ROOMS)
    stage("execute", second)
    ann.shows("Stage 2")
    ann.types("\x1b")
    stage("cancel", "", "canceled")
    assert "sessionid='s1'" in rooms.asked_of, rooms.asked_of


def what_is_being_filled_in_stays():
    """An answer that comes late waits for the form that is there."""
    ann.says("/cmd exec wizard " + ROOMS)
    ann.says("/vcard set")
    ann.shows("> Full name")
    ann.types("Ann Onymous")
    stage("execute", "<actions><complete/></actions><x xmlns='jabber:x:data' type='form'><field var='l' label='Late'/></x>")
    ann.shows("> Full name *\\[Ann Onymous")
    since = ann.mark()
    ann.types("\x1b")
    ann.until(b"Late", since)  # before that, what is typed behind it is a key with Alt
    ann.shows("> Late")
    ann.types("\x1b")
    stage("cancel", "", "canceled")


def an_editor_changes_the_line_and_a_browser_gets_an_address_whole():
    ann.types("alpha")
    ann.shows("> alpha")
    ann.types("\x1be")
    ann.shows("> beta")
    ann.types("\r")
    bob.until("<body>beta</body>")
    bob.send("<message to='ann@%s' type='chat'><body>see https://example.org/a?b=c&amp;d='$(touch)`x`.</body></message>" % server.host)
    ann.shows("see https")
    ann.says("/url open")
    end = time.monotonic() + DEADLINE
    while not os.path.exists(FOLDER + "/opened"):
        assert time.monotonic() < end
        time.sleep(0.02)
    with open(FOLDER + "/opened") as f:
        assert f.read() == "https://example.org/a?b=c&d=\n"


def a_key_and_an_idle_minute_cost_what_they_should():
    ann.quiet(1)
    with open("/proc/%d/maps" % ann.process.pid) as f:
        if "libtsan" in f.read():
            print("# not counted: ThreadSanitizer has a thread that wakes up by itself")
            return
    ann.sleeps(3)
    calls = Calls(ann.process.pid, FOLDER)
    if not calls.works:
        print("# not counted: " + calls.why)
        return
    time.sleep(2)
    idle = calls.end()
    # Something that was begun long before may end by its clock just now. Each turn looks whether a key was pressed.
    turns = len([c for c in idle if c.startswith("poll(")])
    waits = "restart_syscall", "ppoll(", "strace:", "<... ppoll", "---", "futex("
    assert turns == 1 or not [c for c in idle if not c.startswith(waits)], idle
    calls = Calls(ann.process.pid, FOLDER)
    since = ann.mark()
    for key in "abcdefgh":
        ann.types(key)
        ann.until(key.encode(), since)
    ann.quiet()
    made = calls.end()
    written = ann.mark() - since
    names = {re.match(r"(?:<\.\.\. )?(\w+)", c)[1] for c in made if not c.startswith("---")}
    assert not names & {"open", "openat", "pread64", "pwrite64", "fsync", "fdatasync", "stat", "newfstatat", "statx", "access"}, names
    assert written < 8 * 100, written
    assert len(made) < 8 * 25, made
    ann.types("\x15")


def a_burst_is_drawn_and_kept_once():
    ann.quiet(1)
    calls = Calls(ann.process.pid, FOLDER)
    if not calls.works:
        print("# not counted: " + calls.why)
        return
    bob.send("".join("<message to='ann@%s' type='chat'><body>burst %d</body></message>" % (server.host, i) for i in range(50)))
    # Not by what is shown, for which all of the screen would be drawn again and again.
    bob.send("<message to='ann@%s' type='chat' id='all'><body>and all</body><request xmlns='urn:xmpp:receipts'/></message>" % server.host)
    bob.until("<received [^>]*id='all'")
    ann.quiet()
    made = calls.end()
    ann.shows("burst 49.*and all")
    count = lambda call: len([c for c in made if c.startswith(call)])
    assert count("write(1,") < 20 and count("fdatasync(") < 20, [c for c in made if re.match("write.1,|fdatasync|pwrite64", c)]


class Slow(Screen):
    """mynah of `who`, whose history is on a disk that can be stuck."""

    def __init__(self, who):
        home = os.path.realpath(FOLDER) + "/slow-" + who
        os.makedirs(home, exist_ok=True)
        self.disk = Shim(DISK, home, FOLDER + "/left")
        super().__init__([MYNAH, "--no-socket", "--host", "127.0.0.1", "--port", str(server.ports[0]), "--ca-file", server.ca, "--account",
                          "%s@%s/t" % (who, server.host)], {**ENV, "XDG_DATA_HOME": home, **self.disk.prepare()})
        self.shows("password of " + who)
        self.says("testpwd")
        self.shows("%s@%s/.* is online" % (who, server.host))


def told(who, first, count):
    """Numbers to somebody, so many that SQLite moves its log into the file."""
    return "".join("<message to='%s@%s' type='chat' id='m%d'><body>n%d %s</body></message>" % (
        who, server.host, n, n, " ".join("%d" % m for m in range(1000 * n, 1000 * n + 300))) for n in range(first, first + count))


def no_key_waits_for_the_disk():
    """Which is stuck at the first message: what came meanwhile is taken afterwards."""
    account(server, "dora")
    with Slow("dora") as dora:
        dora.disk.set(STUCK, 1)
        for i in range(60):
            bob.send(told("dora", 10 * i, 10))
            key, since = "jqxzv"[i % 5], dora.mark()
            dora.types(key)
            dora.until(key.encode(), since)
        dora.disk.set(STUCK, 0)
        bob.send("<message to='dora@%s' type='chat'><body>the end</body></message>" % server.host)
        dora.types("\x15")
        dora.says("/msg bob@" + server.host)
        dora.shows("the end")
        wait_for(lambda: os.path.getsize(dora.disk.data + "/mynah/history.db") > 100000, "nothing was moved")  # for which the disk was stuck
        dora.end()


def what_was_not_kept_comes_again():
    """It was not acknowledged either (XEP-0198): the power goes while the disk is stuck."""
    account(server, "emma")
    with Slow("emma") as emma:
        bob.send(told("emma", 0, 200))
        emma.says("/msg bob@" + server.host)
        emma.shows("199299")
        emma.disk.set(STUCK, 1)
        for i in range(20, 40):
            bob.send(told("emma", 10 * i, 10))
            emma.sleeps(0.05)
    emma.disk.lose()
    with Slow("emma") as emma:
        bob.send("<message to='emma@%s' type='chat'><body>the end</body></message>" % server.host)
        emma.says("/msg bob@" + server.host)
        emma.shows("the end")
        emma.end()
        db = sqlite3.connect(emma.disk.data + "/mynah/history.db")
        kept = [int(body[1:].split()[0]) for (body,) in db.execute("SELECT body FROM said WHERE body LIKE 'n%' ORDER BY number")]
        db.close()
        assert kept == list(range(400)), (len(kept), kept[:5], sorted(set(range(400)) - set(kept)))


def a_window_of_any_size_is_drawn():
    ann.says("/msg bob@" + server.host)
    ann.types("long " * 100)
    for rows, columns in (5, 20), (2, 8), (1, 1), (200, 300), (24, 100):
        since = ann.mark()
        ann.resize(rows, columns)
        if rows * columns >= 20:
            ann.until(b".", since)
        ann.quiet(0.1)
        assert ann.process.poll() is None, (rows, columns)
    ann.shows("long long")
    ann.types("\x15")


def no_size_is_missed():
    """One that comes while the one before is drawn: nobody presses a key that would show it."""
    for _ in range(100):
        since = ann.mark()
        ann.resize(20, 100)
        ann.until(b".", since)
        ann.resize(28, 100)
        ann.until(rb"\x1b\[28[;d]", since)
        ann.sleeps(0.05)  # the rest of that is not taken for the beginning of the next
    ann.resize(24, 100)


def colours_are_those_that_are_wanted_and_there():
    with open(FOLDER + "/quiet.yaml", "w") as f: # an account, and nothing that it asks
        f.write("accounts: [{jid: ann@%s, enabled: off}]\n" % server.host)
    colour = re.compile(b"\x1b\\[[0-9;]*(3[0-7]|4[0-7]|38;[25]|48;[25])[0-9;]*m")
    for env, fits in (({"NO_COLOR": "1"}, lambda c: not c), ({"TERM": "vt100"}, lambda c: not c and b"\x1b]" not in screen.written),
                      ({"TERM": "xterm"}, lambda c: c and not any(b"38" in x or b"48" in x for x in c)),
                      ({}, lambda c: any(b"48;5" in x for x in c)), ({"TERM": "xterm-direct"}, lambda c: any(b"8:2" in x or b"48;2" in x for x in c))):
        if subprocess.run(["infocmp", env.get("TERM", "xterm")], capture_output=True).returncode:
            continue # terminfo does not know it here
        with Screen([MYNAH, "--config", FOLDER + "/quiet.yaml"], {**ENV, **env}) as screen:
            screen.shows("Welcome")
            screen.end()
            found = [m[0] for m in re.finditer(rb"\x1b\[[0-9;:]*m", screen.written) if colour.match(m[0]) or b":" in m[0]]
            assert fits(found), (env, found[:9])


def it_ends_well():
    ann.end()


HOST, CONFIG = config_new("components: [{name: %s, secret: abc}]\n" % ROOMS)
with serving(MYNAHD, HOST, CONFIG.replace("tls: direct}", "tls: direct}\n  - {service: component, address: 127.0.0.1, port: 0, tls: off}")) as server:
    begin()
    with ann:
        failed = tap([nothing_that_others_say_is_a_command_to_the_terminal, neither_are_names_subjects_and_forms, what_is_pasted_is_not_sent,
                      nothing_in_a_paste_is_a_key, a_mouse_clicks_and_scrolls, a_command_goes_stage_by_stage, what_is_being_filled_in_stays,
                      an_editor_changes_the_line_and_a_browser_gets_an_address_whole, a_key_and_an_idle_minute_cost_what_they_should,
                      a_burst_is_drawn_and_kept_once, no_key_waits_for_the_disk, what_was_not_kept_comes_again, a_window_of_any_size_is_drawn, no_size_is_missed,
                      colours_are_those_that_are_wanted_and_there, it_ends_well])
shutil.rmtree(FOLDER)
sys.exit(failed != 0)
