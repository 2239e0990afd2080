/* SPDX-License-Identifier: MIT */
/* Tokens: what is one, and whose it is. */
#include "rig.h"

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "remote/lock/token.h"

static void what_is_made_is_a_token(void **state)
{
    (void)state;
    struct token_owner owner;
    char first[TOKEN_MAX + 1];
    char second[TOKEN_MAX + 1];
    char who[TOKEN_MAX + 32];
    char process[64];
    token_owner_init(&owner);
    token_make(&owner, 0, first, sizeof(first));
    token_make(&owner, 1, second, sizeof(second));
    assert_true(token_is(first));
    assert_true(token_is(second));
    assert_string_not_equal(first, second);
    token_describe(first, who, sizeof(who));
    snprintf(process, sizeof(process), "%s, process %d", owner.who, (int)getpid());
    assert_string_equal(who, process);
}

static void nothing_else_is_a_token(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        bool token;
    } cases[] = {
        {"0f3a6b1c0004d25e6f7081000003-root@lab", true},
        {"0f3a6b1c0004d25e6f7081000003-a@b", true},
        {"0f3a6b1c0004d25e6f7081000003-0123456789abcdef@01234567890123456789012345678901", true},
        {"0f3a6b1c0004d25e6f7081000003-0123456789abcdefg@lab", false},
        {"0f3a6b1c0004d25e6f7081000003-root@012345678901234567890123456789012", false},
        {"0f3a6b1c0004d25e6f7081000003-root@", false},
        {"0f3a6b1c0004d25e6f7081000003-@lab", false},
        {"0f3a6b1c0004d25e6f7081000003-root", false},
        {"0f3a6b1c0004d25e6f7081000003", false},
        {"0f3a6b1c0004d25e6f708100000-root@lab", false},
        {"0f3a6b1c0004d25e6f70810000034-root@lab", false},
        {"0F3a6b1c0004d25e6f7081000003-root@lab", false},
        {"0f3a6b1c0004d25e6f7081000003-root@lab/..", false},
        {"0f3a6b1c0004d25e6f7081000003-../x@lab", false},
        {"0f3a6b1c0004d25e6f7081000003-root@lab\n", false},
        {"0f3a6b1c0004d25e6f7081000003-root@lab@lab", false},
        {"../../../../../../../../etcx-root@lab", false},
        {"", false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_int_equal(token_is(cases[i].name), cases[i].token);
}

/* Its boot and its process, or others, and what is then known of it. */
static enum token_state state_of(const struct token_owner *self, const char *boot, pid_t pid,
                                 const char *start)
{
    char token[TOKEN_MAX + 1];
    snprintf(token, sizeof(token), "%.8s%06x%.8s000001-root@lab", boot, (unsigned)pid, start);
    assert_true(token_is(token));
    return token_state(self, token);
}

static void a_token_tells_whether_its_process_is_gone(void **state)
{
    (void)state;
    struct token_owner self;
    token_owner_init(&self);
    const char *boot = self.process;
    const char *start = self.process + TOKEN_BOOT_LEN + TOKEN_PID_LEN;
    assert_int_equal(state_of(&self, boot, getpid(), start), TOKEN_OURS);
    /* An earlier process had our process id; it is gone. */
    assert_int_equal(state_of(&self, boot, getpid(), start[0] == '0' ? "11111111" : "00000000"),
                     TOKEN_DEAD);
    assert_int_equal(state_of(&self, boot, getppid(), "00000000"), TOKEN_UNKNOWN);
    assert_int_equal(state_of(&self, "01234567", getpid(), start), TOKEN_UNKNOWN);
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    assert_true(child > 0);
    /* Ended and not waited for, then not there at all. */
    siginfo_t info;
    assert_int_equal(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT), 0);
    assert_int_equal(state_of(&self, boot, child, "00000000"), TOKEN_DEAD);
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_int_equal(state_of(&self, boot, child, "00000000"), TOKEN_DEAD);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_made_is_a_token),
        cmocka_unit_test(nothing_else_is_a_token),
        cmocka_unit_test(a_token_tells_whether_its_process_is_gone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
