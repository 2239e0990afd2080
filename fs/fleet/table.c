/* SPDX-License-Identifier: MIT */
#include "table.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <wchar.h>

#include "base/cleanup.h"
#include "parser/text/list.h"
#include "parser/text/safe_text.h"
#include "parser/text/text.h"

enum { GAP = 2, LEAST = 4 /* columns of the terminal that are left of a column */ };

static const char *const colours[] = {"", "\033[32m", "\033[33m", "\033[31m"};

int table_add(struct table *table, enum table_colour colour, struct span text)
{
    BUF_AUTO safe = {0};
    struct table_cell *cells = list_room(table->cells, table->n, sizeof(*cells));
    if (cells)
        table->cells = cells;
    int r = cells ? safe_text_add(&safe, text) : -ENOMEM;
    char *owned = r == 0 ? buf_steal(&safe) : NULL;
    if (!owned)
        return -ENOMEM;
    cells[table->n++] = (struct table_cell){owned, colour};
    return 0;
}

/* The bytes of the first character of a text that is not empty, and its columns. A byte that is of
 * none is shown as one. */
static size_t character(struct span text, size_t *ret_columns)
{
    const size_t bytes = text_character(text);
    const unsigned char *p = (const unsigned char *)text.p;
    unsigned long code = bytes < 2 ? p[0] : p[0] & (0x7fU >> bytes);
    for (size_t i = 1; i < bytes; i++)
        code = code << 6 | (p[i] & 0x3fU);
    const int columns = bytes < 2 ? 1 : wcwidth((wchar_t)code);
    *ret_columns = columns < 0 ? 1 : (size_t)columns;
    return bytes > 0 ? bytes : 1;
}

/* The bytes that have room in so many columns. *ret_columns: those that they take. */
static size_t bytes_in(const char *text, size_t room, size_t *ret_columns)
{
    struct span rest = span_of(text);
    *ret_columns = 0;
    while (rest.n > 0) {
        size_t columns;
        const size_t bytes = character(rest, &columns);
        if (columns > room - *ret_columns)
            break;
        *ret_columns += columns;
        rest = span_from(rest, bytes);
    }
    return (size_t)(rest.p - text);
}

static size_t width_of(const char *text)
{
    size_t columns;
    bytes_in(text, SIZE_MAX, &columns);
    return columns;
}

static size_t row_width(const size_t *widths, size_t n)
{
    size_t sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += widths[i] + (i > 0 ? GAP : 0);
    return sum;
}

/* Takes from the widest of those that may be cut until all fit. */
static void fit(const struct table *table, size_t width, size_t *widths)
{
    while (row_width(widths, table->n_columns) > width) {
        size_t *widest = NULL;
        for (size_t i = 0; i < table->n_columns; i++) {
            if (table->columns[i].may_be_cut && widths[i] > LEAST &&
                (!widest || widths[i] > *widest))
                widest = &widths[i];
        }
        if (!widest)
            return;
        --*widest;
    }
}

static void measure(const struct table *table, size_t width, size_t *widths)
{
    for (size_t i = 0; i < table->n_columns; i++)
        widths[i] = width_of(table->columns[i].title);
    for (size_t i = 0; i < table->n; i++) {
        const size_t n = width_of(table->cells[i].text);
        if (n > widths[i % table->n_columns])
            widths[i % table->n_columns] = n;
    }
    if (width > 0)
        fit(table, width, widths);
}

static int add_spaces(struct buf *ret, size_t n)
{
    return buf_addf(ret, "%*s", (int)n, "");
}

/* last: nothing stands behind it. */
static int print_cell(const struct table_column *column, const char *text, size_t width, bool last,
                      const char *colour, struct buf *ret)
{
    const bool cut = width_of(text) > width;
    size_t wide;
    const size_t bytes = bytes_in(text, cut ? width - 1 : width, &wide);
    const size_t blank = width - wide - cut;
    return (column->to_the_right ? add_spaces(ret, blank) : 0)
        ?: buf_add_str(ret, colour)
        ?: buf_add(ret, (struct span){text, bytes})
        ?: (cut ? buf_add_str(ret, "…") : 0)
        ?: (*colour ? buf_add_str(ret, "\033[0m") : 0)
        ?: (last ? 0 : add_spaces(ret, GAP + (column->to_the_right ? 0 : blank)));
}

/* The rows that are shown: of more than there are lines for there is a last line that says so, and
 * behind the last line is the cursor. */
static size_t rows_in(size_t rows, size_t height)
{
    if (height == 0 || rows + 2 <= height)
        return rows;
    return height > 3 ? height - 3 : 0;
}

int table_print(const struct table *table, const struct table_look *look, struct buf *ret)
{
    FREE_AUTO size_t *widths = calloc(table->n_columns, sizeof(*widths));
    const size_t rows = table->n / table->n_columns;
    const size_t shown = rows_in(rows, look->height);
    if (!widths)
        return -ENOMEM;
    measure(table, look->width, widths);
    int r = 0;
    for (size_t i = 0; r == 0 && i < table->n_columns * (1 + shown); i++) {
        const size_t column = i % table->n_columns;
        const bool is_title = i < table->n_columns;
        const bool last = column + 1 == table->n_columns;
        const struct table_cell *cell = is_title ? NULL : &table->cells[i - table->n_columns];
        r = print_cell(&table->columns[column], cell ? cell->text : table->columns[column].title,
                       widths[column], last, look->coloured && cell ? colours[cell->colour] : "",
                       ret);
        if (r == 0 && last)
            r = buf_add_str(ret, look->end);
    }
    return r == 0 && shown < rows ? buf_addf(ret, "and %zu more%s", rows - shown, look->end) : r;
}

void table_done(struct table *table)
{
    for (size_t i = 0; i < table->n; i++)
        free(table->cells[i].text);
    free(table->cells);
    *table = (struct table){0};
}
