/* SPDX-License-Identifier: MIT */
/*
 * The messages that are recorded of power-ons that failed, by their number in the record: each as
 * the log of each generation has it, and as the command's answer of each. Numbers 29, 47 and 48 are
 * of the client and of guests; the guide has them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "parser/why/why.h"

enum where {
    LINE = 1,    /* a line of the log, before the stack */
    STACK = 2,   /* in the stack of the log: behind "[key] " if it has a key */
    OUTPUT = 4,  /* of the command */
    RUNNING = 8, /* a line of the log, when the VM is on */
};

struct row {
    int number;
    unsigned where;
    const char *key, *text;
    const char *cause;   /* stands in it */
    const char *command; /* NULL: none */
};

#define MERGE(lines) "printf '%s\\n' " lines " > /mnt/ds/vm.vmx/.vmxfs/merge"
#define WINDOW(gb)                                                                                 \
    MERGE("'pciPassthru.use64bitMMIO = \"TRUE\"' 'pciPassthru.64bitMMIOSizeGB = \"" gb "\"'")
#define BRIDGE(n)                                                                                  \
    " 'pciBridge" n ".present = \"TRUE\"' 'pciBridge" n                                            \
    ".virtualDev = \"pcieRootPort\"'"                                                              \
    " 'pciBridge" n ".functions = \"8\"'"
#define BRIDGES                                                                                    \
    MERGE("'pciBridge0.present = \"TRUE\"'" BRIDGE("4") BRIDGE("5") BRIDGE("6") BRIDGE("7"))
#define RESERVATION MERGE("'sched.mem.min = \"16384\"' 'sched.mem.pin = \"TRUE\"'")

static const char settings[] =
    "config.version = \"8\"\nmemSize = \"16384\"\n"
    "pciPassthru0.present = \"TRUE\"\n"
    "pciPassthru0.id = \"00000:006:00.0\"\n";

