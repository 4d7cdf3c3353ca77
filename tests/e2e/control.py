#!/usr/bin/python3
"""mynahctl and the control socket against a real mynahd on four loops: every command, its errors and exit codes; who may ask; what is
left when a server is killed, the power goes or the disk is full. Prints TAP. usage: control.py MYNAHD MYNAHCTL DISK.so"""
import json, os, pty, random, re, select, shutil, signal, socket, stat, subprocess, sys, tempfile, threading, time

sys.path.append(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from mynah import Client, DEADLINE, Disk, FULL, Server, tap, wait_for

MYNAHD, MYNAHCTL, DISK = sys.argv[1:4]
MANY = 3000
CONFIG = """
data: %(data)s
loops: 4
domains: [{name: localhost}, {name: example.net}]
listen:
  - {address: "127.0.0.1", port: 0, tls: offered}
auth:
  mechanisms: [%(mechanisms)s]
  without_tls: [PLAIN]
  iterations: 4096
control: {socket: "%(socket)s"}
"""


def config(**keys):
    return CONFIG % {"mechanisms": "SCRAM-SHA-256, PLAIN", "socket": "", **keys}


def write(path, **keys):
    with open(path, "w") as f:
        f.write(config(**keys))
    return path


class Test:
    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="mynah-control-")
        self.config = write(self.folder + "/mynahd.yaml", data=self.folder + "/data")
        self.server = Server(MYNAHD, self.config)

    def log(self):
        return self.server.log

    def restart(self):
        self.server.end()
        self.server = Server(MYNAHD, self.config)

    def ctl(self, *words, stdin="", code=0, config=None):
        """mynahctl's standard output; `code` is expected, with one line on standard error unless it is 0."""
        p = subprocess.run([MYNAHCTL, "--config", config or self.config, *words], input=stdin.encode(), capture_output=True,
                           timeout=2 * DEADLINE)
        out, err = p.stdout.decode(), p.stderr.decode()
        assert p.returncode == code, (words, p.returncode, out, err)
        assert code and len(err.splitlines()) == 1 and err.startswith("mynahctl: ") or not code and not err, err
        self.error = err
        return out

    def ask(self, *words, **more):
        return json.loads(self.ctl("--json", *words, **more))

    def jids(self, *words, **more):
        return [a["jid"] for a in self.ask(*words, **more)["ok"]["accounts"]]

    def nobody(self):
        """Who left has been seen off."""
        wait_for(lambda: not self.ask("session", "list")["ok"]["sessions"], "nobody")

    def add(self, *names, **more):
        for name in names:
            assert self.ask("user", "add", name + "@localhost", "--password-stdin", stdin="testpwd\n", **more) == \
                {"ok": {"jid": name + "@localhost"}}

    def login(self, name, resource, password="testpwd"):
        c = Client(self.server)
        assert "<success" in c.plain(name, password)
        c.bind(resource)
        return c

    def raw(self):
        s = socket.socket(socket.AF_UNIX)
        s.settimeout(DEADLINE)
        s.connect(self.folder + "/data/control.sock")
        return s, s.makefile("r")


def wait_for_log(server, pattern):
    wait_for(lambda: re.search(pattern, "".join(server.log)), pattern)


