/* SPDX-License-Identifier: MIT */
/* The scan's result: tasks, their descriptors, and one text arena for every name and extension record. */
#ifndef CRFD_BATCH_H
#define CRFD_BATCH_H

#include "base/base.h"
#include "format/format.h"

#include "batch/batch.cdef.h"

/* Forgets the content, keeps the memory. */
void crfd_batch_clear(crfd_batch *b);
/* Appends a zeroed task, its first_fd set; NULL when out of memory. The pointer is valid until the next call. */
crfd_task *crfd_batch_task(crfd_batch *b);
/* Appends n descriptors, counted to the last task, for the caller to set; NULL when out of memory. */
crfd_fd *crfd_batch_fds(crfd_batch *b, size_t n);
/* Copies descriptor `from`, with what the batch has of it elsewhere, over descriptor `to`. */
void crfd_batch_move(crfd_batch *b, uint64_t from, uint64_t to);
/* Copies n bytes to the text. 0, -ENOMEM or -EOVERFLOW. */
int crfd_batch_text(crfd_batch *b, const void *p, size_t n, crfd_span *out);
/*
 * The flags of a scan as its conditions make them: no second look, and not what is held without a descriptor, where that
 * surely fails.
 */
int crfd_scan_flags(const crfd_scan_options *options);

#endif
