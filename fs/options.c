/* SPDX-License-Identifier: MIT */
#include "options.h"

#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "id_files.h"
#include "option_words.h"
#include "parser/text/text.h"
#include "source.h"

#define OPTION(template, member) {template, offsetof(struct options, member), 1}
#define NO_OPTION(template, member) {template, offsetof(struct options, member), 0}

/* FUSE_OPT_KEY, without its conversion that clang warns of. */
#define WORD(template, key) {template, UINT_MAX, key}

enum { KEY_COMPRESSION, KEY_PORT, KEY_KEYWORD };

static const struct fuse_opt table[] = {
    WORD("-p ", KEY_PORT),
    WORD("port=", KEY_KEYWORD),
    WORD("IdentityFile=", KEY_KEYWORD),
    WORD("UserKnownHostsFile=", KEY_KEYWORD),
    WORD("StrictHostKeyChecking=", KEY_KEYWORD),
    OPTION("-F %s", config_file),
    WORD("-C", KEY_COMPRESSION),
    OPTION("compression=%s", compression),
    OPTION("password_stdin", password_stdin),
    OPTION("delay_connect", delay_connect),
    OPTION("transport=%s", transport),
    OPTION("ssh_command=%s", ssh_command),
    OPTION("sftp_server=%s", sftp_server),
    OPTION("timeout=%s", timeout_text),
    OPTION("cache_timeout=%s", cache_timeout_text),
    /* sshfs has several: the last one given counts for all that is cached. */
    OPTION("dcache_timeout=%s", cache_timeout_text),
    OPTION("dcache_stat_timeout=%s", cache_timeout_text),
    OPTION("dcache_link_timeout=%s", cache_timeout_text),
    OPTION("dcache_dir_timeout=%s", cache_timeout_text),
    OPTION("cache_stat_timeout=%s", cache_timeout_text),
    OPTION("cache_link_timeout=%s", cache_timeout_text),
    OPTION("cache_dir_timeout=%s", cache_timeout_text),
    OPTION("cache=no", no_cache),
    OPTION("dir_cache=no", no_cache),
    OPTION("power_timeout=%s", power_timeout_text),
    OPTION("cache_size=%s", cache_size_text),
    OPTION("vmx_max=%s", vmx_max_text),
    OPTION("max_conns=%s", max_conns_text),
    OPTION("prefetch=%s", prefetch),
    OPTION("running=%s", running),
    OPTION("reload=%s", reload),
    OPTION("show=%s", show),
    OPTION("rename=%s", rename),
    OPTION("profile_dir=%s", profile_dir),
    OPTION("history=%s", history),
    OPTION("disable_hardlink", disable_hardlink),
    OPTION("follow_symlinks", follow_symlinks),
    OPTION("transform_symlinks", transform_symlinks),
    OPTION("contain_symlinks", contain_symlinks),
    NO_OPTION("no_contain_symlinks", contain_symlinks),
    OPTION("uid=%s", uid_text),
    OPTION("gid=%s", gid_text),
    OPTION("umask=%s", umask_text),
    OPTION("idmap=%s", idmap),
    OPTION("uidfile=%s", uid_file),
    OPTION("gidfile=%s", gid_file),
    OPTION("nomap=%s", nomap),
    OPTION("-f", foreground),
    OPTION("-d", debug),
    OPTION("debug", debug),
    OPTION("--debug", debug),
    OPTION("sshfs_debug", debug),
    OPTION("-h", help),
    OPTION("--help", help),
    OPTION("-V", version),
    OPTION("--version", version),
    OPTION("ro", read_only),
    WORD("ro", FUSE_OPT_KEY_KEEP),
    OPTION("-r", read_only),
    WORD("-r", FUSE_OPT_KEY_KEEP),
    NO_OPTION("rw", read_only),
    WORD("rw", FUSE_OPT_KEY_KEEP),    /* for libfuse, too, the last one counts */
    WORD("-n", FUSE_OPT_KEY_DISCARD), /* mount(8) */
    WORD("-s", FUSE_OPT_KEY_DISCARD),
    WORD("-v", FUSE_OPT_KEY_DISCARD),
    WORD("--verbose", FUSE_OPT_KEY_DISCARD),
    WORD("-t ", FUSE_OPT_KEY_DISCARD),
    /* Options that the kernel or libfuse understands. */
    WORD("allow_other", FUSE_OPT_KEY_KEEP),
    WORD("allow_root", FUSE_OPT_KEY_KEEP),
    WORD("auto_unmount", FUSE_OPT_KEY_KEEP),
    WORD("default_permissions", FUSE_OPT_KEY_KEEP),
    WORD("fsname=", FUSE_OPT_KEY_KEEP),
    WORD("subtype=", FUSE_OPT_KEY_KEEP),
    WORD("dev", FUSE_OPT_KEY_KEEP),
    WORD("nodev", FUSE_OPT_KEY_KEEP),
    WORD("suid", FUSE_OPT_KEY_KEEP),
    WORD("nosuid", FUSE_OPT_KEY_KEEP),
    WORD("exec", FUSE_OPT_KEY_KEEP),
    WORD("noexec", FUSE_OPT_KEY_KEEP),
    WORD("atime", FUSE_OPT_KEY_KEEP),
    WORD("noatime", FUSE_OPT_KEY_KEEP),
    WORD("sync", FUSE_OPT_KEY_KEEP),
    WORD("async", FUSE_OPT_KEY_KEEP),
    WORD("dirsync", FUSE_OPT_KEY_KEEP),
    FUSE_OPT_END,
};

