/* SPDX-License-Identifier: MIT */
/*
 * What the tests of the remote layer stand on: a folder that plays the datastore, mounts of it
 * (each with an sftp-server of its own, so that several play several clients), and changes to
 * commit. A foreign editor is plain file I/O on the folder.
 *
 * Functions that begin with "must_" are cmocka assertions: for the main thread only.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/within.h"

#include "parser/edit/edit.h"
#include "remote/commit/commit.h"
#include "remote/cache/document.h"
#include "remote/lock/token.h"
#include "support/local_server.h"

struct folder {
    char path[64];
};

void must_make_folder(struct folder *folder);
void folder_remove(struct folder *folder);

/* Names are relative to the folder. "ret" of file_path: PATH_MAX bytes. */
const char *file_path(const struct folder *folder, const char *name, char *ret);
void must_write(const struct folder *folder, const char *name, const char *text);
void must_mkdir(const struct folder *folder, const char *name);
void must_link(const struct folder *folder, const char *target, const char *name);
void must_set_age(const struct folder *folder, const char *name, int seconds);
bool file_exists(const struct folder *folder, const char *name);

/* Entries of a folder in the folder; 0 where there is none. */
size_t count_in(const struct folder *folder, const char *name);

/* The path of a name in one of its folders. ret: PATH_MAX bytes. */
const char *name_in(const char *folder, const char *name, char *ret);

/* Tokens of processes of this machine: "D" of a dead one, "L" of a living one, "S" of an earlier
 * one with our number. All other names are returned. */
const char *token_named(const char *name, char ret[TOKEN_MAX + 1]);

/* Makes a lock that the token signs, with the text "half", so many seconds ago. */
void must_sign(const struct folder *folder, const char *lock, const char *token, int age);

/* Sets the time of all locks and tokens, and of what is in them. */
void must_age_locks(const struct folder *folder, int seconds);
struct stat must_lstat(const struct folder *folder, const char *name);
int file_write(const char *path, const char *text); /* any thread; 0 or -errno */
char *file_text(const char *path);                  /* any thread; NULL if there is none */

/* The file holds exactly this text. */
void must_hold(const struct folder *folder, const char *name, const char *text);

/* Entries of the folder whose names hold the text; "" counts all. */
size_t count_names(const struct folder *folder, const char *text);

/* What a process or a thread does, by the path of its stat: the letter of proc(5), 'S' when it
 * waits;
 * '\0' when there is none. */
char task_state(const char *stat_path);

/* No lock and no token's folder is left. Removals that nobody waited for may still be on their
 * way: waits for them a little. */
void must_be_clean(const struct folder *folder);

struct mount {
    struct local_server server;
    struct sftp *sftp;
    struct remote *remote;
};

struct remote_options default_options(const struct folder *folder);

/* options may be NULL. A mount takes part under the name of this process. */
int mount_start(struct mount *mount, const struct folder *folder,
                const struct remote_options *options); /* 0 or -errno */
void must_mount(struct mount *mount, const struct folder *folder,
                const struct remote_options *options);
void mount_end(struct mount *mount);

/* Makes a mount look like another machine's: its locks tell nothing about whether it lives. */
void mount_as_foreign(struct mount *mount, unsigned machine);

/* What remote_describe says behind "NAME: ". */
unsigned long must_count(struct mount *mount, const char *name);

/* A change that sets one key. */
struct set {
    struct change change; /* first */
    const char *key, *value;
    const char *expected; /* NULL, or: -ECANCELED if the server has another value */
    int applied;          /* how often it was asked */
    int committed;        /* how often it was told, and ... */
    bool nothing_to_do;   /* ... what */
};

struct set set_of(const char *key, const char *value);

/* A wait long enough for everything, and short enough for a test. */
struct wait patience(void);

int commit_set(struct mount *mount, const char *path, const char *key, const char *value);

/* The same where many want the lock: who is refused it for so long, or whose time ends in the
 * middle of an attempt, tries again. */
int commit_set_in_turn(struct mount *mount, const char *path, const char *key, const char *value);

/* What was read since then is asked for once, and again whenever it became too old, as it does
 * while a busy machine is at it. */
int times_asked_for(int64_t since, int64_t max_age_ms);