static const struct row rows[] = {
    {1, LINE | STACK | OUTPUT, "msg.moduletable.powerOnFailed",
     "Module 'DevicePowerOn' power on failed.", "a device: see the other lines", NULL},
    {2, LINE, NULL,
     "PCIPassthru: total number of pages needed (4206594) exceeds limit (917504), failing",
     "64-bit MMIO", WINDOW("32")},
    {2, LINE, NULL,
     "PCIPassthru: total number of pages needed (33566722) exceeds limit (917504), failing",
     "64-bit MMIO", WINDOW("256")},
    {3, STACK | OUTPUT, "msg.pciPassthru.pciMmioError",
     "The firmware could not allocate 33587200 KB of PCI MMIO. Increase the size of PCI MMIO and "
     "try again.",
     "window for 64-bit MMIO is too small", WINDOW("64")},
    {4, LINE, NULL, "Failed to add BAR memory", "above 4G decoding", NULL},
    {4, LINE, NULL, "Limit exceeded", "above 4G decoding", NULL},
    {5, OUTPUT | STACK, NULL,
     "Invalid memory setting: memory reservation (sched.mem.min) should be equal to "
     "memsize(16384).",
     "all of its memory reserved", RESERVATION},
    {6, LINE | OUTPUT, NULL, "AH No device hints found", "not decimal", NULL},
    {7, OUTPUT, NULL, "Failed to generate predicates for pciPassthru0---invalid VM configuration",
     "id, deviceId or vendorId", NULL},
    {8, LINE | OUTPUT, NULL, "AH Failed to find a suitable device for pciPassthru0",
     "the id is wrong", NULL},
    {9, OUTPUT, NULL,
     "The systemId does not match the current system or the deviceId, and the vendorId does not "
     "match the device currently at 97:0.0.",
     "another host, the card was moved, or its ids are wrong: see check (in pci/ the device is "
     "0000:61:00.0)",
     NULL},
    {10, OUTPUT, NULL, "Device 6:0.0 is not a passthrough device",
     "took it away (enablePCIEHotplug) (in pci/ the device is 0000:06:00.0)",
     "echo 1 > /mnt/.vmxfs/host/pci/0000:06:00.0/passthrough"},
    {10, OUTPUT, NULL, "Device 7:0.0 is not a passthrough device.", "0000:07:00.0", NULL},
    {11, LINE | OUTPUT, NULL, "PCIEHP: hotplug slot:0x1 (0000:a9:00.0) Adapter removed.",
     "enablePCIEHotplug", NULL},
    {12, STACK | OUTPUT, "msg.pciPassthru.createAdapterFailedPlatformNotSupported",
     "Failed to register the device pciPassthru0 for 013:00.3 due to unavailable hardware or "
     "software support.",
     "/etc/vmware/passthru.map (in pci/ the device is 0000:0d:00.3)", NULL},
    {13, LINE, NULL, "PCIPassthru: Failed to register device 0000:0d:00.3 error = 0xffffffff",
     "vmkernel.log has the reason", NULL},
    {14, LINE | OUTPUT, NULL,
     "PCI: 1: Dev @ 0000:0d:00.3 did not complete its pending transactions prior to being reset",
     "passthru.map", NULL},
    {15, LINE | OUTPUT, NULL, "PCI: 1: Dev 0000:0d:00.3 is unresponsive after reset",
     "passthru.map", NULL},
    {16, RUNNING | OUTPUT, NULL,
     "Skipping device reset on 0000:05:00.0 because PCIe link to the device is down",
     "fell off the bus", NULL},
    {17, LINE, NULL,
     "PCIPassthruChangeIntrSettings: 0000:0d:00.3 failed to register interrupt (error code "
     "195887110)",
     "no interrupts left", NULL},
    {18, LINE | OUTPUT, NULL, "IntrVector: 233: Out of interrupt vectors", "no interrupts left",
     NULL},
    {19, RUNNING, NULL,
     "PCI passthru device 0000:8b:00.1 caused an IOMMU fault type 4 at address 0x7f1c2000",
     "refused access to memory", NULL},
    {19, RUNNING, NULL,
     "VMware ESX unrecoverable error: (vmx) PCI passthru device 0000:8b:00.1 caused an IOMMU fault "
     "type 4 at address 0x7f1c2000",
     "refused access to memory", NULL},
    {20, RUNNING | OUTPUT, "msg.pciPassthru.noSuspend.postedInterrupts",
     "A virtual machine with a PCI DirectPath I/O device cannot be suspended when FPT devices "
     "in-use have posted interrupts enabled.",
     "cannot be suspended: power it off", NULL},
    {21, RUNNING | OUTPUT, "msg.pciPassthru.noMigration",
     "vMotion, Storage vMotion, Fault Tolerance, and PCI hot-plug cannot be used for a virtual "
     "machine with PCI DirectPath I/O device.",
     "cannot be added to a running VM", NULL},
    {21, RUNNING | OUTPUT, "msg.devices.hotplug.failed", "Hot-add of pciPassthru26 failed.",
     "cannot be added to a running VM", NULL},
    {22, OUTPUT, NULL,
     "The virtual machine cannot be powered on because IOMMU virtualization is not allowed with "
     "VGPU.",
     "exclude each other", "echo FALSE > /mnt/ds/vm.vmx/vvtd.enable"},
    {23, OUTPUT, "msg.pci.noslotavail",
     "No PCIe slot available for SCSI0. Remove SCSI0 and try again.", "bridges", BRIDGES},
    {23, OUTPUT, "msg.pvscsi.badPCI",
     "Unable to allocate a PCI SCSI adapter. Too many PCI devices are already configured.",
     "bridges", BRIDGES},
    {24, LINE, NULL, "Vmxnet3 PCI: failed to reserve slot for vmxnet3 PCIe device", "bridges",
     BRIDGES},
    {25, STACK | OUTPUT, "msg.hvuser.NoSVM", "This host does not support AMD-V.",
     "host's BIOS, or the host is a VM", NULL},
    {25, STACK | OUTPUT, NULL, "This host does not support Intel VT-x.",
     "host's BIOS, or the host is a VM", NULL},
    {26, STACK | OUTPUT, "msg.cpuid.legacyCPU.noVHV",
     "This host appears to be running in a virtual machine with VHV disabled.",
     "its own .vmx lost vhv.enable", NULL},
    {27, LINE | STACK | OUTPUT, "msg.moduletable.powerOnFailed",
     "Module 'MonitorMode' power on failed.", "the processor: see the other lines", NULL},
    {28, STACK, "msg.cpuid.noVHVQuestion",
     "Virtualized AMD-V/RVI is not supported on this platform.", "cannot do nested", NULL},
    {30, STACK | OUTPUT, "msg.cpuid.guestOSMissingFeatures",
     "This virtual machine is missing features required by Windows guests and cannot be powered "
     "on.",
     "wants more of the processor", NULL},
    {31, OUTPUT, NULL,
     "The host does not have sufficient memory resources to satisfy the reservation",
     "not enough free memory for the reservation", NULL},
    {32, STACK | OUTPUT, NULL, "Admission check failed for memory resource",
     "or no space for the swap file", NULL},
    {32, LINE | STACK | OUTPUT, "msg.moduletable.powerOnFailed",
     "Module 'MonitorLoop' power on failed.", "memory: see the other lines", NULL},
    {33, STACK | OUTPUT, "msg.upgrade.tooNewCurrentHWVersion",
     "The virtual machine is using a hardware version that is too new",
     "virtualHW.version is too new", NULL},
    {33, LINE | STACK | OUTPUT, "msg.moduletable.powerOnFailed",
     "Module 'Upgrade' power on failed.", "the hardware version: see the other lines", NULL},
    {34, STACK | OUTPUT, "msg.fileio.lock", "Failed to lock the file", "vmfsfilelockinfo", NULL},
    {35, STACK | OUTPUT, "msg.disk.noBackEnd",
     "Cannot open the disk '/vmfs/volumes/ds/a \"b\" c/x.vmdk' or one of the snapshot disks it "
     "depends on.",
     "the next line says which", NULL},
    {36, STACK, "msg.disk.fileNotFound",
     "VMware ESX cannot find the virtual disk \"/vmfs/volumes/ds/x.vmdk\". Verify the path.",
     "a disk is not where", NULL},
    {36, STACK, "msg.disk.configureDiskError", "Reason: The system cannot find the file specified.",
     "a file is not where", NULL},
    {37, LINE | STACK | OUTPUT, "msg.moduletable.powerOnFailed", "Module 'Disk' power on failed.",
     "a disk: see the other lines", NULL},
    {38, OUTPUT | STACK, "vob.fssvec.LookupAndOpen.file.failed",
     "File system specific implementation of LookupAndOpen[file] failed", "locked or missing",
     NULL},
    {39, LINE, NULL,
     "AIOGNRC: Failed to open '/vmfs/volumes/ds/x-flat.vmdk' : Could not find the file (60003) "
     "(0x2013).",
     "a file is missing", NULL},
    {40, OUTPUT, "msg.vmx.poweron.failed", "not on NAS or VMFS version 3 datastore", "OSDATA",
     NULL},
    {41, STACK | OUTPUT, "msg.uuid.altered",
     "This virtual machine might have been moved or copied.", "waits for the answer", NULL},
    {42, RUNNING, "msg.Backdoor.OsNotFound", "No operating system was found.", "nothing to boot",
     NULL},
    {43, OUTPUT, NULL, "Variable already defined", "duplicate-keys", NULL},
    {44, OUTPUT | STACK, "msg.disk.alreadyExists", "Device 'ide0:0' already exists.",
     "two devices have one place", NULL},
    {45, OUTPUT, NULL,
     "The attempted operation cannot be performed in the current state (Powered on).",
     "in that state already", NULL},
    {45, OUTPUT, NULL,
     "The attempted operation cannot be performed in the current state (Powered Off).",
     "in that state already", NULL},
    {46, OUTPUT, NULL, "Unable to continue: another task is in progress", "wait", NULL},
    /* What no number can be read of; what check says beforehand; what is not in the record. */
    {2, LINE, NULL, "PCIPassthru: total number of pages needed (99999999999999999999) exceeds",
     "64-bit MMIO", NULL},
    {3, OUTPUT, NULL, "The firmware could not allocate KB of PCI MMIO.", "window", NULL},
    {0, OUTPUT, NULL,
     "Nested Hardware-Assisted Virtualization is not supported on a virtual machine with a PCI "
     "passthrough device.",
     "exclude", "echo TRUE > /mnt/ds/vm.vmx/vhv.allowPassthru"},
    {0, OUTPUT, NULL, "Device 0000:06:00.0 is already in use.", "another VM", NULL},
    {0, OUTPUT, NULL, "Invalid virtual machine configuration.", "cannot read the .vmx", NULL},
};
enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

