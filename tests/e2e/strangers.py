#!/usr/bin/python3
"""Whoever is not logged in is bounded by where he comes from, learns little of who has an account here, and is no trouble to those who
are logged in. Addresses of 127.0.0.0/8 stand for the world's. Prints TAP.
usage: strangers.py MYNAHD [TRIES]     with TRIES it also measures, so many times each, how long a wrong password takes for a
name that there is and one that there is not (left out among all tests, because others use the machine then)"""
import base64, os, re, shutil, socket, statistics, struct, sys, tempfile, time

sys.path.append(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from beside import Beside, once
from mynah import SASL, Client, Control, Server, end_all, person as logged_in, served, wait_for, write

TRIES = int(sys.argv[2]) if len(sys.argv) > 2 else 0
FOLDER = tempfile.mkdtemp(prefix="mynah-strangers-")
PER_ADDRESS, NETWORK = 6, 5
CONFIG = """
data: %s/data
loops: 2
domains: [{name: localhost}]
listen: [{address: "127.0.0.1", port: 0, tls: offered}]
auth: {mechanisms: [SCRAM-SHA-256, SCRAM-SHA-1, DIGEST-MD5, CRAM-MD5, PLAIN], iterations: 4096, iq_auth: on,
       without_tls: [SCRAM-SHA-256, SCRAM-SHA-1, DIGEST-MD5, CRAM-MD5, PLAIN]}
registration: {open: yes, per_address: 2/d}
limits: {unauthenticated_per_address: %d, wrong_credentials: 100}
""" % ("%s", PER_ADDRESS)


def come(source):
    return served(server, source)


def person(name, source="127.0.0.1", resource="r"):
    return logged_in(server, name, resource, source)


def leave(*clients):
    for c in clients:
        c.socket.close()
    beside.left()


def a_network_is_five_addresses():
    """Connections that are not logged in: so many of an address, five times as many of its /24; those who are logged in stay."""
    inside = person("mallory", "127.0.9.1")
    there = [come("127.0.9.%d" % (1 + i // PER_ADDRESS)) for i in range(NETWORK * PER_ADDRESS)]
    assert all(there), there
    for source in "127.0.9.1", "127.0.9.9", "127.0.9.200":
        assert come(source) is None, source
    elsewhere = come("127.0.10.1")
    assert elsewhere
    inside.ping()
    assert "<success" in there.pop().plain("mallory")  # and so there is room again
    again = come("127.0.9.200")
    assert again and come("127.0.9.200") is None
    leave(inside, elsewhere, again, *there)
    assert come("127.0.9.1")
    leave()


@once
def robots_that_register():
    """So many of an address, five times as many of its network; another network is not touched by that."""
    def register(source, name):
        c = Client(server, source=source)
        answer = c.register(name)[1]
        c.socket.close()
        assert "type='result'" in answer or ("<resource-constraint" in answer and "type='wait'" in answer), answer
        return "type='result'" in answer
    made = [[register("127.0.20.%d" % i, "robot%d-%d" % (i, k)) for k in range(4)] for i in range(7)]
    assert made == [[True, True, False, False]] * 5 + [[False] * 4] * 2, made
    assert register("127.0.21.1", "somebody")


def fail(source, account, answered):
    """A wrong password; whoever does not wait for the answer is gone at once."""
    before, c = control.ask("status")["wrong_credentials"], come(source)
    if c is None:
        return False
    c.send("<auth xmlns='%s' mechanism='PLAIN'>%s</auth>" % (SASL, base64.b64encode(("\0%s\0wrong" % account).encode()).decode()))
    if answered:
        assert "<not-authorized" in c.until("</failure>")
    else:
        wait_for(lambda: control.ask("status")["wrong_credentials"] > before, "it is not counted")
        c.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    c.socket.close()
    return True


@once
def guessing_from_one_address():
    """The first few answers come at once. Then whoever hangs up instead of waiting has won nothing: his place is taken until the
    time is over. The same account gets in from elsewhere meanwhile."""
    for _ in range(5):
        assert fail("127.0.30.1", "victim", True)
    tries = 0
    while fail("127.0.30.1", "victim", False):
        tries += 1
        assert tries < 60
    print("# %d more guesses, then there is no place" % tries)
    owner = person("victim", "127.0.31.1")
    owner.ping()
    assert come("127.0.30.2")
    leave(owner)


@once
def guessing_from_many_addresses():
    """Each address guesses once, and all the same account: it costs time. Many accounts from one address: too."""
    for sources, names in ([i + 1 for i in range(8)], ["target"] * 8), ([200] * 8, ["name%d" % i for i in range(8)]):
        began = time.monotonic()
        for source, name in zip(sources, names):
            assert fail("127.0.%d.1" % (40 + source % 200), name, True)
        assert time.monotonic() - began >= 0.25 + 0.5 + 1, time.monotonic() - began
    owner = person("target", "127.0.32.1")  # who knows the password does not wait
    owner.ping()
    leave(owner)


NAMES = "hermit", "nobody"


def refusals(c, name):
    """What each mechanism says to a wrong password."""
    def response(data):
        c.send("<response xmlns='%s'>%s</response>" % (SASL, base64.b64encode(data.encode()).decode()))
        return c.until("</failure>|</success>|<success[^>]*/>")

    def challenge(mechanism, first=None):
        text = "" if first is None else base64.b64encode(first.encode()).decode()
        c.send("<auth xmlns='%s' mechanism='%s'>%s</auth>" % (SASL, mechanism, text))
        return base64.b64decode(re.search(">([^<]*)</challenge>", c.until("</challenge>")).group(1)).decode()

    yield c.plain(name, "wrong")
    for mechanism in "SCRAM-SHA-256", "SCRAM-SHA-1":
        values = dict(v.split("=", 1) for v in challenge(mechanism, "n,,n=%s,r=abc" % name).split(","))
        proof = base64.b64encode(b"x" * (32 if "256" in mechanism else 20)).decode()
        yield "%s %d %s" % (values["i"], len(values["s"]), sorted(values)), response("c=biws,r=%s,p=%s" % (values["r"], proof))
    nonce = re.search('nonce="([^"]+)"', challenge("DIGEST-MD5")).group(1)
    yield response('username="%s",realm="localhost",nonce="%s",cnonce="c",nc=00000001,qop=auth,digest-uri="xmpp/localhost",response=%s'
                   % (name, nonce, "0" * 32))
    challenge("CRAM-MD5")
    yield response("%s %s" % (name, "0" * 32))


def answers_to_logins_tell_nothing():
    """The same words for a name that there is and one that there is not; a salt stays the same at each try, also that of nobody."""
    said = []
    for i, name in enumerate(NAMES):
        c = come("127.0.%d.1" % (100 + i))
        said.append(list(refusals(c, name)))
        leave(c)
        salts = set()
        for _ in range(2):
            c = come("127.0.%d.1" % (100 + i))
            c.send("<auth xmlns='%s' mechanism='SCRAM-SHA-1'>%s</auth>" % (SASL, base64.b64encode(("n,,n=%s,r=x" % name).encode()).decode()))
            salts.add(re.search(",s=([^,]+),", base64.b64decode(re.search(">([^<]*)</challenge>", c.until("</challenge>")).group(1)).decode()).group(1))
            leave(c)
        assert len(salts) == 1, salts
        c = come("127.0.%d.2" % (100 + i))
        c.send("<iq type='set' id='a'><query xmlns='jabber:iq:auth'><username>%s</username><password>wrong</password><resource>r</resource>"
               "</query></iq>" % name)
        said[-1].append(c.until("</iq>"))
        leave(c)
    assert said[0] == said[1], said


ASKED = [  # of the bare address and of a resource
    "<iq type='get' id='q'{to}><ping xmlns='urn:xmpp:ping'/></iq>",
    "<iq type='get' id='q'{to}><query xmlns='http://jabber.org/protocol/disco#info'/></iq>",
    "<iq type='get' id='q'{to}><query xmlns='http://jabber.org/protocol/disco#items'/></iq>",
    "<iq type='get' id='q'{to}><query xmlns='jabber:iq:version'/></iq>",
    "<iq type='get' id='q'{to}><query xmlns='jabber:iq:roster'/></iq>",
    "<iq type='get' id='q'{to}><query xmlns='jabber:iq:private'><a xmlns='b'/></query></iq>",
    "<iq type='get' id='q'{to}><query xmlns='jabber:iq:register'/></iq>",
    "<iq type='get' id='q'{to}><blocklist xmlns='urn:xmpp:blocking'/></iq>",
    "<iq type='get' id='q'{to}><vCard xmlns='vcard-temp'/></iq>",
    "<iq type='get' id='q'{to}><time xmlns='urn:xmpp:time'/></iq>",
    "<iq type='get' id='q'{to}><query xmlns='nothing:we:know'/></iq>",
    "<iq type='set' id='q'{to}><vCard xmlns='vcard-temp'/></iq>",
    "<iq type='set' id='q'{to}><enable xmlns='urn:xmpp:carbons:2'/></iq>",
    "<presence{to}/>",
    "<presence{to} type='probe'/>",
    "<presence{to} type='subscribe'/>",
    "<presence{to} type='unsubscribe'/>",
    "<presence{to} type='subscribed'/>",
    "<presence{to} type='unsubscribed'/>",
    "<message{to} type='headline'><body>x</body></message>",
    "<message{to} type='groupchat'><body>x</body></message>",
    "<message{to} type='error'/>",
]


def answers_to_stanzas_tell_nothing():
    """RFC 6121, 8.5.1 and 8.5.2: what a stranger gets does not depend on whether there is an account. Two requests are left out that
    must get <forbidden/> where there is one (XEP-0012, 3; RFC 6121, 2.3.3), and so are messages that wait for whoever is away: one to
    nobody is refused, because a mistyped address is to be told (8.5.1 leaves the choice)."""
    here = person("hermit", "127.0.33.1", "cell")
    here.send("<presence/>")
    here.ping()
    c, told = person("mallory", "127.0.34.1"), []
    for text in ASKED:
        for resource in ("", "/cell", "/none") if "<message" not in text else ("", "/none"):
            said = []
            for name in NAMES:
                c.send(text.format(to=" to='%s@localhost%s'" % (name, resource)))
                # The answer to this comes behind all that the other has caused, along the same ways; but for what an account answers
                # when it has been read, or has stored what it is about to.
                c.send("<message to='%s@localhost/none' id='last'/>" % name)
                last, answer = "<message [^>]*id='last'.*?</message>", "<iq [^>]*id='q'[^>]*(?:/>|>.*?</iq>)"
                got = c.until(last, answer) if text.startswith("<iq") else c.until(last)
                said.append(re.sub(last, "", got).replace(name, "NAME"))
            mine = [re.sub("<iq type='set' .*?</iq>| ver='[^']*'", "", t) for t in said]  # pushes of the own roster
            if mine[0] != mine[1]:
                told.append((text, resource, mine))
    leave(c, here)
    assert not told, "\n".join(map(repr, told))


@once
def times_tell_nothing():
    """How long it takes until a wrong password is refused: the medians are no further apart than chance would have it."""
    times = {name: [] for name in ("timed", "not-timed")}
    for i in range(2 * TRIES):
        name = list(times)[i % 2]
        c = come("127.%d.%d.%d" % (100 + i // 40000, i // 200 % 200, 1 + i % 200))
        begins = time.perf_counter()
        c.send("<auth xmlns='%s' mechanism='PLAIN'>%s</auth>" % (SASL, base64.b64encode(("\0%s%d\0wrong" % (name, i // 8)).encode()).decode()))
        c.until("</failure>")
        times[name].append(time.perf_counter() - begins)
        c.socket.close()
    a, b = (sorted(t) for t in times.values())
    medians, spread = [statistics.median(t) for t in (a, b)], (a[TRIES * 3 // 4] - a[TRIES // 4]) / TRIES ** 0.5
    print("# medians %.3f and %.3f ms; %.3f ms apart is chance" % (medians[0] * 1000, medians[1] * 1000, 4 * spread * 1000))
    assert abs(medians[0] - medians[1]) < 4 * spread


try:
    server = Server(os.path.abspath(sys.argv[1]), write(FOLDER, CONFIG))
    control = Control(FOLDER + "/data/control.sock")
    for name in ["from", "to", "mallory", "victim", "target", "hermit"] + ["timed%d" % i for i in range((2 * TRIES + 7) // 8)]:
        control.ask("user", "add", jid=name + "@localhost", password="testpwd")
    beside = Beside(server, FOLDER + "/data")
    bad = beside.tap([a_network_is_five_addresses, robots_that_register, guessing_from_one_address, guessing_from_many_addresses,
                      answers_to_logins_tell_nothing, answers_to_stanzas_tell_nothing] + [times_tell_nothing] * (TRIES > 0),
                     [("it_ends_in_order", server.end)])
finally:
    end_all()
    shutil.rmtree(FOLDER)
sys.exit(bad != 0)
