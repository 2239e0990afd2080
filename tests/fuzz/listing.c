/* SPDX-License-Identifier: MIT */
/*
 * A server that lies: what it says of files, how long their texts are, which names a folder has,
 * where links and files of the host are. The input is what its answers are made of, byte by byte;
 * when that is used up there are no more names and no more text. Whatever it says, a listing holds
 * names that can be shown, a document is as long as its attributes say and no longer than is
 * allowed, and no file is found outside the mount.
 */
#include <assert.h>
#include <endian.h>
#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>

#include "remote/remote_private.h"
#include "sftp/protocol/proto.h"
#include "sftp/protocol/wire.h"
#include "remote/names/shown_names.h"
#include "remote/names/paths.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ROOT "/vmfs/volumes/ds"

enum { DOCUMENT_MAX = 4096, NAMES_MAX = 8, NAME_MAX_BYTES = 300 };

struct server {
    struct transport transport; /* first */
    struct buf asked;           /* requests that are not complete yet */
    struct buf answers;         /* and how much of them was read */
    size_t sent;
    bool has_root; /* it has told where the root is, truly */
    const uint8_t *script;
    size_t left;
};

/* ---- what the script says */

static uint8_t next(struct server *s)
{
    if (s->left == 0)
        return 0;
    s->left--;
    return *s->script++;
}

static struct sftp_attrs next_attrs(struct server *s)
{
    static const uint32_t modes[] = {S_IFREG | 0644, S_IFDIR | 0755, S_IFLNK | 0777, S_IFIFO, 0,
                                     UINT32_MAX};
    static const uint64_t sizes[] = {
        0, 1, 16, DOCUMENT_MAX, DOCUMENT_MAX + 1, UINT32_MAX, INT64_MAX, UINT64_MAX};
    uint8_t what = next(s);
    uint8_t size = next(s);
    return (struct sftp_attrs){
        .flags = what & 0x80 ? what & 0xfU
                             : SFTP_ATTR_SIZE | SFTP_ATTR_OWNER | SFTP_ATTR_MODE | SFTP_ATTR_TIMES,
        .size = size < 8 ? sizes[size] : size,
        .mode = modes[what % (sizeof(modes) / sizeof(modes[0]))],
        .mtime = what & 0x40 ? UINT32_MAX : 1000,
    };
}

/* A word of the script with its length before it. */
static struct span next_word(struct server *s)
{
    size_t n = next(s);
    n = n == 255 ? NAME_MAX_BYTES : n;
    n = n < s->left ? n : s->left;
    struct span word = {(const char *)s->script, n};
    s->script += n;
    s->left -= n;
    return word;
}

/* ---- answers */

static void put_name(struct wire_out *out, struct span name, const struct sftp_attrs *attrs)
{
    wire_put_string(out, name);
    wire_put_string(out, SPAN_LITERAL(""));
    wire_put_attrs(out, attrs);
}

static void answer_status(struct wire_out *out, uint32_t id, uint32_t code)
{
    wire_put_u8(out, SSH_FXP_STATUS);
    wire_put_u32(out, id);
    wire_put_u32(out, code);
    wire_put_string(out, SPAN_LITERAL(""));
    wire_put_string(out, SPAN_LITERAL(""));
}

static void answer_attrs(struct server *s, struct wire_out *out, uint32_t id)
{
    struct sftp_attrs attrs = next_attrs(s);
    wire_put_u8(out, SSH_FXP_ATTRS);
    wire_put_u32(out, id);
    wire_put_attrs(out, &attrs);
}

static void answer_names(struct server *s, struct wire_out *out, uint32_t id)
{
    uint32_t n = next(s) % (NAMES_MAX + 1);
    if (n == 0) {
        answer_status(out, id, SSH_FX_EOF);
        return;
    }
    wire_put_u8(out, SSH_FXP_NAME);
    wire_put_u32(out, id);
    wire_put_u32(out, n);
    for (uint32_t i = 0; i < n; i++) {
        struct sftp_attrs attrs = next_attrs(s);
        put_name(out, next_word(s), &attrs);
    }
}

static void answer_path(struct wire_out *out, uint32_t id, struct span path)
{
    wire_put_u8(out, SSH_FXP_NAME);
    wire_put_u32(out, id);
    wire_put_u32(out, 1);
    put_name(out, path, NULL);
}

