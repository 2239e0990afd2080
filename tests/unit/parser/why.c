/* SPDX-License-Identifier: MIT */
/* Why a VM did not power on: logs of three generations, and what the command says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "parser/why/fault.h"
#include "parser/why/why.h"

static const char settings[] = "config.version = \"8\"\nmemSize = \"16384\"\n";

/* The report on a log and an output. The caller frees it. */
static char *report_in(const char *dir, const char *text, const char *log, const char *output,
                       const char *at)
{
    struct vmx_dict *dict;
    struct buf ret = {0};
    assert_int_equal(vmx_dict_parse(span_of(text), &dict), 0);
    const struct why_given given = {
        .dict = dict, .dir = dir, .log = span_of(log), .output = span_of(output), .output_at = at};
    assert_int_equal(vmx_why(&given, &ret), 0);
    vmx_dict_free(dict);
    return buf_steal(&ret);
}

static void assert_report(const char *log, const char *output, const char *at, const char *expected)
{
    char *report = report_in(".", settings, log, output, at);
    assert_string_equal(report, expected);
    free(report);
}

#define PAGES "PCIPassthru: total number of pages needed (4206594) exceeds limit (917504), failing"
#define PAGES_CAUSE                                                                                \
    "\tthe cards need more than the 3.5 GiB below 4 GiB: 64-bit MMIO is off or too small\t"        \
    "printf '%s\\n' 'pciPassthru.use64bitMMIO = \"TRUE\"' "                                        \
    "'pciPassthru.64bitMMIOSizeGB = \"32\"' > ./.vmxfs/merge\n"
#define STAGE_CAUSE "\ta device: see the other lines\t-\n"

static void logs_of_three_generations_say_the_same(void **state)
{
    (void)state;
    static const struct {
        const char *before, *between;
    } forms[] = {
        {"2026-03-01T10:00:00.123Z| vmx| ", "I125: "},
        {"2026-03-01T10:00:00.123Z| vmx| | ", "I005: "},
        {"2026-03-01T10:00:00.123Z| vmx| vim-cmd-09-a45d| ", "I005: "},
        {"2026-03-01T10:00:00.123Z In(05) vmx - ", ""},
        {"2026-03-01T10:00:00.123Z In(05) vmx vim-cmd-09-a45d ", ""},
    };
    static const char *const lines[] = {
        "Log for VMware ESX pid=1 version=8.0.1 build=build-21495797 option=Release",
        "Hostname=esxi",
        PAGES,
        "Msg_Post: Error",
        "[msg.moduletable.powerOnFailed] Module 'DevicePowerOn' power on failed.",
        "[msg.vmx.poweron.failed] Failed to start the virtual machine.",
        "----------------------------------------",
        "Module 'DevicePowerOn' power on failed.",
    };
    for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
        struct buf log = {0};
        for (size_t k = 0; k < sizeof(lines) / sizeof(*lines); k++)
            assert_int_equal(
                buf_addf(&log, "%s%s%s\n", forms[i].before, forms[i].between, lines[k]), 0);
        assert_report(log.data, "", "",
                      "2026-03-01T10:00:00Z\t" PAGES PAGES_CAUSE
                      "2026-03-01T10:00:00Z\t[msg.moduletable.powerOnFailed] Module "
                      "'DevicePowerOn' power on failed." STAGE_CAUSE
                      "# the last power-on failed, 2026-03-01T10:00:00Z; 2 lines, the most special "
                      "one first\n");
        buf_done(&log);
    }
}

#define LINE(time, text) "2026-03-01T" time ".000Z In(05) vmx - " text "\n"
#define FIRST(time) LINE(time, "Log for VMware ESX pid=1 version=8.0.1 option=Release")

static void only_the_last_attempt_counts(void **state)
{
    (void)state;
    assert_report(FIRST("10:00:00") LINE("10:00:01", PAGES) FIRST("11:00:00")
                      LINE("11:00:01", "Transitioned vmx/execState/val to poweredOn"),
                  "", "", "# the last power-on succeeded, 2026-03-01T11:00:00Z\n");
    assert_report(FIRST("10:00:00") LINE("10:00:01", "Transitioned vmx/execState/val to poweredOn")
                      FIRST("11:00:00") LINE("11:00:01", PAGES),
                  "", "",
                  "2026-03-01T11:00:01Z\t" PAGES PAGES_CAUSE
                  "# the last power-on failed, 2026-03-01T11:00:00Z; 1 line, the most special one "
                  "first\n");
    assert_report("", "", "", "# no power-on is known: there is no vmware.log\n");
    assert_report(FIRST("10:00:00"), "", "",
                  "# vmware.log does not say that the last power-on failed\n");
}

