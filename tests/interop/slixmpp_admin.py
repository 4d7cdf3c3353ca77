#!/usr/bin/python3
"""Administration with slixmpp's own XEP-0050 and XEP-0133. Prints TAP. usage: slixmpp_admin.py MYNAHD"""
import asyncio, sys

from driver import DEADLINE, config_new, serving, tap
from mynah import Control
from slixmpp_person import Person

HOST, CONFIG = config_new()
CONFIG = CONFIG.replace("{name: %s}" % HOST, "{name: %s, admins: [admin@%s]}" % (HOST, HOST))


class Admin(Person):
    """Somebody who asks for commands as slixmpp has it: by its sessions with their handlers."""

    def __init__(self, server, jid, **how):
        super().__init__(server, jid, plugins=("xep_0004", "xep_0050", "xep_0133"), **how)

    async def command(self, name, **values):
        """The last answer, and the form if there was one."""
        done, seen = asyncio.get_running_loop().create_future(), []

        def answered(iq, session):
            if iq["command"]["status"] != "executing":
                done.set_result(iq)
                return
            seen.append(iq["command"]["form"])
            form = self["xep_0004"].make_form(ftype="submit")
            form.add_field(var="FORM_TYPE", ftype="hidden", value="http://jabber.org/protocol/admin")
            for var, value in values.items():
                form.add_field(var=var, value=value)
            session["payload"] = form
            if values.get("cancelled"):
                self["xep_0050"].cancel_command(session)
            else:
                self["xep_0050"].complete_command(session)

        getattr(self["xep_0133"], name)(jid=HOST, session={"next": answered, "error": lambda iq, session: done.set_result(iq)})
        return await asyncio.wait_for(done, DEADLINE), seen


class Story:
    def __init__(self, server):
        self.server = server

    async def an_administrator_sees_the_commands(self):
        self.admin, self.romeo = [Admin(self.server, "%s@%s/desk" % (n, HOST), registers=n != "admin") for n in ("admin", "romeo")]
        Control(self.server.folder + "/data/control.sock").ask("user", "add", jid=self.admin.boundjid.bare, password=self.admin.password)
        await self.admin.start()
        await self.romeo.start()
        info = await self.admin["xep_0030"].get_info(jid=HOST)
        assert "http://jabber.org/protocol/commands" in info["disco_info"]["features"]
        lists = [await p["xep_0133"].get_commands(HOST) for p in (self.admin, self.romeo)]
        listed, none = [{i[1]: i[2] for i in l["disco_items"]["items"]} for l in lists]
        assert listed["http://jabber.org/protocol/admin#add-user"] == "Add User" and not none, (listed, none)

    async def an_administrator_manages_accounts(self):
        admin = self.admin
        got, forms = await admin.command("add_user", accountjid="juliet@" + HOST, password="testpwd",
                                         **{"password-verify": "testpwd", "given_name": "Juliet"})
        assert got["type"] == "result" and got["command"]["status"] == "completed", got
        fields = forms[0].get_fields()
        assert list(fields)[:3] == ["FORM_TYPE", "accountjid", "password"], forms
        assert fields["accountjid"]["required"] and fields["password"]["type"] == "text-private", forms
        juliet = Person(self.server, "juliet@%s/balcony" % HOST)
        await juliet.start()
        got, _ = await admin.command("get_registered_users_num")
        assert got["command"]["form"].get_values()["registeredusersnum"] == "3", got
        got, _ = await admin.command("get_online_users_list", max_items="25")
        assert got["command"]["form"].get_values()["onlineuserjids"] == ["%s@%s" % (n, HOST) for n in ("admin", "juliet", "romeo")], got
        got, _ = await admin.command("disable_user", accountjids=["juliet@" + HOST])
        assert got["command"]["status"] == "completed", got
        await juliet.until("stream_error", lambda e: e["condition"] == "not-authorized")
        got, _ = await admin.command("delete_user", accountjids=["juliet@" + HOST, "nobody@" + HOST])
        assert got["command"]["notes"] == [("error", "nobody@%s: there is no such account" % HOST)], got
        got, _ = await admin.command("get_registered_users_num")
        assert got["command"]["form"].get_values()["registeredusersnum"] == "2", got

    async def errors_reach_whoever_asked(self):
        got, _ = await self.admin.command("add_user", accountjid="romeo@" + HOST, password="x")
        assert got["error"]["condition"] == "conflict", got
        got, _ = await self.romeo.command("add_user")
        assert got["error"]["condition"] == "forbidden", got
        got, _ = await self.admin.command("shutdown")
        assert got["error"]["condition"] == "forbidden", got

    async def a_command_is_given_up(self):
        got, _ = await self.admin.command("delete_user", accountjids=["romeo@" + HOST], cancelled="yes")
        assert got["command"]["status"] == "canceled", got
        await self.romeo["xep_0199"].ping(HOST)

    async def everybody_hears_an_announcement(self):
        got, _ = await self.admin.command("announce", announcement="Back soon\nor later")
        assert got["command"]["status"] == "completed", got
        heard = await self.romeo.until("message")
        assert (heard["from"], heard["body"]) == (HOST, "Back soon\nor later"), heard
        for p in self.admin, self.romeo:
            await p.stop()


with serving(sys.argv[1], HOST, CONFIG) as server, asyncio.Runner() as runner:
    story = Story(server)
    names = [n for n in vars(Story) if not n.startswith("_")]
    bad = tap([(n.replace("_", " "), lambda n=n: runner.run(getattr(story, n)())) for n in names], lambda: server.log)
sys.exit(bad != 0)
