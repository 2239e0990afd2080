/* SPDX-License-Identifier: MIT */
/* Every allocation fails once, in whichever thread it is: nothing crashes, leaks or hangs. Needs
 * wrapped allocators. */
#include "real_fixture.h"

#include <stdatomic.h>

#include "sftp/bulk/bulk.h"
#include "write_all.h"
#include "sftp/requests.h"
#include "sftp/results.h"

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t size);

static atomic_int until_failure; /* the allocation that fails; 0 and below: none */

static bool fails(void)
{
    return atomic_load(&until_failure) > 0 && atomic_fetch_sub(&until_failure, 1) == 1;
}

void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
    return fails() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t size)
{
    return fails() ? NULL : __real_realloc(p, size);
}

static int list(struct sftp *s)
{
    SFTP_CALL_AUTO *dir = sftp_opendir(s, ".");
    int r = settle(dir);
    if (r != 0)
        return r;
    SFTP_CALL_AUTO *names = sftp_readdir(s, sftp_call_handle(dir));
    SFTP_CALL_AUTO *where = sftp_realpath(s, ".");
    sftp_forget(sftp_close(s, sftp_call_handle(dir)));
    r = settle(names);
    return r == 0 ? settle(where) : r;
}

static int write_and_read(struct sftp *s, const char *bytes, size_t n)
{
    struct wait wait = wait_for_ms(SLOW_MS);
    SFTP_CALL_AUTO *open =
        sftp_open(s, "f", SFTP_OPEN_READ | SFTP_OPEN_WRITE | SFTP_OPEN_CREAT, NULL);
    BUF_AUTO all = {0};
    int r = settle(open);
    if (r != 0)
        return r;
    const struct sftp_handle *h = sftp_call_handle(open);
    r = write_all(s, h, 0, (struct span){bytes, n}, &wait);
    if (r == 0)
        r = bulk_read_all(s, h, n, n, &wait, &all);
    if (r == 0 && (all.len != n || memcmp(all.data, bytes, n) != 0))
        r = -EILSEQ;
    sftp_forget(sftp_close(s, h));
    return r;
}

static int session(struct local_server *server, const char *bytes, size_t n)
{
    struct sftp_options options = {.timeout_ms = SLOW_MS};
    struct transport *transport;
    struct sftp *s;
    struct diag why;
    BUF_AUTO text = {0};
    int r = local_server_connect(server, &transport, &why);
    if (r == 0)
        r = sftp_new(transport, &options, &s, &why);
    if (r != 0)
        return r;
    r = write_and_read(s, bytes, n);
    if (r == 0)
        r = list(s);
    if (r == 0)
        r = sftp_describe(s, &text);
    sftp_free(s);
    return r;
}

static void a_failed_allocation_is_an_errno(void **state)
{
    (void)state;
    enum { N = 200000 };
    struct local_server server;
    static char bytes[N];
    int failures = 0;
    if (!local_server_exists())
        skip();
    for (size_t i = 0; i < N; i++)
        bytes[i] = (char)(i * 31 >> 3);
    assert_int_equal(local_server_init(&server), 0);
    for (int n = 1;; n++) {
        atomic_store(&until_failure, n);
        int r = session(&server, bytes, N);
        int left = atomic_exchange(&until_failure, 0);
        if (left > 0) {
            assert_int_equal(r, 0);
            break;
        }
        failures += r != 0;
        if (r != 0 && r != -ENOMEM && r != -ENOTCONN)
            fail_msg("allocation %d: %d", n, r);
    }
    assert_true(failures > 20);
    local_server_done(&server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_failed_allocation_is_an_errno),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
