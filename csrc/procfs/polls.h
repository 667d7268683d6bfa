/* SPDX-License-Identifier: MIT */
/* The threads of a task may wait for descriptors in poll(2) and its like. */
#ifndef CRFD_POLLS_H
#define CRFD_POLLS_H

#include "base/base.h"
#include "batch/batch.h"
#include "procfs/read.h"

/* Each thread reads with one of these, zeroed at the start. */
struct crfd_polls {
	struct crfd_numbers tids;
	crfd_buf memory; /* of the thread that is looked at: its array, or one of its sets */
	crfd_buf seen, then; /* what that thread does, before and after its memory is read */
	crfd_buf found; /* crfd_polled of the task */
	size_t left; /* bytes of memory that may still be read of the task */
};

void crfd_polls_release(struct crfd_polls *p);
/*
 * Appends TASK_POLLS and the POLLED records of the task whose /proc/PID is dir to t->ext, and lets that end the batch's text. A
 * task without a table of its own has none. 0 or -errno of ours, -EOVERFLOW.
 */
int crfd_task_polled(struct crfd_polls *p, int dir, const struct crfd_procstat *stat, crfd_buf *scratch, crfd_batch *b, crfd_task *t);

#endif
