/* SPDX-License-Identifier: MIT */
/*
 * Tells whether a VM is in use. Any evidence wins: "X.vmx.lck" (a file on VMFS, a non-empty folder
 * by Workstation and Fusion), ".lck-HEX" in the folder (NFS: they cannot be matched to one file
 * over SFTP, so any counts), the swap file that the setting "sched.swap.derivedName" names, and the
 * image of a suspended VM that "checkpoint.vmState" names; and the word of its host (struct
 * remote_evidence), which alone may overrule a lock file. "X.vmx~" proves nothing: it stays behind.
 */
#pragma once

#include "parser/vm/host.h"
#include "remote/remote_private.h"

/* A file that a setting names. It is looked for beside the .vmx, because the setting may name the
 * folder by a path of another host; and at the very path, which may be on another datastore. */
struct inuse_file {
    struct buf value; /* of the setting, when it was asked for */
    struct sftp_call *near, *far;
};

struct inuse {
    struct remote *remote;
    const char *path; /* of the document, borrowed */
    char *lck_path;   /* the server's */
    struct inuse_file swap, image;
    struct sftp_call *lck_stat;
    char found[300]; /* "" or the evidence, for people */
    bool suspended;  /* that is the evidence: the VM holds no file open */
};

/* First flight: asks. path: the document's. dict: a guess at the settings, or NULL. 0, -ENOMEM.
 * Call inuse_done in any case. */
int inuse_ask(struct inuse *inuse, struct remote *remote, const char *path,
              const struct vmx_dict *dict);

/* Waits for the answers. dict: the real settings; if they name other files, this asks for them
 * now. 0, -errno; found is filled in if there is evidence. */
int inuse_answer(struct inuse *inuse, const struct vmx_dict *dict, const struct wait *wait);

/* Whether the image that "checkpoint.vmState" names is there; not known where it names none, or the
 * server does not tell. 0, -errno. */
int inuse_image(struct inuse *inuse, const struct vmx_dict *dict, const struct wait *wait,
                enum vmx_truth *ret);

/* A name in the VM's folder, from its listing. */
void inuse_look_at_name(struct inuse *inuse, const char *name);

void inuse_done(struct inuse *inuse);
