/* Registers an account as a newcomer does: connects without a name, asks which fields are wanted,
 * sends them and leaves. */
#include "gloox_session.h"

#include <gloox/registration.h>

class Newcomer : public Session, public gloox::RegistrationHandler
{
  public:
    Newcomer(gloox::Client &client, char **argv)
        : Session(client, argv[2], argv[3], argv[4]), registration(&client), name(argv[5]),
          password(argv[6])
    {
        client.disableRoster();
        registration.registerRegistrationHandler(this);
    }

    void onConnect() override
    {
        registration.fetchRegistrationFields();
    }

    void handleRegistrationFields(const gloox::JID &, int fields, std::string text) override
    {
        gloox::RegistrationFields values;

        say("=", "fields " + std::to_string(fields) + " " + text);
        values.username = name;
        values.password = password;
        registration.createAccount(fields, values);
    }

    void handleRegistrationResult(const gloox::JID &, gloox::RegistrationResult result) override
    {
        say("=", "result " + std::to_string(result));
        client.disconnect();
    }

    void handleDataForm(const gloox::JID &, const gloox::DataForm &) override
    {
        say("=", "form");
    }

    void handleAlreadyRegistered(const gloox::JID &) override
    {
        say("=", "registered already");
    }

    void handleOOB(const gloox::JID &, const gloox::OOB &) override
    {
    }

  private:
    gloox::Registration registration;
    std::string name, password;
};

/* DOMAIN PORT WAYS CA NAME PASSWORD */
int main(int argc, char **argv)
{
    if (argc != 7)
        return 64;

    gloox::Client client(argv[1]);
    Newcomer newcomer(client, argv);

    client.connect();
    return !newcomer.good;
}