static void answer_text(struct server *s, struct wire_out *out, uint32_t id)
{
    struct span text = next_word(s);
    if (text.n == 0) {
        answer_status(out, id, SSH_FX_EOF);
        return;
    }
    wire_put_u8(out, SSH_FXP_DATA);
    wire_put_u32(out, id);
    wire_put_string(out, text);
}

static void answer_request(struct server *s, struct wire_in in, struct wire_out *out)
{
    uint8_t type;
    uint32_t id;
    if (wire_get_u8(&in, &type) != 0 || wire_get_u32(&in, &id) != 0)
        abort();
    switch (type) {
    case SSH_FXP_INIT: /* what was taken for the id is the version */
        wire_put_u8(out, SSH_FXP_VERSION);
        wire_put_u32(out, SFTP_VERSION);
        break;
    case SSH_FXP_REALPATH:
        answer_path(out, id, s->has_root ? next_word(s) : SPAN_LITERAL(ROOT));
        s->has_root = true;
        break;
    case SSH_FXP_STAT: { /* the root */
        const struct sftp_attrs folder = {.flags = SFTP_ATTR_MODE, .mode = S_IFDIR};
        wire_put_u8(out, SSH_FXP_ATTRS);
        wire_put_u32(out, id);
        wire_put_attrs(out, &folder);
        break;
    }
    case SSH_FXP_LSTAT:
    case SSH_FXP_FSTAT:
        answer_attrs(s, out, id);
        break;
    case SSH_FXP_OPEN:
    case SSH_FXP_OPENDIR:
        wire_put_u8(out, SSH_FXP_HANDLE);
        wire_put_u32(out, id);
        wire_put_string(out, SPAN_LITERAL("handle"));
        break;
    case SSH_FXP_READDIR:
        answer_names(s, out, id);
        break;
    case SSH_FXP_READLINK:
        answer_path(out, id, next_word(s));
        break;
    case SSH_FXP_READ:
        answer_text(s, out, id);
        break;
    default:
        answer_status(out, id, next(s) % 9);
    }
}

/* ---- the transport */

static short server_events(const struct transport *t)
{
    (void)t;
    return POLLIN;
}

static ssize_t server_read(struct transport *t, void *bytes, size_t size)
{
    struct server *s = (struct server *)t;
    size_t n = s->answers.len - s->sent < size ? s->answers.len - s->sent : size;
    if (n == 0)
        return -EAGAIN;
    memcpy(bytes, s->answers.data + s->sent, n);
    s->sent += n;
    return (ssize_t)n;
}

/* Answers the first of the requests. False if it is not complete yet. */
static bool answer_one(struct server *s)
{
    uint32_t be;
    if (s->asked.len < sizeof(be))
        return false;
    memcpy(&be, s->asked.data, sizeof(be));
    size_t n = be32toh(be);
    if (s->asked.len < sizeof(be) + n)
        return false;
    struct wire_out out = {0};
    struct wire_out head = {0};
    answer_request(s, (struct wire_in){(uint8_t *)s->asked.data + sizeof(be), n}, &out);
    wire_put_u32(&head, (uint32_t)out.bytes.len);
    if (out.error != 0 || head.error != 0 || buf_add(&s->answers, buf_span(&head.bytes)) != 0 ||
        buf_add(&s->answers, buf_span(&out.bytes)) != 0)
        abort();
    buf_done(&out.bytes);
    buf_done(&head.bytes);
    s->asked.len -= sizeof(be) + n;
    memmove(s->asked.data, s->asked.data + sizeof(be) + n, s->asked.len);
    return true;
}

/* It is read after each write without being polled for. */
static ssize_t server_write(struct transport *t, const void *bytes, size_t size)
{
    struct server *s = (struct server *)t;
    if (buf_add(&s->asked, (struct span){bytes, size}) != 0)
        abort();
    while (answer_one(s))
        ;
    return (ssize_t)size;
}

static int server_flush(struct transport *t)
{
    (void)t;
    return 0;
}

static int server_describe(const struct transport *t, struct buf *ret)
{
    (void)t;
    (void)ret;
    return 0;
}

static void server_free(struct transport *t)
{
    struct server *s = (struct server *)t;
    buf_done(&s->asked);
    buf_done(&s->answers);
    free(s);
}

static const struct transport_ops server_ops = {
    .events = server_events,
    .read = server_read,
    .write = server_write,
    .flush = server_flush,
    .describe = server_describe,
    .free = server_free,
};

/* ---- what is made of it */

