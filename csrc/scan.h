/* SPDX-License-Identifier: MIT */
#ifndef CRFD_SCAN_H
#define CRFD_SCAN_H

#include "crfd.h"

/*
 * One way of reading the kernel's descriptor tables.  open() and next() return 0 or a count >= 0, or -errno;
 * *state is written only when open() succeeds, and close() takes what open() gave.
 */
struct crfd_scan_ops {
	int (*open)(const int32_t *pids, size_t n, int threads, int still, void **state);
	int (*next)(void *state, crfd_batch *b);
	void (*close)(void *state);
};

extern const struct crfd_scan_ops crfd_scan_proc;
extern const struct crfd_scan_ops crfd_scan_bpf;

#endif
