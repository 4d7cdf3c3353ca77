/* A program in C++: what its headers need of C alone would not compile here. */
#include <mynah/mynah.h>

#include <iostream>
#include <memory>
#include <string>

namespace
{

struct Free {
    void operator()(mynah_context *ctx) const
    {
        mynah_context_free(ctx);
    }
    void operator()(mynah_form *form) const
    {
        mynah_form_free(form);
    }
    void operator()(mynah_elem *e) const
    {
        mynah_elem_free(e);
    }
    void operator()(char *text) const
    {
        mynah_free(text);
    }
};
template <class T> using Owned = std::unique_ptr<T, Free>;

struct Session {
    mynah_context *ctx;
    std::string said;
};

const char *const names[] = {"offline", "waiting", "connecting"};

void state(void *arg, mynah_client *c, mynah_state s, const mynah_error *why)
{
    Session *session = static_cast<Session *>(arg);

    session->said += names[s] + std::string(s == MYNAH_OFFLINE ? ": " : " ");
    if (s == MYNAH_WAITING)
        mynah_client_disconnect(c);
    if (s == MYNAH_WAITING && why)
        mynah_client_set_data(c, const_cast<char *>(mynah_code_text(why->code)));
    if (s == MYNAH_OFFLINE)
        mynah_stop(session->ctx);
}

/* Elements, forms and addresses: false when one is not as it should be. */
bool values()
{
    Owned<mynah_elem> m(mynah_message_new("b@c", MYNAH_CHAT, "body"));
    Owned<mynah_form> form(mynah_form_new("submit", "urn:x"));
    Owned<char> bare(mynah_jid_bare("b@c/d"));
    unsigned children = 0;

    mynah_form_set(form.get(), "field", "value");
    mynah_chat_state_add(m.get(), MYNAH_ACTIVE);
    MYNAH_EACH(child, m.get(), nullptr, nullptr)
    children++;
    return children == 2 && std::string(mynah_form_value(form.get(), "field")) == "value" &&
           std::string(bare.get()) == "b@c";
}

} // namespace

int main()
{
    Owned<mynah_context> ctx(mynah_context_new(nullptr));
    Session session = {ctx.get(), {}};
    mynah_client_config config = {};
    mynah_calls calls = {};
    mynah_roster_calls roster = {};
    mynah_client *c = nullptr;
    char *why = nullptr;

    config.size = sizeof config;
    config.jid = "a@b";
    config.host = "127.0.0.1";
    config.port = 1; /* nobody is there */
    calls.size = sizeof calls;
    calls.state = state;
    roster.size = sizeof roster;
    roster.ready = [](void *, mynah_client *) {};
    if (!values() || mynah_client_new(ctx.get(), &config, &c, &why))
        return 1;
    mynah_listen(c, &calls, &session);
    mynah_roster_listen(c, &roster, nullptr);
    if (mynah_client_connect(c))
        return 1;
    mynah_run(ctx.get());
    std::cout << session.said << static_cast<const char *>(mynah_client_data(c)) << "\n";
    return 0;
}
