#!/usr/bin/python3
"""Clients of libmynah over a wire that is cut, closed by halves, stalled or delayed behind a byte that the test chooses: no message is
lost or comes twice, each question ends once, the client comes back. Prints TAP.
usage: client_faults.py FAULTY MYNAHD [COUNT|all[:STEP[:FIRST]] [SEED [MINUTES]]]     so many faults at random places, or each kind at every
byte (of which STEP takes each so manieth, from byte FIRST on), in an order by lot; after MINUTES no more are begun. All is 128,000 chats, three
to four of them a second on two busy cores with sanitizers, so ten hours; all:149 is four minutes.
With prosody:REGISTER or ejabberd:REGISTER (the example of that name) for MYNAHD it goes over BOSH to Debian's servers of that name."""
import asyncio, os, random, re, shutil, subprocess, sys, tempfile, time

sys.path.append(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.append(os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "interop"))
import peers
from mynah import DEADLINE, Client, Server, clean, tap, write

FAULTY, MYNAHD = sys.argv[1:3]
COUNT = sys.argv[3] if len(sys.argv) > 3 else "200"
SEED = int(sys.argv[4]) if len(sys.argv) > 4 else 1
UNTIL = time.monotonic() + float(sys.argv[5]) * 60 if len(sys.argv) > 5 else float("inf")
PARALLEL, MESSAGES = 8, 12
# For ever: nothing comes through any more, either way or in that direction, and the connection stays.
FOR_EVER = ["stall for ever", "stall one way for ever"]
HOWS = ["cut", "half", "stall", "delay"] + (FOR_EVER if ":" not in MYNAHD else [])  # over BOSH none of those servers gives back what it wrote
CONFIG = """
data: %s/data
listen:
  - {address: "127.0.0.1", port: 0, tls: offered}
auth: {iterations: 4096}
registration: {open: yes, per_address: off}
"""


class Wire:
    """Carries connections to the server; the first `faults` of them meet one behind the byte `at` of one direction."""

    def __init__(self, port, up, at, how, faults):
        self.port, self.up, self.at, self.how, self.first, self.met = port, up, at, how, faults if how else 0, False
        self.passed, self.tasks, self.stalled = [0, 0], set(), False

    async def open(self):
        self.server = await asyncio.start_server(self.came, "127.0.0.1", 0)
        return self.server.sockets[0].getsockname()[1]

    async def came(self, reader, writer):
        first, self.first, writers = self.first > 0, self.first - 1, [writer]
        self.tasks.add(asyncio.current_task())
        try:
            far = await asyncio.open_connection("127.0.0.1", self.port)
            writers.append(far[1])
            await asyncio.gather(self.carry(reader, far[1], 0, first), self.carry(far[0], writer, 1, first))
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            for w in writers:
                w.transport.abort()

    async def carry(self, reader, writer, way, first):
        left = self.at if first and self.up == (way == 0) else None
        while data := await reader.read(65536):
            if first:
                self.passed[way] += len(data)
                if self.stalled:
                    await asyncio.Event().wait()
            if left is not None and len(data) >= left:
                writer.write(data[:left])
                await writer.drain()
                data, left, self.met = data[left:], None, True
                if self.how == "delay":
                    await asyncio.sleep(0.05)
                elif self.how == "half":
                    writer.write_eof()
                    return
                elif self.how in FOR_EVER:
                    self.stalled = self.how == FOR_EVER[0]
                    await asyncio.Event().wait()
                elif self.how == "stall":
                    await asyncio.sleep(0.3)
                    raise ConnectionResetError
                else:
                    raise ConnectionResetError
            elif left is not None:
                left -= len(data)
            writer.write(data)
            await writer.drain()
        if not writer.is_closing():
            writer.write_eof()

    async def close(self):
        self.server.close()
        for t in self.tasks:
            t.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)


