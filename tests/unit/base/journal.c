/* SPDX-License-Identifier: MIT */
/* What is kept of refusals, and what is said again. */
#include "base/journal.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/log.h"

#define FIRST "2026-11-29T10:30:00Z"

static int64_t now_ms;

int64_t __wrap_clock_ms(void);
int64_t __wrap_clock_ms(void)
{
    return now_ms;
}

int64_t __wrap_clock_wall_s(void);
int64_t __wrap_clock_wall_s(void)
{
    return 1795948200 + now_ms / 1000;
}

static int set_up(void **state)
{
    struct journal *journal = NULL;
    now_ms = 0;
    assert_int_equal(journal_new(&journal), 0);
    *state = journal;
    return 0;
}

static int tear_down(void **state)
{
    journal_free(*state);
    return 0;
}

/* Valid until the next call. */
static const char *text_of(struct journal *journal)
{
    static struct buf text;
    buf_done(&text);
    assert_int_equal(journal_print(journal, NULL, NULL, &text), 0);
    return text.data ? text.data : "";
}

static void wait_ms(int64_t ms)
{
    now_ms += ms;
}

static void refuse(struct journal *journal, const char *reason, int times)
{
    for (int i = 0; i < times; i++)
        journal_add(journal, -EBUSY, "vm/vm.vmx", "memSize", reason);
}

static void refuse_others(struct journal *journal, int n)
{
    for (int i = 0; i < n; i++) {
        char file[32];
        snprintf(file, sizeof(file), "other%d", i);
        journal_add(journal, -EACCES, file, NULL, "no");
    }
}

static size_t count(const char *text, const char *part)
{
    size_t n = 0;
    for (const char *p = text; (p = strstr(p, part)); p++)
        n++;
    return n;
}

#define LINE "\tEBUSY\tvm/vm.vmx\tmemSize\tin use"

static void a_line_has_five_fields(void **state)
{
    struct journal *journal = *state;
    journal_add(journal, -EINVAL, "a\tb\n", "k\033", "why");
    journal_add(journal, EINVAL, "a", "", "why");
    journal_add(journal, 0, NULL, NULL, "back");
    assert_string_equal(text_of(journal),
                        FIRST "\tEINVAL\ta?b?\tk?\twhy\n" FIRST "\tEINVAL\ta\t-\twhy\n" FIRST
                              "\tNOTE\t-\t-\tback\n");
}

static int show_loudly(void *ctx, const char *file, struct buf *ret)
{
    (void)ctx;
    return buf_addf(ret, "%s!", file);
}

static void files_have_the_names_that_people_know(void **state)
{
    struct journal *journal = *state;
    journal_name_files(journal, show_loudly, NULL);
    journal_add(journal, 0, "a", NULL, "x");
    journal_add(journal, 0, NULL, NULL, "x");
    journal_name_files(journal, NULL, NULL);
    journal_add(journal, 0, "b", NULL, "x");
    assert_string_equal(text_of(journal), FIRST "\tNOTE\ta!\t-\tx\n" FIRST "\tNOTE\t-\t-\tx\n" FIRST
                                                "\tNOTE\tb\t-\tx\n");
}

static void what_is_said_again_is_counted(void **state)
{
    struct journal *journal = *state;
    refuse(journal, "in use", 1);
    wait_ms(1000);
    refuse(journal, "in use", 12);
    assert_string_equal(text_of(journal),
                        FIRST LINE "\n2026-11-29T10:30:01Z" LINE " (12 times more)\n");
}

static void who_reads_between_finds_a_line_more_for_each(void **state)
{
    struct journal *journal = *state;
    refuse(journal, "in use", 1);
    assert_string_equal(text_of(journal), FIRST LINE "\n");
    refuse(journal, "in use", 1);
    assert_string_equal(text_of(journal), FIRST LINE "\n" FIRST LINE " (1 time more)\n");
    refuse(journal, "in use", 1);
    assert_string_equal(text_of(journal), FIRST LINE "\n" FIRST LINE " (1 time more)\n" FIRST LINE
                                                     " (1 time more)\n");
    assert_string_equal(text_of(journal), FIRST LINE "\n" FIRST LINE " (1 time more)\n" FIRST LINE
                                                     " (1 time more)\n");
}

