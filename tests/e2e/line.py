"""A client that comes back when its connection is cut (XEP-0198), and the wire that cuts it. For asyncio."""
import asyncio, base64, collections, random, socket, ssl, struct, sys, time, xml.etree.ElementTree as ET

sys.path.append(__file__.rsplit("/", 2)[0])
from mynah import DEADLINE, Lost, SASL

CLIENT, SM, TLS, STREAM = "{jabber:client}", "{urn:xmpp:sm:3}", "{urn:ietf:params:xml:ns:xmpp-tls}", "{http://etherx.jabber.org/streams}"
STANZAS = [CLIENT + "iq", CLIENT + "message", CLIENT + "presence"]
CUT = (OSError, EOFError, asyncio.IncompleteReadError)


class Gone(Exception):
    """What was asked will not be answered: the session is over."""


class Closed(EOFError):
    """The server has ended the stream properly."""


class Stream:
    """One connection: elements come out of it. EOFError at its end."""

    async def connect(self, port):
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", port)
        return await self.open()

    async def open(self):
        self.parser, self.depth, self.elements = ET.XMLPullParser(["start", "end"]), 0, collections.deque()
        self.write("<stream:stream to='localhost' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>")
        return await self.next()

    def write(self, text):
        self.writer.write(text.encode())

    async def next(self):
        while not self.elements:
            data = await self.reader.read(65536)
            if not data:
                raise EOFError("closed")
            self.parser.feed(data)
            try:
                self.elements_of(self.parser.read_events())
            except ET.ParseError as e:
                # It may be stopped between <success/> and our new stream: its error comes in a stream of its own.
                raise EOFError("an end in a new stream") if b"<stream:error" in data else Lost("%s: %r" % (e, data))
        e = self.elements.popleft()
        if e.tag == STREAM + "stream":
            raise Closed("</stream>")
        if e.tag == STREAM + "error":
            raise EOFError(ET.tostring(e, "unicode"))
        return e

    def elements_of(self, events):
        for event, e in events:
            self.depth += 1 if event == "start" else -1
            if event == "start" and self.depth == 1:
                self.root = e
            elif event == "end" and self.depth < 2:
                self.elements.append(e)
                if self.depth:
                    self.root.remove(e)

    async def start_tls(self):
        self.write("<starttls xmlns='%s'/>" % TLS[1:-1])
        await self.next()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        try:
            await self.writer.start_tls(context)
        except ssl.SSLError as e:
            raise EOFError(str(e))
        await self.open()

    async def plain(self, name, password):
        self.write("<auth xmlns='%s' mechanism='PLAIN'>%s</auth>" % (SASL, base64.b64encode(("\0%s\0%s" % (name, password)).encode()).decode()))
        return (await self.next()).tag == "{%s}success" % SASL

    def close(self):
        self.writer.transport.abort()


