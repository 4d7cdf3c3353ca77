/* Takes a file, or offers one, by one kind of stream, and says what became of it. */
#include "gloox_session.h"

#include <gloox/bytestream.h>
#include <gloox/bytestreamdatahandler.h>
#include <gloox/md5.h>
#include <gloox/siprofileft.h>
#include <gloox/siprofilefthandler.h>
#include <gloox/socks5bytestreammanager.h>
#include <gloox/socks5bytestreamserver.h>

class Files : public Session, public gloox::SIProfileFTHandler, public gloox::BytestreamDataHandler
{
  public:
    Files(gloox::Client &client, char **argv)
        : Session(client, argv[2], argv[3], argv[4]), to(argv[8]), sockets(&client, 0),
          files(&client, this, 0, &sockets), server(client.logInstance(), 0),
          kind(strcmp(argv[7], "ibb") ? gloox::SIProfileFT::FTTypeS5B
                                      : gloox::SIProfileFT::FTTypeIBB)
    {
        sockets.registerBytestreamHandler(&files);
        sockets.registerSOCKS5BytestreamServer(&server);
        server.listen();
        for (size_t i = 0; *argv[8] && i < 300000; i++)
            data += (char)(i * i >> 8);
    }

    void onConnect() override
    {
        gloox::MD5 sum;

        say("=", "connected " + client.jid().full());
        if (to.empty())
            return;
        sum.feed(data);
        sockets.addStreamHost(client.jid(), "127.0.0.1", server.localPort());
        files.requestFT(to, "numbers", (long)data.size(), sum.hex(), "", "", "", kind);
    }

    void handleFTRequest(const gloox::JID &from, const gloox::JID &, const std::string &sid,
                         const std::string &name, long size, const std::string &hash,
                         const std::string &, const std::string &, const std::string &,
                         int) override
    {
        say("=", "offered " + name + " " + std::to_string(size));
        wanted = (size_t)size;
        announced = hash;
        files.acceptFT(from, sid, kind);
    }

    void handleFTRequestError(const gloox::IQ &, const std::string &) override
    {
        say("=", "refused");
        client.disconnect();
    }

    void handleFTBytestream(gloox::Bytestream *b) override
    {
        b->registerBytestreamDataHandler(this);
        stream = b;
        b->connect();
    }

    const std::string handleOOBRequestResult(const gloox::JID &, const gloox::JID &,
                                             const std::string &) override
    {
        return "";
    }

    void handleBytestreamData(gloox::Bytestream *, const std::string &bytes) override
    {
        data += bytes;
    }

    void handleBytestreamError(gloox::Bytestream *, const gloox::IQ &) override
    {
        say("=", "stream error");
        over = true;
    }

    void handleBytestreamOpen(gloox::Bytestream *) override
    {
        open = true;
    }

    void handleBytestreamClose(gloox::Bytestream *) override
    {
        over = true;
    }

    void handleBytestreamDataAck(gloox::Bytestream *) override
    {
        acked = true;
    }

    /* One piece a turn; in-band, when the one before was acknowledged. */
    void turn()
    {
        if (to.empty() && stream && (over || (wanted && data.size() >= wanted))) {
            gloox::MD5 sum;

            sum.feed(data);
            say("=", std::string("received ") + (sum.hex() == announced ? "well" : "badly"));
            over = true;
        } else if (!to.empty() && open && !over && sent < data.size() && acked) {
            acked = kind == gloox::SIProfileFT::FTTypeS5B;
            stream->send(data.substr(sent, 4096));
            sent += 4096;
        } else if (!to.empty() && open && !over && sent >= data.size() && acked) {
            stream->close();
            over = true;
        }
        if (over && !leaving) {
            leaving = true;
            client.disconnect();
        }
    }

    void run()
    {
        gloox::ConnectionError e = gloox::ConnNoError;

        client.connect(false);
        while (e == gloox::ConnNoError) {
            e = client.recv(kind == gloox::SIProfileFT::FTTypeS5B && stream ? 100 : 20000);
            server.recv(1);
            if (stream && !over)
                stream->recv(100);
            turn();
        }
    }

  private:
    std::string to, data, announced;
    gloox::SOCKS5BytestreamManager sockets;
    gloox::SIProfileFT files;
    gloox::SOCKS5BytestreamServer server;
    gloox::SIProfileFT::StreamType kind;
    gloox::Bytestream *stream = nullptr;
    size_t wanted = 0, sent = 0;
    bool open = false, over = false, acked = true, leaving = false;
};

/* DOMAIN PORT WAYS CA NAME PASSWORD ibb|socks5 TO; TO empty: takes what is offered */
int main(int argc, char **argv)
{
    if (argc != 9)
        return 64;

    gloox::JID jid(std::string(argv[5]) + "@" + argv[1] + "/gloox");
    gloox::Client client(jid, argv[6]);
    Files files(client, argv);

    files.run();
    return !files.good;
}
