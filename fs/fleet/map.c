/* SPDX-License-Identifier: MIT */
/*
 * The lab as a graph: a cluster for each host, with its cards and VMs in it, an arrow from a card
 * to each VM that names it, and one from a VM to the host that runs in it. That one is found by the
 * UUID of its machine, which is the VM's uuid.bios.
 */
#include "fleet.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ask.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "dot.h"
#include "mounts.h"
#include "parser/text/list.h"
#include "parser/text/text.h"
#include "rows.h"

enum { OTHERS_MAX = 12 /* names of VMs that have no part in it */ };

/* status again at the end: it says more of a host that has been asked. */
enum file { LINK, VMS, GPUS, STATUS, FILES };

static const char *const files[FILES] = {".vmxfs/status", ".vmxfs/vms", ".vmxfs/gpus",
                                         ".vmxfs/status"};

struct vm {
    size_t mount;
    struct span power, path, gpus; /* in the answers */
    char *identity;                /* the file of its uuid.bios; NULL: it was not asked for */
    size_t inner;                  /* the mount of the host that runs in it, or SIZE_MAX */
    bool drawn;                    /* by itself */
};

struct lab {
    struct fleet_mounts mounts;
    struct asked *answers; /* FILES for each mount */
    struct vm *vms;
    size_t n_vms;
    struct asked *identities; /* of the VMs that run */
    size_t n_identities;
};

static struct span answer(const struct lab *lab, size_t mount, enum file file)
{
    return buf_span(&lab->answers[file * lab->mounts.n + mount].text);
}

/* ---- what is read */

static int ask_mounts(struct lab *lab, struct left_behind *left)
{
    const size_t n = lab->mounts.n;
    lab->answers = calloc(n * FILES + 1, sizeof(*lab->answers));
    if (!lab->answers)
        return -ENOMEM;
    for (size_t file = 0; file < FILES; file++) {
        for (size_t i = 0; i < n; i++) {
            const bool up = file == LINK || status_is_up(answer(lab, i, LINK));
            lab->answers[file * n + i] =
                (struct asked){.mount = up ? lab->mounts.list[i].path : NULL, .file = files[file]};
        }
        ask_all(lab->answers + file * n, n, left);
    }
    return 0;
}

static int find_vms(struct lab *lab)
{
    for (size_t i = 0; i < lab->mounts.n; i++) {
        struct span rest = answer(lab, i, VMS);
        struct span row;
        while (row_next(&rest, &row)) {
            if (span_eq(row_field(row, 4), SPAN_LITERAL("-"))) /* the host does not know its file */
                continue;
            struct vm *vms = list_room(lab->vms, lab->n_vms, sizeof(*vms));
            if (!vms)
                return -ENOMEM;
            lab->vms = vms;
            vms[lab->n_vms++] = (struct vm){
                .mount = i,
                .power = row_field(row, 0),
                .path = row_field(row, 4),
                .gpus = row_field(row, 7),
                .inner = SIZE_MAX,
            };
        }
    }
    return 0;
}

/* Only a VM that runs can be a host that is mounted. */
static int ask_identities(struct lab *lab, struct left_behind *left)
{
    lab->identities = calloc(lab->n_vms + 1, sizeof(*lab->identities));
    if (!lab->identities)
        return -ENOMEM;
    for (size_t i = 0; i < lab->n_vms; i++) {
        struct vm *vm = &lab->vms[i];
        if (!span_eq(vm->power, SPAN_LITERAL("on")) || lab->mounts.n < 2)
            continue;
        if (asprintf(&vm->identity, "%.*s/uuid.bios", (int)vm->path.n, vm->path.p) < 0) {
            vm->identity = NULL;
            return -ENOMEM;
        }
        lab->identities[lab->n_identities++] =
            (struct asked){.mount = lab->mounts.list[vm->mount].path, .file = vm->identity};
    }
    ask_all(lab->identities, lab->n_identities, left);
    return 0;
}

/* The 16 bytes of a UUID, whatever separates them. */
static bool read_uuid(struct span text, unsigned char ret[16])
{
    size_t digits = 0;
    for (size_t i = 0; i < text.n; i++) {
        const unsigned digit = text_digit(text.p[i]);
        if (digit < 16 && digits < 32) {
            ret[digits / 2] = (unsigned char)((digits % 2 ? ret[digits / 2] * 16U : 0) + digit);
            digits++;
        } else if (digit < 16) {
            return false;
        }
    }
    return digits == 32;
}

/* SMBIOS has the first three fields in the order of the processor's bytes, and some programs show
 * them so. */
static void swap_fields(unsigned char uuid[16])
{
    static const size_t order[8] = {3, 2, 1, 0, 5, 4, 7, 6};
    unsigned char before[8];
    memcpy(before, uuid, sizeof(before));
    for (size_t i = 0; i < 8; i++)
        uuid[i] = before[order[i]];
}

