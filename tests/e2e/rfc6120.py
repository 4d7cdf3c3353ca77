#!/usr/bin/python3
"""What RFC 6120 asks of streams and TLS that a conversation as text (tests/wire) cannot show. Prints TAP.
usage: rfc6120.py MYNAHD"""
import os, re, shutil, ssl, sys, tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from mynah import Client, Server, clean, tap

CONFIG = """
data: %s
domains: [{name: localhost}, {name: second.example}]
listen: [{address: "127.0.0.1", port: 0, tls: offered}]
auth: {mechanisms: [PLAIN], without_tls: [PLAIN], iterations: 4096}
registration: {open: yes, per_address: off}
limits: {login_time: %s}
"""
BIND = "<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>"
STARTTLS = "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
PROCEED = "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"


def stream_id(text):
    return re.search("<stream:stream [^>]*id='([^']*)'", text).group(1)


def made_up_names_never_repeat(server, ca):
    """4.7.3 and 7.6: ids of streams, also of restarted ones, and resources that the server chooses."""
    ids, resources = [], []
    Client(server).register("romeo")
    c = Client(server, opened=False)
    c.send("<stream:stream to='localhost' version='1.0' id='mine' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>")
    assert stream_id(c.until("</stream:features>")) != "mine"
    for _ in range(20):
        c = Client(server)
        ids.append(stream_id(c.features))
        ids.append(stream_id(c.starttls(ca)))
        c.plain("romeo")
        ids.append(stream_id(c.open()))
        c.send(BIND)
        resources.append(re.search("<jid>romeo@localhost/([^<]+)</jid>", c.until("</iq>")).group(1))
    for names in ids, resources:
        assert len(set(names)) == len(names) and min(map(len, names)) >= 16, names
        # Not counted up: the last characters differ as well, and so do the first.
        assert len({n[:4] for n in names}) > len(names) / 2 and len({n[-4:] for n in names}) > len(names) / 2, names


def what_stands_behind_starttls_is_dropped(server, ca):
    """5.4.3.3: what came before the encryption has no effect behind it."""
    c = Client(server)
    c.send(STARTTLS + "<stream:stream to='localhost' version='1.0' xmlns='jabber:client' "
           "xmlns:stream='http://etherx.jabber.org/streams'><iq type='get' id='injected'><query xmlns='jabber:iq:register'/></iq>")
    c.until(PROCEED)
    c.socket = ssl.create_default_context(cafile=ca).wrap_socket(c.socket, server_hostname="localhost")
    c.open()
    c.send("<iq type='get' id='mine'><query xmlns='jabber:iq:register'/></iq>")
    assert "injected" not in c.until("<iq [^>]*id='mine'")


def a_failed_handshake_ends_the_connection(server, ca):
    """5.4.3.2: without a word, least of all the end of the stream."""
    c = Client(server)
    c.send(STARTTLS)
    c.until(PROCEED)
    c.socket.sendall(b"this is no ClientHello\r\n\r\n")
    text = b""
    while data := c.socket.recv(65536):
        text += data
    assert b"<" not in text, text


def the_certificate_is_that_of_the_domain(server, ca):
    """5.4.3.1, rule 4: by the header's `to`, where the client says nothing by SNI."""
    context = ssl.create_default_context(cafile=ca)
    context.check_hostname = False
    for domain in "second.example", "localhost":
        c = Client(server, domain)
        c.send(STARTTLS)
        c.until(PROCEED)
        c.socket = context.wrap_socket(c.socket)
        names = [name for kind, name in c.socket.getpeercert()["subjectAltName"] if kind == "DNS"]
        assert domain in names and len(names) == 1, names


def a_login_that_takes_too_long_is_ended(server, ca):
    """4.6.3."""
    folder = tempfile.mkdtemp(prefix="mynah-rfc6120-")
    with open(folder + "/mynahd.yaml", "w") as f:
        f.write(CONFIG % (folder, "1s"))
    hasty = Server(sys.argv[1], folder + "/mynahd.yaml")
    try:
        c = Client(hasty, opened=False)
        c.header()
        text = c.ends()
        assert "<policy-violation" in text and text.endswith("</stream:stream>"), text
    finally:
        hasty.end()
        shutil.rmtree(folder)


def main():
    folder = tempfile.mkdtemp(prefix="mynah-rfc6120-")
    with open(folder + "/mynahd.yaml", "w") as f:
        f.write(CONFIG % (folder, "60s"))
    server = Server(sys.argv[1], folder + "/mynahd.yaml")
    steps = [made_up_names_never_repeat, what_stands_behind_starttls_is_dropped, a_failed_handshake_ends_the_connection,
             the_certificate_is_that_of_the_domain, a_login_that_takes_too_long_is_ended]
    bad = tap([(s.__name__, lambda s=s: s(server, folder + "/certs/ca.crt")) for s in steps] + [("it ends in order", server.end)],
              lambda: server.log)
    clean(server, folder)
    return bad != 0


sys.exit(main())
