/* SPDX-License-Identifier: MIT */
#include "table.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "parser/text/list.h"
#include "parser/text/safe_text.h"

enum { GAP = 2, LEAST = 4 /* characters that are left of a column */ };

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

/* Characters of UTF-8, of which each is taken to be one column wide. */
static size_t width_of(const char *text)
{
    size_t n = 0;
    for (; *text; text++)
        n += ((unsigned char)*text & 0xc0) != 0x80;
    return n;
}

/* The bytes of the first n characters. */
static size_t bytes_of(const char *text, size_t n)
{
    size_t at = 0;
    for (; text[at]; at++) {
        if (((unsigned char)text[at] & 0xc0) != 0x80 && n-- == 0)
            break;
    }
    return at;
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
    const size_t wide = width_of(text);
    const bool cut = wide > width;
    const size_t blank = cut ? 0 : width - wide;
    return (column->to_the_right ? add_spaces(ret, blank) : 0)
        ?: buf_add_str(ret, colour)
        ?: buf_add(ret, (struct span){text, bytes_of(text, cut ? width - 1 : width)})
        ?: (cut ? buf_add_str(ret, "…") : 0)
        ?: (*colour ? buf_add_str(ret, "\033[0m") : 0)
        ?: (last ? 0 : add_spaces(ret, GAP + (column->to_the_right ? 0 : blank)));
}

int table_print(const struct table *table, size_t width, bool coloured, const char *end,
                struct buf *ret)
{
    FREE_AUTO size_t *widths = calloc(table->n_columns, sizeof(*widths));
    if (!widths)
        return -ENOMEM;
    measure(table, width, widths);
    int r = 0;
    for (size_t i = 0; r == 0 && i < table->n_columns + table->n; i++) {
        const size_t column = i % table->n_columns;
        const bool is_title = i < table->n_columns;
        const bool last = column + 1 == table->n_columns;
        const struct table_cell *cell = is_title ? NULL : &table->cells[i - table->n_columns];
        r = print_cell(&table->columns[column], cell ? cell->text : table->columns[column].title,
                       widths[column], last, coloured && cell ? colours[cell->colour] : "", ret);
        if (r == 0 && last)
            r = buf_add_str(ret, end);
    }
    return r;
}

void table_done(struct table *table)
{
    for (size_t i = 0; i < table->n; i++)
        free(table->cells[i].text);
    free(table->cells);
    *table = (struct table){0};
}
