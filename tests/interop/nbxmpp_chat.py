#!/usr/bin/python3
"""nbxmpp, the library of Gajim: login, contacts, chat, carbons, and sessions that go on after a cut and a restart, or do not
after a crash. Prints TAP.
usage: nbxmpp_chat.py MYNAHD"""
import logging, re, signal, sys, threading

from gi.repository import Gio, GLib
from driver import DEADLINE, Cable, account, config_new, person, serving, tap

import nbxmpp.client
from nbxmpp.const import ConnectionProtocol, ConnectionType
from nbxmpp.protocol import Iq, Message, NodeProcessed, Presence
from nbxmpp.structs import StanzaHandler

HOST, CONFIG = config_new()
SIGNALS = "connected", "disconnected", "connection-failed", "resume-successful", "resume-failed", "stanza-sent"


def on_loop(act):
    """What act() returns in the thread of the library."""
    done, got = threading.Event(), []

    def run():
        got.append(act())
        done.set()
    GLib.idle_add(run)
    assert done.wait(DEADLINE)
    return got[0]


class Gajim:
    def __init__(self, server, name, resource, way=ConnectionType.START_TLS):
        self.line, self.events, self.news = server, [], threading.Condition()
        self.jid, self.full = "%s@%s" % (name, HOST), "%s@%s/%s" % (name, HOST, resource)
        c = self.client = nbxmpp.client.Client(log_context=self.full)
        c.set_domain(HOST)
        c.set_username(name)
        c.set_resource(resource)
        c.set_password("testpwd")
        port = server.ports[way == ConnectionType.DIRECT_TLS]
        c.set_custom_host("127.0.0.1:%d" % port, ConnectionProtocol.TCP, way)
        for signal in SIGNALS:
            c.subscribe(signal, lambda _client, signal, *data: self.note(signal, str(*data)))
        for kind in "message", "presence":
            c.register_handler(StanzaHandler(name=kind, priority=50,
                                             callback=lambda _client, st, properties: self.note(st.getName(), properties)))
        c.register_handler(StanzaHandler(name="iq", typ="set", ns="jabber:iq:roster", priority=50, callback=self.on_push))
        self.dial()
        auth = self.until("stanza-sent", lambda st: st.startswith("<auth"))
        assert 'mechanism="SCRAM-SHA-512"' in auth, auth
        self.until("connected")
        assert c.tls_version == Gio.TlsProtocolVersion.TLS_1_3 and c.get_bound_jid() == self.full
        self.roster = self.answer(c.get_module("Roster").request_roster)
        self.ask(Iq("set"), "enable", "urn:xmpp:carbons:2")
        self.send(Presence())
        self.until("presence", lambda p: p.jid == self.full)

    def on_push(self, _client, _stanza, properties):
        self.note("push", properties.roster.item)
        raise NodeProcessed  # or it is answered again, with an error

    def note(self, name, data):
        with self.news:
            self.events.append((name, data))
            self.news.notify_all()

    def until(self, name, check=lambda data: True):
        """The data of the first such event; it and what came before it are forgotten."""
        found = lambda: next((i for i, (n, d) in enumerate(self.events) if n == name and check(d)), None)
        with self.news:
            assert self.news.wait_for(lambda: found() is not None, DEADLINE), "%s never had %s, but %s" % (self.full, name, self.events)
            at = found()
            data = self.events[at][1]
            del self.events[:at + 1]
        return data

    def dial(self):
        on_loop(self.client.connect)

    def lose(self):
        self.line.cut()
        self.until("disconnected")

    def resume(self):
        self.dial()
        self.until("resume-successful")

    def send(self, stanza):
        on_loop(lambda: self.client.send_stanza(stanza))

    def ask(self, iq, name, namespace):
        iq.addChild(name, namespace=namespace)
        on_loop(lambda: self.client.send_stanza(iq, callback=lambda _client, answer: self.note("answer", answer)))
        got = self.until("answer")
        assert got.getType() == "result", got

    def said(self):
        """What was said is handled, and what the server wrote because of it is on its way."""
        self.ask(Iq("get", to=HOST), "ping", "urn:xmpp:ping")

    def answer(self, request, *args):
        """Of a request of one of the library's modules."""
        def finished(task):
            self.note("answer", task.finish())
        on_loop(lambda: request(*args, callback=finished))  # which the library holds weakly
        return self.until("answer")

    def says(self, to, *texts):
        for text in texts:
            self.send(Message(to=to, body=text, typ="chat"))

    def loses(self, to, *texts):
        """Said into a line that lets nothing through."""
        self.line.holes.add("up")
        self.says(to, *texts)
        self.until("stanza-sent", lambda st: texts[-1] in st)

    def hears(self, *texts):
        """Exactly these, in this order, each once: what else has come shows up in the place of the next one."""
        for text in texts:
            got = self.until("message")
            assert got.body == text, (got.body, text)
        return got

    def end(self):
        on_loop(self.client.disconnect)
        self.until("disconnected")