struct parse {
    struct options options; /* first: the table's offsets are in it */
    struct diag *why;
};

static int fail(struct parse *p, const char *arg, const char *what)
{
    diag_set(p->why, "%s: %s", arg, what);
    return -1;
}

static int see_argument(struct parse *p, const char *arg)
{
    if (!p->options.source && !p->options.doctor && strcmp(arg, "doctor") == 0) {
        p->options.doctor = 1;
        return 0;
    }
    char **place = !p->options.source ? &p->options.source : &p->options.mountpoint;
    if (*place || (p->options.doctor && p->options.source))
        return fail(p, arg,
                    p->options.doctor
                        ? "one argument too many; usage: vmxfs doctor [options] SOURCE"
                        : "one argument too many; usage: vmxfs [options] SOURCE MOUNTPOINT");
    *place = strdup(arg);
    return *place ? 0 : -1;
}

/* What is neither vmxfs's own nor known to do nothing is ssh's, which is asked when it is run. */
static int see_other(struct parse *p, const char *arg)
{
    const struct option_word *word = option_word_find(arg);
    if (word)
        return word->refusal ? fail(p, arg, word->refusal) : 0;
    if (!option_is_ssh_keyword(arg))
        return fail(p, arg, "unknown option; vmxfs -h lists all options");
    const char *refusal = option_ssh_refusal(arg);
    if (refusal)
        return fail(p, arg, refusal);
    const char *file = option_ssh_relative(arg);
    FREE_AUTO char *directory = file ? get_current_dir_name() : NULL;
    if (directory)
        words_addf(&p->options.ssh_keywords, "%.*s\"%s/%s\"", (int)(file - arg), arg, directory,
                   file);
    else
        words_add(&p->options.ssh_keywords, arg);
    return p->options.ssh_keywords.error ? -1 : 0;
}

/* A further key. A name with spaces stands in quotes, as ssh wants it. */
static int see_next_key(struct parse *p, const char *arg, const char *file)
{
    if (*file == '"' || !strpbrk(file, " \t"))
        return see_other(p, arg);
    words_addf(&p->options.ssh_keywords, "IdentityFile=\"%s\"", file);
    return p->options.ssh_keywords.error ? -1 : 0;
}

/* A keyword of ssh, in any case of letters, that vmxfs reads itself: as for ssh the first one
 * counts, but that keys add up. *ret: whether it is one. */
static int see_own_keyword(struct parse *p, const char *arg, bool *ret)
{
    struct options *o = &p->options;
    const struct {
        const char *name;
        char **place;
    } own[] = {
        {"IdentityFile=", &o->identity_file},
        {"Port=", &o->port_text},
        {"UserKnownHostsFile=", &o->known_hosts_file},
        {"StrictHostKeyChecking=", &o->strict},
    };
    size_t i = 0;
    while (i < sizeof(own) / sizeof(own[0]) &&
           strncasecmp(arg, own[i].name, strlen(own[i].name)) != 0)
        i++;
    *ret = i < sizeof(own) / sizeof(own[0]);
    if (!*ret)
        return 0;
    const char *value = arg + strlen(own[i].name);
    if (*own[i].place)
        return own[i].place == &o->identity_file ? see_next_key(p, arg, value) : 0;
    *own[i].place = strdup(value);
    return *own[i].place ? 0 : -1;
}

