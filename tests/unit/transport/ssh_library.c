/* SPDX-License-Identifier: MIT */
/* What differs between the versions of libssh2. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "transport/ssh/ssh_library.h"

static void only_two_versions_are_not_offered_what_they_read_unchecked(void **state)
{
    (void)state;
    static const char *const unsafe[] = {
        "chacha20-poly1305@openssh.com", "aes256-gcm@openssh.com",
        "aes128-gcm@openssh.com",        "hmac-sha2-256-etm@openssh.com",
        "hmac-sha1-etm@openssh.com",     "hmac-ripemd160-etm@openssh.com",
    };
    static const char *const safe[] = {"aes256-ctr", "aes128-ctr", "hmac-sha2-256", "hmac-sha1",
                                       "hmac-ripemd160@openssh.com"};
    static const struct {
        int version;
        bool has_holes;
    } versions[] = {{0, false},       {0x010a00, false}, {0x010b00, true},
                    {0x010b01, true}, {0x010b02, false}, {0x020000, false}};
    for (size_t v = 0; v < sizeof(versions) / sizeof(versions[0]); v++) {
        for (size_t i = 0; i < sizeof(unsafe) / sizeof(unsafe[0]); i++)
            assert_int_equal(ssh_library_is_safe(versions[v].version, unsafe[i]),
                             !versions[v].has_holes);
        for (size_t i = 0; i < sizeof(safe) / sizeof(safe[0]); i++)
            assert_true(ssh_library_is_safe(versions[v].version, safe[i]));
    }
}

static void rsa_sha2_came_with_1_11(void **state)
{
    (void)state;
    assert_false(ssh_library_has_rsa_sha2(0));
    assert_false(ssh_library_has_rsa_sha2(0x010a00));
    assert_true(ssh_library_has_rsa_sha2(0x010b00));
    assert_true(ssh_library_has_rsa_sha2(0x010b02));
}

/* What libssh2 says of itself is a text. */
static void the_version_is_that_of_the_loaded_library(void **state)
{
    (void)state;
    const char *text = libssh2_version(0);
    int version = ssh_library_version();
    if (strncmp(text, "1.10.", 5) == 0)
        assert_int_equal(version, 0);
    else if (strcmp(text, "1.11.0") == 0)
        assert_int_equal(version, 0x010b00);
    else if (strcmp(text, "1.11.1") == 0)
        assert_int_equal(version, 0x010b01);
    else
        assert_int_equal(version, 0x010b02);
}

/* The text has no end but its length. */
static void a_prompt_becomes_a_string(void **state)
{
    (void)state;
    char text[] = "Password: and more";
    LIBSSH2_USERAUTH_KBDINT_PROMPT prompt = {.length = 10};
    char *copy = ssh_library_prompt(&prompt);
    assert_string_equal(copy, "");
    free(copy);
    memcpy(&prompt.text, &(char *){text}, sizeof(prompt.text));
    copy = ssh_library_prompt(&prompt);
    assert_string_equal(copy, "Password: ");
    free(copy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_two_versions_are_not_offered_what_they_read_unchecked),
        cmocka_unit_test(rsa_sha2_came_with_1_11),
        cmocka_unit_test(the_version_is_that_of_the_loaded_library),
        cmocka_unit_test(a_prompt_becomes_a_string),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
