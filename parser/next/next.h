/* SPDX-License-Identifier: MIT */
/*
 * What waits until a VM is off: lines as for merge, kept in a small file beside the .vmx. It is a
 * text of settings itself, so that a person can read it:
 *
 *     token = "0f1e..."                  drawn anew each time that the file is written
 *     path = "/vmfs/volumes/.../vm.vmx"  the .vmx that it was written for, ...
 *     uuid.bios = "56 4d ..."            ... and the VM; "" where that had none yet
 *     1.key = "memSize"                  the first line
 *     1.value = "8192"                   missing: the key is to be removed
 *     1.was = "4096"                     what is replaced; missing: there was no such setting
 *     1.who = "ada"
 *     1.when = "2026-11-29T10:30:05Z"
 *     2.key = ...
 *
 * The rewrite of the .vmx that applies the lines records the token in it, so that they are applied
 * once, whatever becomes of who applies them before the file is gone:
 *
 *     vmxfs.next = "0f1e... 2,5"         the file of this token was applied, but for these lines
 *
 * A line is applied only to the value that it was written for:
 *
 *      WAITS ---- the value is another one by now ----> CHANGED ---- written anew ----> WAITS
 *        |     <--- it is the old one again ----           |
 *        '---- applied; or it is what was wanted ---> DONE <'
 */
#pragma once

#include "parser/edit/edit.h"

#define VMX_NEXT_KEY "vmxfs.next"

struct vmx_next_line {
    struct buf key;   /* as it is to be spelled; all texts are in UTF-8 */
    struct buf value; /* if it sets; else it removes */
    bool sets;
    struct buf was; /* if there was one */
    bool had;
    struct buf who, when;
};

struct vmx_next {
    struct buf token, path, uuid;
    struct vmx_next_line *lines;
    size_t n;
};

enum vmx_next_state { VMX_NEXT_DONE, VMX_NEXT_WAITS, VMX_NEXT_CHANGED };

void vmx_next_done(struct vmx_next *next);
#define NEXT_AUTO __attribute__((cleanup(vmx_next_done))) struct vmx_next

/* *ret is all zeros before. 0; -EBADMSG: this is no such file; -ENOMEM. */
int vmx_next_read(struct span text, struct vmx_next *ret);

/* Appends the file's text. 0, -EINVAL (a path or a name that no line can hold), -ENOMEM. */
int vmx_next_write(const struct vmx_next *next, struct buf *ret);

/* Makes the file one of this token, this path and this document. 0, -ENOMEM. */
int vmx_next_mark(struct vmx_next *next, struct span token, struct span path,
                  const struct vmx_dict *dict);

/* Whether it was written for this path and this VM. A VM without uuid.bios gets one later. */
bool vmx_next_is_of(const struct vmx_next *next, struct span path, const struct vmx_dict *dict);

/* Adds the edits as lines, to replace what the document holds now. A line of the same key goes, and
 * one that wants what is there is none. 0; -EINVAL (vmxfs.next), with *diag; -ENOMEM: some may have
 * been added. */
int vmx_next_add(struct vmx_next *next, const struct vmx_edits *edits, const struct vmx_dict *dict,
                 struct span who, struct span when, struct diag *diag);

/* 0, -ENOMEM. */
int vmx_next_state(const struct vmx_next *next, size_t nth, const struct vmx_dict *dict,
                   enum vmx_next_state *ret);

/* How many lines are in this state. 0, -ENOMEM. */
int vmx_next_count(const struct vmx_next *next, const struct vmx_dict *dict,
                   enum vmx_next_state state, size_t *ret);

/* Leaves out the lines that are done. 0, -ENOMEM. */
int vmx_next_tidy(struct vmx_next *next, const struct vmx_dict *dict);

/* Adds the lines that wait, and what records that; nothing where none waits. 0, -ENOMEM. */
int vmx_next_edits(const struct vmx_next *next, const struct vmx_dict *dict,
                   struct vmx_edits *edits);

/* Appends the names of the settings in this state, "memSize, numvcpus", safe to print. -ENOMEM. */
int vmx_next_names(const struct vmx_next *next, const struct vmx_dict *dict,
                   enum vmx_next_state state, struct buf *ret);

/* Appends a line as merge takes it, without its ending. 0, -EINVAL (a NUL), -ENOMEM. */
int vmx_next_add_text(const struct vmx_next_line *line, struct buf *ret);

/* Appends the lines that are not done, each with its state, who and when as a comment: text that
 * merge takes. -ENOMEM. */
int vmx_next_show(const struct vmx_next *next, const struct vmx_dict *dict, struct buf *ret);
