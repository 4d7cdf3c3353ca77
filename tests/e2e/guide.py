#!/usr/bin/python3
"""docs/operate.md, done as it says, from the installation to the upgrade: every command in a box is run in order, each configuration is
looked at. This needs root, and goes on in namespaces of its own, where /etc is a copy and the folders that are written to are empty; a
small systemctl does what the unit says. The Chinese page must be the same. Prints TAP.    usage: guide.py BUILD TOP"""
import os, pwd, re, shutil, signal, socket, subprocess, sys, tempfile, time

sys.path.append(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from mynah import DEADLINE, go_inside, skip, tap

UNIT, STATE, LOG = "/usr/local/lib/systemd/system/mynahd.service", "/run/mynah-guide.pid", "/run/mynah-guide.log"
EMPTY = ["/usr/local", "/var/lib", "/var/backups", "/run"]


def read(path):
    with open(path) as f:
        return f.read()


# What systemctl does here.

def unit(key):
    return re.search("(?m)^%s=(.*)" % key, read(UNIT))[1]


def as_unit(command):
    cap = unit("CapabilityBoundingSet").removeprefix("CAP_").lower()
    assert unit("AmbientCapabilities") == unit("CapabilityBoundingSet") and unit("NoNewPrivileges") == "yes"
    return ["setpriv", "--reuid", unit("User"), "--regid", unit("Group"), "--clear-groups", "--no-new-privs", "--inh-caps=-all,+" + cap,
            "--ambient-caps=-all,+" + cap, "--bounding-set=-all,+" + cap, *unit(command).split()]


def exited(pid):
    """How, or None while it runs."""
    try:
        fields = read("/proc/%d/stat" % pid).rsplit(")", 1)[1].split()
    except FileNotFoundError:
        return 0
    return int(fields[49]) if fields[0] == "Z" else None


def start():
    user = pwd.getpwnam(unit("User"))
    data = "/var/lib/" + unit("StateDirectory")
    os.makedirs(data, int(unit("StateDirectoryMode"), 8), exist_ok=True)
    os.chown(data, user.pw_uid, user.pw_gid)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told, open(LOG, "a") as log:
        told.bind("\0mynah-guide-%d" % os.getpid())
        told.settimeout(2 * DEADLINE)
        process = subprocess.Popen(as_unit("ExecStart"), stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd="/", close_fds=True,
                                   env={"PATH": os.environ["PATH"], "NOTIFY_SOCKET": told.getsockname().decode().replace("\0", "@")})
        with open(STATE, "w") as f:
            f.write(str(process.pid))
        assert told.recv(100) == b"READY=1"


def pid():
    return int(read(STATE)) if os.path.exists(STATE) else 0


def stop():
    os.kill(pid(), signal.SIGTERM)
    until = time.monotonic() + DEADLINE
    while (code := exited(pid())) is None:
        assert time.monotonic() < until
        time.sleep(0.02)
    os.unlink(STATE)
    assert code == 0, code


def systemctl(*args):
    do, named = args[0], [a for a in args[1:] if not a.startswith("-")]
    if do == "daemon-reload":
        return 0 if not named else 1
    assert named == ["mynahd"], args
    if do == "enable":
        assert "--now" in args and re.search(r"(?m)^WantedBy=multi-user.target$", read(UNIT))
    active = pid() and exited(pid()) is None
    if do == "is-active":
        print("active" if active else "inactive")
        return 0 if active else 3
    assert do in ("enable", "start", "stop", "restart", "reload"), args
    if do == "reload":
        return subprocess.run(as_unit("ExecReload")).returncode
    if do in ("stop", "restart"):
        stop()
    if do != "stop":
        start()
    return 0


# The page.

class Page:
    def __init__(self, path):
        self.text = read(path)
        self.boxes = re.findall(r"(?ms)^```(\w+)\n(.*?)^```$", self.text)
        self.headings = re.findall(r"(?m)^#+ ", self.text)
        self.indented = re.findall(r"(?m)^    .*", re.sub(r"(?ms)^```.*?^```$", "", self.text))
        self.code = re.findall(r"`[^`\n]+`", re.sub(r"(?ms)^```.*?^```$", "", self.text))
        self.log = re.findall("`([^`]*)`", " ".join(re.findall(r"(?m)^\| (`.*?) \|", self.text[self.text.rindex("\n## "):])))


def make_world(folder):
    """The machine of this test: nothing of it is anybody else's."""
    subprocess.run(["cp", "-a", "/etc", folder + "/etc"], check=True)
    subprocess.run(["mount", "--bind", folder + "/etc", "/etc"], check=True)
    for path in EMPTY:
        subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", path], check=True)
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    os.mkdir("/run/bin")
    with open("/run/bin/systemctl", "w") as f:
        f.write('#!/bin/sh\nexec %s %s systemctl "$@"\n' % (sys.executable, os.path.abspath(__file__)))
    os.chmod("/run/bin/systemctl", 0o755)
    os.environ.update(PATH="/run/bin:/usr/local/bin:/usr/local/sbin:/usr/bin:/usr/sbin:/bin:/sbin", LC_ALL="C.UTF-8")
    live = "/etc/letsencrypt/live/example.org"  # as certbot leaves it
    os.makedirs(live, 0o700)
    os.makedirs("/etc/letsencrypt/renewal-hooks/deploy")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "90", "-subj",
                    "/CN=of the authority", "-addext", "subjectAltName=DNS:example.org", "-keyout", live + "/privkey.pem",
                    "-out", live + "/fullchain.pem"], check=True, capture_output=True)
    os.chmod(live + "/privkey.pem", 0o600)


