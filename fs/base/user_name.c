/* SPDX-License-Identifier: MIT */
#include "user_name.h"

#include <errno.h>
#include <limits.h>
#include <pwd.h>
#include <stdlib.h>
#include <unistd.h>

#include "cleanup.h"

enum { ENTRY_MAX = 1 << 20 }; /* of the user database: more than that is no entry */

int user_name_add(struct buf *ret, uid_t uid)
{
    for (size_t n = 1024; n <= ENTRY_MAX; n *= 4) {
        FREE_AUTO char *strings = malloc(n);
        struct passwd entry;
        struct passwd *found = NULL;
        if (!strings)
            return -ENOMEM;
        const int error = getpwuid_r(uid, &entry, strings, n, &found);
        if (error == 0 && found && found->pw_name[0])
            return buf_add_str(ret, found->pw_name);
        if (error != ERANGE)
            break;
    }
    return buf_addf(ret, "%lu", (unsigned long)uid);
}

int user_name_add_machine(struct buf *ret)
{
    char name[HOST_NAME_MAX + 1] = "";
    if (gethostname(name, sizeof(name)) < 0 || name[0] == '\0')
        return buf_add_str(ret, "localhost");
    name[sizeof(name) - 1] = '\0';
    return buf_add_str(ret, name);
}
