/* SPDX-License-Identifier: MIT */
/* What is inside a profile, for plans and checks. */
#pragma once

#include <stdint.h>

#include "parser/document/dict.h"
#include "parser/text/pairs.h"
#include "profile.h"

#define PROFILE_ALWAYS SIZE_MAX

enum profile_op {
    PROFILE_PRESENT,
    PROFILE_NE, /* those of two characters come first, for the reader */
    PROFILE_GE,
    PROFILE_LE,
    PROFILE_EQ,
    PROFILE_GT,
    PROFILE_LT,
};

struct profile_condition {
    struct buf key;
    enum profile_op op;
    struct buf value; /* empty for PROFILE_PRESENT */
    size_t line;
};

struct profile_setting {
    struct buf key;
    struct buf value; /* with its ${...} */
    size_t when;      /* index into whens, or PROFILE_ALWAYS */
    size_t line;
};

struct profile_conditions {
    struct profile_condition *items;
    size_t n;
};

struct vmx_profile {
    struct buf name;
    struct buf text;
    struct pairs params; /* with their defaults */
    struct profile_setting *settings;
    size_t n_settings;
    struct profile_conditions whens, requirements, advices;
};

/* The default of a declared parameter, or NULL. */
const struct pair *profile_param(const struct vmx_profile *profile, struct span name);

/* Whether the profile sets the key, at least sometimes. */
bool profile_sets(const struct vmx_profile *profile, struct span key);

/* Parameters that come with "device" and are not declared. */
bool profile_device_param(struct span name);

/* Judges the value of a parameter that has a meaning of its own (cpu, device and what goes with
 * it). 0, -EINVAL with the reason. */
int profile_param_check(struct span name, struct span value, struct diag *diag);

bool profile_name_valid(struct span name);

/* The next ${NAME} at or behind *at, which moves behind it. False when there is none. */
bool profile_next_name(struct span value, size_t *at, struct span *ret);

/* Reads "KEY", "KEY OP value" from text up to its end or a comment; column_at: the column of text's
 * first byte. 0; -EINVAL with line and column; -ENOMEM. */
int profile_condition_parse(struct span text, size_t line, size_t column_at,
                            struct profile_condition *ret, struct diag *diag);
void profile_condition_done(struct profile_condition *condition);

/* True when the document meets it. 0, -ENOMEM. */
int profile_condition_met(const struct profile_condition *condition, const struct vmx_dict *dict,
                          bool *ret);

/* Appends the condition as the profile writes it: 'memSize >= "8192"'. 0, -ENOMEM. */
int profile_condition_add(const struct profile_condition *condition, struct buf *ret);
