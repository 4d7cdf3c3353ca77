#!/usr/bin/python3
"""Fails when a parser of outside bytes (NAME_parse, NAME_feed in a header below src/) is in no fuzz target's `covers:`, or when a
target is not built. Prints TAP. usage: covers.py ROOT"""
import glob, os, re, sys

root = sys.argv[1]


def text(path):
    return open(os.path.join(root, path), encoding="utf-8").read()


def code(path):
    return re.sub(r"/\*.*?\*/", "", text(path), flags=re.S)


wanted = {name: os.path.relpath(h, root) for h in glob.glob(root + "/src/**/*.h", recursive=True)
          for name in re.findall(r"\b(\w+_(?:parse|feed))\s*\(", code(h))}
targets = sorted(os.path.relpath(f, root) for f in glob.glob(root + "/tests/fuzz/fuzz_*.c"))
covered = {}
for f in targets:
    said = re.search(r"covers:([\w\s]*)", text(f))
    for name in said[1].split() if said else []:
        if re.search(r"\b%s\s*\(" % name, code(f)):
            covered[name] = f
bad = ["%s (%s): no target in tests/fuzz covers it" % (n, h) for n, h in sorted(wanted.items()) if n not in covered]
built = re.findall(r"^  '(\w+)':", text("tests/fuzz/meson.build"), re.M)
bad += ["%s: not in tests/fuzz/meson.build" % f for f in targets if f[len("tests/fuzz/fuzz_"):-2] not in built]
bad += ["%s: tests/fuzz/corpus/%s is not there" % (f, f[len("tests/fuzz/fuzz_"):-2]) for f in targets
        if not os.path.isdir(root + "/tests/fuzz/corpus/" + f[len("tests/fuzz/fuzz_"):-2])]
print("1..1")
for b in bad:
    print("# " + b)
print("%sok 1 - each parser has a fuzz target" % ("not " if bad or not wanted else ""))
print("# %d parsers" % len(wanted))
sys.exit(bool(bad or not wanted))
