/* SPDX-License-Identifier: MIT */
/*
 * Makes changes and records them, as a mount does.
 *
 * usage: history-writer DIR FIRST N VMS        edits number FIRST to FIRST + N - 1, each of the VM
 * that
 *        its number says; the text of a VM counts its edits. Prints the number of each edit that is
 *        told, as it is told, and "end" when all is recorded that could be.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "history/worker.h"

static int name(void *ctx, const char *path, struct buf *ret)
{
    (void)ctx;
    return buf_add_str(ret, path);
}

static void note(void *ctx, const char *path, const char *text)
{
    (void)ctx;
    fprintf(stderr, "%s: %s\n", path ? path : "-", text);
}

/* About as long as one of VMware's. */
static int make_text(struct buf *ret, int vm, int edit)
{
    int r = buf_addf(ret, "displayName = \"vm%d\"\nuuid.bios = \"56 4d %08x\"\n", vm,
                     (unsigned)vm * 2654435761U);
    for (int i = 0; r == 0 && i < 70; i++)
        r = buf_addf(ret, "pciBridge%d.setting%d = \"%d\"\n", i, i * vm, i * 7);
    return r ?: buf_addf(ret, "memSize = \"%d\"\nguestinfo.password = \"secret%d\"\n", edit, vm);
}

static int edit(struct history *history, const char *vm_name, int number, int vms)
{
    const int vm = number % vms;
    const int nth = number / vms;
    const struct history_by by = {.uid = getuid(), .program = "writer"};
    BUF_AUTO path = {0};
    BUF_AUTO before = {0};
    BUF_AUTO after = {0};
    int r = buf_addf(&path, "store/%s%d/%s%d.vmx", vm_name, vm, vm_name, vm)
        ?: (nth > 0 ? make_text(&before, vm, nth - 1) : 0)
        ?: make_text(&after, vm, nth);
    if (r < 0)
        return r;
    history_committed(history, path.data, nth > 0, buf_span(&before), buf_span(&after), &by);
    return 0;
}

int main(int argc, char **argv)
{
    struct history *history;
    struct diag why = {0};
    bool made;
    if (argc != 6)
        return 2;
    const struct history_options options = {
        .dir = argv[1], .host = "h", .mountpoint = "/mnt", .name = name, .note = note};
    const int first = atoi(argv[3]);
    if (history_new(&options, &history, &made, &why) < 0 || history_begin(history) < 0) {
        fprintf(stderr, "%s\n", why.text);
        return 1;
    }
    for (int i = first; i < first + atoi(argv[4]); i++) {
        if (edit(history, argv[2], i, atoi(argv[5])) < 0)
            return 1;
        const struct wait soon = wait_for_ms(60 * 1000);
        if (i % 500 == 499) /* a server is slower than this; what is told is not to be too much */
            worker_settle(history->worker, &soon);
    }
    history_free(history);
    return 0;
}
