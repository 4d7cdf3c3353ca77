#!/usr/bin/python3
"""The memory ends while somebody connects, logs in and stores something: mynahd does without, or ends with one clear line; nothing
of what is stored is harmed. Prints TAP.
usage: memory.py MYNAHD MEMORY.so [TIMES [SEED]]"""
import os, random, shutil, signal, struct, subprocess, sys, tempfile

sys.path.append(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from mynah import Client, DEADLINE, Server, end_all, tap, write

MYNAHD, SHIM = map(os.path.abspath, sys.argv[1:3])
TIMES = int(sys.argv[3]) if len(sys.argv) > 3 else 8
chance = random.Random(int(sys.argv[4]) if len(sys.argv) > 4 else 1)
ALL = 1 << 40
CONFIG = """
data: %s/data
loops: 1
listen: [{address: "127.0.0.1", port: 0, tls: offered}]
auth: {mechanisms: [SCRAM-SHA-256], iterations: 4096}
registration: {open: yes, per_address: off}
"""


def started():
    memory(-1, 0)
    return Server(MYNAHD, config, env={"LD_PRELOAD": SHIM, "MYNAH_MEMORY": FOLDER + "/memory", "ASAN_OPTIONS": "verify_asan_link_order=0:allocator_may_return_null=1:detect_leaks=0"})


def memory(left, failing):
    with open(FOLDER + "/memory", "r+b" if os.path.exists(FOLDER + "/memory") else "wb", buffering=0) as f:
        f.write(struct.pack("qq", left, failing))


def talk(server, name, value):
    """From the first byte on; what was stored before is told at the end."""
    c = Client(server)
    c.starttls(FOLDER + "/data/certs/ca.crt")
    c.scram(name)
    c.bind("r")
    c.send("<iq type='get' id='1'><query xmlns='jabber:iq:roster'/></iq><presence/><message to='%s@localhost'><body>x</body></message>"
           "<iq type='get' id='2'><query xmlns='jabber:iq:private'><k xmlns='urn:k'/></query></iq>" % name)
    got = c.until("<iq [^>]*id='2'.*?</iq>")
    assert "<body>x</body>" in got and "type='result'" in got, got
    c.send("<iq type='set' id='3'><query xmlns='jabber:iq:private'><k xmlns='urn:k'>%s</k></query></iq>" % value)
    assert "type='result'" in c.until("<iq [^>]*id='3'[^>]*(/>|>.*?</iq>)")
    c.send("</stream:stream>")
    c.ends()
    return got


def registered(server, name):
    c = Client(server)
    c.starttls(FOLDER + "/data/certs/ca.crt")
    assert "type='result'" in c.register(name)[1]
    c.socket.close()


def needed():
    """How many allocations all of it takes."""
    server = started()
    registered(server, "a")
    registered(server, "b")
    memory(ALL, 0)
    talk(server, "a", "first")
    with open(FOLDER + "/memory", "rb") as f:
        n = ALL - struct.unpack("qq", f.read())[0]
    server.end()
    return n


def ends(failing):
    """At so many allocations in turn."""
    global stored
    over, most = 0, needed_by_all
    for i in range(TIMES):
        server, n = started(), int((i + chance.random()) * most / TIMES)
        memory(n, failing)
        try:
            talk(server, "a", "number %d" % i)
        except Exception:  # an answer of which it has nothing, or the end
            pass
        memory(-1, 0)
        try:
            talk(server, "b", "x")  # as if nothing had been
            code = server.stop()
        except Exception as e:
            try:
                code = server.process.wait(DEADLINE)
            except subprocess.TimeoutExpired:
                server.stop(signal.SIGKILL)
                raise Exception("behind %d allocations: it goes on, and %s %s" % (n, e, "".join(server.log[-30:])))
        server.reader.join(DEADLINE)
        assert code == 0 or code == 1 and server.log[-1] == "mynahd: out of memory\n", (n, code, server.log[-30:])
        assert not [l for l in server.log if "Sanitizer" in l or "runtime error" in l], server.log
        over += code
        server = started()
        got = talk(server, "a", "after %d" % i)
        assert stored in got or "number %d" % i in got, (n, got)
        server.end()
        stored = "after %d" % i
    print("# %d of %d times it ended" % (over, TIMES))


def one_allocation_fails():
    ends(1)


def all_that_follow_fail():
    ends(ALL)


FOLDER = tempfile.mkdtemp(prefix="mynah-memory-")
config, stored = write(FOLDER, CONFIG), "first"
try:
    needed_by_all = needed()
    print("# %d allocations" % needed_by_all)
    bad = tap([one_allocation_fails, all_that_follow_fail])
finally:
    end_all()
    shutil.rmtree(FOLDER)
sys.exit(bad != 0)
