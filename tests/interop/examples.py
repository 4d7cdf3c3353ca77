#!/usr/bin/python3
"""The programs of examples/ against servers: each row is one example and what its user sees. Prints TAP.
usage: examples.py FOLDER MYNAHD"""
import contextlib, os, queue, re, signal, subprocess, sys, tempfile, threading

from driver import Cable, DEADLINE, Issuer, NEW, config_2007, config_new, serving, tap
from peers import Ejabberd, Prosody, proxies

FOLDER, MYNAHD = sys.argv[1:]
ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")


def config_mynahd():
    """Beside the defaults what peers.py gives the others; the second port is the components'."""
    host, text = config_new("components: [{name: part.%s, secret: secret}]\n" % NEW)
    return host, text.replace("tls: direct}", "tls: off, service: component}")


class Lacks(Exception):
    """The server does not have what the example needs: which XEP."""


class Program:
    """An example that runs; `says` waits for a line that matches from its beginning on."""

    def __init__(self, server, name, *args, password="pw", port=0, **more):
        self.name, self.lines, self.seen = name, queue.Queue(), []
        env = {**os.environ, "MYNAH_HOST": "127.0.0.1", "MYNAH_PORT": str(server.ports[port]), "MYNAH_CA": server.ca, "MYNAH_PASSWORD": password, **more}
        self.process = subprocess.Popen([os.path.join(FOLDER, name), *args], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, text=True, env=env)
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for line in self.process.stdout:
            self.lines.put(line.rstrip("\n"))
        self.lines.put(None)

    def says(self, *patterns):
        for pattern in patterns:
            while True:
                try:
                    line = self.lines.get(timeout=DEADLINE)
                except queue.Empty:
                    line = None
                assert line is not None, "%s did not say %r but: %s" % (self.name, pattern, "\n".join(self.seen))
                self.seen.append(line)
                if re.match(pattern, line):
                    break

    def ended(self):
        """All that it said is in `seen`."""
        while (line := self.lines.get(timeout=DEADLINE)) is not None:
            self.seen.append(line)

    def types(self, text):
        self.process.stdin.write(text + "\n")
        self.process.stdin.flush()

    def stops(self):
        self.process.send_signal(signal.SIGINT)
        self.ends()

    def ends(self, code=0):
        assert self.process.wait(DEADLINE) == code, (self.process.returncode, self.seen)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


def address(server, name):
    return "%s@%s" % (name, server.host)


def account(server, *names, **more):
    for name in names:
        with Program(server, "register", address(server, name), **more) as p:
            p.says("registered", "online as ")
            p.ends()


def register(server):
    with Program(server, "register", address(server, "new") + "/here") as p:
        p.says("field username", "registered", "online as %s/here" % re.escape(address(server, "new")))
        p.ends()
    with Program(server, "register", address(server, "new")) as p:
        p.says("refused: conflict")
        p.ends()


def message(server):
    account(server, "echo", "talker")
    with Program(server, "message", address(server, "echo") + "/e") as echo:
        echo.says("online as ")
        with Program(server, "message", address(server, "talker") + "/t", address(server, "echo"), "hello 北京") as talker:
            talker.says("queued", "written", "acknowledged|delivered")
            echo.says("%s/t: hello 北京" % address(server, "talker"))
            talker.says("%s/e: hello 北京" % address(server, "echo"))
        with Program(server, "message", address(server, "talker"), password="wrong") as p:
            p.says("the login was refused: not-authorized")
            p.ends()


def roster(server):
    account(server, "lister")
    with Program(server, "roster", address(server, "lister"), "friend@" + server.host) as p:
        p.says("0 contacts", "changed friend@.* \\(a friend\\)", "group ", "changed .*, asked", "removed friend@")
        p.ends()


def adhoc(server):
    account(server, "bot")
    with Program(server, "adhoc", address(server, "bot") + "/b") as bot:  # strangers' questions do not reach it
        bot.says("online as ")
        with Program(server, "adhoc", address(server, "bot") + "/c", address(server, "bot") + "/b", "greet", "Ann 北京") as p:
            p.says("asked: What is your name\\?", "done: nice to meet you")
            p.ends()
        bot.says(".* calls greet", "name Ann 北京")


