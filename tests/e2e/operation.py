#!/usr/bin/python3
"""Operation of a running mynahd on two loops by mynahctl: what it can, what it logs. Prints TAP.
usage: operation.py MYNAHD MYNAHCTL DOCS STORECHECK"""
import json, os, re, shutil, signal, socket, ssl, subprocess, sys, tempfile, time

sys.path.append(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from beside import MARK, Beside
from mynah import Client, DEADLINE, Server, SM, enable, person, tap, wait_for

MYNAHD, MYNAHCTL, DOCS, STORECHECK = map(os.path.abspath, sys.argv[1:])
FOLDER = tempfile.mkdtemp(prefix="mynah-operation-")
PATH, SOCKET = FOLDER + "/mynahd.yaml", FOLDER + "/data/control.sock"
CONFIG = """data: %s/data
loops: 2
domains: [{name: localhost}]
listen:
  - {address: "127.0.0.1", port: 0, tls: offered}
auth: {mechanisms: [SCRAM-SHA-256, PLAIN], without_tls: [PLAIN], iterations: 4096, iq_auth: on}
""" % FOLDER
EXTRA = """modules:
  version: off
"""


def configure(text):
    with open(PATH, "w") as f:
        f.write(text)


configure(CONFIG + EXTRA)
server = Server(MYNAHD, PATH)


def restart():
    global server
    server.end()
    server = Server(MYNAHD, PATH)


def ctl(*words, stdin=""):
    return subprocess.run([MYNAHCTL, "--socket", SOCKET, *words], input=stdin, capture_output=True, text=True, timeout=2 * DEADLINE)


def ask(*words, **more):
    p = ctl("--json", *words, **more)
    answer = json.loads(p.stdout)
    assert (p.returncode == 0) == ("ok" in answer), (words, p)
    return answer.get("ok") or answer["error"]


def logged(pattern, since=0):
    return [line for line in server.log[since:] if re.search(pattern, line)]


def nested(path, value, into):
    for key in reversed(path.split(".")):
        value = {key: value}
    def merge(to, more):
        for key, v in more.items():
            if isinstance(v, dict) and isinstance(to.get(key), dict):
                merge(to[key], v)
            else:
                to[key] = v
    merge(into, value)
    return into


def other(takes, default):
    """A value that this key takes, and is not its default; and one that is out of its range."""
    scale = {"k": 1 << 10, "M": 1 << 20, "G": 1 << 30, "ms": 1, "s": 1000, "min": 60000, "h": 3600000, "d": 86400000}
    if takes.startswith("text"):
        return None, None
    m = re.search(r"(\d+)(\w*) to (\d+)(\w*)", takes)
    if takes.startswith("yes or no") or takes.startswith("on or off") or takes.startswith("off, or keys"):
        return default not in ("on", "yes", "true"), 7
    if takes.startswith("a list of texts"):
        return ["mailto:someone@example.org"], 7
    if takes.startswith("a rate"):
        return "7/min", "7"
    if takes.startswith("a list, each one of: "):
        return [takes.split(": ")[1].split(" | ")[-1]], ["no-such-thing"]
    if takes.startswith("one of: "):
        return [c for c in takes[8:].split(" | ") if c != default][0], "no-such-thing"
    if m:
        low, high = m[1] + m[2], m[3] + m[4]
        beyond = int(m[3]) * scale.get(m[4], 1) + 1
        if takes.startswith("a whole"):
            low, high = int(low), int(high)
        elif takes.startswith("a time"):
            beyond = "%dms" % beyond
        return low if str(low) not in (default, "0") else high, beyond
    return None, None


def every_key():
    """docs/configuration.md row by row: what a reload says of a change of it, and of a value that it does not take."""
    special = {"data": FOLDER + "/elsewhere", "run_as": "nobody", "control.socket": FOLDER + "/elsewhere.sock",
               "auth.without_tls": ["SCRAM-SHA-1"], "auth.client_ca": FOLDER + "/data/certs/ca.crt", "admins": ["someone@example.org"],
               "log.to": None}
    with open(DOCS + "/configuration.md") as f:
        rows = [[c.strip() for c in re.split(r"(?<!\\)\|", line)[1:-1]] for line in f if line.startswith("| ")][1:]
    assert len(rows) > 50
    base = {"data": FOLDER + "/data", "loops": 2, "domains": [{"name": "localhost"}],
            "listen": [{"address": "127.0.0.1", "port": 0, "tls": "offered"}], "auth": {"mechanisms": ["SCRAM-SHA-1", "PLAIN"]}}  # for iq_auth
    configure(json.dumps(base))
    ask("reload")
    before, walked = set(), 0
    for row in rows:
        key, takes, default, live = row[0], row[1].replace("\\|", "|"), row[2], row[3]
        if "[]" in key or live == "":
            continue
        value, wrong = other(takes, default)
        value = special.get(key, value)
        if value is None:
            assert key == "log.to", row
            continue
        config = nested(key, value, json.loads(json.dumps(base)))
        if key == "auth.mechanisms":
            config["auth"]["without_tls"] = []
        configure(json.dumps(config))
        got = ask("reload")
        changed, restart = set(got["changed"]), set(got["needs_restart"])
        now, waits = ({key}, set()) if live == "yes" else (set(), {key})
        assert live in ("yes", "no") and changed == before | now, (row, got)
        assert restart == waits, (row, got)
        before = now
        if wrong is not None:
            configure("\n" + json.dumps(nested(key, wrong, json.loads(json.dumps(base)))))
            error = ask("reload")
            assert error["code"] == "not-acceptable" and PATH + ":2: " in error["text"], (row, wrong, error)
        walked += 1
    assert walked > 40
    configure(CONFIG + EXTRA)
    ask("reload")
    assert set(ask("reload")["needs_restart"]) == set()


def shown():
    """What holds: live keys as reloaded, others as started."""
    def values():
        return {c["key"]: c["value"] for c in ask("config", "show")["config"]}
    was = values()
    assert was["limits.stanza"] == "256k" and was["loops"] == "2" and was["domains[0].name"] == "localhost", was
    assert was["modules.version"] == "off" and was["auth.without_tls"] == "[PLAIN]" and was["registration.per_address"] == "5/h", was
    configure(CONFIG.replace("loops: 2", "loops: 3") + EXTRA + "limits: {stanza: 100k, login_time: 90s}\n")
    got = ask("reload")
    assert got == {"changed": ["limits.stanza", "limits.login_time"], "needs_restart": ["loops"]}, got
    now = values()
    assert {k: v for k, v in now.items() if was[k] != v} == {"limits.stanza": "100k", "limits.login_time": "90s"}, now
    configure(CONFIG + EXTRA)
    server.process.send_signal(signal.SIGHUP)
    wait_for(lambda: values() == was, "SIGHUP")


def takes_effect():
    """New connections meet the new configuration; who is there stays."""
    here = [Client(server) for _ in range(3)]
    for i, c in enumerate(here):
        assert "<success" in c.plain("romeo", "other")
        assert "ver xmlns" in "".join(c.bind("here%d" % i))
    configure(CONFIG.replace("without_tls: [PLAIN]", "without_tls: []") + EXTRA +
              "registration: {open: loopback}\nroster: {versioning: off}\nlimits: {sessions_per_account: 3}\n")
    for i in range(4):  # each of the loops
        assert "PLAIN" in Client(server).features
    ask("reload")
    for i in range(4):
        new = Client(server)
        assert "PLAIN" not in new.features and "iq-register" in new.features, new.features
    configure(CONFIG + EXTRA + "registration: {open: loopback}\nroster: {versioning: off}\nlimits: {sessions_per_account: 3}\n")
    ask("reload")
    fourth = Client(server)
    assert "<success" in fourth.plain("romeo", "other")
    features, answer = fourth.bind("fourth")
    assert "resource-constraint" in answer and "ver xmlns" not in features, (features, answer)
    for c in here:
        c.ping()
    configure(CONFIG + EXTRA + "limits: {sessions_per_account: 3}\nlisten: {}\n")
    error = ask("reload")
    assert error["code"] == "not-acceptable" and re.search(r"mynahd\.yaml:\d+: ", error["text"]), error
    os.unlink(PATH)
    assert "cannot read" in ask("reload")["text"]
    configure(CONFIG + EXTRA)
    ask("reload")
    fourth.send("<iq type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>")
    assert "<jid>" in fourth.until("</iq>")


def stanzas_a_second():
    """What is above limits.stanza_rate is read when it is due, all of it and in order, over TCP and TLS; when there is no limit any more,
    who waited goes on. tests/unit/server/test_c2s.c sees it to the stanza."""
    here, count = [Client(server), Client(server)], 100
    here[1].starttls(FOLDER + "/data/certs/ca.crt")
    for i, c in enumerate(here):
        assert "<success" in c.plain("romeo", "other")
        c.bind("here%d" % i)
    for rate, least in (50, 0.5), (1, 0):
        configure(CONFIG + EXTRA + "limits: {stanza_rate: %d}\n" % rate)
        assert ask("reload")["changed"] == ["limits.stanza_rate"]
        began = time.monotonic()
        for c in here:
            c.send("".join("<iq type='get' id='p%d'><ping xmlns='urn:xmpp:ping'/></iq>" % i for i in range(count)))
        if rate == 1:  # all of it would take longer than anybody waits
            configure(CONFIG + EXTRA)
            ask("reload")
        for c in here:
            ids = re.findall("id='p(\\d+)'", c.until("id='p%d'" % (count - 1)))
            assert ids == [str(i) for i in range(count)], ids
        took = time.monotonic() - began
        assert took >= least, took


def hash_of():
    c = Client(server)
    assert "<success" in c.plain("romeo", "other")
    return re.search(r"caps'[^>]* ver='([^']+)'", c.open()).group(1)


def the_hash_follows_the_answer():
    """What disco#info says has another hash as soon as it says something else, and the old one with the old configuration."""
    before = hash_of()
    seen = {before}
    for mail in "one", "two":
        configure(CONFIG + EXTRA + "contact: {admin: ['mailto:%s@example.org']}\n" % mail)
        ask("reload")
        seen.add(hash_of())
    assert len(seen) == 3, seen
    configure(CONFIG + EXTRA)
    ask("reload")
    assert hash_of() == before


def certificate(name, days, to):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", str(days), "-subj",
                    "/CN=" + name, "-addext", "subjectAltName=DNS:localhost", "-keyout", to + ".key", "-out", to + ".crt"],
                   check=True, capture_output=True)


