#!/usr/bin/python3
"""BOSH where the domain says it is (XEP-0156), and certificates on the way there: libmynah's example and mynah before Debian's Prosody. Prints TAP.
usage: bosh.py FOLDER MYNAH"""
import contextlib, http.server, os, socket, ssl, sys, threading

from driver import Issuer, Program, tap
from peers import HOST, Prosody

FOLDER, MYNAH = sys.argv[1:]
XRD = """<?xml version='1.0' encoding='utf-8'?>
<XRD xmlns='http://docs.oasis-open.org/ns/xri/xrd-1.0'><Link rel="urn:xmpp:alt-connections:xbosh" href="%s"/></XRD>"""
JRD = '{"links": [{"rel": "urn:xmpp:alt-connections:websocket", "href": "wss://x/"}, {"rel": "urn:xmpp:alt-connections:xbosh", "href": "%s"}]}'


def listening(serve):
    """A port of loopback where `serve` has each connection, in a thread of its own."""
    s = socket.create_server(("127.0.0.1", 0))

    def accept():
        while True:
            near = s.accept()[0]
            threading.Thread(target=quiet, args=(serve, near), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    return s.getsockname()[1]


def quiet(f, *args):
    with contextlib.suppress(OSError):
        f(*args)


def carry(near, far):
    """Both ways, until one side has enough."""
    def one(a, b):
        with contextlib.suppress(OSError):
            while data := a.recv(65536):
                b.sendall(data)
        for s in a, b:
            quiet(s.shutdown, socket.SHUT_RDWR)

    threading.Thread(target=one, args=(far, near), daemon=True).start()
    one(near, far)


def exactly(s, n):
    data = b""
    while len(data) < n:
        more = s.recv(n - len(data))
        if not more:
            raise OSError
        data += more
    return data


def socks(places):
    """The list of proxies with one by SOCKS5, for which port 443 of a name is another one here."""
    def serve(near):
        exactly(near, exactly(near, 2)[1])
        near.sendall(b"\5\0")
        kind = exactly(near, 4)[3]
        host = exactly(near, exactly(near, 1)[0]).decode() if kind == 3 else socket.inet_ntoa(exactly(near, 4))
        port = int.from_bytes(exactly(near, 2), "big")
        far = socket.create_connection(("127.0.0.1", places.get((host, port), port)))
        near.sendall(b"\5\0\0\1\0\0\0\0\0\0")
        carry(near, far)

    return "socks5://127.0.0.1:%d" % listening(serve)


@contextlib.contextmanager
def domain(cert, key, pages):
    """What answers at https://mynah.test: a page by its path, or where else it is. Gives the proxy that leads there."""
    class Pages(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            page = pages.get(self.path, "")
            self.send_response(404 if not page else 302 if page.startswith("https:") else 200)
            if page.startswith("https:"):
                self.send_header("Location", page)
            self.send_header("Content-Length", str(len(page)))
            self.end_headers()
            self.wfile.write(page.encode())

        def log_message(self, *_):
            pass

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    server.handle_error = lambda *_: None  # who hangs up does not like the certificate
    server.daemon_threads = True
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield socks({(HOST, 443): server.server_address[1]})
    server.shutdown()
    server.server_close()


def client(peer, way, ca=None, **more):
    env = {"MYNAH_CA": ca or peer.ca, "MYNAH_PASSWORD": "pw", **more}
    return Program(FOLDER + "/bosh", "me@" + HOST, way, "me@" + HOST, "hi", env=env)


def found(peer, *pages):
    with domain(peer.cert, peer.key, dict(pages)) as proxy, client(peer, "auto", MYNAH_PROXIES=proxy) as p:
        p.until("online as .* over auto", "acknowledged")
        p.end()


def not_found(peer, why, *pages, ca=None):
    with domain(peer.cert, peer.key, dict(pages)) as proxy, client(peer, "auto", ca, MYNAH_PROXIES=proxy) as p:
        p.until(why)


def as_xml(peer):
    found(peer, ("/.well-known/host-meta", XRD % peer.bosh[1]))


def as_json(peer):
    found(peer, ("/.well-known/host-meta.json", JRD % peer.bosh[1]))
    found(peer, ("/.well-known/host-meta", "<!-- no XML for XMPP -->" + XRD % peer.bosh[1]), ("/.well-known/host-meta.json", JRD % peer.bosh[1]))


def elsewhere(peer):
    found(peer, ("/.well-known/host-meta", "https://%s/other" % HOST), ("/other", XRD % peer.bosh[1]))


def what_is_not_safe_is_not_taken(peer):
    not_found(peer, "the domain says nothing of BOSH", ("/.well-known/host-meta", XRD % peer.bosh[0]))
    not_found(peer, "the domain says nothing of BOSH", ("/.well-known/host-meta", "https://%s/.well-known/host-meta" % HOST))
    with Issuer() as other:
        not_found(peer, "certificate", ("/.well-known/host-meta", XRD % peer.bosh[1]), ca=other.folder + "/ca.crt")


def another_certificate_ends_it(peer):
    """Each connection to this one shows one more of the same issuer, all of them good."""
    certs, lock = [], threading.Lock()

    def serve(near):
        with lock:
            certs.append(peer.issuer.server("web%d" % len(certs), "IP:127.0.0.1"))
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certs[-1])
        carry(context.wrap_socket(near, server_side=True), socket.create_connection(("127.0.0.1", peer.ports[2])))

    with client(peer, "https://127.0.0.1:%d/http-bind" % listening(serve)) as p:
        p.until("another certificate than on the connection before")
        p.end()


def by_the_command_line(peer):
    words = "--account", "me@" + HOST, "--bosh", peer.bosh[1], "--ca-file", peer.ca, "--password-stdin", "login"
    with Program(MYNAH, *words, text="pw\n") as p:
        p.end()
    with Program(MYNAH, *words[:3], peer.bosh[1] + "/x", *words[4:], text="pw\n") as p:
        p.until("HTTP answers 404")
        p.end(1)


with Prosody() as peer:
    with Program(FOLDER + "/register", "me@" + HOST, env={"MYNAH_CA": peer.ca, "MYNAH_PASSWORD": "pw", "MYNAH_BOSH": peer.bosh[1]}) as p:
        p.until("online as ")
        p.end()
    steps = as_xml, as_json, elsewhere, what_is_not_safe_is_not_taken, another_certificate_ends_it, by_the_command_line
    bad = tap([(f.__name__, lambda f=f: f(peer)) for f in steps], peer.log)
sys.exit(bool(bad))
