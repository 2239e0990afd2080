/* SPDX-License-Identifier: MIT */
/*
 * "vim-cmd vmsvc/getallvms" prints a table for people:
 *
 *     Vmid    Name               File               Guest OS    Version   Annotation
 *     1      a [b] c   [my ds (1)] dir/a b.vmx     otherGuest   vmx-13    two
 *     lines
 *     12     d         [ds] d/d.vmx                other        vmx-19
 *
 * Cells are flush left, titles are in the middle of their columns, a column is as wide as what is
 * widest in it, and three spaces part columns. So the titles tell where the cells begin, up to one
 * space for each title, and a row with "   [" there and "   " before the next column fits.
 *
 * Names, folders and annotations may hold anything that a row is made of. A row that does not fit
 * (a name whose width is not its number of bytes or characters) is taken apart by what surrounds
 * its file, if that is there just once. A row that can be read in two ways is nobody's: only its id
 * is known.
 */
#include <errno.h>

#include "lines.h"
#include "parse.h"
#include "parser/text/list.h"
#include "parser/text/text.h"

enum {
    VMS_MAX = 100000,
    GAP = 3, /* between columns */
    ID_MAX = 999999999,
};

/* Where the titles begin. */
struct titles {
    size_t id, name, file;
};

/* A row, borrowed from the text. */
struct row {
    unsigned long id;
    struct span name, file; /* file: with its datastore */
};

static size_t skip_blanks(struct span *s)
{
    size_t n = 0;
    while (n < s->n && s->p[n] == ' ')
        n++;
    *s = span_from(*s, n);
    return n;
}

/* ---- the titles */

static bool read_titles(struct span line, struct titles *ret)
{
    static const char *const words[] = {"Vmid", "Name", "File", "Guest OS", "Version"};
    size_t at[sizeof(words) / sizeof(words[0])];
    struct span rest = line;

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        skip_blanks(&rest);
        at[i] = line.n - rest.n;
        if (!line_skip(&rest, span_of(words[i])) || (rest.n > 0 && rest.p[0] != ' '))
            return false;
    }
    *ret = (struct titles){at[0], at[1], at[2]};
    return true;
}

/* Where the column behind one begins that starts at a place and has its title of four letters at
 * another; extra: the odd space. 0: it cannot be. */
static size_t next_column(size_t start, size_t title, size_t extra)
{
    return title < start ? 0 : start + 4 + 2 * (title - start) + extra + GAP;
}

/* ---- cells */

static bool blank_before(struct span row, size_t at, size_t n)
{
    if (at < n || at > row.n)
        return false;
    for (size_t i = at - n; i < at; i++) {
        if (row.p[i] != ' ')
            return false;
    }
    return true;
}

static bool is_file(struct span s)
{
    return s.n > 0 && s.p[0] == '[' && span_ends_with(s, SPAN_LITERAL(".vmx")) &&
           memmem(s.p, s.n, "] ", 2) != NULL;
}

/* Reads a row with the columns where the titles say, each wider by one or not as extra's bits say.
 */
static bool read_columns(struct span row, const struct titles *titles, size_t extra, bool chars,
                         struct row *ret)
{
    size_t name = next_column(0, titles->id, extra & 1);
    size_t file = next_column(name, titles->name, extra >> 1 & 1);
    size_t guest = next_column(file, titles->file, extra >> 2 & 1);
    if (name == 0 || file == 0 || guest == 0)
        return false;
    name = line_place(row, name, chars);
    file = line_place(row, file, chars);
    guest = line_place(row, guest, chars);
    if (guest == row.n || !blank_before(row, name, GAP) || !blank_before(row, file, GAP) ||
        !blank_before(row, guest, GAP))
        return false;
    struct span cell = text_trim((struct span){row.p + file, guest - file});
    if (!is_file(cell))
        return false;
    ret->name = text_trim((struct span){row.p + name, file - name});
    ret->file = cell;
    return true;
}

/* In how many ways it can be read by its columns, not more than 2. */
static size_t by_columns(struct span row, const struct titles *titles, struct row *ret)
{
    enum { EXTRAS = 8 };
    size_t n = 0;

    for (size_t i = 0; i < 2 * (size_t)EXTRAS && n < 2; i++) {
        struct row r = *ret;
        if (read_columns(row, titles, i % EXTRAS, i >= EXTRAS, &r) &&
            (n == 0 || r.file.p != ret->file.p || r.file.n != ret->file.n)) {
            *ret = r;
            n++;
        }
    }
    return n;
}

/* ---- what surrounds a file */

static bool skip_version(struct span s)
{
    unsigned long version;
    return line_skip(&s, SPAN_LITERAL("vmx-")) && line_number(&s, 10, 999, &version) &&
           (s.n == 0 || s.p[0] == ' ');
}

/* Is this what stands behind a file: the guest's name, which may be missing, and "vmx-13"? */
static bool is_behind_file(struct span s)
{
    struct span word;
    if (skip_blanks(&s) < 2)
        return false;
    return skip_version(s) || (text_word(&s, &word) && skip_blanks(&s) >= 2 && skip_version(s));
}