class Program:
    def __init__(self, *args):
        self.args, self.lines = [FAULTY, *map(str, args)], []

    async def __aenter__(self):
        self.process = await asyncio.create_subprocess_exec(*self.args, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
                                                            stderr=asyncio.subprocess.STDOUT, env={**os.environ, "MYNAH_PASSWORD": "testpwd"})
        return self

    async def says(self, pattern):
        while True:
            line = (await asyncio.wait_for(self.process.stdout.readline(), 4 * DEADLINE)).decode()
            assert line, "%s did not say %r but: %s" % (self.args, pattern, "".join(self.lines))
            self.lines.append(line)
            if re.match(pattern, line):
                return line

    def sessions(self):
        """That it is known to have had until now."""
        return sum(x.startswith("online") for x in self.lines)

    async def __aexit__(self, *_):
        if self.process.returncode is None:
            self.process.kill()
        await self.process.wait()


class Mynahd:
    """Straight to it."""
    host, faults, ours = "localhost", 1, True

    def __init__(self, folder):
        self.folder = folder
        self.server = Server(MYNAHD, write(folder, CONFIG))
        self.ca, self.port, self.log = folder + "/data/certs/ca.crt", self.server.ports[0], self.server.log

    def account(self, name):
        c = Client(self.server)
        assert "type='result'" in c.register(name)[1]
        c.socket.close()

    def way(self, port):
        return port

    def end(self):
        self.server.end()

    def clean(self):
        clean(self.server, self.folder)


class Bosh:
    """Over HTTP to a server of Debian's; its accounts are made straight."""
    faults, ours = 3, False  # of several connections

    def __init__(self, name, register):
        self.peer, self.register, self.log = {"prosody": peers.Prosody, "ejabberd": peers.Ejabberd}[name]().__enter__(), register, []
        self.ca, self.host, self.port = self.peer.ca, self.peer.host, self.peer.ports[2]

    def account(self, name):
        env = {**os.environ, "MYNAH_HOST": "127.0.0.1", "MYNAH_PORT": str(self.peer.ports[0]), "MYNAH_CA": self.ca, "MYNAH_PASSWORD": "testpwd"}
        said = subprocess.run([self.register, "%s@%s" % (name, self.host)], env=env, capture_output=True, text=True)
        assert "online as" in said.stdout, said

    def way(self, port):
        return "http://127.0.0.1:%d/http-bind" % port

    def end(self):
        assert self.peer.process.poll() is None

    def clean(self):
        self.log += self.peer.read_log()[-50:]
        self.peer.__exit__()


