#!/usr/bin/python3
"""Forms in the terminal client, as a person sees them: rooms are made, configured and found, commands are run, people are looked for, on
each server that has it. Prints TAP.
usage: terminal_forms.py MYNAH MYNAHD"""
import contextlib, os, re, sys

from driver import config_new, serving, tap
from peers import Ejabberd, Prosody
from screen import Screen

MYNAH, MYNAHD = (os.path.abspath(p) for p in sys.argv[1:])


class Story:
    def __init__(self, server, name, ann):
        self.server, self.name, self.ann = server, name, ann

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
        while not re.search("^>.*<Moderators", ann.text(), re.M):
            ann.moves("Down")
        ann.shows("> .*<Moderators [Oo]nly>")
        ann.keys("Enter")
        ann.shows("> +\\(\\*\\) Moderators", label)
        ann.keys("Down", "Enter")
        ann.shows("> .*<Any")
        ann.ends_form()

    def rooms_are_found_and_entered(self):
        ann = self.ann
        ann.types("/close")
        ann.shows("^ Mynah")
        ann.types("/room create other@rooms.%s Ann" % self.server.host)
        ann.shows("Configuration")
        while not re.search("^> .*public (lists|searchable)", ann.text(), re.M):
            ann.moves("Down")
        if re.search("^> \\[ \\]", ann.text(), re.M):
            ann.moves("Space")
        while "[>Save<]" not in ann.text():
            ann.moves("BTab")
        ann.keys("Enter")
        ann.shows("the room is configured", gone=["Esc leaves the form"])
        ann.types("/rooms")
        ann.shows("Enter goes into a room", "other ")
        ann.types("othe", enter=False)
        ann.shows("with: othe", "> other ", gone=["place "])
        ann.keys("Enter")
        ann.shows("^ other \\(other@rooms")

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

    def a_vcard_is_told_and_read(self):
        ann = self.ann
        ann.types("/win 1")
        ann.types("/vcard set")
        ann.shows("> Full name +\\[")
        ann.types("Ann 安", enter=False)
        ann.moves("Tab")
        ann.types("an", enter=False)
        while "[>Save<]" not in ann.text():
            ann.moves("BTab")
        ann.keys("Enter")
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
        ann.shows("0 days, 0 hours, 0 minutes")
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
        steps = [self.a_room_is_made_with_its_configuration, self.what_was_configured_is_there_again, self.a_choice_is_made_from_a_list,
                 self.rooms_are_found_and_entered, self.who_belongs_to_it_is_a_table, self.commands_are_listed_and_run]
        return steps + people + ([self.people_are_looked_for] if self.name == "ejabberd" else [])


with contextlib.ExitStack() as stack:
    steps = []
    for name, opened in ("mynahd", serving(MYNAHD, *config_new())), ("prosody", Prosody()), ("ejabberd", Ejabberd()):
        server = stack.enter_context(opened)
        ann = stack.enter_context(Screen(MYNAH, server, "ann"))
        story = Story(server, name, ann)
        steps.append(("an account (%s)" % name, lambda ann=ann, server=server: ann.registers(server)))
        steps += [("%s (%s)" % (s.__name__.replace("_", " "), name), s) for s in story.steps()]
    failed = tap(steps)
sys.exit(failed != 0)
