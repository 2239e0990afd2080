/* SPDX-License-Identifier: MIT */
/* Understanding what "ssh -G" prints. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "transport/ssh_config.h"

#define REQUIRED                                                                                   \
    "hostname h.example\nuser root\nport 2222\nkexalgorithms k\nciphers c\nmacs m\n"               \
    "hostkeyalgorithms a\n"

static const struct connect_options plain = {.host = "alias"};

static struct ssh_config *parsed(const char *text, const struct connect_options *options)
{
    struct ssh_config *c;
    assert_int_equal(ssh_config_parse(span_of(text), options, &c), 0);
    return c;
}

static void host_user_and_port_are_taken(void **state)
{
    (void)state;
    struct ssh_config *c = parsed(REQUIRED, &plain);
    assert_string_equal(c->alias, "alias");
    assert_string_equal(c->hostname, "h.example");
    assert_string_equal(c->user, "root");
    assert_int_equal(c->port, 2222);
    assert_int_equal(c->strict, CONNECT_STRICT_YES);
    assert_null(c->identity_agent);
    assert_null(c->beyond);
    assert_true(c->use_keys && c->use_password && c->use_keyboard_interactive);
    assert_false(c->identities_only || c->batch);
    ssh_config_unref(c);
}

static void incomplete_text_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "hostname h\n",
        "hostname h\nuser u\nport 0\nkexalgorithms k\nciphers c\nmacs m\nhostkeyalgorithms a\n",
        "hostname h\nuser u\nport 70000\nkexalgorithms k\nciphers c\nmacs m\nhostkeyalgorithms a\n",
        "hostname h\nuser u\nport 22\n",
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct ssh_config *c;
        assert_int_equal(ssh_config_parse(span_of(texts[i]), &plain, &c), -EINVAL);
    }
}

static void strictness_is_understood(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum connect_strict given, want;
    } table[] = {
        {"stricthostkeychecking ask\n", CONNECT_STRICT_CONFIG, CONNECT_STRICT_YES},
        {"stricthostkeychecking true\n", CONNECT_STRICT_CONFIG, CONNECT_STRICT_YES},
        {"stricthostkeychecking accept-new\n", CONNECT_STRICT_CONFIG, CONNECT_STRICT_ACCEPT_NEW},
        {"stricthostkeychecking false\n", CONNECT_STRICT_CONFIG, CONNECT_STRICT_NO},
        {"stricthostkeychecking off\n", CONNECT_STRICT_CONFIG, CONNECT_STRICT_NO},
        {"stricthostkeychecking false\n", CONNECT_STRICT_YES, CONNECT_STRICT_YES},
        {"stricthostkeychecking ask\n", CONNECT_STRICT_ACCEPT_NEW, CONNECT_STRICT_ACCEPT_NEW},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct buf text = {0};
        const struct connect_options o = {.host = "alias", .strict = table[i].given};
        assert_int_equal(buf_addf(&text, "%s%s", REQUIRED, table[i].text), 0);
        struct ssh_config *c = parsed(text.data, &o);
        assert_int_equal(c->strict, table[i].want);
        ssh_config_unref(c);
        buf_done(&text);
    }
}

/* Keywords of the command line that libssh2's connection does not honour are for the ssh program. */
static void given_keywords_are_honoured_or_left_to_ssh(void **state)
{
    (void)state;
    static const struct {
        const char *given, *want;
    } table[] = {
        {"Compression=yes", NULL},
        {"ciphers=aes128-ctr", NULL},
        {"SERVERALIVEINTERVAL=15", NULL},
        {"CompressionLevels=9", "CompressionLevels=9"},
        {"RekeyLimit=1G", "RekeyLimit=1G"},
        {"GSSAPIAuthentication=yes", "GSSAPIAuthentication=yes"},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct words keywords = {0};
        words_add(&keywords, table[i].given);
        const struct connect_options o = {.host = "alias", .keywords = &keywords};
        struct ssh_config *c = parsed(REQUIRED "compression yes\n", &o);
        assert_true(c->compression);
        if (table[i].want)
            assert_string_equal(c->beyond, table[i].want);
        else
            assert_null(c->beyond);
        ssh_config_unref(c);
        words_done(&keywords);
    }
}

static void what_libssh2_cannot_do_is_noticed(void **state)
{
    (void)state;
    static const struct {
        const char *text, *want;
    } table[] = {
        {"proxyjump bastion\n", "proxyjump"},
        {"proxycommand nc %h %p\n", "proxycommand"},
        {"certificatefile ~/.ssh/id-cert.pub\n", "certificatefile"},
        {"revokedhostkeys /etc/ssh/revoked\n", "revokedhostkeys"},
        {"identityfile ~/.ssh/%C\n", "identityfile"},
        {"userknownhostsfile ~/.ssh/%C\n", "userknownhostsfile"},
        {"preferredauthentications password\n", "preferredauthentications"},
        {"proxyjump none\nproxycommand none\nhostbasedauthentication no\n", NULL},
        {"verifyhostkeydns false\npkcs11provider none\n", NULL},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct buf text = {0};
        assert_int_equal(buf_addf(&text, "%s%s", REQUIRED, table[i].text), 0);
        struct ssh_config *c = parsed(text.data, &plain);
        if (table[i].want)
            assert_string_equal(c->beyond, table[i].want);
        else
            assert_null(c->beyond);
        ssh_config_unref(c);
        buf_done(&text);
    }
}

