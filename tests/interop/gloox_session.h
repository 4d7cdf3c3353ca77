/* What both gloox programs do alike: the ways to connect, and telling the driver what goes over the
 * wire (`C:`, `S:`) and what gloox makes of it (`=`). */
#pragma once

#include <gloox/client.h>
#include <gloox/connectionlistener.h>
#include <gloox/connectiontcpclient.h>
#include <gloox/loghandler.h>
#include <gloox/tlsdefault.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <unistd.h>

static inline void say(const std::string &kind, const std::string &text)
{
    printf("%s %s\n", kind.c_str(), text.c_str());
    fflush(stdout);
}

class Session : public gloox::ConnectionListener, public gloox::LogHandler
{
  public:
    /* ways: words of "plain", "tls", "zlib", "nosasl". */
    Session(gloox::Client &client, const char *port, const char *ways, const char *ca)
        : client(client)
    {
        gloox::StringList authorities;
        gloox::TLSBase *encryption = new gloox::TLSDefault(&client, client.server());
        bool tls = strstr(ways, "tls");

        alarm(300); /* the driver is gone */
        authorities.push_back(ca);
        /* setCACerts() of the client reaches GnuTLS in no way. */
        encryption->init();
        encryption->setCACerts(authorities);
        client.setEncryptionImpl(encryption);
        /* setServer() would also change the name that the certificate must bear. */
        client.setConnectionImpl(
            new gloox::ConnectionTCPClient(&client, client.logInstance(), "127.0.0.1", atoi(port)));
        client.setTls(tls ? gloox::TLSRequired : gloox::TLSDisabled);
        client.setCompression(strstr(ways, "zlib"));
        client.setSasl(!strstr(ways, "nosasl"));
        client.registerConnectionListener(this);
        client.logInstance().registerLogHandler(
            gloox::LogLevelDebug, gloox::LogAreaXmlIncoming | gloox::LogAreaXmlOutgoing, this);
    }

    void handleLog(gloox::LogLevel, gloox::LogArea area, const std::string &text) override
    {
        say(area == gloox::LogAreaXmlIncoming ? "S:" : "C:", text);
    }

    bool onTLSConnect(const gloox::CertInfo &info) override
    {
        say("=", "tls " + info.protocol + " certificate " + std::to_string(info.status));
        return info.status == gloox::CertOk;
    }

    void onDisconnect(gloox::ConnectionError e) override
    {
        say("=", "disconnected " + std::to_string(e));
        good = e == gloox::ConnUserDisconnected;
    }

    gloox::Client &client;
    bool good = false; /* it ended because we wanted that */
};
