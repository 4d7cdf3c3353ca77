"""The frame of what is hostile (e2e/hostile and others): two chat beside it all the while, each message within the deadline, and
behind each step the server's own counters are back where they were. The deadline is that of a machine with other things to do; of
what a message took, the time for which nobody but the server can be blamed is less."""
import contextlib, functools, glob, os, threading, time

from mynah import DEADLINE, Control, person, tap, wait_for

MARK = ", two chatting beside it"  # of the name of such a step; tests/requirements/check.py looks for it
LANES = 8  # files that are opened when a lane first reads the store
SLACK = 32 << 10  # bytes: what is on its way between the two, and buffers that each loop keeps for the next (net/conn.c)
STILL = 10  # seconds: a server that lets a message wait as long, and did not wait for a processor, stands still


def starved(*pids):
    """For how long each thread of these processes was ready to run and did not, by the machine's account, in seconds."""
    times = {}
    for pid in pids:
        for path in glob.glob("/proc/%d/task/*/schedstat" % pid):
            with contextlib.suppress(OSError, IndexError), open(path) as f:  # it has ended
                times[path] = int(f.read().split()[1]) / 1e9
    return times


class Bystanders:
    """Two who send each other numbered messages, each to arrive within the deadline, beside whatever else happens. The accounts are
    from@ and to@, and are there already."""

    def __init__(self, server, come):
        self.server, self.come, self.end, self.said, self.error, self.longest, self.stood = server, come, threading.Event(), 0, None, 0, 0
        self.thread = threading.Thread(target=self.chat, daemon=True)
        self.thread.start()

    def chat(self):
        try:
            a, b = (self.come(name) for name in ("from", "to"))
            processes = self.server.process.pid, os.getpid()
            while not self.end.is_set():
                before, first = starved(*processes), time.monotonic()
                for x, y, to in (a, b, "to"), (b, a, "from"):
                    began = time.monotonic()
                    x.send("<message to='%s@%s/r' type='chat'><body>%d</body></message>" % (to, self.server.host, self.said))
                    y.until("<body>%d</body></message>" % self.said)
                    self.longest = max(self.longest, time.monotonic() - began)
                took = time.monotonic() - first
                if took > STILL and before:
                    self.stood = max(self.stood, took - sum(then - before.get(path, 0) for path, then in starved(*processes).items()))
                self.said += 1
                self.end.wait(0.005)
        except Exception as e:
            self.error = repr(e)

    def go_on(self, since=None):
        since = self.said if since is None else since
        wait_for(lambda: self.error or self.said > since, "nobody chats")
        assert not self.error, self.error

    def were_not_disturbed(self):
        self.end.set()
        self.thread.join(2 * DEADLINE)
        assert not self.error and self.stood < STILL, self.error or "the server stood still for %.0f s" % self.stood
        print("# %d messages each way, the slowest took %.2f s" % (self.said, self.longest))


def once(step):
    """Marks one that takes long, or that cannot be done a second time."""
    step.once = True
    return step


class Beside:
    """Of a server whose data are in `data` and which has the accounts of the two; `come` is how one of them gets there, as far as `r`
    is bound, where it is not by PLAIN without TLS."""

    def __init__(self, server, data, come=None):
        self.server, self.control = server, Control(data + "/control.sock")
        self.bystanders = Bystanders(server, come or functools.partial(person, server))
        self.ask = self.control.ask
        self.bystanders.go_on(0)
        self.left()

    def left(self):
        """When only those two are there: what the server holds, in bytes and in files."""
        def quiet():
            s = self.ask("status")
            return s["connections"] == s["sessions"] == 2
        wait_for(quiet, lambda: "somebody is left: %s" % self.ask("status"))
        return self.ask("status")["memory_bytes"], len(os.listdir("/proc/%d/fd" % self.server.process.pid))

    def back(self, before, seconds):
        """Whether it holds no more than before, soon."""
        until = time.monotonic() + seconds
        while True:
            self.now = self.left()
            if all(now <= then for now, then in zip(self.now, before)):
                return True
            if time.monotonic() > until:
                return False
            time.sleep(0.05)

    def whole(self, step):
        """Again, when more is there behind it: what each loop makes once and keeps comes to an end, what leaks does not."""
        since, single = self.bystanders.said, getattr(step, "once", False)
        for patience in [DEADLINE] if single else [1] * 8 + [DEADLINE]:
            size, files = before = self.left()
            step()
            if self.back((size + (SLACK << single), files + LANES * single), patience):
                break
        else:
            raise Exception("bytes and files: %s, before %s" % (self.now, before))
        self.bystanders.go_on(since)

    def log(self):
        return [line for line in self.server.log if "command=status" not in line]

    def tap(self, steps, alone=()):
        """Runs them; a step is a function, or its name and that. Beside those of `alone`, which come last, nobody chats."""
        named = [s if isinstance(s, tuple) else (s.__name__, s) for s in steps]
        return tap([(name + MARK, functools.partial(self.whole, run)) for name, run in named]
                   + [("bystanders_were_not_disturbed", self.bystanders.were_not_disturbed)] + list(alone), self.log)