static bool is_machine(struct span bios, struct span platform)
{
    unsigned char a[16];
    unsigned char b[16];
    if (!read_uuid(bios, a) || !read_uuid(platform, b))
        return false;
    if (memcmp(a, b, sizeof(a)) == 0)
        return true;
    swap_fields(b);
    return memcmp(a, b, sizeof(a)) == 0;
}

static void find_inner_hosts(struct lab *lab)
{
    const struct asked *identity = lab->identities;
    for (size_t i = 0; i < lab->n_vms; i++) {
        struct vm *vm = &lab->vms[i];
        if (!vm->identity)
            continue;
        for (size_t j = 0; j < lab->mounts.n; j++) {
            if (j != vm->mount &&
                is_machine(buf_span(&identity->text),
                           text_value_of(answer(lab, j, STATUS), "platform-uuid")))
                vm->inner = j;
        }
        identity++;
    }
}

/* ---- what is drawn */

/* The name of the folder's file, without its suffix. */
static struct span name_of(const struct vm *vm)
{
    struct span name = vm->path;
    for (size_t at = text_find(name, '/'); at < name.n; at = text_find(name, '/'))
        name = span_from(name, at + 1);
    if (span_ends_with(name, SPAN_LITERAL(".vmx")))
        name.n -= sizeof(".vmx") - 1;
    return name;
}

static int add_vm(struct buf *ret, const struct vm *vm, size_t id)
{
    const char *colour = span_eq(vm->power, SPAN_LITERAL("on"))          ? "palegreen"
                         : span_eq(vm->power, SPAN_LITERAL("suspended")) ? "khaki"
                                                                         : "white";
    return buf_addf(ret, "    vm%zu [shape=box, style=\"rounded,filled\", fillcolor=%s, label=", id,
                    colour)
        ?: dot_add_label(ret, (const struct span[]){name_of(vm), vm->power}, 2)
        ?: buf_add_str(ret, "];\n");
}

/* The VMs that neither have a card nor are a host: their names, in one box. */
static int add_others(const struct lab *lab, size_t mount, struct buf *ret)
{
    struct span lines[OTHERS_MAX + 1];
    char rest[48];
    size_t n = 0;
    for (size_t i = 0; i < lab->n_vms; i++) {
        const struct vm *vm = &lab->vms[i];
        if (vm->mount != mount || vm->drawn)
            continue;
        if (n < OTHERS_MAX)
            lines[n] = name_of(vm);
        n++;
    }
    if (n == 0)
        return 0;
    const size_t shown = n < OTHERS_MAX ? n : OTHERS_MAX;
    (void)snprintf(rest, sizeof(rest), "and %zu more", n - shown);
    lines[shown] = span_of(rest);
    return buf_addf(ret, "    others%zu [shape=box, style=dashed, label=", mount)
        ?: dot_add_label(ret, lines, shown + (n > shown))
        ?: buf_add_str(ret, "];\n");
}

/* Whether a card's VMs have this one. A "," in a path is a "?" there. */
static bool has_vm(struct span row, const struct vm *vm)
{
    FREE_AUTO char *path = strndup(vm->path.p, vm->path.n);
    for (char *c = path; c && *c; c++) {
        if (*c == ',')
            *c = '?';
    }
    return path && row_lists(row_field(row, 4), span_of(path));
}

static int add_card(const struct lab *lab, size_t mount, struct span row, size_t number,
                    struct buf *ret)
{
    const struct span address = row_field(row, 0);
    BUF_AUTO memory = {0};
    const bool known = !span_eq(row_field(row, 2), SPAN_LITERAL("-"));
    /* As nothing is found of one that cannot be passed to a VM. */
    const bool passable = !span_eq(row_field(row, 6), SPAN_LITERAL("-"));
    int r = known ? buf_add(&memory, row_field(row, 2)) ?: buf_add_str(&memory, " GB") : 0;
    const struct span lines[] = {row_field(row, 1), address, buf_span(&memory)};
    r = r ?: buf_addf(ret, "    card%zu_%zu [shape=component, style=%s, label=", mount, number,
                      passable ? "filled, fillcolor=lightblue" : "dashed")
          ?: dot_add_label(ret, lines, known ? 3 : 2)
          ?: buf_add_str(ret, "];\n");
    for (size_t i = 0; r == 0 && i < lab->n_vms; i++) {
        if (lab->vms[i].mount == mount && has_vm(row, &lab->vms[i]))
            r = buf_addf(ret, "    card%zu_%zu -> vm%zu;\n", mount, number, i);
    }
    return r;
}