static void what_differs_is_not_counted(void **state)
{
    struct journal *journal = *state;
    static const struct {
        int error;
        const char *file, *key, *reason;
    } table[] = {{-EBUSY, "a", "k", "r"},
                 {-EIO, "a", "k", "r"},
                 {-EBUSY, "b", "k", "r"},
                 {-EBUSY, "a", "l", "r"},
                 {-EBUSY, "a", "k", "r2"}};
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        journal_add(journal, table[i].error, table[i].file, table[i].key, table[i].reason);
    assert_int_equal(count(text_of(journal), "\n"), 5);
    assert_int_equal(count(text_of(journal), "more"), 0);
}

static void each_note_has_its_line(void **state)
{
    struct journal *journal = *state;
    for (int i = 0; i < 3; i++)
        journal_add(journal, 0, "a", "k", "lost");
    assert_int_equal(count(text_of(journal), "\tNOTE\ta\tk\tlost\n"), 3);
}

static void what_comes_by_turns_is_counted_too(void **state)
{
    struct journal *journal = *state;
    for (int i = 0; i < 100; i++) {
        refuse(journal, "in use", 1);
        refuse(journal, "locked", 1);
    }
    assert_int_equal(count(text_of(journal), "\n"), 4);
    assert_int_equal(count(text_of(journal), "(99 times more)\n"), 2);
}

static void the_last_refusal_is_the_last_line(void **state)
{
    struct journal *journal = *state;
    refuse(journal, "in use", 10);
    refuse_others(journal, 1);
    assert_string_equal(text_of(journal), FIRST LINE "\n" FIRST LINE " (9 times more)\n" FIRST
                                                     "\tEACCES\tother0\t-\tno\n");
    refuse(journal, "in use", 1);
    refuse_others(journal, 1);
    refuse(journal, "in use", 1);
    const char *text = text_of(journal);
    static const char last[] = LINE " (2 times more)\n";
    assert_string_equal(text + strlen(text) - strlen(last), last);
}

static void what_was_given_out_keeps_its_place(void **state)
{
    struct journal *journal = *state;
    BUF_AUTO before = {0};
    refuse(journal, "in use", 2);
    refuse_others(journal, 3);
    assert_int_equal(buf_add_str(&before, text_of(journal)), 0);
    refuse(journal, "in use", 2);
    refuse_others(journal, 4);
    assert_memory_equal(text_of(journal), before.data, before.len);
}

static void many_counts_at_the_end_of_the_window_are_told(void **state)
{
    struct journal *journal = *state;
    refuse_others(journal, 3);
    refuse_others(journal, 3);
    for (int i = 0; i < 2 * JOURNAL_NEAR; i++) {
        char reason[16];
        snprintf(reason, sizeof(reason), "%d", i);
        refuse(journal, reason, 1);
    }
    assert_int_equal(count(text_of(journal), "(1 time more)\n"), 3);
    assert_int_equal(count(text_of(journal), "\n"), 6 + 2 * JOURNAL_NEAR);
}

static void a_while_later_it_is_a_line_of_its_own(void **state)
{
    struct journal *journal = *state;
    refuse(journal, "in use", 3);
    wait_ms(JOURNAL_JOIN_MS - 1);
    refuse(journal, "in use", 1);
    wait_ms(1);
    refuse(journal, "in use", 1);
    assert_string_equal(text_of(journal),
                        FIRST LINE "\n2026-11-29T10:30:04Z" LINE
                                   " (3 times more)\n2026-11-29T10:30:05Z" LINE "\n");
}

static void a_count_is_told_before_what_comes_a_while_later(void **state)
{
    struct journal *journal = *state;
    refuse(journal, "in use", 2);
    wait_ms(JOURNAL_JOIN_MS);
    refuse_others(journal, 1);
    assert_string_equal(text_of(journal), FIRST LINE "\n" FIRST LINE
                                                     " (1 time more)\n2026-11-29T10:30:05Z"
                                                     "\tEACCES\tother0\t-\tno\n");
}

static void a_count_is_told_before_many_others_are_in_between(void **state)
{
    struct journal *journal = *state;
    refuse(journal, "in use", 2);
    refuse_others(journal, 2 * JOURNAL_NEAR);
    refuse(journal, "in use", 1);
    const char *text = text_of(journal);
    assert_int_equal(count(text, LINE "\n"), 2);
    assert_int_equal(count(text, LINE " (1 time more)\n"), 1);
    assert_int_equal(count(text, "\n"), 2 * JOURNAL_NEAR + 3);
}

