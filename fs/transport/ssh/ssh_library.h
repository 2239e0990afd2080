/* SPDX-License-Identifier: MIT */
/*
 * What differs between the versions of libssh2, 1.10 to 1.11.1; no other file asks for a version.
 * The headers' version decides what can be called; the version of the library that is loaded
 * decides how it behaves.
 */
#pragma once

#include <libssh2.h>
#include <stdbool.h>

/* The text of a prompt of keyboard-interactive, as a string of the caller's; NULL without memory.
 * (Its type is char * in 1.10 and unsigned char * since 1.11.) */
char *ssh_library_prompt(const LIBSSH2_USERAUTH_KBDINT_PROMPT *prompt);

/* Makes libssh2 send through a function. (libssh2_session_callback_set is deprecated since 1.11.1,
 * and its successor is new there.) */
void ssh_library_set_send(LIBSSH2_SESSION *session, LIBSSH2_SEND_FUNC((*function)));

/* Has a function called when the server ends the connection with a reason. */
void ssh_library_set_disconnect(LIBSSH2_SESSION *session, LIBSSH2_DISCONNECT_FUNC((*function)));

/* Whether a version can sign with RSA keys in a way that today's servers accept, rsa-sha2: since
 * 1.11.0. The version is as LIBSSH2_VERSION_NUM. */
bool ssh_library_has_rsa_sha2(int version);

/* Whether a version may be offered an algorithm at all. 1.11.0 and 1.11.1 read the length of a
 * packet unchecked where it is not decrypted as AES-CTR is: in chacha20-poly1305 (CVE-2026-55200),
 * in the *-etm MACs and in AES-GCM, before the server's host key is known. 1.10 has none of these
 * algorithms. Distributions mend the library without another version, which cannot be seen here:
 * known to be mended is what comes after 1.11.1. */
bool ssh_library_is_safe(int version, const char *algorithm);

/* The version of the library that is loaded: 0 for 1.10, 0x010b02 for all after 1.11.1. */
int ssh_library_version(void);
