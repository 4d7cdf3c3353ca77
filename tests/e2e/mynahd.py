#!/usr/bin/python3
"""mynahd as its operator meets it: options, exit codes, the last line, signals, users, limits. Prints TAP.
usage: mynahd.py MYNAHD"""
import base64, json, os, pwd, re, resource, shutil, signal, socket, sqlite3, subprocess, sys, tempfile, time

sys.path.append(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from mynah import DEADLINE, SASL, Client, Server, tap

MYNAHD = os.path.abspath(sys.argv[1])
FOLDER = tempfile.mkdtemp(prefix="mynah-mynahd-")
NOBODY = pwd.getpwnam("nobody")
LISTEN = 'listen: [{address: "127.0.0.1", port: 0}]\n'


def config(text, name="mynahd.yaml"):
    path = os.path.join(FOLDER, name)
    with open(path, "w") as f:
        f.write(text)
    return path


def folder(name):
    """A data folder that anybody may come to."""
    os.chmod(FOLDER, 0o755)
    return os.path.join(FOLDER, name)


def call(*args, binary=MYNAHD, **more):
    return subprocess.run([binary, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=DEADLINE, **more)


def refused(code, last, *args, **more):
    """Ends with this code, and its last line says why."""
    p = call(*args, **more)
    line = (p.stderr.splitlines() or [""])[-1]
    assert p.returncode == code and re.search(last, line), "%d: %s" % (p.returncode, p.stderr)
    return p.stderr


def telling():
    assert re.fullmatch(r"mynahd \d+\.\d+\.\d+\n", call("--version").stdout)
    p = call("--help")
    assert p.returncode == 0 and not p.stderr
    for option in "config domain data check-config print-defaults version help".split():
        assert "--" + option in p.stdout, option


def wrong_usage():
    refused(64, "unrecognized option '--nope'", "--nope")
    refused(64, "requires an argument", "--data")
    refused(64, "unexpected argument: start", "start")
    refused(64, "--domain: a b is no domain name", "--domain", "a b", "--check-config")


def wrong_configuration():
    """All errors of a file at once, each with its line and what is expected."""
    path = config("data: /nowhere\nloops: many\n\nregistration:\n  open: perhaps\n  opne: yes\nlimits: {stanza: 1T}\nloops: 2\n")
    said = refused(78, "the configuration is not usable", "--config", path, "--check-config")
    lines = re.findall(r"^%s:(\d+): (.+)$" % re.escape(path), said, re.M)
    assert [int(n) for n, _ in lines] == [2, 5, 6, 7, 8], said
    for (_, text), expected in zip(lines, ["a whole number", "no | yes", "did you mean open", "a size: 512", "twice"]):
        assert expected in text, text
    refused(78, "the configuration is not usable", "--config", path)
    path = config("auth: {iq_auth: on}\n")
    said = refused(78, "the configuration is not usable", "--config", path, "--check-config")
    assert said.startswith(path + ": iq_auth: PLAIN, which "), said
    refused(78, "cannot read /nowhere.yaml: ", "--config", "/nowhere.yaml", "--check-config")
    p = call("--config", config("loops: 2\n"), "--check-config")
    assert p.returncode == 0 and "good" in p.stdout and not p.stderr


def certificate(name, days, to):
    subprocess.run(["openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=x", "-keyout", to + ".key",
                    "-out", to + ".csr"], check=True, capture_output=True)
    with open(to + ".ext", "w") as f:
        f.write("subjectAltName=DNS:%s\n" % name)
    subprocess.run(["openssl", "x509", "-req", "-in", to + ".csr", "-signkey", to + ".key", "-days", str(days), "-extfile", to + ".ext", "-out",
                    to + ".crt"], check=True, capture_output=True)


def wrong_certificates():
    """Those that the file names are looked at as a start would: each with its line, all at once; nothing is made for who names none."""
    own = FOLDER + "/own"
    for name, days, to in ("a.example", 9, "good"), ("b.example", 9, "other"), ("d.example", -1, "ended"), ("e.example", 9, "named"):
        certificate(name, days, "%s-%s" % (own, to))
    with open(own + "-empty.crt", "w"):
        pass
    text = "data: %s/looked-at\ndomains:\n" % FOLDER + "".join(
        "  - {name: %s.example, certificate: %s-%s.crt, key: %s-%s.key}\n" % (name, own, cert, own, key) for name, cert, key in [
            ("a", "good", "good"), ("b", "other", "good"), ("c", "empty", "good"), ("d", "ended", "ended"), ("f", "named", "named"),
            ("g", "good", "none")]) + "  - {name: h.example}\n"
    path = config(text, "certificates.yaml")
    said = refused(78, "^mynahd: the configuration is not good$", "--config", path, "--check-config")
    told = re.findall(r"(?m)^%s:3: domain (\w)\.example: (.*)$" % re.escape(path), said)
    assert [d for d, _ in told] == list("bcdfg") and len(told) + 1 == said.count("\n"), said
    for (_, why), expected in zip(told, ["does not belong to the certificate .*other.crt", "cannot use the certificate .*empty.crt", "ended.crt: it has ended$",
                                         "named.crt: it does not name the domain$", "cannot use the key .*none.key: "]):
        assert re.search(expected, why), said
    assert not os.path.exists(FOLDER + "/looked-at")
    for domains in "", "domains: [{name: a.example, certificate: %s-good.crt, key: %s-good.key}]\n" % (own, own):
        path = config(domains + "auth: {client_ca: /nowhere.pem}\n")
        said = refused(78, "not good", "--config", path, "--check-config")
        assert re.findall(r"(?m)^%s: auth.client_ca: .*/nowhere.pem.*$" % re.escape(path), said) and said.count("\n") == 2, said
    os.chmod(own + "-good.key", 0o666)
    path = config("domains: [{name: a.example, certificate: %s-good.crt, key: %s-good.key}]\n" % (own, own))
    assert "good.key is open to everybody" in refused(78, "not good", "--config", path, "--check-config")
    os.chmod(own + "-good.key", 0o600)
    path = config("domains: [{name: a.example, certificate: %s-good.crt, key: %s-good.key}]\n" % (own, own))
    p = call("--config", path, "--check-config")
    assert (p.returncode, p.stdout, p.stderr) == (0, "the configuration is good\n", ""), p


def defaults_print_back():
    printed = call("--print-defaults").stdout
    p = call("--config", config(printed), "--check-config")
    assert p.returncode == 0, p.stderr


def cannot_start():
    taken = socket.create_server(("127.0.0.1", 0))
    port = taken.getsockname()[1]
    path = config("data: %s/port\nlisten: [{address: 127.0.0.1, port: %d}]\n" % (FOLDER, port))
    refused(1, "port %d on 127.0.0.1 is in use" % port, "--config", path)
    taken.close()
    os.mkdir(FOLDER + "/broken")
    with open(FOLDER + "/broken/mynah.db", "wb") as f:
        f.write(os.urandom(9000))
    refused(1, "cannot use the database .*/broken/mynah.db: .*; restore a backup", "--config", path, "--data", FOLDER + "/broken")
    os.remove(FOLDER + "/broken/mynah.db")
    held = sqlite3.connect(FOLDER + "/broken/mynah.db")
    held.execute("BEGIN EXCLUSIVE")
    refused(1, "another program has it open", "--config", path, "--data", FOLDER + "/broken")
    held.close()
    os.mkdir(FOLDER + "/broken/mynah.db-shm")
    refused(1, r"/broken/mynah.db: .* \(.*/broken/mynah.db-shm: no plain file\); its folder and all that is in it must belong",
            "--config", path, "--data", FOLDER + "/broken")
    with open(FOLDER + "/file", "w"):
        refused(1, "cannot make the folder .*/file/data: ", "--config", path, "--data", FOLDER + "/file/data")
    listen = config("data: %s/cert\ndomains: [{name: a.example, certificate: /nowhere.crt, key: /nowhere.key}]\n%s"
                    % (FOLDER, LISTEN))
    refused(1, "/nowhere.crt", "--config", listen)
    first = Server(MYNAHD, config("data: %s/twice\n%s" % (FOLDER, LISTEN)))
    refused(1, "the folder .*/twice is in use by another mynahd", "--config", path, "--data", FOLDER + "/twice")
    first.end()


def no_rights():
    """A folder that may not be written, a file that may not be read: as somebody who is not root."""
    more, binary = {}, MYNAHD
    if not os.geteuid():
        more = {"user": NOBODY.pw_uid, "group": NOBODY.pw_gid, "extra_groups": []}
        binary = shutil.copy(MYNAHD, folder("mynahd"))  # the build may lie where only root may go
    os.mkdir(FOLDER + "/closed", 0o555)
    path = config(LISTEN)
    for data in "closed", "closed/data":
        refused(1, "cannot (make|write in) the folder .*/%s: (not allowed|Permission denied)" % data,
                "--config", path, "--data", FOLDER + "/" + data, binary=binary, **more)
    os.chmod(path, 0o600 if more else 0)
    refused(78, "cannot read .*mynahd.yaml: not allowed", "--config", path, binary=binary, **more)
    os.unlink(path)


def no_threads():
    """The limit of tasks is reached: for somebody who is not root, whom it does not hold back."""
    more, binary = {}, MYNAHD
    if not os.geteuid():
        more = {"user": NOBODY.pw_uid, "group": NOBODY.pw_gid, "extra_groups": []}
        binary = shutil.copy(MYNAHD, folder("mynahd"))
    path = config("data: %s/threads/data\n%s" % (FOLDER, LISTEN))
    os.chmod(path, 0o644)
    os.mkdir(FOLDER + "/threads")
    os.chmod(FOLDER + "/threads", 0o777)
    # A sanitizer that needs threads itself says so before.
    refused(1, "cannot start a thread; raise the limits|ThreadSanitizer", "--config", path, binary=binary,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NPROC, (0, 0)), **more)
    os.unlink(path)


def domain_by_option():
    """Beside those of the configuration; it needs no certificate of its own."""
    path = config("data: %s/domain\ndomains: [{name: a.example}]\n%s" % (FOLDER, LISTEN))
    process = subprocess.Popen([MYNAHD, "--config", path, "--domain", "B.example", "--data", FOLDER + "/other"],
                               stderr=subprocess.PIPE, text=True)
    log = []
    for line in process.stderr:
        log.append(line)
        if " ready " in line:
            break
    process.terminate()
    process.stderr.read()
    assert process.wait(DEADLINE) == 0
    assert "no domain is configured" not in "".join(log)
    for name in "a.example.crt", "b.example.crt", "ca.crt":
        assert os.path.exists("%s/other/certs/%s" % (FOLDER, name)), name
    assert not os.path.exists(FOLDER + "/domain")


def signals():
    for how in signal.SIGTERM, signal.SIGINT:
        server = Server(MYNAHD, config("data: %s/signals\n%s" % (FOLDER, LISTEN)))
        assert any("serving localhost on loopback" in line for line in server.log)
        client = Client(server)
        server.process.send_signal(signal.SIGHUP)
        until = time.monotonic() + DEADLINE
        while not any(" configuration reloaded" in line for line in server.log):
            assert time.monotonic() < until, server.log
            time.sleep(0.05)
        assert server.stop(how) == 0
        assert "system-shutdown" in client.ends() and client.text.endswith("</stream:stream>")
        log = "".join(server.log)
        assert log.index(" configuration reloaded") < log.index(" stopping signal=" + how.name[3:]), log
        assert log.index(" stopping") < log.index(" stopped"), log


def who_is_not_there():
    """Shows iterations that were configured at any start, whichever are now: so do accounts that were made then."""
    for now, shown in (4096, {"4096"}), (5000, {"4096", "5000"}), (6000, {"4096", "5000", "6000"}):
        server = Server(MYNAHD, config("data: %s/iterations\nauth: {mechanisms: [SCRAM-SHA-1], without_tls: [SCRAM-SHA-1], iterations: %d}\n%s"
                                       % (FOLDER, now, LISTEN.replace("port: 0", "port: 0, tls: offered"))))
        seen = set()
        for i in range(60):
            c = Client(server)
            first = base64.b64encode(b"n,,n=nobody%d,r=x" % i).decode()
            c.send("<auth xmlns='%s' mechanism='SCRAM-SHA-1'>%s</auth>" % (SASL, first))
            challenge = base64.b64decode(re.search(">([^<]+)</challenge>", c.until("</challenge>")).group(1)).decode()
            seen.add(re.search(",i=(\\d+)", challenge).group(1))
            c.socket.close()
        assert seen == shown, (now, seen)
        server.end()


def early_signal():
    """One that comes before it is ready ends it with 0 as well, or before it could know about it."""
    path = config("data: %s/early\n%s" % (FOLDER, LISTEN))
    process = subprocess.Popen([MYNAHD, "--config", path], stderr=subprocess.PIPE, text=True)
    line = process.stderr.readline()
    while "listening" not in line:
        line = process.stderr.readline()
        assert line
    process.terminate()
    process.stderr.read()
    assert process.wait(DEADLINE) == 0


def tells_systemd():
    """Ready, reloading and ready again (with a mistake in the file, too), stopping; to a socket with a name in a folder, and without."""
    for name in FOLDER + "/notify", "\0mynah-notify-%d" % os.getpid():
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
            told.bind(name)
            told.settimeout(DEADLINE)
            text = "data: %s/notify-data\n%s" % (FOLDER, LISTEN)
            server = Server(MYNAHD, config(text, "notify.yaml"), env={"NOTIFY_SOCKET": name.replace("\0", "@")})
            assert told.recv(100) == b"READY=1"
            for more in "", "nonsense: 1\n":
                config(text + more, "notify.yaml")
                before = time.monotonic_ns() // 1000
                server.process.send_signal(signal.SIGHUP)
                m = re.fullmatch(rb"RELOADING=1\nMONOTONIC_USEC=(\d+)", told.recv(100))
                assert before <= int(m[1]) <= time.monotonic_ns() // 1000, m
                assert told.recv(100) == b"READY=1"
            server.end()
            assert told.recv(100) == b"STOPPING=1"
            assert any("configuration not reloaded" in line for line in server.log)


def journal():
    """Lines of JSON when standard error is the journal, or when told."""
    for name, more in ("journal", ""), ("told", "log: {format: json}\n"):
        path = config("data: %s/%s\n%s%s" % (FOLDER, name, LISTEN, more))
        end, to = os.pipe()
        stream = "%d:%d" % (os.fstat(to).st_dev, os.fstat(to).st_ino) if name == "journal" else ""
        process = subprocess.Popen([MYNAHD, "--config", path], stderr=to, env=dict(os.environ, JOURNAL_STREAM=stream))
        os.close(to)
        lines = []
        with open(end) as log:
            for line in log:
                lines.append(json.loads(line))
                if lines[-1]["msg"] == "ready":
                    process.terminate()
        assert process.wait(DEADLINE) == 0
        assert {"ts", "level", "msg"} <= set(lines[0]) and lines[-1]["msg"] == "stopped"


def open_files():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
    server = Server(MYNAHD, config("data: %s/files\n%s" % (FOLDER, LISTEN)))
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE) == (hard, hard)
    server.end()


