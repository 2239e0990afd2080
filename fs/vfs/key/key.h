/* SPDX-License-Identifier: MIT */
/* A setting as a file. */
#pragma once

#include "vfs/node/handle.h"
#include "vfs/node/node.h"
#include "vfs/ops/request.h"

int key_lookup(struct request *rq, struct node *dir, const char *name, struct found *ret);
int key_create(struct request *rq, struct node *dir, const char *name, int flags, struct handle *h,
               struct found *ret);
