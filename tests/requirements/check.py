"""The tables of requirements, and of protocols (docs/protocols.md), against what passed. One row is one duty: section, level, what, test, reason. `test` names tests that
prove it, separated by "; ", each SUITE/NAME as its program says it (of wire conversations: wire/NAME); `reason` says why nothing does.
Beside one test at least of each row of attacks.tsv two others chat (tests/beside.py); where nobody does, `reason` says why."""
import glob, os, re

BESIDE = ", two chatting beside it"  # tests/beside.py says so of a step
LEVELS = {"MUST", "MUST NOT", "SHOULD", "SHOULD NOT", "MAY"}


def names(test, suites, out):
    """(name, passed) of the TAP of a test."""
    for good, name in re.findall(r"^(ok|not ok) \d+ - (.*)", out, re.M):
        if "# SKIP" not in name:
            name = re.sub(r" \([^()]*\)$", "", name) if "wire" in suites else name
            yield ("wire" if "wire" in suites else test) + "/" + name, good == "ok"
            if name.endswith(BESIDE):
                yield test + "/" + name[:-len(BESIDE)], good == "ok"


def wrong(row, seen, ran, attack=False):
    """What is wrong with a row; None: nothing; "": one of its programs was not run, so that it cannot be told."""
    if len(row) != 5 or not all(row[:3]) or row[1] not in LEVELS:
        return "is not section, level, what, test, reason"
    tests = [t for t in row[3].split("; ") if t]
    if not tests and not row[4]:
        return "has neither test nor reason"
    for t in tests:
        if ran is not None and t.rsplit("/", 1)[0] not in ran:
            return ""
        if not seen.get(t):
            return "%s %s" % (t, "failed" if t in seen else "did not pass, or is no test")
    if attack and not row[4] and not any(seen.get(t + BESIDE) for t in tests):
        return "nobody chats beside it"
    return None


def rows_of(path):
    """(line, row) of one table; a protocol is a duty like others."""
    with open(path) as f:
        for n, line in enumerate(f, 1):
            if path.endswith(".tsv") and line.strip() and line[0] != "#":
                yield n, line.rstrip("\n").split("\t")
            elif path.endswith(".md") and line.startswith("| ["):
                name, _, title, *_, tests = (cell.strip() for cell in line.split("|")[1:-1])
                yield n, [name, "MUST", title, tests, ""]


def check(seen, whole):
    """`seen`: name -> whether it always passed. Returns how many rows hold and how many do not."""
    good = bad = 0
    ran = None if whole else {name.rsplit("/", 1)[0] for name in seen}
    here = os.path.dirname(os.path.abspath(__file__))
    for path in sorted(glob.glob(here + "/*.tsv")) + [os.path.join(here, "../../docs/protocols.md")]:
        for n, row in rows_of(path):
            why = wrong(row, seen, ran, path.endswith("attacks.tsv"))
            good += why is None
            if why:
                bad += 1
                print("not ok: %s:%d: %s: %s" % (os.path.basename(path), n, row[0], why))
    print("%-6s %-36s %3d passed" % ("FAILED" if bad else "ok", "requirements", good))
    return good, bad + (whole and not good)
