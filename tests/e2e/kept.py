#!/usr/bin/python3
"""Messages of sessions that waited over a restart (XEP-0198), while the power goes: none is lost, none comes twice. Prints TAP.
usage: kept.py MYNAHD DISK.so [KILLS [SEED]]"""
import contextlib, os, random, re, sqlite3, subprocess, sys, time

sys.path.append(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from mynah import DEADLINE, FULL, SLOW, SM, Client, Control, Disk, enable, person, tap, wait_for

MYNAHD, DISK = sys.argv[1:3]
KILLS = int(sys.argv[3]) if len(sys.argv) > 3 else 6
SEED = int(sys.argv[4]) if len(sys.argv) > 4 else 1
CONFIG = """
data: %s/data
loops: 4
listen:
  - {address: "127.0.0.1", port: 0, tls: offered}
auth: {mechanisms: [PLAIN], without_tls: [PLAIN], iterations: 4096}
registration: {open: yes, per_address: off}
"""


class Machine(Disk):
    def __init__(self):
        super().__init__(MYNAHD, DISK, CONFIG, SEED)
        self.begin("juliet", "romeo", "nurse")

    def again(self):
        """Asked to stop, and there again."""
        self.server.end()
        self.start()

    def crash(self):
        self.power_off()
        self.start()

    def person(self, resource):
        return person(self.server, "juliet", resource)

    def come(self, resource):
        """A new session of juliet, which is there and can be resumed; and its id."""
        c = self.person(resource)
        c.send("<presence/>")
        c.has_all()
        return c, enable(c)

    def back(self, previd):
        """The session goes on, its client having nothing."""
        c = Client(self.server)
        assert "<success" in c.plain("juliet")
        c.open()
        c.send("<resume xmlns='%s' previd='%s' h='0'/>" % (SM, previd))
        c.until("<resumed[^>]*/>")
        return c

    def say(self, *bodies, to="juliet@localhost"):
        """Each from somebody else in turn."""
        for i, body in enumerate(bodies):
            c = person(self.server, ["romeo", "nurse"][i % 2], "s%d" % i)
            c.send("<message type='chat' to='%s'><body>%s</body></message>" % (to, body))
            c.ping()
            c.send("</stream:stream>")
            c.ends()

    def waits(self, resource):
        """What a new session of juliet gets."""
        c = self.person(resource)
        c.send("<presence/><message to='juliet@localhost/%s' type='headline'><body>end</body></message>" % resource)
        got = c.until("<body>end</body>")
        got += c.has_all()
        c.send("</stream:stream>")
        got += c.ends()
        return [b for b in re.findall("<body>([^<]*)</body>", got) if b != "end"]


def acknowledge(c, h):
    c.send("<a xmlns='%s' h='%d'/><iq type='set' id='k'><query xmlns='jabber:iq:private'><k xmlns='urn:k'>%d</k></query></iq>" % (SM, h, h))
    c.until("<iq [^>]*id='k'[^>]*/>")  # is on the disk, and what came before it too


def what_one_has_acknowledged_does_not_come_again():
    """Two resources have messages; after the restart one comes back and acknowledges the first, the other one never does."""
    with Machine() as machine:
        phone, desk = machine.come("phone"), machine.come("desk")
        phone[0].until("<presence[^>]*desk[^>]*/>")
        machine.say("one", "two")
        machine.again()
        c = machine.back(phone[1])
        c.until("<body>two</body>.*?</message>")
        acknowledge(c, 2)  # the presence of the other and the first
        machine.crash()
        machine.again()  # it is known over more than one start
        got = machine.waits("desk")  # takes the place of the other session, which ends
        assert got == ["two"], got


def each_gets_its_own_copy_still():
    with Machine() as machine:
        phone, desk = machine.come("phone"), machine.come("desk")
        phone[0].until("<presence[^>]*desk[^>]*/>")
        machine.say("one")
        machine.again()
        c = machine.back(phone[1])
        c.until("<body>one</body>.*?</message>")
        acknowledge(c, 2)
        machine.crash()
        machine.back(desk[1]).until("<body>one</body>.*?</message>")


def what_was_written_down_stays_until_its_client_has_it():
    """The session goes on after the restart, and the power goes: what its client has not acknowledged is there, once, in order."""
    for blocked, h, left in (False, 0, ["one", "two", "three"]), (False, 1, ["two", "three"]), (False, 3, []), (True, 1, ["three"]), (True, 2, []):
        machine = Machine()
        try:
            _, previd = machine.come("phone")
            machine.say("one", "two", "three")
            machine.again()
            if blocked:  # whoever has said "two": what follows has another number on the stream than in the record
                c = machine.person("desk")
                c.send("<iq type='set' id='b'><block xmlns='urn:xmpp:blocking'><item jid='nurse@localhost'/></block></iq>")
                c.until("<iq [^>]*id='b'[^>]*/>")
            c = machine.back(previd)
            assert ("two" in c.until("<body>three</body>.*?</message>")) != blocked
            acknowledge(c, h)
            machine.crash()
            got = machine.waits("desk")
            assert got == left, (blocked, h, got)
            machine.again()
            assert not machine.waits("desk")
            machine.server.end()
        finally:
            machine.end()


def what_two_share_is_there_until_one_of_them_has_it():
    """The first comes back and goes with the power; then the other."""
    machine = Machine()
    try:
        phone, desk = machine.come("phone"), machine.come("desk")
        phone[0].until("<presence[^>]*desk[^>]*/>")
        machine.say("one", "two")
        machine.again()
        machine.back(phone[1]).until("<body>two</body>.*?</message>")
        machine.crash()
        machine.back(desk[1]).until("<body>two</body>.*?</message>")
        machine.crash()
        got = machine.waits("other")
        assert got == ["one", "two"], got
        machine.server.end()
    finally:
        machine.end()


class Mute(Client):
    """Does not say what it has."""

    def hear(self, data):
        self.text += self.decoder.decode(data)


def what_is_handed_on_is_there_until_somebody_has_it():
    """The session ends while another resource is there, which gets all of it, and the power goes."""
    for kind, resumable, left in (Mute, False, ["one", "two"]), (Mute, True, ["one", "two"]), (Client, False, []):
        machine = Machine()
        try:
            machine.come("r")
            machine.say("one", "two")
            machine.again()
            c = kind(machine.server)
            assert "<success" in c.plain("juliet")
            c.bind("there")
            if resumable:
                enable(c)
            c.send("<presence/>")
            c.until("<presence[^>]*there[^>]*/>")
            machine.person("r")
            c.until("<body>two</body>.*?</message>")
            if not left:
                c.has_all()
            machine.crash()
            got = machine.waits("other")
            assert got == left, (kind, resumable, got)
            machine.server.end()
        finally:
            machine.end()


def a_full_disk_where_a_session_ends_takes_nothing():
    """What it had is with the account as soon as there is room, or after the next start."""
    bodies = ["one", "two", "three"]
    for then in None, Machine.again, Machine.crash:
        machine = Machine()
        try:
            machine.come("r")
            machine.say(*bodies)
            machine.again()
            machine.set(FULL, 1)
            c = machine.person("r")
            control = Control(machine.data + "/control.sock")
            wait_for(lambda: control.ask("status")["failed_commits"], "nothing was to be stored")
            if then:
                then(machine)
            else:
                machine.set(FULL, 0)
                c.send("<presence/>")
                got = c.until(*("<body>%s</body>" % b for b in bodies)) + c.has_all()
                assert re.findall("<body>([^<]*)</body>", got) == bodies, got
                machine.crash()
            got = machine.waits("r")
            assert got == (bodies if then else []), (then, got)
            machine.server.end()
        finally:
            machine.end()


def a_session_whose_record_cannot_be_ended_does_not_go_on():
    """After a crash it would be there with counters of before. Its client hears how far it got, and has what waited as soon as there is room."""
    with Machine() as machine:
        _, previd = machine.come("r")
        machine.say("one", "two")
        machine.again()
        machine.set(FULL, 1)
        c = Client(machine.server)
        c.plain("juliet")
        c.open()
        c.send("<resume xmlns='%s' previd='%s' h='0'/>" % (SM, previd))
        got = c.until("</failed>")
        assert "<item-not-found" in got and " h='0'" in got, got
        assert machine.waits("r") == []
        machine.set(FULL, 0)
        had = []

        def both():
            had.extend(machine.waits("r"))
            return had == ["one", "two"]
        wait_for(both, lambda: "of what waited there is %s" % had)
        machine.crash()
        assert machine.waits("r") == []
        machine.server.end()


def how_far_it_got_is_known_all_the_time():
    """A crash before the client has sent anything more than <resume/>: what it had sent before the restart is not to be sent again."""
    with Machine() as machine:
        c, previd = machine.come("r")
        c.send("<message type='chat' to='romeo@localhost'><body>stored</body></message><message type='chat' to='nurse@localhost'><body>too</body></message>")
        c.ping()
        machine.again()
        machine.back(previd)
        machine.crash()
        c = Client(machine.server)
        c.plain("juliet")
        c.open()
        c.send("<resume xmlns='%s' previd='%s' h='0'/>" % (SM, previd))
        assert " h='3'" in c.until("</failed>")


def what_goes_on_is_neither_lost_nor_doubled():
    """The power goes about when a session that waited has ended: what it had is in its record or with the account, not in both."""
    chance = random.Random(SEED)
    with Machine() as machine:
        for kill in range(KILLS):
            c, _ = machine.come("r")
            bodies = ["%d.%d" % (kill, i) for i in range(chance.choice([1, 3, 8]))]
            machine.say(*bodies)
            machine.again()
            c = Client(machine.server)
            c.plain("juliet")
            c.bind("r")  # the answer says that the old session has ended
            time.sleep(chance.choice([0, 0, 0, 0.002, 0.005, 0.02]))
            machine.crash()
            got = machine.waits("r")
            for who in 0, 1:  # each of the two in order
                assert [b for b in got if b in bodies[who::2]] == bodies[who::2], (kill, got)
            assert len(got) == len(bodies), (kill, got)


def who_cannot_be_read_keeps_nobody_else_waiting():
    """The start finds a session of an account whose part of the database is damaged."""
    with Machine() as machine:
        machine.come("r")
        Client(machine.server).register("benvolio")
        for c in person(machine.server, "benvolio"), person(machine.server, "nurse"):  # nobody else stands beside juliet
            for i in range(20):
                c.send("<iq type='set' id='p%d'><query xmlns='jabber:iq:private'><k%d xmlns='urn:k'>%s</k%d></query></iq>" % (i, i, "x" * 900, i))
                assert "result" in c.until("<iq [^>]*id='p%d'[^>]*>" % i)
        machine.server.end()
        with open(machine.data + "/mynah.db", "r+b") as f:
            pages, hurt = f.read(), 0
            for at in range(0, len(pages), 4096):
                page = pages[at:at + 4096]
                if page[0] == 10 and b"juliet@localhostuser" in page:
                    assert b"romeo" not in page and b"secret" not in page
                    f.seek(at)
                    f.write(bytes(8))
                    hurt += 1
        assert hurt
        machine.start()
        said = [l for l in machine.server.log if "sessions of before the restart could not be read" in l]
        assert len(said) == 1 and "do=" in said[0], machine.server.log
        person(machine.server, "romeo")


def who_is_asked_to_stop_while_it_starts_does():
    """Also when the disk does not answer."""
    with Machine() as machine:
        machine.come("r")
        machine.server.end()
        troubles = bytearray(7)
        troubles[SLOW] = 255
        p = subprocess.Popen([MYNAHD, "--config", machine.folder + "/mynahd.yaml"], stderr=subprocess.PIPE, text=True,
                             env={**os.environ, **machine.prepare(troubles)})
        try:
            def reads():
                # Not by readlink: it may have been closed since it was listed.
                return any(os.path.realpath("/proc/%d/fd/%s" % (p.pid, fd)).endswith("/mynah.db") for fd in os.listdir("/proc/%d/fd" % p.pid))
            wait_for(reads, "it has not opened the database")
            p.terminate()
            assert p.wait(DEADLINE) == 0 and p.stderr.read().endswith("mynahd: stopped before it was ready\n")
        finally:
            p.kill()
            p.wait()


sys.exit(1 if tap([what_one_has_acknowledged_does_not_come_again, each_gets_its_own_copy_still,
                   what_was_written_down_stays_until_its_client_has_it, what_two_share_is_there_until_one_of_them_has_it,
                   what_is_handed_on_is_there_until_somebody_has_it, a_full_disk_where_a_session_ends_takes_nothing,
                   a_session_whose_record_cannot_be_ended_does_not_go_on,
                   how_far_it_got_is_known_all_the_time, what_goes_on_is_neither_lost_nor_doubled, who_cannot_be_read_keeps_nobody_else_waiting,
                   who_is_asked_to_stop_while_it_starts_does]) else 0)
