/* SPDX-License-Identifier: MIT */
#include "history/undo.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"

int history_add_name(const struct history_version *version, struct buf *ret)
{
    char time[32];
    struct tm tm;
    const time_t when = (time_t)version->time_s;
    if (!gmtime_r(&when, &tm) || strftime(time, sizeof(time), "%Y%m%dT%H%M%SZ", &tm) == 0)
        return -EINVAL;
    return buf_add_str(ret, time) ?: version->nth > 1 ? buf_addf(ret, "-%u", version->nth) : 0;
}

/* ---- the last change */

/* Whether each version was taken back by a later one that counts: one that was not itself. */
static void find_undone(const struct history_versions *versions, bool *undone)
{
    for (size_t i = versions->n; i-- > 0;) {
        const struct history_version *undo = &versions->list[i];
        size_t at = 0;
        if (!undo->undoes[0] || undone[i])
            continue;
        while (at < i && strcmp(versions->list[at].id, undo->undoes) != 0)
            at++;
        if (at < i && !undo->undoes_since)
            undone[at] = true;
        for (at++; undo->undoes_since && at < i; at++)
            undone[at] = true;
    }
}

static bool is_undoable(const struct history_version *v)
{
    return v->origin == HISTORY_VMXFS && !v->moved && !v->undoes[0];
}

int history_undo_last(const struct history_versions *versions, size_t n, struct history_undo *ret,
                      struct diag *why)
{
    FREE_AUTO bool *undone = calloc(versions->n + 1, sizeof(*undone));
    const struct history_version *list = versions->list;
    size_t i = n;
    if (!undone)
        return -ENOMEM;
    find_undone(versions, undone);
    while (i > 0 && !list[i - 1].gone && !(is_undoable(&list[i - 1]) && !undone[i - 1]))
        i--;
    if (i == 0 || list[i - 1].gone) {
        diag_set(why, "nothing is left that was changed through vmxfs and not taken back");
        return -ENOMSG;
    }
    if (i == 1 || list[i - 2].gone) {
        diag_set(why, "nothing is left to take back but that the file was made");
        return -ENOMSG;
    }
    *ret = (struct history_undo){.from = &list[i - 1], .to = &list[i - 2], .of = &list[i - 1]};
    return 0;
}

/* ---- to a time */

/* Up to n digits, all of which must be there. */
static bool take_number(struct span *rest, size_t n, int *ret)
{
    int value = 0;
    if (rest->n < n)
        return false;
    for (size_t i = 0; i < n; i++) {
        if (rest->p[i] < '0' || rest->p[i] > '9')
            return false;
        value = 10 * value + (rest->p[i] - '0');
    }
    *rest = span_from(*rest, n);
    *ret = value;
    return true;
}

static bool take_sign(struct span *rest, char sign)
{
    if (rest->n == 0 || rest->p[0] != sign)
        return false;
    *rest = span_from(*rest, 1);
    return true;
}

/* "-2": *ret_nth; 0 where nothing is said. */
static bool take_nth(struct span *rest, unsigned *ret_nth)
{
    unsigned nth = 0;
    if (take_sign(rest, '-') && (rest->n == 0 || rest->p[0] == '0'))
        return false;
    for (int digit; nth < 100000 && take_number(rest, 1, &digit);)
        nth = 10 * nth + (unsigned)digit;
    *ret_nth = nth;
    return rest->n == 0;
}

/* Either form: the signs of ISO 8601 may all be left out. */
bool history_parse_name(struct span name, int64_t *ret_time_s, unsigned *ret_nth)
{
    struct tm tm = {0};
    struct span rest = name;
    bool is = take_number(&rest, 4, &tm.tm_year);
    const bool signs = take_sign(&rest, '-');
    is = is && take_number(&rest, 2, &tm.tm_mon) && take_sign(&rest, '-') == signs &&
         take_number(&rest, 2, &tm.tm_mday) && take_sign(&rest, 'T') &&
         take_number(&rest, 2, &tm.tm_hour) && take_sign(&rest, ':') == signs &&
         take_number(&rest, 2, &tm.tm_min) && take_sign(&rest, ':') == signs &&
         take_number(&rest, 2, &tm.tm_sec) && take_sign(&rest, 'Z') && take_nth(&rest, ret_nth);
    tm.tm_year -= 1900;
    tm.tm_mon--;
    struct tm same = tm;
    if (is)
        *ret_time_s = timegm(&same);
    return is && same.tm_mon == tm.tm_mon && same.tm_mday == tm.tm_mday &&
           same.tm_hour == tm.tm_hour && same.tm_min == tm.tm_min && same.tm_sec == tm.tm_sec;
}

/* The text of that second; without one, what was there then: the last version that is not newer. */
static const struct history_version *version_at(const struct history_versions *versions,
                                                int64_t time_s, unsigned nth)
{
    const struct history_version *last = NULL;
    for (size_t i = 0; i < versions->n; i++) {
        const struct history_version *v = &versions->list[i];
        if (v->nth > 0 && v->time_s == time_s && v->nth == (nth ? nth : 1))
            return v;
        if (v->time_s <= time_s)
            last = v;
    }
    return nth > 1 || (last && last->gone) ? NULL : last;
}

/* What has a name that was free in between is another file, with or without a uuid.bios that tells
 * of it. */
static bool was_removed_since(const struct history_version *then, const struct history_version *now)
{
    bool removed = false;
    for (; then < now; then++)
        removed |= then->gone;
    return removed;
}

int history_undo_since(const struct history_versions *versions, struct span time,
                       struct history_undo *ret, struct diag *why)
{
    int64_t time_s;
    unsigned nth;
    if (!history_parse_name(time, &time_s, &nth))
        return diag_set(why, "write 1, or a time as in the names in history: 20261126T180225Z");
    const struct history_version *to = version_at(versions, time_s, nth);
    const struct history_version *now = versions->n > 0 ? &versions->list[versions->n - 1] : NULL;
    if (!to || now->gone) {
        diag_set(why, "no text of that time was recorded");
        return -ENOMSG;
    }
    if (was_removed_since(to, now)) {
        diag_set(why, "that was another VM then: its file has been removed since");
        return -EKEYREJECTED;
    }
    *ret = (struct history_undo){.from = now, .to = to, .of = to, .since = true};
    return 0;
}
