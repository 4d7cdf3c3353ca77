#!/usr/bin/python3
"""The file examples and gloox send each other files through our server. Prints TAP.
usage: gloox_files.py MYNAHD EXAMPLES GLOOX-FILE MYNAH"""
import json, os, subprocess, sys, tempfile

from driver import DEADLINE, Program, account, config_new, serving, tap

MYNAHD, EXAMPLES, GLOOX, MYNAH = sys.argv[1:]
NUMBERS = bytes((i * i >> 8) & 255 for i in range(300000))


def example(server, name, *args):
    return Program(os.path.join(EXAMPLES, name), "files@" + server.host + "/mynah", *args,
                   env={"MYNAH_HOST": "127.0.0.1", "MYNAH_PORT": str(server.ports[0]), "MYNAH_CA": server.ca, "MYNAH_PASSWORD": "testpwd"})


def gloox(server, kind, to):
    return Program(GLOOX, server.host, str(server.ports[0]), "tls", server.ca, "files", "testpwd", kind, to)


def to_gloox(server, kind, way):
    with tempfile.TemporaryDirectory(prefix="mynah-files-") as folder, gloox(server, kind, "") as receiver:
        with open(folder + "/numbers", "wb") as f:
            f.write(NUMBERS)
        receiver.until("= connected")
        with example(server, "ft_send", "files@" + server.host + "/gloox", folder + "/numbers", way) as sender:
            receiver.until("= offered numbers 300000", "= received well")
            sender.until("sent\n")
            sender.end()
        receiver.end()


def from_gloox(server, kind, seen):
    with tempfile.TemporaryDirectory(prefix="mynah-files-") as folder, example(server, "ft_recv", folder + "/came") as receiver:
        receiver.until("online as ")
        with gloox(server, kind, "files@" + server.host + "/mynah") as sender:
            receiver.until("gloox offers numbers, 300000 bytes, 0 are here\n.*" + seen)
            receiver.end()
            sender.end()
        with open(folder + "/came", "rb") as f:
            assert f.read() == NUMBERS


def mynah(server, folder, *words):
    return subprocess.Popen([MYNAH, "--host", "127.0.0.1", "--port", str(server.ports[0]), "--ca-file", server.ca, "--account",
                             "files@%s/mynah" % server.host, "--json", "--password-stdin", "file", *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                            text=True, env={**os.environ, "HOME": folder, "XDG_CONFIG_HOME": folder, "LC_ALL": "C.UTF-8", "LANGUAGE": ""})


def command_sends(server):
    """To whichever resource takes files: a program of the same account."""
    with tempfile.TemporaryDirectory(prefix="mynah-files-") as folder, gloox(server, "socks5", "") as receiver:
        with open(folder + "/numbers", "wb") as f:
            f.write(NUMBERS)
        receiver.until("= connected")
        with mynah(server, folder, "send", "files@%s/gloox" % server.host, folder + "/numbers") as sender:
            said = sender.communicate("testpwd\n", 2 * DEADLINE)[0]
            assert sender.returncode == 0 and json.loads(said)["bytes"] == "300000", (sender.returncode, said)
        receiver.until("= offered numbers 300000", "= received well")
        receiver.end()


def command_takes(server, kind):
    with tempfile.TemporaryDirectory(prefix="mynah-files-") as folder, mynah(server, folder, "receive", folder) as receiver:
        receiver.stdin.write("testpwd\n")
        receiver.stdin.close()
        json.loads(receiver.stdout.readline())
        with gloox(server, kind, "files@%s/mynah" % server.host) as sender:
            came = json.loads(receiver.stdout.readline())
            assert came["file"] == folder + "/numbers" and "error" not in came, came
            sender.end()
        with open(came["file"], "rb") as f:
            assert f.read() == NUMBERS
        receiver.terminate()
        assert receiver.wait(DEADLINE) == 0


with serving(MYNAHD, *config_new()) as server:
    account(server, "files")
    bad = tap([("gloox takes a file in-band", lambda: to_gloox(server, "ibb", "ibb")),
               ("gloox takes a file by SOCKS5", lambda: to_gloox(server, "socks5", "direct")),
               ("gloox sends a file in-band", lambda: from_gloox(server, "ibb", "received in-band")),
               ("gloox sends a file by SOCKS5", lambda: from_gloox(server, "socks5", "received by SOCKS5")),
               ("mynah file sends to gloox", lambda: command_sends(server)),
               ("mynah file takes from gloox in-band", lambda: command_takes(server, "ibb")),
               ("mynah file takes from gloox by SOCKS5", lambda: command_takes(server, "socks5"))], lambda: server.log)
sys.exit(bad != 0)
