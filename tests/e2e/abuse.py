#!/usr/bin/python3
"""Abuse of what lies below and beside the stream of a client: TLS, zlib behind the login, stream management, answers that nobody
reads, a component's stream, the control socket; beside two who chat on. What the server holds at the end is what it held at the
beginning. Prints TAP.    usage: abuse.py MYNAHD"""
import contextlib, hashlib, os, re, shutil, socket, ssl, subprocess, sys, tempfile, threading, zlib

sys.path.append(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from beside import Beside, once
from mynah import DEADLINE, Client, Server, enable, end_all, person as come, wait_for, write

FOLDER = tempfile.mkdtemp(prefix="mynah-abuse-")
CONFIG = """
data: %s/data
loops: 3
listen:
  - {address: "127.0.0.1", port: 0, tls: offered}
  - {address: "127.0.0.1", port: 0, tls: direct}
  - {service: component, address: "127.0.0.1", port: 0, tls: off}
components: [{name: echo.localhost, secret: abc}]
auth: {mechanisms: [PLAIN], without_tls: [PLAIN], iterations: 4096}
registration: {open: yes, per_address: off}
compression: always
limits: {queue: 512k, login_time: 15s, sessions_per_account: 5, stanza: 64k}
"""
SM, CLIENT, COMPONENT = "urn:xmpp:sm:3", 0, 2


def person(name, resource):
    return come(server, name, resource)


def all_of(s):
    """What comes until the other side ends it, whichever way."""
    got = b""
    try:
        while data := s.recv(65536):
            got += data
    except ConnectionError:
        pass
    return got


def pour(s, piece, most):
    """As much as is taken, at most so many bytes; returns how many were."""
    sent = 0
    try:
        while sent < most:
            s.sendall(piece)
            sent += len(piece)
    except OSError:
        pass
    return sent


def direct():
    return socket.create_connection(("127.0.0.1", server.ports[1]), DEADLINE)


def tls(s):
    context = ssl.create_default_context(cafile=FOLDER + "/data/certs/ca.crt")
    context.maximum_version = ssl.TLSVersion.TLSv1_3
    return context.wrap_socket(s, server_hostname="localhost")


def records_of_one_byte():
    """A whole login, and a stanza of 20,000 bytes, each byte a record: slow for him, and no more than that."""
    c = Client(server, opened=False)
    c.socket.close()
    c.socket = tls(direct())
    c.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 0)
    c.send = lambda text: [c.socket.send(bytes([b])) for b in text.encode()]
    c.open()
    assert "<success" in c.plain("mallory")
    c.bind("slow")
    c.send("<iq type='get' id='n'><query xmlns='jabber:iq:private'><a xmlns='b'>%s</a></query></iq>" % ("x" * 20000))
    c.until("<iq [^>]*id='n'")
    c.socket.close()


def handshakes_without_end():
    """A first message of 16 MB, empty records, noise, alerts: the connection ends before much has been taken."""
    hello = b"\x16\x03\x01\x40\x00\x01\xff\xff\xff\x03\x03" + bytes(16384 - 6)
    more = b"\x16\x03\x01\x40\x00" + bytes(16384)
    for begin, piece in ((hello, more), (b"", b"\x16\x03\x01\x00\x00" * 1000), (b"", b"\x17\x03\x03\x00\x00" * 1000),
                         (b"", b"\x15\x03\x01\x00\x02\x01\x00" * 1000), (b"", os.urandom(16384)), (b"", b"GET / HTTP/1.1\r\n\r\n" * 800)):
        s = direct()
        s.sendall(begin)
        # What the kernel takes for a dead connection is not taken by the server.
        taken = pour(s, piece, 64 << 20)
        assert taken < 32 << 20, (piece[:8], taken)
        all_of(s)
        s.close()


def renegotiation():
    """TLS 1.2: it is refused, as often as it is asked for."""
    p = subprocess.run(["openssl", "s_client", "-connect", "127.0.0.1:%d" % server.ports[1], "-tls1_2", "-CAfile", FOLDER + "/data/certs/ca.crt"],
                       input="R\n" * 50, capture_output=True, text=True, timeout=2 * DEADLINE)
    told = p.stdout + p.stderr
    assert "RENEGOTIATING" in told and "no renegotiation" in told and "Verify return code: 0" in told, told[-2000:]


