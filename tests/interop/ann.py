"""Ann, who goes on in one place over many ends of her terminal client."""
import contextlib, os, re, shutil, signal, sqlite3, tempfile

from driver import Cable
from mynah import DEADLINE, put, wait_for
from screen import Screen


class Ann:
    """Of that server, whose account and history stay while her terminal is killed and started again; her line can be cut."""

    def __init__(self, program, server):
        self.program, self.server, self.cable = program, server, Cable(server)
        self.home = tempfile.mkdtemp(prefix="mynah-ann-")
        self.env = {**os.environ, "HOME": self.home, "XDG_CONFIG_HOME": self.home, "XDG_DATA_HOME": self.home, "XDG_RUNTIME_DIR": self.home}
        put(self.home, "mynah/config.yaml", "accounts:\n  - {jid: ann@%s, host: 127.0.0.1, port: %d, ca_file: %s, password_command: "
            "echo testpwd}\n" % (server.host, self.cable.ports[0], server.ca))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.home)

    @contextlib.contextmanager
    def killed(self):
        """Her terminal, which is killed at the end of the block; and by what resource she is online."""
        with Screen([self.program], self.env, size=(30, 110)) as t:
            t.shows(r"ann@\S+/\S+ is online")
            yield t, re.search(rb"ann@[^/ ]+/(\S+) is online", t.written)[1]
            t.process.send_signal(signal.SIGKILL)
            t.process.wait(DEADLINE)

    def has_kept(self, sql, *values):
        def found():
            with contextlib.closing(sqlite3.connect(self.home + "/mynah/history.db")) as db:
                return db.execute(sql, values).fetchall()
        wait_for(found, lambda: "nothing of %s %s" % (sql, values))
