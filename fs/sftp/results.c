/* SPDX-License-Identifier: MIT */
/* What an answer holds, for the caller that has waited for it. */
#include "engine.h"

#include <assert.h>

static const struct answer *answer_of(const struct sftp_call *call)
{
    assert(call && call->collected && call->result == 0);
    return &call->answer;
}

const struct sftp_handle *sftp_call_handle(const struct sftp_call *call)
{
    return &answer_of(call)->handle;
}

const struct sftp_attrs *sftp_call_attrs(const struct sftp_call *call)
{
    return &answer_of(call)->attrs;
}

struct span sftp_call_data(const struct sftp_call *call)
{
    return answer_of(call)->data;
}

const struct sftp_name *sftp_call_names(const struct sftp_call *call, size_t *ret_n)
{
    const struct answer *a = answer_of(call);
    *ret_n = a->n_names;
    return a->names;
}

size_t sftp_call_left_out(const struct sftp_call *call)
{
    return answer_of(call)->left_out;
}

const char *sftp_call_path(const struct sftp_call *call)
{
    return answer_of(call)->path;
}

const struct sftp_statvfs *sftp_call_statvfs(const struct sftp_call *call)
{
    return &answer_of(call)->statvfs;
}
