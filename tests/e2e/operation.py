#!/usr/bin/python3
"""Operation of a running mynahd on two loops by mynahctl: what it can, what it logs. Prints TAP.
usage: operation.py MYNAHD MYNAHCTL DOCS"""
import json, os, re, shutil, subprocess, sys, tempfile, time

sys.path.append(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from mynah import Client, DEADLINE, Server, tap

MYNAHD, MYNAHCTL, DOCS = sys.argv[1:]
FOLDER = tempfile.mkdtemp(prefix="mynah-operation-")
PATH = FOLDER + "/mynahd.yaml"
CONFIG = """data: %s/data
loops: 2
domains: [{name: localhost}]
listen:
  - {address: "127.0.0.1", port: 0, tls: offered}
auth: {mechanisms: [SCRAM-SHA-256, PLAIN], without_tls: [PLAIN], iterations: 4096}
""" % FOLDER
EXTRA = """modules:
  version: off
"""


def configure(text):
    with open(PATH, "w") as f:
        f.write(text)


configure(CONFIG + EXTRA)
server = Server(MYNAHD, PATH)


def restart():
    global server
    server.end()
    server = Server(MYNAHD, PATH)


def ctl(*words, stdin=""):
    return subprocess.run([MYNAHCTL, "--config", PATH, *words], input=stdin, capture_output=True, text=True, timeout=2 * DEADLINE)


def ask(*words, **more):
    p = ctl("--json", *words, **more)
    answer = json.loads(p.stdout)
    assert (p.returncode == 0) == ("ok" in answer), (words, p)
    return answer.get("ok") or answer["error"]


def wait_for(seen, what):
    until = time.monotonic() + DEADLINE
    while not seen():
        assert time.monotonic() < until, what
        time.sleep(0.05)


def logged(pattern, since=0):
    return [line for line in server.log[since:] if re.search(pattern, line)]


def modules():
    of = {m["name"]: m for m in ask("module", "list")["modules"]}
    assert not of["version"]["on"] and of["ping"]["on"] and of["tls"]["protocols"] == "RFC 6120, 5" and len(of) > 10, of
    assert re.search(r"(?m)^version +no +XEP-0092$", ctl("module", "list").stdout)


def protocols():
    """The same as docs/protocols.md; on as the module is."""
    got = ask("protocols")["protocols"]
    with open(DOCS + "/protocols.md") as f:
        kept = re.findall(r"(?m)^\| \[(.*?)\]\(.*?\) \| (.*?) ?\| (.*?) \| (.*?) ?\|", f.read())
    assert [(p["name"], p["version"], p["title"], p["module"] or "") for p in got] == kept, (got, kept)
    assert [p["name"] for p in got if not p["on"]] == ["XEP-0092"]


def log_level():
    assert ask("log", "level", "error") == {"level": "error"}
    ask("status")
    assert ask("log", "level", "debug") == {"level": "debug"}
    ask("module", "list")
    wait_for(lambda: logged('command="module list"'), "the line of a command")
    assert not logged("command=status"), server.log
    assert ask("log", "level", "info") == {"level": "info"}
    assert ask("log", "level", "loud")["code"] == "not-acceptable"


def disabled():
    """Nobody gets in, whoever is there goes, messages wait; a wrong password learns nothing."""
    for name in "romeo", "juliet":
        assert "jid" in ask("user", "add", name + "@localhost", "--password-stdin", stdin="testpwd\n")
    show = ask("user", "show", "romeo@localhost")
    assert show["disabled"] is None and re.match(r"20\d\d-.*Z$", show["created"]) and show["sessions"] == 0, show
    assert show["contacts"] == 0 and "SCRAM-SHA-256" in show["mechanisms"], show
    romeo, juliet, known = Client(server), Client(server), Client(server)
    for c, name in (romeo, "romeo"), (juliet, "juliet"):
        assert "<success" in c.plain(name)
        c.bind("r")
        c.send("<presence/>")
        c.ping()
    assert "<success" in known.plain("romeo")
    assert ask("user", "show", "romeo@localhost")["sessions"] == 1
    assert ask("user", "disable", "romeo@localhost/r")["code"] == "jid-malformed"
    assert ask("user", "disable", "nobody@localhost")["code"] == "item-not-found"
    assert ask("user", "show", "nobody@localhost")["code"] == "item-not-found"
    assert ask("user", "disable", "romeo@localhost") == {"jid": "romeo@localhost"}
    assert "<not-authorized" in romeo.ends()
    known.open()
    known.send("<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>")
    assert "<not-allowed" in known.until("</iq>")
    juliet.send("<message type='chat' to='romeo@localhost'><body>later</body></message>")
    juliet.ping()
    for again in False, True:
        if again:
            restart()
            assert re.match(r"20\d\d-", ask("user", "show", "romeo@localhost")["disabled"])
        assert "account-disabled" in Client(server).plain("romeo")
        wrong = Client(server).plain("romeo", "wrong")
        assert "not-authorized" in wrong and "disabled" not in wrong, wrong
        assert ask("user", "disable", "romeo@localhost") == {"jid": "romeo@localhost"}
    assert ask("user", "passwd", "romeo@localhost", "--password-stdin", stdin="other\n") == {"jid": "romeo@localhost"}
    assert "account-disabled" in Client(server).plain("romeo", "other")
    assert ask("user", "enable", "romeo@localhost") == {"jid": "romeo@localhost"}
    romeo = Client(server)
    assert "<success" in romeo.plain("romeo", "other")
    romeo.bind("r")
    romeo.send("<presence/>")
    assert "later" in romeo.until("</message>")
    assert ask("user", "show", "romeo@localhost")["disabled"] is None


def disabled_and_removed():
    """One that is made anew under the name of a disabled one is not."""
    for command in "disable", "remove":
        ask("user", command, "juliet@localhost")
    assert ask("user", "add", "juliet@localhost", "--password-stdin", stdin="new\n") == {"jid": "juliet@localhost"}
    assert "<success" in Client(server).plain("juliet", "new")


try:
    failed = tap([modules, protocols, log_level, disabled, disabled_and_removed, ("end", lambda: server.end())], lambda: server.log)
finally:
    if server.process.poll() is None:
        server.process.kill()
    shutil.rmtree(FOLDER)
sys.exit(failed != 0)
