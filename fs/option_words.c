/* SPDX-License-Identifier: MIT */
#include "option_words.h"

#include <ctype.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

#define NO_STREAM                                                                                  \
    "vmxfs makes lost connections anew, which it cannot with one that it is given: use "           \
    "ssh_command="
#define NO_MODULES                                                                                 \
    "vmxfs has no modules of libfuse: name the directory in SOURCE, use transform_symlinks for "   \
    "absolute links; file names are shown as the server has them"
#define NO_SSH_1 "SSH 1 is broken, and no OpenSSH has it any more: leave the option out"

#define IGNORED(name_) {.name = (name_)}
#define IGNORED_AS(name_, value_) {.name = (name_), .value = (value_)}
#define REFUSED(name_, refusal_) {.name = (name_), .refusal = (refusal_)}

static const struct option_word words[] = {
    /* sshfs */
    IGNORED("reconnect"),
    IGNORED("sshfs_sync"),
    IGNORED("no_readahead"),
    IGNORED("sync_readdir"),
    IGNORED("workaround="),
    IGNORED_AS("cache=", "yes"),
    IGNORED_AS("dir_cache=", "yes"),
    IGNORED("dcache_max_size="),
    IGNORED("dcache_clean_interval="),
    IGNORED("dcache_min_clean_interval="),
    IGNORED("cache_max_size="),
    IGNORED("cache_clean_interval="),
    IGNORED("cache_min_clean_interval="),
    IGNORED("direct_io"),
    IGNORED("no_check_root"),
    IGNORED("max_read="),
    IGNORED("max_write="),
    IGNORED("writeback_cache=no"),
    IGNORED("unreliable_append"),
    IGNORED("verbose"),
    IGNORED_AS("ssh_protocol=", "2"),
    REFUSED("ssh_protocol=", NO_SSH_1),
    REFUSED("-1", NO_SSH_1),
    REFUSED("slave", NO_STREAM),
    REFUSED("passive", NO_STREAM),
    REFUSED("directport=", NO_STREAM),
    REFUSED("vsock=", NO_STREAM),
    /* libfuse, through sshfs */
    IGNORED("kernel_cache"),
    IGNORED("auto_cache"),
    IGNORED("noauto_cache"),
    IGNORED("no_rofd_flush"),
    IGNORED("entry_timeout="),
    IGNORED("attr_timeout="),
    IGNORED("ac_attr_timeout="),
    IGNORED("negative_timeout="),
    IGNORED("noforget"),
    IGNORED("remember="),
    IGNORED("intr"),
    IGNORED("intr_signal="),
    IGNORED("use_ino"),
    IGNORED("readdir_ino"),
    IGNORED("hard_remove"),
    IGNORED("nonempty"),
    IGNORED("large_read"),
    IGNORED("big_writes"),
    IGNORED("clone_fd"),
    IGNORED("max_threads="),
    IGNORED("max_idle_threads="),
    REFUSED("modules=", NO_MODULES),
    REFUSED("subdir=", NO_MODULES),
    REFUSED("rellinks", NO_MODULES),
    REFUSED("norellinks", NO_MODULES),
    REFUSED("from_code=", NO_MODULES),
    REFUSED("to_code=", NO_MODULES),
    /* mount(8), fstab and systemd */
    IGNORED("auto"),
    IGNORED("noauto"),
    IGNORED("user"),
    IGNORED("user="),
    IGNORED("nouser"),
    IGNORED("users"),
    IGNORED("nousers"),
    IGNORED("owner"),
    IGNORED("noowner"),
    IGNORED("group"),
    IGNORED("nogroup"),
    IGNORED("defaults"),
    IGNORED("nofail"),
    IGNORED("_netdev"),
    IGNORED("comment="),
    IGNORED("relatime"),
    IGNORED("norelatime"),
    IGNORED("strictatime"),
    IGNORED("nostrictatime"),
    IGNORED("diratime"),
    IGNORED("nodiratime"),
    IGNORED("lazytime"),
    IGNORED("nolazytime"),
    IGNORED("iversion"),
    IGNORED("noiversion"),
    IGNORED("silent"),
    IGNORED("loud"),
    IGNORED("mand"),
    IGNORED("nomand"),
    IGNORED("x-"),
    IGNORED("X-"),
};

static bool begins(const char *option, const char *with)
{
    return strncmp(option, with, strlen(with)) == 0;
}

static bool is(const struct option_word *word, const char *option)
{
    const size_t len = strlen(word->name);
    const char last = word->name[len - 1];
    if (last != '=' && last != '-')
        return strcmp(option, word->name) == 0;
    return begins(option, word->name) && (!word->value || strcmp(option + len, word->value) == 0);
}

const struct option_word *option_word_find(const char *option)
{
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (is(&words[i], option))
            return &words[i];
    }
    return NULL;
}

bool option_is_ssh_keyword(const char *option)
{
    size_t n = 0;
    while (isalnum((unsigned char)option[n]))
        n++;
    return n > 0 && isalpha((unsigned char)option[0]) && option[n] == '=' && option[n + 1] != '\0';
}

static bool has_keyword(const char *option, const char *keyword)
{
    const size_t len = strlen(keyword);
    return strncasecmp(option, keyword, len) == 0 && option[len] == '=';
}

const char *option_ssh_relative(const char *option)
{
    static const char *const files[] = {
        "CertificateFile", "ControlPath",     "GlobalKnownHostsFile", "IdentityAgent",
        "IdentityFile",    "RevokedHostKeys", "UserKnownHostsFile",
    };
    static const char *const no_files[] = {"none", "yes", "no", "SSH_AUTH_SOCK"};
    const char *value = strchr(option, '=') + 1;
    bool is_file = false;
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
        is_file = is_file || has_keyword(option, files[i]);
    for (size_t i = 0; i < sizeof(no_files) / sizeof(no_files[0]); i++)
        is_file = is_file && strcmp(value, no_files[i]) != 0;
    return is_file && !strchr("/~%$\"", *value) && !strpbrk(value, " \t\"") ? value : NULL;
}

const char *option_ssh_refusal(const char *option)
{
    static const char program[] =
        "vmxfs starts the SFTP server; to start another one use sftp_server=";
    static const char terminal[] = "vmxfs runs ssh without a terminal, and talks to it";
    static const char forward[] = "the connection of a mount forwards nothing; use ssh for that";
    static const struct {
        const char *keyword, *why;
        const char *harmless; /* a value that asks for nothing of the kind */
    } refused[] = {
        {"RemoteCommand", program, "none"},
        {"SessionType", program, NULL}, /* ssh takes it or -s, not both */
        {"RequestTTY", terminal, "no"},
        {"StdinNull", terminal, "no"},
        {"ForkAfterAuthentication", terminal, "no"},
        {"LocalForward", forward, NULL},
        {"RemoteForward", forward, NULL},
        {"DynamicForward", forward, NULL},
        {"Tunnel", forward, "no"},
    };
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        const char *harmless = refused[i].harmless;
        if (has_keyword(option, refused[i].keyword))
            return harmless && strcasecmp(strchr(option, '=') + 1, harmless) == 0 ? NULL
                                                                                  : refused[i].why;
    }
    return NULL;
}
