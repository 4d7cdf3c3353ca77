#!/usr/bin/python3
"""Forty people on four loops do everything at once: log in, subscribe, write to each other, break off, come back, leave for good.
Says how many deliveries went from loop to loop. Prints TAP.    usage: crowd.py MYNAHD"""
import functools, os, re, sys, tempfile
from concurrent.futures import ThreadPoolExecutor, wait

sys.path.append(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from mynah import Client, Server, clean, tap, write

PEOPLE, FRIENDS = 40, 6
CONFIG = """
data: %s
loops: 4
listen:
  - {address: "127.0.0.1", port: 0, tls: offered}
auth:
  mechanisms: [SCRAM-SHA-256, PLAIN, DIGEST-MD5]
  without_tls: [SCRAM-SHA-256, PLAIN, DIGEST-MD5]
  iterations: 4096
registration: {open: yes, per_address: off}
"""


class Crowd:
    def __init__(self, server, ca):
        self.server, self.ca, self.pool = server, ca, ThreadPoolExecutor(PEOPLE)
        self.people = [None] * PEOPLE

    def all(self, do, who=range(PEOPLE)):
        """At once for everybody; when all are through, the first thing that went wrong is raised."""
        doing = [self.pool.submit(do, i) for i in who]
        wait(doing)
        for d in doing:
            d.result()

    def friends(self, i):
        return [(i + k) % PEOPLE for k in range(1, FRIENDS + 1)] + [(i - k) % PEOPLE for k in range(1, FRIENDS + 1)]

    def enter(self, i):
        c = Client(self.server)
        if i % 2:
            c.starttls(self.ca)
        [c.plain, c.scram, c.digest_md5][i % 3]("p%d" % i)
        c.bind("home")
        self.people[i] = c
        c.send("<iq type='get' id='r'><query xmlns='jabber:iq:roster'/></iq><presence/>")
        c.until("<iq [^>]*id='r'.*?</iq>|<iq [^>]*id='r'[^>]*/>")

    def register(self, i):
        assert "type='result'" in Client(self.server).register("p%d" % i)[1]
        self.enter(i)

    def befriend(self, i):
        """With the six before and the six behind, who do the same. The others get directed presence: then they may ask, too."""
        c = self.people[i]
        for k in set(range(PEOPLE)) - set(self.friends(i)):
            c.send("<presence to='p%d@localhost'/>" % k)
        for k in self.friends(i):
            c.send("<presence type='subscribe' to='p%d@localhost'/><presence type='subscribed' to='p%d@localhost'/>" % (k, k))

    def befriended(self, i):
        """Each of them ends as a friend both ways, by pushes in whatever order."""
        c, left = self.people[i], set(self.friends(i))
        c.send("<iq type='get' id='f'><query xmlns='jabber:iq:roster'/></iq>")
        while left:
            left -= {int(n) for n in re.findall("jid='p(\\d+)@localhost' subscription='both'", c.until("<iq.*?</iq>"))}

    def write(self, i):
        for k in range(PEOPLE):
            self.people[i].send("<message type='chat' to='p%d@localhost'><body>%d first</body></message>"
                                "<iq type='get' id='q%d' to='p%d@localhost/home'><ping xmlns='urn:xmpp:ping'/></iq>"
                                "<message type='chat' to='p%d@localhost'><body>%d second</body></message>" % (k, i, k, k, k, i))

    def read(self, i):
        """From each one message, an IQ, which is answered, and a second message, in this order; then the own answers."""
        c, seen, answers = self.people[i], {}, set()
        while len(answers) < PEOPLE or sum(map(len, seen.values())) < 3 * PEOPLE:
            got = c.until("<message.*?</message>|<iq [^>]*/>|<iq [^>]*>.*?</iq>")
            stanza = got[max(got.rfind("<message"), got.rfind("<iq ")):]
            sender = re.search("from='p(\\d+)@", stanza).group(1)
            if "type='get'" in stanza:
                c.send("<iq type='result' id='%s' to='p%s@localhost/home'/>" % (re.search("id='(q\\d+)'", stanza).group(1), sender))
                seen.setdefault(sender, []).append("asks")
            elif stanza.startswith("<iq"):
                answers.add(re.search("id='q(\\d+)'", stanza).group(1))
            else:
                seen.setdefault(sender, []).append(re.search("<body>%s (\\w+)<" % sender, stanza).group(1))
        assert all(what == ["first", "asks", "second"] for what in seen.values()), seen

    def break_off(self, i):
        self.people[i].socket.close()

    def miss(self, i):
        """Those that broke off are seen to go, the friends and those who sent directed presence, and written to: before that the
        server may still hold them for connected, and what it writes there is gone."""
        left = set(range(0, PEOPLE, 2))
        while left:
            got = self.people[i].until("<presence [^>]*type='unavailable'[^>]*>")
            left.discard(int(re.search("from='p(\\d+)@localhost/home'", got[got.rfind("<presence"):]).group(1)))
        for k in range(0, PEOPLE, 2):
            self.people[i].send("<message type='chat' to='p%d@localhost'><body>%d missed</body></message>" % (k, i))
        self.people[i].ping()  # answered when they are stored

    def come_back(self, i):
        self.enter(i)
        left = set(range(1, PEOPLE, 2))
        while left:
            left.remove(int(re.search("<body>(\\d+) missed<", self.people[i].until("<message.*?</message>")).group(1)))

    def leave(self, i):
        self.people[i].send("<iq type='set' id='rm'><query xmlns='jabber:iq:register'><remove/></query></iq>")
        self.people[i].until("<iq [^>]*id='rm'")


def main():
    folder = tempfile.mkdtemp(prefix="mynah-crowd-")
    server = Server(sys.argv[1], write(folder, CONFIG))
    crowd = Crowd(server, folder + "/certs/ca.crt")
    even, odd = range(0, PEOPLE, 2), range(1, PEOPLE, 2)

    def friends():
        crowd.all(crowd.befriend)
        crowd.all(crowd.befriended)

    def chat():
        crowd.all(crowd.write)
        crowd.all(crowd.read)

    def absence():
        crowd.all(crowd.break_off, even)
        crowd.all(crowd.miss, odd)
        crowd.all(crowd.come_back, even)

    def crossing():
        """The accounts lie on three loops at least, and what they sent each other went from loop to loop."""
        server.end()
        m = re.search(r"served stanzas=([\d,]+) crossed=(\d+) moved=(\d+)", "".join(server.log))
        print("# stanzas per loop: %s; deliveries from loop to loop: %s; connections moved: %s" % m.groups())
        assert sum(n != "0" for n in m[1].split(",")) >= 3 and int(m[2]) > 0 and int(m[3]) > 0

    bad = tap([("everybody registers and enters", functools.partial(crowd.all, crowd.register)), friends, chat, absence,
               ("a quarter leaves for good", functools.partial(crowd.all, crowd.leave, range(0, PEOPLE, 4))), crossing],
              lambda: server.log)
    clean(server, folder)
    return bad != 0


sys.exit(main())
