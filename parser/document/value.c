/* SPDX-License-Identifier: MIT */
#include "value.h"

#include <errno.h>
#include <limits.h>

#include "parser/device/pci.h"
#include "parser/text/encoding.h"
#include "parser/text/safe_text.h"
#include "parser/text/text.h"
#include "secret_name.h"

enum value_type {
    VALUE_BOOL,
    VALUE_INT,
    VALUE_FIRMWARE,
    VALUE_WORD, /* no white space, quotes and control characters inside */
    VALUE_UUID,
    VALUE_MAC,
    VALUE_HEX, /* a PCI id: 0x10de, 10de, or its decimal form */
    VALUE_PCI_ID,
    VALUE_CHARSET,
};

struct value_rule {
    const char *key; /* "#" is any number, a leading "*" any text */
    enum value_type type;
    bool needed; /* may not be empty */
    long long min, max, step;
    const char *wants;
};

static const char wants_bool[] = "TRUE or FALSE";
static const char wants_hex[] = "a PCI id such as 0x10de";
static const char wants_mac[] = "a MAC address such as 00:50:56:00:00:01";
static const char wants_uuid[] = "32 hex digits (spaces and dashes between them are fine)";
static const char wants_word[] = "one word";

/* The first rule that matches counts. */
static const struct value_rule rules[] = {
    {".encoding", VALUE_CHARSET, false, 0, 0, 0, "the name of a character set, as UTF-8"},
    {"config.version", VALUE_INT, true, 1, 99, 1, "a whole number from 1 to 99"},
    {"virtualHW.version", VALUE_INT, true, 1, 99, 1, "a hardware version, such as 14 or 21"},
    {"memSize", VALUE_INT, true, 4, INT_MAX, 4, "MB, a multiple of 4 above 0"},
    {"numvcpus", VALUE_INT, false, 1, 960, 1, "a whole number from 1 to 960"},
    {"cpuid.coresPerSocket", VALUE_INT, false, 1, 960, 1, "a whole number from 1 to 960"},
    {"firmware", VALUE_FIRMWARE, false, 0, 0, 0, "bios or efi"},
    {"guestOS", VALUE_WORD, true, 0, 0, 0, "one word, such as vmkernel8 or ubuntu-64"},
    {"uuid.bios", VALUE_UUID, false, 0, 0, 0, wants_uuid},
    {"uuid.location", VALUE_UUID, false, 0, 0, 0, wants_uuid},
    {"vc.uuid", VALUE_UUID, false, 0, 0, 0, wants_uuid},
    {"sched.mem.min", VALUE_INT, false, 0, INT_MAX, 1, "MB, a whole number"},
    {"sched.mem.minSize", VALUE_INT, false, 0, INT_MAX, 1, "MB, a whole number"},
    {"sched.mem.pin", VALUE_BOOL, false, 0, 0, 0, wants_bool},
    {"vhv.enable", VALUE_BOOL, false, 0, 0, 0, wants_bool},
    {"vhv.allowPassthru", VALUE_BOOL, false, 0, 0, 0, wants_bool},
    {"vvtd.enable", VALUE_BOOL, false, 0, 0, 0, wants_bool},
    {"vpmc.enable", VALUE_BOOL, false, 0, 0, 0, wants_bool},
    {"amd.iommu.supportsPcip", VALUE_BOOL, false, 0, 0, 0, wants_bool},
    {"mem.hotadd", VALUE_BOOL, false, 0, 0, 0, wants_bool},
    {"vcpu.hotadd", VALUE_BOOL, false, 0, 0, 0, wants_bool},
    {"disk.EnableUUID", VALUE_BOOL, false, 0, 0, 0, wants_bool},
    {"uefi.secureBoot.enabled", VALUE_BOOL, false, 0, 0, 0, wants_bool},
    {"hypervisor.cpuid.v0", VALUE_BOOL, false, 0, 0, 0, wants_bool},
    {"RemoteDisplay.vnc.enabled", VALUE_BOOL, false, 0, 0, 0, wants_bool},
    {"RemoteDisplay.vnc.port", VALUE_INT, false, 0, 65535, 1, "a port number"},
    {"pciPassthru.use64bitMMIO", VALUE_BOOL, false, 0, 0, 0, wants_bool},
    {"pciPassthru.64bitMMIOSizeGB", VALUE_INT, false, 1, 1 << 20, 1, "GiB, a whole number above 0"},
    {"pciPassthru.vmiop.allowViommu", VALUE_BOOL, false, 0, 0, 0, wants_bool},
    {"pciPassthru.vmiop.enableViommu", VALUE_BOOL, false, 0, 0, 0, wants_bool},
    {"pciPassthru#.id", VALUE_PCI_ID, false, 0, 0, 0,
     "the PCI address with every field in decimal: 0000:0d:00.0 is 00000:013:00.0"},
    {"pciPassthru#.deviceId", VALUE_HEX, false, 0, 0, 0, wants_hex},
    {"pciPassthru#.vendorId", VALUE_HEX, false, 0, 0, 0, wants_hex},
    {"pciPassthru#.systemId", VALUE_WORD, false, 0, 0, 0, wants_word},
    {"ethernet#.address", VALUE_MAC, false, 0, 0, 0, wants_mac},
    {"ethernet#.generatedAddress", VALUE_MAC, false, 0, 0, 0, wants_mac},
    {"ethernet#.virtualDev", VALUE_WORD, false, 0, 0, 0, "one word, such as vmxnet3 or e1000e"},
    {"scsi#.virtualDev", VALUE_WORD, false, 0, 0, 0, "one word, such as pvscsi or lsilogic"},
    {"*.virtualDev", VALUE_WORD, false, 0, 0, 0, wants_word},
    {"*.present", VALUE_BOOL, false, 0, 0, 0, wants_bool},
    {"*.startConnected", VALUE_BOOL, false, 0, 0, 0, wants_bool},
    {"*.allowGuestConnectionControl", VALUE_BOOL, false, 0, 0, 0, wants_bool},
    {"*.pciSlotNumber", VALUE_INT, false, -1, INT_MAX, 1, "a whole number, or -1 for any slot"},
};

