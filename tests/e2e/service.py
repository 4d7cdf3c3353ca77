#!/usr/bin/python3
"""The unit under systemd itself, with all of its sandbox: a systemd of our own is process 1 of a container of namespaces, whose system is
this machine's /usr and little else. This needs root and a cgroup2; where it cannot be done it is skipped. Prints TAP.
usage: service.py BUILD"""
import contextlib, json, os, re, shutil, signal, subprocess, sys, tempfile, time

sys.path.append(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from mynah import DEADLINE, skip, tap

BUILD = os.path.abspath(sys.argv[1])
FOLDER = tempfile.mkdtemp(prefix="mynah-service-")
LONG = 4 * DEADLINE
OTHERS = """sys-fs-fuse-connections.mount sys-kernel-config.mount sys-kernel-debug.mount sys-kernel-tracing.mount dev-mqueue.mount
    dev-hugepages.mount modprobe@.service systemd-modules-load.service systemd-sysctl.service systemd-random-seed.service
    systemd-remount-fs.service systemd-tmpfiles-setup-dev.service systemd-udevd.service systemd-udev-trigger.service systemd-logind.service
    systemd-pstore.service""".split()  # for a machine, not for a container
BOOT = r"""
set -eu
mount -t tmpfs -o mode=755 tmpfs "$1"
cd "$1"
mkdir -p usr etc/mynah etc/systemd/system var/lib var/log var/tmp var/cache run tmp proc sys dev root home opt
for name in bin lib lib64 sbin; do [ ! -e /usr/$name ] || ln -s usr/$name $name; done
mount --rbind /usr usr
cp -a /etc/passwd /etc/group /etc/nsswitch.conf /etc/ld.so.cache etc
[ ! -e /etc/ssl ] || cp -a /etc/ssl etc
mount -t proc proc proc
mount -t sysfs -o ro sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t tmpfs -o mode=755 tmpfs dev
for node in "null 3" "zero 5" "full 7" "random 8" "urandom 9"; do set -- $node; mknod -m 666 dev/$1 c 1 $2; done
mknod -m 666 dev/tty c 5 0
mkdir dev/pts dev/shm
ln -s pts/ptmx dev/ptmx
mount -t tmpfs -o mode=755 tmpfs run
mount -t tmpfs -o mode=1777 tmpfs tmp
ip link set lo up
cp -a "$SHARED/etc" .
cp -a "$SHARED/usr/local" opt/mynah
chroot . systemd-sysusers /opt/mynah/lib/sysusers.d/mynah.conf
chroot . chgrp mynah /etc/mynah/mynahd.yaml
mkdir old
pivot_root . old
umount -l /old
exec env -i container=mynah PATH=/usr/bin:/usr/sbin /lib/systemd/systemd --system --show-status=no
"""
CONFIG = """domains: [{name: example.org}]
listen:
  - {service: c2s, address: auto, port: 5222, tls: required}
  - {service: c2s, address: auto, port: 443, tls: direct}
"""


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as f:
        f.write(text)


def prepare(shared):
    """What comes into the container beside /usr: the programs, their unit, and that nothing else is started."""
    subprocess.run(["meson", "install", "-C", BUILD, "--no-rebuild", "--quiet", "--destdir", shared], check=True)
    units = shared + "/etc/systemd/system/"
    with open(shared + "/usr/local/lib/systemd/system/mynahd.service") as f:
        unit = f.read().replace("/usr/local/bin", "/opt/mynah/bin")
    write(units + "mynahd.service", unit)
    # The sanitizer of a test's build looks for leaks by a call that the sandbox forbids.
    write(units + "mynahd.service.d/test.conf", "[Service]\nEnvironment=ASAN_OPTIONS=detect_leaks=0\n")
    write(units + "empty.service", re.sub("(?m)^Exec.*\n|^Type=.*", "", unit) + "\n[Service]\nType=oneshot\nExecStart=/bin/true\n")
    write(units + "few.target", "[Unit]\nRequires=basic.target\nAfter=basic.target\n")
    os.symlink("few.target", units + "default.target")
    for name in OTHERS:
        os.symlink("/dev/null", units + name)
    write(shared + "/etc/machine-id", "0123456789abcdef0123456789abcdef\n")
    write(shared + "/etc/mynah/mynahd.yaml", CONFIG)
    os.chmod(shared + "/etc/mynah/mynahd.yaml", 0o640)


class Container:
    def __init__(self):
        with open("/proc/mounts") as f:
            at = [line.split()[1] for line in f if line.split()[2] == "cgroup2"]
        if not at:
            skip("there is no cgroup2 here")
        self.cgroup = "%s/mynah-service-%d" % (at[0], os.getpid())
        self.shared, self.root = FOLDER + "/shared", FOLDER + "/root"
        os.mkdir(self.root)
        prepare(self.shared)
        try:
            os.mkdir(self.cgroup)
            here = self.cgroup + "/cgroup.procs"
            self.log = open(FOLDER + "/log", "w")
            self.process = subprocess.Popen(
                ["sh", "-c", 'echo $$ >"$0" && exec "$@"', here, "unshare", "--mount", "--pid", "--fork", "--kill-child", "--net", "--uts",
                 "--ipc", "--cgroup", "sh", "-c", BOOT, "boot", self.root], env={**os.environ, "SHARED": self.shared},
                stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log, start_new_session=True)
        except OSError as e:
            skip("no cgroup may be made here: %s" % e)

    def init(self):
        """Process 1, as it is called outside."""
        with open("/proc/%d/task/%d/children" % (self.process.pid, self.process.pid)) as f:
            return f.read().split()[0]

    def run(self, command):
        return subprocess.run(["nsenter", "-t", self.init(), "-m", "-p", "-n", "-r", "-w", "env", "-i", "LC_ALL=C.UTF-8",
                               "PATH=/opt/mynah/bin:/usr/bin:/usr/sbin", "sh", "-c", "cd /; " + command], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True, timeout=LONG)

    def good(self, command):
        p = self.run(command)
        assert p.returncode == 0, (command, p.stdout, self.run("journalctl -u mynahd -o cat --no-pager | tail -20").stdout)
        return p.stdout

    def wait(self, command, wanted, refused="^$"):
        until = time.monotonic() + LONG
        while True:
            with contextlib.suppress(IndexError, FileNotFoundError):
                got = self.run(command).stdout.strip()
                if re.search(wanted, got):
                    return got
                assert not re.search(refused, got), got
            if self.process.poll() is not None or time.monotonic() > until:
                return None
            time.sleep(0.1)

    def told(self):
        self.log.flush()
        with open(FOLDER + "/log") as f:
            return f.read().splitlines()[-5:]

    def end(self):
        with contextlib.suppress(IndexError, FileNotFoundError):
            os.kill(int(self.init()), signal.SIGKILL)
        self.process.kill()
        self.process.wait()
        until = time.monotonic() + DEADLINE
        while os.path.exists(self.cgroup) and time.monotonic() < until:
            for folder, _, _ in os.walk(self.cgroup, topdown=False):
                with contextlib.suppress(OSError):
                    os.rmdir(folder)


def begin():
    """Whether systemd comes up, and can set up such a sandbox for any program; its codes from 200 on say that it cannot."""
    if not c.wait("systemctl is-system-running", "running|degraded"):
        return "no systemd can be run here: %s" % c.told()
    c.run("systemctl start empty")
    code = int(c.good("systemctl show empty -P ExecMainStatus"))
    return "its sandbox cannot be set up here: code %d" % code if code >= 200 else None


def shown(*properties):
    said = dict(line.split("=", 1) for line in c.good("systemctl show mynahd").splitlines())
    return [said[name] for name in properties]


def pid():
    return shown("MainPID")[0]


def starts():
    c.good("systemctl start mynahd")
    assert c.good("systemctl is-active mynahd") == "active\n"


def has_no_more_rights_than_it_needs():
    status = dict(line.split(":\t", 1) for line in c.good("cat /proc/%s/status" % pid()).splitlines() if ":\t" in line)
    uid = c.good("id -u mynah").strip()
    assert status["Uid"].split() == [uid] * 4 and uid != "0", status
    assert {status[of] for of in ("CapPrm", "CapEff", "CapBnd", "CapAmb")} == {"%016x" % (1 << 10)}, status  # CAP_NET_BIND_SERVICE
    assert status["NoNewPrivs"] == "1" and status["Seccomp"] == "2", status
    inside = "nsenter -t %s -m -r " % pid()
    for path in "/etc/x", "/usr/x", "/opt/mynah/x", "/var/x", "/var/lib/x":
        assert "Read-only" in c.run(inside + "touch " + path).stdout, path
    c.good(inside + "touch /var/lib/mynah/x")
    assert c.good("stat -c '%U %a' /var/lib/mynah") == "mynah 700\n"


def serves():
    c.good("echo secret | mynahctl user add alice@example.org --password-stdin")
    c.good("mynahctl status")
    c.good("mynahctl backup /var/lib/mynah/backup.db")
    for port in "5222 -starttls xmpp -xmpphost", "443 -servername":
        c.good("openssl s_client -connect 127.0.0.1:%s example.org -verify_hostname example.org -verify_return_error "
               "-CAfile /var/lib/mynah/certs/ca.crt </dev/null" % port)


def reloads():
    c.good("systemctl reload mynahd")
    c.good("echo nonsense: 1 >>/etc/mynah/mynahd.yaml")
    assert c.run("systemctl reload mynahd").returncode != 0
    assert c.good("systemctl is-active mynahd") == "active\n"
    c.good("sed -i /nonsense/d /etc/mynah/mynahd.yaml; systemctl reload mynahd")


def starts_anew_by_itself():
    """In the same process, so that systemd need not know."""
    before = pid()
    c.good("mynahctl restart")
    assert c.wait("journalctl -u mynahd -o cat --no-pager | grep -c '\"msg\":\"ready\"'", "^2$")
    assert c.good("systemctl is-active mynahd") == "active\n" and pid() == before and "alice" in c.good("mynahctl user list")


def comes_back_when_it_is_killed():
    before = pid()
    c.good("systemctl kill -s KILL mynahd")
    assert c.wait("systemctl show mynahd -P NRestarts", "^1$") and c.wait("systemctl is-active mynahd", "^active$")
    assert pid() != before and "alice" in c.good("mynahctl user list")


def stays_down_when_its_configuration_is_wrong():
    c.good("systemctl reset-failed mynahd; echo nonsense: 1 >>/etc/mynah/mynahd.yaml")
    assert c.run("systemctl restart mynahd").returncode != 0
    assert c.wait("systemctl is-active mynahd", "^failed$")
    assert shown("ExecMainStatus", "NRestarts") == ["78", "0"], shown("ExecMainStatus", "NRestarts")
    c.good("sed -i /nonsense/d /etc/mynah/mynahd.yaml; systemctl start mynahd")


def logs_into_the_journal():
    lines = [json.loads(line) for line in c.good("journalctl -u mynahd -o cat --no-pager").splitlines() if line.startswith("{")]
    said = [line["msg"] for line in lines]
    assert said.count("ready") == 4 and "configuration not reloaded" in said, said


def waits_for_what_is_not_there_yet():
    """Longer than systemd has patience of its own: an address, a port, room on the disk."""
    c.good("printf '  - {address: 192.0.2.1, port: 5300}\\n' >>/etc/mynah/mynahd.yaml")
    assert c.run("systemctl restart mynahd").returncode != 0
    assert c.wait("systemctl show mynahd -P NRestarts", "^[7-9]$"), c.run("systemctl status mynahd").stdout
    c.good("ip addr add 192.0.2.1/32 dev lo")
    assert c.wait("systemctl is-active mynahd", "^active$")


def stops():
    c.good("systemctl stop mynahd")
    assert shown("Result", "ExecMainStatus") == ["success", "0"], shown("Result", "ExecMainStatus")
    assert "Sanitizer" not in c.good("journalctl -u mynahd -o cat --no-pager")


if os.geteuid():
    skip("this needs root")
try:
    c = Container()
    try:
        why = begin()
        failed = 0 if why else tap([starts, has_no_more_rights_than_it_needs, serves, reloads, starts_anew_by_itself, comes_back_when_it_is_killed,
                                    stays_down_when_its_configuration_is_wrong, logs_into_the_journal,
                                    waits_for_what_is_not_there_yet, stops])
    finally:
        c.end()
    if why:
        skip(why)
finally:
    shutil.rmtree(FOLDER, ignore_errors=True)
sys.exit(failed != 0)
