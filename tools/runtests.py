#!/usr/bin/python3
"""Runs the tests that meson knows, two at a time, and counts what their TAP says. Up to AGAIN programs that failed beside others run
again alone, when nothing else does: what passes then is named UNSTEADY, with what it said the first time, and wants mending all the same.
usage: runtests.py BUILD [BUILD:SUITE,SUITE]... [SUITE | SUITE/NAME]...     of a build with suites behind it only those are run; without
a SUITE everything is but bench-smoke"""
import json, os, re, subprocess, sys, time
from concurrent.futures import ThreadPoolExecutor

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../tests/requirements"))
import check

AGAIN = 3
builds = [sys.argv[1] + ":"] + [a for a in sys.argv[2:] if ":" in a]
wanted = [a for a in sys.argv[2:] if ":" not in a]
tests, seen, unknown = [], {}, set(wanted)
for build, only in (b.split(":") for b in builds):
    for t in json.loads(subprocess.check_output(["meson", "introspect", "--tests", build])):
        suites = {s.split(":")[-1] for s in t["suite"]}
        unknown -= suites | {t["name"]}
        if (not only or suites & set(only.split(","))) and ((suites | {t["name"]}) & set(wanted) if wanted else suites != {"bench-smoke"}):
            tests.append({**t, "build": build})
if unknown:
    sys.exit("no test and no suite is named " + ", ".join(sorted(unknown)) + "; all names: meson test -C BUILD --list")


def run(t):
    began = time.monotonic()
    # The sanitizers want a fixed address map; where personality() is refused they run without.
    cmd = t["cmd"]
    if subprocess.run(["setarch", "-R", "true"], stderr=subprocess.DEVNULL).returncode == 0:
        cmd = ["setarch", "-R"] + cmd
    try:
        p = subprocess.run(cmd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                           timeout=t["timeout"] * 2, cwd=t.get("workdir") or t["build"],
                           env={**os.environ, "TSAN_OPTIONS": "halt_on_error=1", **t.get("env", {})})
        out, code = p.stdout.decode(errors="replace"), p.returncode
    except subprocess.TimeoutExpired as e:
        out, code = (e.stdout or b"").decode(errors="replace") + "\n# timed out", 1
    good = len(re.findall(r"^ok \d+", out, re.M))
    bad = len(re.findall(r"^not ok \d+", out, re.M))
    plan = re.search(r"^1\.\.(\d+)", out, re.M)
    if not plan or good + bad != int(plan.group(1)) or (code and not bad):
        bad += 1
    more = out + "\n" if bad else "".join("       %s\n" % line for line in re.findall(r"^# (.+)", out, re.M))
    sys.stdout.write("%-6s %-13s %-22s %3d passed %5.1f s\n" % ("FAILED" if bad else "ok", os.path.basename(t["build"]), t["name"], good,
                                                                time.monotonic() - began) + more)
    sys.stdout.flush()
    return good, bad, check.names(t["name"], {s.split(":")[-1] for s in t["suite"]}, out)


with ThreadPoolExecutor(2) as pool:
    results = list(pool.map(run, tests))
again = [i for i, r in enumerate(results) if r[1]]
if len(again) <= AGAIN:
    for i in again:
        results[i] = run(tests[i])
        if not results[i][1]:
            print("UNSTEADY %s: it failed above beside other tests, and passed alone" % tests[i]["name"], flush=True)
for _, _, names in results:
    for name, passed in names:
        seen.setdefault(name, []).append(passed)
results.append(check.check({name: all(passed) for name, passed in seen.items()}, not wanted))
passed, failed = (sum(r[i] for r in results) for i in (0, 1))
print("%d passed, %d failed" % (passed, failed))
sys.exit(1 if failed or not passed else 0)
