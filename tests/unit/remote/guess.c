/* SPDX-License-Identifier: MIT */
/* Which document is guessed for a folder that is looked up. */
#include "rig.h"

#include "remote/ahead/guess.h"

static void a_folder_beside_the_last_one_has_a_document_of_its_name(void **state)
{
    struct guess guess = {0};
    (void)state;
    assert_null(guess_of(&guess, "lab/b"));
    guess_learn(&guess, "lab/a/a.vmx");
    assert_string_equal(guess_of(&guess, "lab/b"), "lab/b/b.vmx");
    assert_true(guess_is(&guess, "lab/b/b.vmx"));
    assert_false(guess_is(&guess, "lab/a/a.vmx"));
    assert_string_equal(guess_of(&guess, "lab/c.d"), "lab/c.d/c.d.vmx");
    guess_done(&guess);
}

static void a_folder_elsewhere_has_none(void **state)
{
    struct guess guess = {0};
    (void)state;
    guess_learn(&guess, "lab/a/a.vmx");
    assert_null(guess_of(&guess, "lab"));
    assert_null(guess_of(&guess, "b"));
    assert_null(guess_of(&guess, "lab/a/b"));
    assert_null(guess_of(&guess, "labs/b"));
    guess_learn(&guess, "a/a.vmx");
    assert_string_equal(guess_of(&guess, "b"), "b/b.vmx");
    guess_done(&guess);
}

static void a_document_of_another_name_teaches_nothing(void **state)
{
    struct guess guess = {0};
    (void)state;
    const char *const others[] = {"lab/a/b.vmx", "lab/a/a.vmtx", "lab/a/a.vmx.vmx", "a.vmx", ""};
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        guess_learn(&guess, others[i]);
        assert_null(guess_of(&guess, "lab/c"));
    }
    guess_done(&guess);
}

static void a_wrong_guess_is_the_last_one(void **state)
{
    struct guess guess = {0};
    (void)state;
    guess_learn(&guess, "lab/a/a.vmx");
    assert_non_null(guess_of(&guess, "lab/iso"));
    guess_was_wrong(&guess);
    assert_null(guess_of(&guess, "lab/b"));
    assert_false(guess_is(&guess, "lab/iso/iso.vmx"));
    guess_learn(&guess, "lab/b/b.vmx");
    assert_string_equal(guess_of(&guess, "lab/c"), "lab/c/c.vmx");
    guess_done(&guess);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_folder_beside_the_last_one_has_a_document_of_its_name),
        cmocka_unit_test(a_folder_elsewhere_has_none),
        cmocka_unit_test(a_document_of_another_name_teaches_nothing),
        cmocka_unit_test(a_wrong_guess_is_the_last_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
