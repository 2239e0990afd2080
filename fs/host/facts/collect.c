/* SPDX-License-Identifier: MIT */
#include "collect.h"

#include <errno.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "inventory.h"
#include "parse.h"
#include "parser/device/passed.h"
#include "parser/text/text.h"
#include "remote/cache/document.h"
#include "remote/cache/listing.h"
#include "remote/names/aliases.h"
#include "remote/names/paths.h"
#include "remote/names/shown_names.h"
#include "sftp/requests.h"
#include "sftp/results.h"
#include "stores.h"

enum {
    HARDWARE_MS = 60 * 1000, /* as long an answer about the hardware is taken */
    WORDS_MAX = 6,
};

static const struct question {
    const char *words[WORDS_MAX];
    int (*parse)(struct span text, struct host_facts *ret);
    bool hardware;
} questions[QUESTIONS] = {
    {{"vmware", "-v"}, parse_version, true},
    {{"esxcli", "system", "uuid", "get"}, parse_uuid, true},
    {{"esxcli", "hardware", "platform", "get"}, parse_platform, true},
    {{"esxcli", "hardware", "cpu", "list"}, parse_cpu_list, true},
    {{"esxcli", "hardware", "cpu", "global", "get"}, parse_cpu_global, true},
    {{"esxcli", "hardware", "pci", "list"}, parse_pci_list, true},
    {{"esxcli", "hardware", "pci", "pcipassthru", "list"}, parse_pci_passthru, true},
    [QUESTION_VMS] = {{"vim-cmd", "vmsvc/getallvms"}, parse_vms, false},
    [QUESTION_RUNNING] = {{"esxcli", "vm", "process", "list"}, parse_running, false},
};

/* Old hosts do not know all commands: a failure leaves its facts unknown. */
static int ask_one(struct host *host, size_t i, const struct wait *wait, struct diag *why)
{
    struct answer *a = &host->answers[i];
    BUF_AUTO text = {0};
    int status = 0;
    int64_t now = clock_ms();
    int r = exec_ask(host->exec, questions[i].words, wait, &text, &status, why);
    if (r < 0)
        return r;
    if (status != 0) {
        log_debug("%s %s: status %d: %.200s", questions[i].words[0], questions[i].words[1], status,
                  text.len ? text.data : "");
        buf_clear(&text);
    }
    buf_done(&a->text);
    *a = (struct answer){.text = text, .status = status, .at = now};
    text = (struct buf){0};
    return 0;
}

int ask_volumes(struct host *host, const struct wait *wait)
{
    const struct span volumes = stores_volumes(host);
    if (volumes.p == remote_root(host->remote))
        return 0;
    SFTP_CALL_AUTO *call = sftp_stat(remote_sftp(host->remote), volumes.p);
    int r = sftp_wait(call, wait);
    if (r == 0)
        r = S_ISDIR(sftp_call_attrs(call)->mode) ? 0 : -EOPNOTSUPP;
    return r == -EIO || r == -ENOTCONN ? -EIO : r == -EINTR ? r : r < 0 ? -EOPNOTSUPP : 0;
}

int ask_who(struct host *host, const struct wait *wait, struct diag *why)
{
    enum { NO_SUCH_COMMAND = 127 }; /* as shells say */
    const struct answer *answer = &host->answers[0];
    int r = ask_one(host, 0, wait, why);
    atomic_store(&host->mute, r == -EACCES || r == -EOPNOTSUPP);
    if (r < 0)
        return r == -EACCES ? -EOPNOTSUPP : r;
    if (answer->status != 0 && answer->status != NO_SUCH_COMMAND) {
        diag_set(why, "\"vmware -v\" failed: status %d", answer->status);
        return -EIO;
    }
    struct host_facts *facts = host_facts_new();
    if (!facts)
        return -ENOMEM;
    r = parse_version(buf_span(&answer->text), facts);
    host_facts_unref(facts);
    if (r == -EBADMSG) {
        diag_set(why, "the answer to \"vmware -v\" is not that of an ESXi host");
        r = -EOPNOTSUPP;
    }
    return r;
}

