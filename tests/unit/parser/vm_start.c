/* SPDX-License-Identifier: MIT */
/* What a vmware.log shows of the last power-on, and of one that is not to be believed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "parser/vm/vm_start.h"

#define LINE(text) "2026-03-01T10:00:01.000Z In(05) vmx - " text "\n"
#define FIRST LINE("Log for VMware ESX pid=1 version=8.0.1 build=build-21495797 option=Release")
#define ON LINE("Transitioned vmx/execState/val to poweredOn")
#define BAR                                                                                        \
    "PCIPassthru: Device 0000:42:00.0 barIndex 1 type 3 realaddr 0x3b800000000 size 34359738368"
#define BAR_LINE LINE(BAR " flags 12")
#define PAGES "PCIPassthru: total number of pages needed (4206594) exceeds limit (917504), failing"
#define LOW                                                                                        \
    LINE(                                                                                          \
        "PCIPassthru: Device 0000:42:00.0 barIndex 0 type 2 realaddr 0xa0000000 size 16777216 "    \
        "flags 0")

static void bars_are_read_in_three_generations(void **state)
{
    static const char *const forms[] = {
        "2026-03-01T10:00:01.123Z| vmx| I125: ",
        "2026-03-01T10:00:01.123Z| vmx| | I005: ",
        "2026-03-01T10:00:01.123Z| vmx| vim-cmd-09-a45d| I005: ",
        "2026-03-01T10:00:01.123Z In(05) vmx - ",
        "2026-03-01T10:00:01.123Z In(05) vmx vim-cmd-09-a45d ",
    };
    (void)state;

    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        BUF_AUTO log = {0};
        START_AUTO start;
        assert_int_equal(buf_addf(&log,
                                  "%sLog for VMware ESX pid=1\n%s" BAR " flags 12\n"
                                  "%sTransitioned vmx/execState/val to poweredOn\n",
                                  forms[i], forms[i], forms[i]),
                         0);
        assert_int_equal(vm_start_read(buf_span(&log), &start), 0);
        assert_string_equal(start.date, "2026-03-01");
        assert_true(start.succeeded);
        assert_int_equal(start.wanted_gb, 0);
        assert_int_equal(start.n_bars, 1);
        assert_true(vmx_pci_eq(&start.bars[0].address, &(struct vmx_pci){0, 0x42, 0, 0}));
        assert_int_equal(start.bars[0].at, 0x3b800000000);
        assert_int_equal(start.bars[0].size, 34359738368);
        assert_true(start.bars[0].wide);
    }
}

static void a_log_shows_only_what_its_last_power_on_did(void **state)
{
    static const struct {
        const char *log;
        bool succeeded;
        size_t bars;
        unsigned long long wanted;
    } cases[] = {
        {FIRST BAR_LINE LOW, false, 2, 0},
        {FIRST BAR_LINE ON FIRST LOW, false, 1, 0},
        {FIRST LINE(PAGES), false, 0, 32},
        {FIRST LINE("[msg.x] The firmware could not allocate 33587200 KB of PCI MMIO. Increase"),
         false, 0, 64},
        {FIRST LINE("PCIPassthru: total number of pages needed (many) exceeds limit"), false, 0, 0},
        {FIRST LINE("PCIPassthru: total number of pages needed (99999999999999999999) exceeds"),
         false, 0, 0},
        {FIRST LINE("PCIPassthru: total number of pages needed (274877906943) exceeds"), false, 0,
         1 << 20},
        {FIRST LINE("PCIPassthru: total number of pages needed (274877906944) exceeds"), false, 0,
         0},
        {FIRST LINE("The firmware could not allocate 33587200 sheep"), false, 0, 0},
        /* Not the host's words: of another thread, behind others, or when a guest runs. */
        {FIRST "2026-03-01T10:00:01.000Z In(05) vcpu-0 - " BAR " flags 12\n", false, 0, 0},
        {FIRST LINE("Guest: " BAR " flags 12"), false, 0, 0},
        {FIRST BAR " flags 12\n", false, 0, 0},
        {FIRST LINE("DICT guestinfo.x = \"" PAGES "\""), false, 0, 0},
        {FIRST LINE("Guest: " PAGES), false, 0, 0},
        {FIRST "2026-03-01T10:00:01.000Z In(05)+ vmx - " PAGES "\n", false, 0, 0},
        {FIRST "2026-03-01T10:00:01.000Z| vmx| I125+ " PAGES "\n", false, 0, 0},
        {FIRST "2026-03-01T10:00:01.000Z| vmx| I125+ x: " BAR " flags 12\n", false, 0, 0},
        {FIRST ON BAR_LINE, true, 0, 0},
        {FIRST LINE("DICT annotation = \"Transitioned vmx/execState/val to poweredOn\"") BAR_LINE,
         false, 1, 0},
        {FIRST BAR_LINE ON LINE("Guest: Log for VMware ESX"), true, 1, 0},
        /* Lines that are not whole, or absurd. */
        {FIRST LINE("PCIPassthru: Device 0000:42:00.0 barIndex 1 type 3 realaddr 0x1 size "
                    "1099511627776"),
         false, 1, 0},
        {FIRST LINE("PCIPassthru: Device 0000:42:00.0 barIndex 1 type 3 realaddr 0x1 size "
                    "1099511627777"),
         false, 0, 0},
        {FIRST LINE("PCIPassthru: Device 0000:42:00.0 barIndex 1 type 3 realaddr 0x1 size"), false,
         0, 0},
        {FIRST LINE("PCIPassthru: Device 42 barIndex 1 type 3 realaddr 0x1 size 1"), false, 0, 0},
        {FIRST LINE("PCIPassthru: Device 0000:42:00.0 barIndex 1 type 3 realaddr 17 size 1"), false,
         0, 0},
        {FIRST LINE("PCIPassthru: Device 0000:42:00.0 barIndex 1 type 3 realaddr 0x1 size "
                    "99999999999999999999"),
         false, 0, 0},
    };
    (void)state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        START_AUTO start;
        assert_int_equal(vm_start_read(span_of(cases[i].log), &start), 0);
        assert_string_equal(start.date, "2026-03-01");
        assert_int_equal(start.succeeded, cases[i].succeeded);
        assert_int_equal(start.n_bars, cases[i].bars);
        assert_int_equal(start.wanted_gb, cases[i].wanted);
    }
}

