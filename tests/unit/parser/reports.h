/* SPDX-License-Identifier: MIT */
/* Reports in tests: finding a line, and doing what its command says. */
#pragma once

#include "hosts.h"
#include "parser/check/check.h"

/* A command sets, or applies a profile, or passes a device to VMs that the host does not need. None
 * forces, powers off, answers a question, unregisters, deletes or reboots anything. */
static inline void assert_harmless(const struct buf *report)
{
    for (const char *line = report->data; line && *line && *line != '#';) {
        const char *end = strchr(line, '\n');
        BUF_AUTO command = {0};
        assert_non_null(end);
        while (end[-1] != '\t')
            end--;
        assert_int_equal(buf_add(&command, (struct span){end, strcspn(end, "\n")}), 0);
        line = strchr(line, '\n') + 1;
        if (strcmp(command.data, "-") == 0)
            continue;
        const char *target = strrchr(command.data, '>');
        const char *control = target ? strstr(target, "/.vmxfs/") : NULL;
        bool passes = control && strncmp(control, "/.vmxfs/host/pci/", 17) == 0 &&
                      strncmp(command.data, "echo 1 > ", 9) == 0;
        bool merges =
            control && strncmp(control, "/.vmxfs/merge", 13) == 0 && !strstr(command.data, " -");
        bool waits = control && strncmp(control, "/.vmxfs/next", 12) == 0;
        bool writes = target && (strncmp(command.data, "echo ", 5) == 0 ||
                                 strncmp(command.data, "printf '%s\\n' ", 14) == 0);
        if (!writes || (control && !passes && !merges && !waits))
            fail_msg("not harmless: %s", command.data);
    }
}

static inline struct vmx_check run_around(struct span text, const struct vmx_around *around,
                                          const char *dir, struct buf *report)
{
    DICT_AUTO dict = parsed(text);
    struct vmx_check check = {0};
    assert_int_equal(vmx_check_run(dict, around, dir, "MNT", report, &check), 0);
    if (report)
        assert_harmless(report);
    return check;
}

static inline struct vmx_check run(struct span text, const struct vmx_profiles *profiles,
                                   const char *dir, struct buf *report)
{
    return run_around(text, NO_HOST(profiles), dir, report);
}

/* The line of the report that begins "SEVERITY<TAB>RULE<TAB>", or NULL. */
static inline const char *find_line(const struct buf *report, const char *severity,
                                    const char *rule)
{
    char start[100];
    snprintf(start, sizeof(start), "%s\t%s\t", severity, rule);
    for (const char *line = report->data; line && *line; line = strchr(line, '\n') + 1)
        if (strncmp(line, start, strlen(start)) == 0)
            return line;
    return NULL;
}

/* Any line of the rule has the severity, the words and the command (NULL: whatever). */
static inline void reports_around(struct span text, const struct vmx_around *around,
                                  const char *severity, const char *rule, const char *found,
                                  const char *command)
{
    BUF_AUTO report = {0};
    run_around(text, around, "DIR", &report);
    const char *line = find_line(&report, severity, rule);
    if (!line)
        fail_msg("no %s %s in:\n%s", severity, rule, report.data);
    BUF_AUTO copy = {0};
    assert_int_equal(buf_add(&copy, (struct span){line, strcspn(line, "\n")}), 0);
    char *tail = strrchr(copy.data, '\t');
    *tail++ = '\0';
    if (found && !strstr(copy.data, found))
        fail_msg("%s: \"%s\" is not in \"%s\"", rule, found, copy.data);
    if (command)
        assert_string_equal(tail, command);
}

static inline void reports(struct span text, const struct vmx_profiles *profiles,
                           const char *severity, const char *rule, const char *found,
                           const char *command)
{
    reports_around(text, NO_HOST(profiles), severity, rule, found, command);
}

/* ---- commands ---- */

/* One word of a shell command: quotes are taken away. False at the end of the text. */
static inline bool shell_word(const char **at, struct buf *ret)
{
    bool quoted = false;
    bool any = false;

    buf_clear(ret);
    while (**at == ' ')
        (*at)++;
    for (; **at && **at != '\n' && (quoted || **at != ' '); (*at)++) {
        any = true;
        if (**at == '\'')
            quoted = !quoted;
        else if (**at == '\\' && !quoted)
            assert_int_equal(buf_add_char(ret, *++*at), 0);
        else
            assert_int_equal(buf_add_char(ret, **at), 0);
    }
    assert_int_equal(buf_reserve(ret, 0), 0);
    return any;
}

