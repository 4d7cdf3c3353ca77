#!/usr/bin/python3
"""Talking without a server (XEP-0174): examples/link_local against itself, Avahi and Pidgin's library (Finch), each on a machine of its
own in a network that this test makes. Prints TAP. usage: link_local.py FOLDER"""
import contextlib, os, re, signal, subprocess, sys, time

from driver import DEADLINE, Program, go_inside, tap

if sys.argv[-1] != "inside":
    go_inside()
FOLDER = sys.argv[1]
BUS, SESSION = "unix:path=/run/dbus/system_bus_socket", "unix:path=/run/session"
ENV = {**os.environ, "HOME": "/run/home", "DBUS_SYSTEM_BUS_ADDRESS": BUS, "DBUS_SESSION_BUS_ADDRESS": SESSION, "LC_ALL": "C.UTF-8"}


def run(*args):
    p = subprocess.run(args, capture_output=True, text=True, env=ENV, timeout=DEADLINE)
    assert p.returncode == 0, (args, p.stdout, p.stderr)
    return p.stdout


class Machine:
    """A network namespace, on the switch with the others."""

    def __init__(self, n):
        self.holder = subprocess.Popen(["unshare", "--net", "sleep", "1000"])
        while os.readlink("/proc/%d/ns/net" % self.holder.pid) == os.readlink("/proc/self/ns/net"):
            time.sleep(0.01)
        self.inside = ["nsenter", "-t", str(self.holder.pid), "--net"]
        run("ip", "link", "add", "v%d" % n, "type", "veth", "peer", "name", "e0", "netns", str(self.holder.pid))
        run("ip", "link", "set", "v%d" % n, "master", "switch", "up")
        for args in ("link", "set", "lo", "up"), ("addr", "add", "10.7.0.%d/24" % n, "dev", "e0"), ("link", "set", "e0", "up"):
            run(*self.inside, "ip", *args)

    def run(self, *args):
        return run(*self.inside, *args)

    def looks_up(self, name):
        """What Avahi says to it, which waits five seconds for an answer."""
        return subprocess.run([*self.inside, "avahi-resolve", "-4n", name], capture_output=True, text=True, env=ENV).stdout.split()

    def start(self, *args, **more):
        return Friend(*self.inside, *args, env={**ENV, **more})

    def link_local(self, *args):
        return self.start(os.path.join(FOLDER, "link_local"), *args)


class Friend(Program):
    """Gets the time to say good-bye, as avahi-publish does."""

    def says(self, *patterns):
        for p in patterns:
            self.until(p)

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(DEADLINE)
        except subprocess.TimeoutExpired:
            super().__exit__()


def soon(what, *args):
    """What a question answers, as soon as that is something."""
    end = time.monotonic() + DEADLINE
    while time.monotonic() < end:
        if got := what(*args):
            return got
        time.sleep(0.1)
    raise AssertionError((what, args))


BUS_CONFIG = """<busconfig><type>system</type><listen>%s</listen><policy context="default"><allow user="*"/><allow own="*"/>
<allow send_type="method_call"/><allow send_destination="*"/><allow receive_sender="*"/></policy></busconfig>"""
AVAHI_CONFIG = """[server]
host-name=%s
use-ipv4=yes
use-ipv6=yes
[wide-area]
enable-wide-area=no
[publish]
publish-workstation=no
"""


@contextlib.contextmanager
def avahi(machine, name):
    with open("/run/bus.conf", "w") as f:
        f.write(BUS_CONFIG % BUS)
    with open("/run/avahi.conf", "w") as f:
        f.write(AVAHI_CONFIG % name)
    with contextlib.suppress(FileNotFoundError):
        os.unlink("/run/dbus/system_bus_socket")  # of the one before
    with machine.start("dbus-daemon", "--config-file=/run/bus.conf", "--nofork", "--nopidfile"):
        soon(os.path.exists, "/run/dbus/system_bus_socket")
        with machine.start("avahi-daemon", "-f", "/run/avahi.conf", "--no-drop-root", "--no-chroot", "--no-rlimits") as daemon:
            daemon.says("Server startup complete")
            yield daemon


@contextlib.contextmanager
def finch(machine, name):
    """Finch with a Bonjour account, on the session's bus."""
    os.makedirs("/run/home/.purple")
    with open("/run/home/.purple/accounts.xml", "w") as f:
        f.write("<account version='1.0'><account><protocol>prpl-bonjour</protocol><name>%s</name><settings>"
                "<setting name='port' type='int'>5298</setting></settings><settings ui='gnt-purple'>"
                "<setting name='auto-login' type='bool'>1</setting></settings></account></account>" % name)
    with open("/run/home/.purple/prefs.xml", "w") as f:
        f.write("<pref version='1' name='/'><pref name='purple'><pref name='savedstatus'>"
                "<pref name='startup_current_status' type='bool' value='1'/></pref></pref></pref>")
    with Program("dbus-daemon", "--session", "--address=" + SESSION, "--nofork", "--nopidfile", env=ENV):
        soon(os.path.exists, "/run/session")
        subprocess.run(["tmux", "-S", "/run/tmux", "new-session", "-d", "-x", "100", "-y", "40", *machine.inside, "finch"],
                       env={**ENV, "TERM": "xterm"}, check=True)
        try:
            yield
        finally:
            subprocess.run(["tmux", "-S", "/run/tmux", "kill-server"])


