/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "transport/login/secret.h"

static struct secret *secret_of(const char *text)
{
    struct secret *s;
    assert_int_equal(secret_new(&s), 0);
    for (; *text; text++)
        assert_int_equal(secret_add(s, *text), 0);
    return s;
}

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED /* they make nothing of mlock */
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED
#endif

static void memory_is_locked_and_left_out_of_dumps(void **state)
{
    (void)state;
    struct secret *s = secret_of("x");
    char line[512];
    bool here = false, locked = false, dumped = true;
    FILE *f = fopen("/proc/self/smaps", "re");
    assert_non_null(f);
    while (fgets(line, sizeof(line), f)) {
        uintptr_t begin, end;
        if (sscanf(line, "%lx-%lx ", &begin, &end) == 2)
            here = (uintptr_t)s >= begin && (uintptr_t)s < end;
        else if (here && strncmp(line, "VmFlags:", 8) == 0) {
            locked = strstr(line, " lo") != NULL;
            dumped = strstr(line, " dd") == NULL;
        }
    }
    fclose(f);
    secret_free(s);
    (void)locked;
#ifndef SANITIZED
    assert_true(locked);
#endif
    assert_false(dumped);
}

static void one_line_is_read_and_no_more(void **state)
{
    (void)state;
    int ends[2];
    struct secret *s;
    char rest[8] = {0};
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], "ab c\nmore", 9), 9);
    assert_int_equal(secret_read_line(ends[0], &s), 0);
    assert_string_equal(secret_text(s), "ab c");
    assert_int_equal(secret_len(s), 4);
    secret_free(s);
    assert_int_equal(read(ends[0], rest, 4), 4);
    assert_string_equal(rest, "more");
    close(ends[1]);
    assert_int_equal(secret_read_line(ends[0], &s), -ENODATA);
    close(ends[0]);
}

static void too_long_a_line_is_refused(void **state)
{
    (void)state;
    struct secret *s;
    assert_int_equal(secret_new(&s), 0);
    for (int i = 0; i < SECRET_MAX; i++)
        assert_int_equal(secret_add(s, 'x'), 0);
    assert_int_equal(secret_add(s, 'x'), -E2BIG);
    secret_chop(s, 1);
    assert_string_equal(secret_text(s), "x");
    secret_free(s);
}

static void keyring_keeps_one_for_each_purpose(void **state)
{
    (void)state;
    struct keyring ring = {0};
    assert_null(keyring_find(&ring, "a"));
    assert_int_equal(keyring_put(&ring, "a", secret_of("1")), 0);
    assert_int_equal(keyring_put(&ring, "b", secret_of("2")), 0);
    assert_int_equal(keyring_put(&ring, "a", secret_of("3")), 0);
    assert_string_equal(secret_text(keyring_find(&ring, "a")), "3");
    assert_string_equal(secret_text(keyring_find(&ring, "b")), "2");
    keyring_forget(&ring, "a");
    keyring_forget(&ring, "none");
    assert_null(keyring_find(&ring, "a"));
    keyring_wipe(&ring);
    assert_null(keyring_find(&ring, "b"));
}

static void a_password_that_must_be_changed_is_noticed(void **state)
{
    (void)state;
    static const struct {
        const char *question;
        bool change;
    } table[] = {
        {"Password: ", false},
        {"(root@h) Password for root@h:", false},
        {"root@h's password: ", false},
        {"Verification code: ", false},
        {"(u@h) Current password: ", true},
        {"You are required to change your password immediately.\nNew password: ", true},
        {"(current) UNIX password: ", true},
        {"Enter u@h's old password: ", true},
        {"WARNING: Your password has expired.", true},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        if (secret_is_to_change(table[i].question) != table[i].change)
            fail_msg("%s", table[i].question);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_is_locked_and_left_out_of_dumps),
        cmocka_unit_test(one_line_is_read_and_no_more),
        cmocka_unit_test(too_long_a_line_is_refused),
        cmocka_unit_test(keyring_keeps_one_for_each_purpose),
        cmocka_unit_test(a_password_that_must_be_changed_is_noticed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
