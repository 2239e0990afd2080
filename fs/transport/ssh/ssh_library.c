/* SPDX-License-Identifier: MIT */
#include "ssh_library.h"

#include <stddef.h>
#include <string.h>

enum { VERSION_1_11_0 = 0x010b00, VERSION_1_11_1 = 0x010b01 };

char *ssh_library_prompt(const LIBSSH2_USERAUTH_KBDINT_PROMPT *prompt)
{
    return prompt->text ? strndup((const char *)prompt->text, prompt->length) : strdup("");
}

void ssh_library_set_send(LIBSSH2_SESSION *session, LIBSSH2_SEND_FUNC((*function)))
{
#if LIBSSH2_VERSION_NUM >= 0x010b01
    libssh2_session_callback_set2(session, LIBSSH2_CALLBACK_SEND, (libssh2_cb_generic *)function);
#else
    /* Callbacks of all types are taken as pointers to void. */
    union {
        LIBSSH2_SEND_FUNC((*function));
        void *pointer;
    } callback = {.function = function};
    libssh2_session_callback_set(session, LIBSSH2_CALLBACK_SEND, callback.pointer);
#endif
}

void ssh_library_set_disconnect(LIBSSH2_SESSION *session, LIBSSH2_DISCONNECT_FUNC((*function)))
{
#if LIBSSH2_VERSION_NUM >= 0x010b01
    libssh2_session_callback_set2(session, LIBSSH2_CALLBACK_DISCONNECT,
                                  (libssh2_cb_generic *)function);
#else
    union {
        LIBSSH2_DISCONNECT_FUNC((*function));
        void *pointer;
    } callback = {.function = function};
    libssh2_session_callback_set(session, LIBSSH2_CALLBACK_DISCONNECT, callback.pointer);
#endif
}

bool ssh_library_has_rsa_sha2(int version)
{
    return version >= VERSION_1_11_0;
}

bool ssh_library_is_safe(int version, const char *algorithm)
{
    if (version < VERSION_1_11_0 || version > VERSION_1_11_1)
        return true;
    return strncmp(algorithm, "chacha20-poly1305", strlen("chacha20-poly1305")) != 0 &&
           !strstr(algorithm, "-etm@") && !strstr(algorithm, "-gcm@");
}

/* libssh2_version() says whether the library is at least as new as its argument. */
int ssh_library_version(void)
{
    static const int known[] = {VERSION_1_11_1 + 1, VERSION_1_11_1, VERSION_1_11_0};
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (libssh2_version(known[i]))
            return known[i];
    }
    return 0;
}