def disco(server):
    account(server, "asker")
    with Program(server, "disco", address(server, "asker")) as p:
        p.says("there in ", "software ", "server is server/im", "server has jabber:iq:version")
        p.ends()
    with Program(server, "message", address(server, "asker") + "/there") as there:
        there.says("online as ")
        with Program(server, "disco", address(server, "asker") + "/here", address(server, "asker") + "/there") as p:
            p.says("there in ", "software example [0-9]", ".*/there is client/pc", ".*/there has urn:xmpp:ping")
            p.ends()


def send_file(server, user, way, there, seen):
    """Three megabytes from one resource to another, of which `there` are there already."""
    me, data = address(server, user), os.urandom(3000000)
    with tempfile.TemporaryDirectory(prefix="mynah-files-") as folder:
        with open(folder + "/sent", "wb") as f:
            f.write(data)
        with open(folder + "/came", "wb") as f:
            f.write(data[:there])
        with Program(server, "ft_recv", me + "/in", folder + "/came") as receiver:
            receiver.says("online as ")
            with Program(server, "ft_send", me + "/out", me + "/in", folder + "/sent", *way) as sender:
                receiver.says("%s/out offers sent, 3000000 bytes, %d are here" % (me, there), seen)
                sender.says("sent$")
                sender.ends()
                receiver.ends()
        with open(folder + "/came", "rb") as f:
            assert f.read() == data


def ft_send(server):
    account(server, "sender")
    for way, seen in ("direct", "received by SOCKS5"), ("ibb", "received in-band"), ("proxy", "received by SOCKS5"):
        if way == "proxy" and server.name == "mynahd":
            raise Lacks("XEP-0065")
        send_file(server, "sender", [way], 0, seen)


def ft_recv(server):
    account(server, "receiver")
    send_file(server, "receiver", [], 1000001, "received by SOCKS5")
    send_file(server, "receiver", ["ibb"], 2999999, "received in-band")
    with Program(server, "ft_send", address(server, "receiver") + "/out", address(server, "receiver") + "/away", __file__) as p:
        p.says(".*service-unavailable")
        p.ends()


def component(server):
    account(server, "visitor")
    with Program(server, "component", "part." + server.host, password="wrong", port=1) as p:
        p.says("the login was refused|.*not-authorized")
        p.ends()
    with Program(server, "component", "part." + server.host, password="secret", port=1) as part:
        part.says("online as part." + re.escape(server.host))
        with Program(server, "message", address(server, "visitor") + "/v", "anybody@part." + server.host, "hello 北京") as p:
            part.says("%s/v to anybody@part.%s: hello 北京" % (address(server, "visitor"), re.escape(server.host)))
            p.says("anybody@part.%s: hello 北京" % re.escape(server.host))
            # Strangers' questions do not reach a client of mynahd (RFC 6121, 8.5.3.1).
            part.says("refused: service-unavailable" if server.name == "mynahd" else "he uses libmynah")


def room(server):
    if server.name == "mynahd":
        raise Lacks("XEP-0045")
    place = "place@rooms." + server.host
    account(server, "ann", "bob")
    with Program(server, "room", address(server, "ann"), place, "Ann") as ann:
        ann.says("joined as Ann, new")
        with Program(server, "room", address(server, "bob"), place, "Bob", "hello 北京") as bob:
            bob.says("here: Ann", "here: Bob \\(I\\)", "joined as Bob$", "Bob: hello 北京")
            ann.says("here: Bob", "Bob: hello 北京")
            with Program(server, "room", address(server, "ann") + "/2", place, "Bob") as late:
                late.says("refused: conflict")
                late.ends()
            with Program(server, "room", address(server, "ann") + "/2", place, "Third", "bye") as third:
                for p in third, bob, ann:
                    p.says("Third: bye", "left")
                    p.ends()


def loop(server, name):
    account(server, name)
    with Program(server, name, address(server, name) + "/l", address(server, name) + "/l") as p:
        p.says("online as ")
        for text in "hello 北京", "and more":
            p.types(text)
            p.says("%s/l: %s" % (address(server, name), text))
        p.process.stdin.close()
        p.ends()


def loop_epoll(server):
    loop(server, "loop_epoll")


def loop_glib(server):
    loop(server, "loop_glib")


def loop_uv(server):
    loop(server, "loop_uv")


def script(server):
    account(server, "writer", "reader")
    with Program(server, "message", address(server, "reader") + "/r") as reader:
        reader.says("online as ")
        with Program(server, "script", address(server, "writer") + "/w", address(server, "reader"), "from top to bottom") as p:
            p.says("online as ", "sent", "the server is %s" % {"mynahd": "Mynah", "prosody": "Prosody", "ejabberd": "ejabberd"}[server.name])
            p.ends()
        reader.says("%s/w: from top to bottom" % address(server, "writer"))
    with Program(server, "script", address(server, "writer"), address(server, "reader"), "x", password="wrong") as p:
        p.says("the login was refused: not-authorized")
        p.ends(1)


