/* SPDX-License-Identifier: MIT */
#include "support.h"

#include "parser/document/lexer.h"

static struct span name_of(struct span text, const struct vmx_line *line)
{
    return (struct span){text.p + line->name_at, line->name_len};
}

static struct span value_of(struct span text, const struct vmx_line *line)
{
    return (struct span){text.p + line->value_at, line->value_len};
}

/* What VMware's own reader made of these lines. */
static void entries_are_read_as_vmware_does(void **state)
{
    (void)state;
    static const struct {
        struct span line, name, value; /* the value: unescaped */
    } rows[] = {
        {BYTES("a=b"), BYTES("a"), BYTES("b")},
        {BYTES(" a\t=\t\"b c\"  # x"), BYTES("a"), BYTES("b c")},
        {BYTES("a ="), BYTES("a"), BYTES("")},
        {BYTES("a = \"\""), BYTES("a"), BYTES("")},
        {BYTES("a = # c"), BYTES("a"), BYTES("")},
        {BYTES("a = b=c"), BYTES("a"), BYTES("b=c")},
        {BYTES("a = b\"c"), BYTES("a"), BYTES("b\"c")},
        {BYTES("a = \"b\"#c"), BYTES("a"), BYTES("b")},
        {BYTES("a = b#c"), BYTES("a"), BYTES("b")},
        {BYTES("a = \"b#c\""), BYTES("a"), BYTES("b#c")},
        {BYTES("a/b = \"s\""), BYTES("a/b"), BYTES("s")},
        {BYTES("\"a\" = \"q\""), BYTES("\"a\""), BYTES("q")},
        {BYTES("a = \"|22|0A|0a|7C|zz|2\""), BYTES("a"), BYTES("\"\n\n||zz|2")},
        {BYTES("a = \"||22\""), BYTES("a"), BYTES("||22")},
        {BYTES("a = \"|2|22\""), BYTES("a"), BYTES("|2|22")},
        {BYTES("a = \"x|00y\""), BYTES("a"), BYTES("x")},
        {BYTES("a = |41|20b"), BYTES("a"), BYTES("A b")},
        {BYTES("a = 'single'"), BYTES("a"), BYTES("'single'")},
        {BYTES("a = [x]"), BYTES("a"), BYTES("[x]")},
        {BYTES("a = TRUE  # c"), BYTES("a"), BYTES("TRUE")},
        {BYTES("[a]:\\*'\x01\xff = \"x\""), BYTES("[a]:\\*'\x01\xff"), BYTES("x")},
        {BYTES("a = \"b\"\0 whatever \""), BYTES("a"), BYTES("b")},
        {BYTES("a = b\0c"), BYTES("a"), BYTES("b")},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct vmx_line line;
        BUF_AUTO value = {0};
        vmx_lex_line(rows[i].line, false, &line);
        assert_int_equal(line.kind, VMX_LINE_ENTRY);
        assert_int_equal(line.len, rows[i].line.n);
        assert_int_equal(line.body_len, rows[i].line.n);
        assert_span(name_of(rows[i].line, &line), rows[i].name);
        assert_int_equal(vmx_unescape(value_of(rows[i].line, &line), &value), 0);
        assert_span(buf_span(&value), rows[i].value);
    }
}

static void malformed_lines_say_where(void **state)
{
    (void)state;
    static const struct {
        struct span line;
        size_t error_at;
    } rows[] = {
        {BYTES("= \"x\""), 0},     {BYTES("a"), 1},           {BYTES("  a  "), 5},
        {BYTES("a b = \"c\""), 2}, {BYTES("a = b c"), 6},     {BYTES("a = \"b\"c"), 7},
        {BYTES("a = \"b\" c"), 8}, {BYTES("a = \"b"), 4},     {BYTES("a == \"x\""), 5},
        {BYTES("a = = x"), 6},     {BYTES("a = \"x\";"), 7},  {BYTES("a#b = \"c\""), 1},
        {BYTES("a = \"b\0\""), 4}, {BYTES("a\0 = \"b\""), 1}, {BYTES("\v"), 1},
        {BYTES("a = \"lone"), 4},  {BYTES("[x]"), 3},         {BYTES("a = \"1\"\f"), 7},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct vmx_line line;
        vmx_lex_line(rows[i].line, false, &line);
        assert_int_equal(line.kind, VMX_LINE_MALFORMED);
        assert_int_equal(line.len, rows[i].line.n);
        assert_int_equal(line.error_at, rows[i].error_at);
        assert_int_equal(line.name_len, 0);
        assert_int_equal(line.value_len, 0);
    }
}

