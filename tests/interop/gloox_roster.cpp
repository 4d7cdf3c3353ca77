/* Logs in, keeps notes and bookmarks, lets whoever asks see its presence and asks back, answers
 * chat messages in kind, and leaves when told "bye". */
#include "gloox_session.h"

#include <gloox/annotations.h>
#include <gloox/annotationshandler.h>
#include <gloox/bookmarkhandler.h>
#include <gloox/bookmarkstorage.h>
#include <gloox/chatstate.h>
#include <gloox/chatstatefilter.h>
#include <gloox/disco.h>
#include <gloox/message.h>
#include <gloox/messagehandler.h>
#include <gloox/rostermanager.h>
#include <gloox/rosterlistener.h>
#include <gloox/tag.h>
#include <gloox/xhtmlim.h>

class Contact : public Session,
                public gloox::RosterListener,
                public gloox::MessageHandler,
                public gloox::AnnotationsHandler,
                public gloox::BookmarkHandler
{
  public:
    Contact(gloox::Client &client, char **argv)
        : Session(client, argv[2], argv[3], argv[4]), notes(&client), bookmarks(&client)
    {
        client.registerStanzaExtension(new gloox::XHtmlIM());
        client.registerStanzaExtension(new gloox::ChatState(gloox::ChatStateInvalid));
        client.disco()->setVersion("rosterTest", gloox::GLOOX_VERSION);
        client.disco()->setIdentity("client", "bot");
        client.rosterManager()->registerRosterListener(this);
        client.registerMessageHandler(this);
        notes.registerAnnotationsHandler(this);
        bookmarks.registerBookmarkHandler(this);
    }

    void onConnect() override
    {
        gloox::AnnotationsListItem note = {"user@example.org", "2007-08-01T12:00:00Z",
                                           "2007-08-01T12:00:00Z", "owes me <a> book"};
        gloox::BookmarkListItem page = {"XMPP", "https://xmpp.org/?a=b&c=d"};
        gloox::ConferenceListItem room = {"Room", "room@rooms.example.org", "me", "", false};

        say("=", "connected " + client.jid().full());
        notes.storeAnnotations(gloox::AnnotationsList(1, note));
        notes.requestAnnotations();
        bookmarks.storeBookmarks(gloox::BookmarkList(1, page), gloox::ConferenceList(1, room));
        bookmarks.requestBookmarks();
    }

    void handleAnnotations(const gloox::AnnotationsList &list) override
    {
        for (const auto &note : list)
            say("=", "note " + note.jid + " " + note.note);
    }

    void handleBookmarks(const gloox::BookmarkList &pages,
                         const gloox::ConferenceList &rooms) override
    {
        for (const auto &page : pages)
            say("=", "page " + page.name + " " + page.url);
        for (const auto &room : rooms)
            say("=", "room " + room.jid + " " + room.nick);
    }

    void handleRoster(const gloox::Roster &roster) override
    {
        say("=", "roster " + std::to_string(roster.size()));
        for (const auto &entry : roster)
            say("=", "item " + entry.first + " " + std::to_string(entry.second->subscription()));
    }

    void handleItemUpdated(const gloox::JID &jid) override
    {
        const gloox::RosterItem *item = client.rosterManager()->getRosterItem(jid);

        say("=", "item " + jid.full() + " " + std::to_string(item ? item->subscription() : -1));
    }

    void handleItemAdded(const gloox::JID &jid) override
    {
        handleItemUpdated(jid);
    }

    void handleItemSubscribed(const gloox::JID &jid) override
    {
        say("=", "subscribed " + jid.full());
    }

    void handleItemUnsubscribed(const gloox::JID &jid) override
    {
        say("=", "unsubscribed " + jid.full());
    }

    void handleItemRemoved(const gloox::JID &jid) override
    {
        say("=", "removed " + jid.full());
    }

    void handleRosterPresence(const gloox::RosterItem &item, const std::string &resource,
                              gloox::Presence::PresenceType type, const std::string &text) override
    {
        say("=", "presence " + item.jidJID().full() + "/" + resource + " " + std::to_string(type) +
                     " " + text);
    }

    void handleSelfPresence(const gloox::RosterItem &, const std::string &resource,
                            gloox::Presence::PresenceType type, const std::string &) override
    {
        say("=", "self " + resource + " " + std::to_string(type));
    }

    bool handleSubscriptionRequest(const gloox::JID &jid, const std::string &) override
    {
        client.rosterManager()->subscribe(jid);
        return true;
    }

    bool handleUnsubscriptionRequest(const gloox::JID &, const std::string &) override
    {
        return true;
    }

    void handleNonrosterPresence(const gloox::Presence &presence) override
    {
        say("=", "stranger " + presence.from().full());
    }

    void handleRosterError(const gloox::IQ &) override
    {
        say("=", "roster error");
    }

    void handleMessage(const gloox::Message &in, gloox::MessageSession *) override
    {
        const gloox::ChatState *state = in.findExtension<gloox::ChatState>(gloox::ExtChatState);
        const gloox::XHtmlIM *rich = in.findExtension<gloox::XHtmlIM>(gloox::ExtXHtmlIM);

        say("=", "message " + in.from().full() + " state " +
                     std::to_string(state ? state->state() : -1) + " html " +
                     (rich ? rich->xhtml()->cdata() : "none") + " body " + in.body());
        if (in.body() == "bye")
            client.disconnect();
        else if (!in.body().empty())
            answer(in);
    }

  private:
    void answer(const gloox::Message &in)
    {
        gloox::Tag *html = new gloox::Tag("html", "xmlns", gloox::XMLNS_XHTML_IM),
                   *body = new gloox::Tag(html, "body", "xmlns", "http://www.w3.org/1999/xhtml");
        gloox::Message out(gloox::Message::Chat, in.from(), "you said " + in.body());

        new gloox::Tag(body, "em", "you said " + in.body());
        out.addExtension(new gloox::XHtmlIM(html));
        out.addExtension(new gloox::ChatState(gloox::ChatStateActive));
        delete html;
        client.send(out);
    }

    gloox::Annotations notes;
    gloox::BookmarkStorage bookmarks;
};

/* DOMAIN PORT WAYS CA NAME PASSWORD */
int main(int argc, char **argv)
{
    if (argc != 7)
        return 64;

    gloox::JID jid(std::string(argv[5]) + "@" + argv[1]);
    if (strstr(argv[3], "nosasl"))
        jid.setResource("old"); /* jabber:iq:auth has no other way to one */

    gloox::Client client(jid, argv[6]);
    Contact contact(client, argv);

    client.connect();
    return !contact.good;
}