static void each_number_of_the_record_has_a_row(void **state)
{
    (void)state;
    for (int number = 1; number <= 46; number++) {
        bool has = number == 29; /* what the client refuses, and says itself */
        for (size_t i = 0; i < ROWS; i++)
            has = has || rows[i].number == number;
        if (!has)
            fail_msg("no row %d", number);
    }
}

static char *report_on(const char *log, const char *output)
{
    struct vmx_dict *dict;
    struct buf ret = {0};
    assert_int_equal(vmx_dict_parse(span_of(settings), &dict), 0);
    const struct why_given given = {.dict = dict,
                                    .dir = "/mnt/ds/vm.vmx",
                                    .mount = "/mnt",
                                    .log = span_of(log),
                                    .output = span_of(output),
                                    .output_at = "2026-03-01T12:00:00Z"};
    assert_int_equal(vmx_why(&given, &ret), 0);
    vmx_dict_free(dict);
    return buf_steal(&ret);
}

/* The report has one line of the text, with the row's cause and command. Frees it. */
static void must_tell(const struct row *row, const char *shown, char *report)
{
    char *rest = report;
    const char *fields[4] = {0};
    while (rest && (!fields[1] || strcmp(fields[1], shown) != 0)) {
        char *line = strsep(&rest, "\n");
        for (size_t i = 0; i < 4; i++)
            fields[i] = line ? strsep(&line, "\t") : NULL;
    }
    if (!rest || !fields[3] || !strstr(fields[2], row->cause) ||
        strcmp(fields[3], row->command ? row->command : "-") != 0)
        fail_msg("row %d: %s\n%s\n%s\n%s", row->number, row->text, fields[1], fields[2], fields[3]);
    free(report);
}

