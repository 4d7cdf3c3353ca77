#!/usr/bin/python3
"""`mynah COMMAND`, and a server whose every text is a command to the terminal, turns the direction of what is read, or looks like another
line. Prints TAP. usage: mynah_harmless.py MYNAH"""
import json, os, queue, re, shutil, signal, subprocess, sys, threading

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.append(TESTS)
from mynah import DEADLINE, put, tap
from odd import Odd, error, home

MYNAH = os.path.abspath(sys.argv[1])
FOLDER, ENV = home("harmless")
BAD = "\u009b31m\u009d0;TITLE\u009c\u202egnp.exe\u2066x\u2028\u0085\u200f\x7f"
HARMFUL = set(BAD) - set("31m0;TITLEgnp.exe")
LINE = "\n12:00\tevil@odd.test\tsend money"
ROOM = "r@rooms.odd.test"
INFO, ITEMS, COMMANDS = ("http://jabber.org/protocol/" + x for x in ("disco#info", "disco#items", "commands"))
FORM = ("<x xmlns='jabber:x:data' type='result'><title>T{0}</title><instructions>I{0}</instructions><field var='V{0}' type='text-single' label='L{0}'>"
        "<value>VALUE{0}{1}</value></field><reported><field var='c' label='C{0}'/></reported><item><field var='c'><value>CELL{0}{1}</value></field>"
        "</item></x>").format(BAD, LINE)
STAGE = "<command xmlns='%s' node='n' sessionid='s' status='completed'><note type='TYPE'>NOTE%s%s</note>%s</command>" % (COMMANDS, BAD, LINE, FORM)
CARD = "<vCard xmlns='vcard-temp'>%s<PHOTO><TYPE>TYPE{0}</TYPE><BINVAL>AAAA</BINVAL></PHOTO></vCard>".format(BAD) % "".join(
    "<%s>%s%s%s</%s>" % (name, name, BAD, LINE, name) for name in ("FN", "NICKNAME", "URL", "TITLE", "DESC", "BDAY", "JABBERID"))
ANSWERS = {
    "'%s'.*node='%s'|node='%s'.*'%s'" % (ITEMS, COMMANDS, COMMANDS, ITEMS):
        "<query xmlns='%s' node='%s'><item jid='odd.test' node='NODE%s' name='NAME%s%s'/></query>" % (ITEMS, COMMANDS, BAD, BAD, LINE),
    ITEMS: "<query xmlns='%s'><item jid='a@odd.test/%s' node='%s' name='NAME%s%s'/></query>" % (ITEMS, BAD, BAD, BAD, LINE),
    INFO: "<query xmlns='%s'><identity category='C%s' type='T%s' name='NAME%s%s'/><feature var='F%s'/></query>" % (INFO, BAD, BAD, BAD, LINE, BAD),
    COMMANDS: STAGE,
    "type='get'.*vcard-temp": CARD,
    "jabber:iq:roster": "<query xmlns='jabber:iq:roster'><item jid='bob@odd.test' name='NAME%s%s' subscription='both'><group>GROUP%s%s</group>"
                        "</item></query>" % (BAD, LINE, BAD, LINE),
    "urn:xmpp:ping": error("service-unavailable").replace("</error>", "<text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'>TEXT%s%s</text></error>" % (BAD, LINE)),
}


def harmless(said, lines=None):
    bad = set(said) & HARMFUL
    assert not bad, (["U+%04X" % ord(c) for c in bad], said)
    assert lines is None or len(said.splitlines()) == lines == said.count("\n"), (lines, said)
    assert not re.search(r"(?m)^12:00\tevil", said), said


def call(*words, lines=None, code=0):
    """In words and as JSON, which says all of it all the same."""
    for options in [], ["--json"]:
        p = subprocess.run([MYNAH, *options, *words], stdin=subprocess.DEVNULL, capture_output=True, env=ENV, timeout=2 * DEADLINE)
        assert p.returncode == code, (words, p)
        out, err = p.stdout.decode(), p.stderr.decode()
        harmless(out, lines if not options else None)
        harmless(err)
    return [json.loads(line) for line in out.splitlines()], err


