/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* sigabbrev_np */
#include "columns/text.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "base/buf.h"
#include "base/number.h"

int crfd_text_printf(crfd_buf *out, const char *format, ...)
{
	char text[128];
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	return crfd_buf_put(out, text, n < (int)sizeof(text) ? (size_t)n : sizeof(text) - 1);
}

int crfd_text_padded(crfd_buf *out, const char *text, size_t size)
{
	return crfd_text_escape(out, (const uint8_t *)text, strnlen(text, size));
}

int crfd_text_hex(crfd_buf *out, const void *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		crfd_text_printf(out, "%02x", ((const uint8_t *)p)[i]);
	return out->failed;
}

int crfd_text_number(crfd_buf *out, uint64_t v)
{
	char digits[20], *end = digits + sizeof(digits), *p = crfd_number_text(v, end);

	return crfd_buf_put(out, p, (size_t)(end - p));
}

int crfd_text_signed(crfd_buf *out, int64_t v)
{
	crfd_text_put(out, v < 0 ? "-" : "");
	return crfd_text_number(out, v < 0 ? 0 - (uint64_t)v : (uint64_t)v);
}

int crfd_text_device(crfd_buf *out, uint64_t dev)
{
	return crfd_text_printf(out, "%u:%u", major(dev), minor(dev));
}

