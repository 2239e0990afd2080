/* SPDX-License-Identifier: MIT */
#include "relay.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "rig.h"
#include "sftp/protocol/proto.h"

enum {
    IDLE_MS = 25,
    LATE_IDLE_MS = 100,
    PACKET_MAX = 300000,
    ID_AT = 5,
    TEXT_AT = 9,
    TEXT_MAX = 4200,
    SOCKET_BYTES = 1 << 20,
    FLIGHT_MAX = 4096
};

struct ends {
    struct relay *relay;
    int client, server;
    pid_t pid;
};

static int read_all(int fd, char *bytes, size_t n)
{
    while (n > 0) {
        ssize_t got = read(fd, bytes, n);
        if (got <= 0)
            return -ECONNRESET;
        bytes += got;
        n -= (size_t)got;
    }
    return 0;
}

static int write_all(int fd, const char *bytes, size_t n)
{
    while (n > 0) {
        ssize_t sent = send(fd, bytes, n, MSG_NOSIGNAL);
        if (sent < 0)
            return -ECONNRESET;
        bytes += sent;
        n -= (size_t)sent;
    }
    return 0;
}

/* Appends one packet with its length. */
static int read_packet(int fd, struct buf *packet)
{
    uint32_t length;
    int r = buf_reserve(packet, PACKET_MAX);
    if (r == 0)
        r = read_all(fd, packet->data + packet->len, 4);
    if (r < 0)
        return r;
    memcpy(&length, packet->data + packet->len, 4);
    length = ntohl(length);
    if (length > PACKET_MAX - 4)
        return -EPROTO;
    r = read_all(fd, packet->data + packet->len + 4, length);
    if (r == 0)
        packet->len += length + 4;
    return r;
}

static bool is_hello(const struct buf *packet)
{
    static const char limits[] = "limits@openssh.com";
    return packet->data[4] == SSH_FXP_INIT ||
           (packet->len > TEXT_AT + 4 + sizeof(limits) - 1 - 1 &&
            memcmp(packet->data + TEXT_AT + 4, limits, sizeof(limits) - 1) == 0);
}

bool relay_is_install(const struct relay_request *request)
{
    const char *name = strrchr(request->to, '/');
    return name && strcmp(request->text, SSH_EXT_POSIX_RENAME) == 0 && !strstr(name, ".vmxfs-");
}

/* Copies the string at an offset, which becomes that of what follows. */
static void take_string(const struct buf *packet, size_t *at, char ret[TEXT_MAX])
{
    uint32_t length;
    ret[0] = '\0';
    if (packet->len < *at + 4)
        return;
    memcpy(&length, packet->data + *at, 4);
    length = ntohl(length);
    if (length < TEXT_MAX && *at + 4 + length <= packet->len) {
        memcpy(ret, packet->data + *at + 4, length);
        ret[length] = '\0';
    }
    *at += 4 + (size_t)length;
}

/* Tells the hooks of a request. The status that it is to be answered with, 0: it is to be done. */
static uint32_t tell(struct relay *relay, const struct buf *packet, int number)
{
    char text[TEXT_MAX];
    char from[TEXT_MAX] = "";
    char to[TEXT_MAX] = "";
    size_t at = TEXT_AT;
    take_string(packet, &at, text);
    const struct relay_request request = {
        .number = number, .type = (uint8_t)packet->data[4], .text = text, .from = from, .to = to};
    if (request.type == SSH_FXP_EXTENDED && strcmp(text, SSH_EXT_POSIX_RENAME) == 0) {
        take_string(packet, &at, from);
        take_string(packet, &at, to);
    }
    if (relay->before)
        relay->before(relay->ctx, &request);
    return relay->refuse ? relay->refuse(relay->ctx, &request) : 0;
}

/* A status without a message, for the request in the packet. */
static int answer_status(const struct buf *packet, uint32_t status, struct buf *answers)
{
    const uint32_t words[] = {htonl(status), 0, 0};
    const uint32_t length = htonl(1 + 4 + (uint32_t)sizeof(words));
    const char type = SSH_FXP_STATUS;
    int r = buf_add(answers, (struct span){(const char *)&length, 4});
    if (r == 0)
        r = buf_add(answers, (struct span){&type, 1});
    if (r == 0)
        r = buf_add(answers, (struct span){packet->data + ID_AT, 4});
    return r == 0 ? buf_add(answers, (struct span){(const char *)words, sizeof(words)}) : r;
}

