#!/usr/bin/python3
"""go-sendxmpp, which has no SCRAM, sends and listens by PLAIN inside TLS. Prints TAP.
usage: go_sendxmpp.py MYNAHD"""
import re, sys

from driver import Program, account, config_new, person, serving, tap

HOST, CONFIG = config_new("auth: {mechanisms: [SCRAM-SHA-512-PLUS, SCRAM-SHA-256-PLUS, SCRAM-SHA-512, SCRAM-SHA-256, PLAIN]}\n")
TEXT = "a <line> & more\nand 北京 \U0001f426"
ESCAPED = "a &lt;line&gt; &amp; more&#xA;and 北京 \U0001f426"


def go_sendxmpp(server, *options, port=0, text=None, password="testpwd"):
    home = {"HOME": server.folder, "XDG_CONFIG_HOME": server.folder, "SSL_CERT_FILE": server.ca}
    return Program("go-sendxmpp", "-u", "go@" + HOST, "-p", password, "-j", "127.0.0.1:%d" % server.ports[port], *options,
                   env=home, text=text)


def sends(server, peer, port, *options):
    with go_sendxmpp(server, *options, "peer@" + HOST, port=port, text=TEXT) as p:
        got = peer.until("<message .*?</message>")
        p.end()
    assert "<body>%s</body>" % ESCAPED in got and "from='go@%s/" % HOST in got, got


def listens(server, peer):
    with go_sendxmpp(server, "-l", "peer@" + HOST) as p:
        peer.send("<message type='chat' to='go@%s'><body>are you there?</body></message>" % HOST)  # now or from the store
        p.until(r"peer@%s[^\n]*: are you there\?" % re.escape(HOST))


def refused(server, peer):
    with go_sendxmpp(server, "peer@" + HOST, text=TEXT, password="wrong") as p:
        p.end(1)
    assert "<message" not in peer.ping()


with serving(sys.argv[1], HOST, CONFIG) as server:
    for name in "go", "peer":
        account(server, name)
    peer = person(server, "peer", "x")
    peer.send("<presence/>")
    bad = tap([("sends by STARTTLS", lambda: sends(server, peer, 0)),
               ("sends by direct TLS", lambda: sends(server, peer, 1, "-t")),
               ("listens", lambda: listens(server, peer)),
               ("does not send with a wrong password", lambda: refused(server, peer))], lambda: server.log)
sys.exit(bad != 0)
