#!/usr/bin/python3
"""libstrophe logs in by every way that it has, and chats. Prints TAP.
usage: strophe.py MYNAHD CONFIG-OF-2007 STROPHE"""
import contextlib, sys

from driver import Issuer, Program, account, config_2007, config_new, person, serving, tap

MYNAHD, OF_2007, STROPHE = sys.argv[1:]


def chat(server, way, mechanism, port=0, others=None):
    name = "strophe-%s-%s" % (way, mechanism.lower())
    account(server, name)
    account(server, "peer-of-" + name)
    me, them = "%s@%s" % (name, server.host), "peer-of-%s@%s" % (name, server.host)
    peer = person(server, them.split("@")[0], "x")
    peer.send("<presence/>")
    peer.ping()
    shown = [] if others is None else ca.issue(name, me, *others)  # instead of the password
    with Program(STROPHE, str(server.ports[port]), way, server.ca, me + "/sofa", "no" if shown else "testpwd", them, *shown) as p:
        p.until('mechanism="%s"' % mechanism)
        p.until("= connected %s/sofa secured %d\n" % (me, way != "plain"))
        p.until("= roster result\n")
        got = peer.until("<message .*?</message>")
        assert "<body>hello from libstrophe</body>" in got and "from='%s/sofa'" % me in got, got
        peer.send("<message type='chat' to='%s'><body>1 &lt; 2 北京</body></message>" % me)
        p.until("= message %s/x 1 < 2 北京\n" % them)
        assert "<body>you said 1 &lt; 2 北京</body>" in peer.until("<message .*?</message>")
        peer.send("<message type='chat' to='%s/sofa'><body>bye</body></message>" % me)
        p.end()


def refused(server):
    with Program(STROPHE, str(server.ports[0]), "starttls", server.ca, "nobody@%s/sofa" % server.host, "wrong", "x@y") as p:
        said = p.end(1)
    assert "<not-authorized" in said and "= connected" not in said, said


with contextlib.ExitStack() as stack:
    def start(host, config):
        return stack.enter_context(serving(MYNAHD, host, config))
    ca = stack.enter_context(Issuer())
    trusting = "auth: {client_ca: %s/ca.crt}\n" % ca.folder
    old, new, plain = start(*config_2007(OF_2007)), start(*config_new(trusting)), start(*config_new("auth: {mechanisms: [PLAIN]}\n"))
    bad = tap([("by STARTTLS and SCRAM", lambda: chat(new, "starttls", "SCRAM-SHA-512")),
               ("by direct TLS and SCRAM", lambda: chat(new, "direct", "SCRAM-SHA-512", 1)),
               ("by PLAIN inside TLS", lambda: chat(plain, "starttls", "PLAIN")),
               ("by DIGEST-MD5 without TLS", lambda: chat(old, "plain", "DIGEST-MD5")),
               ("by a certificate", lambda: chat(new, "starttls", "EXTERNAL", others=[])),
               ("by a certificate of two", lambda: chat(new, "direct", "EXTERNAL", 1, others=["x@" + new.host])),
               ("not with a wrong password", lambda: refused(new))], lambda: old.log + new.log + plain.log)
sys.exit(bad != 0)