/* A client that hangs up waits no more for a server that does. */
static int await_answer(const struct ends *ends)
{
    struct pollfd p[] = {{.fd = ends->server, .events = POLLIN},
                         {.fd = ends->client, .events = POLLRDHUP}};
    while (poll(p, 2, -1) < 0)
        ;
    return p[0].revents ? 0 : -ECONNRESET;
}

/* Takes the size out of the attributes that an answer, at an offset, holds. */
static void take_size_out(struct buf *answers, size_t at)
{
    const size_t flags_at = at + TEXT_AT;
    const size_t size_at = flags_at + 4;
    const uint32_t length = htonl((uint32_t)(answers->len - at - 4 - 8));
    uint32_t flags;
    memcpy(&flags, answers->data + flags_at, 4);
    if (answers->data[at + 4] != SSH_FXP_ATTRS || !(ntohl(flags) & SFTP_ATTR_SIZE))
        return;
    flags = htonl(ntohl(flags) & ~(uint32_t)SFTP_ATTR_SIZE);
    memcpy(answers->data + flags_at, &flags, 4);
    memcpy(answers->data + at, &length, 4);
    memmove(answers->data + size_at, answers->data + size_at + 8, answers->len - size_at - 8);
    answers->len -= 8;
}

/* Takes one request to the server and appends the answer. */
static int serve_one(struct ends *ends, const struct buf *packet, struct buf *answers)
{
    struct relay *relay = ends->relay;
    bool hello = is_hello(packet);
    int number = 0;
    uint32_t status = 0;
    enum relay_cut cut = RELAY_CUT_NONE;
    if (!hello) {
        lock_take(&relay->lock);
        number = ++relay->requests;
        lock_drop(&relay->lock);
        status = tell(relay, packet, number);
        lock_take(&relay->lock);
        if (number == relay->cut_at)
            cut = relay->cut;
        lock_drop(&relay->lock);
    }
    if (cut == RELAY_CUT_BEFORE)
        return -ECONNRESET;
    if (cut == RELAY_CUT_LATE)
        return -EINPROGRESS;
    if (status != 0)
        return answer_status(packet, status, answers);
    const size_t at = answers->len;
    int r = write_all(ends->server, packet->data, packet->len);
    if (r == 0)
        r = await_answer(ends);
    if (r == 0)
        r = read_packet(ends->server, answers);
    if (r == 0 && relay->sizeless)
        take_size_out(answers, at);
    return cut == RELAY_CUT_AFTER ? -ECONNRESET : r;
}

/* One that merely has no processor at the moment does not; one that has just ended does. */
static bool thread_sleeps(const char *tid)
{
    char path[300];
    snprintf(path, sizeof(path), "/proc/self/task/%s/stat", tid);
    char state = task_state(path);
    return state == 'S' || state == '\0';
}

static bool other_threads_sleep(void)
{
    DIR *tasks = opendir("/proc/self/task");
    bool all = tasks;
    const struct dirent *task;
    while (all && (task = readdir(tasks)))
        all =
            task->d_name[0] == '.' || atoi(task->d_name) == gettid() || thread_sleeps(task->d_name);
    if (tasks)
        closedir(tasks);
    return all;
}

static bool has_input(int fd, int ms)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    return poll(&p, 1, ms) > 0;
}

/* Whether more requests come before whoever could send them waits for an answer. */
static bool has_more(int fd, int idle_ms)
{
    bool idle = false;
    for (;;) {
        if (has_input(fd, idle ? 0 : idle_ms))
            return true;
        if (idle)
            return false;
        idle = other_threads_sleep();
    }
}

static void set_serving(struct relay *relay, int change)
{
    lock_take(&relay->lock);
    relay->serving += change;
    lock_drop(&relay->lock);
}

