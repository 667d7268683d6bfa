/* SPDX-License-Identifier: MIT */
#ifndef CRFD_SCAN_H
#define CRFD_SCAN_H

#include "batch/batch.h"

#define CRFD_LANES 8 /* threads that fill batches at a time, at most */

/* A piece of a scan, as the backend likes to count. */
struct crfd_scan_job {
	size_t from, to;
};

/*
 * One way of reading the kernel's descriptor tables. Errors are -errno; *state is written only when open() succeeds, and
 * close() takes what open() gave. The jobs are claimed one after the other, and each may be filled by another lane.
 */
struct crfd_scan_ops {
	int (*open)(const int32_t *pids, size_t n, const crfd_scan_options *options, void **state);
	/* How many threads may fill at a time, at most CRFD_LANES; 0 where it is not worth one. */
	int (*lanes)(const void *state);
	/* Makes a lane ready, before it fills; lane 0 is. */
	int (*join)(void *state, int lane);
	/* The next job: 1, or 0 when there is none; -EAGAIN: none before one that is being filled has been finished. */
	int (*claim)(void *state, struct crfd_scan_job *job);
	/* Fills b, which stays empty if all of the job's tasks are gone. 0 or -errno. */
	int (*fill)(void *state, int lane, const struct crfd_scan_job *job, crfd_batch *b);
	/* What has to be done to the filled batches in their order, after each other; NULL: nothing. 0 or -errno. */
	int (*finish)(void *state, crfd_batch *b);
	void (*close)(void *state);
};

extern const struct crfd_scan_ops crfd_scan_proc;
extern const struct crfd_scan_ops crfd_scan_bpf;

#endif
