/* SPDX-License-Identifier: MIT */
/* A task's files were opened through these mounts, which an image still tells elsewhere. */
#ifndef CRFD_MOUNT_TABLE_H
#define CRFD_MOUNT_TABLE_H

#include "batch/batch.h"

struct crfd_mount_told {
	int32_t mnt_id;
	uint32_t pad;
	uint64_t ns; /* inode of the mount namespace where it is not listed, where there is no record */
	crfd_span rec; /* TASK_MOUNT, len 0: none */
};

/* One thread's means of finding them, zeroed at the start. The kernel gives one number to no two mounts, in any namespace. */
struct crfd_mount_table {
	struct crfd_mount_told *v;
	size_t nr, alloc;
	crfd_buf recs; /* the records found */
	crfd_buf scratch;
	int32_t *wanted; /* of the task at hand */
	size_t nwanted, wanted_alloc;
};

void crfd_mount_table_release(struct crfd_mount_table *m);
/*
 * Appends TASK_MOUNT records to t->ext, which must still end the batch's text: of the mounts of its descriptors that have
 * paths and that its /proc/PID/mountinfo lists. 0 or -errno of ours (base/ours.h).
 */
int crfd_task_mounts(struct crfd_mount_table *m, crfd_batch *b, crfd_task *t);

#endif