def accounts(t):
    t.add("romeo", "juliet")
    assert "there is such an account already" in t.ctl("user", "add", "romeo@localhost", "--password-stdin", stdin="x\n", code=1) + t.error
    assert t.ctl("user", "add", "Paris@EXAMPLE.net", "--password-stdin", stdin="x y\n") == "jid  paris@example.net\n"
    with open(t.folder + "/secret", "w") as f:
        f.write("from a file\n")
    t.ctl("user", "add", "nurse@localhost", "--password-file=" + t.folder + "/secret")
    t.login("nurse", "x", "from a file").socket.close()
    assert t.jids("user", "list") == ["juliet@localhost", "nurse@localhost", "romeo@localhost", "paris@example.net"]
    assert t.jids("user", "list", "Example.net") == ["paris@example.net"]
    assert t.ctl("user", "list", "localhost") == \
        "jid               disabled\njuliet@localhost  no\nnurse@localhost   no\nromeo@localhost   no\n3 accounts\n"
    t.ctl("user", "passwd", "romeo@localhost", "--password-stdin", stdin="new one")
    c = Client(t.server)
    assert "<not-authorized" in c.plain("romeo") and "<success" in c.plain("romeo", "new one")
    t.ctl("user", "passwd", "romeo@localhost", "--password-stdin", stdin="testpwd\r\n")
    t.login("romeo", "x").socket.close()
    t.ctl("user", "remove", "nurse@localhost")
    assert "<not-authorized" in Client(t.server).plain("nurse", "from a file") and len(t.jids("user", "list", "localhost")) == 2
    for words, condition in [(("user", "add", "a b@localhost"), "jid-malformed"), (("user", "add", "romeo"), "jid-malformed"),
                             (("user", "add", "romeo@localhost/x"), "jid-malformed"), (("user", "add", "x@other"), "item-not-found"),
                             (("user", "add", "romeo@localhost"), "conflict"), (("user", "passwd", "none@localhost"), "item-not-found"),
                             (("user", "add", "\u2168@localhost"), "not-acceptable")]:
        assert t.ask(*words, "--password-stdin", stdin="x\n", code=1)["error"]["code"] == condition, words
    assert t.ask("user", "add", "x@localhost", "--password-stdin", stdin="\n", code=1)["error"]["text"] == \
        "x@localhost: the password is empty"
    assert t.ask("user", "remove", "none@localhost", code=1)["error"]["code"] == "item-not-found"
    assert t.ask("user", "list", "other", code=1)["error"]["text"] == "this server does not serve other"


def usage(t):
    for words, says in [((), "which command"), (("user",), "no command"), (("user", "add"), "JID is missing"),
                        (("user", "list", "a", "b"), "too much"), (("--wrong",), "no option"), (("status", "--socket"), "value"),
                        (("user", "list", "--reason", "x"), "do not belong"), (("status", "--socket", "x"), "one of them"),
                        (("user", "add", "x@localhost", "--password", "x"), "no option"),
                        (("user", "add", "--from", "-", "x@localhost"), "too much"), (("user", "list", "--json=x"), "no value"),
                        (("--help=x",), "no value"), (("--version=",), "no value")]:
        t.ctl(*words, code=64)
        assert says in t.error, (words, t.error)
    p = subprocess.run([MYNAHCTL, "--config", t.config, "user", "add", "x@localhost"], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE,
                       start_new_session=True)
    assert p.returncode == 64 and b"--password-stdin" in p.stderr, p
    text = subprocess.check_output([MYNAHCTL, "--help"], text=True)
    for words in ["user add", "user passwd", "user remove", "user list", "session list", "session kick", "status"]:
        assert "\n  %s" % words in text
    assert "--after" not in text
    t.ctl("--config", t.folder + "/none.yaml", "status", code=1)
    assert "none.yaml" in t.error
    t.ctl("status", config=write(t.folder + "/other.yaml", data=t.folder + "/nowhere"), code=69)
    assert t.folder + "/nowhere/control.sock" in t.error and "--socket" in t.error
    for options in [["--data", t.folder + "/data"], ["--data=" + t.folder + "/data", "--config", t.folder + "/other.yaml"]]:
        assert json.loads(subprocess.check_output([MYNAHCTL, "--json", *options, "status"]))["ok"]["loops"] == 4
    t.ctl("--data", t.folder + "/nowhere", "status", code=69)
    assert t.folder + "/nowhere/control.sock" in t.error and "--data" in t.error
    with open(t.folder + "/broken.yaml", "w") as f:
        f.write("data: %s/data\nadmins: [a\n" % t.folder)
    t.ctl("reload", config=t.folder + "/broken.yaml", code=69)
    assert t.folder + "/broken.yaml:" in t.error and "not YAML" in t.error, t.error
    t.ctl("user", "remove", "a\x1b[2J@localhost", code=1)
    assert "\x1b" not in t.error
    t.ctl("user", "add", "x@localhost", config=t.folder + "/other.yaml", code=69)
    p = subprocess.run([MYNAHCTL, "--socket", t.folder + "/nothing", "--json", "status"], capture_output=True)
    assert p.returncode == 69 and json.loads(p.stdout)["error"]["code"] == "service-unavailable"


