/* SPDX-License-Identifier: MIT */
/* Which files a .vmx names, which are a VM's by their names, and what a disk's descriptor names. */
#include "parser/vm/vm_files.h"

#include "parser/vm/vmdk.h"
#include "support.h"

/* Names in a row, as one string: "a|b|". */
static void assert_names(struct buf *names, const char *want)
{
    for (size_t i = 0; i < names->len; i++) {
        if (names->data[i] == '\0')
            names->data[i] = '|';
    }
    assert_string_equal(names->data ? names->data : "", want);
}

static void disks_of_a_vmx(void **state)
{
    (void)state;
    static const struct {
        const char *text, *names;
    } table[] = {
        {"", ""},
        {"scsi0:0.fileName = \"db.vmdk\"\n", "db.vmdk|"},
        {"scsi0:0.fileName = \"a b.vmdk\"\nSATA1:15.FILENAME = \"../base/B.VMDK\"\n",
         "a b.vmdk|../base/B.VMDK|"},
        {"nvme0:0.fileName = \"/vmfs/volumes/ds 2/x/x-000001.vmdk\"\n",
         "/vmfs/volumes/ds 2/x/x-000001.vmdk|"},
        {"ide1:0.fileName = \"/isos/a.iso\"\nide1:0.deviceType = \"cdrom-image\"\n", ""},
        {"ide0:0.fileName = \"disk.raw\"\nide0:0.deviceType = \"ata-hardDisk\"\n", "disk.raw|"},
        {"ide0:0.fileName = \"auto detect\"\nide0:0.deviceType = \"atapi-cdrom\"\n", ""},
        {"ide0:0.fileName = \"disk.raw\"\n", ""},
        {"scsi0:0.fileName = \"\"\n", ""},
        {"floppy0.fileName = \"a.vmdk\"\nserial0.fileName = \"b.vmdk\"\n", ""},
        {"scsi0:0.present = \"FALSE\"\nscsi0:0.fileName = \"kept.vmdk\"\n", "kept.vmdk|"},
        {"scsi0:0.fileName = \"old.vmdk\"\nscsi0:0.filename = \"new.vmdk\"\n", "new.vmdk|"},
        {"scsi0:0.fileName = \"caf|C3|A9.vmdk\"\n", "caf\xc3\xa9.vmdk|"},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        DICT_AUTO dict = parsed(span_of(table[i].text));
        BUF_AUTO names = {0};
        assert_int_equal(vm_files_disks(dict, &names), 0);
        assert_names(&names, table[i].names);
    }
}

static void other_files_of_a_vmx(void **state)
{
    (void)state;
    static const struct {
        const char *text, *names;
    } table[] = {
        {"memSize = \"1\"\n", ""},
        {"nvram = \"other.nvram\"\n", "other.nvram|"},
        {"checkpoint.vmState = \"\"\nNVRAM = \"x\"\n", "x|"},
        {"sched.swap.derivedName = \"/vmfs/volumes/1/a.vswp\"\ncheckpoint.vmstate = \"a.vmss\"\n",
         "a.vmss|/vmfs/volumes/1/a.vswp|"},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        DICT_AUTO dict = parsed(span_of(table[i].text));
        BUF_AUTO names = {0};
        assert_int_equal(vm_files_others(dict, &names), 0);
        assert_names(&names, table[i].names);
    }
}

static void files_of_a_vm_by_their_names(void **state)
{
    (void)state;
    static const struct {
        const char *vmx, *name;
        bool has;
    } table[] = {
        {"db.vmx", "db.vmx.lck", true},        {"db.vmx", "other.vmdk.lck", true},
        {"db.vmx", ".lck-00ab", true},         {"db.vmx", "db-12345678.vswp", true},
        {"db.vmx", "vmx-db-1-1.vswp", true},   {"db.vmx", "db.nvram", true},
        {"db.vmx", "DB.nvram", false},         {"db.vmx", "db.NVRAM", true},
        {"db.vmx", "db2.nvram", false},        {"db.vmx", "db-2.nvram", false},
        {"db.vmx", "db.vmsd", true},           {"db.vmx", "db-Snapshot1.vmsn", true},
        {"db.vmx", "db-Snapshot1.vmem", true}, {"db.vmx", "db.vmss", true},
        {"db.vmx", "db-1a2b.vmss", true},      {"db.vmtx", "db.nvram", true},
        {"db.vmx", "web.vmsd", false},         {"db.vmx", "vmware.log", false},
        {"db.vmx", "db.vmdk", false},          {"db.vmx", "db.vmx", false},
        {"db.vmx", "db.vmx~", false},          {"db.vmx", ".lck", false},
        {"db.vmx", "notes.txt", false},        {"a.b.vmx", "a.b.nvram", true},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        if (vm_files_has(table[i].vmx, table[i].name) != table[i].has)
            print_error("%s\n", table[i].name);
        assert_int_equal(vm_files_has(table[i].vmx, table[i].name), table[i].has);
    }
}