static int see(void *data, const char *arg, int key, struct fuse_args *out)
{
    struct parse *p = data;
    FREE_AUTO char *port = NULL;
    bool is_own;
    (void)out;
    if (key == FUSE_OPT_KEY_NONOPT)
        return see_argument(p, arg);
    if (!arg[0]) /* "-o $MORE,ro" of a script, with nothing more */
        return 0;
    if (key == KEY_COMPRESSION)
        arg = "Compression=yes";
    if (key == KEY_PORT && asprintf(&port, "Port=%s", arg + strlen("-p")) < 0)
        return -1;
    int r = see_own_keyword(p, port ? port : arg, &is_own);
    return r < 0 || is_own ? r : see_other(p, arg);
}

/* words: with a comma between them. */
static bool is_one_of(const char *value, const char *words,
                      bool (*same)(struct span a, struct span b))
{
    struct span rest = span_of(words);
    struct span word;
    while (text_word(&rest, &word)) {
        if (same(span_head(word, text_find(word, ',')), span_of(value)))
            return true;
    }
    return false;
}

static int check_words(const struct options *o, struct diag *why)
{
    const struct {
        const char *name, *value, *words;
    } checks[] = {
        {"StrictHostKeyChecking", o->strict, "yes, true, ask, accept-new, no, false, off"},
        {"transport", o->transport, "auto, libssh2, openssh"},
        {"compression", o->compression, "auto, yes, no"},
        {"prefetch", o->prefetch, "on, off"},
        {"running", o->running, "refuse, allow"},
        {"reload", o->reload, "auto, off"},
        {"show", o->show, "all, vmx"},
        {"rename", o->rename, "unsafe"},
        {"idmap", o->idmap, "mounter, none, user, file"},
        {"nomap", o->nomap, "ignore, error"},
    };
    for (size_t i = 0; i < sizeof(checks) / sizeof(*checks); i++) {
        const bool is_of_ssh = checks[i].value && checks[i].value == o->strict;
        if (!checks[i].value ||
            is_one_of(checks[i].value, checks[i].words, is_of_ssh ? span_eq_fold : span_eq))
            continue;
        diag_set(why, "%s=%s: the value must be one of: %s", checks[i].name, checks[i].value,
                 checks[i].words);
        return -EINVAL;
    }
    return 0;
}

/* A whole number from least to most, in base 8 or 10. */
static bool parse_number(const char *text, int base, unsigned least, unsigned most, unsigned *ret)
{
    const char *digits = base == 8 ? "01234567" : "0123456789";
    size_t len = strlen(text);
    if (len == 0 || strspn(text, digits) != len)
        return false;
    errno = 0;
    unsigned long value = strtoul(text, NULL, base);
    if (errno || value < least || value > most)
        return false;
    *ret = (unsigned)value;
    return true;
}

static int check_numbers(struct options *o, struct diag *why)
{
    enum { DAY = 86400, LONGEST = 20 * DAY }; /* in milliseconds it is an int */
    const struct {
        const char *name, *text;
        unsigned *value;
        unsigned least, most;
        int base;
        const char *unit;
    } checks[] = {
        {"port", o->port_text, &o->port, 1, 65535, 10, ""},
        {"timeout", o->timeout_text, &o->timeout_s, 1, DAY, 10, " seconds"},
        {"power_timeout", o->power_timeout_text, &o->power_timeout_s, 1, DAY, 10, " seconds"},
        {"cache_timeout", o->cache_timeout_text, &o->cache_timeout_s, 0, UINT_MAX, 10, " seconds"},
        {"cache_size", o->cache_size_text, &o->cache_mib, 1, 1 << 20, 10, " MiB"},
        {"max_conns", o->max_conns_text, &o->max_conns, 1, 1000, 10, ""},
        {"vmx_max", o->vmx_max_text, &o->vmx_max_kib, 1, 64 << 10, 10, " KiB"},
        {"uid", o->uid_text, &o->uid, 0, UINT_MAX - 1, 10, ""},
        {"gid", o->gid_text, &o->gid, 0, UINT_MAX - 1, 10, ""},
        {"umask", o->umask_text, &o->umask, 0, 0777, 8, ", an octal number"},
    };
    for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
        if (!checks[i].text || parse_number(checks[i].text, checks[i].base, checks[i].least,
                                            checks[i].most, checks[i].value))
            continue;
        diag_set(why,
                 checks[i].base == 8 ? "%s=%s: the value must be from %o to %o%s"
                                     : "%s=%s: the value must be from %u to %u%s",
                 checks[i].name, checks[i].text, checks[i].least, checks[i].most, checks[i].unit);
        return -EINVAL;
    }
    if (o->cache_timeout_s > LONGEST) /* sshfs takes any, as "never" */
        o->cache_timeout_s = LONGEST;
    return 0;
}

