#!/usr/bin/python3
"""SASL EXTERNAL by the client's certificate (XEP-0178): which certificates let whom in, and what is said of the others. Prints TAP.
usage: external.py MYNAHD MYNAHCTL"""
import base64, datetime, itertools, json, os, re, shutil, ssl, subprocess, sys, tempfile, time, warnings

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

sys.path.append(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from beside import Beside, once
from mynah import Client, DEADLINE, SASL, Server

MYNAHD, MYNAHCTL = map(os.path.abspath, sys.argv[1:])
FOLDER = tempfile.mkdtemp(prefix="mynah-external-")
PATH, CAS, OURS = FOLDER + "/mynahd.yaml", FOLDER + "/clients.pem", FOLDER + "/data/certs/ca.crt"
HOST, SECOND = "capulet.lit", "montague.lit"
CONFIG = """data: %s/data
loops: 2
domains: [{name: %s}, {name: %s}]
listen:
  - {address: 127.0.0.1, port: 0, tls: offered}
  - {address: 127.0.0.1, port: 0, tls: direct}
auth: {mechanisms: [SCRAM-SHA-256, PLAIN], without_tls: [SCRAM-SHA-256], iterations: 4096, client_ca: "%%s"}
registration: {open: loopback, per_address: off}
limits: {unauthenticated_per_address: 1000}
""" % (FOLDER, HOST, SECOND)
DAY, NOW = datetime.timedelta(days=1), datetime.datetime.utcnow()
XMPP_ADDR = x509.ObjectIdentifier("1.3.6.1.5.5.7.8.5")
CLIENT, SERVER = x509.ExtendedKeyUsageOID.CLIENT_AUTH, x509.ExtendedKeyUsageOID.SERVER_AUTH
serial = 1000
SOURCES = itertools.cycle("127.0.0.%d" % i for i in range(2, 250))  # an address has only so many lines of the log
warnings.simplefilter("ignore")  # of signatures over SHA-1


def der(tag, value):
    n = len(value)
    return bytes([tag]) + (bytes([n]) if n < 128 else b"\x82" + n.to_bytes(2, "big")) + value


def address(text, tag=0x0c):
    """An id-on-xmppAddr; the tag is that of a UTF8String."""
    return x509.OtherName(XMPP_ADDR, der(tag, text if isinstance(text, bytes) else text.encode()))


class Issued:
    """A certificate by `issuer` (None: by itself), with its key and what leads from it to a root."""

    def __init__(self, name, issuer=None, names=(), ca=False, path=None, begins=-1, ends=30, usage=None, eku=(), more=(), key=None,
                 digest=hashes.SHA256()):
        global serial
        serial += 1
        self.key, self.name = key or ec.generate_private_key(ec.SECP256R1()), name
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        signer = issuer or self
        b = (x509.CertificateBuilder().subject_name(subject).issuer_name(issuer.cert.subject if issuer else subject)
             .public_key(self.key.public_key()).serial_number(serial)
             .not_valid_before(NOW + begins * DAY).not_valid_after(NOW + ends * DAY)
             .add_extension(x509.BasicConstraints(ca, path), True))
        if names:
            b = b.add_extension(x509.SubjectAlternativeName(list(names)), False)
        if eku:
            b = b.add_extension(x509.ExtendedKeyUsage(eku), False)
        if usage:
            flags = dict.fromkeys("digital_signature content_commitment key_encipherment data_encipherment key_agreement key_cert_sign "
                                  "crl_sign encipher_only decipher_only".split(), False)
            b = b.add_extension(x509.KeyUsage(**{**flags, usage: True}), True)
        for extension in more:
            b = b.add_extension(extension, True)
        self.cert = b.sign(signer.key, digest)
        self.chain = [self.cert] + (issuer.chain if issuer else [])

    def pem(self):
        return self.cert.public_bytes(serialization.Encoding.PEM)

    def shown(self, chain=None):
        """The file of a client that shows it with so many of the chain; all but the root, if nothing is said."""
        sent = self.chain if chain else self.chain[:-1] or self.chain
        path = "%s/%d.pem" % (FOLDER, self.cert.serial_number)
        with open(path, "wb") as f:
            f.write(self.key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
            f.writelines(c.public_bytes(serialization.Encoding.PEM) for c in sent[:chain])
        return path


def crl(issuer, revoked, ends=30):
    b = x509.CertificateRevocationListBuilder().issuer_name(issuer.cert.subject).last_update(NOW - DAY).next_update(NOW + ends * DAY)
    for r in revoked:
        b = b.add_revoked_certificate(x509.RevokedCertificateBuilder().serial_number(r.cert.serial_number).revocation_date(NOW - DAY).build())
    return b.sign(issuer.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def below(issuer, steps, **how):
    """An intermediate so many steps below."""
    for i in range(steps):
        issuer = Issued("%s %d" % (issuer.name, i), issuer, ca=True, **how)
    return issuer


ROOT, FOREIGN = Issued("Root", ca=True), Issued("Somebody else's root", ca=True)
LISTED = Issued("Listed", Issued("Root that is not listed", ca=True), ca=True)
ROMEO, JULIET = "romeo@" + HOST, "juliet@" + HOST


def by_root(*names, issuer=ROOT, **how):
    return Issued("leaf", issuer, [address(n) if isinstance(n, (str, bytes)) else n for n in names], **how).shown()


def unlisted_root():
    """One that says it is by Root, and is not."""
    same_name = Issued("Root", ca=True)
    return by_root(ROMEO, issuer=same_name)


GOOD = by_root(ROMEO)
LOST = Issued("lost phone", ROOT, [address(ROMEO)])
IN, AUTHZID, NOBODY = "success", "invalid-authzid", "not-authorized"
SAID = [  # what is shown, and what becomes of each authzid
    ("one address", GOOD, {
        "": IN, ROMEO: IN, "Romeo@CAPULET.lit": IN, JULIET: AUTHZID, ROMEO + "/orchard": AUTHZID, "romeo": AUTHZID, "romeo@" + SECOND: AUTHZID,
        HOST: AUTHZID, ROMEO + "\0": AUTHZID, "\0": AUTHZID}),
    ("two addresses", by_root(ROMEO, JULIET), {"": AUTHZID, ROMEO: IN, JULIET: IN, "nobody@" + HOST: AUTHZID}),
    ("two addresses, one of another domain of ours", by_root("romeo@" + SECOND, JULIET), {"": IN, JULIET: IN, "romeo@" + SECOND: AUTHZID}),
    ("two addresses, one of a stranger's domain", by_root("juliet@example.org", ROMEO), {"": IN}),
    ("one address written twice", by_root(ROMEO, "Romeo@Capulet.lit"), {"": IN, ROMEO: IN}),
    ("other names beside it", by_root(x509.DNSName(HOST), address(JULIET), x509.RFC822Name(ROMEO)), {"": IN, ROMEO: AUTHZID}),
    ("upper case", by_root("ROMEO@Capulet.LIT"), {"": IN, ROMEO: IN}),
    ("not in NFC", by_root("rene\u0301@" + HOST), {"": IN, "ren\u00e9@" + HOST: IN, "rene\u0301@" + HOST: IN}),
    ("a name without an account", by_root("nobody@" + HOST), {"": NOBODY, "nobody@" + HOST: NOBODY}),
    ("a name of an account that is disabled", by_root("tybalt@" + HOST), {"": "account-disabled"}),
    ("EKU clientAuth", by_root(ROMEO, eku=[CLIENT]), {"": IN}),
    ("EKU serverAuth and clientAuth", by_root(ROMEO, eku=[SERVER, CLIENT]), {"": IN}),
    ("key usage digitalSignature", by_root(ROMEO, usage="digital_signature"), {"": IN}),
    ("Ed25519", by_root(ROMEO, key=ed25519.Ed25519PrivateKey.generate()), {"": IN}),
    ("RSA", by_root(ROMEO, key=rsa.generate_private_key(65537, 2048)), {"": IN}),
    ("four intermediates, sent", by_root(ROMEO, issuer=below(ROOT, 4)), {"": IN}),
    ("by an intermediate that is listed without its root", by_root(ROMEO, issuer=LISTED), {"": IN}),
    ("a hundred addresses", by_root(*["n%d@%s" % (i, HOST) for i in range(99)], ROMEO), {"": AUTHZID, ROMEO: IN}),
]
NOT_OFFERED = [  # what is shown, and what the log says of it
    ("nothing", None, None),
    ("no name at all", by_root(), "it names no XMPP address"),
    ("other kinds of names alone", by_root(x509.DNSName(HOST), x509.RFC822Name(ROMEO), x509.UniformResourceIdentifier("xmpp:" + ROMEO)),
     "it names no XMPP address"),
    ("a domain that we do not serve", by_root("romeo@example.org"), "none of its addresses is one of this domain"),
    ("another domain of ours", by_root("romeo@" + SECOND), "none of its addresses is one of this domain"),
    ("a domain below ours", by_root("romeo@sub." + HOST), "none of its addresses is one of this domain"),
    ("the domain itself", by_root(HOST), "none of its addresses is one of this domain"),
    ("a full address", by_root(ROMEO + "/orchard"), "none of its addresses is one of this domain"),
    ("a NUL behind it", by_root(ROMEO + "\0.example.org"), "none of its addresses is one of this domain"),
    ("a NUL within", by_root("romeo\0@" + HOST), "none of its addresses is one of this domain"),
    ("no UTF-8", by_root(b"rom\xe9o@" + HOST.encode()), "none of its addresses is one of this domain"),
    ("an empty address", by_root(""), "none of its addresses is one of this domain"),
    ("a name that no account may have", by_root("ro meo@" + HOST), "none of its addresses is one of this domain"),
    ("an IA5String", by_root(address(ROMEO, 0x16)), "it names no XMPP address"),
    ("a PrintableString", by_root(address("romeo", 0x13)), "it names no XMPP address"),
    ("a BMPString", by_root(address(ROMEO.encode("utf-16-be"), 0x1e)), "it names no XMPP address"),
    ("a SEQUENCE", by_root(address(der(0x0c, ROMEO.encode()), 0x30)), "it names no XMPP address"),
    ("a hundred and one addresses", by_root(*["n%d@%s" % (i, HOST) for i in range(100)], ROMEO), "it names too many addresses"),
    ("expired", by_root(ROMEO, begins=-30, ends=-1), "certificate has expired"),
    ("not yet valid", by_root(ROMEO, begins=1), "certificate is not yet valid"),
    ("by an intermediate that has expired", by_root(ROMEO, issuer=below(ROOT, 1, begins=-30, ends=-1)), "certificate has expired"),
    ("self-signed", Issued("self", None, [address(ROMEO)]).shown(), "self-signed certificate"),
    ("by somebody else", by_root(ROMEO, issuer=FOREIGN), "its issuer is not in client_ca"),
    ("by somebody else, with the chain to a self-signed root", Issued("leaf", Issued("a", Issued("b", ca=True), ca=True),
                                                                      [address(ROMEO)]).shown(3), "its issuer is not in client_ca"),
    ("by somebody else, with a chain to nowhere", by_root(ROMEO, issuer=below(FOREIGN, 1)), "its issuer is not in client_ca"),
    ("by the CA of our own certificates", "ours", "its issuer is not in client_ca"),
    ("by one that has the name of ours", unlisted_root(), "certificate signature failure"),
    ("by an intermediate that is not sent", Issued("leaf", below(ROOT, 1), [address(ROMEO)]).shown(1), "its issuer is not in client_ca"),
    ("five intermediates", by_root(ROMEO, issuer=below(ROOT, 5)), "certificate chain too long"),
    ("longer than an issuer allows", by_root(ROMEO, issuer=below(below(ROOT, 1, path=0), 1)), "path length constraint exceeded"),
    ("by one that is no CA", by_root(ROMEO, issuer=Issued("a leaf", ROOT, [address(JULIET)])), "invalid CA certificate"),
    ("of a CA", by_root(ROMEO, ca=True), "it is that of a CA"),
    ("EKU serverAuth alone", by_root(ROMEO, eku=[SERVER]), "unsuitable certificate purpose"),
    ("EKU code signing alone", by_root(ROMEO, eku=[x509.ExtendedKeyUsageOID.CODE_SIGNING]), "unsuitable certificate purpose"),
    ("key usage for enciphering alone", by_root(ROMEO, usage="key_encipherment"), "unsuitable certificate purpose"),
    ("a critical extension that nobody knows", by_root(ROMEO, more=[x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\0")]),
     "unhandled critical extension"),
    ("a short key", by_root(ROMEO, key=rsa.generate_private_key(65537, 1024)), "EE certificate key too weak"),
    ("a signature over SHA-1", by_root(ROMEO, digest=hashes.SHA1()), "CA signature digest algorithm too weak"),
    ("revoked", LOST.shown(), "certificate revoked"),
]


def listed(*pems):
    with open(CAS, "wb") as f:
        f.write(b"".join(pems))


def configure(client_ca=CAS, config=CONFIG):
    with open(PATH, "w") as f:
        f.write(config % client_ca)


def ctl(*words):
    p = subprocess.run([MYNAHCTL, "--config", PATH, "--json", *words], capture_output=True, text=True, timeout=2 * DEADLINE)
    answer = json.loads(p.stdout)
    return answer.get("ok") or answer["error"]


def context(shown, newest=ssl.TLSVersion.TLSv1_3):
    c = ssl.create_default_context(cafile=OURS)
    c.set_ciphers("DEFAULT@SECLEVEL=0")  # it is for the server to refuse what is weak
    c.maximum_version = newest
    if shown:
        c.load_cert_chain(shown)
    return c


def secured(shown, host=HOST, newest=ssl.TLSVersion.TLSv1_3, sender=None):
    c = Client(server, host, source=next(SOURCES))
    assert "EXTERNAL" not in c.features, c.features
    c.send("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
    c.until("<proceed")
    c.until("/>")
    c.socket = context(shown, newest).wrap_socket(c.socket, server_hostname=host)
    if sender:
        c.send("<?xml version='1.0'?><stream:stream to='%s' from='%s' xmlns='jabber:client' "
               "xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>" % (host, sender))
        c.features = c.until("</stream:features>")
    else:
        c.features = c.open()
    return c


def bystander(name):
    c = Client(server)
    c.scram(name)
    c.bind("r")
    return c


def offered(c):
    """EXTERNAL comes first, or not at all."""
    mechanisms = re.findall("<mechanism>(.*?)</mechanism>", c.features)
    assert mechanisms[-2:] == ["SCRAM-SHA-256", "PLAIN"] and mechanisms[:-2] in ([], ["EXTERNAL"]), c.features
    return len(mechanisms) == 3


def external(c, authzid=""):
    """The condition of the failure, or success."""
    c.send("<auth xmlns='%s' mechanism='EXTERNAL'>%s</auth>" % (SASL, base64.b64encode(authzid.encode()).decode() or "="))
    got = c.until("<success[^>]*/>|</failure>")
    return re.search("<failure[^>]*><([a-z-]+)/>", got).group(1) if "<failure" in got else "success"


def wait_for(pattern, since):
    until = time.monotonic() + DEADLINE
    while not any(re.search(pattern, line) for line in server.log[since:]):
        assert time.monotonic() < until, (pattern, server.log[since:])
        time.sleep(0.02)


@once
def certificates_that_let_in():
    for what, shown, said in SAID:
        for authzid, wanted in said.items():
            c = secured(shown)
            assert offered(c), what
            got = external(c, authzid)
            assert got == wanted, (what, authzid, got)
            if got == IN:
                who = (authzid or "x@").split("@")[0].lower()
                jid = re.search("<jid>(.*?)</jid>", c.bind("r")[1]).group(1)
                assert jid.endswith("@%s/r" % HOST) and (not authzid or "\u0301" in who or jid.startswith(who + "@")), (what, authzid, jid)
                c.send("</stream:stream>")


@once
def certificates_that_do_not():
    """The stream goes on; why, stands in the log; the password is still there to log in with."""
    for what, shown, why in NOT_OFFERED:
        if shown == "ours":  # its key is only there once the server has started
            with open(OURS, "rb") as f, open(FOLDER + "/data/certs/ca.key", "rb") as k:
                own = Issued("own", key=serialization.load_pem_private_key(k.read(), None))
                own.cert = x509.load_pem_x509_certificate(f.read())
            own.chain = [own.cert]
            shown = by_root(ROMEO, issuer=own)
        since = len(server.log)
        c = secured(shown)
        assert not offered(c), (what, c.features)
        for authzid in "", ROMEO:
            assert external(c, authzid) == "invalid-mechanism", what
        c.scram("romeo")
        c.bind("r")
        if why:
            wait_for(r"client certificate not accepted peer=\S+ why=\"%s" % re.escape(why), since)
        else:
            assert not [l for l in server.log[since:] if "certificate" in l], server.log[since:]


def older_tls_asks_too():
    for shown, wanted in (GOOD, True), (None, False), (dict((r[0], r[1]) for r in NOT_OFFERED)["expired"], False):
        c = secured(shown, newest=ssl.TLSVersion.TLSv1_2)
        assert c.socket.version() == "TLSv1.2" and offered(c) == wanted
        if wanted:
            assert external(c) == IN


def the_other_domain_and_direct_tls():
    shown = by_root("romeo@" + SECOND, ROMEO)
    for host in HOST, SECOND:
        c = secured(shown, host)
        assert offered(c) and external(c) == IN
        assert "<jid>romeo@%s/r<" % host in c.bind("r")[1]
        c = Direct(host, context(shown))
        assert offered(c) and external(c, "romeo@" + host) == IN


class Direct(Client):
    def __init__(self, host, ctx, session=None):
        super().__init__(server, host, opened=False, at=("127.0.0.1", server.ports[1]))
        self.socket = ctx.wrap_socket(self.socket, server_hostname=host, session=session)
        self.features = self.open()


def the_header_says_who_it_is():
    for sender, wanted in (ROMEO, True), ("Romeo@Capulet.LIT", True), (JULIET, False), ("nobody@" + HOST, False):
        since = len(server.log)
        c = secured(GOOD, sender=sender)
        assert offered(c) == wanted, sender
        assert external(c) == (IN if wanted else "invalid-mechanism")
        if not wanted:
            wait_for("client certificate not accepted .*from is none of its addresses", since)
    both = by_root(ROMEO, JULIET)  # it chooses among them, too
    for authzid, wanted in ("", IN), (ROMEO, IN), (JULIET, AUTHZID):
        assert external(secured(both, sender=ROMEO), authzid) == wanted, authzid


def nobody_in_the_clear():
    c = Client(server)
    assert "EXTERNAL" not in c.features and external(c) == "invalid-mechanism"


def silence_is_asked_once_and_nonsense_refused():
    c = secured(GOOD)
    c.send("<auth xmlns='%s' mechanism='EXTERNAL'>!</auth>" % SASL)
    assert "incorrect-encoding" in c.until("</failure>")
    c.send("<auth xmlns='%s' mechanism='EXTERNAL'/>" % SASL)
    c.until("<challenge[^>]*(/>|></challenge>)")
    c.send("<response xmlns='%s'/>" % SASL)
    c.until("<success")


def nothing_is_resumed():
    """An identity does not outlive its connection: there are no sessions of TLS to come back to."""
    for newest in ssl.TLSVersion.TLSv1_3, ssl.TLSVersion.TLSv1_2:
        ctx = context(GOOD, newest)
        first = Direct(HOST, ctx)
        assert offered(first)
        session = first.socket.session
        assert not session.has_ticket and (not session.id or newest == ssl.TLSVersion.TLSv1_3)
        again = Direct(HOST, ctx, session)
        assert not again.socket.session_reused and offered(again)


def too_much_is_not_read():
    """32 KiB of certificates; the rest of the server does not notice."""
    shown = by_root(*["n%d@%s.example.org" % (i, "x" * 50) for i in range(600)])
    assert os.path.getsize(shown) > 40000
    try:
        secured(shown)
        raise Exception("came through")
    except OSError:
        pass
    assert offered(secured(GOOD))


@once
def reload_takes_it_over():
    elsewhere = by_root(ROMEO, issuer=FOREIGN)
    before = secured(GOOD)
    listed(FOREIGN.pem())
    assert ctl("reload") == {"changed": [], "needs_restart": []}
    assert not offered(secured(GOOD)) and offered(secured(elsewhere))
    listed(b"nothing")
    error = ctl("reload")
    assert error["code"] == "not-acceptable" and CAS in error["text"], error
    assert offered(secured(elsewhere))
    listed(FOREIGN.pem(), crl(FOREIGN, [], ends=-0.5))  # out of date: who is revoked is not known
    since = len(server.log)
    ctl("reload")
    assert not offered(secured(elsewhere))
    wait_for('why="CRL has expired"', since)
    listed(crl(FOREIGN, []))
    assert ctl("reload")["code"] == "not-acceptable"
    configure("")
    assert ctl("reload") == {"changed": ["auth.client_ca"], "needs_restart": []}
    assert external(before) == "invalid-mechanism"  # it was offered to it
    before.scram("romeo")
    assert not offered(secured(GOOD))
    configure()
    listed(ROOT.pem())
    ctl("reload")
    assert external(secured(GOOD)) == IN and external(secured(LOST.shown())) == IN
    listed(ROOT.pem(), crl(ROOT, [LOST]))
    ctl("reload")
    assert external(secured(GOOD)) == IN and not offered(secured(LOST.shown()))


def a_start_without_the_file_fails():
    other = FOLDER + "/other.yaml"
    with open(other, "w") as f:
        f.write((CONFIG % (FOLDER + "/none.pem")).replace("/data", "/other"))
    p = subprocess.run([MYNAHD, "--config", other], capture_output=True, text=True, timeout=DEADLINE)
    assert p.returncode == 1 and FOLDER + "/none.pem" in p.stderr.splitlines()[-1], p


listed(ROOT.pem(), LISTED.pem(), crl(ROOT, [LOST]))
configure()
server = Server(MYNAHD, PATH, HOST)
failed = 1
try:
    for host, name in (HOST, "from"), (HOST, "to"), (HOST, "romeo"), (HOST, "juliet"), (HOST, "tybalt"), (HOST, "ren\u00e9"), (SECOND, "romeo"):
        assert "type='result'" in secured(None, host).register(name)[1]
    ctl("user", "disable", "tybalt@" + HOST)
    failed = Beside(server, FOLDER + "/data", bystander).tap(
        [certificates_that_let_in, certificates_that_do_not, older_tls_asks_too, the_other_domain_and_direct_tls,
         the_header_says_who_it_is, nobody_in_the_clear, silence_is_asked_once_and_nonsense_refused, nothing_is_resumed,
         too_much_is_not_read, reload_takes_it_over], [a_start_without_the_file_fails, ("end", server.end)])
finally:
    if server.process.poll() is None:
        server.process.kill()
    shutil.rmtree(FOLDER)
sys.exit(failed != 0)
