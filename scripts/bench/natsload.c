/* A load generator for NATS brokers, small enough to be trusted: raw client protocol over TCP, one thread a connection.
 *
 *   natsload pub     --to HOST:PORT [--size N] [--count N]                    publish only, ended by a PONG
 *   natsload fan     --to HOST:PORT [--from HOST:PORT] [--subs N] [...]       one publisher, N subscribers
 *   natsload request --to HOST:PORT [--from HOST:PORT] [--count N] [--size N] one request at a time, P50 and P99
 *   natsload echo    [--count N] [--size N]                                   the floor: one TCP echo in this process
 *   natsload idle    --to HOST:PORT [--subs N]                                holds N connections until its input ends
 *
 * --to is where the publisher or requester connects, --from where subscribers or responders do (the same unless given:
 * another address is the other end of a leafnode link). Prints one line of JSON. Exit 1: the broker did not do its work
 * (messages lost, a connection closed), with the reason on stderr.
 *
 * What is timed: from the first byte published to the last message counted by the last subscriber. A subscriber looks only
 * at the first byte of each message, whose length it knows, so that the generator costs little on a shared processor.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { BUFFER = 65536, SUBSCRIBERS_MAX = 20000, STALL_S = 20 };

#define HELLO "CONNECT {\"verbose\":false,\"pedantic\":false,\"lang\":\"c\",\"version\":\"1\",\"name\":\"natsload\"}\r\nPING\r\n"
#define SUBJECT "load.data"
#define PROBE "load.probe"

static const char *to = "127.0.0.1:4222", *from;
static long count = 1000000, size = 16, subscribers = 1;

static void die(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("natsload: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    exit(1);
}

static double now_s(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* ---- connections ---- */

static int dial(const char *address)
{
    char host[256];
    const char *colon = strrchr(address, ':');
    if (colon == NULL || colon - address >= (long)sizeof host) die("%s: HOST:PORT expected", address);
    memcpy(host, address, (size_t)(colon - address));
    host[colon - address] = 0;
    struct sockaddr_in target = { .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(colon + 1)) };
    if (inet_pton(AF_INET, strcmp(host, "localhost") == 0 ? "127.0.0.1" : host, &target.sin_addr) != 1)
        die("%s: an IPv4 address is expected", address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), yes = 1;
    struct timeval stall = { .tv_sec = STALL_S };
    if (fd < 0 || connect(fd, (struct sockaddr *)&target, sizeof target) != 0) die("%s: %s", address, strerror(errno));
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &stall, sizeof stall);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &stall, sizeof stall);
    return fd;
}

static void send_all(int fd, const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t sent = send(fd, bytes, length, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) continue;
        if (sent <= 0) die("sending: %s", errno == EAGAIN ? "the broker reads nothing" : strerror(errno));
        bytes += sent;
        length -= (size_t)sent;
    }
}

static void say(int fd, const char *format, ...)
{
    char line[512];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    send_all(fd, line, (size_t)length);
}

static size_t receive_some(int fd, char *bytes, size_t room)
{
    ssize_t received;
    do received = recv(fd, bytes, room, 0);
    while (received < 0 && errno == EINTR);
    if (received == 0) die("the broker closed the connection");
    if (received < 0) die("receiving: %s", errno == EAGAIN ? "nothing comes any more" : strerror(errno));
    return (size_t)received;
}

/* Reads protocol lines until PONG; INFO, +OK and PING may come before it, an error ends the program. */
static void wait_for_pong(int fd)
{
    char line[BUFFER];
    size_t held = 0;
    for (;;) {
        char *end = memchr(line, '\n', held);
        if (end == NULL) {
            if (held == sizeof line) die("a line without end");
            held += receive_some(fd, line + held, sizeof line - held);
            continue;
        }
        *end = 0;
        if (strncmp(line, "-ERR", 4) == 0) die("%s", line);
        if (strncmp(line, "PING", 4) == 0) say(fd, "PONG\r\n");
        int is_pong = strncmp(line, "PONG", 4) == 0;
        held -= (size_t)(end + 1 - line);
        memmove(line, end + 1, held);
        if (is_pong && held == 0) return;
    }
}