/* ---- where the VMs are in the mount */

/* The host calls the datastores' directory /vmfs/volumes, wherever the server has it. */
static int served_path(const struct host *host, struct host_facts *facts, const char *path,
                       const char **ret)
{
    static const struct span own = SPAN_LITERAL("/vmfs/volumes/");
    const struct span at = stores_volumes(host);
    BUF_AUTO served = {0};
    *ret = path;
    if (!path || !span_starts_with(span_of(path), own) || span_starts_with(span_of(path), at))
        return 0;
    int r = buf_addf(&served, "%.*s/%s", (int)at.n, at.p, path + own.n);
    *ret = host_facts_text(facts, buf_span(&served));
    return r < 0 || facts->no_memory ? -ENOMEM : 0;
}

/* Absolute, as the server names it; NULL where it has no name for it. */
static int vm_path(const struct host *host, struct host_facts *facts, const struct host_vm *vm,
                   const char **ret)
{
    const struct span at = stores_volumes(host);
    BUF_AUTO path = {0};
    if (!vm->valid)
        return served_path(host, facts, vm->entry, ret);
    int r = buf_addf(&path, "%.*s/%s/%s", (int)at.n, at.p, vm->datastore, vm->file);
    *ret = host_facts_text(facts, buf_span(&path));
    return r < 0 || facts->no_memory ? -ENOMEM : 0;
}

/* The running VMs are named by paths, too, and each path may go through links of its own. */
static void note_running(struct host_facts *facts, char *const *running)
{
    for (size_t i = 0; i < facts->n_vms; i++) {
        struct host_vm *vm = &facts->vms[i];
        for (size_t k = 0; vm->path && !vm->running && k < facts->n_running; k++)
            vm->running = running[k] && strcmp(running[k], vm->path) == 0;
    }
}

/* ---- which VM has which device */

static int note_user(struct host_facts *facts, const char *path, const struct document *doc)
{
    PASSED_AUTO passed = {0};
    int r = vmx_passed_find(doc->dict, &passed);
    for (size_t i = 0; r == 0 && i < passed.n; i++) {
        const struct vmx_passed_device *device = &passed.items[i];
        for (size_t k = 0; device->has_address && k < facts->host.n_pci; k++) {
            if (vmx_pci_eq(&facts->host.pci[k].address, &device->address))
                facts->host.pci[k].user = path;
        }
    }
    return r;
}

/* A .vmx that cannot be read tells nothing. */
static int note_users(struct host *host, struct host_facts *facts, const struct wait *wait)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < facts->n_vms; i++) {
        DOCUMENT_AUTO *doc = NULL;
        const struct host_vm *vm = &facts->vms[i];
        if (!vm->running)
            continue;
        r = remote_document(host->remote, vm->path, HARDWARE_MS, wait, &doc);
        if (r == 0)
            r = note_user(facts, vm->shown, doc);
        else if (r != -EIO && r != -EINTR && r != -ENOMEM)
            r = 0;
    }
    return r;
}

/* The datastore in a path of the host's. */
static struct span store_in(struct span volumes, const char *path)
{
    const struct span s = span_of(path);
    const bool below = span_starts_with(s, volumes) && s.n > volumes.n && path[volumes.n] == '/';
    const struct span rest = below ? span_from(s, volumes.n + 1) : span_head(s, 0);
    return span_head(rest, text_find(rest, '/'));
}

/* The server's names for all VMs; NULL where one has none, or the server must not be asked about
 * it. */
static int list_paths(struct host *host, struct host_facts *facts, const char **ret)
{
    const struct span at = stores_volumes(host);
    const struct host_facts *stores = stores_known(host);
    int r = 0;
    for (size_t i = 0; r == 0 && i < facts->n_vms; i++)
        r = vm_path(host, facts, &facts->vms[i], &ret[i]);
    for (size_t i = 0; r == 0 && i < facts->n_running; i++)
        r = served_path(host, facts, facts->running[i], &ret[facts->n_vms + i]);
    for (size_t i = 0; i < facts->n_vms + facts->n_running; i++) {
        if (ret[i] && stores_is_inaccessible(stores, store_in(at, ret[i])))
            ret[i] = NULL;
    }
    host_facts_unref(stores);
    return r;
}

