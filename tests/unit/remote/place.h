/* SPDX-License-Identifier: MIT */
/*
 * A mounted folder with one large file in it, whose bytes the test knows, and a server for bulk
 * connections. Functions that begin with "must_" are cmocka assertions.
 */
#pragma once

#include "rig.h"

#include "remote/file/files.h"

enum {
    MIB = 1 << 20,
    SIZE_MAX_TEST = 96 * MIB,
    STEP = 128 << 10, /* as the kernel does it */
    SOON_MS = 60 * 1000,
};

struct place {
    struct folder folder;
    struct local_server bulk; /* where the bulk connections go */
    struct mount mount;
    struct wait wait;
    struct remote_file *file;
    char *bytes; /* what the file must hold ... */
    size_t size; /* ... and how much of it */
};

int place_set_up(void **state);
int place_tear_down(void **state);
/* Two bulk connections, whatever they are worth. */
struct remote_options bulk_options(struct place *p);
/* Makes the file and opens it. */
void must_create(struct place *p);
/* The same after a mount. */
void must_begin(struct place *p, const struct remote_options *options);
/* Closes the file; the next one has nothing in it. */
void must_close(struct place *p);
/* What the main connection has sent or received. */
unsigned long main_bytes(struct place *p, const char *name);
unsigned next_random(unsigned *seed);
/* Writes new bytes; p knows them once they were taken. */
int put(struct place *p, size_t offset, size_t n, unsigned *seed);
void must_put(struct place *p, size_t offset, size_t n, unsigned *seed);
void must_append(struct place *p, size_t n, unsigned *seed);
void must_get(struct place *p, size_t offset, size_t n);
void must_have_stored(struct place *p, const char *name);
void must_have_connections(struct place *p, unsigned long n);
void must_have_made(struct place *p, unsigned long n);
/* Writes on until the file's data goes over bulk connections, and some MiB have gone so. */
void must_write_in_bulk(struct place *p, unsigned *seed);
void must_begin_bulk(struct place *p);
/* A file of 40 MiB is there, and no mount. */
void must_store(struct place *p, unsigned *seed);
/* Mounts anew, and opens that file. */
void must_open_again(struct place *p, uint32_t open_flags);
/* A file with the same content, size, mode and times. */
void must_twin(struct place *p, const char *of, const char *name);
void must_rename(struct place *p, const char *from, const char *to);

#define TEST(name) cmocka_unit_test_setup_teardown(name, place_set_up, place_tear_down)
