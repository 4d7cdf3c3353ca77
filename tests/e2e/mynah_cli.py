#!/usr/bin/python3
"""`mynah COMMAND` as scripts use it: what it prints, how it ends, where it has its account and password from. Prints TAP.
usage: mynah_cli.py MYNAH MYNAHD"""
import hashlib, json, os, pty, queue, re, select, shutil, sqlite3, subprocess, sys, tempfile, threading

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path += [TESTS, TESTS + "/interop"]
from mynah import DEADLINE, Server, free_ports, put, tap, told, wait_for
from peers import proxies

MYNAH, MYNAHD = sys.argv[1:]
FOLDER = tempfile.mkdtemp(prefix="mynah-cli-")
HOME = {**os.environ, "LC_ALL": "C.UTF-8", "LANGUAGE": "", "HOME": FOLDER, "XDG_CONFIG_HOME": FOLDER + "/config"}


def write(name, text, mode=0o600):
    return put(FOLDER, name, text, mode)


server = Server(MYNAHD, write("mynahd.yaml", """
data: %s/data
listen: [{address: 127.0.0.1, port: 0, tls: required}]
registration: {open: loopback, per_address: off}
domains: [{name: mynah.test}]
""" % FOLDER), "mynah.test")
PLACE = ["--host", "127.0.0.1", "--port", str(server.ports[0]), "--ca-file", FOLDER + "/data/certs/ca.crt"]


def call(*words, account=None, password="pw", stdin="", code=0, place=PLACE, where="@mynah.test"):
    command = [MYNAH, *place, *(["--account", account + where, "--password-stdin"] if account else []), *words]
    p = subprocess.run(command, input=(password + "\n" if account else "") + stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                       env=HOME, timeout=2 * DEADLINE)
    assert p.returncode == code, (command, p.returncode, p.stdout, p.stderr)
    return p.stdout if code == 0 else p.stdout + p.stderr


def raw(account, stanza):
    return told([MYNAH, *PLACE, "--account", account, "--password-stdin", "raw"], "pw\n" + stanza, HOME)


class Listener:
    def __init__(self, account, *words):
        self.process = subprocess.Popen([MYNAH, *PLACE, "--account", account, "--password-stdin", "--json", *words], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True, env=HOME)
        self.process.stdin.write("pw\n")
        self.process.stdin.flush()
        self.lines = queue.Queue()
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for line in self.process.stdout:
            self.lines.put(json.loads(line))

    def next(self):
        return self.lines.get(timeout=DEADLINE)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        assert self.process.wait(DEADLINE) == 0


def accounts_are_made_and_logged_into():
    assert call("register", account="ann") == ""
    call("register", account="bob")
    call("register", account="carl")
    assert "conflict" in call("register", account="ann", code=2)
    jid, mechanism, tls = call("login", account="ann").strip().split("\t")
    assert jid.startswith("ann@mynah.test/") and mechanism.endswith("-PLUS") and tls.startswith("TLSv1.3")
    assert json.loads(call("--json", "login", account="ann"))["mechanism"] == mechanism
    assert "not-authorized" in call("login", account="ann", password="wrong", code=2)
    long = 1023 * "x"  # nothing is cut
    call("register", account="long", password=long)
    assert "not-authorized" in call("login", account="long", password=long + "y", code=2)
    assert "the password is too long" in call("login", account="long", password=4095 * "x", code=64)


def another_password_ends_what_listens():
    """And it says why; whoever changes it hears that it is done."""
    call("register", account="dora")
    listener = subprocess.Popen([MYNAH, *PLACE, "--account", "dora@mynah.test", "--password-stdin", "listen"], stdin=subprocess.PIPE,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=HOME)
    listener.stdin.write("pw\n")
    listener.stdin.flush()
    since = len(server.log)
    wait_for(lambda: any("jid=dora@mynah.test/" in line for line in server.log[since:]), "the session")
    assert call("passwd", account="dora", stdin="another\n") == ""
    error = listener.communicate(timeout=2 * DEADLINE)[1]
    assert listener.returncode == 1 and "the password was changed" in error, (listener.returncode, error)
    call("login", account="dora", password="another")


