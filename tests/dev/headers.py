#!/usr/bin/python3
"""The HTML reference (tools/reference.py): every public name has a comment and its place there, links lead somewhere, nothing is fetched.
Prints TAP.    usage: headers.py TOP"""
import os, re, subprocess, sys, tempfile
import xml.etree.ElementTree as ET

TOP = os.path.abspath(sys.argv[1])
sys.path += [os.path.dirname(os.path.dirname(os.path.abspath(__file__))), TOP + "/tools"]
sys.dont_write_bytecode = True
from mynah import tap
import reference as made

INCLUDE = TOP + "/include/mynah"
REFERENCE = made.Reference(TOP)
PAGES = REFERENCE.pages()
TREES = {name: ET.fromstring(text) for name, text in PAGES.items() if name.endswith(".html")}
IDS = {name: [e.get("id") for e in tree.iter() if e.get("id")] for name, tree in TREES.items()}


def every_name_has_a_comment():
    for header in REFERENCE.headers.values():
        assert plain_about(header), header.name
        assert not made.undocumented(header), (header.name, made.undocumented(header))


def plain_about(header):
    return len(made.plain(header.about)) > 20


def every_header_has_a_family():
    assert set(REFERENCE.headers) | {"mynah.h"} == set(os.listdir(INCLUDE)), set(REFERENCE.headers) ^ set(os.listdir(INCLUDE))
    assert all(headers and family in made.CHINESE for family, headers in REFERENCE.families)


def every_name_has_its_place():
    """Names are found here in another way than there."""
    count = 0
    for header in os.listdir(INCLUDE):
        with open(os.path.join(INCLUDE, header)) as f:
            text = re.sub(r"(?s)/\*.*?\*/", " ", f.read())
        expected = set(re.findall(r"MYNAH_API[^;{]*?\b(mynah_\w+)\(", text)) | set(re.findall(r"(?s)typedef [^;]*?\b(mynah_\w+)\(", text))
        expected |= {"%s.%s" % m for m in re.findall(r"\b(struct|enum) (mynah_\w+)\s*\{", text)}
        for body in re.findall(r"(?s)\benum\s*\w*\s*\{(.*?)\}", text):
            expected |= set(re.findall(r"(?:^|,)\s*(MYNAH_\w+)", body))
        assert header == "mynah.h" or expected <= set(IDS[header[:-2] + ".html"]), (header, expected - set(IDS[header[:-2] + ".html"]))
        count += len(expected)
    assert count > 600, count


def links_lead_somewhere():
    for name, tree in TREES.items():
        assert len(IDS[name]) == len(set(IDS[name])), (name, sorted(i for i in IDS[name] if IDS[name].count(i) > 1))
        for a in tree.iter("a"):
            page, _, anchor = a.get("href").partition("#")
            page = page or name
            if re.match(r"https://(xmpp\.org/extensions/xep-\d{4}\.html|www\.rfc-editor\.org/rfc/rfc\d+)$", page):
                continue
            assert page in PAGES and (not anchor or anchor in IDS[page]), (name, a.get("href"))


def nothing_is_fetched():
    """It works from a disk: what pages load lies beside them."""
    for name, tree in TREES.items():
        for e in tree.iter():
            loaded = e.get("src") or (e.tag == "link" and e.get("href"))
            assert not loaded or loaded in PAGES, (name, loaded)
    assert not re.search(r"https?:|@import|url\(", PAGES["style.css"] + PAGES["search.js"])


def searching_finds_names():
    names = {row[0] for row in REFERENCE.search_names()}
    assert {"mynah_iq_send", "mynah_iq_done", "mynah_contact", "mynah_contact.groups", "MYNAH_E_DNS", "MYNAH_EACH", "mynah/room.h"} <= names
    for name, kind, place, about in REFERENCE.search_names():
        page, _, anchor = place.partition("#")
        assert about and (not anchor or anchor in IDS[page]), (name, place)


def specifications_and_examples_are_linked():
    assert 'href="https://xmpp.org/extensions/xep-0045.html"' in PAGES["room.html"]
    assert 'href="https://www.rfc-editor.org/rfc/rfc6120#section-8.2.3"' in PAGES["iq.html"]
    assert 'href="example-roster.c.html"' in PAGES["roster.html"] and 'href="roster.html#mynah_roster_set"' in PAGES["example-roster.c.html"]


def every_header_stands_alone():
    """In C of 1999 and C++ of 2011, with all warnings."""
    with tempfile.TemporaryDirectory(prefix="mynah-headers-") as folder:
        for compiler, end in (["gcc", "-std=c99"], ".c"), (["g++", "-std=c++11"], ".cpp"):
            files = [os.path.join(folder, h[:-2] + end) for h in os.listdir(INCLUDE)]
            for path in files:
                with open(path, "w") as f:
                    f.write("#include <mynah/%s.h>\n" % os.path.basename(path).partition(".")[0])
            p = subprocess.run(compiler + ["-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Werror", "-fsyntax-only", "-I", TOP + "/include"] + files,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            assert p.returncode == 0, p.stdout[-3000:]


def what_is_not_said_is_seen():
    header = made.Header("x.h", "/* About. */\n/* Said. */\nMYNAH_API int mynah_a(void);\nMYNAH_API int mynah_b(void);\n\nMYNAH_API int mynah_c(void);\n"
                         "/* Said. */\nstruct mynah_s {\n    int x;\n};\nMYNAH_API int mynah_d(void);\nMYNAH_API int mynah_e(void); /* said */\n")
    assert made.undocumented(header) == ["mynah_c", "mynah_d"], made.undocumented(header)


def it_is_made_in_a_folder():
    with tempfile.TemporaryDirectory(prefix="mynah-reference-") as folder:
        for _ in range(2):
            made.main(TOP, folder + "/html", folder + "/html.d")
        assert set(os.listdir(folder + "/html")) == set(PAGES)
        with open(folder + "/html.d") as f:
            assert INCLUDE + "/roster.h" in f.read()


sys.exit(tap([every_name_has_a_comment, every_header_has_a_family, every_name_has_its_place, links_lead_somewhere, nothing_is_fetched,
              searching_finds_names, specifications_and_examples_are_linked, every_header_stands_alone, what_is_not_said_is_seen, it_is_made_in_a_folder]) != 0)
