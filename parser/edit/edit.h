/* SPDX-License-Identifier: MIT */
/*
 * Edits: a list of changes to settings, applied to a document as one.
 *
 * An edit touches its value's own bytes and nothing else: spacing, trailing comment, line ending,
 * order, blank lines and a missing final newline stay, and the key as the file spells it, unless
 * the edit is one that spells it. An unquoted value that is edited becomes a quoted one, also where
 * it stays the same: hosts may refuse it (but a removed line that is taken up again comes back as
 * it was). A new setting goes to the end, in VMware's form, with the file's own line ending. Where
 * a key has several lines, an edit of it leaves the last one only.
 *
 * A file whose last line has no ending has none after any edit (but where only an empty line is
 * left there). A removal takes the whole line with its ending; where that would leave a U+FEFF at
 * the top, which would be the mark of the file, an empty line stays before it.
 *
 * Setting or removing ".encoding" transcodes the names and values of all other lines (and comments
 * that decode), or fails with -EILSEQ.
 */
#pragma once

#include "parser/document/dict.h"

/* Where a removed line stood and what it looked like, so that it can be taken up again. */
struct vmx_place {
    struct buf line;        /* the whole removed line, with its ending; of a last line without one:
                               with the ending of the line before it, which the removal takes too */
    struct buf predecessor; /* the key of the entry before it, empty at the top */
    size_t skip;            /* how many lines that are not entries stand between the two */
};

enum vmx_edit_op {
    VMX_EDIT_SET,    /* value; the key is created where it is missing */
    VMX_EDIT_REMOVE, /* all lines of the key; none there is not an error */
    VMX_EDIT_RENAME, /* the key becomes new_key in place; an existing new_key goes. A change of
                        case alone is a rename too. -ENOENT where the key is missing */
};

struct vmx_edit {
    enum vmx_edit_op op;
    struct buf key;         /* bytes in the file's charset */
    struct buf value;       /* SET: UTF-8 */
    bool spells;            /* SET of a key that is there: its line is spelled as key is here */
    struct buf new_key;     /* RENAME: bytes in the file's charset */
    struct vmx_place place; /* SET of a missing key; its line is empty where there is none */
};

struct vmx_edits {
    struct vmx_edit *items;
    size_t n;
};

/* All copy what they are given. 0, -ENOMEM. A later edit of a key follows an earlier one. */
int vmx_edits_set(struct vmx_edits *edits, struct span key, struct span value);
int vmx_edits_set_at(struct vmx_edits *edits, struct span key, struct span value,
                     const struct vmx_place *place);
int vmx_edits_set_spelled(struct vmx_edits *edits, struct span key, struct span value);
int vmx_edits_remove(struct vmx_edits *edits, struct span key);
int vmx_edits_rename(struct vmx_edits *edits, struct span key, struct span new_key);
void vmx_edits_done(struct vmx_edits *edits);

/* Moves all of from behind those of edits: from is empty then. 0, -ENOMEM with both as they were.
 */
int vmx_edits_move(struct vmx_edits *edits, struct vmx_edits *from);

/* Appends the new text. Setting a value that is there already changes no byte (unless it has no
 * quotes, or the key has several lines or gets another spelling). 0; -EINVAL (a NUL, a key that no
 * line can hold), -EILSEQ (the charset cannot hold a value), -ENOENT (rename), -ENOMEM. *ret is as
 * it was on failure. */
int vmx_edits_apply(const struct vmx_edits *edits, const struct vmx_dict *dict, struct buf *ret,
                    struct diag *diag);

/* *ret: whether the text, made from the document, says the same to VMware and only has quotes where
 * that has none. 0, -ENOMEM. */
int vmx_edits_only_quote(const struct vmx_dict *dict, struct span text, bool *ret);

/* The place of a key's last line. 0, -ENOENT, -ENOMEM. */
int vmx_place_of(const struct vmx_dict *dict, struct span key, struct vmx_place *ret);
void vmx_place_done(struct vmx_place *place);

/* Reads the text of a control file "merge": lines 'key = "value"' set, and spell the key as they
 * do; lines '-key' remove, unless the text sets the key in another spelling; blank lines and
 * comments are passed over. Adds to *edits. charset: of the document; text is in UTF-8. 0; -EINVAL
 * with line and column for anything else, or a key that occurs twice otherwise; -EILSEQ; -ENOMEM.
 * *edits is as it was on failure. */
int vmx_edits_parse(struct span text, const char *charset, struct vmx_edits *edits,
                    struct diag *diag);

/* Judges what such a text would set in a document: the names of new settings, and the types of
 * values. 0; -EINVAL with *diag. */
int vmx_edits_check(const struct vmx_edits *edits, const struct vmx_dict *dict, struct diag *diag);

/* Judges a text that is to replace old as a whole: -EINVAL when it has more malformed lines or
 * duplicates than the old one had (that is: one that the old text had not), or when it lost its
 * final newline; 0 otherwise. old NULL: a new file, anything goes. */
int vmx_replace_check(const struct vmx_dict *old, const struct vmx_dict *text, struct diag *diag);

/* Appends a text that is as bad as old in the eyes of vmx_replace_check, and holds nothing else:
 * for a caller that has to remember only that. -ENOMEM. */
int vmx_replace_rest(const struct vmx_dict *old, struct buf *ret);