def reconnect(server):
    account(server, "stayer")
    line = Cable(server)
    with Program(line, "reconnect", address(server, "stayer") + "/s") as p:
        p.says("connecting", "online as ", ".*/s is there")  # the session can be resumed
        for _ in range(2):
            line.cut()
            p.says("waiting ", "connecting", "resumed as .*/s")
        p.stops()


def reset(server):
    account(server, "again")
    with Program(server, "reset", address(server, "again") + "/a") as p:
        p.says("online as .*/a, time 1", "online as .*/a, time 2")
        p.ends()
    with Program(server, "reset", address(server, "again"), password="wrong") as p:
        p.says("the login was refused: not-authorized")
        p.ends()


def e2ee_client(server):
    """Both know the key, and nobody else's is taken."""
    account(server, "pinger", "ponger")
    there = address(server, "ponger") + "/there"
    for key, asked, told in ("ours", ["a secret is made, by TLS_", "%s: pong" % there], ["%s/.*, by TLS_\\S+: ping" % address(server, "pinger")]), \
            ("other", ["no secret is made"], []):
        with Program(server, "e2ee_server", there, MYNAH_KEY="ours") as waits:
            waits.says("online as ")
            with Program(server, "e2ee_client", address(server, "pinger"), there, MYNAH_KEY=key) as p:
                p.says(*asked)
                p.ends()
            waits.says(*told)
            waits.ends()


def e2ee_server(server):
    """Alone it waits, whatever others say."""
    account(server, "waiter", "chatter")
    with Program(server, "e2ee_server", address(server, "waiter") + "/w", MYNAH_KEY="ours") as waits:
        waits.says("online as ")
        with Program(server, "script", address(server, "chatter"), address(server, "waiter"), "no secret") as p:
            p.says("sent")
            p.ends()
        assert waits.process.poll() is None


def resume(server):
    account(server, "sleeper", "caller")
    with tempfile.TemporaryDirectory(prefix="mynah-resume-") as folder:
        me = address(server, "sleeper") + "/s", folder + "/session"
        with Program(server, "resume", *me) as p:
            p.says("online as ", ".*/s is there")  # the session can be resumed
            p.stops()
        with Program(server, "script", address(server, "caller") + "/c", me[0], "are you there?") as p:
            p.says("sent")
            p.ends()
        with Program(server, "resume", *me) as p:
            p.says("still online as .*/s", "%s/c: are you there\\?" % address(server, "caller"))
            p.stops()
        with Program(server, "resume", address(server, "caller"), me[1]) as p:
            p.says("that is no session of this account", "online as ")
            p.stops()


def prep(server):
    with Program(server, "prep", "Ann\\20Lee@Example.ORG/At Home", "a@@b") as p:
        p.says("Ann.*: ann\\\\20lee@example.org/At Home", "  bare: ann", "  domain: example.org", "  resource: At Home", "  user: ann lee",
               "a@@b: no address")
        p.ends()


def pubsub(server):
    if server.name == "mynahd":
        raise Lacks("XEP-0060")
    account(server, "publisher", "self")  # Prosody lets administrators of the service make nodes: the publisher
    for user, service in ("publisher", "pubsub." + server.host), ("self", "-"):
        at = address(server, user) if service == "-" else service
        with Program(server, "pubsub", address(server, user), service, "news", "hello 北京") as p:
            p.says(*[] if service == "-" else ["created news"])
            p.says("%s: hello 北京" % re.escape(at), "deleted")
            p.ends()


def vcard(server):
    account(server, "face")
    for name, before in ("Ann", "nobody, no photo"), ("Ann 北京", "Ann, image/gif"):
        with Program(server, "vcard", address(server, "face"), name) as p:
            p.says(before, "stored", "%s, image/gif" % name, "told [0-9a-f]{40}")
            p.ends()


def annotations(server):
    account(server, "noter")
    old = []
    for note in "first", "second 北京", "third":
        with Program(server, "annotations", address(server, "noter"), "friend%d@%s" % (len(old), server.host), note) as p:
            p.says("%d notes" % len(old), *old, "stored")
            p.ends()
        old.append("friend%d@.*: %s" % (len(old), note))


