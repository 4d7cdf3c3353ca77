#!/usr/bin/python3
"""What mynahd acknowledged is there, once and in order, after the power went; and what it does when the disk is full, fails, is slow
or holds something else. Prints TAP.
usage: recovery.py MYNAHD DISK.so STORECHECK [KILLS [SEED]]"""
import errno, os, random, re, select, shutil, sqlite3, subprocess, sys, threading, time

sys.path.append(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from beside import MARK, Beside, once
from mynah import BLIND, BROKEN, Client, DEADLINE, Disk, EARLY, FULL, LIES, Lost, SLOW, STUCK, enable, person, tap, wait_for

MYNAHD, DISK, CHECK = sys.argv[1:4]
KILLS = int(sys.argv[4]) if len(sys.argv) > 4 else 5
SEED = int(sys.argv[5]) if len(sys.argv) > 5 else 1
OLD = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + "/vectors/store-1.sql"
PEOPLE, SINKS, ACKS = 6, ["sink0", "sink1"], 40
CONFIG = """
data: %s/data
loops: 4
listen:
  - {address: "127.0.0.1", port: 0, tls: offered}
auth: {mechanisms: [PLAIN, ANONYMOUS], without_tls: [PLAIN, ANONYMOUS], iterations: 4096}
registration: {open: yes, per_address: off}
"""


def Machine():
    return Disk(MYNAHD, DISK, CONFIG, SEED, CHECK)


def ask(c, kind, id, query):
    c.send("<iq type='%s' id='%s'>%s</iq>" % (kind, id, query))
    return c.until("<iq [^>]*id='%s'[^>]*(/>|>.*?</iq>)" % id)


def private(key, value=""):
    return "<query xmlns='jabber:iq:private'><k xmlns='urn:test:%s'>%s</k></query>" % (key, value)


def roster(name, value):
    item = "subscription='remove'" if value is None else "name='%s'" % value
    return "<query xmlns='jabber:iq:roster'><item jid='%s@localhost' %s/></query>" % (name, item)


class Person(threading.Thread):
    """Somebody who stores things, one after the other, and remembers what was acknowledged."""

    def __init__(self, name, seed):
        super().__init__(daemon=True)
        self.name, self.random = name, random.Random(seed)
        self.roster, self.private, self.accounts = {}, {}, []
        self.sent = {s: [] for s in SINKS}  # acknowledged
        self.number = self.acks = 0
        self.maybe = None  # (what, key, value) on its way when the power went

    def again(self, server):
        p = Person(self.name, self.random.random())
        p.roster, p.private, p.sent, p.number = self.roster, self.private, self.sent, self.number
        p.server = server
        return p

    def run(self):
        try:
            c = person(self.server, self.name)
            while True:
                self.step(c)
                self.maybe = None
                self.acks += 1
        except (OSError, Exception) as e:
            self.error = e

    def step(self, c):
        what = self.random.choice(["roster", "roster", "private", "private", "send", "send", "send", "account"])
        self.number += 1
        value = "v%d" % self.number
        if what == "roster":
            key = "c%d" % self.random.randrange(5)
            value = None if key in self.roster and self.random.random() < 0.3 else value
            self.maybe = (what, key, value)
            assert "result" in ask(c, "set", "r", roster(key, value))
            apply(self.roster, key, value)
        elif what == "private":
            key = "k%d" % self.random.randrange(3)
            self.maybe = (what, key, value)
            assert "result" in ask(c, "set", "p", private(key, value * self.random.choice([1, 1, 500])))
            self.private[key] = value
        elif what == "send":
            to, count = self.random.choice(SINKS), self.random.randint(1, 4)
            bodies = ["%s %s.%d" % (self.name, value, i) for i in range(count)]
            self.maybe = (what, to, bodies)
            c.send("".join("<message to='%s@localhost'><body>%s</body></message>" % (to, b) for b in bodies))
            c.ping()  # answered only when all that stands before it is durable
            self.sent[to] += bodies
        else:
            name = "%s-%d" % (self.name, self.number)
            self.maybe = (what, name, None)
            if "result" in Client(self.server).register(name)[1]:
                self.accounts.append(name)


def apply(items, key, value):
    items.pop(key, None)
    if value is not None:
        items[key] = value


def expect(what, found, sure, maybe):
    """`maybe` is what was on its way: it may have arrived, or not."""
    if found not in (sure, maybe):
        raise Lost("%s: found %r, acknowledged %r, on its way %r" % (what, found, sure, maybe))


def verify_person(server, p):
    what, key, value = p.maybe or (None, None, None)
    c = person(server, p.name)
    found = dict(re.findall("jid='([^@']*)@localhost'[^>]*name='([^']*)'", ask(c, "get", "r", "<query xmlns='jabber:iq:roster'/>")))
    perhaps = dict(p.roster)
    if what == "roster":
        apply(perhaps, key, value)
    expect(p.name + "'s roster", found, p.roster, perhaps)
    p.roster = found
    for k in ["k0", "k1", "k2"]:
        got = re.search(">(v\\d+)", ask(c, "get", "p", private(k)))
        got = got and got.group(1)
        expect(p.name + "'s " + k, got, p.private.get(k), value if what == "private" and key == k else p.private.get(k))
        apply(p.private, k, got)
    for name in p.accounts:
        person(server, name)
    c.socket.close()


def verify_sink(server, sink, people):
    c = person(server, sink)
    c.send("<presence/><message to='%s@localhost'><body>end</body></message>" % sink)
    found = re.findall("<body>([^<]*)</body>", c.until("<body>end</body>"))[:-1]
    for p in people:
        mine = [b for b in found if b.split()[0] == p.name]
        extra = p.maybe[2] if p.maybe and p.maybe[0] == "send" and p.maybe[1] == sink else []
        n = len(p.sent[sink])
        if mine[:n] != p.sent[sink] or mine[n:] != extra[:len(mine) - n]:
            raise Lost("%s from %s: found %r, acknowledged %r, on its way %r" % (sink, p.name, mine, p.sent[sink], extra))
        p.sent[sink] = []
    c.send("</stream:stream>")  # so it has everything
    c.ends()
    c = person(server, sink)
    ask(c, "set", "p", private("drained"))  # behind the removal of what was delivered
    c.socket.close()


def crash(machine, people, chance, lies=False):
    """One life: people store things, the power goes. Who they are and what they remember."""
    people = [p.again(machine.server) for p in people]
    machine.set(LIES, lies)
    machine.set(EARLY, 0 if lies else chance.choice([0, 2, 7]))
    for p in people:
        p.start()
    until, acks = time.monotonic() + DEADLINE, ACKS + chance.randrange(100)
    while sum(p.acks for p in people) < acks:
        if time.monotonic() > until or not any(p.is_alive() for p in people):
            raise Exception("no progress: %r %s" % ([getattr(p, "error", None) for p in people], machine.server.log[-20:]))
        time.sleep(0.002)
    machine.power_off()
    for p in people:
        p.join(DEADLINE)
        assert not p.is_alive()
    return people


def verify(machine, people):
    machine.check()
    server = machine.start()
    for sink in SINKS:
        verify_sink(server, sink, people)
    for p in people:
        verify_person(server, p)


def new_people(server):
    names = ["p%d" % i for i in range(PEOPLE)]
    for name in names + SINKS:
        assert "result" in Client(server).register(name)[1]
    return [Person(n, "%d %s" % (SEED, n)) for n in names]


def power_goes():
    machine, chance, acks = Machine(), random.Random(SEED), 0
    try:
        people = new_people(machine.start())
        for kill in range(KILLS):
            people = crash(machine, people, chance)
            acks += sum(p.acks for p in people)
            verify(machine, people)
        machine.server.end()
        print("# %d kills, %d acknowledgements, all kept" % (KILLS, acks))
    finally:
        machine.end()


def a_disk_that_lies_is_found_out():
    """The same without syncs: the check must fail, else it proves nothing."""
    machine = Machine()
    try:
        people = crash(machine, new_people(machine.start()), random.Random(SEED), lies=True)
        try:
            verify(machine, people)
        except Lost:
            return
        raise Exception("nothing was lost on a disk that keeps nothing")
    finally:
        machine.end()


def two_chat(machine, trouble):
    """Beside a trouble, which looks whether they go on in the middle of it, and behind which the server is as before."""
    for name in "from", "to":
        assert "result" in Client(machine.server).register(name)[1]
    beside = Beside(machine.server, machine.data)
    beside.whole(once(lambda: trouble(beside.bystanders.go_on)))
    beside.bystanders.were_not_disturbed()


def waits(c):
    """Nothing has come."""
    assert not c.text and not select.select([c.socket], [], [], 0)[0], c.text or c.socket.recv(9999)


def refused(error, condition, says):
    """While no write succeeds: what would be stored is refused, the log says why, the rest goes on, and all is well when writes succeed again."""
    machine = Machine()
    try:
        server = machine.start()
        for name in ["a", "b", "gone"]:
            Client(server).register(name)

        def trouble(they_go_on):
            a, b, other = person(server, "a"), person(server, "b"), person(server, "b", "other")
            for c in a, b:
                c.send("<presence/>")
                c.ping()
            ask(a, "set", "p", private("k", "before"))
            machine.set(FULL, error)
            assert "<" + condition in ask(a, "set", "p", private("k", "refused"))
            assert "<" + condition in ask(a, "set", "r", roster("c", "refused"))
            a.send("<message id='m' to='gone@localhost'><body>refused</body></message>")
            assert "<" + condition in a.until("<message [^>]*id='m'.*?</message>")
            got = Client(server).register("late")[1]
            assert "<" + condition in got, got
            got = ask(b, "set", "c", "<query xmlns='jabber:iq:register'><username>b</username><password>refused</password></query>")
            assert "<" + condition in got, got
            a.send("<message to='b@localhost/r'><body>goes on</body></message>")
            b.until("goes on")
            assert "before" in ask(a, "get", "p", private("k"))
            assert "refused" not in ask(a, "get", "r", "<query xmlns='jabber:iq:roster'/>")
            other.ping()  # the password is the same, so nobody of it has to go
            person(server, "b").socket.close()
            wait_for(lambda: any(" error " in l and says in l for l in server.log), lambda: server.log)
            they_go_on()
            machine.set(FULL, 0)
            assert "result" in ask(a, "set", "p", private("k", "after"))
            assert "result" in ask(a, "set", "r", roster("c", "after"))
            a.send("<message to='gone@localhost'><body>after</body></message>")
            a.ping()
            assert "result" in Client(server).register("late")[1]
            for c in a, b, other:
                c.socket.close()

        two_chat(machine, trouble)
        machine.power_off()
        machine.check()
        server = machine.start()
        a, gone = person(server, "a"), person(server, "gone")
        assert "after" in ask(a, "get", "p", private("k"))
        assert "name='after'" in ask(a, "get", "r", "<query xmlns='jabber:iq:roster'/>")
        gone.send("<presence/><message to='gone@localhost'><body>end</body></message>")
        assert re.findall("<body>([^<]*)</body>", gone.until("<body>end</body>")) == ["after", "end"]
        person(server, "late")
        server.end()
    finally:
        machine.end()


def a_full_disk_refuses_what_is_stored_and_nothing_else():
    for error in errno.ENOSPC, errno.EDQUOT:
        refused(error, "resource-constraint", "the disk is full: changes are refused until there is room")


def a_disk_that_takes_no_write_refuses_the_same():
    """It fails, or its file system was made read-only under the server."""
    for error in errno.EIO, errno.EROFS:
        refused(error, "internal-server-error", "the database refused a write")


def who_has_a_message_does_not_get_it_again():
    """Also when a full disk kept it from leaving the log; it leaves when there is room."""
    machine = Machine()
    try:
        server = machine.start()
        for name in ["a", "away"]:
            Client(server).register(name)
        a, away = person(server, "a"), person(server, "away")
        away.send("<presence/>")
        away.ping()
        away.send("</stream:stream>")
        away.ends()
        for i in range(3):
            a.send("<message to='away@localhost'><body>%d</body></message>" % i)
        a.ping()
        machine.set(FULL, 1)
        away = person(server, "away")
        away.send("<presence/>")
        away.until("<body>2</body>", "<iq [^>]*id='has-[^>]*>.*?</iq>")
        assert "<resource-constraint" in ask(away, "set", "p", private("k", "behind the answer"))
        away.send("</stream:stream>")
        away.ends()
        machine.set(FULL, 0)
        away = person(server, "away")
        away.send("<presence/><message to='away@localhost'><body>end</body></message>")
        assert re.findall("<body>([^<]*)</body>", away.until("<body>end</body>")) == ["end"]
        db, until = sqlite3.connect("file:%s/mynah.db?mode=ro" % machine.data, DEADLINE, uri=True), time.monotonic() + DEADLINE
        while db.execute("SELECT count(*) FROM record").fetchone() != (0,) and time.monotonic() < until:
            away.ping()
            time.sleep(0.05)
        db.close()
        server.end()
        server = machine.start()
        away = person(server, "away")
        away.send("<presence/><message to='away@localhost'><body>end</body></message>")
        assert re.findall("<body>([^<]*)</body>", away.until("<body>end</body>")) == ["end"]
        server.end()
    finally:
        machine.end()


def what_was_refused_is_not_taken_for_stored():
    """While the account is read anew, memory has a change that the disk refused: nothing is judged by it."""
    machine, block = Machine(), "<%s xmlns='urn:xmpp:blocking'><item jid='x@localhost'/></%s>"
    try:
        server = machine.start()
        Client(server).register("a")
        a = person(server, "a")
        assert "result" in ask(a, "set", "1", block % ("block", "block"))
        machine.set(FULL, 1)
        machine.set(BLIND, 1)
        assert "<resource-constraint" in ask(a, "set", "2", block % ("unblock", "unblock"))
        machine.set(FULL, 0)
        a.send("<iq type='set' id='3'>%s</iq>" % block % ("unblock", "unblock"))
        until = time.monotonic() + DEADLINE
        while not any("refused a read" in l for l in server.log) and time.monotonic() < until:
            time.sleep(0.01)
        machine.set(BLIND, 0)
        assert "result" in a.until("<iq [^>]*id='3'[^>]*>")
        machine.power_off()
        server = machine.start()
        assert "x@localhost" not in ask(person(server, "a"), "get", "b", "<blocklist xmlns='urn:xmpp:blocking'/>")
        server.end()
    finally:
        machine.end()


def who_is_nobody_in_particular_goes_on():
    """There is no account in the store that could be read anew."""
    machine = Machine()
    try:
        server = machine.start()
        c = Client(server)
        c.send("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='ANONYMOUS'/>")
        c.until("<success[^>]*/>")
        own = re.search("<jid>([^<]*)</jid>", c.bind("r")[1]).group(1)
        c.send("<presence/>")
        c.ping()
        machine.set(FULL, 1)
        assert "<resource-constraint" in ask(c, "set", "p", private("k", "refused"))
        machine.set(FULL, 0)
        c.ping()
        c.send("<message to='%s'><body>still here</body></message>" % own.partition("/")[0])
        c.until("<body>still here</body>")
        server.end()
    finally:
        machine.end()


def who_was_nobody_in_particular_leaves_nothing():
    """The account was for that session, which the power has ended: the next start drops what was stored for it, and tells contacts."""
    machine = Machine()

    def stored(bare):
        db = sqlite3.connect("file:%s/mynah.db?mode=ro" % machine.data, uri=True)
        try:
            return [db.execute("SELECT count(*) FROM %s WHERE owner=?" % table, (bare.encode(),)).fetchone()[0] for table in ("kv", "term")]
        finally:
            db.close()

    try:
        machine.begin("romeo")
        romeo, guests, there = person(machine.server, "romeo"), [], []
        romeo.send("<presence/>")
        for i in range(3):
            c = Client(machine.server)
            c.send("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='ANONYMOUS'/>")
            c.until("<success[^>]*/>")
            guests.append(re.search("<jid>([^</]*)", c.bind("r")[1]).group(1))
            there.append(c)
            assert "result" in ask(c, "set", "p", private("k", "secret"))
            c.send("<presence type='subscribe' to='romeo@localhost'/>")
            romeo.until("<presence [^>]*from='%s'[^>]*>" % guests[-1])
            romeo.send("<presence type='subscribed' to='%s'/>" % guests[-1])
            romeo.ping()
        machine.power_off()
        assert all(kv and term for kv, term in map(stored, guests)), [stored(g) for g in guests]
        server = machine.start()
        wait_for(lambda: not any(sum(stored(g)) for g in guests), lambda: "left: %s" % [stored(g) for g in guests])
        romeo = person(server, "romeo")
        wait_for(lambda: "subscription='from'" not in ask(romeo, "get", "r", "<query xmlns='jabber:iq:roster'/>"), "contacts were not told")
        c = Client(server)
        c.send("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='ANONYMOUS'/>")
        c.until("<success[^>]*/>")
        own = re.search("<jid>([^</]*)", c.bind("r")[1]).group(1)
        assert "result" in ask(c, "set", "p", private("k", "secret"))
        assert sum(stored(own)) > 1
        server.end()
        assert not sum(stored(own))
    finally:
        machine.end()


def a_failed_sync_ends_it_with_one_line():
    machine = Machine()
    try:
        server = machine.start()
        Client(server).register("a")
        a = person(server, "a")
        ask(a, "set", "p", private("k", "kept"))
        machine.set(BROKEN, 1)
        before = len(server.log)
        a.send("<iq type='set' id='p'>%s</iq>" % private("k", "never acknowledged"))
        try:
            assert "type='result'" not in a.ends()
        except OSError:
            pass
        assert server.process.wait(DEADLINE) == 1
        server.reader.join(DEADLINE)
        said = [l for l in server.log[before:] if " info " not in l]
        assert len(said) == 1 and "the disk refused to make a write durable" in said[0], said
        machine.power_off()
        machine.check()
        server = machine.start()
        assert "kept" in ask(person(server, "a"), "get", "p", private("k"))
        server.end()
    finally:
        machine.end()


def who_stores_nothing_waits_for_no_disk_and_order_is_kept():
    machine = Machine()
    try:
        server = machine.start()
        for name in ["a", "b", "c", "d"]:
            Client(server).register(name)

        def trouble(they_go_on):
            a, b, c = (person(server, n) for n in ["a", "b", "c"])
            for x in a, c:
                x.send("<presence/>")
                x.ping()
            machine.set(STUCK, 1)
            c.send("<iq type='set' id='p'>%s</iq>" % private("k", "slow"))
            a.send("<message to='c@localhost'><body>at once</body></message>")
            c.until("at once.*?</message>")
            waits(c)
            # b is not available: this is stored, and what follows from a to b queues behind it.
            a.send("<message to='b@localhost'><body>first</body></message>")
            a.send("<message to='b@localhost/r'><body>second</body></message><iq type='get' id='ping' to='localhost'>"
                   "<ping xmlns='urn:xmpp:ping'/></iq>")
            c.send("<message to='a@localhost'><body>heard</body></message>")
            a.until("heard.*?</message>")
            waits(a)
            waits(b)
            b.send("<presence/>")
            # Not by a ping of b: the first presence of an account stores something, and what is answered behind it waits for that.
            person(server, "d")
            they_go_on()
            machine.set(STUCK, 0)
            assert "result" in c.until("<iq [^>]*id='p'[^>]*>")
            a.until("<iq [^>]*id='ping'[^>]*>")
            a.send("<message to='b@localhost'><body>third</body></message>")
            got = re.findall("<body>([^<]*)</body>", b.until("<body>third</body>"))
            assert got == ["first", "second", "third"], got
            for x in a, b, c:
                x.socket.close()

        two_chat(machine, trouble)
        server.end()
    finally:
        machine.end()


def who_is_read_waits_and_nobody_else():
    """A disk that is slow to read: logins and what comes for accounts that are not in memory wait for it; who is there chats on."""
    machine = Machine()
    try:
        server = machine.start()
        for name in ["a", "b", "c", "away"]:
            Client(server).register(name)
        server.end()
        server = machine.start()

        def trouble(they_go_on):
            a, b, c = person(server, "a"), person(server, "b"), Client(server)
            for x in a, b:
                # Not by a ping: what comes for a resource waits until what was kept for it has been read.
                x.send("<presence/><message><body>read</body></message>")
                x.until("<body>read</body>")
            assert "result" in ask(b, "set", "p", private("k", "what was read before is no longer new"))
            machine.set(SLOW, 255)
            c.send("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>AGMAdGVzdHB3ZA==</auth>")
            for i in range(20):
                a.send("<message to='away@localhost'><body>%d</body></message><message to='b@localhost'><body>%d</body></message>" % (i, i))
                b.until("<body>%d</body>" % i)
                b.send("<message to='a@localhost'><body>%d</body></message>" % i)
                a.until("<body>%d</body>.*?</message>" % i)
            b.ping()
            waits(c)
            waits(a)
            they_go_on()
            waits(c)
            machine.set(SLOW, 20)
            assert "<success" in c.until("<success[^>]*/>|</failure>")
            a.ping()
            away = person(server, "away")
            away.send("<presence/>")
            got = re.findall("<body>([^<]*)</body>", away.until("<body>19</body>"))
            assert got == [str(i) for i in range(20)], got
            assert "no longer new" in ask(b, "get", "p", private("k"))
            for x in a, b, c, away:
                x.socket.close()

        two_chat(machine, trouble)
        server.end()
    finally:
        machine.end()


def who_comes_back_is_told_of_what_was_being_stored():
    """XEP-0198: our count in <resumed/> has all that came on the old stream, so nothing is sent again."""
    machine = Machine()
    try:
        server = machine.start()
        for name in ["a", "b"]:
            Client(server).register(name)
        a, b = person(server, "a"), person(server, "b")
        previd = enable(a)
        machine.set(STUCK, 1)
        a.send("<message to='b@localhost'><body>once</body></message><r xmlns='urn:xmpp:sm:3'/>")
        assert "h='0'" in a.until("<a [^>]*/>")
        a.socket.close()
        a = Client(server)
        assert "<success" in a.plain("a")
        a.open()
        a.send("<resume xmlns='urn:xmpp:sm:3' previd='%s' h='0'/>" % previd)
        for _ in range(50):
            b.ping()
        waits(a)
        machine.set(STUCK, 0)
        assert "h='1'" in a.until("<resumed[^>]*/>")
        server.end()
    finally:
        machine.end()


def who_comes_back_after_a_stop_is_told_of_it_too():
    """The disk is slow while the server stops: what the session keeps over the restart has the count of what became durable."""
    machine = Machine()
    try:
        server = machine.start()
        for name in ["a", "b"]:
            Client(server).register(name)
        a = person(server, "a")
        previd = enable(a)
        machine.set(STUCK, 1)
        a.send("<message to='b@localhost'><body>once</body></message><r xmlns='urn:xmpp:sm:3'/>")
        assert "h='0'" in a.until("<a [^>]*/>")
        stops = threading.Thread(target=server.end)
        stops.start()
        a.ends()
        stops.join(0.5)  # time enough for not waiting
        machine.set(STUCK, 0)
        stops.join(DEADLINE)
        server = machine.start()
        a = Client(server)
        assert "<success" in a.plain("a")
        a.open()
        a.send("<resume xmlns='urn:xmpp:sm:3' previd='%s' h='0'/>" % previd)
        assert "h='1'" in a.until("<resumed[^>]*/>")
        server.end()
    finally:
        machine.end()


def a_file_that_it_cannot_use_is_named_in_one_line():
    machine = Machine()
    try:
        server = machine.start()
        Client(server).register("a")
        server.end()
        path = machine.data + "/mynah.db"
        with open(path, "rb") as f:
            good = f.read()

        def newer():
            db = sqlite3.connect(path)
            db.execute("PRAGMA user_version=1000")
            db.close()

        def foreign():
            os.remove(path)
            db = sqlite3.connect(path)
            db.execute("CREATE TABLE kv(x)")
            db.commit()
            db.close()

        def write(content):
            with open(path, "wb") as f:
                f.write(content)

        for spoil, says in [(lambda: write(b"this is no database" * 5000), "not a database"),
                            (lambda: write(good[:len(good) // 2]), "malformed"),
                            (lambda: write(good[:100] + bytes(len(good) - 100)), "malformed"),
                            (newer, "newer mynahd"), (foreign, "another program")]:
            write(good)
            spoil()
            p = subprocess.run([MYNAHD, "--config", machine.folder + "/mynahd.yaml"], stderr=subprocess.PIPE, text=True, timeout=DEADLINE)
            lines = [l for l in p.stderr.splitlines() if "running as root" not in l]
            assert p.returncode == 1 and len(lines) == 1 and path in lines[0] and says in lines[0], (says, p.returncode, p.stderr)
        write(good)
        person(machine.start(), "a")
    finally:
        machine.end()


def what_cannot_be_read_is_not_absent():
    machine = Machine()
    try:
        server = machine.start()
        Client(server).register("a")
        a = person(server, "a")
        ask(a, "set", "p", private("k", "kept" * 20000))
        machine.set(BLIND, 1)
        assert "<internal-server-error" in ask(a, "get", "p", private("k"))
        machine.set(BLIND, 0)
        assert "kept" in ask(a, "get", "p", private("k"))
        server.end()
        assert oct(os.stat(machine.data + "/mynah.db").st_mode)[-3:] == "600"
        server = machine.start()
        machine.set(BLIND, 1)
        thief, before = Client(server), len(server.log)
        thief.send("<iq type='set' id='s'><query xmlns='jabber:iq:register'><username>a</username><password>mine</password></query></iq>")
        until = time.monotonic() + DEADLINE
        while not any("refused a read" in l for l in server.log[before:]) and time.monotonic() < until:
            time.sleep(0.01)
        machine.set(BLIND, 0)
        assert "<conflict" in thief.until("<iq [^>]*id='s'.*?</iq>")
        assert "kept" in ask(person(server, "a"), "get", "p", private("k"))
        server.end()
    finally:
        machine.end()


def a_kept_database_of_version_1_is_read():
    """What newer versions upgrade must be what a fresh database looks like, with everything that was in it."""
    machine, shape = Machine(), "SELECT type,name,sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%' ORDER BY 1,2"
    path = machine.data + "/mynah.db"

    def look(query):
        db = sqlite3.connect(path)
        rows = db.execute(query).fetchall()
        db.close()
        return rows

    try:
        machine.start().end()
        fresh = look(shape), look("PRAGMA user_version")
        os.remove(path)
        db = sqlite3.connect(path)
        with open(OLD) as f:
            db.executescript(f.read())
        db.close()
        machine.check()
        server = machine.start()
        romeo, juliet = person(server, "romeo"), person(server, "juliet")
        got = ask(romeo, "get", "r", "<query xmlns='jabber:iq:roster'/>")
        assert re.search("jid='juliet@localhost'[^>]*name='Julia &amp; Co'", got) and "subscription='to'" in got, got
        assert "<group>Verona</group><group>friends</group>" in got and "jid='mercutio@localhost'" in got, got
        assert "kept" in ask(romeo, "get", "p", private("k"))
        juliet.send("<presence/><message to='juliet@localhost'><body>end</body></message>")
        assert re.findall("<body>([^<]*)</body>", juliet.until("<body>end</body>")) == ["old 0", "old 1", "old 2", "end"]
        assert "<conflict" in Client(server).register("romeo")[1]
        server.end()
        assert (look(shape), look("PRAGMA user_version")) == fresh
        machine.check()
    finally:
        machine.end()


BESIDE = (a_full_disk_refuses_what_is_stored_and_nothing_else, a_disk_that_takes_no_write_refuses_the_same,
          who_stores_nothing_waits_for_no_disk_and_order_is_kept, who_is_read_waits_and_nobody_else)
ALONE = [a_disk_that_lies_is_found_out, who_has_a_message_does_not_get_it_again, what_was_refused_is_not_taken_for_stored,
         who_is_nobody_in_particular_goes_on, who_was_nobody_in_particular_leaves_nothing, a_failed_sync_ends_it_with_one_line, who_comes_back_is_told_of_what_was_being_stored,
         who_comes_back_after_a_stop_is_told_of_it_too, a_file_that_it_cannot_use_is_named_in_one_line, what_cannot_be_read_is_not_absent,
         a_kept_database_of_version_1_is_read]
sys.exit(1 if tap([("power goes %d times" % KILLS, power_goes)] + ALONE + [(step.__name__ + MARK, step) for step in BESIDE]) else 0)
