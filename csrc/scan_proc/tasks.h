/* SPDX-License-Identifier: MIT */
/* A /proc scan reads the tasks given, and the threads that have a table of their own; it is known which share one. */
#ifndef CRFD_PROC_TASKS_H
#define CRFD_PROC_TASKS_H

#include <stddef.h>
#include <stdint.h>

#include <stdatomic.h>

enum crfd_carried { CRFD_CARRIED_NOT, CRFD_CARRIED, CRFD_CARRIED_BY_JOB };

/*
 * A unit is a task that is to be read. A table that is shared is read of one task alone, its carrier. Who shares it is found
 * before anything is read, by numbers that may be other tasks' later: it is asked again when the entries of the carrier are to
 * stand for another's.
 */
struct crfd_proc_unit {
	int32_t pid;
	int32_t leader; /* of a thread that nobody named, which is gone without a word when it exits; 0: it was named */
	uint32_t table; /* 1 + index of the first unit of a shared table, 0: its own */
	/* of a table's first unit */
	atomic_int carried; /* enum crfd_carried: whether the entries are in the scan already; the carrier is told before */
	int32_t carrier; /* its pid */
	int carrier_dir; /* /proc/PID of it, bound to that very task, -1: none */
	uint32_t carrier_table; /* 1 + its index */
};

struct crfd_proc_units {
	struct crfd_proc_unit *v;
	size_t nr, alloc;
};

/* Fills out (zeroed) from the n pids, in their order, each process followed by its threads. 0 or -errno. */
int crfd_proc_units_find(struct crfd_proc_units *out, const int32_t *pids, size_t n);
void crfd_proc_units_release(struct crfd_proc_units *t);

#endif
