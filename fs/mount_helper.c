/* SPDX-License-Identifier: MIT */
#include "mount_helper.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/path.h"

/* Between options stands a comma; one that is in a value has a backslash before it. */
static void add_options(struct words *options, const char *text)
{
    const char *from = text;
    for (const char *at = text;; at++) {
        if (*at == '\\' && at[1]) {
            at++;
        } else if (*at == ',' || *at == '\0') {
            if (at > from)
                words_addf(options, "%.*s", (int)(at - from), from);
            if (*at == '\0')
                return;
            from = at + 1;
        }
    }
}

static bool has_value(const char *arg)
{
    static const char *const letters[] = {"-o", "-p", "-F", "-t", "-N"};
    for (size_t i = 0; i < sizeof(letters) / sizeof(letters[0]); i++) {
        if (strcmp(arg, letters[i]) == 0)
            return true;
    }
    return false;
}

/* mount(8)'s own letters, which say nothing to vmxfs but for "f". */
static bool is_of_mount(const char *arg)
{
    return arg[0] == '-' && arg[1] && strspn(arg + 1, "sfnv") == strlen(arg + 1);
}

static bool is_type(const char *arg)
{
    return strcmp(arg, "-t") == 0 || strcmp(arg, "-N") == 0;
}

static void see_plain(struct mount_call *call, const char *arg, unsigned *arguments)
{
    const char *kept = words_add(&call->argv, arg);
    if (arg[0] != '-' && ++*arguments == 2)
        call->target = kept;
    if (strncmp(arg, "-o", 2) == 0 && arg[2])
        add_options(&call->options, arg + 2);
}

int mount_call_read(int argc, char **argv, struct mount_call *ret)
{
    const char *name = argc > 0 ? path_name(argv[0]) : "";
    unsigned arguments = 0;
    *ret = (struct mount_call){.helper = strncmp(name, "mount.", strlen("mount.")) == 0};
    words_add(&ret->argv, argc > 0 ? argv[0] : "vmxfs");
    for (int i = 1; i < argc; i++) {
        if (ret->helper && is_of_mount(argv[i])) {
            ret->fake = ret->fake || strchr(argv[i], 'f');
        } else if (has_value(argv[i]) && i + 1 < argc) {
            const bool passed = !ret->helper || !is_type(argv[i]);
            if (strcmp(argv[i], "-o") == 0)
                add_options(&ret->options, argv[i + 1]);
            if (passed) {
                words_add(&ret->argv, argv[i]);
                words_add(&ret->argv, argv[i + 1]);
            }
            i++;
        } else {
            see_plain(ret, argv[i], &arguments);
        }
    }
    for (size_t i = 0; i < ret->options.n; i++)
        ret->remount = ret->remount || strcmp(ret->options.list[i], "remount") == 0;
    return ret->argv.error ?: ret->options.error;
}

void mount_call_done(struct mount_call *call)
{
    words_done(&call->argv);
    words_done(&call->options);
}
