/* SPDX-License-Identifier: MIT */
/* Questions, tasks, guests and the inventory: what vim-cmd and hostd say of single VMs. */
#include "host/facts/inventory.h"
#include "host/facts/parse_vm.h"
#include "parse_support.h"

/* ---- questions */

/* "id|text|number label" and so on, "*" behind the default's label. */
static void show_question(const struct vm_question *q, struct buf *ret)
{
    assert_int_equal(buf_addf(ret, "%s|%s", q->id, q->text.data ? q->text.data : ""), 0);
    for (size_t i = 0; i < q->n; i++)
        assert_int_equal(buf_addf(ret, "|%lu %s%s", q->choices[i].number, q->choices[i].label.data,
                                  q->choices[i].is_default ? "*" : ""),
                         0);
}

static void a_question_is_its_text_and_its_own_choices(void **state)
{
    (void)state;
    static const struct {
        const char *text, *want; /* NULL: none */
        int result;
    } cases[] = {
        {"No message.\n", NULL, -ENOENT},
        {"Virtual machine message _vmx1:\n"
         "msg.uuid.altered:This virtual machine might have been moved or copied.\n"
         "Was it?\n\n"
         "   0. Cancel (Cancel)\n"
         "   1. I _moved it (I _moved it)\n"
         "   2. I _copied it (I _copied it) [default]\n",
         "_vmx1|This virtual machine might have been moved or copied.\nWas it?"
         "|0 Cancel|1 I moved it|2 I copied it*",
         0},
        {"Virtual machine message 12:\r\nmsg.x:Go on?\r\n   3. Yes (Yes) [default]\r\n"
         "  10. No, never (No, never)\r\n",
         "12|Go on?|3 Yes*|10 No, never", 0},
        {"a warning\n Virtual machine message 7:\nNo name: of a message.\n 1. Yes\n",
         "7|No name: of a message.|1 Yes", 0},
        {"Virtual machine message 7:\nmsg.x:Which?\n1. is a line of the text\n2) so is this\n   1. "
         "and this\n"
         "   1. button.uuid.movedTheVM (I Moved It)\n   2. Half (way)\n"
         "   3. Yes (really) (Yes (really))\n   4. No (never) (never)\n   5. (odd)\n",
         "7|Which?\n1. is a line of the text\n2) so is this\n   1. and this|1 I Moved It|2 Half|3 "
         "Yes (really)"
         "|4 No (never)|5 (odd)",
         0},
        {"Virtual machine message 7:\nmsg.x:No choices\n", NULL, -EBADMSG},
        {"Virtual machine message 7:\n   1. First\nand more text\n", NULL, -EBADMSG},
        {"Virtual machine message $(id):\nmsg.x:?\n 1. Yes\n", NULL, -EBADMSG},
        {"Virtual machine message :\nmsg.x:?\n 1. Yes\n", NULL, -EBADMSG},
        {"Virtual machine message 7\n 1. Yes\n", NULL, -EBADMSG},
        {"(vim.fault.NotFound) {\n   msg = \"No message.\"\n}\n", NULL, -EBADMSG},
        {"", NULL, -EBADMSG},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct vm_question q;
        BUF_AUTO shown = {0};
        int r = parse_question(span_of(cases[i].text), &q);
        if (r == 0)
            show_question(&q, &shown);
        if (r != cases[i].result || (r == 0 && strcmp(shown.data, cases[i].want) != 0))
            fail_msg("%s: %d, %s", cases[i].text, r, shown.data ? shown.data : "");
        vm_question_done(&q);
    }
}

/* ---- tasks */

static void the_last_tasks_are_named(void **state)
{
    (void)state;
    static const char list[] =
        "(ManagedObjectReference) [\n"
        "   'vim.Task:haTask-512-vim.VirtualMachine.powerOn-2826',\n"
        "   'vim.Task:haTask-2-vim.VirtualMachine.createSnapshot-1'\n"
        "   'vim.Task:$(id)',\n   'vim.Task:',\n"
        "]\n";
    char names[TASKS_MAX][TASK_NAME_MAX];
    assert_int_equal(parse_task_names(span_of(list), names), 2);
    assert_string_equal(names[0], "haTask-512-vim.VirtualMachine.powerOn-2826");
    assert_string_equal(names[1], "haTask-2-vim.VirtualMachine.createSnapshot-1");
    assert_int_equal(parse_task_names(span_of("(ManagedObjectReference) []\n"), names), 0);
    BUF_AUTO many = {0};
    for (int i = 0; i < 3 * TASKS_MAX; i++)
        assert_int_equal(buf_addf(&many, "   'vim.Task:haTask-%d',\n", i), 0);
    assert_int_equal(parse_task_names(buf_span(&many), names), TASKS_MAX);
    assert_string_equal(names[0], "haTask-16");
    assert_string_equal(names[TASKS_MAX - 1], "haTask-23");
}

