/* SPDX-License-Identifier: MIT */
#include "procfs/devices.h"

#include <string.h>

#include "base/buf.h"
#include "base/number.h"

struct line {
	const char *p, *end;
};

static int next_line(const char **text, const char *end, struct line *out)
{
	const char *eol = *text < end ? memchr(*text, '\n', (size_t)(end - *text)) : NULL;

	if (!eol)
		return 0;
	*out = (struct line){*text, eol};
	*text = eol + 1;
	return 1;
}

/* " 10 misc": blanks, a number, a blank, a name. */
static int put_if(const struct line *l, unsigned int number, crfd_buf *out)
{
	const char *p = l->p, *gap;
	uint64_t v;

	while (p < l->end && *p == ' ')
		p++;
	gap = memchr(p, ' ', (size_t)(l->end - p));
	if (!gap || gap + 1 == l->end || crfd_number(p, (size_t)(gap - p), 10, UINT32_MAX, &v) < 0 || v != number)
		return 0;
	if (out->nr)
		crfd_buf_put(out, ",", 1);
	return crfd_buf_put(out, gap + 1, (size_t)(l->end - gap - 1));
}

/* drivers/char/misc.c, misc_seq_show() */
int crfd_misc_find(const char *text, size_t n, unsigned int minor, crfd_buf *out)
{
	const char *end = text + n;
	struct line l;
	int rc = 0;

	while (rc >= 0 && next_line(&text, end, &l))
		rc = put_if(&l, minor, out);
	return rc;
}

/* fs/proc/devices.c: two parts, each with its heading. */
int crfd_devices_find(const char *text, size_t n, int block, unsigned int major, crfd_buf *out)
{
	static const char heading[] = "Block devices:";
	const char *end = text + n;
	int in_block = 0, rc = 0;
	struct line l;

	while (rc >= 0 && next_line(&text, end, &l)) {
		if ((size_t)(l.end - l.p) == sizeof(heading) - 1 && !memcmp(l.p, heading, sizeof(heading) - 1))
			in_block = 1;
		else if (in_block == block)
			rc = put_if(&l, major, out);
	}
	return rc;
}
