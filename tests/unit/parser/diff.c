/* SPDX-License-Identifier: MIT */
#include "parser/text/diff.h"

#include "support.h"

static void diffs_read_as_patch_wants_them(void **state)
{
    static const struct {
        struct span before, after, want;
    } cases[] = {
        {BYTES(""), BYTES(""), BYTES("")},
        {BYTES("a\n"), BYTES("a\n"), BYTES("")},
        {BYTES(""), BYTES("a\nb\n"), BYTES("@@ -0,0 +1,2 @@\n+a\n+b\n")},
        {BYTES("a\nb\n"), BYTES(""), BYTES("@@ -1,2 +0,0 @@\n-a\n-b\n")},
        {BYTES("a\n"), BYTES("b\n"), BYTES("@@ -1 +1 @@\n-a\n+b\n")},
        {BYTES("a"), BYTES("a\n"), BYTES("@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+a\n")},
        {BYTES("a\nb"), BYTES("x\nb"),
         BYTES("@@ -1,2 +1,2 @@\n-a\n+x\n b\n\\ No newline at end of file\n")},
        {BYTES("a\r\n"), BYTES("a\r\nb\r\n"), BYTES("@@ -1 +1,2 @@\n a\r\n+b\r\n")},
        {BYTES("1\n2\n3\n4\n5\n6\n7\n8\n9\n"), BYTES("1\n2\n3\n4\nx\n6\n7\n8\n9\n"),
         BYTES("@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+x\n 6\n 7\n 8\n")},
        {BYTES("1\n2\n3\n4\n5\n6\n7\n8\n"), BYTES("x\n2\n3\n4\n5\n6\n7\ny\n"),
         BYTES("@@ -1,8 +1,8 @@\n-1\n+x\n 2\n 3\n 4\n 5\n 6\n 7\n-8\n+y\n")},
        {BYTES("1\n2\n3\n4\n5\n6\n7\n8\n9\n"), BYTES("x\n2\n3\n4\n5\n6\n7\n8\ny\n"),
         BYTES("@@ -1,4 +1,4 @@\n-1\n+x\n 2\n 3\n 4\n"
               "@@ -6,4 +6,4 @@\n 6\n 7\n 8\n-9\n+y\n")},
    };
    (void)state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        BUF_AUTO diff = {0};
        BUF_AUTO want = {0};
        if (cases[i].want.n > 0)
            assert_int_equal(buf_add_str(&want, "--- a\n+++ b\n"), 0);
        assert_int_equal(buf_add(&want, cases[i].want), 0);
        assert_int_equal(vmx_diff(cases[i].before, cases[i].after, "a", "b", &diff), 0);
        assert_span(buf_span(&diff), buf_span(&want));
    }
}

static void names_that_would_mislead_patch_or_a_terminal_are_marked(void **state)
{
    BUF_AUTO diff = {0};
    (void)state;

    assert_int_equal(
        vmx_diff(SPAN_LITERAL("a\n"), SPAN_LITERAL("b\n"), "my vm.vmx", "x\ny\x7f\xc2\x9bz", &diff),
        0);
    assert_string_equal(diff.data, "--- my vm.vmx\t\n+++ x?y???z\n@@ -1 +1 @@\n-a\n+b\n");
}

/* A reader of diffs: what "patch" does, for texts that fit exactly. */

static size_t line_length(struct span s)
{
    size_t n = 0;
    while (n < s.n && s.p[n] != '\n')
        n++;
    return n < s.n ? n + 1 : n;
}

static void take(struct span *s, size_t n)
{
    assert_true(n <= s->n);
    s->p += n;
    s->n -= n;
}

static void copy_lines(struct span *from, size_t n, struct buf *ret)
{
    for (size_t i = 0; i < n; i++) {
        size_t length = line_length(*from);
        assert_true(length > 0);
        assert_int_equal(buf_add(ret, (struct span){from->p, length}), 0);
        take(from, length);
    }
}

struct range {
    size_t start, n;
};

static struct range read_range(const char **at, char sign)
{
    struct range range = {0, 1};
    char *end = NULL;
    assert_int_equal(*(*at)++, sign);
    range.start = strtoul(*at, &end, 10);
    if (*end == ',')
        range.n = strtoul(end + 1, &end, 10);
    *at = end + 1;
    return range;
}

static void patch(struct span text, struct span diff, struct buf *ret)
{
    size_t at = 1;
    take(&diff, line_length(diff));
    take(&diff, line_length(diff));
    while (diff.n > 0) {
        const char *head = diff.p + 3;
        assert_memory_equal(diff.p, "@@ ", 3);
        struct range old = read_range(&head, '-');
        struct range new = read_range(&head, '+');
        take(&diff, line_length(diff));
        size_t skip = old.start + (old.n == 0) - at;
        copy_lines(&text, skip, ret);
        at += skip + old.n;
        while (old.n + new.n > 0) {
            char sign = diff.p[0];
            size_t length = line_length(diff);
            struct span line = {diff.p + 1, length - 1};
            take(&diff, length);
            if (diff.n > 0 && diff.p[0] == '\\') {
                line.n--;
                take(&diff, line_length(diff));
            }
            old.n -= sign != '+';
            new.n -= sign != '-';
            if (sign != '+') {
                struct span there = {text.p, line_length(text)};
                assert_span(there, line);
                take(&text, line.n);
            }
            if (sign != '-')
                assert_int_equal(buf_add(ret, line), 0);
        }
    }
    assert_int_equal(buf_add(ret, text), 0);
}