static void a_task_has_a_state_and_a_reason(void **state)
{
    (void)state;
    static const struct {
        const char *text, *what;
        bool under_way, failed;
        time_t began;
        const char *error;
        int result;
    } cases[] = {
        {"(vim.TaskInfo) {\n   key = \"haTask-1\", \n   name = \"vim.VirtualMachine.powerOn\", \n"
         "   entity = 'vim.VirtualMachine:496', \n   state = \"running\", \n"
         "   queueTime = \"2010-06-30T08:48:44.187347Z\", \n}\n",
         "power-on", true, false, 1277887724, "", 0},
        {"   name = \"vim.VirtualMachine.createSnapshot\",\r\n   state = \"queued\",\r\n",
         "create-snapshot", true, false, 0, "", 0},
        {"(vim.TaskInfo) {\n   name = \"vim.VirtualMachine.powerOn\", \n   state = \"error\", \n"
         "   error = (vmodl.fault.RequestCanceled) {\n"
         "      faultCause = (vmodl.MethodFault) null, \n"
         "      msg = \"The task was canceled by a user.\", \n   }, \n   progress = 100, \n}\n",
         "power-on", false, true, 0, "The task was canceled by a user.", 0},
        {"   name = \"vim.VirtualMachine.reset\", \n   state = \"success\", \n", "reset", false,
         false, 0, "", 0},
        {"(vmodl.fault.ManagedObjectNotFound) {\n   msg = \"The object has already been deleted\", "
         "\n}\n",
         "", false, false, 0, "", -EBADMSG},
        {"", "", false, false, 0, "", -EBADMSG},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct vm_task task;
        int r = parse_task(span_of(cases[i].text), &task);
        const char *error = task.error.data ? task.error.data : "";
        if (r != cases[i].result || strcmp(task.what, cases[i].what) != 0 ||
            task.is_under_way != cases[i].under_way || task.has_failed != cases[i].failed ||
            task.began != cases[i].began || strcmp(error, cases[i].error) != 0)
            fail_msg("%zu: %d, %s, %d, %d, %lld, %s", i, r, task.what, task.is_under_way,
                     task.has_failed, (long long)task.began, error);
        buf_done(&task.error);
    }
}

/* ---- guests */

static void a_guest_is_known_by_its_own_choice(void **state)
{
    (void)state;
    static const struct {
        const char *text, *tools, *host_name, *address;
    } cases[] = {
        {"Guest information:\n\n(vim.vm.GuestInfo) {\n   toolsStatus = \"toolsOk\", \n"
         "   toolsRunningStatus = \"guestToolsRunning\", \n   hostName = \"debian\", \n"
         "   ipAddress = \"192.0.2.9\", \n   net = (vim.vm.GuestInfo.NicInfo) [\n"
         "      (vim.vm.GuestInfo.NicInfo) {\n         ipAddress = (string) [\n"
         "            \"198.51.100.1\"\n         ], \n",
         "running", "debian", "192.0.2.9"},
        {"(vim.vm.GuestInfo) {\n   toolsStatus = \"toolsNotRunning\", \n"
         "   toolsRunningStatus = \"guestToolsNotRunning\", \n   hostName = <unset>, \n"
         "   ipAddress = <unset>, \n}\n",
         "not-running", "", ""},
        {"(vim.vm.GuestInfo) {\n   toolsStatus = \"toolsNotInstalled\", \n"
         "   toolsRunningStatus = \"guestToolsNotRunning\", \n}\n",
         "not-installed", "", ""},
        {"(vim.vm.GuestInfo) {\n   toolsRunningStatus = \"guestToolsExecutingScripts\", \n}\n",
         "executing-scripts", "", ""},
        {"(vim.vm.GuestInfo) {\n      hostName = \"inner\", \n}\n", "", "", ""},
    };
    struct vm_guest guest;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(parse_guest(span_of(cases[i].text), &guest), 0);
        assert_string_equal(guest.tools, cases[i].tools);
        assert_string_equal(guest.host_name, cases[i].host_name);
        assert_string_equal(guest.address, cases[i].address);
    }
    assert_int_equal(parse_guest(span_of("(vim.fault.NotFound) {\n}\n"), &guest), -EBADMSG);
}

/* ---- the inventory */

static void the_inventory_tells_where_an_invalid_vm_is(void **state)
{
    (void)state;
    static const char vms[] =
        "Skipping invalid VM '6'\nSkipping invalid VM '7'\n"
        "Vmid   Name   File   Guest OS   Version   Annotation\n"
        "1   a   [ds] a/a.vmx   otherGuest   vmx-19   \n";
    static const char inventory[] =
        "<ConfigRoot>\n  <ConfigEntry id=\"0001\">\n    <objID>6</objID>\n"
        "    <secDomain>23</secDomain>\n"
        "    <vmxCfgPath>/vmfs/volumes/ds/R&amp;D &lt;1&gt;/x.vmx</vmxCfgPath>\n"
        "  </ConfigEntry>\n  <ConfigEntry id=\"0002\">\n    <vmxCfgPath>/a/a.vmx</vmxCfgPath>\n"
        "    <objID>1</objID>\n  </ConfigEntry>\n"
        "  <ConfigEntry id=\"3\"><objID>7x</objID><vmxCfgPath>/b.vmx</vmxCfgPath></ConfigEntry>\n"
        "  <ConfigEntry id=\"4\"><objID>7</objID><vmxCfgPath>b.vmx</vmxCfgPath></ConfigEntry>\n"
        "  <ConfigEntry id=\"5\"><objID>7</objID></ConfigEntry>\n";
    FACTS_AUTO facts = new_facts();
    facts->vms_known = true;
    assert_int_equal(parse_vms(span_of(vms), facts), 0);
    assert_int_equal(facts->n_vms, 3);
    assert_int_equal(inventory_parse(span_of(inventory), facts), 0);
    assert_null(facts->vms[0].entry);
    assert_string_equal(facts->vms[1].entry, "/vmfs/volumes/ds/R&D <1>/x.vmx");
    assert_null(facts->vms[2].entry);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_question_is_its_text_and_its_own_choices),
        cmocka_unit_test(the_last_tasks_are_named),
        cmocka_unit_test(a_task_has_a_state_and_a_reason),
        cmocka_unit_test(a_guest_is_known_by_its_own_choice),
        cmocka_unit_test(the_inventory_tells_where_an_invalid_vm_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