static void what_a_guest_writes_is_not_believed(void **state)
{
    (void)state;
    const char *const forged[] = {
        "2026-03-01T10:00:02.000Z In(05) vcpu-0 - " PAGES "\n",
        "2026-03-01T10:00:02.000Z| vcpu-1| | I005: " PAGES "\n",
        PAGES "\n",
        LINE("10:00:01", "Transitioned vmx/execState/val to poweredOn") LINE("10:00:02", PAGES),
    };
    for (size_t i = 0; i < sizeof(forged) / sizeof(*forged); i++) {
        struct buf log = {0};
        assert_int_equal(buf_addf(&log, "%s%s", FIRST("10:00:00"), forged[i]), 0);
        char *report = report_in(".", settings, log.data, "", "");
        assert_null(strstr(report, "pages"));
        assert_null(strchr(report, '\t'));
        free(report);
        buf_done(&log);
    }
}

static void a_fault_of_the_host_is_its_messages(void **state)
{
    (void)state;
    static const char output[] =
        "Powering on VM:\n"
        "Power on failed: (vim.fault.GenericVmConfigFault) {\n"
        "   faultCause = (vmodl.MethodFault) null, \n"
        "   faultMessage = (vmodl.LocalizableMessage) [\n"
        "      (vmodl.LocalizableMessage) {\n"
        "         key = \"msg.hvuser.NoSVM\", \n"
        "         arg = <unset>, \n"
        "         message = \"This host does not support AMD-V.\"\n"
        "      }, \n"
        "      (vmodl.LocalizableMessage) {\n"
        "         key = \"msg.moduletable.powerOnFailed\", \n"
        "         arg = (vmodl.KeyAnyValue) [\n"
        "            (vmodl.KeyAnyValue) {\n"
        "               key = \"1\", \n"
        "               value = \"MonitorMode\"\n"
        "            }\n"
        "         ], \n"
        "         message = \"Module 'MonitorMode' power on failed.\n\"\n"
        "      }, \n"
        "      (vmodl.LocalizableMessage) {\n"
        "         key = \"msg.vmx.poweron.failed\", \n"
        "         message = \"Failed to start the virtual machine.\"\n"
        "      }\n"
        "   ], \n"
        "   reason = \"This host does not support AMD-V.\"\n"
        "   msg = \"This host does not support AMD-V.\"\n"
        "}\n";
    assert_report("", output, "2026-03-01T12:00:00Z",
                  "2026-03-01T12:00:00Z\tThis host does not support AMD-V.\tvirtualization is off "
                  "in the host's BIOS, or the host is a VM without vhv.enable\t-\n"
                  "2026-03-01T12:00:00Z\tModule 'MonitorMode' power on failed.\tthe processor: see "
                  "the other lines\t-\n"
                  "# the last power-on failed, 2026-03-01T12:00:00Z; 2 lines, the most special one "
                  "first\n");
    assert_report("",
                  "Reset failed: (vim.fault.InvalidPowerState) {\n   msg = \"The attempted "
                  "operation cannot be performed in the current state (Powered off).\"\n}\n",
                  "2026-03-01T12:00:00Z",
                  "2026-03-01T12:00:00Z\tThe attempted operation cannot be performed in the "
                  "current state (Powered off).\tthe VM is in that state already, or in another "
                  "one\t-\n# the last power-on failed, 2026-03-01T12:00:00Z; 1 line, the most "
                  "special one first\n");
}

static void an_old_host_gives_no_reason_and_the_log_has_it(void **state)
{
    (void)state;
    assert_report(FIRST("12:00:00") LINE("12:00:01", "[msg.something.new] Nobody knows this."),
                  "Powering on VM:\nPower on failed\n", "2026-03-01T12:00:02Z",
                  "2026-03-01T12:00:01Z\t[msg.something.new] Nobody knows this.\tnot known\t-\n"
                  "# the last power-on failed, 2026-03-01T12:00:02Z; 1 line, the most special one "
                  "first\n");
    assert_report("", "Powering on VM:\nPower on failed\n", "2026-03-01T12:00:02Z",
                  "# the last power-on failed, 2026-03-01T12:00:02Z; the host gives no reason\n");
    assert_report(FIRST("11:00:00") LINE("11:00:06", "Transitioned vmx/execState/val to poweredOn"),
                  "Powering on VM:\nPower on failed\n", "2026-03-01T12:00:02Z",
                  "# the last power-on failed, 2026-03-01T12:00:02Z; the host gives no reason\n");
    /* A power-on that came after what the command said. */
    assert_report(FIRST("12:00:05") LINE("12:00:06", "Transitioned vmx/execState/val to poweredOn"),
                  "Power on failed: " PAGES "\n", "2026-03-01T12:00:02Z",
                  "# the last power-on succeeded, 2026-03-01T12:00:05Z\n");
}