static bool key_matches(struct span pattern, struct span key)
{
    size_t number = text_find(pattern, '#');
    size_t at = number;
    if (pattern.p[0] == '*') {
        struct span end = span_from(pattern, 1);
        return key.n > end.n && span_eq_fold(span_from(key, key.n - end.n), end);
    }
    if (number == pattern.n)
        return span_eq_fold(pattern, key);
    if (!span_starts_with_fold(key, span_head(pattern, number)))
        return false;
    while (at < key.n && text_digit(key.p[at]) < 10)
        at++;
    return at > number && span_eq_fold(span_from(key, at), span_from(pattern, number + 1));
}

static const struct value_rule *find_rule(struct span key)
{
    /* Settings that are not VMware's own: free text, whatever their names end in. */
    if (span_starts_with_fold(key, SPAN_LITERAL("vmxfs.")) ||
        span_starts_with_fold(key, SPAN_LITERAL("guestinfo.")))
        return NULL;
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
        if (key_matches(span_of(rules[i].key), key))
            return &rules[i];
    }
    return NULL;
}

bool vmx_value_bool(struct span value, bool *ret)
{
    static const struct {
        const char *word;
        bool truth;
    } words[] = {{"TRUE", true}, {"FALSE", false}, {"1", true},  {"0", false},
                 {"yes", true},  {"no", false},    {"y", true},  {"n", false},
                 {"t", true},    {"f", false},     {"on", true}, {"off", false}};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (span_eq_fold(value, span_of(words[i].word))) {
            *ret = words[i].truth;
            return true;
        }
    }
    return false;
}

static bool read_digits(struct span s, unsigned base, long long *ret)
{
    long long value = 0;
    if (s.n == 0)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        unsigned digit = text_digit(s.p[i]);
        if (digit >= base || value > (LLONG_MAX - (long long)digit) / (long long)base)
            return false;
        value = value * (long long)base + (long long)digit;
    }
    *ret = value;
    return true;
}

static bool has_hex_mark(struct span s)
{
    return s.n > 2 && s.p[0] == '0' && (s.p[1] == 'x' || s.p[1] == 'X');
}

bool vmx_value_int(struct span value, long long *ret)
{
    bool negative = value.n > 0 && value.p[0] == '-';
    long long number = 0;
    if (value.n > 0 && (value.p[0] == '-' || value.p[0] == '+'))
        value = span_from(value, 1);
    bool hex = has_hex_mark(value);
    if (!read_digits(hex ? span_from(value, 2) : value, hex ? 16 : 10, &number))
        return false;
    *ret = negative ? -number : number;
    return true;
}

