#!/usr/bin/python3
"""./run and tools/install as a newcomer meets them, in a clone of their own where nothing is built or installed: what stands in
their way is told in one line. Prints TAP.    usage: house.py MYNAHD TOP"""
import json, os, re, shutil, socket, subprocess, sys, tempfile

sys.path.append(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from mynah import DEADLINE, tap

MYNAHD, TOP = map(os.path.abspath, sys.argv[1:])
FOLDER = tempfile.mkdtemp(prefix="mynah-house-")
CLONE, BIN, CALLS = FOLDER + "/a clone", FOLDER + "/bin", FOLDER + "/calls"
TOOLS = "sh cat dirname env grep head id mkdir mktemp rm sed".split()
FAKES = {
    "dpkg-query": "echo installed",
    "ninja": ":",
    "sleep": ":",
    "install": "cat >/dev/null",
    "apt-get": "",
}


def command(name, text):
    """A command that does this instead of the machine's own, and notes that it was called."""
    path = "%s/%s" % (BIN, name)
    if os.path.lexists(path):
        os.unlink(path)
    with open(path, "w") as f:
        f.write('#!/bin/sh\necho "%s $*" >>"%s"\n%s\n' % (name, CALLS, text))
    os.chmod(path, 0o755)


def begin(**fakes):
    """A clone that is built, and a PATH on which only these commands are."""
    for path in CLONE, BIN:
        shutil.rmtree(path, ignore_errors=True)
        os.mkdir(path)
    for name in TOOLS:
        os.symlink(shutil.which(name), "%s/%s" % (BIN, name))
    for name, text in {**FAKES, **fakes}.items():
        command(name.replace("_", "-"), text)
    open(CALLS, "w").close()
    shutil.copy(TOP + "/run", CLONE)
    shutil.copytree(TOP + "/tools", CLONE + "/tools", ignore=shutil.ignore_patterns("__pycache__"))
    os.makedirs(CLONE + "/build-run/apps")
    open(CLONE + "/build-run/build.ninja", "w").close()
    os.symlink(MYNAHD, CLONE + "/build-run/apps/mynahd")


def calls(name):
    with open(CALLS) as f:
        return [line[len(name) + 1:].rstrip("\n") for line in f if line.startswith(name + " ")]


def start(*args, program="run", **more):
    return subprocess.Popen([CLONE + "/" + program, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL,
                            text=True, env={**os.environ, "PATH": BIN}, cwd=FOLDER, **more)


def ends(code, last, *args, **more):
    process = start(*args, **more)
    out, err = process.communicate(timeout=DEADLINE)
    line = (err.splitlines() or [""])[-1]
    assert process.returncode == code and re.search(last, line), "%d: %s" % (process.returncode, err)
    return out, err


def config(text):
    with open(FOLDER + "/mynahd.yaml", "w") as f:
        f.write(text)
    return ["--", "--config", "mynahd.yaml"]


FREE = 'listen: [{address: "127.0.0.1", port: 0}]\n'


def wrong_arguments():
    begin()
    for args in ["start"], ["--domain"], ["--domain", ""], ["--domain", "a.example", "start"]:
        ends(64, r"^usage: ./run \[--domain NAME\] \[-- mynahd options\]$", *args)
    ends(64, "unrecognized option '--nope'", "--", "--nope")
    ends(64, "--domain: a b is no domain name", "--domain", "a b")


def nothing_is_built_to_tell_of_the_bench():
    begin()
    shutil.copytree(TOP + "/tests/bench", CLONE + "/tests/bench", ignore=shutil.ignore_patterns("__pycache__"))
    ends(2, "unrecognized arguments: --nope", "--nope", program="tests/bench/run")
    ends(2, "unrecognized arguments: --nope", "resume", "--nope", program="tests/bench/run")
    out, _ = ends(0, "", "--help", program="tests/bench/run")
    assert "--servers" in out and not calls("dpkg-query") and not calls("ninja"), out


def arguments_survive():
    begin()
    os.unlink(CLONE + "/build-run/apps/mynahd")
    shutil.copy(BIN + "/ninja", CLONE + "/build-run/apps/mynahd")
    with open(CLONE + "/build-run/apps/mynahd", "w") as f:
        f.write('#!/bin/sh\nfor a in "$@"; do echo "<$a>"; done\n')
    out, _ = ends(0, "", "--domain", "a.example", "--", "--data", "b  c", "", "$d*")
    assert out == "<--data>\n<%s/var/data>\n<--domain>\n<a.example>\n<--data>\n<b  c>\n<>\n<$d*>\n" % CLONE, out


def tells_what_next():
    """On localhost how to register and to trust; a domain of one's own is named."""
    begin()
    os.unlink(CLONE + "/build-run/apps/mynahd")
    command("../a clone/build-run/apps/mynahd", ":")
    out, _ = ends(0, "")
    assert "NAME@localhost" in out and CLONE + "/var/data/certs/ca.crt" in out, out
    out, _ = ends(0, "", "--domain", "a.example")
    assert "serves a.example" in out and "NAME@localhost" not in out, out


def starts_again_and_again():
    """Nothing is installed, and nothing is asked for over the network, when everything is there."""
    begin()
    for _ in range(2):
        process = start(*config(FREE))
        for line in process.stderr:
            if " ready " in line:
                break
        process.terminate()
        process.communicate(timeout=DEADLINE)
        assert process.returncode == 0
    assert os.path.exists(CLONE + "/var/data/certs/ca.crt") and not calls("apt-get")


def what_stands_in_the_way():
    begin()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ends(1, "^mynahd: port %d on 127.0.0.1 is in use" % port, *config("listen: [{address: 127.0.0.1, port: %d}]\n" % port))
    with open(CLONE + "/var/data/mynah.db", "wb") as f:
        f.write(b"not a database" * 1000)
    ends(1, "^mynahd: cannot use the database .*/a clone/var/data/mynah.db: ", *config(FREE))
    ends(78, "^mynahd: the configuration is not usable$", *config("nothing: 1\n"))
    command("ninja", "echo 'error: no such thing'; exit 1")
    _, err = ends(1, "error: no such thing")
    assert "serves" not in err


def read_only_folder():
    """Root writes wherever the file system lets it: so it is mounted read-only, where that may be done."""
    begin()
    if os.geteuid():
        os.chmod(CLONE, 0o500)
        ends(1, "cannot write in .*/a clone; put the clone where that is possible")
        os.chmod(CLONE, 0o700)
        return
    mount = 'mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" && exec "$1/run"'
    if subprocess.run(["unshare", "-m", "sh", "-c", mount.replace('"$1/run"', "true"), "sh", CLONE], stderr=subprocess.DEVNULL).returncode:
        print("# no mount may be made here: not tried")
        return
    p = subprocess.run(["unshare", "-m", "sh", "-c", mount, "sh", CLONE], capture_output=True, text=True, timeout=DEADLINE)
    assert p.returncode == 1 and p.stderr == "./run: root cannot write in %s; put the clone where that is possible\n" % CLONE, p.stderr


def missing(**fakes):
    """Nothing is installed, and root asks."""
    begin(**{"dpkg_query": "exit 1", "id": 'case "$1" in -u) echo 0;; *) echo root;; esac', **fakes})


def installs_what_is_missing():
    missing(dpkg_query='case "$*" in *" meson") echo not-installed;; *" ninja-build") exit 1;; *) echo installed;; esac')
    ends(0, "Installing: meson ninja-build$", "run", program="tools/install")
    assert calls("apt-get") == ["-q -y update", "-q -y install --no-install-recommends meson ninja-build"], calls("apt-get")


LOCK = "E: Could not get lock /var/lib/apt/lists/lock. It is held by process 7 (unattended-upgr)"


def waits_for_a_lock():
    """However often, and says so once."""
    missing(apt_get='n=$(grep -c "^apt-get" "%s"); [ $n -gt 4 ] || { echo "%s" >&2; exit 100; }' % (CALLS, LOCK))
    _, err = ends(0, "Waiting for another package manager: /var/lib/apt/lists/lock. It is held by process 7", "run",
                  program="tools/install")
    assert err.count("Waiting") == 1 and len(calls("sleep")) == 4 and len(calls("apt-get")) == 6, err
    missing(apt_get='echo "%s" >&2; exit 100' % LOCK)
    ends(1, "another package manager has held its lock for ten minutes", "run", program="tools/install")


def no_network():
    missing(apt_get='case "$*" in *update) exit 0;; esac; echo "E: Unable to locate package gcc" >&2; exit 100')
    ends(1, r"^apt-get could not install gcc .*: Unable to locate package gcc \(is this machine online\?\)$", "run",
         program="tools/install")
    ends(1, "is this machine online")


def not_root():
    """With sudo by sudo; else the packages that root must install are named."""
    guest = 'case "$1" in -u) echo 1000;; *) echo guest;; esac'
    missing(id=guest)
    _, err = ends(1, "^guest may not install packages; please let root do it: apt-get install gcc .*meson", "run",
                  program="tools/install")
    assert not calls("apt-get"), err
    missing(id=guest, sudo="exit 1")
    ends(1, "^guest may not install packages", "run", program="tools/install")
    missing(id=guest, sudo='"$@"')
    ends(0, "^Installing: gcc", "run", program="tools/install")
    assert len(calls("apt-get")) == 2 and any("apt-get" in call for call in calls("sudo"))


def servers_for_tests_do_not_start():
    missing(rm=":")
    ends(0, "^Installing:", "run", "test", program="tools/install")
    policy = os.path.exists("/usr/sbin/policy-rc.d")
    assert bool(calls("install")) != policy and any("policy-rc.d" in call for call in calls("rm")) != policy


def what_fails_runs_once_more_alone():
    tests = [{"name": name, "suite": ["tree"], "timeout": 60, "cmd": [CLONE + "/" + name, CALLS]} for name in ("always", "first")]
    begin(meson="cat '%s/tests'" % CLONE)
    for name in "always", "first":
        with open(CLONE + "/" + name, "w") as f:
            f.write('#!/bin/sh\necho 1..1\n[ %s = first ] && grep -q first "$1" && echo "ok 1 - a" && exit\n'
                    'echo "%s" >>"$1"\necho "not ok 1 - a"\nexit 1\n' % (name, name))
        os.chmod(CLONE + "/" + name, 0o755)

    def says(tests):
        with open(CLONE + "/tests", "w") as f:
            json.dump(tests, f)
        p = subprocess.run([sys.executable, TOP + "/tools/runtests.py", CLONE, "tree"], stdout=subprocess.PIPE, text=True, timeout=DEADLINE,
                           env={**os.environ, "PATH": BIN + ":" + os.environ["PATH"]})
        return p.returncode, re.findall("^(FAILED|ok +|UNSTEADY) .*(always|first|[2-9] failed)", p.stdout, re.M), p.stdout.splitlines()[-1]

    code, lines, last = says([tests[1]])
    assert code == 0 and [line[0].strip() for line in lines] == ["FAILED", "ok", "UNSTEADY"] and last.endswith(", 0 failed"), (lines, last)
    code, lines, last = says([tests[0]])
    assert code == 1 and [line[0] for line in lines] == ["FAILED", "FAILED"] and last.endswith(", 1 failed"), (lines, last)
    code, lines, last = says([tests[0]] * 4)
    assert code == 1 and [line[0] for line in lines] == ["FAILED"] * 4 and last.endswith(", 4 failed"), (lines, last)


try:
    failed = tap([wrong_arguments, nothing_is_built_to_tell_of_the_bench, arguments_survive, tells_what_next, starts_again_and_again, what_stands_in_the_way,
                  read_only_folder, installs_what_is_missing, waits_for_a_lock, no_network, not_root,
                  servers_for_tests_do_not_start, what_fails_runs_once_more_alone])
finally:
    shutil.rmtree(FOLDER)
sys.exit(failed != 0)
