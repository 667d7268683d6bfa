/* SPDX-License-Identifier: MIT */
#ifndef CRFD_HELD_RECORD_H
#define CRFD_HELD_RECORD_H

#include <limits.h>

#include "base/base.h"
#include "batch/batch.h"
#include "format/format.h"
#include "procfs/deleted.h"

struct crfd_held_one {
	crfd_held r;
	char path[PATH_MAX];
	size_t len; /* of the path, which is written if r.st.known says so */
};

/* Takes what stat(2) says through a link of /proc; of the kernel's own files without names no more than an open one has. */
int crfd_held_look(int dir, const char *link, int named, crfd_fd_stat *st);
/* Finds its kind, and whether its name is gone: then the path loses the kernel's mark. 0 or -ENOMEM. */
int crfd_held_judge(struct crfd_deleted_memo *memo, int dir, struct crfd_held_one *one);
/* Returns 1 where it surely fails the conditions. */
int crfd_held_fails(const crfd_filter_push *push, const struct crfd_held_one *one);
/* Appends the record. 0, -ENOMEM or -EOVERFLOW. */
int crfd_held_put(const struct crfd_held_one *one, crfd_buf *out);

#endif