static void many_counts_are_all_told(void **state)
{
    struct journal *journal = *state;
    for (int i = 0; i < 3; i++)
        refuse_others(journal, JOURNAL_NEAR);
    assert_int_equal(count(text_of(journal), "(2 times more)\n"), JOURNAL_NEAR);
    assert_int_equal(count(text_of(journal), "\n"), 2 * JOURNAL_NEAR);
}

static void at_its_bound_the_older_half_goes(void **state)
{
    struct journal *journal = *state;
    size_t before = 0;
    size_t after = 1;
    int i = 0;
    for (; after > before; i++) {
        char reason[64];
        before = strlen(text_of(journal));
        snprintf(reason, sizeof(reason), "%d", i);
        for (int j = 0; j < 100; j++) {
            char key[16];
            snprintf(key, sizeof(key), "%d", j);
            journal_add(journal, -EBUSY, "vm/vm.vmx", key, reason);
        }
        after = strlen(text_of(journal));
    }
    assert_in_range(before, JOURNAL_BYTES - 8192, JOURNAL_BYTES);
    assert_in_range(after, JOURNAL_BYTES / 2 - 8192, JOURNAL_BYTES / 2 + 8192);
    char last[64];
    const char *text = text_of(journal);
    snprintf(last, sizeof(last), "\tEBUSY\tvm/vm.vmx\t99\t%d\n", i - 1);
    assert_string_equal(text + strlen(text) - strlen(last), last);
    static const char first[] = FIRST "\tEBUSY\tvm/vm.vmx\t";
    assert_memory_equal(text, first, sizeof(first) - 1);
}

static void the_longest_lines_are_whole(void **state)
{
    struct journal *journal = *state;
    char *field = calloc(1, JOURNAL_BYTES + 1);
    assert_non_null(field);
    memset(field, 'x', JOURNAL_BYTES);
    for (int i = 0; i < 3; i++) {
        field[0] = (char)('0' + i);
        journal_add(journal, 0, field, field, field);
    }
    const char *text = text_of(journal);
    assert_int_equal(count(text, "\n"), 1);
    assert_int_equal(count(text, "\t2xx"), 3);
    assert_true(strlen(text) <= JOURNAL_BYTES);
    free(field);
}

static bool is_b(const void *ctx, const char *file)
{
    return file && strcmp(file, ctx) == 0;
}

static void some_lines_are_picked_by_their_file(void **state)
{
    struct journal *journal = *state;
    BUF_AUTO text = {0};
    journal_name_files(journal, show_loudly, NULL);
    journal_add(journal, 0, "a", NULL, "x");
    journal_add(journal, -EIO, "b", NULL, "x");
    journal_add(journal, -EIO, "b", NULL, "x");
    journal_add(journal, 0, NULL, NULL, "x");
    assert_int_equal(journal_print(journal, is_b, "b", &text), 0);
    assert_string_equal(text.data,
                        FIRST "\tEIO\tb!\t-\tx\n" FIRST "\tEIO\tb!\t-\tx (1 time more)\n");
}

int main(void)
{
    log_setup(false, LOG_LEVEL_ERROR);
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_line_has_five_fields),
        TEST(files_have_the_names_that_people_know),
        TEST(what_is_said_again_is_counted),
        TEST(who_reads_between_finds_a_line_more_for_each),
        TEST(what_differs_is_not_counted),
        TEST(each_note_has_its_line),
        TEST(what_comes_by_turns_is_counted_too),
        TEST(the_last_refusal_is_the_last_line),
        TEST(what_was_given_out_keeps_its_place),
        TEST(many_counts_at_the_end_of_the_window_are_told),
        TEST(a_while_later_it_is_a_line_of_its_own),
        TEST(a_count_is_told_before_what_comes_a_while_later),
        TEST(a_count_is_told_before_many_others_are_in_between),
        TEST(many_counts_are_all_told),
        TEST(at_its_bound_the_older_half_goes),
        TEST(the_longest_lines_are_whole),
        TEST(some_lines_are_picked_by_their_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
