/* SPDX-License-Identifier: MIT */
/*
 * A question of a VM:
 *
 *     Virtual machine message _vmx1:
 *     msg.uuid.altered:This virtual machine might have been moved or copied.
 *     ...
 *        0. Cancel (Cancel)
 *        1. I _moved it (I _moved it)
 *        2. I _copied it (I _copied it) [default]
 *
 * The text may hold anything, also lines that look like choices: only those behind it all are.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "lines.h"
#include "parse_vm.h"
#include "parser/text/list.h"
#include "parser/text/text.h"

enum { CHOICES_MAX = 32 };

static void drop_choices(struct vm_question *question)
{
    for (size_t i = 0; i < question->n; i++)
        buf_done(&question->choices[i].label);
    question->n = 0;
}

void vm_question_done(struct vm_question *question)
{
    drop_choices(question);
    free(question->choices);
    buf_done(&question->text);
    *question = (struct vm_question){0};
}

static bool read_head(struct span line, struct vm_question *ret)
{
    line = text_trim(line);
    if (!line_skip(&line, SPAN_LITERAL("Virtual machine message ")))
        return false;
    const struct span id = span_head(line, text_find(line, ':'));
    bool is = id.n > 0 && id.n < line.n && id.n < sizeof(ret->id);
    for (size_t i = 0; is && i < id.n; i++)
        is = text_name_char(id.p[i]);
    if (is)
        snprintf(ret->id, sizeof(ret->id), "%.*s", (int)id.n, id.p);
    return is;
}

static bool cut_end(struct span *s, struct span end)
{
    if (!span_ends_with(*s, end))
        return false;
    s->n -= end.n;
    *s = text_trim(*s);
    return true;
}

/* Takes " (TEXT)" off the end. */
static bool cut_summary(struct span *label, struct span *ret)
{
    const char *open = label->n ? memrchr(label->p, '(', label->n) : NULL;
    if (!open || label->p[label->n - 1] != ')')
        return false;
    *ret = (struct span){open + 1, label->n - (size_t)(open - label->p) - 2};
    *label = text_trim(span_head(*label, (size_t)(open - label->p)));
    return true;
}

/* A choice is printed as "LABEL (SUMMARY)", mostly twice the same; a label may be a mere name. */
static void choose_name(struct span *label)
{
    struct span summary;
    struct span rest = *label;
    const size_t half = label->n > 3 ? (label->n - 3) / 2 : 0;
    if (half > 0 && label->n == 2 * half + 3 && memcmp(label->p + half, " (", 2) == 0 &&
        memcmp(label->p, label->p + half + 2, half) == 0)
        label->n = half;
    else if (cut_summary(&rest, &summary) && rest.n > 0)
        *label = span_starts_with(rest, SPAN_LITERAL("button.")) ? summary : rest;
}

/* A letter that the client underlines has "_" before it. */
static int add_label(struct span label, struct buf *ret)
{
    int r = buf_reserve(ret, label.n);
    for (size_t i = 0; r == 0 && i < label.n; i++) {
        const bool mark = label.p[i] == '_' && (i == 0 || label.p[i - 1] == ' ');
        r = mark ? 0 : buf_add_char(ret, label.p[i]);
    }
    return r;
}

/* A line that may be one. */
struct choice_line {
    unsigned long number;
    struct span label;
    bool is_default;
    bool has_summary; /* all choices have one, or none has */
};

static bool read_choice(struct span line, struct choice_line *ret)
{
    line = text_trim(line);
    if (!line_number(&line, 10, UINT32_MAX, &ret->number) || !line_skip(&line, SPAN_LITERAL(".")))
        return false;
    ret->label = text_trim(line);
    ret->is_default = cut_end(&ret->label, SPAN_LITERAL("[default]"));
    ret->has_summary = span_ends_with(ret->label, SPAN_LITERAL(")"));
    choose_name(&ret->label);
    return ret->label.n > 0;
}

static int add_choice(const struct choice_line *choice, struct vm_question *ret)
{
    struct vm_choice *room = list_room(ret->choices, ret->n, sizeof(*room));
    if (!room)
        return -ENOMEM;
    ret->choices = room;
    room[ret->n] = (struct vm_choice){.number = choice->number, .is_default = choice->is_default};
    return add_label(choice->label, &room[ret->n++].label);
}

/* The lines of the text from the head to the choices; those of the message's name go. */
static int add_text(struct span text, struct buf *ret)
{
    const size_t colon = text_find(span_head(text, text_find(text, '\n')), ':');
    if (span_starts_with(text, SPAN_LITERAL("msg.")) && colon < text.n && text.p[colon] == ':')
        text = span_from(text, colon + 1);
    while (text.n > 0 && (text.p[text.n - 1] == '\n' || text_blank(text.p[text.n - 1])))
        text.n--;
    return buf_add(ret, text);
}

/* Behind the head. */
static int read_body(struct span text, struct vm_question *ret)
{
    struct span rest = text;
    struct span line;
    struct choice_line choice;
    bool has_summary = false; /* those before this line */
    size_t end = 0;           /* of the text, in it */
    size_t before = 0;        /* where the last line ended */
    int r = 0;
    while (r == 0 && line_next(&rest, &line)) {
        const size_t behind = (size_t)(line.p + line.n - text.p);
        if (text_trim(line).n == 0)
            continue;
        const bool is = ret->n < CHOICES_MAX && read_choice(line, &choice);
        if (!is || (ret->n > 0 && choice.has_summary != has_summary)) {
            drop_choices(ret);
            end = is ? before : behind;
        }
        if (is)
            r = add_choice(&choice, ret);
        has_summary = is && choice.has_summary;
        before = behind;
    }
    return r ?: add_text(span_head(text, end), &ret->text);
}

int parse_question(struct span text, struct vm_question *ret)
{
    struct span line;
    bool none = false;
    bool found = false;
    *ret = (struct vm_question){0};
    while (!found && line_next(&text, &line)) {
        none = none || span_eq(text_trim(line), SPAN_LITERAL("No message."));
        found = read_head(line, ret);
    }
    if (!found)
        return none ? -ENOENT : -EBADMSG;
    int r = read_body(text, ret);
    if (r == 0 && ret->n == 0)
        r = -EBADMSG;
    if (r < 0)
        vm_question_done(ret);
    return r;
}