static void random_lines(uint64_t *random, size_t kinds, struct buf *ret)
{
    size_t n = next_random(random) % 40;
    for (size_t i = 0; i < n; i++)
        assert_int_equal(buf_addf(ret, "%u\n", next_random(random) % (uint32_t)kinds), 0);
    if (ret->len > 0 && next_random(random) % 4 == 0)
        ret->data[--ret->len] = '\0';
}

static void patching_gives_the_other_text(void **state)
{
    uint64_t random = 7;
    (void)state;

    for (size_t i = 0; i < 3000; i++) {
        BUF_AUTO a = {0};
        BUF_AUTO b = {0};
        BUF_AUTO diff = {0};
        BUF_AUTO patched = {0};
        random_lines(&random, 2 + i % 7, &a);
        random_lines(&random, 2 + i % 7, &b);
        assert_int_equal(vmx_diff(buf_span(&a), buf_span(&b), "a", "b", &diff), 0);
        if (diff.len > 0)
            patch(buf_span(&a), buf_span(&diff), &patched);
        else
            assert_int_equal(buf_add(&patched, buf_span(&a)), 0);
        assert_span(buf_span(&patched), buf_span(&b));
    }
}

/* The length of the longest common subsequence of small texts, the slow and sure way. */
static size_t lcs(struct span a, struct span b)
{
    size_t table[64][64] = {{0}};
    for (size_t i = 0; i < a.n; i++)
        for (size_t j = 0; j < b.n; j++) {
            size_t best = table[i][j + 1] > table[i + 1][j] ? table[i][j + 1] : table[i + 1][j];
            table[i + 1][j + 1] = a.p[i] == b.p[j] ? table[i][j] + 1 : best;
        }
    return table[a.n][b.n];
}

static void diffs_are_as_short_as_can_be(void **state)
{
    uint64_t random = 11;
    (void)state;

    for (size_t i = 0; i < 2000; i++) {
        BUF_AUTO a = {0};
        BUF_AUTO b = {0};
        BUF_AUTO lines_a = {0};
        BUF_AUTO lines_b = {0};
        BUF_AUTO diff = {0};
        size_t changes = 0;
        for (size_t j = next_random(&random) % 30; j > 0; j--)
            assert_int_equal(buf_add_char(&a, (char)('a' + next_random(&random) % 4)), 0);
        for (size_t j = next_random(&random) % 30; j > 0; j--)
            assert_int_equal(buf_add_char(&b, (char)('a' + next_random(&random) % 4)), 0);
        for (size_t j = 0; j < a.len; j++)
            assert_int_equal(buf_addf(&lines_a, "%c\n", a.data[j]), 0);
        for (size_t j = 0; j < b.len; j++)
            assert_int_equal(buf_addf(&lines_b, "%c\n", b.data[j]), 0);
        assert_int_equal(vmx_diff(buf_span(&lines_a), buf_span(&lines_b), "x", "y", &diff), 0);
        struct span rest = buf_span(&diff);
        for (size_t line = 0; rest.n > 0; line++) {
            changes += line > 1 && (rest.p[0] == '-' || rest.p[0] == '+');
            take(&rest, line_length(rest));
        }
        assert_int_equal(changes, a.len + b.len - 2 * lcs(buf_span(&a), buf_span(&b)));
    }
}

static void large_texts_that_share_nothing_are_compared_in_time(void **state)
{
    BUF_AUTO a = {0};
    BUF_AUTO b = {0};
    BUF_AUTO diff = {0};
    BUF_AUTO patched = {0};
    uint64_t random = 3;
    (void)state;

    for (size_t i = 0; i < 40000; i++) {
        assert_int_equal(buf_addf(&a, "a%u = \"\"\n", next_random(&random) % 5000), 0);
        assert_int_equal(buf_addf(&b, "a%u = \"\"\n", next_random(&random) % 5000), 0);
    }
    assert_int_equal(vmx_diff(buf_span(&a), buf_span(&b), "a", "b", &diff), 0);
    patch(buf_span(&a), buf_span(&diff), &patched);
    assert_span(buf_span(&patched), buf_span(&b));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(diffs_read_as_patch_wants_them),
        cmocka_unit_test(names_that_would_mislead_patch_or_a_terminal_are_marked),
        cmocka_unit_test(patching_gives_the_other_text),
        cmocka_unit_test(diffs_are_as_short_as_can_be),
        cmocka_unit_test(large_texts_that_share_nothing_are_compared_in_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
