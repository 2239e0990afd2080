/* SPDX-License-Identifier: MIT */
/* Conditions have a syntax of their own: most of them are malformed as lines of a .vmx. */
#include <errno.h>

#include "parser/document/secret_name.h"
#include "parser/document/value.h"
#include "parser/text/text.h"
#include "profile_private.h"

static const char *const signs[] = {
    [PROFILE_NE] = "!=", [PROFILE_GE] = ">=", [PROFILE_LE] = "<=",
    [PROFILE_EQ] = "=",  [PROFILE_GT] = ">",  [PROFILE_LT] = "<",
};

struct scan {
    struct span text;
    size_t at;
    size_t line, column_at;
    struct diag *diag;
};

static void skip_blanks(struct scan *s)
{
    while (s->at < s->text.n && text_blank(s->text.p[s->at]))
        s->at++;
}

static bool at_end(const struct scan *s)
{
    return s->at == s->text.n || s->text.p[s->at] == '#';
}

static int fail(const struct scan *s, const char *why)
{
    return diag_set_at(s->diag, s->line, s->column_at + s->at, "%s", why);
}

static struct span take_key(struct scan *s)
{
    size_t start = s->at;
    while (s->at < s->text.n && !text_blank(s->text.p[s->at]) &&
           !memchr("#=!<>[", s->text.p[s->at], 6))
        s->at++;
    return (struct span){s->text.p + start, s->at - start};
}

static bool take_sign(struct scan *s, enum profile_op *ret)
{
    for (enum profile_op op = PROFILE_NE; op <= PROFILE_LT; op++) {
        struct span sign = span_of(signs[op]);
        if (span_starts_with(span_from(s->text, s->at), sign)) {
            s->at += sign.n;
            *ret = op;
            return true;
        }
    }
    return false;
}

static int take_value(struct scan *s, struct buf *ret)
{
    struct span rest = span_from(s->text, s->at);
    size_t n = 0;
    if (rest.n > 0 && rest.p[0] == '"') {
        rest = span_from(rest, 1);
        n = text_find(rest, '"');
        if (n == rest.n)
            return fail(s, "the closing quote is missing");
        s->at += n + 2;
    } else {
        while (n < rest.n && !text_blank(rest.p[n]) && rest.p[n] != '#')
            n++;
        if (n == 0)
            return fail(s, "a value is missing");
        s->at += n;
    }
    return vmx_unescape(span_head(rest, n), ret);
}

static bool wants_number(enum profile_op op)
{
    return op == PROFILE_GE || op == PROFILE_LE || op == PROFILE_GT || op == PROFILE_LT;
}

static int parse(struct scan *s, struct profile_condition *c)
{
    long long number;
    skip_blanks(s);
    struct span key = take_key(s);
    if (key.n == 0)
        return fail(s, "the name of a setting is missing");
    int r = buf_add(&c->key, key);
    if (r != 0)
        return r;
    skip_blanks(s);
    if (at_end(s))
        return 0;
    if (!take_sign(s, &c->op))
        return fail(s, "a condition is KEY, or KEY and one of = != < <= > >= and a value");
    skip_blanks(s);
    size_t value_at = s->at;
    r = take_value(s, &c->value);
    if (r != 0)
        return r;
    skip_blanks(s);
    if (!at_end(s))
        return fail(s, "there is text after the value");
    if (wants_number(c->op) && !vmx_value_int(buf_span(&c->value), &number)) {
        s->at = value_at;
        return fail(s, "only whole numbers can be compared this way");
    }
    return 0;
}

int profile_condition_parse(struct span text, size_t line, size_t column_at,
                            struct profile_condition *ret, struct diag *diag)
{
    struct scan s = {text, 0, line, column_at, diag};
    struct profile_condition c = {.op = PROFILE_PRESENT, .line = line};
    int r = parse(&s, &c);
    if (r != 0)
        profile_condition_done(&c);
    else
        *ret = c;
    return r;
}

void profile_condition_done(struct profile_condition *condition)
{
    buf_done(&condition->key);
    buf_done(&condition->value);
}

static bool compare(const struct profile_condition *c, struct span found)
{
    struct span value = buf_span(&c->value);
    long long a = 0;
    long long b = 0;
    if (wants_number(c->op) && (!vmx_value_int(found, &a) || !vmx_value_int(value, &b)))
        return false;
    switch (c->op) {
    case PROFILE_PRESENT:
        return true;
    case PROFILE_EQ:
        return vmx_value_same(buf_span(&c->key), found, value);
    case PROFILE_NE:
        return !vmx_value_same(buf_span(&c->key), found, value);
    case PROFILE_GE:
        return a >= b;
    case PROFILE_LE:
        return a <= b;
    case PROFILE_GT:
        return a > b;
    case PROFILE_LT:
        return a < b;
    }
    return false;
}

int profile_condition_met(const struct profile_condition *condition, const struct vmx_dict *dict,
                          bool *ret)
{
    BUF_AUTO found = {0};
    int r = vmx_dict_get(dict, buf_span(&condition->key), &found);
    if (r == -ENOENT)
        *ret = condition->op == PROFILE_NE;
    else if (r == 0)
        *ret = compare(condition, buf_span(&found));
    return r == -ENOENT ? 0 : r;
}

int profile_condition_add(const struct profile_condition *condition, struct buf *ret)
{
    int r = buf_add(ret, buf_span(&condition->key));
    if (r != 0 || condition->op == PROFILE_PRESENT)
        return r;
    if (vmx_is_secret(buf_span(&condition->key)))
        return buf_addf(ret, " %s (a secret)", signs[condition->op]);
    return buf_addf(ret, " %s \"%s\"", signs[condition->op],
                    condition->value.data ? condition->value.data : "");
}
