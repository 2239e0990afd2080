/* SPDX-License-Identifier: MIT */
/* Why a VM did not power on: logs of three generations, what the command says, each known message. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

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
    /* A power-on that came after what the command said. */
    assert_report(FIRST("12:00:05") LINE("12:00:06", "Transitioned vmx/execState/val to poweredOn"),
                  "Power on failed: " PAGES "\n", "2026-03-01T12:00:02Z",
                  "# the last power-on succeeded, 2026-03-01T12:00:05Z\n");
}

/* A known message, and what its line's command holds ("-": there is none). */
static const struct {
    const char *said, *cause, *command;
} messages[] = {
    {PAGES, "64-bit MMIO", "64bitMMIOSizeGB = \"32\"'"},
    {"PCIPassthru: total number of pages needed (33566722) exceeds limit (917504), failing",
     "64-bit MMIO", "64bitMMIOSizeGB = \"256\"'"},
    {"The firmware could not allocate 33587200 KB of PCI MMIO. Increase the size of PCI MMIO "
     "and try again.",
     "window", "64bitMMIOSizeGB = \"64\"'"},
    {"The firmware could not allocate KB of PCI MMIO.", "window", "-"},
    {"PCIPassthru: total number of pages needed (99999999999999999999) exceeds", "MMIO", "-"},
    {"Failed to add BAR memory", "above 4G", "-"},
    {"Invalid memory setting: memory reservation (sched.mem.min) should be equal to "
     "memsize(1).",
     "reserved", "'sched.mem.min = \"16384\"' 'sched.mem.pin = \"TRUE\"' > ./.vmxfs/merge"},
    {"AH No device hints found", "decimal", "-"},
    {"Failed to generate predicates for pciPassthru0---invalid VM configuration", "vendorId", "-"},
    {"AH Failed to find a suitable device for pciPassthru0", "id", "-"},
    {"The systemId does not match the current system or the deviceId, and the vendorId does "
     "not match the device currently at 97:0.0.",
     "another host", "-"},
    {"Device 6:0.0 is not a passthrough device", "enablePCIEHotplug", "-"},
    {"[msg.pciPassthru.createAdapterFailedPlatformNotSupported] Failed to register the device "
     "pciPassthru0 for 013:00.3 due to unavailable hardware or software support.",
     "passthru.map", "-"},
    {"PCIPassthru: Failed to register device 0000:0d:00.3 error = 0xffffffff", "reset", "-"},
    {"PCIPassthruChangeIntrSettings: x failed to register interrupt (error code 195887110)",
     "interrupts", "-"},
    {"[msg.pciPassthru.noMigration] vMotion, PCI hot-plug cannot be used for a virtual machine "
     "with PCI DirectPath I/O device.",
     "running VM", "-"},
    {"The virtual machine cannot be powered on because IOMMU virtualization is not allowed "
     "with VGPU.",
     "vGPU", "echo FALSE > ./vvtd.enable"},
    {"No PCIe slot available for SCSI0. Remove SCSI0 and try again.", "bridges",
     "'pciBridge7.functions = \"8\"' > ./.vmxfs/merge"},
    {"Vmxnet3 PCI: failed to reserve slot for vmxnet3 PCIe device", "bridges", "pciBridge4"},
    {"Nested Hardware-Assisted Virtualization is not supported on a virtual machine with a PCI "
     "passthrough device.",
     "exclude", "echo TRUE > ./vhv.allowPassthru"},
    {"This host appears to be running in a virtual machine with VHV disabled.", "itself", "-"},
    {"[msg.cpuid.noVHVQuestion] Virtualized AMD-V/RVI is not supported on this platform.", "nested",
     "-"},
    {"This virtual machine is missing features x required by y guests and cannot be powered "
     "on.",
     "processor", "-"},
    {"The host does not have sufficient memory resources to satisfy the reservation", "memory",
     "-"},
    {"Admission check failed for memory resource", "swap", "-"},
    {"[msg.upgrade.tooNewCurrentHWVersion] The virtual machine is using a hardware version "
     "that is too new",
     "virtualHW.version", "-"},
    {"Failed to lock the file", "vmfsfilelockinfo", "-"},
    {"Cannot open the disk 'x' or one of the snapshot disks it depends on.", "chain", "-"},
    {"VMware ESX cannot find the virtual disk \"x\".", "disk", "-"},
    {"File system specific implementation of LookupAndOpen[file] failed", "opened", "-"},
    {"AIOGNRC: Failed to open 'x' : Could not find the file (60003) (0x2013).", "missing", "-"},
    {"msg.vmx.poweron.failed: not on NAS or VMFS version 3 datastore", "OSDATA", "-"},
    {"msg.uuid.altered:This virtual machine may have been moved or copied.", "copied", "-"},
    {"[msg.Backdoor.OsNotFound] No operating system was found.", "boot", "-"},
    {"Variable already defined", "duplicate-keys", "-"},
    {"[msg.disk.alreadyExists] Device 'ide0:0' already exists.", "place", "-"},
    {"another task is in progress", "wait", "-"},
    {"Module 'Disk' power on failed.", "a disk", "-"},
};

static void each_known_message_has_its_cause_and_command(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(messages) / sizeof(*messages); i++) {
        char *report = report_in(".", settings, "", messages[i].said, "2026-03-01T12:00:00Z");
        char *fields[4] = {0};
        char *rest = report;
        for (size_t k = 0; k < 4; k++)
            fields[k] = strsep(&rest, k < 3 ? "\t" : "\n");
        if (!fields[3] || strcmp(fields[1], messages[i].said) != 0 ||
            !strstr(fields[2], messages[i].cause) || !strstr(fields[3], messages[i].command) ||
            (strcmp(messages[i].command, "-") == 0) != (strcmp(fields[3], "-") == 0))
            fail_msg("row %zu: %s|%s|%s", i, fields[1], fields[2], fields[3]);
        free(report);
    }
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
        cmocka_unit_test(each_known_message_has_its_cause_and_command),
        cmocka_unit_test(a_report_holds_nothing_that_a_terminal_or_shell_would_obey),
    };
    return cmocka_run_group_tests_name("why", tests, NULL, NULL);
}
