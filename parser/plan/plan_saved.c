/* SPDX-License-Identifier: MIT */
/*
 * vmxfs.saved.KEY = "WAS SET". SET is what the profile made of KEY, so that it can be told later
 * whether somebody has changed it since, even where the profile is unknown. WAS is one word:
 *
 *     -        KEY was not there
 *     =VALUE   it was there in VMware's own form, with this value
 *     ~RAW     any other form: these bytes stood behind the "=" (quotes included, if any)
 *
 * In VALUE and RAW "%" and space, in RAW also bytes above 7E, are written %XX.
 */
#include "plan_saved.h"

#include <errno.h>

#include "parser/profile/profile_private.h"
#include "parser/text/encoding.h"
#include "parser/text/text.h"
#include "plan.h"

#define PLAN_SAVED "vmxfs.saved."

void plan_saved_done(struct plan_saved *saved)
{
    buf_done(&saved->was);
    buf_done(&saved->set);
}

static int decode_was(struct span word, struct buf *ret)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < word.n; i++) {
        char c = word.p[i];
        if (c == '%') {
            if (word.n - i < 3 || text_digit(word.p[i + 1]) > 15 || text_digit(word.p[i + 2]) > 15)
                return -EINVAL;
            c = (char)(text_digit(word.p[i + 1]) << 4 | text_digit(word.p[i + 2]));
            i += 2;
        }
        r = buf_add_char(ret, c);
    }
    return r;
}

static int decode(struct span text, struct plan_saved *saved)
{
    size_t space = text_find(text, ' ');
    struct span word = span_head(text, space);
    if (space == text.n || word.n == 0)
        return -EINVAL;
    saved->absent = span_eq(word, SPAN_LITERAL("-"));
    saved->raw = word.p[0] == '~';
    if (!saved->absent && !saved->raw && word.p[0] != '=')
        return -EINVAL;
    return decode_was(span_from(word, 1), &saved->was)
               ?: buf_add(&saved->set, span_from(text, space + 1));
}

static bool key_of(const struct vmx_dict *dict, size_t extent, struct span *ret)
{
    struct span prefix = SPAN_LITERAL(PLAN_SAVED);
    struct span name = vmx_dict_name(dict, extent);
    if (name.n == prefix.n || !span_starts_with_fold(name, prefix))
        return false;
    *ret = span_from(name, prefix.n);
    return true;
}

bool plan_saved_key(const struct vmx_dict *dict, size_t nth, struct span *ret)
{
    return key_of(dict, vmx_dict_key_extent(dict, nth), ret);
}

static int read_extent(const struct vmx_dict *dict, size_t extent, struct plan_saved *saved)
{
    BUF_AUTO text = {0};
    if (!key_of(dict, extent, &saved->key))
        return -ENOENT;
    return vmx_dict_value(dict, extent, &text) ?: decode(buf_span(&text), saved);
}

int plan_saved_nth(const struct vmx_dict *dict, size_t nth, struct plan_saved *saved)
{
    return read_extent(dict, vmx_dict_key_extent(dict, nth), saved);
}

static int name_of(struct span key, struct buf *ret)
{
    return buf_add_str(ret, PLAN_SAVED) ?: buf_add(ret, key);
}

int plan_saved_find(const struct vmx_dict *dict, struct span key, struct plan_saved *saved)
{
    BUF_AUTO name = {0};
    int r = name_of(key, &name);
    if (r != 0)
        return r;
    size_t extent = vmx_dict_find(dict, buf_span(&name));
    return extent == SIZE_MAX ? -ENOENT : read_extent(dict, extent, saved);
}

bool plan_saved_any(const struct vmx_dict *dict)
{
    struct span key;
    for (size_t i = 0; i < vmx_dict_keys(dict); i++) {
        if (plan_saved_key(dict, i, &key))
            return true;
    }
    return false;
}

static int encode_word(struct span text, bool raw, struct buf *ret)
{
    int r = buf_add_char(ret, raw ? '~' : '=');
    for (size_t i = 0; r == 0 && i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];
        if (c == '%' || c == ' ' || (raw && c > 0x7e))
            r = buf_addf(ret, "%%%02X", c);
        else
            r = buf_add_char(ret, (char)c);
    }
    return r;
}

/* True when writing the value anew gives the bytes that are there. */
static int is_canonical(const struct vmx_dict *dict, size_t extent, struct span value, bool *ret)
{
    BUF_AUTO bytes = {0};
    BUF_AUTO escaped = {0};
    *ret = false;
    if (!vmx_dict_extent(dict, extent)->line.quoted)
        return 0;
    int r =
        vmx_encode(vmx_dict_charset(dict), value, &bytes) ?: vmx_escape(buf_span(&bytes), &escaped);
    if (r == 0)
        *ret = span_eq(buf_span(&escaped), vmx_dict_raw_value(dict, extent));
    return r == -EILSEQ ? 0 : r;
}

static int encode_extent(const struct vmx_dict *dict, size_t extent, struct buf *ret)
{
    const struct vmx_extent *e = vmx_dict_extent(dict, extent);
    struct span token = vmx_line_token(vmx_dict_text(dict).p + e->at, &e->line);
    BUF_AUTO value = {0};
    bool canonical = false;
    return vmx_dict_value(dict, extent, &value)
        ?: is_canonical(dict, extent, buf_span(&value), &canonical)
        ?: encode_word(canonical ? buf_span(&value) : token, !canonical, ret);
}

static int put(struct span key, struct span word, struct span set, struct vmx_edits *edits)
{
    BUF_AUTO name = {0};
    BUF_AUTO text = {0};
    return name_of(key, &name)
        ?: buf_add(&text, word)
        ?: buf_add_char(&text, ' ')
        ?: buf_add(&text, set)
        ?: vmx_edits_set(edits, buf_span(&name), buf_span(&text));
}

int plan_saved_add(const struct vmx_dict *dict, struct span key, struct span set,
                   struct vmx_edits *edits)
{
    size_t extent = vmx_dict_find(dict, key);
    BUF_AUTO word = {0};
    int r = extent == SIZE_MAX ? buf_add_char(&word, '-') : encode_extent(dict, extent, &word);
    return r ?: put(key, buf_span(&word), set, edits);
}

int plan_saved_update(const struct plan_saved *saved, struct span set, struct vmx_edits *edits)
{
    BUF_AUTO word = {0};
    int r = saved->absent ? buf_add_char(&word, '-')
                          : encode_word(buf_span(&saved->was), saved->raw, &word);
    return r ?: put(saved->key, buf_span(&word), set, edits);
}

int plan_saved_forget(struct span key, struct vmx_edits *edits)
{
    BUF_AUTO name = {0};
    return name_of(key, &name) ?: vmx_edits_remove(edits, buf_span(&name));
}
