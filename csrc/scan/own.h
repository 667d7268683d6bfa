/* SPDX-License-Identifier: MIT */
/* The descriptors that a scan which looks at this very process finds there, and that are there for the scan alone. */
#ifndef CRFD_OWN_H
#define CRFD_OWN_H

#include "batch/batch.h"
#include "procfs/read.h"

struct crfd_own {
	int looks; /* one of the tasks is ours */
	struct crfd_numbers before; /* open when the scan began, what the core keeps for all scans left out */
};

/* To be asked before the scan opens anything. 0 or -ENOMEM. */
int crfd_own_find(struct crfd_own *own, const int32_t *pids, size_t n);
/* Drops from b what was opened since, and counts it in b->own. */
void crfd_own_drop(const struct crfd_own *own, crfd_batch *b);
void crfd_own_release(struct crfd_own *own);

#endif
