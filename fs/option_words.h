/* SPDX-License-Identifier: MIT */
/*
 * Options that sshfs and mount(8) know and that vmxfs does not act on: what they ask for is built
 * in, is nothing that a mount of vmxfs has, or cannot be had. And keywords of ssh_config(5), which
 * are handed to ssh, but for those that would break the channel.
 */
#pragma once

#include <stdbool.h>

struct option_word {
    const char *name;    /* "reconnect", or "max_conns=" with the sign where it has a value */
    const char *value;   /* the only value that is meant; NULL: any */
    const char *refusal; /* what to use instead; NULL: accepted and ignored */
};

/* NULL: it is none of them. */
const struct option_word *option_word_find(const char *option);

/* Whether it has the form of a keyword of ssh_config(5) with its value: KEYWORD=VALUE. Which
 * keywords there are only ssh knows. */
bool option_is_ssh_keyword(const char *option);

/* Why ssh must not have it; NULL: it may. The option is one of that form. */
const char *option_ssh_refusal(const char *option);

/* The value of a keyword that names a file, which a daemon must be able to find when it connects
 * again; NULL: it is none, or is no relative path. The option is one of that form; borrowed. */
const char *option_ssh_relative(const char *option);
