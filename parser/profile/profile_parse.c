/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>

#include "parser/device/pci.h"
#include "parser/document/value.h"
#include "parser/text/encoding.h"
#include "parser/text/list.h"
#include "parser/text/text.h"
#include "profile_private.h"

struct reader {
    struct vmx_profile *profile;
    struct diag *diag;
    struct profile_conditions *conditions; /* that follow; NULL: settings do */
    size_t when;                           /* of the settings that follow */
    size_t line;
};

static int fail(const struct reader *reader, size_t at, const char *why)
{
    return diag_set_at(reader->diag, reader->line, at + 1, "%s", why);
}

/* ---- settings ---- */

static bool is_plain(struct span key)
{
    for (size_t i = 0; i < key.n; i++) {
        if (key.p[i] <= ' ' || key.p[i] > '~')
            return false;
    }
    return true;
}

bool profile_next_name(struct span value, size_t *at, struct span *ret)
{
    struct span open = SPAN_LITERAL("${");
    for (size_t i = *at; i < value.n; i++) {
        if (!span_starts_with(span_from(value, i), open))
            continue;
        struct span rest = span_from(value, i + open.n);
        size_t n = text_find(rest, '}');
        *ret = span_head(rest, n);
        *at = n < rest.n ? i + open.n + n + 1 : value.n;
        return true;
    }
    return false;
}

/* Each "${" must be followed by a name and "}". */
static bool template_valid(struct span value, bool *ret_used)
{
    struct span name;
    for (size_t at = 0; profile_next_name(value, &at, &name);) {
        if (name.n == 0 || name.p + name.n == value.p + value.n)
            return false;
        *ret_used = true;
    }
    return true;
}

static int check_value(const struct reader *reader, size_t at, struct span key, struct span value)
{
    struct diag why = {0};
    bool used = false;
    if (!template_valid(value, &used))
        return fail(reader, at, "a \"${\" without a name and \"}\"");
    if (!used && vmx_value_check(key, value, &why) != 0)
        return fail(reader, at, why.text);
    return 0;
}

static int check_key(const struct reader *reader, size_t at, struct span key)
{
    const struct vmx_profile *p = reader->profile;
    if (!is_plain(key))
        return fail(reader, at, "the name of a setting must be plain ASCII");
    if (span_eq_fold(key, SPAN_LITERAL(".encoding")))
        return fail(reader, at, "a profile cannot change .encoding");
    if (span_starts_with_fold(key, SPAN_LITERAL("vmxfs.")))
        return fail(reader, at, "vmxfs.* is reserved for vmxfs");
    for (size_t i = 0; i < p->n_settings; i++) {
        if (p->settings[i].when == reader->when && span_eq_fold(buf_span(&p->settings[i].key), key))
            return fail(reader, at, "this setting is there already");
    }
    return 0;
}

static int add_setting(struct reader *reader, struct span key, struct span value)
{
    struct vmx_profile *p = reader->profile;
    struct profile_setting *items = list_room(p->settings, p->n_settings, sizeof(*items));
    if (!items)
        return -ENOMEM;
    p->settings = items;
    items[p->n_settings] = (struct profile_setting){.when = reader->when, .line = reader->line};
    struct profile_setting *s = &items[p->n_settings++];
    return buf_add(&s->key, key) ?: buf_add(&s->value, value);
}

/* ---- profile.* ---- */

static int check_param(const struct reader *reader, size_t name_at, size_t value_at,
                       struct span name, struct span value)
{
    struct diag why = {0};
    for (size_t i = 0; i < name.n; i++) {
        if (!text_name_char(name.p[i]) || name.p[i] == '.')
            return fail(reader, name_at, "a parameter's name is made of letters, digits, - and _");
    }
    if (name.n == 0)
        return fail(reader, name_at, "the parameter's name is missing");
    if (profile_device_param(name))
        return fail(reader, name_at, "vendor, deviceid, system and vram come with device");
    if (profile_param(reader->profile, name))
        return fail(reader, name_at, "this parameter is there already");
    if (profile_param_check(name, value, &why) != 0)
        return fail(reader, value_at, why.text);
    return 0;
}

static int read_own(struct reader *reader, const struct vmx_line *line, struct span key,
                    struct span value)
{
    struct span prefix = SPAN_LITERAL("profile.param.");
    if (reader->when != PROFILE_ALWAYS)
        return fail(reader, line->name_at, "profile.* cannot depend on a parameter");
    if (span_eq(key, SPAN_LITERAL("profile.summary")))
        return 0; /* it is for people, who read it in the text */
    if (!span_starts_with(key, prefix))
        return fail(reader, line->name_at, "only profile.summary and profile.param.NAME are known");
    struct span name = span_from(key, prefix.n);
    return check_param(reader, line->name_at + prefix.n, line->value_at, name, value)
               ?: pairs_set(&reader->profile->params, name, value, span_eq);
}

static int read_entry(struct reader *reader, struct span body, const struct vmx_line *line)
{
    struct span key = {body.p + line->name_at, line->name_len};
    BUF_AUTO value = {0};
    int r = vmx_unescape((struct span){body.p + line->value_at, line->value_len}, &value);
    if (r != 0)
        return r;
    if (span_starts_with_fold(key, SPAN_LITERAL("profile.")))
        return read_own(reader, line, key, buf_span(&value));
    return check_key(reader, line->name_at, key)
        ?: check_value(reader, line->value_at, key, buf_span(&value))
        ?: add_setting(reader, key, buf_span(&value));
}

/* ---- headings and conditions ---- */