class Story:
    def __init__(self, server):
        self.server = server
        for name in "romeo", "juliet", "mercutio":
            account(server, name)

    def logs_in_by_direct_tls(self):
        Gajim(self.server, "romeo", "direct", ConnectionType.DIRECT_TLS).end()

    def becomes_friends_with_another(self):
        romeo = self.romeo = Gajim(Cable(self.server), "romeo", "orchard")
        juliet = self.juliet = Gajim(Cable(self.server), "juliet", "balcony")
        assert not romeo.roster.items
        romeo.answer(romeo.client.get_module("Roster").set_item, juliet.jid, "Juliet", ["Capulets"])
        romeo.send(Presence(to=juliet.jid, typ="subscribe"))
        juliet.until("presence", lambda p: p.type.is_subscribe and p.jid == romeo.jid)
        juliet.send(Presence(to=romeo.jid, typ="subscribed"))
        romeo.until("push", lambda item: item.subscription == "to" and item.name == "Juliet" and item.groups == {"Capulets"})
        juliet.send(Presence(show="away", status="on the <balcony>"))
        assert romeo.until("presence", lambda p: p.jid == juliet.full and p.show.value == "away").status == "on the <balcony>"
        again = romeo.answer(romeo.client.get_module("Roster").request_roster, romeo.roster.version)
        assert [str(item.jid) for item in again.items or []] == [juliet.jid], again
        same = romeo.answer(romeo.client.get_module("Roster").request_roster, again.version)
        assert same.items is None, same

    def chats_both_ways(self):
        for me, other in (self.romeo, self.juliet), (self.juliet, self.romeo):
            for to in other.jid, other.full:
                text = "to %s: <é 北京 \U0001f426> & more" % to
                me.says(to, text)
                assert other.hears(text).jid == me.full

    def hears_once_what_came_while_the_line_was_cut(self):
        romeo, juliet = self.romeo, self.juliet
        juliet.line.holes.add("down")
        romeo.says(juliet.jid, "lost 1", "lost 2")
        romeo.said()
        juliet.lose()
        romeo.says(juliet.full, "missed 1", "missed 2")
        romeo.said()
        juliet.resume()
        romeo.says(juliet.full, "there again?")
        juliet.hears("lost 1", "lost 2", "missed 1", "missed 2", "there again?")

    def says_once_what_the_server_never_had(self):
        romeo, juliet = self.romeo, self.juliet
        juliet.loses(romeo.full, "unheard 1", "unheard 2")
        juliet.lose()
        juliet.resume()
        juliet.says(romeo.full, "and now")
        romeo.hears("unheard 1", "unheard 2", "and now")

    def says_once_what_the_server_had_but_could_not_acknowledge(self):
        romeo, juliet = self.romeo, self.juliet
        juliet.line.holes.add("down")
        juliet.says(romeo.full, "heard 1", "heard 2")
        romeo.hears("heard 1", "heard 2")
        juliet.lose()
        juliet.resume()
        juliet.says(romeo.full, "and now")
        romeo.hears("and now")

    def resumes_over_a_restart_of_the_server(self):
        romeo, juliet = self.romeo, self.juliet
        juliet.line.holes.add("down")
        romeo.says(juliet.jid, "before")
        romeo.said()
        romeo.loses(juliet.jid, "unheard")
        self.server.end()
        for p in romeo, juliet:
            p.until("disconnected")
        self.server.start()
        romeo.resume()
        romeo.says(juliet.jid, "after")
        romeo.said()
        juliet.resume()
        juliet.hears("before", "unheard", "after")
        juliet.send(Presence(status="still seen"))
        romeo.until("presence", lambda p: p.status == "still seen")

    def gets_carbons_of_what_another_resource_hears_and_says(self):
        romeo, balcony = self.romeo, self.juliet
        phone = Gajim(self.server, "juliet", "phone")
        for one, other in (balcony, phone), (phone, balcony):
            romeo.says(one.full, "to " + one.full)
            one.hears("to " + one.full)
            copy = other.hears("to " + one.full)
            assert copy.is_received_carbon and (copy.from_, copy.to) == (romeo.full, one.full), copy
            one.says(romeo.jid, "from " + one.full)
            romeo.hears("from " + one.full)
            copy = other.hears("from " + one.full)
            assert copy.is_sent_carbon and (copy.from_, copy.to) == (one.full, romeo.jid), copy
        for p in phone, balcony, romeo:
            p.end()

    def leaves_what_it_had_not_acknowledged_to_its_next_session(self):
        romeo, juliet = person(self.server, "romeo", "hand"), Gajim(Cable(self.server), "juliet", "balcony")
        juliet.line.holes.add("down")
        romeo.send("<message type='chat' to='%s'><body>nobody there?</body></message>" % juliet.jid)
        romeo.ping()
        on_loop(juliet.client.disconnect)
        later = Gajim(self.server, "juliet", "later")
        later.hears("nobody there?")
        later.end()

    def goes_on_with_a_new_session_when_the_server_has_crashed(self):
        """It reads the count in <failed/>, and then throws away what was not acknowledged all the same."""
        juliet, mercutio = Gajim(Cable(self.server), "juliet", "balcony"), "mercutio@" + HOST
        juliet.says(mercutio, "stored 1", "stored 2")
        juliet.said()
        self.server.stop(signal.SIGKILL)
        juliet.until("disconnected")
        self.server.start()
        juliet.dial()
        juliet.until("resume-failed")
        juliet.until("connected")
        juliet.says(mercutio, "and now")
        juliet.said()
        other = person(self.server, "mercutio", "hand")
        other.send("<presence/>")
        got = re.findall("<body>([^<]*)</body>", other.until("<body>and now</body>"))
        assert got == ["stored 1", "stored 2", "and now"], got
        juliet.end()


logging.getLogger("nbxmpp").setLevel(logging.ERROR)
threading.Thread(target=GLib.MainLoop().run, daemon=True).start()
with serving(sys.argv[1], HOST, CONFIG) as server:
    Gio.TlsBackend.get_default().set_default_database(Gio.TlsFileDatabase.new(server.ca))
    story = Story(server)
    names = [n for n in vars(Story) if not n.startswith("_")]
    bad = tap([(n.replace("_", " "), lambda n=n: getattr(story, n)()) for n in names], lambda: server.log)
sys.exit(bad != 0)
