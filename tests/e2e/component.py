#!/usr/bin/python3
"""External components (XEP-0114), written by hand: who may come, what reaches them and what may come from them. Prints TAP.
usage: component.py MYNAHD MYNAHCTL"""
import ctypes, hashlib, itertools, json, os, re, shutil, socket, subprocess, sys, tempfile

sys.path.append(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from beside import Beside, once
from mynah import DEADLINE, Client, Server, end_all, person as come

MYNAHD, MYNAHCTL = sys.argv[1:]
FOLDER = tempfile.mkdtemp(prefix="mynah-component-")
CONFIG = FOLDER + "/mynahd.yaml"
ACCEPT = "jabber:component:accept"
SOURCES = itertools.cycle("127.0.0.1%02d" % i for i in range(100))  # an address has only so many lines of the log
MANY = ["c%d.localhost" % i for i in range(16)]

with open(FOLDER + "/secret", "w") as f:
    f.write("from a file\n")


def configured(path, data, login_time):
    with open(path, "w") as f:
        f.write("""
data: %s
loops: 4
domains: [{name: localhost}, {name: other.localhost}]
listen:
  - {address: 127.0.0.1, port: 0, tls: off}
  - {service: component, address: 127.0.0.1, port: 0, tls: off}
auth: {mechanisms: [PLAIN], without_tls: [PLAIN]}
registration: {open: yes, per_address: off}
limits: {stanza: 20k, stanza_before_login: 10k, login_time: %s, mailbox: 64k, queue: 512k}
components:
  - {name: echo.localhost, secret: abc}
  - {name: irc.localhost, secret_file: %s/secret}
%s""" % (data, login_time, FOLDER, "".join("  - {name: %s, secret: abc}\n" % name for name in MANY)))
    return path


class Connection(Client):
    def __init__(self):
        super().__init__(server, opened=False)
        self.socket.close()
        self.socket = socket.create_connection(("127.0.0.1", server.ports[1]), DEADLINE, (next(SOURCES), 0))


class Component(Connection):
    def __init__(self, name="echo.localhost", secret="abc", ns=ACCEPT):
        super().__init__()
        self.send("<stream:stream xmlns='%s' xmlns:stream='http://etherx.jabber.org/streams' to='%s'>" % (ns, name))
        self.head = self.until("<stream:stream [^>]*>")
        self.id = re.search("id='([^']+)'", self.head).group(1)
        self.shake(secret)

    def shake(self, secret):
        self.send("<handshake>%s</handshake>" % hashlib.sha1((self.id + secret).encode()).hexdigest())

    def logged_in(self):
        self.until("<handshake/>")
        return self

    def refused(self, condition):
        assert "<%s xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>" % condition in self.ends(), self.text

    def away(self):
        self.send("</stream:stream>")
        self.ends()


def ctl(*words):
    out = subprocess.run([MYNAHCTL, "--config", CONFIG, "--json", *words], capture_output=True, text=True, check=True)
    return json.loads(out.stdout)["ok"]


def person(name, known=False):
    if not known:
        c = Client(server)
        c.register(name)
        c.socket.close()
    c = come(server, name, "here")
    c.send("<iq type='get' id='r'><query xmlns='jabber:iq:roster'/></iq><presence/>")
    c.until("id='r'", "<presence [^>]*from='%s@localhost/here'[^>]*/>" % name)
    return c


def only_with_the_secret_and_a_configured_name():
    c = Component().logged_in()
    assert "from='echo.localhost'" in c.head and "xmlns='%s'" % ACCEPT in c.head, c.head
    c.away()
    Component("irc.localhost", "from a file").logged_in().away()
    Component(secret="wrong").refused("not-authorized")
    Component("irc.localhost", "abc").refused("not-authorized")
    for name in "nobody.localhost", "localhost", "below.echo.localhost", "":
        Component(name).refused("host-unknown")
    Component(ns="jabber:client").refused("invalid-namespace")


def nothing_before_the_handshake():
    c = Connection()
    c.send("<stream:stream xmlns='%s' xmlns:stream='http://etherx.jabber.org/streams' to='echo.localhost'>"
           "<message from='echo.localhost' to='romeo@localhost'/>" % ACCEPT)
    assert "<not-authorized " in c.ends(), c.text


def who_says_nothing_for_too_long_goes():
    """At a server that is in a hurry."""
    hasty = Server(MYNAHD, configured(FOLDER + "/hasty.yaml", FOLDER + "/hasty", "1s"))
    try:
        silent = Client(hasty, opened=False, at=("127.0.0.1", hasty.ports[1]))
        assert "<policy-violation " in silent.ends(), silent.text
    finally:
        hasty.end()


def one_connection_of_a_name():
    first = Component().logged_in()
    Component().refused("conflict")
    Component(secret="wrong").refused("not-authorized")  # and the name is told to nobody else
    first.away()
    Component().logged_in().away()


def stanzas_go_both_ways():
    romeo, echo = person("romeo"), Component().logged_in()
    for i, to in enumerate(("echo.localhost", "x@echo.localhost/r", "a@b.below.echo.localhost")):
        romeo.send("<message type='chat' id='m%d' to='%s'><body>&lt;%d</body><x xmlns='other'/></message>" % (i, to, i))
        echo.until("<message [^>]*to='%s'[^>]*><body>&lt;%d</body><x xmlns='other'/></message>" % (to, i))
        echo.send("<message from='%s' to='romeo@localhost/here' type='chat'><body>back</body></message>" % to)
        got = romeo.until("<message .*?</message>")
        # What had the content namespace of one stream has that of the other.
        assert "<body>back</body>" in got and "from='%s'" % to in got and ACCEPT not in got, got
    romeo.send("<iq type='get' id='q' to='echo.localhost'><query xmlns='jabber:iq:version'/></iq>")
    echo.until("<iq [^>]*id='q'[^>]*><query xmlns='jabber:iq:version'/></iq>")
    echo.send("<iq type='result' id='q' from='echo.localhost' to='romeo@localhost/here'/>")
    romeo.until("<iq [^>]*id='q'[^>]*/>")
    echo.send("<iq type='get' id='p' from='echo.localhost' to='localhost'><ping xmlns='urn:xmpp:ping'/></iq>")
    echo.until("<iq [^>]*id='p'[^>]*/>")
    romeo.socket.close()
    echo.away()


def stanza_ids_of_ours_are_not_theirs_to_give():
    romeo, echo = person("forged"), Component().logged_in()
    sid = "<stanza-id xmlns='urn:xmpp:sid:0' id='%s' by='%s'/>"
    echo.send("<message from='x@echo.localhost' to='forged@localhost/here'>%s<body>x</body>%s%s</message>"
              % (sid % (1, "forged@localhost"), sid % (2, "x@echo.localhost"), sid % (3, "other.localhost")))
    got = romeo.until("<message .*?</message>")
    assert got.endswith("><body>x</body>%s</message>" % sid % (2, "x@echo.localhost")), got
    romeo.socket.close()
    echo.away()


def many_stanzas_keep_their_order():
    romeo, echo = person("order"), Component().logged_in()
    romeo.send("".join("<message to='echo.localhost' id='%d'><body>%d</body></message>" % (i, i) for i in range(500)))
    got = echo.until("<body>499</body></message>")
    assert re.findall("<body>([0-9]+)", got) == [str(i) for i in range(500)]
    echo.send("".join("<message from='echo.localhost' to='order@localhost/here'><body>%d</body></message>" % i for i in range(500)))
    got = romeo.until("<body>499</body></message>")
    assert re.findall("<body>([0-9]+)", got) == [str(i) for i in range(500)]
    romeo.socket.close()
    echo.away()


@once
def a_contact_at_a_component_hears_and_is_heard():
    romeo, echo = person("juliet"), Component().logged_in()
    romeo.send("<presence type='subscribe' to='echo.localhost'/>")
    echo.until("<presence [^>]*type='subscribe'[^>]*/>")
    echo.send("<presence type='subscribed' from='echo.localhost' to='juliet@localhost'/>"
              "<presence type='subscribe' from='echo.localhost' to='juliet@localhost'/>")
    romeo.until("<presence [^>]*type='subscribe'[^>]*/>", "subscription='to'")
    romeo.send("<presence type='subscribed' to='echo.localhost'/>")
    echo.until("<presence [^>]*type='subscribed'[^>]*/>")
    echo.send("<presence from='echo.localhost' to='juliet@localhost'/>")
    romeo.until("<presence [^>]*from='echo.localhost'[^>]*/>")
    romeo.send("<presence><show>away</show></presence>")
    echo.until("<show>away</show>")
    romeo.socket.close()
    echo.until("<presence [^>]*type='unavailable'[^>]*/>")
    again = person("juliet", known=True)
    echo.until("<presence [^>]*type='probe'[^>]*/>")
    again.socket.close()
    echo.away()


def what_a_component_may_not_say():
    for stanza, condition in (
            ("<message from='romeo@localhost' to='romeo@localhost'/>", "invalid-from"),
            ("<message from='irc.localhost' to='romeo@localhost'/>", "invalid-from"),
            ("<message from='xecho.localhost' to='romeo@localhost'/>", "invalid-from"),
            ("<message from='bot@x.irc.localhost' to='romeo@localhost'/>", "invalid-from"),
            ("<message from='localhost' to='romeo@localhost'/>", "invalid-from"),
            ("<presence from='echo.localhost.example' to='romeo@localhost'/>", "invalid-from"),
            ("<message from='a@@' to='romeo@localhost'/>", "invalid-from"),
            ("<message to='romeo@localhost'/>", "improper-addressing"),
            ("<message from='echo.localhost'/>", "improper-addressing"),
            ("<handshake/>", "unsupported-stanza-type"),
            ("<message xmlns='jabber:client' from='echo.localhost' to='romeo@localhost'/>", "unsupported-stanza-type"),
            ("<message from='echo.localhost' to='romeo@localhost'><body>%s" % (21000 * "x"), "policy-violation"),
            ("<message></iq>", "not-well-formed")):
        c = Component().logged_in()
        c.send(stanza)
        c.refused(condition)
    c = Component().logged_in()
    for stanza, condition in (
            ("<message id='1' from='echo.localhost' to='a@@'/>", "jid-malformed"),
            ("<iq id='2' type='get' from='echo.localhost' to='localhost'/>", "bad-request"),
            ("<presence id='6' type='unheard-of' from='echo.localhost' to='romeo@localhost'/>", "bad-request"),
            ("<iq id='3' type='get' from='echo.localhost' to='elsewhere.example'><x xmlns='y'/></iq>", "remote-server-not-found"),
            ("<iq id='4' type='get' from='echo.localhost' to='irc.localhost'><x xmlns='y'/></iq>", "service-unavailable"),
            ("<iq id='5' type='get' from='echo.localhost' to='nobody@localhost/x'><x xmlns='y'/></iq>", "service-unavailable")):
        c.send(stanza)
        c.until("<(iq|message|presence) [^>]*type='error'.*?<%s .*?</(iq|message|presence)>" % condition)
    c.away()


def who_is_not_there():
    romeo = person("mercutio")
    for to, condition in ("x@irc.localhost", "service-unavailable"), ("x@elsewhere.example", "remote-server-not-found"):
        romeo.send("<message id='m' to='%s'><body>x</body></message><presence type='probe' to='%s'/>" % (to, to))
        romeo.until("<message [^>]*type='error'.*?<%s .*?</message>" % condition)
    assert "error" not in romeo.ping()
    romeo.socket.close()


def told_to_people_and_operators():
    romeo, echo = person("nurse"), Component().logged_in()
    romeo.send("<iq type='get' id='d' to='localhost'><query xmlns='http://jabber.org/protocol/disco#items'/></iq>"
               "<iq type='get' id='e' to='other.localhost'><query xmlns='http://jabber.org/protocol/disco#items'/></iq>")
    got = romeo.until("id='d'.*?</iq>", "id='e'[^>]*><query [^>]*/></iq>")
    assert re.findall("<item jid='([^']*)'/>", got) == ["echo.localhost", "irc.localhost"] + MANY, got
    rows = ctl("component", "list")["components"]
    assert [(r["name"], r["connected"], r["address"].startswith("127.0.0.1")) for r in rows] == \
        [("echo.localhost", True, True)] + [(name, False, False) for name in ["irc.localhost"] + MANY], rows
    out = subprocess.run([MYNAHCTL, "--config", CONFIG, "config", "show"], capture_output=True, text=True, check=True).stdout
    assert "echo.localhost" in out and "abc" not in out.replace(FOLDER, ""), out  # whose name is of chance
    romeo.socket.close()
    echo.away()


def one_that_is_gone_does_not_block_the_next():
    c = Component().logged_in()
    c.socket.close()
    romeo = person("tybalt")
    for _ in range(1000):  # until the server has seen it
        again = Component()
        if "<handshake/>" in again.until("<handshake/>|</stream:stream>"):
            break
    romeo.send("<message to='echo.localhost'><body>still</body></message>")
    again.until("<body>still</body>")
    romeo.socket.close()
    again.away()


class Filter(ctypes.Structure):
    _fields_ = [("code", ctypes.c_uint16), ("jt", ctypes.c_uint8), ("jf", ctypes.c_uint8), ("k", ctypes.c_uint32)]


class Program(ctypes.Structure):
    _fields_ = [("count", ctypes.c_uint16), ("filter", ctypes.POINTER(Filter))]


@once
def one_whose_machine_is_gone_gives_way():
    """Not to who does not know the secret, nor while it is there."""
    lost, romeo = Component().logged_in(), person("lost")
    nothing = Filter(6, 0, 0, 0)  # return 0: no segment comes in, so none is acknowledged
    lost.socket.setsockopt(socket.SOL_SOCKET, 26, bytes(Program(1, ctypes.pointer(nothing))))  # SO_ATTACH_FILTER
    lost.send(" ")  # with the last acknowledgement
    Component(secret="wrong").refused("not-authorized")
    both = [Component(), Component()]
    said = [c.until("<handshake/>|</stream:stream>") for c in both]
    there = both[said.index("<handshake/>")]
    assert sum("<conflict " in s for s in said) == 1, said
    Component().refused("conflict")
    romeo.send("<message to='echo.localhost'><body>here</body></message>")
    there.until("<body>here</body>")
    romeo.socket.close()
    there.away()
    lost.socket.close()


def each_lives_where_its_name_belongs():
    """On whichever loop its connection began; they reach each other, and all are listed, in the order of the configuration."""
    moved = lambda: ctl("status")["moved_connections"]
    before = moved()
    all = [Component(name).logged_in() for name in MANY]
    assert before < moved() <= before + len(MANY)
    for i, c in enumerate(all):
        c.send("".join("<message from='%s' to='%s'><body>%d</body></message>" % (MANY[i], MANY[i - 1], n) for n in range(50)))
    for i, c in enumerate(all):
        got = c.until("<body>49</body>")
        assert re.findall("<body>(\\d+)</body>", got) == [str(n) for n in range(50)], got
    listed = ctl("component", "list")["components"]
    assert [c["name"] for c in listed if c["connected"]] == MANY and all[0].socket.getsockname()[1] == int(listed[2]["address"].split(":")[1])
    for c in all:
        c.away()


def one_that_does_not_read_is_given_up():
    romeo, deaf = person("benvolio"), Component().logged_in()
    for _ in range(200):
        romeo.send(25 * ("<message to='echo.localhost'><body>%s</body></message>" % (15000 * "x")))
        if "<service-unavailable " in romeo.ping():
            break
    else:
        raise Exception("everything was taken")
    romeo.socket.close()
    deaf.socket.close()


def a_secret_that_cannot_be_read_is_told_at_start():
    with open(FOLDER + "/bad.yaml", "w") as f:
        f.write("data: %s/bad\ncomponents: [{name: a.localhost, secret_file: %s/none}]\n" % (FOLDER, FOLDER))
    r = subprocess.run([MYNAHD, "--config", FOLDER + "/bad.yaml"], capture_output=True, text=True, timeout=30)
    assert r.returncode and "component a.localhost: %s/none: " % FOLDER in r.stderr.splitlines()[-1], r


def the_end_is_told():
    echo = Component().logged_in()
    server.end()
    assert "<system-shutdown " in echo.ends()
    assert any("component does not read" in line for line in server.log)  # all of it has been read now


try:
    server = Server(MYNAHD, configured(CONFIG, FOLDER, "60s"))
    for name in "from", "to":
        assert "type='result'" in Client(server).register(name)[1]
    bad = Beside(server, FOLDER).tap(
        [only_with_the_secret_and_a_configured_name, nothing_before_the_handshake, one_connection_of_a_name,
         stanzas_go_both_ways, stanza_ids_of_ours_are_not_theirs_to_give, many_stanzas_keep_their_order, a_contact_at_a_component_hears_and_is_heard,
         what_a_component_may_not_say, who_is_not_there, told_to_people_and_operators,
         one_that_is_gone_does_not_block_the_next, one_whose_machine_is_gone_gives_way, each_lives_where_its_name_belongs, one_that_does_not_read_is_given_up],
        [a_secret_that_cannot_be_read_is_told_at_start, who_says_nothing_for_too_long_goes, the_end_is_told])
finally:
    end_all()
    shutil.rmtree(FOLDER)
sys.exit(bad != 0)
