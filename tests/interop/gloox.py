#!/usr/bin/python3
"""gloox registers and talks as its examples of 2007 did. Prints TAP.
usage: gloox.py MYNAHD CONFIG-OF-2007 GLOOX-REGISTER GLOOX-ROSTER"""
import contextlib, re, sys

from driver import OLD, Program, account, config_2007, config_new, person, serving, tap

MYNAHD, OF_2007, REGISTER, ROSTER = sys.argv[1:]
HELLO = ("<body>hello</body><html xmlns='http://jabber.org/protocol/xhtml-im'><body xmlns='http://www.w3.org/1999/xhtml'>"
         "<span style='font-weight: normal; color: #004200'>hello</span></body></html><x xmlns='jisp:x:jep-0038'>"
         "<name>shinyicons</name></x><active xmlns='http://jabber.org/protocol/chatstates'/>")
BOTH = 8  # gloox's SubscriptionType


def went(said, ways):
    assert ("<compressed" in said) == ("zlib" in ways) and ("= tls TLS1.2 certificate 0\n" in said) == ("tls" in ways), said


def register(server, ways, name):
    with Program(REGISTER, server.host, str(server.ports[0]), ways, server.ca, name, "testpwd") as p:
        said = p.end()
    assert ("mechanism='ANONYMOUS'" in said) == (server.host == OLD), said  # taken wherever it is offered
    assert "= result 0" in said, said
    went(said, ways)


def befriend(server, ways, name, way_in):
    """What user's Pandion did to testuser, and testuser's answers."""
    account(server, "user-of-" + name)
    me, them = "user-of-%s@%s" % (name, server.host), "%s@%s" % (name, server.host)
    with Program(ROSTER, server.host, str(server.ports[0]), ways, server.ca, name, "testpwd") as p:
        p.until(way_in)
        full = p.until(r"= connected (\S+)").group(1)
        p.until(r"= note user@example\.org owes me <a> book",
                r"= page XMPP https://xmpp\.org/\?a=b&c=d\n= room room@rooms\.example\.org me")
        user = person(server, me.split("@")[0], "Pandion")
        user.send("<iq type='get' id='r'><query xmlns='jabber:iq:roster'/></iq><presence><priority>8</priority></presence>")
        user.send("<presence type='subscribe' to='%s'/>" % them)
        user.until("<presence [^>]*type='subscribe'[^>]*>")
        user.send("<presence type='subscribed' to='%s'/>" % them)
        p.until("= item %s %d" % (re.escape(me), BOTH), "= presence %s/Pandion" % re.escape(me))
        user.until("<item [^>]*subscription='both'", "<presence [^>]*from='%s'" % re.escape(full))
        user.send("<iq type='get' id='sd31' to='%s'><query xmlns='jabber:iq:version'/></iq>" % full)
        got = user.until("<iq [^>]*id='sd31'.*?</iq>")
        assert "<name>rosterTest</name>" in got and "from='%s'" % full in got, got
        user.send("<message type='chat' xml:lang='zh-cn' id='sd32' to='%s'>%s</message>" % (full, HELLO))
        p.until(r"= message %s/Pandion state \d html \S* ?body hello" % re.escape(me))
        got = user.until("<message .*?</message>")
        assert "type='chat'" in got and "<body>you said hello</body>" in got and "<em>you said hello</em></body></html>" in got, got
        assert "<active xmlns='http://jabber.org/protocol/chatstates'/>" in got, got
        user.send("<message type='chat' to='%s'><body>bye</body></message>" % full)
        user.until("<presence [^>]*type='unavailable'[^>]*from='%s'|<presence [^>]*from='%s'[^>]*type='unavailable'"
                   % (re.escape(full), re.escape(full)))
        said = p.end()
    assert HELLO in said, said  # as it was sent, to the byte
    went(said, ways)


def pair(server, ways, mechanism):
    name = "testuser-" + ways.replace(" ", "-")
    return [("registers at %s: %s" % (server.host, ways), lambda: register(server, ways, name)),
            ("makes a friend and chats there by %s: %s" % (mechanism, ways),
             lambda: befriend(server, ways, name, "mechanism='%s'" % mechanism))]


def without_sasl(server):
    account(server, "testuser-old")  # a gloox that may not use SASL asks for the registration with an empty iq
    befriend(server, "plain nosasl", "testuser-old", "jabber:iq:auth")


with contextlib.ExitStack() as stack:
    old, new = (stack.enter_context(serving(MYNAHD, *config)) for config in (config_2007(OF_2007), config_new()))
    steps = [s for ways in ("plain", "zlib", "tls", "tls zlib") for s in pair(old, ways, "DIGEST-MD5")]
    steps.append(("makes a friend and chats there without SASL", lambda: without_sasl(old)))
    bad = tap(steps + pair(new, "tls", "SCRAM-SHA-1-PLUS"), lambda: old.log + new.log)
sys.exit(bad != 0)
