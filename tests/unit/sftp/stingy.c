/* SPDX-License-Identifier: MIT */
/* Reading from a server that answers with less than was asked for, anywhere in the file. */
#include "sftp/bulk/bulk.h"

#include <pthread.h>

#include "fixture.h"

enum { SIZE = 300000 };

struct server {
    struct fixture f;
    pthread_t thread;
    char bytes[SIZE];
    uint32_t most;   /* bytes in one answer */
    bool tells_size; /* FSTAT is answered with it */
    bool tells_end;  /* with a status, rather than no bytes */
};

static int answer_read(struct server *s, struct peer_request *request)
{
    struct span handle;
    uint64_t offset;
    uint32_t n;
    if (wire_get_string(&request->rest, &handle) != 0 ||
        wire_get_u64(&request->rest, &offset) != 0 || wire_get_u32(&request->rest, &n) != 0)
        return -EPROTO;
    if (offset >= SIZE && s->tells_end)
        return peer_status(&s->f.peer, request->id, SSH_FX_EOF);
    size_t left = offset < SIZE ? SIZE - offset : 0;
    size_t most = 1 + (offset * 7919) % s->most;
    left = left < n ? left : n;
    left = left < most ? left : most;
    return peer_data(&s->f.peer, request->id,
                     (struct span){s->bytes + (left > 0 ? offset : 0), left});
}

static int answer_one(struct server *s)
{
    struct peer_request request;
    int r = peer_receive(&s->f.peer, SLOW_MS, &request);
    if (r != 0)
        return r;
    if (request.type == SSH_FXP_READ)
        r = answer_read(s, &request);
    else if (request.type == SSH_FXP_FSTAT && s->tells_size)
        r = peer_size(&s->f.peer, request.id, SIZE);
    else
        r = peer_status(&s->f.peer, request.id, SSH_FX_PERMISSION_DENIED);
    peer_request_done(&request);
    return r;
}

static void *serve(void *arg)
{
    while (answer_one(arg) == 0)
        ;
    return NULL;
}

static void server_begin(struct server *s, uint32_t most, bool tells_size, bool tells_end)
{
    for (size_t i = 0; i < SIZE; i++)
        s->bytes[i] = (char)((i * 2654435761u) >> 16);
    s->most = most;
    s->tells_size = tells_size;
    s->tells_end = tells_end;
    fixture_begin(&s->f, PEER_LIMITS, SLOW_MS, false);
    assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
}

static void server_end(struct server *s)
{
    sftp_free(s->f.sftp); /* which ends the thread */
    pthread_join(s->thread, NULL);
    peer_done(&s->f.peer);
}

static void short_answers_lose_no_byte(void **state)
{
    (void)state;
    static const uint32_t most[] = {3000, 65536, 1000000};
    static struct server s;
    const struct sftp_handle handle = {.bytes = "h", .len = 1, .epoch = 1};
    struct wait wait = wait_for_ms(SLOW_MS);
    for (unsigned i = 0; i < 12; i++) {
        struct bulk_reader *b;
        BUF_AUTO all = {0};
        server_begin(&s, most[i / 4], i & 1, i & 2);
        const struct bulk_ways ways = bulk_one_way(s.f.sftp, &handle);
        assert_int_equal(bulk_reader_new(&ways, &b), 0);
        for (size_t at = 0; at <= SIZE; at += 50000) {
            char bytes[50000];
            size_t n;
            assert_int_equal(bulk_read(b, at, sizeof(bytes), &wait, bytes, &n), 0);
            assert_int_equal(n, at < SIZE ? sizeof(bytes) : 0);
            assert_memory_equal(bytes, s.bytes + at, n);
        }
        bulk_reader_free(b);
        assert_int_equal(bulk_read_all(s.f.sftp, &handle, 1234, SIZE, &wait, &all), 0);
        assert_int_equal(all.len, SIZE);
        assert_memory_equal(all.data, s.bytes, SIZE);
        buf_done(&all);
        server_end(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(short_answers_lose_no_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