static void lines_end_at_lf_crlf_and_lone_cr_only(void **state)
{
    (void)state;
    static const struct {
        struct span text;
        size_t body_len, len;
    } rows[] = {
        {BYTES("a = b\nc"), 5, 6},
        {BYTES("a = b\r\nc"), 5, 7},
        {BYTES("a = b\rc"), 5, 6},
        {BYTES("a = b\r"), 5, 6},
        {BYTES("\r\r\n"), 0, 1},
        {BYTES("\n\r"), 0, 1},
        {BYTES("# x \v\f\xc2\x85\xe2\x80\xa8\x1c y\nz"), 14, 15},
        {BYTES("a = \"1\v2\f3\xc2\x85\xe2\x80\xa8\"\nz"), 16, 17},
        {BYTES("\0\0\n"), 2, 3},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct vmx_line line;
        vmx_lex_line(rows[i].text, false, &line);
        assert_int_equal(line.body_len, rows[i].body_len);
        assert_int_equal(line.len, rows[i].len);
    }
}

static void lines_without_a_setting_have_their_kind(void **state)
{
    (void)state;
    static const struct {
        struct span text;
        enum vmx_line_kind kind;
    } rows[] = {
        {BYTES("\n"), VMX_LINE_BLANK},           {BYTES(" \t \r\n"), VMX_LINE_BLANK},
        {BYTES(" \0a = \"b\""), VMX_LINE_BLANK}, {BYTES("#a = \"b\""), VMX_LINE_COMMENT},
        {BYTES("\t # a"), VMX_LINE_COMMENT},     {BYTES("#"), VMX_LINE_COMMENT},
        {BYTES("\v\n"), VMX_LINE_MALFORMED},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct vmx_line line;
        vmx_lex_line(rows[i].text, false, &line);
        assert_int_equal(line.kind, rows[i].kind);
    }
}

static void an_empty_value_has_a_place(void **state)
{
    (void)state;
    static const struct {
        struct span text;
        size_t value_at;
        bool quoted;
    } rows[] = {
        {BYTES("a ="), 3, false},    {BYTES("a = "), 4, false},    {BYTES("a =\n"), 3, false},
        {BYTES("a = #c"), 4, false}, {BYTES("a = \"\""), 5, true}, {BYTES("a=\"\"\r\n"), 3, true},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct vmx_line line;
        vmx_lex_line(rows[i].text, false, &line);
        assert_int_equal(line.kind, VMX_LINE_ENTRY);
        assert_int_equal(line.value_at, rows[i].value_at);
        assert_int_equal(line.value_len, 0);
        assert_int_equal(line.quoted, rows[i].quoted);
    }
}

static void headings_are_read_where_asked_for(void **state)
{
    (void)state;
    static const struct {
        struct span text;
        enum vmx_line_kind kind;
        struct span name;
    } rows[] = {
        {BYTES("[require]\n"), VMX_LINE_HEADING, BYTES("require")},
        {BYTES(" [ when cpu = amd ]  # c"), VMX_LINE_HEADING, BYTES("when cpu = amd")},
        {BYTES("[]"), VMX_LINE_HEADING, BYTES("")},
        {BYTES("[ ]"), VMX_LINE_HEADING, BYTES("")},
        {BYTES("[a#b]"), VMX_LINE_HEADING, BYTES("a#b")},
        {BYTES("[a\n]"), VMX_LINE_MALFORMED, BYTES("")},
        {BYTES("[a] b"), VMX_LINE_MALFORMED, BYTES("")},
        {BYTES("[a] = \"b\""), VMX_LINE_MALFORMED, BYTES("")},
        {BYTES("a[1] = \"b\""), VMX_LINE_ENTRY, BYTES("a[1]")},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct vmx_line line;
        vmx_lex_line(rows[i].text, true, &line);
        assert_int_equal(line.kind, rows[i].kind);
        assert_span(name_of(rows[i].text, &line), rows[i].name);
    }
}

static void a_line_may_have_any_length(void **state)
{
    (void)state;
    static const size_t sizes[] = {65535, 65536, 65537, 512 * 1024};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        BUF_AUTO text = {0};
        assert_int_equal(buf_addf(&text, "a = \"%0*d\"\nb", (int)sizes[i], 7), 0);
        struct vmx_line line;
        vmx_lex_line(buf_span(&text), false, &line);
        assert_int_equal(line.kind, VMX_LINE_ENTRY);
        assert_int_equal(line.value_len, sizes[i]);
        assert_int_equal(line.len, sizes[i] + 7);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entries_are_read_as_vmware_does),
        cmocka_unit_test(malformed_lines_say_where),
        cmocka_unit_test(lines_end_at_lf_crlf_and_lone_cr_only),
        cmocka_unit_test(lines_without_a_setting_have_their_kind),
        cmocka_unit_test(an_empty_value_has_a_place),
        cmocka_unit_test(headings_are_read_where_asked_for),
        cmocka_unit_test(a_line_may_have_any_length),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
