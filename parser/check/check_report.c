/* SPDX-License-Identifier: MIT */
/* What the rules share: the lines of a report, and what a rule asks of the VM. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "check_private.h"
#include "parser/document/value.h"
#include "parser/text/safe_text.h"

const char *vmx_severity_name(enum vmx_severity severity)
{
    static const char *const names[VMX_SEVERITIES] = {[VMX_PASS] = "PASS",
                                                      [VMX_NOTE] = "NOTE",
                                                      [VMX_UNKNOWN] = "UNKNOWN",
                                                      [VMX_WARN] = "WARN",
                                                      [VMX_FAIL] = "FAIL"};
    return names[severity];
}

int vmx_check_add_counts(const struct vmx_check *check, struct buf *ret)
{
    const size_t *count = check->count;
    return buf_addf(ret, "%zu PASS, %zu WARN, %zu FAIL, %zu UNKNOWN, %zu NOTE", count[VMX_PASS],
                    count[VMX_WARN], count[VMX_FAIL], count[VMX_UNKNOWN], count[VMX_NOTE]);
}

/* Keeps the worst of what is said of the device in question, or of its VM. */
static void note_card(struct check *check, enum vmx_severity severity, const char *rule)
{
    struct vmx_card_check *card = check->ret_card;
    const struct check_device *judged = check->judged;
    bool own = judged && judged->has_address && vmx_pci_eq(&judged->address, check->about);
    bool worse = severity > card->worst ||
                 (severity == card->worst && severity != VMX_PASS && own && !check->card_own);
    if (!worse || severity == VMX_NOTE || (judged && !own))
        return;
    card->worst = severity;
    check->card_own = own;
    snprintf(card->rule, sizeof(card->rule), "%s", rule);
}

int check_add(struct check *check, enum vmx_severity severity, const char *rule,
              const struct buf *command, const char *format, ...)
{
    char found[400];
    va_list args;
    bool mends = severity != VMX_PASS && severity != VMX_NOTE && command && command->len > 0;
    check->result.count[severity]++;
    if (severity != VMX_NOTE && severity > check->result.worst)
        check->result.worst = severity;
    if (check->ret_card)
        note_card(check, severity, rule);
    if (!check->report)
        return 0;
    va_start(args, format);
    if (vsnprintf(found, sizeof(found), format, args) < 0)
        found[0] = '\0';
    va_end(args);
    safe_text_make(found, strlen(found)); /* it comes from the file */
    return buf_addf(check->report, "%s\t%s\t%s\t%s\n", vmx_severity_name(severity), rule, found,
                    mends ? command->data : "-");
}

int check_get(const struct check *check, const char *key, struct buf *ret)
{
    int r = vmx_dict_get(check->dict, span_of(key), ret);
    return r == -ENOENT ? buf_reserve(ret, 0) : r;
}

int check_is_true(const struct check *check, const char *key, bool *ret)
{
    BUF_AUTO value = {0};
    bool truth = false;
    int r = check_get(check, key, &value);
    if (r == 0)
        *ret = vmx_value_bool(buf_span(&value), &truth) && truth;
    return r;
}

bool check_profile_sets(const struct check *check, const char *key)
{
    return check->active.profile && profile_sets(check->active.profile, span_of(key));
}

bool check_is_of_profile(const struct check *check, struct span key)
{
    return check->active.valid && plan_wanted_find(&check->active.wanted, key);
}

int check_after(const struct check *check, const char *line, struct vmx_dict **ret)
{
    struct vmx_edits edits = {0};
    BUF_AUTO text = {0};
    int r = vmx_plan_line(check->dict, check->around, span_of(line), &edits, NULL, NULL)
        ?: vmx_edits_apply(&edits, check->dict, &text, NULL)
        ?: vmx_dict_parse(buf_span(&text), ret);
    vmx_edits_done(&edits);
    return r == -ENOMEM || r == 0 ? r : -EINVAL;
}

struct plan_on check_on(const struct check *check)
{
    return (struct plan_on){check->dict, check->around, check->active.profile, &check->active.line,
                            false};
}