class Line:
    """A client and its session. With `sm` it comes back to it for ever; else it ends with its stream."""

    def __init__(self, port, name, rng, resource="r", password="testpwd", sm=False, tls=False):
        self.port, self.name, self.rng, self.resource, self.password, self.sm, self.tls = port, name, rng, resource, password, sm, tls
        self.up = self.ended = self.leaving = self.closed = False
        self.previd = self.stream = None
        self.powers = lambda: 0  # how often the power went: whose session is older has none
        self.asked, self.number, self.counts = {}, 0, collections.Counter()
        self.on_message = self.on_presence = lambda e: None
        self.forget()

    def forget(self):
        self.sent = self.acked = self.handled = 0
        self.unacked, self.marks = collections.deque(), collections.deque()
        for future in self.asked.values():
            if not future.done():
                future.set_exception(Gone(self.name))
                future.exception()  # nobody need look
        self.asked = {}

    async def login(self):
        s = self.stream = Stream()
        await s.connect(self.port())
        if self.tls:
            await s.start_tls()
        if not await s.plain(self.name, self.password):
            raise Lost("%s cannot log in" % self.name)
        await s.open()

    async def come(self):
        """Back in the old session, or in a new one where there is none."""
        powers = self.powers()
        await self.login()
        s = self.stream
        if self.previd:
            s.write("<resume xmlns='%s' previd='%s' h='%d'/>" % (SM[1:-1], self.previd, self.handled))
            answer = await s.next()
            if answer.tag == SM + "resumed":
                self.counts["resumed"] += 1
                self.has(max(int(answer.get("h")), self.acked))  # stanzas that nobody stores are told and not kept
                for text in self.unacked:
                    s.write(text)
                self.up = True
                self.request()
                if self.leaving:
                    self.bye()
                return
            if self.leaving:
                raise Closed("gone")
            if self.powers() == self.born:
                raise Lost("%s: %s of session %s: sent %d, of which acknowledged %d, received %d" % (
                    self.name, ET.tostring(answer, "unicode"), self.previd, self.sent, self.acked, self.handled))
            self.counts["sessions gone with the power"] += 1
            if answer.get("h"):  # so much is kept, whatever became of the session
                self.counts["of these, with a count of what is kept"] += 1
                self.has(max(int(answer.get("h")), self.acked))  # stanzas that nobody stores are told and not kept
            self.previd = None
        self.forget()
        s.write("<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>%s</resource></bind></iq>" % self.resource)
        if (await s.next()).get("type") != "result":
            raise Lost("%s cannot bind" % self.name)
        if self.sm:
            s.write("<enable xmlns='%s' resume='true'/>" % SM[1:-1])
            while True:  # what was sent to the resource already is not counted
                e = await s.next()
                if e.tag == SM + "enabled":
                    break
                self.take(e)
            self.previd, self.born, self.handled = e.get("id"), powers, 0
        self.up = True

    async def run(self):
        """Reads. With `sm` for ever."""
        since = time.monotonic()
        while not self.closed:
            try:
                await asyncio.wait_for(self.come(), DEADLINE)
                since = None
                while True:
                    self.take(await self.stream.next())
            except asyncio.TimeoutError:
                raise Lost("%s: no answer to a login" % self.name)
            except CUT as e:
                self.why, self.up = e, False
                if self.stream and hasattr(self.stream, "writer"):
                    self.stream.close()
                since = since or time.monotonic()
                if time.monotonic() > since + 2 * DEADLINE:
                    raise Lost("%s cannot come back: %r" % (self.name, e))
                if not self.sm or self.closed or self.leaving and isinstance(e, Closed):
                    self.forget()
                    self.ended = True
                    return
                await asyncio.sleep(0.02 + 0.1 * self.rng.random())

    async def ready(self):
        until = time.monotonic() + 2 * DEADLINE
        while not self.up:
            if self.ended:
                raise Gone(self.name)
            if time.monotonic() > until:
                raise Lost("%s is not back: %r" % (self.name, getattr(self, "why", None)))
            await asyncio.sleep(0.01)

    def has(self, h):
        if not self.acked <= h <= self.acked + len(self.unacked):
            raise Lost("%s: h=%d, of %d sent and %d acknowledged" % (self.name, h, self.sent, self.acked))
        for _ in range(h - self.acked):
            self.unacked.popleft()
        self.acked = h
        while self.marks and self.marks[0][0] <= h:
            future = self.marks.popleft()[1]
            if not future.done():
                future.set_result(None)

    def take(self, e):
        if e.tag == SM + "r":
            if self.rng.random() < 0.8:
                self.stream.write("<a xmlns='%s' h='%d'/>" % (SM[1:-1], self.handled))
        elif e.tag == SM + "a":
            self.has(int(e.get("h")))
        elif e.tag in STANZAS:
            self.handled += 1
            self.counts["stanzas received"] += 1
            if self.sm and self.handled % 20 == 0:
                self.stream.write("<a xmlns='%s' h='%d'/>" % (SM[1:-1], self.handled))
            if e.tag == CLIENT + "message":
                self.on_message(e)
            elif e.tag == CLIENT + "presence":
                self.on_presence(e)
            elif e.get("type") in ("result", "error"):
                self.answered(e)
            else:
                to = "to='%s'" % e.get("from") if e.get("from") else ""
                self.send("<iq type='result' id='%s' %s/>" % (e.get("id"), to))

    def answered(self, e):
        if not e.get("id").startswith("q"):
            return
        if e.get("id") not in self.asked:
            raise Lost("%s: a second answer to %s" % (self.name, e.get("id")))
        future = self.asked.pop(e.get("id"))
        if not future.done():
            future.set_result(e)

    def send(self, text):
        self.sent += 1
        if self.sm:
            self.unacked.append(text)
        if self.up:
            self.stream.write(text)

    def ask(self, kind, query, to="", id=None):
        """The answer, to be awaited."""
        self.number += 1
        id = "q%d" % self.number
        future = self.asked[id] = asyncio.get_running_loop().create_future()
        self.send("<iq type='%s' id='%s' %s>%s</iq>" % (kind, id, to and "to='%s'" % to, query))
        if not self.up and not self.sm:
            self.forget()
        return future

    def ping(self, to="localhost"):
        return self.ask("get", "<ping xmlns='urn:xmpp:ping'/>", to)

    def settled(self):
        """To be awaited: the server has taken all that was sent."""
        if not self.sm:
            return self.ping()
        future = asyncio.get_running_loop().create_future()
        self.marks.append((self.sent, future))
        self.asked["mark%d" % self.number] = future
        self.number += 1
        self.request()
        return future

    def leave(self):
        """For good: the session ends with its stream. That is over when run() returns."""
        self.leaving = True
        if self.up:
            self.bye()

    def bye(self):
        self.stream.write("<a xmlns='%s' h='%d'/></stream:stream>" % (SM[1:-1], self.handled) if self.sm else "</stream:stream>")

    def close(self):
        """At once, without a word."""
        self.closed = True
        self.stream.close()

    def request(self):
        if self.up:
            self.stream.write("<r xmlns='%s'/>" % SM[1:-1])


