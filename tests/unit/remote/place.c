/* SPDX-License-Identifier: MIT */
#include "place.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"

int place_set_up(void **state)
{
    struct place *p = calloc(1, sizeof(*p));
    assert_non_null(p);
    p->bytes = calloc(1, SIZE_MAX_TEST);
    assert_non_null(p->bytes);
    must_make_folder(&p->folder);
    assert_int_equal(local_server_init(&p->bulk), 0);
    *state = p;
    return 0;
}

int place_tear_down(void **state)
{
    struct place *p = *state;
    remote_file_free(p->file);
    mount_end(&p->mount);
    local_server_done(&p->bulk);
    folder_remove(&p->folder);
    free(p->bytes);
    free(p);
    return 0;
}

struct remote_options bulk_options(struct place *p)
{
    struct remote_options o = default_options(&p->folder);
    o.connect_bulk = local_server_connect;
    o.connect_ctx = &p->bulk;
    o.bulk_number = 2;
    return o;
}

void must_create(struct place *p)
{
    bool made;
    p->wait = patience();
    assert_int_equal(remote_file_create(p->mount.remote, "disk", SFTP_OPEN_READ | SFTP_OPEN_WRITE,
                                        0644, false, &p->wait, &p->file, &made),
                     0);
}

void must_begin(struct place *p, const struct remote_options *options)
{
    must_mount(&p->mount, &p->folder, options);
    must_create(p);
}

void must_close(struct place *p)
{
    remote_file_free(p->file);
    p->file = NULL;
    memset(p->bytes, 0, p->size);
    p->size = 0;
}

unsigned long main_bytes(struct place *p, const char *name)
{
    BUF_AUTO text = {0};
    assert_int_equal(sftp_describe(p->mount.sftp, &text), 0);
    const char *at = strstr(text.data, name);
    assert_non_null(at);
    return strtoul(at + strlen(name) + 2, NULL, 10);
}

unsigned next_random(unsigned *seed)
{
    *seed = *seed * 1103515245 + 12345;
    return *seed >> 8;
}

int put(struct place *p, size_t offset, size_t n, unsigned *seed)
{
    assert_true(offset + n <= SIZE_MAX_TEST);
    char *bytes = malloc(n);
    assert_non_null(bytes);
    for (size_t i = 0; i < n; i++)
        bytes[i] = (char)((i + *seed) * 2654435761u >> 16);
    next_random(seed);
    p->wait = patience();
    int r = remote_file_write(p->file, offset, false, (struct span){bytes, n}, &p->wait);
    if (r == 0) {
        memcpy(p->bytes + offset, bytes, n);
        p->size = p->size < offset + n ? offset + n : p->size;
    }
    free(bytes);
    return r;
}

void must_put(struct place *p, size_t offset, size_t n, unsigned *seed)
{
    assert_int_equal(put(p, offset, n, seed), 0);
}

void must_append(struct place *p, size_t n, unsigned *seed)
{
    for (size_t end = p->size + n; p->size < end;)
        must_put(p, p->size, STEP, seed);
}

void must_get(struct place *p, size_t offset, size_t n)
{
    char *bytes = malloc(n);
    size_t got = 0;
    assert_non_null(bytes);
    p->wait = patience();
    assert_int_equal(remote_file_read(p->file, offset, n, &p->wait, bytes, &got), 0);
    size_t expected = offset >= p->size ? 0 : p->size - offset < n ? p->size - offset : n;
    assert_int_equal(got, expected);
    if (memcmp(bytes, p->bytes + offset, got) != 0)
        fail_msg("wrong bytes at %zu", offset);
    free(bytes);
}

void must_have_stored(struct place *p, const char *name)
{
    char path[PATH_MAX];
    assert_int_equal(remote_file_flush(p->file, &p->wait), 0);
    assert_int_equal(must_lstat(&p->folder, name).st_size, p->size);
    FREE_AUTO char *found = file_text(file_path(&p->folder, name, path));
    assert_non_null(found);
    if (memcmp(found, p->bytes, p->size) != 0)
        fail_msg("%s is not what was written", name);
}

void must_have_connections(struct place *p, unsigned long n)
{
    int64_t end = clock_ms() + SOON_MS;
    while (must_count(&p->mount, "bulk-connections") != n && clock_ms() < end)
        usleep(2000);
    assert_int_equal(must_count(&p->mount, "bulk-connections"), n);
}

void must_have_made(struct place *p, unsigned long n)
{
    int64_t end = clock_ms() + SOON_MS;
    while (must_count(&p->mount, "bulk-connections-made") < n && clock_ms() < end)
        usleep(2000);
    assert_true(must_count(&p->mount, "bulk-connections-made") >= n);
}

void must_write_in_bulk(struct place *p, unsigned *seed)
{
    must_append(p, 8 * MIB, seed);
    must_have_connections(p, 2);
    must_append(p, 9 * MIB, seed);
    unsigned long before = main_bytes(p, "bytes-sent");
    must_append(p, 4 * MIB, seed);
    assert_true(main_bytes(p, "bytes-sent") - before < MIB / 2);
}

void must_begin_bulk(struct place *p)
{
    const struct remote_options o = bulk_options(p);
    must_begin(p, &o);
}

void must_store(struct place *p, unsigned *seed)
{
    must_begin(p, NULL);
    must_append(p, 40 * MIB, seed);
    must_have_stored(p, "disk");
    remote_file_free(p->file);
    p->file = NULL;
    mount_end(&p->mount);
}

void must_open_again(struct place *p, uint32_t open_flags)
{
    const struct remote_options o = bulk_options(p);
    must_mount(&p->mount, &p->folder, &o);
    assert_int_equal(remote_file_open(p->mount.remote, "disk", open_flags, &p->wait, &p->file), 0);
}

void must_twin(struct place *p, const char *of, const char *name)
{
    char path[PATH_MAX];
    const struct stat st = must_lstat(&p->folder, of);
    const struct timespec times[2] = {st.st_atim, st.st_mtim};
    FD_AUTO fd = open(file_path(&p->folder, name, path), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, p->bytes, p->size), p->size);
    assert_int_equal(fchmod(fd, st.st_mode & 07777), 0);
    assert_int_equal(futimens(fd, times), 0);
}

void must_rename(struct place *p, const char *from, const char *to)
{
    char a[PATH_MAX], b[PATH_MAX];
    assert_int_equal(rename(file_path(&p->folder, from, a), file_path(&p->folder, to, b)), 0);
}
