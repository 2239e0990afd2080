/* SPDX-License-Identifier: MIT */
#include "new_settings.h"

#include "parser/document/names.h"
#include "parser/document/unknown_name.h"
#include "remote/notes.h"

struct noting {
    struct remote *remote;
    const char *path;
    const char *charset;
};

static int note(void *ctx, struct span key, const char *said)
{
    const struct noting *noting = ctx;
    BUF_AUTO name = {0};
    int r = vmx_name_from_key(noting->charset, key, &name);
    if (r == 0)
        remote_note(noting->remote, noting->path, name.data, said);
    return r;
}

void new_settings_note(struct remote *remote, const char *path, const struct document *before,
                       const struct document *after)
{
    struct noting noting = {remote, path, vmx_dict_charset(after->dict)};
    vmx_slips_each(after->dict, before->dict, note, &noting);
}
