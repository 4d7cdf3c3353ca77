#!/usr/bin/python3
"""The terminal client and a server whose certificate nobody vouches for: a person is asked, once and always are kept as long as they say,
and another certificate is told as such. Prints TAP.
usage: terminal_trust.py MYNAH MYNAHD"""
import hashlib, os, ssl, stat, subprocess, sys

from driver import account, Cable, config_new, serving, tap
from mynah import wait_for
from tmux import Screen

MYNAH, MYNAHD = (os.path.abspath(p) for p in sys.argv[1:])
BAR = "mynah.test: is this certificate the right one\\? .*Alt-y once · Alt-s always · Alt-n no"


def sha256(server):
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(ssl.get_server_certificate(("127.0.0.1", server.ports[1])))).hexdigest()


def connects():
    ann.types("/connect ann@mynah.test")
    ann.shows("password of")
    ann.types("testpwd")


def begins():
    ann.shows("Your account", "Esc leaves")
    ann.ends_form()
    ann.shows("Welcome")


def starts_again():
    ann.again()
    begins()


def the_first_page_asks_too():
    """Before there is any account: no leads back to the page, yes goes on."""
    ann.shows("Your account", "> Do +<log in>")
    ann.moves("Tab")
    ann.types("ann@mynah.test", enter=False)
    ann.moves("Tab")
    ann.chooses("The password is", "asked for")
    for key in "M-n", "M-y":
        ann.presses("Next")
        ann.shows("> Password")
        ann.keys("C-u")
        ann.types("testpwd", enter=False)
        ann.presses("Log in")
        ann.shows("mynah.test shows a certificate that is not trusted", "SHA-256\\s+" + sha256(one), BAR)
        ann.keys(key)
        if key == "M-n":
            ann.shows("the certificate is not trusted", "Your account", "ann@mynah.test", gone=[BAR])
    ann.shows("trusted until mynah ends", "ann@mynah.test/\\S+ is online", gone=[BAR, "Your account"])
    assert not os.path.exists(pins())
    os.remove(ann.home + "/mynah/config.yaml")
    ann.again()


def pins():
    return ann.home + "/data/mynah/certificates"


def a_person_is_asked_and_says_no():
    begins()
    ann.types("/panel") # whose names would stand within the lines
    connects()
    ann.shows("mynah.test shows a certificate that is not trusted", "from \\d+-\\d+-\\d+ to \\d+-\\d+-\\d+", "SHA-256\\s+" + sha256(one), BAR)
    ann.keys("M-n")
    ann.shows("the certificate of mynah.test is not trusted; /connect ann@mynah.test", gone=["is online", BAR])


def once_holds_until_the_end():
    ann.types("/connect ann@mynah.test")
    ann.shows(BAR)
    ann.types("/tls allow")
    ann.shows("trusted until mynah ends", "ann@mynah.test/\\S+ is online", gone=[BAR])
    ann.types("/clear")
    ann.shows(gone=["trusted until mynah ends"])  # else it could clear what is waited for now
    cable.cut()
    ann.shows("tries again", "is online", gone=[BAR, "not trusted"])
    assert not os.path.exists(pins())
    ann.types("/clear")
    ann.types("/tls list")
    ann.shows("mynah.test:[\\s│]+%s, until[\\s│]+mynah ends" % sha256(one))
    starts_again()
    connects()
    ann.shows(BAR)


def always_holds_longer():
    ann.types("/tls always")
    ann.shows("trusted from now on", "is online", gone=[BAR])
    ann.types("/tls list")
    ann.shows("mynah.test:[\\s│]+%s(?!,)" % sha256(one), gone=["until[\\s│]+mynah ends"])
    assert stat.S_IMODE(os.stat(pins()).st_mode) == 0o600
    with open(pins()) as f:
        assert f.read() == "mynah.test %s\n" % sha256(one)
    starts_again()
    connects()
    ann.shows("is online", gone=["trusted"])
    ann.types("/panel")


def command(code):
    p = subprocess.run(ann.command.split(" 2>")[0].split() + ["--account", "ann@mynah.test", "--password-stdin", "login"], env=ann.env, text=True,
                       input="testpwd\n", capture_output=True)
    assert p.returncode == code, p
    return p.stderr


def another_certificate_is_told_as_such():
    cable.server = two
    cable.cut()
    ann.shows("mynah.test shows ANOTHER certificate", "trusted until then: SHA-256\\s+" + sha256(one), BAR, "SHA-256\\s+" + sha256(two))
    ann.types("/tls deny")
    ann.shows("is not trusted; /connect")
    assert "ANOTHER" in command(1)
    ann.types("/tls forget mynah.test")
    ann.shows("the certificate of mynah.test is not trusted by hand any more")
    ann.types("/tls list")
    ann.shows("no certificate is trusted by hand")


def commands_ask_nobody_and_trust_what_the_person_trusts():
    told = command(1)
    assert sha256(two) in told and "--ca-file" in told, told
    ann.types("/connect ann@mynah.test")
    ann.shows(BAR)
    ann.keys("M-s")
    ann.shows("trusted from now on", "is online", gone=[BAR])
    assert command(0) == ""


def accounts_of_one_server_are_asked_about_once():
    """And what is answered holds for all of them; who is left out of it later leaves the question to the others."""
    os.makedirs(ann.home + "/mynah", exist_ok=True)
    with open(ann.home + "/mynah/config.yaml", "w") as f:
        f.write("accounts:\n" + "".join("  - {jid: %s@mynah.test, host: 127.0.0.1, port: %d, password_command: echo testpwd}\n" % (who, cable.ports[0])
                                        for who in ("ann", "kim", "lea")))
    os.remove(pins())
    for key, told in ("M-n", "(?s)(/connect \\w+@mynah.test.*){3}"), ("M-y", "(?s)(\\w+@mynah.test/\\S+ is online.*){3}"):
        before = len(cable.begun)
        ann.again()
        # Each of them has met the certificate: who does so behind a no is another question.
        wait_for(lambda: len(cable.begun) >= before + 3 and len(cable.ended) == len(cable.begun), "somebody does not wait")
        ann.shows(BAR, gone=["\\(\\+\\d\\)"])
        ann.types("/clear")
        ann.keys(key)
        ann.shows(told, gone=[BAR])
    os.remove(ann.home + "/mynah/config.yaml")


with serving(MYNAHD, *config_new()) as one, serving(MYNAHD, *config_new()) as two:
    account(one, "ann")
    account(two, "kim")
    account(two, "lea")
    account(two, "ann")
    cable = Cable(one)
    with Screen(MYNAH, cable, "ann", trusts=False) as ann:
        failed = tap([the_first_page_asks_too, a_person_is_asked_and_says_no, once_holds_until_the_end, always_holds_longer,
                      another_certificate_is_told_as_such, commands_ask_nobody_and_trust_what_the_person_trusts,
                      accounts_of_one_server_are_asked_about_once])
sys.exit(failed != 0)
