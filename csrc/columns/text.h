/* SPDX-License-Identifier: MIT */
#ifndef CRFD_TEXT_H
#define CRFD_TEXT_H

#include "base/buf.h"

/* Appends a formatted text of at most 127 bytes. 0 or -ENOMEM, as all here. */
int crfd_text_printf(crfd_buf *out, const char *format, ...) __attribute__((format(printf, 2, 3)));
static inline int crfd_text_put(crfd_buf *out, const char *text)
{
	return crfd_buf_put(out, text, strlen(text));
}
/* Appends, escaped, what comes before the first NUL of `size` bytes. */
int crfd_text_padded(crfd_buf *out, const char *text, size_t size);
/* Appends two digits in base 16 for each byte. */
int crfd_text_hex(crfd_buf *out, const void *p, size_t n);
int crfd_text_number(crfd_buf *out, uint64_t v);
int crfd_text_signed(crfd_buf *out, int64_t v);
/*
 * Appends bytes so that they cannot move a cursor or hide: control and format characters, backslashes and what is not
 * UTF-8 as \xNN of each byte.
 */
int crfd_text_escape(crfd_buf *out, const uint8_t *p, size_t n);
/* Returns 1 where the bytes are UTF-8 (RFC 3629). */
int crfd_text_is_utf8(const uint8_t *p, size_t n);
/* Appends the bytes as UTF-8: what is none as \xNN of each byte, all else, backslashes too, as it is. */
int crfd_text_utf8(crfd_buf *out, const uint8_t *p, size_t n);
/* Appends a JSON string of ASCII: what is not UTF-8 as the lone surrogates \udc80 to \udcff, one a byte (PEP 383). */
int crfd_text_json(crfd_buf *out, const uint8_t *p, size_t n);
/* Counts the columns of a terminal that the n bytes of UTF-8 take, each character as one. */
size_t crfd_text_width(const uint8_t *p, size_t n);
/* Appends a signal by its name: "INT", "RTMIN+3". */
int crfd_text_signal(crfd_buf *out, int number);
/* Appends a device number as "8:1". */
int crfd_text_device(crfd_buf *out, uint64_t dev);

#endif
