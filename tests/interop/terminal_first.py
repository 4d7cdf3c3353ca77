#!/usr/bin/python3
"""From nothing to the first talk in the terminal client, as a person goes: an account is made or logged in page by page, and is there again
at the next start; the list of accounts is changed. Against mynahd and Prosody. Prints TAP.
usage: terminal_first.py MYNAH MYNAHD"""
import contextlib, os, re, stat, sys

from driver import config_new, serving, tap
from peers import Ejabberd, PICTURE, Prosody
from tmux import Screen

MYNAH, MYNAHD = (os.path.abspath(p) for p in sys.argv[1:])


class Story:
    def __init__(self, server, ann, bob):
        self.server, self.ann, self.bob, self.host = server, ann, bob, server.host

    def config(self, text=None):
        path = self.ann.home + "/mynah/config.yaml"
        with open(path, "r" if text is None else "w") as f:
            return f.read() if text is None else f.write(text)

    def goes_on(self, screen, jid, what, keep, gone=()):
        """The first page, filled in."""
        screen.shows("Your account", "> Do +<log in>")
        screen.chooses("Do", what)
        screen.goes_to("> Address")
        screen.types(jid, enter=False)
        screen.moves("Tab")
        screen.chooses("The password is", keep)
        screen.presses("Next")

    def the_page_may_be_left(self):
        self.ann.shows("Your account", "> Do +<log in>", "Address \\(name@server\\)", "The password is +<(in a file|in the keyring)",
                       gone=["│"])  # no list of people where there are none yet
        self.ann.ends_form()
        self.ann.shows("Welcome to Mynah")
        self.ann.types("/register ann@" + self.host)
        self.ann.shows("> Do +<make a new account>", "ann@" + self.host)
        self.ann.ends_form()

    def an_account_is_made(self):
        ann = self.ann
        ann.types("/register")
        ann.shows("> Do +<make a new account>")
        ann.moves("Tab")
        ann.types("mynah", enter=False)
        ann.presses("Next")
        ann.shows("mynah is no address like name@server", "Address.*\\[mynah ")
        ann.moves("Tab")
        ann.keys("C-u")
        ann.types("ann@" + self.host, enter=False)
        ann.moves("Tab")
        ann.chooses("The password is", "in a file")
        ann.presses("Next")
        ann.shows("(?i)User ?name.*\\[ann ")
        ann.goes_to("> Password")
        ann.types("a secret", enter=False)
        ann.presses("Register")
        ann.shows("ann@%s/\\S+ is online" % self.host, gone=["a secret", "Esc leaves"])

    def what_is_taken_can_be_named_anew(self):
        bob = self.bob
        bob.shows("Your account", "Esc leaves the form")
        bob.ends_form()
        bob.types("/register ann@" + self.host)
        bob.shows("> Do +<make a new account>")
        bob.moves("Tab")
        bob.moves("Tab")
        bob.chooses("The password is", "asked for")
        bob.presses("Next")
        bob.shows("(?i)User ?name.*\\[ann ")
        bob.goes_to("> Password")
        bob.types("pw", enter=False)
        bob.presses("Register")
        bob.shows("conflict", "(?i)User ?name.*\\[ann ")
        bob.goes_to("(?i)> User ?name")
        bob.keys("C-u")
        bob.types("bob", enter=False)
        bob.presses("Register")
        bob.shows("bob@%s/\\S+ is online" % self.host)

    def it_is_written_for_nobody_else(self):
        folder = self.ann.home + "/mynah/"
        assert "  - {jid: ann@%s, password_file: " % self.host in self.config(), self.config()
        for name in "config.yaml", "passwords/ann@" + self.host:
            assert stat.S_IMODE(os.stat(folder + name).st_mode) == 0o600, name

    def the_next_start_logs_in_by_itself(self):
        self.ann.again()
        self.ann.shows("ann@%s/\\S+ is online" % self.host, gone=["Your account"])
        self.bob.again()
        self.bob.shows("password of bob@" + self.host)
        self.bob.types("pw")
        self.bob.shows("bob@%s/\\S+ is online" % self.host)

    def the_first_talk(self):
        """A stranger learns that it has come when he is answered."""
        self.ann.types("/msg bob@%s hello" % self.host)
        self.ann.shows("me: hello ✓")
        self.bob.keys("M-a")
        self.bob.shows("ann: hello")
        assert "hello ✓✓" not in self.ann.text(), self.ann.text()
        self.bob.types("hi")
        self.ann.shows("bob: hi")
        self.ann.types("again")
        self.ann.shows("me: again ✓✓")
        self.ann.types("/close")

    def the_list_of_accounts_is_changed(self):
        ann = self.ann
        self.config("# mine\n" + self.config() + "terminal: {keys: vi} # fast\n")
        ann.types("/account add kim@" + self.host)
        ann.shows("kim@%s is in the configuration" % self.host)
        ann.types("/account disable ann@" + self.host)
        ann.shows("ann@%s is no longer logged in" % self.host)
        ann.types("/account list")
        ann.shows("2 accounts in", "ann@%s ● \\(disabled\\)" % self.host, "kim@%s ○ *" % self.host)
        ann.types("/account remove kim@" + self.host)
        ann.shows("kim@%s is no longer in the" % self.host)
        assert self.config().startswith("# mine\naccounts:\n  - {jid: ann"), self.config()
        assert self.config().endswith(", enabled: off}\nterminal: {keys: vi} # fast\n"), self.config()
        ann.types("/account remove eve@" + self.host)
        ann.shows("there is no account eve@" + self.host)

    def an_account_that_is_there_logs_in(self):
        """A wrong password is told, and leaves nothing behind."""
        os.remove(self.bob.home + "/mynah/config.yaml")
        self.bob.again()
        self.goes_on(self.bob, "ann@" + self.host, "log in", "asked for")
        for password in "wrong", "a secret":
            self.bob.shows("> Password")
            self.bob.keys("C-u")
            self.bob.types(password, enter=False)
            self.bob.presses("Log in")
            if password == "wrong":
                self.bob.shows("not-authorized", "> Password")
        self.bob.shows("ann@%s/\\S+ is online" % self.host)

    def who_was_not_known_makes_an_account(self):
        bob, gil = self.bob, "gil@" + self.host
        bob.types("/connect " + gil)
        bob.shows("password of " + gil)
        bob.types("pw")
        bob.shows(gil + ": the login was refused", "password of " + gil)  # it was wrong: nobody has that name
        bob.keys("Enter")
        bob.shows(gil + " is not logged in")
        bob.types("/register " + gil)
        bob.shows("> Do +<make a new account>")
        bob.presses("Next")
        bob.shows("(?i)User ?name.*\\[gil ")
        bob.goes_to("> Password")
        bob.types("another", enter=False)
        bob.presses("Register")
        bob.shows(gil + "/\\S+ is online")

    def steps(self):
        return [self.the_page_may_be_left, self.an_account_is_made, self.what_is_taken_can_be_named_anew, self.it_is_written_for_nobody_else,
                self.the_next_start_logs_in_by_itself, self.the_first_talk, self.the_list_of_accounts_is_changed,
                self.an_account_that_is_there_logs_in, self.who_was_not_known_makes_an_account]


