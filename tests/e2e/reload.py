#!/usr/bin/python3
"""What a reload changes while the server runs: domains, listeners, modules, the log; and what it leaves to the next start. Prints TAP.
usage: reload.py MYNAHD MYNAHCTL DOCS"""
import functools, json, os, re, shutil, socket, ssl, subprocess, sys, tempfile, threading, time

sys.path.append(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from beside import Beside, once
from mynah import Client, DEADLINE, Server, free_ports, person, wait_for

MYNAHD, MYNAHCTL, DOCS = map(os.path.abspath, sys.argv[1:])
FOLDER = tempfile.mkdtemp(prefix="mynah-reload-")
PATH, CA = FOLDER + "/mynahd.yaml", FOLDER + "/data/certs/ca.crt"
FIRST, SECOND, THIRD = "first.lit", "second.lit", "third.lit"
LISTEN = [{"address": "127.0.0.1", "port": 0, "tls": "offered"}]
BASE = {"data": FOLDER + "/data", "loops": 3, "domains": [{"name": FIRST}, {"name": SECOND}], "listen": LISTEN,
        "components": [{"name": "echo.lit", "secret": "s"}], "registration": {"open": "yes", "per_address": "off"},
        "auth": {"mechanisms": ["SCRAM-SHA-256", "PLAIN"], "without_tls": ["PLAIN"], "iterations": 4096},
        "limits": {"unauthenticated_per_address": 10000, "login_time": "1h"}}


def configure(**changed):
    with open(PATH, "w") as f:
        json.dump({**BASE, **changed}, f)


def domains(*names):
    return [{"name": n} for n in names]


def ask(*words, stdin=""):
    p = subprocess.run([MYNAHCTL, "--config", PATH, "--json", *words], input=stdin, capture_output=True, text=True, timeout=2 * DEADLINE)
    answer = json.loads(p.stdout)
    return answer.get("ok") or answer["error"]


def reload(**changed):
    configure(**changed)
    return ask("reload")


def refused(why, **changed):
    error = reload(**changed)
    assert error.get("code") == "not-acceptable" and "nothing is changed" in error["text"] and re.search(why, error["text"]), error


def logged(pattern, since=0):
    return [line for line in server.log[since:] if re.search(pattern, line)]


def port_of(address, since):
    """Where a listener was opened since then."""
    pattern = r" listening .*address=%s:(\d+)" % re.escape(address)
    wait_for(lambda: logged(pattern, since), address)
    return int(re.search(pattern, logged(pattern, since)[-1]).group(1))


def connect(address, port, host=FIRST):
    return Client(server, host, opened=False, at=(address, port))


def closed(address, port):
    try:
        socket.create_connection((address, port), DEADLINE).close()
        return False
    except ConnectionRefusedError:
        return True


def login(name, host, resource="r"):
    c = Client(server, host)
    got = c.plain(name)
    assert "<success" in got, got
    c.bind(resource)
    c.send("<presence/>")
    c.ping()
    return c


def add(*jids):
    for jid in jids:
        got = ask("user", "add", jid, "--password-stdin", stdin="testpwd\n")
        assert got == {"jid": jid} or got["code"] == "conflict", got  # of before


def the_table_is_covered():
    """Each live key of a list has its test here; the others are walked in e2e/operation."""
    with open(DOCS + "/configuration.md") as f:
        rows = re.findall(r"(?m)^\| ([a-z]+\[\]\.\S+) \|.*?\| (yes|no) \|", f.read())
    assert {k for k, live in rows if live == "yes"} == {
        "domains[].name", "domains[].certificate", "domains[].key", "domains[].admins",  # e2e/operation, e2e/adhoc
        "listen[].service", "listen[].address", "listen[].port", "listen[].tls"}, rows
    assert {k for k, live in rows if live == "no"} == {"components[].name", "components[].secret", "components[].secret_file"}, rows


def a_domain_comes():
    got = reload(domains=domains(FIRST, SECOND, THIRD))
    assert "domains[2].name" in got["changed"] and all(k.startswith("domains[2].") for k in got["changed"]) and not got["needs_restart"], got
    add("dora@" + THIRD, "abel@" + FIRST)
    for _ in range(3):  # each of the loops
        c = Client(server, THIRD)
        c.starttls(CA)
        assert "<success" in c.plain("dora")
    abel, dora = login("abel", FIRST), login("dora", THIRD)
    dora.send("<message to='abel@%s'><body>hello</body></message>" % FIRST)
    assert "<body>hello</body>" in abel.until("</message>")
    assert ask("status")["domains"] == [FIRST, SECOND, THIRD]
    assert [c["value"] for c in ask("config", "show")["config"] if c["key"].endswith("].name")] == [FIRST, SECOND, THIRD, "echo.lit"]
    reload()
    assert "<host-gone" in dora.ends()
    abel.ping()


def a_domain_goes_and_comes_back():
    """Whoever is there learns it by host-gone, contacts see them leave; what is stored waits."""
    add("anna@" + FIRST, "bert@" + SECOND, "bea@" + SECOND, "away@" + SECOND)
    anna, bert, bea = login("anna", FIRST), login("bert", SECOND), login("bea", SECOND)
    bert.send("<presence to='anna@%s'/>" % FIRST)
    anna.until("<presence [^>]*from='bert@[^>]*>")
    anna.send("<message type='chat' to='away@%s'><body>kept</body></message>" % SECOND)
    anna.ping()
    early, known = Client(server, SECOND), Client(server, SECOND)
    assert "<success" in known.plain("bea")
    lost = Client(server, SECOND)
    assert "<success" in lost.plain("bea")
    lost.bind("lost")
    lost.send("<enable xmlns='urn:xmpp:sm:3' resume='true'/>")
    previous = re.search("id='([^']+)'", lost.until("<enabled[^>]*/>")).group(1)
    lost.socket.close()
    assert all(k.startswith("domains[1].") for k in reload(domains=domains(FIRST))["changed"])
    for c in bert, bea, early:
        assert "<host-gone" in c.ends(), c.text
    anna.until("<presence [^>]*from='bert@%s/r'[^>]*type='unavailable'|<presence [^>]*type='unavailable'[^>]*from='bert@%s/r'" % (SECOND, SECOND))
    for _ in range(3):
        c = connect("127.0.0.1", server.ports[0], SECOND)
        c.header()
        assert "<host-unknown" in c.ends(), c.text
    anna.send("<message type='chat' id='m' to='bert@%s'><body>x</body></message>" % SECOND)
    assert "<remote-server-not-found" in anna.until("<message [^>]*id='m'.*?</message>")
    assert ask("user", "add", "new@" + SECOND, "--password-stdin", stdin="x\n")["code"] == "item-not-found"
    assert ask("status")["domains"] == [FIRST]
    assert not [a for a in ask("user", "list")["accounts"] if a["jid"].endswith(SECOND)]
    reload()
    back = login("bea", SECOND)
    back.send("<message to='anna@%s'><body>here again</body></message>" % FIRST)
    assert "here again" in anna.until("</message>")
    again = Client(server, SECOND)
    assert "<success" in again.plain("bea")
    again.open()
    again.send("<resume xmlns='urn:xmpp:sm:3' previd='%s' h='0'/>" % previous)
    assert "<item-not-found" in again.until("</failed>")
    away = Client(server, SECOND)
    assert "<success" in away.plain("away")
    away.bind("r")
    away.send("<presence/>")
    away.until("<body>kept</body>")


def the_first_domain_goes():
    c = login("bert", SECOND)
    reload(domains=domains(SECOND))
    raw = connect("127.0.0.1", server.ports[0], "nowhere.lit")
    raw.header()
    assert "from='%s'" % SECOND in raw.ends()
    c.ping()
    reload(domains=[])
    assert "<host-gone" in c.ends()
    assert "<success" not in connect_local().plain("anna")
    reload()
    login("anna", FIRST).ping()


def connect_local():
    c = connect("127.0.0.1", server.ports[0], "localhost")
    c.features = c.open()
    return c


def a_domain_that_a_component_has_is_refused():
    refused("echo.lit: a component has that name", domains=domains(FIRST, SECOND, "echo.lit"), components=[])
    c = connect("127.0.0.1", server.ports[0], "echo.lit")
    c.header()
    assert "<host-unknown" in c.ends()


def rest(c):
    """What was said before the connection ended, also to somebody who was writing then."""
    try:
        c.ends()
    except OSError:
        pass
    return c.text


@once
def domains_come_and_go_while_people_log_in():
    """Each of them gets in, or learns why not; the others do not notice."""
    stay, stop, said, wrong = login("anna", FIRST), threading.Event(), {}, []

    def one():
        while not stop.is_set():
            c = connect("127.0.0.1", server.ports[0], SECOND)
            try:
                c.open()
                assert "<success" in c.plain("bert")
                c.bind("flap%d" % threading.get_ident())
                c.send("<presence/><message to='anna@%s'><body>x</body></message><message to='bea@%s'><body>y</body></message>" % (FIRST, SECOND))
                c.ping()
                said["in"] = said.get("in", 0) + 1
                end = c.ends() if said["in"] % 2 else ""
            except Exception as e:
                end = str(e) + rest(c)
            for why in "host-gone", "host-unknown":
                if why in end:
                    said[why] = said.get(why, 0) + 1
                    break
            else:
                if end:
                    wrong.append(end)
            c.socket.close()

    threads = [threading.Thread(target=one) for _ in range(4)]
    for t in threads:
        t.start()
    rounds, until = 0, time.monotonic() + DEADLINE
    while rounds < 30 or not (said.get("in") and said.get("host-gone")) and time.monotonic() < until:
        rounds += 1
        assert "changed" in reload(domains=domains(FIRST))
        assert "changed" in reload()
    stop.set()
    reload(domains=domains(FIRST))
    for t in threads:
        t.join(DEADLINE)
    reload()
    assert not wrong and said.get("in") and said.get("host-gone"), (said, wrong)
    stay.ping()


def a_listener_comes_and_goes():
    since = len(server.log)
    got = reload(listen=LISTEN + [{"address": "127.0.0.2", "port": 0, "tls": "direct"}, {"service": "component", "address": "127.0.0.4",
                                                                                       "port": 0, "tls": "off"}])
    assert got["changed"] == ["listen[1].service", "listen[1].address", "listen[1].port", "listen[1].tls", "listen[2].service",
                              "listen[2].address", "listen[2].port", "listen[2].tls"] and not got["needs_restart"], got
    port, third = port_of("127.0.0.2", since), port_of("127.0.0.4", since)
    c = connect("127.0.0.2", port)
    c.socket = ssl.create_default_context(cafile=CA).wrap_socket(c.socket, server_hostname=FIRST)
    c.open()
    assert "<success" in c.plain("anna")
    c.bind("direct")
    component = connect("127.0.0.4", third)
    component.send("<stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams' to='echo.lit'>")
    component.until("<stream:stream[^>]*id='[^>]*>")
    old = server.ports[0]
    since = len(server.log)
    reload()
    wait_for(lambda: len(logged(" listener closed ", since)) == 2, "the end of both")
    assert closed("127.0.0.2", port) and closed("127.0.0.4", third) and server.ports == [old]
    c.ping()  # who came through it stays
    login("anna", FIRST).ping()


def a_listener_changes_where_it_is():
    port, before = server.ports[0], login("anna", FIRST)
    since = len(server.log)
    (own,) = free_ports(1)
    reload(listen=[{"address": "127.0.0.1", "port": own, "tls": "offered"}])
    assert closed("127.0.0.1", port)
    for tls, required in ("required", True), ("offered", False):
        got = reload(listen=[{"address": "127.0.0.1", "port": own, "tls": tls}])
        assert got["changed"] == ["listen[0].tls"], got
        c = connect("127.0.0.1", own)
        assert ("<required/>" in c.open()) == required
    wait_for(lambda: len(logged(" listener changed ", since)) == 2, "both changes")
    assert len(logged(" listening ", since)) == 1
    before.ping()


def a_port_that_is_taken_refuses_all_of_it():
    own = server.ports[-1]
    with socket.create_server(("127.0.0.3", 0)) as taken:
        number = taken.getsockname()[1]
        here = {"address": "127.0.0.1", "port": own, "tls": "offered"}
        reload(listen=[here])
        since = len(server.log)
        for rows in [[here, {"address": "127.0.0.2", "port": 0}, {"address": "127.0.0.3", "port": number}],
                     [{"address": "0.0.0.0", "port": own, "tls": "offered"}, {"address": "127.0.0.3", "port": number}]]:
            refused("port %d on 127.0.0.3 is in use" % number, listen=rows, domains=domains(FIRST, SECOND, THIRD))
            c = connect("127.0.0.1", own, THIRD)
            c.header()
            assert "<host-unknown" in c.ends()
            connect("127.0.0.1", own).open()
        wait_for(lambda: len(logged("configuration not reloaded", since)) == 2, "both refusals")
        assert not logged(" listening | listener ", since), server.log[since:]


def an_address_makes_way_for_all_addresses():
    own = server.ports[-1]
    old = connect("127.0.0.1", own)
    old.open()
    got = reload(listen=[{"address": "0.0.0.0", "port": own, "tls": "offered"}])
    assert got["changed"] == ["listen[0].address"], got
    for address in "127.0.0.1", "127.0.0.9":
        connect(address, own).open()
    old.send("</stream:stream>")
    assert "</stream:stream>" in old.ends()
    since = len(server.log)
    reload(listen=[{"address": "127.0.0.1", "port": own, "tls": "offered"}])
    assert closed("127.0.0.9", own) and port_of("127.0.0.1", since) == own
    since = len(server.log)
    reload()
    server.ports[:] = [port_of("127.0.0.1", since)]
    login("anna", FIRST)


def each_family_of_addresses():
    """An IPv6 address of its own, both families on one socket, and auto, which is loopback of both for components. As far as this
    machine has IPv6."""
    if not os.path.exists("/proc/net/if_inet6"):
        return
    own, components = free_ports(2)
    since = len(server.log)
    reload(listen=LISTEN + [{"address": "::1", "port": own, "tls": "offered"}, {"service": "component", "port": components, "tls": "off"}])
    six = Client(server, FIRST, source="::1", at=("::1", own))
    assert "<success" in six.plain("anna")
    assert closed("127.0.0.1", own)
    for address in "127.0.0.1", "::1":
        assert not closed(address, components), address
    wait_for(lambda: len(logged(r" listening .*address=(\[::1\]|127\.0\.0\.1):%d" % components, since)) == 2, "both of auto")
    reload(listen=LISTEN + [{"address": "::", "port": own, "tls": "offered"}])
    wait_for(lambda: logged(r" listening .*address=\[::\]:%d" % own, since), "all addresses")
    six.bind("six")
    six.send("<presence/>")
    six.ping()
    for address in "127.0.0.1", "::1":
        c = Client(server, FIRST, source=address, at=(address, own))
        assert "<success" in c.plain("anna")
        assert closed(address, components)
    shown = [s["address"] for s in ask("session", "list", "anna@" + FIRST)["sessions"]]
    assert any(s.startswith("[::1]:") for s in shown), shown
    reload()


def auto_is_loopback_until_there_is_a_domain():
    """Of clients; 127.0.0.9 is reached where all addresses are."""
    (own,) = free_ports(1)
    loopback = ["127.0.0.1"] + (["::1"] if os.path.exists("/proc/net/if_inet6") else [])
    for names, reached in ([], loopback), ([FIRST], loopback + ["127.0.0.9"]), ([], loopback):
        reload(listen=LISTEN + [{"port": own, "tls": "offered"}], domains=domains(*names))
        found = [address for address in loopback + ["127.0.0.9"] if not closed(address, own)]
        assert found == reached, (names, found)
    reload()


def modules_go_and_come_back():
    anna = login("anna", FIRST)

    def answers(ns, kind="get"):
        anna.send("<iq type='%s' id='q' to='%s'><query xmlns='%s'/></iq>" % (kind, FIRST, ns))
        got = anna.until("<iq [^>]*id='q'.*?</iq>")
        return "service-unavailable" not in got, got

    def announced(what):
        return what in answers("http://jabber.org/protocol/disco#info")[1]

    assert answers("jabber:iq:version")[0] and announced("jabber:iq:version")
    assert reload(modules={"version": "off", "carbons": "off", "offline": "off"})["changed"] == [
        "modules.carbons", "modules.version", "modules.offline"]
    assert not answers("jabber:iq:version")[0] and not announced("jabber:iq:version") and not announced("urn:xmpp:carbons:2")
    anna.send("<message type='chat' id='o' to='away@%s'><body>not kept</body></message>" % FIRST)
    assert "<service-unavailable" in anna.until("<message [^>]*id='o'.*?</message>")
    on = {m["name"]: m["on"] for m in ask("module", "list")["modules"]}
    assert not on["version"] and not on["offline"] and on["ping"]
    reload()
    assert answers("jabber:iq:version")[0] and announced("jabber:iq:version")


def what_waits_for_a_start_is_said():
    """Everything else holds at once."""
    since = len(server.log)
    got = reload(loops=2, modules={"sm": "off", "csi": "off", "time": "off"}, components=[], log={"level": "debug"})
    assert set(got["needs_restart"]) == {"loops", "modules.sm", "modules.csi", "components[0].name", "components[0].secret",
                                         "components[0].secret_file"}, got
    assert set(got["changed"]) == {"modules.time", "log.level"}, got
    wait_for(lambda: logged("warn .*a change needs a restart .*loops.*modules.sm", since), "the warning")
    c = Client(server, FIRST)
    assert "<success" in c.plain("anna")
    features = c.open()
    assert "urn:xmpp:sm:3" in features and "urn:xmpp:csi:0" in features, features
    shown = {c["key"]: c["value"] for c in ask("config", "show")["config"]}
    assert shown["loops"] == "3" and shown["modules.sm"] == "on" and shown["modules.time"] == "off" and shown["components[0].name"] == "echo.lit"
    since = len(server.log)
    assert reload()["needs_restart"] == []
    assert not logged("needs a restart", since)


def the_log_changes_its_format():
    since = len(server.log)
    assert reload(log={"format": "json"})["changed"] == ["log.format"]
    wait_for(lambda: [l for l in server.log[since:] if l.startswith("{") and "configuration reloaded" in l], "a line of JSON")
    assert all(json.loads(l) for l in server.log[since:] if l.startswith("{"))
    since = len(server.log)
    reload(log={"format": "auto"})
    wait_for(lambda: logged(r"^\S+ info +configuration reloaded", since), "a line of text")
    reload()


ACTS = {  # a value for each key; what is seen of it before, and what is seen then
    "limits.stanza": ("20k", ("262144", None), ("20480", "policy-violation")),
    "limits.stanza_before_login": ("11k", "10240", "11264"),
    "limits.depth": (10, None, "policy-violation"),
    "limits.attributes": (10, None, "policy-violation"),
    "limits.refused_forms": (2, 10, 2),
    "auth.iterations": (5000, "4096", "5000"),
    "auth.iq_auth": ("on", False, True),
    "registration.fields": (["username", "password"], ["username", "name", "email", "password"], ["username", "password"]),
    "roster.max_items": (1, [None, None], [None, "resource-constraint"]),
    "modules.session.optional": ("off", True, False),
    "modules.sm.resume": ("7s", "600", "7"),
    "modules.block.max_items": (1, [None], ["resource-constraint"]),
    "modules.vcard.max_bytes": ("1k", [None], ["not-acceptable"]),
    "modules.private.max_bytes": ("1k", [None], ["resource-constraint"]),
    "modules.offline.max_messages": (1, [None, None], [None, "service-unavailable"]),
}


def condition(got, kind="stanzas"):
    found = re.search("<([a-z-]+) xmlns='urn:ietf:params:xml:ns:xmpp-%s'" % kind, got)
    return found and found.group(1)


def form(c):
    c.send("<iq type='get' id='f'><query xmlns='jabber:iq:register'/></iq>")
    return re.findall("<(username|name|email|password)/>", c.until("</iq>"))


def quotas(c, away):
    """What this account may keep, and what may wait for one that is away."""
    def each(*changes):
        c.send("".join("<iq type='set' id='q%d'>%s</iq>" % change for change in enumerate(changes)))
        return [condition(c.until("<iq [^>]*id='q%d'([^>]*/>|.*?</iq>)" % i)) for i in range(len(changes))]

    def item(name, more=""):
        return "<query xmlns='jabber:iq:roster'><item jid='%s.lit'%s/></query>" % (name, more)

    def message():
        c.send("<message type='chat' to='%s'><body>x</body></message>" % away)
        return condition(c.ping())

    text = "x" * 2000
    seen = {"roster.max_items": each(item("a"), item("b")),
            "modules.block.max_items": each("<block xmlns='urn:xmpp:blocking'><item jid='a.lit'/><item jid='b.lit'/></block>"),
            "modules.vcard.max_bytes": each("<vCard xmlns='vcard-temp'><FN>%s</FN></vCard>" % text),
            "modules.private.max_bytes": each("<query xmlns='jabber:iq:private'><x xmlns='y'>%s</x></query>" % text),
            "modules.offline.max_messages": [message(), message()]}
    each(item("a", " subscription='remove'"), item("b", " subscription='remove'"), "<unblock xmlns='urn:xmpp:blocking'/>",
         "<query xmlns='jabber:iq:private'><x xmlns='y'/></query>")
    return seen


def what_acts(early, here):
    """Key by key as one who comes sees it; where one who is there already meets it, before the login or behind it, it is the same."""
    me, away, other = jids = ["%s%d@%s" % (name, len(server.log), FIRST) for name in ("me", "away", "other")]
    name = me.split("@")[0]
    add(*jids)

    def end(payload):
        c = person(server, name)
        c.send("<message to='%s/r'>%s</message>" % (me, payload))
        return condition(c.until("</message>|</stream:error>"), "streams")

    def value(pattern, text):
        return re.search(pattern, text).group(1)

    c, refused = Client(server, FIRST), Client(server, FIRST)
    features = c.starttls(CA)
    refused.send("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='NONE'/>" * 20)
    seen = {"limits.stanza_before_login": value("<max-bytes>(.*?)<", features),
            "limits.depth": end("<z xmlns='z'>" * 20 + "</z>" * 20),
            "limits.attributes": end("<z xmlns='z' %s/>" % " ".join("z%d=''" % i for i in range(20))),
            "limits.refused_forms": rest(refused).count("</failure>"),
            "auth.iq_auth": "iq-auth" in features,
            "registration.fields": form(c),
            "auth.iterations": c.scram(name)["i"]}
    features = c.bind("c")[0]
    c.send("<enable xmlns='urn:xmpp:sm:3' resume='true'/>")
    seen.update({"limits.stanza": (value("<max-bytes>(.*?)<", features), end("<z xmlns='z'>%s</z>" % ("x" * 30000))),
                 "modules.session.optional": "<optional/></session>" in features,
                 "modules.sm.resume": value("max='(.*?)'", c.until("<enabled[^>]*/>"))}, **quotas(c, away))
    there = {"registration.fields": form(early), **quotas(here, other)}
    assert there == {k: seen[k] for k in there}, (there, seen)
    return seen


def keys_act_at_once():
    """On who comes, and on who is there, but that a stream keeps the limits of a stanza that it was told of."""
    add("here@" + FIRST)
    early, here = Client(server, FIRST), login("here", FIRST)
    changed = json.loads(json.dumps(BASE))
    for key, (value, _, _) in ACTS.items():
        *path, last = key.split(".")
        functools.reduce(lambda at, name: at.setdefault(name, {}), path, changed)[last] = value
    before = {key: then for key, (_, then, _) in ACTS.items()}
    for config, expected in (BASE, before), (changed, {key: now for key, (_, _, now) in ACTS.items()}), (BASE, before):
        reload(**config)
        seen = what_acts(early, here)
        assert seen == expected, {k: (v, expected[k]) for k, v in seen.items() if v != expected[k]}
        here.send("<message to='here@%s/r'><body>%s</body></message>" % (FIRST, "x" * 30000))
        here.until("</body></message>")
    reload(limits={**BASE["limits"], "login_time": "1s"})
    late = Client(server, FIRST, opened=False)
    late.header()
    assert "<policy-violation" in late.ends()
    reload()


def reloads_that_meet_end_as_the_last():
    """One waits in the middle of its files while another is asked for: each says what it changed, and the last one holds."""
    key, certificate = FOLDER + "/key", FOLDER + "/data/certs/%s.crt" % FIRST
    os.mkfifo(key)
    configure(domains=[{"name": FIRST, "certificate": certificate, "key": key}, {"name": SECOND}], modules={"time": "off"}, log={"level": "debug"})
    told = []
    first = threading.Thread(target=lambda: told.append(ask("reload")))
    first.start()
    feed = []

    def is_read():
        try:
            feed.append(os.open(key, os.O_WRONLY | os.O_NONBLOCK))
        except OSError:
            return False
        return True
    wait_for(is_read, "the key")
    configure()
    second = threading.Thread(target=lambda: told.append(ask("reload")))
    second.start()
    for _ in range(3):
        ask("status")
    with open(certificate[:-3] + "key", "rb") as f:
        os.write(feed[0], f.read())
    os.close(feed[0])
    for t in first, second:
        t.join(2 * DEADLINE)
    keys = ["domains[0].certificate", "domains[0].key", "modules.time", "log.level"]
    assert [sorted(t["changed"]) for t in told] == 2 * [sorted(keys)], told
    since = len(server.log)
    assert {c["key"]: c["value"] for c in ask("config", "show")["config"]}["modules.time"] == "on"
    wait_for(lambda: logged('command="config show"', since), "the line of a command, behind which there is nothing of before")
    since = len(server.log)
    login("anna", FIRST).ping()
    ask("reload")
    assert not logged(" debug ", since), server.log[since:]


configure()
server = Server(MYNAHD, PATH, FIRST)
failed = 1
try:
    add("from@" + FIRST, "to@" + FIRST)
    failed = Beside(server, FOLDER + "/data").tap(
        [a_domain_comes, a_domain_goes_and_comes_back, a_domain_that_a_component_has_is_refused,
         domains_come_and_go_while_people_log_in, a_listener_comes_and_goes, a_listener_changes_where_it_is, a_port_that_is_taken_refuses_all_of_it],
        [the_table_is_covered, an_address_makes_way_for_all_addresses, each_family_of_addresses,
         auto_is_loopback_until_there_is_a_domain, the_first_domain_goes, modules_go_and_come_back, what_waits_for_a_start_is_said, the_log_changes_its_format,
         keys_act_at_once, reloads_that_meet_end_as_the_last, ("end", server.end)])
finally:
    if server.process.poll() is None:
        server.process.kill()
    shutil.rmtree(FOLDER)
sys.exit(failed != 0)
