/* SPDX-License-Identifier: MIT */
/* Whether a name that ends like the kernel's mark of an unlinked file is that mark. */
#ifndef CRFD_DELETED_H
#define CRFD_DELETED_H

#include <stddef.h>
#include <stdint.h>

#include "format/format.h"

/* The mount whose type was last looked up. */
struct crfd_deleted_memo {
	int32_t mnt_id; /* -1: none */
	int local;
};

/* Whether the file system of a mount that the task whose /proc/PID is dir has asks nobody else: 1, 0, or -ENOMEM. */
int crfd_mount_is_local(struct crfd_deleted_memo *memo, int dir, int32_t mnt_id);
/*
 * Whether the name text[0..len), which ends in " (deleted)" although its file has links, is that file's name (0) or the
 * mark of an unlinked one (1); -1 when it cannot be told without waiting for a file system, or -ENOMEM. dir is /proc/PID
 * of a task that has it open.
 */
int crfd_deleted(struct crfd_deleted_memo *memo, int dir, const char *text, size_t len, const crfd_fd_stat *st);

#endif
