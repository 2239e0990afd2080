/* SPDX-License-Identifier: MIT */
#include "reference.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static struct span without_blanks(struct span s)
{
    while (s.n > 0 && is_blank(s.p[0]))
        s = (struct span){s.p + 1, s.n - 1};
    return s;
}

/* How many bytes at the front are none of these. */
static size_t length_up_to(struct span s, const char *ends)
{
    size_t n = 0;
    while (n < s.n && !strchr(ends, s.p[n]))
        n++;
    return n;
}

static struct span behind(struct span s, size_t n)
{
    return (struct span){s.p + n, s.n - n};
}

static void *must_have(void *memory)
{
    if (!memory)
        abort();
    return memory;
}

/* ---- lines */

/* The parts of "name = value": false if it is none. */
static bool read_entry(struct span s, struct ref_line *line)
{
    line->key = (struct span){s.p, length_up_to(s, " \t#=")};
    s = without_blanks(behind(s, line->key.n));
    if (line->key.n == 0 || s.n == 0 || s.p[0] != '=')
        return false;
    s = without_blanks(behind(s, 1));
    line->quoted = s.n > 0 && s.p[0] == '"';
    if (line->quoted) {
        s = behind(s, 1);
        line->raw = (struct span){s.p, length_up_to(s, "\"")};
        if (line->raw.n == s.n)
            return false;
        s = behind(s, line->raw.n + 1);
    } else {
        line->raw = (struct span){s.p, length_up_to(s, " \t#")};
        s = behind(s, line->raw.n);
    }
    s = without_blanks(s);
    return s.n == 0 || s.p[0] == '#';
}

/* A NUL ends what is read of a line. */
static struct span up_to_nul(struct span s)
{
    const char *nul = s.n > 0 ? memchr(s.p, '\0', s.n) : NULL;
    return nul ? (struct span){s.p, (size_t)(nul - s.p)} : s;
}

static struct ref_line read_line(struct span text)
{
    size_t body = 0;
    while (body < text.n && text.p[body] != '\n' && text.p[body] != '\r')
        body++;
    size_t whole = body + (body < text.n);
    if (whole < text.n && text.p[body] == '\r' && text.p[whole] == '\n')
        whole++;
    struct ref_line line = {.whole = {text.p, whole}, .body = {text.p, body}};
    struct span s = without_blanks(up_to_nul(line.body));
    if (s.n == 0 || s.p[0] == '#')
        line.kind = REF_OTHER;
    else
        line.kind = read_entry(s, &line) ? REF_ENTRY : REF_MALFORMED;
    return line;
}

void ref_add(struct ref_text *text, struct ref_line line)
{
    text->lines = must_have(reallocarray(text->lines, text->n + 1, sizeof(line)));
    text->lines[text->n++] = line;
}

void ref_read(struct span text, struct ref_text *ret)
{
    *ret = (struct ref_text){.all = text};
    if (text.n >= 3 && memcmp(text.p, REF_BOM_BYTES, 3) == 0) {
        const struct span bom = {text.p, 3};
        ref_add(ret, (struct ref_line){.kind = REF_BOM, .whole = bom, .body = bom});
        text = behind(text, 3);
    }
    while (text.n > 0) {
        struct ref_line line = read_line(text);
        ref_add(ret, line);
        text = behind(text, line.whole.n);
    }
}

