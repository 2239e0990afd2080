/* SPDX-License-Identifier: MIT */
#include "vm_files.h"

#include <errno.h>
#include <string.h>

#include "parser/text/text.h"

static bool ends_with_fold(struct span s, struct span suffix)
{
    return s.n > suffix.n && span_eq_fold((struct span){s.p + s.n - suffix.n, suffix.n}, suffix);
}

/* "scsi0:1" of "scsi0:1.fileName", or an empty span. */
static struct span device_of(struct span key)
{
    static const char *const buses[] = {"scsi", "sata", "ide", "nvme"};
    const struct span suffix = SPAN_LITERAL(".fileName");
    if (!ends_with_fold(key, suffix))
        return (struct span){0};
    for (size_t i = 0; i < sizeof(buses) / sizeof(buses[0]); i++) {
        if (span_starts_with_fold(key, span_of(buses[i])))
            return span_head(key, key.n - suffix.n);
    }
    return (struct span){0};
}

/* Whether the type of a device says that its file is a disk's. */
static int is_disk(const struct vmx_dict *dict, struct span device, bool *ret)
{
    BUF_AUTO key = {0};
    BUF_AUTO type = {0};
    int r = buf_add(&key, device)
        ?: buf_add_str(&key, ".deviceType")
        ?: vmx_dict_get(dict, buf_span(&key), &type);
    if (r < 0 && r != -ENOENT)
        return r;
    *ret = type.data && strcasestr(type.data, "disk");
    return 0;
}

static int add_disk(const struct vmx_dict *dict, size_t extent, struct buf *ret)
{
    BUF_AUTO value = {0};
    struct span device = device_of(vmx_dict_name(dict, extent));
    if (device.n == 0)
        return 0;
    int r = vmx_dict_value(dict, extent, &value);
    bool disk = ends_with_fold(buf_span(&value), SPAN_LITERAL(".vmdk"));
    if (r == 0 && !disk)
        r = is_disk(dict, device, &disk);
    return r == 0 && disk ? buf_add_name(ret, buf_span(&value)) : r;
}

int vm_files_disks(const struct vmx_dict *dict, struct buf *ret)
{
    int r = 0;
    for (size_t i = 0; i < vmx_dict_keys(dict) && r == 0; i++)
        r = add_disk(dict, vmx_dict_key_extent(dict, i), ret);
    return r;
}

int vm_files_others(const struct vmx_dict *dict, struct buf *ret)
{
    static const char *const keys[] = {"nvram", "checkpoint.vmState", "sched.swap.derivedName"};
    int r = 0;
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]) && r == 0; i++) {
        BUF_AUTO value = {0};
        r = vmx_dict_get(dict, span_of(keys[i]), &value);
        if (r == 0 || r == -ENOENT)
            r = buf_add_name(ret, buf_span(&value));
    }
    return r;
}

bool vm_files_is_disk(const char *name)
{
    return ends_with_fold(span_of(name), SPAN_LITERAL(".vmdk"));
}

bool vm_files_is_lock(const char *name)
{
    const struct span before = SPAN_LITERAL(".lck-");
    const struct span n = span_of(name);
    return ends_with_fold(n, SPAN_LITERAL(".lck")) ||
           (n.n > before.n && span_starts_with_fold(n, before));
}

/* A snapshot's files have its number behind the VM's name. */
static bool has_stem(struct span name, struct span stem, bool numbered)
{
    return span_starts_with(name, stem) &&
           (name.p[stem.n] == '.' || (numbered && name.p[stem.n] == '-'));
}

bool vm_files_has(const char *vmx, const char *name)
{
    static const struct {
        const char *suffix;
        bool numbered;
    } kinds[] = {
        {".nvram", false}, {".vmsd", false}, {".vmsn", true}, {".vmss", true}, {".vmem", true}};
    const struct span n = span_of(name);
    const struct span stem = span_head(span_of(vmx), (size_t)(strrchr(vmx, '.') - vmx));
    if (vm_files_is_lock(name) || ends_with_fold(n, SPAN_LITERAL(".vswp")))
        return true;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (ends_with_fold(n, span_of(kinds[i].suffix)))
            return has_stem(n, stem, kinds[i].numbered);
    }
    return false;
}

/* What the deltas of a disk have in common with it: "web" of "x/web.vmdk" and "web-000001.vmdk". */
static struct span disk_of(struct span name, bool *ret_delta)
{
    const struct span end = SPAN_LITERAL(".vmdk");
    const size_t number = sizeof("-000001") - 1;
    const char *slash = name.n ? memrchr(name.p, '/', name.n) : NULL;
    *ret_delta = false;
    if (slash)
        name = span_from(name, (size_t)(slash - name.p) + 1);
    if (!ends_with_fold(name, end))
        return name;
    name.n -= end.n;
    if (name.n <= number || name.p[name.n - number] != '-')
        return name;
    for (size_t i = name.n - number + 1; i < name.n; i++) {
        if (text_digit(name.p[i]) >= 10)
            return name;
    }
    *ret_delta = true;
    return span_head(name, name.n - number);
}

bool vm_files_is_delta(struct span name)
{
    bool delta;
    disk_of(name, &delta);
    return delta;
}

bool vm_files_are_of_one_disk(struct span a, struct span b)
{
    bool delta_a;
    bool delta_b;
    struct span disk_a = disk_of(a, &delta_a);
    struct span disk_b = disk_of(b, &delta_b);
    return (delta_a || delta_b) && span_eq(disk_a, disk_b);
}