static int check_profile_dir(const struct options *o, struct diag *why)
{
    struct stat st;
    if (!o->profile_dir || (stat(o->profile_dir, &st) == 0 && S_ISDIR(st.st_mode)))
        return 0;
    diag_set(why, "profile_dir=%s: is not a directory", o->profile_dir);
    return -ENOTDIR;
}

/* A daemon changes its directory. */
static int check_history(struct options *o, struct diag *why)
{
    if (!o->history || strcmp(o->history, "off") == 0 || o->history[0] == '/')
        return 0;
    FREE_AUTO char *given = steal(o->history);
    FREE_AUTO char *directory = get_current_dir_name();
    if (!given[0])
        return diag_set(why, "history=: the value must be a directory, or off");
    if (!directory || asprintf(&o->history, "%s/%s", directory, given) < 0) {
        o->history = NULL;
        return diag_set(why, "history=%s: the current directory is not known", given);
    }
    return 0;
}

static int check_id_files(struct options *o, struct diag *why)
{
    const bool by_file = o->idmap && strcmp(o->idmap, "file") == 0;
    if (by_file && !o->uid_file && !o->gid_file)
        return diag_set(why, "idmap=file: needs uidfile=FILE or gidfile=FILE, or both");
    int r = by_file && o->uid_file ? id_file_read("uidfile", o->uid_file, &o->uids, why) : 0;
    return r ?: by_file && o->gid_file ? id_file_read("gidfile", o->gid_file, &o->gids, why) : 0;
}

static int check(struct options *o, struct diag *why)
{
    int r = check_words(o, why)
        ?: check_numbers(o, why)
        ?: check_profile_dir(o, why)
        ?: check_history(o, why)
        ?: check_id_files(o, why);
    if (r < 0)
        return r;
    if (o->no_cache)
        o->cache_timeout_s = 0;
    if (!o->source || (!o->mountpoint && !o->doctor)) {
        diag_set(why, "%s is missing; usage: vmxfs %s", o->source ? "MOUNTPOINT" : "SOURCE",
                 o->doctor ? "doctor [options] SOURCE" : "[options] SOURCE MOUNTPOINT");
        return -EINVAL;
    }
    if (o->ssh_command && o->transport && strcmp(o->transport, "libssh2") == 0) {
        diag_set(
            why,
            "ssh_command cannot be used with transport=libssh2; leave one of the two options out");
        return -EINVAL;
    }
    return source_parse(o, why);
}

int options_parse(int argc, char **argv, struct options *ret, struct diag *why)
{
    struct parse p = {
        .why = why,
        .options = {.timeout_s = 15,
                    .cache_timeout_s = 5,
                    .power_timeout_s = 600,
                    .cache_mib = 256,
                    .vmx_max_kib = 1024,
                    .contain_symlinks = 1,
                    .uid = getuid(),
                    .gid = getgid(),
                    .umask = umask(0),
                    .fuse = FUSE_ARGS_INIT(argc, argv)},
    };
    umask(p.options.umask);
    int r = fuse_opt_parse(&p.options.fuse, &p, table, see) == 0 ? 0 : -EINVAL;
    if (r < 0 && !why->text[0])
        diag_set(why, "the options cannot be parsed; vmxfs -h lists all options");
    if (r == 0 && !p.options.help && !p.options.version)
        r = check(&p.options, why);
    if (r < 0)
        options_done(&p.options);
    else
        *ret = p.options;
    return r;
}

void options_done(struct options *o)
{
    free(o->source);
    free(o->mountpoint);
    free(o->host);
    free(o->user);
    free(o->path);
    free(o->port_text);
    free(o->identity_file);
    free(o->known_hosts_file);
    free(o->strict);
    for (const struct fuse_opt *option = table; option->templ; option++) {
        if (!strchr(option->templ, '%'))
            continue;
        void *place = (char *)o + option->offset;
        char **string = place;
        free(*string);
        *string = NULL; /* two options can have one place */
    }
    words_done(&o->ssh_keywords);
    id_map_done(&o->uids);
    id_map_done(&o->gids);
    fuse_opt_free_args(&o->fuse);
}