def purple(method, *args):
    """Calls into libpurple: the text of its answer."""
    p = subprocess.run(["gdbus", "call", "--session", "-d", "im.pidgin.purple.PurpleService", "-o", "/im/pidgin/purple/PurpleObject", "-m",
                        "im.pidgin.purple.PurpleInterface." + method, *map(str, args)], capture_output=True, text=True, env=ENV)
    return p.stdout


def numbers(method, *args):
    return [int(n) for n in re.findall(r"\b\d+\b", purple(method, *args)) if n != "0"]


def heard(talk, text):
    return any(text in purple("PurpleConversationMessageGetMessage", m) for m in numbers("PurpleConversationGetMessageHistory", talk))


def say(talk, text):
    purple("PurpleConvImSend", numbers("PurpleConvIm", talk)[0], text)


class Steps:
    def __init__(self, a, b, c):
        self.a, self.b, self.c = a, b, c

    def two_of_ours(self):
        with self.a.link_local("juliet", "pronto") as juliet:
            juliet.says("online as juliet@pronto")
            with self.b.link_local("romeo", "forza", "juliet@pronto", "hello 北京") as romeo:
                romeo.says("online as romeo@forza", "juliet@pronto: You said hello 北京 \\(in clear\\)")
                juliet.until("here: romeo@forza is Example", "romeo@forza: hello 北京")  # by two ways, so in any order
                with self.c.link_local("juliet", "pronto") as second:
                    second.says("online as juliet@pronto-1")
                    juliet.says("here: juliet@pronto-1")
                    romeo.says("here: juliet@pronto-1")
                with self.a.link_local("juliet", "pronto") as third:
                    third.says("online as juliet-1@pronto")
                    romeo.says("here: juliet-1@pronto")

    def a_line_that_is_cut_and_comes_back(self):
        with self.a.link_local("juliet", "pronto") as juliet, self.b.link_local("romeo", "forza") as romeo:
            juliet.says("here: romeo@forza")
            romeo.says("here: juliet@pronto")
            self.b.run("ip", "link", "set", "e0", "down")
            romeo.says("gone: juliet@pronto")
            self.b.run("ip", "link", "set", "e0", "up")
            romeo.says("here: juliet@pronto")

    def avahi_sees_us(self):
        with avahi(self.c, "verona"), self.a.link_local("juliet", "pronto") as juliet:
            juliet.says("online as juliet@pronto")
            seen = r'=;e0;IPv4;juliet\\064pronto;.*;pronto\.local;10\.7\.0\.1;\d+;.*"msg=in the garden".*"status=away".*"txtvers=1"'
            soon(lambda: re.search(seen, self.c.run("avahi-browse", "-rtp", "_presence._tcp")))
            assert soon(self.c.looks_up, "pronto.local") == ["pronto.local", "10.7.0.1"]
            with self.c.start("avahi-publish", "-s", "mercutio@verona", "_presence._tcp", "5555", "txtvers=1", "msg=biting", "nick=M"):
                juliet.says("here: mercutio@verona is M, biting")
            juliet.says("gone: mercutio@verona")

    def beside_avahi_of_the_same_name(self):
        with avahi(self.c, "verona") as daemon, self.c.link_local("romeo", "verona") as romeo, self.a.link_local("juliet", "pronto",
                                                                                                           "romeo@verona", "hello") as juliet:
            romeo.says("online as romeo@verona")
            juliet.says("romeo@verona: You said hello")
            assert soon(self.c.looks_up, "pronto.local") == ["pronto.local", "10.7.0.1"]
            assert not "conflict" in daemon.said.lower(), daemon.said

    def pidgin(self):
        with avahi(self.c, "verona"), self.a.link_local("juliet", "pronto") as juliet, finch(self.c, "nurse@verona"):
            juliet.says("here: nurse@verona")
            account = soon(numbers, "PurpleAccountsGetAllActive")[0]
            soon(numbers, "PurpleFindBuddy", account, "juliet@pronto")
            talk = soon(numbers, "PurpleConversationNew", 1, account, "juliet@pronto")[0]
            say(talk, "hello from finch")
            juliet.says("nurse@verona: hello from finch \\(in clear\\)")
            soon(heard, talk, "You said hello from finch")
            with self.b.link_local("romeo", "forza", "nurse@verona", "hello nurse") as romeo:
                talk = soon(numbers, "PurpleFindConversationWithAccount", 1, "romeo@forza", account)[0]
                soon(heard, talk, "hello nurse")
                say(talk, "good day")
                romeo.says("nurse@verona: good day")
                soon(heard, talk, "You said good day")


run("mount", "-t", "tmpfs", "none", "/run")
os.makedirs("/run/dbus")
os.makedirs("/run/avahi-daemon")
run("ip", "link", "add", "switch", "type", "bridge")
run("ip", "link", "set", "switch", "up")
steps = Steps(*(Machine(n) for n in (1, 2, 3)))
bad = tap([steps.two_of_ours, steps.a_line_that_is_cut_and_comes_back, steps.avahi_sees_us, steps.beside_avahi_of_the_same_name, steps.pidgin])
sys.exit(bad != 0)
