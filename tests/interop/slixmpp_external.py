#!/usr/bin/python3
"""Somebody with slixmpp and a certificate instead of a password. Prints TAP.
usage: slixmpp_external.py MYNAHD"""
import asyncio, sys

from driver import Issuer, account, config_new, serving, tap
from slixmpp_person import Person


class Holder(Person):
    def __init__(self, server, jid, shown, **how):
        self.shown = shown
        super().__init__(server, jid, **how)

    def dial(self, direct=False):
        self.certfile, self.keyfile = self.shown
        super().dial(direct)

    async def logged_in_by(self, mech):
        await self.until("session_start")
        got = self["feature_mechanisms"].mech.name
        assert got == mech, got
        self.send_presence()
        await self.until("presence_available", lambda p: p["from"] == self.boundjid)
        await self.disconnect()


class Story:
    def __init__(self, server, host, ca):
        self.server, self.romeo, self.juliet = server, "romeo@" + host, "juliet@" + host
        self.own, self.of_elsewhere = ca.issue("own", self.romeo), ca.issue("elsewhere", "romeo@example.org")
        self.both = ca.issue("both", self.romeo, self.juliet)

    async def logs_in_by_starttls_and_by_direct_tls(self):
        for direct in False, True:
            romeo = Holder(self.server, self.romeo, self.own, password=None, direct=direct)
            await romeo.logged_in_by("EXTERNAL")
            assert romeo.boundjid.bare == self.romeo

    async def takes_the_password_where_the_certificate_is_of_no_use(self):
        romeo = Holder(self.server, self.romeo, self.of_elsewhere)
        await romeo.logged_in_by("SCRAM-SHA-512-PLUS")

    async def says_which_of_its_two_accounts_it_means(self):
        for jid in self.romeo, self.juliet:
            one = Holder(self.server, jid, self.both, password=None)
            one.credentials["authzid"] = one.boundjid.bare
            await one.logged_in_by("EXTERNAL")
            assert one.boundjid.bare == jid

    async def goes_on_with_the_password_when_it_does_not_say(self):
        one = Holder(self.server, self.romeo, self.both)
        assert (await one.until("failed_auth"))["condition"] == "invalid-authzid"
        await one.logged_in_by("SCRAM-SHA-512-PLUS")


with Issuer() as ca:
    host, config = config_new("auth: {client_ca: %s/ca.crt}\n" % ca.folder)
    with serving(sys.argv[1], host, config) as server, asyncio.Runner() as runner:
        for name in "romeo", "juliet":
            account(server, name)
        story = Story(server, host, ca)
        names = [n for n in vars(Story) if not n.startswith("_")]
        failed = tap([(n.replace("_", " "), lambda n=n: runner.run(getattr(story, n)())) for n in names], lambda: server.log)
sys.exit(failed != 0)
