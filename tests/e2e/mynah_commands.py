#!/usr/bin/python3
"""What is typed behind a slash: windows, whom a word means, rooms, what each command says when it worked and when it was wrong. Prints TAP.
usage: mynah_commands.py MYNAH"""
import os, re, shutil, sys, tempfile

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.append(TESTS)
from mynah import put, tap
from odd import Odd, error, home
from screen import Screen

MYNAH = os.path.abspath(sys.argv[1])
FOLDER, ENV = home("commands")
ENV["VISUAL"] = "false"
ROOM = "r@rooms.odd.test"
USER = "http://jabber.org/protocol/muc#user"
PEOPLE = ("<query xmlns='jabber:iq:roster'>%s</query>" % "".join("<item jid='%s@odd.test' name='%s' subscription='both'/>" % p for p in (
    ("bob", "Bob B"), ("kim", "Kim"), ("eve", "Eve 夏娃"), ("lou", "Twin"), ("luc", "Twin"))))
ROSTER = {"type='get'.*jabber:iq:roster": PEOPLE, "type='set'.*jabber:iq:roster": ""}


def config(*accounts, more="", name="mynah/config.yaml"):
    return put(FOLDER, name, "accounts:\n" + "".join("  - {jid: %s, host: 127.0.0.1, port: %d, tls: off, password_command: echo pw}\n" % a
                                                     for a in accounts or [("ann@odd.test", odd.port)]) + more)


def terminal(*words, size=(30, 110), answers=ROSTER, data=None):
    """Of somebody who has talked with nobody yet, or whose data are there."""
    odd.answers = dict(answers)
    t = Screen([MYNAH, "--no-socket", *words], {**ENV, "XDG_DATA_HOME": data or tempfile.mkdtemp(dir=FOLDER)}, size=size)
    t.shows("ann@odd.test/r is online")
    return t


def enters(t, room=ROOM, nick="Ann", typed=None):
    t.says(typed or "/join %s %s" % (room, nick))
    odd.heard("<presence (?![^>]*type=)[^>]*to='%s/%s'" % (room, nick))
    occupant(nick, "<status code='110'/>", room)
    t.shows("joined as " + nick)


def occupant(nick, more="", room=ROOM, type="", item="affiliation='none' role='participant'"):
    odd.send("<presence from='%s/%s' to='ann@odd.test/r' %s><x xmlns='%s'><item %s/>%s</x></presence>" % (room, nick, type, USER, item, more))


def a_window_that_is_closed_leads_back():
    """To where one was before; others are closed by number, by name, or all that have nothing new."""
    with terminal() as t:
        for who, prompt in ("bob@odd.test", "Bob B"), ("kim@odd.test", "Kim"), ("eve@odd.test", "Eve 夏娃"):
            t.says("/msg " + who)
            t.shows(prompt + "> ")
        t.says("/win 2")
        t.shows("Bob B> ")
        t.says("/win KIM")
        t.shows("Kim> ")
        t.says("/close")
        t.shows("Bob B> ")
        t.says("/close")
        t.shows("Eve 夏娃> ")
        t.says("/close")
        t.shows("Mynah> ")
        t.says("/close")
        t.shows("this page stays; /quit ends")
        for who in "bob", "kim", "eve":
            t.says("/msg %s@odd.test" % who)
        t.says("/win Bob B")
        t.shows("Bob B> ")
        t.says("/close eve@odd.test")
        t.says("/wins")
        t.shows("1: Mynah.*2: Bob B \\(bob@odd.test\\).*3: Kim \\(kim@odd.test\\)")
        t.says("/win Eve")
        t.shows("there is no window Eve; /wins lists them")
        odd.send("<message from='kim@odd.test/x' to='ann@odd.test/r' type='chat'><body>hello</body></message>")
        t.shows("3:Kim 1!")
        t.says("/close read")
        t.shows("Mynah> ")
        t.says("/wins")
        t.shows("1: Mynah.*2: Kim \\(kim@odd.test\\) · 1 unread")
        t.says("/close all")
        t.says("/clear")
        t.says("/wins")
        t.shows("- 1: Mynah")
        t.says("/leave")
        t.shows("this is no room")
        t.end()


def the_window_that_is_shown_stands_in_the_bar():
    """However many there are."""
    with terminal(size=(24, 60)) as t:
        for i in range(12):
            t.says("/msg somebody%d@odd.test" % i)
            t.shows("somebody%d> " % i)
            t.shows(" %d:somebody%d\\s" % (i + 2, i))
        t.types("\x1b2")
        t.shows(" 2:somebody0 .*›")
        t.says("/win 1")
        t.shows(" 1:Mynah .*›")
        t.end()


