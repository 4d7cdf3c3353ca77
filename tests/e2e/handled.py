#!/usr/bin/python3
"""What a client hears of its session after the server crashed: how many of its stanzas are settled, never more than is on the disk, and no
message less (decision D3). Prints TAP.
usage: handled.py MYNAHD DISK.so [KILLS [SEED]]"""
import os, random, re, sqlite3, struct, sys, threading, time

sys.path.append(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from mynah import DEADLINE, SM, Client, Disk, STUCK, enable, person, tap

MYNAHD, DISK = sys.argv[1:3]
KILLS = int(sys.argv[3]) if len(sys.argv) > 3 else 6
SEED = int(sys.argv[4]) if len(sys.argv) > 4 else 1
SINKS = ["sink%d" % i for i in range(5)]  # on several loops
CONFIG = """
data: %s/data
loops: 4
listen:
  - {address: "127.0.0.1", port: 0, tls: offered}
auth: {mechanisms: [PLAIN], without_tls: [PLAIN], iterations: 4096}
registration: {open: yes, per_address: off}
modules: {offline: {max_messages: 100000}}
"""


class Machine(Disk):
    def __init__(self):
        super().__init__(MYNAHD, DISK, CONFIG, SEED)
        self.begin("a", "b", *SINKS)

    def again(self):
        self.power_off()
        self.start()

    def rows(self):
        db = sqlite3.connect("file:%s/mynah.db?mode=ro" % self.data, DEADLINE, uri=True)
        rows = db.execute("SELECT key FROM kv WHERE store='handled'").fetchall()
        db.close()
        return rows


def resume(machine, name, previd):
    """The count in <failed/>, None without; and the client, who goes on with a new session."""
    c = Client(machine.server)
    assert "<success" in c.plain(name)
    c.open()
    c.send("<resume xmlns='%s' previd='%s' h='0'/>" % (SM, previd))
    got = c.until("<failed.*?</failed>")
    assert "<item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>" in got, got
    c.send("<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>r</resource></bind></iq>")
    c.until("</jid>.*?</iq>")
    h = re.search("<failed [^>]*h='(\\d+)'", got)
    return h and int(h.group(1)), c


def message(to, body):
    return "<message to='%s@localhost' type='chat'><body>%s</body></message>" % (to, body)


def found(machine, name):
    c = person(machine.server, name, "look")
    c.send("<presence/>" + message(name, "end"))
    got = re.findall("<body>([^<]*)</body>", c.until("<body>end</body>"))[:-1]
    c.has_all()
    c.send("</stream:stream>")
    c.ends()
    return got


def what_was_stored_is_counted():
    with Machine() as machine:
        a = person(machine.server, "a")
        previd = enable(a)
        a.send("".join(message(to, "x") for to in SINKS))
        a.ping()  # number 6; answered when all before it is durable
        machine.again()
        h, a = resume(machine, "a", previd)
        assert h == len(SINKS), h
        # It stays for a second try; nobody else gets to know it.
        assert resume(machine, "b", previd)[0] is None
        h, a = resume(machine, "a", previd)
        assert h == len(SINKS), h
        # What nobody stores counts where something behind it was stored.
        b = person(machine.server, "b", "here")
        previd = enable(a)
        a.send("<presence/>" + message("b", "nobody stores this")
               + "<message to='b@localhost/here' type='chat'><body>nor this</body></message>")
        a.ping()
        a.send(message("sink0", "y"))
        a.ping()
        machine.again()
        h, a = resume(machine, "a", previd)
        assert h == 5, h


def what_was_not_durable_is_not_counted():
    with Machine() as machine:
        a = person(machine.server, "a")
        previd = enable(a)
        a.send(message("sink0", "kept"))
        a.ping()
        machine.set(STUCK, 1)
        a.send(message("sink0", "lost") + message("sink1", "lost") + "<r xmlns='%s'/>" % SM)
        assert "h='2'" in a.until("<a [^>]*/>")
        machine.again()
        h, a = resume(machine, "a", previd)
        assert h == 1 and found(machine, "sink0") == ["kept"] and found(machine, "sink1") == [], h
        # A session that stored nothing is not known.
        previd = enable(a)
        a.send("<presence/>")
        a.ping()
        machine.again()
        assert resume(machine, "a", previd)[0] is None


class Sender(threading.Thread):
    """Sends in bursts to people who are away, asks what is settled, and remembers it, until the line is cut."""

    def __init__(self, c, chance):
        super().__init__(daemon=True)
        self.c, self.chance, self.sent, self.told = c, chance, [], 0

    def run(self):
        try:
            while True:
                burst = [(self.chance.choice(SINKS), str(len(self.sent) + i)) for i in range(self.chance.randint(1, 20))]
                self.sent += burst
                self.c.send("".join(message(*m) for m in burst) + "<r xmlns='%s'/>" % SM)
                while self.told < len(self.sent) - 40:
                    self.told = int(re.search(" h='(\\d+)'", self.c.until("<a [^>]*/>")[-60:]).group(1))
        except Exception:
            pass


def bursts_and_crashes():
    chance, total, gaps = random.Random(SEED), 0, 0
    with Machine() as machine:
        for _ in range(KILLS):
            c = person(machine.server, "a")
            previd = enable(c)
            s = Sender(c, chance)
            s.start()
            until, wanted = time.monotonic() + DEADLINE, chance.randint(20, 400)
            while s.told < wanted and s.is_alive() and time.monotonic() < until:
                time.sleep(0.001)
            machine.again()
            s.join(DEADLINE)
            h, c = resume(machine, "a", previd)
            there = {to: found(machine, to) for to in SINKS}
            assert h is not None and h >= s.told, (h, s.told)
            for i, (to, body) in enumerate(s.sent, 1):
                assert i > h or body in there[to], "%d of %d is lost (told: %d)" % (i, h, s.told)
            assert h == len(s.sent) or s.sent[h][1] not in there[s.sent[h][0]], "%d was stored and is not counted" % (h + 1)
            for to in SINKS:
                mine = [body for t, body in s.sent if t == to]
                assert there[to] == mine[:len(there[to])], (to, there[to])
            gaps += sum(len(t) for t in there.values()) - h
            total += h
        print("# %d kills, %d messages counted, %d stored beyond one that was not" % (KILLS, total, gaps))


def what_is_on_its_way_is_not_taken_for_had():
    """A message that is sent again while the first copy waits for the disk: that one may be lost still, so this one is another."""
    with Machine() as machine:
        said = "<message to='sink0@localhost' type='chat' id='m'><body>x</body><origin-id xmlns='urn:xmpp:sid:0' id='m'/></message>"
        for stuck, copies in (1, 2), (0, 1):
            a = person(machine.server, "a")
            a.send("<enable xmlns='%s'/>" % SM)
            a.until("<enabled[^>]*/>")
            machine.set(STUCK, stuck)
            a.send(said + ("<r xmlns='%s'/>" % SM if stuck else ""))
            if stuck:
                assert "h='0'" in a.until("<a [^>]*/>")
            else:
                a.ping()
            a.socket.close()
            a = person(machine.server, "a")
            enable(a)
            a.send(said + "<r xmlns='%s'/>" % SM)
            a.until("<a [^>]*/>")  # it has been looked at while the other one waits
            machine.set(STUCK, 0)
            a.ping()
            a.send("</stream:stream>")
            a.ends()
            assert found(machine, "sink0") == ["x"] * copies, stuck


def nothing_stays():
    with Machine() as machine:
        a, b = person(machine.server, "a"), person(machine.server, "b")
        enable(a)
        previd = enable(b)
        for c in a, b:
            c.send(message("sink0", "x"))
            c.ping()
        assert len(machine.rows()) == 2, machine.rows()
        a.send("</stream:stream>")  # its session has ended
        a.ends()
        machine.server.end()  # the other one is kept whole
        assert machine.rows() == [], machine.rows()
        machine.start()
        b = Client(machine.server)
        b.plain("b")
        b.open()
        b.send("<resume xmlns='%s' previd='%s' h='1'/>" % (SM, previd))
        assert "h='2'" in b.until("<resumed[^>]*/>")
        b.send(message("sink0", "y"))
        b.ping()
        # What a crash leaves stays for a day.
        machine.again()
        assert len(machine.rows()) == 1, machine.rows()
        h, b = resume(machine, "b", previd)
        assert h == 3, h
        # They go with the account ...
        b.send("<iq type='set' id='gone'><query xmlns='jabber:iq:register'><remove/></query></iq>")
        b.ends()
        assert "id='gone'" in b.text and machine.rows() == [], (b.text, machine.rows())
        # ... or by themselves.
        a = person(machine.server, "a")
        enable(a)
        a.send(message("sink0", "z"))
        a.ping()
        machine.server.stop(9)
        db = sqlite3.connect(machine.data + "/mynah.db")
        (value,) = db.execute("SELECT value FROM kv WHERE store='handled'").fetchone()
        (written,) = struct.unpack_from("=q", value)
        assert abs(written / 1000 - time.time()) < 10 * DEADLINE
        db.execute("UPDATE kv SET value=? WHERE store='handled'", (struct.pack("=q", written - 86400 * 1000) + value[8:],))
        db.commit()
        db.close()
        machine.start()
        until = time.monotonic() + DEADLINE
        while machine.rows() and time.monotonic() < until:
            time.sleep(0.02)
        assert machine.rows() == []


sys.exit(1 if tap([what_was_stored_is_counted, what_was_not_durable_is_not_counted, bursts_and_crashes,
                   what_is_on_its_way_is_not_taken_for_had, nothing_stays]) else 0)
