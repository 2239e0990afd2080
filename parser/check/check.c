/* SPDX-License-Identifier: MIT */
#include "check.h"

#include <stdlib.h>

#include "check_private.h"

static int sum_up(struct check *check)
{
    if (!check->report)
        return 0;
    return buf_add_str(check->report, "# ")
        ?: vmx_check_add_counts(&check->result, check->report)
        ?: buf_add_char(check->report, '\n');
}

int vmx_check_run(const struct vmx_dict *dict, const struct vmx_around *around, const char *dir,
                  const char *mount, struct buf *report, struct vmx_check *ret)
{
    struct check check = {
        .dict = dict, .around = around, .dir = dir, .mount = mount, .report = report};
    const struct vmx_profiles *profiles = around->profiles;
    size_t start = report ? report->len : 0;
    int r = plan_active_read(dict, around, &check.active);
    bool active = check.active.line.profile.len > 0;
    check.judged =
        active ? &check.active.profile : (const struct vmx_profile *const *)profiles->items;
    check.n_judged = active ? check.active.profile != NULL : profiles->n;
    r = r
        ?: check_given(&check)
        ?: check_file(&check)
        ?: check_profile(&check)
        ?: check_guide(&check)
        ?: check_host(&check)
        ?: check_device(&check)
        ?: sum_up(&check);
    if (r == 0)
        *ret = check.result;
    else if (report && report->data)
        report->data[report->len = start] = '\0';
    plan_active_done(&check.active);
    free(check.devices);
    buf_done(&check.seen);
    return r;
}