void ref_done(struct ref_text *text)
{
    free(text->lines);
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool same_key(struct span a, struct span b)
{
    for (size_t i = 0; i < a.n && i < b.n; i++) {
        if (lower(a.p[i]) != lower(b.p[i]))
            return false;
    }
    return a.n == b.n;
}

size_t ref_last(const struct ref_text *text, struct span key)
{
    for (size_t i = text->n; i > 0; i--) {
        const struct ref_line *l = &text->lines[i - 1];
        if (l->kind == REF_ENTRY && same_key(l->key, key))
            return i - 1;
    }
    return SIZE_MAX;
}

/* ---- values */

static int digit(char c)
{
    const char *digits = "0123456789abcdefABCDEF";
    const char *at = c ? strchr(digits, c) : NULL;
    return !at ? -1 : at - digits < 16 ? (int)(at - digits) : (int)(at - digits) - 6;
}

/* A bar and two digits are a byte, which ends the value if it is 0. A byte that is no digit where
 * one belongs is itself, also if it is a bar. */
static struct span unescaped(struct span raw, char *ret)
{
    size_t n = 0;
    for (size_t i = 0; i < raw.n; i++) {
        ret[n++] = raw.p[i];
        if (raw.p[i] != '|' || i + 1 == raw.n)
            continue;
        ret[n++] = raw.p[++i];
        if (digit(raw.p[i]) < 0 || i + 1 == raw.n)
            continue;
        ret[n++] = raw.p[++i];
        if (digit(raw.p[i]) < 0)
            continue;
        n -= 3;
        char byte = (char)(digit(raw.p[i - 1]) * 16 + digit(raw.p[i]));
        if (byte == 0)
            break;
        ret[n++] = byte;
    }
    return (struct span){ret, n};
}

bool ref_same_value(struct span a, struct span b)
{
    char *of_a = must_have(malloc(a.n + 1));
    char *of_b = must_have(malloc(b.n + 1));
    bool same = span_eq(unescaped(a, of_a), unescaped(b, of_b));
    free(of_a);
    free(of_b);
    return same;
}

/* ---- replacing */

/* What is wrong with a line, as the text by which it is known; of an entry that comes again later
 * its key. */
static bool fault_of(const struct ref_text *text, size_t i, struct span *ret)
{
    const struct ref_line *l = &text->lines[i];
    *ret = l->kind == REF_ENTRY ? l->key : l->body;
    return l->kind == REF_MALFORMED || (l->kind == REF_ENTRY && ref_last(text, l->key) != i);
}

/* How often a text has the fault of a line, of either text. */
static size_t count_fault(const struct ref_text *text, enum ref_kind kind, struct span what)
{
    size_t n = 0;
    for (size_t i = 0; i < text->n; i++) {
        struct span fault;
        n += text->lines[i].kind == kind && fault_of(text, i, &fault) && same_key(fault, what);
    }
    return n;
}

static bool is_ended(const struct ref_text *text)
{
    const struct span all = text->all;
    return all.n > 0 && (all.p[all.n - 1] == '\n' || all.p[all.n - 1] == '\r');
}

bool ref_may_replace(const struct ref_text *before, const struct ref_text *after)
{
    for (size_t i = 0; i < after->n; i++) {
        struct span fault;
        enum ref_kind kind = after->lines[i].kind;
        if (fault_of(after, i, &fault) &&
            count_fault(after, kind, fault) > count_fault(before, kind, fault))
            return false;
    }
    return is_ended(after) || !is_ended(before);
}

/* ---- merging */

/* "-key", and a comment, perhaps. */
static bool read_removal(const struct ref_line *line, struct ref_edit *ret)
{
    struct span s = without_blanks(line->body);
    if (s.n == 0 || s.p[0] != '-')
        return false;
    s = behind(s, 1);
    *ret = (struct ref_edit){.remove = true, .key = {s.p, length_up_to(s, " \t#=")}};
    s = without_blanks(behind(s, ret->key.n));
    return ret->key.n > 0 && (s.n == 0 || s.p[0] == '#');
}

/* False for a line that spoils the text; *ret_any: it says something. */
static bool read_edit(const struct ref_line *line, struct ref_edit *ret, bool *ret_any)
{
    *ret_any = line->kind == REF_ENTRY || line->kind == REF_MALFORMED;
    if (up_to_nul(line->body).n < line->body.n)
        return false;
    if (line->kind == REF_ENTRY)
        *ret = (struct ref_edit){.key = line->key, .raw = line->raw};
    return line->kind != REF_MALFORMED || read_removal(line, ret);
}

size_t ref_merge_find(const struct ref_merge *merge, struct span key)
{
    for (size_t i = 0; i < merge->n; i++) {
        if (same_key(merge->edits[i].key, key))
            return i;
    }
    return SIZE_MAX;
}

static void add_edit(struct ref_merge *merge, struct ref_edit edit)
{
    merge->edits = must_have(reallocarray(merge->edits, merge->n + 1, sizeof(edit)));
    merge->edits[merge->n++] = edit;
}

/* A key can be named twice, once to remove it and once to set it, if that spells it otherwise. */
static bool may_follow(const struct ref_merge *merge, const struct ref_edit *edit)
{
    for (size_t i = 0; i < merge->n; i++) {
        const struct ref_edit *earlier = &merge->edits[i];
        if (same_key(earlier->key, edit->key) &&
            (earlier->remove == edit->remove || span_eq(earlier->key, edit->key)))
            return false;
    }
    return true;
}

static bool sets(const struct ref_merge *merge, struct span key)
{
    for (size_t i = 0; i < merge->n; i++) {
        if (!merge->edits[i].remove && same_key(merge->edits[i].key, key))
            return true;
    }
    return false;
}

/* What is also set is not removed. */
static void leave_out_removals(struct ref_merge *merge)
{
    struct ref_merge all = *merge;
    *merge = (struct ref_merge){0};
    for (size_t i = 0; i < all.n; i++) {
        if (!all.edits[i].remove || !sets(&all, all.edits[i].key))
            add_edit(merge, all.edits[i]);
    }
    ref_merge_done(&all);
}

bool ref_merge_read(struct span text, struct ref_merge *ret)
{
    struct ref_text lines;
    bool legal = true;
    *ret = (struct ref_merge){0};
    ref_read(text, &lines);
    for (size_t i = 0; i < lines.n && legal; i++) {
        struct ref_edit edit;
        bool any = false;
        legal = read_edit(&lines.lines[i], &edit, &any);
        if (!legal || !any)
            continue;
        legal = may_follow(ret, &edit);
        add_edit(ret, edit);
    }
    ref_done(&lines);
    leave_out_removals(ret);
    return legal;
}

void ref_merge_done(struct ref_merge *merge)
{
    free(merge->edits);
}
