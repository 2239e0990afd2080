/* SPDX-License-Identifier: MIT */
/* Tables for people: columns under each other, cut to a terminal's width, in its colours. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "parser/text/buf.h"

enum table_colour { TABLE_PLAIN, TABLE_GOOD, TABLE_WARNING, TABLE_BAD };

struct table_column {
    const char *title;
    bool to_the_right; /* numbers */
    bool may_be_cut;   /* where the terminal is too narrow */
};

struct table_cell {
    char *text; /* the table's */
    enum table_colour colour;
};

struct table {
    const struct table_column *columns; /* borrowed */
    size_t n_columns;
    struct table_cell *cells; /* row after row */
    size_t n;
};

/* Adds the next cell, whose text is made safe for a terminal. 0, -ENOMEM. */
int table_add(struct table *table, enum table_colour colour, struct span text);

struct table_look {
    size_t width, height; /* of the terminal, in columns and lines; 0: nothing is cut */
    bool coloured;        /* as terminals are told to */
    const char *end;      /* behind each line */
};

/* Appends the table. How wide a character is the locale says: LC_CTYPE is to be one of UTF-8. 0,
 * -ENOMEM. */
int table_print(const struct table *table, const struct table_look *look, struct buf *ret);

void table_done(struct table *table);