static int connect_client(const char *address)
{
    int fd = dial(address);
    send_all(fd, HELLO, sizeof HELLO - 1);
    wait_for_pong(fd);
    return fd;
}

/* ---- a reader that knows the length of every message ---- */

typedef struct {
    int fd;
    size_t at, held;
    char bytes[BUFFER];
} reader;

/* Takes messages of one known length off the stream, as many as are there; answers PING. Returns how many. */
static long take_messages(reader *in, size_t length)
{
    long taken = 0;
    for (;;) {
        size_t left = in->held - in->at;
        const char *next = in->bytes + in->at;
        if (left >= length && *next == 'M') { in->at += length; taken++; continue; }
        if (left >= 6 && memcmp(next, "PING\r\n", 6) == 0) { in->at += 6; say(in->fd, "PONG\r\n"); continue; }
        if (left > 0 && *next != 'M' && *next != 'P') die("unexpected: %.*s", left > 80 ? 80 : (int)left, next);
        if (taken > 0) return taken;
        memmove(in->bytes, next, left);
        in->at = 0;
        in->held = left;
        in->held += receive_some(in->fd, in->bytes + left, sizeof in->bytes - left);
    }
}

/* A message larger than the buffer of a reader cannot be taken whole. */
static size_t message_length(const char *subject, long payload, const char *reply)
{
    int header = reply ? snprintf(NULL, 0, "MSG %s 1 %s %ld\r\n", subject, reply, payload)
                       : snprintf(NULL, 0, "MSG %s 1 %ld\r\n", subject, payload);
    if (header + payload + 2 > BUFFER) die("--size %ld is more than a buffer", payload);
    return (size_t)(header + payload + 2);
}

/* ---- publish only, and fan-out ---- */

typedef struct {
    int data, probe;
    pthread_t thread;
    double ended;
} subscriber;

static atomic_long delivered;

static void *count_messages(void *argument)
{
    subscriber *self = argument;
    reader *in = calloc(1, sizeof *in);
    in->fd = self->data;
    size_t length = message_length(SUBJECT, size, NULL);
    for (long left = count; left > 0;) {
        long taken = take_messages(in, length);
        atomic_fetch_add_explicit(&delivered, taken, memory_order_relaxed);
        left -= taken;
    }
    self->ended = now_s();
    free(in);
    return NULL;
}

static void publish_all(int fd)
{
    char block[BUFFER], message[BUFFER];
    int header = snprintf(message, sizeof message, "PUB " SUBJECT " %ld\r\n", size);
    size_t length = (size_t)header + (size_t)size + 2;
    if (length > sizeof message) die("--size %ld is more than a buffer", size);
    memset(message + header, 'x', (size_t)size);
    memcpy(message + header + size, "\r\n", 2);
    long in_block = (long)(sizeof block / length);
    for (long i = 0; i < in_block; i++) memcpy(block + (size_t)i * length, message, length);
    for (long left = count; left > 0;) {
        long now = left < in_block ? left : in_block;
        send_all(fd, block, (size_t)now * length);
        left -= now;
    }
}

static int run_publish(void)
{
    int fd = connect_client(to);
    double started = now_s();
    publish_all(fd);
    say(fd, "PING\r\n");
    wait_for_pong(fd);
    double taken = now_s() - started;
    printf("{\"rate\":%.0f,\"seconds\":%.4f}\n", (double)count / taken, taken);
    return 0;
}

/* Interest may travel over links: a probe is repeated until the probing subscription hears it, on each subscriber. */
static void wait_for_interest(int publisher, subscriber *all)
{
    struct timespec pause = { .tv_nsec = 2000000 };
    char bytes[512];
    double deadline = now_s() + STALL_S;
    for (long i = 0; i < subscribers; i++)
        for (;;) {
            if (recv(all[i].probe, bytes, sizeof bytes, MSG_DONTWAIT) > 0) break;
            if (now_s() > deadline) die("the interest of subscriber %ld does not reach the publisher", i);
            say(publisher, "PUB " PROBE " 0\r\n\r\n");
            nanosleep(&pause, NULL);
        }
    say(publisher, "PING\r\n");
    wait_for_pong(publisher);
}

