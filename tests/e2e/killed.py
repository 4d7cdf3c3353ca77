#!/usr/bin/python3
"""A client of libmynah and mynahd are killed (-9) in turns at random moments, while the client sends to somebody who is away; each run of
the client goes on with what the one before has saved. What a life line called acknowledged is there, in order; what comes twice has the
same id. Prints TAP.
usage: killed.py KILLED MYNAHD [LIVES [SEED]]"""
import asyncio, os, random, re, shutil, signal, sys, tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.dirname(HERE)]
from line import Wire
from mynah import DEADLINE, Client, Server, clean, person, tap, write

KILLED, MYNAHD = sys.argv[1:3]
LIVES = int(sys.argv[3]) if len(sys.argv) > 3 else 14
SEED = int(sys.argv[4]) if len(sys.argv) > 4 else 1
MESSAGES = 40 * LIVES
CONFIG = """
data: %s/data
listen:
  - {address: "127.0.0.1", port: 0, tls: offered}
auth: {mechanisms: [SCRAM-SHA-256, PLAIN], without_tls: [PLAIN], iterations: 4096}
registration: {open: yes, per_address: off}
"""


class Steps:
    def __init__(self, folder):
        self.folder, self.server, self.acked = folder, Server(MYNAHD, write(folder, CONFIG)), []
        for name in "from", "to":
            assert "type='result'" in Client(self.server).register(name)[1]

    async def client(self):
        p = await asyncio.create_subprocess_exec(
            KILLED, "from@localhost/s", str(self.wire.port), self.folder + "/data/certs/ca.crt", self.folder + "/kept", "to@localhost",
            str(MESSAGES), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, env={**os.environ, "MYNAH_PASSWORD": "testpwd"})

        async def read():
            while line := (await p.stdout.readline()).decode():
                self.acked.append(int(line.split()[1]))

        return p, asyncio.create_task(read())

    async def life(self, rng, p):
        """Until more is acknowledged and a moment behind that, so that a slow machine gets on, too."""
        until = len(self.acked) + rng.randint(1, 30)
        for _ in range(50 * DEADLINE):
            if len(self.acked) >= until or len(set(self.acked)) == MESSAGES:
                break
            assert p.returncode is None, p.returncode
            await asyncio.sleep(0.02)
        else:
            raise Exception("nothing is acknowledged any more: %s" % self.acked[-5:])
        await asyncio.sleep(rng.random() * 0.02)

    async def lives(self, client_alone):
        rng = random.Random(SEED)
        self.wire = Wire(SEED)
        self.wire.target, self.wire.bytes = self.server.ports[0], 1 << 40
        await self.wire.start()
        p, reading = await self.client()
        for _ in range(LIVES):
            await self.life(rng, p)
            if client_alone or rng.random() < 0.5:
                p.kill()
                await p.wait()
                await reading
                p, reading = await self.client()
            else:
                self.server.stop(signal.SIGKILL)
                self.server.start()
                self.wire.target = self.server.ports[0]
        while len(set(self.acked)) < MESSAGES:
            await self.life(rng, p)
        p.stdin.close()
        assert await asyncio.wait_for(p.wait(), DEADLINE) == 0
        await reading
        self.wire.server.close()

    def got(self):
        to, got = person(self.server, "to"), []
        to.send("<presence/>")
        while len(set(got)) < MESSAGES:
            got += [int(x) for x in re.findall("<body>(\\d+)</body>", to.until("</message>"))]
        got += [int(x) for x in re.findall("<body>(\\d+)</body>", to.ping())]
        to.send("</stream:stream>")
        to.ends()
        return got

    def what_was_acknowledged_is_there_in_order(self):
        asyncio.run(self.lives(False))
        got = self.got()
        first = list(dict.fromkeys(got))
        assert first == list(range(MESSAGES)), first
        print("# %d messages over %d lives, %d came twice with their id" % (MESSAGES, LIVES, len(got) - MESSAGES))

    def nothing_comes_twice_where_the_server_lives(self):
        """Each run resumes the session of the one before, and hears how much of it has arrived."""
        os.remove(self.folder + "/kept")
        self.acked = []
        asyncio.run(self.lives(True))
        assert self.got() == list(range(MESSAGES))

    def the_server_ends_well(self):
        self.server.end()


folder = tempfile.mkdtemp(prefix="mynah-killed-")
steps = None
try:
    steps = Steps(folder)
    bad = tap([steps.what_was_acknowledged_is_there_in_order, steps.nothing_comes_twice_where_the_server_lives, steps.the_server_ends_well], lambda: steps.server.log)
finally:
    if steps:
        clean(steps.server, folder)
    else:
        shutil.rmtree(folder)
sys.exit(bool(bad))
