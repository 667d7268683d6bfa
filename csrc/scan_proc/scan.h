/* SPDX-License-Identifier: MIT */
/* A scan of the /proc backend: backend.c fills batches, and settle.c takes out of them what vanished meanwhile. */
#ifndef CRFD_PROC_SCAN_H
#define CRFD_PROC_SCAN_H

#include "batch/backend.h"
#include "identity/identity.h"
#include "procfs/held.h"
#include "procfs/mount_table.h"
#include "procfs/polls.h"
#include "scan_proc/readers.h"
#include "scan_proc/tasks.h"

#define CRFD_PROC_BATCH_TASKS 64

/* Each thread reads with one of these. */
struct crfd_proc_lane {
	struct crfd_proc_task held[CRFD_PROC_BATCH_TASKS];
	size_t unit[CRFD_PROC_BATCH_TASKS]; /* of held[i] */
	size_t nheld;
	struct crfd_numbers numbers;
	crfd_buf scratch;
	struct crfd_readers readers;
	struct crfd_holds holds;
	struct crfd_polls polls;
	struct crfd_mount_table mounts;
};

struct crfd_proc_scan {
	struct crfd_proc_units units;
	size_t next; /* unit */
	struct crfd_identities identities;
	struct crfd_proc_lane lane[CRFD_LANES];
	int nlanes;
	size_t max_held; /* by a lane */
	atomic_size_t carriers, max_carriers; /* whose directories are kept */
	int flags; /* CRFD_SCAN_* */
	crfd_filter_push push;
};

/* Returns the first task with the table that this one shares, whose entries stand for its own; NULL: it has a table of its own. */
static inline struct crfd_proc_unit *crfd_proc_first_of(struct crfd_proc_scan *s, const struct crfd_proc_unit *unit)
{
	return unit->table ? &s->units.v[unit->table - 1] : NULL;
}

/*
 * Ends the reading of the tasks that the lane holds: those of the batch from `task` on, whose descriptors are those from `end` on.
 * 0 or -errno.
 */
int crfd_proc_settle(struct crfd_proc_scan *s, struct crfd_proc_lane *l, crfd_batch *b, size_t task, uint64_t end);

#endif
