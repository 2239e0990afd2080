/* SPDX-License-Identifier: MIT */
#include "peer.h"

#include <endian.h>
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "sftp/protocol/proto.h"

void peer_init(struct peer *peer, unsigned offers)
{
    *peer = (struct peer){
        .offers = offers, .limits = {256 * 1024, SFTP_DATA_MAX, SFTP_DATA_MAX, 100}, .fd = -1};
    lock_init(&peer->lock);
}

static int current_fd(struct peer *peer)
{
    lock_take(&peer->lock);
    int fd = peer->fd;
    lock_drop(&peer->lock);
    return fd;
}

static int send_all(int fd, struct span bytes)
{
    while (bytes.n > 0) {
        ssize_t n = send(fd, bytes.p, bytes.n, MSG_NOSIGNAL);
        if (n < 0)
            return -errno;
        bytes = (struct span){bytes.p + n, bytes.n - (size_t)n};
    }
    return 0;
}

/* Sends what was put together, behind its length, and frees it. */
static int send_packet(int fd, struct wire_out *out)
{
    struct wire_out head = {0};
    wire_put_u32(&head, (uint32_t)out->bytes.len);
    int r = head.error != 0 ? head.error : out->error;
    if (r == 0)
        r = send_all(fd, buf_span(&head.bytes));
    if (r == 0)
        r = send_all(fd, buf_span(&out->bytes));
    buf_done(&head.bytes);
    buf_done(&out->bytes);
    return r;
}

static void put_offer(struct wire_out *out, const char *name, const char *version)
{
    wire_put_string(out, span_of(name));
    wire_put_string(out, span_of(version));
}

static int send_hello(const struct peer *peer, int fd)
{
    struct wire_out out = {0};
    wire_put_u8(&out, SSH_FXP_VERSION);
    wire_put_u32(&out, SFTP_VERSION);
    if (peer->offers & PEER_POSIX_RENAME)
        put_offer(&out, SSH_EXT_POSIX_RENAME, "1");
    if (peer->offers & PEER_FSYNC)
        put_offer(&out, SSH_EXT_FSYNC, "1");
    if (peer->offers & PEER_STATVFS)
        put_offer(&out, SSH_EXT_STATVFS, "2");
    put_offer(&out, "unheard-of@example.org", "7");
    if (peer->offers & PEER_LIMITS)
        put_offer(&out, SSH_EXT_LIMITS, "1");
    int r = send_packet(fd, &out);
    if (r != 0 || !(peer->offers & PEER_LIMITS))
        return r;
    out = (struct wire_out){0};
    wire_put_u8(&out, SSH_FXP_EXTENDED_REPLY);
    wire_put_u32(&out, 0);
    for (size_t i = 0; i < 4; i++)
        wire_put_u64(&out, peer->limits[i]);
    return send_packet(fd, &out);
}

static int connect_locked(struct peer *peer, struct transport **ret) REQUIRES(&peer->lock)
{
    int ends[2];
    if (peer->refusal != 0)
        return peer->refusal;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
        return -errno;
    FD_AUTO theirs = ends[0];
    FD_AUTO ours = ends[1];
    int r = send_hello(peer, ours);
    if (r == 0)
        r = transport_from_fd(theirs, 0, "peer", ret);
    if (r != 0)
        return r;
    steal_fd(&theirs);
    if (peer->fd >= 0)
        close(peer->fd);
    peer->fd = steal_fd(&ours);
    peer->links++;
    return 0;
}

int peer_connect(void *ctx, struct transport **ret, struct diag *why)
{
    struct peer *peer = ctx;
    lock_take(&peer->lock);
    int r = connect_locked(peer, ret);
    peer->refused += r != 0;
    lock_drop(&peer->lock);
    if (r != 0)
        diag_set(why, "the peer refuses: %s", strerror(-r));
    return r;
}

void peer_refuse(struct peer *peer, int error)
{
    lock_take(&peer->lock);
    peer->refusal = error;
    lock_drop(&peer->lock);
}

int peer_refused(struct peer *peer)
{
    lock_take(&peer->lock);
    int refused = peer->refused;
    lock_drop(&peer->lock);
    return refused;
}

int peer_links(struct peer *peer)
{
    lock_take(&peer->lock);
    int links = peer->links;
    lock_drop(&peer->lock);
    return links;
}