def certificates():
    """Renewed without a new start; who is connected stays; a broken one is not taken; one that ends soon is told."""
    own = FOLDER + "/own"
    configure(CONFIG.replace("{name: localhost}", "{name: localhost, certificate: %s.crt, key: %s.key}" % (own, own)) + EXTRA)
    certificate("first", 100, own)
    assert ask("reload")["changed"] == ["domains[0].certificate", "domains[0].key"]
    old = Client(server)
    old.starttls(own + ".crt")
    shutil.copy(own + ".crt", FOLDER + "/first.crt")
    since = len(server.log)
    certificate("second", 5, own)
    assert ask("reload") == {"changed": [], "needs_restart": []}
    wait_for(lambda: logged("certificate ends soon domain=localhost days=[45]", since), "the warning")
    for _ in range(4):
        Client(server).starttls(own + ".crt")
    assert "<success" in old.plain("romeo", "other")
    old.bind("tls")
    for kind in "crt", "key":
        shutil.copy("%s.%s" % (own, kind), "%s/second.%s" % (FOLDER, kind))
    for broken in "crt", "key":
        with open("%s.%s" % (own, broken), "w") as f:
            f.write("nothing")
        error = ask("reload")
        assert error["code"] == "not-acceptable" and "%s.%s" % (own, broken) in error["text"], error
        shutil.copy("%s/second.%s" % (FOLDER, broken), "%s.%s" % (own, broken))
    old.ping()
    Client(server).starttls(FOLDER + "/second.crt")
    configure(CONFIG + EXTRA)
    ask("reload")
    Client(server).starttls(FOLDER + "/data/certs/ca.crt")
    old.ping()


