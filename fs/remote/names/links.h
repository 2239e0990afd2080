/* SPDX-License-Identifier: MIT */
/* What links show. */
#pragma once

#include "remote/remote.h"

/* What a link in dir shows of the text that it has on the server. 0; -EPERM, as remote_readlink. */
int remote_show_link(const struct remote *remote, const char *dir, const char *text,
                     struct buf *ret);
