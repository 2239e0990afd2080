/* SPDX-License-Identifier: MIT */
/* A line such as "NAME param=value ...": what is asked for, and what is recorded. */
#pragma once

#include "parser/profile/profile_private.h"
#include "plan.h"

struct plan_line {
    struct buf profile; /* empty: nothing is active */
    struct pairs params;
};

#define PLAN_LINE_AUTO __attribute__((cleanup(plan_line_done))) struct plan_line

/* ---- all that make a line take an empty one, which may be half made when they fail ---- */

/* Reads "NAME param=value ...", with addresses and PCI ids brought into one form. 0, -EINVAL,
 * -ENOMEM. */
int plan_line_parse(struct span text, struct plan_line *line, struct diag *diag);

/* Reads what the document records; words that make no sense are passed over. 0, -ENOMEM. */
int plan_line_recorded(const struct vmx_dict *dict, struct plan_line *line);

/* What given asks for on top of what base (may be NULL) recorded for the same profile. An empty
 * value takes a parameter back to its default. Facts about another device are not kept.
 * 0, -EINVAL, -ENOMEM. */
int plan_line_merge(const struct vmx_profile *profile, const struct plan_line *base,
                    const struct plan_line *given, struct plan_line *line, struct diag *diag);

/* ---- what is made ---- */

int plan_line_add(const struct plan_line *line, struct buf *ret);
void plan_line_drop(struct plan_line *line, struct span name);
void plan_line_done(struct plan_line *line);

/* The value that was given, or NULL. */
const struct buf *plan_line_param(const struct plan_line *line, struct span name);
