"""Debian's Prosody and ejabberd as servers that our clients are tried against: on free ports of loopback, with data and a certificate of
their own, and everything on that examples ask for. Both serve `mynah.test`, rooms.mynah.test, pubsub.mynah.test, proxy.mynah.test and
search.mynah.test where they can."""
import base64, contextlib, os, shutil, signal, socket, subprocess, tempfile, time

from driver import DEADLINE, Issuer
from mynah import free_ports

HOST = "mynah.test"


def listening(ports, alive, said):
    """Somebody listens at each of them."""
    until = time.monotonic() + 3 * DEADLINE
    for port in ports:
        while True:
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", port), DEADLINE).close()
                break
            assert alive() and time.monotonic() < until, "nobody listens at %d: %s" % (port, said())
            time.sleep(0.05)


class Peer:
    host = HOST

    def __init__(self, patience=300):
        """`patience`: how many seconds a session waits for a client that is gone."""
        self.patience = patience
        self.folder = tempfile.mkdtemp(prefix="mynah-%s-" % self.name)
        self.issuer = Issuer()
        self.ca = self.issuer.folder + "/ca.crt"
        self.cert, self.key = self.issuer.server("host", "DNS:" + HOST, "IP:127.0.0.1")
        self.ports = free_ports(5)  # c2s, component, http, proxy, https
        self.process, self.log = None, self.read_log

    @property
    def bosh(self):
        return ["http://127.0.0.1:%d/http-bind" % self.ports[2], "https://127.0.0.1:%d/http-bind" % self.ports[4]]

    def path(self, name):
        return self.folder + "/" + name

    def write(self, name, text):
        with open(self.path(name), "w") as f:
            f.write(text)
        return self.path(name)

    def read_log(self):
        lines = []
        for name in "output", "log", "ejabberd.log":
            if os.path.exists(self.path(name)):
                with open(self.path(name), errors="replace") as f:
                    lines += f.read().splitlines()
        return lines

    def start(self):
        command, env = self.command()
        with open(self.path("output"), "ab") as out:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, env={**os.environ, **env},
                                            cwd=self.folder, start_new_session=True)
        listening(self.ports, lambda: self.process.poll() is None, lambda: "%s: %s" % (self.name, "\n".join(self.read_log()[-30:])))

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self.process:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        self.issuer.__exit__()
        shutil.rmtree(self.folder, ignore_errors=True)


class Prosody(Peer):
    name = "prosody"

    def command(self):
        os.makedirs(self.path("data"))
        c2s, component, http, proxy, https = self.ports
        return ["/usr/bin/prosody", "--config", self.write("prosody.cfg.lua", """
run_as_root = true
data_path = "%(folder)s/data"
pidfile = "%(folder)s/pid"
modules_enabled = { "disco"; "roster"; "saslauth"; "tls"; "blocklist"; "bookmarks"; "carbons"; "pep"; "private"; "smacks"; "vcard_legacy";
  "csi"; "ping"; "register"; "time"; "uptime"; "version"; "posix"; "offline"; "bosh"; "lastactivity"; "admin_adhoc"; "presence";
  "message"; "iq"; "mam" }
modules_disabled = { "s2s"; "register_limits" }
admins = { "admin@%(host)s" }
authentication = "internal_hashed"
allow_registration = true
registration_throttle_max = 100000
c2s_interfaces = { "127.0.0.1" }
c2s_ports = { %(c2s)d }
c2s_direct_tls_ports = { }
component_interfaces = { "127.0.0.1" }
component_ports = { %(component)d }
http_interfaces = { "127.0.0.1" }
http_ports = { %(http)d }
https_interfaces = { "127.0.0.1" }
https_ports = { %(https)d }
consider_bosh_secure = true
smacks_hibernation_time = %(patience)d
proxy65_interfaces = { "127.0.0.1" }
proxy65_ports = { %(proxy)d }
log = { info = "%(folder)s/log" }
ssl = { certificate = "%(cert)s"; key = "%(key)s" }
VirtualHost "%(host)s"
Component "rooms.%(host)s" "muc"
  modules_enabled = { "muc_mam"; "muc_unique" }
Component "pubsub.%(host)s" "pubsub"
  autocreate_on_publish = true
  default_admin_affiliation = "owner"
  admins = { "publisher@%(host)s" }
Component "proxy.%(host)s" "proxy65"
  proxy65_address = "127.0.0.1"
Component "part.%(host)s"
  component_secret = "secret"
""" % dict(folder=self.folder, host=HOST, c2s=c2s, component=component, http=http, proxy=proxy, https=https, cert=self.cert, key=self.key,
       patience=self.patience)), "-F"], {}


PICTURE = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg==")


