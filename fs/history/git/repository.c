/* SPDX-License-Identifier: MIT */
#include "repository.h"

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/path.h"
#include "parser/text/buf.h"

/* In the configuration of each repository that vmxfs may write to. */
#define MARK "vmxfs.history"

#define NEW_PREFIX ".git.new." /* of a .git that is being made, or never was made whole */

/* vmxfs is the library's only user in this process, so what is set here holds for all. The
 * configuration of the user and of the system is not read: it could only make this repository
 * differ from what vmxfs has made, or keep it from being opened. What git writes is on the disk
 * before it counts (../spool/last.h). */
static void set_up_library(void)
{
    static const int levels[] = {GIT_CONFIG_LEVEL_PROGRAMDATA, GIT_CONFIG_LEVEL_SYSTEM,
                                 GIT_CONFIG_LEVEL_XDG, GIT_CONFIG_LEVEL_GLOBAL};
    git_libgit2_init();
    for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++)
        git_libgit2_opts(GIT_OPT_SET_SEARCH_PATH, levels[i], "");
}

static void begin_library(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, set_up_library);
}

int repository_error(int error, const char *doing, struct diag *why)
{
    const git_error *last = error < 0 ? git_error_last() : NULL;
    if (error >= 0)
        return 0;
    diag_set(why, "%s: %s", doing, last && last->message ? last->message : "git failed");
    switch (error) {
    case GIT_ENOTFOUND:
        return -ENOENT;
    case GIT_EOWNER:
        return -EACCES;
    default:
        return last && last->klass == GIT_ERROR_NOMEMORY ? -ENOMEM : -EIO;
    }
}

static int system_error(const char *path, struct diag *why)
{
    const int error = errno;
    diag_set(why, "%s: %s", path, strerror(error));
    return -error;
}

/* With its parents. */
static int make_folder(const char *dir, bool *ret_made, struct diag *why)
{
    FREE_AUTO char *path = strdup(dir);
    if (!path)
        return -ENOMEM;
    for (size_t n = strlen(path); n > 1 && path[n - 1] == '/'; n--)
        path[n - 1] = '\0';
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(path, 0700) < 0 && errno != EEXIST)
            return system_error(path, why);
        *slash = '/';
    }
    if (mkdir(path, 0700) == 0) {
        *ret_made = true;
        return 0;
    }
    struct stat st;
    if (stat(dir, &st) < 0)
        return system_error(dir, why);
    if (S_ISDIR(st.st_mode))
        return 0;
    diag_set(why, "%s is no folder", dir);
    return -ENOTDIR;
}

static bool is_new(const char *name)
{
    return strncmp(name, NEW_PREFIX, strlen(NEW_PREFIX)) == 0;
}

/* -ENOTEMPTY: it holds files that are not of a history. */
static int check_empty(const char *dir, struct diag *why)
{
    DIR *d = opendir(dir);
    if (!d)
        return system_error(dir, why);
    int r = 0;
    for (const struct dirent *e = readdir(d); e && r == 0; e = readdir(d)) {
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0 && !is_new(e->d_name))
            r = -ENOTEMPTY;
    }
    closedir(d);
    if (r < 0)
        diag_set(why, "%s holds other files than those of a history, so it is not used", dir);
    return r;
}

static int configure(git_repository *repository)
{
    git_config *config = NULL;
    int error = git_repository_config(&config, repository);
    if (error == 0)
        error = git_config_set_string(config, "core.autocrlf", "false");
    if (error == 0)
        error = git_config_set_string(config, "core.logAllRefUpdates", "always");
    if (error == 0) /* libgit2 reads no index that is split, or that has no checksum */
        error = git_config_set_bool(config, "core.splitIndex", 0);
    if (error == 0)
        error = git_config_set_bool(config, "index.skipHash", 0);
    if (error == 0)
        error = git_config_set_int32(config, MARK, 1);
    if (error == 0) /* it has no work tree only until it gets its name */
        error = git_config_set_bool(config, "core.bare", 0);
    git_config_free(config);
    return error;
}

/* Of each file the bytes are kept as they are, whatever the user has configured. */
static int write_attributes(const char *git_dir)
{
    FREE_AUTO char *info = NULL;
    FREE_AUTO char *path = NULL;
    if (asprintf(&info, "%s/info", git_dir) < 0 || asprintf(&path, "%s/attributes", info) < 0)
        return -ENOMEM;
    if (mkdir(info, 0777) < 0 && errno != EEXIST)
        return -errno;
    FILE *f = fopen(path, "we");
    if (!f)
        return -errno;
    const bool wrote = fputs("* -text\n", f) >= 0;
    return fclose(f) == 0 && wrote ? 0 : -EIO;
}

