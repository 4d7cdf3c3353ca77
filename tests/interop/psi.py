#!/usr/bin/python3
"""Psi without a screen: what it does is seen by its owner's other client, by a contact and in its history. Prints TAP.
usage: psi.py MYNAHD"""
import os, re, shutil, sys, time

from driver import DEADLINE, Cable, Program, account, config_new, person, serving, tap

HOST, CONFIG = config_new()
ROMEO, JULIET = "romeo@" + HOST, "juliet@" + HOST
PSI = ROMEO + "/Psi"
ACCOUNT = {"name": "romeo", "jid": ROMEO, "enabled": True, "auto": True, "reconn": True, "enable-sm": True, "log": True, "use-host": True,
           "host": "127.0.0.1", "ssl": "yes", "allow-plain": "no", "priority": 5, "resource": "Psi", "automatic-resource": False,
           "password": "".join("%04x" % (ord(a) ^ ord(b)) for a, b in zip("testpwd", ROMEO))}
OPTIONS = {"external-control": {"adhoc-remote-control": {"enable": True}}, "keychain": {"enabled": False},
           "shortcuts": {"global": {"boss-key": ""}}}  # any such key is asked of an X server, and there is none
STATUS = ("<command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/rc#set-status'>%s</command>")
AWAY = ("<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>http://jabber.org/protocol/rc</value></field>"
        "<field var='status'><value>away</value></field><field var='status-message'><value>at &lt;lunch&gt;</value></field></x>")


def options(root, tree):
    """One of Psi's files."""
    def one(name, value):
        if isinstance(value, dict):
            return "<%s>%s</%s>" % (name, "".join(one(*item) for item in value.items()), name)
        kind, text = {bool: ("bool", str(value).lower()), int: ("int", str(value))}.get(type(value), ("QString", value))
        return "<%s type='%s'>%s</%s>" % (name, kind, text, name)
    return "<!DOCTYPE %s><%s version='1.5' xmlns='http://psi-im.org/options'>%s</%s>" % (root, root, one(root, tree), root)


def profile(folder, server, port):
    os.makedirs(folder + "/certs")
    os.makedirs(folder + "/profiles/default")
    os.chmod(folder, 0o700)
    shutil.copy(server.ca, folder + "/certs")
    for root, tree in ("accounts", {"a0": {**ACCOUNT, "port": port}}), ("options", OPTIONS):
        with open("%s/profiles/default/%s.xml" % (folder, root), "w") as f:
            f.write(options(root, tree))


