#!/usr/bin/python3
"""Sessions of slixmpp that go on after their line was cut and after a restart of the server; carbons; client state. Prints TAP.
usage: slixmpp_resume.py MYNAHD"""
import asyncio, sys

from driver import Cable, config_new, serving, tap
from slixmpp.plugins.xep_0198 import XEP_0198, stanza
from slixmpp_person import Person

HOST, CONFIG = config_new()


class Mobile(Person):
    """Somebody on a line of their own, whose session can be resumed."""

    def __init__(self, server, jid, **how):
        super().__init__(Cable(server), jid, plugins=("xep_0198", "xep_0280", "xep_0352"), **how)

    async def start(self):
        await self.until("sm_enabled")
        self.events.append(("session_start", None))  # was before it
        await super().start()
        await self["xep_0280"].enable()
        return self

    async def lose(self):
        self.line.cut()
        await self.until("disconnected")

    async def resume(self):
        self.dial()
        await self.until("session_resumed")

    def says(self, to, *texts):
        for text in texts:
            self.send_message(mto=to, mbody=text, mtype="chat")

    async def said(self):
        """What was said has left, and what the server wrote because of it is on its way."""
        await self["xep_0199"].ping(HOST)

    async def hears(self, *texts):
        """Exactly these, in this order, each once: what else has come shows up in the place of the next one."""
        for text in texts:
            got = await self.until("message")
            assert got["body"] == text, (got["body"], text)


def clear_no_queue(self, out, handle=XEP_0198._handle_outgoing):
    """1.8.3 forgets what is not acknowledged when it asks for the resumption, and so loses it."""
    kept = list(self.unacked_queue) if isinstance(out, stanza.Resume) else []
    out = handle(self, out)
    self.unacked_queue.extend(kept)
    return out


XEP_0198._handle_outgoing = clear_no_queue