def run_as():
    """Root becomes the user of the configuration, whole: no group of root's is left. The folder is made for that user."""
    if os.geteuid():
        return
    path = config("data: %s\nrun_as: nobody\n%s" % (folder("nobody"), LISTEN))
    server = Server(MYNAHD, path)
    assert " running as user=nobody" in server.log[0], server.log
    with open("/proc/%d/status" % server.process.pid) as f:
        status = dict(line.split(":\t", 1) for line in f.read().splitlines() if ":\t" in line)
    assert status["Uid"].split() == [str(NOBODY.pw_uid)] * 4 and status["Gid"].split() == [str(NOBODY.pw_gid)] * 4, status
    assert set(status["Groups"].split()) <= {str(NOBODY.pw_gid)}, status["Groups"]
    assert not any(int(status[of], 16) for of in ("CapEff", "CapPrm", "CapAmb")), status
    server.end()
    st = os.stat(FOLDER + "/nobody")
    assert st.st_uid == NOBODY.pw_uid and st.st_mode & 0o777 == 0o700
    refused(78, "run_as: there is no user no-such-user", "--config", config("run_as: no-such-user\n"))
    # What only root may read would be missed at the first reload.
    path = config("data: %s/nobody\nrun_as: nobody\n%s" % (FOLDER, LISTEN))
    os.chmod(path, 0o600)
    refused(78, "nobody may not read .*mynahd.yaml", "--config", path)
    os.unlink(path)
    os.mkdir(FOLDER + "/roots", 0o700)
    refused(1, "cannot write in the folder .*/roots: ", "--config", config("run_as: nobody\n" + LISTEN), "--data", FOLDER + "/roots")