def ended(to):
    """As `certificate`, of yesterday."""
    with open(to + ".ext", "w") as f:
        f.write("subjectAltName=DNS:localhost\n")
    subprocess.run(["openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=ended", "-keyout",
                    to + ".key", "-out", to + ".csr"], check=True, capture_output=True)
    subprocess.run(["openssl", "x509", "-req", "-in", to + ".csr", "-signkey", to + ".key", "-days", "-1", "-extfile", to + ".ext", "-out",
                    to + ".crt"], check=True, capture_output=True)


def certificates_that_cannot_be():
    """Of another key, missing, a folder, a link to nowhere, empty, cut off: refused whole, and the old ones are shown on. One that has
    ended is shown, because that is what was asked for, and told."""
    own = FOLDER + "/strange"
    certificate("good", 100, own)
    certificate("other", 100, FOLDER + "/other")
    configure(CONFIG.replace("{name: localhost}", "{name: localhost, certificate: %s.crt, key: %s.key}" % (own, own)) + EXTRA)
    ask("reload")
    old = Client(server)
    old.starttls(own + ".crt")
    for kind in "crt", "key":
        shutil.copy("%s.%s" % (own, kind), "%s/good.%s" % (FOLDER, kind))
    with open(own + ".crt") as f:
        text = f.read()
    for kind in "crt", "key":
        path = "%s.%s" % (own, kind)
        for put in (lambda: shutil.copy("%s/other.%s" % (FOLDER, kind), path), lambda: None, lambda: os.mkdir(path),
                    lambda: os.symlink("/nowhere", path), lambda: open(path, "w").close(), lambda: open(path, "w").write(text[:200])):
            os.unlink(path)
            put()
            error = ask("reload")
            assert error["code"] == "not-acceptable" and path in error["text"], (kind, error)
            if os.path.isdir(path):
                os.rmdir(path)
            elif os.path.lexists(path):
                os.unlink(path)
            shutil.copy("%s/good.%s" % (FOLDER, kind), path)
            Client(server).starttls(FOLDER + "/good.crt")
    since = len(server.log)
    ended(own)
    assert ask("reload") == {"changed": [], "needs_restart": []}
    wait_for(lambda: logged("certificate has ended domain=localhost", since), "the warning")
    try:
        Client(server).starttls(own + ".crt")
        raise Exception("an old certificate is good for Python")
    except ssl.SSLCertVerificationError as e:
        assert "expired" in str(e), e
    old.plain("romeo", "other")
    old.bind("good")
    old.ping()
    configure(CONFIG + EXTRA)
    ask("reload")


