/* SPDX-License-Identifier: MIT */
/*
 * Small steps through a text, shared by what reads profiles, lines and values. White space is space
 * and tab, as in a .vmx; the locale has no say.
 */
#pragma once

#include "buf.h"

#define SPAN_FORMAT "%.*s"
/* For messages: never more than fits beside the sentence around it. */
#define SPAN_SHOWN(s) (int)((s).n < 60 ? (s).n : 60), (s).n ? (s).p : ""

static inline struct span span_from(struct span s, size_t at)
{
    return (struct span){s.n ? s.p + at : s.p, s.n - at};
}

static inline struct span span_head(struct span s, size_t n)
{
    return (struct span){s.p, n};
}

static inline bool text_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* The value of a digit in bases up to 16, or 16 for anything else. */
static inline unsigned text_digit(char c)
{
    if (c >= '0' && c <= '9')
        return (unsigned)(c - '0');
    if (c >= 'a' && c <= 'f')
        return (unsigned)(c - 'a') + 10;
    return c >= 'A' && c <= 'F' ? (unsigned)(c - 'A') + 10 : 16;
}

static inline bool text_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* What names of profiles are made of; of parameters too, but for the dot. */
static inline bool text_name_char(char c)
{
    return text_letter(c) || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
}

struct span text_trim(struct span s);

/* Takes the next word off the front of *rest; false when there is none. */
bool text_word(struct span *rest, struct span *ret);

/* Takes the next line off the front, without its newline; false when there is none. */
bool text_line(struct span *rest, struct span *ret);

/* What stands behind "key: " in lines of that form; empty where it is not there. */
struct span text_value_of(struct span lines, const char *key);

/* Where c first stands, or s.n. */
size_t text_find(struct span s, char c);

/* How many bytes the UTF-8 character has that the text begins with. 0: it begins with none; that is
 * also what a longer way to write one than needed, half of a pair and what is beyond 10FFFF are. */
size_t text_character(struct span s);
