"""Somebody who stores things in every way there is, remembers what was acknowledged, and looks whether it is there."""
import asyncio, os, re, sys, time, xml.etree.ElementTree as ET
from xml.sax.saxutils import quoteattr

sys.path.append(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from mynah import DEADLINE, Lost
from line import CLIENT, CUT, Gone, Line, Stream

ROSTER, BLOCK = "{jabber:iq:roster}", "{urn:xmpp:blocking}"


def blocking(key, value):
    verb = "block" if value else "unblock"
    return "<%s xmlns='urn:xmpp:blocking'><item jid='%s@localhost'/></%s>" % (verb, key, verb)


def contact(key, value):
    item = "subscription='remove'" if value is None else "name=%s" % quoteattr(value)
    return "<query xmlns='jabber:iq:roster'><item jid='%s@localhost' %s/></query>" % (key, item)


def private(key, value):
    return "<query xmlns='jabber:iq:private'><k xmlns='urn:test:%s'>%s</k></query>" % (key, value)


def vcard(key, value):
    return "<vCard xmlns='vcard-temp'><NICKNAME>%s</NICKNAME></vCard>" % value


KINDS = {  # how it is set, how many keys, whether it can be taken away
    "roster": (contact, 5, True), "private": (private, 3, False), "vcard": (vcard, 1, False), "block": (blocking, 3, True)}
SUBSCRIPTION = [(set(), {None, "none"}), ({"ask"}, {None, "none"}), ({"to"}, {"from"})]  # by stage: the keeper's side, the friend's


class Keeper:
    def __init__(self, soak, name, rng, sm, tls):
        self.soak, self.name, self.rng, self.sm, self.tls = soak, name, rng, sm, tls
        self.sure, self.doing = {}, {}  # (kind, key): value, None for nothing
        self.number, self.stage, self.stages = 0, 0, {0}
        self.sent = {s: [] for s in soak.sinks}
        self.maybe = {s: [] for s in soak.sinks}
        self.refused, self.pending = set(), set()
        self.line = self.friend = None

    def begin(self):
        """Lines for the next life. The one of a session that can be resumed goes on."""
        if not self.line or not self.sm:
            port = self.soak.wire_port if self.sm else self.soak.port
            self.line = Line(port, self.name, self.rng, sm=self.sm, tls=self.tls)
            self.line.on_message, self.line.powers = self.error, lambda: self.soak.powers
            self.soak.go(self.line.run())
        self.friend = Line(self.soak.port, "f" + self.name, self.rng)
        self.soak.go(self.friend.run())

    async def work(self):
        try:
            await self.line.ready()
            await self.friend.ready()
            while self.soak.flowing:
                await self.step()
        except Gone:
            pass
        except CUT:
            pass

    def count(self, what, n=1):
        self.soak.counts["acknowledged: " + what] += n
        self.soak.acks += n

    def good(self, answer, what):
        if answer.get("type") == "result":
            return True
        text = ET.tostring(answer, "unicode")
        if self.soak.troubled and ("resource-constraint" in text or "internal-server-error" in text):
            self.soak.counts["refused on a full disk"] += 1
            return False
        raise Lost("%s: %s was answered with %s" % (self.name, what, text))

    async def step(self):
        self.number += 1
        do = self.rng.choice([self.keep, self.keep, self.keep, self.write, self.write, self.write, self.account, self.subscribe])
        await do()

    async def keep(self):
        """Some of the values at once; each is answered."""
        asked = {}
        for _ in range(self.rng.randint(1, 4)):
            kind = self.rng.choice(list(KINDS))
            form, keys, goes = KINDS[kind]
            key = "%s%d" % (kind, self.rng.randrange(keys))
            if (kind, key) in asked:
                continue
            value = "v%d" % self.number if kind != "block" else "blocked"
            if kind == "private":
                value *= self.rng.choice([1, 1, 1, 700])
            if goes and self.sure.get((kind, key)) and self.rng.random() < 0.4:
                value = None
            self.doing[kind, key] = value
            asked[kind, key] = self.line.ask("set", form(key, value))
        for what, answer in asked.items():
            if self.good(await answer, what):
                self.sure[what] = self.doing[what]
                self.count(what[0])
            del self.doing[what]

    def error(self, e):
        """A message that came back: refused when it is not acknowledged yet."""
        id = e.get("id")
        if e.get("type") != "error":
            raise Lost("%s got %s" % (self.name, ET.tostring(e, "unicode")))
        if not self.soak.troubled:
            raise Lost("%s: message %s came back: %s" % (self.name, id, ET.tostring(e, "unicode")))
        if id not in self.pending and not self.sm:
            raise Lost("%s: message %s was acknowledged and then refused" % (self.name, id))
        self.soak.counts["messages refused on a full disk"] += 1
        self.refused.add(id)
        for bodies in self.sent.values():
            bodies[:] = [b for b in bodies if b != id]

    async def write(self):
        """To somebody who is away; then the acknowledgement: an answer, or <a/>."""
        to = self.rng.choice(self.soak.sinks)
        ids = ["%s.%d.%d" % (self.name, self.number, i) for i in range(self.rng.randint(1, 5))]
        self.maybe[to] += ids
        self.pending = set(ids)
        for id in ids:
            self.line.send("<message to='%s@localhost' id='%s'><body>%s</body></message>" % (to, id, id))
        await self.line.settled()
        kept = [id for id in ids if id not in self.refused]
        self.sent[to] += kept
        self.maybe[to].clear()
        self.pending = set()
        self.count("messages to somebody who is away", len(kept))

    async def account(self):
        """One is made, gets another password, or is given up."""
        mine = [k for k in self.sure if k[0] == "account" and self.sure[k]]
        how = self.rng.choice(["new", "new", "password", "remove"]) if mine else "new"
        what = self.rng.choice(mine) if how != "new" else ("account", "%s-%d" % (self.name, self.number))
        value = None if how == "remove" else "w%d" % self.number
        fields = "<remove/>" if value is None else "<username>%s</username><password>%s</password>" % (what[1], value)
        s = Stream()
        self.doing[what] = value
        try:
            await s.connect(self.soak.port())
            if how != "new":
                if not await s.plain(what[1], self.sure[what]):
                    if self.soak.troubled:
                        return
                    raise Lost("%s cannot log in with %s" % (what[1], self.sure[what]))
                await s.open()
                s.write("<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>")
                await s.next()
            s.write("<iq type='set' id='r'><query xmlns='jabber:iq:register'>%s</query></iq>" % fields)
            answer = await s.next()
            while answer.get("id") != "r":
                answer = await s.next()
            if self.good(answer, what):
                self.sure[what] = value
                self.count({"new": "accounts", "password": "passwords", "remove": "accounts removed"}[how])
            del self.doing[what]
        finally:
            if hasattr(s, "writer"):
                s.close()

    async def subscribe(self):
        """One step of: asked, granted, taken back. Who sends it hears when both sides are kept."""
        if len(self.stages) > 1:
            return
        stage = (self.stage + 1) % 3
        line, type, to = [(self.friend, "unsubscribed", self.name), (self.line, "subscribe", self.friend.name),
                          (self.friend, "subscribed", self.name)][stage]
        self.stages = {self.stage, stage}
        line.send("<presence type='%s' to='%s@localhost'/>" % (type, to))
        await line.ping()
        if self.soak.troubled:
            return  # a presence is not answered: nobody knows whether it was kept
        self.stage, self.stages = stage, {stage}
        self.count("subscriptions")

    # What is there.

    async def look(self):
        c = Line(self.soak.port, self.name, self.rng, "look")
        running = self.soak.go(c.run())
        await c.ready()
        await self.look_at_values(c)
        await self.look_at_accounts()
        await self.look_at_friend(c)
        c.close()
        await running

    def expect(self, what, found):
        self.soak.counts["looked at"] += 1
        allowed = [self.sure.get(what)] + ([self.doing[what]] if what in self.doing else [])
        if found not in allowed:
            raise Lost("%s: %s is %r, acknowledged %r, on its way %r" % (
                self.name, what, found and found[:30], self.sure.get(what), self.doing.get(what, "nothing")))
        self.sure[what] = found
        self.doing.pop(what, None)

    async def look_at_values(self, c):
        items = (await c.ask("get", "<query xmlns='jabber:iq:roster'/>")).iter(ROSTER + "item")
        self.items = {i.get("jid"): i for i in items}
        blocked = {i.get("jid") for i in (await c.ask("get", "<blocklist xmlns='urn:xmpp:blocking'/>")).iter(BLOCK + "item")}
        for kind, (form, keys, goes) in KINDS.items():
            for key in ["%s%d" % (kind, i) for i in range(keys)]:
                if kind == "roster":
                    found = self.items[key + "@localhost"].get("name") if key + "@localhost" in self.items else None
                elif kind == "block":
                    found = "blocked" if key + "@localhost" in blocked else None
                else:
                    get = private(key, "") if kind == "private" else "<vCard xmlns='vcard-temp'/>"
                    found = re.search(">(v[v\\d]+)<", ET.tostring(await c.ask("get", get), "unicode"))
                    found = found and found.group(1)
                self.expect((kind, key), found)

    async def look_at_accounts(self):
        """Those of this life, and some older ones."""
        every = [k for k in {**self.sure, **self.doing} if k[0] == "account"]
        for what in [k for k in every if k in self.doing] + self.rng.sample(every, min(4, len(every))):
            found = None
            for value in filter(None, {self.sure.get(what), self.doing.get(what)}):
                s = Stream()
                await s.connect(self.soak.port())
                if await s.plain(what[1], value):
                    found = value
                s.close()
            self.expect(what, found)

    async def look_at_friend(self, c):
        asks, me, friend = [], self.name + "@localhost", "f%s@localhost" % self.name
        f = Line(self.soak.port, "f" + self.name, self.rng, "look")
        f.on_presence = lambda e: asks.append(e.get("from")) if e.get("type") == "subscribe" else None
        running = self.soak.go(f.run())
        await f.ready()
        its = {i.get("jid"): i for i in (await f.ask("get", "<query xmlns='jabber:iq:roster'/>")).iter(ROSTER + "item")}
        f.send("<presence/>")
        if self.stages == {1}:
            await self.soak.until(lambda: me in asks, lambda: "%s does not hear that %s asks" % (f.name, self.name))
        await f.ping()
        mine = self.items.get(friend)
        mine = {mine.get("subscription"), mine.get("ask") and "ask"} - {None, "none"} if mine is not None else set()
        its = its[me].get("subscription") if me in its else None
        if mine not in [SUBSCRIPTION[s][0] for s in self.stages] or its not in set().union(*(SUBSCRIPTION[s][1] for s in self.stages)):
            raise Lost("%s: subscription to %s: here %s, there %s; stages that may be: %s" % (self.name, friend, mine, its, self.stages))
        if len(self.stages) > 1:  # from the beginning
            c.send("<presence type='unsubscribe' to='%s'/>" % friend)
            await c.ask("set", contact("f" + self.name, None))
            await c.ping()
            f.send("<presence type='unsubscribed' to='%s'/>" % me)
            await f.ask("set", contact(self.name, None))
            await f.ping()
            self.stage, self.stages = 0, {0}
        f.close()
        await running


def stanza_id(e):
    return [i.get("id") for i in e.iter("{urn:xmpp:sid:0}stanza-id")]


def arrive(soak, sink, sm, message):
    """Somebody who was away is told what was kept for him; the end of that is a message of his own."""
    c = Line(soak.wire_port if sm else soak.port, sink, soak.rng, "look", sm=sm)
    c.on_message, c.powers, c.token = message, lambda: soak.powers, "end %s" % soak.rng.random()
    return c, soak.go(c.run())


def begin(c):
    c.send("<presence/>")
    c.send("<message to='%s@localhost'><body>%s</body></message>" % (c.name, c.token))


async def peek(soak, sink, sm, most):
    """So many are seen, or all; who cannot acknowledge what he sees (XEP-0198) sees all, since what was on the wire is his."""
    seen, most = [], most if sm else 1 << 30
    c, running = arrive(soak, sink, sm, seen.append)
    await c.ready()
    begin(c)
    await soak.until(lambda: len(seen) >= most or any(e.findtext(CLIENT + "body") == c.token for e in seen), lambda: "%s is told nothing" % sink)
    c.close()
    await running
    soak.seen[sink].update({e.findtext(CLIENT + "body"): stanza_id(e) for e in seen})


async def drain(soak, sink, sm):
    """What is kept for somebody who is away, by who sent it."""
    found, ended = [], asyncio.get_running_loop().create_future()
    seen = soak.seen[sink]

    def message(e):
        body = e.findtext(CLIENT + "body")
        if body == c.token:
            ended.done() or ended.set_result(None)
        elif body.startswith("end "):
            return  # of one who was cut off
        elif body in seen and seen[body] != stanza_id(e):
            raise Lost("%s: %s comes once more with another stanza-id: %s, %s" % (sink, body, seen[body], stanza_id(e)))
        else:
            found.append(body)

    c, running = arrive(soak, sink, sm, message)
    await c.ready()
    begin(c)
    try:
        await asyncio.wait_for(ended, DEADLINE)
    except asyncio.TimeoutError:
        raise Lost("%s: its own message did not come; have %r" % (sink, found[-5:]))
    await c.ask("set", private("drained", ""))  # behind the removal of what was delivered
    for k in soak.keepers:
        mine = [b for b in found if b.startswith(k.name + ".")]
        sent, extra = k.sent[sink], k.maybe[sink]
        missing = [b for b in sent if b not in mine and b not in seen]
        if missing or mine != [b for b in sent + extra if b in mine]:
            doubled = sorted({b for b in mine if mine.count(b) > 1})
            raise Lost("%s from %s: missing %r, doubled %r; found %r, acknowledged %r, on its way %r"
                       % (sink, k.name, missing, doubled, mine, k.sent[sink], extra))
        soak.counts["kept messages found"] += len(mine)
        k.sent[sink], k.maybe[sink] = [], []
    soak.seen[sink] = {}
    c.leave()
    await running
