/* SPDX-License-Identifier: MIT */
/* Names that numbers have on this machine and while it runs: the drivers of devices, the command of a pidfd's process. */
#ifndef CRFD_NAMES_H
#define CRFD_NAMES_H

#include "batch/batch.h"
#include "kinds/detail.h"

/* One thread's means of finding them; zeroed at the start. */
struct crfd_names {
	crfd_buf devices, misc; /* /proc/devices, /proc/misc, read once */
	crfd_buf scratch;
	int read;
};

void crfd_names_release(struct crfd_names *n);
/* Says in d what the file that the task has as f is called by. 0 or -errno of ours (base/ours.h). */
int crfd_names_find(struct crfd_names *n, int32_t pid, const crfd_fd *f, struct crfd_detail *d);

#endif