class Listener:
    def __init__(self, *words):
        self.process = subprocess.Popen([MYNAH, *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, env=ENV)
        self.lines = queue.Queue()
        threading.Thread(target=lambda: [self.lines.put(line.decode()) for line in self.process.stdout], daemon=True).start()

    def next(self):
        line = self.lines.get(timeout=DEADLINE)
        harmless(line, 1)
        return line

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(DEADLINE) == 0


def what_is_asked_for_is_one_harmless_line_each():
    odd.answers = ANSWERS
    said, _ = call("disco", "odd.test", lines=3)
    assert said[0] == {"category": "C" + BAD, "type": "T" + BAD, "name": "NAME" + BAD + " 12:00 evil@odd.test send money"}, said[0]
    call("adhoc", "odd.test", lines=1)
    said, _ = call("adhoc", "odd.test", "n", lines=3)
    assert {"field": "V" + BAD, "label": "L" + BAD, "value": "VALUE" + BAD + LINE} in said and {"field": "c", "value": "CELL" + BAD + LINE} in said, said
    assert {"info": "NOTE" + BAD + LINE} in said, said  # what kind of a note it is, only a few words may say
    said, _ = call("vcard", "bob@odd.test")
    assert said[0]["full_name"] == "FN" + BAD + LINE, said
    said, _ = call("roster", lines=1)
    assert said[0]["groups"].startswith("GROUP" + BAD), said
    _, why = call("ping", "odd.test", code=2)
    assert "TEXT" in why, why


def what_is_heard_is_one_harmless_line_each():
    message = ("<message type='%%s' from='%%s' to='ann@odd.test/r' id='I%s'><body>BODY%s%s</body><subject>SUBJECT%s%s</subject></message>"
               % (BAD, BAD, LINE, BAD, LINE))
    for options in [], ["--json"]:
        with Listener(*options, "listen") as ann:
            ann.next()
            for kind in "chat", "normal", "headline", "groupchat":
                odd.send(message % (kind, "bob@odd.test/R" + BAD))
                assert "BODY" in ann.next()
            odd.send("<message xmlns='jabber:client' type='error' from='bob@odd.test/R%s'><body>BODY%s</body><error type='cancel'><gone xmlns="
                     "'urn:ietf:params:xml:ns:xmpp-stanzas'>%s</gone><text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'>%s</text></error></message>" % ((BAD,) * 4))
            assert "BODY" in ann.next()
        with Listener(*options, "room", ROOM, "Ann") as ann:
            odd.heard("<presence (?![^>]*type=)[^>]*to='%s/Ann'" % ROOM)
            odd.send("<presence from='%s/Ann' to='ann@odd.test/r'><x xmlns='http://jabber.org/protocol/muc#user'><item affiliation='none' "
                     "role='participant'/><status code='110'/></x></presence>" % ROOM)
            ann.next()
            odd.send(message % ("groupchat", "%s/N%s" % (ROOM, BAD)))
            assert "BODY" in ann.next()


def what_comes_raw_is_one_harmless_line_each():
    p = subprocess.Popen([MYNAH, "raw"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=ENV)
    odd.came.clear()
    p.stdin.write(b"<iq type='get' id='1' to='odd.test'><ping xmlns='urn:xmpp:ping'/></iq>")
    p.stdin.close()
    while True:
        line = p.stdout.readline().decode()
        harmless(line, 1)
        if "TEXT" in line:
            break
    p.send_signal(signal.SIGTERM)
    p.stdout.read()
    assert p.wait(DEADLINE) == 0


def a_file_has_a_harmless_name():
    """On the terminal, as JSON, and on the disk."""
    info = {"'%s'" % INFO: "<query xmlns='%s'/>" % INFO}
    offer = ("<iq type='set' id='o' from='bob@odd.test/r' to='ann@odd.test/r'><si xmlns='http://jabber.org/protocol/si' id='s1' mime-type='text/plain' "
             "profile='http://jabber.org/protocol/si/profile/file-transfer'><file xmlns='http://jabber.org/protocol/si/profile/file-transfer' "
             "name='../../%s' size='3'><desc>DESC%s</desc></file><feature xmlns='http://jabber.org/protocol/feature-neg'><x xmlns='jabber:x:data' "
             "type='form'><field var='stream-method' type='list-single'><option><value>http://jabber.org/protocol/ibb</value></option></field></x>"
             "</feature></si></iq>" % ("NAME" + BAD + ".txt", BAD))
    odd.came.clear()
    odd.answers = {**info, **{k: v for k, v in ANSWERS.items() if "roster" in k}}
    for options in [], ["--json"]:
        folder = FOLDER + "/in%d" % len(options)
        os.mkdir(folder)
        with Listener(*options, "--limit", "1", "file", "receive", folder) as ann:
            ann.next()
            odd.heard("<presence><priority>")  # it has the roster
            odd.send(offer)
            odd.heard("<iq [^>]*type='result'[^>]*>.*<si ")
            odd.send("<iq type='set' id='b' from='bob@odd.test/r' to='ann@odd.test/r'><open xmlns='http://jabber.org/protocol/ibb' sid='s1' block-size='4096' "
                     "stanza='iq'/></iq><iq type='set' id='d' from='bob@odd.test/r' to='ann@odd.test/r'><data xmlns='http://jabber.org/protocol/ibb' sid='s1' "
                     "seq='0'>YWJj</data></iq><iq type='set' id='c' from='bob@odd.test/r' to='ann@odd.test/r'><close xmlns='http://jabber.org/protocol/ibb' "
                     "sid='s1'/></iq>")
            assert "NAME" in ann.next()
            assert ann.process.wait(DEADLINE) == 0
        names = os.listdir(folder)
        assert len(names) == 1 and names[0].startswith("NAME"), names
        harmless(names[0])


odd = Odd()
put(FOLDER, "mynah/config.yaml", "accounts:\n  - {jid: ann@odd.test, host: 127.0.0.1, port: %d, tls: off, password_command: echo pw}\n" % odd.port)
try:
    failed = tap([what_is_asked_for_is_one_harmless_line_each, what_is_heard_is_one_harmless_line_each, what_comes_raw_is_one_harmless_line_each,
                  a_file_has_a_harmless_name])
finally:
    odd.listener.close()
    shutil.rmtree(FOLDER)
sys.exit(failed != 0)