static int run_fan(void)
{
    subscriber *all = calloc((size_t)subscribers, sizeof *all);
    for (long i = 0; i < subscribers; i++) {
        all[i].data = connect_client(from);
        say(all[i].data, "SUB " SUBJECT " 1\r\nPING\r\n");
        wait_for_pong(all[i].data);
        all[i].probe = connect_client(from);
        say(all[i].probe, "SUB " PROBE " 1\r\n");
    }
    int publisher = connect_client(to);
    wait_for_interest(publisher, all);
    for (long i = 0; i < subscribers; i++) close(all[i].probe);
    for (long i = 0; i < subscribers; i++)
        if (pthread_create(&all[i].thread, NULL, count_messages, &all[i]) != 0) die("no thread");

    double started = now_s(), ended = started;
    publish_all(publisher);
    for (long i = 0; i < subscribers; i++) {
        pthread_join(all[i].thread, NULL);
        if (all[i].ended > ended) ended = all[i].ended;
    }
    long sum = atomic_load(&delivered);
    printf("{\"rate\":%.0f,\"seconds\":%.4f,\"delivered\":%ld}\n", (double)sum / (ended - started), ended - started, sum);
    return 0;
}

/* ---- request and reply ---- */

#define INBOX "_INBOX.load.1"

static void *respond(void *argument)
{
    reader *in = calloc(1, sizeof *in);
    in->fd = *(int *)argument;
    char reply[BUFFER];
    int header = snprintf(reply, sizeof reply, "PUB " INBOX " %ld\r\n", size);
    memset(reply + header, 'y', (size_t)size);
    memcpy(reply + header + size, "\r\n", 2);
    size_t length = message_length(SUBJECT, size, INBOX);
    for (long left = count; left > 0;)
        for (long taken = take_messages(in, length); taken > 0; taken--, left--)
            send_all(in->fd, reply, (size_t)header + (size_t)size + 2);
    free(in);
    return NULL;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void print_latencies(double *samples, double taken)
{
    qsort(samples, (size_t)count, sizeof *samples, by_value);
    printf("{\"rate\":%.0f,\"p50_us\":%.1f,\"p99_us\":%.1f,\"max_us\":%.1f}\n", (double)count / taken,
        samples[count / 2] * 1e6, samples[count * 99 / 100] * 1e6, samples[count - 1] * 1e6);
}

static int run_request(void)
{
    subscriber responder = { .data = connect_client(from), .probe = connect_client(from) };
    int requester = connect_client(to), back = connect_client(from);
    char request[BUFFER], bytes[512];
    int header = snprintf(request, sizeof request, "PUB " SUBJECT " " INBOX " %ld\r\n", size);
    size_t length = (size_t)header + (size_t)size + 2;
    if (length > sizeof request) die("--size %ld is more than a buffer", size);
    memset(request + header, 'x', (size_t)size);
    memcpy(request + header + size, "\r\n", 2);
    say(responder.data, "SUB " SUBJECT " 1\r\nPING\r\n");
    wait_for_pong(responder.data);
    say(responder.probe, "SUB " PROBE " 1\r\n");
    wait_for_interest(requester, &responder);
    /* And back: the inbox must be known on the responder's side. */
    int back_probe = connect_client(to);
    say(requester, "SUB " INBOX " 1\r\nPING\r\n");
    wait_for_pong(requester);
    say(back_probe, "SUB load.back 1\r\nPING\r\n");
    wait_for_pong(back_probe);
    double deadline = now_s() + STALL_S;
    struct timespec pause = { .tv_nsec = 2000000 };
    while (recv(back_probe, bytes, sizeof bytes, MSG_DONTWAIT) <= 0) {
        if (now_s() > deadline) die("the inbox is not known on the other side");
        say(back, "PUB load.back 0\r\n\r\n");
        nanosleep(&pause, NULL);
    }

    pthread_t thread;
    if (pthread_create(&thread, NULL, respond, &responder.data) != 0) die("no thread");
    double *samples = calloc((size_t)count, sizeof *samples), started = now_s(), last = started;
    reader *in = calloc(1, sizeof *in);
    in->fd = requester;
    size_t answer = message_length(INBOX, size, NULL);
    for (long i = 0; i < count; i++) {
        send_all(requester, request, length);
        if (take_messages(in, answer) != 1) die("more than one answer");
        double now = now_s();
        samples[i] = now - last;
        last = now;
    }
    pthread_join(thread, NULL);
    print_latencies(samples, last - started);
    return 0;
}

/* ---- the floor, and idle connections ---- */

static void *echo_back(void *argument)
{
    int listener = *(int *)argument, fd = accept(listener, NULL, NULL), yes = 1;
    char bytes[BUFFER];
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    for (long left = count; left > 0; left--) {
        for (long got = 0; got < size;) got += (long)receive_some(fd, bytes + got, (size_t)(size - got));
        send_all(fd, bytes, (size_t)size);
    }
    return NULL;
}

static int run_echo(void)
{
    struct sockaddr_in any = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t any_length = sizeof any;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(listener, (struct sockaddr *)&any, sizeof any) != 0 || listen(listener, 1) != 0) die("listen: %s", strerror(errno));
    getsockname(listener, (struct sockaddr *)&any, &any_length);
    pthread_t thread;
    if (size > BUFFER || pthread_create(&thread, NULL, echo_back, &listener) != 0) die("no thread");
    char address[64], bytes[BUFFER] = { 0 };
    snprintf(address, sizeof address, "127.0.0.1:%d", ntohs(any.sin_port));
    int fd = dial(address);
    double *samples = calloc((size_t)count, sizeof *samples), started = now_s(), last = started;
    for (long i = 0; i < count; i++) {
        send_all(fd, bytes, (size_t)size);
        for (long got = 0; got < size;) got += (long)receive_some(fd, bytes, (size_t)(size - got));
        double now = now_s();
        samples[i] = now - last;
        last = now;
    }
    pthread_join(thread, NULL);
    print_latencies(samples, last - started);
    return 0;
}