def a_word_means_a_contact():
    answers = {**ROSTER, "to='bob@odd.test'.*jabber:iq:last": "<query xmlns='jabber:iq:last' seconds='90'/>",
               "to='bob@odd.test/x'.*urn:xmpp:ping": "", "urn:xmpp:blocking": ""}
    with terminal(answers=answers) as t:
        t.says('/msg "Bob B" hello to you')
        odd.heard("<message [^>]*to='bob@odd.test'.*<body>hello to you<")
        t.says("/msg nobody")
        t.shows("nobody is no contact, and no address like name@server")
        t.says("/msg twin")
        t.shows("twin may be luc@odd.test or lou@odd.test: write the address")
        t.says("/last BOB")
        t.shows("0 days, 0 hours, 1 minutes")
        odd.send("<presence from='bob@odd.test/x' to='ann@odd.test/r'/>")
        t.shows("· online")
        t.says("/ping bob")
        odd.heard("to='bob@odd.test/x'.*urn:xmpp:ping")
        for command, stanza in (("/sub request", "<presence [^>]*to='bob@odd.test'[^>]*type='subscribe'|type='subscribe'[^>]*to='bob@odd.test'"),
                                ("/blocked add", "<block .*jid='bob@odd.test'"), ("/roster nick bob \"Robert B\"", "name='Robert B'"),
                                ("/roster group add bob Old friends", "<group>Old friends<"), ("/roster remove kim", "kim@odd.test.*subscription='remove'|subscription='remove'.*kim@odd.test")):
            t.says(command)
            odd.heard(stanza)
        t.says("/win 1")
        t.says("/sub request")
        t.shows("whom\\?")
        t.says("/roster")
        t.shows("○ Kim kim@odd.test")
        t.end()


def what_worked_is_told():
    answers = {**ROSTER, "urn:xmpp:blocking": "", "jabber:iq:register": "", "muc#(owner|admin)": ""}
    with terminal(answers=answers) as t:
        enters(t)
        occupant("Bob", item="affiliation='none' role='participant' jid='bob@odd.test/x'")
        t.shows("\\+ Bob")
        for command, told in (("/roster add lee@odd.test Lee", "it is in the roster"), ("/sub request lee@odd.test", "asked to see when they are online"),
                              ("/roster remove kim", "it is in the roster no more"),
                              ("/blocked add lee@odd.test", "- blocked"), ("/blocked remove lee@odd.test", "not blocked any more"),
                              ("/service unregister icq.odd.test", "not registered any more"), ("/affiliation set member Bob", "what they are to the room is changed"),
                              ("/role set visitor Bob", "what they may in the room is changed"), ("/room accept", "the room is as it usually is"),
                              ("/ban Bob enough", "shut out of the room"), ("/invite kim come", "asked into the room"), ("/room invite lee@odd.test", "asked into the room")):
            t.says("/clear")
            t.says(command)
            t.shows(told)
        odd.heard("muc#admin.*affiliation='member'.*jid='bob@odd.test'|muc#admin.*jid='bob@odd.test'.*affiliation='member'")
        t.end()


def what_is_wrong_is_told():
    with terminal() as t:
        for command, told in (("/nosuch", "there is no /nosuch; /help lists the commands"), ("/help nosuch", "there is no nosuch"), ("/editor", "the editor ended with 1"), ("/mouse maybe", "/mouse on.off"),
                              ("/keys nano", "/keys emacs.vi"), ("/theme nosuch", "nosuch"), ("/url", "nothing is found"), ("/url open", "nothing is found"),
                              ("/url open x", "there is no address x; /url lists them"), ("/url close", "/url \\[open"), ("/history unheard", "nothing is found"),
                              ("/find unheard", "nothing is found"), ("/quote", "nothing is found"), ("/win", "/win WINDOW"), ("/win 99", "there is no window 99"),
                              ("/join", "/join ROOM"), ("/topic", "this is no room"), ("/nick x", "this is no room"), ("/sub tell bob", "/sub request\\|allow\\|deny"),
                              ("/roster add", "/roster \\[add JID"), ("/roster nick nobody@odd.test x", "is not in the roster"), ("/account use kim@odd.test", "kim@odd.test is not logged in"),
                              ("/account list x", "accounts in"), ("/account nosuch", "/account list"), ("/xml nosuch", "/xml filter"), ("/tls allow", "no certificate waits"),
                              ("/file accept", "no file is offered"), ("/file nosuch", "/file accept"), ("/sendfile x", "files go to one person"), ("/correct x", "you said nothing here yet"),
                              ("hello", "nobody listens here|a stanza begins with"), ("/status nosuch", "/status online.chat"), ("/disco info a@@b", "a@@b is no address like name@server"), ("/rooms a@@b", "a@@b is no address")):
            t.says("/clear")
            t.says(command)
            t.shows(told)
            if command.startswith("/xml"):
                t.says("/close")
        t.end()


