#!/usr/bin/python3
"""Dino on a screen that nobody sees. It takes neither a server's address nor a CA from its files, so the whole test runs in
namespaces of its own, where dino.test is this machine, mynahd's CA the only one there is, and nothing is left in the end. What Dino knows is read in its
database, what it says is heard by a contact. Prints TAP.    usage: dino.py MYNAHD"""
import contextlib, os, re, sqlite3, subprocess, sys, time
from xml.sax.saxutils import escape

from driver import DEADLINE, Program, account, go_inside, person, serving, tap

HOST = "dino.test"
ROMEO, JULIET = "romeo@" + HOST, "juliet@" + HOST
CONFIG = """
domains: [{name: %s}]
listen: [{address: 127.0.0.1, port: 5222}]
registration: {open: loopback, per_address: off}
""" % HOST
CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"
LONG = 4 * DEADLINE  # of a program that draws without a graphics card


def furnish(folder):
    """Names, no resolver, and a way out, without which GLib takes the network for down."""
    def bind(text, over):
        path = folder + "/" + os.path.basename(over)
        with open(path, "w") as f:
            f.write(text)
        subprocess.run(["mount", "--bind", path, os.path.realpath(over)], check=True)
    for command in ["link", "set", "lo", "up"], ["address", "add", "192.0.2.1/24", "dev", "lo"], ["route", "add", "default", "dev", "lo"]:
        subprocess.run(["ip", *command], check=True)
    bind("127.0.0.1 localhost %s\n" % HOST, "/etc/hosts")
    bind("nameserver 127.0.0.1\n", "/etc/resolv.conf")
    return bind


def wait_for(true, what):
    until = time.monotonic() + LONG
    while not (got := true()):
        assert time.monotonic() < until, "no " + what
        time.sleep(0.1)
    return got


class Dino:
    def __init__(self, folder):
        self.folder, self.env = folder, {"HOME": folder, "XDG_DATA_HOME": folder + "/data", "XDG_CONFIG_HOME": folder + "/config",
                                         "XDG_CACHE_HOME": folder + "/cache", "XDG_RUNTIME_DIR": folder, "LC_ALL": "C.UTF-8",
                                         "GSK_RENDERER": "cairo", "LIBGL_ALWAYS_SOFTWARE": "1", "NO_AT_BRIDGE": "1",
                                         "GTK_A11Y": "none", "GDK_BACKEND": "x11", "GSETTINGS_BACKEND": "memory"}
        os.mkdir(folder, 0o700)

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


@contextlib.contextmanager
def screen(env):
    """An X server on a number that is free, and a bus."""
    seen, said = os.pipe()
    with Program("Xvfb", "-displayfd", str(said), "-screen", "0", "1024x768x24", "-nolisten", "tcp", pass_fds=[said]) as x:
        os.close(said)
        with open(seen) as f:
            env["DISPLAY"] = ":" + f.readline().strip()
        with Program("dbus-daemon", "--session", "--nofork", "--print-address=1", env=env) as bus:
            env["DBUS_SESSION_BUS_ADDRESS"] = bus.until(r"(unix:\S+)\n").group(1)
            yield


