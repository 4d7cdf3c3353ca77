#!/usr/bin/python3
"""docs/dev/protocol.md, run as it says: each command against a mynahd (rooms: a Prosody), and what stands in the boxes must have come, in
this order each way. Prints TAP.    usage: protocol.py TOP BUILD"""
import contextlib, os, re, sys, xml.etree.ElementTree as ET

TOP, BUILD = map(os.path.abspath, sys.argv[1:])
sys.path.append(TOP + "/tests/interop")
from driver import Cable, Program, config_new, serving, tap
from peers import Prosody

VARY = {"id", "h", "previd", "ver", "max"}


def read(name):
    with open("%s/docs/dev/%s" % (TOP, name)) as f:
        return f.read()


def elements(text):
    """Of one way; the stream's own tags count as elements."""
    text = re.sub(r"<\?xml[^>]*\?>", "", text).replace("</stream:stream>", "<stream:end/>")
    text = re.sub(r"<stream:stream([^>]*[^/>])>", r"<stream:stream\1/>", text)
    return list(ET.fromstring("<r xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>%s</r>" % text))


def ways(lines):
    """What went to the server and what came; a line without an arrow goes on with the last."""
    out, way = {"->": "", "<-": ""}, None
    for line in lines:
        way = line[:2] if line[:2] in out else way
        out[way] += line[3:].strip()
    return out


def attributes(e):
    return {k: v for k, v in e.attrib.items() if k not in VARY}, set(e.attrib) & VARY


def is_like(shown, e):
    """Children are all there, in order; where there are dots, others may be between."""
    if shown.tag != e.tag or attributes(shown) != attributes(e):
        return False
    some = "..." in (shown.text or "") or any("..." in (c.tail or "") for c in shown)
    rest = list(e)
    for child in shown:
        while rest and some and not is_like(child, rest[0]):
            rest.pop(0)
        if not rest or not is_like(child, rest.pop(0)):
            return False
    return some or not rest


def compare(box, said):
    said = "\n".join(line for line in said.splitlines() if line[:2] in ("->", "<-"))
    real = ways(said.splitlines())
    for way, text in ways(box.replace("localhost", "mynah.test").splitlines()).items():
        left = elements(real[way])
        for shown in elements(text):
            while left and not is_like(shown, left[0]):
                left.pop(0)
            assert left, (way, ET.tostring(shown), said)
            left.pop(0)


def run(stack, servers, command):
    """Runs it as far as the page follows it; its output."""
    name, *args = command.replace("localhost", "mynah.test").split()
    behind = args[-1:] == ["&"]
    args = args[:-1] if behind else args
    server = servers["room" if name == "room" else "reconnect" if name == "reconnect" else ""]
    env = {"MYNAH_WIRE": "1", "MYNAH_PASSWORD": "secret", "MYNAH_CA": server.ca, "MYNAH_HOST": "127.0.0.1", "MYNAH_PORT": str(server.ports[0])}
    if name == "room":
        run_register = Program(BUILD + "/examples/register", args[0], env=env)
        run_register.end()
    p = stack.enter_context(Program(BUILD + "/examples/" + name, *args, env=env))
    if behind:
        p.until("online as", "<presence to=")
    elif name == "message":
        p.until("/desk: hello")
    elif name == "reconnect":
        p.until("is there")
        server.cut()
        p.until("resumed as")
    else:
        p.end()
    return p.said


def page_tells_what_happens():
    with contextlib.ExitStack() as stack:
        mynahd, prosody = stack.enter_context(serving(BUILD + "/apps/mynahd", *config_new())), stack.enter_context(Prosody())
        servers, said, boxes = {"": mynahd, "room": prosody, "reconnect": Cable(mynahd)}, "", 0
        for command, box in re.findall(r"(?ms)^    build-run/examples/([^\n]*)$|^```xml\n(.*?)^```$", read("protocol.md")):
            if command:
                said = run(stack, servers, command)
            else:
                compare(box, said)
                boxes += 1
        assert boxes >= 9


def boxes(text):
    return re.findall(r"(?ms)^```xml\n.*?^```$|^    \S[^\n]*", text)


def the_chinese_page_shows_the_same():
    english, chinese = read("protocol.md"), read("protocol.zh.md")
    assert boxes(english) == boxes(chinese)
    assert english.count("\n## ") == chinese.count("\n## ")
    assert len(re.findall("[\u4e00-\u9fff]", chinese)) > 800


sys.exit(tap([page_tells_what_happens, the_chinese_page_shows_the_same]) != 0)