def bookmark(server):
    account(server, "marker")
    with Program(server, "bookmark", address(server, "marker"), "one@rooms." + server.host) as p:
        p.says("0 bookmarks", "stored")
        p.ends()
    with Program(server, "bookmark", address(server, "marker"), "two@rooms." + server.host) as p:
        p.says("1 bookmarks", "one@.* \\(A room\\), entered by itself", "stored")
        p.ends()


def privatexml(server):
    account(server, "keeper")
    for before, text in ("", "北京 <&>"), ("北京 <&>", "another"):
        with Program(server, "privatexml", address(server, "keeper"), text) as p:
            p.says("was: %s$" % before, "stored")
            p.ends()


def blocklist(server):
    account(server, "wary")
    with Program(server, "blocklist", address(server, "wary"), "spam@" + server.host) as p:
        p.says("0 blocked", "now blocked: spam@", "1 blocked", "blocked: spam@", "unblocked: spam@")
        p.ends()


def privacylist(server):
    if server.name != "ejabberd":
        raise Lacks("XEP-0016")
    account(server, "quiet")
    with Program(server, "privacylist", address(server, "quiet"), "loud@" + server.host) as p:
        p.says("changed quiet", "list quiet, the account's", "1 deny loud@.*: messages", "2 allow all", "removed")
        p.ends()


def flexoff(server):
    if server.name != "ejabberd":
        raise Lacks("XEP-0013")
    account(server, "away", "poster")
    for text in "first 北京", "second":
        with Program(server, "message", address(server, "poster"), address(server, "away"), text) as p:
            p.says("queued", "written", "acknowledged")
    for count in 2, 0:
        with Program(server, "flexoff", address(server, "away")) as p:
            p.says("%d messages" % count, *["from poster@"] * count, *["poster@.*: first 北京, kept"] * (count > 0), "removed")
            p.ends()


def old_login(server, way):
    """The ways to log in that only run when they are named, at a server of 2007."""
    with Program(server, "message", address(server, "old") + "/o", MYNAH_MECHANISMS=way) as p:
        p.says("online as %s/o" % address(server, "old"))
    with Program(server, "message", address(server, "old"), password="wrong", MYNAH_MECHANISMS=way) as p:
        p.says("the login was refused: not-authorized")
        p.ends()


def bosh(server):
    if server.name == "mynahd":
        raise Lacks("XEP-0124")
    http, https = server.bosh
    for name in "web", "webber":
        account(server, name, MYNAH_BOSH=http)
    with Program(server, "bosh", address(server, "web") + "/w", https) as there:
        there.says("online as %s/w over %s" % (address(server, "web"), https))
        for way in http, https:
            with Program(server, "bosh", address(server, "webber"), way, address(server, "web"), "hello 北京") as p:
                p.says("online as ", "acknowledged")
                p.ends()
            there.says("%s/.*: hello 北京" % address(server, "webber"))
    with Program(server, "bosh", address(server, "web"), https, password="wrong") as p:
        p.says("the login was refused: not-authorized")
        p.ends()
    with Issuer() as other, Program(server, "bosh", address(server, "web"), https, MYNAH_CA=other.folder + "/ca.crt") as p:
        p.says("the certificate is not trusted")
        p.ends()


EXAMPLES = [adhoc, annotations, blocklist, bookmark, bosh, component, disco, e2ee_client, e2ee_server, flexoff, ft_recv, ft_send, loop_epoll, loop_glib, loop_uv, message, prep, privacylist, privatexml, pubsub, reconnect, register, reset, resume, room, roster, script, vcard]


WAYS = ["socks5://127.0.0.1:{open}", "socks5://us%40er:p%3Aw@127.0.0.1:{socks}", "http://user:pw@127.0.0.1:{http}",
        "http://user:pw@127.0.0.1:{http} socks5://us%40er:p%3Aw@127.0.0.1:{socks}",
        "socks5://us%40er:p%3Aw@127.0.0.1:{socks} http://user:pw@127.0.0.1:{http}",
        "socks5://us%40er:p%3Aw@127.0.0.1:{socks} http://user:pw@127.0.0.1:{http} socks5://127.0.0.1:{open}"]


def behind_proxies(server, ports):
    """Each way leads there, and a wrong password nowhere."""
    name = "hidden"
    account(server, name)
    for way in WAYS:
        with Program(server, "message", address(server, name) + "/p", MYNAH_PROXIES=way.format(**ports)) as p:
            p.says("online as %s/p" % address(server, name))
    for way in WAYS[1:5]:  # the last password that is asked for
        with Program(server, "message", address(server, name), MYNAH_PROXIES=re.sub("(.*):(p%3Aw|pw)@", "\\1:wrong@", way).format(**ports)) as p:
            p.says(".*the proxy 127.0.0.1: ")


