/* SPDX-License-Identifier: MIT */
#include "status_errno.h"

#include <errno.h>

#include "proto.h"

int status_errno(uint32_t code)
{
    static const int errnos[] = {
        [SSH_FX_OK] = 0,
        [SSH_FX_EOF] = -ENODATA,
        [SSH_FX_NO_SUCH_FILE] = -ENOENT,
        [SSH_FX_PERMISSION_DENIED] = -EACCES,
        [SSH_FX_FAILURE] = -EREMOTEIO,
        [SSH_FX_BAD_MESSAGE] = -EINVAL,
        [SSH_FX_NO_CONNECTION] = -EREMOTEIO,
        [SSH_FX_CONNECTION_LOST] = -EREMOTEIO,
        [SSH_FX_OP_UNSUPPORTED] = -EOPNOTSUPP,
    };
    return code < sizeof(errnos) / sizeof(errnos[0]) ? errnos[code] : -EPROTO;
}
