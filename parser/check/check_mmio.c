/* SPDX-License-Identifier: MIT */
/* Rules about the window for 64-bit MMIO. */
#include "check_private.h"
#include "command.h"
#include "parser/document/value.h"
#include "parser/text/text.h"

enum { MMIO_DEFAULT = 32 }; /* GiB that VMware takes where the setting is missing */

/* ---- how large the window is ---- */

/* The active profile, if it has the parameter "mmio", and its default. */
static const struct vmx_profile *mmio_profile(const struct check *c, long long *ret)
{
    const struct vmx_profile *profile = c->active.profile;
    const struct pair *param = profile ? profile_param(profile, SPAN_LITERAL("mmio")) : NULL;
    return param && vmx_value_int(buf_span(&param->value), ret) ? profile : NULL;
}

static int mmio_command(const struct check *c, const struct vmx_profile *profile, long long gb,
                        struct buf *ret)
{
    BUF_AUTO text = {0};
    if (profile && c->active.valid) {
        return buf_addf(&text, "%s mmio=%lld", vmx_profile_name(profile), gb)
                   ?: command_profile(c->dir, text.data, ret);
    }
    return buf_addf(&text, "%lld", gb)
               ?: command_set(c->dict, c->dir, SPAN_LITERAL("pciPassthru.64bitMMIOSizeGB"),
                              buf_span(&text), ret);
}

/* Twice the next power of two of what all framebuffers have. */
static long long mmio_needed(long long framebuffers)
{
    long long power = 1;
    while (power < framebuffers)
        power *= 2;
    return 2 * power;
}

static int mmio_size(struct check *c)
{
    BUF_AUTO value = {0};
    BUF_AUTO command = {0};
    long long size = MMIO_DEFAULT;
    long long least = 0;
    bool known = false;
    const struct vmx_profile *profile = mmio_profile(c, &least);
    long long framebuffers = check_framebuffers(c, &known);
    int r = check_get(c, "pciPassthru.64bitMMIOSizeGB", &value);
    if (r != 0 || (!profile && !check_has_gpu(c)))
        return r;
    if (value.len > 0 && !vmx_value_int(buf_span(&value), &size))
        size = 0;
    known = known && framebuffers > 0;
    if (known)
        least = mmio_needed(framebuffers);
    r = size < least ? mmio_command(c, profile, least, &command) : 0;
    if (r != 0)
        return r;
    if (known)
        return check_add(c, size < least ? VMX_WARN : VMX_PASS, "mmio-size", &command,
                         "%lld GiB of 64-bit MMIO; the rule for %lld GB on the cards is %lld", size,
                         framebuffers, least);
    if (size < least)
        return check_add(c, VMX_WARN, "mmio-size", &command,
                         "%lld GiB of 64-bit MMIO; the default is %lld", size, least);
    return check_add(c, VMX_UNKNOWN, "mmio-size", NULL,
                     "%lld GiB of 64-bit MMIO; give vram=GB with the profile to have it judged",
                     size);
}

/* ---- whether there is one ---- */

/* Where no profile sets it, a card with more memory than fits below 4 GiB wants it. */
static int mmio_64bit(struct check *c)
{
    enum { BELOW_4G_MAX = 3 }; /* GB: all devices share 3.5 there */
    static const char rule[] = "mmio-64bit";
    static const char key[] = "pciPassthru.use64bitMMIO";
    BUF_AUTO command = {0};
    bool known = false;
    bool on = false;
    long long framebuffers = check_framebuffers(c, &known);
    int r = check_is_true(c, key, &on);
    if (r != 0 || check_profile_sets(c, key) || !check_has_gpu(c))
        return r;
    if (on)
        return check_add(c, VMX_PASS, rule, NULL, "%s is TRUE", key);
    if (framebuffers <= BELOW_4G_MAX)
        return check_add(c, known ? VMX_PASS : VMX_UNKNOWN, rule, NULL,
                         known ? "%s is not TRUE, and %lld GB on the cards need none"
                               : "%s is not TRUE: cards with more than 3 GB need it",
                         key, framebuffers);
    return command_set(c->dict, c->dir, span_of(key), SPAN_LITERAL("TRUE"), &command)
               ?: check_add(
                      c, VMX_WARN, rule, &command,
                      "%s is not TRUE; cards with %lld GB may need more than fits below 4 GiB", key,
                      framebuffers);
}

int check_mmio(struct check *check)
{
    return mmio_64bit(check) ?: mmio_size(check);
}