def openssl(*words):
    subprocess.run(["openssl", *words], check=True, capture_output=True)


def certificates_to_be_looked_at():
    """Taken, and told: of another name, a chain that is none, a key that everybody may read. Refused, and how to mend it: a file that does
    not begin with its own certificate, a key with a passphrase. RSA is as good as what is made here."""
    own = FOLDER + "/looked"
    certificate("good", 100, own)
    certificate("other", 100, FOLDER + "/issuer")
    shutil.copy(own + ".crt", FOLDER + "/good.crt")
    configure(CONFIG.replace("{name: localhost}", "{name: localhost, certificate: %s.crt, key: %s.key}" % (own, own)) + EXTRA)

    def told(*patterns):
        since = len(server.log)
        assert ask("reload") in ({"changed": [], "needs_restart": []}, {"changed": ["domains[0].certificate", "domains[0].key"], "needs_restart": []})
        wait_for(lambda: all(logged(p, since) for p in patterns), lambda: (patterns, server.log[since:]))
        assert len(logged(" warn ", since)) == len(patterns), server.log[since:]

    told()
    os.chmod(own + ".key", 0o644)
    told("the key of a certificate is open to everybody.* file=" + own + ".key")
    os.chmod(own + ".key", 0o640)
    with open(own + ".crt", "a") as f, open(FOLDER + "/issuer.crt") as issuer:
        f.write(issuer.read())
    told("clients may refuse the certificate domain=localhost file=%s.crt why=.number 2 in the file is not the issuer" % own)
    with open(own + ".crt", "w") as f, open(FOLDER + "/issuer.crt") as issuer, open(FOLDER + "/good.crt") as good:
        f.write(issuer.read() + good.read())
    assert "whose first one must be its own" in ask("reload")["text"]
    Client(server).starttls(FOLDER + "/good.crt")
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "100", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:else.example",
            "-keyout", own + ".key", "-out", own + ".crt")
    told("clients may refuse the certificate .*it does not name the domain")
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "100", "-subj", "/CN=rsa", "-addext", "subjectAltName=DNS:localhost",
            "-keyout", own + ".key", "-out", own + ".crt")
    told()
    Client(server).starttls(own + ".crt")
    shutil.copy(own + ".crt", FOLDER + "/good.crt")
    openssl("pkey", "-in", own + ".key", "-aes256", "-passout", "pass:secret", "-out", own + ".locked")
    os.rename(own + ".locked", own + ".key")
    assert "it has a passphrase" in ask("reload")["text"]
    Client(server).starttls(FOLDER + "/good.crt")
    configure(CONFIG + EXTRA)
    ask("reload")


