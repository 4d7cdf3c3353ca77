#!/usr/bin/python3
"""mynahctl backup and restore where things go wrong: no room, no right, an end in the middle, two at once, the server's own files. In
a space of its own, for the file systems. Prints TAP.
usage: backup.py MYNAHD MYNAHCTL DISK.so"""
import contextlib, json, os, re, signal, sqlite3, subprocess, sys, threading

sys.path.append(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from mynah import DEADLINE, STUCK, Client, Disk, go_inside, person, tap, wait_for

if sys.argv[-1] != "inside":
    go_inside()
MYNAHD, MYNAHCTL, DISK = map(os.path.abspath, sys.argv[1:4])
KEYS = 50  # what somebody writes again and again
CONFIG = """
data: %s/data
loops: 2
listen:
  - {address: "127.0.0.1", port: 0, tls: offered}
auth: {mechanisms: [PLAIN], without_tls: [PLAIN], iterations: 4096}
registration: {open: yes, per_address: off}
"""


def begin(*words):
    return subprocess.Popen([MYNAHCTL, "--json", "--socket", machine.data + "/control.sock", *words], stdout=subprocess.PIPE, text=True)


def ask(*words):
    p = begin(*words)
    answer = json.loads(p.communicate(timeout=2 * DEADLINE)[0])
    return answer.get("ok") or answer["error"]


def store(c, i, n, number=0):
    c.send("<iq type='set' id='p'><query xmlns='jabber:iq:private'><k xmlns='urn:k%d'>%d%s</k></query></iq>" % (i, number, "x" * n))
    assert "result" in c.until("<iq [^>]*id='p'[^>]*>")


def rows(path, query):
    with contextlib.closing(sqlite3.connect("file:%s?mode=ro" % path, uri=True)) as db:
        return db.execute(query).fetchall()


def dump(path):
    """All that it holds, but the numbers that are given next: those of what is restored are new ones (docs/design/003-ids.md)."""
    with contextlib.closing(sqlite3.connect("file:%s?mode=ro" % path, uri=True)) as db:
        return [line for line in db.iterdump() if "sqlite_sequence" not in line]


def whole(path):
    """One that a server can be made of which holds the same, and that others can read."""
    assert rows(path, "PRAGMA integrity_check") == [("ok",)]
    to = path + ".restored"
    assert ask("restore", path, "--data", to)["bytes"] == os.path.getsize(path)
    assert len(dump(path)) > 60 and dump(to + "/mynah.db") == dump(path)


def who_is_killed_leaves_no_half():
    one, two = folder + "/one.db", folder + "/two.db"
    machine.set(STUCK, 1)
    p = begin("backup", one)
    wait_for(lambda: os.listdir(folder), "it has not begun")
    p.kill()
    p.wait()
    half = os.listdir(folder)
    machine.set(STUCK, 0)
    assert "one.db.part" in half and "one.db" not in half, half
    wait_for(lambda: os.path.exists(one), "the server does not go on")
    whole(one)
    machine.set(STUCK, 1)
    p = begin("backup", two)
    wait_for(lambda: os.path.exists(two + ".part"), "it has not begun")
    machine.server.stop(signal.SIGKILL)
    assert "error" in json.loads(p.communicate(timeout=DEADLINE)[0]) and not os.path.exists(two)
    machine.start()
    assert ask("backup", two)["file"] == two
    assert not os.path.exists(two + ".part")
    whole(two)


def where_there_is_no_room_or_right():
    small = machine.folder + "/small"
    os.mkdir(small)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", small], check=True)
    error = ask("backup", small + "/b.db")
    assert error["code"] == "resource-constraint" and "full" in error["text"], error
    assert os.listdir(small) == []
    subprocess.run(["mount", "-o", "remount,ro", small], check=True)
    error = ask("backup", small + "/b.db")
    assert error["code"] == "not-acceptable" and "Read-only" in error["text"], error
    error = ask("restore", folder + "/one.db", "--data", small)
    assert "Read-only" in error["text"], error
    subprocess.run(["umount", small], check=True)
    person(machine.server, "busy").ping()


def not_over_its_own_files():
    for name in "mynah.db", "mynah.db-wal", "mynah.db-shm", "mynah.db-journal", "lock", "backups/../mynah.db-journal":
        error = ask("backup", machine.data + "/" + name)
        assert error["code"] == "conflict" and "cannot make" in error["text"], (name, error)
    assert not os.path.exists(machine.data + "/mynah.db-journal")


def two_at_once_while_people_write():
    """Each holds what there was at one moment: of values that are written one after the other, the last ones up to some; and what is
    restored is the same. When nobody writes any more, a backup is what the server has."""
    written, last = [0], folder + "/last.db"

    def write():
        c = person(machine.server, "busy", "w")
        while not end.is_set():
            store(c, written[0] % KEYS, 3000, written[0] + 1)
            written[0] += 1
            c.send("<message to='away@localhost'><body>%d</body></message>" % written[0])
        c.ping()
        c.socket.close()

    def numbers(path):
        found = (re.search(rb"<k [^>]*>(\d+)x", bytes(value)) for value, in rows(path, "SELECT value FROM kv"))
        return sorted(int(m.group(1)) for m in found if m)[-KEYS:]

    def same():
        """The writer may have the index of the logs to bring up still."""
        os.path.exists(last) and os.remove(last)
        assert "file" in ask("backup", last)
        return dump(last) == dump(machine.data + "/mynah.db")

    end = threading.Event()
    writer = threading.Thread(target=write)
    writer.start()
    try:
        wait_for(lambda: written[0] > KEYS, lambda: written[0])
        both = [begin("backup", folder + "/" + name) for name in ("three.db", "four.db", "five.db", "five.db")]
        got = [json.loads(p.communicate(timeout=2 * DEADLINE)[0]) for p in both]
        assert sorted("ok" if "ok" in g else g["error"]["code"] for g in got) == ["conflict", "ok", "ok", "ok"], got
        for name in "three", "four", "five":
            whole("%s/%s.db" % (folder, name))
            there = numbers("%s/%s.db" % (folder, name))
            assert KEYS < there[-1] <= written[0] + 1 and there == list(range(there[-1] - KEYS + 1, there[-1] + 1)), (written, there)
    finally:
        end.set()
        writer.join(DEADLINE)
    wait_for(same, "a backup is not what the server has")
    assert numbers(last)[-1] == written[0]
    whole(last)


def restored_is_only_what_is_whole():
    with open(folder + "/one.db", "rb") as f:
        good = f.read()
    to, bad = machine.folder + "/new", folder + "/bad.db"
    middle = len(good) // 8192 * 4096
    # A page that holds nothing but the last piece of a long value: SQLite does not miss it.
    content = [at for at in range(0, len(good), 4096) if good[at:at + 4] == bytes(4) and good[at + 4:at + 300] == b"x" * 296][0]
    for content in (good[:-1], good[:-4096], good[:middle], good[:1000], b"", good[:content] + bytes(4096) + good[content + 4096:],
                    good[:content] + good[content:].replace(b"x" * 3, b"xyx", 1)):
        with open(bad, "wb") as f:
            f.write(content)
        error = ask("restore", bad, "--data", to)
        assert re.search("is no backup of mynahd: [^\n*?]+$", error["text"]) and not os.path.exists(to), error
    os.mkdir(to)
    for left in "mynah.db.part", "mynah.db.part-journal":  # of one that was killed
        with open(to + "/" + left, "w") as f:
            f.write("left")
    assert ask("restore", folder + "/one.db", "--data", to)["data"] == to
    assert os.listdir(to) == ["mynah.db"]
    assert "not empty" in ask("restore", folder + "/one.db", "--data", to)["text"]


subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
machine = Disk(MYNAHD, DISK, CONFIG)
folder = machine.data + "/backups"
try:
    machine.start()
    os.mkdir(folder)
    for name in "busy", "away":
        assert "result" in Client(machine.server).register(name)[1]
    busy = person(machine.server, "busy")
    for i in range(60):
        store(busy, i, 9000)
    bad = tap([who_is_killed_leaves_no_half, where_there_is_no_room_or_right, not_over_its_own_files, two_at_once_while_people_write,
               restored_is_only_what_is_whole, ("end", lambda: machine.server.end())], lambda: machine.server.log)
finally:
    machine.end()
sys.exit(bad != 0)
