#!/usr/bin/python3
"""Commands through a terminal client that runs: they use its session, and leave with it. Prints TAP.
usage: mynah_socket.py MYNAH MYNAHD"""
import json, os, pty, shutil, signal, socket, stat, subprocess, sys, tempfile, threading, time

sys.path.append(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from mynah import DEADLINE, Server, tap, told

MYNAH, MYNAHD = (os.path.abspath(p) for p in sys.argv[1:])
FOLDER = tempfile.mkdtemp(prefix="mynah-socket-")
ENV = {**os.environ, "LC_ALL": "C.UTF-8", "LANGUAGE": "", "TERM": "xterm", "HOME": FOLDER, "XDG_CONFIG_HOME": FOLDER + "/config",
       "XDG_DATA_HOME": FOLDER + "/kept", "XDG_RUNTIME_DIR": FOLDER + "/run"}
PATH = FOLDER + "/run/mynah/default.sock"


def write(name, text):
    path = os.path.join(FOLDER, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as f:
        f.write(text)
    return path


server = Server(MYNAHD, write("mynahd.yaml", """
data: %s/data
listen: [{address: 127.0.0.1, port: 0, tls: required}]
registration: {open: loopback, per_address: off}
domains: [{name: mynah.test}]
""" % FOLDER), "mynah.test")
write("config/mynah/config.yaml", "accounts:\n" + "".join(
    "  - {jid: %s@mynah.test/own, password_command: echo pw, host: 127.0.0.1, port: %d, ca_file: %s/data/certs/ca.crt}\n"
    % (name, server.ports[0], FOLDER) for name in ("ann", "bob")))
write("ann.yaml", "accounts:\n  - {jid: ann@mynah.test/terminal, password_command: echo pw, host: 127.0.0.1, port: %d, ca_file: %s/data/certs/ca.crt}\n"
      % (server.ports[0], FOLDER))


def call(*words, stdin="", code=0):
    p = subprocess.run([MYNAH, *words], input=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENV, timeout=2 * DEADLINE)
    assert p.returncode == code, (words, p.returncode, p.stdout, p.stderr)
    return p.stdout if code == 0 else p.stdout + p.stderr


def asked(*lines, path=PATH):
    """What the socket says, JSON by JSON, until each of these lines has its answer."""
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(DEADLINE)
        s.connect(path)
        s.sendall("".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines).encode())
        answers = []
        with s.makefile() as f:
            while sum("line" not in a for a in answers) < len(lines):
                answers.append(json.loads(f.readline()))
    return answers


class Terminal:
    """mynah on a terminal of its own, online as ann."""

    def __init__(self, *options, wait=True, path=PATH, **env):
        ours, theirs = pty.openpty()
        self.process = subprocess.Popen([MYNAH, *options], stdin=theirs, stdout=theirs, stderr=theirs, env={**ENV, **env}, start_new_session=True)
        os.close(theirs)
        self.fd, self.said = ours, b""
        # On a descriptor of its own: the other one, once closed, may be that of the next terminal while this thread still reads.
        threading.Thread(target=self.read, args=(os.dup(ours),), daemon=True).start()
        end = time.monotonic() + 2 * DEADLINE
        while wait and not self.online(path):
            assert time.monotonic() < end and self.process.poll() is None, self.said
            time.sleep(0.05)

    def online(self, path):
        try:
            return "ok" in asked({"command": ["ping"], "args": {"account": "ann@mynah.test"}}, path=path)[-1]
        except OSError:
            return False

    def read(self, fd):
        while True:
            try:
                self.said += os.read(fd, 65536)
            except OSError:
                os.close(fd)
                return

    def shows(self, text):
        """By the bytes that came: what is painted again comes again, so no two things to wait for may look alike."""
        end = time.monotonic() + DEADLINE
        while text.encode() not in self.said:
            assert time.monotonic() < end, self.said
            time.sleep(0.05)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            os.write(self.fd, b"/quit\r")
        assert self.process.wait(DEADLINE) == 0
        os.close(self.fd)


class Program(subprocess.Popen):
    """Ends with its block, however that ends."""

    def __exit__(self, kind, *more):
        if kind:
            self.kill()
        super().__exit__(kind, *more)


class Listener(subprocess.Popen):
    def __init__(self, *options):
        super().__init__([MYNAH, *options, "--json", "listen"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENV)
        self.jid = self.next()["jid"]  # from then on all is heard

    def hears(self, text):
        call("--account", "bob@mynah.test", "send", "ann@mynah.test/own", stdin=text)
        return self.next()

    def next(self):
        return json.loads(self.stdout.readline())

    def __exit__(self, *_):
        self.terminate()
        super().__exit__(*_)
        assert self.returncode == 0


def the_session_is_the_terminals():
    """Messages come from its resource, stand in its window and its history; what it hears is heard."""
    with Terminal() as t:
        mode = os.stat(PATH).st_mode
        assert stat.S_ISSOCK(mode) and mode & 0o777 == 0o600 and os.stat(os.path.dirname(PATH)).st_mode & 0o777 == 0o700
        call("send", "bob@mynah.test", "here", "北京")
        t.shows("2:bob")
        os.write(t.fd, b"\x1b2")
        t.shows("here 北京")
        with Listener() as listener:
            heard = listener.hears("there\n")
            assert listener.jid == "ann@mynah.test/own"
            assert heard["from"] == "bob@mynah.test/own" and heard["to"] == "ann@mynah.test/own" and heard["body"] == "there\n", heard
        said = json.loads(call("--json", "--wait", "delivered", "send", "bob@mynah.test", "again"))  # who has been answered is told that it came
        assert said["state"] == "delivered"
        call("ping")  # what it heard before, it has kept before it hears the answer
        rows = [json.loads(line) for line in call("--json", "history", "bob@mynah.test").splitlines()]
        assert [(r["who"], r["body"]) for r in rows][:3] == [("ann@mynah.test", "here 北京"), ("bob@mynah.test/own", "there\n"), ("ann@mynah.test", "again")], rows
        assert rows[2]["state"] == "delivered"
        assert "urn:xmpp:ping\n" in call("disco") and call("roster", "add", "carl@mynah.test", "Carl") == ""
        assert "Carl" in call("roster") and call("presence", "away", "out") == ""
        t.shows("◐")
        with told([MYNAH, "raw"], "<iq type='get' id='q1'><ping xmlns='urn:xmpp:ping'/></iq>", ENV) as said:
            assert any("type='result' id='q1'" in line for line in said)
        write("mine.json", '{"nickname": "Annie"}')
        p = subprocess.run([MYNAH, "vcard", "set", "json=mine.json"], env=ENV, cwd=FOLDER, timeout=DEADLINE)
        assert p.returncode == 0 and "Annie" in call("vcard")
        assert "service-unavailable" in call("ping", "nobody@mynah.test/x", code=2)
        assert "remote-server-not-found" in call("room", "x@nowhere.test", "me", code=2)


def others_have_their_own():
    """Another account, --no-socket, a command that says whether the password is right, another file of configuration."""
    with Terminal("--config", FOLDER + "/ann.yaml", wait=False) as t:
        t.shows("ann@mynah.test/terminal is online")
        where = FOLDER + "/run/mynah/"
        names = os.listdir(where)
        assert len(names) == 1 and names != ["default.sock"], names
        with Listener("--account", "bob@mynah.test") as bob:
            for options, resource in (["--config", FOLDER + "/ann.yaml"], "terminal"), (["--config", FOLDER + "/ann.yaml", "--no-socket"], None), ([], None):
                call(*options, "--account", "ann@mynah.test", "send", "bob@mynah.test", "x")
                came = bob.next()["from"].removeprefix("ann@mynah.test/")
                assert came == resource if resource else came not in ("terminal", "own"), (options, came)
        assert "SCRAM" in call("--config", FOLDER + "/ann.yaml", "--account", "ann@mynah.test/x", "login")
    assert not os.listdir(where)
    with Terminal("--no-socket", wait=False) as t:
        t.shows("is online")
        assert not os.listdir(where)


def files_come_and_go_on_the_terminal():
    numbers = bytes((i * i >> 8) & 255 for i in range(300000))
    for name in "numbers.bin", "unwanted.bin":
        with open(FOLDER + "/" + name, "wb") as f:
            f.write(numbers)
    for pair in ("ann", "bob"), ("bob", "ann"):
        call("--account", pair[0] + "@mynah.test", "roster", "ask", pair[1] + "@mynah.test")
        call("--account", pair[1] + "@mynah.test", "roster", "allow", pair[0] + "@mynah.test")
    bob = [MYNAH, "--account", "bob@mynah.test/files", "--json", "file"]
    with Terminal("--config", FOLDER + "/ann.yaml", wait=False) as t:
        t.shows("ann@mynah.test/terminal is online")
        send = [*bob, "send", "ann@mynah.test"]
        with Program([*send, FOLDER + "/numbers.bin"], env=ENV, stdout=subprocess.DEVNULL) as p:
            t.shows("2:bob 1!")
            os.write(t.fd, b"\x1b2")
            t.shows("bob offers numbers.bin, 293 KiB")
            os.write(t.fd, b"\x1by")
            assert p.wait(DEADLINE) == 0
        t.shows("numbers.bin has come")
        with open(FOLDER + "/Downloads/numbers.bin", "rb") as f:
            assert f.read() == numbers
        with Program([*send, FOLDER + "/unwanted.bin"], env=ENV, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as p:
            t.shows("bob offers unwanted.bin, 293 KiB")
            os.write(t.fd, b"/file decline\r")
            assert p.wait(DEADLINE) == 2 and "forbidden" in p.stderr.read()
        with Program([*bob, "receive", FOLDER + "/kept"], env=ENV, stdout=subprocess.PIPE, text=True) as p:
            p.stdout.readline()
            call("--config", FOLDER + "/ann.yaml", "ping", "bob@mynah.test/files")  # its answer comes behind the presence of bob
            os.write(t.fd, b"/file accept\r")
            t.shows("no file is offered here")
            os.write(t.fd, b"/sendfile ~/numbers.bin\r")
            assert json.loads(p.stdout.readline())["file"] == FOLDER + "/kept/numbers.bin"
            t.shows("numbers.bin was sent")
            p.terminate()
        call("--config", FOLDER + "/ann.yaml", "ping", "bob@mynah.test/files", code=2)  # its refusal comes behind his good-bye
        os.write(t.fd, b"/sendfile ~/none\r")
        t.shows("nobody there takes files")


def the_protocol_is_for_scripts():
    """docs/socket.md."""
    write("none/mynah/config.yaml", "accounts: [{jid: ann@mynah.test, enabled: off}]\n")
    with Terminal() as t:
        with Terminal(wait=False, XDG_CONFIG_HOME=FOLDER + "/none") as second:  # there is one already: it takes no commands
            second.shows("Welcome")
        answer = asked({"command": ["ping"]})
        assert answer == [{"ok": {}}], answer
        line, last = asked({"command": ["send", "bob@mynah.test", "x"], "args": {"wait": "written"}})
        assert line["line"]["state"] in ("written", "acked") and last == {"ok": {}}
        for wrong, code in ("{", "usage"), ({"command": []}, "usage"), ({"command": ["jump"]}, "usage"), ({"command": [1]}, "usage"), \
                ({"command": ["send", "bob@mynah.test", " "]}, "usage"), ({"command": ["send", "bob@mynah.test"], "args": {"input": "\n"}}, "usage"), \
                ({"command": ["login"]}, "not-here"), ({"command": ["ping"], "args": {"account": "x@y"}}, "not-here"), \
                ({"command": ["ping", "nobody@mynah.test/x"]}, "refused"), ({"command": ["ping"], "args": {"account": 1}}, None):
            answer = asked(wrong, {"command": ["ping"]})
            assert answer[0]["error"]["code"] == code if code else "ok" in answer[0], (wrong, answer)
            assert answer[1] == {"ok": {}}, answer
        listener = Listener()
        assert listener.hears("once more")["body"] == "once more"
    assert listener.wait(DEADLINE) == 1 and "ended" in listener.stderr.read()
    assert not os.path.exists(PATH)
    os.chmod(os.path.dirname(PATH), 0o777)
    with Terminal(wait=False) as t:
        t.shows("no socket for commands")
    assert not os.path.exists(PATH)


def a_new_password_is_kept_where_the_old_one_was():
    """Whose account it is need not be written as the server writes it."""
    secret = write("secret", "pw\n")
    os.chmod(secret, 0o600)
    with open(FOLDER + "/config/mynah/config.yaml") as f:
        before = f.read()
    now = before.replace("password_command: echo pw", "password_file: " + secret, 1).replace("ann@mynah.test", "Ann@MYNAH.test", 1)
    write("config/mynah/config.yaml", now)
    with Terminal():
        for new in "other", "pw":
            call("passwd", stdin=new + "\n")
            with open(secret) as f:
                assert f.read() == new + "\n"
    write("config/mynah/config.yaml", before)


try:
    for name in "ann", "bob":
        call("--account", name + "@mynah.test", "register")
    failed = tap([the_session_is_the_terminals, others_have_their_own, files_come_and_go_on_the_terminal,
                  a_new_password_is_kept_where_the_old_one_was, the_protocol_is_for_scripts], lambda: server.log)
    server.end()
finally:
    server.process.kill()
    shutil.rmtree(FOLDER)
sys.exit(failed != 0)