/* ---- the log */

static const struct {
    const char *vmx, *other,
        *more; /* what the lines begin with: of vmx, of a processor, going on */
} forms[] = {
    {"2020-03-01T10:00:00.123Z| vmx| I125: ", "2020-03-01T10:00:00.123Z| vcpu-0| I125: ",
     "2020-03-01T10:00:00.123Z| vmx| I125+ "},
    {"2022-04-22T03:04:15.771Z| vmx| | I005: ", "2022-04-22T03:04:15.771Z| vcpu-0| | I005: ",
     "2022-04-22T03:04:15.771Z| vmx| | I005+ "},
    {"2022-04-22T03:04:15.771Z| vmx| vim-cmd-09-a45d| I005: ",
     "2022-04-22T03:04:15.771Z| vcpu-0| | I005: ",
     "2022-04-22T03:04:15.771Z| vmx| vim-cmd-09-a45d| I005+ "},
    {"2023-07-21T09:40:52.413Z In(05) vmx - ", "2023-07-21T09:40:52.413Z In(05) vcpu-0 - ",
     "2023-07-21T09:40:52.413Z In(05)+ vmx - "},
    {"2023-07-21T09:40:52.413Z Er(02) vmx vim-cmd-09-a45d ",
     "2023-07-21T09:40:52.413Z In(05) vcpu-0 - ",
     "2023-07-21T09:40:52.413Z Er(02)+ vmx vim-cmd-09-a45d "},
};
enum { FORMS = sizeof(forms) / sizeof(forms[0]) };

static void add(struct buf *log, const char *begin, const char *key, const char *text)
{
    int r =
        key ? buf_addf(log, "%s[%s] %s\n", begin, key, text) : buf_addf(log, "%s%s\n", begin, text);
    assert_int_equal(r, 0);
}

/* What precedes each power-on, guests' words in the settings included. */
static void add_begin(struct buf *log, const char *vmx)
{
    add(log, vmx, NULL, "Log for VMware ESX pid=1 version=7.0.3 build=build-1 option=Release");
    add(log, vmx, NULL, "DICT  displayName = \"[msg.x] Module 'Disk' power on failed\"");
    add(log, vmx, NULL, "Vix: [mainDispatch.c:4213]: VMAutomation_InitializeVMAutomation");
}

static void add_stack(struct buf *log, const char *vmx, const char *key, const char *text)
{
    add(log, vmx, NULL, "Msg_Post: Error");
    add(log, vmx, key ? key : "msg.not.recorded", text);
    add(log, vmx, "msg.vmx.poweron.failed", "Failed to start the virtual machine.");
    add(log, vmx, NULL, "----------------------------------------");
}

static void add_end(struct buf *log, const char *vmx, const char *text)
{
    bool stage = strncmp(text, "Module '", 8) == 0;
    add(log, vmx, NULL, stage ? text : "Module 'Some' power on failed.");
    add(log, vmx, NULL, "Transitioned vmx/execState/val to poweredOff");
}

