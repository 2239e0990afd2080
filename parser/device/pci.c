/* SPDX-License-Identifier: MIT */
#include "pci.h"

#include "parser/text/text.h"

/* Reads one number up to the separator (0: up to the end) and moves behind it. */
static bool take_field(struct span *s, unsigned base, char separator, unsigned max, unsigned *ret)
{
    unsigned value = 0;
    size_t i = 0;
    for (; i < s->n && text_digit(s->p[i]) < base; i++) {
        value = value * base + text_digit(s->p[i]);
        if (value > max)
            return false;
    }
    if (i == 0)
        return false;
    if (separator != 0) {
        if (i == s->n || s->p[i] != separator)
            return false;
        i++;
    } else if (i != s->n) {
        return false;
    }
    *s = span_from(*s, i);
    *ret = value;
    return true;
}

static bool parse(struct span s, unsigned base, struct vmx_pci *ret)
{
    struct vmx_pci pci = {0, 0, 0, 0};
    size_t colons = 0;
    for (size_t i = 0; i < s.n; i++)
        colons += s.p[i] == ':';
    if (colons == 2 && !take_field(&s, base, ':', 0xffff, &pci.domain))
        return false;
    if (!take_field(&s, base, ':', 0xff, &pci.bus) || !take_field(&s, base, '.', 0x1f, &pci.slot) ||
        !take_field(&s, base, 0, 7, &pci.function))
        return false;
    *ret = pci;
    return true;
}

bool vmx_pci_parse(struct span address, struct vmx_pci *ret)
{
    return parse(address, 16, ret);
}

bool vmx_pci_parse_id(struct span id, struct vmx_pci *ret)
{
    return parse(id, 10, ret);
}

bool vmx_pci_parse_colons(struct span address, struct vmx_pci *ret)
{
    struct vmx_pci pci = {0, 0, 0, 0};
    if (!take_field(&address, 10, ':', 0xffff, &pci.domain) ||
        !take_field(&address, 10, ':', 0xff, &pci.bus) ||
        !take_field(&address, 10, ':', 0x1f, &pci.slot) ||
        !take_field(&address, 10, 0, 7, &pci.function))
        return false;
    *ret = pci;
    return true;
}

bool vmx_pci_eq(const struct vmx_pci *a, const struct vmx_pci *b)
{
    return a->domain == b->domain && a->bus == b->bus && a->slot == b->slot &&
           a->function == b->function;
}

int vmx_pci_add_address(const struct vmx_pci *pci, struct buf *ret)
{
    return buf_addf(ret, "%04x:%02x:%02x.%x", pci->domain, pci->bus, pci->slot, pci->function);
}

int vmx_pci_add_id(const struct vmx_pci *pci, struct buf *ret)
{
    return buf_addf(ret, "%05u:%03u:%02u.%u", pci->domain, pci->bus, pci->slot, pci->function);
}

bool vmx_pci_key(struct span key, size_t *ret_n, struct span *ret_rest)
{
    struct span prefix = SPAN_LITERAL("pciPassthru");
    size_t digits = 0;
    size_t n = 0;
    if (!span_starts_with_fold(key, prefix))
        return false;
    key = span_from(key, prefix.n);
    for (; digits < key.n && text_digit(key.p[digits]) < 10 && digits < 6; digits++)
        n = n * 10 + text_digit(key.p[digits]);
    if (digits == 0 || digits == key.n || key.p[digits] != '.')
        return false;
    if (digits > 1 && key.p[0] == '0')
        return false; /* another key than the one without the zero */
    *ret_n = n;
    *ret_rest = span_from(key, digits + 1);
    return true;
}

bool vmx_pci_key_is(struct span key, const char *name, size_t *ret_n)
{
    struct span rest = {0};
    return vmx_pci_key(key, ret_n, &rest) && span_eq_fold(rest, span_of(name));
}