def nobody_else_hears_what_is_private():
    """In a room it has a window of its own, which goes with the nickname."""
    private = "<message from='%s/%%s' to='ann@odd.test/r' type='chat' id='%%s'><body>%%s</body><x xmlns='%s'/></message>" % (ROOM, USER)
    with terminal() as t:
        enters(t)
        occupant("Two Words")
        t.shows("\\+ Two Words")
        odd.send(private % ("Two Words", "p1", "psst"))
        t.shows("3:Two Words 1!")
        t.says("/win 3")
        t.shows("Two Words: psst")
        t.says("yes?")
        got = odd.heard("<message [^>]*to='%s/Two Words'" % ROOM)
        assert "type='chat'" in got and "<body>yes?</body>" in got and USER in got, got
        t.says("/close")
        t.shows("r> ")
        t.types("/msg two\t")
        t.shows('/msg "Two Words" ')
        t.says("again")
        odd.heard("<message [^>]*to='%s/Two Words'.*<body>again<" % ROOM)
        t.shows("(?s)Two Words: psst.*me: yes\\?.*me: again")
        occupant("Two Words", "<status code='303'/>", type="type='unavailable'", item="affiliation='none' role='participant' nick='Three'")
        occupant("Three")
        t.shows("Three> ")
        t.says("still?")
        odd.heard("<message [^>]*to='%s/Three'.*<body>still\\?<" % ROOM)
        occupant("Three", type="type='unavailable'")
        t.shows("Three is not in the room any more")
        t.end()


def what_was_private_is_so_in_the_next_run():
    data = tempfile.mkdtemp(dir=FOLDER)
    with terminal(data=data) as t:
        enters(t)
        odd.send("<message from='%s/Bob' to='ann@odd.test/r' type='chat' id='p'><body>psst</body></message>" % ROOM)
        t.shows("3:Bob 1!")
        t.end()
    with terminal(data=data) as t:
        odd.heard("<presence [^>]*to='%s/Ann'" % ROOM)
        occupant("Ann", "<status code='110'/>")
        t.shows("2:r.*3:Bob 1!")
        t.says("/win 3")
        t.shows("Bob: psst")
        t.says("yes?")
        odd.heard("<message [^>]*to='%s/Bob'.*<body>yes\\?<" % ROOM)
        t.end()


def what_a_room_did_not_take_is_not_lost():
    """It sends back what was said: else it would stand nowhere."""
    with terminal() as t:
        enters(t)
        t.says("words")
        id = re.search("\\bid='([^']*)'", odd.heard("<body>words<"))[1]
        odd.send("<message from='%s' to='ann@odd.test/r' type='error' id='%s'><body>words</body>%s</message>" % (ROOM, id, error("not-acceptable")))
        t.shows("not sent: that is not accepted there \\(not-acceptable\\) - it was: words")
        t.end()


def our_status_stands_in_the_bar():
    with terminal() as t:
        t.says("/status set away lunch")
        odd.heard("<presence>.*<show>away</show>.*<status>lunch<|<presence>.*<status>lunch</status>.*<show>away")
        t.shows("◐ ann@odd.test")
        t.says("/status online")
        t.shows("● ann@odd.test")
        t.end()


def only_our_name_is_a_mention():
    with terminal() as t:
        enters(t)
        t.says("/win 1")
        for n, body in enumerate(("Anna left", "ann left", "in the Annual", "MaryAnn left", "!Ann!")):
            odd.send("<message from='%s/Bob' to='ann@odd.test/r' type='groupchat' id='m%d'><body>%s</body></message>" % (ROOM, n, body))
            t.shows("2:r %d%s" % (n + 1, "!" if n == 4 else "\\s"))
        t.end()


