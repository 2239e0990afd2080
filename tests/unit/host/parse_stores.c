/* SPDX-License-Identifier: MIT */
#include "parse_support.h"

/* In the form of 8.0, with what is seldom: a name with spaces, one in other letters, none, an
 * unmounted volume, vSAN and NFS. */
static const char listed[] =
    "Mount Point                                        Volume Name  UUID                "
    "                 Mounted  Type                            Size           Free\n"
    "-------------------------------------------------  -----------  --------------------"
    "---------------  -------  --------------------  --------------  -------------\n"
    "/vmfs/volumes/66b0c33b-d2f3dff8-8f53-1e00f500013e  data [2] x   66b0c33b-d2f3dff8-8f"
    "53-1e00f500013e     true  VMFS-6                   96368328704    18654167040\n"
    "/vmfs/volumes/2707af93-17b6f4d4                    124-share    2707af93-17b6f4d4   "
    "                    true  NFS                   40008333393920 12798507614208\n"
    "/vmfs/volumes/2707af94-17b6f4d4                    124-share    2707af94-17b6f4d4   "
    "                    true  NFS                   40008333393920  1279850761420\n"
    "/vmfs/volumes/vsan:5246f9374fa1cd5c-a5fadb7fd2d1f  vsan         vsan:5246f9374fa1cd5"
    "c-a5fadb7fd2d1f     true  vsan                               1              2\n"
    "/vmfs/volumes/fa2aa265-4242031f-848c-37c3316eebbb               fa2aa265-4242031f-84"
    "8c-37c3316eebbb     true  vfat                      1073577984      805076992\n"
    "                                                   LUN01        4e414917-a8d75514-6b"
    "ae-0019b9f1ecf4    false  VMFS-unknown version               0              0\n"
    "                                                   (null)       4e414918-a8d75514-6b"
    "ae-0019b9f1ecf4    false  VMFS-unknown version               -             1k\n"
    "                                                   d\xc3\xa9p\xc3\xb4t        4e4149"
    "19-a8d75514-6bae-0019b9f1ecf4     true  VMFS-6                             7        "
    "      5\n"
    "                                                   d\xc3\xa9p\xc3\xb4t      4e414920"
    "-a8d75514-6bae-0019b9f1ecf4     true  VMFS-6                             7          "
    "    5\n"
    "                                                   d\x9b\xe9p\xc3\xb4t       4e414921-"
    "a8d75514-6bae-0019b9f1ecf4     true  VMFS-6                             7             5\n"
    "a line that says something else, which does not fit the columns, however long it may"
    " be and was\n"
    "                                                   again        66b0c33b-d2f3dff8-8f"
    "53-1e00f500013e    false  VMFS-6                             0              0\n"
    "                                                   up           ..                  "
    "                   false  VMFS-6                             0              0\n"
    "                                                   down         a/b                 "
    "                   false  VMFS-6                             0              0\n"
    "Error getting data for filesystem on '/vmfs/volumes/67c5a845-d967bb36-da89-0025b5020"
    "14f': Cannot open volume: /vmfs/volumes/67c5a845-d967bb36-da89-0025b502014f, skippin"
    "g.\n"
    "Error getting data for filesystem on '/vmfs/volumes/..': Cannot open volume, skipping.\n"
    "Error getting data for filesystem on '/vmfs/volumes/vsan:5246f9374fa1cd5c-a5fadb7fd2"
    "d1f': Cannot open volume, skipping.\n";

struct expected {
    const char *name, *uuid, *type, *size, *free;
    enum vmx_truth accessible;
};

static void check(const struct host_facts *facts, const struct expected *expected, size_t n)
{
    for (size_t i = 0; i < facts->n_stores; i++)
        print_message("%s|%s\n", facts->stores[i].name, facts->stores[i].uuid);
    assert_int_equal(facts->n_stores, n);
    for (size_t i = 0; i < n; i++) {
        assert_string_equal(facts->stores[i].name, expected[i].name);
        assert_string_equal(facts->stores[i].uuid, expected[i].uuid);
        assert_string_equal(facts->stores[i].type, expected[i].type);
        assert_string_equal(facts->stores[i].size, expected[i].size);
        assert_string_equal(facts->stores[i].free, expected[i].free);
        assert_int_equal(facts->stores[i].accessible, expected[i].accessible);
    }
}