def many_reloads():
    """One after another, while people log in: nothing is lost, nothing is left."""
    asked = [subprocess.Popen([MYNAHCTL, "--socket", SOCKET, "reload"], stdout=subprocess.DEVNULL) for _ in range(8)]
    for _ in range(8):
        c = Client(server)
        assert "<success" in c.plain("romeo", "other")
        c.bind("many")
    assert all(p.wait(DEADLINE) == 0 for p in asked)


def modules():
    of = {m["name"]: m for m in ask("module", "list")["modules"]}
    assert not of["version"]["on"] and of["ping"]["on"] and of["tls"]["protocols"] == "RFC 6120, 5" and len(of) > 10, of
    assert of["iq_auth"]["on"] and not of["compress"]["on"] and of["notice"]["on"] and of["sasl"]["on"], of
    assert re.search(r"(?m)^version +no +XEP-0092$", ctl("module", "list").stdout)


def protocols():
    """The same as docs/protocols.md; on as the module is, and as the configuration has it."""
    got = ask("protocols")["protocols"]
    with open(DOCS + "/protocols.md") as f:
        kept = re.findall(r"(?m)^\| \[(.*?)\]\(.*?\) \| (.*?) ?\| (.*?) \| (.*?) ?\| (.*?) ?\|", f.read())
    assert [(p["name"], p["version"], p["title"], p["module"] or "", p["key"] or "") for p in got] == kept, (got, kept)
    off = ["RFC 2195", "RFC 2831", "RFC 4505", "RFC 5802", "XEP-0092", "XEP-0114", "XEP-0138", "XEP-0175", "XEP-0178", "XEP-0440"]
    assert [p["name"] for p in got if not p["on"]] == off, got
    configure(CONFIG.replace("iq_auth: on", "iq_auth: off").replace("auth: {mechanisms: [", "auth: {mechanisms: [SCRAM-SHA-1-PLUS, ") + EXTRA +
              "compression: after-login\ncomponents: [{name: other.localhost, secret: x}]\n")
    ask("reload")
    got = {p["name"]: p["on"] for p in ask("protocols")["protocols"]}
    changed = {"RFC 5802": True, "XEP-0440": True, "XEP-0138": True, "XEP-0078": False}  # components wait for the next start
    assert {n: on for n, on in got.items() if on != (n not in off)} == changed, got
    configure(CONFIG + EXTRA)
    ask("reload")


def log_level():
    """Below it nothing is written but what administrators do."""
    assert ask("log", "level", "error") == {"level": "error"}
    Client(server).plain("quiet")
    ask("status")
    assert ask("log", "level", "debug") == {"level": "debug"}
    Client(server).plain("loud")
    wait_for(lambda: logged(" login refused .*loud"), "the line of a login")
    assert not logged("quiet"), server.log
    for command in 'command="log level" arguments="level=error"', "command=status", 'command="log level" arguments="level=debug"':
        assert len(logged(command)) == 1, server.log
    assert ask("log", "level", "info") == {"level": "info"}
    assert ask("log", "level", "loud")["code"] == "not-acceptable"


def another_password():
    """Sessions end, those that wait over a restart too; also where the new one is the old one. A crash brings none of them back."""
    global server
    assert "jid" in ask("user", "add", "tybalt@localhost", "--password-stdin", stdin="testpwd\n")
    waits, gone = person(server, "tybalt", "waits"), person(server, "tybalt", "gone")
    ids = []
    for c in waits, gone:
        c.send("<presence/>")
        c.has_all()
        ids.append(enable(c))
    restart()
    assert ask("user", "show", "tybalt@localhost")["sessions"] == 2
    there = person(server, "tybalt", "there")
    there.send("<message type='chat' to='tybalt@localhost/waits'><body>for waits</body></message>")
    there.ping()
    assert ask("user", "passwd", "tybalt@localhost", "--password-stdin", stdin="testpwd\n") == {"jid": "tybalt@localhost"}
    assert "<reset xmlns" in there.ends()
    server.stop(signal.SIGKILL)
    server = Server(MYNAHD, PATH)
    assert ask("user", "show", "tybalt@localhost")["sessions"] == 0
    for one in ids:
        c = Client(server)
        assert "<success" in c.plain("tybalt")
        c.open()
        c.send("<resume xmlns='%s' previd='%s' h='0'/>" % (SM, one))
        c.until("<failed")
    c = person(server, "tybalt", "new")
    c.send("<presence/>")
    assert "for waits" in c.until("</message>")
    assert "jid" in ask("user", "remove", "tybalt@localhost")


