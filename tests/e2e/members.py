#!/usr/bin/python3
"""What those try who have an account: to say that something is of the server or of somebody else, to fill what waits for another, to be taken
for him by his name, and to talk in ways that nobody offered. Prints TAP. usage: members.py MYNAHD"""
import contextlib, os, re, shutil, sys, tempfile, zlib

sys.path.append(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from beside import Beside
from mynah import Client, Server, enable, end_all, person, write

FOLDER = tempfile.mkdtemp(prefix="mynah-members-")
MOST, OF_ONE, REQUESTS = 20, 8, 4
CONFIG = """
data: %%s/data
loops: 3
domains: [{name: localhost}]
listen: [{address: "127.0.0.1", port: 0, tls: offered}]
components: [{name: echo.localhost, secret: abc}]
auth: {mechanisms: [PLAIN], without_tls: [PLAIN], iterations: 4096}
registration: {open: yes, per_address: off}
roster: {max_requests: %d}
limits: {stanza: 64k, refused_forms: 100, wrong_credentials: 100}
modules: {offline: {max_messages: %d, max_per_sender: %d, max_bytes: 128k}}
""" % (REQUESTS, MOST, OF_ONE)
COMPRESS = "<compress xmlns='http://jabber.org/protocol/compress'><method>zlib</method></compress>"
BAD_REQUEST, MALFORMED = "bad-request", "jid-malformed"


def there(name, resource="r"):
    c = person(server, name, resource)
    c.send("<iq type='set' id='on'><enable xmlns='urn:xmpp:carbons:2'/></iq><presence/>")
    c.until("<iq [^>]*id='on'[^>]*/>", "<presence [^>]*>")
    return c


def gone(*clients):
    """In good order: they have had all that they were given."""
    for c in clients:
        c.has_all()
        c.send("</stream:stream>")
        c.ends()
        c.socket.close()


def waited(c, name):
    """What had waited for somebody who has just come: it goes before what comes behind it."""
    c.send("<message to='%s@localhost/r' type='headline'><body>end</body></message>" % name)
    return c.until("<body>end</body></message>") + c.has_all()


def fresh(*names):
    """Accounts that have nothing from before."""
    for name in names:
        with contextlib.suppress(TypeError, KeyError):  # it is not there
            beside.ask("user", "remove", jid=name + "@localhost")
        assert "type='result'" in Client(server).register(name)[1]


SID, DELAY = "urn:xmpp:sid:0", "urn:xmpp:delay"
OURS = "".join("<stanza-id xmlns='%s' id='forged' by='%s'/>" % (SID, by) for by in ("victim@localhost", "VICTIM@LocalHost", "localhost", "mallory@localhost")) * 2 + \
       "<x:stanza-id xmlns:x='%s' id='forged' by='victim@localhost'><y/></x:stanza-id>" % SID + \
       "<delay xmlns='%s' from='localhost' stamp='1999-01-01T00:00:00Z'>forged</delay>" % DELAY * 2
THEIRS = "<stanza-id xmlns='%s' id='kept' by='room@else.example'/><delay xmlns='%s' from='else.example' stamp='2001-01-01T00:00:00Z'/>" % (SID, DELAY)
INSIDE = "<forwarded xmlns='urn:xmpp:forward:0'>%s<message xmlns='jabber:client' from='to@localhost'>%s<body>inside</body></message></forwarded>" % (
    "<delay xmlns='%s' from='localhost' stamp='2002-01-01T00:00:00Z'/>" % DELAY, "<stanza-id xmlns='%s' id='inner' by='victim@localhost'/>" % SID)
COPY = "<%s xmlns='urn:xmpp:carbons:2'>" + INSIDE + "</%s>"
ARCHIVED = "<result xmlns='urn:xmpp:mam:2' queryid='q' id='1'>" + INSIDE + "</result>"


def marks_of_others():
    """Ids and delays that say they are ours are taken out, all of them, on each way to the recipient and in each copy; those of others
    and what is forwarded stay. What looks like a copy or an archive's result has the name of who made it up."""
    fresh("victim")
    victim, phone, mallory, tablet = there("victim", "desk"), there("victim", "phone"), there("mallory", "m"), there("mallory", "tablet")
    bodies = ["<body>%d</body>" % i for i in range(4)]
    ways = [("to", "victim@localhost/desk"), ("to", "victim@localhost")]
    for i, (_, to) in enumerate(ways):
        mallory.send("<message to='%s' type='chat'>%s%s%s%s</message>" % (to, OURS, bodies[i], THEIRS, INSIDE))
        for c in victim, phone, tablet:
            got = c.until("<body>%d</body>.*inside.*?</message>(</forwarded></(received|sent)></message>)?" % i)
            assert "forged" not in got and got.count("'kept'") == 1 and "2001-01-01" in got and "'inner'" in got and "2002-01-01" in got, got
    for what in COPY % ("received", "received"), COPY % ("sent", "sent"), ARCHIVED:
        mallory.send("<message to='victim@localhost/desk'>%s</message>" % what)
        got = victim.until("<message [^>]*>.*?</forwarded></(received|sent|result)></message>")
        assert re.match("<message [^>]*from='mallory@localhost/m'", got[got.index("<message"):]), got
    for c in victim, phone:
        c.send("<presence type='unavailable'/>")
        c.ping()
    mallory.send("<message to='victim@localhost'>%s<body>stored</body>%s%s</message>" % (OURS, THEIRS, INSIDE))
    mallory.ping()
    victim.send("<presence/>")
    got = victim.until("<body>stored</body>.*?</forwarded>.*?</message>")
    own = got.rpartition("</forwarded>")[2]
    assert "forged" not in got and "'kept'" in got and own.count("by='victim@localhost'") == 1 and "1999-" not in got, got
    gone(victim, phone, mallory, tablet)


def flood_of_one_victim():
    """Messages for somebody who is away: so many of a sender, so many of all, so many bytes, of a sender half of them. Each that is too
    many is refused, those of others wait beside it, and there is room again when they have been read."""
    fresh("victim")
    mallory, second, friend = (person(server, name) for name in ("mallory", "second", "friend"))

    def flood(c, count, body="x"):
        c.send("".join("<message to='victim@localhost' id='%d' type='chat'><body>%s</body></message>" % (i, body) for i in range(count)))
        got = c.ping()
        refused = re.findall("<message [^>]*id='(\\d+)'[^>]*>.*?<service-unavailable ", got)
        assert sorted(map(int, refused)) == list(range(count - len(refused), count)), refused
        return count - len(refused)
    assert [flood(c, 500) for c in (mallory, second)] == [OF_ONE] * 2
    assert flood(friend, 1, "of a friend") == 1 and flood(mallory, 50) == 0
    assert flood(friend, 50, "too") == MOST - 2 * OF_ONE - 1
    victim = there("victim")
    got = waited(victim, "victim")
    assert got.count("<body>") == MOST + 1 and got.count("<body>of a friend</body>") == 1, got
    gone(victim)
    assert [flood(mallory, 10, "x" * 40000), flood(friend, 1, "of a friend"), flood(second, 10, "x" * 40000), flood(friend, 1)] == [2, 1, 2, 0]  # by bytes
    victim = there("victim")
    got = waited(victim, "victim")
    assert got.count("<body>") == 5 + 1 and got.count("<body>of a friend</body>") == 1, got
    gone(victim)
    assert flood(friend, 1, "there is room") == 1
    victim = there("victim")
    assert "there is room" in waited(victim, "victim")
    gone(victim)
    for c in mallory, second, friend:
        c.socket.close()


def flood_of_requests():
    """Subscriptions that somebody who is away is asked for: so many, and then no more."""
    fresh("victim")
    for i in range(3 * REQUESTS):
        name = "asks%d" % i
        Client(server).register(name)  # if it is not there
        asks = person(server, name)
        asks.send("<presence type='subscribe' to='victim@localhost'/>")
        asks.ping()
        asks.socket.close()
    victim = there("victim")
    got = waited(victim, "victim")
    assert len(re.findall("<presence [^>]*type='subscribe'", got)) == REQUESTS, got
    gone(victim)


def the_name_of_somebody_who_left():
    """Nothing of the old account is there for who takes its name: not what waited, its session, roster, card, things, password; and those who knew
    it neither see nor reach him by what they had."""
    fresh("leaver", "contact")
    old, contact = there("leaver", "old"), there("contact", "c")
    old.send("<presence type='subscribe' to='contact@localhost'/>")
    contact.until("<presence [^>]*type='subscribe'[^>]*>")
    contact.send("<presence type='subscribed' to='leaver@localhost'/><presence type='subscribe' to='leaver@localhost'/>")
    old.until("<presence [^>]*type='subscribe'[^>]*>", "<presence [^>]*from='contact@localhost/c'[^>]*>")
    old.send("<presence type='subscribed' to='contact@localhost'/>")
    contact.until("<presence [^>]*from='leaver@localhost/old'[^>]*>")
    for i, what in enumerate(["<vCard xmlns='vcard-temp'><FN>secret</FN></vCard>", "<query xmlns='jabber:iq:private'><k xmlns='urn:k'>secret</k></query>",
                              "<block xmlns='urn:xmpp:blocking'><item jid='secret@localhost'/></block>"]):
        old.send("<iq type='set' id='s%d'>%s</iq>" % (i, what))
        old.until("<iq [^>]*id='s%d'[^>]*type='result'[^>]*>|<iq [^>]*type='result'[^>]*id='s%d'[^>]*>" % (i, i))
    kept = person(server, "leaver", "kept")
    previd = enable(kept)
    kept.socket.close()
    old.send("<presence type='unavailable'/>")
    old.ping()
    contact.send("<message to='leaver@localhost'><body>secret</body></message><message to='leaver@localhost/kept'><body>secret</body></message>")
    contact.ping()
    old.send("<iq type='set' id='bye'><query xmlns='jabber:iq:register'><remove/></query></iq>")
    old.until("<iq [^>]*id='bye'[^>]*/>")
    old.ends()
    contact.has_all()
    assert "type='result'" in Client(server).register("leaver", "another")[1]
    c = Client(server)
    assert "<not-authorized" in c.plain("leaver")
    assert "<success" in c.plain("leaver", "another")
    c.open()
    c.send("<resume xmlns='urn:xmpp:sm:3' previd='%s' h='0'/>" % previd)
    assert "<item-not-found" in c.until("</failed>")
    c.send("<iq type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>r</resource></bind></iq>"
           "<iq type='get' id='r'><query xmlns='jabber:iq:roster'/></iq><iq type='get' id='v'><vCard xmlns='vcard-temp'/></iq>"
           "<iq type='get' id='p'><query xmlns='jabber:iq:private'><k xmlns='urn:k'/></query></iq>"
           "<iq type='get' id='b'><blocklist xmlns='urn:xmpp:blocking'/></iq><presence/>")
    got = c.until("<iq [^>]*id='b'.*?/>") + waited(c, "leaver")
    assert "secret" not in got and "contact" not in got, got
    got = contact.has_all()
    assert "leaver" not in got, got
    contact.send("<presence type='probe' to='leaver@localhost'/>")
    contact.ping()
    again = there("contact", "again")
    assert "leaver@localhost/" not in again.has_all()
    gone(c, contact, again)


GROWS, LONG = "\ufdfa" * 340, "a" * 1024  # eighteen characters each when it is prepared; one byte too long
NO_NAMES = [  # what nobody can be called
    "jul\u200biet", "jul\u202eiet", "jul\u00adiet", "juliet\u00a0", "a\U0001fffe", "a\ufdd0", "a\ue000", "a\u2603", "\U0001d423\U0001d42e\U0001d425\U0001d422\U0001d41e\U0001d42d",
    "a b", "a\u3000b", "\u0627a", GROWS, LONG, ""]
SAME = ["JULIET", "\uff4a\uff55\uff4c\uff49\uff45\uff54"]  # prepared, or refused: never another's
LOOKS = "jul\u0456et", "\u03f3uliet"  # of other scripts


def register(name):
    c = Client(server)
    c.send("<iq type='set' id='s'><query xmlns='jabber:iq:register'><username>%s</username><password>thief</password></query></iq>" % name)
    got = c.until("<iq [^>]*id='s'[^>]*(/>|>.*?</iq>)")
    c.socket.close()
    return re.search("<(conflict|not-acceptable|bad-request|jid-malformed) ", got).group(1) if "type='error'" in got else "result"


def names_that_look_like_another():
    """No account has the name of another in other letters, nor one that cannot be seen, is no text or grows when it is prepared; one of
    another script is another: what is for the one does not reach the other."""
    fresh("juliet")
    said = {name: register(name) for name in NO_NAMES + SAME}
    assert not [n for n in NO_NAMES if said[n] not in ("not-acceptable", BAD_REQUEST)], said
    assert not [n for n in SAME if said[n] not in ("conflict", "not-acceptable")], said
    for name in LOOKS:
        register(name)  # whether it may be had or not
    juliet, mallory, like = there("juliet"), there("mallory"), []
    for name in LOOKS:
        c = Client(server)
        if "<success" in c.plain(name, "thief"):
            c.bind("r")
            c.send("<presence/>")
            like.append(c)
    for name in "juliet", *SAME:
        mallory.send("<message to='%s@localhost' type='chat'><body>for her</body></message>" % name)
        assert "from='mallory@localhost/r'" in juliet.until("<message .*?<body>for her</body></message>")
    for c in like:
        got = c.ping()
        assert "for her" not in got, got
        beside.ask("user", "remove", jid=re.search("to='([^/]*)/", got).group(1))
        c.ends()
    gone(juliet, mallory)


def addresses_that_are_none():
    """The same in the addresses of stanzas, in rosters, block lists and resources."""
    c = there("mallory")
    for name in GROWS, LONG, "a\U0001fffe", "a b", "a&lt;b", "":
        for to in name + "@localhost", "juliet@" + (name or "a..b"), "juliet@localhost/" + (name if name in (GROWS, LONG, "") else "\U0001fffe"):
            c.send("<message id='m' to='%s'><body>x</body></message>" % to)
            assert "<%s " % MALFORMED in c.until("<message [^>]*id='m'.*?</message>"), to
            for what in "<query xmlns='jabber:iq:roster'><item jid='%s'/></query>", "<block xmlns='urn:xmpp:blocking'><item jid='%s'/></block>":
                c.send("<iq type='set' id='s'>%s</iq>" % what % to)
                got = c.until("<iq [^>]*id='s'[^>]*(/>|>.*?</iq>)")
                assert re.search("<(%s|%s) " % (MALFORMED, BAD_REQUEST), got), (what, got)
    for resource in GROWS, LONG, "a\U0001ffff", "a\ufdd0":
        other = Client(server)
        assert "<success" in other.plain("mallory")
        assert "<%s " % BAD_REQUEST in other.bind(resource)[1], resource
        other.socket.close()
    gone(c)


def ways_that_nobody_offered():
    """Compression where there is none: asked for, and not even that."""
    packed = zlib.compress(b"<stream:stream to='localhost' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>" + b" " * (1 << 20))
    for data, condition in (COMPRESS.encode(), "unsupported-stanza-type"), (COMPRESS.encode() + packed, "unsupported-stanza-type"), (packed, "not-well-formed|bad-format"):
        for opened in True, False:
            c = Client(server, opened=opened)
            assert "compress" not in getattr(c, "features", ""), c.features
            if not opened and data[:1] == b"<":
                c.header()
            got = ended(c, data)
            assert re.search("<(%s) " % condition, got) and "<compressed" not in got, got
        c = person(server, "mallory")
        got = ended(c, data)
        assert re.search("<(%s) " % condition, got) and "<compressed" not in got, got


def ended(c, data):
    with contextlib.suppress(ConnectionError):
        c.socket.sendall(data)
        c.ends()
    c.socket.close()
    return c.text


try:
    server = Server(os.path.abspath(sys.argv[1]), write(FOLDER, CONFIG))
    for name in "from", "to", "mallory", "second", "friend":
        assert "type='result'" in Client(server).register(name)[1]
    beside = Beside(server, FOLDER + "/data")
    bad = beside.tap([marks_of_others, flood_of_one_victim, flood_of_requests, the_name_of_somebody_who_left, names_that_look_like_another,
                      addresses_that_are_none, ways_that_nobody_offered], [("it_ends_in_order", server.end)])
finally:
    end_all()
    shutil.rmtree(FOLDER)
sys.exit(bad != 0)
