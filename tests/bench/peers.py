"""The servers of tests/bench/run: how each is configured, started, measured and stopped. All listen on free ports of loopback only,
with data of their own, on the first CPU that we may use. Their own rate limits are off; those of mynahd are as it comes."""
import gzip, os, re, signal, socket, sqlite3, subprocess, time
import xml.etree.ElementTree as ElementTree

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def processes(pid):
    """It and everything below it."""
    below = {}
    for p in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/stat" % p) as f:
                below.setdefault(int(f.read().rsplit(")", 1)[1].split()[1]), []).append(int(p))
        except OSError:
            pass
    found = [pid]
    for p in found:
        found += below.get(p, [])
    return found


def cpu(pids):
    """Seconds of user and system time; the kernel keeps one clock a process, its number made of the process's (clock_getcpuclockid(3))."""
    return sum(time.clock_gettime_ns(~p << 3 | 2) for p in pids) / 1e9


def memory(pids):
    total = 0
    for p in pids:
        with open("/proc/%d/smaps_rollup" % p) as f:
            total += int(re.search(r"^Pss: +(\d+)", f.read(), re.M)[1]) * 1024
    return total


def pinned(which, command):
    cpus = sorted(os.sched_getaffinity(0))
    return ["taskset", "-c", str(cpus[which % len(cpus)])] + command


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Server:
    """Subclasses write their configuration and say with which commands they are started, and with what environment."""

    mechanism = "SCRAM-SHA-1"

    def __init__(self, folder, cert, key):
        self.folder, self.cert, self.key = os.path.join(folder, self.name), cert, key
        self.started = []
        os.mkdir(self.folder)

    def launch(self, command, env):
        with open(self.folder + "/output", "ab") as out:
            self.started.append(subprocess.Popen(pinned(0, command), stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                                 env={**os.environ, **env}, cwd=self.folder))

    def wait_for(self, port):
        until = time.monotonic() + 60
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                return
            except OSError:
                if any(p.poll() is not None for p in self.started) or time.monotonic() > until:
                    with open(self.folder + "/output") as f:
                        raise ChildProcessError("%s does not start:\n%s" % (self.name, f.read()[-4000:]))
                time.sleep(0.1)

    def up(self):
        self.port = free_port()
        self.launch(*self.command())
        self.wait_for(self.port)

    def start(self):
        """Somebody else may have taken a port that was free a moment ago."""
        for left in (2, 1, 0):
            try:
                self.up()
                self.pids()
                return
            except ChildProcessError as e:
                self.stop()
                if not left:
                    raise SystemExit(str(e))

    def pids(self):
        self.known = [below for p in self.started for below in processes(p.pid)]
        return self.known

    def cpu(self):
        return cpu(self.known)

    def quiet_cpu(self):
        """The same, once what was asked of it is done: it stands nearly still."""
        was = self.cpu()
        for _ in range(100):
            time.sleep(0.2)
            now = self.cpu()
            if now - was < 0.005:
                break
            was = now
        return now

    def settled_memory(self):
        """Its memory, once it moves no more."""
        was = memory(self.pids())
        for _ in range(10):
            time.sleep(0.5)
            now = memory(self.pids())
            if abs(now - was) < was / 500:
                break
            was = now
        return now

    def stop(self):
        every = self.pids()
        for p in self.started:
            if p.poll() is None:
                p.terminate()
        for p in self.started:
            try:
                p.wait(30)
            except subprocess.TimeoutExpired:
                pass
        for p in every:
            try:
                os.kill(p, signal.SIGKILL)
            except ProcessLookupError:
                pass
        for p in self.started:
            p.wait()
        self.started = []

    def write(self, name, text):
        with open(os.path.join(self.folder, name), "w") as f:
            f.write(text)
        return os.path.join(self.folder, name)


class Mynahd(Server):
    name = "mynahd"
    binary = TOP + "/build-release/apps/mynahd"

    def version(self):
        return subprocess.check_output([self.binary, "--version"], text=True).split()[1]

    def command(self):
        config = self.write("mynahd.yaml", """
data: %s/data
run_as: root
domains: [{name: localhost, certificate: %s, key: %s}]
listen: [{service: c2s, address: "127.0.0.1", port: %d, tls: offered}]
auth: {mechanisms: [SCRAM-SHA-1-PLUS, SCRAM-SHA-1], without_tls: [SCRAM-SHA-1], iterations: 4096}
registration: {open: yes}
log: {level: warn}
""" % (self.folder, self.cert, self.key, self.port))
        if os.geteuid():
            with open(config) as f:
                self.write("mynahd.yaml", f.read().replace("run_as: root\n", ""))
        return [self.binary, "--config", config], {}


def debian_version(package):
    return subprocess.check_output(["dpkg-query", "-W", "-f", "${Version}", package], text=True)


class Prosody(Server):
    """Debian's modules less servers, invitations, administration and mod_limits (which caps a client at 10 kB/s)."""
    name = "prosody"

    def version(self):
        return debian_version("prosody")

    def command(self):
        os.makedirs(self.folder + "/data", exist_ok=True)
        config = self.write("prosody.cfg.lua", """
run_as_root = true
data_path = "%s/data"
pidfile = "%s/pid"
modules_enabled = { "disco"; "roster"; "saslauth"; "tls"; "blocklist"; "bookmarks"; "carbons"; "pep"; "private"; "smacks"; "vcard4";
  "vcard_legacy"; "csi_simple"; "ping"; "register"; "time"; "uptime"; "version"; "posix" }
modules_disabled = { "s2s" }
authentication = "internal_hashed"
default_iteration_count = 4096
allow_registration = true
c2s_require_encryption = false
c2s_interfaces = { "127.0.0.1" }
c2s_ports = { %d }
log = { warn = "%s/log" }
ssl = { certificate = "%s"; key = "%s" }
VirtualHost "localhost"
""" % (self.folder, self.folder, self.port, self.folder, self.cert, self.key))
        return ["/usr/bin/prosody", "--config", config, "-F"], {}