static int run_idle(void)
{
    struct rlimit files = { .rlim_cur = SUBSCRIBERS_MAX + 64, .rlim_max = SUBSCRIBERS_MAX + 64 };
    setrlimit(RLIMIT_NOFILE, &files);
    for (long i = 0; i < subscribers; i++) connect_client(to);
    printf("{\"connections\":%ld}\n", subscribers);
    fflush(stdout);
    while (getchar() != EOF) { }
    return 0;
}

int main(int argc, char **argv)
{
    static const struct { const char *name; int (*run)(void); } modes[] = {
        { "pub", run_publish }, { "fan", run_fan }, { "request", run_request }, { "echo", run_echo }, { "idle", run_idle } };
    for (int i = 2; i + 1 < argc; i += 2) {
        const char *name = argv[i], *value = argv[i + 1];
        if (strcmp(name, "--to") == 0) to = value;
        else if (strcmp(name, "--from") == 0) from = value;
        else if (strcmp(name, "--size") == 0) size = atol(value);
        else if (strcmp(name, "--count") == 0) count = atol(value);
        else if (strcmp(name, "--subs") == 0) subscribers = atol(value);
        else die("unknown option %s", name);
    }
    if (size < 1 || count < 1 || subscribers < 1 || subscribers > SUBSCRIBERS_MAX) die("sizes and counts are positive");
    if (from == NULL) from = to;
    for (size_t i = 0; argc > 1 && argc % 2 == 0 && i < sizeof modes / sizeof *modes; i++)
        if (strcmp(argv[1], modes[i].name) == 0) return modes[i].run();
    die("usage: natsload pub|fan|request|echo|idle [--to HOST:PORT] [--from HOST:PORT] [--size N] [--count N] [--subs N]");
}
