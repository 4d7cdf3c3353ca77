#!/usr/bin/python3
"""What mynahd writes into its log: never a secret or a text of anybody, on any level and in either format; and what others can make it
write again and again only so often. Prints TAP.    usage: logs.py MYNAHD MYNAHCTL"""
import base64, hashlib, json, os, re, shutil, signal, socket, subprocess, sys, tempfile, time

sys.path.append(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from mynah import Client, DEADLINE, SASL, Server, tap

MYNAHD, MYNAHCTL = map(os.path.abspath, sys.argv[1:3])
FOLDER = tempfile.mkdtemp(prefix="mynah-logs-")
PATH = FOLDER + "/mynahd.yaml"
CONFIG = """data: %s/data
domains: [{name: localhost}]
listen:
  - {address: "127.0.0.1", port: 0, tls: offered}
  - {service: component, address: "127.0.0.1", port: 0, tls: off}
components: [{name: echo.localhost, secret: hush-component}]
auth: {mechanisms: [SCRAM-SHA-256, DIGEST-MD5, PLAIN], without_tls: [SCRAM-SHA-256, DIGEST-MD5, PLAIN], iterations: 4096, iq_auth: on}
registration: {open: loopback, per_address: off}
admins: [operator@localhost]
log: {level: %s, format: %s}
"""
PASSWORDS = ["hush-" + word for word in "first second wrong fresh component iqauth command".split()]
TEXTS = ["tale-" + word for word in "body subject status note card roster away carbon component".split()]
REPEATED, LINES = 150, 101  # more than may be written, and what may be
ALL = 1000  # of all addresses together
server = None


def serve(level, form):
    """A new one on new data."""
    global server
    if server and server.process.poll() is None:
        server.stop(signal.SIGKILL)
    shutil.rmtree(FOLDER + "/data", ignore_errors=True)
    with open(PATH, "w") as f:
        f.write(CONFIG % (FOLDER, level, form))
    server = Server(MYNAHD, PATH)


def ask(*words, stdin=""):
    p = subprocess.run([MYNAHCTL, "--config", PATH, "--json", *words], input=stdin, capture_output=True, text=True, timeout=2 * DEADLINE)
    return json.loads(p.stdout)


def traces(word):
    """A word as it is, and as base64 and hexadecimal would show it, wherever in a text it stands."""
    raw = word.encode()
    for shift in range(3):
        cut = base64.b64encode(b"\0" * shift + raw)[4 if shift else 0:].decode().rstrip("=")
        yield cut[:-1]
    yield word
    yield raw.hex()


def login(name, password, resource, how="plain"):
    c = Client(server)
    if how == "plain":
        assert "<success" in c.plain(name, password)
    else:
        getattr(c, how)(name, password)
    c.bind(resource)
    return c


def component(secret, **more):
    s = socket.create_connection(("127.0.0.1", server.ports[1]), DEADLINE, **more)
    s.sendall(b"<stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams' to='echo.localhost'>")
    got = b""
    while b">" not in got[got.find(b"<stream:stream"):]:
        got += s.recv(4096)
    ident = re.search(rb"<stream:stream[^>]* id='([^']+)'", got)[1]
    s.sendall(b"<handshake>%s</handshake>" % hashlib.sha1(ident + secret.encode()).hexdigest().encode())
    got = b""
    while b"/>" not in got:
        got += s.recv(4096)
    return s, got


def iq(c, child, kind="set", to=""):
    c.send("<iq type='%s' id='i'%s>%s</iq>" % (kind, to and " to='%s'" % to, child))
    return c.until("<iq [^>]*id='i'[^>]*(/>|>.*?</iq>)")


def many_things():
    """A day of two people in a few lines, with every kind of secret and of text in it."""
    c = Client(server)
    for name in "romeo", "juliet":
        assert "type='result'" in c.register(name, "hush-first")[1]
    assert "<not-authorized" in Client(server).plain("romeo", "hush-wrong")
    old = Client(server)
    assert "error" in iq(old, "<query xmlns='jabber:iq:auth'><username>romeo</username><password>hush-iqauth</password>"
                         "<resource>x</resource></query>")
    old = Client(server)
    assert "result" in iq(old, "<query xmlns='jabber:iq:auth'><username>romeo</username><password>hush-first</password>"
                          "<resource>old</resource></query>")
    login("romeo", "hush-first", "digest", "digest_md5")
    romeo, juliet = login("romeo", "hush-first", "scram", "scram"), login("juliet", "hush-first", "plain")
    assert "result" in iq(romeo, "<query xmlns='jabber:iq:register'><username>romeo</username><password>hush-second</password></query>")
    assert "result" in iq(romeo, "<query xmlns='jabber:iq:private'><note xmlns='n:n'>tale-note</note></query>")
    assert "result" in iq(romeo, "<vCard xmlns='vcard-temp'><FN>tale-card</FN></vCard>")
    assert "result" in iq(romeo, "<query xmlns='jabber:iq:roster'><item jid='juliet@localhost' name='tale-roster'/></query>")
    assert "result" in iq(romeo, "<enable xmlns='urn:xmpp:carbons:2'/>")
    for c in romeo, juliet:
        c.send("<presence><status>tale-status</status></presence>")
        c.ping()
    message = "<message type='chat' to='%s'><subject>tale-subject</subject><body>%s</body></message>"
    romeo.send(message % ("juliet@localhost", "tale-body"))
    juliet.until("tale-body.*?</message>")
    romeo.send(message % ("nobody@localhost", "tale-body") + message % ("echo.localhost", "tale-component"))
    romeo.until("(<message [^>]*type='error'.*?</message>.*){2}")
    echo, got = component("hush-component")
    assert b"<handshake/>" in got, got
    component("hush-wrong")[0].close()
    romeo.send(message % ("echo.localhost", "tale-component"))
    while b"tale-component" not in echo.recv(65536):
        pass
    echo.sendall(b"<message to='juliet@localhost' from='echo.localhost'><body>tale-component</body></message>")
    juliet.until("tale-component.*?</message>")
    juliet.send("<presence type='unavailable'><status>tale-away</status></presence>")
    juliet.ping()
    romeo.send(message % ("juliet@localhost", "tale-body"))  # kept
    romeo.ping()
    romeo.send("<message to='juliet@localhost'><body>tale-body")
    romeo.send("</subject>")  # not well-formed
    assert "not-well-formed" in romeo.ends()
    assert "ok" in ask("user", "add", "nurse@localhost", "--password-stdin", stdin="hush-command\n")
    assert "ok" in ask("user", "passwd", "nurse@localhost", "--password-stdin", stdin="hush-fresh\n")
    ask("user", "add", "nurse@localhost", "--password-stdin", stdin="hush-fresh\n")
    many = subprocess.run([MYNAHCTL, "--config", PATH, "user", "add", "--from", "-"], input="a@localhost hush-fresh\nb@@ hush-fresh\n",
                          capture_output=True, text=True, timeout=2 * DEADLINE)
    assert many.returncode == 1, many
    with open(PATH, "a") as f:
        f.write("password: hush-fresh\n")
    assert "error" in ask("reload")
    assert "(not shown)" in json.dumps(ask("config", "show"))
    ask("user", "remove", "romeo@localhost")


def nothing_secret(level, form):
    serve(level, form)
    many_things()
    server.end()
    log = "".join(server.log)
    lines = [json.loads(line) for line in server.log if form == "json" and line.startswith("{")]
    assert (len(lines) if form == "json" else log.count(" login refused ")) >= 2, log
    debug = re.search(r"connection ended", log) is not None
    assert debug == (level == "debug"), log
    for word in PASSWORDS + TEXTS:
        for trace in traces(word):
            assert trace not in log, (word, [line for line in server.log if trace in line])


def hello(c):
    c.close()


def on(source, text, ends="</stream:stream>", header=True):
    """A stream of its own with this in it, up to what is expected."""
    c = Client(server, opened=False, source=source)
    if header:
        c.header()
    c.send(text)
    c.until(ends)
    c.socket.close()


def wrong_password(source):
    c = Client(server, source=source)
    assert "account-disabled" in c.plain("paris", "hush-first")
    c.socket.close()


def right_password(source):
    c = Client(server, source=source)
    assert "<success" in c.plain("benvolio", "hush-first")
    c.bind("b")
    c.socket.close()


def resumes(source):
    c = Client(server, source=source)
    assert "<success" in c.plain("benvolio", "hush-first")
    c.open()
    c.send("<resume xmlns='urn:xmpp:sm:3' h='0' previd='none'/>")
    c.until("<failed")
    c.socket.close()


REPEAT = {
    "a connection": lambda source: socket.create_connection(("127.0.0.1", server.ports[0]), DEADLINE, (source, 0)).close(),
    "no XML": lambda source: on(source, "GET / HTTP/1.1\r\n\r\n", header=False),
    "a TLS hello where none is expected": lambda source: on(source, "\x16\x03\x01", header=False),
    "another domain": lambda source: on(source, "<?xml version='1.0'?><stream:stream to='x.example' xmlns='jabber:client' version='1.0' "
                                                "xmlns:stream='http://etherx.jabber.org/streams'>", header=False),
    "an unknown mechanism": lambda source: on(source, "<auth xmlns='%s' mechanism='X'/>" % SASL, "</failure>"),
    "a stanza before login": lambda source: on(source, "<message/>"),
    "a disabled account": wrong_password,
    "a login": right_password,
    "no session to resume": resumes,
    "a component": lambda source: component("hush-component", source_address=(source, 0))[0].close(),
    "a component with a wrong secret": lambda source: component("hush-wrong", source_address=(source, 0))[0].close(),
}


def settled():
    """What was asked for before this is in the log: it comes through the same pipe. How many lines that are."""
    since, until = len(server.log), time.monotonic() + DEADLINE
    ask("log", "level", "info")
    while True:
        for i, line in enumerate(server.log[since:], since):
            if 'command="log level"' in line:
                return i
        assert time.monotonic() < until, server.log[-3:]
        time.sleep(0.02)


def repeated(what, source):
    since, began = settled(), time.monotonic()
    for _ in range(REPEATED):
        REPEAT[what](source)
    end = settled()
    minutes = int((time.monotonic() - began) / 60)  # more than none on a slow machine
    others = r"\S+ debug | peer=(?!%s:)127\.0\.7\." % re.escape(source)  # who came before may have left only now
    lines = [line for line in server.log[since + 1:end] if not re.search(others, line)]
    print("# %s: %d lines of %d" % (what, len(lines), REPEATED))
    assert len(lines) <= LINES * (minutes + 1), lines[-5:]
    if len(lines) >= LINES - 1 and not minutes:
        assert any("some are left out" in line for line in server.log), server.log[-5:]


def begin():
    serve("info", "text")
    for name in "benvolio", "paris":
        assert "ok" in ask("user", "add", name + "@localhost", "--password-stdin", stdin="hush-first\n")
    assert "ok" in ask("user", "disable", "paris@localhost")


def others_are_still_told_of():
    since = len(server.log)
    right_password("127.0.8.1")
    settled()
    assert any(" session peer=127.0.8.1:" in line for line in server.log[since:]), server.log[since:]


def all_addresses_together():
    """A hundred from each, which is as many as one of them may."""
    began = time.monotonic()
    server.end()
    serve("info", "text")
    for i in range(ALL // 100 + 2):
        c = Client(server, source="127.0.9.%d" % (i + 1))
        c.send("".join("<iq type='set' id='q%d'><query xmlns='jabber:iq:register'><username>operator</username><password>x</password>"
                       "</query></iq>" % k for k in range(100)))
        c.until("<iq [^>]*id='q99'.*?</iq>")
        c.socket.close()
    settled()
    minutes, lines = int((time.monotonic() - began) / 60), [line for line in server.log if " registration refused " in line]
    assert ALL <= len(lines) <= ALL * (minutes + 1), len(lines)
    assert minutes or any("some are left out" in line for line in server.log), server.log[-5:]


try:
    failed = tap([("nothing secret on %s in %s" % (level, form), lambda level=level, form=form: nothing_secret(level, form))
                  for level, form in (("debug", "text"), ("debug", "json"), ("info", "text"))] + [("begin", begin)] +
                 [("not without end: " + what, lambda what=what, i=i: repeated(what, "127.0.7.%d" % (i + 1)))
                  for i, what in enumerate(REPEAT)] +
                 [others_are_still_told_of, all_addresses_together, ("end", lambda: server.end())], lambda: server.log)
finally:
    if server and server.process.poll() is None:
        server.process.kill()
    shutil.rmtree(FOLDER)
sys.exit(failed != 0)
