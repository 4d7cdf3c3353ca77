#!/usr/bin/python3
"""One account twice (twins.c) on each server: client state, vCards, commands for some, ties of Jingle sessions, lists of rooms. Prints TAP.
usage: twins.py FOLDER-OF-EXAMPLES TWINS MYNAHD"""
import contextlib, os, subprocess, sys

from driver import DEADLINE, config_new, serving, tap
from peers import Ejabberd, Prosody

EXAMPLES, TWINS, MYNAHD = sys.argv[1:]
THINGS = ["idle, told", "vCard", "commands", "tie", "redirect"]


def run(server, program, *args):
    env = {**os.environ, "MYNAH_HOST": "127.0.0.1", "MYNAH_PORT": str(server.ports[0]), "MYNAH_CA": server.ca, "MYNAH_PASSWORD": "pw"}
    p = subprocess.run([program, "twin@" + server.host, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env, timeout=6 * DEADLINE)
    assert p.returncode == 0, (p.stdout, p.stderr)
    return p.stdout.splitlines()


def together(server, rooms):
    run(server, EXAMPLES + "/register")
    said = run(server, TWINS, "rooms." + server.host if rooms else "-")
    assert said == THINGS + ["list %s@example.org" % name for name in rooms], said


with contextlib.ExitStack() as stack:
    mynahd, prosody, ejabberd = (stack.enter_context(s) for s in (serving(MYNAHD, *config_new()), Prosody(), Ejabberd()))
    bad = tap([("mynahd", lambda: together(mynahd, [])), ("Prosody", lambda: together(prosody, ["in"])),  # it takes the first of a list
               ("ejabberd", lambda: together(ejabberd, ["in", "out"]))],
              lambda: mynahd.log + prosody.log() + ejabberd.log())
sys.exit(bad != 0)
