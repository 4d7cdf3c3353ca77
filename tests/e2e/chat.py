#!/usr/bin/python3
"""Two people register, log in, become contacts, chat, miss each other and leave, against a real mynahd on four loops. Prints TAP.
usage: chat.py MYNAHD CONFIG-OF-2007"""
import base64, hashlib, hmac, os, re, shutil, signal, socket, ssl, subprocess, sys, tempfile, threading, time

DEADLINE = 20
HEADER = ("<?xml version='1.0' ?><stream:stream to='localhost' xmlns='jabber:client' "
          "xmlns:stream='http://etherx.jabber.org/streams' xml:lang='en' version='1.0'>")
SASL = "urn:ietf:params:xml:ns:xmpp-sasl"
CONFIG = """
data: %s/data
loops: 4
listen:
  - {address: "127.0.0.1", port: 0, tls: offered}
auth:
  iq_auth: on
  mechanisms: [SCRAM-SHA-256-PLUS, SCRAM-SHA-1-PLUS, SCRAM-SHA-256, SCRAM-SHA-1, DIGEST-MD5, PLAIN]
  without_tls: [SCRAM-SHA-1, DIGEST-MD5, PLAIN]
  iterations: 4096
registration: {open: yes, per_address: off}
compression: after-login
"""


class Server:
    def __init__(self, binary, path):
        if os.path.isdir(path):
            folder, path = path, path + "/mynahd.yaml"
            with open(path, "w") as f:
                f.write(CONFIG % folder)
        self.log = []
        self.process = subprocess.Popen([binary, "--config", path], stderr=subprocess.PIPE, text=True)
        self.ready = threading.Event()
        self.port = 0
        threading.Thread(target=self.read, daemon=True).start()
        if not self.ready.wait(DEADLINE):
            raise Exception("not ready: " + "".join(self.log))

    def read(self):
        for line in self.process.stderr:
            self.log.append(line)
            m = re.search(r"address=127\.0\.0\.1:(\d+)", line)
            self.port = int(m.group(1)) if m else self.port
            if " ready " in line:
                self.ready.set()

    def stop(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        return self.process.wait(DEADLINE)


class Client:
    def __init__(self, server, opened=True):
        self.socket = socket.create_connection(("127.0.0.1", server.port), DEADLINE)
        self.text = ""
        if opened:
            self.open()

    def open(self):
        self.send(HEADER)
        return self.until("</stream:features>")

    def send(self, text):
        self.socket.sendall(text.encode())

    def until(self, pattern):
        """Everything up to the end of the pattern's match, which is used up."""
        while True:
            m = re.search(pattern, self.text, re.S)
            if m:
                got, self.text = self.text[:m.end()], self.text[m.end():]
                return got
            data = self.socket.recv(65536)
            if not data:
                raise Exception("closed while waiting for %s; have %r" % (pattern, self.text))
            self.text += data.decode()

    def ends(self):
        while True:
            data = self.socket.recv(65536)
            if not data:
                return self.text
            self.text += data.decode()

    def register(self, name, password="testpwd"):
        self.send("<iq type='get' id='g'><query xmlns='jabber:iq:register'/></iq>")
        form = self.until("</iq>")
        self.send("<iq type='set' id='s'><query xmlns='jabber:iq:register'><username>%s</username><password>%s</password>"
                  "<name/><email/></query></iq>" % (name, password))
        return form, self.until(r"<iq [^>]*id='s'[^>]*(/>|>.*?</iq>)")

    def starttls(self, ca):
        self.send("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
        self.until("<proceed")
        self.until("/>")
        self.socket = ssl.create_default_context(cafile=ca).wrap_socket(self.socket, server_hostname="localhost")
        return self.open()

    def plain(self, name, password="testpwd"):
        token = base64.b64encode(("\0%s\0%s" % (name, password)).encode()).decode()
        self.send("<auth xmlns='%s' mechanism='PLAIN'>%s</auth>" % (SASL, token))
        return self.until("</failure>|<success[^>]*/>|</success>")

    def scram(self, name, password="testpwd"):
        """SCRAM-SHA-256 without binding; the server's signature is checked."""
        bare = "n=%s,r=fyko" % name
        self.send("<auth xmlns='%s' mechanism='SCRAM-SHA-256'>%s</auth>"
                  % (SASL, base64.b64encode(("n,," + bare).encode()).decode()))
        first = base64.b64decode(re.search(">([^<]+)</challenge>", self.until("</challenge>")).group(1)).decode()
        values = dict(v.split("=", 1) for v in first.split(","))
        salted = hashlib.pbkdf2_hmac("sha256", password.encode(), base64.b64decode(values["s"]), int(values["i"]))
        mac = lambda key, text: hmac.new(key, text.encode(), "sha256").digest()
        final = "c=biws,r=" + values["r"]
        message = ",".join([bare, first, final])
        key = mac(salted, "Client Key")
        proof = bytes(a ^ b for a, b in zip(key, mac(hashlib.sha256(key).digest(), message)))
        self.send("<response xmlns='%s'>%s</response>" % (SASL, base64.b64encode(
            (final + ",p=" + base64.b64encode(proof).decode()).encode()).decode()))
        end = re.search(">([^<]+)</success>", self.until("</success>")).group(1)
        assert base64.b64decode(end).decode() == "v=" + base64.b64encode(mac(mac(salted, "Server Key"), message)).decode()
        return values

    def digest_md5(self, name, password="testpwd"):
        self.send("<auth xmlns='%s' mechanism='DIGEST-MD5'/>" % SASL)
        text = base64.b64decode(re.search(">([^<]+)</challenge>", self.until("</challenge>")).group(1)).decode()
        nonce = re.search('nonce="([^"]+)"', text).group(1)
        h = lambda b: hashlib.md5(b).digest()
        a1 = h(("%s:localhost:%s" % (name, password)).encode()) + (":%s:cn" % nonce).encode()
        value = lambda verb: hashlib.md5(("%s:%s:00000001:cn:auth:%s" % (
            h(a1).hex(), nonce, h((verb + ":xmpp/localhost").encode()).hex())).encode()).hexdigest()
        reply = ('username="%s",realm="localhost",nonce="%s",cnonce="cn",nc=00000001,qop=auth,digest-uri="xmpp/localhost",'
                 'response=%s,charset=utf-8' % (name, nonce, value("AUTHENTICATE")))
        self.send("<response xmlns='%s'>%s</response>" % (SASL, base64.b64encode(reply.encode()).decode()))
        end = re.search(">([^<]+)</success>", self.until("</success>")).group(1)
        assert base64.b64decode(end).decode() == "rspauth=" + value("")

    def bind(self, resource):
        features = self.open()
        self.send("<iq type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>%s</resource></bind></iq>"
                  % resource)
        return features, self.until("</iq>")

    def ping(self):
        """All that was sent before is handled, and what it caused here has arrived."""
        self.send("<iq type='get' id='ping' to='localhost'><ping xmlns='urn:xmpp:ping'/></iq>")
        return self.until("<iq [^>]*id='ping'[^>]*/>")


def person(server, name, resource):
    c = Client(server)
    assert "<success" in c.plain(name)
    c.bind(resource)
    return c


def registering(server, folder):
    form, result = Client(server).register("romeo")
    assert "<username/>" in form and "type='text-private'><required/>" in form and "type='result'" in result
    assert "type='result'" in Client(server).register("juliet")[1]
    assert "<conflict" in Client(server).register("romeo")[1]
    assert "<not-acceptable" in Client(server).register("bad name")[1]
    c = Client(server)
    c.register("tybalt")
    c.send("</stream:stream>")
    assert c.ends().endswith("</stream:stream>")


def mechanisms(server, folder):
    c = Client(server)
    c.digest_md5("romeo")
    assert "romeo@localhost/a</jid>" in c.bind("a")[1]
    c = Client(server)
    offered = c.starttls(folder + "/data/certs/ca.crt")
    assert "SCRAM-SHA-256-PLUS" in offered and "type='tls-exporter'" in offered and "<starttls" not in offered
    values = c.scram("romeo")
    assert values["t"] == "0304" and values["h"]
    features, jid = c.bind("b")
    assert "romeo@localhost/b</jid>" in jid and "<bind" in features and "<mechanisms" not in features
    c = Client(server)
    assert "<not-authorized" in c.plain("romeo", "wrong")
    assert "<not-authorized" in c.plain("nobody", "wrong")
    c.send("<auth xmlns='%s' mechanism='NONE'/>" % SASL)
    assert "<invalid-mechanism" in c.until("</failure>")
    assert "<success" in c.plain("romeo")
    ask = ("<iq type='set' id='auth'><query xmlns='jabber:iq:auth'><username>romeo</username><password>%s</password>"
           "<resource>old</resource></query></iq>")
    c = Client(server)
    c.send("<iq type='get' id='fields'><query xmlns='jabber:iq:auth'/></iq>")
    assert "<password/><resource/>" in c.until("</iq>")
    c.send(ask % "testpwd")
    assert "type='result'" in c.until("<iq[^>]*id='auth'[^>]*>")
    c.ping()
    c = Client(server)
    c.send(ask % "wrong")
    assert "<not-authorized" in c.until("</iq>")
    c.send(ask % "testpwd")
    assert "<service-unavailable" in c.until("</iq>")


def of_2007(server, folder):
    """The features of etc/mynahd-2007.yaml, in the order of the time's traces."""
    path = folder + "/2007.yaml"
    with open(sys.argv[2]) as f, open(path, "w") as to:
        to.write("data: %s/2007\n" % folder + f.read().replace("port: 5222", "port: 0"))
    old = Server(sys.argv[1], path)
    try:
        c = Client(old, False)
        got = c.open()
        names = re.findall(r"<(starttls|mechanism>[A-Z0-9-]+|compression|auth|register) ?", got)
        assert names == ["starttls", "mechanism>DIGEST-MD5", "mechanism>PLAIN", "mechanism>ANONYMOUS", "mechanism>CRAM-MD5",
                         "compression", "auth", "register"], names
        assert "type='result'" in c.register("testuser")[1]
        c.digest_md5("testuser")
        features, jid = c.bind("x")
        assert re.findall(r"<(compression|bind|session|ver|sub) ", features) == ["compression", "bind", "session"], features
        anonymous = Client(old)
        anonymous.send("<auth xmlns='%s' mechanism='ANONYMOUS'/>" % SASL)
        anonymous.until("<success[^>]*/>")
        anonymous.bind("y")
        form, result = anonymous.register("guest")
        assert "<username/>" in form and "type='result'" in result
        assert "<conflict" in anonymous.register("testuser")[1]
        assert "<not-acceptable" in anonymous.register("bad name")[1]
        anonymous.send("<iq type='set' id='rm'><query xmlns='jabber:iq:register'><remove/></query></iq>")
        assert "<not-acceptable" in anonymous.until("</iq>")
        assert "<success" in Client(old).plain("guest")
    finally:
        assert old.stop() == 0, "".join(old.log)


def contacts(server, folder):
    a, b = person(server, "romeo", "orchard"), person(server, "juliet", "balcony")
    for c in a, b:
        c.send("<iq type='get' id='r'><query xmlns='jabber:iq:roster'/></iq><presence><priority>1</priority></presence>")
        c.until("id='r'")
        c.ping()
    a.send("<presence type='subscribe' to='juliet@localhost'/>")
    a.until("ask='subscribe'")
    b.until("<presence type='subscribe' to='juliet@localhost' from='romeo@localhost'")
    b.send("<presence type='subscribed' to='romeo@localhost'/><presence type='subscribe' to='romeo@localhost'/>")
    b.until("subscription='from'")
    a.until("subscription='to'")
    a.until("type='subscribe'")
    a.send("<presence type='subscribed' to='juliet@localhost'/>")
    a.until("subscription='both'")
    b.until("subscription='both'")
    a.send("<iq type='get' id='p'><query xmlns='jabber:iq:private'><roster xmlns='roster:delimiter'/></query></iq>")
    assert "<roster xmlns='roster:delimiter'/>" in a.until("id='p'.*?</iq>")
    hello = ("<body>hello</body><html xmlns='http://jabber.org/protocol/xhtml-im'><body xmlns='http://www.w3.org/1999/xhtml'>"
             "<span style='color: #004200'>hello</span></body></html><active xmlns='http://jabber.org/protocol/chatstates'/>")
    b.send("<message type='chat' xml:lang='zh-cn' id='sd32' to='romeo@localhost/orchard'>%s</message>" % hello)
    got = a.until("<message.*?</message>")
    assert hello in got and "from='juliet@localhost/balcony'" in got and "xml:lang='zh-cn'" in got
    for i in range(200):
        a.send("<message type='chat' to='juliet@localhost'><body>n%d</body></message>" % i)
    assert [int(n) for n in re.findall("<body>n(\\d+)<", b.until("<body>n199<"))] == list(range(200))
    b.socket.close()
    a.until("<presence type='unavailable' [^>]*from='juliet@localhost/balcony'")


def missed(server, folder):
    a = person(server, "romeo", "orchard")
    for i in range(20):
        a.send("<message type='chat' id='m%d' to='juliet@localhost'><body>missed %d</body></message>" % (i, i))
    a.ping()  # answered only when all that stands before it is durable
    server.stop(signal.SIGKILL)
    server = Server(sys.argv[1], folder)
    try:
        b = person(server, "juliet", "balcony")
        b.send("<presence/>")
        got = b.until("missed 19.*?</message>")
        assert [int(n) for n in re.findall("<body>missed (\\d+)<", got)] == list(range(20)) and got.count("urn:xmpp:delay") == 20
        assert "missed" not in b.ping()
        b.send("<iq type='get' id='r'><query xmlns='jabber:iq:roster'/></iq>")
        assert "jid='romeo@localhost' subscription='both'" in b.until("</iq>")
        c = person(server, "juliet", "late")
        c.send("<presence/>")
        assert "missed" not in c.ping()
        b.send("<iq type='set' id='rm'><query xmlns='jabber:iq:register'><remove/></query></iq>")
        b.until("id='rm'")
        assert "not-authorized" in c.ends()
        assert "<not-authorized" in Client(server).plain("juliet")
    finally:
        code = server.stop()
    assert code == 0 and not [l for l in server.log if "Sanitizer" in l or "runtime error" in l], "".join(server.log)


def hostile(server, folder):
    rows = [("<!-- x -->", "restricted-xml"), ("<a><b></a></b>", "not-well-formed"), ("x", "bad-format"),
            ("<foo/>", "unsupported-stanza-type"), ("<message to='x'/>", "not-authorized"),
            ("<a>" + "x" * 20000, "policy-violation"), ("<a>" * 200, "policy-violation")]
    for text, condition in rows:
        c = Client(server)
        c.send(text)
        try:
            got = c.ends()
        except OSError as e:
            raise Exception("%r: %r after %r" % (text[:40], e, c.text))
        assert "<%s xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>" % condition in got and got.endswith("</stream:stream>"), got
    c = socket.create_connection(("127.0.0.1", server.port), DEADLINE)
    c.sendall(HEADER.replace("'localhost'", "'example.net'").encode())
    text = b""
    while b"</stream:stream>" not in text:
        data = c.recv(65536)
        assert data
        text += data
    assert b"host-unknown" in text and text.index(b"<stream:stream") < text.index(b"<stream:error")


def main():
    folder = tempfile.mkdtemp(prefix="mynah-e2e-")
    steps, bad = [registering, mechanisms, of_2007, contacts, hostile, missed], 0
    print("1..%d" % len(steps), flush=True)
    server = Server(sys.argv[1], folder)
    for i, step in enumerate(steps, 1):
        try:
            step(server, folder)
            print("ok %d - %s" % (i, step.__name__), flush=True)
        except Exception as e:
            bad += 1
            print("not ok %d - %s\n# %r\n# %s" % (i, step.__name__, e, "# ".join(server.log[-40:])), flush=True)
    if server.process.poll() is None:
        server.process.kill()
    shutil.rmtree(folder)
    return bad != 0


sys.exit(main())
