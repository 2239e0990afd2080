/* SPDX-License-Identifier: MIT */
#include "owner.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BOOT_DIGITS = 8 };

/* The boot id changes with every boot of every machine. "" where there is none. */
static void boot_id(char *ret, size_t size)
{
    ret[0] = '\0';
    FILE *f = fopen("/proc/sys/kernel/random/boot_id", "re");
    if (!f)
        return;
    if (!fgets(ret, (int)size, f))
        ret[0] = '\0';
    ret[strcspn(ret, "\n")] = '\0';
    fclose(f);
}

/* FNV-1a, see RFC 9923. */
static uint32_t hash(uint32_t h, const char *s)
{
    for (; *s; s++)
        h = (h ^ (unsigned char)*s) * 16777619U;
    return h;
}

void owner_name(char *ret, size_t size)
{
    char boot[64];
    char pid_space[64] = "";
    boot_id(boot, sizeof(boot));
    if (readlink("/proc/self/ns/pid", pid_space, sizeof(pid_space) - 1) < 0)
        pid_space[0] = '\0';
    uint32_t h = hash(hash(2166136261U, boot), pid_space);
    snprintf(ret, size, "%08x%06x", h, (unsigned)getpid() & 0xffffffU);
}

/* A process that was killed and that nobody has waited for yet: all that is left is its number. */
static bool is_zombie(long pid)
{
    char path[64];
    char text[512] = "";
    snprintf(path, sizeof(path), "/proc/%ld/stat", pid);
    FILE *f = fopen(path, "re");
    if (!f)
        return false;
    if (!fgets(text, sizeof(text), f))
        text[0] = '\0';
    fclose(f);
    const char *behind_name = strrchr(text, ')');
    return behind_name && strncmp(behind_name, ") Z", 3) == 0;
}

enum owner_state owner_state(const char *self, const char *name)
{
    if (memcmp(self, name, OWNER_NAME_LEN) == 0)
        return OWNER_SELF;
    if (memcmp(self, name, BOOT_DIGITS) != 0)
        return OWNER_UNKNOWN;
    char digits[OWNER_NAME_LEN - BOOT_DIGITS + 1] = "";
    memcpy(digits, name + BOOT_DIGITS, OWNER_NAME_LEN - BOOT_DIGITS);
    char *end;
    long pid = strtol(digits, &end, 16);
    if (*end || pid <= 0)
        return OWNER_UNKNOWN;
    bool dead = (kill((pid_t)pid, 0) < 0 && errno == ESRCH) || is_zombie(pid);
    return dead ? OWNER_DEAD : OWNER_UNKNOWN;
}

void owner_describe(char *ret, size_t size)
{
    char boot[64];
    char host[256] = "";
    boot_id(boot, sizeof(boot));
    if (gethostname(host, sizeof(host) - 1) < 0)
        host[0] = '\0';
    snprintf(ret, size, "host %s, process %ld, boot %s", host, (long)getpid(), boot);
}
