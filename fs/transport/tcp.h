/* SPDX-License-Identifier: MIT */
/* A TCP connection, over IPv6 or IPv4. */
#pragma once

#include "parser/text/diag.h"

/* family: AF_UNSPEC, AF_INET, AF_INET6. Tries the host's addresses one after the other, for
 * timeout_ms in all. What is sent is not held back for more, and a peer that acknowledges nothing
 * for timeout_ms is gone. 0 and a non-blocking, close-on-exec descriptor; -EHOSTUNREACH (unknown
 * name, no route), -ECONNREFUSED, -ETIMEDOUT, ... with *why. */
int tcp_connect(const char *host, unsigned port, int family, int timeout_ms, int *ret,
                struct diag *why);
