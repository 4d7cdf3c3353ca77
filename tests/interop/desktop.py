"""What a desktop client needs that takes neither a server's address nor a CA from its files: namespaces (go_inside) in which the domain is
this machine and mynahd's CA the only one there is, a screen that nobody sees, a bus; and people for it to talk with."""
import contextlib, os, subprocess, time
from xml.sax.saxutils import escape

from driver import DEADLINE, Program, account, person

LONG = 4 * DEADLINE  # of a program that draws without a graphics card


def config(host):
    """On the port where clients look for it."""
    return """
domains: [{name: %s}]
listen: [{address: 127.0.0.1, port: 5222}]
registration: {open: loopback, per_address: off}
""" % host


def furnish(server):
    """Names, no resolver, and a way out: GLib's resolver finds no name while the machine has no address but 127.0.0.1, and takes the
    network for down while there is no route."""
    for command in ["link", "set", "lo", "up"], ["address", "add", "192.0.2.1/24", "dev", "lo"], ["route", "add", "default", "dev", "lo"]:
        subprocess.run(["ip", *command], check=True)
    with open(server.ca) as f:
        ca = f.read()
    for over, text in [("/etc/hosts", "127.0.0.1 localhost %s\n" % server.host), ("/etc/resolv.conf", "nameserver 127.0.0.1\n"),
                       ("/etc/ssl/certs/ca-certificates.crt", ca)]:
        path = server.folder + "/" + os.path.basename(over)
        with open(path, "w") as f:
            f.write(text)
        os.chmod(path, 0o644)
        subprocess.run(["mount", "--bind", path, os.path.realpath(over)], check=True)


def home(folder):
    """The environment of somebody whose files are all in this folder."""
    os.mkdir(folder, 0o700)
    return {"HOME": folder, "XDG_DATA_HOME": folder + "/data", "XDG_CONFIG_HOME": folder + "/config", "XDG_CACHE_HOME": folder + "/cache",
            "XDG_RUNTIME_DIR": folder, "LC_ALL": "C.UTF-8", "GSK_RENDERER": "cairo", "LIBGL_ALWAYS_SOFTWARE": "1", "NO_AT_BRIDGE": "1",
            "GTK_A11Y": "none", "GDK_BACKEND": "x11", "GSETTINGS_BACKEND": "memory"}


@contextlib.contextmanager
def screen(env, user=()):
    """An X server on a number that is free, and a bus of this user (words before a command)."""
    seen, said = os.pipe()
    with Program("Xvfb", "-displayfd", str(said), "-screen", "0", "1024x768x24", "-nolisten", "tcp", pass_fds=[said]):
        os.close(said)
        with open(seen) as f:
            env["DISPLAY"] = ":" + f.readline().strip()
        with Program(*user, "dbus-daemon", "--session", "--nofork", "--print-address=1", env=env) as bus:
            env["DBUS_SESSION_BUS_ADDRESS"] = bus.until(r"(unix:\S+)\n").group(1)
            yield


def shoot(env):
    """A picture of the screen, for whoever asks for one by SHOT=FILE (`import` is of imagemagick)."""
    if "SHOT" in os.environ:
        subprocess.run(["import", "-window", "root", os.environ["SHOT"]], env={**os.environ, **env})


def wait_for(true, what):
    until = time.monotonic() + LONG
    while not (got := true()):
        assert time.monotonic() < until, "no " + (what() if callable(what) else what)
        time.sleep(0.1)
    return got


class People:
    """Romeo, whose client it is, with another one in his hand; Juliet, his contact, by hand."""

    def __init__(self, server):
        self.server, self.jids = server, {name: "%s@%s" % (name, server.host) for name in ("romeo", "juliet")}
        for name in self.jids:
            account(server, name)
        self.come()
        for me, other in (self.romeo, self.juliet), (self.juliet, self.romeo):
            me.send("<presence type='subscribe' to='%s'/>" % other.jid)
            other.until("<presence [^>]*type='subscribe'")
            other.send("<presence type='subscribed' to='%s'/>" % me.jid)
            me.until("<presence [^>]*type='subscribed'")

    def come(self):
        """Both, for the first time or anew."""
        self.romeo, self.juliet = (self.comes(name) for name in self.jids)

    def comes(self, name):
        c = person(self.server, name, "hand")
        c.jid = self.jids[name]
        c.socket.settimeout(LONG)
        c.send("<iq type='get' id='r'><query xmlns='jabber:iq:roster'/></iq><presence/>")
        c.ping()
        return c

    def hears(self, *patterns):
        return self.juliet.until(*patterns)

    def says(self, name, to, text):
        getattr(self, name).send("<message type='chat' to='%s'><body>%s</body></message>" % (to, escape(text)))
