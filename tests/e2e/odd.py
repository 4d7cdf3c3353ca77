"""A server that does what servers seldom do, and tells what came."""
import base64, hashlib, hmac, os, re, socket, tempfile, threading

from mynah import DEADLINE, SASL

PASSWORDS = "pw", "right", "a secret"


def home(name):
    """A folder for `mynah`, and an environment in which everything of it is there."""
    folder = tempfile.mkdtemp(prefix="mynah-%s-" % name)
    return folder, {**os.environ, "LC_ALL": "C.UTF-8", "LANGUAGE": "", "TERM": "xterm-256color", "HOME": folder, "XDG_CONFIG_HOME": folder,
                    "XDG_DATA_HOME": folder + "/data", "XDG_RUNTIME_DIR": folder + "/run", "PATH": folder + "/bin:" + os.environ["PATH"]}


def error(condition, type="cancel"):
    return "<error type='%s'><%s xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>" % (type, condition)


class Odd:
    """A server of one client after the other. `features`: those behind the login; `answers`: by a pattern what an IQ gets, None: nothing at all; `refuses`: the <failure/> of
    a login, or None."""

    def __init__(self, features=""):
        self.features = features
        self.answers, self.refuses, self.came, self.more, self.socket = {}, None, [], threading.Condition(), None
        self.closed = threading.Event()  # a client said good-bye
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                s, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(s,), daemon=True).start()

    def serve(self, s):
        try:
            self.talk(s)
        except OSError:
            pass
        s.close()

    def talk(self, s):
        text = ""

        def until(pattern):
            nonlocal text
            while not (found := re.search(pattern, text, re.S)):
                data = s.recv(65536)
                if not data:
                    raise OSError
                text += data.decode()
            text = text[found.end():]
            return found[0]

        def opened(features):
            until("<stream:stream[^>]*>")
            s.sendall(("<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' id='1' "
                       "from='odd.test' version='1.0'><stream:features>%s</stream:features>" % features).encode())

        def says(name, text):
            s.sendall(("<%s xmlns='%s'>%s</%s>" % (name, SASL, text, name)).encode())

        opened("<mechanisms xmlns='%s'><mechanism>SCRAM-SHA-256</mechanism></mechanisms>" % SASL)
        first = until("<auth.*</auth>")
        if self.refuses:
            says("failure", self.refuses)
            until("</stream:stream>")
            return
        says("success", self.scram(first, lambda text: (says("challenge", text), until("<response.*</response>"))[1]))
        opened("<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>" + self.features)
        self.socket = s
        while True:
            stanza = until("<(iq|message|presence)\\b([^>]*/>|.*?</\\1>)|</stream:stream>")
            if stanza == "</stream:stream>":
                s.sendall(b"</stream:stream>")
                self.closed.set()
                return
            if re.match("<iq [^>]*type='(get|set)'", stanza):
                self.answer(stanza)
            with self.more:
                self.came.append(stanza)
                self.more.notify_all()

    def scram(self, first, ask):
        """Of any of the passwords: what comes with the success."""
        told = lambda element: base64.b64decode(re.search(">([^<]+)<", element)[1]).decode()
        bare = told(first).split(",", 2)[2]
        ours = "r=%sodd,s=%s,i=4096" % (re.search("r=([^,]+)", bare)[1], base64.b64encode(b"salt").decode())
        last, proof = told(ask(base64.b64encode(ours.encode()).decode())).rsplit(",p=", 1)
        mac = lambda key, text: hmac.new(key, text, "sha256").digest()
        message = ",".join([bare, ours, last]).encode()
        for password in PASSWORDS:
            salted = hashlib.pbkdf2_hmac("sha256", password.encode(), b"salt", 4096)
            key = bytes(a ^ b for a, b in zip(base64.b64decode(proof), mac(hashlib.sha256(mac(salted, b"Client Key")).digest(), message)))
            if key == mac(salted, b"Client Key"):
                return base64.b64encode(b"v=" + base64.b64encode(mac(mac(salted, b"Server Key"), message))).decode()
        raise Exception("no such password")

    def answer(self, stanza):
        to = re.search("^<iq [^>]*\\bto='([^']*)'", stanza)
        head = "id='%s'%s" % (re.search("^<iq [^>]*\\bid='([^']*)'", stanza)[1], " from='%s'" % to[1] if to else "")
        usual = {"xmpp-bind": "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><jid>ann@odd.test/r</jid></bind>", "jabber:iq:roster":
                 "<query xmlns='jabber:iq:roster'/>", "<ping ": ""}
        got = [what for pattern, what in [*self.answers.items(), *usual.items()] if re.search(pattern, stanza)] or [error("service-unavailable")]
        if got[0] is not None:
            self.send("<iq type='%s' %s>%s</iq>" % ("error" if "<error " in got[0] else "result", head, got[0]))

    def send(self, text):
        self.socket.sendall(text.encode())

    def heard(self, pattern):
        """The first stanza like that which came; those before it are forgotten."""
        def found():
            return next((i for i, s in enumerate(self.came) if re.search(pattern, s, re.S)), None)
        with self.more:
            assert self.more.wait_for(lambda: found() is not None, DEADLINE), (pattern, self.came[-20:])
            at = found()
            stanza, self.came = self.came[at], self.came[at + 1:]
        return stanza

    def stored(self):
        with self.more:
            return [s for s in self.came if "type='set'" in s and "vcard-temp" in s]

    def closes(self):
        assert self.closed.wait(DEADLINE), "no client says good-bye"
