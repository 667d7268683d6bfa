/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* memmem */
#include "procfs/mountinfo.h"

#include <string.h>
#include <sys/sysmacros.h>

#include "base/buf.h"
#include "base/number.h"

/* "8:1" */
static int set_dev(const char *p, size_t n, uint64_t *out)
{
	const char *colon = memchr(p, ':', n);
	uint64_t maj, min;

	if (!colon || crfd_number(p, (size_t)(colon - p), 10, UINT32_MAX, &maj) < 0 ||
	    crfd_number(colon + 1, n - (size_t)(colon - p) - 1, 10, UINT32_MAX, &min) < 0)
		return 0;
	*out = makedev((unsigned int)maj, (unsigned int)min);
	return 1;
}

/* A field from p on, up to a blank. */
static size_t field(const char *p, const char *eol)
{
	const char *gap = memchr(p, ' ', (size_t)(eol - p));

	return (size_t)((gap ? gap : eol) - p);
}

/* A line behind its number: parent, device, …, " - ", type, source, options. Blanks in names are written \040. */
static int set_mount(const char *p, const char *eol, struct crfd_mount *out)
{
	const char *dash = memmem(p, (size_t)(eol - p), " - ", 3);
	const char *dev = memchr(p, ' ', (size_t)(eol - p));

	if (!dash || !dev || !set_dev(dev + 1, field(dev + 1, eol), &out->dev))
		return 0;
	out->type = dash + 3;
	out->type_len = field(out->type, eol);
	out->source = out->type + out->type_len + (out->type + out->type_len < eol);
	out->source_len = field(out->source, eol);
	return out->type_len > 0;
}

int crfd_mountinfo_find(const char *text, size_t n, int32_t mnt_id, struct crfd_mount *out)
{
	const char *end = text + n, *eol;

	for (; text < end; text = eol + 1) {
		const char *gap;
		uint64_t id;

		eol = memchr(text, '\n', (size_t)(end - text));
		if (!eol)
			break;
		gap = memchr(text, ' ', (size_t)(eol - text));
		if (!gap || crfd_number(text, (size_t)(gap - text), 10, INT32_MAX, &id) < 0 || (int32_t)id != mnt_id)
			continue;
		*out = (struct crfd_mount){.id = mnt_id};
		return set_mount(gap + 1, eol, out);
	}
	return 0;
}

size_t crfd_mountinfo_type(const char *text, size_t n, int32_t mnt_id, const char **out)
{
	struct crfd_mount m;

	if (!crfd_mountinfo_find(text, n, mnt_id, &m))
		return 0;
	*out = m.type;
	return m.type_len;
}

/* fs/proc_namespace.c, mangle(): a backslash and three digits in base 8. */
int crfd_mountinfo_unescape(const char *p, size_t n, crfd_buf *out)
{
	for (size_t i = 0; i < n; i++) {
		char byte = p[i];
		uint64_t v;

		if (byte == '\\' && n - i > 3 && crfd_number(p + i + 1, 3, 8, UINT8_MAX, &v) == 0) {
			byte = (char)v;
			i += 3;
		}
		crfd_buf_put(out, &byte, 1);
	}
	return out->failed;
}

int crfd_mountinfo_local(const char *text, size_t n, int32_t mnt_id)
{
	/*
	 * These keep their names in the dcache until they are unlinked: none of them revalidates its names elsewhere. proc
	 * drops the names of a task that is gone, and has none of its own that ends like the mark.
	 */
	static const char *const types[] = {"ext2", "ext3", "ext4", "xfs", "btrfs", "f2fs", "tmpfs", "devtmpfs", "ramfs",
					    "overlay", "hugetlbfs", "bcachefs", "jfs", "nilfs2", "erofs", "squashfs", "proc"};
	const char *type;
	size_t len = crfd_mountinfo_type(text, n, mnt_id, &type);

	for (size_t i = 0; len && i < sizeof(types) / sizeof(*types); i++)
		if (strlen(types[i]) == len && !memcmp(types[i], type, len))
			return 1;
	return 0;
}