class Ejabberd(Server):
    """Debian's modules less HTTP, MQTT, TURN and mod_pres_counter (at most 5 subscriptions a minute); no shaper."""
    name = "ejabberd"

    def version(self):
        return debian_version("ejabberd")

    def command(self):
        with open(self.key) as k, open(self.cert) as c:
            pem = self.write("both.pem", k.read() + c.read())
        config = self.write("ejabberd.yml", """
loglevel: warning
hosts: [localhost]
certfiles: ["%s"]
listen:
  - {port: %d, ip: "127.0.0.1", module: ejabberd_c2s, backlog: 128, max_stanza_size: 262144, access: all, starttls: true}
auth_password_format: scram
registration_timeout: infinity
access_rules: {local: {allow: all}, register: {allow: all}}
shaper_rules: {max_user_sessions: 10, max_user_offline_messages: 100}
modules:
  mod_adhoc: {}
  mod_admin_extra: {}
  mod_announce: {}
  mod_avatar: {}
  mod_blocking: {}
  mod_caps: {}
  mod_carboncopy: {}
  mod_client_state: {}
  mod_configure: {}
  mod_disco: {}
  mod_fail2ban: {}
  mod_last: {}
  mod_muc: {default_room_options: {mam: true}}
  mod_muc_admin: {}
  mod_offline: {access_max_user_messages: max_user_offline_messages}
  mod_ping: {}
  mod_privacy: {}
  mod_private: {}
  mod_pubsub: {plugins: [flat, pep]}
  mod_push: {}
  mod_push_keepalive: {}
  mod_register: {access: register, ip_access: all}
  mod_roster: {versioning: true}
  mod_shared_roster: {}
  mod_sic: {}
  mod_stream_mgmt: {resend_on_timeout: if_offline}
  mod_vcard: {search: false}
  mod_vcard_xupdate: {}
  mod_version: {}
""" % (pem, self.port))
        return (["/usr/bin/erl", "-noinput", "+K", "true", "+P", "250000", "-mnesia", "dir", '"%s/mnesia"' % self.folder, "-s", "ejabberd"],
                {"EJABBERD_CONFIG_PATH": config, "EJABBERD_LOG_PATH": self.folder + "/ejabberd.log", "ERL_MAX_PORTS": "100000",
                 "ERL_LIBS": "/usr/lib/x86_64-linux-gnu", "ERL_CRASH_DUMP_BYTES": "0", "HOME": self.folder})


class Jabberd2(Server):
    """The package's files with ports, paths and a certificate of this run; no limit of stanzas, enough connections. Logins are by PLAIN,
    its cheapest: it keeps passwords as they are and would derive SCRAM's keys at every login."""
    name = "jabberd2"
    mechanism = "PLAIN"

    def version(self):
        return debian_version("jabberd2")

    def config(self, part, changes):
        tree = ElementTree.parse("/etc/jabberd2/%s.xml" % part)
        root = tree.getroot()
        for path, value in changes.items():
            path, _, attribute = path.partition("@")
            at = root
            for step in path.split("/"):
                at = at.find(step) if at.find(step) is not None else ElementTree.SubElement(at, step)
            if attribute:
                at.set(attribute, value)
            else:
                at.text = value
        log = root.find("log")
        log.clear()
        log.set("type", "file")
        ElementTree.SubElement(log, "file").text = "%s/%s.log" % (self.folder, part)
        tree.write("%s/%s.xml" % (self.folder, part))
        return ["/usr/sbin/jabberd2-" + part, "-c", "%s/%s.xml" % (self.folder, part)]

    def up(self):
        self.port, router, database = free_port(), str(free_port()), self.folder + "/sqlite.db"
        if not os.path.exists(database):
            with gzip.open("/usr/share/doc/jabberd2/db-setup.sqlite.gz", "rt") as f, sqlite3.connect(database) as db:
                db.executescript(f.read())
            db.close()
        with open(self.key) as k, open(self.cert) as c:
            pem = self.write("both.pem", k.read() + c.read())
        own = {"router/ip": "127.0.0.1", "router/port": router, "io/max_fds": "65535"}
        self.launch(self.config("router", {"pidfile": self.folder + "/router.pid", "local/ip": "127.0.0.1", "local/port": router}), {})
        self.wait_for(int(router))
        self.launch(self.config("sm", {**own, "pidfile": self.folder + "/sm.pid", "local/id": "localhost",
                                       "storage/sqlite/dbname": database}), {})
        self.launch(self.config("c2s", {**own, "pidfile": self.folder + "/c2s.pid", "local/id": "localhost",
                                        "local/id@pemfile": pem, "local/ip": "127.0.0.1", "local/port": str(self.port),
                                        "io/limits/stanzas": "0", "authreg/sqlite/dbname": database}), {})
        self.wait_for(self.port)


KINDS = {k.name: k for k in (Mynahd, Prosody, Ejabberd, Jabberd2)}


def certificate(folder):
    cert, key = folder + "/cert.pem", folder + "/key.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
                    "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", cert],
                   check=True, stderr=subprocess.DEVNULL)
    return cert, key
