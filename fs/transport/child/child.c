/* SPDX-License-Identifier: MIT */
#include "child.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "child_login.h"
#include "program.h"
#include "transport/fd_transport.h"
#include "transport/ssh_config.h"

enum { WORDS_MAX = 2 << 20 }; /* a server's banner alone may have a MiB */

/* Starts argv with one end of a socket pair as its standard input and output. */
static int start(const struct words *argv, char *const *env, const char *name, const char *host,
                 struct fd_transport **ret)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
        return -errno;
    FD_AUTO ours = ends[0];
    FD_AUTO theirs = ends[1];
    FD_AUTO words = program_words_file(WORDS_MAX);
    if (words < 0)
        return words;
    struct transport *t;
    int r = transport_from_fd(ours, 0, name, &t);
    if (r < 0)
        return r;
    steal_fd(&ours);
    struct fd_transport *f = (struct fd_transport *)t;
    r = program_start(argv, env, theirs, theirs, words, &f->pid);
    if (r < 0) {
        transport_free(t);
        return r;
    }
    f->words = steal_fd(&words);
    f->host = host;
    *ret = f;
    return 0;
}

/* As sshfs does, a name without a slash is a subsystem. */
static void add_remote(struct words *argv, const struct child_login *login)
{
    const struct connect_options *o = login->options;
    const char *server = o->sftp_server ? o->sftp_server : "sftp";
    if (!login->command && !strchr(server, '/'))
        words_add(argv, "-s");
    words_add(argv, "--");
    words_add(argv, o->host);
    words_add(argv, login->command ? login->command : server);
}

static void add_known_hosts(struct words *argv, const char *given)
{
    WORDS_AUTO paths = {0};
    BUF_AUTO option = {0};
    ssh_config_add_paths(&paths, given);
    int r = paths.error ?: buf_add_str(&option, "-oUserKnownHostsFile=");
    for (size_t i = 0; r == 0 && i < paths.n; i++)
        r = buf_addf(&option, "%s\"%s\"", i ? " " : "", paths.list[i]);
    if (r == 0 && paths.n == 0)
        r = buf_add_str(&option, "none");
    if (r == 0)
        words_add(argv, option.data);
    else
        argv->error = r;
}

static bool is_openssh(const char *program)
{
    const char *slash = strrchr(program, '/');
    return strcmp(slash ? slash + 1 : program, "ssh") == 0;
}

/* The login is followed in what ssh itself logs, so nothing in its command may make it silent: ssh
 * takes the first LogLevel, but the last of that and -q. */
static void add_program(struct words *argv, const char *command)
{
    static const char level[] = "-oLogLevel=DEBUG1";
    WORDS_AUTO given = {0};
    words_split(&given, command, " \t");
    const bool followed = given.n > 0 && is_openssh(given.list[0]);
    for (size_t i = 0; i < given.n; i++) {
        if (!followed || strcmp(given.list[i], "-q") != 0)
            words_add(argv, given.list[i]);
        if (followed && i == 0)
            words_add(argv, level);
    }
    if (!followed)
        words_add(argv, level);
    argv->error = argv->error ?: given.error;
}

static void ssh_argv(const struct child_login *login, struct words *argv)
{
    static const char *const strict[] = {[CONNECT_STRICT_CONFIG] = NULL,
                                         [CONNECT_STRICT_YES] = "yes",
                                         [CONNECT_STRICT_ACCEPT_NEW] = "accept-new",
                                         [CONNECT_STRICT_NO] = "no"};
    const struct connect_options *o = login->options;
    add_program(argv, o->ssh_command ? o->ssh_command : "ssh");
    /* A connection for nothing else. */
    words_split(argv,
                "-x -a -T -oClearAllForwardings=yes -oControlMaster=no -oPermitLocalCommand=no "
                "-oRemoteCommand=none",
                " ");
    if (!login->shares)
        words_add(argv, "-oControlPath=none");
    if (o->known_hosts_file)
        add_known_hosts(argv, o->known_hosts_file);
    if (login->ciphers)
        words_addf(argv, "-oCiphers=%s", login->ciphers);
    if (login->kex)
        words_addf(argv, "-oKexAlgorithms=%s", login->kex);
    if (strict[o->strict])
        words_addf(argv, "-oStrictHostKeyChecking=%s", strict[o->strict]);
    if (!o->ssh_command)
        words_addf(argv, "-oCompression=%s", login->compress ? "yes" : "no");
    ssh_config_arguments(o, argv);
    /* Unless they are given: ssh takes the first. */
    words_add(argv, "-oTCPKeepAlive=yes");
    words_addf(argv, "-oConnectTimeout=%d", (o->timeout_ms + 999) / 1000);
    if (o->password_stdin)
        words_add(argv, "-oPreferredAuthentications=keyboard-interactive,password,publickey");
    add_remote(argv, login);
}

