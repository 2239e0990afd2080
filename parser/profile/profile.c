/* SPDX-License-Identifier: MIT */
#include "profile.h"

#include <errno.h>
#include <stdlib.h>

#include "parser/document/value.h"
#include "parser/text/list.h"
#include "parser/text/text.h"
#include "parser/vm/host.h"
#include "profile_private.h"

bool profile_name_valid(struct span name)
{
    for (size_t i = 0; i < name.n; i++) {
        if (!text_name_char(name.p[i]))
            return false;
    }
    return name.n > 0 && name.p[0] != '.' && !span_eq_fold(name, SPAN_LITERAL("none"));
}

const struct pair *profile_param(const struct vmx_profile *profile, struct span name)
{
    return pairs_find(&profile->params, name, span_eq);
}

bool profile_sets(const struct vmx_profile *profile, struct span key)
{
    for (size_t i = 0; i < profile->n_settings; i++) {
        if (span_eq_fold(buf_span(&profile->settings[i].key), key))
            return true;
    }
    return false;
}

bool profile_device_param(struct span name)
{
    return span_eq(name, SPAN_LITERAL("vendor")) || span_eq(name, SPAN_LITERAL("deviceid")) ||
           span_eq(name, SPAN_LITERAL("system")) || span_eq(name, SPAN_LITERAL("vram"));
}

static bool is_cpu(struct span value)
{
    return span_eq(value, SPAN_LITERAL("auto")) || span_eq(value, SPAN_LITERAL("intel")) ||
           span_eq(value, SPAN_LITERAL("amd"));
}

static bool is_pci_number(struct span value)
{
    if (value.n > 2 && value.p[0] == '0' && (value.p[1] == 'x' || value.p[1] == 'X'))
        value = span_from(value, 2);
    for (size_t i = 0; i < value.n; i++) {
        if (text_digit(value.p[i]) >= 16)
            return false;
    }
    return value.n >= 1 && value.n <= 4;
}

int profile_param_check(struct span name, struct span value, struct diag *diag)
{
    struct vmx_pci pci;
    long long number;
    const char *wants = NULL;
    if (span_eq(name, SPAN_LITERAL("cpu")) && !is_cpu(value))
        wants = "auto, intel or amd";
    if (span_eq(name, SPAN_LITERAL("device")) && value.n > 0 && !vmx_pci_parse(value, &pci))
        wants = "a PCI address in hex, such as 0000:03:00.0";
    if ((span_eq(name, SPAN_LITERAL("vendor")) || span_eq(name, SPAN_LITERAL("deviceid"))) &&
        !is_pci_number(value))
        wants = "four hex digits, such as 0x10de";
    if (span_eq(name, SPAN_LITERAL("system")) && !span_eq(value, SPAN_LITERAL("BYPASS")) &&
        !vmx_host_is_uuid(value))
        wants = "the host's UUID as \"esxcli system uuid get\" prints it";
    if (span_eq(name, SPAN_LITERAL("vram")) &&
        (!vmx_value_int(value, &number) || number < 1 || number > 65536))
        wants = "the card's memory in GB, a whole number";
    if (!wants)
        return 0;
    return diag_set(diag, SPAN_FORMAT " wants %s, not \"" SPAN_FORMAT "\"", SPAN_SHOWN(name), wants,
                    SPAN_SHOWN(value));
}

static void conditions_done(struct profile_conditions *conditions)
{
    for (size_t i = 0; i < conditions->n; i++)
        profile_condition_done(&conditions->items[i]);
    free(conditions->items);
}

void vmx_profile_free(struct vmx_profile *profile)
{
    if (!profile)
        return;
    pairs_done(&profile->params);
    for (size_t i = 0; i < profile->n_settings; i++) {
        buf_done(&profile->settings[i].key);
        buf_done(&profile->settings[i].value);
    }
    free(profile->settings);
    conditions_done(&profile->whens);
    conditions_done(&profile->requirements);
    conditions_done(&profile->advices);
    buf_done(&profile->name);
    buf_done(&profile->text);
    free(profile);
}

const char *vmx_profile_name(const struct vmx_profile *profile)
{
    return profile->name.data;
}

struct span vmx_profile_text(const struct vmx_profile *profile)
{
    return buf_span(&profile->text);
}

int vmx_profiles_add(struct vmx_profiles *profiles, struct vmx_profile *profile)
{
    for (size_t i = 0; i < profiles->n; i++) {
        if (span_eq(buf_span(&profiles->items[i]->name), buf_span(&profile->name))) {
            vmx_profile_free(profiles->items[i]);
            profiles->items[i] = profile;
            return 0;
        }
    }
    struct vmx_profile **items =
        list_room(profiles->items, profiles->n, sizeof(struct vmx_profile *));
    if (!items)
        return -ENOMEM;
    profiles->items = items;
    profiles->items[profiles->n++] = profile;
    return 0;
}

const struct vmx_profile *vmx_profiles_find(const struct vmx_profiles *profiles, struct span name)
{
    for (size_t i = 0; i < profiles->n; i++) {
        if (span_eq(buf_span(&profiles->items[i]->name), name))
            return profiles->items[i];
    }
    return NULL;
}

void vmx_profiles_done(struct vmx_profiles *profiles)
{
    for (size_t i = 0; i < profiles->n; i++)
        vmx_profile_free(profiles->items[i]);
    free(profiles->items);
    *profiles = (struct vmx_profiles){0};
}
