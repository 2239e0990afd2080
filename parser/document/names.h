/* SPDX-License-Identifier: MIT */
/*
 * Keys as file names, and back. The bytes of a key are decoded with the file's charset; "%" becomes
 * "%25" and "/" becomes "%2F"; a byte that does not decode is percent-encoded, and so is the first
 * byte of a key that is called ".", "..", "passthrough-profile" or ".vmxfs" (in any case of letters
 * for the last two, because keys are found in any case).
 */
#pragma once

#include "parser/text/buf.h"
#include "parser/text/diag.h"

#define VMX_NAME_MAX 255 /* bytes of a file name */

/* Appends the file name. 0, -ENAMETOOLONG when it would pass VMX_NAME_MAX, -ENOMEM. */
int vmx_name_from_key(const char *charset, struct span key, struct buf *ret);

/* Whether a new key may have this name. 0; -EINVAL with *diag: it is the name of a control file,
 * which was probably meant. */
int vmx_name_check_new(struct span key, struct diag *diag);

/* Appends the key's bytes. 0; -EINVAL when no key can have this name (an unescaped byte that a key
 * cannot hold: NUL, space, tab, #, =; CR or LF; a bad percent sign); -ENAMETOOLONG when it passes
 * VMX_NAME_MAX; -EILSEQ when the charset cannot hold it; -ENOMEM. */
int vmx_key_from_name(const char *charset, struct span name, struct buf *ret);
