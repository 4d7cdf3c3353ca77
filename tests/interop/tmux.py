"""Typing into the terminal client and looking at it, by tmux."""
import contextlib, os, re, shutil, subprocess, tempfile, time

from driver import DEADLINE


class Screen:
    """The terminal client in a terminal of its own: what is typed, what is seen."""

    def __init__(self, mynah, server, name, width=110, trusts=True):
        self.home = tempfile.mkdtemp(prefix="mynah-terminal-")
        self.env = {**os.environ, "HOME": self.home, "XDG_CONFIG_HOME": self.home, "XDG_DATA_HOME": self.home + "/data",
                    "TMUX_TMPDIR": self.home, "TERM": "xterm-256color", "LC_ALL": "C.UTF-8", "LANGUAGE": ""}
        self.env.pop("TMUX", None)
        self.env["BROWSER"] = self.home + "/browser"
        with open(self.env["BROWSER"], "w") as f:
            f.write("#!/bin/sh\necho \"$1\" >>'%s/browsed'\n" % self.home)
        os.chmod(self.env["BROWSER"], 0o700)
        self.command = "%s --host 127.0.0.1 --port %d %s2>%s/errors; echo ended $?; sleep 1000" % (
            mynah, server.ports[0], "--ca-file %s " % server.ca if trusts else "", self.home)
        self.name, self.width = name, width
        self.start()

    def start(self):
        self.tmux("new-session", "-d", "-x", str(self.width), "-y", "30", self.command)

    def tmux(self, *command, check=True):
        return subprocess.run(["tmux", "-u", "-L", "mynah", "-f", "/dev/null", *command], env=self.env, text=True, check=check,
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=DEADLINE).stdout

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.tmux("kill-server", check=False)
        shutil.rmtree(self.home, ignore_errors=True)

    def types(self, text, enter=True):
        self.tmux("send-keys", "-l", text)
        if enter:
            self.keys("Enter")

    def keys(self, *keys):
        self.tmux("send-keys", *keys)

    def clicks(self, pattern):
        """Where that stands; what is left of it is of single columns."""
        self.shows("(?m)" + pattern)
        for y, line in enumerate(self.text().splitlines()):
            found = re.search(pattern, line)
            if found:
                at = bytes((33 + found.start(), 33 + y))
                self.tmux("send-keys", "-H", *("%x" % b for b in b"\x1b[M " + at + b"\x1b[M#" + at))  # down and up
                return
        raise Exception("%s went away" % pattern)

    def text(self):
        return self.tmux("capture-pane", "-p", "-J", check=False)

    def shows(self, *patterns, gone=()):
        """All of them at once, and none of those that are to be gone."""
        end = time.monotonic() + 2 * DEADLINE
        while time.monotonic() < end:
            screen = self.text()
            if all(re.search(p, screen) for p in patterns) and not any(re.search(p, screen) for p in gone):
                return
            time.sleep(0.05)
        with open(self.home + "/errors") as f:
            raise Exception("%s never showed %s but\n%s\n%s" % (self.name, patterns, screen, f.read()))

    def focus(self):
        """Where the keys go in the form that is shown: the field by its label, whatever its value, the option, the row, the button. None
        while the form is not there, or being drawn: then there is no such place, or there are two."""
        text, above, found = self.text(), "", []
        for line in (line.split("│")[0].rstrip() for line in text.splitlines()):
            if line.startswith("> "):
                place = line[2:].lstrip()
                if not re.match(r"[\[(].[\])] ", place):
                    place = re.split(r"(?:^| +)[\[<]", place)[0] or above
                found.append(place)
            found += re.findall(r"\[>.*<\]", line)
            above = line
        return found[0] if len(found) == 1 and "Esc leaves the form" in text else None

    def looked_at(self, what):
        """The browser was given that, last of all."""
        end = time.monotonic() + DEADLINE
        while True:
            with contextlib.suppress(FileNotFoundError), open(self.home + "/browsed") as f:
                if f.read().endswith(what + "\n"):
                    return
            assert time.monotonic() < end, "nobody looks at " + what
            time.sleep(0.02)

    def moves(self, key):
        """A key that takes the focus elsewhere, and has: nothing else that is drawn meanwhile is taken for that."""
        end, before = time.monotonic() + 2 * DEADLINE, None
        while not before:
            assert time.monotonic() < end, "there is no form:\n" + self.text()
            before = self.focus()
        self.keys(key)
        while self.focus() in (None, before):
            assert time.monotonic() < end, "%s does not leave %s:\n%s" % (key, before, self.text())
            time.sleep(0.02)

    def goes_to(self, pattern, key="Tab"):
        while not re.search(pattern, self.text(), re.M):
            self.moves(key)

    def presses(self, label, key="Tab"):
        """The button of that name, which this key leads to."""
        self.goes_to("\\[>%s<\\]" % label, key)
        self.keys("Enter")

    def ticks(self):
        """The field that has the focus, unless it is ticked already."""
        if not re.search("^> \\[x\\]", self.text(), re.M):
            self.keys("Space")
        self.shows("(?m)^> \\[x\\]")

    def ends_form(self):
        """Esc alone: what follows at once would be a key with Alt."""
        self.keys("Escape")
        self.shows("> *$", gone=["Esc leaves the form"])

    def again(self):
        """Ends it, and starts it again."""
        self.types("/quit")
        self.shows("ended 0")
        self.tmux("respawn-pane", "-k", self.command)

    def chooses(self, label, option):
        """Of the field that has the focus."""
        self.shows("> %s" % label)
        if re.search("> %s +<%s" % (label, option), self.text()):
            return
        self.keys("Enter")
        self.shows("> +\\([ *]\\) ")
        self.goes_to("> +\\([ *]\\) %s" % option, "Down")
        self.keys("Enter")
        self.shows("> %s +<%s" % (label, option))

    def registers(self, server):
        """Past the first page: by the command, and what the server asks."""
        self.shows("Your account", "Esc leaves the form")
        self.ends_form()
        self.shows("Welcome to Mynah. 欢迎使用八哥。", "/register")
        self.types("/register %s@%s" % (self.name, server.host))
        self.shows("> Do +<make a new account>")
        self.presses("Next")
        self.shows("\\[ Register \\]")
        self.goes_to("> Password")
        self.types("pw", enter=False)
        self.presses("Register")
        # The password by itself: a folder that has its name by chance stands there, too.
        self.shows("%s@%s/\\S+ is online" % (self.name, server.host), gone=["(?<![^\\s[])pw(?!\\S)", "Esc leaves the form"])
