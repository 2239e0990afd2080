/* SPDX-License-Identifier: MIT */
/*
 * What keeping many requests in flight is worth: reads every .vmx of a datastore twice over the
 * same connection and engine, with the same requests. First each request waits for the answer to
 * the one before, which is what an interface with one outstanding request forces; then all of a
 * kind are in flight together.
 *
 *   engine --port N --identity FILE --known-hosts FILE [--sample N] PATH
 *
 * PATH holds folders with one .vmx each. --sample: how many VMs are read one request at a time
 * (their number is printed, and the time for all is extrapolated); 0 leaves that half out.
 */
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/cleanup.h"
#include "sftp/sftp.h"
#include "transport/connect.h"
#include "sftp/requests.h"
#include "sftp/results.h"

enum { WAIT_MS = 60 * 1000, BATCH_MAX = 512 };

struct vm {
    char *folder;
    char *file; /* the .vmx, once the folder is listed */
    uint32_t size;
    struct sftp_handle handle;
    struct sftp_call *calls[3];
};

struct store {
    struct sftp *sftp;
    const char *path;
    struct vm *vms;
    size_t n;
    size_t requests; /* made since the clock was started */
    size_t bytes;    /* of .vmx, read since then */
};

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static struct sftp_call *made(struct store *s, struct sftp_call *call)
{
    s->requests++;
    return call;
}

static int settle(struct sftp_call *call)
{
    struct wait wait = wait_for_ms(WAIT_MS);
    return sftp_wait(call, &wait);
}

static int settle_and_free(struct sftp_call **call)
{
    int r = settle(*call);
    sftp_call_free(call);
    return r;
}

static int take_handle(struct sftp_call **call, struct sftp_handle *ret)
{
    int r = settle(*call);
    if (r == 0)
        *ret = *sftp_call_handle(*call);
    sftp_call_free(call);
    return r;
}

static char *join(const char *folder, const char *name)
{
    char *path = NULL;
    return asprintf(&path, "%s/%s", folder, name) < 0 ? NULL : path;
}

static int add_folder(struct store *s, const char *name)
{
    struct vm *vms = realloc(s->vms, (s->n + 1) * sizeof(*vms));
    if (!vms)
        return -ENOMEM;
    s->vms = vms;
    vms[s->n] = (struct vm){.folder = join(s->path, name)};
    if (!vms[s->n].folder)
        return -ENOMEM;
    s->n++;
    return 0;
}

/* The folders of the datastore; one request at a time, because nobody knows how many it takes. */
static int list_store(struct store *s)
{
    struct sftp_handle handle;
    struct sftp_call *call = made(s, sftp_opendir(s->sftp, s->path));
    int r = take_handle(&call, &handle);
    while (r == 0) {
        SFTP_CALL_AUTO *page = made(s, sftp_readdir(s->sftp, &handle));
        r = settle(page);
        size_t n = 0;
        const struct sftp_name *names = r == 0 ? sftp_call_names(page, &n) : NULL;
        for (size_t i = 0; i < n && r == 0; i++)
            r = S_ISDIR(names[i].attrs.mode) ? add_folder(s, names[i].name) : 0;
    }
    if (r != -ENODATA)
        return r;
    call = made(s, sftp_close(s->sftp, &handle));
    return settle_and_free(&call);
}

/* The steps for one VM. Each sends without waiting; its other half waits. */
static void send_opendir(struct store *s, struct vm *vm)
{
    vm->calls[0] = made(s, sftp_opendir(s->sftp, vm->folder));
}

static int receive_handle(struct store *s, struct vm *vm)
{
    (void)s;
    return take_handle(&vm->calls[0], &vm->handle);
}

static void send_names(struct store *s, struct vm *vm)
{
    vm->calls[0] = made(s, sftp_readdir(s->sftp, &vm->handle));
}