#define ON LINE("10:00:05", "Transitioned vmx/execState/val to poweredOn")
#define OFF(time) LINE(time, "Transitioned vmx/execState/val to poweredOff")
#define FAULT "PCI passthru device 0000:8b:00.1 caused an IOMMU fault type 4 at address 0x7f1c2000"
#define FAULT_CAUSE                                                                                \
    "\tthe device was refused access to memory: the guest's driver, the card's firmware\t-\n"
#define SUCCEEDED "# the last power-on succeeded, 2026-03-01T10:00:00Z"
#define FAILED(n)                                                                                  \
    "# the last power-on failed, 2026-03-01T10:00:00Z; " n ", the most special one first\n"
#define NOT_SAID "# vmware.log does not say that the last power-on failed"
#define OF_CPU(time, text) "2026-03-01T" time ".000Z In(05) vcpu-0 - " text "\n"

static void a_vm_that_ran_is_told_what_ended_it(void **state)
{
    (void)state;
    assert_report(FIRST("10:00:00") ON LINE("10:20:00", FAULT)
                      LINE("10:20:00", "Powering off the virtual machine.") OFF("10:20:01"),
                  "", "",
                  "2026-03-01T10:20:00Z\t" FAULT FAULT_CAUSE SUCCEEDED "; 1 line since then\n");
    /* A message of two lines. */
    assert_report(FIRST("10:00:00") ON OF_CPU("10:20:00", "VMware ESX unrecoverable error: (vmx)")
                      "2026-03-01T10:20:00.000Z In(05)+ vcpu-0 - " FAULT "\n" OFF("10:20:01"),
                  "", "", "2026-03-01T10:20:00Z\t" FAULT FAULT_CAUSE SUCCEEDED "; 1 line since then\n");
    /* ... which goes on from a line of its own thread, and from no other. */
    assert_report(
        FIRST("10:00:00") ON LINE("10:20:00", "VMware ESX unrecoverable error: (vmx)")
            OF_CPU("10:20:00", "Guest: x") "2026-03-01T10:20:00.000Z In(05)+ vcpu-0 - " FAULT "\n",
        "", "", SUCCEEDED "\n");
    assert_report(
        FIRST("10:00:00") ON OF_CPU("10:01:00", "Guest: Status upon boot failure: No Media")
            OF_CPU("10:01:01", "[msg.Backdoor.OsNotFound] No operating system was found."),
        "", "",
        "2026-03-01T10:01:01Z\t[msg.Backdoor.OsNotFound] No operating system was found.\t"
        "the VM was powered on and found nothing to boot: disks, firmware\t-\n" SUCCEEDED
        "; 1 line since then\n");
    assert_report(FIRST("10:00:00") ON OFF("10:20:01"), "", "", SUCCEEDED "\n");
    assert_report(FIRST("10:00:00")
                      ON LINE("10:20:00", "Transitioned vmx/execState/val to suspended"),
                  "", "", SUCCEEDED "\n");
    /* What the VM met with is of that power-on, and not of one that the host did not begin. */
    assert_report(FIRST("10:00:00") ON LINE("10:20:00", FAULT) OFF("10:20:01"), "Some fault",
                  "2026-03-01T12:00:00Z",
                  "2026-03-01T12:00:00Z\tSome fault\tnot known\t-\n# the last power-on failed, "
                  "2026-03-01T12:00:00Z; 1 line, the most special one first\n");
}

#define DISK "Module 'Disk' power on failed."
#define DISK_SAID(time) "2026-03-01T" time "Z\t" DISK "\ta disk: see the other lines\t-\n"

