/* SPDX-License-Identifier: MIT */
/* The tasks of a scan, and who of them shares a table, are known before the first descriptor is read. */
#ifndef CRFD_BPF_TASKS_H
#define CRFD_BPF_TASKS_H

#include <linux/types.h>

#include "bpf/load.h"
#include "bpf/walk.h"
#include "scan_proc/proc.h"

/* A unit is a task that is to be read. */
struct crfd_bpf_unit {
	struct walk_task rec; /* tid alone where err is set */
	int32_t err;
	int32_t empty; /* has no descriptors, or its table's are with another task */
	uint64_t table; /* as crfd_task.table */
	uint64_t cgroups; /* as in a walk_begin, when the tasks were listed */
};

struct crfd_bpf_units {
	struct crfd_bpf_unit *v;
	size_t nr, alloc;
	int ascending; /* the processes, by number */
	int most; /* their tables are three quarters of all slots, or more; known when all were walked */
};

/*
 * The processes in the order given, each followed by its threads that have a table of their own; all of them by number
 * where crfd_bpf_selects() says no. all: from one walk over every task. 0 or -errno.
 */
int crfd_bpf_units_find(struct crfd_bpf_units *u, crfd_bpf *bpf, const int32_t *pids, size_t n, int all);
void crfd_bpf_units_release(struct crfd_bpf_units *u);
/* Returns 1 where the same task is still there, 0, or -errno. */
int crfd_bpf_unit_lives(const struct crfd_bpf_unit *unit, crfd_bpf *bpf);
/*
 * Appends the numbers that are open in its table now, ascending. 0 or -errno; -ENOENT where they are not to be had: it is
 * gone, or the table has more than WALK_SLOTS_MAX slots. Only where crfd_bpf_selects() says yes.
 */
int crfd_bpf_unit_numbers(const struct crfd_bpf_unit *unit, crfd_bpf *bpf, struct crfd_numbers *out);
/* Appends the numbers of a table whose slots are open: a bit each. 0 or -ENOMEM. */
int crfd_bpf_numbers_put(const void *open, uint32_t slots, struct crfd_numbers *out);
/* Fills a batch's task with what its descriptors do not say. */
void crfd_bpf_unit_task(const struct crfd_bpf_unit *unit, long clk_tck, crfd_task *t);

#endif
