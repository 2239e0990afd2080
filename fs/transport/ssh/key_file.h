/* SPDX-License-Identifier: MIT */
/* What the file of a private key shows without its passphrase. */
#pragma once

#include <stdbool.h>

#include "parser/text/buf.h"
#include "transport/child/argv.h"

struct key_file {
    struct words fields; /* of the public key: type, base64; none where it is not known */
    struct buf cipher;   /* of an encrypted key of OpenSSH's format */
    bool encrypted;
    int error; /* why the private key is not there: 0, -ENOENT, ..., -ENODATA for an empty file */
};

/* The public key comes from the private one where that shows it, from the file itself where it is a
 * public key (the private one is in an agent then), else from FILE.pub: as for ssh. -ENOMEM. */
int key_file_read(const char *path, struct key_file *ret);

void key_file_done(struct key_file *file);

/* The type or the base64 text of the public key; "" where it is not known. */
const char *key_file_type(const struct key_file *file);
const char *key_file_public(const struct key_file *file);
