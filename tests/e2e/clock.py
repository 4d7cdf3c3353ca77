#!/usr/bin/python3
"""The clock of the machine is set, forth and back, while two chat: nobody loses anything by it, and what has a date has the one of
then. Prints TAP.    usage: clock.py MYNAHD CLOCK.so"""
import datetime, os, re, shutil, struct, sys, tempfile, time

sys.path.append(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from beside import Beside
from mynah import DEADLINE, Client, Server, end_all, person as come, write

MYNAHD, SHIM = map(os.path.abspath, sys.argv[1:3])
FOLDER = tempfile.mkdtemp(prefix="mynah-clock-")
SM, DAY = "urn:xmpp:sm:3", 86400
NOW = int(time.time())
# One loop: of several, one that is about to read its mail may have the time of before still.
CONFIG = """
data: %s/data
loops: 1
listen: [{address: "127.0.0.1", port: 0, tls: offered}]
auth: {mechanisms: [PLAIN, SCRAM-SHA-256], without_tls: [PLAIN, SCRAM-SHA-256], iterations: 4096}
registration: {open: yes, per_address: off}
"""
STEPS = [("an hour", 3600), ("a day back", -DAY), ("a year", 365 * DAY), ("before 2000", 900000000 - NOW), ("the first second", 5 - NOW),
         ("2^31 is near", (1 << 31) - 2 - NOW), ("behind 2^31", (1 << 31) + DAY - NOW), ("behind 2^32", (1 << 32) + DAY - NOW), ("now", 0)]


def set_clock(seconds):
    with open(FOLDER + "/clock", "r+b", buffering=0) as f:
        f.write(struct.pack("q", seconds))


def person(name, resource):
    return come(server, name, resource)


def date(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def messages_that_wait_have_the_date_of_then():
    """They come in the order in which they were sent, whatever their dates say."""
    romeo, dates = person("romeo", "r"), []
    for name, by in STEPS:
        set_clock(by)
        dates.append(int(time.time()) + by)
        romeo.send("<message to='juliet@localhost' type='chat'><body>%s</body></message>" % name)
        romeo.ping()
    juliet = person("juliet", "late")
    juliet.send("<presence/>")
    got = juliet.until("<body>now</body>.*?</message>")
    assert re.findall("<body>(.*?)</body>", got) == [name for name, _ in STEPS], got
    stamps = [date(s) for s in re.findall(" stamp='([^']*)'", got)]
    assert len(stamps) == len(dates) and all(0 <= s - d < 4 * DEADLINE for s, d in zip(stamps, dates)), (stamps, dates)
    for c in romeo, juliet:
        c.socket.close()


def a_session_that_waits_is_there_still():
    """For as long as was agreed, by the clock that is not set."""
    for name, by in STEPS:
        set_clock(0)
        romeo, juliet = person("romeo", "r"), person("juliet", "waits")
        juliet.send("<enable xmlns='%s' resume='true'/>" % SM)
        previd = re.search("id='([^']*)'", juliet.until("<enabled[^>]*/>")).group(1)
        juliet.socket.close()
        set_clock(by)
        romeo.send("<message to='juliet@localhost/waits' type='chat'><body>still there?</body></message>")
        romeo.ping()
        again = Client(server)
        assert "<success" in again.plain("juliet")
        again.open()
        again.send("<resume xmlns='%s' previd='%s' h='0'/>" % (SM, previd))
        assert "<resumed" in again.until("still there.*?</message>"), (name, again.text)
        for c in romeo, again:
            c.send("</stream:stream>")
            c.ends()


def logins_and_commands():
    for name, by in STEPS:
        set_clock(by)
        c = Client(server)
        c.scram("romeo")
        c.bind("clock")
        began = time.time() + by
        c.send("<iq type='get' id='t' to='localhost'><query xmlns='jabber:iq:last'/></iq><iq type='get' id='u' to='localhost'><time xmlns='urn:xmpp:time'/></iq>")
        got = c.until("<iq [^>]*id='t'.*?>.*<iq [^>]*id='u'.*?</iq>")
        assert int(re.search("seconds='([0-9]+)'", got).group(1)) < 100 * DEADLINE, (name, got)
        assert began - 2 <= date(re.search("<utc>([^<]*)</utc>", got).group(1)) <= time.time() + by + 2, (name, got)
        status = beside.ask("status")
        assert status["sessions"] >= 3 and 0 <= status["uptime_seconds"] < 100 * DEADLINE, (name, status)
        assert beside.ask("user", "show", jid="romeo@localhost")["sessions"] == 1
        c.send("</stream:stream>")
        c.ends()


def over_a_restart():
    """What was written in another time is read in this one."""
    global server
    for name, by in STEPS[1:6]:
        set_clock(by)
        romeo = person("romeo", "r")
        romeo.send("<iq type='set' id='s'><query xmlns='jabber:iq:private'><k xmlns='urn:k'>%s</k></query></iq>" % name)
        romeo.until("<iq [^>]*id='s'[^>]*/>")
        romeo.send("<message to='juliet@localhost'><body>%s</body></message>" % name)
        romeo.ping()
        server.end()
        set_clock(0)
        start()
        romeo, juliet = person("romeo", "r"), person("juliet", "r")
        juliet.send("<presence/>")
        juliet.until("<body>%s</body>.*?</message>" % re.escape(name))
        romeo.send("<iq type='get' id='g'><query xmlns='jabber:iq:private'><k xmlns='urn:k'/></query></iq>")
        assert ">%s<" % name in romeo.until("<iq [^>]*id='g'.*?</iq>")
        for c in romeo, juliet:
            c.send("</stream:stream>")
            c.ends()


def start():
    global server
    server = Server(MYNAHD, FOLDER + "/mynahd.yaml", env={"LD_PRELOAD": SHIM, "MYNAH_CLOCK": FOLDER + "/clock",
                                                         "ASAN_OPTIONS": "verify_asan_link_order=0"})


try:
    write(FOLDER, CONFIG)
    with open(FOLDER + "/clock", "wb") as f:
        f.write(bytes(8))
    start()
    for name in "from", "to", "romeo", "juliet":
        assert "type='result'" in Client(server).register(name)[1]
    beside = Beside(server, FOLDER + "/data")
    bad = beside.tap([messages_that_wait_have_the_date_of_then, a_session_that_waits_is_there_still, logins_and_commands],
                     [over_a_restart, ("it_ends_in_order", lambda: server.end())])
finally:
    end_all()
    shutil.rmtree(FOLDER)
sys.exit(bad != 0)
