/* A closed load for measure N that takes little of the cores on which the measured servers run:
 * each connection has DEPTH requests under way, sent at once, and sends the next as soon as the
 * last answer has come. Every answer must be a 200 with a body as long as its head says. We are
 * woken when the last answer of a block comes, not for each (SO_RCVLOWAT).
 *
 *   bench_rush PORT PUSHES CONNECTIONS DEPTH SECONDS
 *
 * The pushes of the file go round in a circle. Prints {"answered","seconds","cpu"}, cpu in seconds
 * of our own. */

#include <arpa/inet.h>
#include <stdbool.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "pushes.h"

#define EVENTS 64

struct block {
    char *text;
    size_t length;
};

static struct block *blocks;
static size_t block_count, next_block;
static size_t depth;
static size_t most_of_a_block; /* bytes that are there only when its last answer has come */

/* Pushes that make no whole block are left out. */
static void read_blocks(const char *file) {
    static char push[PUSH_MAX];
    FILE *pushes = open_pushes(file);
    struct block block = {0};
    size_t requests = 0;
    for (size_t n; (n = read_push(pushes, push)) > 0;) {
        block.text = realloc(block.text, block.length + n);
        memcpy(block.text + block.length, push, n);
        block.length += n;
        if (++requests % depth == 0) {
            blocks = realloc(blocks, (block_count + 1) * sizeof *blocks);
            blocks[block_count++] = block;
            block = (struct block){0};
        }
    }
    if (block_count == 0)
        fail("the pushes are too few");
}

static void send_block(int fd) {
    const struct block *block = &blocks[next_block++ % block_count];
    if (send(fd, block->text, block->length, MSG_NOSIGNAL) != (ssize_t)block->length)
        fail("the server hung up");
}

static void wake_at(int fd, size_t bytes) {
    if (setsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &(int){(int)bytes}, sizeof(int)) < 0)
        fail("the kernel does not wait for so much");
}

/* Those of a block. Hardly ever something is still to come. */
static void take_answers(int fd) {
    static char in[1 << 20];
    size_t have = 0, taken = 0, answers = 0;
    while (answers < depth) {
        bool rest = have > 0;
        if (rest)
            wake_at(fd, 1);
        ssize_t n = recv(fd, in + have, sizeof in - have, 0);
        if (n <= 0)
            fail("the server hung up");
        have += (size_t)n;
        for (size_t one; (one = answer_length(in + taken, have - taken)) > 0; taken += one) {
            if (taken + one > have)
                break;
            answers++;
        }
        if (rest)
            wake_at(fd, most_of_a_block);
    }
    if (answers > depth || taken < have)
        fail("more was answered than asked");
}

/* Answers differ by some digits at most, so the first one tells how long a block of them is. */
static void measure_answers(int fd) {
    static char in[PUSH_MAX];
    size_t one;
    do {
        ssize_t n = recv(fd, in, sizeof in, MSG_PEEK);
        if (n <= 0)
            fail("the server hung up");
        one = answer_length(in, (size_t)n);
    } while (one == 0);
    most_of_a_block = (depth - 1) * one + one / 2;
}

static void connect_one(int poll, in_port_t port) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(fd, (struct sockaddr *)&to, sizeof to) < 0)
        fail("no connection");
    send_block(fd);
    if (most_of_a_block == 0)
        measure_answers(fd);
    wake_at(fd, most_of_a_block);
    epoll_ctl(poll, EPOLL_CTL_ADD, fd, &(struct epoll_event){EPOLLIN, {.fd = fd}});
}

static double cpu_seconds(void) {
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

/* How many answers came until then. */
static size_t rush(int poll, double end) {
    struct epoll_event events[EVENTS];
    size_t answered = 0;
    while (now() < end) {
        int ready = epoll_wait(poll, events, EVENTS, -1);
        for (int i = 0; i < ready; i++) {
            take_answers(events[i].data.fd);
            send_block(events[i].data.fd);
            answered += depth;
        }
    }
    return answered;
}

int main(int argc, char **argv) {
    if (argc != 6)
        fail("usage: bench_rush PORT PUSHES CONNECTIONS DEPTH SECONDS");
    depth = strtoul(argv[4], NULL, 10);
    read_blocks(argv[2]);
    int poll = epoll_create1(0);
    double started = now(), cpu = cpu_seconds();
    for (long i = strtol(argv[3], NULL, 10); i > 0; i--)
        connect_one(poll, (in_port_t)strtol(argv[1], NULL, 10));
    size_t answered = rush(poll, started + strtod(argv[5], NULL));
    double seconds = now() - started;
    printf("{\"answered\":%zu,\"seconds\":%.6f,\"cpu\":%.6f}\n", answered, seconds,
           cpu_seconds() - cpu);
    return 0;
}
