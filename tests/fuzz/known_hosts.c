/* SPDX-License-Identifier: MIT */
/* Any bytes as a known_hosts file: read, and asked for a key that cannot be in it. */
#include <assert.h>
#include <stdint.h>

#include "transport/login/known_hosts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look(struct span text, unsigned port)
{
    struct known_hosts *k;
    struct known_place place = {0};
    int r = known_hosts_new("host.example", port, &k);
    assert(r == 0);
    r = known_hosts_add_text(k, text, "file");
    assert(r == 0);
    enum known_verdict verdict = known_hosts_check(k, "ssh-ed25519", "no key at all", &place);
    assert(verdict != KNOWN_MATCH && verdict != KNOWN_REVOKED);
    assert((verdict == KNOWN_NOT) == (place.file == NULL));
    if (verdict == KNOWN_CHANGED)
        assert(known_hosts_has_type(k, "ssh-ed25519"));
    known_hosts_beyond(k, &place);
    known_hosts_free(k);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span text = {(const char *)data, size};
    look(text, 22);
    look(text, 2222);
    return 0;
}