/* In how many ways it can be read where the columns do not help, not more than 2. */
static size_t by_surroundings(struct span row, struct row *ret)
{
    const struct span suffix = SPAN_LITERAL(".vmx");
    struct span cells = {NULL, 0}; /* up to the file's end */
    struct span rest = row;
    size_t n = 0;

    for (const char *at; rest.n > 0 && (at = memmem(rest.p, rest.n, suffix.p, suffix.n));) {
        rest = span_from(rest, (size_t)(at - rest.p) + suffix.n);
        if (!is_behind_file(rest))
            continue;
        if (cells.n > 0)
            return 2;
        cells = span_head(row, row.n - rest.n);
    }
    if (cells.n == 0)
        return 0;
    const char *parting = memrchr(cells.p, ']', cells.n);
    for (size_t i = 2; parting && i < (size_t)(parting - cells.p); i++) {
        struct span cell = span_from(cells, i);
        if (cells.p[i] != '[' || !blank_before(cells, i, 2))
            continue;
        if (++n > 1 || !is_file(cell))
            return 2;
        ret->name = text_trim(span_head(cells, i));
        ret->file = cell;
    }
    return n == 1 ? 1 : 2;
}

/* ---- VMs */

/* No file can leave its datastore, nor a datastore the folder of all of them. */
static bool is_plain(struct span path)
{
    for (;;) {
        size_t n = text_find(path, '/');
        struct span name = span_head(path, n);
        if (n == 0 || span_eq(name, SPAN_LITERAL(".")) || span_eq(name, SPAN_LITERAL("..")))
            return false;
        if (n == path.n)
            return true;
        path = span_from(path, n + 1);
    }
}

static int add_vm(const struct row *row, struct span datastore, struct span file,
                  struct host_facts *ret)
{
    if (ret->n_vms == VMS_MAX)
        return -EBADMSG;
    struct host_vm *room = list_room(ret->vms, ret->n_vms, sizeof(*room));
    if (!room)
        return -ENOMEM;
    ret->vms = room;
    room[ret->n_vms++] = (struct host_vm){
        .id = row->id,
        .valid = file.n > 0,
        .name = host_facts_text(ret, row->name),
        .datastore = host_facts_text(ret, datastore),
        .file = host_facts_text(ret, file),
    };
    return 0;
}

static int add_invalid(unsigned long id, struct host_facts *ret)
{
    const struct span none = {NULL, 0};
    return add_vm(&(struct row){.id = id}, none, none, ret);
}

/* VMs that the host runs for itself lie in no datastore. */
static int add_row(const struct row *row, struct host_facts *ret)
{
    const char *parting = memmem(row->file.p, row->file.n, "] ", 2);
    size_t n = (size_t)(parting - row->file.p);
    struct span datastore = {row->file.p + 1, n - 1};
    struct span file = span_from(row->file, n + 2);

    if (datastore.n == 0 && span_starts_with(file, SPAN_LITERAL("/var/run/crx/")))
        return 0;
    if (text_find(datastore, '/') != datastore.n || !is_plain(datastore) || !is_plain(file))
        return add_invalid(row->id, ret);
    return add_vm(row, datastore, file, ret);
}

/* An id, blanks, and more. Lines of annotations may begin like that, too; but hardly with a file's
 * surroundings. */
static int read_row(struct span line, const struct titles *titles, struct host_facts *ret)
{
    struct span rest = line;
    struct row row = {0};

    if (!line_number(&rest, 10, ID_MAX, &row.id) || !blank_before(line, line.n - rest.n + 2, 2))
        return 0;
    size_t n = by_columns(line, titles, &row);
    if (n == 0)
        n = by_surroundings(rest, &row);
    if (n == 0)
        return 0;
    return n == 1 ? add_row(&row, ret) : add_invalid(row.id, ret);
}

/* "Skipping invalid VM '6'", before the titles. */
static int read_skipped(struct span line, struct host_facts *ret)
{
    unsigned long id;
    if (!line_skip(&line, SPAN_LITERAL("Skipping invalid VM '")) ||
        !line_number(&line, 10, ID_MAX, &id) || !span_eq(text_trim(line), SPAN_LITERAL("'")))
        return 0;
    return add_invalid(id, ret);
}

static int compare(const void *left, const void *right)
{
    const struct host_vm *a = left;
    const struct host_vm *b = right;
    return a->id < b->id ? -1 : a->id > b->id;
}

/* By id; nobody knows what an id is that is there twice. */
static void sort_and_merge(struct host_facts *facts)
{
    size_t n = 0;
    if (facts->n_vms > 0)
        qsort(facts->vms, facts->n_vms, sizeof(*facts->vms), compare);
    for (size_t i = 0; i < facts->n_vms; i++) {
        struct host_vm *vm = &facts->vms[i];
        if (n == 0 || facts->vms[n - 1].id != vm->id) {
            facts->vms[n++] = *vm;
            continue;
        }
        struct host_vm *before = &facts->vms[n - 1];
        before->valid = false;
        before->name = before->datastore = before->file = "";
    }
    facts->n_vms = n;
}

int parse_vms(struct span text, struct host_facts *ret)
{
    size_t before = ret->n_vms;
    struct titles titles = {0, 0, 0};
    bool in_rows = false;
    struct span line;
    int r = 0;

    while (r == 0 && line_next(&text, &line)) {
        if (in_rows)
            r = read_row(line, &titles, ret);
        else if (read_titles(line, &titles))
            in_rows = true;
        else
            r = read_skipped(line, ret);
    }
    if (r == 0 && !in_rows)
        r = -EBADMSG;
    if (r < 0)
        ret->n_vms = before;
    else
        sort_and_merge(ret);
    ret->vms_known = ret->vms_known && r == 0;
    return r;
}
