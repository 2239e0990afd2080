/* SPDX-License-Identifier: MIT */
#include "support.h"

#include "parser/document/folded_name.h"
#include "parser/document/known_names.h"
#include "parser/document/unknown_name.h"

static void names_are_folded(void **state)
{
    (void)state;
    static const struct {
        struct span name, want;
    } rows[] = {
        {BYTES("memSize"), BYTES("memsize")},
        {BYTES("scsi0.present"), BYTES("scsi#.present")},
        {BYTES("SCSI3:12.fileName"), BYTES("scsi#.filename")},
        {BYTES("usb:0.present"), BYTES("usb#.present")},
        {BYTES("usb_xhci:4.port"), BYTES("usb_xhci#.port")},
        {BYTES("usb.present"), BYTES("usb.present")},
        {BYTES("ethernet#.present"), BYTES("ethernet#.present")},
        {BYTES("ethernet10.filter4.name"), BYTES("ethernet#.filter#.name")},
        {BYTES("pciPassthru.64bitMMIOSizeGB"), BYTES("pcipassthru.#bitmmiosizegb")},
        {BYTES("cpuid.1.ecx"), BYTES("cpuid.#.ecx")},
        {BYTES("cpuid.D.eax"), BYTES("cpuid.#.eax")},
        {BYTES("cpuid.8000000a.edx.amd"), BYTES("cpuid.#.edx.amd")},
        {BYTES("feed.dead"), BYTES("feed.dead")},
        {BYTES("a:b1:"), BYTES("a:b#:")},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char folded[64];
        const size_t n = name_fold(rows[i].name, folded, sizeof(folded));
        assert_span(((struct span){folded, n}), rows[i].want);
        assert_int_equal(name_fold(rows[i].name, folded, rows[i].want.n), rows[i].want.n);
        assert_int_equal(name_fold(rows[i].name, folded, rows[i].want.n - 1), 0);
    }
}

/* The lookup depends on it. */
static void table_is_in_order(void **state)
{
    (void)state;
    char before[KNOWN_NAME_MAX + 1] = "";
    for (size_t i = 0; i < n_known_names; i++) {
        char folded[KNOWN_NAME_MAX + 1] = "";
        const char *star = strchr(known_names[i], '*');
        print_message("%s\n", known_names[i]);
        assert_true(strlen(known_names[i]) <= KNOWN_NAME_MAX);
        assert_int_not_equal(name_fold(span_of(known_names[i]), folded, KNOWN_NAME_MAX), 0);
        assert_true(strcmp(before, folded) < 0);
        assert_true(!star || (star[1] == '\0' && star[-1] == '.'));
        memcpy(before, folded, sizeof(before));
    }
}

/* However near two names of the table are, none is taken for a slip in the other. */
static void names_of_table_are_no_slips(void **state)
{
    (void)state;
    for (size_t i = 0; i < n_known_names; i++) {
        BUF_AUTO said = {0};
        assert_int_equal(vmx_name_add_slip(span_of(known_names[i]), &said), 0);
        assert_int_equal(said.len, 0);
    }
}

static void slips_are_found(void **state)
{
    (void)state;
    static const struct {
        const char *key, *meant;
    } rows[] = {
        /* one edit */
        {"memSzie", "memSize"},
        {"MEMSZIE", "memSize"},
        {"memSiz", "memSize"},
        {"memSizes", "memSize"},
        {"nemSize", "memSize"},
        {"guestos_", "guestOS"},
        {"numvcpu", "numvcpus"},
        {"displyName", "displayName"},
        {"vc.uid", "vc.uuid"},
        {"vhv.enabel", "vhv.enable"},
        {"sched.mem.pim", "sched.mem.pin"},
        /* two, from twelve letters on */
        {"virtualHV.verson", "virtualHW.version"},
        {"pciPasthru.use64bitMMOI", "pciPassthru.use64bitMMIO"},
        {"hypervisor.cpuid.w", "hypervisor.cpuid.v0"},
        /* numbers */
        {"ethernet0.adressType", "ethernet0.addressType"},
        {"ethernet11.virtulaDev", "ethernet11.virtualDev"},
        {"scsi0:3.fileNmae", "scsi0:3.fileName"},
        {"usb:1.deviceTyp", "usb:1.deviceType"},
        {"ethernet.present", "ethernetN.present"},
        {"pciPassthru1.prsent", "pciPassthru1.present"},
        {"pciPassthru.128bitMMIOSzeGB", "pciPassthru.128bitMMIOSizeGB"},
        /* families */
        {"guestinof.Any.Thing7", "guestinfo.Any.Thing7"},
        {"answr.msg.uuid.altered", "answer.msg.uuid.altered"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        BUF_AUTO said = {0};
        BUF_AUTO want = {0};
        assert_int_equal(buf_addf(&want,
                                  "no setting of VMware's is known by this name; was %s meant?",
                                  rows[i].meant),
                         0);
        print_message("%s\n", rows[i].key);
        assert_int_equal(vmx_name_add_slip(span_of(rows[i].key), &said), 0);
        assert_span(buf_span(&said), buf_span(&want));
    }
}

static void other_names_are_no_slips(void **state)
{
    (void)state;
    static const char *const keys[] = {
        /* known, in any case of letters, with any numbers */
        "memsize",
        "MEMSIZE",
        "scsi0:0.fileName",
        "SCSI15:64.FILENAME",
        "ethernet9.dvs.portgroupId",
        "cpuid.8000000a.edx",
        "cpuid.d.eax",
        "usb_xhci:6.deviceType",
        "vmotion.svga.sm41",
        "guestCPUID.80000001",
        "guestinfo.metadata.encoding",
        "guestinfo.guestOS",
        "vmxfs.profile",
        "vmxfs.saved.memSzie",
        "monitor_control.disable_directexec",
        "sched.scsi0:0.shares",
        /* too many edits for their length */
        "memSzei",
        "memSizeAB",
        "guestSO2",
        "displyNaem",
        "sched.mem.prx",
        "virtualHV.versnoi",
        "ehternte0.presnt",
        /* names of less than six letters */
        "nvarm",
        "nvrams",
        "vram",
        "nvra",
        /* others */
        "myOwnNote",
        "a",
        "x.y.z",
        "foreman.uuid",
        "owner",
        "ticket.number",
        "guestinfo",
        "memory",
    };
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        BUF_AUTO said = {0};
        print_message("%s\n", keys[i]);
        assert_int_equal(vmx_name_add_slip(span_of(keys[i]), &said), 0);
        assert_int_equal(said.len, 0);
    }
}