static void a_list_of_file_systems_is_read_by_its_dashes(void **state)
{
    static const struct expected all[] = {
        {"data [2] x", "66b0c33b-d2f3dff8-8f53-1e00f500013e", "VMFS-6", "96368328704",
         "18654167040", VMX_YES},
        {"124-share", "2707af94-17b6f4d4", "NFS", "40008333393920", "1279850761420", VMX_YES},
        {"vsan", "vsan:5246f9374fa1cd5c-a5fadb7fd2d1f", "vsan", "1", "2", VMX_NO},
        {"", "fa2aa265-4242031f-848c-37c3316eebbb", "vfat", "1073577984", "805076992", VMX_YES},
        {"LUN01", "4e414917-a8d75514-6bae-0019b9f1ecf4", "VMFS-unknown version", "0", "0", VMX_NO},
        {"", "4e414918-a8d75514-6bae-0019b9f1ecf4", "VMFS-unknown version", "", "", VMX_NO},
        {"d\xc3\xa9p\xc3\xb4t", "4e414919-a8d75514-6bae-0019b9f1ecf4", "VMFS-6", "7", "5", VMX_YES},
        {"d\xc3\xa9p\xc3\xb4t", "4e414920-a8d75514-6bae-0019b9f1ecf4", "VMFS-6", "7", "5", VMX_YES},
        {"d\x9b\xe9p\xc3\xb4t", "4e414921-a8d75514-6bae-0019b9f1ecf4", "VMFS-6", "7", "5", VMX_YES},
        {"", "67c5a845-d967bb36-da89-0025b502014f", "", "", "", VMX_NO},
    };
    for (int crlf = 0; crlf < 2; crlf++) {
        BUF_AUTO text = {0};
        FACTS_AUTO facts = new_facts();
        if (crlf)
            add_crlf(span_of(listed), &text);
        assert_int_equal(parse_stores(crlf ? buf_span(&text) : span_of(listed), facts), 0);
        check(facts, all, sizeof(all) / sizeof(all[0]));
    }
    (void)state;
}

/* Columns may be others, and in another order. */
static void what_is_not_said_is_not_known(void **state)
{
    static const char text[] =
        "a warning\n\n"
        "Free  UUID               Accessible\n"
        "----  -----------------  ----------\n"
        " 12x  2707af93-17b6f4d4        true\n"
        "   7  2707af94-17b6f4d4\n";
    static const struct expected all[] = {
        {"", "2707af93-17b6f4d4", "", "", "", VMX_NOT_KNOWN},
        {"", "2707af94-17b6f4d4", "", "", "7", VMX_NOT_KNOWN},
    };
    static const char *const none[] = {"", "Error: Unknown command or namespace storage\n",
                                       "UUID\n----\nx\n", "----  ----\na  b\n", "UUID  x\n"};
    FACTS_AUTO facts = new_facts();
    assert_int_equal(parse_stores(span_of(text), facts), 0);
    check(facts, all, 2);
    for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
        FACTS_AUTO empty = new_facts();
        assert_int_equal(parse_stores(span_of(none[i]), empty), 0);
        assert_int_equal(empty->n_stores, 0);
    }
    (void)state;
}

static void a_list_of_nfs_mounts_says_whose_server_does_not_answer(void **state)
{
    static const char nas[] =
        "Volume Name  Host          Share     Accessible  Mounted  Read-Only   isPE  Hardware"
        " Acceleration\n"
        "-----------  ------------  --------  ----------  -------  ---------  -----  --------"
        "-------------\n"
        "124-share    192.168.1.22  /volume1       false     true      false  false  Not Supp"
        "orted\n"
        "data [2] x   192.168.1.22  /volume2       false     true      false  false  Not Supp"
        "orted\n"
        "vsan         192.168.1.22  /volume3        true     true      false  false  Not Supp"
        "orted\n";
    FACTS_AUTO facts = new_facts();
    assert_int_equal(parse_stores(span_of(listed), facts), 0);
    assert_int_equal(parse_nas(span_of(nas), "NFS41", facts), 0);
    assert_int_equal(facts->stores[1].accessible, VMX_YES);
    assert_int_equal(parse_nas(span_of(nas), "NFS", facts), 0);
    assert_int_equal(facts->stores[0].accessible, VMX_YES);
    assert_int_equal(facts->stores[1].accessible, VMX_NO);
    assert_int_equal(facts->stores[2].accessible, VMX_NO);
    (void)state;
}

static void a_host_has_no_more_than_so_many(void **state)
{
    BUF_AUTO text = {0};
    FACTS_AUTO facts = new_facts();
    assert_int_equal(buf_add_str(&text, "UUID  Size\n----  ----\n"), 0);
    for (int i = 0; i < 5000; i++)
        assert_int_equal(buf_addf(&text, "%04d     1\n", i), 0);
    assert_int_equal(parse_stores(buf_span(&text), facts), 0);
    assert_int_equal(facts->n_stores, 4096);
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_list_of_file_systems_is_read_by_its_dashes),
        cmocka_unit_test(what_is_not_said_is_not_known),
        cmocka_unit_test(a_list_of_nfs_mounts_says_whose_server_does_not_answer),
        cmocka_unit_test(a_host_has_no_more_than_so_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