class Story:
    def __init__(self, server, dino):
        self.server, self.dino, self.at = server, dino, 0
        for name in "romeo", "juliet":
            account(server, name)
        self.romeo, self.juliet = self.come("romeo"), self.come("juliet")
        for me, other, jid in (self.romeo, self.juliet, JULIET), (self.juliet, self.romeo, ROMEO):
            me.send("<presence type='subscribe' to='%s'/>" % jid)
            other.until("<presence [^>]*type='subscribe'")
            other.send("<presence type='subscribed' to='%s'/>" % (ROMEO if jid == JULIET else JULIET))
            me.until("<presence [^>]*type='subscribed'")

    def come(self, name):
        c = person(self.server, name, "hand")
        c.socket.settimeout(LONG)
        c.send("<iq type='get' id='r'><query xmlns='jabber:iq:roster'/></iq><presence/>")
        c.ping()
        return c

    def hears(self, text, says_it, *to):
        says_it(*to, text)
        wait_for(lambda: self.dino.messages()[-1:] == [(text, int(says_it == self.romeo_says))], "%r in %s" % (text, self.dino.messages()))

    def juliet_says(self, to, text):
        self.juliet.send("<message type='chat' to='%s'><body>%s</body></message>" % (to, escape(text)))

    def romeo_says(self, text):
        self.romeo.send("<message type='chat' to='%s'><body>%s</body></message>" % (JULIET, escape(text)))

    def makes_its_database(self):
        """Without an account; then it has one."""
        with self.dino.start():
            wait_for(lambda: self.dino.ask("SELECT 1 FROM sqlite_master WHERE name = 'conversation_settings'"), "database")
        self.dino.ask("INSERT INTO account (bare_jid, resourcepart, password, alias, enabled, mam_earliest_synced) "
                      "VALUES (?, 'dino', 'testpwd', '', 1, 0)", ROMEO)
        assert self.dino.ask("SELECT count(*) FROM account") == [(1,)]

    def logs_in(self):
        """By SCRAM, inside TLS that it trusts, with stream management and carbons."""
        self.program = self.dino.stays()
        got = self.juliet.until("<presence [^>]*from='%s/dino'.*?</presence>" % ROMEO)
        assert "http://jabber.org/protocol/caps" in got, got
        self.program.until("mechanism='SCRAM-SHA-", "sm:3}:enabled [^>]*resume='true'", "carbons:2}:enable ")

    def knows_its_contacts(self):
        wait_for(lambda: self.dino.ask("SELECT jid, subscription FROM roster") == [(JULIET, "both")], "contact")

    def hears_a_contact(self):
        for to in ROMEO, ROMEO + "/dino":
            self.hears("to %s: <é 北京 \U0001f426> & more" % to, self.juliet_says, to)

    def hears_as_carbons_what_another_resource_hears_and_says(self):
        self.hears("to the hand", self.juliet_says, ROMEO + "/hand")
        self.hears("by the hand", self.romeo_says)

    def says_what_is_typed(self):
        """Once somebody sees it type, its keyboard is where the text goes; typed before, some of it may be lost."""
        with self.dino.start("xmpp:%s?message" % JULIET) as p:
            p.end()
        again = ["key", "ctrl+a", "type", "--args", "1", "typed & sent"]
        seen = len(self.program.said)

        def typing():
            self.dino.keys(*again)
            return "chatstates}:composing" in self.program.said[seen:]
        wait_for(typing, "sign of typing")
        self.dino.keys(*again, "key", "Return")
        got = self.juliet.until("<message [^>]*from='%s/dino'(?:(?!</message>).)*<body.*?</message>" % ROMEO)
        assert "<body>typed &amp; sent</body>" in got, got
        wait_for(lambda: self.dino.messages()[-1] == ("typed & sent", 1), "message of its own")

    def goes_on_with_its_session_after_a_restart_of_the_server(self):
        self.server.end()
        self.server.start()
        self.juliet, self.romeo = self.come("juliet"), self.come("romeo")
        self.juliet_says(ROMEO + "/dino", "before it is back")
        wait_for(lambda: any(re.search(" session resumed .*/dino", line) for line in self.server.log), "resumption")
        wait_for(lambda: self.dino.messages()[-1] == ("before it is back", 0), "message")
        self.hears("after it is back", self.juliet_says, ROMEO)


if sys.argv[-1] != "inside":
    go_inside()
with serving(sys.argv[1], HOST, CONFIG) as server:
    bind = furnish(server.folder)
    with open(server.ca) as f:
        bind(f.read(), CERTIFICATES)
    dino = Dino(server.folder + "/dino")
    with screen(dino.env), contextlib.ExitStack() as programs:
        dino.programs = programs
        story = Story(server, dino)
        names = [n for n in vars(Story) if not n.startswith("_") and n not in ("come", "hears", "juliet_says", "romeo_says")]
        bad = tap([(n.replace("_", " "), getattr(story, n)) for n in names],
                  lambda: (story.program.said if hasattr(story, "program") else "").splitlines()[-200:] + server.log)
        if bad and os.environ.get("SHOT"):
            subprocess.run(["import", "-window", "root", os.environ["SHOT"]], env={**os.environ, **dino.env})
sys.exit(bad != 0)
