/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* memmem */
#include "procfs/mountinfo.h"

#include <string.h>

#include "base/number.h"

size_t crfd_mountinfo_type(const char *text, size_t n, int32_t mnt_id, const char **out)
{
	const char *end = text + n, *eol;

	for (; text < end; text = eol + 1) {
		const char *gap, *type;
		uint64_t id;

		eol = memchr(text, '\n', (size_t)(end - text));
		if (!eol)
			break;
		gap = memchr(text, ' ', (size_t)(eol - text));
		if (!gap || crfd_number(text, (size_t)(gap - text), 10, INT32_MAX, &id) < 0 || (int32_t)id != mnt_id)
			continue;
		type = memmem(text, (size_t)(eol - text), " - ", 3); /* blanks in paths are written \040 */
		gap = type ? memchr(type + 3, ' ', (size_t)(eol - type - 3)) : NULL;
		if (!gap)
			return 0;
		*out = type + 3;
		return (size_t)(gap - type - 3);
	}
	return 0;
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