def messages_are_sent_and_heard():
    with Listener("bob@mynah.test/l", "listen") as bob:
        assert bob.next() == {"jid": "bob@mynah.test/l"}  # from then on nothing is missed
        call("send", "bob@mynah.test", "one", "two 北京", account="ann")
        heard = bob.next()
        assert heard["body"] == "one two 北京" and heard["from"].startswith("ann@mynah.test/") and heard["type"] == "chat", heard
        arrives = ["--json", "--timeout", "2", "--wait", "delivered", "send", "bob@mynah.test"]
        assert "no answer in time" in call(*arrives, "nobody learns by it that bob is there", account="ann", code=3) and bob.next()
        call("roster", "ask", "bob@mynah.test", account="ann")
        call("roster", "allow", "ann@mynah.test", account="bob")
        said = json.loads(call("--json", "--wait", "delivered", "send", "bob@mynah.test", account="ann", stdin="by\nlines\n"))
        assert said["state"] == "delivered" and bob.next()["body"] == "by\nlines\n"
        for words, stdin in ([], ""), ([], " \n\n"), ([""], ""):
            assert "nothing to send" in call("send", "bob@mynah.test", *words, account="ann", stdin=stdin, code=64)
        call("send", "bob@mynah.test", "after that", account="ann")
        assert bob.next()["body"] == "after that"
        call("roster", "remove", "bob@mynah.test", account="ann")
    assert "no answer in time" in call("--wait", "displayed", "--timeout", "1", "send", "bob@mynah.test", "x", account="ann", code=3)
    assert "service-unavailable" in call("--wait", "delivered", "send", "nobody@mynah.test", "x", account="ann", code=2)


def nothing_from_outside_reaches_the_terminal_as_a_command():
    with subprocess.Popen([MYNAH, *PLACE, "--account", "bob@mynah.test/raw", "--password-stdin", "listen"], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, env=HOME) as p:
        p.stdin.write(b"pw\n")
        p.stdin.flush()
        call("send", "bob@mynah.test", "a\u009bb\u202ec\u2066d\x7fe", account="ann")
        while True:
            line = p.stdout.readline().decode()
            assert line
            if "a\ufffdb" in line:
                break
        assert line.endswith("a\ufffdb\ufffdc\ufffdd\ufffde\n"), line
        p.terminate()


def the_roster_is_kept():
    call("roster", "add", "bob@mynah.test", "Bob", "Friends", "朋友", account="ann")
    row = json.loads(call("--json", "roster", account="ann"))
    assert row == {"jid": "bob@mynah.test", "name": "Bob", "subscription": "none", "groups": "Friends, 朋友"} or \
        row["groups"] == "朋友, Friends", row
    call("roster", "ask", "bob@mynah.test", account="ann")
    call("roster", "allow", "ann@mynah.test", account="bob")
    assert json.loads(call("--json", "roster", account="ann"))["subscription"] == "to"
    call("roster", "remove", "bob@mynah.test", account="ann")
    assert call("roster", account="ann") == ""


def questions_are_answered():
    assert "urn:xmpp:ping\n" in call("disco", account="ann")
    call("ping", account="ann")
    assert "service-unavailable" in call("ping", "nobody@mynah.test/x", account="ann", code=2)
    with raw("ann@mynah.test", "<iq type='get' id='q1'><ping xmlns='urn:xmpp:ping'/></iq>") as said:
        assert any("type='result' id='q1'" in line for line in said)


def vcards_are_told_and_changed():
    """Field by field, the others stay; a photo there and back; from a file as it was printed."""
    photo = FOLDER + "/photo.png"
    with open(photo, "wb") as f:
        f.write(b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 8)
    call("vcard", "set", "full_name=Ann Ä", "org=八哥", "email=ann@mynah.test a@b.test", "photo=" + photo, account="ann")
    call("vcard", "set", "nickname=Annie", "org=", account="ann")
    card = json.loads(call("--json", "vcard", "ann@mynah.test", account="bob"))
    assert card.pop("photo_hash") and card == {"full_name": "Ann Ä", "nickname": "Annie", "email": "ann@mynah.test a@b.test",
                                               "photo_type": "image/png", "photo_bytes": "2056"}, card
    assert "nickname\tAnnie\n" in call("vcard", account="ann")
    call("vcard", "photo", FOLDER + "/back.png", "ann@mynah.test", account="bob")
    with open(photo, "rb") as one, open(FOLDER + "/back.png", "rb") as other:
        assert one.read() == other.read()
    assert "File exists" in call("vcard", "photo", FOLDER + "/back.png", "ann@mynah.test", account="bob", code=1)
    call("vcard", "set", "json=" + write("card.json", json.dumps(card)), account="bob")
    assert json.loads(call("--json", "vcard", account="bob"))["email"] == card["email"]
    for wrong in "ful_name=x", "photo=/nowhere", "json=" + photo, "name":
        assert wrong.split("/")[0] in call("vcard", "set", wrong, account="ann", code=64)
    assert "there are full_name, family," in call("vcard", "set", "fn=x", account="ann", code=64)
    assert "usage: mynah vcard [JID | set FIELD=VALUE" in call("vcard", "set", account="ann", code=64)