/* Reads the character at p, of *len bytes of UTF-8 (RFC 3629); -1 for a byte that begins none. */
static int32_t decode(const uint8_t *p, size_t n, size_t *len)
{
	static const uint8_t lead[] = {0, 0x1f, 0x0f, 0x07};
	static const int32_t least[] = {0, 0x80, 0x800, 0x10000};
	size_t more = *p < 0x80 ? 0 : *p >= 0xc2 && *p < 0xe0 ? 1 : *p >= 0xe0 && *p < 0xf0 ? 2 : *p >= 0xf0 && *p < 0xf5 ? 3 : 4;
	int32_t c;

	*len = 1;
	if (!more)
		return *p;
	if (more == 4 || more >= n)
		return -1;
	c = *p & lead[more];
	for (size_t i = 1; i <= more; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return -1;
		c = c << 6 | (p[i] & 0x3f);
	}
	if (c < least[more] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		return -1;
	*len = more + 1;
	return c;
}

/*
 * Returns 1 for what moves or turns the line, or cannot be seen: Unicode 15, general categories Cc, Cf, Zl, Zp, Co and
 * noncharacters, and blanks that are not U+0020.
 */
static int is_hidden(int32_t c)
{
	static const int32_t ranges[][2] = {
		{0x7f, 0xa0}, {0xad, 0xad}, {0x600, 0x605}, {0x61c, 0x61c}, {0x6dd, 0x6dd}, {0x70f, 0x70f},
		{0x890, 0x891}, {0x8e2, 0x8e2}, {0x1680, 0x1680}, {0x180e, 0x180e}, {0x2000, 0x200f},
		{0x2028, 0x202f}, {0x205f, 0x206f}, {0x3000, 0x3000}, {0xe000, 0xf8ff}, {0xfdd0, 0xfdef},
		{0xfeff, 0xfeff}, {0xfff9, 0xfffb}, {0xfffe, 0xffff}, {0x110bd, 0x110bd}, {0x110cd, 0x110cd},
		{0x13430, 0x1343f}, {0x1bca0, 0x1bca3}, {0x1d173, 0x1d17a}, {0xe0000, 0x10ffff},
	};

	if (c < 0x20)
		return 1;
	for (size_t i = 0; i < sizeof(ranges) / sizeof(*ranges) && c >= ranges[i][0]; i++)
		if (c <= ranges[i][1])
			return 1;
	return 0;
}

/* Counts the bytes from p on that are printable ASCII other than a, b. */
static size_t plain(const uint8_t *p, size_t n, char a, char b)
{
	size_t i = 0;

	while (i < n && p[i] >= 0x20 && p[i] < 0x7f && p[i] != (uint8_t)a && p[i] != (uint8_t)b)
		i++;
	return i;
}

int crfd_text_escape(crfd_buf *out, const uint8_t *p, size_t n)
{
	size_t run = plain(p, n, '\\', '\\'), len;

	crfd_buf_put(out, p, run);
	for (size_t i = run; i < n; i += len) {
		int32_t c = decode(p + i, n - i, &len);

		if (c >= 0 && c != '\\' && !is_hidden(c))
			crfd_buf_put(out, p + i, len);
		else
			for (size_t k = 0; k < len; k++)
				crfd_text_printf(out, "\\x%02x", p[i + k]);
	}
	return out->failed;
}

/* Counts the bytes from p on that are UTF-8. */
static size_t utf8_run(const uint8_t *p, size_t n)
{
	size_t i = 0, len = 1;

	while (i < n) {
		uint64_t eight;

		if (i + sizeof(eight) <= n) {
			memcpy(&eight, p + i, sizeof(eight));
			if (!(eight & 0x8080808080808080u)) {
				i += sizeof(eight);
				continue;
			}
		}
		if (p[i] >= 0x80 && decode(p + i, n - i, &len) < 0)
			return i;
		i += p[i] < 0x80 ? 1 : len;
	}
	return n;
}

int crfd_text_is_utf8(const uint8_t *p, size_t n)
{
	return utf8_run(p, n) == n;
}

int crfd_text_utf8(crfd_buf *out, const uint8_t *p, size_t n)
{
	size_t run = utf8_run(p, n);

	crfd_buf_put(out, p, run);
	for (size_t i = run; i < n; i += 1 + run) {
		crfd_text_printf(out, "\\x%02x", p[i]);
		run = utf8_run(p + i + 1, n - i - 1);
		crfd_buf_put(out, p + i + 1, run);
	}
	return out->failed;
}

static int json_char(crfd_buf *out, int32_t c)
{
	static const char *const shorts[] = {['\b'] = "\\b", ['\t'] = "\\t", ['\n'] = "\\n", ['\f'] = "\\f",
					     ['\r'] = "\\r", ['"'] = "\\\"", ['\\'] = "\\\\"};

	if ((size_t)c < sizeof(shorts) / sizeof(*shorts) && shorts[c])
		return crfd_buf_put(out, shorts[c], 2);
	if (c >= 0x20 && c < 0x7f)
		return crfd_buf_put(out, &(char){(char)c}, 1);
	if (c < 0x10000)
		return crfd_text_printf(out, "\\u%04x", (unsigned int)c);
	c -= 0x10000;
	return crfd_text_printf(out, "\\u%04x\\u%04x", 0xd800u + (unsigned int)(c >> 10), 0xdc00u + (unsigned int)(c & 0x3ff));
}

int crfd_text_json(crfd_buf *out, const uint8_t *p, size_t n)
{
	size_t len, i = plain(p, n, '"', '\\');

	crfd_buf_put(out, "\"", 1);
	crfd_buf_put(out, p, i);
	for (; i < n; i += len) {
		int32_t c = decode(p + i, n - i, &len);

		json_char(out, c < 0 ? 0xdc00 + p[i] : c);
	}
	return crfd_buf_put(out, "\"", 1);
}

size_t crfd_text_width(const uint8_t *p, size_t n)
{
	size_t width = 0;

	for (size_t i = 0; i < n; i++)
		width += (p[i] & 0xc0) != 0x80;
	return width;
}

/* "INT", "RTMIN+3": those that the library keeps for itself, below SIGRTMIN, have no name. */
int crfd_text_signal(crfd_buf *out, int number)
{
	const char *name = sigabbrev_np(number);

	if (name)
		return crfd_text_put(out, name);
	if (number < SIGRTMIN)
		return crfd_text_signed(out, number);
	return number == SIGRTMIN ? crfd_text_put(out, "RTMIN") : crfd_text_printf(out, "RTMIN+%d", number - SIGRTMIN);
}
