#!/usr/bin/python3
"""The programs of examples/ against servers: each row is one example and what its user sees. Prints TAP.
usage: examples.py FOLDER MYNAHD"""
import os, queue, re, subprocess, sys, threading

from driver import DEADLINE, config_new, serving, tap

FOLDER, MYNAHD = sys.argv[1:]


class Program:
    """An example that runs; `says` waits for a line that matches from its beginning on."""

    def __init__(self, server, name, *args, password="pw"):
        self.name, self.lines, self.seen = name, queue.Queue(), []
        env = {**os.environ, "MYNAH_HOST": "127.0.0.1", "MYNAH_PORT": str(server.ports[0]), "MYNAH_CA": server.ca, "MYNAH_PASSWORD": password}
        self.process = subprocess.Popen([os.path.join(FOLDER, name), *args], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, text=True, env=env)
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for line in self.process.stdout:
            self.lines.put(line.rstrip("\n"))
        self.lines.put(None)

    def says(self, *patterns):
        for pattern in patterns:
            while True:
                try:
                    line = self.lines.get(timeout=DEADLINE)
                except queue.Empty:
                    line = None
                assert line is not None, "%s did not say %r but: %s" % (self.name, pattern, "\n".join(self.seen))
                self.seen.append(line)
                if re.match(pattern, line):
                    break

    def ends(self, code=0):
        assert self.process.wait(DEADLINE) == code, (self.process.returncode, self.seen)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


def address(server, name):
    return "%s@%s" % (name, server.host)


def account(server, name):
    with Program(server, "register", address(server, name)) as p:
        p.says("registered", "online as ")
        p.ends()


def register(server):
    with Program(server, "register", address(server, "new") + "/here") as p:
        p.says("field username", "registered", "online as %s/here" % re.escape(address(server, "new")))
        p.ends()
    with Program(server, "register", address(server, "new")) as p:
        p.says("refused: conflict")
        p.ends()


def message(server):
    account(server, "echo")
    account(server, "talker")
    with Program(server, "message", address(server, "echo") + "/e") as echo:
        echo.says("online as ")
        with Program(server, "message", address(server, "talker") + "/t", address(server, "echo"), "hello 北京") as talker:
            talker.says("queued", "written", "acknowledged")
            echo.says("%s/t: hello 北京" % address(server, "talker"))
            talker.says("%s/e: hello 北京" % address(server, "echo"))
        with Program(server, "message", address(server, "talker"), password="wrong") as p:
            p.says("the login was refused: not-authorized")
            p.ends()


def roster(server):
    account(server, "lister")
    with Program(server, "roster", address(server, "lister"), "friend@" + server.host) as p:
        p.says("0 contacts", "changed friend@.* \\(a friend\\)", "group ", "changed .*, asked", "removed friend@")
        p.ends()


def adhoc(server):
    account(server, "bot")
    with Program(server, "adhoc", address(server, "bot") + "/b") as bot:  # strangers' questions do not reach it
        bot.says("online as ")
        with Program(server, "adhoc", address(server, "bot") + "/c", address(server, "bot") + "/b", "greet", "Ann 北京") as p:
            p.says("asked: What is your name\\?", "done: nice to meet you")
            p.ends()
        bot.says(".* calls greet", "name Ann 北京")


EXAMPLES = [adhoc, register, message, roster]


def short():
    """What a reader is meant to read in one go."""
    source = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "examples")
    names = sorted(n[:-2] for n in os.listdir(source) if n.endswith(".c"))
    assert names == sorted(e.__name__ for e in EXAMPLES), names
    for name in names:
        with open(os.path.join(source, name + ".c")) as f:
            assert len(f.readlines()) <= 60, name


with serving(MYNAHD, *config_new()) as mynahd:
    bad = tap([("each example has a row and at most 60 lines", short)] +
              [("%s with mynahd" % e.__name__, lambda e=e: e(mynahd)) for e in EXAMPLES], lambda: mynahd.log)
sys.exit(bad != 0)