def history_is_listed_searched_and_exported():
    """As the terminal client keeps it; here it was made by hand."""
    HOME["XDG_DATA_HOME"] = FOLDER + "/kept"
    assert call("history", place=[]) == ""
    said = [("bob@mynah.test", "see you in 北京大学 tomorrow"), ("carl@mynah.test", "Tomorrow never dies"), ("bob@mynah.test", "二\nlines")]
    with sqlite3.connect(HOME["XDG_DATA_HOME"] + "/mynah/history.db") as db:
        for i, (peer, body) in enumerate(said):
            db.execute("INSERT INTO said (account, peer, who, id, body, at, ours, sent) VALUES ('ann@mynah.test', ?, ?, ?, ?, ?, ?, 3)",
                       (peer, peer if i else "ann@mynah.test", "i%d" % i, body, 1700000000000 + i, not i))
            db.execute("INSERT INTO words (rowid, tokens) VALUES (last_insert_rowid(), ?)", (" 北京 京大 大学 学 tomorrow" if not i else body,))
    rows = [json.loads(line) for line in call("--json", "history", "export", place=[]).splitlines()]
    assert [(r["chat"], r["body"]) for r in rows] == said and rows[0]["state"] == "delivered" and "state" not in rows[1], rows
    assert rows[0]["time"] == "2023-11-14T22:13:20Z" and rows[0]["account"] == "ann@mynah.test"
    assert [r.split("\t")[1:] for r in call("history", "all", "tomorrow", place=[]).splitlines()] == [
        ["bob@mynah.test", "me", said[0][1]], ["carl@mynah.test", "carl@mynah.test", said[1][1]]]
    assert "大学" in call("history", "bob@mynah.test", "京大", place=[]) and call("history", "carl@mynah.test", "京大", place=[]) == ""
    assert call("--limit", "1", "history", "bob@mynah.test/x", place=[]).endswith("二\\nlines\n")
    assert call("history", "export", "carl@mynah.test", place=[]).count("\n") == 1
    assert call("--account", "bob@mynah.test", "history", place=[]) == ""
    del HOME["XDG_DATA_HOME"]


def what_is_said_and_heard_is_kept_where_there_is_a_history():
    HOME["XDG_DATA_HOME"] = FOLDER + "/scripts"
    call("send", "carl@mynah.test", "by a script", account="ann")
    assert not os.path.exists(FOLDER + "/scripts")
    call("history", place=[])
    with Listener("bob@mynah.test/l", "listen") as bob:
        bob.next()
        call("send", "bob@mynah.test", "to be kept 北京", account="ann")
        assert bob.next()["body"] == "to be kept 北京"
        rows = [json.loads(line) for line in call("--json", "history", "all", "北京", place=[]).splitlines()]
    mine, his = sorted(rows, key=lambda r: r["account"])
    assert (mine["account"], mine["chat"], mine["who"], mine["state"]) == ("ann@mynah.test", "bob@mynah.test", "ann@mynah.test", "acked"), rows
    assert (his["account"], his["chat"]) == ("bob@mynah.test", "ann@mynah.test") and his["who"].startswith("ann@mynah.test/"), rows
    assert mine["id"] == his["id"] and "state" not in his, rows
    with open(FOLDER + "/scripts/mynah/history.db", "w") as f:
        f.write("this is no database, by any means, at all, whatever one may say of it: it is text")
    p = subprocess.run([MYNAH, *PLACE, "--account", "ann@mynah.test", "--password-stdin", "send", "carl@mynah.test", "all the same"], input="pw\n",
                       capture_output=True, text=True, env=HOME, timeout=2 * DEADLINE)
    assert p.returncode == 0 and "history.db" in p.stderr, p
    del HOME["XDG_DATA_HOME"]


