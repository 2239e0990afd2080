/* SPDX-License-Identifier: MIT */
#include "parse.h"

#include <errno.h>
#include <stdio.h>

#include "lines.h"
#include "parser/text/list.h"
#include "parser/text/text.h"

enum { RUNNING_MAX = 100000 };

/* ---- version */

/* "VMware ESXi 8.0.1 build-21495797", and nothing behind it. From 9 on the product is called ESX
 * again; the old ESX, up to 4.1, was another system. */
static bool read_version(struct span line, struct vmx_host *ret)
{
    enum { FIRST_ESX = 9 };
    unsigned long parts[3];
    unsigned long build;

    bool esxi = line_skip(&line, SPAN_LITERAL("VMware ESXi "));
    if (!esxi && !line_skip(&line, SPAN_LITERAL("VMware ESX ")))
        return false;
    for (size_t i = 0; i < 3; i++) {
        struct span behind = i < 2 ? SPAN_LITERAL(".") : SPAN_LITERAL(" build-");
        if (!line_number(&line, 10, 9999, &parts[i]) || !line_skip(&line, behind))
            return false;
    }
    if (!line_number(&line, 10, 999999999, &build) || text_trim(line).n != 0 ||
        (!esxi && parts[0] < FIRST_ESX))
        return false;
    for (size_t i = 0; i < 3; i++)
        ret->version[i] = (unsigned)parts[i];
    ret->build = build;
    return true;
}

int parse_version(struct span text, struct host_facts *ret)
{
    struct span line;

    while (line_next(&text, &line)) {
        if (read_version(line, &ret->host)) {
            ret->version_line = host_facts_text(ret, text_trim(line));
            return 0;
        }
    }
    return -EBADMSG;
}

/* ---- the machine */

/* The first field of that name. */
static bool find_field(struct span text, struct span wanted, struct span *ret)
{
    struct span line;
    struct span name;
    struct span value;

    while (line_next(&text, &line)) {
        if (line_field(line, &name, &value) && span_eq(name, wanted)) {
            *ret = value;
            return true;
        }
    }
    return false;
}

int parse_cpu_list(struct span text, struct host_facts *ret)
{
    struct span brand;

    if (!find_field(text, SPAN_LITERAL("Brand"), &brand) || brand.n == 0)
        return 0;
    ret->cpu_brand = host_facts_text(ret, brand);
    ret->host.cpu = span_eq(brand, SPAN_LITERAL("GenuineIntel"))   ? VMX_CPU_INTEL
                    : span_eq(brand, SPAN_LITERAL("AuthenticAMD")) ? VMX_CPU_AMD
                                                                   : VMX_CPU_UNKNOWN;
    return 0;
}

int parse_cpu_global(struct span text, struct host_facts *ret)
{
    struct span value;
    unsigned long number;

    if (find_field(text, SPAN_LITERAL("HV Support"), &value) &&
        line_number(&value, 10, 9, &number) && value.n == 0)
        ret->hv_support = (int)number;
    return 0;
}

int parse_uuid(struct span text, struct host_facts *ret)
{
    struct span line;

    while (line_next(&text, &line)) {
        if (vmx_host_is_uuid(text_trim(line))) {
            ret->host.uuid = host_facts_text(ret, text_trim(line));
            break;
        }
    }
    return 0;
}

/* "0x56 0x4d 0x1f 0xa ...", of which a VM's are its uuid.bios; some say so in another order of the
 * first eight bytes. */
static const char *platform_uuid(struct span bytes, struct host_facts *facts)
{
    char text[sizeof("00 11 22 33 44 55 66 77-88 99 aa bb cc dd ee ff")] = "";
    size_t n = 0;
    unsigned long byte;
    for (; n < 16 && span_starts_with(bytes, SPAN_LITERAL("0x")); n++) {
        bytes = span_from(bytes, 2);
        if (!line_number(&bytes, 16, UINT8_MAX, &byte))
            return NULL;
        bytes = text_trim(bytes);
        (void)snprintf(text + 3 * n, sizeof(text) - 3 * n, "%02lx%s", byte,
                       n == 7   ? "-"
                       : n < 15 ? " "
                                : "");
    }
    return n == 16 && bytes.n == 0 ? host_facts_text(facts, span_of(text)) : NULL;
}

