#!/usr/bin/python3
"""The file examples and gloox send each other files through our server. Prints TAP.
usage: gloox_files.py MYNAHD EXAMPLES GLOOX-FILE"""
import os, sys, tempfile

from driver import Program, account, config_new, serving, tap

MYNAHD, EXAMPLES, GLOOX = sys.argv[1:]
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


with serving(MYNAHD, *config_new()) as server:
    account(server, "files")
    bad = tap([("gloox takes a file in-band", lambda: to_gloox(server, "ibb", "ibb")),
               ("gloox takes a file by SOCKS5", lambda: to_gloox(server, "socks5", "direct")),
               ("gloox sends a file in-band", lambda: from_gloox(server, "ibb", "received in-band")),
               ("gloox sends a file by SOCKS5", lambda: from_gloox(server, "socks5", "received by SOCKS5"))], lambda: server.log)
sys.exit(bad != 0)
