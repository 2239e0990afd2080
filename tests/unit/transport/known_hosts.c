/* SPDX-License-Identifier: MIT */
/* What known_hosts lines say about "host.example" at port 2222 (and at 22). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "transport/login/known_hosts.h"

#define KEY "AAAAC3NzaC1lZDI1NTE5AAAAIITcpl+gkIIct48Sh0+NvXhMfAdwW8Ce4W9/j1b33UHM"
#define OTHER "AAAAC3NzaC1lZDI1NTE5AAAAIOTHEROTHEROTHEROTHEROTHEROTHEROTHEROTHEROTH"
#define RSA "AAAAB3NzaC1yc2EAAAADAQABAAABgQ"
#define HASHED_PORT "|1|nCx3nm8Mip1FfamgyClpYOa9ZZo=|puq+2hIycHXh3mfT+YRxKI64ZfI="
#define HASHED_PLAIN "|1|V4xAvg5nxK0Ll6/AITF4XaxqTt4=|+PLLg0gwgoba14OGJYtTAfhXyQw="

static const struct {
    unsigned port;
    const char *text;
    enum known_verdict want;
    unsigned line;
} table[] = {
    {2222, "", KNOWN_NOT, 0},
    {2222, "[host.example]:2222 ssh-ed25519 " KEY "\n", KNOWN_MATCH, 1},
    {2222, "[host.example]:2222 ssh-ed25519 " KEY " a comment", KNOWN_MATCH, 1},
    {2222, "\t[HOST.example]:2222\tssh-ed25519  " KEY "\r\n", KNOWN_MATCH, 1},
    {2222, "a,[host.example]:2222,b ssh-ed25519 " KEY "\n", KNOWN_MATCH, 1},
    {2222, HASHED_PORT " ssh-ed25519 " KEY "\n", KNOWN_MATCH, 1},
    {2222, HASHED_PLAIN " ssh-ed25519 " KEY "\n", KNOWN_MATCH, 1},
    {22, HASHED_PLAIN " ssh-ed25519 " KEY "\n", KNOWN_MATCH, 1},
    {22, HASHED_PORT " ssh-ed25519 " KEY "\n", KNOWN_NOT, 0},
    {22, "host.example ssh-ed25519 " KEY "\n", KNOWN_MATCH, 1},
    {22, "[host.example]:22 ssh-ed25519 " KEY "\n", KNOWN_NOT, 0},
    {2222, "host.example ssh-ed25519 " KEY "\n", KNOWN_MATCH, 1},
    {2222, "[host.example]:2223 ssh-ed25519 " KEY "\n", KNOWN_NOT, 0},
    {2222, "other.example ssh-ed25519 " KEY "\n", KNOWN_NOT, 0},
    {2222, "# x\n\n[host.example]:2222 ssh-ed25519 " OTHER "\n", KNOWN_CHANGED, 3},
    {2222, "[host.example]:2222 ssh-ed25519 " OTHER "\nhost.example ssh-ed25519 " KEY "\n",
     KNOWN_CHANGED, 1},
    {2222, "host.example ssh-ed25519 " OTHER "\n", KNOWN_NOT, 0},
    {22, "host.example ssh-ed25519 " OTHER "\n", KNOWN_CHANGED, 1},
    {22, "host.example ssh-ed25519 " OTHER "\nhost.example ssh-ed25519 " KEY "\n", KNOWN_MATCH, 2},
    {22, "host.example ssh-rsa " RSA "\n", KNOWN_OTHER, 1},
    {22, "host.example ssh-rsa " RSA "\nhost.example ssh-ed25519 " OTHER "\n", KNOWN_CHANGED, 2},
    {22, "host.example 1024 35 1234567\n", KNOWN_NOT, 0},
    {22, "host.example ssh-ed25519\nhost.example\n\n   \n", KNOWN_NOT, 0},
    {22, "host.example ssh-ed25519 " KEY "\n@revoked * ssh-ed25519 " KEY "\n", KNOWN_REVOKED, 2},
    {22, "@revoked other ssh-ed25519 " KEY "\n", KNOWN_REVOKED, 1},
    {22, "@revoked host.example ssh-ed25519 " OTHER "\nhost.example ssh-ed25519 " KEY "\n",
     KNOWN_MATCH, 2},
    {22, "*.example ssh-ed25519 " KEY "\n", KNOWN_NOT, 0},
    {22, "@cert-authority host.example ssh-ed25519 " KEY "\n", KNOWN_NOT, 0},
};

static struct known_hosts *known_from(const char *text, unsigned port)
{
    struct known_hosts *k;
    assert_int_equal(known_hosts_new("Host.example", port, &k), 0);
    assert_int_equal(known_hosts_add_text(k, span_of(text), "file"), 0);
    return k;
}

static void lines_are_judged(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct known_hosts *k = known_from(table[i].text, table[i].port);
        struct known_place place;
        enum known_verdict verdict = known_hosts_check(k, "ssh-ed25519", KEY, &place);
        if (verdict != table[i].want || place.line != table[i].line)
            fail_msg("port %u, %s: %d at line %u", table[i].port, table[i].text, (int)verdict,
                     place.line);
        known_hosts_free(k);
    }
}

static void types_that_are_known_are_told(void **state)
{
    (void)state;
    struct known_hosts *k = known_from("host.example ssh-rsa " RSA
                                       "\n"
                                       "other.example ssh-ed25519 " KEY "\n",
                                       22);
    assert_true(known_hosts_has_type(k, "ssh-rsa"));
    assert_false(known_hosts_has_type(k, "ssh-ed25519"));
    known_hosts_free(k);

    k = known_from("[host.example]:2222 ssh-rsa " RSA "\nhost.example ssh-ed25519 " KEY "\n", 2222);
    assert_true(known_hosts_has_type(k, "ssh-rsa"));
    assert_false(known_hosts_has_type(k, "ssh-ed25519"));
    known_hosts_free(k);
}

static void what_is_not_understood_is_told(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        unsigned line;
    } lines[] = {
        {"host.example ssh-rsa " RSA "\n", 0},
        {"a ssh-rsa " RSA "\n*.example ssh-rsa " RSA "\n", 2},
        {"host?.example ssh-rsa " RSA "\n", 1},
        {"host.example,!a.example ssh-rsa " RSA "\n", 1},
        {"@cert-authority x ssh-rsa " RSA "\n", 1},
        {"@revoked * ssh-rsa " RSA "\n", 0},
        {HASHED_PLAIN " ssh-rsa " RSA "\n", 0},
    };
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        struct known_hosts *k = known_from(lines[i].text, 22);
        struct known_place place = {0};
        assert_int_equal(known_hosts_beyond(k, &place), lines[i].line > 0);
        assert_int_equal(place.line, lines[i].line);
        known_hosts_free(k);
    }
}

static void files_add_up(void **state)
{
    (void)state;
    struct known_hosts *k = known_from("host.example ssh-ed25519 " OTHER "\n", 22);
    struct known_place place;
    assert_int_equal(known_hosts_add_file(k, "/nonexistent/known_hosts"), 0);
    assert_int_equal(known_hosts_add_text(k, span_of("\nhost.example ssh-ed25519 " KEY), "second"),
                     0);
    assert_int_equal(known_hosts_check(k, "ssh-ed25519", KEY, &place), KNOWN_MATCH);
    assert_string_equal(place.file, "second");
    assert_int_equal(place.line, 2);
    known_hosts_free(k);
}

static void alias_stands_for_itself(void **state)
{
    (void)state;
    struct known_hosts *k = known_from("host.example ssh-ed25519 " KEY "\n", 0);
    struct known_place place;
    assert_string_equal(known_hosts_name(k), "host.example");
    assert_int_equal(known_hosts_check(k, "ssh-ed25519", KEY, &place), KNOWN_MATCH);
    known_hosts_free(k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_judged),
        cmocka_unit_test(types_that_are_known_are_told),
        cmocka_unit_test(what_is_not_understood_is_told),
        cmocka_unit_test(files_add_up),
        cmocka_unit_test(alias_stands_for_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
