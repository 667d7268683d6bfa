/* SPDX-License-Identifier: MIT */
/* The BPF backend leaves to /proc who a task is, and the second look at its table. */
#ifndef CRFD_BPF_TASK_RECORDS_H
#define CRFD_BPF_TASK_RECORDS_H

#include "procfs/held.h"
#include "procfs/mount_table.h"
#include "procfs/polls.h"
#include "scan_bpf/tasks.h"
#include "scan_proc/proc.h"

struct crfd_bpf_looker {
	crfd_bpf *bpf;
	crfd_buf *scratch;
	struct crfd_numbers numbers;
	int flags; /* CRFD_SCAN_* */
	struct crfd_holds holds;
	struct crfd_polls polls;
	struct crfd_mount_table mounts;
};

/*
 * Looks at the numbers of its table a second time, in /proc/PID, which is dir, where a walk cannot; looked: l->numbers are those
 * already. 0 or -errno.
 */
int crfd_bpf_look(struct crfd_bpf_looker *l, const struct crfd_bpf_unit *unit, int dir, int looked, crfd_batch *b, crfd_task *t);
/* Gives t, the batch's last task, its extension records when its descriptors have been read. 0 or -errno. */
int crfd_bpf_task_records(struct crfd_bpf_looker *l, const struct crfd_bpf_unit *unit, crfd_batch *b, crfd_task *t);
/* Gives the tasks of the batch the records of what their threads wait for, when all else has been read. 0 or -errno. */
int crfd_bpf_polled(struct crfd_bpf_looker *l, crfd_batch *b);

#endif
