/* SPDX-License-Identifier: MIT */
#include "parse_support.h"

enum { COLUMNS = 6 };

static const char *const titles[COLUMNS] = {"Vmid",     "Name",    "File",
                                            "Guest OS", "Version", "Annotation"};

struct vm {
    unsigned long id;
    const char *name, *datastore, *file; /* name: NULL where the VM is invalid */
};

static size_t width_of(const char *s, bool chars)
{
    size_t n = 0;
    for (; *s; s++)
        n += !chars || ((unsigned char)*s & 0xc0) != 0x80;
    return n;
}

static void add_blanks(struct buf *b, size_t n)
{
    while (n-- > 0)
        assert_int_equal(buf_add_char(b, ' '), 0);
}

/* The table as a host prints it: titles in the middle, cells flush left, three spaces between. */
static void add_table(const char *const (*rows)[COLUMNS], size_t n, bool chars, struct buf *ret)
{
    size_t widths[COLUMNS];
    for (size_t c = 0; c < COLUMNS; c++) {
        widths[c] = strlen(titles[c]);
        for (size_t i = 0; i < n; i++) {
            size_t width = width_of(rows[i][c], chars);
            widths[c] = width > widths[c] ? width : widths[c];
        }
    }
    for (size_t c = 0; c < COLUMNS; c++) {
        size_t before = c + 1 < COLUMNS ? (widths[c] - strlen(titles[c])) / 2 : 0;
        add_blanks(ret, before);
        assert_int_equal(buf_add_str(ret, titles[c]), 0);
        add_blanks(ret, c + 1 < COLUMNS ? widths[c] - strlen(titles[c]) - before + 3 : 0);
    }
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(buf_add_char(ret, '\n'), 0);
        for (size_t c = 0; c < COLUMNS; c++) {
            assert_int_equal(buf_add_str(ret, rows[i][c]), 0);
            add_blanks(ret, c + 1 < COLUMNS ? widths[c] - width_of(rows[i][c], chars) + 3 : 0);
        }
    }
    assert_int_equal(buf_add_char(ret, '\n'), 0);
}

static void expect(struct span text, const struct vm *want, size_t n, const char *where)
{
    FACTS_AUTO facts = new_facts();
    int r = parse_vms(text, facts);
    if (r != 0)
        fail_msg("%s: %d", where, r);
    for (size_t i = 0; i < n || i < facts->n_vms; i++) {
        const struct host_vm *vm = &facts->vms[i];
        const char *name = i < n && want[i].name ? want[i].name : "";
        if (i >= n || i >= facts->n_vms || vm->id != want[i].id ||
            vm->valid != (want[i].name != NULL) || strcmp(vm->name, name) != 0 ||
            strcmp(vm->datastore, vm->valid ? want[i].datastore : "") != 0 ||
            strcmp(vm->file, vm->valid ? want[i].file : "") != 0 || vm->path || vm->running)
            fail_msg("%s: VM %zu of %zu: %lu \"%s\" [%s] %s", where, i, facts->n_vms,
                     i < facts->n_vms ? vm->id : 0, i < facts->n_vms ? vm->name : "",
                     i < facts->n_vms ? vm->datastore : "", i < facts->n_vms ? vm->file : "");
    }
}

static void recorded_tables_are_read(void **state)
{
    static const struct {
        const char *file;
        size_t n;
        struct vm want[6];
    } cases[] = {
        {"vms-6.5.txt",
         5,
         {{1, "desktop", "HDD", "desktop/desktop.vmx"},
          {2, "files", "HDD", "files/files.vmx"},
          {3, "windows-7", "HDD", "windows-7/windows-7.vmx"},
          {6, NULL, NULL, NULL},
          {11, "files-1710", "HDD", "files-1710/files-1710.vmx"}}},
        {"vms-7.0.txt", 1, {{1, "x8", "pve-esx", "x8/x8.vmx"}}},
        {"vms-8.0.txt",
         3,
         {{7, NULL, NULL, NULL},
          {8, "web [x] y.vmx", "datastore1", "web/web.vmx"},
          {10, "a [b] c", "my ds (1)", "a [b] c/a [b] c.vmx"}}},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        BUF_AUTO text = {0};
        BUF_AUTO crlf = {0};
        add_file(cases[i].file, &text);
        add_crlf(buf_span(&text), &crlf);
        expect(buf_span(&text), cases[i].want, cases[i].n, cases[i].file);
        expect(buf_span(&crlf), cases[i].want, cases[i].n, cases[i].file);
    }
    (void)state;
}

