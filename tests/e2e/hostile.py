#!/usr/bin/python3
"""Hostile streams of every kind: each ends in its defined error. Prints TAP. usage: hostile.py MYNAHD"""
import base64, contextlib, functools, os, re, shutil, socket, ssl, struct, sys, tempfile, threading, time, zlib

sys.path.append(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from beside import Beside, once
from mynah import DEADLINE, SASL, Client, Server, end_all, person, wait_for, write

CONFIG = """
data: %s/data
loops: 4
listen:
  - {address: "127.0.0.1", port: 0, tls: offered}
  - {address: "127.0.0.1", port: 0, tls: direct}
auth: {mechanisms: [SCRAM-SHA-1, PLAIN], without_tls: [SCRAM-SHA-1, PLAIN], iterations: 4096}
registration: {open: yes, per_address: off}
compression: always
limits: {queue: 1M, mailbox: 1M, stanza: 64k, login_time: 15s, unauthenticated_per_address: 500}
"""
STREAM, COMPRESS = "http://etherx.jabber.org/streams", "http://jabber.org/protocol/compress"
STARTTLS = "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
HUGE = 5000
HELD = 4 << 20  # bytes: limits.queue and limits.mailbox, and about as much of what is being read and sent
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
    ("5,000 siblings", b"<auth xmlns='%s'>" % SASL.encode() + b"<a/>" * HUGE, "policy-violation"),
    ("an endless name", b"<" + b"a" * 20000, "policy-violation"),
    ("an endless value", b"<a b='" + b"c" * 20000, "policy-violation"),
    ("an oversize stanza", b"<auth xmlns='%s'>" % SASL.encode() + b"A" * 20000, "policy-violation"),
    ("an element of nobody", b"<foo xmlns='bar'/>", "unsupported-stanza-type"),
    ("a message", b"<message to='a@localhost'/>", "not-authorized"),
    ("an end tag too early", b"<a><b></a>", "not-well-formed"),
]
HEADERS = [  # instead of a header: what is sent, and the error
    (b"<stream:stream to='localhost' version='1.0' xmlns='jabber:client' xmlns:stream='urn:else'>", "invalid-namespace"),
    (b"<stream:stream to='localhost' version='1.0' xmlns='jabber:client'>", "not-well-formed"),
    (b"<stream:stream to='localhost' version='1.0' xmlns='urn:else' xmlns:stream='%s'>" % STREAM.encode(), "invalid-namespace"),
    (b"<stream:stream to='localhost' version='1.0' xmlns='jabber:server' xmlns:stream='%s'>" % STREAM.encode(), "invalid-namespace"),
    (b"<stream:features to='localhost' version='1.0' xmlns='jabber:client' xmlns:stream='%s'>" % STREAM.encode(), "bad-format|invalid-namespace"),
    (b"<stream:stream to='elsewhere' version='1.0' xmlns='jabber:client' xmlns:stream='%s'>" % STREAM.encode(), "host-unknown"),
    (b"<!DOCTYPE stream SYSTEM 'file:///etc/passwd'>", "restricted-xml"),
    (b"<?xml version='1.0' encoding='UTF-16'?><stream:stream to='localhost' xmlns='jabber:client' xmlns:stream='%s'>" % STREAM.encode(),
     "unsupported-encoding"),
    ("<?xml version='1.0'?><stream:stream/>".encode("utf-16"), "not-well-formed|bad-format"),
    (b"<?xml version='1.0'?><stream:stream \xff>", "not-well-formed"),
    (b"GET / HTTP/1.1\r\n\r\n", "bad-format|not-well-formed"),
    (b"<stream:stream " + b"a" * 20000, "policy-violation"),
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
        self.server = Server(sys.argv[1], write(folder, CONFIG))
        for name in "from", "to", "mallory", "deaf":
            assert "type='result'" in Client(self.server).register(name)[1]
        self.beside = Beside(self.server, folder + "/data")

    def person(self, name, resource):
        return person(self.server, name, resource)

    def ends_with(self, c, condition):
        try:
            got = c.ends()
        except OSError:  # what it had not read when it closed comes back as a reset
            got = c.text
        assert re.search("<(%s) xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>" % condition, got), (condition, got)
        assert "policy-violation" not in got or "over a limit of size, depth or attributes" in got, got  # who is late hears that one too
        assert got.endswith("</stream:stream>"), got
        c.socket.close()

    def before_the_login(self, name, data, condition, opened=True):
        c = Client(self.server, opened=opened)
        try:
            c.socket.sendall(data)
        except OSError:
            pass
        try:
            self.ends_with(c, condition)
        except Exception as e:
            raise Exception("%s: %s" % (name, e))

    def bad_streams(self):
        for row in BAD:
            self.before_the_login(*row)

    def bad_headers(self):
        for data, condition in HEADERS:
            self.before_the_login(data[:90], data, condition, False)

    def bad_logins(self):
        for text, condition in FAILURES:
            c = Client(self.server)
            c.send(text)
            got = c.until("</failure>")
            assert re.search("<(%s)/>" % condition, got), (text, got)
            c.socket.close()

    def after_the_login(self):
        """Limits, spoofed senders, resources that are too long, and what was no text before the login is none behind it."""
        for text, condition in [(b"<message><body>%s" % (b"x" * 70000), "policy-violation"),
                                (b"<a>" * HUGE, "policy-violation"),
                                (b"<message from='to@localhost'/>", "invalid-from"),
                                (b"<message from='mallory@localhost/other' to='to@localhost'/>", "invalid-from"),
                                (b"<presence><!-- x --></presence>", "restricted-xml")] + \
                [(b"<message to='to@localhost/r'><body>%s</body></message>" % data, "not-well-formed")
                 for data in (b"\0", b"\xff", b"\xed\xa0\x80\xed\xb0\x80", b"\xc0\xbc", b"\xf4\x90\x80\x80", b"\xef\xbf\xbe", b"&#0;", b"&#xD800;", b"&#xFFFF;")]:
            c = self.person("mallory", "r")
            try:
                c.socket.sendall(text)
            except OSError:
                pass
            self.ends_with(c, condition)
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
        self.beside.left()  # as long as too many are, nobody gets in

    def compressed(self):
        c = Client(self.server)
        c.send("<compress xmlns='%s'><method>zlib</method></compress>" % COMPRESS)
        c.until("<compressed[^>]*/>")
        return c

    def all_of(self, c):
        """What comes, inflated, until the other side ends it."""
        got, inflate = b"", zlib.decompressobj()
        with contextlib.suppress(ConnectionError):
            while data := c.socket.recv(65536):
                got += inflate.decompress(data)
        c.socket.close()
        return got.decode()

    def bomb(self):
        """64 MB in 64 kB of zlib, before the login: of an element, whose limit is met first, and of blanks between elements."""
        for what in b"<a b='" + b"x" * (64 << 20), b" " * (64 << 20):
            c = self.compressed()
            squeeze = zlib.compressobj(9)
            with contextlib.suppress(OSError):
                c.socket.sendall(squeeze.compress(b"<stream:stream to='localhost' xmlns='jabber:client' xmlns:stream='%s' version='1.0'>" % STREAM.encode()
                                                  + what) + squeeze.flush(zlib.Z_SYNC_FLUSH))
            got = self.all_of(c)
            assert got.count("<policy-violation xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>") == 1 and "took too long" not in got and got.endswith("</stream:stream>"), got

    def no_zlib(self):
        """Behind <compressed/>: text, noise, a stream with a dictionary, one whose sum is wrong, one that ends. And compression again, by a
        method of nobody, or what belongs above it."""
        processing = "<undefined-condition xmlns='urn:ietf:params:xml:ns:xmpp-streams'/><failure xmlns='%s'><processing-failed/></failure></stream:error></stream:stream>" % COMPRESS
        for data in b"<stream:stream to='localhost'>", b"\xff" + os.urandom(5000), b"\x78\xbb\0\0\0\1" + bytes(50), zlib.compress(b"<a/>")[:-4] + b"xxxx", b"":
            c = self.compressed()
            c.socket.sendall(data)
            c.socket.shutdown(socket.SHUT_WR)
            got = self.all_of(c)
            assert "<stream:features" not in got and got.endswith(processing if data else ""), (data, got)
        header = "<stream:stream to='localhost' xmlns='jabber:client' xmlns:stream='%s' version='1.0'>" % STREAM
        for text, wanted in (("<compress xmlns='%s'><method>zlib</method></compress></stream:stream>" % COMPRESS,
                              "<failure xmlns='%s'><setup-failed/></failure>" % COMPRESS),
                             (STARTTLS, "<failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")):
            c, squeeze = self.compressed(), zlib.compressobj()
            c.socket.sendall(squeeze.compress((header + text).encode()) + squeeze.flush(zlib.Z_SYNC_FLUSH))
            got = self.all_of(c)
            assert wanted in got and got.endswith("</stream:stream>"), got
        c = Client(self.server)
        for methods in "", "<method>lzw</method>", "<method>ZLIB</method>", "<method/>" * 50:
            c.send("<compress xmlns='%s'>%s</compress>" % (COMPRESS, methods))
            c.until("<failure xmlns='%s'><(unsupported-method|setup-failed)/></failure>" % COMPRESS)
        assert "<success" in c.plain("mallory")
        c.socket.close()

    def behind_starttls(self):
        """What was smuggled in behind <starttls/> is not heard under TLS, nor does TLS come twice."""
        c = Client(self.server)
        c.send(STARTTLS + "<iq type='set' id='injected'><query xmlns='jabber:iq:register'><username>injected</username><password>x</password></query></iq>"
               "<auth xmlns='%s' mechanism='PLAIN'>%s</auth>" % (SASL, base64.b64encode(b"\0mallory\0testpwd").decode()))
        c.until("<proceed[^>]*/>")
        c.socket = ssl.create_default_context(cafile=self.folder + "/data/certs/ca.crt").wrap_socket(c.socket, server_hostname="localhost")
        assert "<mechanisms" in c.open()
        c.send("<iq type='get' id='mine'><query xmlns='jabber:iq:register'/></iq>")
        got = c.until("<iq [^>]*id='mine'.*?</iq>")
        assert "injected" not in got and "<success" not in got, got
        c.send(STARTTLS)
        assert "<success" not in c.ends()
        c.socket.close()
        assert self.beside.ask("status")["accounts"] == 4

    def deaf(self):
        """50 MB for a client that never reads: its session ends at the limit, and all the while no more than that is held for it; nobody
        else notices."""
        deaf, c = self.person("deaf", "ear"), self.person("mallory", "mouth")
        text = "<message to='deaf@localhost/ear' type='headline'><body>%s</body></message>" % ("x" * 50000)
        sent, until, before, held = 0, time.monotonic() + 4 * DEADLINE, self.memory(), 0
        c.socket.settimeout(4 * DEADLINE)
        drain = threading.Thread(target=functools.partial(self.drain, c.socket), daemon=True)
        drain.start()
        while sent < 50 << 20 and time.monotonic() < until:
            c.send(text)
            sent += len(text)
            held = max(held, self.memory() - before)
        assert sent >= 50 << 20 and held < HELD, (sent, held)
        print("# at most %d kB were held" % (held >> 10))
        wait_for(lambda: not self.beside.ask("session", "list", jid="deaf@localhost")["sessions"], "the deaf session is there")
        c.socket.shutdown(socket.SHUT_RDWR)
        drain.join(DEADLINE)
        c.socket.close()
        deaf.socket.close()

    def memory(self):
        return self.beside.ask("status")["memory_bytes"]

    def drain(self, s):
        with contextlib.suppress(OSError):
            while s.recv(65536):
                pass

    @once
    def half_open(self):
        """TLS that never comes is ended when the time for the login is over."""
        sleepers = [socket.create_connection(("127.0.0.1", self.server.ports[1]), 2 * DEADLINE) for _ in range(50)]
        for s in sleepers:
            assert s.recv(1) == b""
            s.close()


folder = tempfile.mkdtemp(prefix="mynah-hostile-")
try:
    t = Steps(folder)
    bad = t.beside.tap([t.bad_streams, t.bad_headers, t.bad_logins, t.after_the_login, t.dropped, t.bomb, t.no_zlib, t.behind_starttls, t.deaf, t.half_open],
                       [("it_ends_in_order", t.server.end)])
finally:
    end_all()
    shutil.rmtree(folder)
sys.exit(bad != 0)
