/* SPDX-License-Identifier: MIT */
/*
 * The charsets that a .vmx can name in its ".encoding" setting, over libc's iconv.
 *
 * VMware compares the names without case and punctuation and spells some of them in its own way
 * (windows-949-2000 is CP949, Shift_JIS is CP932, GBK is CP936). A file without the setting is
 * UTF-8, as on ESXi and macOS.
 */
#pragma once

#include "buf.h"

/* The mark that UTF-8 text may begin with, and which is not part of it. */
#define UTF8_BOM SPAN_LITERAL("\xef\xbb\xbf")

/* iconv's name for a charset as a .vmx spells it; "UTF-8" for an empty name; NULL if nobody
 * knows it. The string is static. */
const char *vmx_charset(struct span name);

/* True if every byte is below 80 (hex): such text is the same in all charsets that are known here.
 */
bool vmx_ascii(struct span bytes);

/* Appends bytes, decoded to UTF-8. charset is what vmx_charset gave; NULL: nothing decodes but
 * ASCII. 0, -EILSEQ when some byte does not decode (*ret is as it was), -ENOMEM. */
int vmx_decode(const char *charset, struct span bytes, struct buf *ret);

/* Appends UTF-8 text, encoded. 0, -EILSEQ when the text is not UTF-8 or the charset cannot hold it
 * (*ret is as it was), -ENOMEM. Nothing is transliterated: what is encoded decodes to the same
 * text. */
int vmx_encode(const char *charset, struct span utf8, struct buf *ret);

/* How many bytes the one character takes that bytes begin with, for callers that treat undecodable
 * bytes one by one. 0; -EILSEQ when it does not decode, -ENOMEM. */
int vmx_first_character(const char *charset, struct span bytes, size_t *ret_n);
