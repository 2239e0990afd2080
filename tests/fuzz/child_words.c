/* SPDX-License-Identifier: MIT */
/* Any bytes as what the ssh program says: an end has an errno and a sentence, or neither; what is
 * described are lines of .vmxfs/status. */
#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "transport/child/ssh_stderr.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_reason(const char *words)
{
    static const int errors[] = {EPERM,  EACCES,     EHOSTUNREACH, ECONNREFUSED, ETIMEDOUT, EPROTO,
                                 ENOENT, ECONNRESET, EINVAL,       EOPNOTSUPP,   EIO};
    struct diag why = {0};
    bool known = false;
    int r = child_words_explain(words, "host", &why);
    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
        known = known || r == -errors[i];
    assert(r == 0 || known);
    assert((r != 0) == (why.text[0] != '\0') && !strchr(why.text, '\n'));
}

static void check_description(const char *words)
{
    static const char *const names[] = {"server: ", "host-key: ",    "key-exchange: ", "cipher: ",
                                        "mac: ",    "compression: ", "login: "};
    enum { NAMES = sizeof(names) / sizeof(names[0]) };
    BUF_AUTO text = {0};
    size_t next = 0;
    int r = child_words_describe(words, &text);
    assert(r == 0);
    for (size_t at = 0; at < text.len; at += strcspn(text.data + at, "\n") + 1) {
        while (next < NAMES && strncmp(text.data + at, names[next], strlen(names[next])) != 0)
            next++;
        assert(next < NAMES);
    }
    assert(text.len == 0 || text.data[text.len - 1] == '\n');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *words = malloc(size + 1);
    if (!words)
        return 0;
    memcpy(words, data, size);
    words[size] = '\0';
    bool connected = child_words_connected(words);
    bool ended = child_words_ended(words);
    assert(!connected || strstr(words, "Authenticated to ") || strstr(words, "session id: "));
    BUF_AUTO way = {0};
    const char *command = child_words_way(words, &way);
    assert(!command || strstr(words, command));
    assert(child_words_steps(words) <= size);
    assert(!ended || strstr(words, "request failed") || strstr(words, "exit-status"));
    check_reason(words);
    check_description(words);
    free(words);
    return 0;
}
