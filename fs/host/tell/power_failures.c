/* SPDX-License-Identifier: MIT */
#include "power_failures.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "base/clock.h"

enum { FAILURES_MAX = 64, OUTPUT_MAX = 64 << 10 };

/* One VM's, protected by host->lock. */
struct power_failure {
    struct power_failure *prev, *next;
    char at[CLOCK_UTC_SIZE]; /* UTC, as ISO 8601 */
    struct buf output;
    char path[];
};

static struct power_failure *find(struct host *host, const char *path) REQUIRES(host->lock)
{
    struct power_failure *f;
    DL_FOREACH (host->power_failures, f) {
        if (strcmp(f->path, path) == 0)
            return f;
    }
    return NULL;
}

static void forget(struct host *host, struct power_failure *f) REQUIRES(host->lock)
{
    DL_DELETE(host->power_failures, f);
    host->n_power_failures--;
    buf_done(&f->output);
    free(f);
}

static struct power_failure *make(const char *path, time_t at, struct span output)
{
    struct power_failure *f = calloc(1, sizeof(*f) + strlen(path) + 1);
    if (!f)
        return NULL;
    memcpy(f->path, path, strlen(path));
    clock_utc(at, f->at);
    if (output.n > OUTPUT_MAX)
        output.n = OUTPUT_MAX;
    if (buf_add(&f->output, output) == 0)
        return f;
    free(f);
    return NULL;
}

void power_failure_note(struct host *host, const char *path, time_t at, struct span output)
{
    struct power_failure *made = output.n > 0 ? make(path, at, output) : NULL;
    lock_take(&host->lock);
    struct power_failure *old = find(host, path);
    if (old)
        forget(host, old);
    if (made) {
        DL_APPEND(host->power_failures, made);
        if (++host->n_power_failures > FAILURES_MAX)
            forget(host, host->power_failures);
    }
    lock_drop(&host->lock);
}

void power_failures_done(struct host *host)
{
    lock_take(&host->lock);
    while (host->power_failures)
        forget(host, host->power_failures);
    lock_drop(&host->lock);
}

int host_power_failure(struct host *host, const char *path, char ret_at[24], struct buf *ret)
{
    int r = -ENOENT;
    lock_take(&host->lock);
    const struct power_failure *f = find(host, path);
    if (f) {
        memcpy(ret_at, f->at, sizeof(f->at));
        r = buf_add(ret, buf_span(&f->output));
    }
    lock_drop(&host->lock);
    return r;
}
