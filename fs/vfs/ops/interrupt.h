/* SPDX-License-Identifier: MIT */
/* Whether the caller of a request is to be freed before the request is done. */
#pragma once

#include <stdbool.h>

/* For a struct wait, whose ctx is the call: whether its caller is to be freed with EINTR. A caller
 * that ends while its change is committed is answered by this, and the change goes on. */
bool is_interrupted(void *call);
