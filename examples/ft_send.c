/* Sends a file to a full address: directly, through a proxy of the server, or in-band. Usage: ft_send JID FULL-JID FILE
 * [direct|proxy|ibb] */
#include "example.h"

static char **args;
static FILE *file;

static size_t give(void *arg, struct mynah_file *f, uint64_t at, void *p, size_t n)
{
    return fseek(file, (long)at, SEEK_SET) ? 0 : fread(p, 1, n, file);
}

static void done(void *arg, struct mynah_file *f, const struct mynah_error *error)
{
    example_why(error);
    if (!error)
        printf("sent\n");
    mynah_client_disconnect((struct mynah_client *)arg);
}

static void state(void *arg, struct mynah_client *c, enum mynah_state s, const struct mynah_error *why)
{
    const struct mynah_file_calls calls = {.size = sizeof calls, .read = give, .done = done};
    struct mynah_file_info info = {.size = sizeof info, .name = strrchr(args[3], '/'), .hash = true, .range = true};
    struct mynah_bytestream_options options = {.size = sizeof options};
    const char *way = args[4] ? args[4] : "";
    unsigned methods = !strcmp(way, "ibb") ? MYNAH_IBB : *way ? MYNAH_SOCKS5 : 0;

    if (s == MYNAH_ONLINE) {
        fseek(file, 0, SEEK_END);
        info.length = (uint64_t)ftell(file);
        info.name = info.name ? info.name + 1 : args[3];
        options.no_proxy = !strcmp(way, "direct");
        options.no_direct = !strcmp(way, "proxy");
        mynah_file_send(c, args[2], &info, methods, &options, &calls, c);
    }
    example_end(arg, c, s, why);
}

int main(int argc, char **argv)
{
    struct mynah_client_config config = example_config(argc, argv);
    struct mynah_context *ctx = mynah_context_new(NULL);
    struct mynah_client *c = example_client(ctx, &config);

    args = argv;
    if (argc < 4 || !(file = fopen(argv[3], "rb")))
        return 66;
    mynah_listen(c, &(struct mynah_calls){.size = sizeof(struct mynah_calls), .state = state}, ctx);
    mynah_client_connect(c);
    mynah_run(ctx);
    mynah_context_free(ctx);
    fclose(file);
    return 0;
}
