/* SPDX-License-Identifier: MIT */
/* Many control files at once, each by a process of its own. */
#include "fleet/ask.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

enum { QUESTIONS = 60, DESCRIPTORS = 46 };

static void more_are_asked_than_can_be_at_once(void **state)
{
    (void)state;
    static struct asked asked[QUESTIONS];
    struct left_behind left = {0};
    char folder[] = "/tmp/vmxfs-ask-XXXXXX";
    char path[64];
    const struct rlimit limit = {DESCRIPTORS, DESCRIPTORS};
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/file", folder);
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    fputs("text", file);
    fclose(file);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    for (size_t i = 0; i < QUESTIONS; i++)
        asked[i] = (struct asked){.mount = folder, .file = i % 2 ? "file" : "none"};
    ask_all(asked, QUESTIONS, &left);
    for (size_t i = 0; i < QUESTIONS; i++) {
        assert_int_equal(asked[i].error, i % 2 ? 0 : -ENOENT);
        assert_int_equal(asked[i].text.len, i % 2 ? 4 : 0);
        buf_done(&asked[i].text);
    }
    left_behind_done(&left);
    unlink(path);
    rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(more_are_asked_than_can_be_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
