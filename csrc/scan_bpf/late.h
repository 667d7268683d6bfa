/* SPDX-License-Identifier: MIT */
/* A walk over the tasks of a batch that is filled, which gives them more records. */
#ifndef CRFD_BPF_LATE_H
#define CRFD_BPF_LATE_H

#include "scan_bpf/lane.h"

struct crfd_bpf_late {
	enum crfd_bpf_walk walk;
	int once; /* most of it is a process's: for its other threads /proc is asked */
	int tables; /* it is about a task's table, of which one of the tasks that share it tells */
	/* Appends what a record of the walk says to the batch's text, which t->ext ends. 0 or -errno. */
	int (*put)(struct crfd_bpf_lane *lane, const struct walk_fd *r, crfd_batch *b, crfd_task *t);
	/* The same at the end of a task: 1, or 0 where nothing of it counts, and /proc has to be asked. */
	int (*end)(struct crfd_bpf_lane *lane, const struct walk_end *r, crfd_batch *b, crfd_task *t);
	/* Asks /proc/PID, which dir is. 0 or -errno. */
	int (*ask)(struct crfd_bpf_looker *l, const struct crfd_procstat *stat, int dir, crfd_batch *b, crfd_task *t);
};

/* The tasks of b are the units. 0 or -errno. */
int crfd_bpf_late(struct crfd_bpf_lane *lane, const struct crfd_bpf_late *late, const struct crfd_bpf_unit *units, size_t n,
		  int together, crfd_batch *b);

#endif
