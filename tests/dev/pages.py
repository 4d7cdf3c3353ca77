#!/usr/bin/python3
"""The pages for those who write programs with libmynah: what they name is there, and what is there they name. Prints TAP.
usage: pages.py TOP"""
import os, re, subprocess, sys, tempfile

sys.path.append(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from mynah import tap

TOP = os.path.abspath(sys.argv[1])
INCLUDE, GLOOX = TOP + "/include/mynah", "/usr/include/gloox"


def read(path):
    with open(os.path.join(TOP, path)) as f:
        return f.read()


HEADERS = sorted(os.listdir(INCLUDE))
API = "".join(read(INCLUDE + "/" + h) for h in HEADERS)
BARE = re.sub(r"(?s)/\*.*?\*/", "", API)  # what stands in comments is not there
PAGES = ["docs/dev/" + p for p in sorted(os.listdir(TOP + "/docs/dev"))] + ["README.md", "README.zh-CN.md"]
GUIDE = read("docs/dev/from-gloox.md")


def names_are_there():
    declared, headers = set(re.findall(r"\w+", BARE)), {"mynah/" + h for h in HEADERS}
    for page in PAGES:
        text = read(page)
        for name in re.findall(r"\b(?:mynah|MYNAH)_\w*[a-zA-Z0-9]\b(?!\.py)", text):
            assert name in declared or name in ("MYNAH_PASSWORD", "MYNAH_WIRE", "MYNAH_HOST", "MYNAH_PORT", "MYNAH_CA"), (page, name)
        for name in re.findall(r"\bmynah/\w+\.h\b", text):
            assert name in headers, (page, name)
        for name in re.findall(r"\bexamples/\w+\.[ch]\b", text):
            assert os.path.exists(os.path.join(TOP, name)), (page, name)


def every_header_is_named():
    for h in HEADERS:
        assert "mynah/" + h in GUIDE, h


def every_class_of_gloox_has_its_place():
    """Once: either it has a counterpart or it is not there yet."""
    classes = set()
    for h in os.listdir(GLOOX):
        with open(os.path.join(GLOOX, h)) as f:
            classes |= {(c, h) for c in re.findall(r"(?m)^  class (?:GLOOX_API )?(\w+)\s*(?::[^:]|\{|$)", f.read())}
    inside = {"jingle", "linklocal", "pubsub"}  # namespaces, whose classes are told of together
    named = re.findall(r"`(\w+)`", "".join(re.findall(r"(?m)^\| (`.*?) \|", GUIDE)))
    assert len(classes) > 120 and len(named) == len(set(named)), sorted(n for n in named if named.count(n) > 1)
    for name, h in classes:
        assert name in named or name.endswith("Struct") or any(h.startswith(i) for i in inside), (name, h)


def marked(text):
    """What is no prose: the programs, and of each row of a table what stands in it as code, in no order."""
    rows = [sorted(re.findall(r"`[^`]+`", line)) for line in text.splitlines() if line.startswith("|")]
    return re.findall(r"(?ms)^```.*?^```$", text), rows, text.count("\n## ")


def the_chinese_guide_shows_the_same():
    chinese = read("docs/dev/from-gloox.zh.md")
    assert marked(chinese) == marked(GUIDE), [(a, b) for a, b in zip(marked(chinese)[1], marked(GUIDE)[1]) if a != b]
    assert len(re.findall("[\u4e00-\u9fff]", chinese)) > 1000


def every_example_of_gloox_has_its_place():
    named = re.findall(r"(?m)^\| `(\w+)` \| `examples/\w+\.c` \|$", GUIDE)
    assert len(named) == 23 == len(set(named)), named


def links_hold():
    for page in PAGES:
        for link in re.findall(r"\]\(((?!https?:)[^)#]+)", read(page)):
            assert os.path.exists(os.path.join(TOP, os.path.dirname(page), link)), (page, link)


def programs_compile():
    for page in PAGES:
        for n, text in enumerate(re.findall(r"(?ms)^```c\n(.*?)^```$", read(page))):
            with tempfile.NamedTemporaryFile("w", suffix=".c") as f:
                f.write(text)
                f.flush()
                p = subprocess.run(["cc", "-std=c11", "-Wall", "-Wextra", "-Werror", "-Wno-unused-parameter", "-fsyntax-only", "-I", TOP + "/include", f.name],
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
                assert p.returncode == 0, (page, n, p.stdout)


sys.exit(tap([names_are_there, every_header_is_named, every_class_of_gloox_has_its_place, the_chinese_guide_shows_the_same,
              every_example_of_gloox_has_its_place, links_hold, programs_compile]) != 0)