class Story:
    def __init__(self, server, cable, folder):
        self.server, self.cable, self.folder, self.heard, self.asked = server, cable, folder, [], 0
        for name in "romeo", "juliet":
            account(server, name)
        self.romeo, self.juliet = self.come("romeo"), self.come("juliet")
        for me, other, to in (self.romeo, self.juliet, JULIET), (self.juliet, self.romeo, ROMEO):
            me.send("<presence type='subscribe' to='%s'/>" % to)
            other.until("<presence [^>]*type='subscribe'")
            other.send("<presence type='subscribed' to='%s'/>" % (ROMEO if to == JULIET else JULIET))
            me.until("<presence [^>]*type='subscribed'")

    def come(self, name):
        c = person(self.server, name, "hand")
        c.send("<iq type='get' id='r'><query xmlns='jabber:iq:roster'/></iq><presence/>")
        c.ping()
        return c

    def ask(self, kind, child):
        self.asked += 1
        self.romeo.send("<iq type='%s' id='q%d' to='%s'>%s</iq>" % (kind, self.asked, PSI, child))
        got = self.romeo.until("<iq [^>]*id='q%d'.*?</iq>" % self.asked)
        assert "type='result'" in got, got
        return got

    def say(self, to, *texts):
        for text in texts:
            self.juliet.send("<message type='chat' to='%s' id='%s'><body>%s</body><request xmlns='urn:xmpp:receipts'/></message>"
                             % (to, text, text))
            self.heard.append(text)
        self.asked += 1
        self.juliet.send("<iq type='get' id='q%d' to='%s'><ping xmlns='urn:xmpp:ping'/></iq>" % (self.asked, HOST))
        # All of it is on its way now; what has come meanwhile is looked at later.
        self.juliet.text = self.juliet.until("<iq [^>]*id='q%d'[^>]*/>" % self.asked) + self.juliet.text

    def receipts(self, *texts):
        """These receipts come from Psi, in this order and no other."""
        got = self.juliet.until(r"<received [^>]*id=[\"']%s[\"']" % texts[-1])
        assert tuple(re.findall(r"<received [^>]*id=[\"'](.*?)[\"']", got)) == texts, got

    def history(self):
        """What it has heard from juliet."""
        path = self.folder + "/profiles/default/history/juliet_at_%s.history" % HOST
        if not os.path.exists(path):
            return []
        with open(path) as f:
            return re.findall(r"\|from\|.*?\|(.*)", f.read())

    def logs_in(self):
        for c in self.romeo, self.juliet:
            got = c.until("<presence [^>]*from='%s'.*?</presence>" % PSI)
            assert "https://psi-im.org" in got, got

    def answers_its_owner(self):
        assert "<name>Psi</name>" in self.ask("get", "<query xmlns='jabber:iq:version'/>")
        assert "'urn:xmpp:receipts'" in self.ask("get", "<query xmlns='http://jabber.org/protocol/disco#info'/>").replace('"', "'")
        assert "<utc>" in self.ask("get", "<time xmlns='urn:xmpp:time'/>")

    def hears_a_contact(self):
        self.say(PSI, "one", "two")
        self.receipts("one", "two")

    def goes_away_when_told_so_from_elsewhere(self):
        self.ask("set", STATUS % AWAY)
        got = self.juliet.until("<presence [^>]*from='%s'.*?</presence>" % PSI)
        assert "<show>away</show>" in got and "<status>at &lt;lunch&gt;</status>" in got, got

    def hears_as_a_carbon_what_another_resource_hears(self):
        self.say(ROMEO + "/hand", "copied")
        self.say(PSI, "behind it")
        self.juliet.until(r"<received [^>]*id=[\"']behind it")

    def comes_back_after_a_restart_of_the_server(self):
        for _ in range(2):  # a request for an acknowledgement is before the second, if not before the first
            self.ask("get", "<query xmlns='jabber:iq:version'/>")
        self.cable.holes.add("down")
        self.say(PSI, "before 1", "before 2")
        self.server.end()
        self.server.start()
        self.juliet = self.come("juliet")
        self.say(PSI, "after")
        self.juliet.socket.settimeout(2 * DEADLINE)  # it waits for 15 seconds
        self.receipts("before 1", "before 2", "after")

    def has_all_that_was_said_once(self):
        until = time.monotonic() + DEADLINE
        while len(self.history()) < len(self.heard) and time.monotonic() < until:
            time.sleep(0.05)
        assert self.history() == self.heard, (self.history(), self.heard)


with serving(sys.argv[1], HOST, CONFIG) as server:
    cable, folder = Cable(server), server.folder + "/psi"
    profile(folder, server, cable.ports[0])
    story = Story(server, cable, folder)
    env = {"PSIDATADIR": folder, "HOME": folder, "XDG_RUNTIME_DIR": folder, "QT_QPA_PLATFORM": "offscreen", "DBUS_SESSION_BUS_ADDRESS": "disabled:"}
    with Program("psi", "--profile=default", env=env) as p:
        names = [n for n in vars(Story) if not n.startswith("_") and n not in ("come", "ask", "say", "receipts", "history")]
        bad = tap([(n.replace("_", " "), getattr(story, n)) for n in names], lambda: p.said.splitlines() + server.log)
sys.exit(bad != 0)