static void must_be_told_by_log(const struct row *row, enum where where, size_t form)
{
    const char *vmx = forms[form].vmx;
    const char *key = where == STACK && !row->key ? "msg.not.recorded" : row->key;
    BUF_AUTO log = {0};
    BUF_AUTO shown = {0};
    add_begin(&log, vmx);
    if (where == STACK) {
        add_stack(&log, vmx, key, row->text);
    } else if (where == RUNNING) {
        add(&log, vmx, NULL, "Transitioned vmx/execState/val to poweredOn");
        add(&log, forms[form].other, row->key, row->text);
    } else if (strncmp(row->text, "Module '", 8) != 0) {
        key = NULL;
        add(&log, vmx, NULL, row->text);
        add_stack(&log, vmx, NULL, "Nobody knows this.");
    } else {
        key = NULL;
    }
    add_end(&log, vmx, row->text);
    assert_int_equal(
        key ? buf_addf(&shown, "[%s] %s", key, row->text) : buf_add_str(&shown, row->text), 0);
    char *report = report_on(log.data, "");
    if (!strstr(report, where == RUNNING ? "\n# the last power-on succeeded, 20"
                                         : "\n# the last power-on failed, 20"))
        fail_msg("row %d: %s", row->number, report);
    must_tell(row, shown.data, report);
}

static void logs_of_each_generation_tell_it(void **state)
{
    (void)state;
    static const enum where places[] = {LINE, STACK, RUNNING};
    for (size_t i = 0; i < ROWS; i++) {
        for (size_t k = 0; k < sizeof(places) / sizeof(places[0]); k++) {
            for (size_t form = 0; form < FORMS && (rows[i].where & places[k]); form++)
                must_be_told_by_log(&rows[i], places[k], form);
        }
    }
}

/* Whatever is before and behind, and whether the VM is on: a guest has its words logged behind one
 * of the host's, or by a line that goes on from such a line. */
static void a_guest_s_words_tell_nothing(void **state)
{
    (void)state;
    static const char *const before[] = {"Guest: ",
                                         "GuestRpc: ",
                                         "GuestMsg: Channel 0, ",
                                         "Tools: [appname] ",
                                         "DICT x = \"",
                                         "Guest: toolbox: 2026-03-01T10:00:00.000Z In(05) vmx - ",
                                         "Vix: ",
                                         "TOOLS "};
    enum { BEFORE = sizeof(before) / sizeof(before[0]) };
    for (size_t i = 0; i < ROWS * FORMS; i++) {
        const struct row *row = &rows[i / FORMS];
        const size_t form = i % FORMS;
        for (int on = 0; on < 3; on++) {
            BUF_AUTO log = {0};
            BUF_AUTO said = {0};
            if (on < 2)
                add_begin(&log, forms[form].vmx);
            if (on > 0)
                add(&log, forms[form].vmx, NULL, "Transitioned vmx/execState/val to poweredOn");
            for (size_t k = 0; k < BEFORE * 2; k++) {
                said.len = 0;
                assert_int_equal(buf_addf(&said, row->key && k % 3 ? "%s[%s] %s" : "%s%.0s%s",
                                          before[k / 2], row->key ? row->key : "", row->text),
                                 0);
                add(&log, k % 2 ? forms[form].vmx : forms[form].other, NULL, said.data);
            }
            add(&log, forms[form].vmx, NULL, "Guest: of two lines");
            add(&log, forms[form].more, row->key, row->text);
            add(&log, forms[form].more, NULL, "Transitioned vmx/execState/val to poweredOn");
            add(&log, forms[form].more, NULL, "Log for VMware ESX pid=2");
            char *report = report_on(log.data, "");
            if (strchr(report, '\t'))
                fail_msg("row %d: %s", row->number, report);
            assert_int_equal(strstr(report, "succeeded") != NULL, on > 0);
            free(report);
        }
    }
}

/* ---- the command's answer */

#define FAULT "Powering on VM:\nPower on failed: (vim.fault.GenericVmConfigFault) {\n"
#define STARTED "Failed to start the virtual machine."

