/* SPDX-License-Identifier: MIT */
/*
 * The tables that esxcli prints for people:
 *
 *     Volume Name  Mounted  Size
 *     -----------  -------  ----
 *     my ds           true    12
 *
 * The dashes below the titles say where the columns are. A cell may hold spaces, and be empty.
 * Text is flush left, truths and numbers flush right.
 */
#pragma once

#include "parser/text/buf.h"

enum { TABLE_COLUMNS = 16 };

struct table {
    size_t n;
    size_t at[TABLE_COLUMNS]; /* where each column begins */
    struct span title[TABLE_COLUMNS];
};

/* Steps over a text up to the line of dashes. False: there is no table in it. The titles are
 * borrowed from the text. */
bool table_begin(struct span *rest, struct table *ret);

/* The next row that fits the columns, as cells without the blanks around them; lines that do not
 * fit are passed over. False: there is none. */
bool table_row(const struct table *table, struct span *rest, struct span ret[TABLE_COLUMNS]);

/* The cell of the column with this title. Empty: there is no such column. */
struct span table_cell(const struct table *table, const struct span cells[TABLE_COLUMNS],
                       struct span title);
