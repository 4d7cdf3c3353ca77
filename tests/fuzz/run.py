#!/usr/bin/python3
"""One bounded run of a fuzz target, always the same one. Prints TAP; what crashes is kept in the build folder and printed.
usage: run.py PROGRAM NOUN RUNS [BUG]     with a BUG, which was seeded into the program, the run must find it"""
import base64, os, subprocess, sys, tempfile

program, noun, runs = sys.argv[1:4]
bug = sys.argv[4] if len(sys.argv) > 4 else None
here = os.path.dirname(os.path.abspath(__file__))
corpus = os.path.join(here, "corpus", noun)
words = os.path.join(here, noun + ".dict")
kept = os.path.join(os.getcwd(), os.path.basename(program) + "-")

with tempfile.NamedTemporaryFile("w") as seeds:
    seeds.write(",".join(os.path.join(corpus, f) for f in sorted(os.listdir(corpus))))
    seeds.flush()
    p = subprocess.run([program, "-seed=1", "-runs=" + runs, "-timeout=60", "-report_slow_units=60", "-seed_inputs=@" + seeds.name,
                        "-artifact_prefix=" + kept] + (["-dict=" + words] if os.path.exists(words) else []),
                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
out = p.stdout.decode(errors="replace")
crash = next((l.split()[-1] for l in out.splitlines() if "Test unit written to" in l), None)
good = p.returncode == 0 if not bug else crash is not None
print("1..1")
if not good:
    print("\n".join("# " + l for l in out.splitlines()[-60:]))
    if crash and os.path.exists(crash):
        data = open(crash, "rb").read()
        print("# the input is kept; again: setarch -R %s %s\n# %r\n# base64: %s"
              % (os.path.abspath(program), crash, data, base64.b64encode(data).decode()))
print("%sok 1 - %s" % ("" if good else "not ", "%s runs of %s" % (runs, noun) if not bug else "%s: the seeded bug is found" % bug))
if bug and crash:
    os.unlink(crash)
sys.exit(not good)