/* Where there are datastores that may hang, it is asked which of them are inaccessible. */
static void expect_stores(struct host *host, const struct wait *wait)
{
    const struct span at = stores_volumes(host);
    LISTING_AUTO *l = NULL;
    bool any = false;
    FREE_AUTO char *volumes = strndup(at.p, at.n);
    const char *dir = volumes ? remote_below_root(host->remote, volumes) : NULL;
    if (!dir || remote_list(host->remote, dir, HARDWARE_MS, wait, &l) < 0)
        return;
    for (size_t i = 0; i < l->n; i++)
        any = any || (S_ISDIR(l->entries[i].attrs.mode) && aliases_is_nas(l->entries[i].name));
    if (any)
        stores_expect(host, wait);
}

static int name_vms(struct host *host, struct host_facts *facts, const struct wait *wait)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < facts->n_vms; i++) {
        struct host_vm *vm = &facts->vms[i];
        BUF_AUTO shown = {0};
        if (!vm->path)
            continue;
        r = remote_learn_shown(host->remote, vm->path, wait)
                ?: remote_add_shown(host->remote, vm->path, &shown);
        if (r == 0)
            vm->shown = host_facts_text(facts, buf_span(&shown));
    }
    return r;
}

static int locate(struct host *host, struct host_facts *facts, const struct wait *wait)
{
    size_t n = facts->n_vms + facts->n_running;
    FREE_AUTO const char **paths = calloc(n + 1, sizeof(*paths));
    char **found = calloc(n + 1, sizeof(*found));
    int r = paths && found ? list_paths(host, facts, paths) : -ENOMEM;
    r = r ?: remote_locate(host->remote, paths, n, wait, found);
    if (r == 0) {
        for (size_t i = 0; i < facts->n_vms; i++)
            facts->vms[i].path = found[i] ? host_facts_text(facts, span_of(found[i])) : NULL;
        note_running(facts, found + facts->n_vms);
        r = facts->no_memory ? -ENOMEM : name_vms(host, facts, wait);
    }
    for (size_t i = 0; found && i < n; i++)
        free(found[i]);
    free(found);
    return r;
}

/* ---- all of it */

static int parse_all(const struct host *host, struct host_facts *facts)
{
    for (size_t i = 0; i < QUESTIONS; i++) {
        int r = questions[i].parse(buf_span(&host->answers[i].text), facts);
        if (r < 0 && r != -EBADMSG)
            return r;
    }
    return facts->no_memory ? -ENOMEM : 0;
}

int ask_facts(struct host *host, const struct wait *wait, const struct host_facts **ret,
              struct diag *why)
{
    int64_t now = clock_ms();
    bool again = atomic_exchange(&host->hardware_again, false);
    int r = 0;
    for (size_t i = 0; r == 0 && i < QUESTIONS; i++) {
        int64_t at = host->answers[i].at;
        if (!questions[i].hardware || again || at == 0 || now - at > HARDWARE_MS)
            r = ask_one(host, i, wait, why);
    }
    if (r < 0) {
        if (again)
            atomic_store(&host->hardware_again, true);
        return r;
    }
    struct host_facts *facts = host_facts_new();
    if (!facts)
        return -ENOMEM;
    facts->at = now;
    facts->vms_known = host->answers[QUESTION_VMS].status == 0;
    facts->running_known = host->answers[QUESTION_RUNNING].status == 0;
    expect_stores(host, wait);
    r = parse_all(host, facts)
        ?: inventory_ask(host, stores_volumes(host), wait, facts, why)
        ?: locate(host, facts, wait)
        ?: note_users(host, facts, wait);
    if (r == 0 && facts->no_memory)
        r = -ENOMEM;
    if (r < 0)
        host_facts_unref(facts);
    else
        *ret = facts;
    return r;
}
