#!/usr/bin/python3
"""What programs that were built against include/mynah rely on: functions and their types, values of constants, places and types of fields.
tests/dev/abi.txt keeps them: nothing of it may go or change, fields are added at the end of their structs only. What is new is told; --keep
takes it in, with each release. Prints TAP.    usage: abi.py TOP [--keep]"""
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


def types(text, names, folder):
    """As the compiler tells them, without the names of arguments."""
    of = {name: name for name in names}
    with open(folder + "/t.c", "w") as f:
        f.write("#include <mynah/mynah.h>\n")
        for struct, body in re.findall(r"(?s)\bstruct (mynah_\w+)\s*\{(.*?)\n?\};", text):
            for name in fields(body):
                of["abi_%s__%s" % (struct, name)] = "field %s %s" % (struct, name)
                f.write("extern __typeof__(&((struct %s *)0)->%s) abi_%s__%s(void);\n" % (struct, name, struct, name))
    subprocess.run(["gcc", "-I", TOP + "/include", "-fsyntax-only", "-aux-info", folder + "/t.h", folder + "/t.c"], check=True)
    out = {}
    with open(folder + "/t.h") as f:
        for name, before, behind in ((m[2], m[1], m[3]) for m in re.finditer(r"(?m)\*/ extern (.*?)\b((?:abi_)?mynah_\w+) (\(.*);$", f.read())):
            if name in of:
                is_field = of[name].startswith("field ")
                out[of[name]] = before + (behind[len("(void)"):] if is_field else behind)
    assert set(out) == set(of.values()), set(of.values()) ^ set(out)
    return out


def lines():
    """One for each: `function mynah_id char * (struct mynah_client *)`, `constant MYNAH_OK 0`, `field mynah_error code 0 4 int *` (its address)."""
    text = source()
    names = re.findall(r"MYNAH_API[^;{]*?\b(mynah_\w+)\(", text)
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
        told = subprocess.run([folder + "/p"], check=True, capture_output=True, text=True).stdout.splitlines()
        of = types(text, names, folder)
    typedefs = [" ".join(t.split()) for t in re.findall(r"\btypedef [^;]*?\bmynah_\w+\([^;]*", text)]
    return (["function %s %s" % (n, of[n]) for n in names] + typedefs +
            [" ".join([line, of[" ".join(line.split()[:3])]]) if line.startswith("field ") else line for line in told])


def kept():
    with open(KEPT) as f:
        return f.read().splitlines()


def changes(old, new):
    """What would break a program, in words."""
    bad = ["gone or changed: " + line for line in old if line not in set(new)]
    ends = {}
    for line in old:
        if line.startswith("field "):
            _, struct, _, at, _ = line.split(None, 4)
            ends[struct] = max(ends.get(struct, 0), int(at))
    for line in new:
        if line.startswith("field ") and line not in set(old):
            _, struct, _, at, _ = line.split(None, 4)
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
    old = ["function mynah_a int (int)", "constant MYNAH_A 1", "field mynah_s size 0 8 size_t *", "field mynah_s x 8 8 int **"]
    assert not changes(old, old + ["function mynah_b int (void)", "field mynah_s y 16 8 char **", "field mynah_t z 0 4 int *"])
    assert changes(old, old[1:]) and changes(old, old + ["field mynah_s y 4 4 int *"])
    assert changes(old, [*old[:3], "field mynah_s x 16 8 int **", "field mynah_s y 8 8 int **"])
    assert changes(old, [old[0], "constant MYNAH_A 2", *old[2:]])
    assert changes(old, ["function mynah_a int (long)", *old[1:]]) and changes(old, [*old[:3], "field mynah_s x 8 8 char **"])


if sys.argv[-1] == "--keep":
    now = "\n".join(lines()) + "\n"
    with open(KEPT, "w") as f:
        f.write(now)
    sys.exit(0)
sys.exit(tap([nothing_that_programs_rely_on_has_changed, a_change_is_seen]) != 0)