class Story:
    def __init__(self, server):
        self.server = server

    async def enable_resumption_and_become_friends(self):
        self.romeo = await Mobile(self.server, "romeo@%s/orchard" % HOST, registers=True).start()
        self.juliet = await Mobile(self.server, "juliet@%s/balcony" % HOST, registers=True).start()
        self.romeo.send_presence_subscription(pto=self.juliet.boundjid.bare)  # who agrees and asks back
        for me, other in (self.romeo, self.juliet), (self.juliet, self.romeo):
            await me.until("presence_available", lambda p: p["from"] == other.boundjid)

    async def hear_once_what_came_while_the_line_was_cut(self):
        romeo, juliet = self.romeo, self.juliet
        juliet.line.holes.add("down")
        romeo.says(juliet.boundjid.bare, "lost 1", "lost 2")
        await romeo.said()
        await juliet.lose()
        romeo.says(juliet.boundjid, "missed 1")
        romeo.says(juliet.boundjid.bare, "missed 2", "missed 3")
        await romeo.said()
        await juliet.resume()
        romeo.says(juliet.boundjid, "there again?")
        await juliet.hears("lost 1", "lost 2", "missed 1", "missed 2", "missed 3", "there again?")
        juliet.says(romeo.boundjid, "yes")
        came = await romeo.all_until("message")
        assert "presence_unavailable" not in [name for name, _ in came], came

    async def say_once_what_the_server_never_had(self):
        romeo, juliet = self.romeo, self.juliet
        juliet.line.holes.add("up")
        juliet.says(romeo.boundjid, "unheard 1", "unheard 2", "unheard 3")
        await juliet.waiting_queue.join()
        await juliet.lose()
        await juliet.resume()
        juliet.says(romeo.boundjid, "and now")
        await romeo.hears("unheard 1", "unheard 2", "unheard 3", "and now")

    async def say_once_what_the_server_had_but_could_not_acknowledge(self):
        romeo, juliet = self.romeo, self.juliet
        juliet.line.holes.add("down")
        juliet.says(romeo.boundjid, "heard 1", "heard 2", "heard 3")
        await romeo.hears("heard 1", "heard 2", "heard 3")
        assert len(juliet["xep_0198"].unacked_queue) >= 3
        await juliet.lose()
        await juliet.resume()
        juliet.says(romeo.boundjid, "and now")
        await romeo.hears("and now")

    async def resume_when_they_hang_up_themselves(self):
        romeo, juliet = self.romeo, self.juliet
        juliet.abort()
        await juliet.until("disconnected")
        romeo.says(juliet.boundjid.bare, "where?")
        await romeo.said()
        await juliet.resume()
        juliet.says(romeo.boundjid, "here")
        await juliet.hears("where?")
        await romeo.hears("here")

    async def resume_over_a_restart_of_the_server(self):
        romeo, juliet = self.romeo, self.juliet
        juliet.line.holes.add("down")
        romeo.says(juliet.boundjid.bare, "before 1", "before 2")
        await romeo.said()
        romeo.line.holes.add("up")
        romeo.says(juliet.boundjid.bare, "unheard")
        await romeo.waiting_queue.join()
        await asyncio.to_thread(self.server.end)
        for p in romeo, juliet:
            await p.until("disconnected")
        self.server.start()
        await romeo.resume()
        romeo.says(juliet.boundjid.bare, "after")
        await romeo.said()
        await juliet.resume()
        await juliet.hears("before 1", "before 2", "unheard", "after")
        juliet.says(romeo.boundjid.bare, "and back")
        await romeo.hears("and back")
        juliet.send_presence(pstatus="still a friend")
        await romeo.until("presence_available", lambda p: p["status"] == "still a friend")

    async def get_carbons_of_what_the_other_resource_hears_and_says(self):
        romeo, balcony = self.romeo, self.juliet
        phone = self.phone = await Mobile(self.server, "juliet@%s/phone" % HOST).start()
        for one, other in (balcony, phone), (phone, balcony):
            romeo.says(one.boundjid, "to " + one.boundjid.resource)
            await one.hears("to " + one.boundjid.resource)
            copy = (await other.until("carbon_received"))["carbon_received"]
            assert (copy["body"], copy["from"], copy["to"]) == ("to " + one.boundjid.resource, romeo.boundjid, one.boundjid), copy
            one.says(romeo.boundjid.bare, "from " + one.boundjid.resource)
            await romeo.hears("from " + one.boundjid.resource)
            copy = (await other.until("carbon_sent"))["carbon_sent"]
            assert (copy["body"], copy["from"], copy["to"]) == ("from " + one.boundjid.resource, one.boundjid,
                                                                romeo.boundjid.bare), copy

    async def get_carbons_once_after_a_cut(self):
        romeo, balcony, phone = self.romeo, self.juliet, self.phone
        await phone.lose()
        romeo.says(balcony.boundjid, "1")
        await balcony.hears("1")
        balcony.says(romeo.boundjid, "2")
        await romeo.hears("2")
        await phone.resume()
        romeo.says(phone.boundjid, "3")
        copies = [data for name, data in await phone.all_until("message") if name.startswith("carbon")]
        assert [c["carbon_received" if i == 0 else "carbon_sent"]["body"] for i, c in enumerate(copies)] == ["1", "2"], copies

    async def are_left_in_peace_while_inactive(self):
        romeo, phone = self.romeo, self.phone
        await phone.said()
        phone.events.clear()
        phone["xep_0352"].send_inactive()
        await phone.said()
        for i in range(3):
            romeo.send_presence(pshow="away", pstatus="away %d" % i)
        romeo.says(phone.boundjid, "wake up")
        came = await phone.all_until("message")
        assert [p["status"] for name, p in came if name == "presence_away"] == ["away 2"], came
        phone["xep_0352"].send_active()
        romeo.send_presence(pshow="away", pstatus="at once")
        await phone.until("presence_away", lambda p: p["status"] == "at once")
        for p in phone, self.juliet, romeo:
            await p.stop()


with serving(sys.argv[1], HOST, CONFIG) as server, asyncio.Runner() as runner:
    story = Story(server)
    names = [n for n in vars(Story) if not n.startswith("_")]
    bad = tap([(n.replace("_", " "), lambda n=n: runner.run(getattr(story, n)())) for n in names], lambda: server.log)
sys.exit(bad != 0)