class Steps:
    def __init__(self, server):
        self.server = server
        self.again = self.late = self.told = self.met = self.resumed = self.disordered = self.lost = self.numbers = 0
        # Of each pair of accounts, which one chat after the other has: the ids that its receiver has seen, and those that the server
        # may not know of, because nobody heard its good-bye, be it for the first time or again.
        self.seen, self.doubtful, self.before = [set() for _ in range(PARALLEL)], [set() for _ in range(PARALLEL)], [None] * PARALLEL
        for i in range(PARALLEL):
            for name in "from%d" % i, "to%d" % i:
                self.server.account(name)

    async def chat(self, pair, receiver, sender, way, messages):
        """To its end; returns the sender's last line."""
        first, bodies, seen = self.numbers, [], self.seen[pair]
        self.numbers += messages
        async with Program(sender, way, self.server.ca, receiver.args[1], messages, first) as p:
            end = await p.says("done|broken|.*ERROR")
            assert end.startswith("done"), "".join(p.lines)
        receiver.more += p.sessions() - 1
        while len(bodies) < messages:
            _, ident, body = (await receiver.says("got ")).split()
            receiver.got.add(ident)
            if ident in seen and ident in receiver.before:
                assert ident in self.doubtful[pair] or not self.server.ours, \
                    "message %s comes again to %s, which says %s; it came before with %s" % (body, receiver.args[1], receiver.lines, self.before[pair])
                self.late += 1
            elif ident in seen:
                self.again += 1
                assert receiver.sessions() + receiver.more > 1, "message %s is doubled in a session that was resumed" % body
            else:
                seen.add(ident)
                bodies.append(int(body))
        ordered = bodies == sorted(bodies)
        assert sorted(bodies) == list(range(first, first + messages)) and (ordered or not self.server.ours), "%s from %d on" % (bodies, first)
        self.disordered += not ordered
        return end

    async def one(self, pair, side, up, at, how):
        """Two chats in a row with the same receiver; the wire of the first one's sender has the fault, or that of the receiver."""
        wires = {x: Wire(self.server.port, up, at, how if x == side else None, self.server.faults) for x in ("sender", "receiver")}
        ways = {x: self.server.way(await w.open()) for x, w in wires.items()}
        author, to = "from%d@%s/" % (pair, self.server.host), "to%d@%s/r" % (pair, self.server.host)
        try:
            async with Program(to, ways["receiver"], self.server.ca) as receiver:
                receiver.before, receiver.got, receiver.more = set(self.seen[pair]), set(), 0
                await receiver.says("there")
                end = await self.chat(pair, receiver, author + "s", ways["sender"], MESSAGES)
                # Whatever comes twice has come before what a second one says.
                await self.chat(pair, receiver, author + "t", ways["sender"], 4)
                receiver.process.stdin.close()
                told = await receiver.says("done|broken|.*ERROR")
                assert told.startswith("done"), "".join(receiver.lines)
            self.doubtful[pair] = set() if told.endswith(" heard\n") else receiver.got
            self.before[pair] = (side, up, at, how), end, receiver.lines
            self.told += 1
            self.met += wires[side].met
            self.resumed += sum(int(x.split()[3]) for x in (end, told))
            self.lost += sum(int(x.split()[1]) - 1 for x in (end, told))
            return wires[side].passed
        except Exception as e:
            raise Exception("%s at byte %d %s of the %s: %r" % (how, at, "up" if up else "down", side, e)) from e
        finally:
            for w in wires.values():
                await w.close()

    async def measured(self):
        """How many bytes go up and down on a wire without a fault."""
        return {side: await self.one(0, side, True, 1 << 40, "cut") for side in ("sender", "receiver")}

    async def many(self, plans):
        plans = iter(plans)

        async def worker(pair):
            for plan in plans:
                if time.monotonic() > UNTIL:
                    return
                await self.one(pair, *plan)

        await asyncio.gather(*map(worker, range(PARALLEL)))

    def faults_lose_and_double_nothing(self):
        rng = random.Random(SEED)
        sizes = asyncio.run(self.measured())
        if COUNT.startswith("all"):
            step, begin = [*map(int, COUNT.split(":")[1:]), 1, 1][:2]
            plans = [(side, up, at, how) for side in sizes for up in (True, False) for at in range(begin, sizes[side][0 if up else 1], step) for how in HOWS]
            rng.shuffle(plans)
        else:
            plans = []
            for _ in range(int(COUNT)):
                side, up = rng.choice(["sender", "sender", "receiver"]), rng.random() < 0.5
                most = sizes[side][0 if up else 1] // self.server.faults
                plans.append((side, up, rng.randrange(1, most), rng.choices(HOWS, [5, 5, 5, 5, 1, 1][:len(HOWS)])[0]))
        asyncio.run(self.many(plans))
        print("# seed %d: %d of %d chats of %d messages, %d met their fault, %d resumptions, %d sessions lost, %d messages came again with their id, "
              "%d to the next chat, %d chats in another order"
              % (SEED, self.told - len(sizes), len(plans), MESSAGES, self.met, self.resumed, self.lost, self.again, self.late, self.disordered))

    def the_server_ends_well(self):
        self.server.end()


folder = None if ":" in MYNAHD else tempfile.mkdtemp(prefix="mynah-faults-")
server = None
try:
    server = Mynahd(folder) if folder else Bosh(*MYNAHD.split(":"))
    steps = Steps(server)
    bad = tap([steps.faults_lose_and_double_nothing, steps.the_server_ends_well], lambda: server.log)
finally:
    if server:
        server.clean()
    elif folder:
        shutil.rmtree(folder)
sys.exit(bool(bad))
