/* SPDX-License-Identifier: MIT */
/* What an SFTP status means as an errno. */
#pragma once

#include <stdint.h>

/* 0 or -errno; never -ENOSYS, which the kernel would remember; -EPROTO for an unknown code. */
int status_errno(uint32_t code);
