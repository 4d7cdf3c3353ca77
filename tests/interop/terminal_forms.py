#!/usr/bin/python3
"""Forms in the terminal client, as a person sees them: rooms are made, configured and found, commands are run, people are looked for, on
each server that has it. Prints TAP.
usage: terminal_forms.py MYNAH MYNAHD"""
import contextlib, os, sys

from driver import config_new, serving, tap
from peers import Ejabberd, Prosody
from tmux import Screen

MYNAH, MYNAHD = (os.path.abspath(p) for p in sys.argv[1:])


class Story:
    def __init__(self, server, name, ann, bob):
        self.server, self.name, self.ann, self.bob = server, name, ann, bob

    def a_room_is_made_with_its_configuration(self):
        ann = self.ann
        ann.types("/room create place@rooms.%s Ann" % self.server.host)
        ann.shows("Configuration (for|of room) place@rooms", "> (Title|Room title) +\\[ +\\]", "@ Ann", "Esc leaves the form")
        ann.types("The 房间", enter=False)
        ann.keys("Tab", "Tab")
        ann.shows("(Title|Room title) +\\[The 房间 +\\]")
        ann.tmux("resize-window", "-x", "40", "-y", "12")
        ann.shows("(Title|Room title) +\\[The 房间 {5,25}\\]", gone=["│@ Ann"])
        ann.tmux("resize-window", "-x", "110", "-y", "30")
        ann.keys("BTab", "BTab", "BTab", "BTab")
        ann.shows("\\[>Save<\\]  \\[ Cancel \\]")
        ann.keys("Enter")
        ann.shows("the room is configured", gone=["Esc leaves the form"])

    def what_was_configured_is_there_again(self):
        ann = self.ann
        ann.types("/room config")
        ann.shows("> (Title|Room title) +\\[The 房间 +\\]")
        ann.ends_form()

    def a_choice_is_made_from_a_list(self):
        ann = self.ann
        ann.types("/room config")
        ann.shows("> (Title|Room title)")
        label = "Present real Jabber IDs to" if self.name == "ejabberd" else "may be viewed by"
        ann.goes_to("^>.*<Moderators", "Down")
        ann.shows("> .*<Moderators [Oo]nly>")
        ann.keys("Enter")
        ann.shows("> +\\(\\*\\) Moderators", label)
        ann.keys("Down", "Enter")
        ann.shows("> .*<Any")
        ann.ends_form()

    def a_mouse_does_what_keys_do(self):
        ann = self.ann
        ann.types("/mouse on")
        ann.types("/room config")
        ann.shows("> (Title|Room title)")
        label = "(Persistent|Make room persistent)"
        ann.clicks("\\[ \\] " + label)
        ann.shows("> \\[x\\] " + label)
        ann.clicks("\\[x\\] " + label)
        ann.shows("> \\[ \\] " + label)
        ann.clicks("<Moderators [Oo]nly>")
        ann.shows("> +\\(\\*\\) Moderators", "\\( \\) Any")
        ann.clicks("\\( \\) Any")
        ann.shows("> .*<Any", gone=["\\( \\) Moderators"])
        ann.clicks("(Description|Room description) +\\[")
        ann.types("clicked", enter=False)
        ann.shows("> (Description|Room description) +\\[clicked")
        ann.goes_to("\\[ Save \\]", "BTab")
        ann.clicks("\\[ Save \\]")
        ann.shows("the room is configured", gone=["Esc leaves the form"])
        ann.types("/cmd list")
        ann.shows("> (Ping +ping|Get uptime)")
        ann.clicks("(Ping +ping|Get uptime)")  # a row that has the focus already is chosen
        ann.shows("- (Pong|This server has been running)", gone=["Esc leaves the form"])
        ann.types("/mouse off")

    def rooms_are_found_and_entered(self):
        ann = self.ann
        ann.types("/close")
        ann.shows("^ Mynah")
        ann.types("/room create other@rooms.%s Ann" % self.server.host)
        ann.shows("Configuration")
        ann.goes_to("^> .*public (lists|searchable)", "Down")
        ann.ticks()
        ann.presses("Save", "BTab")
        ann.shows("the room is configured", gone=["Esc leaves the form"])
        ann.types("/rooms")
        ann.shows("Enter goes into a room", "other ")
        ann.types("othe", enter=False)
        ann.shows("with: othe", "> other ", gone=["place "])
        ann.keys("Enter")
        ann.shows("^ other \\(other@rooms")

    def a_bookmark_leads_back_in(self):
        """Into a room that was left, at the next login; and by hand."""
        ann, room = self.ann, "other@rooms." + self.server.host
        ann.types("/bookmark add name Else")
        ann.shows("the room is bookmarked")
        ann.types("/close")
        ann.shows("^ Mynah", gone=[":other"])
        ann.again()
        ann.shows("is online", ":other")
        ann.types("/close other")
        ann.types("/bookmark update %s autojoin off" % room)
        ann.shows("the bookmark is changed", gone=[":other"])
        ann.types("/bookmark")
        ann.shows("> %s +Else +Ann +│" % room)
        ann.keys("Enter")
        ann.shows("^ other \\(other@rooms", "@ Ann")
        ann.types("/bookmark remove")
        ann.shows("the bookmark is removed")

    def who_belongs_to_it_is_a_table(self):
        ann = self.ann
        ann.types("/affiliation set member bob@%s" % self.server.host)
        ann.types("/affiliation list member")
        ann.shows("Address +Nickname +Affiliation", "bob@%s +member" % self.server.host, "\\[>Close<\\]")
        ann.keys("Enter")
        ann.types("/affiliation list nobody")
        ann.shows("there is no nobody", gone=["Esc leaves the form"])

    def commands_are_listed_and_run(self):
        ann = self.ann
        ann.types("/cmd list")
        ann.shows("Enter runs one", "> (Ping +ping|Get uptime)")
        ann.keys("Enter")
        ann.shows("- (Pong|This server has been running)", gone=["Esc leaves the form"])

    def a_visitor_asks_to_speak(self):
        ann, bob = self.ann, self.bob
        ann.types("/room create hall@rooms.%s Ann" % self.server.host)
        ann.goes_to("^> .*oderated", "Down")
        ann.ticks()
        ann.presses("Save", "BTab")
        ann.shows("the room is configured", gone=["Esc leaves the form"])
        bob.types("/join hall@rooms.%s Bob" % self.server.host)
        bob.shows("joined as Bob")
        if self.name == "ejabberd":  # whose newcomers may speak
            ann.shows("\\+ Bob")
            ann.types("/role set visitor Bob be still")
            ann.shows("  Bob", gone=["\\+ Bob"])
        bob.types("unheard")
        bob.shows("not sent: .*\\(forbidden\\)")
        bob.types("/room voice")
        bob.shows("the moderators are asked")
        if self.name == "ejabberd":  # which takes one request in half an hour
            bob.types("/room voice")
            bob.shows("not sent: .*\\(resource-constraint\\)", gone=["asks to speak"])
        ann.types("I was just writing", enter=False)
        ann.shows("Bob \\(bob@\\S+\\) asks to speak +Alt-y yes")
        ann.keys("M-y")
        ann.shows("\\+ Bob", "I was just writing *$", gone=["Alt-y yes"])
        ann.keys("C-u")
        bob.shows("you may speak here now")
        bob.types("/room voice")
        bob.shows("you may speak here *(│|$)")
        bob.types("heard")
        ann.shows("Bob: heard", gone=["unheard"])

    def roles_and_affiliations_change(self):
        ann, bob, jid = self.ann, self.bob, "bob@" + self.server.host
        ann.types("/role set moderator Bob")
        bob.shows("@ Bob", "you are a moderator here now")
        ann.types("/role list moderator")
        ann.shows("Nickname", "Ann +owner", "Bob +none", "\\[>Close<\\]")
        ann.keys("Enter")
        for affiliation in "member", "admin":
            ann.types("/affiliation set %s %s" % (affiliation, jid))
            bob.shows("Bob +" + affiliation)
        bob.types("/topic 新主题")
        ann.shows("subject: 新主题")
        ann.types("/ban kim@%s too loud" % self.server.host)
        ann.types("/affiliation list outcast")
        ann.shows("kim@%s +outcast" % self.server.host)
        ann.keys("Enter")
        bob.types("/affiliation set none ann@" + self.server.host)
        bob.shows("not-allowed|forbidden")
        ann.types("/role set visitor Nobody")
        ann.shows("item-not-found|not-acceptable|bad-request")

    def a_room_registers_invites_and_ends(self):
        ann, bob = self.ann, self.bob
        service = self.name == "ejabberd"  # which registers names for all rooms alone
        bob.types("/service register rooms." + self.server.host if service else "/room register")
        bob.shows("(?i)> Nickname[ *]+\\[", "\\[ Register \\]")
        bob.types("Bob", enter=False)
        bob.presses("Register", "BTab")
        bob.shows("- registered", gone=["Esc leaves the form"])
        bob.types("/close")
        for command in "/room invite", "/invite":
            bob.types("/clear")
            ann.types("%s bob@%s come back" % (command, self.server.host))
            bob.shows("ann@\\S+ asks you into a room: /join[^@]*hall@rooms\\S+ - come[\\s│]+back")
        bob.types("/join hall@rooms.%s Bob" % self.server.host)
        bob.shows("joined as Bob")
        ann.types("/room destroy all is said")
        for screen in ann, bob:
            screen.shows("the room is gone: all is said")
            screen.types("/close")

    def a_node_is_configured(self):
        """It is made in the XML console; Prosody lets its people have nodes of their own alone."""
        ann, host = self.ann, self.server.host
        at, label, value = ("ann@" + host, "Title", "News 新闻") if self.name == "prosody" else ("pubsub." + host, "Max payload size", "12345")
        ann.types("/xml")
        ann.types("<iq type='set' id='n1' to='%s'><pubsub xmlns='http://jabber.org/protocol/pubsub'><create node='news'/></pubsub></iq>" % at)
        ann.shows("← <iq [^>]*id='n1'")
        ann.types("/close")
        ann.types("/node config %s news" % at)
        ann.shows("Esc leaves the form")
        ann.goes_to("^> .*" + label, "Down")
        ann.keys("C-u")
        ann.types(value, enter=False)
        ann.presses("Save", "BTab")
        ann.shows("the node is configured", gone=["Esc leaves the form"])
        ann.types("/node config %s news" % at)
        ann.shows("Esc leaves the form")
        ann.goes_to("^> .*%s.*\\[%s +\\]" % (label, value), "Down")
        ann.ends_form()
        ann.types("/node config %s nothing" % at)
        ann.shows("item-not-found")

    def a_vcard_is_told_and_read(self):
        ann = self.ann
        ann.types("/win 1")
        ann.types("/vcard set")
        ann.shows("> Full name +\\[")
        ann.types("Ann 安", enter=False)
        ann.moves("Tab")
        ann.types("an", enter=False)
        ann.presses("Save", "BTab")
        ann.shows("the vCard is kept", gone=["Esc leaves the form"])
        ann.types("/vcard get")
        ann.shows("Full name: Ann 安", "Nickname: an", "\\[>Close<\\]")
        ann.keys("Enter")

    def contacts_are_named_grouped_and_blocked(self):
        ann, host = self.ann, self.server.host
        ann.types("/roster add kim@%s Kim" % host)
        ann.shows("○ Kim")
        ann.types("/roster nick kim@%s Kimmy Lee" % host)
        ann.shows("○ Kimmy Lee")
        ann.types("/roster group add kim@%s Old friends" % host)
        ann.types("/roster nick nobody@%s x" % host)
        ann.shows("nobody@%s is not in the roster" % host, "○ Kimmy Lee")
        ann.types("/blocked add eve@" + host)
        ann.types("/blocked list")
        ann.shows("Enter unblocks one", "> eve@" + host)
        ann.keys("Enter")
        ann.shows("> *$", gone=["Esc leaves the form"])
        ann.types("/blocked list")
        ann.shows("Enter unblocks one", "nothing", gone=["eve@"])
        ann.ends_form()

    def small_questions_are_answered(self):
        ann = self.ann
        ann.types("/ping")
        ann.shows("it answered in \\d+ ms")
        ann.types("/software")
        ann.shows("- (Mynah|Prosody|ejabberd) \\S")
        ann.types("/last")
        ann.shows("0 days, 0 hours, \\d+ minutes")
        ann.types("/disco info")
        ann.shows("server/im", "Feature", "\\[ Close \\]|\\[>Close<\\]|disco#info")
        ann.ends_form()

    def people_are_looked_for(self):
        ann = self.ann
        ann.types("/search search." + self.server.host)
        ann.shows("> User +\\[", "\\[ Search \\]")
        ann.types("ann", enter=False)
        ann.keys("BTab", "BTab")
        ann.shows("\\[>Search<\\]")
        ann.keys("Enter")
        ann.shows("Enter begins a talk", "> ann@")
        ann.keys("Enter")
        ann.shows("^ \\S.*\\(ann@")

    def steps(self):
        people = [self.a_vcard_is_told_and_read, self.contacts_are_named_grouped_and_blocked, self.small_questions_are_answered]
        if self.name == "mynahd":
            return people
        steps = [self.a_room_is_made_with_its_configuration, self.what_was_configured_is_there_again, self.a_choice_is_made_from_a_list, self.a_mouse_does_what_keys_do,
                 self.rooms_are_found_and_entered, self.a_bookmark_leads_back_in, self.who_belongs_to_it_is_a_table, self.a_visitor_asks_to_speak,
                 self.roles_and_affiliations_change, self.a_room_registers_invites_and_ends, self.a_node_is_configured,
                 self.commands_are_listed_and_run]
        return steps + people + ([self.people_are_looked_for] if self.name == "ejabberd" else [])


with contextlib.ExitStack() as stack:
    steps = []
    for name, opened in ("mynahd", serving(MYNAHD, *config_new())), ("prosody", Prosody()), ("ejabberd", Ejabberd()):
        server = stack.enter_context(opened)
        ann, bob = (stack.enter_context(Screen(MYNAH, server, who)) for who in ("ann", "bob"))
        story = Story(server, name, ann, bob)
        steps.append(("two accounts (%s)" % name, lambda story=story: [s.registers(story.server) for s in (story.ann, story.bob)]))
        steps += [("%s (%s)" % (s.__name__.replace("_", " "), name), s) for s in story.steps()]
    failed = tap(steps)
sys.exit(failed != 0)
