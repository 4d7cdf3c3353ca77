"""A terminal client on a pseudo-terminal: what it writes is kept byte by byte, what is typed goes in. For tests of bytes, calls of the
system and time; what people see is looked at by tmux (interop/tmux.py)."""
import fcntl, os, pty, re, select, signal, struct, subprocess, termios, threading, time

from mynah import DEADLINE


class Screen:
    def __init__(self, command, env, size=(24, 100)):
        self.written, self.more = b"", threading.Condition()
        self.fd, slave = pty.openpty()
        self.resize(*size)
        self.began = time.monotonic()
        self.process = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=subprocess.DEVNULL, env=env, start_new_session=True,
                                        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        os.close(slave)
        # On a descriptor of its own: the other one, once closed, may be that of the next terminal while this thread still reads.
        threading.Thread(target=self.read, args=(os.dup(self.fd),), daemon=True).start()

    def resize(self, rows, columns):
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def read(self, fd):
        while True:
            try:
                data = os.read(fd, 65536)
            except OSError:
                os.close(fd)
                return
            with self.more:
                self.written += data
                self.more.notify_all()

    def types(self, text):
        os.write(self.fd, text if isinstance(text, bytes) else text.encode())

    def says(self, line):
        self.types(line + "\r")

    def mark(self):
        with self.more:
            return len(self.written)

    def until(self, pattern, since=0):
        """When these bytes have been written behind `since`: the time."""
        with self.more:
            found = self.more.wait_for(lambda: re.search(pattern, self.written[since:]), DEADLINE)
            assert found, "%s was never written, but %s" % (pattern, self.written[since:][-3000:])
        return time.monotonic()

    def shows(self, pattern):
        """It is on the screen, which is written anew (Ctrl-L) until it is: else only differences would be seen."""
        end = time.monotonic() + DEADLINE
        while time.monotonic() < end:
            since = self.mark()
            self.types("\x0c")
            self.quiet(0.1)
            text = re.sub(r"\x1b(\[[0-9;?]*[@-~]|\(B|\][^\x07]*\x07)", "", self.written[since:].decode(errors="replace"))
            if re.search(pattern, text):
                return
        raise Exception("%s was never shown, but %s" % (pattern, text[-3000:]))

    def quiet(self, seconds=0.3):
        """Nothing was written for so long."""
        end = time.monotonic() + DEADLINE
        while time.monotonic() < end:
            with self.more:
                if not self.more.wait(seconds):
                    return
        raise Exception("it never stopped writing")

    def rss(self):
        return int(self.status("VmRSS"))

    def status(self, what):
        with open("/proc/%d/status" % self.process.pid) as f:
            return re.search(r"(?m)^%s:\s+(\S+)" % what, f.read())[1]

    def wakes(self):
        """How often it was switched to because it waited for something."""
        return int(self.status("voluntary_ctxt_switches"))

    def sleeps(self, seconds):
        """It waited and did not wake for so long: what it had begun before, and ends by a clock, is over."""
        end, since, woken = time.monotonic() + DEADLINE, None, None
        while since is None or time.monotonic() < since + seconds:
            assert time.monotonic() < end, "it never stops waking"
            if self.status("State") != "S":
                since = None
            elif since is None or self.wakes() != woken:
                since, woken = time.monotonic(), self.wakes()
            time.sleep(min(0.1, seconds / 5))

    def end(self):
        self.says("/quit")
        assert self.process.wait(DEADLINE) == 0, self.process.returncode

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        os.close(self.fd)


class Calls:
    """What the program asks of the system, by strace."""

    def __init__(self, pid, folder):
        self.path = folder + "/calls"
        self.process = subprocess.Popen(["strace", "-f", "-p", str(pid), "-o", self.path], stderr=subprocess.PIPE, text=True)
        said = self.process.stderr.readline()
        self.works = "attached" in said
        self.why = said.strip()

    def end(self):
        self.process.send_signal(signal.SIGINT)
        self.process.wait(DEADLINE)
        self.process.stderr.close()
        with open(self.path) as f:
            return [line.split(None, 1)[1].strip() for line in f if "detached" not in line]