class Wire:
    """What lies between clients and the server: ends, resets, half-closes and stalls connections at random bytes, either way."""

    def __init__(self, seed):
        self.seed, self.number, self.target, self.bytes = seed, 0, None, 20000
        self.counts = collections.Counter()

    async def start(self):
        self.server = await asyncio.start_server(self.connection, "127.0.0.1", 0)
        self.port = self.server.sockets[0].getsockname()[1]

    async def connection(self, reader, writer):
        self.number += 1
        rng = random.Random("%s wire %d" % (self.seed, self.number))
        try:
            up_reader, up_writer = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            writer.transport.abort()
            return
        ends = [writer, up_writer]
        victim = rng.randrange(2)
        await asyncio.gather(*(self.pump(r, w, ends, rng if i == victim else None) for i, (r, w) in enumerate([(reader, up_writer), (up_reader, writer)])))
        for w in ends:
            w.transport.abort() if w.transport.get_write_buffer_size() else w.close()

    async def pump(self, reader, writer, ends, rng):
        left = int(rng.expovariate(1 / self.bytes)) if rng else 1 << 60
        try:
            while True:
                data = await reader.read(65536)
                if not data:
                    break
                if len(data) > left and self.bytes:
                    writer.write(data[:left])
                    await writer.drain()
                    how = rng.choice(["ended", "reset", "half-closed", "stalled", "stalled"])
                    self.counts["connections " + how] += 1
                    if how == "stalled":
                        await asyncio.sleep(rng.random() * 0.5)
                        data, left = data[left:], int(rng.expovariate(1 / self.bytes))
                    elif how == "half-closed":
                        break
                    else:
                        for w in ends:
                            if how == "reset":
                                w.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                            w.transport.abort()
                        return
                left -= len(data)
                writer.write(data)
                await writer.drain()
            if writer.can_write_eof():
                writer.write_eof()
        except CUT:
            for w in ends:
                w.transport.abort()
