#!/usr/bin/python3
"""Dino on a screen that nobody sees (desktop.py). What it knows is read in its database, what it says is heard by a contact.
Prints TAP.    usage: dino.py MYNAHD"""
import contextlib, os, re, sqlite3, subprocess, sys

from desktop import LONG, People, config, furnish, home, screen, shoot, wait_for
from driver import DEADLINE, Program, go_inside, serving, tap

HOST = "dino.test"


class Dino:
    def __init__(self, folder, programs):
        self.folder, self.env, self.programs = folder, home(folder), programs

    def ask(self, question, *values):
        """Rows of its database; nothing while there is none yet."""
        with contextlib.suppress(sqlite3.OperationalError):
            db = sqlite3.connect("file:%s/data/dino/dino.db?mode=rw" % self.folder, uri=True, timeout=DEADLINE)
            with contextlib.closing(db), db:
                return db.execute(question, values).fetchall()
        return []

    def start(self, *options):
        return Program("dino-im", *options, env=self.env)

    def stays(self):
        return self.programs.enter_context(self.start("--print-xmpp=all"))

    def messages(self):
        """All that it has, and whether it is its owner's."""
        return self.ask("SELECT body, direction FROM message ORDER BY id")

    def keys(self, *words):
        """To its window, which no window manager gives the keyboard."""
        subprocess.run(["xdotool", "search", "--sync", "--onlyvisible", "--class", "dino", "windowfocus", "--sync", *words],
                       env={**os.environ, **self.env}, check=True, timeout=LONG)


class Story:
    def __init__(self, server, dino):
        self.server, self.dino, self.people, self.program = server, dino, People(server), None
        self.romeo, self.juliet = self.people.jids.values()

    def _hears(self, name, to, text):
        self.people.says(name, to, text)
        wait_for(lambda: self.dino.messages()[-1:] == [(text, int(name == "romeo"))], lambda: "%r in %s" % (text, self.dino.messages()))

    def makes_its_database(self):
        """Without an account; then it has one."""
        with self.dino.start():
            wait_for(lambda: self.dino.ask("SELECT 1 FROM sqlite_master WHERE name = 'conversation_settings'"), "database")
        self.dino.ask("INSERT INTO account (bare_jid, resourcepart, password, alias, enabled, mam_earliest_synced) "
                      "VALUES (?, 'dino', 'testpwd', '', 1, 0)", self.romeo)
        assert self.dino.ask("SELECT count(*) FROM account") == [(1,)]

    def logs_in(self):
        """By SCRAM, inside TLS that it trusts, with stream management and carbons."""
        self.program = self.dino.stays()
        got = self.people.hears("<presence [^>]*from='%s/dino'.*?</presence>" % self.romeo)
        assert "http://jabber.org/protocol/caps" in got, got
        self.program.until("mechanism='SCRAM-SHA-", "sm:3}:enabled [^>]*resume='true'", "carbons:2}:enable ")

    def knows_its_contacts(self):
        wait_for(lambda: self.dino.ask("SELECT jid, subscription FROM roster") == [(self.juliet, "both")], "contact")

    def hears_a_contact(self):
        for to in self.romeo, self.romeo + "/dino":
            self._hears("juliet", to, "to %s: <é 北京 \U0001f426> & more" % to)

    def hears_as_carbons_what_another_resource_hears_and_says(self):
        self._hears("juliet", self.romeo + "/hand", "to the hand")
        self._hears("romeo", self.juliet, "by the hand")

    def says_what_is_typed(self):
        """Once somebody sees it type, its keyboard is where the text goes; typed before, some of it may be lost."""
        with self.dino.start("xmpp:%s?message" % self.juliet) as p:
            p.end()
        again = ["key", "ctrl+a", "type", "--args", "1", "typed & sent"]
        seen = len(self.program.said)

        def typing():
            self.dino.keys(*again)
            return "chatstates}:composing" in self.program.said[seen:]
        wait_for(typing, "sign of typing")
        self.dino.keys(*again, "key", "Return")
        got = self.people.hears("<message [^>]*from='%s/dino'(?:(?!</message>).)*<body.*?</message>" % self.romeo)
        assert "<body>typed &amp; sent</body>" in got, got
        wait_for(lambda: self.dino.messages()[-1] == ("typed & sent", 1), "message of its own")

    def goes_on_with_its_session_after_a_restart_of_the_server(self):
        self.server.end()
        self.server.start()
        self.people.come()
        self.people.says("juliet", self.romeo + "/dino", "before it is back")
        wait_for(lambda: any(re.search(" session resumed .*/dino", line) for line in self.server.log), "resumption")
        wait_for(lambda: self.dino.messages()[-1] == ("before it is back", 0), "message")
        self._hears("juliet", self.romeo, "after it is back")


if sys.argv[-1] != "inside":
    go_inside()
with serving(sys.argv[1], HOST, config(HOST)) as server, contextlib.ExitStack() as programs:
    furnish(server)
    dino = Dino(server.folder + "/dino", programs)
    with screen(dino.env), programs:
        story = Story(server, dino)
        bad = tap([(n.replace("_", " "), getattr(story, n)) for n in vars(Story) if not n.startswith("_")],
                  lambda: (story.program.said if story.program else "").splitlines()[-200:] + server.log)
        shoot(dino.env)
sys.exit(bad != 0)
