#!/usr/bin/python3
"""Who may ask for which command from a client (XEP-0050, XEP-0133), held against the table; what the log says of it; the end of a
server that is asked for. Prints TAP. usage: admin.py MYNAHD MYNAHCTL ROOT"""
import json, os, re, shutil, subprocess, sys, tempfile, time
from xml.sax.saxutils import quoteattr

sys.path.append(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from mynah import Client, DEADLINE, Server, tap

MYNAHD, MYNAHCTL, ROOT = sys.argv[1:4]
COMMANDS, ITEMS, INFO = ("http://jabber.org/protocol/" + n for n in ("commands", "disco#items", "disco#info"))
DOMAIN, SERVER, MACHINE = range(1, 4)
# Who asks localhost, and what they have there.
ROLES = {"op@localhost": SERVER, "admin@localhost": DOMAIN, "neighbour@example.net": DOMAIN, "montague@example.net": 0,
         "romeo@localhost": 0, "anonymous": 0}
SECRET = "s3cret-of-%s"
CONFIG = """
data: %s/data
loops: 3
admins: [op@localhost]
domains: [{name: localhost, admins: [%s]}, {name: example.net, admins: [montague@example.net, clerk@localhost]}]
listen: [{address: 127.0.0.1, port: 0, tls: off}]
auth: {mechanisms: [PLAIN, ANONYMOUS], without_tls: [PLAIN, ANONYMOUS], iterations: 4096}
log: {level: debug}
"""
ADMINS = "Admin@LOCALHOST, neighbour@example.net"


def text(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as f:
        return f.read()


def table():
    """Each node with what stands in the table for its command."""
    needs = {fn: {"DOMAIN": DOMAIN, "SERVER": SERVER, "MACHINE": MACHINE}[who]
             for fn, who in re.findall(r"^COMMAND\((\w+), (\w+),", text("src/server/commands.def"), re.M)}
    xep = re.findall(r'\{XEP\("([\w-]+)"\),(.*?)OF\((\w+)\)(.*?)\},?\s*(?=\{XEP|\};)', text("src/server/admin.c"), re.S)
    whole = {fn for _, _, fn, rest in xep if ".part = true" not in rest}
    nodes = {"http://jabber.org/protocol/admin#" + name: needs[fn] for name, _, fn, _ in xep}
    nodes.update({"urn:mynah:admin#" + fn: n for fn, n in needs.items() if fn not in whole and n != MACHINE})
    return nodes, ["urn:mynah:admin#" + fn for fn, n in needs.items() if n == MACHINE or fn in whole]


class Asker(Client):
    """Somebody who asks `host`."""

    def __init__(self, server, jid, of="localhost"):
        name, _, domain = jid.partition("@")
        super().__init__(server, host=domain or "localhost")
        self.of, self.number, self.jid = of, 0, jid
        if domain:
            assert "<success" in self.plain(name, SECRET % name)
        else:
            self.send("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='ANONYMOUS'/>")
            self.until("<success[^>]*/>|</success>")
        self.bind("desk")

    def iq(self, kind, child, of=None):
        self.number += 1
        self.send("<iq type='%s' id='a%d' to='%s'>%s</iq>" % (kind, self.number, of or self.of, child))
        answer = r"<iq [^>]*id='a%d'[^>]*(?:/>|>.*?</iq>)" % self.number
        return re.search(answer, self.until(answer), re.S).group()

    def items(self):
        return re.findall("node='([^']+)' name", self.iq("get", "<query xmlns='%s' node='%s'/>" % (ITEMS, COMMANDS)))

    def command(self, node, sessionid="", form="", of=None):
        return self.iq("set", "<command xmlns='%s' node=%s%s>%s</command>" % (
            COMMANDS, quoteattr(node), " sessionid='%s'" % sessionid if sessionid else "", form), of)

    def submit(self, node, fields, of=None):
        """The answer to a form with these."""
        first = self.command(node, of=of)
        assert "status='executing'" in first, first
        return self.command(node, sessionid_of(first), form(fields), of)


def sessionid_of(answer):
    return re.search("sessionid='([^']+)'", answer).group(1)


def form(fields):
    return "<x xmlns='jabber:x:data' type='submit'>%s</x>" % "".join(
        "<field var='%s'><value>%s</value></field>" % f for f in fields.items())


def ctl(*words, stdin=""):
    p = subprocess.run([MYNAHCTL, "--config", config, "--json", *words], input=stdin, capture_output=True, text=True,
                       timeout=2 * DEADLINE)
    return json.loads(p.stdout)


def log_has(pattern, count=1):
    until = time.monotonic() + DEADLINE
    while len(re.findall(pattern, "".join(server.log))) < count:
        assert time.monotonic() < until, pattern
        time.sleep(0.01)


def every_role():
    """Every command in every role: listed, described and begun, or none of it."""
    nodes, hidden = table()
    assert len(nodes) > 20 and {DOMAIN, SERVER} == set(nodes.values()), nodes
    for jid, right in ROLES.items():
        asker = Asker(server, jid)
        assert sorted(asker.items()) == sorted(n for n, needs in nodes.items() if needs <= right), jid
        for node, needs in nodes.items():
            may = needs <= right
            info = asker.iq("get", "<query xmlns='%s' node='%s'/>" % (INFO, node))
            got = asker.command(node)
            assert ("command-node" in info, "<forbidden" in info) == (may, not may), (jid, node, info)
            assert ("type='result'" in got, "<forbidden" in got) == (may, not may), (jid, node, got)
        for node in hidden:
            assert "<item-not-found" in asker.command(node), (jid, node)
        asker.socket.close()


def nobody_who_is_not_logged_in():
    c = Client(server)
    c.send("<iq type='set' id='x' to='localhost'><command xmlns='%s' node='urn:mynah:admin#status'/></iq>" % COMMANDS)
    assert "status=" not in c.ends()


def every_object():
    """Whatever takes an address takes none of another domain."""
    nodes, _ = table()
    seen = 0
    for jid in "op@localhost", "admin@localhost":
        asker = Asker(server, jid)
        for node, needs in nodes.items():
            if needs > ROLES[jid]:
                continue
            first = asker.command(node)
            fields = re.findall(r"<field var='([\w-]+)' type='([\w-]+)'", first)
            jids = [v for v, t in fields if "jid" in v and "status='executing'" in first]
            if not jids:
                continue
            values = {v: "montague@example.net" if v in jids else SECRET % "montague" for v, t in fields
                      if v in jids or t == "text-private"}
            got = asker.command(node, sessionid_of(first), form(values))
            assert "<forbidden" in got, (jid, node, got)
            seen += 1
    assert seen > 15, seen
    # A domain that the form does not ask for changes nothing either.
    for node in "urn:mynah:admin#user_list", "urn:mynah:admin#session_list":
        got = asker.submit(node, {"domain": "example.net"})
        assert "admin@localhost" in got and "montague" not in got, got
    assert "montague@example.net" in str(ctl("user", "list"))


def other_domains():
    """An administrator asks the domain that is administered, from wherever they live."""
    asker = Asker(server, "montague@example.net", of="example.net")
    got = asker.submit("urn:mynah:admin#user_list", {})
    assert "montague@example.net" in got and "localhost" not in got, got
    asker = Asker(server, "neighbour@example.net")
    assert "status='completed'" in asker.submit("http://jabber.org/protocol/admin#add-user", {
        "accountjid": "tybalt@localhost", "password": SECRET % "tybalt"})
    assert "<forbidden" in asker.command("http://jabber.org/protocol/admin#add-user", of="example.net")
    Asker(server, "tybalt@localhost").socket.close()


def no_way_up():
    """Who administers a domain gets at nobody's account who may do more, nor at that of who administers another one."""
    asker = Asker(server, "admin@localhost")
    node = "http://jabber.org/protocol/admin#%s"
    for above in "op@localhost", "clerk@localhost":
        for what in "delete-user", "disable-user", "reenable-user":
            assert "<forbidden" in asker.submit(node % what, {"accountjids": above}), (what, above)
        for what in "add-user", "change-user-password":
            got = asker.submit(node % what, {"accountjid": above, "password": "taken"})
            assert "<forbidden" in got, (what, above, got)
    assert "<not-authorized" in Client(server).plain("op", "taken")
    # Those who may do as much are no different from anybody else.
    for jid, by in ("admin@localhost", "admin@localhost"), ("op@localhost", "op@localhost"), ("admin@localhost", "op@localhost"):
        got = Asker(server, by, of="localhost").submit(node % "change-user-password", {
            "accountjid": jid, "password": SECRET % jid.split("@")[0]})
        assert "status='completed'" in got, got


def rights_end_with_a_reload():
    asker = Asker(server, "admin@localhost")
    first = asker.command("http://jabber.org/protocol/admin#delete-user")
    write("")
    assert "domains[0].admins" in str(ctl("reload")["ok"]["changed"])
    got = asker.command("http://jabber.org/protocol/admin#delete-user", sessionid_of(first), form({"accountjids": "tybalt@localhost"}))
    assert "<forbidden" in got and not asker.items(), got
    write(ADMINS)
    ctl("reload")
    got = asker.command("http://jabber.org/protocol/admin#delete-user", sessionid_of(first), form({"accountjids": "tybalt@localhost"}))
    assert "status='completed'" in got, got


def everything_is_in_the_log():
    """On both faces: who, from where, what, on what, with which result; no secret, at no level."""
    asker = Asker(server, "admin@localhost")
    add = "http://jabber.org/protocol/admin#add-user"
    assert "status='completed'" in asker.submit(add, {"accountjid": "nurse@localhost", "password": SECRET % "nurse"})
    assert "<conflict" in asker.submit(add, {"accountjid": "nurse@localhost", "password": SECRET % "other"})
    assert "<bad-payload" in asker.submit(add, {"accountjid": "x@localhost", "password": SECRET % "a", "password-verify": SECRET % "b"})
    by = r' command by=admin@localhost/desk address=127\.0\.0\.1:\d+ domain=localhost command="user add" arguments="jid=nurse@localhost" '
    log_has(by + "result=ok")
    log_has(by + "result=conflict")
    ctl("user", "passwd", "nurse@localhost", "--password-stdin", stdin=SECRET % "nurse")
    log_has(r' command uid=\d+ pid=\d+ command="user passwd" arguments="jid=nurse@localhost" result=ok')
    log_has(r' command refused by=\S+@\S+/desk address=127\.0\.0\.1:\d+ domain=localhost command=')
    assert "status='completed'" in asker.submit("http://jabber.org/protocol/admin#announce", {"announcement": "a word to all"})
    log_has(r' command=announce arguments="text=\(13\) domain=localhost" result=ok')
    log = "".join(server.log)
    assert "s3cret" not in log and "a word to all" not in log, [l for l in server.log if "s3cret" in l or "a word" in l]


def many_accounts():
    """Lists of more than a page, what is disabled among them, and counts."""
    lines = "".join("user%04d@example.net %s\n" % (i, "x") for i in range(1200))
    assert ctl("user", "add", "--from", "-", stdin=lines)["ok"]["added"] == 1200
    for i in 0, 998, 999, 1000, 1199:
        ctl("user", "disable", "user%04d@example.net" % i)
    marked = [a["jid"] for a in ctl("user", "list", "example.net")["ok"]["accounts"] if a["disabled"]]
    assert marked == ["user%04d@example.net" % i for i in (0, 998, 999, 1000, 1199)], marked
    assert [a["jid"] for a in ctl("user", "list", "--disabled", "yes")["ok"]["accounts"]] == marked
    assert len(ctl("user", "list", "example.net", "--disabled", "no")["ok"]["accounts"]) == 1197
    count = ctl("user", "count", "example.net")["ok"]
    assert (count["registered"], count["disabled"]) == (1202, 5), count
    asker = Asker(server, "montague@example.net", of="example.net")
    node = "http://jabber.org/protocol/admin#get-registered-users-list"
    assert len(re.findall("<value>[^<]*@", asker.submit(node, {"max_items": "none"}))) == 1202
    got = asker.submit(node, {"max_items": "200"})
    assert len(re.findall("<value>[^<]*@", got)) == 200 and "<note type='info'>There are more.</note>" in got, got
    got = asker.submit("urn:mynah:admin#user_list", {})
    after = re.search("There are more behind ([^<]+)\\.</note>", got).group(1)
    got = asker.submit("urn:mynah:admin#user_list", {"after": after})
    assert len(re.findall("<item>", got)) == 202 and "There are more" not in got, got
    node = "http://jabber.org/protocol/admin#delete-user"
    first = asker.command(node)
    values = "".join("<value>user%04d@example.net</value>" % i for i in range(900))
    got = asker.command(node, sessionid_of(first), "<x xmlns='jabber:x:data' type='submit'><field var='accountjids'>%s</field></x>" % values)
    assert "status='completed'" in got and "<note" not in got, got
    assert ctl("user", "count", "example.net")["ok"]["registered"] == 302
    first = asker.command(node)
    values = "".join("<value>none%04d@example.net</value>" % i for i in range(1001))
    got = asker.command(node, sessionid_of(first), "<x xmlns='jabber:x:data' type='submit'><field var='accountjids'>%s</field></x>" % values)
    assert "<bad-payload" in got, got


def contacts():
    romeo = Asker(server, "romeo@localhost")
    romeo.iq("set", "<query xmlns='jabber:iq:roster'><item jid='juliet@example.net' name='J'><group>a</group><group>b</group></item></query>", "romeo@localhost")
    assert ctl("user", "roster", "romeo@localhost")["ok"]["contacts"] == [
        {"jid": "juliet@example.net", "name": "J", "subscription": "none", "ask": None, "groups": ["a", "b"]}]
    assert ctl("user", "roster", "nobody@localhost")["error"]["code"] == "item-not-found"
    assert ctl("user", "add", "paris@localhost", "--password-stdin", "--name", "Count Paris", "--email=p@example.net", stdin="x")["ok"]
    shown = ctl("user", "show", "paris@localhost")["ok"]
    assert (shown["name"], shown["email"]) == ("Count Paris", "p@example.net"), shown
    shown = ctl("user", "show", "romeo@localhost")["ok"]
    assert shown["resources"] == ["desk"] and shown["addresses"] == ["127.0.0.1"], shown


def private(asker, number):
    """A quarter of what may be kept; whether it is."""
    got = asker.iq("set", "<query xmlns='jabber:iq:private'><n%d xmlns='x'>%s</n%d></query>" % (number, 250000 * "x", number),
                   asker.jid)
    assert "type='result'" in got or "<resource-constraint" in got, got
    return "type='result'" in got


def it_starts_again():
    romeo = Asker(server, "romeo@localhost")
    romeo.send("<presence/>")
    romeo.until("<presence[^>]*/>")
    for delay in "0", "x", "86401":
        assert ctl("restart", "--delay", delay)["error"]["code"] == "not-acceptable"
    assert ctl("restart", "--announcement", "a\x01b")["error"]["code"] == "not-acceptable"
    asker = Asker(server, "op@localhost")
    got = asker.submit("http://jabber.org/protocol/admin#shutdown", {"delay": "300", "announcement": "soon"})
    assert "status='completed'" in got, got
    romeo.until("<message [^>]*from='localhost'[^>]*><body>soon</body>")
    assert ctl("motd", "set", "word of the day", "--domain", "localhost")["ok"] == {}
    romeo.until("<body>word of the day</body>")
    assert [private(romeo, i) for i in range(5)] == [True] * 4 + [False]
    ports = len(server.ports)
    assert ctl("restart", "--announcement", "back at once")["ok"]["told"] == 1
    romeo.until("<body>back at once</body>")
    assert "<system-shutdown" in romeo.ends()
    log_has(" ready ", 2)
    assert "stopping by=restart" in "".join(server.log)
    del server.ports[:ports]
    assert server.process.poll() is None


def what_was_kept_is_known_again():
    """Who was told the message of the day, and how much private XML there is."""
    romeo, nurse = Asker(server, "romeo@localhost"), Asker(server, "nurse@localhost")
    for asker in romeo, nurse:
        asker.send("<presence/>")
    nurse.until("<body>word of the day</body>")
    romeo.ping()
    assert "word of the day" not in romeo.text and not private(romeo, 4) and private(nurse, 4)
    assert ctl("motd", "show", "localhost")["ok"] == {"text": "word of the day"}
    assert ctl("motd", "show", "example.net")["ok"] == {"text": None}
    assert ctl("motd", "edit", "x", "example.net")["error"]["code"] == "item-not-found"
    assert ctl("motd", "set", "")["error"]["code"] == "not-acceptable"
    assert ctl("motd", "remove")["ok"] == {} and ctl("motd", "show", "localhost")["ok"] == {"text": None}


def it_ends():
    assert "told" in ctl("shutdown")["ok"]
    assert server.process.wait(DEADLINE) == 0
    server.reader.join(DEADLINE)
    assert "stopping by=shutdown" in "".join(server.log)
    assert not [l for l in server.log if "Sanitizer" in l or "runtime error" in l], "".join(server.log)


def write(admins):
    with open(config, "w") as f:
        f.write(CONFIG % (folder, admins))


folder = tempfile.mkdtemp(prefix="mynah-admin-")
config = folder + "/mynahd.yaml"
write(ADMINS)
server = Server(MYNAHD, config)
try:
    for jid in ROLES:
        if "@" in jid:
            ctl("user", "add", jid, "--password-stdin", stdin=SECRET % jid.split("@")[0])
    failed = tap([every_role, nobody_who_is_not_logged_in, every_object, other_domains, no_way_up, rights_end_with_a_reload,
                  everything_is_in_the_log, many_accounts, contacts, it_starts_again,
                  what_was_kept_is_known_again, it_ends], lambda: server.log)
finally:
    server.process.kill()
    shutil.rmtree(folder)
sys.exit(1 if failed else 0)