static void check_listing(const struct listing *l)
{
    for (size_t i = 0; i < l->n; i++) {
        const struct listing_entry *e = &l->entries[i];
        assert(e->name[0] && !strchr(e->name, '/') && strlen(e->name) <= 255);
        assert(strcmp(e->name, ".") != 0 && strcmp(e->name, "..") != 0);
        assert(!remote_is_hidden_name(e->name));
        assert(i == 0 || strcmp(l->entries[i - 1].name, e->name) <= 0);
        assert(e->attrs.size <= INT64_MAX);
        const bool is_dir = S_ISDIR(e->attrs.mode);
        const bool is_link = S_ISLNK(e->attrs.mode);
        assert(!e->shown_as || (is_dir && listing_find(l, e->shown_as)));
        assert(!e->stands_for || (is_link && listing_find(l, e->stands_for)));
        assert(strcmp(listing_find(l, e->name)->name, e->name) == 0);
    }
}

static void list(struct remote *remote, const char *dir, int64_t max_age_ms)
{
    const struct wait wait = wait_for_ms(60000);
    LISTING_AUTO *l = NULL;
    if (remote_list(remote, dir, max_age_ms, &wait, &l) == 0)
        check_listing(l);
}

static void read_document(struct remote *remote, const char *path, int64_t max_age_ms)
{
    const struct wait wait = wait_for_ms(60000);
    DOCUMENT_AUTO *d = NULL;
    if (remote_document(remote, path, max_age_ms, &wait, &d) != 0)
        return;
    const bool is_file = S_ISREG(d->attrs.mode);
    assert(is_file && d->attrs.flags & SFTP_ATTR_SIZE);
    assert(vmx_dict_text(d->dict).n == d->attrs.size && d->attrs.size <= DOCUMENT_MAX);
}

static void get_attrs(struct remote *remote, const char *path)
{
    const struct wait wait = wait_for_ms(60000);
    struct sftp_attrs attrs = {0};
    int64_t true_at;
    if (remote_getattr(remote, path, 60000, &wait, &attrs, &true_at) != 0)
        return;
    assert(attrs.size <= INT64_MAX);
    if (remote_is_vmx(remote, path, &attrs))
        assert(attrs.flags & SFTP_ATTR_SIZE && attrs.size <= DOCUMENT_MAX);
}

/* Where a file of the host's is in the mount: nowhere else, whatever the server says. */
static void locate(struct remote *remote)
{
    const struct wait wait = wait_for_ms(60000);
    const char *const asked[] = {ROOT "/a.vmx", "/vmfs/volumes/other/b.vmx"};
    char *found[2];
    int r = remote_locate(remote, asked, 2, &wait, found);
    for (size_t i = 0; i < 2; i++) {
        for (const char *at = found[i]; at && *at; at += strcspn(at, "/"), at += *at == '/') {
            size_t n = strcspn(at, "/");
            assert(r == 0 && n > 0 && !(n == 2 && strncmp(at, "..", 2) == 0));
            assert(at[n] == '\0' || at[n + 1] != '\0');
        }
        free(found[i]);
    }
}

static void use(struct remote *remote)
{
    list(remote, "", 0);
    read_document(remote, "a.vmx", 60000);
    read_document(remote, "a.vmx", 0);
    get_attrs(remote, "a.vmx");
    list(remote, "", 0);
    get_attrs(remote, "vm");
    list(remote, "vm", 60000);
    read_document(remote, "vm/vm.vmx", 0);
    locate(remote);
}

static void mount(const uint8_t *data, size_t size, int event)
{
    const struct sftp_options sftp_options = {.timeout_ms = 60000};
    const struct remote_options options = {.root = ROOT,
                                           .timeout_ms = 60000,
                                           .cache_timeout_ms = 60000,
                                           .cache_size = 1 << 20,
                                           .vmx_max = DOCUMENT_MAX};
    struct server *server = calloc(1, sizeof(*server));
    struct sftp *sftp = NULL;
    struct remote *remote = NULL;
    struct diag why;
    if (!server)
        return;
    *server = (struct server){
        .transport = {.ops = &server_ops, .fd = event}, .script = data, .left = size};
    if (sftp_new(&server->transport, &sftp_options, &sftp, &why) != 0)
        return;
    if (remote_new(sftp, &options, &remote, &why) == 0)
        use(remote);
    remote_free(remote);
    sftp_free(sftp);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int event = -1; /* never ready */
    if (event < 0)
        event = eventfd(0, EFD_CLOEXEC);
    mount(data, size, event);
    return 0;
}