int parse_platform(struct span text, struct host_facts *ret)
{
    struct span vendor;
    struct span product;
    struct span uuid;

    if (find_field(text, SPAN_LITERAL("UUID"), &uuid))
        ret->platform_uuid = platform_uuid(uuid, ret);
    if (!find_field(text, SPAN_LITERAL("Vendor Name"), &vendor) || vendor.n == 0 ||
        !find_field(text, SPAN_LITERAL("Product Name"), &product) || product.n == 0)
        return 0;
    if (!span_eq(vendor, SPAN_LITERAL("VMware, Inc.")))
        ret->host.nested = VMX_NO;
    else if (span_starts_with(product, SPAN_LITERAL("VMware")))
        ret->host.nested = VMX_YES;
    return 0;
}

/* ---- VMs at work */

static int add_running(struct span path, struct host_facts *ret)
{
    if (ret->n_running == RUNNING_MAX)
        return -EBADMSG;
    const char **room = list_room(ret->running, ret->n_running, sizeof(*room));
    if (!room)
        return -ENOMEM;
    ret->running = room;
    room[ret->n_running++] = host_facts_text(ret, path);
    return 0;
}

/* The first line of a block is a VM's name, which may look like anything. */
int parse_running(struct span text, struct host_facts *ret)
{
    size_t before = ret->n_running;
    bool in_block = false;
    bool said = false;
    struct span line;
    struct span name;
    struct span value;
    int r = 0;

    while (r == 0 && line_next(&text, &line)) {
        bool first = !in_block;
        in_block = text_trim(line).n > 0;
        said = said || in_block;
        if (!first && line_field(line, &name, &value) &&
            span_eq(name, SPAN_LITERAL("Config File")) && value.n > 0 && value.p[0] == '/')
            r = add_running(value, ret);
    }
    if (r == 0 && said && ret->n_running == before)
        r = -EBADMSG;
    if (r < 0)
        ret->n_running = before;
    ret->running_known = ret->running_known && r == 0;
    return r;
}

int parse_power(struct span text, enum vmx_power *ret)
{
    static const struct {
        const char *text;
        enum vmx_power power;
    } states[] = {{"Powered on", VMX_POWER_ON},
                  {"Powered off", VMX_POWER_OFF},
                  {"Suspended", VMX_POWER_SUSPENDED}};
    enum vmx_power found = VMX_POWER_UNKNOWN;
    bool missing = false;
    struct span line;

    while (line_next(&text, &line)) {
        line = text_trim(line);
        missing = missing || span_eq(line, SPAN_LITERAL("(vim.fault.NotFound)")) ||
                  span_starts_with(line, SPAN_LITERAL("(vim.fault.NotFound) ")) ||
                  span_starts_with(line, SPAN_LITERAL("Unable to find a VM corresponding to "));
        for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
            if (!span_eq(line, span_of(states[i].text)))
                continue;
            if (found != VMX_POWER_UNKNOWN && found != states[i].power)
                return -EBADMSG;
            found = states[i].power;
        }
    }
    if (found != VMX_POWER_UNKNOWN && !missing) {
        *ret = found;
        return 0;
    }
    return missing && found == VMX_POWER_UNKNOWN ? -ENOENT : -EBADMSG;
}

static bool has(struct span s, struct span what)
{
    return s.n > 0 && memmem(s.p, s.n, what.p, what.n) != NULL;
}

/* The file's name comes first, in quotes, and may hold any of these words. */
int parse_lock(struct span text, bool *ret_held)
{
    bool held = false;
    bool is_free = false;
    struct span line;

    while (line_next(&text, &line)) {
        const char *quote = line.n ? memrchr(line.p, '"', line.n) : NULL;
        if (quote)
            line = span_from(line, (size_t)(quote - line.p) + 1);
        else if (span_starts_with(line, SPAN_LITERAL("Looking for ")))
            continue;
        held = held || has(line, SPAN_LITERAL(" is locked in "));
        is_free = is_free || has(line, SPAN_LITERAL(" is not locked"));
    }
    if (held == is_free)
        return -EBADMSG;
    *ret_held = held;
    return 0;
}

int parse_exists(struct span text, unsigned long *ret_id)
{
    bool exists = false;
    bool found = false;
    struct span line;

    while (line_next(&text, &line)) {
        line = text_trim(line);
        exists = exists || has(line, SPAN_LITERAL("(vim.fault.AlreadyExists)"));
        found = found || (line_skip(&line, SPAN_LITERAL("name = \"")) &&
                          line_number(&line, 10, UINT32_MAX, ret_id) &&
                          span_starts_with(line, SPAN_LITERAL("\"")));
    }
    return exists && found ? 0 : -EBADMSG;
}
