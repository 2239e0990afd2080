/* SPDX-License-Identifier: MIT */
#include "kernel.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"

static struct buf answer; /* the last reply of the session */
static unsigned answers;

static ssize_t take_answer(int fd, struct iovec *iov, int count, void *userdata)
{
    (void)fd;
    (void)userdata;
    buf_clear(&answer);
    for (int i = 0; i < count; i++)
        buf_add(&answer, (struct span){iov[i].iov_base, iov[i].iov_len});
    answers++;
    return (ssize_t)answer.len;
}

static ssize_t no_requests(int fd, void *bytes, size_t size, void *userdata)
{
    (void)fd;
    (void)bytes;
    (void)size;
    (void)userdata;
    return 0;
}

static void send(struct kernel *k, uint32_t opcode, uint64_t unique, uint64_t node,
                 struct span head, struct span rest)
{
    BUF_AUTO request = {0};
    const struct fuse_in_header header = {
        .len = (uint32_t)(sizeof(header) + head.n + rest.n),
        .opcode = opcode,
        .unique = unique,
        .nodeid = node,
        .pid = k->caller,
    };
    assert_int_equal(buf_add(&request, (struct span){(const char *)&header, sizeof(header)}), 0);
    assert_int_equal(buf_add(&request, head), 0);
    assert_int_equal(buf_add(&request, rest), 0);
    const struct fuse_buf all = {.mem = request.data, .size = request.len};
    fuse_session_process_buf(k->session, &all);
}

int kernel_ask(struct kernel *k, uint32_t opcode, uint64_t node, struct span head, struct span rest,
               const void **ret)
{
    struct fuse_out_header out;
    const unsigned before = answers;
    send(k, opcode, ++k->unique, node, head, rest);
    assert_int_equal(answers, before + 1);
    memcpy(&out, answer.data, sizeof(out));
    assert_int_equal(out.unique, k->unique);
    *ret = answer.data + sizeof(out);
    return out.error;
}

void kernel_interrupt(struct kernel *k)
{
    const struct fuse_interrupt_in in = {.unique = k->unique};
    send(k, FUSE_INTERRUPT, k->unique + 1, 0, (struct span){(const char *)&in, sizeof(in)},
         (struct span){0});
}

void kernel_forget(struct kernel *k, uint64_t node, uint64_t lookups)
{
    const struct fuse_forget_in in = {.nlookup = lookups};
    send(k, FUSE_FORGET, ++k->unique, node, (struct span){(const char *)&in, sizeof(in)},
         (struct span){0});
}

struct span kernel_name(const char *name)
{
    return (struct span){name, strlen(name) + 1};
}

int kernel_look_up(struct kernel *k, uint64_t dir, const char *name, uint64_t *ret)
{
    const void *reply;
    struct fuse_entry_out entry;
    int r = kernel_ask(k, FUSE_LOOKUP, dir, (struct span){0}, kernel_name(name), &reply);
    if (r == 0) {
        memcpy(&entry, reply, sizeof(entry));
        *ret = entry.nodeid;
    }
    return r;
}

int kernel_set_up(void **state)
{
    struct kernel *k = calloc(1, sizeof(*k));
    const struct vfs_options options = {.profile_dirs = ""};
    const struct host_options no_host = {0};
    const struct fuse_custom_io io = {.read = no_requests, .writev = take_answer};
    char program[] = "test";
    char *words[] = {program, NULL};
    struct fuse_args args = FUSE_ARGS_INIT(1, words);
    const struct fuse_init_in init = {.major = FUSE_KERNEL_VERSION, .minor = 31};
    struct diag why = {0};
    const void *reply;
    k->caller = (uint32_t)getpid();
    must_make_folder(&k->folder);
    must_write(&k->folder, "vm.vmx", "memSize = \"4096\"\n");
    must_mount(&k->mount, &k->folder, NULL);
    assert_int_equal(journal_new(&k->journal), 0);
    assert_int_equal(host_new(k->mount.remote, k->journal, &no_host, &k->host), 0);
    assert_int_equal(vfs_new(k->mount.remote, k->host, NULL, k->journal, &options, &k->vfs, &why),
                     0);
    k->session = fuse_session_new(&args, vfs_operations(), sizeof(*vfs_operations()), k->vfs);
    fuse_opt_free_args(&args);
    assert_non_null(k->session);
    assert_int_equal(fuse_session_custom_io(k->session, &io, open("/dev/null", O_RDWR)), 0);
    assert_int_equal(kernel_ask(k, FUSE_INIT, 0, (struct span){(const char *)&init, sizeof(init)},
                                (struct span){0}, &reply),
                     0);
    *state = k;
    return 0;
}

int kernel_tear_down(void **state)
{
    struct kernel *k = *state;
    fuse_session_destroy(k->session);
    vfs_free(k->vfs);
    host_free(k->host);
    journal_free(k->journal);
    mount_end(&k->mount);
    folder_remove(&k->folder);
    buf_done(&answer);
    free(k);
    return 0;
}