bool vmx_value_pci_number(struct span s, long long *ret)
{
    long long number = 0;
    if (s.n > 0 && s.p[0] == '-') {
        if (!vmx_value_int(s, &number) || number < -0x8000)
            return false;
        *ret = number + 0x10000;
        return true;
    }
    if (!read_digits(has_hex_mark(s) ? span_from(s, 2) : s, 16, &number) || number > 0xfffff)
        return false;
    *ret = number;
    return true;
}

/* Old hosts wrote "0a:00.0" in hex without a domain, and the address as one number. */
static bool is_pci_id(struct span s)
{
    struct vmx_pci pci;
    long long number;
    if (vmx_pci_parse_id(s, &pci) || vmx_value_int(s, &number))
        return true;
    return vmx_pci_parse(s, &pci) &&
           text_find(span_from(s, text_find(s, ':') + 1), ':') == s.n - text_find(s, ':') - 1;
}

static bool is_uuid(struct span s)
{
    size_t digits = 0;
    for (size_t i = 0; i < s.n; i++) {
        if (text_digit(s.p[i]) < 16)
            digits++;
        else if (s.p[i] != '-' && !text_blank(s.p[i]))
            return false;
    }
    return digits == 32;
}

static bool is_mac(struct span s)
{
    if (s.n != 17)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        bool separator = i % 3 == 2;
        if (separator ? s.p[i] != ':' && s.p[i] != '-' : text_digit(s.p[i]) >= 16)
            return false;
    }
    return true;
}

static bool is_word(struct span s)
{
    return safe_text_is(s) && text_find(s, ' ') == s.n && text_find(s, '"') == s.n &&
           text_find(s, '\'') == s.n;
}

static bool is_int(const struct value_rule *rule, struct span s)
{
    long long number = 0;
    return vmx_value_int(s, &number) && number >= rule->min && number <= rule->max &&
           number % rule->step == 0;
}

static bool accepts(const struct value_rule *rule, struct span s)
{
    bool truth;
    long long number;
    switch (rule->type) {
    case VALUE_BOOL:
        return vmx_value_bool(s, &truth);
    case VALUE_INT:
        return is_int(rule, s);
    case VALUE_FIRMWARE:
        return span_eq_fold(s, SPAN_LITERAL("bios")) || span_eq_fold(s, SPAN_LITERAL("efi"));
    case VALUE_WORD:
        return is_word(s);
    case VALUE_UUID:
        return is_uuid(s);
    case VALUE_MAC:
        return is_mac(s);
    case VALUE_HEX:
        return vmx_value_pci_number(s, &number);
    case VALUE_PCI_ID:
        return is_pci_id(s);
    case VALUE_CHARSET:
        return vmx_charset(s) != NULL;
    }
    return true;
}

int vmx_value_check(struct span key, struct span value, struct diag *diag)
{
    const struct value_rule *rule = find_rule(key);
    if (!rule || (value.n == 0 ? !rule->needed : accepts(rule, value)))
        return 0;
    if (vmx_is_secret(key))
        diag_set(diag, SPAN_FORMAT " wants %s", SPAN_SHOWN(key), rule->wants);
    else
        diag_set(diag, SPAN_FORMAT " wants %s, not \"" SPAN_FORMAT "\"", SPAN_SHOWN(key),
                 rule->wants, SPAN_SHOWN(value));
    return -EINVAL;
}

bool vmx_value_same(struct span key, struct span a, struct span b)
{
    const struct value_rule *rule = find_rule(key);
    bool truth_a, truth_b;
    long long number_a, number_b;
    struct vmx_pci pci_a, pci_b;
    if (!rule || span_eq(a, b))
        return span_eq(a, b);
    switch (rule->type) {
    case VALUE_BOOL:
        return vmx_value_bool(a, &truth_a) && vmx_value_bool(b, &truth_b) && truth_a == truth_b;
    case VALUE_INT:
        return vmx_value_int(a, &number_a) && vmx_value_int(b, &number_b) && number_a == number_b;
    case VALUE_HEX:
        return vmx_value_pci_number(a, &number_a) && vmx_value_pci_number(b, &number_b) &&
               number_a == number_b;
    case VALUE_PCI_ID:
        return vmx_pci_parse_id(a, &pci_a) && vmx_pci_parse_id(b, &pci_b) &&
               vmx_pci_eq(&pci_a, &pci_b);
    case VALUE_FIRMWARE:
    case VALUE_UUID:
    case VALUE_MAC:
        return span_eq_fold(a, b);
    case VALUE_WORD:
    case VALUE_CHARSET:
        break;
    }
    return false;
}