static int add_condition(const struct reader *reader, struct profile_conditions *to,
                         struct span text, size_t at)
{
    struct profile_condition *items = list_room(to->items, to->n, sizeof(*items));
    if (!items)
        return -ENOMEM;
    to->items = items;
    int r = profile_condition_parse(text, reader->line, at + 1, &items[to->n], reader->diag);
    if (r == 0)
        to->n++;
    return r;
}

static int read_heading(struct reader *reader, struct span name, size_t at)
{
    struct profile_conditions *whens = &reader->profile->whens;
    struct span when = SPAN_LITERAL("when");
    reader->conditions = NULL;
    reader->when = PROFILE_ALWAYS;
    if (span_eq(name, SPAN_LITERAL("require")))
        reader->conditions = &reader->profile->requirements;
    if (span_eq(name, SPAN_LITERAL("advise")))
        reader->conditions = &reader->profile->advices;
    if (reader->conditions || span_eq(name, SPAN_LITERAL("always")))
        return 0;
    if (!span_starts_with(name, when) || name.n == when.n || !text_blank(name.p[when.n]))
        return fail(reader, at,
                    "a heading is [always], [require], [advise] or [when PARAM = VALUE]");
    int r = add_condition(reader, whens, span_from(name, when.n), at + when.n);
    if (r != 0)
        return r;
    if (whens->items[whens->n - 1].op != PROFILE_EQ)
        return fail(reader, at, "[when PARAM = VALUE] can only compare with =");
    reader->when = whens->n - 1;
    return 0;
}

static int read_line(struct reader *reader, struct span body, const struct vmx_line *line)
{
    struct span name = {body.p + line->name_at, line->name_len};
    if (line->kind == VMX_LINE_BLANK || line->kind == VMX_LINE_COMMENT)
        return 0;
    if (line->kind == VMX_LINE_HEADING)
        return read_heading(reader, name, line->name_at);
    if (reader->conditions)
        return add_condition(reader, reader->conditions, body, 0);
    if (line->kind == VMX_LINE_ENTRY)
        return read_entry(reader, body, line);
    return fail(reader, line->error_at, "expected NAME = \"VALUE\", a comment or a heading");
}

/* A NUL would hide what follows it, and other charsets cannot be told apart. */
static int check_text(const struct reader *reader, struct span body)
{
    BUF_AUTO scratch = {0};
    size_t nul = text_find(body, '\0');
    if (nul < body.n)
        return fail(reader, nul, "a NUL byte");
    int r = vmx_encode("UTF-8", body, &scratch);
    return r == -EILSEQ ? fail(reader, 0, "this line is not UTF-8") : r;
}

static int check_whens(struct reader *reader)
{
    const struct profile_conditions *whens = &reader->profile->whens;
    for (size_t i = 0; i < whens->n; i++) {
        reader->line = whens->items[i].line;
        if (!profile_param(reader->profile, buf_span(&whens->items[i].key)))
            return fail(reader, 0, "[when] names a parameter that the profile does not declare");
    }
    return 0;
}

/* Applying a profile must not change what the profile depends on: it would never be done. */
static bool is_own_doing(const struct vmx_profile *p, struct span key)
{
    struct span rest;
    size_t n;
    if (span_starts_with_fold(key, SPAN_LITERAL("vmxfs.")))
        return true;
    if (profile_param(p, SPAN_LITERAL("device")) && vmx_pci_key(key, &n, &rest))
        return true;
    return profile_sets(p, key);
}

static int check_dependence(const struct vmx_profile *p, size_t line, struct span key,
                            struct diag *diag)
{
    if (!is_own_doing(p, key))
        return 0;
    return diag_set_at(diag, line, 0, "this depends on " SPAN_FORMAT ", which applying changes",
                       SPAN_SHOWN(key));
}

static int check_dependences(const struct vmx_profile *p, struct diag *diag)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < p->n_settings; i++) {
        const struct profile_setting *s = &p->settings[i];
        struct span name;
        for (size_t at = 0; r == 0 && profile_next_name(buf_span(&s->value), &at, &name);) {
            if (!profile_param(p, name))
                r = check_dependence(p, s->line, name, diag);
        }
    }
    for (size_t i = 0; r == 0 && i < p->requirements.n; i++)
        r = check_dependence(p, p->requirements.items[i].line,
                             buf_span(&p->requirements.items[i].key), diag);
    return r;
}

static int read_text(struct reader *reader, struct span text)
{
    if (span_starts_with(text, UTF8_BOM))
        text = span_from(text, UTF8_BOM.n);
    for (reader->line = 1; text.n > 0; reader->line++) {
        struct vmx_line line;
        vmx_lex_line(text, true, &line);
        struct span body = span_head(text, line.body_len);
        int r = check_text(reader, body) ?: read_line(reader, body, &line);
        if (r != 0)
            return r;
        text = span_from(text, line.len);
    }
    return check_whens(reader) ?: check_dependences(reader->profile, reader->diag);
}

int vmx_profile_parse(const char *name, struct span text, struct vmx_profile **ret,
                      struct diag *diag)
{
    if (!profile_name_valid(span_of(name)))
        return diag_set(diag,
                        "a profile's name is made of letters, digits, - _ and ., "
                        "does not begin with a dot and is not \"none\"");
    struct vmx_profile *profile = calloc(1, sizeof(*profile));
    if (!profile)
        return -ENOMEM;
    struct reader reader = {profile, diag, NULL, PROFILE_ALWAYS, 0};
    int r = buf_add_str(&profile->name, name)
        ?: buf_add(&profile->text, text)
        ?: read_text(&reader, text);
    if (r != 0)
        vmx_profile_free(profile);
    else
        *ret = profile;
    return r;
}
