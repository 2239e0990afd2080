/* SPDX-License-Identifier: MIT */
/*
 * A second reader of .vmx texts, for comparison: after the rules alone (a name, "=", a value that
 * may be quoted, a comment), with no regard to speed, and sharing no code with parser/. It ends the
 * program where there is no memory.
 */
#pragma once

#include "parser/text/buf.h"

#define REF_BOM_BYTES "\xef\xbb\xbf"

enum ref_kind { REF_ENTRY, REF_MALFORMED, REF_OTHER, REF_BOM };

struct ref_line {
    enum ref_kind kind;
    struct span whole; /* with its ending */
    struct span body;  /* without */
    struct span key;   /* of an entry, and its value with its escapes, without its quotes */
    struct span raw;
    bool quoted;
};

struct ref_text {
    struct span all;
    struct ref_line *lines;
    size_t n;
};

void ref_read(struct span text, struct ref_text *ret);
void ref_add(struct ref_text *text, struct ref_line line);
void ref_done(struct ref_text *text);

/* Where the last entry of a key stands, or SIZE_MAX. */
size_t ref_last(const struct ref_text *text, struct span key);

/* Whether two raw values are the same one. */
bool ref_same_value(struct span a, struct span b);

/* Whether after has no fault that before had not: a malformed line, a key that comes again. */
bool ref_may_replace(const struct ref_text *before, const struct ref_text *after);

struct ref_edit {
    bool remove;
    struct span key;
    struct span raw;
};

struct ref_merge {
    struct ref_edit *edits;
    size_t n;
};

/* False for a text that is to be refused. */
bool ref_merge_read(struct span text, struct ref_merge *ret);
size_t ref_merge_find(const struct ref_merge *merge, struct span key); /* SIZE_MAX: it is not */
void ref_merge_done(struct ref_merge *merge);
