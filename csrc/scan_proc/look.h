/* SPDX-License-Identifier: MIT */
#ifndef CRFD_PROC_LOOK_H
#define CRFD_PROC_LOOK_H

#include "scan_proc/proc.h"

/* A look at descriptor f of p, through r. */
struct crfd_proc_look {
	struct crfd_proc_reader *r;
	const struct crfd_proc_task *p;
	crfd_fd *f;
	struct crfd_fdinfo info;
	struct crfd_fd_name name;
	size_t len; /* of its text, 0: not known */
	uint64_t stat_ino;
	char number[12];
};

/*
 * Fills f from its fdinfo, link and statx; what is left of fdinfo is in r->info, and the name in r->name. f->fd turns negative, or
 * f->failed is set, where there is no more to be read. 0 or -errno of ours.
 */
int crfd_proc_look(struct crfd_proc_look *k);

#endif