static int receive_names(struct store *s, struct vm *vm)
{
    (void)s;
    size_t n = 0;
    int r = settle(vm->calls[0]);
    const struct sftp_name *names = r == 0 ? sftp_call_names(vm->calls[0], &n) : NULL;
    for (size_t i = 0; i < n && !vm->file; i++) {
        if (!span_ends_with(span_of(names[i].name), SPAN_LITERAL(".vmx")))
            continue;
        vm->size = (uint32_t)names[i].attrs.size;
        vm->file = join(vm->folder, names[i].name);
    }
    sftp_call_free(&vm->calls[0]);
    return r == 0 && !vm->file ? -ENOENT : r;
}

static void send_names_end(struct store *s, struct vm *vm)
{
    vm->calls[1] = made(s, sftp_readdir(s->sftp, &vm->handle));
}

static int receive_names_end(struct store *s, struct vm *vm)
{
    (void)s;
    int r = settle_and_free(&vm->calls[1]);
    return r == -ENODATA ? 0 : r == 0 ? -E2BIG : r;
}

static void send_close(struct store *s, struct vm *vm)
{
    vm->calls[2] = made(s, sftp_close(s->sftp, &vm->handle));
}

static int receive_close(struct store *s, struct vm *vm)
{
    (void)s;
    return settle_and_free(&vm->calls[2]);
}

static void send_open(struct store *s, struct vm *vm)
{
    vm->calls[0] = made(s, sftp_open(s->sftp, vm->file, SFTP_OPEN_READ, NULL));
}

static void send_read(struct store *s, struct vm *vm)
{
    vm->calls[0] = made(s, sftp_read(s->sftp, &vm->handle, 0, vm->size));
}

static int receive_read(struct store *s, struct vm *vm)
{
    int r = settle(vm->calls[0]);
    if (r == 0 && sftp_call_data(vm->calls[0]).n != vm->size)
        r = -EIO;
    sftp_call_free(&vm->calls[0]);
    s->bytes += vm->size;
    return r;
}

static const struct step {
    void (*send)(struct store *s, struct vm *vm);
    int (*receive)(struct store *s, struct vm *vm);
    bool with_next; /* the next step does not need this one's answer */
} steps[] = {
    {send_opendir, receive_handle, false},     {send_names, receive_names, true},
    {send_names_end, receive_names_end, true}, {send_close, receive_close, false},
    {send_open, receive_handle, false},        {send_read, receive_read, true},
    {send_close, receive_close, false},
};

enum { STEPS = sizeof(steps) / sizeof(*steps) };

static int read_sequentially(struct store *s, size_t n)
{
    int r = 0;
    for (size_t i = 0; i < n && r == 0; i++) {
        for (int k = 0; k < STEPS && r == 0; k++) {
            steps[k].send(s, &s->vms[i]);
            r = steps[k].receive(s, &s->vms[i]);
        }
    }
    return r;
}

/* Steps from..to for n VMs, all in flight together. */
static int fly(struct store *s, struct vm *vms, size_t n, int from, int to)
{
    int r = 0;
    for (size_t i = 0; i < n; i++) {
        for (int k = from; k <= to; k++)
            steps[k].send(s, &vms[i]);
    }
    for (size_t i = 0; i < n; i++) {
        for (int k = from; k <= to; k++) {
            int error = steps[k].receive(s, &vms[i]);
            r = r == 0 ? error : r;
        }
    }
    return r;
}

static int read_together(struct store *s)
{
    size_t handles = sftp_features(s->sftp).max_handles;
    size_t batch = handles > 0 && handles / 2 < BATCH_MAX ? handles / 2 : BATCH_MAX;
    int r = 0;
    for (size_t i = 0; i < s->n && r == 0; i += batch) {
        size_t n = s->n - i < batch ? s->n - i : batch;
        for (int from = 0, to = 0; to < STEPS && r == 0; to++) {
            if (steps[to].with_next)
                continue;
            r = fly(s, &s->vms[i], n, from, to);
            from = to + 1;
        }
    }
    return r;
}

static void forget(struct store *s)
{
    for (size_t i = 0; i < s->n; i++) {
        for (int k = 0; k < 3; k++)
            sftp_call_free(&s->vms[i].calls[k]);
        free(s->vms[i].folder);
        free(s->vms[i].file);
    }
    free(s->vms);
    *s = (struct store){.sftp = s->sftp, .path = s->path};
}

