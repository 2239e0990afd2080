/* SPDX-License-Identifier: MIT */
/* Rules about any .vmx, whatever it is for. */
#include <errno.h>
#include <stdlib.h>

#include "check_private.h"
#include "command.h"
#include "parser/document/names.h"
#include "parser/document/unknown_name.h"
#include "parser/document/value.h"
#include "parser/text/encoding.h"
#include "parser/text/text.h"

/* The line that an extent is, from 1. A byte order mark is none. */
static size_t line_number(const struct vmx_dict *dict, size_t extent)
{
    return vmx_dict_extent(dict, 0)->line.kind == VMX_LINE_BOM ? extent : extent + 1;
}

/* "3, 9, 12 and 7 more" */
struct numbers {
    struct buf text;
    size_t n;
};

static int add_number(struct numbers *numbers, size_t number)
{
    if (numbers->n++ >= CHECK_SHOWN_MAX)
        return 0;
    return buf_addf(&numbers->text, "%s%zu", numbers->n > 1 ? ", " : "", number);
}

static int end_numbers(struct numbers *numbers)
{
    if (numbers->n <= CHECK_SHOWN_MAX)
        return 0;
    return buf_addf(&numbers->text, " and %zu more", numbers->n - CHECK_SHOWN_MAX);
}

/* Reports those lines, or that there are none. */
static int report_lines(struct check *c, struct numbers *lines, enum vmx_severity bad,
                        const char *rule, const char *what, const char *none)
{
    if (lines->n == 0)
        return check_add(c, VMX_PASS, rule, NULL, "%s", none);
    return end_numbers(lines)
               ?: check_add(c, bad, rule, NULL, "%s: line %s", what, lines->text.data);
}

static int malformed_lines(struct check *c)
{
    struct numbers lines = {0};
    int r = 0;
    for (size_t i = 0; r == 0 && i < vmx_dict_extents(c->dict); i++) {
        if (vmx_dict_extent(c->dict, i)->line.kind == VMX_LINE_MALFORMED)
            r = add_number(&lines, line_number(c->dict, i));
    }
    r = r
            ?: report_lines(c, &lines, VMX_FAIL, "malformed-lines", "cannot be read",
                            "all lines can be read");
    buf_done(&lines.text);
    return r;
}

static int duplicate_key(struct check *c, size_t extent)
{
    struct span name = vmx_dict_name(c->dict, extent);
    struct numbers lines = {0};
    BUF_AUTO value = {0};
    BUF_AUTO command = {0};
    int r = vmx_dict_value(c->dict, extent, &value)
                ?: command_set(c->dict, c->dir, name, buf_span(&value), &command);
    for (size_t i = 0; r == 0 && i <= extent; i++) {
        if (vmx_dict_extent(c->dict, i)->line.kind == VMX_LINE_ENTRY &&
            span_eq_fold(vmx_dict_name(c->dict, i), name))
            r = add_number(&lines, line_number(c->dict, i));
    }
    r = r
        ?: end_numbers(&lines)
        ?: check_add(c, VMX_FAIL, "duplicate-keys", &command,
                   SPAN_FORMAT " occurs %zu times: lines %s", SPAN_SHOWN(name), lines.n,
                   lines.text.data);
    buf_done(&lines.text);
    return r;
}

static int duplicate_keys(struct check *c)
{
    size_t extents = vmx_dict_extents(c->dict);
    size_t shown = 0;
    int r = 0;
    if (vmx_dict_duplicates(c->dict) == 0)
        return check_add(c, VMX_PASS, "duplicate-keys", NULL, "each key occurs once");
    bool *repeated = calloc(extents, sizeof(*repeated));
    if (!repeated)
        return -ENOMEM;
    for (size_t i = 0; i < extents; i++) {
        if (vmx_dict_extent(c->dict, i)->line.kind != VMX_LINE_ENTRY)
            continue;
        size_t last = vmx_dict_find(c->dict, vmx_dict_name(c->dict, i));
        if (last != i && last < extents)
            repeated[last] = true;
    }
    for (size_t i = 0; r == 0 && shown < CHECK_SHOWN_MAX && i < extents; i++) {
        if (repeated[i]) {
            r = duplicate_key(c, i);
            shown++;
        }
    }
    free(repeated);
    return r;
}

static int long_names(struct check *c)
{
    struct numbers lines = {0};
    int r = 0;
    for (size_t i = 0; r == 0 && i < vmx_dict_keys(c->dict); i++) {
        size_t extent = vmx_dict_key_extent(c->dict, i);
        BUF_AUTO name = {0};
        r = vmx_name_from_key(vmx_dict_charset(c->dict), vmx_dict_name(c->dict, extent), &name);
        if (r == -ENAMETOOLONG)
            r = add_number(&lines, line_number(c->dict, extent));
    }
    r = r
            ?: report_lines(c, &lines, VMX_WARN, "long-names",
                            "too long for a file name, see .vmxfs/raw",
                            "every key can be shown as a file");
    buf_done(&lines.text);
    return r;
}

static int encoding(struct check *c)
{
    BUF_AUTO name = {0};
    const char *charset = vmx_dict_charset(c->dict);
    if (charset)
        return check_add(c, VMX_PASS, "encoding", NULL, "%s", charset);
    return check_get(c, ".encoding", &name)
               ?: check_add(c, VMX_WARN, "encoding", NULL,
                            "the character set \"%s\" is unknown: values are shown as raw bytes",
                            name.data);
}

