/* SPDX-License-Identifier: MIT */
/* Understanding what the ssh program says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "transport/child_words.h"

static void authentication_is_noticed(void **state)
{
    (void)state;
    assert_true(
        child_words_connected("debug1: x\r\nAuthenticated to h ([::1]:22) using \"none\".\r\n"));
    assert_true(child_words_connected("Authenticated to h (via proxy) using \"publickey\"."));
    assert_false(child_words_connected(""));
    assert_false(child_words_connected("debug1: Authenticated to nobody\n"));
}

static void endings_are_explained(void **state)
{
    (void)state;
    static const struct {
        const char *words;
        int error;
        const char *says;
    } table[] = {
        {"", 0, ""},
        {"debug1: only this\r\n", 0, ""},
        {"debug1: a\r\nroot@h: Permission denied (publickey,password).\r\n", -EACCES,
         "root@h: Permission denied (publickey,password)."},
        {"Load key \"/k\": Permission denied\r\nssh: connect to host h port 22: Connection "
         "refused\r\n",
         -ECONNREFUSED, "Connection refused"},
        {"ssh: Could not resolve hostname h: Name or service not known\r\n", -EHOSTUNREACH,
         "check the name"},
        {"ssh: connect to host h port 22: Connection timed out\n", -ETIMEDOUT, "timed out"},
        {"debug1: Server host key: ssh-ed25519 SHA256:abc\r\nHost key verification failed.\r\n",
         -EPERM, "is not known: ssh-ed25519 SHA256:abc"},
        {"debug1: Server host key: ssh-rsa SHA256:abc\r\n"
         "@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @\r\nHost key verification "
         "failed.\r\n",
         -EPERM, "has changed: it is ssh-rsa SHA256:abc"},
        {"Authenticated to h\nsubsystem request failed on channel 0\nTransferred: sent 1\r\n",
         -EPROTO, "-o sftp_server"},
        {"something new\ndebug1: Exit status 255\n", -ECONNRESET, "something new"},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct why why = {0};
        assert_int_equal(child_words_explain(table[i].words, "h", &why), table[i].error);
        if (!strstr(why.text, table[i].says))
            fail_msg("%s", why.text);
    }
}

static void the_end_of_a_command_is_no_lost_connection(void **state)
{
    (void)state;
    static const char exit_status[] =
        "debug1: client_input_channel_req: channel 0 rtype exit-status reply 0\r\n";
    static const struct {
        const char *words;
        bool ended;
    } table[] = {
        {"", false},
        {exit_status, true},
        {"exec request failed on channel 0\r\n", true},
        {"debug1: client_input_channel_req: channel 0 rtype exit-signal reply 0\r\n", false},
        {"debug1: client_input_channel_req: channel 0 rtype keepalive@openssh.com reply 1\r\n",
         false},
        {"rtype exit-status reply 0\r\n", false},
        {"Connection to h closed by remote host.\r\ndebug1: Exit status -1\r\n", false},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        assert_int_equal(child_words_ended(table[i].words), table[i].ended);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(authentication_is_noticed),
        cmocka_unit_test(endings_are_explained),
        cmocka_unit_test(the_end_of_a_command_is_no_lost_connection),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
