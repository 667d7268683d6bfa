/* SPDX-License-Identifier: MIT */
/*
 * The threads that read the descriptors of a batch.
 *
 *   fd[]    [ task 1: 0 1 2 5 | task 2: 0 1 2 … 1400          | task 3: 0 ]
 *   items   [ reader 0        | reader 1 | reader 0 | reader 1 | reader 1 ]    taken from the left by whoever is free
 *
 * Reader 0 is the caller and writes names straight to the batch's text; the others' texts are put behind it.
 */
#ifndef CRFD_READERS_H
#define CRFD_READERS_H

#include "batch/batch.h"
#include "scan_proc/proc.h"

struct crfd_readers_item;

struct crfd_readers {
	struct crfd_proc_reader *v;
	uint32_t nr;
	struct crfd_readers_item *items;
	size_t nitems, item_alloc;
};

/* Up to `threads` readers; inferred as in crfd_identity_key, flags (CRFD_SCAN_*) and push of the scan. */
int crfd_readers_init(struct crfd_readers *r, int threads, int inferred, int flags, const crfd_filter_push *push);
void crfd_readers_release(struct crfd_readers *r);
/* Orders the nr descriptors of a task from fd[first] on. The task must stay open until the run is over. */
int crfd_readers_add(struct crfd_readers *r, const struct crfd_proc_task *p, uint64_t first, uint64_t nr);
/* Reads all that was ordered into fd[] and the keys of it into ident[]; the orders are then done. */
int crfd_readers_run(struct crfd_readers *r, crfd_batch *b);

#endif
