/* SPDX-License-Identifier: MIT */
#ifndef CRFD_SCAN_H
#define CRFD_SCAN_H

#include "batch/batch.h"

#define CRFD_LANES 8 /* threads that fill batches at a time, at most */

/* A job is a piece of a scan; the backend numbers them as it likes. */
struct crfd_scan_job {
	size_t from, to;
};

/*
 * One way of reading the kernel's descriptor tables. Errors are -errno; *state is written only when open() succeeds, and
 * close() takes what open() gave. The jobs are claimed one after the other, and each may be filled by another lane.
 */
struct crfd_scan_ops {
	int (*open)(const int32_t *pids, size_t n, const crfd_scan_options *options, void **state);
	/* Returns how many threads may fill at a time, at most CRFD_LANES; 0 where it is not worth one. */
	int (*lanes)(const void *state);
	/* Makes a lane ready before it fills; lane 0 is ready from the start. */
	int (*join)(void *state, int lane);
	/*
	 * Claims the next job: 1, or 0 when there is none; -EAGAIN: there is none before one that is being filled has been
	 * finished.
	 */
	int (*claim)(void *state, struct crfd_scan_job *job);
	/* Fills b, which stays empty if all of the job's tasks are gone. 0 or -errno. */
	int (*fill)(void *state, int lane, const struct crfd_scan_job *job, crfd_batch *b);
	/* Completes the filled batches in their order, one after the other; NULL: there is nothing to do. 0 or -errno. */
	int (*finish)(void *state, crfd_batch *b);
	void (*close)(void *state);
};

extern const struct crfd_scan_ops crfd_scan_proc;
extern const struct crfd_scan_ops crfd_scan_bpf;

#endif
