/* SPDX-License-Identifier: MIT */
#ifndef CRFD_MAPPED_H
#define CRFD_MAPPED_H

#include "base/base.h"
#include "procfs/held_record.h"
#include "procfs/maps.h"

struct crfd_mapped_memo;

/* Each thread reads with one of these. */
struct crfd_mapped {
	crfd_buf text; /* of maps */
	struct crfd_mapping *v;
	size_t nr, alloc;
	struct crfd_mapped_memo *memo; /* files that were looked at, NULL at the start */
};

void crfd_mapped_release(struct crfd_mapped *m);
/*
 * Appends a HELD record for each file that the task whose /proc/PID is dir has mapped. mnt_ns: the inode of its mount
 * namespace, 0 unknown. push as in crfd_holds. 0, -ENOMEM or -EOVERFLOW.
 */
int crfd_mapped_put(struct crfd_mapped *m, int dir, uint64_t mnt_ns, struct crfd_deleted_memo *deleted,
		    const crfd_filter_push *push, crfd_buf *out);

#endif
