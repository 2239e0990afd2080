/* SPDX-License-Identifier: MIT */
/*
 * Reading ahead of the user: when a directory has been listed, what is in it will be asked for
 * next. A thread of its own loads the listings of its sub-directories and the documents in it and
 * in them, hundreds in flight together. It is best effort: what fails is loaded again by who needs
 * it.
 *
 * The same serves revalidation: a directory that is listed again after the cache timeout has all
 * that is known below it checked in one go.
 */
#pragma once

struct remote;
struct prefetch;

/* 0, -errno. */
int prefetch_new(struct remote *remote, struct prefetch **ret);
void prefetch_free(struct prefetch *prefetch); /* accepts NULL */

/* The directory at path was just listed anew for a user. Never blocks. */
void prefetch_directory(struct prefetch *prefetch, const char *path);
