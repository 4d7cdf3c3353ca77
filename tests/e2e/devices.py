#!/usr/bin/python3
"""Several clients of one account, with copies (XEP-0280), sessions that wait for their client (XEP-0198) and messages that waited
(XEP-0160): whatever is written to the account or to one of them, each of them gets it once and in order. Prints TAP.
usage: devices.py MYNAHD [SEED [STEPS]]"""
import os, random, re, shutil, sys, tempfile
import xml.etree.ElementTree as ET

sys.path.append(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from mynah import SM, Client, Control, Server, end_all, person, tap, wait_for, write

SEED = int(sys.argv[2]) if len(sys.argv) > 2 else 1
STEPS = int(sys.argv[3]) if len(sys.argv) > 3 else 300
FOLDER = tempfile.mkdtemp(prefix="mynah-devices-")
CONFIG = """
data: %s/data
loops: 3
listen: [{address: "127.0.0.1", port: 0, tls: offered}]
auth: {mechanisms: [PLAIN], without_tls: [PLAIN], iterations: 4096}
registration: {open: yes, per_address: off}
limits: {queue: 64k}
"""
NS, MUCH = "{jabber:client}", "x" * 4000  # a few of these and no more goes to a client that acknowledges nothing


class Device:
    """One of juliet's, which counts what it gets; `wait`: how long its session waits for it, or it can not be resumed."""

    def __init__(self, resource, wait=None):
        self.resource, self.got, self.handled = resource, [], 0
        self.client = person(server, "juliet", resource)
        self.begin()
        if wait:
            self.client.send("<enable xmlns='%s' resume='true' max='%d'/>" % (SM, wait))
            self.previd = re.search("id='([^']+)'", self.client.until("<enabled[^>]*/>")).group(1)
        self.client.send("<iq type='set' id='on'><enable xmlns='urn:xmpp:carbons:2'/></iq><presence/>")
        self.read("<iq [^>]*id='on'[^>]*/>", "<presence [^>]*from='juliet@localhost/%s'[^>]*/>" % resource)

    def begin(self):
        self.parser, self.depth = ET.XMLPullParser(["start", "end"]), 0
        self.parser.feed("<stream xmlns='jabber:client'>")

    def read(self, *patterns):
        self.parser.feed(self.client.until(*patterns))
        for event, e in self.parser.read_events():
            self.depth += 1 if event == "start" else -1
            if event == "end" and self.depth == 1 and e.tag in (NS + "message", NS + "presence", NS + "iq"):
                self.handled += 1
                self.got += [b.text.strip("x") for b in e.iter(NS + "body")]

    def until(self, body):
        self.read("<body>%sx*</body>" % body)
        self.read("</message>")
        self.sync()

    def sync(self):
        self.client.send("<iq type='get' id='ping' to='localhost'><ping xmlns='urn:xmpp:ping'/></iq>")
        self.read("<iq [^>]*id='ping'[^>]*/>")

    def acknowledge(self):
        self.client.send("<a xmlns='%s' h='%d'/>" % (SM, self.handled))

    def leave(self):
        """Its session waits for it."""
        self.client.socket.close()
        wait_for(lambda: self.shown() == "", "the connection is there")

    def shown(self):
        return dict((s["jid"].rpartition("/")[2], s["address"]) for s in control.ask("session", "list", jid="juliet@localhost")["sessions"]).get(self.resource)

    def back(self):
        self.client = Client(server)
        assert "<success" in self.client.plain("juliet")
        self.client.open()
        self.client.send("<resume xmlns='%s' previd='%s' h='%d'/>" % (SM, self.previd, self.handled))
        self.client.until("<resumed[^>]*/>")
        self.begin()
        self.sync()

    def gone(self):
        self.acknowledge() if hasattr(self, "previd") else None
        self.client.has_all()
        self.client.send("</stream:stream>")
        self.client.ends()


def say(*bodies, to="", much=""):
    romeo.send("".join("<message type='chat' to='juliet@localhost%s'><body>%s%s</body></message>" % (to, b, much) for b in bodies))
    romeo.ping()


def each_gets_each_once(waited=0):
    """By chance: to the account or one of its clients, which come, go and acknowledge as they like. One is always there. So many had
    waited, and go to the first."""
    chance, n, old = random.Random(SEED), 0, ["old %d" % i for i in range(waited)]
    say(*old, much=MUCH)
    phone = Device("phone", 600)
    if waited:
        phone.until("old 0")
    desk, others = Device("desk"), [phone, Device("tablet", 600)]
    away = set()
    for _ in range(STEPS):
        d = chance.choice(others)
        what = chance.choice(["say", "say", "leave", "back", "acknowledge"])
        if what == "say":
            say(str(n), to=chance.choice(["", "/desk", "/phone", "/tablet"]))
            n += 1
        elif what == "back" and d in away:
            d.back()
            away.remove(d)
        elif d not in away and what == "leave":
            d.leave()
            away.add(d)
        elif d not in away and what == "acknowledge":
            d.sync()
            d.acknowledge()
    say("end")
    for d in away:
        d.back()
    for d in [desk] + others:
        while "end" not in d.got:
            d.acknowledge() if d in others else None
            d.read("<(message|r|iq) ")
            d.sync()
        want = [str(i) for i in range(n)] + ["end"]
        if d == phone and waited:  # copies of what is for another client pass what had waited
            assert sorted(d.got) == sorted(old + want) and [b for b in d.got if b in old] == old, d.got
        else:
            assert d.got == want, (d.resource, d.got)
        d.gone()


def each_gets_each_once_behind_what_had_waited():
    each_gets_each_once(20)


def what_waits_for_one_keeps_nothing_from_the_others():
    """A phone takes what had waited and acknowledges nothing yet: what comes then goes to it behind that, and to the desk, which has come
    meanwhile, at once; whether the phone is there or not."""
    say(*map(str, range(20)), much=MUCH)
    phone = Device("phone", 600)
    phone.until("1")
    assert 1 < len(phone.got) < 20, phone.got
    tablet = Device("tablet", 600)
    say("copied")
    tablet.until("copied")
    control.ask("session", "kick", jid="juliet@localhost/tablet")  # with a copy that it has not acknowledged
    desk, tablet = Device("desk"), Device("tablet", 600)
    say("account")
    say("itself", to="/phone")
    desk.until("itself")
    phone.leave()
    say("away")
    say("away from itself", to="/phone")
    desk.until("away from itself")
    assert desk.got == ["account", "itself", "away", "away from itself"], desk.got
    phone.back()
    while phone.got[-1] != "away from itself":
        phone.acknowledge()
        phone.sync()
    assert phone.got == [str(i) for i in range(20)] + ["copied"] + desk.got, phone.got
    tablet.until("away from itself")
    assert tablet.got == desk.got, tablet.got
    control.ask("session", "kick", jid="juliet@localhost/tablet")
    say("more")
    for d in phone, desk:
        d.until("more")
        assert d.got[-2:] == ["away from itself", "more"], d.got
        d.gone()


def what_one_never_had_goes_to_all():
    """Its time is over: what it alone had goes to all who are there, what they have had does not come again; also over a restart."""
    for restart in False, True:
        phone = Device("phone", 2 if not restart else 30)
        phone.leave()
        say("alone")
        if restart:
            again()
        desk, tablet = Device("desk"), Device("tablet", 600)
        say("with others")
        for d in desk, tablet:
            d.until("with others")
        if restart:
            control.ask("session", "kick", jid="juliet@localhost/phone")
        for d in desk, tablet:
            d.until("alone") if "alone" not in d.got else None
            say("end")
            d.until("end")
            assert d.got.count("alone") == 1 and d.got.count("with others") == 1, (restart, d.resource, d.got)
        for d in desk, tablet:
            d.gone()
        late = Device("late")
        say("end")
        late.until("end")
        assert late.got == ["end"], late.got
        late.gone()


def again():
    global control, romeo
    server.end()
    server.start()
    control, romeo = Control(FOLDER + "/data/control.sock"), person(server, "romeo")


try:
    server = Server(os.path.abspath(sys.argv[1]), write(FOLDER, CONFIG))
    for name in "juliet", "romeo":
        assert "type='result'" in Client(server).register(name)[1]
    control, romeo = Control(FOLDER + "/data/control.sock"), person(server, "romeo")
    bad = tap([each_gets_each_once, each_gets_each_once_behind_what_had_waited, what_waits_for_one_keeps_nothing_from_the_others, what_one_never_had_goes_to_all,
               ("it_ends_in_order", server.end)], lambda: server.log)
finally:
    end_all()
    shutil.rmtree(FOLDER)
sys.exit(bad != 0)