void relay_await_idle(struct relay *relay)
{
    int quiet = 0;
    while (quiet < 2) {
        usleep(IDLE_MS * 1000);
        lock_take(&relay->lock);
        bool serving = relay->serving > 0;
        lock_drop(&relay->lock);
        quiet = !serving && other_threads_sleep() ? quiet + 1 : 0;
    }
}

void relay_count_anew(struct relay *relay)
{
    relay_await_idle(relay);
    relay_restart(relay, RELAY_CUT_NONE, 0);
}

/* The link is lost for the client; what it has sent waits for relay_deliver. */
static void keep_and_deliver(struct ends *ends, struct buf *packets, size_t n)
{
    struct relay *relay = ends->relay;
    BUF_AUTO answers = {0};
    size_t i = 0;
    while (n < FLIGHT_MAX && has_more(ends->client, LATE_IDLE_MS) &&
           read_packet(ends->client, &packets[n]) == 0)
        n++;
    lock_take(&relay->lock);
    relay->keeps = true; /* before the client knows of the loss, and its test goes on */
    lock_drop(&relay->lock);
    close(ends->client);
    ends->client = -1;
    lock_take(&relay->lock);
    while (!relay->delivers && !relay->stopping) {
        struct wait wait = wait_for_ms(1000);
        wait_on(&wait, &relay->moved, &relay->lock);
    }
    bool delivers = relay->delivers;
    lock_drop(&relay->lock);
    while (delivers && i < n && write_all(ends->server, packets[i].data, packets[i].len) == 0 &&
           read_packet(ends->server, &answers) == 0)
        i++;
    for (i = 0; i < FLIGHT_MAX; i++)
        buf_done(&packets[i]);
    lock_take(&relay->lock);
    relay->delivered = true;
    condition_wake_all(&relay->moved);
    lock_drop(&relay->lock);
}

/* One request, or all of a flight. */
static int serve(struct ends *ends)
{
    int idle_ms = ends->relay->idle_ms > 0 ? ends->relay->idle_ms : IDLE_MS;
    struct buf packets[FLIGHT_MAX] = {0};
    BUF_AUTO answers = {0};
    size_t n = 0;
    size_t i = 0;
    bool hello = false;
    int r;
    has_input(ends->client, -1);
    set_serving(ends->relay, 1);
    do {
        r = read_packet(ends->client, &packets[n]);
        hello = r == 0 && is_hello(&packets[n]);
        n++;
    } while (r == 0 && ends->relay->gathers && n < FLIGHT_MAX && has_more(ends->client, idle_ms));
    if (r == 0 && !hello) {
        lock_take(&ends->relay->lock);
        ends->relay->flights++;
        lock_drop(&ends->relay->lock);
    }
    while (i < n && r == 0) {
        r = serve_one(ends, &packets[i], &answers);
        if (r == 0)
            buf_done(&packets[i++]);
    }
    if (r == -EINPROGRESS) {
        memmove(packets, packets + i, (n - i) * sizeof(packets[0]));
        memset(packets + (n - i), 0, i * sizeof(packets[0]));
        set_serving(ends->relay, -1);
        keep_and_deliver(ends, packets, n - i);
        return -ECONNRESET;
    }
    if (r == 0)
        r = write_all(ends->client, answers.data, answers.len);
    set_serving(ends->relay, -1);
    for (; i < n; i++)
        buf_done(&packets[i]);
    return r;
}

bool relay_deliver(struct relay *relay)
{
    lock_take(&relay->lock);
    bool keeps = relay->keeps;
    relay->delivers = keeps;
    condition_wake_all(&relay->moved);
    while (keeps && !relay->delivered) {
        struct wait wait = wait_for_ms(1000);
        wait_on(&wait, &relay->moved, &relay->lock);
    }
    lock_drop(&relay->lock);
    return keeps;
}

static void *run(void *ctx)
{
    struct ends *ends = ctx;
    while (serve(ends) == 0)
        ;
    if (ends->client >= 0)
        close(ends->client);
    close(ends->server);
    kill(ends->pid, SIGKILL);
    waitpid(ends->pid, NULL, 0);
    free(ends);
    return NULL;
}