void options_usage(void)
{
    fputs(
        "usage: vmxfs [options] SOURCE MOUNTPOINT\n"
        "       vmxfs doctor [options] SOURCE     says what works there, and mounts nothing\n"
        "       vmxfs status [-w], vmxfs map      all mounts as a table; as a graph for dot\n"
        "\n"
        "  SOURCE  [user@]host:[path]   over SSH ([2001:db8::1]:path for IPv6)\n"
        "          sftp://[user@]host[:port]/path, /path or ./path (a local directory)\n"
        "\n"
        "  -p PORT   -F SSH_CONFIG   -C (compression)   -f (foreground)   -d (debug)   -h   -V\n"
        "  -o OPTION[,OPTION...]\n"
        "\n"
        "  KEYWORD=VALUE         any keyword of ssh_config(5): IdentityFile=F, "
        "UserKnownHostsFile=F,\n"
        "                        StrictHostKeyChecking=yes|accept-new|no, ...; what sshfs takes, "
        "too\n"
        "  password_stdin        read the password from standard input\n"
        "  delay_connect         mount first, connect at the first use\n"
        "  compression=auto|yes|no           of listings and settings (where the line is thin)\n"
        "  transport=auto|libssh2|openssh, ssh_command=CMD, sftp_server=PATH\n"
        "  timeout=SEC           longest wait for a silent server (15)\n"
        "  cache_timeout=SEC     how long an answer is trusted (5)\n"
        "  power_timeout=SEC     longest wait for a VM to be powered on or shut down (600)\n"
        "  cache_size=MIB, prefetch=on|off   bound on what is cached (256); read ahead (on)\n"
        "  max_conns=N           most connections for files (as the distance needs, 5 at most)\n"
        "  running=refuse|allow  writes to a VM that is in use (refuse)\n"
        "  reload=auto|off       tell the ESXi host about changes (auto)\n"
        "  show=all|vmx          vmx: directories and .vmx only (all)\n"
        "  profile_dir=DIR, vmx_max=KIB      more profiles; a larger .vmx is a plain file (1024)\n"
        "  history=DIR|off       who changed what, as a git repository "
        "(~/.local/state/vmxfs/history)\n"
        "  rename=unsafe         also with servers that cannot replace a file atomically\n"
        "  idmap=mounter|none|user|file, uidfile=F, gidfile=F, nomap=ignore|error\n"
        "                        whose the files are (mounter: all belongs to who mounts)\n"
        "  transform_symlinks    absolute links into the mount become relative ones\n"
        "  follow_symlinks       links are what they lead to on the server\n"
        "  no_contain_symlinks   links that lead out of the mount, or might, are shown, too\n"
        "  uid=N, gid=N, umask=OCTAL, ro, allow_other, default_permissions, fsname=NAME  as in "
        "FUSE\n"
        "\n"
        "Users, ports, keys and jump hosts come from ~/.ssh/config, as with ssh: ssh_config(5).\n"
        "Control files, to read and to write; they are there, but not listed:\n"
        "  MOUNTPOINT/.vmxfs/   status errors check vms, and of an ESXi host: gpus datastores "
        "host/\n"
        "  NAME.vmx/.vmxfs/     check errors why raw merge plan/ power task question registered "
        "guest\n"
        "  NAME.vmx/            the settings, and passthrough-profile\n"
        "Unmount with: fusermount3 -u MOUNTPOINT        The manual, with all of it: man vmxfs\n",
        stdout);
}

struct connect_options options_connect(const struct options *o)
{
    struct connect_options c = {
        .host = o->host,
        .user = o->user,
        .port = o->port,
        .identity_file = o->identity_file,
        .known_hosts_file = o->known_hosts_file,
        .config_file = o->config_file,
        .keywords = &o->ssh_keywords,
        .password_stdin = o->password_stdin,
        .ssh_command = o->ssh_command,
        .sftp_server = o->sftp_server,
        .timeout_ms = (int)o->timeout_s * 1000,
        .strict = CONNECT_STRICT_CONFIG,
        .via = CONNECT_AUTO,
    };
    if (o->strict)
        c.strict = strcasecmp(o->strict, "accept-new") == 0 ? CONNECT_STRICT_ACCEPT_NEW
                   : is_one_of(o->strict, "no, false, off", span_eq_fold)
                       ? CONNECT_STRICT_NO
                       : CONNECT_STRICT_YES; /* "ask", too: nobody is there */
    for (size_t i = 0; i < o->ssh_keywords.n; i++) {
        if (strcasecmp(o->ssh_keywords.list[i], "compression=no") == 0)
            c.compression = CONNECT_COMPRESSION_NO;
        if (strncasecmp(o->ssh_keywords.list[i], "compression=", 12) == 0)
            break; /* as for ssh, the first one counts */
    }
    if (o->compression && strcmp(o->compression, "auto") != 0)
        c.compression =
            strcmp(o->compression, "yes") == 0 ? CONNECT_COMPRESSION_YES : CONNECT_COMPRESSION_NO;
    if (o->ssh_command || (o->transport && strcmp(o->transport, "openssh") == 0))
        c.via = CONNECT_OPENSSH;
    else if (o->transport && strcmp(o->transport, "libssh2") == 0)
        c.via = CONNECT_LIBSSH2;
    return c;
}