void peer_hang_up(struct peer *peer)
{
    lock_take(&peer->lock);
    if (peer->fd >= 0)
        close(peer->fd);
    peer->fd = -1;
    lock_drop(&peer->lock);
}

void peer_done(struct peer *peer)
{
    peer_hang_up(peer);
    lock_done(&peer->lock);
}

static int receive_all(int fd, uint8_t *bytes, size_t n, int64_t deadline)
{
    for (size_t have = 0; have < n;) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        int64_t left = deadline - clock_ms();
        if (left <= 0)
            return -ETIMEDOUT;
        if (poll(&p, 1, (int)left) <= 0)
            continue;
        ssize_t got = recv(fd, bytes + have, n - have, 0);
        if (got <= 0)
            return got == 0 ? -ECONNRESET : -errno;
        have += (size_t)got;
    }
    return 0;
}

static int receive_packet(int fd, int64_t deadline, struct peer_request *ret)
{
    uint32_t be;
    int r = receive_all(fd, (uint8_t *)&be, sizeof(be), deadline);
    if (r != 0)
        return r;
    size_t n = be32toh(be);
    FREE_AUTO uint8_t *bytes = n <= SFTP_PACKET_MAX ? malloc(n) : NULL;
    if (!bytes)
        return -EPROTO;
    r = receive_all(fd, bytes, n, deadline);
    struct peer_request request = {.rest = {bytes, n}};
    if (r == 0)
        r = wire_get_u8(&request.rest, &request.type);
    if (r == 0)
        r = wire_get_u32(&request.rest, &request.id);
    if (r != 0)
        return r;
    request.bytes = steal(bytes);
    *ret = request;
    return 0;
}

static bool is_hello(const struct peer_request *request)
{
    struct wire_in rest = request->rest;
    struct span name;
    if (request->type == SSH_FXP_INIT)
        return true;
    return request->type == SSH_FXP_EXTENDED && wire_get_string(&rest, &name) == 0 &&
           span_eq(name, SPAN_LITERAL(SSH_EXT_LIMITS));
}

int peer_receive(struct peer *peer, int ms, struct peer_request *ret)
{
    int64_t deadline = clock_ms() + ms;
    int fd = current_fd(peer);
    for (;;) {
        struct peer_request request;
        int r = receive_packet(fd, deadline, &request);
        if (r != 0)
            return r;
        if (!is_hello(&request)) {
            *ret = request;
            return 0;
        }
        peer_request_done(&request);
    }
}

void peer_request_done(struct peer_request *request)
{
    free(request->bytes);
    *request = (struct peer_request){0};
}

int peer_send(struct peer *peer, struct span bytes)
{
    return send_all(current_fd(peer), bytes);
}

int peer_reply(struct peer *peer, uint8_t type, uint32_t id, struct span rest)
{
    struct wire_out out = {0};
    wire_put_u8(&out, type);
    wire_put_u32(&out, id);
    if (out.error == 0)
        out.error = buf_add(&out.bytes, rest);
    return send_packet(current_fd(peer), &out);
}

/* A reply that is made of what was put together; frees it. */
static int reply_with(struct peer *peer, uint8_t type, uint32_t id, struct wire_out *out)
{
    int r = out->error != 0 ? out->error : peer_reply(peer, type, id, buf_span(&out->bytes));
    buf_done(&out->bytes);
    return r;
}

int peer_status(struct peer *peer, uint32_t id, uint32_t code)
{
    struct wire_out out = {0};
    wire_put_u32(&out, code);
    wire_put_string(&out, SPAN_LITERAL("said the peer"));
    wire_put_string(&out, SPAN_LITERAL(""));
    return reply_with(peer, SSH_FXP_STATUS, id, &out);
}

int peer_handle(struct peer *peer, uint32_t id, const char *handle)
{
    struct wire_out out = {0};
    wire_put_string(&out, span_of(handle));
    return reply_with(peer, SSH_FXP_HANDLE, id, &out);
}

int peer_data(struct peer *peer, uint32_t id, struct span data)
{
    struct wire_out out = {0};
    wire_put_string(&out, data);
    return reply_with(peer, SSH_FXP_DATA, id, &out);
}

int peer_size(struct peer *peer, uint32_t id, uint64_t size)
{
    struct sftp_attrs attrs = {.flags = SFTP_ATTR_SIZE, .size = size};
    struct wire_out out = {0};
    wire_put_attrs(&out, &attrs);
    return reply_with(peer, SSH_FXP_ATTRS, id, &out);
}
