#!/usr/bin/python3
"""Hostile input of every kind: each ends in its defined error, two bystanders chat on all the while, and the server's own counters
are back where they were. Prints TAP. usage: hostile.py MYNAHD MYNAHCTL"""
import base64, contextlib, functools, json, os, re, resource, shutil, socket, struct, subprocess, sys, tempfile, threading, time, zlib

sys.path.append(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from mynah import DEADLINE, SASL, Bystanders, Client, Server, tap, wait_for

CONFIG = """
data: %s/data
loops: 4
listen:
  - {address: "127.0.0.1", port: 0, tls: offered}
  - {address: "127.0.0.1", port: 0, tls: direct}
auth: {mechanisms: [SCRAM-SHA-1, PLAIN], without_tls: [SCRAM-SHA-1, PLAIN], iterations: 4096}
registration: {open: yes, per_address: off}
compression: always
limits: {queue: 1M, stanza: 64k, login_time: 15s, unauthenticated_per_address: 500}
"""
HUGE = 5000
BAD = [  # before the login: what is sent, and the error
    ("a DTD", b"<!DOCTYPE x [<!ENTITY a 'b'>]>", "restricted-xml"),
    ("a comment", b"<!-- x -->", "restricted-xml"),
    ("a processing instruction", b"<?x y?>", "restricted-xml"),
    ("an entity", b"<auth>&x;</auth>", "restricted-xml"),
    ("a NUL", b"<auth>\0</auth>", "not-well-formed"),
    ("a surrogate", b"<auth>\xed\xa0\x80</auth>", "not-well-formed"),
    ("half a character", b"<auth>\xe4\xb8</auth>", "not-well-formed"),
    ("overlong UTF-8", b"<auth>\xc0\xbc</auth>", "not-well-formed"),
    ("UTF-16", "<auth/>".encode("utf-16"), "not-well-formed|bad-format"),
    ("text between stanzas", b"x", "bad-format"),
    ("5,000 levels", b"<a>" * HUGE, "policy-violation"),
    ("5,000 attributes", b"<a " + b" ".join(b"a%d='x'" % i for i in range(HUGE)) + b"/>", "policy-violation"),
    ("5,000 namespaces", b"<a " + b" ".join(b"xmlns:a%d='x'" % i for i in range(HUGE)) + b"/>", "policy-violation"),
    ("1,000 namespaces at one place", b"".join(b"<a " + b" ".join(b"xmlns:a%d_%d='x'" % (k, i) for i in range(50)) + b">" for k in range(10)) + b"</a>" * 10,
     "policy-violation"),
    ("an endless name", b"<" + b"a" * 20000, "policy-violation"),
    ("an endless value", b"<a b='" + b"c" * 20000, "policy-violation"),
    ("an oversize stanza", b"<auth xmlns='%s'>" % SASL.encode() + b"A" * 20000, "policy-violation"),
    ("an element of nobody", b"<foo xmlns='bar'/>", "unsupported-stanza-type"),
    ("a message", b"<message to='a@localhost'/>", "not-authorized"),
    ("an end tag too early", b"<a><b></a>", "not-well-formed"),
]
FAILURES = [  # SASL: what is said, and the failure
    ("<auth xmlns='%s' mechanism='PLAIN'>*</auth>" % SASL, "incorrect-encoding"),
    ("<auth xmlns='%s' mechanism='PLAIN'>QUJ</auth>" % SASL, "incorrect-encoding"),
    ("<auth xmlns='%s' mechanism='PLAIN'>%s</auth>" % (SASL, base64.b64encode(b"a\0b\0c\0d").decode()), "malformed-request"),
    ("<auth xmlns='%s' mechanism='X'/>" % SASL, "invalid-mechanism"),
    ("<auth xmlns='%s' mechanism='SCRAM-SHA-1-PLUS'/>" % SASL, "invalid-mechanism"),
    ("<auth xmlns='%s' mechanism='SCRAM-SHA-1'>%s</auth>" % (SASL, base64.b64encode(b"p=x,,n=a,r=b").decode()), "malformed-request|not-authorized"),
    ("<auth xmlns='%s' mechanism='PLAIN'>%s</auth>" % (SASL, base64.b64encode(b"from@localhost\0to\0testpwd").decode()), "invalid-authzid"),
]


class Steps:
    def __init__(self, folder):
        self.folder = folder
        with open(folder + "/mynahd.yaml", "w") as f:
            f.write(CONFIG % folder)
        self.server = Server(sys.argv[1], folder + "/mynahd.yaml")
        for name in "from", "to", "mallory", "deaf":
            assert "type='result'" in Client(self.server).register(name)[1]
        self.bystanders = Bystanders(self.server)

    def person(self, name, resource):
        c = Client(self.server)
        assert "<success" in c.plain(name)
        c.bind(resource)
        return c

    def ends_with(self, c, condition):
        try:
            got = c.ends()
        except OSError:  # what it had not read when it closed comes back as a reset
            got = c.text
        assert re.search("<(%s) xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>" % condition, got), (condition, got)
        assert got.endswith("</stream:stream>"), got

    def before_the_login(self, name, data, condition):
        c = Client(self.server)
        try:
            c.socket.sendall(data)
        except OSError:
            pass
        try:
            self.ends_with(c, condition)
        except Exception as e:
            raise Exception("%s: %s" % (name, e))
        c.socket.close()

    def bad_streams(self):
        for row in BAD:
            self.before_the_login(*row)

    def bad_logins(self):
        for text, condition in FAILURES:
            c = Client(self.server)
            c.send(text)
            got = c.until("</failure>")
            assert re.search("<(%s)/>" % condition, got), (text, got)
            c.socket.close()

    def after_the_login(self):
        """Limits, spoofed senders, resources that are too long."""
        for text, condition in (("<message><body>%s" % ("x" * 70000), "policy-violation"),
                                ("<a>" * 200, "policy-violation"),
                                ("<message from='to@localhost'/>", "invalid-from"),
                                ("<message from='mallory@localhost/other' to='to@localhost'/>", "invalid-from"),
                                ("<presence><!-- x --></presence>", "restricted-xml")):
            c = self.person("mallory", "r")
            try:
                c.send(text)
            except OSError:
                pass
            self.ends_with(c, condition)
            c.socket.close()
        c = Client(self.server)
        assert "<success" in c.plain("mallory")
        c.open()
        c.send("<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>%s</resource></bind></iq>" % ("r" * 2000))
        assert "<bad-request" in c.until("</iq>")
        c.socket.close()

    def dropped(self):
        """10,000 connections that come and go, some with a word, some with a reset."""
        for i in range(10000):
            s = socket.create_connection(("127.0.0.1", self.server.ports[i % 2]), DEADLINE)
            if i % 3 == 0:
                with contextlib.suppress(OSError):  # too many of them are there still, and this one is turned away
                    s.sendall(b"<?xml version='1.0'?><stream:stream to='localhost'" if i % 2 == 0 else b"\x16\x03\x01")
            if i % 5 == 0:
                s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            s.close()
        wait_for(self.quiet, "connections are left")  # as long as too many are, nobody gets in

    def quiet(self):
        return self.ask("status")["connections"] == 2  # the bystanders

    def bomb(self):
        """64 MB of blanks in 64 kB of zlib, before the login."""
        c = Client(self.server)
        c.send("<compress xmlns='http://jabber.org/protocol/compress'><method>zlib</method></compress>")
        c.until("<compressed[^>]*/>")
        squeeze = zlib.compressobj(9)
        data = squeeze.compress(b"<stream:stream to='localhost' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>"
                                + b"<a b='" + b"x" * (64 << 20)) + squeeze.flush(zlib.Z_SYNC_FLUSH)
        try:
            c.socket.sendall(data)
            while c.socket.recv(65536):
                pass
        except OSError:
            pass
        c.socket.close()

    def deaf(self):
        """50 MB for a client that never reads: its session ends at the limit; nobody else notices."""
        deaf, c = self.person("deaf", "ear"), self.person("mallory", "mouth")
        c.send("<iq type='get' id='r'><query xmlns='jabber:iq:roster'/></iq>")
        c.until("</iq>|<iq [^>]*/>")
        text = "<message to='deaf@localhost/ear' type='headline'><body>%s</body></message>" % ("x" * 50000)
        sent, until = 0, time.monotonic() + 4 * DEADLINE
        c.socket.settimeout(4 * DEADLINE)
        drain = threading.Thread(target=functools.partial(self.drain, c.socket), daemon=True)
        drain.start()
        while sent < 50 << 20 and time.monotonic() < until:
            c.send(text)
            sent += len(text)
        assert sent >= 50 << 20, sent
        wait_for(lambda: not [s for s in self.ask("session", "list", "deaf@localhost")["sessions"]], "the deaf session is there")
        c.socket.close()
        drain.join(DEADLINE)
        deaf.socket.close()

    def drain(self, s):
        try:
            while s.recv(65536):
                pass
        except OSError:
            pass

    def guessing(self):
        """Wrong passwords cost time, also when each comes from elsewhere; the owner gets in all the same."""
        began = time.monotonic()
        for i in range(8):
            c = Client(self.server, source="127.0.%d.1" % i)
            assert "<not-authorized" in c.plain("mallory", "guess %d" % i)
            c.socket.close()
        cost = time.monotonic() - began
        assert cost > 1.5, cost
        c = Client(self.server)
        assert "<success" in c.plain("mallory")
        c.socket.close()

    def ask(self, *words):
        p = subprocess.run([sys.argv[2], "--socket", self.folder + "/data/control.sock", "--json"] + list(words),
                           stdout=subprocess.PIPE, timeout=DEADLINE)
        return json.loads(p.stdout)["ok"]

    def once_more(self):
        """All of it again: what the server holds is what it held after the first time."""
        wait_for(self.quiet, "connections are left")
        base = self.ask("status")["memory_bytes"]
        for step in self.bad_streams, self.bad_logins, self.after_the_login, self.dropped, self.bomb:
            step()
        wait_for(self.quiet, "connections are left")
        wait_for(lambda: self.ask("status")["memory_bytes"] < base + (128 << 10),
                 lambda: "memory: %d, before %d" % (self.ask("status")["memory_bytes"], base))
        self.sleeper = socket.create_connection(("127.0.0.1", self.server.ports[1]), DEADLINE)  # TLS that never comes

    def half_open(self):
        """TLS that never comes is ended when the time for the login is over."""
        self.sleeper.settimeout(2 * DEADLINE)
        assert self.sleeper.recv(1) == b""


def main():
    folder = tempfile.mkdtemp(prefix="mynah-hostile-")
    t = Steps(folder)
    bad = tap([t.bad_streams, t.bad_logins, t.after_the_login, t.dropped, t.bomb, t.once_more, t.deaf, t.guessing, t.half_open,
               ("bystanders_were_not_disturbed", t.bystanders.were_not_disturbed)], lambda: t.server.log)
    try:
        t.server.end()
    except Exception as e:
        print("# %s" % str(e)[-3000:])
        bad += 1
    shutil.rmtree(folder)
    return bad != 0


sys.exit(main())