def asked_on_a_terminal(t):
    def typed(second):
        pid, fd = pty.fork()
        if not pid:
            os.execv(MYNAHCTL, [MYNAHCTL, "--config", t.config, "user", "add", "peter@localhost"])
        shown, answers, until = "", ["hidden\n", second + "\n"], time.monotonic() + DEADLINE
        while True:
            assert select.select([fd], [], [], max(0, until - time.monotonic()))[0], shown
            try:
                shown += os.read(fd, 4096).decode()
            except OSError:
                break
            if answers and shown.count(": ") > 2 - len(answers):
                os.write(fd, answers.pop(0).encode())
        os.close(fd)
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), shown

    code, shown = typed("other")
    assert code == 1 and "not the same" in shown, shown
    code, shown = typed("hidden")
    assert code == 0 and "peter@localhost" in shown and "hidden" not in shown, shown
    t.login("peter", "x", "hidden").socket.close()


def sessions(t):
    t.nobody()
    assert t.ctl("session", "list") == "0 sessions\n"
    shown = [line.split("  ", 1) for line in t.ctl("user", "show", "romeo@localhost").splitlines()]
    assert [key for key, _ in shown] == "jid sessions contacts resources addresses created disabled mechanisms name email".split(), shown
    assert dict(shown)["resources"].strip() == "-" and len({len(key + "  " + v) - len(v.lstrip()) for key, v in shown}) == 1, shown
    a, b, c = t.login("romeo", "orchard"), t.login("romeo", "garden"), t.login("juliet", "balcony")
    a.send("<presence><priority>5</priority></presence>")
    a.ping()
    listed = t.ask("session", "list")["ok"]["sessions"]
    assert [s["jid"] for s in listed] == ["juliet@localhost/balcony", "romeo@localhost/garden", "romeo@localhost/orchard"], listed
    assert [s["priority"] for s in listed] == [None, None, 5] and listed[0]["address"].startswith("127.0.0.1:")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+Z", listed[0]["since"])
    assert len(t.ask("session", "list", "romeo@localhost")["ok"]["sessions"]) == 2
    lines = t.ctl("session", "list").splitlines()
    assert lines[0].split() == ["jid", "address", "since", "priority"] and lines[-1] == "3 sessions" and len(lines) == 5
    assert len({line.index(word) for line, word in zip(lines[:2], ["address", "127.0.0.1"])}) == 1, lines
    assert t.ask("session", "kick", "romeo@localhost/orchard", "--reason", "so & <so>")["ok"] == {"ended": 1}
    got = a.ends()
    assert "<policy-violation" in got and ">so &amp; &lt;so&gt;</text>" in got, got
    b.ping()
    assert t.ask("session", "kick", "romeo@localhost/orchard", code=1)["error"]["code"] == "item-not-found"
    assert t.ask("session", "kick", "juliet@localhost", "--reason", "a\u0001b", code=1)["error"]["code"] == "not-acceptable"
    d = t.login("romeo", "street")
    assert t.ask("session", "kick", "romeo@localhost")["ok"] == {"ended": 2}
    assert [s["jid"] for s in t.ask("session", "list")["ok"]["sessions"]] == ["juliet@localhost/balcony"]
    assert "<policy-violation" in b.ends() and "<policy-violation" in d.ends()
    assert t.ask("session", "list", "nobody@localhost")["ok"]["sessions"] == []
    c.ping()
    c.socket.close()