static void add_fault(struct buf *output, const char *dynamic, const char *comma, const char *end,
                      const struct row *row)
{
    const char *key = row->key ? row->key : "msg.not.recorded";
    assert_int_equal(buf_addf(output,
                              FAULT "%s   faultCause = (vmodl.MethodFault) null%s\n"
                                    "   faultMessage = (vmodl.LocalizableMessage) [\n"
                                    "      (vmodl.LocalizableMessage) {\n%s"
                                    "         key = \"%s\"%s\n"
                                    "         arg = (vmodl.KeyAnyValue) [\n"
                                    "            (vmodl.KeyAnyValue) {\n"
                                    "               key = \"1\"%s\n"
                                    "               value = \"msg.x\"\n"
                                    "            }\n"
                                    "         ]%s\n"
                                    "         message = \"%s%s\"%s\n"
                                    "      }%s\n"
                                    "      (vmodl.LocalizableMessage) {\n"
                                    "         key = \"vpxd.vmx.poweron.failed\"%s\n"
                                    "         message = \"An error was received from the host.\"\n"
                                    "      }%s\n"
                                    "      (vmodl.LocalizableMessage) {\n"
                                    "         key = \"msg.vmx.poweron.failed\"%s\n"
                                    "         message = \"" STARTED "%s\"\n"
                                    "      }\n   ]%s\n"
                                    "   reason = \"%s\"\n   msg = \"%s\"\n}\n",
                              dynamic, comma, dynamic, key, comma, comma, comma, row->text, end,
                              comma, comma, comma, comma, comma, end, comma, row->text, row->text),
                     0);
}

static void the_command_s_answers_tell_it(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS; i++) {
        const struct row *row = &rows[i];
        BUF_AUTO of_6 = {0};
        BUF_AUTO of_8 = {0};
        BUF_AUTO of_9 = {0};
        BUF_AUTO bare = {0};
        BUF_AUTO task = {0};
        if (!(row->where & OUTPUT))
            continue;
        add_fault(&of_6, "   dynamicType = <unset>,\n", ",", "", row);
        add_fault(&of_8, "", ", ", "", row);
        add_fault(&of_9, "", ", ", "\n", row);
        assert_int_equal(buf_addf(&bare,
                                  "Powering on VM:\nPower on failed: (vim.fault.Any) {\n"
                                  "   faultMessage = <unset>, \n   msg = \"%s\"\n}\n",
                                  row->text),
                         0);
        assert_int_equal(buf_addf(&task, "Powering on VM:\r\nPower on failed\r\n%s\n", row->text),
                         0);
        const struct buf *const all[] = {&of_6, &of_8, &of_9, &bare, &task};
        for (size_t k = 0; k < sizeof(all) / sizeof(all[0]); k++) {
            char *report = report_on("", all[k]->data);
            assert_non_null(strstr(report,
                                   "\n# the last power-on failed, 2026-03-01T12:00:00Z; 1 "
                                   "line, the most special one first\n"));
            must_tell(row, row->text, report);
        }
    }
}

/* A text that nobody recorded is known by its key. */
static void a_key_tells_it_too(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS; i++) {
        struct row row = rows[i];
        bool of_text =
            row.key && (strstr(row.key, ".poweron.failed") || strstr(row.key, "powerOnFailed") ||
                        strstr(row.key, "configureDiskError"));
        if (!row.key || of_text || !(row.where & (OUTPUT | STACK)))
            continue;
        BUF_AUTO output = {0};
        row.text = "Des mots d'ailleurs.";
        if (row.number == 3)
            row.command = NULL; /* how much is needed stands in the text */
        if (row.number == 12)
            row.cause = "passthru.map";
        add_fault(&output, "", ", ", "", &row);
        must_tell(&row, row.text, report_on("", output.data));
    }
}

static void no_command_does_what_nobody_asked_for(void **state)
{
    (void)state;
    static const char *const words[] = {"force",  "power", "vim-cmd",  "unregister",
                                        "reboot", "rm ",   "question", "esxcli",
                                        "kill",   "$(",    "`",        "registered"};
    for (size_t i = 0; i < ROWS; i++) {
        for (size_t k = 0; rows[i].command && k < sizeof(words) / sizeof(words[0]); k++)
            assert_null(strstr(rows[i].command, words[k]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_number_of_the_record_has_a_row),
        cmocka_unit_test(logs_of_each_generation_tell_it),
        cmocka_unit_test(a_guest_s_words_tell_nothing),
        cmocka_unit_test(the_command_s_answers_tell_it),
        cmocka_unit_test(a_key_tells_it_too),
        cmocka_unit_test(no_command_does_what_nobody_asked_for),
    };
    return cmocka_run_group_tests_name("why_rows", tests, NULL, NULL);
}