static int encrypted(struct check *c)
{
    bool is = vmx_dict_encrypted(c->dict);
    return check_add(c, is ? VMX_WARN : VMX_PASS, "encrypted", NULL,
                     is ? "the VM is encrypted: vmxfs only reads it" : "the VM is not encrypted");
}

static int setting_values(struct check *c)
{
    size_t wrong = 0;
    int r = 0;
    for (size_t i = 0; r == 0 && wrong < CHECK_SHOWN_MAX && i < vmx_dict_keys(c->dict); i++) {
        size_t extent = vmx_dict_key_extent(c->dict, i);
        struct diag diag = {0};
        BUF_AUTO value = {0};
        r = vmx_dict_value(c->dict, extent, &value);
        if (r == 0 &&
            vmx_value_check(vmx_dict_name(c->dict, extent), buf_span(&value), &diag) != 0) {
            r = check_add(c, VMX_WARN, "setting-values", NULL, "%s", diag.text);
            wrong++;
        }
    }
    if (r == 0 && wrong == 0)
        r = check_add(c, VMX_PASS, "setting-values", NULL, "values have the right types");
    return r;
}

/* VMware's own reader takes them, but somebody was told that such a VM is invalid. */
static int unquoted_value(struct check *c, size_t extent)
{
    struct span name = vmx_dict_name(c->dict, extent);
    BUF_AUTO value = {0};
    BUF_AUTO command = {0};
    return vmx_dict_value(c->dict, extent, &value)
        ?: command_set(c->dict, c->dir, name, buf_span(&value), &command)
        ?: check_add(c, VMX_WARN, "unquoted-values", &command,
                   "the value of " SPAN_FORMAT " has no quotes: line %zu", SPAN_SHOWN(name),
                   line_number(c->dict, extent));
}

static int unquoted_values(struct check *c)
{
    size_t found = 0;
    int r = 0;
    for (size_t i = 0; r == 0 && found < CHECK_SHOWN_MAX && i < vmx_dict_keys(c->dict); i++) {
        size_t extent = vmx_dict_key_extent(c->dict, i);
        if (vmx_dict_extent(c->dict, extent)->line.quoted)
            continue;
        r = unquoted_value(c, extent);
        found++;
    }
    if (r == 0 && found == 0)
        r = check_add(c, VMX_PASS, "unquoted-values", NULL, "all values have quotes");
    return r;
}

/* VMware's own code passes it over; a host was seen to refuse the file. */
static int byte_order_mark(struct check *c)
{
    if (vmx_dict_extents(c->dict) == 0 || vmx_dict_extent(c->dict, 0)->line.kind != VMX_LINE_BOM)
        return 0;
    return check_add(c, VMX_WARN, "byte-order-mark", NULL,
                     "the file begins with a byte order mark, and may be refused for that: save it "
                     "without one");
}

/* Where the image is there, the VM is suspended, and nothing is wrong. */
static int suspend_image(struct check *c)
{
    static const char key[] = "checkpoint.vmState";
    BUF_AUTO image = {0};
    BUF_AUTO command = {0};
    if (!c->around->image_gone)
        return 0;
    return check_get(c, key, &image)
        ?: command_set(c->dict, c->dir, span_of(key), (struct span){0}, &command)
        ?: check_add(c, VMX_WARN, "suspend-image", &command,
                   "%s names \"%s\", which is not there: the VM is not suspended any more",
                   key, image.data);
}

/* Written anew, the line replaces what is there now. */
static int pending_line(struct check *c, const struct vmx_next_line *line)
{
    BUF_AUTO text = {0};
    BUF_AUTO command = {0};
    return vmx_next_add_text(line, &text)
        ?: command_echo(c->dir, SPAN_LITERAL(".vmxfs/next"), buf_span(&text), &command)
        ?: check_add(c, VMX_WARN, "pending", &command,
                   SPAN_FORMAT " waits since %s for the VM to be off, and is not set then: "
                   "it was changed since",
                   SPAN_SHOWN(buf_span(&line->key)), line->when.data);
}

static int pending(struct check *c)
{
    const struct vmx_next *next = c->around->next;
    size_t shown = 0;
    int r = 0;
    for (size_t i = 0; r == 0 && next && i < next->n && shown < CHECK_SHOWN_MAX; i++) {
        enum vmx_next_state state;
        r = vmx_next_state(next, i, c->dict, &state);
        if (r == 0 && state == VMX_NEXT_CHANGED) {
            r = pending_line(c, &next->lines[i]);
            shown++;
        }
    }
    return r;
}

static int unknown_setting(void *ctx, struct span key, const char *said)
{
    struct check *c = ctx;
    return check_add(c, VMX_NOTE, "unknown-setting", NULL, SPAN_FORMAT ": %s", SPAN_SHOWN(key),
                     said);
}

static int unknown_settings(struct check *c)
{
    return vmx_slips_each(c->dict, NULL, unknown_setting, c);
}

int check_file(struct check *check)
{
    return malformed_lines(check)
        ?: duplicate_keys(check)
        ?: long_names(check)
        ?: encoding(check)
        ?: encrypted(check)
        ?: setting_values(check)
        ?: unquoted_values(check)
        ?: byte_order_mark(check)
        ?: suspend_image(check)
        ?: pending(check)
        ?: unknown_settings(check);
}