def removal(t):
    t.add("tybalt")
    a, b = t.login("tybalt", "a"), t.login("juliet", "b")
    for c in a, b:
        c.send("<iq type='get' id='r'><query xmlns='jabber:iq:roster'/></iq><presence/>")
        c.until("id='r'")
    a.send("<presence type='subscribe' to='juliet@localhost'/>")
    b.until("type='subscribe'")
    b.send("<presence type='subscribed' to='tybalt@localhost'/>")
    a.until("subscription='to'")
    t.ctl("user", "remove", "tybalt@localhost")
    assert "<not-authorized" in a.ends()
    b.until("<presence type='unsubscribe' [^>]*from='tybalt@localhost'")
    assert "<not-authorized" in Client(t.server).plain("tybalt")
    t.add("tybalt")
    c = t.login("tybalt", "c")
    c.send("<iq type='get' id='r'><query xmlns='jabber:iq:roster'/></iq>")
    assert "<item" not in c.until("id='r'.*?(</iq>|/>)")
    t.ctl("user", "remove", "tybalt@localhost")
    c.ends()
    b.socket.close()


def status(t):
    t.nobody()
    c = t.login("romeo", "status")
    s = t.ask("status")["ok"]
    assert s["loops"] == 4 and s["domains"] == ["localhost", "example.net"] and s["sessions"] == 1 and s["connections"] >= 1, s
    assert s["accounts"] == len(t.jids("user", "list")) and s["failed_commits"] == 0 and s["stanzas"] > 0 and s["memory_bytes"] > 0, s
    assert s["crossed_deliveries"] >= 0 and s["moved_connections"] >= 0 and s["uptime_seconds"] >= 0 and s["logins"] > 0, s
    lines = t.ctl("status").splitlines()
    assert len(lines) == len(s) and len({len(re.match(r"\S+ +", line).group()) for line in lines}) == 1, lines
    c.socket.close()


