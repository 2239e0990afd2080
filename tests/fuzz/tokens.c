/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as the name of a file in a lock, and as the end of that of a folder: a token of ours is
 * exactly what the form says, and what is made of it has its bounds. Only tokens become paths.
 */
#include <assert.h>
#include <regex.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "remote/lock/token.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char form[] = "^[0-9a-f]{28}-[A-Za-z0-9._-]{1,16}@[A-Za-z0-9._-]{1,32}$";

static void check_token(const struct token_owner *self, const char *name)
{
    char who[TOKEN_MAX + 32];
    size_t len = strlen(name);
    assert(len <= TOKEN_MAX && !strchr(name, '/'));
    enum token_state state = token_state(self, name);
    assert((state == TOKEN_OURS) == (memcmp(self->process, name, TOKEN_PROCESS_LEN) == 0));
    assert(state != TOKEN_DEAD || memcmp(self->process, name, TOKEN_BOOT_LEN) == 0);
    token_describe(name, who, sizeof(who));
    assert(strstr(who, ", process "));
    for (const char *c = who; *c; c++)
        assert(*c >= ' ' && *c < 0x7f);
}

/* What this process makes is a token of its own. */
static void check_own(const struct token_owner *self, unsigned serial)
{
    char token[TOKEN_MAX + 1];
    token_make(self, serial, token, sizeof(token));
    assert(token_is(token) && token_state(self, token) == TOKEN_OURS);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct token_owner self;
    static regex_t regex;
    unsigned serial = 0;
    if (!self.process[0]) {
        token_owner_init(&self);
        if (regcomp(&regex, form, REG_EXTENDED | REG_NOSUB) != 0)
            abort();
    }
    memcpy(&serial, data, size < sizeof(serial) ? size : sizeof(serial));
    check_own(&self, serial);
    char *name = malloc(size + 1);
    if (!name)
        return 0;
    memcpy(name, data, size);
    name[size] = '\0';
    bool token = token_is(name);
    const bool matches = regexec(&regex, name, 0, NULL, 0) == 0;
    assert(token == matches);
    if (token)
        check_token(&self, name);
    free(name);
    return 0;
}
