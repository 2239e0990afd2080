/* SPDX-License-Identifier: MIT */
#include "question.h"

#include <errno.h>
#include <stdio.h>

#include "host/facts/lines.h"
#include "parser/text/safe_text.h"
#include "parser/text/text.h"
#include "vim_cmd.h"

int question_of(struct host *host, const char *id, const struct wait *wait, struct vm_question *ret,
                struct diag *why)
{
    const char *const words[] = {"vim-cmd", "vmsvc/message", id, NULL};
    BUF_AUTO text = {0};
    int status = 0;
    int r = exec_ask(host->exec, words, wait, &text, &status, why);
    if (r < 0)
        return r;
    r = parse_question(buf_span(&text), ret);
    if (r == -EBADMSG) {
        diag_set(why, "the host does not say whether VM %s asks something: %.200s", id,
                 text.len ? text.data : "");
        r = -EREMOTEIO;
    }
    return r;
}

int host_question(struct host *host, const char *path, const struct wait *wait,
                  struct vm_question *ret, struct diag *why)
{
    char id[24];
    int r = host_vm_id(host, path, wait, id, why);
    if (r == -ENXIO)
        return -ENOENT;
    return r ?: question_of(host, id, wait, ret, why);
}

int question_add_choice(const struct vm_choice *choice, struct buf *ret)
{
    return buf_addf(ret, "%lu. ", choice->number)
        ?: safe_text_add(ret, buf_span(&choice->label))
        ?: buf_add_str(ret, choice->is_default ? " *" : "");
}

/* ---- the answer */

static bool is_label_char(char c)
{
    return text_letter(c) || text_digit(c) < 10 || c == '-' || c == '\'' ||
           (unsigned char)c >= 0x80;
}

/* Whether the answer is a word of the label. */
static bool has_word(struct span label, struct span word)
{
    for (size_t at = 0; at < label.n;) {
        size_t n = 0;
        while (at + n < label.n && is_label_char(label.p[at + n]))
            n++;
        if (n > 0 && span_eq_fold((struct span){label.p + at, n}, word))
            return true;
        at += n + 1;
    }
    return false;
}

static bool is_meant(const struct vm_choice *choice, struct span answer)
{
    struct span rest = answer;
    unsigned long number;
    if (answer.n > 0 && text_digit(answer.p[0]) < 10 &&
        line_number(&rest, 10, UINT32_MAX, &number) && rest.n == 0)
        return number == choice->number;
    return span_eq_fold(buf_span(&choice->label), answer) ||
           has_word(buf_span(&choice->label), answer);
}

/* 0 with the one choice that is meant, or -EINVAL. */
static int choose(const struct vm_question *question, struct span answer, unsigned long *ret,
                  struct diag *why)
{
    size_t n = 0;
    for (size_t i = 0; i < question->n; i++) {
        if (!is_meant(&question->choices[i], answer))
            continue;
        *ret = question->choices[i].number;
        n++;
    }
    if (n == 1)
        return 0;
    return diag_set(why,
                    n == 0 ? "no choice is meant by it; write the number of one, or a word of its "
                             "label"
                           : "more than one choice has this word; write the number of one");
}

static int give_answer(struct host *host, const char *id, struct span answer,
                       const struct wait *wait, struct diag *why)
{
    struct vm_question question;
    unsigned long number = 0;
    char text[24];
    int r = question_of(host, id, wait, &question, why);
    if (r < 0)
        return r == -ENOENT ? diag_set(why, "the VM asks nothing") : r;
    r = choose(&question, answer, &number, why);
    if (r == 0) {
        snprintf(text, sizeof(text), "%lu", number);
        const char *const words[] = {"vim-cmd", "vmsvc/message", id, question.id, text, NULL};
        r = host_command(host, words, wait, NULL, why);
    }
    vm_question_done(&question);
    return r;
}

int host_answer(struct host *host, const char *path, struct span answer, const struct wait *wait,
                struct diag *why)
{
    char id[24];
    int r = host_begin(host, wait);
    if (r < 0)
        return r;
    r = host_vm_id(host, path, wait, id, why);
    if (r == -ENXIO)
        r = diag_set(why, "the VM is not registered on this host, and asks nothing");
    r = r ?: give_answer(host, id, text_trim(answer), wait, why);
    host_done(host);
    return r;
}

/* ---- the guest */

int host_guest(struct host *host, const char *path, const struct wait *wait, struct vm_guest *ret,
               struct diag *why)
{
    enum vmx_power power = VMX_POWER_UNKNOWN;
    char id[24];
    BUF_AUTO text = {0};
    int status = 0;
    int r = host_vm_state(host, path, wait, id, &power, why);
    if (r == -ENXIO || (r == 0 && power != VMX_POWER_ON))
        return -ENOENT;
    const char *const words[] = {"vim-cmd", "vmsvc/get.guest", id, NULL};
    r = r ?: exec_ask(host->exec, words, wait, &text, &status, why);
    if (r < 0)
        return r;
    if (parse_guest(buf_span(&text), ret) == 0)
        return 0;
    diag_set(why, "the host says nothing of the guest of VM %s: %.200s", id,
             text.len ? text.data : "");
    return -EREMOTEIO;
}
