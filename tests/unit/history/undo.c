/* SPDX-License-Identifier: MIT */
/* Which change an undo takes back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include <errno.h>

#include "history/undo.h"

enum { TIME = 1795716145 }; /* 2026-11-26T18:02:25Z */

/* A history, a letter for each version, all of other seconds:
 *     v  made through vmxfs       o  seen           h  a host's own     m  moved     g  gone
 *     digit N: takes back the Nth, from 0 on       sN: takes back all after the Nth */
static void make(const char *letters, struct history_versions *ret)
{
    static struct history_version list[32];
    size_t n = 0;
    for (const char *p = letters; *p; p++, n++) {
        const bool since = *p == 's';
        p += since;
        list[n] = (struct history_version){.time_s = TIME + 10 * (int64_t)n,
                                           .nth = strchr("gm", *p) ? 0 : 1,
                                           .gone = *p == 'g',
                                           .moved = *p == 'm',
                                           .origin = *p == 'o'   ? HISTORY_OTHERS
                                                     : *p == 'h' ? HISTORY_HOST
                                                                 : HISTORY_VMXFS,
                                           .undoes_since = since};
        snprintf(list[n].id, sizeof(list[n].id), "%040zu", n);
        if (*p >= '0' && *p <= '9')
            snprintf(list[n].undoes, sizeof(list[n].undoes), "%040d", *p - '0');
    }
    *ret = (struct history_versions){list, n};
}

static void the_last_change_that_counts_is_taken_back(void **state)
{
    (void)state;
    static const struct {
        const char *letters;
        int from; /* and to the one before it; negative: there is none */
    } cases[] = {
        {"ov", 1},     {"ovv", 2},      {"ovv2", 1}, /* one further */
        {"ovv21", -1},                               /* nothing is left */
        {"ovv2v", 4},                                /* a new one */
        {"ovv2v4", 1},                               /* and again */
        {"ovoh", 1},                                 /* those of others stay */
        {"ovm", 1},                                  /* a name is none */
        {"oovm3", 2},  /* what a number means that is no version's: nothing */
        {"ovvs1", 1},  /* all after the first were taken back */
        {"ovv2s2", 2}, /* that it was taken back was taken back */
        {"ovvs0v", 4}, {"ovvs0v4", -1}, {"v", -1},    /* it made the file */
        {"vov", 2},    {"vov2", -1},    {"ovgv", -1}, /* another file of that name */
        {"ovgvv", 4},  {"ovg", -1},     {"o", -1},    {"", -1},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct history_versions versions;
        struct history_undo undo = {0};
        struct diag why = {0};
        make(cases[i].letters, &versions);
        int r = history_undo_last(&versions, versions.n, &undo, &why);
        print_message("%s\n", cases[i].letters);
        assert_int_equal(r, cases[i].from < 0 ? -ENOMSG : 0);
        if (r < 0) {
            assert_true(why.text[0] != '\0');
            continue;
        }
        assert_ptr_equal(undo.from, &versions.list[cases[i].from]);
        assert_ptr_equal(undo.to, undo.from - 1);
        assert_ptr_equal(undo.of, undo.from);
        assert_false(undo.since);
    }
}

static void a_time_means_what_was_there_then(void **state)
{
    (void)state;
    static const struct {
        const char *letters, *time;
        int to; /* or -errno */
    } cases[] = {
        {"ovv", "20261126T180225Z", 0},
        {"ovv", "20261126T180234Z", 0},
        {"ovv", "20261126T180235Z", 1},
        {"ovv", "2026-11-26T18:02:44Z", 1},
        {"ovv", "20991231T235959Z", 2},
        {"ovv", "20261126T180224Z", -ENOMSG}, /* nothing was known yet */
        {"ovgv", "20261126T180245Z", -ENOMSG},
        {"ovgv", "20261126T180236Z", -EKEYREJECTED}, /* the name is another file's since */
        {"ovgv", "20261126T180255Z", 3},
        {"ovgvv", "20261126T180255Z", 3},
        {"ovg", "20261126T180235Z", -ENOMSG}, /* it is gone now */
        {"", "20261126T180225Z", -ENOMSG},
        {"ov", "20261126T180225Z-2", -ENOMSG},
        {"ov", "2", -EINVAL},
        {"ov", "", -EINVAL},
        {"ov", "20261126T180225", -EINVAL},
        {"ov", "2026-1126T180225Z", -EINVAL},
        {"ov", "20261326T180225Z", -EINVAL},
        {"ov", "20260230T180225Z", -EINVAL},
        {"ov", "20261126T180225Z-", -EINVAL},
        {"ov", "20261126T180225Z-0", -EINVAL},
        {"ov", "20261126T180225Z x", -EINVAL},
        {"ov", "20261126T180225Z-99999999999999999999", -EINVAL},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct history_versions versions;
        struct history_undo undo = {0};
        struct diag why = {0};
        make(cases[i].letters, &versions);
        int r = history_undo_since(&versions, span_of(cases[i].time), &undo, &why);
        print_message("%s %s\n", cases[i].letters, cases[i].time);
        assert_int_equal(r, cases[i].to < 0 ? cases[i].to : 0);
        if (r < 0) {
            assert_true(why.text[0] != '\0');
            continue;
        }
        assert_ptr_equal(undo.to, &versions.list[cases[i].to]);
        assert_ptr_equal(undo.from, &versions.list[versions.n - 1]);
        assert_ptr_equal(undo.of, undo.to);
        assert_true(undo.since);
    }
}

static void a_second_may_have_several_texts(void **state)
{
    (void)state;
    struct history_versions versions;
    struct history_undo undo;
    struct diag why = {0};
    make("ovvv", &versions);
    versions.list[2].time_s = versions.list[1].time_s;
    versions.list[2].nth = 2;
    BUF_AUTO name = {0};
    assert_int_equal(history_add_name(&versions.list[1], &name), 0);
    assert_string_equal(name.data, "20261126T180235Z");
    assert_int_equal(history_undo_since(&versions, buf_span(&name), &undo, &why), 0);
    assert_ptr_equal(undo.to, &versions.list[1]);
    buf_clear(&name);
    assert_int_equal(history_add_name(&versions.list[2], &name), 0);
    assert_string_equal(name.data, "20261126T180235Z-2");
    assert_int_equal(history_undo_since(&versions, buf_span(&name), &undo, &why), 0);
    assert_ptr_equal(undo.to, &versions.list[2]);
    assert_int_equal(history_undo_since(&versions, SPAN_LITERAL("20261126T180236Z"), &undo, &why),
                     0);
    assert_ptr_equal(undo.to, &versions.list[2]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_last_change_that_counts_is_taken_back),
        cmocka_unit_test(a_time_means_what_was_there_then),
        cmocka_unit_test(a_second_may_have_several_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
