#!/usr/bin/python3
"""Somebody between a client and its server has a certificate that the client trusts, and changes what the server offers: mechanisms, types of
channel binding. What cannot be bound to the channel any more the server sees (RFC 5802, 6), and the client sees what was taken out of the
lists (XEP-0474, XEP-0440). Prints TAP.    usage: middleman.py FOLDER MYNAHD"""
import base64, contextlib, os, re, socket, ssl, subprocess, sys, threading

from driver import DEADLINE, Issuer, NEW, config_new, serving, tap

FOLDER, MYNAHD = sys.argv[1:]
END = b"</stream:features>"
MECHANISM = r"<mechanism>%s</mechanism>"
PASSWORD = "Eve has a long one"


def without(*patterns):
    def change(text):
        for p in patterns:
            text, n = re.subn(p, "", text)
            assert n, (p, text)
        return text
    return change


def decoded(heard):
    """What stands in it as BASE64."""
    texts = re.findall(rb"[A-Za-z0-9+/]{4,}={0,2}", heard)
    return b" ".join(base64.b64decode(t[:len(t) // 4 * 4]) for t in texts)


assert PASSWORD.encode() in decoded(b"<auth mechanism='PLAIN'>%s</auth>" % base64.b64encode(b"\0eve\0" + PASSWORD.encode()))


class Middleman:
    """On a port of his own, with `cert` and `key`, before the first port of the server, whose features go through `change`; he keeps to
    himself what the client says. `refuses`: what binds to the channel is refused by him, with that condition."""

    def __init__(self, server, cert, key, change, newest=None, refuses=None):
        self.server, self.change, self.refuses = server, change, refuses
        self.near = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.near.load_cert_chain(cert, key)
        self.far = ssl.create_default_context(cafile=server.ca)
        for side in self.near, self.far:
            side.maximum_version = newest or ssl.TLSVersion.MAXIMUM_SUPPORTED
        self.heard, self.open = b"", []
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def until(self, s, mark):
        got = b""
        while mark not in got:
            data = s.recv(65536)
            assert data, got
            got += data
        return got

    def serve(self):
        with contextlib.suppress(OSError, AssertionError):
            near = self.socket.accept()[0]
            far = socket.create_connection(("127.0.0.1", self.server.ports[0]), DEADLINE)
            self.open += [near, far]
            far.settimeout(None)
            header = self.until(near, b"version='1.0'")
            far.sendall(header)
            near.sendall(self.until(far, END))
            far.sendall(self.until(near, b"<starttls"))
            near.sendall(self.until(far, b"<proceed"))
            far, near = self.far.wrap_socket(far, server_hostname=NEW), self.near.wrap_socket(near, server_side=True)
            self.open += [near, far]
            threading.Thread(target=self.carry, args=(near, far, True), daemon=True).start()
            first = self.until(far, END).decode()
            near.sendall(self.change(first).encode())
            self.carry(far, near)

    def carry(self, source, target, client=False):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                self.heard += data if client else b""
                if client and self.refuses and b"-PLUS'" in data:
                    source.sendall(b"<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><%s/></failure>" % self.refuses)
                else:
                    target.sendall(data)
        for s in source, target:
            with contextlib.suppress(OSError):
                s.shutdown(socket.SHUT_RDWR)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for s in [self.socket, *self.open]:
            s.close()


class Steps:
    def __init__(self, server, issuer):
        self.server = server
        self.own = issuer.server(NEW, "DNS:" + NEW)
        self.ca = issuer.folder + "/ca.crt"
        self.stolen = server.folder + "/data/certs/%s.crt" % NEW, server.folder + "/data/certs/%s.key" % NEW
        said = self.run("register", server.ports[0], server.ca)
        assert "registered" in said, said

    def run(self, name, port, ca, mechanisms="", **more):
        env = {**os.environ, "MYNAH_HOST": "127.0.0.1", "MYNAH_PORT": str(port), "MYNAH_CA": ca, "MYNAH_PASSWORD": PASSWORD,
               **({"MYNAH_MECHANISMS": mechanisms} if mechanisms else {}), **more}
        p = subprocess.run([os.path.join(FOLDER, name), "eve@%s/r" % NEW], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                           text=True, env=env, timeout=DEADLINE)
        return p.stdout

    def told(self, change, cert=None, newest=None, mechanisms="", refuses=None):
        """What a program says that logs in twice, or says why it does not."""
        cert = cert or self.own
        with Middleman(self.server, *cert, change, newest, refuses) as m:
            said = self.run("reset", m.port, self.ca if cert == self.own else self.server.ca, mechanisms)
        assert PASSWORD.encode() not in m.heard + decoded(m.heard)
        return said

    def the_server_itself_is_believed(self):
        said = self.run("reset", self.server.ports[0], self.server.ca, MYNAH_WIRE="1")
        assert said.count("online as eve@%s/r" % NEW) == said.count("mechanism='SCRAM-SHA-512-PLUS'") == 2, said

    def another_channel_is_seen_by_the_server(self):
        assert "the login was refused: not-authorized" in self.told(lambda text: text)

    def mechanisms_without_binding_are_seen_by_the_server(self):
        """The client could bind, and says so (gs2-cbind-flag y)."""
        said = self.told(without(MECHANISM % r"SCRAM-SHA-\d+-PLUS"))
        assert "refused" in said and "online" not in said, said

    def nobody_takes_the_binding_away_by_refusing_it(self):
        """The lists are what they were: neither side would see it (gs2-cbind-flag n)."""
        for condition in b"invalid-mechanism", b"malformed-request", b"aborted":
            said = self.told(lambda text: text, refuses=condition)
            assert "every way to log in was refused" in said and "online" not in said, said

    def a_weaker_mechanism_is_seen_by_the_client(self):
        """Without any type of binding, as by a client that has none: the server cannot see it."""
        said = self.told(without(MECHANISM % r"SCRAM-SHA-\d+-PLUS", MECHANISM % "SCRAM-SHA-(512|256)", "<sasl-channel-binding.*?</sasl-channel-binding>"))
        assert "the announced mechanisms were changed on the way" in said and "online" not in said, said

    def other_types_of_binding_are_seen_by_the_client(self):
        """With the key of the server, whose certificate both channels have: the one type that is the same in both (XEP-0474, attack 1)."""
        for newest in None, ssl.TLSVersion.TLSv1_2:
            said = self.told(without("<channel-binding type='tls-(exporter|unique)'/>"), self.stolen, newest)
            assert "the announced mechanisms were changed on the way" in said and "online" not in said, said

    def types_that_nobody_has_are_seen(self):
        said = self.told(lambda text: re.sub("type='tls-[a-z-]+'", "type='x-none'", text), self.stolen)
        assert "the announced mechanisms were changed on the way" in said and "online" not in said, said

    def a_password_is_given_to_nobody(self):
        plain = lambda text: re.sub("<mechanism>.*</mechanism>", "<mechanism>PLAIN</mechanism>", text)
        assert "no way to log in" in self.told(plain)
        assert "no way to log in" in self.told(plain, self.stolen, mechanisms="SCRAM-SHA-256 SCRAM-SHA-1")


with serving(MYNAHD, *config_new()) as server, Issuer() as issuer:
    s = Steps(server, issuer)
    bad = tap([s.the_server_itself_is_believed, s.another_channel_is_seen_by_the_server, s.mechanisms_without_binding_are_seen_by_the_server,
               s.nobody_takes_the_binding_away_by_refusing_it, s.a_weaker_mechanism_is_seen_by_the_client, s.other_types_of_binding_are_seen_by_the_client, s.types_that_nobody_has_are_seen,
               s.a_password_is_given_to_nobody])
sys.exit(bad != 0)