static void paths_are_expanded(void **state)
{
    (void)state;
    setenv("VMXFS_TEST_KEYS", "/keys", 1);
    struct ssh_config *c = parsed(REQUIRED
                                  "identityfile /a/%h-%p-%r-%n-%%\n"
                                  "identityfile ${VMXFS_TEST_KEYS}/one key\n"
                                  "identityfile ~/.ssh/id\n"
                                  "identityagent $VMXFS_TEST_KEYS\n"
                                  "userknownhostsfile /u/1 and more /u/2\n"
                                  "globalknownhostsfile /g/%k\n",
                                  &plain);
    assert_int_equal(c->identity_files.n, 3);
    assert_string_equal(c->identity_files.list[0], "/a/h.example-2222-root-alias-%");
    assert_string_equal(c->identity_files.list[1], "/keys/one key");
    assert_int_equal(c->identity_files.list[2][0], '/');
    assert_non_null(strstr(c->identity_files.list[2], "/.ssh/id"));
    assert_string_equal(c->identity_agent, "/keys");
    assert_int_equal(c->user_known_hosts.n, 2);
    assert_string_equal(c->user_known_hosts.list[0], "/u/1 and more");
    assert_string_equal(c->user_known_hosts.list[1], "/u/2");
    assert_string_equal(c->global_known_hosts.list[0], "/g/alias");
    assert_null(c->beyond);
    ssh_config_unref(c);
}

static void agent_may_be_off_or_the_usual_one(void **state)
{
    (void)state;
    struct ssh_config *c = parsed(REQUIRED "identityagent none\n", &plain);
    assert_string_equal(c->identity_agent, "none");
    ssh_config_unref(c);
    c = parsed(REQUIRED "identityagent SSH_AUTH_SOCK\n", &plain);
    assert_null(c->identity_agent);
    ssh_config_unref(c);
}

static void known_hosts_of_the_command_line_replaces(void **state)
{
    (void)state;
    const struct connect_options o = {.host = "alias", .known_hosts_file = "/my known/hosts"};
    struct ssh_config *c = parsed(REQUIRED "userknownhostsfile /u/1 /u/2\n", &o);
    assert_int_equal(c->user_known_hosts.n, 1);
    assert_string_equal(c->user_known_hosts.list[0], "/my known/hosts");
    ssh_config_unref(c);
}

/* As ssh -G prints them, and as they are given. */
static void paths_may_have_spaces(void **state)
{
    (void)state;
    static const struct {
        const char *given;
        size_t n;
        const char *last;
    } table[] = {
        {"none", 0, NULL},
        {"", 0, NULL},
        {" ", 0, NULL},
        {"/a", 1, "/a"},
        {"/a b  c/d", 1, "/a b  c/d"},
        {"/a ~/b c", 2, "~/b c"},
        {"/a\t%d/b", 2, "%d/b"},
        {"\"/a b\" /c", 2, "/c"},
        {"\"/a /b\"", 1, "/a /b"},
        {"/c \"/a b", 2, "/a b"},
        {"/c \"", 1, "/c"},
        {"a b", 1, "a b"},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct words paths = {0};
        ssh_config_add_paths(&paths, table[i].given);
        if (paths.n != table[i].n)
            fail_msg("%s: %zu", table[i].given, paths.n);
        if (paths.n > 0)
            assert_string_equal(paths.list[paths.n - 1], table[i].last);
        words_done(&paths);
    }
}

static void switches_are_taken(void **state)
{
    (void)state;
    struct ssh_config *c = parsed(REQUIRED
                                  "identitiesonly yes\npubkeyauthentication false\n"
                                  "passwordauthentication no\nbatchmode yes\n"
                                  "kbdinteractiveauthentication no\naddressfamily inet6\n"
                                  "hostkeyalias store\nhashknownhosts yes\n",
                                  &plain);
    assert_true(c->hash_known_hosts);
    assert_true(c->identities_only && c->batch);
    assert_false(c->use_keys || c->use_password || c->use_keyboard_interactive);
    assert_int_equal(c->family, AF_INET6);
    assert_string_equal(c->host_key_alias, "store");
    ssh_config_unref(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(host_user_and_port_are_taken),
        cmocka_unit_test(incomplete_text_is_refused),
        cmocka_unit_test(strictness_is_understood),
        cmocka_unit_test(given_keywords_are_honoured_or_left_to_ssh),
        cmocka_unit_test(what_libssh2_cannot_do_is_noticed),
        cmocka_unit_test(paths_are_expanded),
        cmocka_unit_test(agent_may_be_off_or_the_usual_one),
        cmocka_unit_test(known_hosts_of_the_command_line_replaces),
        cmocka_unit_test(paths_may_have_spaces),
        cmocka_unit_test(switches_are_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