def over_http(server, ports):
    """Other examples go this way as they are, and it goes by proxies, too."""
    name, way = "surfer", {"MYNAH_BOSH": server.bosh[1]}
    account(server, name, **way)
    for proxies in "", WAYS[-1].format(**ports):
        more = {**way, **({"MYNAH_PROXIES": proxies} if proxies else {})}
        with Program(server, "roster", address(server, name), "friend@" + server.host, **more) as p:
            p.says("0 contacts", "changed friend@.* \\(a friend\\)", "group ", "changed .*, asked", "removed friend@")
            p.ends()
        with Program(server, "script", address(server, name) + "/s", address(server, name), "x" * 100000, **more) as p:
            p.says("online as ", "sent", "the server is ")
            p.ends()


def short():
    """What a reader is meant to read in one go."""
    source = os.path.join(ROOT, "examples")
    names = sorted(n[:-2] for n in os.listdir(source) if n.endswith(".c"))
    assert names == sorted([e.__name__ for e in EXAMPLES] + ["link_local"]), names  # without a server: link_local.py
    for name in names:
        with open(os.path.join(source, name + ".c")) as f:
            assert len(f.readlines()) <= 60, name


FEATURES = {"XEP-0013": "http://jabber.org/protocol/offline", "XEP-0016": "jabber:iq:privacy", "XEP-0045": "http://jabber.org/protocol/muc",
            "XEP-0060": "http://jabber.org/protocol/pubsub", "XEP-0065": "http://jabber.org/protocol/bytestreams"}


def features(server):
    """Of the server and of what it has, as the example on that tells them."""
    if not hasattr(server, "features"):
        account(server, "finder")
        with Program(server, "disco", address(server, "finder")) as p:
            p.ends()
            p.ended()
            server.features = {line.split(" has ")[1] for line in p.seen if " has " in line}
        assert {"jabber:iq:version", "urn:xmpp:ping"} <= server.features, server.features
    return server.features


def cell(example, server):
    try:
        example(server)
    except Lacks as e:
        xep = str(e)
        if xep in FEATURES:
            assert not any(f == FEATURES[xep] or f.startswith(FEATURES[xep] + "#") for f in features(server)), (server.name, "has", xep)
        else:  # it would be a listener
            assert xep == "XEP-0124" and "service: http" not in subprocess.check_output([MYNAHD, "--print-defaults"], text=True)
        print("# %s: %s lacks %s" % (example.__name__, server.name, xep))


def lacks_are_true():
    """What the rows say is looked at from the other side: who is said to lack nothing has all of it."""
    for server in servers:
        has = {xep for xep, f in FEATURES.items() if any(g == f or g.startswith(f + "#") for g in features(server))}
        lacks = {"mynahd": set(FEATURES), "prosody": {"XEP-0013", "XEP-0016"}, "ejabberd": set()}[server.name]
        assert has == set(FEATURES) - lacks, (server.name, has)


with contextlib.ExitStack() as stack:
    servers = [stack.enter_context(s) for s in (serving(MYNAHD, *config_mynahd()), Prosody(), Ejabberd())]
    servers[0].name = "mynahd"
    old = stack.enter_context(serving(MYNAHD, *config_2007(os.path.join(ROOT, "etc", "mynahd-2007.yaml"))))
    account(old, "old", MYNAH_MECHANISMS="PLAIN")
    ports = stack.enter_context(proxies())
    bad = tap([("each example has a row and at most 60 lines", short)] +
              [("%s with %s" % (e.__name__, s.name), lambda e=e, s=s: cell(e, s)) for e in EXAMPLES for s in servers] +
              [("what servers lack they do not announce, and the rest they do", lacks_are_true)] +
              [("%s with a server of 2007" % way, lambda way=way: old_login(old, way)) for way in ("DIGEST-MD5", "CRAM-MD5", "XEP-0078")] +
              [("%s behind proxies" % s.name, lambda s=s: behind_proxies(s, ports)) for s in servers] +
             [("%s over HTTP" % s.name, lambda s=s: over_http(s, ports)) for s in servers[1:]],
              lambda: servers[0].log + servers[1].log() + servers[2].log())
sys.exit(bad != 0)
