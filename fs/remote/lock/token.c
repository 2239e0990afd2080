/* SPDX-License-Identifier: MIT */
#include "token.h"

#include <errno.h>
#include <pwd.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

enum { DIGITS = TOKEN_PROCESS_LEN + TOKEN_SERIAL_LEN, PASSWD_BYTES = 4096 };

static const char hex[] = "0123456789abcdef";
static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";

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

static uint32_t boot_hash(void)
{
    char boot[64];
    char pid_space[64] = "";
    boot_id(boot, sizeof(boot));
    if (readlink("/proc/self/ns/pid", pid_space, sizeof(pid_space) - 1) < 0)
        pid_space[0] = '\0';
    return hash(hash(2166136261U, boot), pid_space);
}

/* A number that no earlier process with our process id had. */
static uint32_t draw(void)
{
    uint32_t n;
    struct timespec now;
    if (getrandom(&n, sizeof(n), GRND_NONBLOCK) == (ssize_t)sizeof(n))
        return n;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint32_t)now.tv_sec * 1000 + (uint32_t)(now.tv_nsec / 1000000);
}

/* Appends text as far as a token can hold it, and something in any case. */
static void add_word(char *ret, size_t max, const char *text)
{
    size_t n = 0;
    for (; n < max && text[n]; n++)
        ret[n] = strchr(letters, text[n]) ? text[n] : '_';
    if (n == 0)
        ret[n++] = '_';
    ret[n] = '\0';
}

static void user_name(char *ret, size_t size)
{
    struct passwd entry;
    struct passwd *found = NULL;
    char bytes[PASSWD_BYTES];
    if (getpwuid_r(getuid(), &entry, bytes, sizeof(bytes), &found) == 0 && found)
        snprintf(ret, size, "%s", found->pw_name);
    else
        snprintf(ret, size, "%lu", (unsigned long)getuid());
}

void token_owner_init(struct token_owner *ret)
{
    char user[256];
    char host[256] = "";
    char user_word[TOKEN_USER_MAX + 1];
    char host_word[TOKEN_HOST_MAX + 1];
    user_name(user, sizeof(user));
    if (gethostname(host, sizeof(host) - 1) < 0)
        host[0] = '\0';
    add_word(user_word, TOKEN_USER_MAX, user);
    add_word(host_word, TOKEN_HOST_MAX, host);
    snprintf(ret->who, sizeof(ret->who), "%s@%s", user_word, host_word);
    snprintf(ret->process, sizeof(ret->process), "%08x%06x%08x", (unsigned)boot_hash(),
             (unsigned)getpid() & 0xffffffU, (unsigned)draw());
}

void token_make(const struct token_owner *owner, unsigned serial, char *ret, size_t size)
{
    snprintf(ret, size, "%s%0*x-%s", owner->process, TOKEN_SERIAL_LEN, serial & 0xffffffU,
             owner->who);
}

/* The end of a word of 1 to max letters, or NULL. */
static const char *word_end(const char *word, size_t max)
{
    size_t n = strspn(word, letters);
    return n > 0 && n <= max ? word + n : NULL;
}

bool token_is(const char *name)
{
    if (strspn(name, hex) != DIGITS || name[DIGITS] != '-')
        return false;
    const char *at = word_end(name + DIGITS + 1, TOKEN_USER_MAX);
    const char *end = at && *at == '@' ? word_end(at + 1, TOKEN_HOST_MAX) : NULL;
    return end && *end == '\0';
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

static long pid_of(const char *token)
{
    char digits[TOKEN_PID_LEN + 1] = "";
    memcpy(digits, token + TOKEN_BOOT_LEN, TOKEN_PID_LEN);
    return strtol(digits, NULL, 16);
}

enum token_state token_state(const struct token_owner *self, const char *token)
{
    if (memcmp(self->process, token, TOKEN_PROCESS_LEN) == 0)
        return TOKEN_OURS;
    if (memcmp(self->process, token, TOKEN_BOOT_LEN) != 0)
        return TOKEN_UNKNOWN;
    /* Our process id from another start is that of a process that is gone. */
    bool ours = memcmp(self->process, token, TOKEN_BOOT_LEN + TOKEN_PID_LEN) == 0;
    long pid = pid_of(token);
    if (pid <= 0)
        return TOKEN_UNKNOWN;
    bool dead = ours || (kill((pid_t)pid, 0) < 0 && errno == ESRCH) || is_zombie(pid);
    return dead ? TOKEN_DEAD : TOKEN_UNKNOWN;
}

void token_describe(const char *token, char *ret, size_t size)
{
    snprintf(ret, size, "%s, process %ld", token + DIGITS + 1, pid_of(token));
}
