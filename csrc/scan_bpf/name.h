/* SPDX-License-Identifier: MIT */
/* The text of a descriptor, as readlink(2) gives it, put together from what the walk wrote. Pure. */
#ifndef CRFD_BPF_NAME_H
#define CRFD_BPF_NAME_H

#include <linux/types.h>

#include "batch/batch.h"
#include "bpf/walk.h"

/*
 * Adds it to b's text, without the mark of a deleted name, and sets f's name, CRFD_HAS_PATH and CRFD_STAT_DELETED, or the step
 * that failed. r is what crfd_bpf_source_peek() gave. 0 or -ENOMEM.
 */
int crfd_bpf_name(const struct walk_fd *r, crfd_batch *b, crfd_fd *f);

#endif
