/* SPDX-License-Identifier: MIT */
/*
 * Authentication over a libssh2 session: the agent's keys, key files, then a password, by
 * keyboard-interactive or password authentication. A password goes out once: hosts lock accounts.
 */
#pragma once

#include "ssh.h"
#include "ssh_io.h"

/* no_passwords: the host key is doubtful. 0; -EACCES: refused; -EOPNOTSUPP: a key that only the ssh
 * program can use may be what the server wants (said only where login->has_other_way, and before
 * any password is asked for); -ECANCELED; -errno of a lost connection; all with *why. */
int ssh_auth(struct ssh_io *io, const struct ssh_login *login, bool no_passwords, struct diag *why);
