/* SPDX-License-Identifier: MIT */
/*
 * Names of settings in the form in which those of all devices of a kind are one: letters in lower
 * case, each number as "#". A number is what counts devices or registers: "0", "0:1", the ":1" of
 * "usb:1", the "8000000a" and the "d" of "cpuid.d.eax", and the "#" itself.
 */
#pragma once

#include "parser/text/buf.h"

/* The length of the number that stands at a place of the name; 0: none does. */
size_t name_number_length(struct span name, size_t at);

/* Writes the folded form. Its length; 0 when size is too small. */
size_t name_fold(struct span name, char *ret, size_t size);