def a_file_is_offered_until_it_is_answered():
    """A folder that is not there ends nothing. What others decline is told as declined."""
    si, ibb = "http://jabber.org/protocol/si", "http://jabber.org/protocol/ibb"
    feature = ("<feature xmlns='http://jabber.org/protocol/feature-neg'><x xmlns='jabber:x:data' type='form'><field var='stream-method' type='list-single'>"
               "<option><value>%s</value></option></field></x></feature>" % ibb)
    answers = {**ROSTER, "to='bob@odd.test/x'.*disco#info": "<query xmlns='http://jabber.org/protocol/disco#info'><feature var='%s'/>"
               "<feature var='%s/profile/file-transfer'/><feature var='%s'/></query>" % (si, si, ibb), "to='bob@odd.test/x'.*<si ": error("forbidden")}
    with terminal(answers=answers) as t:
        odd.send("<presence from='bob@odd.test/x' to='ann@odd.test/r'/>")
        t.says("/msg bob@odd.test")
        t.shows("· online")
        offer = ("<iq type='set' id='o' from='%%s' to='ann@odd.test/r'><si xmlns='%s' id='a' profile='%s/profile/file-transfer'>"
                 "<file xmlns='%s/profile/file-transfer' name='NAME' size='1'/>%s</si></iq>" % (si, si, si, feature))
        odd.send("".join(offer % ("crowd%d@odd.test/x" % n) for n in range(30)))  # strangers leave room for others
        odd.send(offer % "bob@odd.test/x")
        t.shows("offers NAME.*Alt-y yes")
        t.says("/file accept /nonexistent")
        t.shows("/nonexistent: No such file or directory.*Alt-y yes")
        t.says("/file decline")
        t.shows("NAME was declined")
        t.says("/sendfile " + MYNAH)
        t.shows("- mynah was declined")
        t.end()


def the_list_of_people_wants_room():
    with terminal(size=(24, 60)) as t:
        t.says("/panel bob")
        t.shows("the list of people is shown when")
        t.end()


def a_room_is_found_by_its_name():
    answers = {**ROSTER, "to='odd.test'.*disco#items": "<query xmlns='http://jabber.org/protocol/disco#items'><item jid='x.odd.test'/><item jid='rooms.odd.test'/></query>",
               "to='x.odd.test'.*disco#info": "<query xmlns='http://jabber.org/protocol/disco#info'/>",
               "to='rooms.odd.test'.*disco#info": "<query xmlns='http://jabber.org/protocol/disco#info'><identity category='conference' type='text'/>"
               "<feature var='http://jabber.org/protocol/muc'/></query>"}
    with terminal(answers=answers) as t:
        enters(t, nick="Ann A", typed="/join r nick Ann A")
        t.says("/leave")
        t.shows("Mynah> ")
        t.says("/room create r")
        odd.heard("<presence [^>]*to='%s/ann'" % ROOM)
        occupant("ann", "<status code='110'/><status code='201'/>")
        odd.heard("muc#owner")
        t.end()


def a_room_may_want_another_name_or_a_password():
    refuses = "<presence from='%s/%%s' to='ann@odd.test/r' type='error'><x xmlns='http://jabber.org/protocol/muc'/>%%s</presence>" % ROOM
    with terminal() as t:
        t.says("/join %s Ann" % ROOM)
        odd.heard("<presence [^>]*to='%s/Ann'" % ROOM)
        odd.send(refuses % ("Ann", error("conflict")))
        t.shows("that name is taken")
        t.says("anybody?")
        t.shows("not sent: you are not in this room; /join %s enters it" % ROOM)
        t.says("/topic x")
        t.shows("- you are not in this room")
        t.says("/join %s Other" % ROOM)
        odd.heard("<presence [^>]*to='%s/Other'" % ROOM)
        odd.send(refuses % ("Other", error("not-authorized", "auth")))
        t.shows("password of %s> " % ROOM)
        t.says("secret")
        got = odd.heard("<presence [^>]*to='%s/Other'" % ROOM)
        assert "<password>secret</password>" in got, got
        occupant("Other", "<status code='110'/>")
        t.shows("joined as Other")
        assert "secret" not in t.written.decode()
        t.says("/join %s Third" % ROOM)
        odd.heard("<presence [^>]*to='%s/Third'" % ROOM)
        t.says("/topic")
        t.shows("the room has no subject")
        t.end()


def an_account_is_chosen():
    other = Odd()
    other.answers = {"xmpp-bind": "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><jid>kim@odd.test/k</jid></bind>"}
    config(("ann@odd.test", odd.port), ("kim@odd.test", other.port))
    with terminal() as t:
        t.shows("kim@odd.test/k is online")
        t.shows("Mynah \\(ann@odd.test\\)")
        t.says("/msg lee@odd.test one")
        odd.heard("<body>one<")
        t.shows("lee@odd.test\\) .*as ann@odd.test")
        t.says("/win 1")
        t.says("/account use kim@odd.test")
        t.shows("Mynah \\(kim@odd.test\\)")
        t.says("/msg lee@odd.test two")
        other.heard("<body>two<")
        t.says("/xml")
        t.says("/ping")
        other.heard("urn:xmpp:ping")
        t.shows("kim@odd.test → <iq")
        t.says("/xml filter nothing")
        t.shows("only what fits to nothing is shown")
        t.says("/xml pause")
        t.shows("what goes on now is left out")
        t.says("/disconnect")
        t.says("/win 1")
        t.shows("kim@odd.test is logged out")
        t.end()
    other.listener.close()
    config()


