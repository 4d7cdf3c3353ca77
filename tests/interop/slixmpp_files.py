#!/usr/bin/python3
"""The file examples and slixmpp send each other files through our server (XEP-0095, XEP-0096, by XEP-0047 and XEP-0065). Prints TAP.
usage: slixmpp_files.py MYNAHD EXAMPLES"""
import asyncio, contextlib, hashlib, os, sys, tempfile

from driver import DEADLINE, Program, config_new, serving, tap
from slixmpp.exceptions import IqError
from slixmpp.plugins.xep_0047.stream import IBBytestream
from slixmpp.xmlstream.handler import CoroutineCallback
from slixmpp.xmlstream.matcher import StanzaPath
from slixmpp_person import Person

MYNAHD, EXAMPLES = sys.argv[1:]
IBB, SOCKS5 = "http://jabber.org/protocol/ibb", "http://jabber.org/protocol/bytestreams"
NUMBERS = bytes((i * i >> 8) & 255 for i in range(300000))


class Files(Person):
    """SOCKS5 goes one way only: slixmpp offers proxies, and no address of its own."""

    def __init__(self, *args, **how):
        super().__init__(*args, plugins=("xep_0020", "xep_0047", "xep_0065", "xep_0095", "xep_0096"), **how)
        for name in "si_request", "socks5_data", "socks5_closed":
            self.add_event_handler(name, self.note(name))
        self.remove_handler("SI Request")  # 1.8.3 calls its coroutine and never waits for it
        self.register_handler(CoroutineCallback("SI Request", StanzaPath("iq@type=set/si"), self["xep_0095"]._handle_request))

    async def taken(self):
        """Accepts what is offered next: how it is described, and its bytes."""
        iq = await self.until("si_request")
        sid, peer, stream = iq["si"]["id"], iq["from"], asyncio.get_running_loop().create_future()
        self.add_event_handler("stream:%s:%s" % (sid, peer), stream.set_result, disposable=True)
        await self["xep_0095"].accept(peer, sid, ifrom=self.boundjid)
        stream = await asyncio.wait_for(stream, DEADLINE)
        if isinstance(stream, IBBytestream):
            return iq["si"], await stream.gather(timeout=DEADLINE)
        came = b""  # other connections than the one that is used are closed meanwhile
        while len(came) < len(NUMBERS):
            came += await self.until("socks5_data")
        return iq["si"], came

    async def give(self, peer, **how):
        """NUMBERS in-band; the method that was chosen."""
        answer = await self["xep_0096"].request_file_transfer(peer, name="numbers", size=len(NUMBERS), sid="s1", hash=hashlib.md5(NUMBERS).hexdigest(),
                                                              timeout=DEADLINE, **how)
        method = answer["si"]["feature_neg"]["form"].get_values()["stream-method"]
        if method == IBB:
            stream = await self["xep_0047"].open_stream(peer, sid="s1", timeout=DEADLINE)
            await stream.sendall(NUMBERS, timeout=DEADLINE)
            with contextlib.suppress(IqError):  # who has all of it may have left
                await stream.close(timeout=DEADLINE)
        return method


def methods(*names):
    """As 1.8.3 needs them to make a form of them."""
    return [{"value": n} for n in names]


def example(server, name, *args):
    return Program(os.path.join(EXAMPLES, name), "slix@" + server.host + "/mynah", *args,
                   env={"MYNAH_HOST": "127.0.0.1", "MYNAH_PORT": str(server.ports[0]), "MYNAH_CA": server.ca, "MYNAH_PASSWORD": "testpwd"})


async def in_thread(f, *args):
    return await asyncio.get_running_loop().run_in_executor(None, f, *args)


async def takes(server, p, way):
    with tempfile.TemporaryDirectory(prefix="mynah-files-") as folder:
        with open(folder + "/numbers", "wb") as f:
            f.write(NUMBERS)
        with example(server, "ft_send", p.boundjid.full, folder + "/numbers", way) as sender:
            si, came = await p.taken()
            assert si["file"]["name"] == "numbers" and si["file"]["size"] == "300000", si
            assert si["file"]["hash"] == hashlib.md5(NUMBERS).hexdigest() and came == NUMBERS, (si, len(came))
            await in_thread(sender.until, "sent\n")
            await in_thread(sender.end)


async def declines(server, p):
    with example(server, "ft_send", p.boundjid.full, __file__, "ibb") as sender:
        iq = await p.until("si_request")
        asyncio.ensure_future(p["xep_0095"].decline(iq["from"], iq["si"]["id"], ifrom=p.boundjid))
        await in_thread(sender.until, "forbidden")


async def sends(server, p, peer):
    with tempfile.TemporaryDirectory(prefix="mynah-files-") as folder, example(server, "ft_recv", folder + "/came") as receiver:
        await in_thread(receiver.until, "online as ")
        method = await p.give(peer, methods=methods(IBB))
        assert method == IBB, method
        await in_thread(receiver.until, "offers numbers, 300000 bytes, 0 are here\n.*received in-band")
        await in_thread(receiver.end)
        with open(folder + "/came", "rb") as f:
            assert f.read() == NUMBERS


async def offers_in_vain(server, p, peer):
    """A method nobody knows, and a profile nobody has."""
    with tempfile.TemporaryDirectory(prefix="mynah-files-") as folder, example(server, "ft_recv", folder + "/came") as receiver:
        await in_thread(receiver.until, "online as ")
        for offer, special in ((lambda: p.give(peer, methods=methods("urn:pigeon")), "no-valid-streams"),
                               (lambda: p["xep_0095"].offer(peer, profile="urn:pigeon", methods=methods(IBB), payload=[], timeout=DEADLINE), "bad-profile")):
            try:
                await offer()
                raise Exception(special)
            except IqError as e:
                assert special in str(e.iq), e.iq


with serving(MYNAHD, *config_new()) as server:
    loop = asyncio.get_event_loop()
    p = Files(server, "slix@" + server.host + "/slixmpp", registers=True)
    loop.run_until_complete(p.start())
    peer = "slix@" + server.host + "/mynah"
    bad = tap([(name, lambda f=f: loop.run_until_complete(f())) for name, f in (
        ("slixmpp takes a file in-band", lambda: takes(server, p, "ibb")),
        ("slixmpp takes a file by SOCKS5", lambda: takes(server, p, "direct")),
        ("slixmpp declines", lambda: declines(server, p)),
        ("slixmpp sends a file in-band", lambda: sends(server, p, peer)),
        ("slixmpp offers what is not known", lambda: offers_in_vain(server, p, peer)))], lambda: server.log)
    loop.run_until_complete(p.stop())
sys.exit(bad != 0)
