#!/usr/bin/python3
"""Two people with slixmpp on TLS 1.3 and SCRAM: from registration to the removal of an account. Prints TAP.
usage: slixmpp_chat.py MYNAHD"""
import asyncio, datetime, sys

import slixmpp
from driver import DEADLINE, config_new, serving, tap
from slixmpp.plugins import xep_0082
from slixmpp_person import Person, person

HOST, CONFIG = config_new("""
contact: {admin: ["xmpp:admins@capulet.lit", "mailto:xmpp@capulet.lit"], status: ["https://status.capulet.lit"]}
""")
LONG = 600  # seconds; no test takes as long


def item(jid, **wanted):
    """Checks a roster push."""
    return lambda iq: all(iq["roster"]["items"].get(slixmpp.JID(jid), {}).get(k) == v for k, v in wanted.items())


class Story:
    def __init__(self, server):
        self.server = server

    async def registers_and_logs_in_by_starttls_and_by_direct_tls(self):
        self.romeo = await person(self.server, "romeo@%s/orchard" % HOST, registers=True)
        self.juliet = await person(self.server, "juliet@%s/balcony" % HOST, registers=True, direct=True)
        assert self.romeo.boundjid.full == "romeo@%s/orchard" % HOST

    async def subscribes_both_ways(self):
        romeo, juliet = self.romeo, self.juliet
        await romeo.update_roster(juliet.boundjid.bare, name="Juliet", groups=["Capulets", "Friends"])
        romeo.send_presence_subscription(pto=juliet.boundjid.bare)  # juliet's slixmpp agrees and asks back, romeo's agrees
        for me, other in (romeo, juliet), (juliet, romeo):
            await me.until("roster_update", item(other.boundjid.bare, subscription="both"))
        juliet.send_presence(pshow="away", pstatus="on the balcony")
        seen = await romeo.until("presence_away", lambda p: p["from"] == juliet.boundjid)
        assert seen["status"] == "on the balcony", seen
        known = romeo.client_roster[juliet.boundjid.bare]
        assert known["name"] == "Juliet" and sorted(known["groups"]) == ["Capulets", "Friends"], known

    async def chats_both_ways(self):
        for me, other in (self.romeo, self.juliet), (self.juliet, self.romeo):
            for to in other.boundjid.bare, other.boundjid.full:
                text = "to %s: <é 北京 \U0001f426> & more" % to
                me.send_message(mto=to, mbody=text, mtype="chat")
                got = await other.until("message", lambda m: m["type"] == "chat")
                assert (got["body"], got["from"], got["to"]) == (text, me.boundjid, to), got

    async def keeps_what_comes_while_one_is_away(self):
        jid = self.juliet.boundjid
        await self.juliet.stop()
        await self.romeo.until("presence_unavailable", lambda p: p["from"] == jid)
        self.romeo.use_origin_id = True
        for i in range(5):
            self.romeo.send_message(mto=jid.bare, mbody="missed %d" % i, mtype="chat")
        await self.romeo["xep_0199"].ping(HOST)
        self.juliet, ids = await person(self.server, jid.full), set()
        for i in range(5):
            got = await self.juliet.until("message")
            assert got["body"] == "missed %d" % i and got["delay"]["from"] == HOST and got["delay"]["stamp"], got
            assert got["stanza_id"]["by"] == jid.bare and got["origin_id"]["id"] == got["id"], got
            ids.add(got["stanza_id"]["id"])
        assert len(ids) == 5, ids
        await self.romeo.until("presence_available", lambda p: p["from"] == jid)

    async def hints_what_is_not_to_be_kept_or_copied(self):
        romeo, jid = self.romeo, self.juliet.boundjid

        def says(to, text, *hints):
            m = romeo.make_message(mto=to, mbody=text, mtype="chat")
            for hint in hints:
                m.enable(hint)
            m.send()

        await self.juliet.stop()
        await romeo.until("presence_unavailable", lambda p: p["from"] == jid)
        says(jid.bare, "now or never", "no-store")
        says(jid.bare, "kept")
        assert (await romeo.until("message_error"))["error"]["condition"] == "service-unavailable"
        self.juliet = await person(self.server, jid.full)
        assert (await self.juliet.until("message"))["body"] == "kept"
        other = await person(self.server, "juliet@%s/other" % HOST, plugins=("xep_0280",))
        await other["xep_0280"].enable()
        says(jid, "not copied", "no-copy")
        says(jid, "copied")
        assert (await other.until("carbon_received"))["carbon_received"]["body"] == "copied"
        for text in "not copied", "copied":
            assert (await self.juliet.until("message"))["body"] == text
        await other.stop()
        await romeo.until("presence_unavailable", lambda p: p["from"] == other.boundjid)

    async def hears_nothing_of_whom_one_has_blocked(self):
        romeo, juliet = self.romeo, self.juliet
        other, whom = await person(self.server, "juliet@%s/other" % HOST), romeo.boundjid.bare

        async def errors(me, to):
            me.send_message(mto=to.boundjid, mbody="unheard", mtype="chat")
            return (await me.until("message_error"))["error"]["condition"]

        async def listed(by):
            return (await by["xep_0191"].get_blocked())["blocklist"]["items"]

        assert await listed(other) == set()
        await juliet["xep_0191"].block(whom)
        assert (await other.until("blocked"))["block"]["items"] == await listed(juliet) == {whom}
        await romeo.until("presence_unavailable", lambda p: p["from"] == juliet.boundjid)
        assert await errors(romeo, juliet) == "service-unavailable" and await errors(juliet, romeo) == "not-acceptable"
        await juliet["xep_0191"].unblock(whom)
        assert (await other.until("unblocked"))["unblock"]["items"] == {whom} and await listed(juliet) == set()
        await romeo.until("presence_available", lambda p: p["from"] == juliet.boundjid)
        romeo.send_message(mto=juliet.boundjid, mbody="heard", mtype="chat")
        assert (await juliet.until("message"))["body"] == "heard"
        await other.stop()
        await romeo.until("presence_unavailable", lambda p: p["from"] == other.boundjid)

    async def learns_whom_to_turn_to(self):
        info = (await self.romeo["xep_0030"].get_info(jid=HOST))["disco_info"]
        told = {f["var"]: [v.text for v in f.xml.findall("{jabber:x:data}value")] for f in info["form"]["fields"]}
        assert told == {"FORM_TYPE": ["http://jabber.org/network/serverinfo"], "status-addresses": ["https://status.capulet.lit"],
                        "admin-addresses": ["xmpp:admins@capulet.lit", "mailto:xmpp@capulet.lit"]}, told

    async def answers_disco_ping_and_version(self):
        romeo, juliet = self.romeo, self.juliet
        info = (await romeo["xep_0030"].get_info(jid=HOST))["disco_info"]
        assert ("server", "im") in [i[:2] for i in info["identities"]], info
        missing = {"http://jabber.org/protocol/disco#info", "urn:xmpp:ping", "jabber:iq:version", "jabber:iq:register",
                   "msgoffline"} - set(info["features"])
        assert not missing, missing
        assert (await romeo["xep_0030"].get_items(jid=HOST))["type"] == "result"
        own = (await romeo["xep_0030"].get_info(jid=romeo.boundjid.bare))["disco_info"]
        assert ("account", "registered") in [i[:2] for i in own["identities"]] and {"jabber:iq:private", "urn:xmpp:sid:0"} <= set(own["features"]), own
        for to in HOST, juliet.boundjid.full:
            assert await romeo["xep_0199"].ping(to) > 0
        assert "Mynah" in (await romeo["xep_0092"].get_version(HOST))["software_version"]["name"]
        assert (await juliet["xep_0092"].get_version(romeo.boundjid))["software_version"]["name"] == "slixmpp"
        try:
            await romeo["xep_0092"].get_version("nobody@%s/nowhere" % HOST)
            raise Exception("nobody has answered")
        except slixmpp.exceptions.IqError as e:
            assert e.condition == "service-unavailable", e

    async def knows_by_a_hash_what_the_server_can(self):
        nurse = await person(self.server, "romeo@%s/caps" % HOST, plugins=("xep_0115",))

        async def found():
            while not await nurse["xep_0115"].get_verstring(HOST):  # it has asked, and the hash was right
                await asyncio.sleep(0.05)
            return await nurse["xep_0115"].get_caps(HOST)
        info = await asyncio.wait_for(found(), DEADLINE)
        assert "urn:xmpp:ping" in info["features"] and len(info.xml.findall("{jabber:x:data}x")) == 1, info
        await nurse.stop()

    async def keeps_private_xml(self):
        note = slixmpp.xmlstream.ET.fromstring("<storage xmlns='storage:rosternotes'><note jid='juliet@%s'>the sun</note></storage>"
                                               % HOST)
        holder = slixmpp.xmlstream.ElementBase(note)
        await self.romeo["xep_0049"].store(holder)
        iq = self.romeo.Iq(stype="get")
        iq.xml.append(slixmpp.xmlstream.ET.fromstring("<query xmlns='jabber:iq:private'><storage xmlns='storage:rosternotes'/>"
                                                      "</query>"))
        got = await iq.send()
        assert got.xml.find(".//{storage:rosternotes}note").text == "the sun", got

    async def shows_a_vcard_to_others(self):
        romeo, juliet = self.romeo, self.juliet
        card = romeo["xep_0054"].make_vcard()
        card["FN"], card["NOTE"] = "Romeo <Montague> 北京", "a rose"
        card["PHOTO"]["TYPE"], card["PHOTO"]["BINVAL"] = "image/png", bytes(range(256)) * 64
        await romeo["xep_0054"].publish_vcard(card)
        got = (await juliet["xep_0054"].get_vcard(romeo.boundjid.bare, local=False))["vcard_temp"]
        assert str(got) == str(card), got
        try:
            await juliet["xep_0054"].publish_vcard(card, jid=romeo.boundjid.bare)
            raise Exception("that was somebody else's")
        except slixmpp.exceptions.IqError as e:
            assert e.condition == "service-unavailable", e

    async def tells_the_time_and_since_when_one_is_away(self):
        romeo, juliet = self.romeo, self.juliet
        utc = (await romeo["xep_0202"].get_entity_time(HOST)).xml.find(".//{urn:xmpp:time}utc").text
        seconds = (datetime.datetime.now(datetime.timezone.utc) - xep_0082.parse(utc)).total_seconds()
        assert abs(seconds) < LONG, utc
        async def last(jid):
            got = (await romeo["xep_0012"].get_last_activity(jid))["last_activity"]
            return got["seconds"], got["status"] or ""
        assert (await last(HOST))[0] < LONG
        assert await last(juliet.boundjid.bare) == (0, "")
        juliet.send_presence(ptype="unavailable", pstatus="to the <chapel>")
        await romeo.until("presence_unavailable", lambda p: p["from"] == juliet.boundjid)
        seconds, status = await last(juliet.boundjid.bare)
        assert seconds < LONG and status == "to the <chapel>", (seconds, status)
        juliet.send_presence()
        await romeo.until("presence_available", lambda p: p["from"] == juliet.boundjid)

    async def sends_a_roster_only_when_it_has_changed(self):
        romeo = self.romeo
        jid, version = romeo.boundjid, romeo.client_roster.version
        assert "rosterver" in romeo.features and version
        assert not (await romeo.get_roster())["roster"]["items"] and romeo.client_roster.keys()
        other = await person(self.server, "romeo@%s/other" % HOST)
        await other.update_roster("nurse@" + HOST, name="Nurse")
        push = await romeo.until("roster_update", item("nurse@" + HOST, name="Nurse", subscription="none"))
        assert push["roster"]["ver"] not in ("", version), push
        romeo.client_roster.version = version
        await romeo.get_roster()  # in the answer, or as a push behind it
        await romeo.until("roster_update", item("nurse@" + HOST, name="Nurse"))
        await other.del_roster_item("nurse@" + HOST)
        await romeo.until("roster_update", item("nurse@" + HOST, subscription="remove"))
        await other.stop()
        await romeo.until("presence_unavailable", lambda p: p["from"] == "romeo@%s/other" % HOST)
        assert romeo.boundjid == jid

    async def gives_a_taken_resource_to_the_newcomer(self):
        newer = await person(self.server, self.romeo.boundjid.full)
        assert newer.boundjid == self.romeo.boundjid
        error = await self.romeo.until("stream_error")
        assert error["condition"] == "conflict", error
        await self.romeo.until("disconnected")
        self.romeo = newer
        self.juliet.send_message(mto=newer.boundjid, mbody="still you?", mtype="chat")
        assert (await newer.until("message"))["body"] == "still you?"

    async def changes_the_password(self):
        jid = self.romeo.boundjid.full
        await self.romeo["xep_0077"].change_password("newpwd")
        await self.romeo.stop()
        old = Person(self.server, jid)
        assert (await old.until("failed_auth"))["condition"] == "not-authorized"
        old.abort()
        self.romeo = await person(self.server, jid, password="newpwd")

    async def removes_an_account_with_everything_of_it(self):
        romeo, juliet = self.romeo, self.juliet
        jid = romeo.boundjid
        await juliet.until("presence_available", lambda p: p["from"] == jid)
        await romeo["xep_0077"].cancel_registration()
        await juliet.until("roster_update", item(jid.bare, subscription="none"))
        assert (await romeo.until("stream_error"))["condition"] == "not-authorized"
        await romeo.until("disconnected")
        gone = Person(self.server, jid.full, password="newpwd")
        await gone.until("failed_auth")
        gone.abort()
        again = await person(self.server, jid.full, registers=True)  # nothing of the former romeo is there
        assert not (await again.get_roster())["roster"]["items"]
        await again.stop()
        await juliet.stop()


with serving(sys.argv[1], HOST, CONFIG) as server, asyncio.Runner() as runner:
    story = Story(server)
    names = [n for n in vars(Story) if not n.startswith("_")]
    bad = tap([(n.replace("_", " "), lambda n=n: runner.run(getattr(story, n)())) for n in names], lambda: server.log)
sys.exit(bad != 0)