/* Each is read from a table of its own, and from one with wide columns. */
static void any_name_and_folder_is_told_apart(void **state)
{
    static const struct {
        const char *name, *datastore, *file, *annotation;
    } cases[] = {
        {"x", "d", "x.vmx", ""},
        {"", "d", "x/x.vmx", ""},
        {"a [b] c", "my ds (1)", "dir/a b.vmx", "[b] c.vmx"},
        {"[ds] a.vmx", "ds", "a/a.vmx", ""},
        {"a   [ds] b/b.vmx   otherGuest   vmx-13", "ds", "c/c.vmx", ""},
        {"a   [ds] b/b.vmx   otherGuest   vmx-13", "ds", "cc/c.vmx", ""},
        {"\xc3\xa9   [ds] b/b.vmx   otherGuest   vmx-13", "ds", "c/c.vmx", ""},
        {"\xc3\xa9   [ds] b/b.vmx   otherGuest   vmx-13", "ds", "\xc3\xa9/c.vmx", ""},
        {"a  [b]  c", "ds", "a  [b]  c/a  [b]  c.vmx", ""},
        {"x", "ds", "x   [y] z.vmx   otherGuest   vmx-13/x.vmx", ""},
        {"x", "ds", "x/x.vmx", "was [old] y/y.vmx   otherGuest   vmx-13   note"},
        {"x", "ds", "x/x.vmx", "   [old] y/y.vmx   otherGuest   vmx-13"},
        {"12", "34", "56/78.vmx", "12   34"},
        {"x", "ds [old]", "x/x.vmx", ""},
        {"x.vmx", "ds.vmx", "x.vmx/x.vmx", "x.vmx"},
        {"caf\xc3\xa9 \xe6\x97\xa5\xe6\x9c\xac", "\xe6\x97\xa5 ds", "\xe6\x97\xa5/\xc3\xa9.vmx",
         "\xe6\x97\xa5"},
        {"\xff\x80 [b] \x80", "ds", "\xff/\xff.vmx", ""},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char cell[256];
        snprintf(cell, sizeof(cell), "[%s] %s", cases[i].datastore, cases[i].file);
        const char *const rows[][COLUMNS] = {
            {"7", cases[i].name, cell, "vmkernel8Guest", "vmx-20", cases[i].annotation},
            {"12345", "a name that is longer than all the others here",
             "[datastore1] a folder that is long too, and longer than others/x.vmx", "otherGuest",
             "vmx-13", "none"},
        };
        const struct vm want[] = {
            {7, cases[i].name, cases[i].datastore, cases[i].file},
            {12345, rows[1][1], "datastore1",
             "a folder that is long too, and longer than others/x.vmx"},
        };
        for (size_t n = 1; n <= 2; n++) {
            for (int chars = 0; chars < 2; chars++) {
                BUF_AUTO text = {0};
                add_table(rows, n, chars, &text);
                expect(buf_span(&text), want, n, cases[i].name);
            }
        }
    }
    (void)state;
}

#define HEADER "Vmid   Name          File              Guest OS       Version   Annotation\n"

