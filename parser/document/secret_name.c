/* SPDX-License-Identifier: MIT */
#include "secret_name.h"

#include "parser/text/text.h"

#define WORD(s) {(s), sizeof(s) - 1}

/* Any of them anywhere in a name, but where it begins another word. In lower case. */
static const struct {
    struct span word;
    const char *harmless[2];
} words[] = {
    {WORD("guestinfo"), {NULL}},
    {WORD("remotedisplay.vnc."), {NULL}},
    {WORD("encryption."), {NULL}}, /* not migrate.encryptionMode */
    {WORD("datafilekey"), {NULL}},
    {WORD(".key"), {".keyboard"}},
    {WORD("pass"), {"passthru", "passthrough"}},
    {WORD("secret"), {NULL}},
    {WORD("token"), {NULL}},
};

static bool is_harmless(struct span s, const char *const harmless[2])
{
    for (size_t i = 0; i < 2 && harmless[i]; i++) {
        if (span_starts_with_fold(s, span_of(harmless[i])))
            return true;
    }
    return false;
}

size_t vmx_secret_word(struct span text)
{
    for (size_t i = 0; text.n > 0 && i < sizeof(words) / sizeof(words[0]); i++) {
        if ((text.p[0] | 0x20) == words[i].word.p[0] &&
            span_starts_with_fold(text, words[i].word) && !is_harmless(text, words[i].harmless))
            return words[i].word.n;
    }
    return 0;
}

bool vmx_is_secret(struct span name)
{
    const struct span saved = SPAN_LITERAL("vmxfs.saved."); /* the dot of it belongs to no key */
    if (span_starts_with_fold(name, saved))
        name = span_from(name, saved.n);
    for (size_t at = 0; at < name.n; at++) {
        if (vmx_secret_word(span_from(name, at)) > 0)
            return true;
    }
    return false;
}

bool vmx_is_secret_param(struct span name)
{
    static const char *const known[] = {"mmio",     "cpu",    "device", "vendor",
                                        "deviceid", "system", "vram"};
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (span_eq(name, span_of(known[i])))
            return false;
    }
    return true;
}
