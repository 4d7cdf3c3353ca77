#!/usr/bin/python3
"""Keeps the headline figures in reach: bytes per idle session, no allocation on a message's way, and instructions per message, presence and login as multiples of
what expat takes for one stanza of the corpus in the same run. More than 10 % above gate.txt fails, and a parser that misses its
goal. Prints TAP.
usage: gate.py GATE XML CORPUS RECORD [--record]     --record writes the present multiples into RECORD"""
import glob, os, re, shutil, subprocess, sys, tempfile

MEMORY, ABOVE, PARSER = 2400, 1.10, 0.27
HEAD = """# Instructions of the server per chat message, per presence delivered and per login (five contacts), as multiples of those that
# expat takes for one stanza of tests/vectors/stanza-303.xml. More than 10 % above fails ./test gate. A commit that means to cost
# more records anew and says why: /usr/bin/python3 tests/bench/gate.py build-release/tests/bench/gate \\
#   build-release/tests/bench/xml tests/vectors/stanza-303.xml tests/bench/gate.txt --record
"""


def memory(gate):
    out = subprocess.check_output([gate, "memory"], text=True)
    return int(re.search(r"bytes per idle session: (\d+)", out).group(1))


def allocations(gate, corpus):
    out = subprocess.check_output([gate, "allocs", corpus], text=True)
    return float(re.search(r"allocations per message: ([\d.]+)", out).group(1))


def count(*command):
    """{phase: instructions per unit}"""
    folder, found = tempfile.mkdtemp(), {}
    try:
        p = subprocess.run(["valgrind", "--tool=callgrind", "--instr-atstart=no", "--collect-atstart=no",
                            "--callgrind-out-file=%s/out" % folder, *command],
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if p.returncode:
            raise SystemExit("Bail out! %s" % p.stdout)
        for name in glob.glob(folder + "/out.*"):
            with open(name) as f:
                text = f.read()
            m = re.search(r"^desc: Trigger: Client Request: (\w+) (\d+)$", text, re.M)
            if m:
                found[m[1]] = int(re.search(r"^totals: (\d+)", text, re.M)[1]) / int(m[2])
    finally:
        shutil.rmtree(folder)
    return found


def main(gate, xml, corpus, record, *options):
    found = count(gate, "count", corpus)
    ratios = {k: v / found["expat"] for k, v in found.items() if k != "expat"}
    if options == ("--record",):
        with open(record, "w") as f:
            f.write(HEAD + "".join("%s %.4f\n" % (k, ratios[k]) for k in ("message", "presence", "login")))
        return 0
    with open(record) as f:
        recorded = [line.split() for line in f if line.strip() and not line.startswith("#")]
    lines, held = [], memory(gate)
    lines.append((held <= MEMORY, "an idle session takes %d bytes of ours (at most %d)" % (held, MEMORY)))
    made = allocations(gate, corpus)
    lines.append((not made, "a chat message is received, routed and delivered without an allocation (%.4f)" % made))
    for name, was in recorded:
        now = ratios.get(name, float("inf"))
        lines.append((now <= ABOVE * float(was), "%s: %.4f of expat's instructions for a stanza, %s recorded" % (name, now, was)))
    alone = count(xml, corpus)
    parser = alone["ours"] / alone["expat"]
    lines.append((parser <= PARSER, "a stanza is parsed by %.4f of expat's instructions (at most %.2f)" % (parser, PARSER)))
    print("1..%d" % len(lines))
    print("# instructions: " + ", ".join("%s %d" % (k, round(v)) for k, v in found.items()))
    for i, (good, text) in enumerate(lines):
        print("%s %d - %s" % ("ok" if good else "not ok", i + 1, text))
    bad = any(not good for good, _ in lines)
    if bad:
        print("# if it is meant to cost more, record it anew (how: at the head of tests/bench/gate.txt) and say why in the commit")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
