"""What the tests written in Python share: a mynahd of their own, a client that writes its XML by hand, TAP."""
import atexit, base64, codecs, contextlib, hashlib, hmac, itertools, json, os, re, shutil, signal, socket, ssl, struct, subprocess, sys, tempfile, threading, time, traceback

DEADLINE = 60  # seconds: of a busy machine, where nothing else is wrong
LIES, FULL, BROKEN, STUCK, BLIND, EARLY, SLOW = range(7)  # the troubles of a disk (e2e/disk.c)
SASL, SM = "urn:ietf:params:xml:ns:xmpp-sasl", "urn:xmpp:sm:3"


PORTS, CLAIMS = itertools.count(20000), []
os.environ.update(LC_ALL="C.UTF-8", LANGUAGE="", TERM="xterm-256color")  # whoever runs this, wherever


class Lost(Exception):
    """Something that was acknowledged is not there, or twice, or out of order."""


STARTED, ITSELF = [], os.getpid()


@atexit.register
def end_all():
    """Servers that a test which failed has left; not those of whoever this process is a copy of."""
    for p in STARTED if os.getpid() == ITSELF else []:
        if p.poll() is None:
            p.kill()
            p.wait()


class Server:
    """A mynahd with this configuration, which serves `host` and leaves its ports to the system (port: 0); `ports` are in the
    order of `listen`. `env` is added to its environment."""

    def __init__(self, binary, config, host="localhost", env={}):
        self.command, self.env, self.host, self.log = [binary, "--config", config], {**os.environ, **env}, host, []
        self.start()

    def start(self):
        self.ports = []
        self.process = subprocess.Popen(self.command, stderr=subprocess.PIPE, text=True, errors="replace", env=self.env)
        STARTED[:] = [p for p in STARTED if p.poll() is None] + [self.process]
        self.ready = threading.Event()
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()
        if not self.ready.wait(DEADLINE) or self.process.poll() is not None:
            self.process.kill()
            raise Exception("not ready: " + "".join(self.log))

    def read(self):
        for line in self.process.stderr:
            self.log.append(line)
            m = re.search(r"[ \"]listening[ \"].*address[=\":]+127\.0\.0\.1:(\d+)", line)
            if m:
                self.ports.append(int(m.group(1)))
            if " ready " in line or '"msg":"ready"' in line:
                self.ready.set()
        self.ready.set()

    def stop(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        code = self.process.wait(DEADLINE)
        self.reader.join(DEADLINE)
        return code

    def end(self):
        """Asked to stop it ends with 0, and no sanitizer has found anything."""
        code = self.stop()
        assert code == 0 and not [l for l in self.log if "Sanitizer" in l or "runtime error" in l], "".join(self.log)


class Shim:
    """A disk below the folder `data` whose power can go, as e2e/disk.c plays it for a program."""

    def __init__(self, disk, data, left, seed=1):
        self.disk, self.data, self.left, self.seed, self.starts = disk, data, left, seed, 0

    def prepare(self, troubles=bytes(7)):
        """For a program that is to use it from now on: its environment."""
        shutil.rmtree(self.left, ignore_errors=True)
        for d in self.left, self.left + "/objects", self.left + "/names":
            os.mkdir(d)
        with open(self.left + "/control", "wb") as f:
            f.write(troubles)
        self.starts += 1
        return {"LD_PRELOAD": self.disk, "MYNAH_DISK": self.data, "MYNAH_DISK_LEFT": self.left,
                "MYNAH_DISK_SEED": str(self.seed * 1000 + self.starts), "ASAN_OPTIONS": "verify_asan_link_order=0"}

    def set(self, trouble, value):
        with open(self.left + "/control", "r+b", buffering=0) as f:
            f.seek(trouble)
            f.write(bytes([value]))

    def lose(self):
        """The power is gone: the folder is as it would be found."""
        shutil.rmtree(self.data)
        shutil.copytree(self.left + "/names", self.data)


class Disk(Shim):
    """A folder with a mynahd on a disk whose power can go (e2e/disk.c); `config` has %s for the folder. With `check` (e2e/storecheck.c)
    its database can be looked at, with `clock` (e2e/clock.c) its time of day set."""

    def __init__(self, binary, disk, config, seed=1, check=None, clock=None):
        self.folder = os.path.realpath(tempfile.mkdtemp(prefix="mynah-disk-"))
        super().__init__(disk, self.folder + "/data", self.folder + "/left", seed)
        self.binary, self.checker, self.clock, self.server = binary, check, clock, None
        os.mkdir(self.data, 0o700)
        write(self.folder, config)
        self.jump(0)

    def begin(self, *names):
        """The first start; these have accounts from then on."""
        self.start()
        for name in names:
            assert "result" in Client(self.server).register(name)[1]

    def prepare(self, troubles=bytes(7)):
        env = super().prepare(troubles)
        return {**env, "LD_PRELOAD": " ".join(filter(None, [self.disk, self.clock])), "MYNAH_CLOCK": self.folder + "/clock"}

    def start(self):
        self.server = Server(self.binary, self.folder + "/mynahd.yaml", env=self.prepare())
        return self.server

    def jump(self, seconds):
        """By so much the time of day is wrong from now on."""
        with open(self.folder + "/clock", "r+b" if os.path.exists(self.folder + "/clock") else "wb", buffering=0) as f:
            f.write(struct.pack("q", seconds))

    def power_off(self):
        self.server.stop(signal.SIGKILL)
        self.lose()

    def check(self):
        shutil.rmtree(self.folder + "/copy", ignore_errors=True)
        shutil.copytree(self.data, self.folder + "/copy")
        p = subprocess.run([self.checker, self.folder + "/copy"], stdout=subprocess.PIPE, text=True)
        if p.returncode:
            raise Lost(p.stdout)

    def end(self):
        if self.server and self.server.process.poll() is None:
            self.server.process.kill()
            self.server.process.wait()
        shutil.rmtree(self.folder)

    def __enter__(self):
        return self

    def __exit__(self, failed, *_):
        """A server that is left running behind what went well must end well."""
        try:
            if not failed and self.server.process.poll() is None:
                self.server.end()
        finally:
            self.end()


class Client:
    def __init__(self, server, host=None, opened=True, source="127.0.0.1", at=None):
        self.host = host or server.host
        self.socket = socket.create_connection(at or ("127.0.0.1", server.ports[0]), DEADLINE, (source, 0))
        self.text, self.decoder = "", codecs.getincrementaldecoder("utf-8")()
        self.answered = set()
        if opened:
            self.features = self.open()

    def header(self):
        self.send("<?xml version='1.0' ?><stream:stream to='%s' xmlns='jabber:client' "
                  "xmlns:stream='http://etherx.jabber.org/streams' xml:lang='en' version='1.0'>" % self.host)

    def open(self):
        self.header()
        return self.until("</stream:features>")

    def send(self, text):
        self.socket.sendall(text.encode())

    def until(self, *patterns):
        """Everything up to the end of the match of each pattern, in whichever order they come. It is used up."""
        while True:
            found = [re.search(p, self.text, re.S) for p in patterns]
            if all(found):
                end = max(m.end() for m in found)
                got, self.text = self.text[:end], self.text[end:]
                return got
            data = self.socket.recv(65536)
            if not data:
                raise Exception("closed while waiting for %s; have %r" % (patterns, self.text))
            self.hear(data)

    def hear(self, data):
        """What came; as any client does it answers what the server asks behind messages that had waited."""
        self.text += self.decoder.decode(data)
        for asked in re.findall(r"<iq [^>]*id='(has-\d+)'[^>]*>.*?</iq>", self.text, re.S):
            if asked not in self.answered:
                self.answered.add(asked)
                with contextlib.suppress(OSError):  # whoever has gone meanwhile is met by the next read
                    self.send("<iq type='result' id='%s' to='%s'/>" % (asked, self.host))

    def ends(self):
        while True:
            data = self.socket.recv(65536)
            if not data:
                return self.text
            self.hear(data)

    def register(self, name, password="testpwd"):
        self.send("<iq type='get' id='g'><query xmlns='jabber:iq:register'/></iq>")
        form = self.until("</iq>")
        self.send("<iq type='set' id='s'><query xmlns='jabber:iq:register'><username>%s</username><password>%s</password>"
                  "<name/><email/></query></iq>" % (name, password))
        return form, self.until(r"<iq [^>]*id='s'[^>]*(/>|>.*?</iq>)")

    def starttls(self, ca):
        self.send("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
        self.until("<proceed")
        self.until("/>")
        self.socket = ssl.create_default_context(cafile=ca).wrap_socket(self.socket, server_hostname=self.host)
        return self.open()

    def plain(self, name, password="testpwd"):
        token = base64.b64encode(("\0%s\0%s" % (name, password)).encode()).decode()
        self.send("<auth xmlns='%s' mechanism='PLAIN'>%s</auth>" % (SASL, token))
        return self.until("</failure>|<success[^>]*/>|</success>")

    def success(self):
        """What comes with it; an exception when it is a failure."""
        got = self.until("</success>|</failure>")
        assert "</success>" in got, got
        return re.search(">([^<]+)</success>", got).group(1)

    def scram(self, name, password="testpwd"):
        """SCRAM-SHA-256 without binding; the server's signature is checked."""
        bare = "n=%s,r=fyko" % name
        self.send("<auth xmlns='%s' mechanism='SCRAM-SHA-256'>%s</auth>"
                  % (SASL, base64.b64encode(("n,," + bare).encode()).decode()))
        first = base64.b64decode(re.search(">([^<]+)</challenge>", self.until("</challenge>")).group(1)).decode()
        values = dict(v.split("=", 1) for v in first.split(","))
        salted = hashlib.pbkdf2_hmac("sha256", password.encode(), base64.b64decode(values["s"]), int(values["i"]))
        mac = lambda key, text: hmac.new(key, text.encode(), "sha256").digest()
        final = "c=biws,r=" + values["r"]
        message = ",".join([bare, first, final])
        key = mac(salted, "Client Key")
        proof = bytes(a ^ b for a, b in zip(key, mac(hashlib.sha256(key).digest(), message)))
        self.send("<response xmlns='%s'>%s</response>" % (SASL, base64.b64encode(
            (final + ",p=" + base64.b64encode(proof).decode()).encode()).decode()))
        end = self.success()
        assert base64.b64decode(end).decode() == "v=" + base64.b64encode(mac(mac(salted, "Server Key"), message)).decode()
        return values

    def digest_md5(self, name, password="testpwd"):
        self.send("<auth xmlns='%s' mechanism='DIGEST-MD5'/>" % SASL)
        text = base64.b64decode(re.search(">([^<]+)</challenge>", self.until("</challenge>")).group(1)).decode()
        nonce = re.search('nonce="([^"]+)"', text).group(1)
        h = lambda b: hashlib.md5(b).digest()
        a1 = h(("%s:%s:%s" % (name, self.host, password)).encode()) + (":%s:cn" % nonce).encode()
        uri = "xmpp/" + self.host
        value = lambda verb: hashlib.md5(("%s:%s:00000001:cn:auth:%s" % (
            h(a1).hex(), nonce, h(("%s:%s" % (verb, uri)).encode()).hex())).encode()).hexdigest()
        reply = ('username="%s",realm="%s",nonce="%s",cnonce="cn",nc=00000001,qop=auth,digest-uri="%s",response=%s,charset=utf-8'
                 % (name, self.host, nonce, uri, value("AUTHENTICATE")))
        self.send("<response xmlns='%s'>%s</response>" % (SASL, base64.b64encode(reply.encode()).decode()))
        end = self.success()
        assert base64.b64decode(end).decode() == "rspauth=" + value("")

    def bind(self, resource):
        features = self.open()
        self.send("<iq type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>%s</resource></bind></iq>"
                  % resource)
        return features, self.until("</iq>")

    def has_all(self):
        """What had waited is known to have come, page by page, and has left the disk. What came meanwhile."""
        before, got = None, ""
        while before != len(self.answered):
            before = len(self.answered)
            got += self.ping()
        self.send("<iq type='set' id='kept'><query xmlns='jabber:iq:private'><kept xmlns='urn:test:kept'/></query></iq>")
        return got + self.until("<iq [^>]*id='kept'[^>]*/>")

    def ping(self):
        """All that was sent before is handled, and what it caused here has arrived."""
        self.send("<iq type='get' id='ping' to='%s'><ping xmlns='urn:xmpp:ping'/></iq>" % self.host)
        return self.until("<iq [^>]*id='ping'[^>]*/>")


class Control:
    """The control socket of a server (docs/control.md), without a program for each question."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(DEADLINE)
        self.socket.connect(path)
        self.answers = self.socket.makefile(encoding="utf-8")

    def ask(self, *command, **args):
        self.socket.sendall((json.dumps({"command": command, "args": args}) + "\n").encode())
        while "progress" in (answer := json.loads(self.answers.readline())):
            pass
        return answer["ok"]


def go_inside():
    """Runs this program once more with "inside" behind its arguments, as root of namespaces of its own (network, mounts, processes:
    nothing is left in the end); or tells why that cannot be, and ends."""
    spaces = ["unshare", "--net", "--mount", "--pid", "--kill-child", "--mount-proc"] + ([] if os.geteuid() == 0 else ["--map-root-user"])
    p = subprocess.run(spaces + ["ip", "link", "set", "lo", "up"], capture_output=True, text=True)
    if p.returncode:
        skip("no namespaces may be made here: " + p.stderr.strip())
    os.execvp(spaces[0], spaces + [sys.executable, *sys.argv, "inside"])


def free_ports(count):
    """Ports of loopback for what cannot be told to take any (0). They are none of those that the system gives away, and each is claimed
    by a name as long as this process lives: nobody comes between looking for one and using it."""
    found = []
    while len(found) < count:
        port, claim = next(PORTS), socket.socket(socket.AF_UNIX)
        with contextlib.suppress(OSError):
            claim.bind("\0mynah-port-%d" % port)
            socket.create_server(("127.0.0.1", port)).close()
            found.append(port)
            CLAIMS.append(claim)
    return found


@contextlib.contextmanager
def told(command, text, env):
    """A program that is told this: the lines that it says, until the block ends and it with that."""
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env) as p:
        try:
            p.stdin.write(text)
            p.stdin.close()
            yield p.stdout
        finally:
            p.terminate()


def wait_for(true, what):
    """Until this is so; else says what was not."""
    until = time.monotonic() + DEADLINE
    while not true():
        assert time.monotonic() < until, what() if callable(what) else what
        time.sleep(0.02)


def skip(why):
    print("1..0\n# skipped: " + why)
    sys.exit(0)


def write(folder, config):
    """The configuration in its file; %s in it is the folder."""
    with open(folder + "/mynahd.yaml", "w") as f:
        f.write(config % folder)
    return folder + "/mynahd.yaml"


def put(folder, name, text, mode=0o600):
    """A file, in folders below it where the name has them; its path."""
    path = os.path.join(folder, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as f:
        f.write(text)
    os.chmod(path, mode)
    return path


def served(server, source, at=None):
    """A connection that is served, or None."""
    c = Client(server, opened=False, source=source, at=at)
    try:
        c.header()
        c.until("</stream:features>")
        return c
    except Exception:
        c.socket.close()
        return None


def person(server, name, resource="r", source="127.0.0.1"):
    """Somebody who has logged in by PLAIN and has a resource."""
    c = Client(server, source=source)
    got = c.plain(name)
    if "<success" not in got:
        raise Lost("%s: %s" % (name, got))
    c.bind(resource)
    return c


def enable(c):
    """A session that can be resumed (XEP-0198): its id."""
    c.send("<enable xmlns='%s' resume='true'/>" % SM)
    return re.search("id='([^']+)'", c.until("<enabled[^>]*/>")).group(1)


def clean(server, folder):
    if server.process.poll() is None:
        server.process.kill()
    shutil.rmtree(folder)


def tap(steps, log=list):
    """Runs the steps, each a function or a name and a function; a failed one tells the end of the log. Returns how many failed."""
    bad = 0
    print("1..%d" % len(steps), flush=True)
    for i, step in enumerate(steps, 1):
        name, run = step if isinstance(step, tuple) else (step.__name__, step)
        try:
            run()
            print("ok %d - %s" % (i, name), flush=True)
        except Exception as e:
            bad += 1
            print("not ok %d - %s" % (i, name))
            for line in traceback.format_exc().splitlines() + [l.rstrip() for l in log()[-60:]]:
                print("# " + line)
            sys.stdout.flush()
    return bad