def files_are_sent_and_taken():
    """To whom is there and takes them; what is there already stays; what broke off goes on; who is unknown is declined."""
    folder, numbers = FOLDER + "/taken", bytes((i * i >> 8) & 255 for i in range(300000))
    os.mkdir(folder)
    with open(FOLDER + "/numbers.bin", "wb") as f:
        f.write(numbers)
    part = "%s/.numbers.bin.%s.part" % (folder, hashlib.md5(numbers).hexdigest()[:12])

    def taken(name):
        with open(folder + "/" + name, "rb") as f:
            assert f.read() == numbers
        return {"from": ann, "file": folder + "/" + name, "bytes": "300000"}

    for pair in ("ann", "bob"), ("bob", "ann"):
        call("roster", "ask", pair[1] + "@mynah.test", account=pair[0])
        call("roster", "allow", pair[0] + "@mynah.test", account=pair[1])
    with Listener("bob@mynah.test/taker", "file", "receive", folder) as bob:
        assert bob.next() == {"jid": "bob@mynah.test/taker"}
        send = ["file", "send", "bob@mynah.test", FOLDER + "/numbers.bin"]
        ann = "ann@mynah.test/a"
        assert call(*send, account=ann, where="").startswith("bob@mynah.test/taker\tnumbers.bin\t300000")
        assert bob.next() == taken("numbers.bin")
        call(*send, account=ann, where="")
        assert bob.next() == taken("numbers (2).bin")
        with open(part, "wb") as f:
            f.write(numbers[:100000])
        call(*send, account=ann, where="")
        assert bob.next() == {**taken("numbers (3).bin"), "resumed_at": "100000"} and not os.path.exists(part)
        with open(part, "wb") as f:
            f.write(b"x" * 100000)
        call(*send, account=ann, where="")
        assert "form" in bob.next()["error"] and not os.path.exists(part)  # those were other bytes: from the beginning next time
        call(*send, account=ann, where="")
        assert bob.next() == taken("numbers (4).bin")
        offer = ("<iq type='set' id='f' to='bob@mynah.test/taker'><si xmlns='http://jabber.org/protocol/si' id='s' "
                 "profile='http://jabber.org/protocol/si/profile/file-transfer'><file xmlns='http://jabber.org/protocol/si/profile/file-transfer' "
                 "name='../../.ssh/k\u202eeys' size='1000000000000000000'/><feature xmlns='http://jabber.org/protocol/feature-neg'>"
                 "<x xmlns='jabber:x:data' type='form'><field var='stream-method' type='list-single'><option><value>"
                 "http://jabber.org/protocol/ibb</value></option></field></x></feature></si></iq>")
        with raw(ann, offer):
            huge = bob.next()
        assert huge["file"] == "k\ufffdeys" and "no room" in huge["error"], huge
        assert sorted(os.listdir(folder)) == ["numbers (2).bin", "numbers (3).bin", "numbers (4).bin", "numbers.bin"]
    with Listener("bob@mynah.test/picky", "file", "receive", folder, "carl@mynah.test") as bob:
        bob.next()
        assert "forbidden" in call(*send, account="ann", code=2)
        assert "nobody" in bob.next()["error"]
    for peer in "bob@mynah.test/x", "carl@mynah.test", "nobody@nowhere.test":  # seen before anybody is looked for
        assert "No such file" in call("file", "send", peer, FOLDER + "/none", account="ann", code=1)
    assert "is no file" in call("file", "send", "carl@mynah.test", FOLDER, account="ann", code=1)
    assert "/resource" in call("file", "send", "carl@mynah.test", FOLDER + "/numbers.bin", account="ann", code=1)
    call("roster", "remove", "bob@mynah.test", account="ann")
    call("roster", "remove", "ann@mynah.test", account="bob")


