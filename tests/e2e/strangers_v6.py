#!/usr/bin/python3
"""Whoever has IPv6 has a /64 at least, and is one address to the limits with all of it. In a network of its own. Prints TAP.
usage: strangers_v6.py MYNAHD"""
import os, shutil, subprocess, sys, tempfile, time

sys.path.append(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from beside import Beside, once
from mynah import Client, Server, clean, go_inside, skip, served, wait_for, write

if sys.argv[-1] != "inside":
    go_inside()
MYNAHD = os.path.abspath(sys.argv[1])
PER_ADDRESS, NETWORK, PORT = 6, 5, 5222
HERE = "fd00:ffff::1"
CONFIG = """
data: %%s/data
loops: 2
domains: [{name: localhost}]
listen:
  - {address: "::", port: %d, tls: offered}
  - {address: "127.0.0.1", port: 0, tls: offered}
auth: {mechanisms: [PLAIN], without_tls: [PLAIN], iterations: 4096}
registration: {open: yes, per_address: 2/d}
limits: {unauthenticated_per_address: %d, wrong_credentials: 100}
""" % (PORT, PER_ADDRESS)


def ip(*words):
    subprocess.run(["ip", *words], check=True)


def come(source, to=HERE):
    """A connection that is served, or None."""
    if ":" in source and source not in addresses:
        ip("-6", "addr", "add", source + "/64", "dev", "lo", "nodad")
        addresses.add(source)
    return served(server, source, (to, PORT))


def connections():
    """So many of a /64, five times as many of a /48; whoever comes by IPv4 is the address that he has there."""
    there = [come("fd00:9:0:%x::%x" % (1 + i // PER_ADDRESS, 1 + i)) for i in range(NETWORK * PER_ADDRESS)]
    assert all(there), there
    for source in "fd00:9:0:1:ffff::1", "fd00:9:0:5:1:2:3:4", "fd00:9:0:77::1":
        assert come(source) is None, source
    others = [come(source) for source in ("fd00:a::1", "fd00:9:1::1")]
    others += [come("127.0.%d.1" % i, "127.0.0.1") for i in range(2 * PER_ADDRESS)]
    assert all(others), others
    there.pop().socket.close()
    back = []
    wait_for(lambda: back.append(come("fd00:9:0:77::2")) or back[-1], "there is no room again")
    for c in there + others + back[-1:]:
        c.socket.close()


@once
def registrations():
    def register(source, name):
        c = None
        while not c:  # who has just left may be counted still
            c = come(source)
        answer = c.register(name)[1]
        c.socket.close()
        assert "type='result'" in answer or "<resource-constraint" in answer, answer
        return "type='result'" in answer
    made = [[register("fd00:20:0:%x::%x" % (i, k), "robot%d-%d" % (i, k)) for k in range(1, 5)] for i in range(6)]
    assert made == [[True, True, False, False]] * 5 + [[False] * 4], made
    assert register("fd00:21::1", "somebody") and register("fd00:20:1::1", "else")


@once
def guesses():
    """Of many accounts, each from another address of the /64: it costs time."""
    began = time.monotonic()
    for i in range(8):
        c = come("fd00:30::%x" % (i + 1))
        assert "<not-authorized" in c.plain("name%d" % i, "wrong")
        c.socket.close()
    assert time.monotonic() - began >= 0.25 + 0.5 + 1, time.monotonic() - began


ip("link", "set", "lo", "up")
if subprocess.run(["ip", "-6", "addr", "add", HERE + "/64", "dev", "lo", "nodad"]).returncode:
    skip("there is no IPv6 here")
addresses, folder = set(), tempfile.mkdtemp(prefix="mynah-strangers-")
server = Server(MYNAHD, write(folder, CONFIG))
try:
    for name in "from", "to":
        assert "type='result'" in Client(server).register(name)[1]
    bad = Beside(server, folder + "/data").tap([connections, registrations, guesses], [("it_ends_in_order", server.end)])
finally:
    clean(server, folder)
sys.exit(bad != 0)