def disabled():
    """Nobody gets in, whoever is there goes, messages wait; a wrong password learns nothing."""
    for name in "romeo", "juliet":
        assert "jid" in ask("user", "add", name + "@localhost", "--password-stdin", stdin="testpwd\n")
    show = ask("user", "show", "romeo@localhost")
    assert show["disabled"] is None and re.match(r"20\d\d-.*Z$", show["created"]) and show["sessions"] == 0, show
    assert show["contacts"] == 0 and "SCRAM-SHA-256" in show["mechanisms"], show
    romeo, juliet, known = Client(server), Client(server), Client(server)
    for c, name in (romeo, "romeo"), (juliet, "juliet"):
        assert "<success" in c.plain(name)
        c.bind("r")
        c.send("<presence/>")
        c.ping()
    assert "<success" in known.plain("romeo")
    assert ask("user", "show", "romeo@localhost")["sessions"] == 1
    assert ask("user", "disable", "romeo@localhost/r")["code"] == "jid-malformed"
    assert ask("user", "disable", "nobody@localhost")["code"] == "item-not-found"
    assert ask("user", "show", "nobody@localhost")["code"] == "item-not-found"
    assert ask("user", "disable", "romeo@localhost") == {"jid": "romeo@localhost"}
    assert "<not-authorized" in romeo.ends()
    known.open()
    known.send("<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>")
    assert "<not-allowed" in known.until("</iq>")
    juliet.send("<message type='chat' to='romeo@localhost'><body>later</body></message>")
    juliet.ping()
    for again in False, True:
        if again:
            restart()
            assert re.match(r"20\d\d-", ask("user", "show", "romeo@localhost")["disabled"])
        assert "account-disabled" in Client(server).plain("romeo")
        old = Client(server)
        old.send("<iq type='set' id='a'><query xmlns='jabber:iq:auth'><username>romeo</username><password>testpwd</password>"
                 "<resource>x</resource></query></iq>")
        assert "<not-authorized" in old.until("</iq>")
        wrong = Client(server).plain("romeo", "wrong")
        assert "not-authorized" in wrong and "disabled" not in wrong, wrong
        assert ask("user", "disable", "romeo@localhost") == {"jid": "romeo@localhost"}
    assert ask("user", "passwd", "romeo@localhost", "--password-stdin", stdin="other\n") == {"jid": "romeo@localhost"}
    assert "account-disabled" in Client(server).plain("romeo", "other")
    assert ask("user", "enable", "romeo@localhost") == {"jid": "romeo@localhost"}
    romeo = Client(server)
    assert "<success" in romeo.plain("romeo", "other")
    romeo.bind("r")
    romeo.send("<presence/>")
    assert "later" in romeo.until("</message>")
    assert ask("user", "show", "romeo@localhost")["disabled"] is None


def disabled_and_removed():
    """One that is made anew under the name of a disabled one is not."""
    for command in "disable", "remove":
        ask("user", command, "juliet@localhost")
    assert ask("user", "add", "juliet@localhost", "--password-stdin", stdin="new\n") == {"jid": "juliet@localhost"}
    assert "<success" in Client(server).plain("juliet", "new")


def waits_for_nobody(of):
    """The stanza-ids of ten messages to somebody who is away."""
    c = Client(of)
    assert "<success" in c.plain("benvolio")
    c.bind("r")
    c.send("<message type='chat' to='benvolio@localhost'><body>x</body></message>" * 10 + "<iq type='get' id='all'><ping xmlns='urn:xmpp:ping'/></iq>")
    c.until("<iq [^>]*id='all'[^>]*/>")
    c.send("<presence/><message type='chat' to='benvolio@localhost'><body>end</body></message>")
    ids = re.findall("<stanza-id [^>]*id='([^']*)'", c.until("<body>end</body>"))
    assert len(set(ids)) == 10, ids
    return ids