def passwords_come_from_where_the_configuration_says():
    conf = "accounts:\n  - {jid: ann@mynah.test, host: 127.0.0.1, port: %d, ca_file: %s/data/certs/ca.crt, %%s}\n" % (server.ports[0], FOLDER)
    write("config/mynah/config.yaml", conf % "password_command: echo pw")
    call("login", place=[])
    write("config/mynah/config.yaml", conf % "password_command: exit 3")
    assert "password_command failed: exit 3" in call("login", place=[], code=1)
    write("config/mynah/config.yaml", conf % "password_command: true")
    assert "gave no password" in call("login", place=[], code=1)
    keeper, secret = write("keeper", "pw\nof: ann\n\n"), FOLDER + "/secret"
    os.symlink("keeper", secret)
    write("config/mynah/config.yaml", conf % ("password_file: " + secret))
    call("login", place=[])
    for new in "other", "pw":  # what keeps it gets the new one; what stands there beside it stays
        call("passwd", place=[], stdin=new + "\n")
        with open(keeper) as f:
            assert f.read() == new + "\nof: ann\n\n"
        assert os.readlink(secret) == "keeper" and os.stat(keeper).st_mode & 0o777 == 0o600
    os.chmod(secret, 0o644)
    assert "chmod 600" in call("login", place=[], code=1)
    write("config/mynah/config.yaml", "accounts:\n  - {jid: a@b, pasword: x}\n")
    assert "config.yaml:2" in call("login", place=[], code=1)
    os.remove(FOLDER + "/config/mynah/config.yaml")
    assert "no account" in call("login", place=[], code=1)


def keyring(command, typed=None):
    """How a shell command with $MYNAH ends and what it says, in a session of its own with an unlocked keyring; `typed` when it asks on its terminal."""
    run = "printf x | gnome-keyring-daemon --unlock --components=secrets >%s/keyring.log 2>&1; %s" % (FOLDER, command)
    ours, terminal = pty.openpty()
    with subprocess.Popen(["dbus-run-session", "--", "sh", "-c", run], stdin=terminal, stdout=terminal, stderr=terminal,
                          env={**HOME, "XDG_RUNTIME_DIR": FOLDER, "XDG_DATA_HOME": FOLDER + "/data-home", "MYNAH": MYNAH}) as p:
        os.close(terminal)
        said = b""
        while select.select([ours], [], [], 2 * DEADLINE)[0]:
            try:
                said += os.read(ours, 4096)
            except OSError:  # nobody has it open any more
                break
            if typed and b"Password: " in said:
                os.write(ours, typed)
                typed = None
        os.close(ours)
        return p.wait(DEADLINE), said.decode()


def passwords_live_in_the_keyring():
    """A real one, and what is said where there is none."""
    conf = "accounts:\n  - {jid: %%s, password: secret, host: 127.0.0.1, port: %d, ca_file: %s/data/certs/ca.crt}\n" % (server.ports[0], FOLDER)
    write("config/mynah/config.yaml", conf % "ann@mynah.test")
    code, said = keyring('"$MYNAH" login </dev/null')
    assert code == 1 and "has no password for ann@mynah.test" in said, said
    code, said = keyring('"$MYNAH" login && secret-tool lookup service mynah account ann@mynah.test', b"pw\n")
    assert code == 0 and "ann@mynah.test/" in said and said.split()[-1] == "pw", said  # asked for once, kept
    code, said = keyring('"$MYNAH" login </dev/null')
    assert code == 0 and "ann@mynah.test/" in said, said
    code, said = keyring('echo other | "$MYNAH" passwd && "$MYNAH" login </dev/null && echo pw | "$MYNAH" passwd && "$MYNAH" login </dev/null')
    assert code == 0 and said.count("ann@mynah.test/") == 2, said
    write("config/mynah/config.yaml", conf % "Ann@MYNAH.test")
    code, said = keyring('"$MYNAH" login </dev/null')
    assert code == 0 and "ann@mynah.test/" in said, said
    code, said = keyring("""secret-tool clear service mynah account ann@mynah.test
        printf pw | secret-tool store --label=x service mynah account Ann@MYNAH.test
        "$MYNAH" login </dev/null && echo other | "$MYNAH" passwd && secret-tool lookup service mynah account ann@mynah.test && echo pw | "$MYNAH" passwd""")
    assert code == 0 and "ann@mynah.test/" in said and said.split()[-1] == "other", said  # kept before it had one key
    path, HOME["PATH"] = HOME["PATH"], FOLDER
    try:
        assert "libsecret-tools" in call("login", place=[], code=1)
    finally:
        HOME["PATH"] = path
    write("config/mynah/config.yaml", "accounts:\n  - {jid: a@b, password: hunter2}\n")
    assert "config.yaml:2" in call("login", place=[], code=1)
    os.remove(FOLDER + "/config/mynah/config.yaml")


