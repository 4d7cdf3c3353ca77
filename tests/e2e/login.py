#!/usr/bin/python3
"""What must not let anybody in, for every mechanism of SASL: one table, walked with each of them over TLS. Prints TAP.
usage: login.py MYNAHD"""
import base64, contextlib, hashlib, hmac, itertools, os, re, shutil, sys, tempfile, time

sys.path.append(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from beside import Beside
from mynah import Client, Control, SASL, Server, end_all

SCRAM = [h + plus for plus in ("-PLUS", "") for h in ("SCRAM-SHA-512", "SCRAM-SHA-256", "SCRAM-SHA-1")]
WITH_PASSWORD = SCRAM + ["DIGEST-MD5", "CRAM-MD5", "PLAIN"]
ALL = WITH_PASSWORD + ["ANONYMOUS"]
FOLDER = tempfile.mkdtemp(prefix="mynah-login-")
CONFIG = """
data: %s/%s
loops: 2
domains: [{name: localhost}]
listen: [{address: "127.0.0.1", port: 0, tls: offered}]
auth: {mechanisms: [%s], without_tls: [%s], %s}
registration: {open: yes, per_address: off}
limits: {unauthenticated_per_address: 1000}
"""


def started(name, mechanisms, without_tls=(), more="iterations: 4096"):
    path = "%s/%s.yaml" % (FOLDER, name)
    with open(path, "w") as f:
        f.write(CONFIG % (FOLDER, name, ", ".join(mechanisms), ", ".join(without_tls), more))
    return Server(MYNAHD, path)


def account(mechanism):
    """For each its own, so that what fails with one costs another no time; so it is with the addresses."""
    return mechanism.lower().replace("-", "") + str(turn % 4)


def turned():
    global turn
    turn += 1


turn = 0
sources = ("127.%d.%d.1" % (1 + i // 250, i % 250) for i in itertools.count(1))


class Exchange:
    """The client's end, which does as it is told: `authzid`, and `spoil`, which turns each message into what is sent instead."""

    def __init__(self, c, mechanism, user=None, password="testpwd", authzid="", spoil=lambda step, message: message):
        self.c, self.mechanism, self.authzid, self.spoil, self.step = c, mechanism, authzid, spoil, 0
        self.user, self.password = user or account(mechanism), password
        self.said = []

    def text(self, message):
        """The message as base64; a text is sent as it is, None is none."""
        message = self.spoil(self.step, message)
        self.step += 1
        self.said.append(message)
        return message if isinstance(message, str) else "" if message is None else base64.b64encode(message).decode() or "="

    def begin(self):
        """Up to the first challenge, or the end."""
        self.c.send("<auth xmlns='%s' mechanism='%s'>%s</auth>" % (SASL, self.mechanism, self.text(self.first())))
        return self.heard()

    def heard(self):
        return self.c.until("<success[^>]*/>|</success>|</failure>|</challenge>|<challenge[^>]*/>|</stream:stream>")

    def answer(self, got):
        challenge = base64.b64decode(re.search("<challenge[^>]*?(?:/>|>([^<]*)</challenge>)", got).group(1) or "")
        self.c.send("<response xmlns='%s'>%s</response>" % (SASL, self.text(self.response(challenge.decode()))))
        return self.heard()

    def run(self):
        got = self.begin()
        while "<challenge" in got:
            got = self.answer(got)
        return got

    def first(self):
        m = self.mechanism
        if m == "PLAIN":
            return ("%s\0%s\0%s" % (self.authzid, self.user, self.password)).encode()
        if m == "ANONYMOUS":
            return b"trace"
        if not m.startswith("SCRAM"):
            return None
        self.gs2 = ("p=tls-server-end-point" if m.endswith("-PLUS") else "n") + "," + ("a=" + self.authzid if self.authzid else "") + ","
        self.bare = "n=%s,r=%s" % (self.user, os.urandom(12).hex())
        return (self.gs2 + self.bare).encode()

    def response(self, challenge):
        if self.mechanism == "CRAM-MD5":
            return ("%s %s" % (self.user, hmac.new(self.password.encode(), challenge.encode(), "md5").hexdigest())).encode()
        return self.digest(challenge) if self.mechanism == "DIGEST-MD5" else self.proof(challenge)

    def proof(self, first):
        if first.startswith("v="):
            return b""
        name = re.search(r"SHA-(\d+)", self.mechanism).group(1)
        digest = {"1": "sha1", "256": "sha256", "512": "sha512"}[name]
        values = dict(v.split("=", 1) for v in first.split(","))
        mac = lambda key, text: hmac.new(key, text.encode(), digest).digest()
        salted = hashlib.pbkdf2_hmac(digest, self.password.encode(), base64.b64decode(values["s"]), int(values["i"]))
        bound = hashlib.sha256(self.c.socket.getpeercert(True)).digest() if self.mechanism.endswith("-PLUS") else b""
        final = "c=%s,r=%s" % (base64.b64encode(self.gs2.encode() + bound).decode(), values["r"])
        key = mac(salted, "Client Key")
        signed = mac(hashlib.new(digest, key).digest(), ",".join([self.bare, first, final]))
        return (final + ",p=" + base64.b64encode(bytes(a ^ b for a, b in zip(key, signed))).decode()).encode()

    def digest(self, challenge):
        if challenge.startswith("rspauth"):
            return b""
        nonce, h = re.search('nonce="([^"]+)"', challenge).group(1), lambda b: hashlib.md5(b).digest()
        a1 = h(("%s:localhost:%s" % (self.user, self.password)).encode()) + (":%s:cn" % nonce).encode()
        a1 += (":" + self.authzid).encode() if self.authzid else b""
        value = h(("%s:%s:00000001:cn:auth:%s" % (h(a1).hex(), nonce, h(b"AUTHENTICATE:xmpp/localhost").hex())).encode()).hex()
        return ('username="%s",realm="localhost",nonce="%s",cnonce="cn",nc=00000001,qop=auth,digest-uri="xmpp/localhost",response=%s%s,'
                'charset=utf-8' % (self.user, nonce, value, ',authzid="%s"' % self.authzid if self.authzid else "")).encode()


def secured(server):
    c = Client(server, source=next(sources))
    c.starttls(CA)
    return c


def bystander(name):
    c = secured(server)
    assert "<success" in c.plain(name)
    c.bind("r")
    return c


def told(condition):
    return "<failure xmlns='%s'><%s/></failure>" % (SASL, condition)


def instead(what, step=None):
    """Sends this instead of the client's message: of the first that is one, or of that step."""
    done = []

    def spoil(at, message):
        if message is None or done or (step is not None and at != step):
            return message
        done.append(at)
        return what(message) if callable(what) else what
    return spoil


def flipped(message):
    """The proof, or the password, with one bit another."""
    text = bytearray(message)
    at = message.index(b",p=") + 4 if b",p=" in message else message.index(b"response=") + 12 if b"response=" in message else len(text) - 1
    text[at] = text[at] ^ 1 if chr(text[at] ^ 1).isalnum() else ord("a") if text[at] != ord("a") else ord("b")
    return bytes(text)


CARRIES_AUTHZID = [m for m in WITH_PASSWORD if m != "CRAM-MD5"]
OTHER, OWN = lambda m: account(OTHERS[m]) + "@localhost", lambda m: account(m) + "@localhost"
OTHERS = {m: WITH_PASSWORD[(i + 1) % len(WITH_PASSWORD)] for i, m in enumerate(WITH_PASSWORD)}
ROWS = [  # what, for which mechanisms, how, what comes of it
    ("who knows the password gets in", ALL, {}, "success"),
    ("so does who asks for himself", CARRIES_AUTHZID, {"authzid": OWN}, "success"),
    ("another password", WITH_PASSWORD, {"password": "testpwe"}, "not-authorized"),
    ("no password", WITH_PASSWORD, {"password": ""}, "not-authorized|malformed-request"),
    ("one bit of the last message", WITH_PASSWORD, {"spoil": lambda m: instead(flipped, 0 if m == "PLAIN" else 1)}, "not-authorized"),
    ("somebody who does not exist", WITH_PASSWORD, {"user": lambda m: "nobody-" + account(m)}, "not-authorized"),
    ("in the name of somebody else", CARRIES_AUTHZID, {"authzid": OTHER}, "invalid-authzid"),
    ("in the name of a resource", CARRIES_AUTHZID, {"authzid": lambda m: OWN(m) + "/r"}, "invalid-authzid"),
    ("in the name of one of another domain", CARRIES_AUTHZID, {"authzid": lambda m: account(m) + "@example.org"}, "invalid-authzid"),
    ("in the name of the server", CARRIES_AUTHZID, {"authzid": "localhost"}, "invalid-authzid"),
    ("no base64", WITH_PASSWORD, {"spoil": lambda m: instead("*")}, "incorrect-encoding"),
    ("half of base64", WITH_PASSWORD, {"spoil": lambda m: instead("QUJ")}, "incorrect-encoding"),
    ("base64 with a line in it", WITH_PASSWORD, {"spoil": lambda m: instead("QUJD\nQUJD")}, "incorrect-encoding"),
    ("elements in it", WITH_PASSWORD, {"spoil": lambda m: instead("QU<a/>JD", 0 if m == "PLAIN" else 1)}, "incorrect-encoding|malformed-request"),
    ("an empty message", WITH_PASSWORD, {"spoil": lambda m: instead("=")}, "malformed-request"),
    ("noise", WITH_PASSWORD, {"spoil": lambda m: instead(b"\xff\xfe" * 50)}, "malformed-request|not-authorized"),
    ("7,000 bytes", WITH_PASSWORD, {"spoil": lambda m: instead(b"A" * 7000)}, "malformed-request"),
    ("a NUL in it", SCRAM, {"spoil": lambda m: instead(lambda t: t.replace(b"=", b"=\0", 1))}, "malformed-request"),
    ("a NUL in the name", ["DIGEST-MD5", "CRAM-MD5"], {"spoil": lambda m: instead(lambda t: t.replace(account(m).encode(), b"a\0b"))},
     "malformed-request"),
    ("only the name, twice", ["PLAIN"], {"spoil": lambda m: instead(b"plain\0plain")}, "malformed-request"),
    ("another binding", [m for m in SCRAM if "PLUS" in m], {"spoil": lambda m: instead(lambda t: re.sub(b"c=...", b"c=AAA", t), 1)},
     "not-authorized|malformed-request"),
    ("a binding nobody has heard of", [m for m in SCRAM if "PLUS" in m],
     {"spoil": lambda m: instead(lambda t: t.replace(b"tls-server-end-point", b"tls-none"))}, "malformed-request|not-authorized"),
    ("without a binding", [m for m in SCRAM if "PLUS" in m],
     {"spoil": lambda m: instead(lambda t: t.replace(b"p=tls-server-end-point", b"n"))}, "malformed-request|not-authorized"),
    ("a binding where none belongs", [m for m in SCRAM if "PLUS" not in m],
     {"spoil": lambda m: instead(lambda t: t.replace(b"n,", b"p=tls-server-end-point,", 1))}, "malformed-request|not-authorized"),
    ("as if the server had announced none", [m for m in SCRAM if "PLUS" not in m],
     {"spoil": lambda m: instead(lambda t: t.replace(b"n,", b"y,", 1))}, "not-authorized"),
    ("another nonce", SCRAM, {"spoil": lambda m: instead(lambda t: t.replace(b"r=", b"r=x"), 1)}, "not-authorized|malformed-request"),
    ("another realm", ["DIGEST-MD5"], {"spoil": lambda m: instead(lambda t: t.replace(b'realm="localhost"', b'realm="other"'))},
     "malformed-request"),
    ("a second use of the nonce", ["DIGEST-MD5"], {"spoil": lambda m: instead(lambda t: t.replace(b"nc=00000001", b"nc=00000002"))},
     "malformed-request"),
]


def step_of(what, mechanisms, how, condition):
    def run():
        turned()
        for m in mechanisms:
            args = {k: v(m) if callable(v) else v for k, v in how.items()}
            c = secured(server)
            got = Exchange(c, m, **args).run()
            if condition == "success":
                assert "<success" in got, (m, got)
            else:
                assert re.fullmatch(told("(%s)" % condition), got), (m, got)
                again = Exchange(c, m).run()  # and the stream can still be used by who does it right
                assert "<success" in again, (m, again)
            c.socket.close()
    return what, run


def another_beginning():
    """A second <auth/> in the middle of an exchange begins a new one: what answers the first counts for nothing."""
    turned()
    for m in WITH_PASSWORD:
        if m == "PLAIN":
            continue
        c = secured(server)
        old, new = Exchange(c, m), Exchange(c, m)
        challenge = old.begin()
        new.begin()
        got = old.answer(challenge)
        assert re.fullmatch(told("(not-authorized|malformed-request)"), got), (m, got)
        assert "<success" in Exchange(c, m).run()
        c.socket.close()


def given_up():
    for m in WITH_PASSWORD:
        c = secured(server)
        if m != "PLAIN":
            assert "<challenge" in Exchange(c, m).begin()
        c.send("<abort xmlns='%s'/>" % SASL)
        assert c.until("</failure>") == told("aborted")
        assert "<success" in Exchange(c, m).run()
        c.socket.close()


def said_again():
    """All that somebody once said over another connection."""
    turned()
    for m in WITH_PASSWORD:
        if m == "PLAIN":
            continue
        heard = Exchange(secured(server), m)
        assert "<success" in heard.run()
        c, kept = secured(server), iter(heard.said)
        got = Exchange(c, m, spoil=lambda step, message: next(kept, None)).run()
        assert re.fullmatch(told("(not-authorized|malformed-request)"), got), (m, got)
        c.socket.close()


def at_the_wrong_time():
    """An answer to nothing, and a login when one is over: before and behind the new stream."""
    for m in ALL:
        c = secured(server)
        c.send("<response xmlns='%s'>QUJD</response>" % SASL)
        assert "<unsupported-stanza-type " in c.ends(), m
        c = secured(server)
        assert "<success" in Exchange(c, m).run()
        c.open()
        c.send("<auth xmlns='%s' mechanism='%s'/>" % (SASL, m))
        assert "<unsupported-stanza-type " in c.ends(), m


def made_anew():
    """Its account is removed, and somebody else makes one of that name: who had proved to be the one of before, or is about to, is
    nobody any more."""
    control, anew = Control(FOLDER + "/all/control.sock"), "another"
    for m in WITH_PASSWORD:
        def goes(step=None, message=None):
            if step == last:
                control.ask("user", "remove", jid="leaver@localhost")
                control.ask("user", "add", jid="leaver@localhost", password=anew)
            return message
        for last in [None] if m == "PLAIN" else [1, None]:
            with contextlib.suppress(TypeError, KeyError):  # it is not there
                control.ask("user", "remove", jid="leaver@localhost")
            control.ask("user", "add", jid="leaver@localhost", password="testpwd")
            c = secured(server)
            got = Exchange(c, m, user="leaver", spoil=goes if last else lambda step, message: message).run()
            if last:
                # The first for whom the keys of before were read already: he may try again, and then hears the second.
                assert got in (told("temporary-auth-failure"), told("not-authorized")), (m, got)
                assert "<success" in Exchange(c, m, user="leaver", password=anew).run(), m
            else:
                assert "<success" in got, (m, got)
                c.open()
                goes()
                c.send("<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>")
                got = c.until("</iq>")
                assert "<not-allowed " in got and "<jid>" not in got, (m, got)
            c.socket.close()


def not_offered():
    """What is not announced is not taken: not configured, not without TLS, not by another spelling."""
    for few in ["SCRAM-SHA-256"], ["PLAIN"]:
        other = started("few-" + few[0], few, few)
        for m in ALL + ["UNHEARD-OF", "EXTERNAL", few[0].lower(), few[0] + " ", " " + few[0], ""]:
            if m not in few:
                c = Client(other)
                c.send("<auth xmlns='%s' mechanism='%s'>QUJD</auth>" % (SASL, m))
                assert c.until("</failure>") == told("invalid-mechanism"), m
                c.socket.close()
        other.end()
    for m in ALL:
        c = Client(server)
        assert "<mechanism>" not in c.features, c.features
        c.send("<auth xmlns='%s' mechanism='%s'>QUJD</auth>" % (SASL, m))
        assert c.until("</failure>") == told("invalid-mechanism" if m.endswith("-PLUS") else "encryption-required"), m
        c.socket.close()


def another_namespace():
    for m in ALL:
        for ns in "jabber:client", "urn:ietf:params:xml:ns:xmpp-sas", "urn:xmpp:sasl:2":
            c = secured(server)
            c.send("<auth xmlns='%s' mechanism='%s'/>" % (ns, m))
            assert re.search("<(unsupported-stanza-type|not-authorized) ", c.ends()), (m, ns)


def processor_time(s):
    with open("/proc/%d/stat" % s.process.pid) as f:
        fields = f.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def who_is_nobody_takes_as_long():
    """Accounts were made with as many iterations as were configured then. So look those who do not exist, by the time that it takes to
    refuse them: some of them are of now, some of then. A slow machine is slow at both."""
    began = time.process_time()
    hashlib.pbkdf2_hmac("sha256", b"x", b"salt", 300000)
    much = (time.process_time() - began) / 3
    for iterations in 300000, 4096:
        other = started("iq", ["PLAIN"], ["PLAIN"], "iterations: %d, iq_auth: on" % iterations)
        if iterations > 4096:
            other.end()
    seen = set()
    for name in ("nobody%d" % i for i in range(60)):
        spent = []
        for how in "jabber:iq:auth", "PLAIN":
            c = Client(other, source=next(sources))
            before = processor_time(other)
            if how == "PLAIN":
                assert "not-authorized" in c.plain(name)
            else:
                c.send("<iq type='set' id='a'><query xmlns='%s'><username>%s</username><password>x</password><resource>r</resource></query></iq>" % (how, name))
                assert "not-authorized" in c.until("<iq [^>]*id='a'.*?</iq>")
            spent.append(processor_time(other) - before)
            c.socket.close()
        assert (spent[0] > much) == (spent[1] > much), (name, spent, much)
        seen.add(spent[0] > much)
        if len(seen) == 2:
            break
    assert len(seen) == 2, seen
    other.end()


MYNAHD = os.path.abspath(sys.argv[1])
CA = FOLDER + "/all/certs/ca.crt"
try:
    server = started("all", ALL)
    for turn in range(4):
        c = secured(server)
        for name in map(account, WITH_PASSWORD):
            assert "type='result'" in c.register(name)[1]
        c.socket.close()
    for name in "from", "to":
        assert "type='result'" in secured(server).register(name)[1]
    bad = Beside(server, FOLDER + "/all", bystander).tap(
        [step_of(*row) for row in ROWS] + [another_beginning, given_up, said_again, at_the_wrong_time, made_anew, not_offered, another_namespace],
        [who_is_nobody_takes_as_long, ("it_ends_in_order", server.end)])
finally:
    end_all()
    shutil.rmtree(FOLDER)
sys.exit(bad != 0)