def themes_stand_beside_the_configuration():
    put(FOLDER, "elsewhere/themes/mine.yaml", "base: mono\nnote: underline\n")
    path = config(name="elsewhere/config.yaml", more="terminal: {theme: mine}\n")
    with terminal("--config", path) as t:
        t.until(b"\x1b\\[[0-9;]*4m")
        t.says("/theme dark")
        t.says("/theme min\t")
        t.end()
        assert b"no such file" not in t.written


def a_long_line_is_told_whole():
    with terminal() as t:
        odd.send("<message from='bob@odd.test/x' to='ann@odd.test/r' type='chat'><body>%s THE END</body></message>" % ("很长" * 300))
        t.shows("2:Bob B 1!")
        t.says("/history THE END")
        t.shows("很 *THE END|很长 *THE END|THE END")
        assert "\ufffd" not in t.written.decode(errors="replace")
        t.end()


def others_hear_what_runs_here():
    with terminal() as t:
        odd.send("<iq type='get' id='v' from='bob@odd.test/x' to='ann@odd.test/r'><query xmlns='jabber:iq:version'/></iq>")
        got = odd.heard("id='v'")
        assert "<name>Mynah</name>" in got and "<os>" not in got, got
        t.end()


def help_is_a_list_that_leads_to_one():
    with terminal() as t:
        t.says("/help")
        t.shows("(?s)Enter explains one.*> keys .*account .*Esc leaves the form · Enter takes a row")
        t.types("\r")
        t.shows("Alt-1 to Alt-0 windows")
        t.says("/help")
        t.shows("Enter explains one")
        t.types("is talked wi")
        t.shows("(?s)^(?!.*  account )")
        t.types("\x1b\x1b")  # what is looked for, and the list
        t.shows("Mynah> ")
        t.says("/help")
        t.types("from whom no")
        t.shows("with: from whom no.*> blocked")
        t.types("\r")
        t.shows("(?s)- /blocked \\[list.*Mynah> /blocked ")
        t.types("remove bob@odd.test\r")
        odd.heard("<unblock .*bob@odd.test")
        t.end()


def tab_completes_what_a_command_takes():
    put(FOLDER, "files/picture.png", "x")
    put(FOLDER, "files/.hidden", "x")
    with terminal() as t:
        for typed, completed in (("/help pan\t", "/help panel "), ("/theme li\t", "/theme light "), ("/win my\t", "/win Mynah "),
                                 ("/sendfile ~/files/\t", "/sendfile ~/files/picture.png "), ("/sendfile ~/fil\t", "/sendfile ~/files/"),
                                 ("/sendfile ~/files/.h\t", "/sendfile ~/files/.hidden "), ("/sendfile ~/files/nothing\t", "/sendfile ~/files/nothing"),
                                 ("/file accept ~/fi\t", "/file accept ~/files/")):
            t.types(typed)
            t.shows("> %s" % re.escape(completed))
            t.types("\x15")
        t.end()


def what_was_cleared_is_among_the_older_lines():
    with terminal() as t:
        t.says("/msg lou@odd.test before it was cleared")
        t.shows("me: before it was cleared")
        t.says("/clear")
        t.says("and after it")
        t.shows("me: and after it")
        t.types("\x1b[5~")
        t.shows("(?s)me: before it was cleared.*me: and after it")
        t.end()


odd = Odd()
config()
try:
    failed = tap([a_window_that_is_closed_leads_back, the_window_that_is_shown_stands_in_the_bar, a_word_means_a_contact,
                  what_worked_is_told, what_is_wrong_is_told, nobody_else_hears_what_is_private, what_was_private_is_so_in_the_next_run, what_a_room_did_not_take_is_not_lost,
                  our_status_stands_in_the_bar, only_our_name_is_a_mention,
                  a_file_is_offered_until_it_is_answered, the_list_of_people_wants_room, a_room_is_found_by_its_name,
                  a_room_may_want_another_name_or_a_password, an_account_is_chosen, themes_stand_beside_the_configuration,
                  a_long_line_is_told_whole, others_hear_what_runs_here, help_is_a_list_that_leads_to_one, tab_completes_what_a_command_takes,
                  what_was_cleared_is_among_the_older_lines])
finally:
    odd.listener.close()
    shutil.rmtree(FOLDER)
sys.exit(failed != 0)
