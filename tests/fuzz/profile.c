/* SPDX-License-Identifier: MIT */
/*
 * Two texts, parted by a line "----": a profile, and a document that it is applied to. Whatever
 * they are, a plan holds once it is applied, comes to nothing when applied again, and is taken back
 * to the very bytes. So with a host that has devices, and afterwards without it.
 */
#include <assert.h>
#include <errno.h>
#include <stdint.h>

#include "parser/check/check.h"
#include "parser/plan/plan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct vmx_dict *parse(struct span text)
{
    struct vmx_dict *dict = NULL;
    int r = vmx_dict_parse(text, &dict);
    assert(r == 0);
    return dict;
}

/* The document that writing the line makes of it, or NULL if it is refused. */
static struct vmx_dict *plan(const struct vmx_dict *dict, const struct vmx_around *around,
                             const char *line, size_t *ret_edits)
{
    struct vmx_edits edits = {0};
    struct vmx_dict *after = NULL;
    BUF_AUTO text = {0};

    int r = vmx_plan_line(dict, around, span_of(line), &edits, NULL, NULL);
    assert(r == 0 || r == -EINVAL || r == -EILSEQ);
    if (r == 0) {
        r = vmx_edits_apply(&edits, dict, &text, NULL);
        assert(r == 0);
        after = parse(buf_span(&text));
    }
    *ret_edits = edits.n;
    vmx_edits_done(&edits);
    return after;
}

/* What restoring cannot promise: duplicates, which are mended, and leftovers of our own keys. */
static bool is_ordinary(const struct vmx_dict *dict)
{
    for (size_t i = 0; i < vmx_dict_keys(dict); i++) {
        struct span name = vmx_dict_name(dict, vmx_dict_key_extent(dict, i));
        if (name.n >= 6 && span_eq_fold((struct span){name.p, 6}, SPAN_LITERAL("vmxfs.")))
            return false;
    }
    return vmx_dict_duplicates(dict) == 0;
}

static void is_active(const struct vmx_dict *dict, const struct vmx_around *around)
{
    BUF_AUTO state = {0};
    int r = vmx_plan_state(dict, around, &state);
    assert(r == 0 && strcmp(state.data, "none [fuzzed]") == 0);
}

static void check_plan(const struct vmx_dict *dict, const struct vmx_around *around)
{
    const struct vmx_around later = {.profiles = around->profiles};
    size_t edits = 0;
    struct vmx_dict *applied = plan(dict, around, "fuzzed", &edits);
    if (!applied)
        return;
    is_active(applied, around);
    is_active(applied, &later);
    struct vmx_dict *again = plan(applied, around, "fuzzed", &edits);
    assert(again && edits == 0);
    vmx_dict_free(again);
    again = plan(applied, &later, "fuzzed", &edits);
    assert(again && edits == 0);
    struct vmx_dict *restored = plan(applied, around, "none", &edits);
    assert(restored && span_eq(vmx_dict_text(restored), vmx_dict_text(dict)));
    vmx_dict_free(restored);
    vmx_dict_free(again);
    vmx_dict_free(applied);
}

static void check_document(struct span text, const struct vmx_around *around)
{
    struct vmx_dict *dict = parse(text);
    struct vmx_check check;
    BUF_AUTO report = {0};
    BUF_AUTO diff = {0};

    int r = vmx_check_run(dict, around, "DIR", "MOUNT", &report, &check);
    assert(r == 0 && report.len > 0);
    r = vmx_plan_diff(dict, around, SPAN_LITERAL("fuzzed"), "x.vmx", &diff);
    assert(r == 0);
    if (is_ordinary(dict))
        check_plan(dict, around);
    vmx_dict_free(dict);
}

/* A card with its audio, both to be had. */
static struct vmx_host_pci card(unsigned function, long long device, long long class)
{
    return (struct vmx_host_pci){.address = {0, 3, 0, function},
                                 .vendor = 0x10de,
                                 .device = device,
                                 .class = class,
                                 .name = "",
                                 .vmkernel_name = "",
                                 .owner = "",
                                 .reset = "",
                                 .capable = VMX_YES,
                                 .enabled = VMX_YES,
                                 .active = VMX_YES};
}

static void check_both(struct span document, const struct vmx_profiles *profiles)
{
    struct vmx_host_pci pci[] = {card(0, 0x1cb2, 0x0300), card(1, 0x0fb9, 0x0403)};
    const struct vmx_host host = {.version = {8, 0, 1},
                                  .build = 21495797,
                                  .uuid = "5aec7ae7-7d90-8511-435a-d094660b7768",
                                  .pci = pci,
                                  .n_pci = 2};
    const struct vmx_host_vm vm = {.path = "/x.vmx"};

    check_document(document, &(struct vmx_around){.profiles = profiles});
    check_document(
        document,
        &(struct vmx_around){.profiles = profiles, .host = &host, .vm = &vm, .mountpoint = "/mnt"});
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span text = {(const char *)data, size};
    struct span document = {NULL, 0};
    struct vmx_profiles profiles = {0};
    struct vmx_profile *profile = NULL;
    struct diag diag = {0};

    const char *parting = size > 0 ? memmem(text.p, text.n, "----\n", 5) : NULL;
    if (parting) {
        document = (struct span){parting + 5, text.n - (size_t)(parting - text.p) - 5};
        text.n = (size_t)(parting - text.p);
    }
    int r = vmx_profile_parse("fuzzed", text, &profile, &diag);
    assert(r == 0 || (r == -EINVAL && diag.line > 0 && diag.text[0] != '\0'));
    if (r == 0) {
        r = vmx_profiles_add(&profiles, profile);
        assert(r == 0);
    }
    check_both(document, &profiles);
    vmx_profiles_done(&profiles);
    return 0;
}