static void rows_beside_their_columns_are_read_if_in_one_way_only(void **state)
{
    static const struct {
        const char *row;
        size_t n;
        struct vm want;
    } cases[] = {
        {"1      a longer name than this   [ds] a/a.vmx   otherGuest   vmx-13\n",
         1,
         {1, "a longer name than this", "ds", "a/a.vmx"}},
        {"1  a [b] c  [ds] a [b] c/a.vmx  otherGuest  vmx-13  an annotation\n",
         1,
         {1, "a [b] c", "ds", "a [b] c/a.vmx"}},
        {"1      a longer name than this   [ds] a/a.vmx   otherGuest   vmx-13   as b.vmx   x   "
         "vmx-9\n",
         1,
         {1, NULL, NULL, NULL}},
        {"1      a longer name   [ds] a.vmx x  vmx-1 b/b.vmx   otherGuest   vmx-13\n",
         1,
         {1, "a longer name", "ds", "a.vmx x  vmx-1 b/b.vmx"}},
        /* where a column would cut it */
        {"1      1234567[ds] b/12345678.vmx   otherGuest   vmx-13\n", 1, {1, NULL, NULL, NULL}},
        {"1      name   [ds] b/1234567890.vmx2/c.vmx   otherGuest   vmx-13\n",
         1,
         {1, "name", "ds", "b/1234567890.vmx2/c.vmx"}},
        {"1      no guest   [ds] a/a.vmx                vmx-13\n",
         1,
         {1, "no guest", "ds", "a/a.vmx"}},
        {"1      x   [a] b/c.vmx  [ds] d/e.vmx   otherGuest   vmx-13\n", 1, {1, NULL, NULL, NULL}},
        {"1      name   [ds] a/a.vmx   otherGuest   vmx-13   [ds] b/b.vmx   otherGuest   vmx-13\n",
         1,
         {1, NULL, NULL, NULL}},
        {"1      name   ds/a.vmx   otherGuest   vmx-13\n", 1, {1, NULL, NULL, NULL}},
        {"1      name   [ds]a/a.vmx   otherGuest   vmx-13\n", 1, {1, NULL, NULL, NULL}},
        {"1      [ds] a/a.vmx   otherGuest   vmx-13\n", 1, {1, "", "ds", "a/a.vmx"}},
        {"1 x   [ds] a/a.vmx   otherGuest   vmx-13\n", 0, {0}},
        {"x      x   [ds] a/a.vmx   otherGuest   vmx-13\n", 0, {0}},
        {"1      x   [ds] a/a.vmx   otherGuest   none\n", 0, {0}},
        {"1      x   [ds] a/a.vmx\n", 0, {0}},
        {"1\n", 0, {0}},
        {"9999999999      x   [ds] a/a.vmx   otherGuest   vmx-13\n", 0, {0}},
        {"-1     x   [ds] a/a.vmx   otherGuest   vmx-13\n", 0, {0}},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        BUF_AUTO text = {0};
        assert_int_equal(buf_addf(&text, HEADER "%s", cases[i].row), 0);
        expect(buf_span(&text), &cases[i].want, cases[i].n, cases[i].row);
    }
    (void)state;
}

static void no_file_leaves_its_datastore(void **state)
{
    static const char *const cells[] = {
        "[ds] ../x.vmx",
        "[ds] a/../../x.vmx",
        "[ds] /x.vmx",
        "[ds] a//x.vmx",
        "[ds] ./x.vmx",
        "[..] x/x.vmx",
        "[.] x/x.vmx",
        "[a/b] x/x.vmx",
        "[] x/x.vmx",
        "[] /x/x.vmx",
        "[ds] /var/run/crx/x.vmx",
    };
    const struct vm want = {1, NULL, NULL, NULL};
    for (size_t i = 0; i < sizeof(cells) / sizeof(cells[0]); i++) {
        const char *const rows[][COLUMNS] = {{"1", "x", cells[i], "otherGuest", "vmx-13", ""}};
        BUF_AUTO text = {0};
        add_table(rows, 1, false, &text);
        expect(buf_span(&text), &want, 1, cells[i]);
    }
    (void)state;
}

static void an_id_twice_is_nobodys(void **state)
{
    static const char text[] =
        "Skipping invalid VM '9'\n"
        "Skipping invalid VM '9'\n"
        "Skipping invalid VM '8'x\n"
        "Skipping invalid VM 8\n" HEADER
        "1      x8     [pve-esx] x8/x8.vmx   centos9_64Guest   vmx-20\n"
        "2      x9     [pve-esx] x9/x9.vmx   centos9_64Guest   vmx-20\n"
        "Skipping invalid VM '2'\n" HEADER
        "1      xx     [pve-esx] xx/x8.vmx   centos9_64Guest   vmx-20\n"
        "1      xy     [pve-esx] xx/x8.vmx   centos9_64Guest   vmx-20\n";
    static const struct vm want[] = {
        {1, NULL, NULL, NULL}, {2, "x9", "pve-esx", "x9/x9.vmx"}, {9, NULL, NULL, NULL}};
    expect(SPAN_LITERAL(text), want, 3, "twice");
    (void)state;
}