static void choose_vms(struct lab *lab)
{
    for (size_t i = 0; i < lab->n_vms; i++) {
        struct vm *vm = &lab->vms[i];
        struct span rest = answer(lab, vm->mount, GPUS);
        struct span row;
        vm->drawn = vm->inner != SIZE_MAX;
        while (!vm->drawn && row_next(&rest, &row))
            vm->drawn = has_vm(row, vm);
    }
}

/* The answer that a host's picture lacks; NULL: none. Where there is no host there are no cards. */
static const struct asked *missing(const struct lab *lab, size_t mount)
{
    for (size_t file = 0; file < FILES; file++) {
        const struct asked *a = &lab->answers[file * lab->mounts.n + mount];
        if (a->error < 0 && !(file == GPUS && a->error == -ENOENT))
            return a;
    }
    return NULL;
}

static int add_host(const struct lab *lab, size_t mount, struct buf *ret)
{
    const struct fleet_mount *m = &lab->mounts.list[mount];
    const struct asked *link = &lab->answers[LINK * lab->mounts.n + mount];
    const bool up = status_is_up(buf_span(&link->text));
    const struct asked *lacks = missing(lab, mount);
    const struct span is = lacks ? span_of(asked_word(lacks))
                           : up  ? text_value_of(answer(lab, mount, STATUS), "host")
                                 : text_value_of(buf_span(&link->text), "link");
    const struct span lines[] = {span_of(m->host), span_of(m->path), is};
    struct span rest = answer(lab, mount, GPUS);
    struct span row;
    size_t number = 0;
    int r = buf_addf(ret, "  subgraph cluster%zu {\n    label=", mount)
        ?: dot_add_label(ret, lines, span_eq(is, SPAN_LITERAL("none")) ? 2 : 3)
        ?: buf_addf(ret, ";\n    host%zu [shape=point, style=invis];\n", mount);
    for (size_t i = 0; r == 0 && i < lab->n_vms; i++) {
        if (lab->vms[i].mount == mount && lab->vms[i].drawn)
            r = add_vm(ret, &lab->vms[i], i);
    }
    while (r == 0 && row_next(&rest, &row))
        r = add_card(lab, mount, row, number++, ret);
    return r ?: add_others(lab, mount, ret) ?: buf_add_str(ret, "  }\n");
}

static int draw(const struct lab *lab, struct buf *ret)
{
    int r = buf_add_str(ret,
                        "digraph lab {\n  rankdir=LR;\n  compound=true;\n"
                        "  node [fontname=\"sans-serif\"];\n"
                        "  graph [fontname=\"sans-serif\", style=rounded];\n");
    for (size_t i = 0; r == 0 && i < lab->mounts.n; i++)
        r = add_host(lab, i, ret);
    for (size_t i = 0; r == 0 && i < lab->n_vms; i++) {
        const size_t inner = lab->vms[i].inner;
        if (inner != SIZE_MAX)
            r = buf_addf(ret, "  vm%zu -> host%zu [lhead=cluster%zu, style=bold];\n", i, inner,
                         inner);
    }
    return r ?: buf_add_str(ret, "}\n");
}

/* ---- */

static void lab_done(struct lab *lab)
{
    for (size_t i = 0; lab->answers && i < lab->mounts.n * FILES; i++)
        buf_done(&lab->answers[i].text);
    for (size_t i = 0; i < lab->n_identities; i++)
        buf_done(&lab->identities[i].text);
    for (size_t i = 0; i < lab->n_vms; i++)
        free(lab->vms[i].identity);
    free(lab->answers);
    free(lab->identities);
    free(lab->vms);
    fleet_mounts_done(&lab->mounts);
}

static int read_lab(struct lab *lab)
{
    struct left_behind left = {0};
    int r = ask_mounts(lab, &left) ?: find_vms(lab) ?: ask_identities(lab, &left);
    left_behind_done(&left);
    if (r < 0)
        return r;
    find_inner_hosts(lab);
    choose_vms(lab);
    return 0;
}

int fleet_map(int argc, char **argv)
{
    struct lab lab = {0};
    struct diag why = {0};
    BUF_AUTO text = {0};
    if (argc > 1 && argv[1][0] == '-') {
        log_say("usage: vmxfs map [MOUNTPOINT]...");
        return 1;
    }
    int r = fleet_mounts_read(argv + 1, (size_t)argc - 1, &lab.mounts, &why)
        ?: read_lab(&lab)
        ?: draw(&lab, &text);
    lab_done(&lab);
    if (r == 0 && (fwrite(text.data, 1, text.len, stdout) < text.len || fflush(stdout) != 0))
        r = -errno;
    if (r < 0)
        log_say(why.text[0] ? why.text : strerror(-r));
    return r < 0;
}
