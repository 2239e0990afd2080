/* SPDX-License-Identifier: MIT */
/* The shipped profiles, and plans in one step, for tests of plans and checks. */
#pragma once

#include "parser/plan/plan.h"
#include "parser/profile/profile.h"
#include "support.h"

/* What a mount without a host knows. */
#define NO_HOST(those) (&(struct vmx_around){.profiles = (those)})

#define PROFILES_AUTO __attribute__((cleanup(vmx_profiles_done))) struct vmx_profiles

static inline void add_profile(struct vmx_profiles *profiles, const char *name, struct span text)
{
    struct vmx_profile *profile = NULL;
    struct diag diag = {0};
    if (vmx_profile_parse(name, text, &profile, &diag) != 0)
        fail_msg("%s:%zu:%zu: %s", name, diag.line, diag.column, diag.text);
    assert_int_equal(vmx_profiles_add(profiles, profile), 0);
}

static inline void add_shipped(struct vmx_profiles *profiles)
{
    static const char *const names[] = {"nested-esxi", "inner-guest"};
    for (size_t i = 0; i < 2; i++) {
        char path[100];
        BUF_AUTO text = {0};
        snprintf(path, sizeof(path), "../../fs/profiles/%s.profile", names[i]);
        read_data(path, &text);
        add_profile(profiles, names[i], buf_span(&text));
    }
}

/* What the file becomes when the line is written to it; the plan's own result. */
static inline int plan_around(struct span text, const struct vmx_around *around, const char *line,
                              struct buf *ret, struct buf *notes, struct diag *diag)
{
    DICT_AUTO dict = parsed(text);
    EDITS_AUTO edits = {0};
    int r = vmx_plan_line(dict, around, span_of(line), &edits, notes, diag);
    if (r == 0)
        assert_int_equal(vmx_edits_apply(&edits, dict, ret, diag), 0);
    return r;
}

static inline int plan(struct span text, const struct vmx_profiles *profiles, const char *line,
                       struct buf *ret, struct buf *notes, struct diag *diag)
{
    return plan_around(text, NO_HOST(profiles), line, ret, notes, diag);
}

#define planned(text, profiles, line, ret)                                                         \
    planned_at(text, NO_HOST(profiles), line, ret, __FILE__, __LINE__)
#define planned_around(text, around, line, ret)                                                    \
    planned_at(text, around, line, ret, __FILE__, __LINE__)

static inline void planned_at(struct span text, const struct vmx_around *around, const char *line,
                              struct buf *ret, const char *file, int at)
{
    struct diag diag = {0};
    if (plan_around(text, around, line, ret, NULL, &diag) == 0)
        return;
    print_error("\"%s\" was refused: %s\n", line, diag.text);
    _fail(file, at);
}

#define NEW_DEVICE                                                                                 \
    "device=03:00.0 vendor=10de deviceid=0x1C82 system=5aec7ae7-7d90-8511-435a-d094660b7768"

static const struct span small_vm = BYTES("memSize = \"8192\"\n");

static inline void state_is_around(struct span text, const struct vmx_around *around,
                                   const char *want)
{
    DICT_AUTO dict = parsed(text);
    BUF_AUTO state = {0};
    assert_int_equal(vmx_plan_state(dict, around, &state), 0);
    assert_string_equal(state.data, want);
}

static inline void state_is(struct span text, const struct vmx_profiles *profiles, const char *want)
{
    state_is_around(text, NO_HOST(profiles), want);
}

static inline void value_is(const struct buf *text, const char *key, const char *want)
{
    DICT_AUTO dict = parsed(buf_span(text));
    assert_value(dict, span_of(key), span_of(want));
}

static inline void has_no(const struct buf *text, const char *key)
{
    DICT_AUTO dict = parsed(buf_span(text));
    if (vmx_dict_find(dict, span_of(key)) != SIZE_MAX)
        fail_msg("%s is there", key);
}

/* By hand, behind vmxfs's back. */
static inline void edited(const struct buf *text, const char *key, const char *value,
                          struct buf *ret)
{
    buf_clear(ret);
    if (value)
        assert_int_equal(apply_set(buf_span(text), span_of(key), span_of(value), ret), 0);
    else
        assert_int_equal(apply_remove(buf_span(text), span_of(key), ret), 0);
}
