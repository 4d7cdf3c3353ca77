#!/usr/bin/python3
"""Sessions that survive cut connections and a restart of the server (XEP-0198). Prints TAP.
usage: resume.py MYNAHD [SEED [MESSAGES]]"""
import os, random, re, shutil, signal, socket, struct, sys, tempfile, threading, time

sys.path.append(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from mynah import DEADLINE, SM, Client, Server, enable, person, tap, write

SEED = int(sys.argv[2]) if len(sys.argv) > 2 else 1
MESSAGES = int(sys.argv[3]) if len(sys.argv) > 3 else 150
PAIRS = 6
CONFIG = """
data: %s/data
loops: 4
listen:
  - {address: "127.0.0.1", port: 0, tls: offered}
auth: {mechanisms: [SCRAM-SHA-1, PLAIN], without_tls: [PLAIN], iterations: 4096}
registration: {open: yes, per_address: off}
"""


def resume(server, name, previd, h):
    c = Client(server)
    assert "<success" in c.plain(name)
    c.open()
    c.send("<resume xmlns='%s' previd='%s' h='%d'/>" % (SM, previd, h))
    return c, c.until("<(resumed|failed)[^>]*/?>")


class Steps:
    def __init__(self, folder):
        self.folder, self.config = folder, write(folder, CONFIG)
        self.server = Server(sys.argv[1], self.config)
        for name in ["romeo", "juliet", "nurse"] + ["%s%d" % (w, i) for i in range(PAIRS) for w in ("from", "to")]:
            assert "type='result'" in Client(self.server).register(name)[1]

    def restart(self, how=signal.SIGTERM):
        if how == signal.SIGTERM:
            self.server.end()
        else:
            self.server.stop(how)
        self.server = Server(sys.argv[1], self.config)

    def over_a_restart(self):
        """Counters, queue, presence and directed presence are those of before, also for a contact who comes before the clients are back."""
        romeo, juliet = person(self.server, "romeo", "orchard"), person(self.server, "juliet", "balcony")
        for c in romeo, juliet:
            c.send("<presence/>")
            c.until("<presence[^>]*/>")
        nurse = person(self.server, "nurse", "hall")
        nurse.send("<presence type='subscribe' to='juliet@localhost'/>")
        juliet.until("<presence[^>]*nurse[^>]*/>")
        juliet.send("<presence type='subscribed' to='nurse@localhost'/><presence><show>away</show><status>at the window</status></presence>")
        juliet.until("at the window</status></presence>")
        romeo.send("<presence to='juliet@localhost/balcony'/>")
        juliet.until("<presence[^>]*romeo[^>]*/>")
        juliet.send("<presence to='romeo@localhost/orchard'><status>here</status></presence>")
        romeo.until("here")
        ids = enable(romeo), enable(juliet)
        romeo.send("<message type='chat' to='juliet@localhost/balcony'><body>one</body></message>")
        juliet.until("one</body></message>")
        plain = person(self.server, "romeo", "plain")
        self.restart()
        # Who can resume hears no end of the stream (decision D3a); the others do.
        assert "<a xmlns='%s' h='1'/>" % SM in romeo.ends() and "</stream:stream>" not in romeo.text
        assert "<stream:error" not in juliet.ends()
        assert "system-shutdown" in plain.ends()
        plain = person(self.server, "romeo", "plain")
        plain.send("<message type='chat' to='juliet@localhost/balcony'><body>two</body></message>")
        plain.ping()
        nurse = person(self.server, "nurse", "hall")
        nurse.send("<presence/>")
        got = nurse.until("<presence[^>]*juliet.*?</presence>")
        assert "from='juliet@localhost/balcony' xml:lang='en'><show>away</show><status>at the window</status>" in got and "unavailable" not in got, got
        juliet, answer = resume(self.server, "juliet", ids[1], 0)
        assert "<resumed" in answer and "h='0'" in answer, answer
        got = juliet.until("two</body></message>")
        assert got.count("<body>one") == 1 and got.index("one") < got.index("two"), got
        # Her directed presence is remembered: its receiver hears that she goes.
        romeo, answer = resume(self.server, "romeo", ids[0], 0)
        assert "<resumed" in answer and "h='1'" in answer, answer
        juliet.send("<a xmlns='%s' h='2'/></stream:stream>" % SM)
        juliet.ends()
        romeo.until("<presence[^>]*type='unavailable'[^>]*juliet@localhost/balcony|<presence[^>]*juliet@localhost/balcony[^>]*unavailable")
        assert nurse.until("<presence[^>]*unavailable[^>]*>").count("juliet@localhost/balcony") == 1  # and nothing between
        nurse.socket.close()
        romeo.send("</stream:stream>")
        romeo.ends()
        plain.send("</stream:stream>")
        plain.ends()

    def after_a_crash(self):
        """Nothing to go on with, said as such; a new session begins on the same stream."""
        juliet = person(self.server, "juliet", "balcony")
        previd = enable(juliet)
        self.restart(signal.SIGKILL)
        c, answer = resume(self.server, "juliet", previd, 0)
        assert "<failed" in answer and "item-not-found" in c.until("</failed>"), answer
        c.send("<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>")
        c.until("</jid>")

    def over_a_restart_and_a_crash(self):
        """What was written down stays until the client is back, or the session has ended; and not longer."""
        def wait_and_crash():
            juliet = person(self.server, "juliet", "balcony")
            previd = enable(juliet)
            romeo.send("<message type='chat' to='juliet@localhost/balcony'><body>kept</body></message>")
            romeo.ping()
            self.restart()
            self.restart(signal.SIGKILL)
            self.restart(signal.SIGKILL)
            return previd

        romeo = person(self.server, "romeo", "orchard")
        previd = wait_and_crash()
        juliet, answer = resume(self.server, "juliet", previd, 0)
        assert "<resumed" in answer and "h='0'" in answer, answer
        assert juliet.until("kept</body></message>").count("<body>") == 1
        juliet.send("<a xmlns='%s' h='1'/>" % SM)
        juliet.has_all()
        self.restart(signal.SIGKILL)
        assert "<failed" in resume(self.server, "juliet", previd, 1)[1]
        romeo = person(self.server, "romeo", "orchard")
        previd = wait_and_crash()
        for wanted in 1, 0:  # somebody takes its place, and so what had waited for it
            juliet = person(self.server, "juliet", "balcony")
            juliet.send("<presence/>")
            if wanted:
                juliet.until("kept</body>.*?</message>")
            juliet.send("<message to='juliet@localhost/balcony' type='headline'><body>end</body></message>")
            assert juliet.until("<body>end</body>").count("<body>") == 1
            juliet.send("<iq type='set' id='p'><query xmlns='jabber:iq:private'><k xmlns='urn:k'>behind what left the log</k></query></iq>")
            juliet.until("<iq [^>]*id='p'[^>]*/>")
            self.restart(signal.SIGKILL)
        assert "<failed" in resume(self.server, "juliet", previd, 0)[1]

    def storm(self):
        """Pairs chat in one direction while every connection is cut again and again, and the server restarted: each message
        arrives once and in order."""
        pairs = [Pair(self, i) for i in range(PAIRS)]
        for p in pairs:
            p.start()
        for _ in range(2):
            wanted = sum(len(p.got) for p in pairs) + PAIRS * MESSAGES // 4
            until = time.monotonic() + DEADLINE
            while sum(len(p.got) for p in pairs) < wanted and time.monotonic() < until:
                time.sleep(0.01)
            self.restart()
        for p in pairs:
            p.join(4 * DEADLINE)
        for p in pairs:
            assert not p.error, p.error
            assert p.got == list(range(MESSAGES)), (p.i, p.got)
        print("# %d messages, %d cuts" % (PAIRS * MESSAGES, sum(p.cuts for p in pairs)))


class Line:
    """One client that comes back."""

    def __init__(self, steps, name, rng):
        self.steps, self.name, self.rng = steps, name, rng
        self.client = self.previd = None
        self.handled = 0  # stanzas from the server

    def come(self):
        """Connected, in the old session or in the first. Returns the server's h, or None."""
        until = time.monotonic() + 2 * DEADLINE
        while True:
            try:
                if not self.previd:
                    self.client = person(self.steps.server, self.name, "r")
                    self.previd = enable(self.client)
                    return None
                self.client, answer = resume(self.steps.server, self.name, self.previd, self.handled)
                if "<resumed" in answer:
                    return int(re.search(" h='(\\d+)'", answer).group(1))
                raise AssertionError(answer)
            except Exception as e:
                if isinstance(e, AssertionError) or time.monotonic() > until:
                    raise
                time.sleep(0.02)

    def cut(self):
        if self.rng.random() < 0.5:  # a reset, else an end
            self.client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.client.socket.close()


class Pair(threading.Thread):
    def __init__(self, steps, i):
        super().__init__(daemon=True)
        self.i, self.got, self.error, self.cuts = i, [], None, 0
        self.rng = random.Random(SEED * 1000 + i)
        self.sender = Line(steps, "from%d" % i, self.rng)
        self.receiver = Line(steps, "to%d" % i, random.Random(SEED * 1000 + 500 + i))
        self.reading = threading.Thread(target=self.guard, args=[self.receive], daemon=True)

    def guard(self, what):
        try:
            what()
        except BaseException as e:
            self.error = self.error or repr(e)

    def run(self):
        self.guard(self.both)

    def both(self):
        self.receiver.come()
        self.receiver.client.send("<presence/>")
        self.reading.start()
        self.guard(self.send)
        self.reading.join(4 * DEADLINE)

    def send(self):
        line, sent, acked = self.sender, 0, 0
        line.come()
        while acked < MESSAGES:
            try:
                for _ in range(self.rng.randint(1, 12)):
                    if sent < MESSAGES:
                        line.client.send("<message type='chat' to='to%d@localhost/r'><body>%d</body></message>" % (self.i, sent))
                        sent += 1
                if self.rng.random() < 0.15:
                    raise OSError("cut")
                line.client.send("<r xmlns='%s'/>" % SM)
                acked = int(re.search("h='(\\d+)'", line.client.until("<a [^>]*/>")).group(1))
            except Exception:
                line.cut()
                self.cuts += 1
                acked = line.come() or 0
                sent = acked  # what the server did not take is sent again

    def receive(self):
        line = self.receiver
        while len(self.got) < MESSAGES:
            try:
                got = line.client.until("<r [^>]*/>|<message .*?</message>|<presence.*?(/>|</presence>)")
                if got.startswith("<r"):
                    if line.rng.random() < 0.7:
                        line.client.send("<a xmlns='%s' h='%d'/>" % (SM, line.handled))
                else:
                    line.handled += 1
                    if got.startswith("<message"):
                        self.got.append(int(re.search("<body>(\\d+)", got).group(1)))
                if line.rng.random() < 0.03:
                    raise OSError("cut")
            except Exception:
                line.cut()
                self.cuts += 1
                line.come()


def main():
    folder = tempfile.mkdtemp(prefix="mynah-resume-")
    steps = Steps(folder)
    bad = tap([steps.over_a_restart, steps.after_a_crash, steps.over_a_restart_and_a_crash, steps.storm], lambda: steps.server.log)
    try:
        steps.server.end()
    except Exception as e:
        print("# %s" % e)
        bad += 1
    shutil.rmtree(folder)
    return bad != 0


sys.exit(main())
