#!/usr/bin/python3
"""What the compiler and the linker are asked for is in the programs of a release build. Prints TAP.
usage: hardened.py PROGRAM..."""
import os, re, subprocess, sys

sys.path.append(os.path.dirname(os.path.abspath(__file__)))
from mynah import tap


def looks(program):
    def readelf(*options):
        return subprocess.check_output(["readelf", "-W", *options, program], text=True)

    head, dynamic, segments, symbols = readelf("-h"), readelf("-d"), readelf("-l"), readelf("--dyn-syms")
    missing = [what for what, there in [
        ("position independent", re.search(r"Type:\s+DYN", head) and "PIE" in dynamic),
        ("relocations read-only from the start", "GNU_RELRO" in segments and "BIND_NOW" in dynamic),
        ("stack not executable", re.search(r"GNU_STACK.* RW ", segments)),
        ("stack protector", "__stack_chk_fail" in symbols),
        ("fortified libc calls", re.search(r" __\w+_chk\b", symbols)),
        ("no symbol of ours exported", not re.search(r" (GLOBAL|WEAK) +\w+ +\d+ (mn_|server_|mod_)", symbols)),
    ] if not there]
    assert not missing, missing


sys.exit(tap([(os.path.basename(p) + " is hardened", lambda p=p: looks(p)) for p in sys.argv[1:]]) != 0)