static void remove_below(const char *path)
{
    DIR *d = opendir(path);
    for (const struct dirent *e = d ? readdir(d) : NULL; e; e = readdir(d)) {
        FREE_AUTO char *below = path_join(path, e->d_name);
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0 && below &&
            unlink(below) < 0)
            remove_below(below);
    }
    if (d)
        closedir(d);
    rmdir(path);
}

/* Once there is a .git, nobody needs what was begun of another one. */
static void sweep(const char *dir)
{
    DIR *d = opendir(dir);
    for (const struct dirent *e = d ? readdir(d) : NULL; e; e = readdir(d)) {
        FREE_AUTO char *path = is_new(e->d_name) ? path_join(dir, e->d_name) : NULL;
        if (path && unlink(path) < 0)
            remove_below(path);
    }
    if (d)
        closedir(d);
}

static int make_in(const char *git_dir, const char *branch, struct diag *why)
{
    REPOSITORY_AUTO *made = NULL;
    git_repository_init_options options;
    int error = git_repository_init_options_init(&options, GIT_REPOSITORY_INIT_OPTIONS_VERSION);
    options.flags = GIT_REPOSITORY_INIT_BARE | GIT_REPOSITORY_INIT_MKDIR;
    options.initial_head = branch;
    if (error == 0)
        error = git_repository_init_ext(&made, git_dir, &options);
    if (error == 0)
        error = configure(made);
    int r = repository_error(error, "making the repository", why);
    return r ?: write_attributes(git_dir);
}

/* It is made under another name, and gets its own whole. */
static int make_git(const char *dir, const char *git, const char *branch, struct diag *why)
{
    FREE_AUTO char *new = NULL;
    struct stat st;
    if (asprintf(&new, "%s/" NEW_PREFIX "XXXXXX", dir) < 0)
        return -ENOMEM;
    if (!mkdtemp(new))
        return system_error(dir, why);
    int r = make_in(new, branch, why);
    if (r == 0 && rename(new, git) < 0 && errno != EEXIST && errno != ENOTEMPTY)
        r = system_error(git, why);
    remove_below(new); /* not there any more, or not needed */
    /* Another process was faster, and may have swept away what this one had begun. */
    return lstat(git, &st) == 0 ? 0 : r;
}

/* The key of the secrets lies beside the folder, and must not be in a work tree, which would take
 * it along (../secret_key.h). */
static int check_work_tree(git_repository *repository, const char *dir, struct diag *why)
{
    FREE_AUTO char *real = realpath(dir, NULL);
    FREE_AUTO char *work = real ? realpath(git_repository_workdir(repository), NULL) : NULL;
    if (!work)
        return system_error(dir, why);
    if (strcmp(work, real) == 0 && strcmp(real, "/") != 0)
        return 0;
    diag_set(why, "%s is no work tree of its own, so it is not used", dir);
    return -ENOTEMPTY;
}

int repository_make(const char *dir, const char *branch, bool *ret_made, struct diag *why)
{
    FREE_AUTO char *git = path_join(dir, ".git");
    struct stat st;
    bool made = false;
    if (!git)
        return -ENOMEM;
    begin_library();
    int r = make_folder(dir, &made, why);
    if (r == 0 && lstat(git, &st) < 0)
        r = check_empty(dir, why) ?: make_git(dir, git, branch, why);
    if (r == 0) {
        REPOSITORY_AUTO *repository = NULL;
        r = repository_open(dir, &repository, why) ?: check_work_tree(repository, dir, why);
    }
    if (r < 0)
        return r;
    sweep(dir);
    *ret_made = made;
    return 0;
}

static int check_mark(git_repository *repository, const char *dir, struct diag *why)
{
    git_config *config = NULL;
    int32_t mark = 0;
    int error = git_repository_config_snapshot(&config, repository);
    if (error == 0)
        error = git_config_get_int32(&mark, config, MARK);
    git_config_free(config);
    if (error < 0 && error != GIT_ENOTFOUND)
        return repository_error(error, dir, why);
    if (mark == 1)
        return 0;
    diag_set(why,
             "%s is a git repository that vmxfs has not made, so it is not used; "
             "\"git config " MARK " 1\" there allows it",
             dir);
    return -ENOTEMPTY;
}

int repository_open(const char *dir, git_repository **ret, struct diag *why)
{
    REPOSITORY_AUTO *repository = NULL;
    begin_library();
    int r = repository_error(
        git_repository_open_ext(&repository, dir, GIT_REPOSITORY_OPEN_NO_SEARCH, NULL), dir, why);
    if (r == 0 && !git_repository_workdir(repository)) {
        diag_set(why, "%s has no work tree", dir);
        r = -ENOTEMPTY;
    }
    r = r ?: check_mark(repository, dir, why);
    if (r == 0)
        *ret = steal(repository);
    return r;
}

void repository_close(git_repository **repository)
{
    git_repository_free(*repository);
}
