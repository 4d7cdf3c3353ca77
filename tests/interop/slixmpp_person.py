"""Somebody with slixmpp: what happens to them is kept until it is asked for."""
import asyncio, logging

import slixmpp
from driver import DEADLINE

EVENTS = ("session_start", "message", "presence_available", "presence_away", "presence_unavailable",
          "roster_update", "failed_auth", "stream_error", "disconnected", "sm_enabled", "session_resumed", "carbon_received",
          "carbon_sent", "message_error", "blocked", "unblocked")
PLUGINS = ("xep_0012", "xep_0030", "xep_0049", "xep_0054", "xep_0077", "xep_0092", "xep_0128", "xep_0191", "xep_0199", "xep_0202", "xep_0203",
           "xep_0334", "xep_0359")


class Person(slixmpp.ClientXMPP):
    def __init__(self, server, jid, password="testpwd", direct=False, registers=False, plugins=()):
        super().__init__(jid, password)
        self.events, self.news = [], asyncio.Condition()
        for name in EVENTS:
            self.add_event_handler(name, self.note(name))
        for name in PLUGINS + plugins:
            self.register_plugin(name)
        self["xep_0092"].software_name = "slixmpp"
        if registers:
            self.add_event_handler("register", self.on_register)
            self._always_send_everything = True  # else 1.8.3 holds the registration back until it is logged in
        self.line, self.ca_certs = server, server.ca
        self.dial(direct)

    def dial(self, direct=False):
        self._dns_answers = iter(())  # the address is known; else a resolver is asked for the domain all the same
        self.connect(("127.0.0.1", self.line.ports[direct]), use_ssl=direct)

    def note(self, name):
        async def add(data):
            async with self.news:
                self.events.append((name, data))
                self.news.notify_all()
        return add

    async def on_register(self, form):
        assert form["register"]["fields"] == {"username", "password", "name", "email"}, form
        iq = self.Iq(stype="set")
        iq["register"]["username"], iq["register"]["password"] = self.boundjid.user, self.password
        await iq.send()

    async def until(self, name, check=lambda data: True):
        """The data of the first such event; it and what came before it are forgotten."""
        return (await self.all_until(name, check))[-1][1]

    async def all_until(self, name, check=lambda data: True):
        """The same, and what came before it as well, each with its name."""
        def found():
            return next((i for i, (n, d) in enumerate(self.events) if n == name and check(d)), None)
        try:
            async with self.news:
                await asyncio.wait_for(self.news.wait_for(lambda: found() is not None), DEADLINE)
        except asyncio.TimeoutError:
            raise Exception("%s never had %s, but %s" % (self.boundjid, name, [(n, str(d)) for n, d in self.events]))
        end = found() + 1
        came, self.events[:end] = self.events[:end], []
        return came

    async def start(self):
        await self.until("session_start")
        self.del_event_handler("register", self.on_register)  # or it registers again whenever it comes back
        self._always_send_everything = False
        mech = self["feature_mechanisms"].mech.name
        assert mech == "SCRAM-SHA-512-PLUS", mech
        assert self.socket.version() == "TLSv1.3", self.socket.version()
        await self.get_roster()
        self.send_presence()
        await self.until("presence_available", lambda p: p["from"] == self.boundjid)  # its own, reflected

    async def stop(self):
        await self.disconnect()


async def person(*args, **how):
    p = Person(*args, **how)
    await p.start()
    return p


logging.basicConfig(level=logging.CRITICAL)
