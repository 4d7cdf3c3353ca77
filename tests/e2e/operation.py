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
  ping: off
"""


def configure(text):
    with open(PATH, "w") as f:
        f.write(text)


configure(CONFIG + EXTRA)
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
    assert not of["ping"]["on"] and of["version"]["on"] and of["tls"]["protocols"] == "RFC 6120, 5" and len(of) > 10, of
    assert re.search(r"(?m)^ping +no +XEP-0199$", ctl("module", "list").stdout)


def protocols():
    """The same as docs/protocols.md; on as the module is."""
    got = ask("protocols")["protocols"]
    with open(DOCS + "/protocols.md") as f:
        kept = re.findall(r"(?m)^\| \[(.*?)\]\(.*?\) \| (.*?) ?\| (.*?) \| (.*?) ?\|", f.read())
    assert [(p["name"], p["version"], p["title"], p["module"] or "") for p in got] == kept, (got, kept)
    assert [p["name"] for p in got if not p["on"]] == ["XEP-0199"]


def log_level():
    assert ask("log", "level", "error") == {"level": "error"}
    ask("status")
    assert ask("log", "level", "debug") == {"level": "debug"}
    ask("module", "list")
    wait_for(lambda: logged('command="module list"'), "the line of a command")
    assert not logged("command=status"), server.log
    assert ask("log", "level", "info") == {"level": "info"}
    assert ask("log", "level", "loud")["code"] == "not-acceptable"


try:
    failed = tap([modules, protocols, log_level, ("end", lambda: server.end())], lambda: server.log)
finally:
    if server.process.poll() is None:
        server.process.kill()
    shutil.rmtree(FOLDER)
sys.exit(failed != 0)
