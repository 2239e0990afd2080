/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "lines.h"
#include "parse.h"
#include "parser/text/list.h"
#include "parser/text/text.h"

/* No host has more than four thousand functions. */
enum { PCI_MAX = 4096 };

enum field {
    VMKERNEL_NAME,
    DEVICE_NAME,
    CONFIGURED_OWNER,
    CURRENT_OWNER,
    VENDOR_ID,
    DEVICE_ID,
    DEVICE_CLASS,
    SPAWNED_BUS,
    PASSTHRU_CAPABLE,
    DEPENDENT_DEVICE,
    RESET_METHOD,
    FIELDS,
};

static const char *const names[FIELDS] = {
    [VMKERNEL_NAME] = "VMkernel Name",
    [DEVICE_NAME] = "Device Name",
    [CONFIGURED_OWNER] = "Configured Owner",
    [CURRENT_OWNER] = "Current Owner",
    [VENDOR_ID] = "Vendor ID",
    [DEVICE_ID] = "Device ID",
    [DEVICE_CLASS] = "Device Class",
    [SPAWNED_BUS] = "Spawned Bus",
    [PASSTHRU_CAPABLE] = "Passthru Capable",
    [DEPENDENT_DEVICE] = "Dependent Device",
    [RESET_METHOD] = "Reset Method",
};

/* A device's lines, borrowed from the text. */
struct block {
    struct vmx_pci address;
    struct span values[FIELDS]; /* p: NULL where it is not said */
};

/* "0000:04:00.0", the only form that hosts print. */
static bool read_address(struct span s, struct vmx_pci *ret)
{
    return s.n == strlen("0000:04:00.0") && text_find(s, ':') == 4 && vmx_pci_parse(s, ret);
}

static long long read_hex(struct span s, unsigned long max, long long otherwise)
{
    unsigned long value;
    bool is = line_skip(&s, SPAN_LITERAL("0x")) && line_number(&s, 16, max, &value) && s.n == 0;
    return is ? (long long)value : otherwise;
}

static enum vmx_truth read_truth(struct span s)
{
    if (span_eq(s, SPAN_LITERAL("true")))
        return VMX_YES;
    return span_eq(s, SPAN_LITERAL("false")) ? VMX_NO : VMX_NOT_KNOWN;
}

/* Whether the owner is a VM. */
static enum vmx_truth read_owner(struct span s)
{
    if (span_eq(s, SPAN_LITERAL("VM Passthru")))
        return VMX_YES;
    return span_eq(s, SPAN_LITERAL("VMkernel")) ? VMX_NO : VMX_NOT_KNOWN;
}

/* 6.x says "Unknown" where nobody configured anything: the kernel keeps what it has. */
static enum vmx_truth read_enabled(const struct block *b)
{
    if (span_eq(b->values[CONFIGURED_OWNER], SPAN_LITERAL("Unknown")) &&
        read_owner(b->values[CURRENT_OWNER]) == VMX_NO)
        return VMX_NO;
    return read_owner(b->values[CONFIGURED_OWNER]);
}

/* "PCI 0:232:0:0" */
static bool read_dependent(struct span s, struct vmx_pci *ret)
{
    return line_skip(&s, SPAN_LITERAL("PCI ")) && vmx_pci_parse_colons(s, ret);
}

/* No host's list has an address twice. */
static int add_device(const struct block *b, struct host_facts *ret)
{
    const struct span *v = b->values;
    struct vmx_host *host = &ret->host;
    if (host->n_pci == PCI_MAX || vmx_host_find(host, &b->address))
        return -EBADMSG;
    struct vmx_host_pci *room = list_room(host->pci, host->n_pci, sizeof(*room));
    if (!room)
        return -ENOMEM;
    host->pci = room;
    struct vmx_host_pci *pci = &room[host->n_pci++];
    *pci = (struct vmx_host_pci){
        .address = b->address,
        .vendor = read_hex(v[VENDOR_ID], 0xffff, -1),
        .device = read_hex(v[DEVICE_ID], 0xffff, -1),
        .class = read_hex(v[DEVICE_CLASS], 0xffff, -1),
        .spawned_bus = read_hex(v[SPAWNED_BUS], 0xff, 0),
        .capable = read_truth(v[PASSTHRU_CAPABLE]),
        .enabled = read_enabled(b),
        .active = read_owner(v[CURRENT_OWNER]),
        .name = host_facts_text(ret, v[DEVICE_NAME]),
        .vmkernel_name = host_facts_text(ret, v[VMKERNEL_NAME]),
        .owner = host_facts_text(ret, v[CURRENT_OWNER]),
        .reset = host_facts_text(ret, v[RESET_METHOD]),
    };
    pci->has_dependent = read_dependent(v[DEPENDENT_DEVICE], &pci->dependent);
    return 0;
}

/* Of a name that occurs twice the first one counts. */
static void note_field(struct block *b, struct span line)
{
    struct span name;
    struct span value;

    if (!line_field(line, &name, &value))
        return;
    for (size_t i = 0; i < FIELDS; i++) {
        if (!b->values[i].p && span_eq(name, span_of(names[i]))) {
            b->values[i] = value;
            return;
        }
    }
}

/* A line that is not indented ends a block: what follows it may belong to something else. */
static int read_devices(struct span text, struct host_facts *ret)
{
    struct block block = {0};
    bool in_block = false;
    struct span line;
    int r = 0;

    while (r == 0 && line_next(&text, &line)) {
        if (line.n > 0 && text_blank(line.p[0])) {
            if (in_block)
                note_field(&block, line);
            continue;
        }
        if (in_block)
            r = add_device(&block, ret);
        block = (struct block){0};
        in_block = read_address(text_trim(line), &block.address);
    }
    return r == 0 && in_block ? add_device(&block, ret) : r;
}

int parse_pci_list(struct span text, struct host_facts *ret)
{
    size_t before = ret->host.n_pci;

    int r = read_devices(text, ret);
    if (r == 0 && ret->host.n_pci == before)
        r = -EBADMSG;
    if (r < 0)
        ret->host.n_pci = before;
    return r;
}

/* "0000:42:00.0     true" */
static bool read_row(struct span line, struct vmx_pci *ret_address, enum vmx_truth *ret)
{
    struct span address;
    struct span value;

    if (!text_word(&line, &address) || !text_word(&line, &value) || text_trim(line).n > 0 ||
        !read_address(address, ret_address))
        return false;
    *ret = read_truth(value);
    return *ret != VMX_NOT_KNOWN;
}

/* The owner that the list of devices names is what the host will do: "false" does not overrule
 * it. */
int parse_pci_passthru(struct span text, struct host_facts *ret)
{
    struct vmx_pci address;
    enum vmx_truth enabled;
    struct span line;

    while (line_next(&text, &line)) {
        if (!read_row(line, &address, &enabled))
            continue;
        for (size_t i = 0; i < ret->host.n_pci; i++) {
            struct vmx_host_pci *pci = &ret->host.pci[i];
            if (vmx_pci_eq(&pci->address, &address) &&
                (enabled == VMX_YES || pci->enabled == VMX_NOT_KNOWN))
                pci->enabled = enabled;
        }
    }
    return 0;
}
