/* SPDX-License-Identifier: MIT */
/* Words of commands that people paste. */
#include "parser/text/shell_word.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "parser/text/safe_text.h"

static void a_word_is_quoted_or_printed(void **state)
{
    (void)state;
    static const char *const table[][2] = {
        {"", "''"},
        {"/mnt/a b/x.vmx", "'/mnt/a b/x.vmx'"},
        {"it's $(id)!", "'it'\\''s $(id)!'"},
        {"\xc3\xa4", "'\xc3\xa4'"},
        {"a\nb", "\"$(printf 'a\\012b')\""},
        {"-\t%s\\'\"$`!", "\"$(printf '\\055\\011\\045s\\134\\047\\042\\044\\140\\041')\""},
        {"\0331", "\"$(printf '\\0331')\""},
        {"\xc2\x9b", "\"$(printf '\\302\\233')\""},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        BUF_AUTO out = {0};
        assert_int_equal(shell_word_add(&out, span_of(table[i][0])), 0);
        assert_string_equal(out.data, table[i][1]);
    }
}

static void what_no_shell_can_say_leaves_nothing(void **state)
{
    (void)state;
    BUF_AUTO out = {0};
    assert_int_equal(buf_add_str(&out, "x"), 0);
    assert_int_equal(shell_word_add(&out, SPAN_LITERAL("a\0b")), -EINVAL);
    assert_int_equal(shell_word_add(&out, SPAN_LITERAL("a\n")), -EINVAL);
    assert_int_equal(shell_word_add_echo(&out, "1", "a\n"), -EINVAL);
    assert_string_equal(out.data, "x");
    assert_int_equal(shell_word_add_echo(&out, "on", "a b"), 0);
    assert_string_equal(out.data, "xecho on > 'a b'");
}

/* What a shell prints of a script. */
static void must_print(const char *shell, const char *script, struct span expected)
{
    int ends[2];
    int status = -1;
    char bytes[4096];
    size_t n = 0;
    assert_int_equal(pipe(ends), 0);
    const pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        dup2(ends[1], STDOUT_FILENO);
        execlp(shell, shell, "-c", script, (char *)NULL);
        _exit(127);
    }
    close(ends[1]);
    for (ssize_t got; (got = read(ends[0], bytes + n, sizeof(bytes) - n)) > 0;)
        n += (size_t)got;
    close(ends[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_int_equal(n, expected.n);
    if (n > 0)
        assert_memory_equal(bytes, expected.p, n);
}

static void every_shell_reads_the_word_that_was_meant(void **state)
{
    (void)state;
    static const char *const shells[] = {"sh", "bash", "dash"};
    static const char *const words[] = {
        "",
        "it's [here] \"now\"",
        "$(touch /nowhere/x) `id` ${HOME}",
        "-n\n-e \\n\t%d%%",
        "\n\n x \033[2J\007\\033 '\"",
        "a!b\n!!",
        "\xff\x80\x9b \xc2\x9b\xc3\xa4",
        "~/\n*?",
    };
    char all[256];
    for (size_t i = 0; i < 255; i++)
        all[i] = (char)(255 - i);
    all[255] = '\0';
    for (size_t s = 0; s < sizeof(shells) / sizeof(shells[0]); s++) {
        for (size_t i = 0; i <= sizeof(words) / sizeof(words[0]); i++) {
            const bool last = i == sizeof(words) / sizeof(words[0]);
            const struct span word = span_of(last ? all : words[i]);
            BUF_AUTO script = {0};
            assert_int_equal(buf_add_str(&script, "printf %s "), 0);
            assert_int_equal(shell_word_add(&script, word), 0);
            assert_true(safe_text_is(buf_span(&script)));
            must_print(shells[s], script.data, word);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_word_is_quoted_or_printed),
        cmocka_unit_test(what_no_shell_can_say_leaves_nothing),
        cmocka_unit_test(every_shell_reads_the_word_that_was_meant),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
