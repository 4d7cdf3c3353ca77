"""Drives other people's programs against a mynahd of our own: every wait has a deadline and ends with what was said so far."""
import contextlib, os, re, shutil, signal, socket, subprocess, sys, tempfile, threading, time

sys.path.append(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from mynah import Client, DEADLINE, Server, go_inside, tap


OLD, NEW = "a245427228c4407", "mynah.test"


def config_2007(path):
    """The file of 2007 for the domain of the time's traces."""
    with open(path) as f:
        text = f.read().replace("port: 5222", "port: 0").replace("address: auto", "address: 127.0.0.1")
    return OLD, text.replace("{open: loopback}", "{open: loopback, per_address: off}") + "domains: [{name: %s}]\n" % OLD


def config_new(more=""):
    """The defaults, for a domain; the second port is direct TLS."""
    return NEW, """
domains: [{name: %s}]
listen:
  - {address: 127.0.0.1, port: 0, tls: required}
  - {address: 127.0.0.1, port: 0, tls: direct}
registration: {open: loopback, per_address: off}
""" % NEW + more


@contextlib.contextmanager
def serving(binary, host, config):
    """A mynahd that has a folder and a CA of its own, and must end well."""
    folder = tempfile.mkdtemp(prefix="mynah-interop-")
    path = folder + "/mynahd.yaml"
    with open(path, "w") as f:
        f.write("data: %s/data\n%s" % (folder, config))
    server = Server(binary, path, host)
    server.folder, server.ca = folder, folder + "/data/certs/ca.crt"
    try:
        yield server
    finally:
        try:
            server.end()
        finally:
            server.process.kill()
            shutil.rmtree(folder)


class Issuer:
    """A CA for people's certificates, made as anybody makes one: NAME.crt and NAME.key in its folder. The CA is ca.crt."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="mynah-issuer-")
        self.key("ca", "-x509", "-days", "2", "-out", "ca.crt")

    def openssl(self, *words):
        subprocess.run(["openssl", *words], cwd=self.folder, check=True, capture_output=True)

    def key(self, name, *more):
        self.openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=" + name,
                     "-keyout", name + ".key", *more)

    def issue(self, name, *jids):
        return self.server(name, *("otherName:1.3.6.1.5.5.7.8.5;UTF8:" + j for j in jids))

    def server(self, name, *names):
        """Names as they stand in subjectAltName: DNS:x.test, IP:127.0.0.1."""
        with open("%s/%s.ext" % (self.folder, name), "w") as f:
            f.write("subjectAltName = " + ",".join(names))
        self.key(name, "-out", name + ".csr")
        self.openssl("x509", "-req", "-in", name + ".csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2",
                     "-extfile", name + ".ext", "-out", name + ".crt")
        return "%s/%s.crt" % (self.folder, name), "%s/%s.key" % (self.folder, name)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.folder)


class Cable:
    """A server's first port behind one that stays the same over its restarts, on a line that can be cut. What is sent up (to the
    server) or down is lost while that way is in `holes`; the next line is whole again."""

    def __init__(self, server):
        self.server, self.host, self.ca, self.holes, self.line = server, server.host, server.ca, set(), ()
        self.begun, self.ended = [], []  # one for each line
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.ports = [self.socket.getsockname()[1]]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            near = self.socket.accept()[0]
            self.begun.append(True)
            self.holes, self.line = set(), (near, self.reach())
            for way, line in ("up", self.line), ("down", self.line[::-1]):
                threading.Thread(target=self.carry, args=(way, self.holes, *line), daemon=True).start()

    def reach(self):
        """The server, which may still be on its way."""
        until = time.monotonic() + DEADLINE
        while True:
            try:
                far = socket.create_connection(("127.0.0.1", self.server.ports[0]), DEADLINE)
                far.settimeout(None)
                return far
            except (OSError, IndexError):
                assert time.monotonic() < until
                time.sleep(0.05)

    def carry(self, way, holes, source, target):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if way not in holes:
                    target.sendall(data)
        self.shut(source, target)
        if way == "up":
            self.ended.append(True)

    def shut(self, *sockets):
        for s in sockets:
            with contextlib.suppress(OSError):
                s.shutdown(socket.SHUT_RDWR)

    def cut(self):
        self.shut(*self.line)


def secured(server):
    """A stream before login, inside TLS where that is offered."""
    c = Client(server)
    if "<starttls" in c.features:
        c.features = c.starttls(server.ca)
    return c


def account(server, name):
    result = secured(server).register(name)[1]
    assert "type='result'" in result, result


def person(server, name, resource):
    """Logged in and bound, not yet available."""
    c = secured(server)
    if "<mechanism>SCRAM-SHA-256<" in c.features:
        c.scram(name)
    elif "<mechanism>DIGEST-MD5<" in c.features:
        c.digest_md5(name)
    else:
        assert "<success" in c.plain(name)
    c.bind(resource)
    return c


class Program:
    """A client program. What it says is waited for as it comes."""

    def __init__(self, *command, env=None, cwd=None, text=None, pass_fds=()):
        self.name, self.said, self.at, self.ended = os.path.basename(command[0]), "", 0, False
        self.more = threading.Condition()
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                        errors="replace", cwd=cwd, env={**os.environ, **(env or {})}, start_new_session=True, pass_fds=pass_fds)
        threading.Thread(target=self.read, daemon=True).start()
        if text is not None:
            self.process.stdin.write(text)
        self.process.stdin.close()

    def read(self):
        for line in self.process.stdout:
            with self.more:
                self.said += line
                self.more.notify_all()
        with self.more:
            self.ended = True
            self.more.notify_all()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def until(self, *patterns):
        """The match of the first pattern; all of them, in any order, are looked for behind what was found last."""
        found = lambda: [m for m in (re.compile(p, re.S).search(self.said, self.at) for p in patterns) if m]
        with self.more:
            self.more.wait_for(lambda: len(found()) == len(patterns) or self.ended, DEADLINE)
            got = found()
        assert len(got) == len(patterns), "%s never said %s, but\n%s" % (self.name, " and ".join(patterns), self.said)
        self.at = max(m.end() for m in got)
        return got[0]

    def end(self, code=0):
        """Everything it has said, when it has ended with this code."""
        try:
            got = self.process.wait(DEADLINE)
        except subprocess.TimeoutExpired:
            got = "no end"
        with self.more:
            self.more.wait_for(lambda: self.ended, DEADLINE if got == code else 1)
        assert got == code, "%s: %s\n%s" % (self.name, got, self.said)
        return self.said