@once
def half_of_tls_and_slow_bytes():
    """Connections that begin TLS and say no more, and one that says a byte now and then: ended when the time for the login is over."""
    some = [direct() for _ in range(20)]
    for s in some[:10]:
        s.sendall(b"\x16\x03\x01\x02")
    c = Client(server)
    c.send("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
    c.until("<proceed[^>]*/>")
    slow, got, said = Client(server, opened=False).socket, b"", 0
    slow.settimeout(0.05)
    with contextlib.suppress(OSError):
        for byte in b"<stream:stream to='localhost' " + b" " * (20 * DEADLINE):
            slow.send(bytes([byte]))
            said += 1
            with contextlib.suppress(TimeoutError):
                if not (data := slow.recv(65536)):
                    break
                got += data
    assert b"<policy-violation" in got and got.endswith(b"</stream:stream>") and said > 50, (said, got)
    for s in some + [c.socket]:
        s.settimeout(2 * DEADLINE)
        assert s.recv(1) == b""
        s.close()
    slow.close()


def bombs_behind_the_login():
    """64 MB in 64 kB of zlib: of blanks between stanzas, and in one."""
    for what in b" " * (64 << 20), b"<message><body>" + b"x" * (64 << 20):
        c = Client(server)
        assert "<success" in c.plain("mallory")
        c.open()
        c.send("<compress xmlns='http://jabber.org/protocol/compress'><method>zlib</method></compress>")
        c.until("<compressed[^>]*/>")
        squeeze = zlib.compressobj(9)
        packed = squeeze.compress(b"<stream:stream to='localhost' xmlns='jabber:client' version='1.0' "
                                  b"xmlns:stream='http://etherx.jabber.org/streams'>" + what) + squeeze.flush(zlib.Z_SYNC_FLUSH)
        pour(c.socket, packed, 1)
        got = zlib.decompressobj().decompress(all_of(c.socket)).decode()
        assert got.count("<policy-violation xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>") == 1 and got.endswith("</stream:stream>"), got
        c.socket.close()


def nothing_is_ever_acknowledged():
    """Everything is read and nothing acknowledged: the session ends when too much waits for that."""
    ear, mouth = person("deaf", "ear"), person("mallory", "mouth")
    ear.send("<enable xmlns='%s'/>" % SM)
    ear.until("<enabled[^>]*/>")
    reads = []
    reader = threading.Thread(target=lambda: reads.append(all_of(ear.socket)), daemon=True)
    reader.start()
    text = "<message to='deaf@localhost/ear' type='headline'><body>%s</body></message>" % ("x" * 10000)
    for _ in range(300):
        mouth.send(text)
    reader.join(DEADLINE)
    assert reads and b"<resource-constraint " in reads[0] and len(reads[0]) < 2 << 20, reads and (len(reads[0]), reads[0][-300:])
    mouth.socket.close()


def one_that_may_come_back_reads_nothing():
    """Its session ends at limits.queue as any other does: it cannot be resumed. What it did not acknowledge waits for the account, each
    message once and in order."""
    ear, mouth = person("deaf", "ear"), person("mallory", "mouth")
    previd = enable(ear)
    for i in range(200):
        mouth.send("<message to='deaf@localhost/ear' type='chat'><body>%d %s</body></message>" % (i, "x" * 10000))
    mouth.ping()
    wait_for(lambda: not control.ask("session", "list", jid="deaf@localhost")["sessions"], "the session goes on")
    all_of(ear.socket)
    c = Client(server)
    assert "<success" in c.plain("deaf")
    c.open()
    c.send("<resume xmlns='%s' previd='%s' h='0'/>" % (SM, previd))
    assert "<item-not-found" in c.until("</failed>")
    c.send("<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>ear</resource></bind></iq><presence/>")
    got = re.findall("<body>(\\d+)", c.until("<body>199 .*?</message>"))
    assert got == [str(i) for i in range(200)], got
    c.has_all()
    for x in ear, mouth, c:
        x.socket.close()


def more_acknowledged_than_sent():
    for h in 1, 1 << 31, (1 << 32) - 1:
        c = person("mallory", "h")
        c.send("<enable xmlns='%s'/>" % SM)
        c.until("<enabled[^>]*/>")
        c.send("<a xmlns='%s' h='%d'/>" % (SM, h))
        assert "<handled-count-too-high " in c.ends(), c.text
    for h in "4294967296", "-1", "", "1x", " 1", "0x1":
        c = person("mallory", "h")
        c.send("<enable xmlns='%s'/>" % SM)
        c.until("<enabled[^>]*/>")
        c.send("<a xmlns='%s' h='%s'/>" % (SM, h))
        assert "<invalid-xml " in c.ends(), (h, c.text)


def sessions_left_behind():
    """A client that never resumes, and comes under another name each time: there are never more sessions of an account than may be,
    and it is let in all the same."""
    for i in range(12):
        c = person("mallory", "lost%d" % i)
        c.send("<enable xmlns='%s' resume='true'/>" % SM)
        c.until("<enabled[^>]*/>")
        c.socket.close()
        wait_for(lambda: [x for x in control.ask("session", "list", jid="mallory@localhost")["sessions"] if x["jid"].endswith("/lost%d" % i)][0]["address"] == "",
                 "the connection is there")
        assert len(control.ask("session", "list", jid="mallory@localhost")["sessions"]) <= 5
    control.ask("session", "kick", jid="mallory@localhost")


def sessions_left_behind_that_are_written_to():
    """What waits for all sessions of an account counts together, whoever else it waits for."""
    for i in range(5):
        c = person("mallory", "lost%d" % i)
        c.send("<enable xmlns='%s' resume='true'/><presence/>" % SM)
        c.until("<presence [^>]*lost%d[^>]*/>" % i)
        c.socket.close()
    mouth = person("deaf", "mouth")
    mouth.send("<message to='mallory@localhost' type='headline'><body>%s</body></message>" % ("x" * 10000) * 20)
    left = lambda: [x["jid"][-1] for x in control.ask("session", "list", jid="mallory@localhost")["sessions"]]
    wait_for(lambda: len(left()) < 3, lambda: left())
    assert sorted(left()) == ["3", "4"], left()
    mouth.socket.close()
    control.ask("session", "kick", jid="mallory@localhost")


def many_take_one_session():
    """Twenty connections resume the same session at once, again and again: each ends those before, and the last one has it."""
    c = person("deaf", "wanted")
    c.send("<enable xmlns='%s' resume='true'/>" % SM)
    sm = re.search("id='([^']*)'", c.until("<enabled[^>]*/>")).group(1)
    crowd = []
    for _ in range(20):
        crowd.append(Client(server))
        assert "<success" in crowd[-1].plain("deaf")
        crowd[-1].open()
    for x in crowd:
        x.send("<resume xmlns='%s' previd='%s' h='0'/>" % (SM, sm))
    alive = 0
    for x in crowd:
        assert "<resumed" in x.until("<(resumed|failed)[^>]*>"), x.text
    for x in crowd + [c]:
        try:
            x.ping()
            alive += 1
        except Exception:
            assert "<conflict" in x.text, x.text
    assert alive == 1
    for x in crowd + [c]:
        x.socket.close()
    control.ask("session", "kick", jid="deaf@localhost")


def answers_nobody_reads():
    """Somebody asks on and on and reads nothing: what waits for him is bounded, and then his session ends."""
    for text in "<iq type='get' id='%s' to='localhost'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>" % ("i" * 900), \
                "<r xmlns='%s'/>" % SM * 50:
        c = person("mallory", "asks")
        c.send("<enable xmlns='%s'/>" % SM)
        c.until("<enabled[^>]*/>")
        c.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        pour(c.socket, text.encode() * 50, 64 << 20)
        wait_for(lambda: not control.ask("session", "list", jid="mallory@localhost")["sessions"], "the session goes on")
        c.socket.close()


def component_header(ns="jabber:component:accept"):
    c = Client(server, opened=False)
    c.socket.close()
    c.socket = socket.create_connection(("127.0.0.1", server.ports[COMPONENT]), DEADLINE)
    c.send("<stream:stream to='echo.localhost' xmlns='%s' xmlns:stream='http://etherx.jabber.org/streams'>" % ns)
    return c


HUGE = 5000
BAD = [  # of a component: what is sent before the handshake and behind it, and the error
    (b"<!DOCTYPE x [<!ENTITY a 'b'>]>", "restricted-xml"),
    (b"<!-- x -->", "restricted-xml"),
    (b"<?x y?>", "restricted-xml"),
    (b"<handshake>&x;</handshake>", "restricted-xml"),
    (b"<handshake>\0</handshake>", "not-well-formed"),
    (b"<handshake>\xc0\xbc</handshake>", "not-well-formed"),
    ("<handshake/>".encode("utf-16"), "not-well-formed|bad-format"),
    (b"x", "bad-format"),
    (b"<a>" * HUGE, "policy-violation"),
    (b"<a " + b" ".join(b"a%d='x'" % i for i in range(HUGE)) + b"/>", "policy-violation"),
    (b"<a " + b" ".join(b"xmlns:a%d='x'" % i for i in range(HUGE)) + b"/>", "policy-violation"),
    (b"<" + b"a" * 70000, "policy-violation"),
    (b"<handshake>" + b"a" * 70000, "policy-violation"),
    (b"<a><b></a>", "not-well-formed"),
]


def bad_streams_of_components():
    for known in False, True:
        for data, condition in BAD:
            c = component_header()
            if known:
                stream = re.search("id='([^']*)'", c.until("<stream:stream [^>]*>")).group(1)
                c.send("<handshake>%s</handshake>" % hashlib.sha1((stream + "abc").encode()).hexdigest())
                c.until("<handshake/>")
            pour(c.socket, data, 1)
            got = (c.text.encode() + all_of(c.socket)).decode()
            assert re.search("<(%s) xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>" % condition, got) or (len(data) > 60000 and not got), \
                (known, data[:40], got)
            assert "took too long" not in got, (known, data[:40])
            c.socket.close()
    for ns in "jabber:client", "jabber:server", "jabber:component:connect", "":
        got = component_header(ns).ends()
        assert "<invalid-namespace " in got, (ns, got)


def bad_lines_for_control():
    """JSON that is deep, long, wide or half."""
    def told(data):
        s = socket.socket(socket.AF_UNIX)
        s.settimeout(DEADLINE)
        s.connect(FOLDER + "/data/control.sock")
        pour(s, data, 1)
        try:
            s.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        got = all_of(s)
        s.close()
        return got
    for line in b"[" * 500000, b'{"a":' * 100000, b'{"command": [' + b'"x",' * 100000 + b'"x"]}', b'{"command": ["status"], "args": {"a": 1e999999}}', \
            b'"' + b"\\ud800" * 1000 + b'"', b"\xff" * 1000, b'{"command": ["' + b"x" * 900000 + b'"]}':
        assert b'"code": "bad-request"' in told(line + b"\n").replace(b'":"', b'": "'), line[:40]
    assert b"policy-violation" in told(b"[" * (2 << 20))
    assert told(b'{"command": ["status"') == b""


try:
    server = Server(os.path.abspath(sys.argv[1]), write(FOLDER, CONFIG))
    for name in "from", "to", "mallory", "deaf":
        assert "type='result'" in Client(server).register(name)[1]
    beside = Beside(server, FOLDER + "/data")
    control = beside.control
    bad = beside.tap([records_of_one_byte, handshakes_without_end, renegotiation, bombs_behind_the_login, nothing_is_ever_acknowledged,
                      one_that_may_come_back_reads_nothing, more_acknowledged_than_sent, sessions_left_behind, sessions_left_behind_that_are_written_to, many_take_one_session,
                      answers_nobody_reads, bad_streams_of_components, bad_lines_for_control, half_of_tls_and_slow_bytes],
                     [("it_ends_in_order", server.end)])
finally:
    end_all()
    shutil.rmtree(FOLDER)
sys.exit(bad != 0)