/* Ours, with what makes ssh ask us. */
static void ssh_env(const struct askpass *askpass, struct words *env)
{
    static const char *const ours[] = {"SSH_ASKPASS=", "SSH_ASKPASS_REQUIRE=", "VMXFS_ASKPASS="};
    for (char **e = environ; *e; e++) {
        bool replaced = false;
        for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
            replaced |= strncmp(*e, ours[i], strlen(ours[i])) == 0;
        if (!replaced)
            words_add(env, *e);
    }
    /* Also right when the program's file has been replaced since. */
    words_addf(env, "SSH_ASKPASS=/proc/%ld/exe", (long)getpid());
    words_add(env, "SSH_ASKPASS_REQUIRE=force");
    words_addf(env, "VMXFS_ASKPASS=%s", askpass->name);
}

static int start_ssh(const struct child_login *login, struct askpass *askpass,
                     struct transport **ret, struct diag *why)
{
    WORDS_AUTO argv = {0};
    WORDS_AUTO env = {0};
    const char *host = login->options->host;
    ssh_argv(login, &argv);
    /* Another program asks as it likes: sshpass, say, has a terminal of its own for its ssh. */
    const bool followed = argv.n > 0 && is_openssh(argv.list[0]);
    if (followed)
        ssh_env(askpass, &env);
    struct fd_transport *f = NULL;
    int r = env.error ? env.error : start(&argv, env.list, "openssh", host, &f);
    if (r < 0) {
        diag_set(why, "cannot run %s: %s%s", argv.error ? "ssh" : argv.list[0], strerror(-r),
                 r == -ENOENT ? "; install the OpenSSH client, or check ssh_command" : "");
        return r;
    }
    f->has_command = login->command != NULL;
    if (followed)
        r = child_login_wait(login, askpass, f, why);
    if (r < 0)
        transport_free(&f->base);
    else
        *ret = &f->base;
    return r;
}

int child_ssh(const struct child_login *login, struct transport **ret, struct diag *why)
{
    struct askpass askpass;
    int r = askpass_open(&askpass);
    if (r < 0) {
        diag_set(why, "cannot prepare for ssh's questions: %s", strerror(-r));
        return r;
    }
    r = start_ssh(login, &askpass, ret, why);
    askpass_close(&askpass);
    return r;
}

const char *child_find_server(void)
{
    static const char *const places[] = {
        "/usr/lib/openssh/sftp-server", "/usr/libexec/openssh/sftp-server",
        "/usr/lib/ssh/sftp-server",     "/usr/libexec/sftp-server",
        "/usr/libexec/ssh/sftp-server",
    };
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        if (access(places[i], X_OK) == 0)
            return places[i];
    }
    return NULL;
}

int child_local(const char *program, struct transport **ret, struct diag *why)
{
    if (!program)
        program = child_find_server();
    if (!program) {
        diag_set(why, "no sftp-server found: install OpenSSH's, or name one with -o sftp_server");
        return -ENOENT;
    }
    WORDS_AUTO argv = {0};
    words_add(&argv, program);
    struct fd_transport *f = NULL;
    int r = start(&argv, NULL, "local sftp-server", program, &f);
    if (r < 0)
        diag_set(why, "cannot run %s: %s", program, strerror(-r));
    else
        *ret = &f->base;
    return r;
}