static void tables_of_no_host_are_refused(void **state)
{
    static const struct {
        const char *text;
        int want;
    } cases[] = {
        {"Vmid   Name   File   Guest OS   Version   Annotation\n", 0},
        {"Vmid Name File Guest OS Version\n", 0},
        {"", -EBADMSG},
        {"Failed to login: Invalid response code: 503 Service Unavailable\n", -EBADMSG},
        {"Skipping invalid VM '6'\n", -EBADMSG},
        {"Vmid   Name   File   Guest   Version\n", -EBADMSG},
        {"1      x8     [pve-esx] x8/x8.vmx   centos9_64Guest   vmx-20\n", -EBADMSG},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        FACTS_AUTO facts = new_facts();
        facts->vms_known = true;
        assert_int_equal(parse_vms(span_of(cases[i].text), facts), cases[i].want);
        assert_int_equal(facts->vms_known, cases[i].want == 0);
        assert_int_equal(facts->n_vms, 0);
    }
    (void)state;
}

static void vms_are_bounded(void **state)
{
    BUF_AUTO text = {0};
    FACTS_AUTO facts = new_facts();
    FACTS_AUTO more = new_facts();
    assert_int_equal(buf_add_str(&text, HEADER), 0);
    for (unsigned i = 100000; i > 0; i--)
        assert_int_equal(buf_addf(&text, "%u  x  [d] x%u.vmx  g  vmx-1\n", i, i), 0);
    assert_int_equal(parse_vms(buf_span(&text), facts), 0);
    assert_int_equal(facts->n_vms, 100000);
    assert_int_equal(facts->vms[0].id, 1);
    assert_string_equal(facts->vms[99999].file, "x100000.vmx");
    assert_int_equal(buf_add_str(&text, "100001  x  [d] x.vmx  g  vmx-1\n"), 0);
    assert_int_equal(parse_vms(buf_span(&text), more), -EBADMSG);
    assert_int_equal(more->n_vms, 0);
    (void)state;
}

static void long_rows_cost_no_more_than_their_length(void **state)
{
    static const char *const pieces[] = {".vmx  ", "  [a] ", "[", ".vmx  a  vmx-", "  "};
    for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
        BUF_AUTO text = {0};
        FACTS_AUTO facts = new_facts();
        assert_int_equal(buf_add_str(&text, HEADER "1      "), 0);
        while (text.len < 512 << 10)
            assert_int_equal(buf_add_str(&text, pieces[i]), 0);
        assert_int_equal(parse_vms(buf_span(&text), facts), 0);
        assert_int_equal(facts->n_vms, 0);
    }
    (void)state;
}

/* Where rows claim one path, no id is that VM's for certain. */
static void a_path_of_two_vms_is_nobodys(void **state)
{
    static const char text[] = HEADER
        "1      x8     [pve-esx] x8/x8.vmx   centos9_64Guest   vmx-20\n"
        "2      x9     [pve-esx] x9/x9.vmx   centos9_64Guest   vmx-20\n"
        "3      x9     [pve-esx] x9/x9.vmx   centos9_64Guest   vmx-20\n";
    FACTS_AUTO facts = new_facts();
    assert_int_equal(parse_vms(SPAN_LITERAL(text), facts), 0);
    assert_null(host_facts_vm(facts, "x8/x8.vmx"));
    for (size_t i = 0; i < facts->n_vms; i++)
        facts->vms[i].path = facts->vms[i].file;
    assert_ptr_equal(host_facts_vm(facts, "x8/x8.vmx"), &facts->vms[0]);
    assert_null(host_facts_vm(facts, "x9/x9.vmx"));
    assert_null(host_facts_vm(facts, "x8/x8"));
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(recorded_tables_are_read),
        cmocka_unit_test(any_name_and_folder_is_told_apart),
        cmocka_unit_test(rows_beside_their_columns_are_read_if_in_one_way_only),
        cmocka_unit_test(no_file_leaves_its_datastore),
        cmocka_unit_test(an_id_twice_is_nobodys),
        cmocka_unit_test(tables_of_no_host_are_refused),
        cmocka_unit_test(vms_are_bounded),
        cmocka_unit_test(long_rows_cost_no_more_than_their_length),
        cmocka_unit_test(a_path_of_two_vms_is_nobodys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
