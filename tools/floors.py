#!/usr/bin/python3
"""Fails when a file includes what its floor may not (the table of ARCHITECTURE.md), looks at the configuration of the start where a
reload may have brought another, or does elsewhere what is done in one place. Prints TAP."""
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

ONE_PLACE = [  # (pattern, the place, what to call instead)
    (r"\b(RAND_(?:priv_)?bytes(?:_ex)?|RAND_pseudo_bytes|getrandom|getentropy|arc4random\w*|[dels]?rand48(?:_r)?|s?random(?:_r)?|s?rand(?:_r)?)"
     r"\s*\(|/dev/u?random", "src/base/rand.c", "mn_rand_*: the one source of what nobody can guess"),
    (r"\b(CRYPTO_memcmp|timingsafe_\w+|consttime_\w+|explicit_memcmp)\s*\(", "src/base/crypt.c", "mn_crypt_eq: the one comparison in constant time"),
    (r"\b(mn_str_(?:is|eq|eq_nocase|cmp)|memcmp|str(?:n?case)?n?cmp)\s*\([^;]*(?:proof|verifier|secret|signature|password|response|token)",
     "src/base/crypt.c", "mn_crypt_eq: what is secret is compared in constant time"),
]
START = {"src/server/%s.c" % name for name in ("server", "module", "command_config", "protocol")}


def floor(path):
    return next((f for f in sorted(ABOVE, key=len, reverse=True) if path.startswith(f + "/")), None)


def leaf(path):
    return next((f for f in LEAVES if path.startswith(f + "/")), None)


def elsewhere(path, line):
    if path.startswith(("src/", "apps/")):
        for pattern, place, instead in ONE_PLACE:
            if path != place and re.search(pattern, line):
                return "%s: %s (%s)" % (path, instead, line.strip())
    return None


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


def lines(root):
    files = [os.path.relpath(os.path.join(d, f), root) for top in ("src", "apps", "include", "tests")
             for d, _, names in os.walk(os.path.join(root, top)) for f in names if f.endswith((".c", ".h", ".def"))]
    return [(f, line) for f in sorted(files) for line in open(os.path.join(root, f), encoding="utf-8")]


def told(n, what, wrong):
    print("%s %d - %s" % ("not ok" if wrong else "ok", n, what))
    print("".join("# %s\n" % w for w in wrong), end="")
    return bool(wrong)


root = os.path.abspath(sys.argv[1])
tree = lines(root)
seeded = [("src/base/str.c", "net/conn.h"), ("src/net/conn.c", "xmpp/xml.h"), ("src/xmpp/xml.c", "net/conn.h"),
          ("apps/mynahctl.c", "server/server.h"), ("src/server/mod/mod_ping.c", "server/store_nothing.h")]
missed = [s for s in seeded if not breach(root, s[0], '#include "%s"' % s[1])]
missed += [] if breach(root, "src/server/sm.c", "x = o->srv->conf->limits.queue;") else ["srv->conf"]
missed += [line for line in ("RAND_bytes(p, n);", "x = rand();", 'open("/dev/urandom", 0);', "if (CRYPTO_memcmp(a, b, n))",
                             "if (mn_str_eq(got, s->stored_password))", "return !memcmp(p, secret, n);")
           if not elsewhere("src/server/sm.c", line)]
print("1..3")
bad = told(1, "nobody includes above or beside their floor", [b for b in (breach(root, *l) for l in tree) if b])
bad |= told(2, "random bytes and the comparison of secrets have one place each", [b for b in (elsewhere(*l) for l in tree) if b])
bad |= told(3, "a seeded breach is found", missed)
sys.exit(bad)
