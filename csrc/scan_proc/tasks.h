/* SPDX-License-Identifier: MIT */
/* Which tasks a /proc scan reads: those given, the threads that have a table of their own, and who shares one. */
#ifndef CRFD_TARGETS_H
#define CRFD_TARGETS_H

#include <stddef.h>
#include <stdint.h>

#include <stdatomic.h>

struct crfd_target {
	int32_t pid;
	uint8_t found; /* a thread that nobody named: gone without a word when it exits */
	atomic_uchar carried; /* of a table's first target: whether its entries are in the scan already */
	uint16_t pad;
	uint32_t table; /* 1 + index of the first target of a shared table, 0: its own */
};

struct crfd_targets {
	struct crfd_target *v;
	size_t nr, alloc;
};

/* Fills out (zeroed) from the n pids, in their order, each process followed by its threads. 0 or -errno. */
int crfd_targets_find(struct crfd_targets *out, const int32_t *pids, size_t n);
void crfd_targets_release(struct crfd_targets *t);

#endif
