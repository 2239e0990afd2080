/* SPDX-License-Identifier: MIT */
#include "table.h"

#include "lines.h"
#include "parser/text/text.h"

enum { GAP = 2 }; /* blanks between columns */

/* Where the columns are, or false: other things than dashes are in the line. */
static bool read_dashes(struct span line, struct table *ret)
{
    size_t n = 0;
    for (size_t i = 0; i < line.n;) {
        if (line.p[i] == ' ') {
            i++;
            continue;
        }
        if (n == TABLE_COLUMNS || line.p[i] != '-')
            return false;
        ret->at[n++] = i;
        while (i < line.n && line.p[i] == '-')
            i++;
    }
    ret->n = n;
    return n > 1;
}

/* Whether nothing stands between the columns before and behind a place. */
static bool is_gap(struct span row, size_t at)
{
    for (size_t i = at < GAP ? 0 : at - GAP; i < at && at < row.n; i++) {
        if (row.p[i] != ' ')
            return false;
    }
    return true;
}

static bool read_cells(const struct table *table, struct span row, bool chars, struct span *ret)
{
    size_t begin = line_place(row, table->at[0], chars);
    if (text_trim(span_head(row, begin)).n > 0)
        return false;
    for (size_t i = 0; i < table->n; i++) {
        const bool last = i + 1 == table->n;
        size_t end = last ? row.n : line_place(row, table->at[i + 1], chars);
        if (!last && !is_gap(row, end))
            return false;
        ret[i] = text_trim((struct span){row.p + begin, end - begin});
        begin = end;
    }
    return true;
}

bool table_begin(struct span *rest, struct table *ret)
{
    struct span above = {NULL, 0};
    for (struct span line; line_next(rest, &line); above = line) {
        if (above.n > 0 && read_dashes(line, ret) && read_cells(ret, above, false, ret->title))
            return true;
    }
    return false;
}

/* A column is as wide as what is widest in it: in characters, or in bytes. */
bool table_row(const struct table *table, struct span *rest, struct span ret[TABLE_COLUMNS])
{
    for (struct span line; line_next(rest, &line);) {
        if (read_cells(table, line, true, ret) || read_cells(table, line, false, ret))
            return true;
    }
    return false;
}

struct span table_cell(const struct table *table, const struct span cells[TABLE_COLUMNS],
                       struct span title)
{
    for (size_t i = 0; i < table->n; i++) {
        if (span_eq(table->title[i], title))
            return cells[i];
    }
    return (struct span){NULL, 0};
}
