/* SPDX-License-Identifier: MIT */
#include "plan_expand.h"

#include <errno.h>

#include "parser/text/text.h"

/* "0000000d756e6547..." holds eax, ebx, ecx and edx; the vendor's name is ebx, edx, ecx, the low
 * byte of each first. */
static struct span cpu_of(struct span registers)
{
    static const size_t order[] = {8, 24, 16};
    char vendor[12];
    if (registers.n != 32)
        return SPAN_LITERAL("auto");
    for (size_t i = 0; i < sizeof(vendor); i++) {
        const char *digits = registers.p + order[i / 4] + 2 * (3 - i % 4);
        vendor[i] = (char)(text_digit(digits[0]) << 4 | text_digit(digits[1]));
    }
    if (memcmp(vendor, "GenuineIntel", sizeof(vendor)) == 0)
        return SPAN_LITERAL("intel");
    if (memcmp(vendor, "AuthenticAMD", sizeof(vendor)) == 0)
        return SPAN_LITERAL("amd");
    return SPAN_LITERAL("auto");
}

static int decide_cpu(const struct plan_on *on, struct span *ret)
{
    const struct vmx_host *host = on->around->host;
    BUF_AUTO registers = {0};
    if (host && host->cpu != VMX_CPU_UNKNOWN) {
        *ret = host->cpu == VMX_CPU_AMD ? SPAN_LITERAL("amd") : SPAN_LITERAL("intel");
        return 0;
    }
    int r = vmx_dict_get(on->dict, SPAN_LITERAL("hostCPUID.0"), &registers);
    if (r == 0 || r == -ENOENT)
        *ret = cpu_of(buf_span(&registers));
    return r == -ENOENT ? 0 : r;
}

int plan_param(const struct plan_on *on, struct span name, struct span *ret)
{
    const struct buf *given = plan_line_param(on->line, name);
    const struct pair *param = profile_param(on->profile, name);
    if (!given && !param)
        return -ENOENT;
    *ret = buf_span(given ? given : &param->value);
    bool automatic = span_eq(name, SPAN_LITERAL("cpu")) && span_eq(*ret, SPAN_LITERAL("auto"));
    return automatic ? decide_cpu(on, ret) : 0;
}

/* A profile may be used for a VM that lacks what the profile builds on. */
static int missing(struct span name, const struct profile_setting *setting, struct diag *diag)
{
    return diag_set(diag, SPAN_FORMAT " is not set in this VM, and " SPAN_FORMAT " is made from it",
                    SPAN_SHOWN(name), SPAN_SHOWN(buf_span(&setting->key)));
}

int plan_expand(const struct plan_on *on, const struct profile_setting *setting, struct buf *ret,
                struct diag *diag)
{
    struct span text = buf_span(&setting->value);
    struct span name = {0};
    size_t done = 0; /* so much of the text */
    int r = 0;
    for (size_t at = 0; r == 0 && profile_next_name(text, &at, &name); done = at) {
        struct span plain = {text.p + done, (size_t)(name.p - text.p) - strlen("${") - done};
        struct span value = {0};
        r = buf_add(ret, plain) ?: plan_param(on, name, &value);
        if (r == 0)
            r = buf_add(ret, value);
        else if (r == -ENOENT)
            r = vmx_dict_get(on->dict, name, ret);
        if (r == -ENOENT)
            return missing(name, setting, diag);
    }
    return r ?: buf_add(ret, span_from(text, done));
}

int plan_when(const struct plan_on *on, const struct profile_setting *setting, bool *ret,
              bool *ret_known)
{
    struct span value = {0};
    *ret_known = true;
    *ret = true;
    if (setting->when == PROFILE_ALWAYS)
        return 0;
    const struct profile_condition *when = &on->profile->whens.items[setting->when];
    int r = plan_param(on, buf_span(&when->key), &value);
    if (r != 0)
        return r;
    *ret = span_eq(value, buf_span(&when->value));
    *ret_known = *ret || !span_eq(buf_span(&when->key), SPAN_LITERAL("cpu")) ||
                 !span_eq(value, SPAN_LITERAL("auto"));
    return 0;
}