static int measure_together(struct store *s, double *ret_s)
{
    double start = now_s();
    int r = list_store(s);
    if (r == 0)
        r = read_together(s);
    *ret_s = now_s() - start;
    if (r == 0)
        printf("pipelined: %.3f s for %zu VMs (%zu requests, %zu bytes of .vmx)\n", *ret_s, s->n,
               s->requests, s->bytes);
    return r;
}

/* Only what is done for each VM is extrapolated. */
static int measure_sequentially(struct store *s, size_t sample, double *ret_s)
{
    double start = now_s();
    int r = list_store(s);
    double listed = now_s();
    if (sample > s->n)
        sample = s->n;
    if (r == 0 && sample == 0)
        return -ENOENT;
    if (r == 0)
        r = read_sequentially(s, sample);
    if (r != 0)
        return r;
    double end = now_s();
    *ret_s = listed - start + (end - listed) * (double)s->n / (double)sample;
    printf("sequential: %.3f s for %zu VMs (%zu requests, each waiting for the one before)\n",
           end - start, sample, s->requests);
    if (sample < s->n)
        printf("sequential, extrapolated: %.3f s for %zu VMs\n", *ret_s, s->n);
    return 0;
}

static int measure(struct store *s, size_t sample)
{
    double together = 0;
    double one_by_one = 0;
    int r = measure_together(s, &together);
    if (r == 0 && sample > 0) {
        forget(s);
        r = measure_sequentially(s, sample, &one_by_one);
    }
    if (r == 0 && sample > 0)
        printf("ratio: %.1f\n", one_by_one / together);
    return r;
}

static int connect_to(const struct connect_options *options, struct connector **ret_connector,
                      struct sftp **ret, struct diag *why)
{
    struct transport *transport = NULL;
    const struct sftp_options sftp_options = {.timeout_ms = WAIT_MS};
    int r = connector_new(options, ret_connector, why);
    if (r == 0)
        r = connector_connect(*ret_connector, false, &transport, why);
    return r == 0 ? sftp_new(transport, &sftp_options, ret, why) : r;
}

static bool parse(int argc, char **argv, struct connect_options *o, size_t *sample)
{
    static const struct option names[] = {{"port", required_argument, NULL, 'p'},
                                          {"identity", required_argument, NULL, 'i'},
                                          {"known-hosts", required_argument, NULL, 'k'},
                                          {"sample", required_argument, NULL, 's'},
                                          {NULL, 0, NULL, 0}};
    int c;
    while ((c = getopt_long(argc, argv, "", names, NULL)) != -1) {
        if (c == 'p')
            o->port = (unsigned)strtoul(optarg, NULL, 10);
        else if (c == 'i')
            o->identity_file = optarg;
        else if (c == 'k')
            o->known_hosts_file = optarg;
        else if (c == 's')
            *sample = strtoul(optarg, NULL, 10);
        else
            return false;
    }
    return optind + 1 == argc && o->port > 0;
}

int main(int argc, char **argv)
{
    struct connect_options options = {
        .host = "127.0.0.1", .via = CONNECT_LIBSSH2, .timeout_ms = WAIT_MS};
    struct connector *connector = NULL;
    struct store store = {0};
    struct diag why = {0};
    size_t sample = 50;
    if (!parse(argc, argv, &options, &sample)) {
        fputs("usage: engine --port N --identity FILE --known-hosts FILE [--sample N] PATH\n",
              stderr);
        return 2;
    }
    store.path = argv[optind];
    int r = connect_to(&options, &connector, &store.sftp, &why);
    if (r == 0)
        r = measure(&store, sample);
    if (r != 0)
        fprintf(stderr, "engine: %s\n", why.text[0] ? why.text : strerror(-r));
    forget(&store);
    sftp_free(store.sftp);
    connector_free(connector);
    return r == 0 ? 0 : 1;
}
