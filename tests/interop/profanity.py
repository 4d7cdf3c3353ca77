#!/usr/bin/python3
"""Somebody types into Profanity, in a tmux of their own, and chats with somebody who has slixmpp. Prints TAP.
usage: profanity.py MYNAHD"""
import asyncio, os, re, subprocess, sys, time

from driver import DEADLINE, account, config_new, serving, tap
from slixmpp_person import person

HOST, CONFIG = config_new()
ACCOUNT = """[me]
enabled=true
jid=prof@%s
server=127.0.0.1
port=%d
tls.policy=force
resource=terminal
password=testpwd
"""


class Terminal:
    def __init__(self, server, name, ca):
        home = "%s/%s" % (server.folder, name)
        os.makedirs(home + "/profanity")
        with open(home + "/profanity/accounts", "w") as f:
            f.write(ACCOUNT % (HOST, server.ports[0]))
        self.env = {**os.environ, "HOME": home, "XDG_CONFIG_HOME": home, "XDG_DATA_HOME": home, "XDG_CACHE_HOME": home,
                    "TMUX_TMPDIR": home, "TERM": "xterm-256color", "LC_ALL": "C.UTF-8", "SSL_CERT_FILE": ca}
        self.env.pop("TMUX", None)
        self.tmux("new-session", "-d", "-x", "140", "-y", "50", "timeout --foreground 300 profanity -a me")

    def tmux(self, *command, check=True):
        return subprocess.run(["tmux", "-L", "mynah", "-f", "/dev/null", *command], env=self.env, text=True, check=check,
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=DEADLINE).stdout

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.tmux("kill-server", check=False)

    def types(self, line):
        self.tmux("send-keys", "-l", line)
        self.tmux("send-keys", "Enter")

    async def shows(self, *patterns):
        """All of them at once; what is wrapped is not looked for."""
        end = time.monotonic() + DEADLINE
        while time.monotonic() < end:
            screen = self.tmux("capture-pane", "-p", check=False)
            if all(re.search(p, screen) for p in patterns):
                return
            await asyncio.sleep(0.1)
        raise Exception("the terminal never showed %s, but\n%s" % (" and ".join(patterns), screen))

    async def ends(self):
        end = time.monotonic() + DEADLINE
        while self.tmux("list-sessions", check=False) and time.monotonic() < end:
            await asyncio.sleep(0.1)
        assert not self.tmux("list-sessions", check=False), self.tmux("capture-pane", "-p", check=False)


class Story:
    def __init__(self, server):
        self.server = server

    async def asks_before_it_trusts_another_ca(self):
        with Terminal(self.server, "untrusting", "/dev/null") as t:
            await t.shows("TLS certificate", "/tls allow")
            t.types("/tls deny")
            t.types("/quit")
            await t.ends()

    async def logs_in_where_the_ca_is_trusted(self):
        self.peer = await person(self.server, "peer@%s/x" % HOST)
        self.terminal = Terminal(self.server, "trusting", self.server.ca)
        await self.terminal.shows("logged in successfully", r"\[TLS\]", r"\[online\]")

    async def makes_a_friend(self):
        t, peer, me = self.terminal, self.peer, "prof@%s" % HOST
        t.types("/roster add peer@%s Peer" % HOST)
        await t.shows(r"Roster item added: peer@\S+ \(Peer\)")
        t.types("/sub request peer@%s" % HOST)  # slixmpp agrees and asks back
        await t.shows("Received authorization request from peer@")
        t.types("/sub allow peer@%s" % HOST)
        await peer.until("presence_available", lambda p: p["from"] == me + "/terminal")
        await peer.update_roster(me)  # when that is answered, all pushes before it have come
        assert peer.client_roster[me]["subscription"] == "both", peer.client_roster[me]
        t.types("/roster")
        await t.shows(r"peer@%s \(Peer\) - both" % re.escape(HOST), r"Online \(\d\)\n.*  Peer\n.*  Away")

    async def chats(self):
        self.terminal.types("/msg peer@%s hello from the <terminal> 北京" % HOST)
        got = await self.peer.until("message", lambda m: m["body"])
        assert (got["body"], got["from"]) == ("hello from the <terminal> 北京", "prof@%s/terminal" % HOST), got
        got.reply("hello & welcome").send()
        await self.terminal.shows("me: hello from the <terminal> 北京", "Peer/x: hello & welcome")

    async def sees_the_other_leave_and_leaves(self):
        self.peer.send_presence(pshow="away", pstatus="lunch")
        await self.terminal.shows(r"Peer \[away\]")
        self.terminal.types("/quit")
        await self.peer.until("presence_unavailable", lambda p: p["from"] == "prof@%s/terminal" % HOST)
        await self.terminal.ends()
        await self.peer.stop()


with serving(sys.argv[1], HOST, CONFIG) as server, asyncio.Runner() as runner:
    for name in "prof", "peer":
        account(server, name)
    story = Story(server)
    names = [n for n in vars(Story) if not n.startswith("_")]
    try:
        bad = tap([(n.replace("_", " "), lambda n=n: runner.run(getattr(story, n)())) for n in names], lambda: server.log)
    finally:
        if hasattr(story, "terminal"):
            story.terminal.__exit__()
sys.exit(bad != 0)
