#!/usr/bin/python3
"""What programs that were built against include/mynah rely on: names of functions, values of constants, places of fields. tests/dev/abi.txt
keeps them: nothing of it may go or change, fields are added at the end of their structs only. What is new is told; --keep takes it in,
with each release. Prints TAP.    usage: abi.py TOP [--keep]"""
import os, re, subprocess, sys, tempfile

sys.path.append(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from mynah import tap

TOP = os.path.abspath(sys.argv[1])
INCLUDE, KEPT = TOP + "/include/mynah", TOP + "/tests/dev/abi.txt"


def source():
    text = ""
    for name in sorted(os.listdir(INCLUDE)):
        with open(os.path.join(INCLUDE, name)) as f:
            text += re.sub(r"(?s)/\*.*?\*/", " ", f.read())
    return text


def fields(body):
    for declaration in body.split(";"):
        call = re.search(r"\(\*\s*(\w+)\)", declaration)
        names = [call[1]] if call else [n for n in (re.search(r"(\w+)\s*(?:\[[^]]*\])?\s*$", d) for d in declaration.split(",")) if n]
        yield from (n if call else n[1] for n in names)


def lines():
    """One for each: `function mynah_id`, `constant MYNAH_OK 0`, `field mynah_error code 0 4`."""
    text = source()
    out = ["function " + n for n in re.findall(r"MYNAH_API[^;{]*?\b(mynah_\w+)\(", text)]
    program = "#include <mynah/mynah.h>\n#include <stdio.h>\nint main(void)\n{\n"
    for body in re.findall(r"(?s)\benum\s*\w*\s*\{(.*?)\}", text):
        for name in re.findall(r"(?:^|,)\s*(MYNAH_\w+)", body):
            program += 'printf("constant %s %%lld\\n", (long long)%s);\n' % (name, name)
    for struct, body in re.findall(r"(?s)\bstruct (mynah_\w+)\s*\{(.*?)\n?\};", text):
        for name in fields(body):
            program += 'printf("field %s %s %%zu %%zu\\n", offsetof(struct %s, %s), sizeof((struct %s *)0)->%s);\n' % ((struct, name) * 3)
    with tempfile.TemporaryDirectory(prefix="mynah-abi-") as folder:
        with open(folder + "/p.c", "w") as f:
            f.write(program + "return 0;\n}\n")
        subprocess.run(["cc", "-I", TOP + "/include", folder + "/p.c", "-o", folder + "/p"], check=True)
        return out + subprocess.run([folder + "/p"], check=True, capture_output=True, text=True).stdout.splitlines()


def kept():
    with open(KEPT) as f:
        return f.read().splitlines()


def changes(old, new):
    """What would break a program, in words."""
    bad = ["gone or changed: " + line for line in old if line not in set(new)]
    ends = {}
    for line in old:
        if line.startswith("field "):
            _, struct, _, at, size = line.split()
            ends[struct] = max(ends.get(struct, 0), int(at))
    for line in new:
        if line.startswith("field ") and line not in set(old):
            _, struct, _, at, size = line.split()
            if struct in ends and int(at) <= ends[struct]:
                bad.append("not at the end: " + line)
    return bad


def nothing_that_programs_rely_on_has_changed():
    now = lines()
    assert len(now) > 500, len(now)
    for line in now:
        if line not in set(kept()):
            print("# not kept yet: " + line)
    assert not changes(kept(), now), changes(kept(), now)


def a_change_is_seen():
    old = ["function mynah_a", "constant MYNAH_A 1", "field mynah_s size 0 8", "field mynah_s x 8 8"]
    assert not changes(old, old + ["function mynah_b", "field mynah_s y 16 8", "field mynah_t z 0 4"])
    assert changes(old, old[1:]) and changes(old, old + ["field mynah_s y 4 4"])
    assert changes(old, [*old[:3], "field mynah_s x 16 8", "field mynah_s y 8 8"])
    assert changes(old, [old[0], "constant MYNAH_A 2", *old[2:]])


if sys.argv[-1] == "--keep":
    with open(KEPT, "w") as f:
        f.write("\n".join(lines()) + "\n")
    sys.exit(0)
sys.exit(tap([nothing_that_programs_rely_on_has_changed, a_change_is_seen]) != 0)
