#!/usr/bin/python3
"""Two people register, log in, become contacts, chat, miss each other and leave, against a real mynahd on four loops. Prints TAP.
usage: chat.py MYNAHD CONFIG-OF-2007"""
import base64, functools, os, re, signal, sys, tempfile, time

sys.path.append(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from mynah import Client, SASL, Server, clean, person, tap, wait_for, write

MISSED = 900
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


def registering(server, folder):
    form, result = Client(server).register("romeo")
    assert "<username/>" in form and re.search("var='password'[^>]*><required/>", form) and "type='result'" in result
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
    """The features of etc/mynahd-2007.yaml, in the order of the time's traces; and the log warns of what is kept for the oldest."""
    path = folder + "/2007.yaml"
    with open(sys.argv[2]) as f:
        text = "data: %s/2007\n" % folder + f.read().replace("port: 5222", "port: 0")

    def configure(text):
        with open(path, "w") as f:
            f.write(text)
    configure(text)
    old = Server(sys.argv[1], path)

    def warned():
        return re.findall(" warn .* database or a backup .* mechanism=(.*)", "".join(old.log))
    try:
        both = ["DIGEST-MD5", "CRAM-MD5"]
        for reloads, new, said in (0, text, both), (1, re.sub("DIGEST-MD5, |, CRAM-MD5", "", text), both), (2, text, 2 * both):
            configure(new)
            if reloads:
                old.process.send_signal(signal.SIGHUP)
            wait_for(lambda: "".join(old.log).count(" command=reload ") == reloads, "a reload")
            assert warned() == said, old.log
        c = Client(old)
        names = re.findall(r"<(starttls|mechanism>[A-Z0-9-]+|compression|auth|register) ?", c.features)
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
        assert "<registration-required" in anonymous.until("</iq>")
        assert "<success" in Client(old).plain("guest")
    finally:
        old.end()


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


def salt(server):
    """What a login of somebody who has no account is asked with."""
    c = Client(server)
    c.send("<auth xmlns='%s' mechanism='SCRAM-SHA-1'>%s</auth>" % (SASL, base64.b64encode(b"n,,n=nobody,r=x").decode()))
    return base64.b64decode(re.search(">([^<]+)</challenge>", c.until("</challenge>")).group(1)).decode().split(",")[1]


def missed(server, folder):
    fake = salt(server)
    a = person(server, "romeo", "orchard")
    other = person(server, "romeo", "other")
    for group in range(0, MISSED, 30):  # the first one is being committed, most likely, when the others arrive at once
        texts = ["<message type='chat' id='m%d' to='juliet@localhost'><body>missed %d</body></message>" % (i, i)
                 for i in range(group, group + 30)]
        a.send(texts[0])
        other.ping()
        a.send("".join(texts[1:]))
        a.ping()  # answered only when all that stands before it is durable
    server.stop(signal.SIGKILL)
    server = Server(sys.argv[1], write(folder, CONFIG))
    try:
        assert salt(server) == fake
        b = person(server, "juliet", "balcony")
        b.send("<presence/>")
        got = b.until("missed %d<.*?</message>" % (MISSED - 1)) + b.ping()
        assert [int(n) for n in re.findall("<body>missed (\\d+)<", got)] == list(range(MISSED)), got
        assert got.count("urn:xmpp:delay") == MISSED
        assert "missed" not in b.ping()
        b.send("<iq type='get' id='r'><query xmlns='jabber:iq:roster'/></iq>")
        assert "jid='romeo@localhost' subscription='both'" in b.until("</iq>")
        c = person(server, "juliet", "late")
        c.send("<presence/>")
        assert "missed" not in c.ping()
        b.send("<iq type='set' id='rm'><query xmlns='jabber:iq:register'><remove/></query></iq>")
        b.until("id='rm'[^>]*/>")
        assert "not-authorized" in b.ends() and "not-authorized" in c.ends()
        assert "<not-authorized" in Client(server).plain("juliet")
    finally:
        server.end()


def renewed(server, folder):
    """Verifiers follow the configuration: one of a new mechanism comes with the next PLAIN login, one of the old goes."""
    def run(mechanisms, steps):
        with open(folder + "/renewed.yaml", "w") as f:
            f.write("data: %s/renewed\nregistration: {open: yes}\nlisten: [{address: 127.0.0.1, port: 0, tls: offered}]\n"
                    "auth: {mechanisms: %s, without_tls: %s}\n" % (folder, mechanisms, mechanisms))
        other = Server(sys.argv[1], folder + "/renewed.yaml")
        try:
            steps(other)
        finally:
            other.end()

    def plain_login(other):
        c = person(other, "romeo", "a")
        c.send("<iq type='set' id='kept'><query xmlns='jabber:iq:private'><x xmlns='x'/></query></iq>")
        c.until("id='kept'")  # and with it what was written before

    def at_first(other):
        Client(other).register("romeo")
        Client(other).digest_md5("romeo")

    def later(other):
        plain_login(other)
        Client(other).scram("romeo")

    def at_last(other):
        try:
            Client(other).digest_md5("romeo")
        except AssertionError:
            pass
        else:
            raise Exception("the verifier is still there")
        plain_login(other)
        Client(other).digest_md5("romeo")

    old = "[SCRAM-SHA-1, DIGEST-MD5, PLAIN]"
    run(old, at_first)
    run("[SCRAM-SHA-256, PLAIN]", later)
    run(old, at_last)


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
    c = Client(server, "example.net", opened=False)
    c.header()
    text = c.ends()
    assert "host-unknown" in text and text.index("<stream:stream") < text.index("<stream:error")


def guesses(server, folder):
    """By jabber:iq:auth they cost time as well, each on a stream of its own."""
    for _ in range(8):
        c, since = Client(server), time.monotonic()
        c.send("<iq type='set' id='a'><query xmlns='jabber:iq:auth'><username>romeo</username><password>guess</password>"
               "<resource>r</resource></query></iq>")
        assert "<not-authorized" in c.until("</iq>")
    assert time.monotonic() - since > 0.2


def main():
    folder = tempfile.mkdtemp(prefix="mynah-e2e-")
    server = Server(sys.argv[1], write(folder, CONFIG))
    steps = [registering, mechanisms, of_2007, contacts, renewed, hostile, guesses, missed]
    bad = tap([(s.__name__, functools.partial(s, server, folder)) for s in steps], lambda: server.log)
    clean(server, folder)
    return bad != 0


sys.exit(main())
