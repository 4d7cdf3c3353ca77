#!/usr/bin/python3
"""Fails when a file includes what its floor may not (the table of ARCHITECTURE.md), or looks at the configuration of the start where
a reload may have brought another. Prints TAP."""
import os, re, subprocess, sys

ABOVE = {  # floor -> what it may include beside itself
    "src/base": [],
    "src/net": ["src/base"],
    "src/xmpp": ["src/base"],
    "src/rtc": ["src/net", "src/base"],
    "src/server": ["src/rtc", "src/net", "src/xmpp", "src/base"],
    "src/client": ["src/rtc", "src/net", "src/xmpp", "src/base", "include/mynah"],
    "src/im": ["include/mynah", "src/base"],
    "include/mynah": [],
    "apps": ["src/im", "include/mynah", "src/base"],
    "tests": ["src", "include/mynah", "apps"],
}
LEAVES = ["src/server/mod", "src/server/engine", "src/server/http", "src/server/store"]  # never include each other
ALLOWED = {("apps/mynahd.c", "src/server/server.h"), ("apps/commands.h", "src/server/commands.def")}

START = {"src/server/%s.c" % name for name in ("server", "module", "command_config")}


def floor(path):
    return next((f for f in sorted(ABOVE, key=len, reverse=True) if path.startswith(f + "/")), None)


def leaf(path):
    return next((f for f in LEAVES if path.startswith(f + "/")), None)


def breach(root, path, line):
    if path.startswith("src/server/") and re.search(r"\bsrv->conf\b", line) and path not in START:
        return "%s: srv->conf is that of the start; the owner's snap->conf is that of now" % path
    m = re.match(r'\s*#\s*include\s+"([^"]+)"', line)
    if not m:
        return None
    target = next((p for p in (os.path.join("src", m[1]), os.path.join("tests", m[1]), os.path.join("include", m[1]), m[1],
                               os.path.join(os.path.dirname(path), m[1])) if os.path.exists(os.path.join(root, p))), None)
    if target is None:
        return "%s: %s is not there" % (path, m[1])
    here, there = floor(path), floor(target)
    if here == there or here == "tests" or (path, target) in ALLOWED or there in ABOVE.get(here, []):
        a, b = leaf(path), leaf(target)
        if not b or here == "tests" or (a == b and a == "src/server/store") or (b == "src/server/engine" and a == "src/server/mod"):
            return None
    return "%s may not include %s" % (path, target)


def breaches(root):
    files = [os.path.relpath(os.path.join(d, f), root) for top in ("src", "apps", "include", "tests")
             for d, _, names in os.walk(os.path.join(root, top)) for f in names if f.endswith((".c", ".h", ".def"))]
    return [b for f in sorted(files) for line in open(os.path.join(root, f), encoding="utf-8") for b in [breach(root, f, line)] if b]


root = os.path.abspath(sys.argv[1])
seeded = [("src/base/str.c", "net/conn.h"), ("src/net/conn.c", "xmpp/xml.h"), ("src/xmpp/xml.c", "net/conn.h"),
          ("apps/mynahctl.c", "server/server.h"), ("src/server/mod/mod_ping.c", "server/store_nothing.h")]
missed = [s for s in seeded if not breach(root, s[0], '#include "%s"' % s[1])]
missed += [] if breach(root, "src/server/sm.c", "x = o->srv->conf->limits.queue;") else ["srv->conf"]
found = breaches(root)
print("1..2")
print("%s 1 - nobody includes above or beside their floor" % ("not ok" if found else "ok"))
print("".join("# %s\n" % b for b in found), end="")
print("%s 2 - a seeded breach is found" % ("not ok" if missed else "ok"))
sys.exit(bool(found or missed))
