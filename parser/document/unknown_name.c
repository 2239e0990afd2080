/* SPDX-License-Identifier: MIT */
#include "unknown_name.h"

#include <stdint.h>
#include <stdlib.h>

#include "folded_name.h"
#include "known_names.h"
#include "parser/text/edit_distance.h"
#include "parser/text/text.h"

enum { LETTERS_MIN = 6, LETTERS_FOR_TWO = 12, EDITS_MAX = 2, FOLDED_MAX = 2 * KNOWN_NAME_MAX };

/* ---- what is known */

static int compare(const void *key, const void *item)
{
    const struct span *folded = key;
    const char *const *name = item;
    char known[KNOWN_NAME_MAX];
    const size_t n = name_fold(span_of(*name), known, sizeof(known));
    const size_t shorter = n < folded->n ? n : folded->n;
    int r = memcmp(folded->p, known, shorter);
    return r != 0 ? r : (folded->n > n) - (folded->n < n);
}

static bool is_listed(struct span folded)
{
    return bsearch(&folded, known_names, n_known_names, sizeof(*known_names), compare) != NULL;
}

/* Whether the name, or a family that it belongs to, is in the table. */
static bool is_known(struct span folded)
{
    char family[FOLDED_MAX + 1];
    for (size_t i = 0; i < folded.n; i++) {
        family[i] = folded.p[i];
        family[i + 1] = '*';
        if (folded.p[i] == '.' && is_listed((struct span){family, i + 2}))
            return true;
    }
    return is_listed(folded);
}

/* ---- what is near */

/* Where the part behind so many dots begins. SIZE_MAX: there are not so many. */
static size_t behind_dots(struct span name, size_t dots)
{
    size_t at = 0;
    for (; dots > 0 && at < name.n; at++)
        dots -= name.p[at] == '.';
    return dots == 0 ? at : SIZE_MAX;
}

static size_t count_dots(struct span name)
{
    size_t dots = 0;
    for (size_t i = 0; i < name.n; i++)
        dots += name.p[i] == '.';
    return dots;
}

static size_t edits_allowed(struct span folded)
{
    size_t letters = 0;
    for (size_t i = 0; i < folded.n; i++)
        letters += text_letter(folded.p[i]);
    return letters < LETTERS_MIN ? 0 : letters < LETTERS_FOR_TWO ? 1 : EDITS_MAX;
}

/* How many edits lead to the known name, or to that of a family ("guestinfo."); more than EDITS_MAX
 * where that is too far. */
static size_t edits_to(const char *name, struct span folded)
{
    char buffer[KNOWN_NAME_MAX];
    struct span known = {buffer, name_fold(span_of(name), buffer, sizeof(buffer))};
    if (known.p[known.n - 1] == '*') {
        known.n--;
        const size_t end = behind_dots(folded, count_dots(known));
        if (end == SIZE_MAX)
            return EDITS_MAX + 1;
        folded.n = end;
    }
    const size_t allowed = edits_allowed(known);
    const size_t edits = allowed > 0 ? edit_distance(folded, known, allowed) : 1;
    return edits > allowed ? EDITS_MAX + 1 : edits;
}

/* The nearest name; of several the first. NULL: none is near. */
static const char *find_near(struct span folded)
{
    const char *near = NULL;
    size_t least = EDITS_MAX + 1;
    for (size_t i = 0; i < n_known_names && least > 1; i++) {
        const size_t edits = edits_to(known_names[i], folded);
        if (edits < least) {
            least = edits;
            near = known_names[i];
        }
    }
    return near;
}

/* ---- what is said */

/* Takes the next number of a key off the front, with all before it. Empty: there is none. */
static struct span take_number(struct span *key)
{
    for (size_t at = 0; at < key->n; at++) {
        const size_t n = name_number_length(*key, at);
        if (n > 0) {
            const struct span number = {key->p + at, n};
            *key = span_from(*key, at + n);
            return number;
        }
    }
    *key = span_from(*key, key->n);
    return (struct span){0};
}

/* Adds a known name with the key's own numbers, and what the key has behind a family's name. */
static int add_name(const char *name, struct span key, struct buf *ret)
{
    struct span known = span_of(name);
    const bool family = known.p[known.n - 1] == '*';
    const struct span rest =
        family ? span_from(key, behind_dots(key, count_dots(known))) : (struct span){0};
    int r = 0;
    known.n -= family ? 1 : 0;
    for (size_t at = 0; r == 0 && at < known.n;) {
        const size_t n = name_number_length(known, at);
        const struct span own = n > 0 ? take_number(&key) : (struct span){0};
        if (own.n > 0)
            r = buf_add(ret, own);
        else
            r = buf_add(ret, known.p[at] == '#' ? SPAN_LITERAL("N")
                                                : (struct span){known.p + at, n > 0 ? n : 1});
        at += n > 0 ? n : 1;
    }
    return r ?: buf_add(ret, rest);
}

struct folded_key {
    char bytes[FOLDED_MAX];
    struct span text; /* empty: the key is too long to be near to anything */
};

static void fold(struct span key, struct folded_key *ret)
{
    ret->text = (struct span){ret->bytes, name_fold(key, ret->bytes, sizeof(ret->bytes))};
}

static int add_slip(struct span key, struct span folded, struct buf *ret)
{
    const char *near = find_near(folded);
    BUF_AUTO said = {0};
    if (!near)
        return 0;
    return buf_add_str(&said, "no setting of VMware's is known by this name; was ")
        ?: add_name(near, key, &said)
        ?: buf_add_str(&said, " meant?")
        ?: buf_add(ret, buf_span(&said));
}

int vmx_name_add_slip(struct span key, struct buf *ret)
{
    struct folded_key folded;
    fold(key, &folded);
    return folded.text.n == 0 || is_known(folded.text) ? 0 : add_slip(key, folded.text, ret);
}

int vmx_slips_each(const struct vmx_dict *dict, const struct vmx_dict *before,
                   int (*tell)(void *ctx, struct span key, const char *said), void *ctx)
{
    size_t unknown = 0;
    size_t told = 0;
    int r = 0;
    for (size_t i = 0; r == 0 && i < vmx_dict_keys(dict); i++) {
        const struct span key = vmx_dict_name(dict, vmx_dict_key_extent(dict, i));
        BUF_AUTO said = {0};
        struct folded_key folded;
        if (before && vmx_dict_find(before, key) != SIZE_MAX)
            continue;
        fold(key, &folded);
        if (folded.text.n == 0 || is_known(folded.text))
            continue;
        if (told == VMX_SLIPS_MAX || unknown++ == VMX_UNKNOWN_MAX)
            break;
        r = add_slip(key, folded.text, &said);
        if (r == 0 && said.len > 0) {
            told++;
            r = tell(ctx, key, said.data);
        }
    }
    return r;
}
