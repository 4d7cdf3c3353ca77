#!/usr/bin/python3
"""Gajim on a screen that nobody sees (desktop.py), as a user of its own, since it refuses to be root's. What it knows is read in its
archive, what it says, told by gajim-remote, is heard by a contact. Prints TAP.    usage: gajim.py MYNAHD"""
import contextlib, json, os, pwd, re, sqlite3, subprocess, sys

from desktop import LONG, People, config, furnish, home, screen, shoot, wait_for
from driver import DEADLINE, Program, go_inside, serving, tap
from mynah import skip

HOST = "gajim.test"
NOBODY = pwd.getpwnam("nobody")
AS_NOBODY = ["setpriv", "--reuid", "nobody", "--regid", str(NOBODY.pw_gid), "--clear-groups"]
APP = {"remote_control": True, "use_keyring": False, "check_for_update": False, "dev_force_bookmark_2": False}
ACCOUNT = {"name": "romeo", "hostname": HOST, "password": "testpwd", "savepass": True, "active": True, "autoconnect": True,
           "resource": "gajim", "account_label": "romeo"}


class Gajim:
    def __init__(self, folder):
        self.folder, self.env = folder, home(folder)
        os.makedirs(folder + "/config/gajim")
        with contextlib.closing(sqlite3.connect(folder + "/config/gajim/settings.sqlite")) as db, db:
            db.executescript(subprocess.check_output(
                [sys.executable, "-I", "-c", "from gajim.common.settings import CREATE_SQL; print(CREATE_SQL)"], text=True,
                stderr=subprocess.DEVNULL))
            db.execute("UPDATE settings SET settings = ? WHERE name = 'app'", (json.dumps(APP),))
            db.execute("INSERT INTO account_settings VALUES (?, ?)", ("romeo", json.dumps({"account": ACCOUNT, "contact": {}, "group_chat": {}})))
        for at, _, files in os.walk(folder):
            for path in [at] + [os.path.join(at, f) for f in files]:
                os.chown(path, NOBODY.pw_uid, NOBODY.pw_gid)

    def start(self):
        return Program(*AS_NOBODY, "gajim", "--loglevel", "nbxmpp=INFO", env=self.env, cwd=self.folder)

    def messages(self):
        """All that it keeps, and whether it was said (6) or heard (4)."""
        with contextlib.suppress(sqlite3.OperationalError):
            with contextlib.closing(sqlite3.connect("file:%s/data/gajim/logs.db?mode=ro" % self.folder, uri=True, timeout=DEADLINE)) as db:
                return db.execute("SELECT message, kind FROM logs WHERE kind IN (4, 6) ORDER BY log_line_id").fetchall()
        return []

    def told(self, *words):
        return subprocess.run(AS_NOBODY + ["gajim-remote", *words], env={**os.environ, **self.env}, cwd=self.folder, capture_output=True,
                              text=True, timeout=LONG)


class Story:
    def __init__(self, server, gajim):
        self.server, self.gajim, self.people = server, gajim, People(server)
        self.romeo, self.juliet = self.people.jids.values()

    def _hears(self, name, to, text):
        self.people.says(name, to, text)
        wait_for(lambda: self.gajim.messages()[-1:] == [(text, 6 if name == "romeo" else 4)], lambda: "%r in %s" % (text, self.gajim.messages()))

    def logs_in(self):
        """Inside TLS that it trusts."""
        got = self.people.hears("<presence [^>]*from='%s/gajim'.*?</presence>" % self.romeo)
        assert "http://jabber.org/protocol/caps" in got, got
        wait_for(lambda: any(re.search(r" session .*jid=%s/gajim tls=\"TLSv1.3" % self.romeo, line) for line in self.server.log), "session in TLS")

    def knows_its_contacts(self):
        wait_for(lambda: self.juliet in self.gajim.told("list_contacts", "romeo").stdout, "contact")

    def hears_a_contact(self):
        for to in self.romeo, self.romeo + "/gajim":
            self._hears("juliet", to, "to %s: <é 北京 \U0001f426> & more" % to)

    def hears_as_carbons_what_another_resource_hears_and_says(self):
        self._hears("juliet", self.romeo + "/hand", "to the hand")
        self._hears("romeo", self.juliet, "by the hand")

    def says_what_it_is_told(self):
        p = self.gajim.told("send_chat_message", self.juliet, "told & sent", "romeo")
        assert p.returncode == 0, p
        got = self.people.hears("<message [^>]*from='%s/gajim'(?:(?!</message>).)*<body.*?</message>" % self.romeo)
        assert "<body>told &amp; sent</body>" in got, got
        wait_for(lambda: self.gajim.messages()[-1] == ("told & sent", 6), "message of its own")

    def goes_on_with_its_session_after_a_restart_of_the_server(self):
        self.server.end()
        self.server.start()
        self.people.come()
        self.people.says("juliet", self.romeo + "/gajim", "before it is back")
        wait_for(lambda: any(re.search(" session resumed .*/gajim", line) for line in self.server.log), "resumption")
        wait_for(lambda: self.gajim.messages()[-1] == ("before it is back", 4), "message")
        self._hears("juliet", self.romeo, "after it is back")


if os.geteuid():
    skip("this needs root, and a user besides")
if sys.argv[-1] != "inside":
    go_inside()
with serving(sys.argv[1], HOST, config(HOST)) as server:
    furnish(server)
    os.chmod(server.folder, 0o755)
    gajim = Gajim(server.folder + "/gajim")
    with screen(gajim.env, AS_NOBODY):
        story = Story(server, gajim)
        with gajim.start() as program:
            bad = tap([(n.replace("_", " "), getattr(story, n)) for n in vars(Story) if not n.startswith("_")],
                      lambda: program.said.splitlines()[-60:] + server.log)
            shoot(gajim.env)
sys.exit(bad != 0)
