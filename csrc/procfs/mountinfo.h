/* SPDX-License-Identifier: MIT */
/* The text of /proc/PID/mountinfo (proc_pid_mountinfo(5)). Pure. */
#ifndef CRFD_MOUNTINFO_H
#define CRFD_MOUNTINFO_H

#include <stddef.h>
#include <stdint.h>

#include "base/base.h"

/* A mount of the text, which has the two names; the source as it is written there. */
struct crfd_mount {
	int32_t id;
	uint64_t dev; /* of the super block, as st_dev of stat(2) */
	const char *type, *source;
	size_t type_len, source_len;
};

/* Finds a mount in the text of /proc/PID/mountinfo. Returns 1, or 0 where it is not there. */
int crfd_mountinfo_find(const char *text, size_t n, int32_t mnt_id, struct crfd_mount *out);
/* Appends a name of the text with its \040 and their like as the bytes that they stand for. 0 or -ENOMEM. */
int crfd_mountinfo_unescape(const char *p, size_t n, crfd_buf *out);
/* Finds the file system type of a mount. Returns its length, 0 when it is not there. */
size_t crfd_mountinfo_type(const char *text, size_t n, int32_t mnt_id, const char **type);
/* Returns 1 where that type asks nobody else, or 0. */
int crfd_mountinfo_local(const char *text, size_t n, int32_t mnt_id);

#endif
