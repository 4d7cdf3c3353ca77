#!/usr/bin/python3
"""A component with slixmpp (XEP-0114), and somebody who talks to it. Prints TAP.    usage: slixmpp_component.py MYNAHD"""
import asyncio, sys

import slixmpp
from driver import DEADLINE, config_new, serving, tap
from slixmpp_person import person

HOST, CONFIG = config_new()
NAME = "echo." + HOST
CONFIG = CONFIG.replace("registration:", "  - {service: component, address: 127.0.0.1, port: 0, tls: off}\nregistration:") + """
components: [{name: %s, secret: testpwd}]
""" % NAME


class Echo(slixmpp.ComponentXMPP):
    """Says again what it is told, and agrees to whoever wants to see it."""

    def __init__(self, server, secret="testpwd"):
        super().__init__(NAME, secret, "127.0.0.1", server.ports[2])
        self.began, self.ended = asyncio.Event(), asyncio.Event()
        self.add_event_handler("session_start", lambda _: self.began.set())
        self.add_event_handler("disconnected", lambda _: self.ended.set())
        self.add_event_handler("message", lambda m: m.reply(m["body"]).send())
        self.add_event_handler("presence_subscribe", self.agree)
        for name in "xep_0030", "xep_0092", "xep_0199":
            self.register_plugin(name)
        self["xep_0092"].software_name = "Echo"
        self["xep_0030"].add_identity("component", "generic", name="Echo")
        self.connect()

    def agree(self, asked):
        self.send_presence(pto=asked["from"], pfrom=NAME, ptype="subscribed")

    async def here(self):
        await asyncio.wait_for(self.began.wait(), DEADLINE)
        return self


class Story:
    def __init__(self, server):
        self.server = server

    async def a_component_connects(self):
        self.echo = await Echo(self.server).here()
        self.romeo = await person(self.server, "romeo@%s/orchard" % HOST, registers=True)

    async def it_is_found_and_says_what_it_is(self):
        romeo = self.romeo
        items = (await romeo["xep_0030"].get_items(jid=HOST))["disco_items"]["items"]
        assert [i[0] for i in items] == [NAME], items
        info = (await romeo["xep_0030"].get_info(jid=NAME))["disco_info"]
        assert ("component", "generic") in [i[:2] for i in info["identities"]], info
        assert (await romeo["xep_0092"].get_version(NAME))["software_version"]["name"] == "Echo"
        assert await romeo["xep_0199"].ping(NAME) > 0
        assert await self.echo["xep_0199"].ping(HOST, ifrom=NAME) > 0

    async def it_answers_at_any_address_of_its_domain(self):
        for to in NAME, "somebody@" + NAME, "somebody@%s/here" % NAME:
            text = "to %s: <é 北京 \U0001f426> & more" % to
            self.romeo.send_message(mto=to, mbody=text, mtype="chat")
            got = await self.romeo.until("message")
            assert (got["body"], got["from"]) == (text, to), got

    async def contacts_see_each_other(self):
        self.romeo.send_presence_subscription(pto=NAME)
        await self.romeo.until("roster_update",
                               lambda iq: iq["roster"]["items"].get(slixmpp.JID(NAME), {}).get("subscription") == "to")
        self.echo.send_presence(pto=self.romeo.boundjid.bare, pfrom=NAME, pstatus="echoing")
        seen = await self.romeo.until("presence_available", lambda p: p["from"] == NAME and p["status"])
        assert seen["status"] == "echoing", seen

    async def while_it_is_away_nobody_answers_and_then_it_comes_back(self):
        await self.echo.disconnect()
        await asyncio.wait_for(self.echo.ended.wait(), DEADLINE)
        try:
            await self.romeo["xep_0092"].get_version(NAME)
            raise Exception("somebody has answered")
        except slixmpp.exceptions.IqError as e:
            assert e.condition == "service-unavailable", e
        self.echo = await Echo(self.server).here()
        assert await self.romeo["xep_0199"].ping(NAME) > 0
        await self.romeo.stop()
        await self.echo.disconnect()


with serving(sys.argv[1], HOST, CONFIG) as server, asyncio.Runner() as runner:
    story = Story(server)
    names = [n for n in vars(Story) if not n.startswith("_")]
    bad = tap([(n.replace("_", " "), lambda n=n: runner.run(getattr(story, n)())) for n in names], lambda: server.log)
sys.exit(bad != 0)
