/* SPDX-License-Identifier: MIT */
/* Rules about the window for 64-bit MMIO. */
#include <stdio.h>

#include "check_private.h"
#include "command.h"
#include "parser/document/value.h"
#include "parser/text/text.h"

enum { MMIO_DEFAULT = 32 }; /* GiB that VMware takes where the setting is missing */

static const unsigned long long gib = 1ULL << 30;

/* ---- how large the window is ---- */

struct window {
    const struct vmx_profile *profile; /* the active one, if it has the parameter "mmio" */
    long long size;                    /* GiB of the setting; what is no number is no window */
    long long least, advised;          /* that are needed; that a command asks for */
};

static int read_window(const struct check *c, struct window *ret)
{
    const struct vmx_profile *profile = c->active.profile;
    const struct pair *param = profile ? profile_param(profile, SPAN_LITERAL("mmio")) : NULL;
    BUF_AUTO value = {0};
    int r = check_get(c, "pciPassthru.64bitMMIOSizeGB", &value);
    *ret = (struct window){.size = MMIO_DEFAULT};
    if (param && vmx_value_int(buf_span(&param->value), &ret->least))
        ret->profile = profile;
    ret->advised = ret->least;
    if (r == 0 && value.len > 0 && !vmx_value_int(buf_span(&value), &ret->size))
        ret->size = 0;
    return r;
}

static int mmio_command(const struct check *c, const struct window *w, struct buf *ret)
{
    BUF_AUTO text = {0};
    if (w->profile && c->active.valid) {
        return buf_addf(&text, "%s mmio=%lld", vmx_profile_name(w->profile), w->advised)
                   ?: command_profile(c->dir, text.data, ret);
    }
    return buf_addf(&text, "%lld", w->advised)
               ?: command_set(c->dict, c->dir, SPAN_LITERAL("pciPassthru.64bitMMIOSizeGB"),
                              buf_span(&text), ret);
}

/* The least power of two that is not below n. */
static long long power_of_two(long long n)
{
    long long power = 1;
    while (power < n)
        power *= 2;
    return power;
}

/* What a power-on has shown: how large the BARs are, or that a window was too small for them. BARs
 * that just fit need no margin: a power-on that lacks it says so. False: none has. */
static bool shown(const struct check *c, struct window *w)
{
    const struct vm_start *start = c->around->start;
    if (start && !start->succeeded && start->wanted_gb > 0)
        w->least = w->advised = (long long)start->wanted_gb;
    else if (c->bars.known) {
        w->least = (long long)(c->bars.wide / gib);
        w->advised = power_of_two((long long)((c->bars.wide + gib - 1) / gib));
    } else
        return false;
    return true;
}

/* Adds the line, with what else is to be said of the size. */
static int judge(struct check *c, const struct window *w, const char *why)
{
    const bool bad = w->size < w->least;
    char least[24] = "none";
    BUF_AUTO command = {0};
    int r = bad ? mmio_command(c, w, &command) : 0;
    if (w->least > 0)
        snprintf(least, sizeof(least), "%lld", w->least);
    return r
               ?: check_add(c, bad ? VMX_WARN : VMX_PASS, "mmio-size", &command,
                            "%lld GiB of 64-bit MMIO; %s %s", w->size, why, least);
}

static int mmio_size(struct check *c)
{
    char why[80];
    struct window w;
    bool known = false;
    long long framebuffers = check_framebuffers(c, &known);
    int r = read_window(c, &w);
    if (r != 0 || (!w.profile && !check_has_gpu(c)))
        return r;
    if (shown(c, &w)) {
        snprintf(why, sizeof(why), "vmware.log of %s shows that the cards need",
                 c->around->start->date);
        return judge(c, &w, why);
    }
    if (known && framebuffers > 0) { /* twice the next power of two of all of them */
        w.least = w.advised = 2 * power_of_two(framebuffers);
        snprintf(why, sizeof(why), "the rule for %lld GB on the cards is", framebuffers);
        return judge(c, &w, why);
    }
    if (w.size < w.least)
        return judge(c, &w, "the default is");
    return check_add(c, VMX_UNKNOWN, "mmio-size", NULL,
                     "%lld GiB of 64-bit MMIO; give vram=GB with the profile to have it judged",
                     w.size);
}

/* ---- whether there is one ---- */

/* Whether the cards need a window, as a power-on has shown, or as their memory lets one fear; all
 * devices share 3.5 GiB below 4 GiB. */
static enum vmx_truth needs_window(const struct check *c)
{
    enum { BELOW_4G_MAX = 3 }; /* GB */
    const struct vm_start *start = c->around->start;
    bool known = false;
    long long framebuffers = check_framebuffers(c, &known);
    if (start && !start->succeeded && start->wanted_gb > 0)
        return VMX_YES;
    if (c->bars.known)
        return c->bars.all > 7 * gib / 2 ? VMX_YES : VMX_NO;
    if (framebuffers > BELOW_4G_MAX)
        return VMX_YES;
    return known ? VMX_NO : VMX_NOT_KNOWN;
}

/* Where no profile sets it. */
static int mmio_64bit(struct check *c)
{
    static const char rule[] = "mmio-64bit";
    static const char key[] = "pciPassthru.use64bitMMIO";
    BUF_AUTO command = {0};
    bool on = false;
    const enum vmx_truth needed = needs_window(c);
    int r = check_is_true(c, key, &on);
    if (r != 0 || check_profile_sets(c, key) || !check_has_gpu(c))
        return r;
    if (on)
        return check_add(c, VMX_PASS, rule, NULL, "%s is TRUE", key);
    if (needed == VMX_NO)
        return check_add(c, VMX_PASS, rule, NULL, "%s is not TRUE: the cards fit below 4 GiB", key);
    if (needed == VMX_NOT_KNOWN)
        return check_add(c, VMX_UNKNOWN, rule, NULL,
                         "%s is not TRUE: cards with more than 3 GB may need it", key);
    return command_set(c->dict, c->dir, span_of(key), SPAN_LITERAL("TRUE"), &command)
               ?: check_add(c, VMX_WARN, rule, &command,
                            "%s is not TRUE: the cards may need more than fits below 4 GiB", key);
}

int check_mmio(struct check *check)
{
    return mmio_64bit(check) ?: mmio_size(check);
}
