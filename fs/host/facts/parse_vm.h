/* SPDX-License-Identifier: MIT */
/*
 * What vim-cmd says of one VM: the question that it asks, what is under way with it, its guest.
 * Pure functions on texts, which may be hostile; the forms are those recorded from 4.x to 9.0.
 */
#pragma once

#include <time.h>

#include "parser/text/buf.h"

struct vm_choice {
    unsigned long number; /* the host's own */
    struct buf label;
    bool is_default;
};

struct vm_question {
    char id[64];     /* how the host calls it */
    struct buf text; /* what is asked, of one line or more, without the name of the message */
    struct vm_choice *choices;
    size_t n;
};

/* "vim-cmd vmsvc/message ID". 0 with a question, the caller's to end with vm_question_done;
 * -ENOENT: nothing is asked; -EBADMSG: it says something else; -ENOMEM. */
int parse_question(struct span text, struct vm_question *ret);
void vm_question_done(struct vm_question *question);

enum { TASK_NAME_MAX = 160, TASKS_MAX = 8 };

/* "vim-cmd vmsvc/get.tasklist ID": the last names in it, at most TASKS_MAX, for
 * "vim-cmd vimsvc/task_info". The number of them. */
size_t parse_task_names(struct span text, char ret[TASKS_MAX][TASK_NAME_MAX]);

struct vm_task {
    char what[64];     /* "power-on" of vim.VirtualMachine.powerOn */
    bool is_under_way; /* queued or running */
    bool has_failed;
    time_t began;     /* by the host's clock; 0: not known */
    struct buf error; /* why it failed, if it says so */
};

/* "vim-cmd vimsvc/task_info NAME". 0 with a task, the caller's to end by buf_done of error;
 * -EBADMSG: it says something else, as of a task that is forgotten; -ENOMEM. */
int parse_task(struct span text, struct vm_task *ret);

/* What is not known is "". */
struct vm_guest {
    char tools[32]; /* "running", "not-running", "not-installed", ... */
    char host_name[256];
    char address[64]; /* that the guest itself calls its own */
};

/* "vim-cmd vmsvc/get.guest ID". 0; -EBADMSG: it says something else. */
int parse_guest(struct span text, struct vm_guest *ret);