class Ejabberd(Peer):
    """`riddles`: asks who registers to read a picture; what stands in it is in the file `riddle`."""
    name = "ejabberd"

    def __init__(self, riddles=False, **more):
        super().__init__(**more)
        self.riddles = riddles

    def riddle(self):
        with open(self.path("riddle")) as f:
            return f.read().strip()

    def asking(self):
        with open(self.path("picture.png"), "wb") as f:
            f.write(PICTURE)
        script = self.write("captcha", "#!/bin/sh\necho \"$1\" >'%s'\ncat '%s'\n" % (self.path("riddle"), self.path("picture.png")))
        os.chmod(script, 0o755)
        return 'captcha_cmd: "%s"\ncaptcha_url: http://127.0.0.1:%d/captcha\ncaptcha_limit: 1000' % (script, self.ports[2])

    def command(self):
        c2s, component, http, proxy, https = self.ports
        with open(self.key) as k, open(self.cert) as c:
            pem = self.write("both.pem", k.read() + c.read())
        config = self.write("ejabberd.yml", """
loglevel: info
hosts: [%(host)s]
certfiles: ["%(pem)s"]
listen:
  - {port: %(c2s)d, ip: "127.0.0.1", module: ejabberd_c2s, max_stanza_size: 262144, access: all, starttls: true}
  - {port: %(component)d, ip: "127.0.0.1", module: ejabberd_service, access: all, hosts: {part.%(host)s: {password: secret}}}
  - {port: %(http)d, ip: "127.0.0.1", module: ejabberd_http, request_handlers: {/http-bind: mod_bosh}}
  - {port: %(https)d, ip: "127.0.0.1", module: ejabberd_http, tls: true, request_handlers: {/http-bind: mod_bosh}}
%(asking)s
auth_password_format: scram
registration_timeout: infinity
acl: {admin: {user: admin@%(host)s}}
access_rules: {local: {allow: all}, register: {allow: all}, configure: {allow: admin}, muc_create: {allow: all}, pubsub_createnode: {allow: all}}
shaper_rules: {max_user_sessions: 10, max_user_offline_messages: 100}
modules:
  mod_adhoc: {}
  mod_announce: {access: configure}
  mod_blocking: {}
  mod_bosh: {}
  mod_caps: {}
  mod_carboncopy: {}
  mod_client_state: {}
  mod_configure: {}
  mod_disco: {}
  mod_last: {}
  mod_muc: {host: rooms.%(host)s, access_create: muc_create}
  mod_offline: {access_max_user_messages: max_user_offline_messages}
  mod_ping: {}
  mod_privacy: {}
  mod_private: {}
  mod_proxy65: {host: proxy.%(host)s, ip: "127.0.0.1", port: %(proxy)d}
  mod_pubsub: {host: pubsub.%(host)s, access_createnode: pubsub_createnode, plugins: [flat, pep]}
  mod_register: {access: register, ip_access: all, captcha_protected: %(riddles)s}
  mod_roster: {versioning: true}
  mod_stream_mgmt: {resend_on_timeout: if_offline, resume_timeout: %(patience)d}
  mod_time: {}
  mod_vcard: {search: true, host: search.%(host)s, allow_return_all: true, search_all_hosts: true}
  mod_version: {}
""" % dict(host=HOST, pem=pem, c2s=c2s, component=component, http=http, proxy=proxy, https=https,
           patience=self.patience, asking=self.asking() if self.riddles else "", riddles="true" if self.riddles else "false"))
        return (["/usr/bin/erl", "-noinput", "-mnesia", "dir", '"%s"' % self.path("mnesia"), "-s", "ejabberd"],
                {"EJABBERD_CONFIG_PATH": config, "EJABBERD_LOG_PATH": self.path("ejabberd.log"), "ERL_LIBS": "/usr/lib/x86_64-linux-gnu",
                 "ERL_CRASH_DUMP_BYTES": "0", "HOME": self.folder})


@contextlib.contextmanager
def proxies():
    """microsocks and tinyproxy of Debian, with and without a password: their ports by name."""
    ports = dict(zip(("open", "socks", "http"), free_ports(3)))
    with tempfile.NamedTemporaryFile("w", prefix="mynah-tinyproxy-") as conf, contextlib.ExitStack() as stack:
        conf.write("Port %d\nListen 127.0.0.1\nBasicAuth user pw\nMaxClients 20\n" % ports["http"])
        conf.flush()
        for command in (["microsocks", "-i", "127.0.0.1", "-p", str(ports["open"])],
                        ["microsocks", "-i", "127.0.0.1", "-p", str(ports["socks"]), "-u", "us@er", "-P", "p:w"],
                        ["tinyproxy", "-d", "-c", conf.name]):
            process = stack.enter_context(subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                                           stderr=subprocess.DEVNULL))
            stack.callback(process.kill)
        listening(ports.values(), lambda: True, lambda: "a proxy")
        yield ports