def run(*command, **more):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True,
                          timeout=4 * DEADLINE, cwd="/", **more)


def good(*command):
    p = run(*command)
    assert p.returncode == 0, (command, p.stdout)
    return p.stdout


def installs():
    good("meson", "install", "-C", BUILD, "--no-rebuild", "--quiet")


def box(kind, text):
    if kind == "yaml":
        with open("/run/box.yaml", "w") as f:
            f.write(text)
        assert good("mynahd", "--config", "/run/box.yaml", "--check-config") == "the configuration is good\n"
        return
    assert kind == "sh", kind
    good("sh", "-eu", "-c", text)


def everybody_is_there():
    """After all of this: who was made is there with the password set last, and the certificate is the authority's."""
    assert re.findall(r"\S+@\S+", good("mynahctl", "user", "list")) == ["alice@example.org", "bob@example.org"]
    assert "carol" not in good("mynahctl", "user", "list")
    said = run("openssl", "s_client", "-connect", "localhost:5222", "-starttls", "xmpp", "-xmpphost", "example.org").stdout
    assert "of the authority" in said, said
    assert "user=mynah" not in read(LOG) and "running as root" not in read(LOG)  # it was mynah's from the start
    assert os.stat("/proc/%d" % pid()).st_uid == pwd.getpwnam("mynah").pw_uid


def a_mistake_is_refused():
    """And the service goes on."""
    with open("/etc/mynah/mynahd.yaml", "a") as f:
        f.write("nonsense: 1\n")
    assert run("systemctl", "reload", "mynahd").returncode == 1 and run("mynahd", "--check-config").returncode == 78
    good("systemctl", "is-active", "mynahd")


def ends_well():
    good("systemctl", "stop", "mynahd")
    assert "Sanitizer" not in read(LOG), read(LOG)


def the_log_has_these_lines():
    """And each error and warning of the server is one of them."""
    source = "".join(read(os.path.join(d, f)) for at in ("src", "apps") for d, _, files in os.walk(os.path.join(TOP, at))
                     for f in files if f.endswith(".c"))
    source = re.sub(r'"\s*\n\s*"', "", source)
    assert len(page.log) > 10
    for line in page.log:
        assert line in source, line
    calls = re.findall(r"(?s)(?:mn_log_(?:error|warn)\(|MN_LOG_(?:ERROR|WARN), )(.*?)(?:MN_F|\);)", source)
    assert len(calls) > 15
    for call in calls:
        texts = re.findall('"(.*?)"', call)
        assert texts and all(any(line in text for line in page.log) for text in texts), call


def the_chinese_page_is_the_same():
    assert page.boxes == chinese.boxes and len(page.headings) == len(chinese.headings) and page.log == chinese.log
    assert page.indented == chinese.indented, set(page.indented) ^ set(chinese.indented)
    assert set(page.code) == set(chinese.code), set(page.code) ^ set(chinese.code)
    assert len(re.findall("[\u4e00-\u9fff]", chinese.text)) > 2000


if sys.argv[1] == "systemctl":
    sys.exit(systemctl(*sys.argv[2:]))
BUILD, TOP = map(os.path.abspath, sys.argv[1:3])
page, chinese = Page(TOP + "/docs/operate.md"), Page(TOP + "/docs/operate.zh.md")
if sys.argv[-1] != "inside":
    if os.geteuid():
        skip("this needs root, and users besides")
    if any(os.path.realpath(path).startswith(hidden + "/") for path in (BUILD, TOP) for hidden in EMPTY):
        skip("the sources or the build are where the test puts empty folders")
    go_inside()
FOLDER = tempfile.mkdtemp(prefix="mynah-guide-")
try:
    os.chmod(FOLDER, 0o755)
    make_world(FOLDER)
    failed = tap([installs] + [("%s: %s" % (kind, text.splitlines()[0]), lambda kind=kind, text=text: box(kind, text))
                               for kind, text in page.boxes] +
                 [everybody_is_there, a_mistake_is_refused, ends_well, the_log_has_these_lines, the_chinese_page_is_the_same],
                 lambda: read(LOG).splitlines() if os.path.exists(LOG) else [])
finally:
    shutil.rmtree(FOLDER, ignore_errors=True)
sys.exit(failed != 0)