static void names_of_a_descriptor(void **state)
{
    (void)state;
    static const struct {
        struct span text;
        const char *parents, *extents;
    } table[] = {
        {BYTES(""), "", ""},
        {BYTES(
             "# Disk DescriptorFile\nversion=1\nparentCID=ffffffff\n\n"
             "# Extent description\nRW 4192256 VMFS \"disk-flat.vmdk\"\n\nddb.uuid = \"60 00\"\n"),
         "", "disk-flat.vmdk|"},
        {BYTES("parentFileNameHint=\"/vmfs/volumes/a b/base/base.vmdk\"\r\n"
               "RW 100 SESPARSE \"d-000001-sesparse.vmdk\"\r\n"),
         "/vmfs/volumes/a b/base/base.vmdk|", "d-000001-sesparse.vmdk|"},
        {BYTES("PARENTFILENAMEHINT = \"../base.vmdk\"\n"), "../base.vmdk|", ""},
        {BYTES("parentFileNameHint=base.vmdk"), "base.vmdk|", ""},
        {BYTES("RW 63 FLAT \"a b-f001.vmdk\" 0\nRDONLY 1 SPARSE \"s001.vmdk\"\n"
               "noaccess 5 VMFS \"/x/y.vmdk\"\nRW 63 ZERO\n"),
         "", "a b-f001.vmdk|s001.vmdk|/x/y.vmdk|"},
        {BYTES("changeTrackPath=\"d-ctk.vmdk\"\n"), "", "d-ctk.vmdk|"},
        {BYTES("#parentFileNameHint=\"a\"\nRWX 1 VMFS \"b\"\nRW 1 \"c\"\nRW 1 VMFS d\n"), "", ""},
        {BYTES("parentFileNameHint=\"\"\nRW 1 VMFS \"\"\nRW 1 VMFS \"open\n"), "", "open|"},
        {BYTES("RW 1 VMFS \"a\0b\"\n"), "", ""},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        BUF_AUTO parents = {0};
        BUF_AUTO extents = {0};
        assert_int_equal(vmdk_parents(table[i].text, &parents), 0);
        assert_int_equal(vmdk_extents(table[i].text, &extents), 0);
        assert_names(&parents, table[i].parents);
        assert_names(&extents, table[i].extents);
    }
}

static void names_of_deltas(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b;
        bool one_disk, delta; /* delta: a is one */
    } table[] = {
        {"web.vmdk", "web-000001.vmdk", true, false},
        {"web-000002.vmdk", "/vmfs/volumes/ds1/web/web.VMDK", true, true},
        {"ds/web-000002.vmdk", "web-000001.vmdk", true, true},
        {"web.vmdk", "web.vmdk", false, false},
        {"/a/web.vmdk", "/b/web.vmdk", false, false},
        {"web.vmdk", "db-000001.vmdk", false, false},
        {"web.vmdk", "web-00000a.vmdk", false, false},
        {"web-000001.iso", "web.iso", false, false},
        {"-000001.vmdk", ".vmdk", false, false},
        {"", "", false, false},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct span a = span_of(table[i].a);
        struct span b = span_of(table[i].b);
        assert_int_equal(vm_files_are_of_one_disk(a, b), table[i].one_disk);
        assert_int_equal(vm_files_are_of_one_disk(b, a), table[i].one_disk);
        assert_int_equal(vm_files_is_delta(a), table[i].delta);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(disks_of_a_vmx),
        cmocka_unit_test(other_files_of_a_vmx),
        cmocka_unit_test(files_of_a_vm_by_their_names),
        cmocka_unit_test(names_of_a_descriptor),
        cmocka_unit_test(names_of_deltas),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
