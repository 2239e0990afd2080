/* SPDX-License-Identifier: MIT */
/*
 * Why a VM did not power on: a NUL stands between a log and what the command said. Whatever they
 * are, a report has four fields on each line, nothing that a terminal would obey, and no command
 * but those of the table. What check takes from the log is bounded.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "parser/text/safe_text.h"
#include "parser/vm/vm_start.h"
#include "parser/why/why.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_command(const char *command)
{
    assert(strcmp(command, "-") == 0 || strcmp(command, "echo FALSE > ./vvtd.enable") == 0 ||
           strcmp(command, "echo TRUE > ./vhv.allowPassthru") == 0 ||
           strcmp(command, "echo 1 > ./.vmxfs/host/pci/0000:06:00.0/passthrough") == 0 ||
           (strncmp(command, "printf '%s\\n' '", 15) == 0 && strstr(command, " > ./.vmxfs/merge")));
}

static void check_line(char *line)
{
    char *rest = line;
    for (int i = 0; i < 3; i++) {
        const char *field = strsep(&rest, "\t");
        assert(safe_text_is(span_of(field)) && rest);
    }
    assert(safe_text_is(span_of(rest)));
    check_command(rest);
}

/* What a check takes from a log: a date, and no more ranges than the devices of a VM have. */
static void check_start(struct span log)
{
    START_AUTO start;
    int r = vm_start_read(log, &start);
    assert(r == 0 && start.n_bars <= 768);
    assert(start.date[0] ? strlen(start.date) == 10 : start.n_bars == 0 && !start.succeeded);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct span all = {(const char *)data, size};
    const char *nul = size > 0 ? memchr(data, 0, size) : NULL;
    const size_t n = nul ? (size_t)(nul - all.p) : size;
    struct vmx_dict *dict;
    BUF_AUTO report = {0};
    int r = vmx_dict_parse(SPAN_LITERAL("memSize = \"4096\"\npciPassthru0.present = \"TRUE\"\n"
                                        "pciPassthru0.id = \"00000:006:00.0\"\n"),
                           &dict);
    assert(r == 0);
    const struct why_given given = {
        .dict = dict,
        .dir = ".",
        .mount = ".",
        .log = {all.p, n},
        .output = {all.p + n + (nul ? 1 : 0), size - n - (nul ? 1 : 0)},
        .output_at = "2026-03-01T10:00:00Z",
    };
    check_start(given.log);
    r = vmx_why(&given, &report);
    assert(r == 0);
    char *const text = buf_steal(&report);
    assert(text && text[0] && text[strlen(text) - 1] == '\n');
    for (char *rest = text; *rest;) {
        char *line = strsep(&rest, "\n");
        assert((line[0] == '#') == (*rest == '\0'));
        if (line[0] != '#')
            check_line(line);
    }
    free(text);
    vmx_dict_free(dict);
    return 0;
}