def ways_out_and_in_are_the_configurations():
    conf = "accounts:\n  - {jid: ann@mynah.test, password_command: echo pw, host: 127.0.0.1, port: %d, ca_file: %s/data/certs/ca.crt, %%s}\n" % (
        server.ports[0], FOLDER)
    with proxies() as ports:
        for way in "socks5://127.0.0.1:{open}", "socks5://us%40er:p%3Aw@127.0.0.1:{socks} http://user:pw@127.0.0.1:{http}":
            write("config/mynah/config.yaml", conf % ("proxies: '%s'" % way.format(**ports)))
            call("login", place=[])
    write("config/mynah/config.yaml", conf % ("proxies: 'socks5://127.0.0.1:%d'" % free_ports(1)[0]))
    call("login", place=[], code=1)
    write("config/mynah/config.yaml", conf % "proxies: 'gopher://x'")
    assert "socks5://host:port" in call("login", place=[], code=64)
    write("config/mynah/config.yaml", conf % "bosh: 'ftp://x'")
    assert "https://host/path" in call("login", place=[], code=64)
    write("config/mynah/config.yaml", conf % "mechanisms: SCRAM-SHA-1")
    call("login", place=[])
    write("config/mynah/config.yaml", conf % "mechanisms: PLAIN DIGEST-MD5")
    call("login", place=[], code=1)
    os.remove(FOLDER + "/config/mynah/config.yaml")


def wrong_usage_is_told():
    """And what is to be done instead."""
    for words, told in (
            ([], "no command"), (["jump"], "there is no command jump; there are adhoc, disco, .*, vcard\n"), (["send"], "usage: mynah send TO"),
            (["ping", "a", "b"], "too many arguments; usage: mynah ping \\[JID\\]"), (["presence", "happy"], "online, chat, away, xa or dnd"),
            (["register", "ann@mynah.test"], "mynah --account ann@mynah.test register\n"), (["login", "now"], "usage: mynah login"),
            (["--password", "geheim", "ping"], "could read a password here: (?!.*geheim)"), (["--wait", "x", "send", "a", "b"], "--wait takes"), (["roster", "eat", "a@b"], "usage: mynah roster"), (["roster", "ask"], "usage: mynah roster"),
            (["--timeout", "soon", "ping"], "--timeout takes a number"), (["--limit", "-1", "history"], "--limit takes a number"),
            (["--port", "65536", "ping"], "--port takes a number"), (["--tiemout", "1", "ping"], "there is no option --tiemout\n"),
            (["-x", "ping"], "there is no option -x\n"), (["ping", "a@@b"], "a@@b is no address; usage"), (["send", "a b@c", "x"], "a b@c is no address"),
            (["disco", "@"], "@ is no address"), (["adhoc", "@"], "@ is no address"), (["vcard", "@"], "@ is no address"), (["roster", "add", "@"], "is no address"),
            (["file", "send", "@", "/dev/null"], "is no address"), (["file", "send", "a@b"], "usage: mynah file"), (["room", "@", "n"], "@ is no address"), (["room", "r.x", ""], "no address of a room"),
            (["history", "@"], "@ is no address")):
        said = call(*words, account="ann", code=64)
        assert re.search(told, said), (words, said)
    assert "--account needs a value" in call("--account", code=64, place=[])
    assert "no account: name one by --account" in call("login", code=1, place=[])
    for words in ["--help"], ["--version"]:
        assert "mynah" in call(*words)


try:
    failed = tap([accounts_are_made_and_logged_into, another_password_ends_what_listens, messages_are_sent_and_heard, nothing_from_outside_reaches_the_terminal_as_a_command,
                  the_roster_is_kept, questions_are_answered, vcards_are_told_and_changed, history_is_listed_searched_and_exported,
                  what_is_said_and_heard_is_kept_where_there_is_a_history,
                  files_are_sent_and_taken, passwords_come_from_where_the_configuration_says,
                  passwords_live_in_the_keyring,
                  ways_out_and_in_are_the_configurations, wrong_usage_is_told],
                 lambda: server.log)
    server.end()
finally:
    server.process.kill()
    shutil.rmtree(FOLDER)
sys.exit(failed != 0)