def a_riddle_is_asked():
    """A picture that came along is a file as long as it is asked about; what was typed before a wrong answer need not be typed again."""
    kim.shows("Your account", "Esc leaves the form")
    kim.ends_form()
    kim.types("/register kim@" + asking.host)
    kim.shows("> Do +<make a new account>")
    kim.presses("Next")
    kim.shows("User +\\* +\\[kim ", "> Password", "CAPTCHA web page +\\[http://127")
    kim.types("pw", enter=False)
    pictures = []
    for answer in "wrong", None:
        kim.shows("Enter the text you see \\* +\\[ +\\]", "to be seen at /\\S+\\.png")
        pictures.append(re.search("to be seen at (\\S+)", kim.text())[1])
        with open(pictures[-1], "rb") as f:
            assert f.read() == PICTURE
        kim.goes_to("^> Enter the text")
        kim.keys("M-o")
        kim.looked_at(pictures[-1])
        kim.types(answer or asking.riddle(), enter=False)
        kim.presses("Register")
        if answer:
            kim.shows("verification has failed", "> Enter the text you see \\* +\\[ +\\]")
            assert not os.path.exists(pictures[0])
    kim.shows("kim@%s/\\S+ is online" % asking.host)
    assert not os.path.exists(pictures[1])


def registers(screen, name):
    screen.types("/register %s@%s" % (name, asking.host))
    screen.shows("> Do +<make a new account>")
    screen.presses("Next")
    screen.shows("> Password")
    screen.types("pw", enter=False)
    screen.goes_to("^> Enter the text")
    screen.types(asking.riddle(), enter=False)
    screen.presses("Register")
    screen.shows("%s@%s/\\S+ is online" % (name, asking.host))


def a_room_asks_a_riddle():
    """The challenge comes as a message (XEP-0158): it is answered on the screen, and the room lets in."""
    kim.types("/room create den@rooms.%s Kim" % asking.host)
    kim.goes_to("^> .*CAPTCHA protected", "Down")
    kim.ticks()
    kim.presses("Save", "BTab")
    kim.shows("the room is configured")
    lee.shows("Your account", "Esc leaves the form")
    lee.ends_form()
    registers(lee, "lee")
    for answer in "no", "wrong", None:
        lee.types("/join den@rooms.%s Lee" % asking.host)
        lee.shows("den@rooms\\S+ wants to see that you are a person +Alt-y yes")
        if answer == "no":
            lee.keys("M-n")
            lee.shows("^ Mynah|den", gone=["Alt-y yes"])
            lee.types("/close")
            continue
        lee.keys("M-y")
        lee.shows("> Enter the text you see \\* +\\[ +\\]", "to be seen at /\\S+\\.png")
        lee.types(answer or asking.riddle(), enter=False)
        lee.presses("Send")
        if answer:
            lee.shows("does not accept the answer", gone=["Esc leaves the form"])
            lee.types("/close")
    lee.shows("accepts the answer", "joined as Lee")


with contextlib.ExitStack() as stack:
    steps = []
    for name, opened in ("mynahd", serving(MYNAHD, *config_new())), ("prosody", Prosody()):
        server = stack.enter_context(opened)
        ann, bob = (stack.enter_context(Screen(MYNAH, server, who)) for who in ("ann", "bob"))
        steps += [("%s (%s)" % (s.__name__.replace("_", " "), name), s) for s in Story(server, ann, bob).steps()]
    asking = stack.enter_context(Ejabberd(riddles=True))
    kim, lee = (stack.enter_context(Screen(MYNAH, asking, who)) for who in ("kim", "lee"))
    failed = tap(steps + [("a riddle is asked (ejabberd)", a_riddle_is_asked), ("a room asks a riddle (ejabberd)", a_room_asks_a_riddle)])
sys.exit(failed != 0)
