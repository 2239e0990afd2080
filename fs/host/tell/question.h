/* SPDX-License-Identifier: MIT */
/* What a VM asks, the answer, and what is known of its guest. Paths as in power.h. */
#pragma once

#include "host/facts/parse_vm.h"
#include "host/host.h"

/* The question that a VM asks. 0 with one, the caller's to end with vm_question_done; -ENOENT: it
 * asks nothing, or is not registered; else as host_power. */
int host_question(struct host *host, const char *path, const struct wait *wait,
                  struct vm_question *ret, struct diag *why);

/* Answers it, by the number of a choice, a word of its label or the whole label, in any case.
 * -EINVAL: nothing is asked, no choice is meant, or more than one; -EREMOTEIO: the command failed;
 * with *why. Else as host_power. */
int host_answer(struct host *host, const char *path, struct span answer, const struct wait *wait,
                struct diag *why);

/* The guest of a VM that is powered on. 0; -ENOENT: it is not powered on, or not registered;
 * -EREMOTEIO: the host does not say; else as host_power. */
int host_guest(struct host *host, const char *path, const struct wait *wait, struct vm_guest *ret,
               struct diag *why);

/* Appends a choice for people, without escapes of terminals: "2. I Copied It *", with "*" where it
 * is the default. 0, -ENOMEM. */
int question_add_choice(const struct vm_choice *choice, struct buf *ret);

/* As host_question, of a VM by its id for vim-cmd. */
int question_of(struct host *host, const char *id, const struct wait *wait, struct vm_question *ret,
                struct diag *why);