static void a_log_without_its_first_line_shows_nothing(void **state)
{
    static const char *const logs[] = {"", BAR_LINE ON,
                                       "noon In(05) vmx - Log for VMware ESX pid=1\n" BAR_LINE ON,
                                       LINE("Log for VMware Workstation pid=1") BAR_LINE ON};
    (void)state;

    for (size_t i = 0; i < sizeof(logs) / sizeof(logs[0]); i++) {
        START_AUTO start;
        assert_int_equal(vm_start_read(span_of(logs[i]), &start), 0);
        assert_string_equal(start.date, "");
        assert_false(start.succeeded);
        assert_int_equal(start.n_bars, 0);
    }
}

static void a_hostile_log_takes_little_memory(void **state)
{
    BUF_AUTO log = {0};
    START_AUTO start;
    (void)state;

    assert_int_equal(buf_add_str(&log, FIRST), 0);
    for (size_t i = 0; i < 10000; i++)
        assert_int_equal(buf_add_str(&log, BAR_LINE), 0);
    assert_int_equal(vm_start_read(buf_span(&log), &start), 0);
    assert_int_equal(start.n_bars, 768);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bars_are_read_in_three_generations),
        cmocka_unit_test(a_log_shows_only_what_its_last_power_on_did),
        cmocka_unit_test(a_log_without_its_first_line_shows_nothing),
        cmocka_unit_test(a_hostile_log_takes_little_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