/* What the command writes to a file of the mount is done to the host. */
static inline bool execute_on_host(const char *target, const char *input, struct machine *machine)
{
    char path[100];

    for (size_t i = 0; machine && i < DEVICES && strcmp(input, "1") == 0; i++) {
        const struct vmx_pci *at = &machine->pci[i].address;
        snprintf(path, sizeof(path), "MNT/.vmxfs/host/pci/%04x:%02x:%02x.%x/passthrough",
                 at->domain, at->bus, at->slot, at->function);
        if (strcmp(path, target) != 0)
            continue;
        assert_null(vmx_host_needs(&machine->host, &machine->pci[i]));
        machine->pci[i].enabled = machine->pci[i].active = VMX_YES;
        return true;
    }
    return false;
}

/* Does what the command does in a mount: the text goes into the file behind "> DIR/". */
static inline void execute(const char *command, const struct vmx_around *around,
                           struct machine *machine, struct buf *text)
{
    BUF_AUTO word = {0};
    BUF_AUTO input = {0};
    BUF_AUTO out = {0};
    DICT_AUTO dict = parsed(buf_span(text));
    EDITS_AUTO edits = {0};

    assert_true(shell_word(&command, &word));
    if (strcmp(word.data, "printf") == 0)
        assert_true(shell_word(&command, &word));
    while (shell_word(&command, &word) && strcmp(word.data, ">") != 0)
        assert_int_equal(buf_addf(&input, "%s%s", input.len > 0 ? "\n" : "", word.data), 0);
    assert_true(shell_word(&command, &word));
    if (execute_on_host(word.data, input.data, machine))
        return;
    assert_memory_equal(word.data, "DIR/", 4);
    const char *target = word.data + 4;
    if (strcmp(target, "passthrough-profile") == 0) {
        for (char *c = input.data; *c; c++)
            *c = *c == '\n' ? ' ' : *c;
        assert_int_equal(vmx_plan_line(dict, around, buf_span(&input), &edits, NULL, NULL), 0);
    } else if (strcmp(target, ".vmxfs/merge") == 0) {
        assert_int_equal(vmx_edits_parse(buf_span(&input), "UTF-8", &edits, NULL), 0);
    } else {
        assert_int_equal(vmx_edits_set(&edits, span_of(target), buf_span(&input)), 0);
    }
    assert_int_equal(vmx_plan_follow(dict, around, &edits), 0);
    assert_int_equal(vmx_edits_apply(&edits, dict, &out, NULL), 0);
    buf_clear(text);
    assert_int_equal(buf_add(text, buf_span(&out)), 0);
}

/* The first line with a command. */
static inline const char *first_command(const struct buf *report)
{
    for (const char *line = report->data; *line != '#'; line = strchr(line, '\n') + 1) {
        const char *end = strchr(line, '\n');
        if (end[-1] != '-' || end[-2] != '\t') {
            while (end[-1] != '\t')
                end--;
            return end;
        }
    }
    return NULL;
}

/* Does all that the reports say, until they have no command left; how many there were. What was
 * done must not be said again. */
static inline size_t mend_all(struct buf *text, const struct vmx_around *around,
                              struct machine *machine)
{
    BUF_AUTO report = {0};
    const char *command = NULL;
    size_t steps = 0;

    run_around(buf_span(text), around, "DIR", &report);
    while ((command = first_command(&report)) != NULL) {
        BUF_AUTO before = {0};
        assert_int_equal(buf_add(&before, (struct span){command, strcspn(command, "\n") + 1}), 0);
        execute(command, around, machine, text);
        buf_clear(&report);
        run_around(buf_span(text), around, "DIR", &report);
        if (strstr(report.data, before.data))
            fail_msg("does not mend: %s", before.data);
        if (++steps > 60)
            fail_msg("there is no end to: %s", before.data);
    }
    return steps;
}