def many_while_two_chat(t):
    """What is asked in bulk takes its time; two who chat do not notice. Progress is told on a terminal."""
    a, b, stop, rounds = t.login("romeo", "chat"), t.login("juliet", "chat"), threading.Event(), []
    for c in a, b:
        c.send("<presence/>")
        c.ping()

    def chat():
        try:
            while not stop.is_set():
                a.send("<message type='chat' to='juliet@localhost/chat'><body>%d</body></message>" % len(rounds))
                b.until("<body>%d<" % len(rounds))
                b.send("<message type='chat' to='romeo@localhost/chat'><body>%d</body></message>" % len(rounds))
                a.until("<body>%d<" % len(rounds))
                rounds.append(time.monotonic())
                stop.wait(0.005)
        except Exception as e:
            rounds.append(e)

    chatting = threading.Thread(target=chat, daemon=True)
    chatting.start()
    master, slave = pty.openpty()
    lines = ["many%d@localhost pass word %d\n" % (i, i) for i in range(MANY)]
    lines[10:10] = ["romeo@localhost x\n", "\n", "no address x\n", "x@elsewhere x\n", "bad%d@localhost\n" % MANY]
    p = subprocess.Popen([MYNAHCTL, "--config", t.config, "user", "add", "--from", "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                         stderr=slave, text=True)
    os.close(slave)
    seen, reader = [], threading.Thread(target=lambda: [seen.append(data) for data in iter(lambda: read(master), b"")], daemon=True)
    reader.start()
    out = p.communicate("".join(lines), timeout=4 * DEADLINE)[0]
    stop.set()
    chatting.join(DEADLINE)
    reader.join(DEADLINE)
    os.close(master)
    err = b"".join(seen).decode()
    assert p.returncode == 1 and re.split(r"\s+", out.strip()) == ["added", str(MANY), "failed", "4"], (out, err)
    assert "\r%d " % (MANY // 2) in err and len(re.findall("mynahctl: ", err)) == 4, err
    assert "x@elsewhere: this server does not serve that domain" in err and "the password is empty" in err, err
    assert rounds and isinstance(rounds[-1], float) and len(rounds) > 20, rounds[-3:]
    gaps = [later - earlier for earlier, later in zip(rounds, rounds[1:])]
    print("# %d rounds meanwhile, the slowest %.0f ms" % (len(rounds), 1000 * max(gaps)))
    names = t.jids("user", "list", "localhost")
    assert len(names) > MANY and names == sorted(set(names), key=lambda name: name.split("@")[0]), names
    for i in 0, MANY // 2, MANY - 1:
        t.login("many%d" % i, "x", "pass word %d" % i).socket.close()
    for c in a, b:
        c.socket.close()


def read(fd):
    try:
        return os.read(fd, 4096)
    except OSError:
        return b""


def all_at_once(t):
    """Accounts come, change and go while others log in to them, are listed and kicked; in the end nothing is amiss with any of them."""
    names, failed = ["same%d" % i for i in range(6)], []

    def administer(seed):
        chance = random.Random(seed)
        s, answers = t.raw()
        for _ in range(60):
            jid, password = chance.choice(names) + "@localhost", {"password": "testpwd"}
            words, args = chance.choice([("user add", password), ("user add", password), ("user passwd", password), ("user remove", {}),
                                         ("session kick", {}), ("session list", {}), ("status", None), ("session list", None)])
            s.sendall(json.dumps({"command": words.split(), "args": {} if args is None else {"jid": jid, **args}}).encode() + b"\n")
            answer = json.loads(answers.readline())
            if "ok" not in answer and answer["error"]["code"] not in ("conflict", "item-not-found", "resource-constraint"):
                failed.append((words, answer))

    def come_and_go(seed):
        chance = random.Random(seed)
        for _ in range(30):
            try:
                c = Client(t.server)
                if "<success" not in c.plain(chance.choice(names)):
                    return  # more failures would be made to wait
                c.bind("x%d" % seed)
                c.send("<presence/>")
                c.ping()
                c.socket.close()
            except socket.timeout as e:
                failed.append(e)
            except Exception:
                pass  # kicked

    t.add(*names)
    threads = [threading.Thread(target=run, args=(seed,), daemon=True) for seed in range(4) for run in (administer, come_and_go)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(4 * DEADLINE)
        assert not thread.is_alive()
    assert not failed, failed[:3]
    there = t.jids("user", "list", "localhost")
    for name in names:
        if name + "@localhost" not in there:
            t.add(name)
        t.login(name, "last").socket.close()
        t.ctl("user", "remove", name + "@localhost")
    t.nobody()


def missing(t):
    """A mechanism that was switched on later."""
    write(t.config, data=t.folder + "/data", mechanisms="SCRAM-SHA-256, SCRAM-SHA-1-PLUS, PLAIN")
    t.restart()
    everybody = t.jids("user", "list")
    t.add("late")
    assert t.jids("user", "list", "--missing", "SCRAM-SHA-1-PLUS") == everybody
    assert t.jids("user", "list", "--missing", "SCRAM-SHA-256") == t.jids("user", "list", "--missing", "PLAIN") == []
    t.ctl("user", "passwd", "romeo@localhost", "--password-stdin", stdin="testpwd\n")
    assert "romeo@localhost" not in t.jids("user", "list", "localhost", "--missing", "SCRAM-SHA-1")
    assert t.ask("user", "list", "--missing", "NONE", code=1)["error"]["code"] == "item-not-found"


def killed(t):
    """What was answered is durable; the socket of a dead server is in nobody's way."""
    t.add("lucky")
    t.server.stop(signal.SIGKILL)
    assert stat.S_ISSOCK(os.stat(t.folder + "/data/control.sock").st_mode)
    t.ctl("status", code=69)
    t.server = Server(MYNAHD, t.config)
    t.login("lucky", "x").socket.close()
    assert "lucky@localhost" in t.jids("user", "list")
    t.ctl("user", "remove", "lucky@localhost")
    t.server.stop(signal.SIGKILL)
    t.server = Server(MYNAHD, t.config)
    assert "lucky@localhost" not in t.jids("user", "list") and "<not-authorized" in Client(t.server).plain("lucky")


def power_goes(t):
    """The same, on a disk that keeps only what was synced."""
    disk = Disk(MYNAHD, DISK, config(data="%s/data"))
    try:
        disk.start()
        for i in range(3):
            here = {"config": disk.folder + "/mynahd.yaml"}
            for kind in "changed", "kept", "gone":
                t.add("%s%d" % (kind, i), **here)
            t.ctl("user", "add", "--from", "-", stdin="".join("many%d%d@localhost x\n" % (i, k) for k in range(20)), **here)
            t.ctl("user", "passwd", "changed%d@localhost" % i, "--password-stdin", stdin="new\n", **here)
            t.ctl("user", "remove", "gone%d@localhost" % i, **here)
            disk.power_off()
            disk.start()
            names = t.jids("user", "list", **here)
            assert len(names) == 22 * (i + 1) and "gone%d@localhost" % i not in names, names
            for k in range(i + 1):
                for name, password in [("changed%d", "new"), ("kept%d", "testpwd"), ("many%d9", "x")]:
                    assert "<success" in Client(disk.server).plain(name % k, password), name % k
        disk.server.end()
    finally:
        disk.end()


def full_disk(t):
    """What could not be stored is refused and has not happened."""
    disk = Disk(MYNAHD, DISK, config(data="%s/data"))
    try:
        server, here = disk.start(), {"config": disk.folder + "/mynahd.yaml"}
        t.add("a", "b", **here)
        disk.set(FULL, 1)
        for words in ("user", "add", "c@localhost"), ("user", "passwd", "a@localhost"):
            assert t.ask(*words, "--password-stdin", stdin="new\n", code=1, **here)["error"]["code"] == "resource-constraint", words
        assert t.ask("user", "remove", "b@localhost", code=1, **here)["error"]["code"] == "resource-constraint"
        assert t.ask("status", **here)["ok"]["failed_commits"] >= 3
        disk.set(FULL, 0)
        for name in "a", "b":
            c = Client(server)
            assert "<success" in c.plain(name) and "<jid>" in c.bind("x")[1]
        assert "<not-authorized" in Client(server).plain("c", "new")
        t.add("c", **here)
        t.ctl("user", "remove", "b@localhost", **here)
        assert t.jids("user", "list", **here) == ["a@localhost", "c@localhost"]
        server.end()
    finally:
        disk.end()


def second_server(t):
    def refused(**keys):
        p = subprocess.run([MYNAHD, "--config", write(t.folder + "/second.yaml", **keys)], stderr=subprocess.PIPE, text=True,
                           timeout=DEADLINE)
        assert p.returncode == 1, p
        return p.stderr.splitlines()[-1]

    assert "in use" in refused(data=t.folder + "/data")
    assert "another mynahd answers" in refused(data=t.folder + "/second", socket=t.folder + "/data/control.sock")
    with open(t.folder + "/precious", "w") as f:
        f.write("not a socket")
    assert "precious" in refused(data=t.folder + "/second", socket=t.folder + "/precious")
    assert os.path.getsize(t.folder + "/precious") == 12
    t.ctl("status")


def long_path(t):
    folder = t.folder + "/" + "long" * 30
    server = Server(MYNAHD, write(t.folder + "/long.yaml", data=folder))
    try:
        assert json.loads(t.ctl("--json", "status", config=t.folder + "/long.yaml"))["ok"]["accounts"] == 0
    finally:
        server.end()
    assert "control.sock" not in os.listdir(folder)


def strangers(t):
    """Root and the server's own user may ask, whatever the mode of the socket."""
    path = t.folder + "/open.sock"
    server = Server(MYNAHD, write(t.folder + "/open.yaml", data=t.folder + "/open", socket=path))
    try:
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
        if os.getuid():
            print("# skipped: only root can become somebody else")
            return
        binary = shutil.copy(MYNAHCTL, t.folder + "/mynahctl")
        os.chmod(t.folder, 0o755)
        ask = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", binary, "--socket", path, "status"]
        p = subprocess.run(ask, stderr=subprocess.PIPE, text=True, cwd="/")
        assert p.returncode == 1 and "become root" in p.stderr, p
        os.chmod(path, 0o666)
        p = subprocess.run(ask, stderr=subprocess.PIPE, text=True, cwd="/")
        assert p.returncode == 1 and "only root and the server's own user" in p.stderr, p
        wait_for_log(server, "control refused uid=65534 ")
    finally:
        server.end()


def lines(t):
    """The framing, by hand."""
    t.nobody()
    s, answers = t.raw()
    for byte in b'{"command": ["status"]}\n':
        s.sendall(bytes([byte]))
    assert "version" in json.loads(answers.readline())["ok"]
    s.sendall(b'{"command": ["status"], "args": {}}\n{"command": ["session", "list"]}\n{"command": ["use')
    assert "version" in json.loads(answers.readline())["ok"]
    assert json.loads(answers.readline()) == {"ok": {"sessions": []}}
    s.sendall(b'r", "list"]}\r\n')
    assert json.loads(answers.readline())["ok"]["accounts"]
    for line in ["", "{", "[]", "{}", '{"command": "status"}', '{"command": ["status"], "args": []}', '{"command": ["status"], "x": 1}',
                 '{"command": []}', '{"command": ["user"]}', '{"command": ["user", "list", "x"]}', '{"command": ["status", 1]}',
                 '{"command": ["status"], "args": {"x": "y"}}', '{"command": ["user", "add"], "args": {"jid": "x@localhost"}}',
                 '{"command": ["user", "remove"], "args": {"jid": 1}}', '{"command": ["user", "add"], "args": {"accounts": "x"}}',
                 '{"command": ["user", "remove"], "args": {"jid": "a\\u0000b"}}', '{"command": ["user", "remove"], "args": {"jid": "\xff"}}']:
        s.sendall(line.encode("latin-1") + b"\n")
        answer = json.loads(answers.readline())
        assert answer["error"]["code"] == "bad-request", (line, answer)
    s.sendall(b'{"command": ["user", "add"], "args": {"accounts": [1, {}, {"jid": "x@localhost"}]}}\n')
    ok = json.loads(answers.readline())["ok"]
    assert ok["added"] == 0 and [f["code"] for f in ok["failed"]] == ["jid-malformed", "jid-malformed", "not-acceptable"], ok
    s.sendall(b'{"command": ["status"]}')
    s.shutdown(socket.SHUT_WR)
    assert answers.readline() == ""
    s, answers = t.raw()
    s.sendall(b'{"command": ["status"]}\n')
    s.shutdown(socket.SHUT_WR)
    assert "ok" in json.loads(answers.readline()) and answers.readline() == ""
    s, answers = t.raw()
    try:
        s.sendall(b" " * (2 << 20))
    except OSError:
        pass
    assert json.loads(answers.readline())["error"]["code"] == "policy-violation"
    crowd = [t.raw() for _ in range(32)]
    s, answers = t.raw()
    assert json.loads(answers.readline())["error"]["code"] == "resource-constraint"
    del crowd, s, answers

    def let_in():
        s, answers = t.raw()
        try:
            s.sendall(b'{"command": ["status"]}\n')
            return "ok" in json.loads(answers.readline())
        except OSError:
            return False

    wait_for(let_in, "the crowd has gone")


def told(t):
    """A line in the log for each command: who and what, no password."""
    t.add("logged")
    wait_for_log(t.server, r'command uid=%d pid=\d+ command="user add" arguments="jid=logged@localhost" result=ok' % os.getuid())
    t.ctl("session", "kick", "none@localhost", "--reason", "why not", code=1)
    wait_for_log(t.server, 'arguments="jid=none@localhost reason=why not" result=item-not-found')
    t.ctl("status")
    wait_for_log(t.server, "command=status arguments=none result=ok")
    assert "testpwd" not in "".join(t.server.log)


ANSWERS = [  # each command of the table, in its order; arguments; and what it answers, or the names in it
    ("user add", ["json@localhost", "--password-stdin"], {"jid": "json@localhost"}),
    ("user add", ["--from", "-"], {"added": 1, "failed": []}),
    ("user passwd", ["json@localhost", "--password-stdin"], {"jid": "json@localhost"}),
    ("user disable", ["json@localhost"], {"jid": "json@localhost"}),
    ("user enable", ["json@localhost"], {"jid": "json@localhost"}),
    ("user show", ["json@localhost"], "jid sessions contacts resources addresses created disabled mechanisms name email"),
    ("user roster", ["json@localhost"], {"contacts": []}),
    ("user remove", ["json@localhost"], {"jid": "json@localhost"}),
    ("user list", ["localhost", "--disabled", "yes"], {"accounts": []}),
    ("user count", ["localhost"], "registered disabled online"),
    ("session list", [], "sessions"),
    ("session kick", ["romeo@localhost"], {"ended": 1}),
    ("announce", ["hear this"], {"told": 1}),
    ("motd set", ["one", "--domain", "localhost"], {}),
    ("motd edit", ["two\nlines", "localhost"], {}),
    ("motd show", ["localhost"], {"text": "two\nlines"}),
    ("motd remove", [], {}),
    ("welcome set", ["come in"], {}),
    ("welcome show", ["localhost"], {"text": "come in"}),
    ("welcome remove", [], {}),
    ("component list", [], {"components": []}),
    ("status", [], "version domains loops sessions"),
    ("backup", ["%(folder)s/json.db"], "file bytes"),
    ("restore", ["%(folder)s/json.db", "--data", "%(folder)s/restored"], "data bytes"),
    ("reload", [], {"changed": [], "needs_restart": []}),
    ("config show", [], "config"),
    ("module list", [], "modules"),
    ("protocols", [], "protocols"),
    ("log level", ["info"], {"level": "info"}),
    ("shutdown", ["--delay", "86400"], {"told": 0}),
    ("restart", ["--delay", "86400", "--announcement", "soon"], {"told": 1})]


def every_answer_is_json(t):
    """A command that is new in the table wants a row above."""
    rows = re.findall(r"(?m)^  ([a-z]+(?: [a-z]+)*)(?!\S)", t.ctl("--help"))
    assert rows == [command for command, _, _ in ANSWERS], rows
    t.nobody()
    romeo, juliet = (t.login(name, "json") for name in ("romeo", "juliet"))
    juliet.send("<presence/>")
    juliet.ping()
    for command, args, answer in ANSWERS:
        got = t.ask(*command.split(), *[a % {"folder": t.folder} for a in args], stdin="another@localhost x\n")["ok"]
        assert got == answer if isinstance(answer, dict) else set(answer.split()) <= set(got), (command, got)
    assert "<stream:error" in romeo.ends()
    juliet.until("<body>hear this</body>", "<body>soon</body>")


def stopped_meanwhile(t):
    """A server that is told to stop while it makes accounts: what it said it has done is done, and it ends well."""
    with open(t.folder + "/accounts", "w") as f:
        f.write("".join("stop%d@localhost x\n" % i for i in range(20000)))
    p = subprocess.Popen([MYNAHCTL, "--config", t.config, "--json", "user", "add", "--from", t.folder + "/accounts"],
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    wait_for(lambda: [name for name in t.jids("user", "list", "localhost") if name.startswith("stop")], "the first accounts")
    t.server.end()
    assert p.wait(DEADLINE) == 1 and json.loads(p.stdout.read())["error"]["code"] == "service-unavailable"
    p.stdout.close()
    p.stderr.close()
    t.server = Server(MYNAHD, t.config)
    assert [name for name in t.jids("user", "list", "localhost") if name.startswith("stop")]
    t.server.end()


def main():
    t = Test()
    steps = [accounts, usage, asked_on_a_terminal, sessions, removal, status, lines, told, all_at_once, many_while_two_chat, missing, killed,
             power_goes, full_disk, second_server, long_path, strangers, every_answer_is_json,
             stopped_meanwhile]
    bad = tap([(s.__name__, lambda s=s: s(t)) for s in steps], t.log)
    if t.server.process.poll() is None:
        t.server.process.kill()
    shutil.rmtree(t.folder)
    return bad != 0


sys.exit(main())