static pid_t start_server(int fd, bool no_posix_rename)
{
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    dup2(fd, STDIN_FILENO);
    dup2(fd, STDOUT_FILENO);
    const char *given = getenv("SFTP_SERVER");
    execl(given ? given : "/usr/lib/openssh/sftp-server", "sftp-server",
          no_posix_rename ? "-P" : (char *)NULL, "posix-rename", (char *)NULL);
    _exit(127);
}

static int socket_pair(int ends[2])
{
    const int size = SOCKET_BYTES;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
        return -errno;
    for (int i = 0; i < 2; i++)
        setsockopt(ends[i], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
    return 0;
}

static int connect_locked(struct relay *relay, struct transport **ret) REQUIRES(&relay->lock)
{
    int client[2];
    int server[2];
    if (relay->links == RELAY_LINKS || relay->stopping)
        return -ECONNREFUSED;
    struct ends *ends = calloc(1, sizeof(*ends));
    int r = ends ? socket_pair(client) : -ENOMEM;
    if (r == 0)
        r = socket_pair(server);
    if (r < 0) {
        free(ends);
        return r; /* a test program that runs out of descriptors may leak some */
    }
    *ends =
        (struct ends){relay, client[1], server[0], start_server(server[1], relay->no_posix_rename)};
    close(server[1]);
    r = transport_from_fd(client[0], 0, "relay", ret);
    if (r == 0)
        r = -pthread_create(&relay->threads[relay->links], NULL, run, ends);
    relay->links += r == 0;
    return r;
}

int relay_connect(void *ctx, struct transport **ret, struct diag *why)
{
    struct relay *relay = ctx;
    lock_take(&relay->lock);
    int r = connect_locked(relay, ret);
    lock_drop(&relay->lock);
    if (r != 0)
        diag_set(why, "the relay does not connect: %s", strerror(-r));
    return r;
}

void must_make_relay(struct relay *relay)
{
    *relay = (struct relay){0};
    lock_init(&relay->lock);
    condition_init(&relay->moved);
}

void relay_done(struct relay *relay)
{
    lock_take(&relay->lock);
    relay->stopping = true;
    condition_wake_all(&relay->moved);
    int links = relay->links;
    lock_drop(&relay->lock);
    for (int i = 0; i < links; i++)
        pthread_join(relay->threads[i], NULL);
    condition_done(&relay->moved);
    lock_done(&relay->lock);
}

void relay_restart(struct relay *relay, enum relay_cut cut, int at)
{
    lock_take(&relay->lock);
    relay->cut = cut;
    relay->cut_at = at;
    relay->requests = 0;
    relay->flights = 0;
    lock_drop(&relay->lock);
}

void relay_cut_at(struct relay *relay, enum relay_cut cut, int at)
{
    lock_take(&relay->lock);
    relay->cut = cut;
    relay->cut_at = at;
    lock_drop(&relay->lock);
}

int relay_requests(struct relay *relay)
{
    lock_take(&relay->lock);
    int n = relay->requests;
    lock_drop(&relay->lock);
    return n;
}

int relay_flights(struct relay *relay)
{
    lock_take(&relay->lock);
    int n = relay->flights;
    lock_drop(&relay->lock);
    return n;
}

void must_mount_relay(struct mount *mount, struct relay *relay, const struct folder *folder,
                      const struct remote_options *options)
{
    const struct remote_options plain = default_options(folder);
    const struct sftp_options sftp_options = {
        .timeout_ms = (options ? options : &plain)->timeout_ms,
        .connect = relay_connect,
        .ctx = relay,
    };
    struct transport *transport = NULL;
    struct diag why = {0};
    *mount = (struct mount){0};
    assert_int_equal(relay_connect(relay, &transport, &why), 0);
    assert_int_equal(sftp_new(transport, &sftp_options, &mount->sftp, &why), 0);
    assert_int_equal(remote_new(mount->sftp, options ? options : &plain, &mount->remote, &why), 0);
}

void mount_end_relay(struct mount *mount, struct relay *relay)
{
    remote_free(mount->remote);
    sftp_free(mount->sftp);
    relay_done(relay);
}