def run_as_nobody_named():
    """Root becomes mynah where there is such a user, and else stays root and says so once."""
    if os.geteuid() or subprocess.run(["unshare", "--mount", "true"], stderr=subprocess.DEVNULL).returncode:
        print("# skipped: only root can have users of its own")
        return
    with open("/etc/passwd") as f:
        users = [line for line in f if not line.startswith("mynah:")]
    binary = config('#!/bin/sh\nexec unshare --mount sh -c \'mount --bind "$0" /etc/passwd && exec "$@"\' %s/passwd %s "$@"\n' % (FOLDER, MYNAHD), "mynahd")
    os.chmod(binary, 0o755)
    mynah = "mynah:x:%d:%d::/:/bin/false\n" % (NOBODY.pw_uid, NOBODY.pw_gid)
    for more, uid, said in ([mynah], NOBODY.pw_uid, "info  running as user=mynah"), ([], 0, "warn  running as root; make a user named mynah, or set run_as"):
        config("".join(users + more), "passwd")
        server = Server(binary, config("data: %s\n%s" % (folder("as%d" % uid), LISTEN)))
        assert os.stat("/proc/%d" % server.process.pid).st_uid == os.stat(FOLDER + "/as%d" % uid).st_uid == uid
        assert [line.split(" ", 1)[1].strip() for line in server.log if " running as " in line] == [said], server.log
        server.end()


try:
    failed = tap([telling, wrong_usage, wrong_configuration, wrong_certificates, defaults_print_back, cannot_start, no_rights, no_threads, domain_by_option, signals, who_is_not_there,
                  early_signal, tells_systemd, journal, open_files, run_as, run_as_nobody_named])
finally:
    shutil.rmtree(FOLDER)
sys.exit(failed != 0)