static void long_names_are_no_slips(void **state)
{
    (void)state;
    char key[1000];
    memset(key, 'a', sizeof(key));
    key[500] = '.';
    for (size_t n = 1; n <= sizeof(key); n++) {
        BUF_AUTO said = {0};
        assert_int_equal(vmx_name_add_slip((struct span){key, n}, &said), 0);
        assert_int_equal(said.len, 0);
    }
}

struct told {
    struct buf keys;
    size_t n;
    size_t stop_at;
};

static int note(void *ctx, struct span key, const char *said)
{
    struct told *told = ctx;
    assert_non_null(strstr(said, " meant?"));
    assert_int_equal(buf_add(&told->keys, key) ?: buf_add_char(&told->keys, ' '), 0);
    return ++told->n == told->stop_at ? -EIO : 0;
}

static void slips_that_are_new_are_told(void **state)
{
    (void)state;
    DICT_AUTO before = parsed(SPAN_LITERAL("memsiz = 1\nnumvcpus = 2\n"));
    DICT_AUTO after = parsed(
        SPAN_LITERAL("memSiz = 2\nnumvcpu = 2\nmyOwn = 3\nfirmwar = efi\nguestOS = other\n"));
    const struct {
        const struct vmx_dict *before;
        size_t stop_at;
        const char *keys;
        int r;
    } rows[] = {
        {before, 0, "numvcpu firmwar ", 0},
        {NULL, 0, "memSiz numvcpu firmwar ", 0},
        {after, 0, "", 0},
        {before, 1, "numvcpu ", -EIO},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct told told = {.stop_at = rows[i].stop_at};
        assert_int_equal(vmx_slips_each(after, rows[i].before, note, &told), rows[i].r);
        assert_span(buf_span(&told.keys), span_of(rows[i].keys));
        buf_done(&told.keys);
    }
}

/* A file of so many slips, behind so many names that are merely unknown. */
static size_t told_of(size_t unknown, size_t slips)
{
    BUF_AUTO text = {0};
    struct told told = {0};
    for (size_t i = 0; i < unknown; i++)
        assert_int_equal(buf_addf(&text, "another.%zu = x\n", i), 0);
    for (size_t i = 0; i < slips; i++)
        assert_int_equal(buf_addf(&text, "ethernet%zu.adress = x\n", i), 0);
    DICT_AUTO dict = parsed(buf_span(&text));
    assert_int_equal(vmx_slips_each(dict, NULL, note, &told), 0);
    buf_done(&told.keys);
    return told.n;
}

static void a_hostile_file_is_not_told_of_in_full(void **state)
{
    (void)state;
    assert_int_equal(told_of(0, VMX_SLIPS_MAX), VMX_SLIPS_MAX);
    assert_int_equal(told_of(0, 1000), VMX_SLIPS_MAX);
    assert_int_equal(told_of(VMX_UNKNOWN_MAX - 1, 2), 1);
    assert_int_equal(told_of(VMX_UNKNOWN_MAX, 2), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_folded),
        cmocka_unit_test(table_is_in_order),
        cmocka_unit_test(names_of_table_are_no_slips),
        cmocka_unit_test(slips_are_found),
        cmocka_unit_test(other_names_are_no_slips),
        cmocka_unit_test(long_names_are_no_slips),
        cmocka_unit_test(slips_that_are_new_are_told),
        cmocka_unit_test(a_hostile_file_is_not_told_of_in_full),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
