/* SPDX-License-Identifier: MIT */
#include "message.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "../names.h"
#include "base/clock.h"
#include "parser/text/columns.h"
#include "parser/text/safe_text.h"
#include "parser/text/text.h"

/* ---- the commit */

/* Git's own form of a person gives "<", ">" and newlines a meaning, and does not bear an empty
 * name. */
static int add_clean(struct buf *ret, const char *text)
{
    const size_t from = ret->len;
    int r = safe_text_add(ret, text_trim(span_of(text)));
    for (size_t i = from; r == 0 && i < ret->len; i++) {
        if (ret->data[i] == '<' || ret->data[i] == '>')
            ret->data[i] = '?';
    }
    return r ?: ret->len > from ? 0 : buf_add_str(ret, "unknown");
}

static int add_person(struct buf *ret, const char *role, const struct message_person *person,
                      int64_t time_s)
{
    const time_t at = (time_t)time_s;
    struct tm tm = {0};
    const long minutes = localtime_r(&at, &tm) ? tm.tm_gmtoff / 60 : 0;
    return buf_addf(ret, "%s ", role)
        ?: add_clean(ret, person->name)
        ?: buf_add_str(ret, " <")
        ?: add_clean(ret, person->mail)
        ?: buf_addf(ret, "> %lld %c%02ld%02ld\n", (long long)(time_s > 0 ? time_s : 0),
                    minutes < 0 ? '-' : '+', labs(minutes) / 60, labs(minutes) % 60);
}

static int add_trailer(struct buf *ret, const char *name, const char *value)
{
    if (!value || value[0] == '\0')
        return 0;
    return buf_addf(ret, "%s: ", name)
        ?: safe_text_add(ret, text_trim(span_of(value)))
        ?: buf_add_char(ret, '\n');
}

int message_commit(const struct message *message, const git_oid *tree, const git_oid *parent,
                   const struct message_person *committer, struct buf *ret)
{
    char id[GIT_OID_HEXSZ + 1];
    int r = buf_addf(ret, "tree %s\n", git_oid_tostr(id, sizeof(id), tree));
    if (r == 0 && parent)
        r = buf_addf(ret, "parent %s\n", git_oid_tostr(id, sizeof(id), parent));
    return r
        ?: add_person(ret, "author", &message->author, message->time_s)
        ?: add_person(ret, "committer", committer, clock_wall_s())
        ?: buf_add_char(ret, '\n')
        ?: safe_text_add(ret, span_of(message->subject))
        ?: buf_add_str(ret, "\n\n")
        ?: add_trailer(ret, "Program", message->program)
        ?: add_trailer(ret, "Mount", message->mount)
        ?: add_trailer(ret, "By", message->by)
        ?: add_trailer(ret, message->undoes_since ? "Undoes-Since" : "Undoes", message->undoes);
}

/* ---- the subject */

static int add_vm(const char *file, struct buf *ret)
{
    const char *slash = strrchr(file, '/');
    struct span name = span_of(slash ? slash + 1 : file);
    if (name.n > 4 && span_eq_fold(span_from(name, name.n - 4), SPAN_LITERAL(".vmx")))
        name.n -= 4;
    return names_decode(ret, name);
}

static int add_clean_vm(const char *file, struct buf *ret)
{
    BUF_AUTO vm = {0};
    return add_vm(file, &vm) ?: columns_add_clean(ret, buf_span(&vm));
}

/* The folder and the name. */
static int add_clean_path(const char *file, struct buf *ret)
{
    BUF_AUTO path = {0};
    const char *tail = strrchr(file, '/');
    while (tail && tail > file && tail[-1] != '/')
        tail--;
    return names_decode(&path, span_of(tail ? tail : file))
               ?: columns_add_clean(ret, buf_span(&path));
}

int message_subject(const char *file, const char *what, struct buf *ret)
{
    BUF_AUTO vm = {0};
    const size_t room = VMX_SUBJECT_COLUMNS - (sizeof(": ") - 1) - strlen(what);
    return add_clean_vm(file, &vm)
        ?: columns_add_cut(ret, buf_span(&vm), room)
        ?: buf_addf(ret, ": %s", what);
}

/* The longer one of the names loses columns. */
int message_renamed(const char *from, const char *file, struct buf *ret)
{
    static const char renamed[] = ": renamed from ";
    BUF_AUTO vm = {0};
    BUF_AUTO old = {0};
    const int r = add_clean_vm(file, &vm) ?: add_clean_path(from, &old);
    if (r < 0)
        return r;
    size_t vm_room = columns_of(buf_span(&vm));
    size_t old_room = columns_of(buf_span(&old));
    while (vm_room + old_room > VMX_SUBJECT_COLUMNS - (sizeof(renamed) - 1))
        vm_room > old_room ? vm_room-- : old_room--;
    return columns_add_cut(ret, buf_span(&vm), vm_room)
        ?: buf_add_str(ret, renamed)
        ?: columns_add_cut(ret, buf_span(&old), old_room);
}

int message_changed(const char *file, struct span before, struct span after, struct buf *ret,
                    bool *ret_by_host)
{
    struct vmx_changes changes;
    BUF_AUTO vm = {0};
    int r = add_vm(file, &vm);
    if (r < 0)
        return r;
    r = vmx_changes_between(before, after, &changes);
    if (r < 0 && r != -ENOMEM) /* one of them is no .vmx, or a broken one */
        return message_subject(file, "text changed", ret);
    if (r < 0)
        return r;
    *ret_by_host = vmx_changes_are_by_host(&changes);
    r = changes.n > 0 ? vmx_changes_subject(&changes, buf_span(&vm), ret)
                      : message_subject(file, "text changed", ret);
    vmx_changes_done(&changes);
    return r;
}