static void a_log_may_be_of_any_form(void **state)
{
    (void)state;
    static const struct {
        const char *log, *report;
    } cases[] = {
        /* Ends of lines as of Windows. */
        {"2026-03-01T10:00:00.000Z| vmx| I125: Log for VMware ESX pid=1\r\n"
         "2026-03-01T10:00:01.000Z| vmx| I125: " DISK "\r\n"
         "2026-03-01T10:00:01.000Z| vmx| I125: [msg.x] Failed to start the virtual machine.\r\n",
         DISK_SAID("10:00:01") FAILED("1 line")},
        /* Cut in the middle of a line. */
        {FIRST("10:00:00") LINE("10:00:01", DISK) "2026-03-01T10:00:02.000Z In(05) vmx",
         DISK_SAID("10:00:01") FAILED("1 line")},
        {FIRST("10:00:00") "2026-03-01T10:00:01.000Z In(05) vmx - PCIPassthru: total number of "
                           "pages needed (42065",
         "2026-03-01T10:00:01Z\tPCIPassthru: total number of pages needed (42065\tthe cards need "
         "more than the 3.5 GiB below 4 GiB: 64-bit MMIO is off or too small\t-\n" FAILED(
             "1 line")},
        /* Its beginning is not there: somebody reads a long one, or it was put aside meanwhile. */
        {LINE("10:00:00", "x") LINE("10:00:01", DISK) OFF("10:00:02"),
         DISK_SAID("10:00:01") FAILED("1 line")},
        {LINE("10:00:00", "x") LINE("10:00:01", FAULT),
         "2026-03-01T10:00:01Z\t" FAULT FAULT_CAUSE NOT_SAID "; 1 line\n"},
        {LINE("10:00:00", "x") LINE("10:00:01", "[msg.new] Nobody knows this."),
         "2026-03-01T10:00:01Z\t[msg.new] Nobody knows this.\tnot known\t-\n" NOT_SAID
         "; 1 line\n"},
        {"", "# no power-on is known: there is no vmware.log\n"},
        {"\n\n|\n| |\n- \n x| y| z\n2026 In(05) vmx\n2026 In() vmx - " DISK
         "\n2026 I5(05) vmx - " DISK "\n2026| vmx| 125: " DISK "\n2026| vmx| I: " DISK "\n",
         "# no power-on is known: there is no vmware.log\n"},
        /* It asks, and has not ended. */
        {FIRST("10:00:00") LINE("10:00:01", "Msg_Question:")
             LINE("10:00:01", "[msg.uuid.altered] This virtual machine might have been moved."),
         "2026-03-01T10:00:01Z\t[msg.uuid.altered] This virtual machine might have been "
         "moved.\tthe "
         "VM asks whether it was moved or copied, and waits for the answer\t-\n" NOT_SAID
         "; 1 line\n"},
        /* What is most special first, whatever the order. */
        {FIRST("10:00:00") LINE("10:00:01", DISK) LINE("10:00:02", "[msg.new] Nobody knows this."),
         "2026-03-01T10:00:02Z\t[msg.new] Nobody knows this.\tnot known\t-\n" DISK_SAID("10:00:01")
             FAILED("2 lines")},
        /* Two in one log: suspended, and then not resumed. */
        {FIRST("09:00:00") LINE("09:00:01", "Transitioned vmx/execState/val to poweredOn")
             LINE("09:30:00", "Transitioned vmx/execState/val to suspended") FIRST("10:00:00")
                 LINE("10:00:01", "[msg.new] Nobody knows this.") LINE("10:00:02", DISK),
         "2026-03-01T10:00:01Z\t[msg.new] Nobody knows this.\tnot known\t-\n" DISK_SAID("10:00:02")
             FAILED("2 lines")},
        {"noon In(05) vmx - Log for VMware ESX pid=1\nnoon In(05) vmx - " DISK "\n",
         "-\t" DISK "\ta disk: see the other lines\t-\n# the last power-on failed, -; 1 line, the "
         "most special one first\n"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_report(cases[i].log, "", "", cases[i].report);
}

static void what_is_no_text_is_shown_as_such(void **state)
{
    (void)state;
    static const char log[] = FIRST("10:00:00") LINE("10:00:01", "[msg.\0x] a\0b\x9b\xe2\x80\xae")
        LINE("10:00:02", "\0\0") LINE("10:00:03", DISK);
    struct vmx_dict *dict;
    BUF_AUTO report = {0};
    assert_int_equal(vmx_dict_parse(span_of(settings), &dict), 0);
    const struct why_given given = {
        .dict = dict, .dir = ".", .log = {log, sizeof(log) - 1}, .output_at = ""};
    assert_int_equal(vmx_why(&given, &report), 0);
    vmx_dict_free(dict);
    assert_string_equal(
        report.data, "2026-03-01T10:00:01Z\t[msg.?x] a?b????\tnot known\t-\n" DISK_SAID("10:00:03")
                         FAILED("2 lines"));
}

static void a_log_that_cannot_be_read_is_no_missing_one(void **state)
{
    (void)state;
    struct vmx_dict *dict;
    assert_int_equal(vmx_dict_parse(span_of(settings), &dict), 0);
    struct why_given given = {.dict = dict, .dir = ".", .unread = "EBUSY", .output_at = ""};
    BUF_AUTO none = {0};
    BUF_AUTO one = {0};
    assert_int_equal(vmx_why(&given, &none), 0);
    assert_string_equal(none.data, "# vmware.log could not be read: EBUSY\n");
    given.output = span_of(DISK);
    assert_int_equal(vmx_why(&given, &one), 0);
    assert_string_equal(one.data, "-\t" DISK
                                  "\ta disk: see the other lines\t-\n# the last "
                                  "power-on failed, -; 1 line, the most special one first\n");
    vmx_dict_free(dict);
}

static void a_message_s_end_is_found(void **state)
{
    (void)state;
    static const struct {
        const char *output, *said;
    } cases[] = {
        {"   msg = \"Unable to find a VM corresponding to \"x y\"\"\n}\n",
         "Unable to find a VM corresponding to \"x y\""},
        {"   message = \"one\ntwo\n\"\n", "one two"},
        {"   message = \"one\r\ntwo\r\n\"\r\n", "one? two"},
        {" { key = \"msg.x\", arg = <unset>, message = \"short\" }, ", "short"},
        {"   msg = \"no end", "no end"},
        {"   msg = \"", "msg = \""},
        {"Power on failed: as one line\n", "as one line"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        BUF_AUTO expected = {0};
        assert_int_equal(
            buf_addf(&expected, "2026-03-01T12:00:00Z\t%s\tnot known\t-\n", cases[i].said), 0);
        char *report = report_in(".", settings, "", cases[i].output, "2026-03-01T12:00:00Z");
        if (strncmp(report, expected.data, expected.len) != 0)
            fail_msg("%zu: %s", i, report);
        free(report);
    }
}

static void the_output_says_whether_the_command_failed(void **state)
{
    (void)state;
    static const char *const failed[] = {
        "Powering on VM:\nPower on failed\n",  "Power off failed: (vim.fault.X) {\n}\n",
        "Reset VM:\r\nReset failed\r\n",       "Suspend failed",
        "(vim.fault.ToolsUnavailable) {\n}\n", "(vmodl.fault.RequestCanceled) {\n}\n"};
    static const char *const done[] = {"", "Powering on VM:\n", "it says: Power on failed\n",
                                       "(vim.vm.GuestInfo) {\n"};
    for (size_t i = 0; i < sizeof(failed) / sizeof(*failed); i++)
        assert_true(vmx_says_failed(span_of(failed[i])));
    for (size_t i = 0; i < sizeof(done) / sizeof(*done); i++)
        assert_false(vmx_says_failed(span_of(done[i])));
}

static void a_report_holds_nothing_that_a_terminal_or_shell_would_obey(void **state)
{
    (void)state;
    char *report = report_in("/mnt/$(reboot)/a'b/x.vmx", "memSize = \"$(reboot)\"\n", "",
                             "memory reservation (sched.mem.min) should be equal to memsize"
                             "\x1b[2J\t$(reboot)`id`\n" PAGES "\n",
                             "2026-03-01T12:00:00Z");
    assert_null(strchr(report, 0x1b));
    assert_non_null(strstr(report, "memsize?[2J?$(reboot)`id`\ta VM")); /* the text is one field */
    assert_non_null(strstr(report, "reserved\t-\n")); /* a value of no number makes no command */
    assert_non_null(strstr(report, "> '/mnt/$(reboot)/a'\\''b/x.vmx/.vmxfs/merge'\n"));
    free(report);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(logs_of_three_generations_say_the_same),
        cmocka_unit_test(only_the_last_attempt_counts),
        cmocka_unit_test(what_a_guest_writes_is_not_believed),
        cmocka_unit_test(a_fault_of_the_host_is_its_messages),
        cmocka_unit_test(an_old_host_gives_no_reason_and_the_log_has_it),
        cmocka_unit_test(a_vm_that_ran_is_told_what_ended_it),
        cmocka_unit_test(a_log_may_be_of_any_form),
        cmocka_unit_test(what_is_no_text_is_shown_as_such),
        cmocka_unit_test(a_log_that_cannot_be_read_is_no_missing_one),
        cmocka_unit_test(a_message_s_end_is_found),
        cmocka_unit_test(the_output_says_whether_the_command_failed),
        cmocka_unit_test(a_report_holds_nothing_that_a_terminal_or_shell_would_obey),
    };
    return cmocka_run_group_tests_name("why", tests, NULL, NULL);
}
