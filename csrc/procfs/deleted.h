/* SPDX-License-Identifier: MIT */
/* A name may end like the kernel's mark of an unlinked file, and not be marked. */
#ifndef CRFD_DELETED_H
#define CRFD_DELETED_H

#include <stddef.h>
#include <stdint.h>

#include "format/format.h"

/* The memo keeps the mount whose type was last looked up. */
struct crfd_deleted_memo {
	int32_t mnt_id; /* -1: none */
	int local;
};

/* Returns 1 where the file system of a mount asks nobody else, 0, or -ENOMEM. dir is /proc/PID of a task that has the mount. */
int crfd_mount_is_local(struct crfd_deleted_memo *memo, int dir, int32_t mnt_id);
/*
 * Judges the name text[0..len), which ends in " (deleted)" although its file has links: 0 where that is the file's name, 1
 * where it is the mark of an unlinked one, -1 when it cannot be told without waiting for a file system, or -ENOMEM. dir is
 * /proc/PID of a task that has it open.
 */
int crfd_deleted(struct crfd_deleted_memo *memo, int dir, const char *text, size_t len, const crfd_fd_stat *st);

#endif
