/* SPDX-License-Identifier: MIT */
/* The files that a process has mapped, and one HELD record that is being made. */
#ifndef CRFD_MAPPED_H
#define CRFD_MAPPED_H

#include <limits.h>

#include "base/base.h"
#include "procfs/deleted.h"
#include "procfs/maps.h"

struct crfd_held_one {
	crfd_held r;
	char path[PATH_MAX];
	size_t len; /* of the path, which is written if r.st.known says so */
};

struct crfd_mapped_memo;

/* What one thread reads with. */
struct crfd_mapped {
	crfd_buf text; /* of maps */
	struct crfd_mapping *v;
	size_t nr, alloc;
	struct crfd_mapped_memo *memo; /* files that were looked at, NULL at the start */
};

void crfd_mapped_release(struct crfd_mapped *m);
/*
 * Appends a HELD record for each file that the task whose /proc/PID is dir has mapped. mnt_ns: the inode of its mount
 * namespace, 0 unknown. 0, -ENOMEM or -EOVERFLOW.
 */
int crfd_mapped_put(struct crfd_mapped *m, int dir, uint64_t mnt_ns, struct crfd_deleted_memo *deleted, crfd_buf *out);

/* What stat(2) says through a link of /proc; of the kernel's own files without names no more than an open one has. */
int crfd_held_look(int dir, const char *link, int named, crfd_fd_stat *st);
/* Finds its kind, and whether its name is gone: then the path loses the kernel's mark. 0 or -ENOMEM. */
int crfd_held_judge(struct crfd_deleted_memo *memo, int dir, struct crfd_held_one *one);
/* Appends the record. 0, -ENOMEM or -EOVERFLOW. */
int crfd_held_put(const struct crfd_held_one *one, crfd_buf *out);

#endif
