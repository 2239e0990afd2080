/* SPDX-License-Identifier: MIT */
/* VMs whose .vmx has changed: the host keeps a copy, and writes it back over the file unless it is
 * told to read the file anew. */
#include "reload.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <utlist.h>

#include "base/clock.h"
#include "remote/cache/document.h"
#include "vim_cmd.h"

enum {
    QUIET_MS = 1000,
    RETRY_MS = 5 * 1000, /* while the host is not within reach */
};

/* The first that is due by then, of a path (NULL: of any); NULL: none is. */
static struct due *find_locked(struct host *host, int64_t by, const char *path)
    REQUIRES(&host->lock)
{
    struct due *d;
    DL_FOREACH (host->due, d) {
        if (d->at <= by && (!path || strcmp(d->path, path) == 0))
            return d;
    }
    return NULL;
}

void host_changed(struct host *host, const char *path)
{
    lock_take(&host->lock);
    bool wanted = host->options.connect && host->kind != HOST_NONE;
    struct due *d = wanted ? find_locked(host, INT64_MAX, path) : NULL;
    if (wanted && !d) {
        size_t n = strlen(path);
        d = calloc(1, sizeof(*d) + n + 1);
        if (d) {
            memcpy(d->path, path, n);
            DL_APPEND(host->due, d);
        } else {
            journal_add(host->journal, -ENOMEM, path, NULL,
                        "the host was not told to reload the VM");
        }
    }
    if (d)
        d->at = clock_ms() + QUIET_MS;
    condition_wake_all(&host->woken);
    lock_drop(&host->lock);
}

int64_t reload_next_locked(const struct host *host)
{
    const struct due *d;
    int64_t next = INT64_MAX;
    DL_FOREACH (host->due, d) {
        if (d->at < next)
            next = d->at;
    }
    return next;
}

/* The same, taken off the list until finish(). */
static struct due *take(struct host *host, int64_t by, const char *path)
{
    lock_take(&host->lock);
    struct due *d = find_locked(host, by, path);
    if (d) {
        DL_DELETE(host->due, d);
        host->due_taken++;
    }
    lock_drop(&host->lock);
    return d;
}

static void count(struct host *host, bool good)
{
    lock_take(&host->lock);
    host->reloads += good;
    host->reloads_failed += !good;
    lock_drop(&host->lock);
}

static const char its_own_copy[] = ": the host keeps its own copy until it is powered off";

static int reload(struct host *host, const char *path, const struct wait *wait, struct diag *why)
{
    char id[24];
    const char *const words[] = {"vim-cmd", "vmsvc/reload", id, NULL};
    int r = host_vm_off(host, path, wait, id, its_own_copy, why)
                ?: host_command(host, words, wait, NULL, why);
    count(host, r == 0);
    return r;
}

/* Where nothing is to be reloaded, it is still to be seen that the VM runs with other settings. */
static int look(struct host *host, const char *path, const struct wait *wait, struct diag *why)
{
    char id[24];
    return host_vm_off(host, path, wait, id, its_own_copy, why) == -EBUSY ? -EBUSY : 0;
}

/* A reload that failed is for people to see: the commit it follows stands. Before the commit the VM
 * was off, if that mattered. */
static void tell(struct host *host, struct due *d, int r, bool again, const struct diag *why)
{
    char reason[sizeof(why->text) + 80];
    bool was_off = !remote_options(host->remote)->ignore_running;
    snprintf(reason, sizeof(reason), "%snot reloaded%s: %s",
             r == -EBUSY && was_off ? "switched on while the file was written, and " : "",
             again ? " yet" : "", why->text[0] ? why->text : strerror(-r));
    journal_add(host->journal, r, d->path, NULL, reason);
}

/* Puts back what is to be tried again, unless another change has made a reload due. */
static void finish(struct host *host, struct due *d, bool again)
{
    lock_take(&host->lock);
    if (d)
        host->due_taken--;
    if (d && again && !find_locked(host, INT64_MAX, d->path)) {
        d->at = clock_ms() + RETRY_MS;
        d->told = true;
        DL_APPEND(host->due, d);
        d = NULL;
    }
    lock_drop(&host->lock);
    free(d);
}

/* Nobody misses the reload of a .vmx that was removed or renamed since. */
static bool is_gone(struct host *host, const char *path, const struct wait *wait)
{
    DOCUMENT_AUTO *doc = NULL;
    return remote_document(host->remote, path, 0, wait, &doc) == -ENOENT;
}

bool reload_one_due(struct host *host, int64_t by, const struct wait *wait)
{
    struct diag why = {0};
    struct due *d = take(host, by, NULL);
    if (!d)
        return false;
    int r =
        host->options.reload ? reload(host, d->path, wait, &why) : look(host, d->path, wait, &why);
    bool again = r == -EIO && by != INT64_MAX;
    bool moot = r == -EOPNOTSUPP || (r == -ENXIO && is_gone(host, d->path, wait));
    if (r < 0 && !moot && !(again && d->told))
        tell(host, d, r, again, &why);
    finish(host, d, again);
    return true;
}

void reload_postpone(struct host *host, int64_t ms)
{
    struct due *d;
    lock_take(&host->lock);
    DL_FOREACH (host->due, d)
        d->at = clock_ms() + ms;
    lock_drop(&host->lock);
}

/* A reload whose failure was just reported is to be tried again: the file is still newer than the
 * host's copy. */
static void keep_due(struct host *host, struct due *d, int r)
{
    finish(host, d, r < 0 && r != -EBUSY && r != -ENXIO && r != -EOPNOTSUPP);
}

int reload_due_of(struct host *host, const char *path, const struct wait *wait, struct diag *why)
{
    struct due *d = take(host, INT64_MAX, path);
    struct diag told = {0};
    int r = d && host->options.reload ? reload(host, path, wait, &told) : 0;
    if (r == -EBUSY)
        tell(host, d, r, false, &told);
    else if (r < 0)
        diag_set(why, "%s", told.text);
    keep_due(host, d, r);
    return r == -EBUSY ? 0 : r;
}

/* tells: that a reload which was due has failed. */
static int reload_now(struct host *host, const char *path, bool tells, const struct wait *wait,
                      struct diag *why)
{
    int r = host_begin(host, wait);
    if (r < 0)
        return r;
    struct due *d = take(host, INT64_MAX, path);
    r = reload(host, path, wait, why);
    if (tells && d && r < 0 && r != -EOPNOTSUPP)
        tell(host, d, r, false, why);
    keep_due(host, d, r);
    host_done(host);
    return r;
}

int host_reload(struct host *host, const char *path, const struct wait *wait, struct diag *why)
{
    return reload_now(host, path, false, wait, why);
}

int host_reload_changed(struct host *host, const char *path, const struct wait *wait,
                        struct diag *why)
{
    return host->options.reload ? reload_now(host, path, true, wait, why) : -EOPNOTSUPP;
}

void reload_forget(struct host *host, const char *path)
{
    struct due *d;
    while ((d = take(host, INT64_MAX, path)))
        finish(host, d, false);
}