def backup_and_restore():
    """The copy of a server that goes on is whole, and a server starts with it: accounts, passwords, messages that wait."""
    with open(FOLDER + "/accounts", "w") as f:
        f.write("".join("busy%d@localhost x\n" % i for i in range(400)))
    for name in "benvolio", "tybalt":
        ask("user", "add", name + "@localhost", "--password-stdin", stdin="testpwd\n")
    c = Client(server)
    assert "<success" in c.plain("benvolio")
    c.bind("r")
    c.send("<message type='chat' to='tybalt@localhost'><body>kept</body></message>")
    c.ping()
    busy = subprocess.Popen([MYNAHCTL, "--socket", SOCKET, "user", "add", "--from", FOLDER + "/accounts"], stdout=subprocess.DEVNULL)
    wait_for(lambda: "busy5@localhost" in ctl("user", "list").stdout, "the first accounts")
    there = {a["jid"] for a in ask("user", "list")["accounts"]}
    os.mkdir(FOLDER + "/backups")
    p = subprocess.run([MYNAHCTL, "--socket", SOCKET, "--json", "backup", "one.db"], cwd=FOLDER + "/backups", capture_output=True)
    one = FOLDER + "/backups/one.db"
    assert json.loads(p.stdout) == {"ok": {"file": one, "bytes": os.path.getsize(one)}}, p
    assert os.stat(one).st_mode & 0o777 == 0o600 and os.listdir(FOLDER + "/backups") == ["one.db"]
    assert busy.wait(DEADLINE) == 0
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(SOCKET)
        s.sendall(json.dumps({"command": ["backup"], "args": {"file": FOLDER + "/backups/two.db"}}).encode() + b"\n")
        s.shutdown(socket.SHUT_WR)
        lines = [json.loads(line) for line in s.makefile()]
    assert lines[-1]["ok"]["bytes"] == lines[-2]["progress"]["done"] > 0 and lines[-2]["progress"]["of"] > 0, lines
    assert ask("backup", one)["code"] == "conflict"
    assert "cannot make" in ask("backup", FOLDER + "/no/such.db")["text"]
    to = FOLDER + "/restored"
    assert ask("restore", one, "--data", to) == {"data": to, "bytes": os.path.getsize(one)}
    assert os.stat(to).st_mode & 0o777 == 0o700 and os.listdir(to) == ["mynah.db"]
    assert subprocess.run([STORECHECK, to], capture_output=True).stdout == b"ok\n"
    with open(one, "rb") as f:
        whole = f.read()
    with open(FOLDER + "/half.db", "wb") as f:
        f.write(whole[:len(whole) // 8192 * 4096])
    for file, folder, why in [(one, to, "is in use or not empty"), (one, FOLDER + "/data", "is in use or not empty"),
                              (PATH, FOLDER + "/new", "is no backup"), (FOLDER + "/half.db", FOLDER + "/new", "is no backup"),
                              (FOLDER + "/none", FOLDER + "/new", "is no backup"), (one, PATH, "cannot make the folder")]:
        error = ask("restore", file, "--data", folder)
        assert error["code"] == "not-acceptable" and why in error["text"], (file, folder, error)
    assert not os.path.exists(FOLDER + "/new") and ctl("restore", one).returncode == 64
    other = FOLDER + "/other.yaml"
    with open(other, "w") as f:
        f.write(CONFIG.replace(FOLDER + "/data", to))
    second = Server(MYNAHD, other)
    try:
        p = subprocess.run([MYNAHCTL, "--config", other, "--json", "user", "list"], capture_output=True)
        assert there <= {a["jid"] for a in json.loads(p.stdout)["ok"]["accounts"]}, p
        c = Client(second)
        assert "<success" in c.plain("tybalt")
        c.bind("r")
        c.send("<presence/>")
        assert "kept" in c.until("</message>")
        # Ids that were given since the backup are not given again.
        before, after = [waits_for_nobody(s) for s in (server, second)]
        assert not set(before) & set(after), (before, after)
    finally:
        second.end()


def two_begin_to_chat():
    global two
    for name in "from", "to":
        ask("user", "add", name + "@localhost", "--password-stdin", stdin="testpwd\n")
    two = Beside(server, FOLDER + "/data")


def beside(step):
    return step.__name__ + MARK, lambda: two.whole(step)


try:
    failed = tap([modules, protocols, log_level, another_password, disabled, disabled_and_removed, two_begin_to_chat] + [beside(step) for step in (
        every_key, shown, takes_effect, stanzas_a_second, the_hash_follows_the_answer, certificates, certificates_that_cannot_be, certificates_to_be_looked_at,
        many_reloads)] + [
            ("bystanders_were_not_disturbed", lambda: two.bystanders.were_not_disturbed()), backup_and_restore, ("end", lambda: server.end())],
                 lambda: server.log)
finally:
    if server.process.poll() is None:
        server.process.kill()
    shutil.rmtree(FOLDER)
sys.exit(failed != 0)
