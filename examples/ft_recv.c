/* Takes one file and writes it. When a part of it is there already, only the rest is asked for. Usage: ft_recv JID FILE */
#include "example.h"

static FILE *file;
static const char *way = "?";

static bool take(void *arg, struct mynah_file *f, uint64_t at, const void *p, size_t n)
{
    way = mynah_file_method(f) == MYNAH_IBB ? "in-band" : "by SOCKS5";
    return !fseek(file, (long)at, SEEK_SET) && fwrite(p, 1, n, file) == n;
}

static size_t give(void *arg, struct mynah_file *f, uint64_t at, void *p, size_t n)
{
    return fseek(file, (long)at, SEEK_SET) ? 0 : fread(p, 1, n, file);
}

static void done(void *arg, struct mynah_file *f, const struct mynah_error *error)
{
    example_why(error);
    if (!error)
        printf("received %s\n", way);
    mynah_client_disconnect((struct mynah_client *)arg);
}

static void offered(void *arg, struct mynah_client *c, struct mynah_file *f, const struct mynah_file_info *info)
{
    const struct mynah_file_calls calls = {.size = sizeof calls, .read = give, .write = take, .done = done};

    fseek(file, 0, SEEK_END);
    printf("%s offers %s, %llu bytes, %ld are here\n", mynah_file_peer(f), info->name, (unsigned long long)info->length, ftell(file));
    mynah_file_accept(f, (uint64_t)ftell(file), 0, &calls, c);
}

static void state(void *arg, struct mynah_client *c, enum mynah_state s, const struct mynah_error *why)
{
    if (s == MYNAH_ONLINE)
        printf("online as %s\n", mynah_client_jid(c));
    example_end(arg, c, s, why);
}

int main(int argc, char **argv)
{
    struct mynah_client_config config = example_config(argc, argv);
    struct mynah_context *ctx = mynah_context_new(NULL);
    struct mynah_client *c = example_client(ctx, &config);

    if (argc < 3 || (!(file = fopen(argv[2], "r+b")) && !(file = fopen(argv[2], "w+b"))))
        return 73;
    mynah_file_serve(c, offered, c);
    mynah_listen(c, &(struct mynah_calls){.size = sizeof(struct mynah_calls), .state = state}, ctx);
    mynah_client_connect(c);
    mynah_run(ctx);
    mynah_context_free(ctx);
    return fclose(file) ? 74 : 0;
}
